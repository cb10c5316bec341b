//! How often each of many whole numbers occurs.

use std::borrow::Cow;

use crate::digits::sort_by_number;

/// Whole numbers with their counts, in ascending order; none occurs zero times.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally(Vec<(i64, i64)>);

/// How far apart numbers may lie for a place each to be cheaper than sorting them.
const PLACES: i64 = 1 << 12;

impl Tally {
    /// Adds up numbers that come in any order with signed counts.
    #[must_use]
    pub fn new(mut counts: Vec<(i64, i64)>) -> Self {
        if counts.is_sorted_by(|a, b| a.0 < b.0) {
            counts.retain(|(_, count)| *count != 0);
            return Self(counts);
        }
        let (Some(low), Some(high)) = (
            counts.iter().map(|(number, _)| *number).min(),
            counts.iter().map(|(number, _)| *number).max(),
        ) else {
            return Self::default();
        };
        if counts.len() > 16 && high.saturating_sub(low) < PLACES {
            return Self::by_place(low, high, counts.into_iter());
        }
        sort_by_number(&mut counts, |(number, _)| *number);
        counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        counts.retain(|(_, count)| *count != 0);
        Self(counts)
    }

    /// Adds up several tallies; one alone is not copied.
    #[must_use]
    pub fn sum<'t>(parts: impl Iterator<Item = &'t Self> + Clone) -> Cow<'t, Self> {
        let mut filled = parts.clone().filter(|part| !part.0.is_empty());
        let (first, second) = (filled.next(), filled.next());
        match (first, second) {
            (None, _) => return Cow::default(),
            (Some(only), None) => return Cow::Borrowed(only),
            _ => {}
        }
        let low = parts.clone().filter_map(|p| p.0.first()).map(|p| p.0).min();
        let high = parts.clone().filter_map(|p| p.0.last()).map(|p| p.0).max();
        let counts = parts.flat_map(|part| part.0.iter().copied());
        Cow::Owned(match low.zip(high) {
            Some((low, high)) if high.saturating_sub(low) < PLACES => {
                Self::by_place(low, high, counts)
            }
            _ => Self::new(counts.collect()),
        })
    }

    /// Counts with one place for each number that lies between the bounds.
    fn by_place(low: i64, high: i64, counts: impl Iterator<Item = (i64, i64)>) -> Self {
        let place = |number: i64| usize::try_from(number - low).unwrap_or(0);
        let mut places = vec![0_i64; place(high) + 1];
        for (number, count) in counts {
            places[place(number)] += count;
        }
        let filled = (low..).zip(places).filter(|(_, count)| *count != 0);
        Self(filled.collect())
    }

    /// The numbers with their counts, in ascending order.
    #[must_use]
    pub fn counts(&self) -> &[(i64, i64)] {
        &self.0
    }

    /// How many there are in all.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// Returns the number at quantile `numerator/denominator`: the least number at which at least that share of the count
    /// lies at or below it; the median of an even count is the mean of the two middle numbers.
    ///
    /// *Shape*: (twice the number, count in all), so that the halves of medians stay whole. `None` without numbers.
    /// *Source*: Hyndman and Fan, The American Statistician 50 (1996), definitions 1 and 2, doi:10.1080/00031305.1996.10473566.
    #[must_use]
    pub fn quantile_doubled(&self, numerator: i64, denominator: i64) -> Option<(i64, i64)> {
        let total = self.total();
        if total == 0 {
            return None;
        }
        let product = i128::from(total) * i128::from(numerator);
        let denominator = i128::from(denominator);
        let rank = (product + denominator - 1).div_euclid(denominator).max(1);
        let low = self.at_rank(rank)?;
        let is_median = 2 * i128::from(numerator) == denominator;
        let high = if is_median && product % denominator == 0 {
            self.at_rank(rank + 1)?
        } else {
            low
        };
        Some((low + high, total))
    }

    fn at_rank(&self, rank: i128) -> Option<i64> {
        let mut seen = 0_i128;
        self.0
            .iter()
            .find(|(_, count)| {
                seen += i128::from(*count);
                seen >= rank
            })
            .map(|(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_is_the_mean_of_the_middle_two() {
        let of = |numbers: &[i64]| Tally::new(numbers.iter().map(|n| (*n, 1)).collect());
        assert_eq!(of(&[4, 1]).quantile_doubled(1, 2), Some((5, 2)));
        assert_eq!(of(&[1, 4, 9]).quantile_doubled(1, 2), Some((8, 3)));
        let ten: Vec<i64> = (1..=10).collect();
        assert_eq!(of(&ten).quantile_doubled(9, 10), Some((18, 10)));
        assert_eq!(of(&[]).quantile_doubled(1, 2), None);
    }

    #[test]
    fn near_and_far_numbers_add_up_alike() {
        for spread in [1, 1_000_000_000] {
            let numbers = |from: i64| {
                (from..from + 40)
                    .rev()
                    .map(move |n| (n % 7 * spread, n % 3 - 1))
            };
            let (a, b) = (
                Tally::new(numbers(0).collect()),
                Tally::new(numbers(5).collect()),
            );
            let mut plain = std::collections::BTreeMap::new();
            for (number, count) in numbers(0).chain(numbers(5)) {
                *plain.entry(number).or_insert(0) += count;
            }
            let plain: Vec<(i64, i64)> =
                plain.into_iter().filter(|(_, count)| *count != 0).collect();
            assert_eq!(Tally::sum([&a, &b].into_iter()).counts(), plain);
        }
    }
}
