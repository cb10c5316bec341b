//! A judgement as data, by the names that data has everywhere.

use serde_json::{Value, json};

use super::{Change, Forecast, Judgement, Pace, Trend, Yardstick};
use crate::fraction::Fraction;
use crate::measurement::DATA_DIGITS;

impl Judgement {
    /// The judgement as data. *Units*: ratios 0..=1, others as the measurement's; what cannot be told is null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "previous": self.previous.as_ref().map(change),
            "year_before": self.year_before.as_ref().map(change),
            "trend": self.trend.as_ref().map(trend),
            "pace": self.pace.as_ref().map(pace),
            "forecast": self.forecast.as_ref().map(forecast),
        })
    }
}

fn number(value: Fraction) -> Value {
    serde_json::from_str(&value.to_short_decimal(DATA_DIGITS)).unwrap_or(Value::Null)
}

fn optional(value: Option<Fraction>) -> Value {
    value.map_or(Value::Null, number)
}

fn change(change: &Change) -> Value {
    let (interval, usual_movement_limit) = match change.yardstick {
        Yardstick::Interval { low, high } => (json!([low, high]), Value::Null),
        Yardstick::UsualMovement { limit } => (Value::Null, json!(limit)),
        Yardstick::Nothing => (Value::Null, Value::Null),
    };
    json!({
        "against": change.against,
        "by": number(change.by),
        "interval": interval,
        "usual_movement_limit": usual_movement_limit,
        "verdict": change.verdict,
    })
}

fn trend(trend: &Trend) -> Value {
    json!({
        "since": trend.since,
        "n": trend.n,
        "slope_per_period": trend.slope_per_period,
        "interval": [trend.interval.0, trend.interval.1],
        "probability": trend.probability,
        "verdict": trend.verdict,
    })
}

fn pace(pace: &Pace) -> Value {
    json!({
        "due_on": pace.due_on,
        "periods_left": pace.periods_left,
        "by_now": optional(pace.by_now),
        "ahead_by": optional(pace.ahead_by),
        "needed_per_period": optional(pace.needed_per_period),
        "brought_per_period": optional(pace.brought_per_period),
    })
}

fn forecast(forecast: &Forecast) -> Value {
    let step =
        |(value, low, high): &(f64, f64, f64)| json!({ "value": value, "interval": [low, high] });
    json!({
        "on": forecast.on,
        "periods_ahead": forecast.periods_ahead,
        "n": forecast.n,
        "value": forecast.value,
        "interval": [forecast.interval.0, forecast.interval.1],
        "path": forecast.path.iter().map(step).collect::<Vec<_>>(),
        "model": forecast.model,
        "outlook": forecast.outlook,
    })
}
