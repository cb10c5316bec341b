//! Reads whole numbers and decimals exactly; what is not exact is no number.

use super::Why;

/// Reads a decimal of at most `precision` digits as a number of units of `scale` digits after the
/// point.
///
/// Zeros behind the last digit of the scale lose nothing and are accepted; any other digit there is
/// refused.
///
/// # Errors
/// It is no plain number, or has more digits than the type.
pub(crate) fn decimal(text: &str, precision: u8, scale: i8) -> Result<i128, Why> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let point = digits.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (&digits[..at], &digits[at + 1..]),
        None => (digits, &[][..]),
    };
    if whole.is_empty() || point.is_some() && fraction.is_empty() {
        return Err(plain_reason(text));
    }
    if !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(plain_reason(text));
    }
    let scale = usize::from(scale.unsigned_abs());
    let (kept, beyond) = fraction.split_at(fraction.len().min(scale));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(Some("more digits after the point than the type has"));
    }
    let zeros = std::iter::repeat_n(&b'0', scale - kept.len());
    let mut value: i128 = 0;
    for digit in whole.iter().chain(kept).chain(zeros) {
        value = value
            .checked_mul(10)
            .and_then(|value| value.checked_add(i128::from(digit - b'0')))
            .ok_or(Some(TOO_LARGE))?;
    }
    if value >= power_of_ten(precision) {
        return Err(Some(TOO_LARGE));
    }
    Ok(if negative { -value } else { value })
}

/// Reads a whole number of 64 bits; `12.0` is one.
///
/// # Errors
/// It is no plain whole number.
pub(crate) fn integer(text: &str) -> Result<i64, Why> {
    // The usual case without the detour over 128 bits.
    if let Ok(value) = text.parse::<i64>() {
        return Ok(value);
    }
    let value = decimal(text, 38, 0)?;
    i64::try_from(value).map_err(|_| Some(TOO_LARGE))
}

/// Reads a whole number; `None` if it is not one.
pub(crate) fn whole(text: &str) -> Option<i64> {
    integer(text).ok()
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

pub(super) const TOO_LARGE: &str = "too large for the type";

fn power_of_ten(exponent: u8) -> i128 {
    10_i128
        .checked_pow(u32::from(exponent))
        .unwrap_or(i128::MAX)
}

/// Says what keeps a text from being a number, where it nearly is one.
fn plain_reason(text: &str) -> Why {
    let has_digits = text.bytes().any(|byte| byte.is_ascii_digit());
    let rest: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
    match rest.as_str() {
        _ if !has_digits => None,
        rest if rest.contains(',') => Some("write numbers without separators of thousands"),
        "e" | "E" | ".e" | ".E" | "e-" | "E-" | ".e-" | ".E-" | "e+" | "E+" | ".e+" | ".E+" => {
            Some("write numbers without an exponent")
        }
        rest if rest.contains('%') => Some("a percent sign is not part of a number"),
        _ => Some("a number has digits, a sign and a point only"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly_or_not_at_all() {
        assert_eq!(decimal("12.5", 4, 2), Ok(1250));
        assert_eq!(decimal("-0.05", 4, 2), Ok(-5));
        assert_eq!(decimal("+7", 4, 2), Ok(700));
        assert_eq!(decimal("1.500", 4, 2), Ok(150));
        assert_eq!(decimal("99.99", 4, 2), Ok(9999));
        for wrong in [
            "100.00", "1.239", "", ".", "5.", ".5", "1e3", "95%", "12件", "1,234", "--1", "0x10",
            "NaN",
        ] {
            assert!(decimal(wrong, 4, 2).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_largest_decimal_fits_and_one_more_does_not() {
        let nines = "9".repeat(38);
        assert_eq!(decimal(&nines, 38, 0), Ok(10_i128.pow(38) - 1));
        assert!(decimal(&format!("1{}", "0".repeat(38)), 38, 0).is_err());
    }

    #[test]
    fn a_whole_number_may_have_zeros_behind_the_point() {
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
