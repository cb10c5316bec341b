//! The score interval of a proportion, for samples of behaviour.

/// Returns the 95 % score interval of `successes` out of `trials`, or `None` without trials.
///
/// *Shape*: (lower, upper), each 0..=1. *Source*: Wilson, JASA 22 (1927), doi:10.1080/01621459.1927.10502953.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "an interval is an approximation; counts stay below 2^53"
)]
pub fn wilson_interval(successes: i128, trials: i128) -> Option<(f64, f64)> {
    const Z: f64 = 1.959_963_984_540_054;
    if trials <= 0 {
        return None;
    }
    let (k, n) = (successes as f64, trials as f64);
    let p = k / n;
    let scale = 1.0 + Z * Z / n;
    let centre = p + Z * Z / (2.0 * n);
    let spread = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some((
        ((centre - spread) / scale).max(0.0),
        ((centre + spread) / scale).min(1.0),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_eight_in_ten_is_the_published_one() {
        let (low, high) = wilson_interval(8, 10).expect("there are trials");
        assert!(
            (low - 0.4902).abs() < 1e-4 && (high - 0.9433).abs() < 1e-4,
            "{low} {high}"
        );
        assert_eq!(wilson_interval(0, 0), None);
    }
}
