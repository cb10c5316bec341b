//! Whole numbers in ascending order, each with its place among them.

use std::borrow::Cow;

use keiki_model::digits::sort_by_number;

/// Different whole numbers. *Units*: within the limits of a histogram.
#[derive(Debug, Default)]
pub(super) struct Scale {
    values: Vec<i64>,
    /// How many of the lowest bits of a number's distance from the least make no difference to its bucket.
    shift: u32,
    /// Where each bucket begins; one more for the end. None where each number has the place of its distance from the least.
    starts: Vec<u32>,
}

/// How many times more buckets there may be than numbers.
const BUCKETS_EACH: u64 = 2;

impl Scale {
    /// Puts numbers in order that come in any, and several times. Where they lie near each other, those between have a place too.
    pub(super) fn new(numbers: impl Iterator<Item = i64> + Clone) -> Self {
        let (mut least, mut greatest, mut count) = (i64::MAX, i64::MIN, 0);
        numbers.clone().for_each(|number| {
            least = least.min(number);
            greatest = greatest.max(number);
            count += 1;
        });
        if least.abs_diff(greatest) <= count {
            return Self {
                values: (least..=greatest).collect(),
                ..Self::default()
            };
        }
        let mut values: Vec<i64> = numbers.collect();
        sort_by_number(&mut values, |number| *number);
        values.dedup();
        values.shrink_to_fit();
        let (Some(least), Some(greatest)) = (values.first(), values.last()) else {
            return Self::default();
        };
        let distance = least.abs_diff(*greatest);
        let most = values.len() as u64 * BUCKETS_EACH;
        let shift = (0..u64::BITS).find(|shift| distance >> shift <= most);
        let shift = shift.unwrap_or(u64::BITS - 1);
        let mut starts = Vec::new();
        for (place, value) in (0_u32..).zip(&values) {
            let bucket = bucket(least.abs_diff(*value), shift);
            while starts.len() <= bucket {
                starts.push(place);
            }
        }
        starts.push(u32::try_from(values.len()).expect("places take 32 bits"));
        Self {
            values,
            shift,
            starts,
        }
    }

    /// The place of one of the numbers.
    pub(super) fn place(&self, value: i64) -> u32 {
        let distance = self.values[0].abs_diff(value);
        if self.starts.is_empty() {
            return u32::try_from(distance).expect("places take 32 bits");
        }
        let bucket = bucket(distance, self.shift);
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        let near = &self.values[start as usize..end as usize];
        let before = near.partition_point(|other| *other < value);
        debug_assert_eq!(near.get(before), Some(&value), "it is one of the numbers");
        start + u32::try_from(before).expect("places take 32 bits")
    }
}

fn bucket(distance: u64, shift: u32) -> usize {
    usize::try_from(distance >> shift).unwrap_or(usize::MAX)
}

/// The places of those numbers of a scale that come up among some things, each among these.
#[derive(Debug)]
pub(super) struct Places<'s> {
    values: Cow<'s, [i64]>,
    /// For each number of the scale one bit, and before each word how many are set; `None` where all have a place.
    words: Option<Vec<(u64, u32)>>,
}

/// How many times more places there may be than numbers that come up.
const PLACES_EACH: usize = 2;

impl<'s> Places<'s> {
    /// The places of at most so many numbers, given by their places in the scale, in any order and several times.
    pub(super) fn new(scale: &'s Scale, most: usize, numbers: impl Iterator<Item = u32>) -> Self {
        if scale.values.len() <= most.saturating_mul(PLACES_EACH) {
            return Self {
                values: Cow::Borrowed(&scale.values),
                words: None,
            };
        }
        let mut words = vec![(0_u64, 0_u32); scale.values.len().div_ceil(64)];
        for number in numbers {
            words[number as usize / 64].0 |= 1 << (number % 64);
        }
        let mut values = Vec::new();
        for (word, of_word) in words.iter_mut().zip(scale.values.chunks(64)) {
            word.1 = u32::try_from(values.len()).expect("places take 32 bits");
            let mut left = word.0;
            while left != 0 {
                values.push(of_word[left.trailing_zeros() as usize]);
                left &= left - 1;
            }
        }
        Self {
            values: Cow::Owned(values),
            words: Some(words),
        }
    }

    /// The numbers in ascending order.
    pub(super) fn values(&self) -> &[i64] {
        &self.values
    }

    /// The place here of the number at a place of the scale.
    #[inline]
    pub(super) fn of(&self, number: u32) -> usize {
        let Some(words) = &self.words else {
            return number as usize;
        };
        let (bits, before) = words[number as usize / 64];
        let below = bits & ((1 << (number % 64)) - 1);
        (before + below.count_ones()) as usize
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_number_is_found_at_its_place(
            near in prop::collection::vec(-40_i64..40, 1..60),
            far in prop::collection::vec(-(1_i64 << 39)..1 << 39, 0..60),
            step in 1_usize..40,
        ) {
            let values: Vec<i64> = near.into_iter().chain(far).collect();
            let scale = Scale::new(values.iter().copied());
            prop_assert!(scale.values.is_sorted_by(|a, b| a < b));
            for value in &values {
                prop_assert_eq!(scale.values[scale.place(*value) as usize], *value);
            }
            let chosen = (0_u32..).take(scale.values.len()).step_by(step);
            let chosen: Vec<u32> = chosen.collect();
            let places = Places::new(&scale, chosen.len(), chosen.iter().rev().copied());
            for number in chosen {
                prop_assert_eq!(places.values()[places.of(number)], scale.values[number as usize]);
            }
        }
    }
}
