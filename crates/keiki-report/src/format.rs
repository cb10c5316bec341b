//! Figures in the reader's words: percent, hours, days, counts, with separators and a real minus sign.

use keiki_model::calendar::{date_of, parse_day};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Target, Unit};
use keiki_model::text::{Language, Text};

/// Stands where there is no figure.
pub const NOTHING: &str = "–";

/// Most digits that a percentage takes so as not to read as a whole that it is not.
const PERCENT_DIGITS_MOST: u32 = 6;

/// Writes a value in its unit. *Units*: ratios as percent with one decimal (two below one percent), or as many as it takes that
/// a share short of all never reads as all, nor one above none as none.
#[must_use]
pub fn figure(value: Fraction, unit: Unit, language: Language) -> String {
    match unit {
        Unit::Ratio => with_unit(&percent(value), "%", "%", language),
        Unit::Count | Unit::Score => number(value, 2),
        Unit::Hours => with_unit(&rounded(value, 1), "時間", "h", language),
        Unit::Days => with_unit(&number(value, 1), "日", days_word(value), language),
        Unit::PersonHours => with_unit(&rounded(value, 1), "人時", "person-h", language),
        Unit::Currency => number(value, 0),
    }
}

/// Writes a value or, where there is none, a dash.
#[must_use]
pub fn optional_figure(value: Option<Fraction>, unit: Unit, language: Language) -> String {
    value.map_or_else(|| NOTHING.to_owned(), |value| figure(value, unit, language))
}

/// Writes how far a value moved, with its sign. *Units*: ratios in percentage points.
#[must_use]
pub fn difference(value: Fraction, unit: Unit, language: Language) -> String {
    let is_up = value > Fraction::whole(0);
    let sign = if is_up { "+" } else { "" };
    let text = match unit {
        Unit::Ratio => {
            let points = value.times(Fraction::whole(100)).unwrap_or(value);
            // Below a tenth of a point, a single decimal would say that nothing moved.
            let tenth = Fraction::new(1, 10).unwrap_or(points);
            let back = points.times(Fraction::whole(-1)).unwrap_or(points);
            let is_small = points < tenth && back < tenth;
            let digits = if is_small && points != Fraction::whole(0) {
                2
            } else {
                1
            };
            with_unit(&rounded(points, digits), "ポイント", "pt", language)
        }
        _ => figure(value, unit, language),
    };
    // What rounds to nothing has no sign.
    if !text.contains(|c| matches!(c, '1'..='9')) {
        return text.trim_start_matches('\u{2212}').to_owned();
    }
    format!("{sign}{text}")
}

/// Writes an approximation as figures are written.
#[must_use]
pub fn approximate(value: f64, unit: Unit, language: Language) -> String {
    let value = match unit {
        Unit::Count if value.abs() >= 10.0 => value.round(),
        Unit::Count => (value * 10.0).round() / 10.0,
        _ => value,
    };
    optional_figure(fraction(value), unit, language)
}

/// Writes an approximate movement, with its sign.
#[must_use]
pub fn approximate_difference(value: f64, unit: Unit, language: Language) -> String {
    let written = fraction(value).map(|value| difference(value, unit, language));
    written.unwrap_or_else(|| NOTHING.to_owned())
}

/// Writes how large an approximate movement is, without its sign.
#[must_use]
pub fn approximate_movement(value: f64, unit: Unit, language: Language) -> String {
    let written = approximate_difference(value.abs(), unit, language);
    written.trim_start_matches('+').to_owned()
}

/// An approximation in whole billionths, which is finer than anything is written; large ones in whole numbers.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what is written has few digits; a number out of range becomes the end of the range"
)]
fn fraction(value: f64) -> Option<Fraction> {
    const BILLION: i128 = 1_000_000_000;
    if !value.is_finite() {
        return None;
    }
    if value.abs() < 1e15 {
        return Fraction::new((value * 1e9).round() as i128, BILLION);
    }
    Some(Fraction::whole(value.round() as i128))
}

