//! Measurements as a JSON array of objects.

use keiki_model::judgement::Judgement;
use keiki_model::measurement::Measurement;
use keiki_model::statement::Place;
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
/// together.
#[must_use]
pub fn with_trends(
    measurements: &[Measurement],
    trends: &[Vec<Point>],
    judgements: &[Judgement],
) -> Value {
    let one = |(at, measurement): (usize, &Measurement)| {
        let mut data = measurement.to_json();
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
