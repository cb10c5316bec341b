//! A slope that outliers do not move, and whether there is one at all.

use super::{Observation, Trend, Verdict, verdict_of};
use crate::fraction::Fraction;
use crate::kpi::Direction;

/// How many values are needed to speak of a trend: below six, no order of them is rarer than one in twenty by a fair margin.
pub const SLOPE_HISTORY: usize = 6;

const Z: f64 = 1.959_963_984_540_054;

/// The median slope with Kendall's test; `None` with too few values.
///
/// *Source*: Theil (1950), doi:10.1007/978-94-011-2546-8_20; Sen, JASA 63 (1968), doi:10.1080/01621459.1968.10480934, which
/// also gives the interval; Kendall, Biometrika 30 (1938), doi:10.1093/biomet/30.1-2.81.
pub(super) fn trend(run: &[Observation], direction: Direction) -> Option<Trend> {
    let known = || {
        let numbered = (0_u32..).zip(run);
        numbered.filter_map(|(at, one)| Some((f64::from(at), one.value?, one)))
    };
    let points: Vec<(f64, f64)> = known().map(|(at, value, _)| (at, value.to_f64())).collect();
    if points.len() < SLOPE_HISTORY {
        return None;
    }
    let values: Vec<Fraction> = known().map(|(_, value, _)| value).collect();
    let slopes = slopes(&points);
    let rank = Rank::of(&values);
    let slope = median(&slopes);
    // Where most values are equal, a few that rise are no slope.
    let verdict = if rank.probability() < 0.05 && slope.abs() > 0.0 {
        verdict_of(rank.score > 0, direction)
    } else {
        Verdict::WithinNoise
    };
    Some(Trend {
        since: known().next()?.2.period.to_string().into(),
        n: points.len(),
        slope_per_period: slope,
        interval: interval(&slopes, rank.variance()),
        probability: rank.probability(),
        verdict,
    })
}

/// The slopes between all pairs of points, in ascending order.
fn slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let pairs = points.iter().enumerate().flat_map(|(at, earlier)| {
        let later = points[at + 1..].iter();
        later.map(|later| (later.1 - earlier.1) / (later.0 - earlier.0))
    });
    let mut slopes: Vec<f64> = pairs.collect();
    slopes.sort_by(f64::total_cmp);
    slopes
}

/// The median of numbers in ascending order; 0 of none.
pub(super) fn median(sorted: &[f64]) -> f64 {
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => 0.0,
        (count, half) if count % 2 == 1 => sorted[half],
        (_, half) => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}

/// Sen's interval: the slopes whose ranks lie so many standard deviations of Kendall's score around the middle.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "there are at most some thousand slopes, and the ranks are clamped before they are cut to whole numbers"
)]
fn interval(slopes: &[f64], variance: f64) -> (f64, f64) {
    let count = slopes.len() as f64;
    let reach = Z * variance.sqrt();
    let place = |rank: f64| rank.clamp(0.0, count - 1.0) as usize;
    let low = place(((count - reach) / 2.0).floor() - 1.0);
    let high = place(f64::midpoint(count, reach).ceil());
    (slopes[low], slopes[high])
}

/// Kendall's score of a series against time.
struct Rank {
    /// Pairs that rise less pairs that fall.
    score: i64,
    n: usize,
    /// The sizes of the groups of equal values.
    ties: Vec<usize>,
}

impl Rank {
    fn of(values: &[Fraction]) -> Self {
        let mut score = 0;
        for (at, earlier) in values.iter().enumerate() {
            for later in &values[at + 1..] {
                score += match later.cmp(earlier) {
                    std::cmp::Ordering::Greater => 1,
                    std::cmp::Ordering::Equal => 0,
                    std::cmp::Ordering::Less => -1,
                };
            }
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable();
        let groups = sorted.chunk_by(|a, b| a == b).map(<[Fraction]>::len);
        Self {
            score,
            n: values.len(),
            ties: groups.filter(|size| *size > 1).collect(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a series has few values")]
    fn variance(&self) -> f64 {
        let term = |n: usize| {
            let n = n as f64;
            n * (n - 1.0) * (2.0 * n + 5.0)
        };
        let tied: f64 = self.ties.iter().map(|size| term(*size)).sum();
        (term(self.n) - tied) / 18.0
    }

    /// The two-sided probability of a score this far from zero: exact without ties, else by the normal distribution.
    #[expect(clippy::cast_precision_loss, reason = "a series has few values")]
    fn probability(&self) -> f64 {
        if self.ties.is_empty() {
            return self.exact();
        }
        let spread = self.variance().sqrt();
        if spread <= 0.0 || self.score == 0 {
            return 1.0;
        }
        let distance = (self.score.abs() as f64 - 1.0) / spread;
        (2.0 * beyond(distance)).min(1.0)
    }

    /// Counts orders by their inversions: an n-th value adds 0 to n-1 of them, each equally likely.
    #[expect(clippy::cast_precision_loss, reason = "a series has few values")]
    fn exact(&self) -> f64 {
        let pairs = self.n * (self.n - 1) / 2;
        let mut shares = vec![0.0; pairs + 1];
        shares[0] = 1.0;
        for n in 2..=self.n {
            let mut next = vec![0.0; pairs + 1];
            for (inversions, share) in shares.iter().enumerate().filter(|(_, share)| **share > 0.0)
            {
                for more in 0..n {
                    next[inversions + more] += share / n as f64;
                }
            }
            shares = next;
        }
        let wanted = self.score.unsigned_abs();
        let score_of = |inversions: usize| pairs.abs_diff(2 * inversions) as u64;
        let rarer = shares.iter().enumerate();
        let sum: f64 = rarer
            .filter(|(inversions, _)| score_of(*inversions) >= wanted)
            .map(|(_, share)| share)
            .sum();
        sum.min(1.0)
    }
}

/// The share of the standard normal distribution above a distance of zero or more. *Source*: Abramowitz and Stegun, Handbook of
/// Mathematical Functions (1964), 26.2.17; its error is below 7.5e-8.
fn beyond(distance: f64) -> f64 {
    const FACTORS: [f64; 5] = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let distance = distance.max(0.0);
    let t = 1.0 / (1.0 + 0.231_641_9 * distance);
    let density = (-distance * distance / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let sum = FACTORS
        .iter()
        .rev()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    density * sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(values: &[i128]) -> Rank {
        let values: Vec<Fraction> = values.iter().map(|value| Fraction::whole(*value)).collect();
        Rank::of(&values)
    }

    #[test]
    fn six_rising_values_are_one_order_of_720() {
        let rising = rank(&[1, 2, 3, 4, 5, 6]);
        assert_eq!(rising.score, 15);
        assert!((rising.probability() - 2.0 / 720.0).abs() < 1e-12);
        assert!((rank(&[3, 1, 2]).probability() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn ties_take_from_the_variance() {
        let tied = rank(&[1, 1, 2, 3, 3, 3]);
        assert!((tied.variance() - (510.0 - 18.0 - 66.0) / 18.0).abs() < 1e-12);
        assert!((beyond(1.959_963_984_540_054) - 0.025).abs() < 1e-7);
    }

    #[test]
    fn one_outlier_does_not_move_the_slope() {
        let points: Vec<(f64, f64)> = [0.0, 1.0, 2.0, 90.0, 4.0, 5.0, 6.0]
            .iter()
            .enumerate()
            .map(|(at, value)| (f64::from(u8::try_from(at).expect("few")), *value))
            .collect();
        assert!((median(&slopes(&points)) - 1.0).abs() < 1e-12);
    }
}
