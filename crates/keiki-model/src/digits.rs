//! Order by whole numbers, digit by digit: many things come in order without being compared.

/// How many bits a digit has at most.
const DIGIT_BITS: u32 = 12;

/// How many digits are worth going through.
const DIGITS: u32 = 3;

/// How many things are worth counting digits for.
const WORTH_COUNTING: usize = 1 << 8;

/// Puts things in the order of their numbers; those of one number stay as they were.
///
/// *Source*: D. E. Knuth, The Art of Computer Programming, vol. 3, 2nd ed., section 5.2.5, algorithm R.
pub fn sort_by_number<T: Copy>(things: &mut Vec<T>, number: impl Fn(&T) -> i64) {
    if things.is_sorted_by_key(&number) {
        return;
    }
    let numbers = || things.iter().map(&number);
    let (Some(least), Some(greatest)) = (numbers().min(), numbers().max()) else {
        return;
    };
    let bits = u64::BITS - least.abs_diff(greatest).leading_zeros();
    let digits = bits.div_ceil(DIGIT_BITS);
    if things.len() < WORTH_COUNTING || digits > DIGITS {
        things.sort_by_key(number);
        return;
    }
    let width = bits.div_ceil(digits);
    let mut sorted = things.clone();
    for digit in 0..digits {
        let with_digit = |thing: &T| {
            let shifted = least.abs_diff(number(thing)) >> (digit * width);
            let digit = shifted & ((1 << width) - 1);
            (usize::try_from(digit).unwrap_or(0), *thing)
        };
        let mut places = vec![0; 1 << width];
        deal_out(things.iter().map(with_digit), &mut places, &mut sorted);
        std::mem::swap(things, &mut sorted);
    }
}

/// Deals things out in the order of their numbers; those of one number stay as they were. `places` has a zero for each number there
/// may be, and then tells behind which of the things dealt out those of the number end.
pub(crate) fn deal_out<T: Copy>(
    things: impl Iterator<Item = (usize, T)> + Clone,
    places: &mut [usize],
    dealt: &mut [T],
) {
    for (number, _) in things.clone() {
        places[number] += 1;
    }
    let mut start = 0;
    for place in &mut *places {
        start += std::mem::replace(place, start);
    }
    for (number, thing) in things {
        let place = &mut places[number];
        dealt[*place] = thing;
        *place += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_come_in_the_order_of_their_numbers_and_else_stay_as_they_were() {
        let scattered = |place: i64| place.wrapping_mul(0x5851_f42d_4c95_7f2d) ^ (place << 40);
        for bits in [0, 20, 29, 41, 53, 63] {
            for count in [0, 1, 2, 255, 256, 3_000] {
                let numbers = (0..count).map(|place| scattered(place) >> bits);
                let mut things: Vec<(i64, i64)> = numbers.zip(0..).collect();
                let mut plain = things.clone();
                sort_by_number(&mut things, |(number, _)| *number);
                plain.sort_by_key(|(number, _)| *number);
                assert_eq!(things, plain, "{count} of {bits} bits less");
            }
        }
    }
}