/// Writes a day, given as data writes it: in Japanese `2026年10月5日`, in English as it is.
#[must_use]
pub fn day(on: &str, language: Language) -> String {
    match (language, parse_day(on)) {
        (Language::Ja, Some(day)) => {
            let date = date_of(day);
            format!("{}年{}月{}日", date.year(), date.month(), date.day())
        }
        _ => on.to_owned(),
    }
}

/// Writes a day, or a day with a time, as the reader writes it; any other text as it is.
#[must_use]
pub fn moment(text: &str, language: Language) -> String {
    match text.split_once(' ') {
        Some((on, time)) if parse_day(on).is_some() => format!("{} {time}", day(on, language)),
        _ => day(text, language),
    }
}

/// From this on, a scorecard tells what stands above and below the line in millions.
const MILLIONS_FROM: i128 = 10_000_000;

/// Writes a number for a narrow column: exact up to ten million, in millions with two decimals from there.
#[must_use]
pub fn compact(value: Fraction, unit: Unit, language: Language) -> String {
    let is_large = value >= Fraction::whole(MILLIONS_FROM) && unit.divisor() == 1;
    match value.divided_by(1_000_000).filter(|_| is_large) {
        Some(millions) => {
            let word = Text::new("百万", "M");
            format!("{}{}", number(millions, 2), word.get(language))
        }
        None => part(value, unit),
    }
}

/// Writes a sum of values, durations in the indicator's unit, or, where there is none, a dash.
#[must_use]
pub fn optional_sum(value: Option<Fraction>, unit: Unit, language: Language) -> String {
    let in_unit = value.and_then(|value| value.divided_by(unit.divisor()));
    optional_figure(in_unit, unit, language)
}

/// Writes what stands above or below the line of a ratio or mean: durations in the indicator's unit, all else as counted.
#[must_use]
pub fn part(value: Fraction, unit: Unit) -> String {
    let value = value.divided_by(unit.divisor()).unwrap_or(value);
    number(value, if unit.divisor() == 1 { 2 } else { 1 })
}

/// Writes a target with its bound.
#[must_use]
pub fn target(target: Target, unit: Unit, language: Language) -> String {
    let bound = |value: Fraction| match unit {
        Unit::Ratio => with_unit(
            &scaled_percent(value).map_or_else(String::new, |p| number(p, 4)),
            "%",
            "%",
            language,
        ),
        _ => figure(value, unit, language),
    };
    match (target.at_least, target.at_most) {
        (Some(least), Some(most)) => format!("{}–{}", bound(least), bound(most)),
        (Some(least), None) => format!("≥ {}", bound(least)),
        (None, Some(most)) => format!("≤ {}", bound(most)),
        (None, None) => NOTHING.to_owned(),
    }
}

/// Writes a number with thousands separators and at most `digits` digits after the point.
#[must_use]
pub fn number(value: Fraction, digits: u32) -> String {
    separated(&value.to_short_decimal(digits))
}

/// Writes a count with thousands separators.
#[must_use]
pub fn count(value: i128) -> String {
    separated(&value.to_string())
}

fn rounded(value: Fraction, digits: u32) -> String {
    separated(&value.to_decimal(digits))
}

fn scaled_percent(value: Fraction) -> Option<Fraction> {
    value.times(Fraction::whole(100))
}

fn percent(value: Fraction) -> String {
    let Some(scaled) = scaled_percent(value) else {
        return NOTHING.to_owned();
    };
    // Below one percent, a single decimal would hide what the figure says.
    let is_small = scaled < Fraction::whole(1) && scaled > Fraction::whole(-1);
    let mut digits = if is_small && scaled != Fraction::whole(0) {
        2
    } else {
        1
    };
    loop {
        let text = scaled.to_decimal(digits);
        let shown = Fraction::parse_decimal(&text);
        let is_whole = shown == Some(Fraction::whole(100)) || shown == Some(Fraction::whole(0));
        if !is_whole || shown == Some(scaled) || digits >= PERCENT_DIGITS_MOST {
            return separated(&text);
        }
        digits += 1;
    }
}

