//! Axes: from zero to a round number, with few round steps.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};

/// The most steps of an axis.
const STEPS_MOST: f64 = 4.0;

/// An axis from zero.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    /// Where it ends.
    pub(super) top: f64,
    /// How far its lines are apart.
    pub(super) step: f64,
}

impl Scale {
    /// Makes an axis that holds some values. A share that comes near the whole gets all of it.
    pub(super) fn holding(values: impl IntoIterator<Item = f64>, unit: Unit) -> Self {
        let greatest = values.into_iter().fold(0.0_f64, f64::max);
        if unit == Unit::Ratio && greatest > 0.5 && greatest <= 1.5 {
            return Self {
                top: (greatest / 0.25).ceil().max(4.0) * 0.25,
                step: 0.25,
            };
        }
        let greatest = if greatest > 0.0 { greatest } else { 1.0 };
        let mut step = round_step(greatest * 1.04 / STEPS_MOST);
        if matches!(unit, Unit::Count | Unit::Currency) {
            step = step.max(1.0).ceil();
        }
        let top = (greatest * 1.04 / step).ceil() * step;
        Self { top, step }
    }

    /// Where its lines are.
    pub(super) fn lines(&self) -> Vec<f64> {
        let mut lines = Vec::new();
        let mut at = 0_u8;
        while f64::from(at) * self.step <= self.top * 1.000_1 {
            lines.push(f64::from(at) * self.step);
            at += 1;
        }
        lines
    }

    /// Tells whether a value is on the axis.
    pub(super) fn holds(&self, value: f64) -> bool {
        value <= self.top
    }

    /// How far along the axis a value is, between 0 and 1.
    pub(super) fn share(&self, value: f64) -> f64 {
        (value / self.top).clamp(0.0, 1.0)
    }
}

fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    let found = steps.into_iter().find(|step| step * power >= least);
    found.unwrap_or(10.0) * power
}

/// A line's label.
pub(super) fn label(value: f64, unit: Unit) -> String {
    let (value, mark) = match unit {
        Unit::Ratio => (value * 100.0, "%"),
        _ => (value, ""),
    };
    let digits = usize::from((value - value.round()).abs() >= 1e-9);
    let text = format!("{value:.digits$}");
    let number = Fraction::parse_decimal(&text);
    let text = number.map_or(text, |number| crate::format::number(number, 1));
    format!("{text}{mark}")
}

/// The unit as an axis names it; a share is named at its lines.
pub(super) fn unit_name(unit: Unit, language: Language) -> String {
    let name = match unit {
        Unit::Ratio => Text::new("%", "%"),
        Unit::Count => Text::new("件・数", "count"),
        Unit::Hours => Text::new("時間", "hours"),
        Unit::Days => Text::new("日", "days"),
        Unit::PersonHours => Text::new("人時", "person-hours"),
        Unit::Score => Text::new("点", "points"),
        Unit::Currency => Text::new("金額", "amount"),
    };
    name.get(language).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_starts_at_zero_and_ends_at_a_round_number() {
        let hours = Scale::holding([52.0, 31.5], Unit::Hours);
        assert_eq!(hours.lines(), vec![0.0, 20.0, 40.0, 60.0]);
        let share = Scale::holding([0.94, 0.97], Unit::Ratio);
        assert_eq!(share.lines(), vec![0.0, 0.25, 0.5, 0.75, 1.0]);
        let above = Scale::holding([1.04, 0.9], Unit::Ratio);
        assert_eq!(above.lines().last(), Some(&1.25));
        let small = Scale::holding([0.072], Unit::Ratio);
        assert_eq!(label(small.top, Unit::Ratio), "8%");
        let nothing = Scale::holding([], Unit::Count);
        assert_eq!(nothing.lines(), vec![0.0, 1.0, 2.0]);
    }

    #[test]
    fn labels_are_in_the_readers_form() {
        assert_eq!(label(0.25, Unit::Ratio), "25%");
        assert_eq!(label(1500.0, Unit::Count), "1,500");
        assert_eq!(label(2.5, Unit::Hours), "2.5");
    }
}
