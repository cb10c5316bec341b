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
        let digit_of = |thing: &T| {
            let shifted = least.abs_diff(number(thing)) >> (digit * width);
            usize::try_from(shifted & ((1 << width) - 1)).unwrap_or(0)
        };
        let mut places = starts(things.iter().map(&digit_of), 1 << width);
        for thing in &*things {
            let place = &mut places[digit_of(thing)];
            sorted[*place] = *thing;
            *place += 1;
        }
        std::mem::swap(things, &mut sorted);
    }
}

/// Where things with each digit begin, once they are in its order.
fn starts(digits: impl Iterator<Item = usize>, most: usize) -> Vec<usize> {
    let mut starts = vec![0; most];
    for digit in digits {
        starts[digit] += 1;
    }
    let mut start = 0;
    for of_digit in &mut starts {
        start += std::mem::replace(of_digit, start);
    }
    starts
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
