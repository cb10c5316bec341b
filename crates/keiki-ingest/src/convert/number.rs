//! Reads whole numbers and decimals exactly; what is not exact is no number.
//!
//! Full-width digits and signs are read like others. Everything else that people write into numbers
//! (separators, percent and currency signs, brackets, units) is read where the source states it, and
//! else refused with the key that would state it: `1,234` is one number in Tokyo and another in
//! Berlin.

use std::borrow::Cow;

use super::{Why, why};
use crate::format::{Negative, Numbers, Percent};

/// Reads a decimal of at most `precision` digits as a number of units of `scale` digits after the
/// point.
///
/// Zeros behind the last digit of the scale lose nothing and are accepted; any other digit there is
/// refused.
///
/// # Errors
/// It is no number as the source writes them, or has more digits than the type.
pub(crate) fn decimal(
    text: &str,
    precision: u8,
    scale: i8,
    numbers: &Numbers,
) -> Result<i128, Why> {
    if numbers.decimal.is_none()
        && numbers.unit.is_none()
        && let Some(value) = short(text.as_bytes(), scale)
    {
        return match i128::from(value) {
            value if value < power_of_ten(precision) => Ok(value),
            _ => Err(TOO_LARGE),
        };
    }
    let written = Written::of(text, numbers)?;
    let plain = written.digits.as_bytes();
    let point = plain.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&plain[..at], &plain[at + 1..]),
        None => (plain, &[][..]),
    };
    let is_number = !whole.is_empty()
        && (point.is_none() || !fraction.is_empty())
        && whole.iter().chain(fraction).all(u8::is_ascii_digit);
    if !is_number {
        return Err(reason(text));
    }
    let zeros = fraction.iter().rev().take_while(|digit| **digit == b'0');
    let fraction = &fraction[..fraction.len() - zeros.count()];
    let mut value: i128 = 0;
    for digit in whole.iter().chain(fraction) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or(TOO_LARGE)?;
    }
    let value = moved(
        value,
        i64::from(scale) + i64::from(written.exponent),
        fraction.len(),
    )?;
    if value >= power_of_ten(precision) {
        return Err(TOO_LARGE);
    }
    Ok(if written.is_negative { -value } else { value })
}

/// Reads the usual case without the detour over 128 bits: few digits without a sign, no more of them behind the point than the
/// scale has.
fn short(text: &[u8], scale: i8) -> Option<i64> {
    const MOST_DIGITS: usize = 18;
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(at) => (&text[..at], text.get(at + 1..).filter(|f| !f.is_empty())?),
        None => (text, &[][..]),
    };
    let zeros = usize::try_from(scale).ok()?.checked_sub(fraction.len())?;
    if whole.is_empty() || whole.len() + fraction.len() + zeros > MOST_DIGITS {
        return None;
    }
    let digits = whole.iter().chain(fraction);
    let value = digits.copied().try_fold(0, |value, digit| {
        let digit = digit.is_ascii_digit().then(|| i64::from(digit - b'0'));
        Some(value * 10 + digit?)
    })?;
    Some((0..zeros).fold(value, |value, _| value * 10))
}

/// Moves the point by `up` digits less the digits that stood behind it.
fn moved(value: i128, up: i64, fraction: usize) -> Result<i128, Why> {
    let up = up - i64::try_from(fraction).map_err(|_| TOO_LARGE)?;
    let by = u8::try_from(up.unsigned_abs()).map_err(|_| TOO_LARGE)?;
    if up >= 0 {
        let factor = 10_i128.checked_pow(u32::from(by));
        return match factor.and_then(|factor| value.checked_mul(factor)) {
            Some(value) => Ok(value),
            None if value == 0 => Ok(0),
            None => Err(TOO_LARGE),
        };
    }
    match 10_i128.checked_pow(u32::from(by)) {
        Some(divisor) if value % divisor == 0 => Ok(value / divisor),
        None if value == 0 => Ok(0),
        _ => Err(TOO_FINE),
    }
}

/// Reads a whole number of 64 bits; `12.0` is one.
///
/// # Errors
/// It is no whole number as the source writes them.
pub(crate) fn integer(text: &str, numbers: &Numbers) -> Result<i64, Why> {
    // The usual case without the detour over 128 bits.
    if numbers.unit.is_none()
        && let Ok(value) = text.parse::<i64>()
    {
        return Ok(value);
    }
    let value = decimal(text, 38, 0, numbers)?;
    i64::try_from(value).map_err(|_| TOO_LARGE)
}

