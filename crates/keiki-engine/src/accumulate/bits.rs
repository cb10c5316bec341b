//! Picks bits out of a bitmap, eight at a time.

use std::sync::LazyLock;

use arrow::buffer::BooleanBuffer;

/// The bits of a byte that another chooses, side by side. *Shape*: choosing byte, byte.
static PICKED: LazyLock<Vec<[u8; 256]>> = LazyLock::new(|| {
    let picked = |chosen: u8, byte: u8| {
        let places = (0..8).filter(|place| chosen >> place & 1 == 1);
        let bits = places.enumerate();
        bits.fold(0, |bits, (to, from)| bits | (byte >> from & 1) << to)
    };
    let byte = |at: usize| u8::try_from(at).unwrap_or(u8::MAX);
    let of_byte = |chosen: u8| std::array::from_fn(|at| picked(chosen, byte(at)));
    (0..=u8::MAX).map(of_byte).collect()
});

/// The bits that are chosen, in order. Both have the same length.
pub(super) fn picked(bits: &BooleanBuffer, chosen: &BooleanBuffer) -> BooleanBuffer {
    let table = &**PICKED;
    let mut words: Vec<u64> = Vec::with_capacity(bits.len() / 64 + 1);
    let (mut word, mut held) = (0_u64, 0_u32);
    let bits = bits.bit_chunks();
    let chosen = chosen.bit_chunks();
    let mut count = 0;
    for (bits, chosen) in bits.iter_padded().zip(chosen.iter_padded()) {
        if chosen == 0 {
            continue;
        }
        for (bits, chosen) in bits.to_le_bytes().into_iter().zip(chosen.to_le_bytes()) {
            let found = u64::from(table[usize::from(chosen)][usize::from(bits)]);
            word |= found << held;
            held += chosen.count_ones();
            if held >= 64 {
                words.push(word);
                held -= 64;
                // What did not fit is the upper part of the byte's bits.
                word = found >> (chosen.count_ones() - held).min(63);
            }
        }
        count += chosen.count_ones() as usize;
    }
    words.push(word);
    BooleanBuffer::new(words.into(), 0, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_bits_stand_side_by_side() {
        for length in [0, 1, 8, 63, 64, 65, 127, 128, 129, 1_000, 8_192] {
            for (a, b) in [(3, 2), (7, 5), (1, 1), (2, 100), (64, 63), (5, 3)] {
                let bits: Vec<bool> = (0..length).map(|at| at * 31 % a == 0).collect();
                let chosen: Vec<bool> = (0..length)
                    .map(|at| at * 17 % b > 0 || at % a == 1)
                    .collect();
                let expected = bits.iter().zip(&chosen);
                let expected: Vec<bool> = expected
                    .filter(|(_, is)| **is)
                    .map(|(bit, _)| *bit)
                    .collect();
                let of = |bits: &[bool]| BooleanBuffer::from(bits);
                assert_eq!(picked(&of(&bits), &of(&chosen)), of(&expected));
                let from = length / 3;
                let part = |bits: &[bool]| of(bits).slice(from, length - from);
                let expected = bits[from..].iter().zip(&chosen[from..]);
                let expected: Vec<bool> = expected
                    .filter(|(_, is)| **is)
                    .map(|(bit, _)| *bit)
                    .collect();
                assert_eq!(picked(&part(&bits), &part(&chosen)), of(&expected));
            }
        }
    }
}
