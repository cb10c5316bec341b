//! Measurements as a JSON array of objects.

use std::collections::HashMap;

use keiki_model::judgement::Judgement;
use keiki_model::measurement::Measurement;
use keiki_model::statement::Place;
use keiki_model::status::Status;
use serde_json::{Value, json};

use crate::scorecard::Point;

/// Gives the measurements as data, in their order. *Units*: ratios 0..=1; unknown is null.
#[must_use]
pub fn measurements(measurements: &[Measurement]) -> Value {
    with_trends(measurements, &[], &[])
}

/// Gives the measurements as data, with what the values of some of them say together under `judgement`: those of KPI, indicator and
/// org unit.
#[must_use]
pub fn judged(measurements: &[Measurement], judgements: &[(Place, Judgement)]) -> Value {
    let one = |measurement: &Measurement| {
        let mut data = measurement.to_json();
        let found = judgements.iter().find(|((no, indicator, org_unit), _)| {
            *no == measurement.no
                && *indicator == measurement.indicator
                && *org_unit == measurement.org_unit
        });
        if let Some((_, judgement)) = found {
            data["judgement"] = judgement.to_json();
        }
        data
    };
    Value::Array(measurements.iter().map(one).collect())
}

/// Gives the measurements as data, each with its trend where there are any: under `trend` a list of `period`, `value`,
/// `revision` (of the closed statement that reported it first; null where the period is not closed), `restated` (a later revision
/// and its value, where that is another; else null) and `reference`; and under `judgement` what they say
/// together. `kpi_status` is the worst status of the KPI's own figures among them, for the same org unit and period.
#[must_use]
pub fn with_trends(
    measurements: &[Measurement],
    trends: &[Vec<Point>],
    judgements: &[Judgement],
) -> Value {
    let of_kpis = kpi_statuses(measurements);
    let one = |(at, measurement): (usize, &Measurement)| {
        let mut data = measurement.to_json();
        data["kpi_status"] = json!(of_kpis.get(&place(measurement)));
        if let Some(points) = trends.get(at) {
            data["trend"] = json!(points);
        }
        if let Some(judgement) = judgements.get(at) {
            data["judgement"] = judgement.to_json();
        }
        data
    };
    Value::Array(measurements.iter().enumerate().map(one).collect())
}

/// A KPI, an org unit and a period.
type OfKpi<'m> = (u32, &'m str, &'m str);

fn place(measurement: &Measurement) -> OfKpi<'_> {
    (measurement.no, &measurement.org_unit, &measurement.period)
}

fn kpi_statuses(measurements: &[Measurement]) -> HashMap<OfKpi<'_>, Status> {
    let mut found: HashMap<OfKpi<'_>, Status> = HashMap::new();
    for one in measurements.iter().filter(|one| !one.is_companion) {
        let so_far = found.get(&place(one)).copied();
        let worst = Status::worst(so_far.into_iter().chain([one.status]));
        found.extend(worst.map(|worst| (place(one), worst)));
    }
    found
}
