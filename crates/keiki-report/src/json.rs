//! Measurements as a JSON array of objects, each of which is made when it is written: as data they take many times the room.

use keiki_model::judgement::Judgement;
use keiki_model::measurement::Measurement;
use keiki_model::standing::KpiStatuses;
use keiki_model::statement::Place;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::scorecard::Point;

/// Gives the measurements as data, in their order. *Units*: ratios 0..=1; unknown is null.
#[must_use]
pub fn measurements(measurements: &[Measurement]) -> impl Serialize {
    with_trends(measurements, &[], &[])
}

/// A list whose items are made while it is written.
struct Each<F> {
    count: usize,
    make: F,
}

impl<F: Fn(usize) -> Value> Serialize for Each<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((0..self.count).map(&self.make))
    }
}

/// An object one of whose fields is made while it is written.
pub struct With<'w, T> {
    /// The object.
    pub object: &'w Value,
    /// The field, which the object has, and what it is.
    pub field: (&'static str, T),
}

impl<T: Serialize> Serialize for With<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(fields) = self.object.as_object() else {
            return self.object.serialize(serializer);
        };
        let (field, made) = &self.field;
        let mut map = serializer.serialize_map(Some(fields.len()))?;
        for (name, value) in fields {
            if name == field {
                map.serialize_entry(name, made)?;
            } else {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
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
) -> impl Serialize {
    let one = move |at: usize| {
        let measurement = &measurements[at];
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
    Each {
        count: measurements.len(),
        make: one,
    }
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
) -> impl Serialize {
    let of_kpis = KpiStatuses::new(measurements);
    let one = move |at: usize| {
        let mut data = with_kpi(&measurements[at], &of_kpis);
        if let Some(points) = trends.get(at) {
            data["trend"] = json!(points);
        }
        if let Some(judgement) = judgements.get(at) {
            data["judgement"] = judgement.to_json();
        }
        data
    };
    Each {
        count: measurements.len(),
        make: one,
    }
}
