//! The score interval of a proportion and of the difference of two, for samples of behaviour.

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

/// Returns the 95 % interval of the difference of two proportions of independent samples, each given as successes and trials: the
/// later less the earlier. `None` where one of them has no trials.
///
/// *Shape*: (lower, upper), each -1..=1. *Source*: Newcombe, Statistics in Medicine 17 (1998), pages 873 to 890, method 10.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "an interval is an approximation; counts stay below 2^53"
)]
pub fn newcombe_interval(later: (i128, i128), earlier: (i128, i128)) -> Option<(f64, f64)> {
    let share = |(successes, trials): (i128, i128)| successes as f64 / trials as f64;
    let (low_later, high_later) = wilson_interval(later.0, later.1)?;
    let (low_earlier, high_earlier) = wilson_interval(earlier.0, earlier.1)?;
    let (later, earlier) = (share(later), share(earlier));
    let by = later - earlier;
    let below = (later - low_later).hypot(high_earlier - earlier);
    let above = (high_later - later).hypot(earlier - low_earlier);
    Some((by - below, by + above))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_difference_of_two_samples_has_the_published_interval() {
        let (low, high) = newcombe_interval((56, 70), (48, 80)).expect("there are trials");
        assert!(
            (low - 0.0524).abs() < 1e-4 && (high - 0.3339).abs() < 1e-4,
            "{low} {high}"
        );
        let (low, high) = newcombe_interval((9, 10), (3, 10)).expect("there are trials");
        assert!(
            (low - 0.1705).abs() < 1e-4 && (high - 0.8090).abs() < 1e-4,
            "{low} {high}"
        );
        assert_eq!(newcombe_interval((1, 1), (0, 0)), None);
    }

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
