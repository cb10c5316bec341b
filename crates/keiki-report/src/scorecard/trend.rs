//! The values of a figure through several periods, drawn as steps, each with where it came from.

use keiki_model::fraction::Fraction;
use keiki_model::name::Name;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

/// Heights of a trend's steps, from the lowest to the highest.
const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Stands in a trend where there is no value.
const GAP: char = '·';

/// Digits after the point that data formats carry.
const DIGITS: u32 = keiki_model::measurement::DATA_DIGITS;

/// Where a value of a trend comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The period is not closed: it is what is known today.
    NotClosed,
    /// A closed statement of this revision.
    AsReported(u32),
}

/// A value of a trend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// The period as written.
    pub period: Name,
    /// The value; unknown is `None`.
    pub value: Option<Fraction>,
    /// Where it comes from.
    pub origin: Origin,
    /// The last revision and its value, where a later one says otherwise.
    pub restated: Option<(u32, Option<Fraction>)>,
    /// Whether it is a reference value, which is shown and never rolled up.
    pub is_reference: bool,
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = |value: Option<Fraction>| -> Value {
            let text = value.map(|value| value.to_short_decimal(DIGITS));
            text.and_then(|text| serde_json::from_str(&text).ok())
                .unwrap_or(Value::Null)
        };
        let revision = match self.origin {
            Origin::NotClosed => Value::Null,
            Origin::AsReported(revision) => revision.into(),
        };
        let point = json!({
            "period": self.period,
            "value": number(self.value),
            "revision": revision,
            "restated": self.restated.map(|(revision, value)| {
                json!({ "revision": revision, "value": number(value) })
            }),
            "reference": self.is_reference,
        });
        point.serialize(serializer)
    }
}

/// Draws values as steps between the least and the greatest of them; reference values stand in parentheses.
#[must_use]
pub fn trend(points: &[Point]) -> String {
    let known = || points.iter().filter_map(|point| point.value);
    let (least, span) = match (known().min(), known().max()) {
        (Some(least), Some(greatest)) => (least.to_f64(), greatest.to_f64() - least.to_f64()),
        _ => (0.0, 0.0),
    };
    let step = |point: &Point| {
        let Some(value) = point.value else { return GAP };
        if span <= 0.0 {
            return STEPS[3];
        }
        // A drawing, not a figure: an eighth of the way is as fine as it gets.
        let share = (value.to_f64() - least) / span * 8.0;
        let reached = (1_u8..8).filter(|at| share >= f64::from(*at)).count();
        STEPS[reached]
    };
    let runs = points.chunk_by(|a, b| a.is_reference == b.is_reference);
    let drawn = runs.map(|run| {
        let steps: String = run.iter().map(step).collect();
        if run[0].is_reference {
            format!("({steps})")
        } else {
            steps
        }
    });
    drawn.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(of: &[Option<i128>]) -> Vec<Point> {
        let point = |value: &Option<i128>| Point {
            period: "2026-09".into(),
            value: value.map(Fraction::whole),
            origin: Origin::NotClosed,
            restated: None,
            is_reference: false,
        };
        of.iter().map(point).collect()
    }

    #[test]
    fn a_trend_runs_from_its_least_to_its_greatest_value() {
        assert_eq!(trend(&points(&[Some(0), Some(4), Some(8)])), "▁▅█");
    }

    #[test]
    fn what_is_missing_is_a_gap_and_what_stays_is_level() {
        assert_eq!(trend(&points(&[None, Some(5), Some(5)])), "·▄▄");
        assert_eq!(trend(&points(&[None, None])), "··");
    }

    #[test]
    fn reference_values_stand_in_parentheses() {
        let mut all = points(&[Some(0), Some(4), Some(8)]);
        all[0].is_reference = true;
        all[1].is_reference = true;
        assert_eq!(trend(&all), "(▁▅)█");
    }

    #[test]
    fn a_point_says_in_data_where_it_comes_from() {
        let mut point = points(&[Some(1)]).swap_remove(0);
        point.origin = Origin::AsReported(0);
        point.is_reference = true;
        point.restated = Some((2, Some(Fraction::whole(3))));
        let shown = serde_json::to_value(&point).expect("it is data");
        assert_eq!(
            shown,
            json!({
                "period": "2026-09", "value": 1, "revision": 0, "reference": true,
                "restated": { "revision": 2, "value": 3 }
            })
        );
    }
}