/// Reads a plain whole number; `None` if it is not one.
pub(crate) fn whole(text: &str) -> Option<i64> {
    integer(text, &Numbers::default()).ok()
}

/// Moves a decimal from one scale to another; `None` if that is not exact or too large.
pub(super) fn rescaled(value: i128, from: i8, to: i8, precision: u8) -> Option<i128> {
    let moved = if to >= from {
        value.checked_mul(power_of_ten(to.abs_diff(from)))?
    } else {
        let divisor = power_of_ten(from.abs_diff(to));
        (value % divisor == 0).then_some(value / divisor)?
    };
    (moved.unsigned_abs() < power_of_ten(precision).unsigned_abs()).then_some(moved)
}

pub(super) const TOO_LARGE: Why = why("型の桁数を超えています", "too large for the type");
const TOO_FINE: Why = why(
    "小数点以下の桁数が型より多くなっています",
    "more digits after the point than the type has",
);

fn power_of_ten(exponent: u8) -> i128 {
    10_i128
        .checked_pow(u32::from(exponent))
        .unwrap_or(i128::MAX)
}

/// A number with what surrounds its digits taken off.
struct Written<'t> {
    is_negative: bool,
    /// Digits with at most one point, if it is a number at all.
    digits: Cow<'t, str>,
    /// The power of ten by which the digits are multiplied.
    exponent: i32,
}

impl<'t> Written<'t> {
    fn of(text: &'t str, numbers: &Numbers) -> Result<Self, Why> {
        let is_plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+');
        if numbers.decimal.is_none() && numbers.unit.is_none() && text.bytes().all(is_plain) {
            let (is_negative, digits) = signed(text);
            return Ok(Self {
                is_negative,
                digits: Cow::Borrowed(digits),
                exponent: 0,
            });
        }
        let narrow = narrow(text);
        let mut rest = narrow.trim();
        let mut exponent = numbers.unit.as_ref().map_or(0, |unit| unit.exponent);
        let marked = numbers.negatives.iter().find_map(|form| form.strip(rest));
        let mut is_negative = marked.is_some();
        rest = marked.unwrap_or(rest).trim();
        let mut is_signed = is_negative;
        let mut take_sign = |rest: &mut &str| {
            if !is_signed && rest.starts_with(['-', '+']) {
                is_signed = true;
                is_negative = rest.starts_with('-');
                *rest = rest[1..].trim_start();
            }
        };
        take_sign(&mut rest);
        for sign in &numbers.currency {
            let without = rest.strip_prefix(sign.as_str());
            if let Some(without) = without.or_else(|| rest.strip_suffix(sign.as_str())) {
                rest = without.trim();
                break;
            }
        }
        take_sign(&mut rest);
        if let Some(unit) = &numbers.unit
            && let Some(without) = rest.strip_suffix(unit.text.as_str())
        {
            rest = without.trim_end();
        }
        if let (Some(percent), Some(without)) = (numbers.percent, rest.strip_suffix('%')) {
            rest = without.trim_end();
            exponent -= match percent {
                Percent::Ratio => 2,
                Percent::Points => 0,
            };
        }
        let digits = ungrouped(rest, numbers)?;
        Ok(Self {
            is_negative,
            digits: Cow::Owned(digits),
            exponent,
        })
    }
}

fn signed(text: &str) -> (bool, &str) {
    match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    }
}

impl Negative {
    /// The number within the mark, if it is marked so.
    fn strip(self, text: &str) -> Option<&str> {
        match self {
            Self::Brackets => text.strip_prefix('(')?.strip_suffix(')'),
            Self::White => text.strip_prefix('△'),
            Self::Black => text.strip_prefix('▲'),
            Self::Behind => text.strip_suffix('-'),
        }
    }
}

