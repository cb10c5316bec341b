//! Exact fractions: every figure is one until it is shown.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroI128;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An exact fraction with a positive denominator, reduced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    numerator: i128,
    /// Never zero, so that a fraction that may be absent takes no more room.
    denominator: NonZeroI128,
}

const ONE: NonZeroI128 = match NonZeroI128::new(1) {
    Some(one) => one,
    None => NonZeroI128::MAX,
};

impl Fraction {
    /// Makes a fraction; `None` where the denominator is zero.
    #[must_use]
    pub fn new(numerator: i128, denominator: i128) -> Option<Self> {
        if denominator == 1 {
            return Some(Self::whole(numerator));
        }
        // Nearly all numbers are small, and small ones are divided in a fraction of the time.
        if let (Ok(above), Ok(below @ 1..)) = (i64::try_from(numerator), i64::try_from(denominator))
        {
            return Self::of_small(above, below);
        }
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs()).cast_signed()
            * denominator.signum();
        let (numerator, denominator) = match divisor {
            0 | 1 => (numerator, denominator),
            _ => (numerator / divisor, denominator / divisor),
        };
        Some(Self {
            numerator,
            denominator: NonZeroI128::new(denominator)?,
        })
    }

    fn of_small(numerator: i64, denominator: i64) -> Option<Self> {
        let divisor = gcd_of_small(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = divisor.cast_signed();
        let (numerator, denominator) = match divisor {
            1 => (numerator, denominator),
            _ => (numerator / divisor, denominator / divisor),
        };
        Some(Self {
            numerator: numerator.into(),
            denominator: NonZeroI128::new(denominator.into())?,
        })
    }

    /// Makes a whole number.
    #[must_use]
    pub fn whole(value: i128) -> Self {
        Self {
            numerator: value,
            denominator: ONE,
        }
    }

    /// Reads a decimal such as `0.95`, `-3` or `12.50`.
    #[must_use]
    pub fn parse_decimal(text: &str) -> Option<Self> {
        let (negative, digits) = text
            .strip_prefix('-')
            .map_or((false, text), |rest| (true, rest));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() || part.len() > 18 || (digits.contains('.') && part.is_empty()) {
            return None;
        }
        if !whole
            .bytes()
            .chain(part.bytes())
            .all(|b| b.is_ascii_digit())
        {
            return None;
        }
        let value: i128 = format!("{whole}{part}").parse().ok()?;
        Self::new(
            if negative { -value } else { value },
            10_i128.pow(u32::try_from(part.len()).ok()?),
        )
    }

    /// The reduced numerator.
    #[must_use]
    pub fn numerator(self) -> i128 {
        self.numerator
    }

    /// The reduced, positive denominator.
    #[must_use]
    pub fn denominator(self) -> i128 {
        self.denominator.get()
    }

    /// Divides by a whole number that is not zero; `None` if it is, or on overflow.
    #[must_use]
    pub fn divided_by(self, divisor: i128) -> Option<Self> {
        Self::new(self.numerator, self.denominator().checked_mul(divisor)?)
    }

    /// Multiplies; `None` on overflow.
    #[must_use]
    pub fn times(self, other: Self) -> Option<Self> {
        Self::new(
            self.numerator.checked_mul(other.numerator)?,
            self.denominator().checked_mul(other.denominator())?,
        )
    }

    /// Numerator and denominator, where no product of two such overflows.
    fn in_small(self) -> Option<(i128, i128)> {
        let small = |part: i128| i64::try_from(part).ok().map(i128::from);
        small(self.numerator).zip(small(self.denominator()))
    }

    /// Adds; `None` on overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let left = self.numerator.checked_mul(other.denominator())?;
        let right = other.numerator.checked_mul(self.denominator())?;
        Self::new(
            left.checked_add(right)?,
            self.denominator().checked_mul(other.denominator())?,
        )
    }

    /// The nearest floating-point number, for charts and intervals only.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "an approximation is what is asked for"
    )]
    pub fn to_f64(self) -> f64 {
        self.numerator as f64 / self.denominator() as f64
    }

    /// Writes it as a decimal, rounded half away from zero to `digits` digits after the point.
    #[must_use]
    pub fn to_decimal(self, digits: u32) -> String {
        let mut rest = self.numerator.unsigned_abs();
        let denominator = self.denominator().unsigned_abs();
        let whole = rest / denominator;
        rest %= denominator;
        let (mut figures, mut carry_base) = (whole, String::new());
        let mut decimals: Vec<u8> = Vec::new();
        for _ in 0..digits {
            // Long division keeps clear of overflow for any denominator below 10^37.
            rest = rest.saturating_mul(10);
            decimals.push(u8::try_from(rest / denominator).unwrap_or(9));
            rest %= denominator;
        }
        if rest >= denominator - rest {
            let mut at = decimals.len();
            loop {
                if at == 0 {
                    figures += 1;
                    break;
                }
                at -= 1;
                if decimals[at] < 9 {
                    decimals[at] += 1;
                    break;
                }
                decimals[at] = 0;
            }
        }
        carry_base.extend(decimals.iter().map(|d| char::from(b'0' + d)));
        let is_zero = figures == 0 && decimals.iter().all(|d| *d == 0);
        let sign = if self.numerator < 0 && !is_zero {
            "-"
        } else {
            ""
        };
        if digits == 0 {
            format!("{sign}{figures}")
        } else {
            format!("{sign}{figures}.{carry_base}")
        }
    }

    /// Writes it as the shortest decimal with at most `digits` digits after the point.
    #[must_use]
    pub fn to_short_decimal(self, digits: u32) -> String {
        let text = self.to_decimal(digits);
        if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.').to_owned()
        } else {
            text
        }
    }
}

