//! Measurements as a JSON array of objects.

use keiki_model::judgement::Judgement;
use keiki_model::measurement::Measurement;
use keiki_model::standing::KpiStatuses;
use keiki_model::statement::Place;
use serde_json::{Value, json};

use crate::scorecard::Point;

/// Gives the measurements as data, in their order. *Units*: ratios 0..=1; unknown is null.
#[must_use]
pub fn measurements(measurements: &[Measurement]) -> Value {
    with_trends(measurements, &[], &[])
}

/// Gives a measurement as data, with how its KPI stands as one thing under `kpi_status`.
#[must_use]
pub fn with_kpi(measurement: &Measurement, of_kpis: &KpiStatuses<'_>) -> Value {
    let mut data = measurement.to_json();
    data["kpi_status"] = json!(of_kpis.of(measurement));
    data
}

/// Gives the measurements as data, with what the values of some of them say together under `judgement`: those of KPI, indicator and
/// org unit; and with how each one's KPI stands, by all measurements of the statement.
#[must_use]
pub fn judged(
    measurements: &[Measurement],
    judgements: &[(Place, Judgement)],
    of_kpis: &KpiStatuses<'_>,
) -> Value {
    let one = |measurement: &Measurement| {
        let mut data = with_kpi(measurement, of_kpis);
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
    let of_kpis = KpiStatuses::new(measurements);
    let one = |(at, measurement): (usize, &Measurement)| {
        let mut data = with_kpi(measurement, &of_kpis);
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