/// Takes the separators of thousands out, which must stand where they belong, and makes the decimal
/// mark a point.
fn ungrouped(text: &str, numbers: &Numbers) -> Result<String, Why> {
    let mark = numbers.decimal.unwrap_or('.');
    let (whole, fraction) = match text.split_once(mark) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut digits = String::with_capacity(text.len());
    match numbers.thousands {
        Some(separator) if whole.contains(separator) => {
            let mut groups = whole.split(separator);
            let first = groups.next().unwrap_or_default();
            let is_grouped =
                (1..=3).contains(&first.len()) && groups.clone().all(|group| group.len() == 3);
            if !is_grouped {
                return Err(why(
                    "桁区切りの位置が正しくありません",
                    "the separators of thousands are misplaced",
                ));
            }
            digits.push_str(first);
            groups.for_each(|group| digits.push_str(group));
        }
        _ => digits.push_str(whole),
    }
    if let Some(fraction) = fraction {
        digits.push('.');
        digits.push_str(fraction);
    }
    Ok(digits)
}

/// Makes full-width digits, letters and signs ordinary ones.
///
/// *Source*: Unicode, Halfwidth and Fullwidth Forms, U+FF01 to U+FF5E, U+FFE5, and the ideographic
/// space U+3000; the minus sign U+2212 is one too.
pub(crate) fn narrow(text: &str) -> Cow<'_, str> {
    let ordinary = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{3000}' => ' ',
        '\u{FFE5}' => '¥',
        '\u{2212}' => '-',
        c => c,
    };
    if text.chars().all(|c| ordinary(c) == c) {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(text.chars().map(ordinary).collect())
    }
}