/// The greatest common divisor; of zero and zero, one.
fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        // Nearly all numbers are small, and small ones take no division.
        if let (Ok(a), Ok(b)) = (u64::try_from(a), u64::try_from(b)) {
            return u128::from(gcd_of_small(a, b));
        }
        (a, b) = (b, a % b);
    }
    a.max(1)
}

/// *Source*: J. Stein, Computational problems associated with Racah algebra, doi:10.1016/0021-9991(67)90047-2.
fn gcd_of_small(mut a: u64, mut b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a.max(b).max(1);
    }
    let twos = (a | b).trailing_zeros();
    a >>= a.trailing_zeros();
    while b != 0 {
        b >>= b.trailing_zeros();
        (a, b) = (a.min(b), a.abs_diff(b));
    }
    a << twos
}

impl PartialOrd for Fraction {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Fraction {
    /// Compares products where they are small, else whole parts and then the reciprocals of the rests, so that nothing
    /// overflows.
    fn cmp(&self, other: &Self) -> Ordering {
        if let Some((a, b)) = self.in_small().zip(other.in_small()) {
            return (a.0 * b.1).cmp(&(b.0 * a.1));
        }
        let (mut a, mut b) = (
            (self.numerator, self.denominator()),
            (other.numerator, other.denominator()),
        );
        if let (Some(left), Some(right)) = (a.0.checked_mul(b.1), b.0.checked_mul(a.1)) {
            return left.cmp(&right);
        }
        let mut turned = false;
        loop {
            let (wa, wb) = (a.0.div_euclid(a.1), b.0.div_euclid(b.1));
            let (ra, rb) = (a.0.rem_euclid(a.1), b.0.rem_euclid(b.1));
            let order = wa.cmp(&wb).then_with(|| match (ra == 0, rb == 0) {
                (true, false) => Ordering::Less,
                (false, true) => Ordering::Greater,
                _ => Ordering::Equal,
            });
            if order != Ordering::Equal || (ra == 0 && rb == 0) {
                return if turned { order.reverse() } else { order };
            }
            (a, b) = ((a.1, ra), (b.1, rb));
            turned = !turned;
        }
    }
}

/// Written as `3/4`, or as `3` where it is whole: exact, and readable by any program.
impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.denominator() {
            1 => serializer.collect_str(&self.numerator),
            denominator => {
                serializer.collect_str(&format_args!("{}/{denominator}", self.numerator))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (above, below) = text.split_once('/').unwrap_or((&text, "1"));
        let parts = above.parse().ok().zip(below.parse().ok());
        let fraction = parts.and_then(|(above, below)| Self::new(above, below));
        fraction.ok_or_else(|| serde::de::Error::custom(format!("not a fraction: {text}")))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_short_decimal(12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(n: i128, d: i128) -> Fraction {
        Fraction::new(n, d).expect("the denominator is not zero")
    }

    #[test]
    fn fractions_compare_exactly_where_products_would_overflow() {
        let big = i128::MAX;
        assert!(fraction(big - 1, big) < Fraction::whole(1));
        assert!(fraction(big - 2, big - 1) < fraction(big - 1, big));
        assert!(fraction(-1, 3) < fraction(-1, 4));
        assert_eq!(fraction(2, 4), fraction(-1, -2));
    }

    #[test]
    fn decimals_round_half_away_from_zero() {
        assert_eq!(fraction(1, 8).to_decimal(2), "0.13");
        assert_eq!(fraction(-1, 8).to_decimal(2), "-0.13");
        assert_eq!(fraction(1999, 1000).to_decimal(2), "2.00");
        assert_eq!(fraction(-1, 1000).to_decimal(2), "0.00");
        assert_eq!(fraction(5, 2).to_short_decimal(4), "2.5");
    }

    #[test]
    fn fractions_are_reduced_whatever_their_size() {
        let huge = 1_i128 << 100;
        for (n, d, reduced) in [
            (12, 18, (2, 3)),
            (-48, 36, (-4, 3)),
            (0, 7, (0, 1)),
            (17, 17, (1, 1)),
            (1 << 40, 1 << 38, (4, 1)),
            (6 * huge, 9 * huge, (2, 3)),
            (huge, 3, (huge, 3)),
        ] {
            let found = fraction(n, d);
            assert_eq!((found.numerator(), found.denominator()), reduced, "{n}/{d}");
        }
    }

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(Fraction::parse_decimal("0.95"), Some(fraction(19, 20)));
        assert_eq!(Fraction::parse_decimal("-3"), Some(Fraction::whole(-3)));
        for wrong in ["", ".5", "5.", "1e3", "0,95", "95%"] {
            assert_eq!(Fraction::parse_decimal(wrong), None, "{wrong}");
        }
    }
}