fn days_word(value: Fraction) -> &'static str {
    if value == Fraction::whole(1) {
        "day"
    } else {
        "days"
    }
}

fn with_unit(figure: &str, ja: &str, en: &str, language: Language) -> String {
    match language {
        Language::Ja => format!("{figure}{ja}"),
        Language::En => format!("{figure} {en}"),
    }
}

fn separated(text: &str) -> String {
    let (sign, digits) = text
        .strip_prefix('-')
        .map_or(("", text), |rest| ("\u{2212}", rest));
    let (whole, rest) = digits
        .find('.')
        .map_or((digits, ""), |at| digits.split_at(at));
    let mut out = String::from(sign);
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(n: i128, d: i128) -> Fraction {
        Fraction::new(n, d).expect("the denominator is not zero")
    }

    #[test]
    fn a_ratio_is_shown_as_percent_in_both_languages() {
        assert_eq!(
            figure(fraction(1203, 1270), Unit::Ratio, Language::En),
            "94.7 %"
        );
        assert_eq!(
            figure(fraction(1203, 1270), Unit::Ratio, Language::Ja),
            "94.7%"
        );
    }

    #[test]
    fn a_ratio_moves_by_points() {
        let up = fraction(1, 4);
        assert_eq!(difference(up, Unit::Ratio, Language::En), "+25.0 pt");
        assert_eq!(difference(up, Unit::Ratio, Language::Ja), "+25.0ポイント");
        let little = fraction(-2, 10_000);
        assert_eq!(difference(little, Unit::Ratio, Language::En), "−0.02 pt");
        let nothing = fraction(0, 1);
        assert_eq!(difference(nothing, Unit::Ratio, Language::En), "0.0 pt");
        for parts in [1, -1] {
            let tiny = fraction(parts, 1_000_000);
            assert_eq!(difference(tiny, Unit::Ratio, Language::En), "0.00 pt");
        }
        let down = fraction(-3, 1);
        assert_eq!(difference(down, Unit::Count, Language::En), "−3");
    }

    #[test]
    fn a_share_short_of_all_never_reads_as_all() {
        assert_eq!(
            figure(fraction(9_999, 10_000), Unit::Ratio, Language::En),
            "99.99 %"
        );
        assert_eq!(
            figure(fraction(1, 10_000), Unit::Ratio, Language::En),
            "0.01 %"
        );
        assert_eq!(
            figure(fraction(24, 7_520), Unit::Ratio, Language::En),
            "0.32 %"
        );
        assert_eq!(figure(fraction(1, 1), Unit::Ratio, Language::En), "100.0 %");
        assert_eq!(figure(fraction(0, 1), Unit::Ratio, Language::En), "0.0 %");
    }

    #[test]
    fn numbers_have_separators_and_a_real_minus_sign() {
        assert_eq!(count(-1_234_567), "−1,234,567");
        assert_eq!(number(fraction(123_456, 100), 2), "1,234.56");
        assert_eq!(
            figure(fraction(25, 2), Unit::Hours, Language::Ja),
            "12.5時間"
        );
        assert_eq!(part(fraction(90_000, 1), Unit::Hours), "25");
    }

    #[test]
    fn large_numbers_are_told_in_millions_where_room_is_scarce() {
        let amount = Fraction::whole(2_492_500_000);
        assert_eq!(compact(amount, Unit::Ratio, Language::En), "2,492.5M");
        assert_eq!(
            compact(Fraction::whole(7_520), Unit::Ratio, Language::Ja),
            "7,520"
        );
    }

    #[test]
    fn a_target_says_which_side_it_bounds() {
        let at_least = Target {
            at_least: Fraction::parse_decimal("0.0025"),
            at_most: None,
        };
        assert_eq!(target(at_least, Unit::Ratio, Language::En), "≥ 0.25 %");
        let at_most = Target {
            at_least: None,
            at_most: Fraction::parse_decimal("0.10"),
        };
        assert_eq!(target(at_most, Unit::Ratio, Language::Ja), "≤ 10%");
    }
}