/// Says what keeps a text from being a number, and which key of the source would let it be one.
fn reason(text: &str) -> Why {
    let narrow = narrow(text);
    let text = narrow.trim();
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let rest: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    let has = |marks: &[char]| rest.contains(marks);
    if has(&['(', '△', '▲']) {
        return why(
            "負の数の書き方であれば、[format] に negative = [\"()\", \"△\"] のように書いてください",
            "if that is a negative number, add negative = [\"()\", \"△\"] to [format]",
        );
    }
    if has(&['%']) {
        return why(
            "95% を 0.95 とするなら percent = \"ratio\"、95 とするなら percent = \"points\" を [format] に書いてください",
            "add percent = \"ratio\" (95% is 0.95) or percent = \"points\" (95% is 95) to [format]",
        );
    }
    if has(&['千', '万', '百', '億', '兆']) {
        return why(
            "単位は [format] に unit = \"千円\" のように書いてください",
            "state the unit in [format], for example unit = \"千円\"",
        );
    }
    if has(&['¥', '$', '€', '£', '円']) {
        return why(
            "通貨の記号は [format] に currency = [\"¥\"] のように書いてください",
            "state the sign of the currency in [format], for example currency = [\"¥\"]",
        );
    }
    let letters = |c: char| c.is_alphabetic();
    let is_exponent = matches!(
        rest.trim_start_matches(['.', '-', '+']),
        "e" | "E" | "e-" | "E-" | "e+" | "E+" | "e." | "E."
    );
    if rest.contains(letters) && !is_exponent && !text.starts_with(letters) {
        return why(
            "数値に単位が付いています。単位を除くか、[format] に unit = \"…\" と書いてください",
            "the number carries a unit; leave it out, or state it in [format] as unit = \"…\"",
        );
    }
    if has(&[',', '\'', ' ']) {
        return why(
            "桁区切りは [format] に thousands = \",\"、小数点の「,」は decimal = \",\" と書いてください",
            "write numbers without separators, or add thousands = \",\" to [format] (or decimal = \",\")",
        );
    }
    if is_exponent {
        return why("指数表記は読みません", "write numbers without an exponent");
    }
    why(
        "数値に使えるのは数字、符号、小数点です。単位があれば [format] に unit = \"…\" と書いてください",
        "a number has digits, a sign and a point only; a unit is stated in [format] as unit = \"…\"",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Unit;

    fn plain(text: &str, precision: u8, scale: i8) -> Result<i128, Why> {
        decimal(text, precision, scale, &Numbers::default())
    }

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(plain("12.5", 4, 2), Ok(1250));
        assert_eq!(plain("-0.05", 4, 2), Ok(-5));
        assert_eq!(plain("+7", 4, 2), Ok(700));
        assert_eq!(plain("1.500", 4, 2), Ok(150));
        assert_eq!(plain("99.99", 4, 2), Ok(9999));
        for wrong in [
            "100.00", "1.239", "", ".", "5.", ".5", "1e3", "95%", "12件", "1,234", "--1", "0x10",
            "NaN", "1.2.3", "(5)", "△5", "¥5", "5-", "inf", "+", "-",
        ] {
            assert!(plain(wrong, 4, 2).is_err(), "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_sign_or_many_digits_make_no_difference(
            text in "[0-9]{0,20}(\\.[0-9]{0,6})?",
            precision in 1..38_u8,
            scale in 0..8_i8,
        ) {
            let signed = plain(&format!("+{text}"), precision, scale);
            proptest::prop_assert_eq!(plain(&text, precision, scale).ok(), signed.ok());
        }
    }

    #[test]
    fn a_unit_behind_a_number_is_told_from_separators() {
        let said = |text: &str| {
            let why = plain(text, 12, 2).expect_err("it is no plain number");
            why.map_or("", |refusal| refusal.en)
        };
        for text in ["5 FTE", "120名", "1,200 hours", "3h"] {
            assert!(
                said(text).contains("carries a unit"),
                "{text}: {}",
                said(text)
            );
        }
        for text in ["1,200", "1 200", "1'200"] {
            assert!(said(text).contains("separators"), "{text}: {}", said(text));
        }
        assert!(said("1e3").contains("exponent"));
    }

    #[test]
    fn full_width_digits_are_digits() {
        assert_eq!(plain("１２．５", 4, 2), Ok(1250));
        assert_eq!(plain("－５", 4, 0), Ok(-5));
        assert_eq!(integer("\u{2212}１２", &Numbers::default()), Ok(-12));
    }

    #[test]
    fn what_people_write_into_numbers_is_read_as_the_source_states() {
        let numbers = Numbers {
            thousands: Some(','),
            percent: Some(Percent::Ratio),
            currency: vec!["¥".into(), "円".into()],
            negatives: vec![Negative::Brackets, Negative::White],
            ..Numbers::default()
        };
        for (text, expected) in [
            ("1,234", 123_400),
            ("¥1,200", 120_000),
            ("1,200円", 120_000),
            ("(1,200)", -120_000),
            ("△1,200.5", -120_050),
            ("-¥5", -500),
            ("¥-5", -500),
            ("95%", 95),
            ("１，２３４", 123_400),
        ] {
            assert_eq!(decimal(text, 12, 2, &numbers), Ok(expected), "{text}");
        }
        for wrong in [
            "12,34", "1,2345", ",123", "1,234,", "(-5)", "--5", "1%%", "$5", "0.5%",
        ] {
            assert!(decimal(wrong, 12, 2, &numbers).is_err(), "{wrong}");
        }
        let comma = Numbers {
            thousands: Some('.'),
            decimal: Some(','),
            ..Numbers::default()
        };
        assert_eq!(decimal("1.234,50", 12, 2, &comma), Ok(123_450));
    }

    #[test]
    fn a_unit_multiplies_every_value_of_its_column() {
        let numbers = Numbers {
            unit: Some(Unit {
                text: "千円".into(),
                exponent: 3,
            }),
            thousands: Some(','),
            ..Numbers::default()
        };
        assert_eq!(decimal("1,200", 12, 2, &numbers), Ok(120_000_000));
        assert_eq!(decimal("1.2345千円", 12, 2, &numbers), Ok(123_450));
        assert_eq!(integer("5", &numbers), Ok(5000));
        assert!(decimal("5百万円", 12, 2, &numbers).is_err());
    }

    #[test]
    fn the_largest_decimal_fits_and_one_more_does_not() {
        let nines = "9".repeat(38);
        assert_eq!(plain(&nines, 38, 0), Ok(10_i128.pow(38) - 1));
        assert!(plain(&format!("1{}", "0".repeat(38)), 38, 0).is_err());
    }

    #[test]
    fn a_whole_number_may_have_zeros_behind_the_point() {
        let integer = |text| integer(text, &Numbers::default());
        assert_eq!(integer("12.0"), Ok(12));
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        assert!(integer("12.5").is_err());
        assert!(integer("9223372036854775808").is_err());
    }

    #[test]
    fn rescaling_keeps_the_value_or_refuses() {
        assert_eq!(rescaled(150, 2, 1, 4), Some(15));
        assert_eq!(rescaled(151, 2, 1, 4), None);
        assert_eq!(rescaled(15, 0, 2, 4), Some(1500));
        assert_eq!(rescaled(150, 0, 2, 4), None);
    }
}
