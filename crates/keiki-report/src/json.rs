//! Measurements as a JSON array of objects.

use keiki_model::measurement::Measurement;
use serde_json::Value;

/// Gives the measurements as data, in their order. *Units*: ratios 0..=1; unknown is null.
#[must_use]
pub fn measurements(measurements: &[Measurement]) -> Value {
    Value::Array(measurements.iter().map(Measurement::to_json).collect())
}
