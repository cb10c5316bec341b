//! Brings cells in order, and adds up those that are equal.
//!
//! Which of two cells comes first, or whether they are equal, nobody can foretell: there is no branch on it.

use super::part::{Narrow, Part};
use crate::digits::deal_out;

/// How many bits of cells are looked at together.
const DIGIT_BITS: u32 = 8;

/// Fewer cells than these are sorted by comparing them.
const WORTH_DIGITS: usize = 64;

/// Sorts cells, whatever their weights, digit by digit from the last one on; there are digits only where cells differ.
pub(super) fn sort(cells: &mut [Narrow]) {
    if cells.len() < WORTH_DIGITS {
        return cells.sort_unstable();
    }
    let any = cells[0].0;
    let differences = cells.iter().fold(0, |all, cell| all | (cell.0 ^ any));
    let mut differences = differences & !Narrow::WEIGHT;
    let mut spare = vec![Narrow(0); cells.len()];
    let (mut from, mut to) = (&mut *cells, &mut spare[..]);
    let mut is_in_spare = false;
    while differences != 0 {
        let shift = differences.trailing_zeros();
        sort_by_digit(from, to, shift);
        std::mem::swap(&mut from, &mut to);
        is_in_spare = !is_in_spare;
        let above = u64::MAX.checked_shl(shift + DIGIT_BITS);
        differences &= above.unwrap_or(0);
    }
    if is_in_spare {
        cells.copy_from_slice(&spare);
    }
}

fn sort_by_digit(from: &[Narrow], to: &mut [Narrow], shift: u32) {
    let with_digit = |cell: &Narrow| (usize::from((cell.0 >> shift).to_le_bytes()[0]), *cell);
    deal_out(from.iter().map(with_digit), &mut [0; 1 << DIGIT_BITS], to);
}

/// Puts two ordered lists together; what comes to zero is left out.
pub(super) fn merged<P: Part>(left: &[P], right: &[P]) -> Vec<P> {
    let mut whole: Vec<P> = Vec::with_capacity(left.len() + right.len());
    let (mut of_left, mut of_right) = (0, 0);
    while let (Some(one), Some(other)) = (left.get(of_left), right.get(of_right)) {
        let is_first = one <= other;
        whole.push(if is_first { *one } else { *other });
        of_left += usize::from(is_first);
        of_right += usize::from(!is_first);
    }
    whole.extend_from_slice(&left[of_left..]);
    whole.extend_from_slice(&right[of_right..]);
    add_up(&mut whole);
    whole
}

/// Makes one cell of those that are equal, which lie side by side; what comes to zero is left out.
pub(super) fn add_up<P: Part>(cells: &mut Vec<P>) {
    let Some(mut cell) = cells.first().copied() else {
        return;
    };
    let (mut weight, mut kept) = (0, 0);
    for at in 0..cells.len() {
        let one = cells[at];
        let is_next = !one.is_of_cell_of(cell);
        if let Some(whole) = cell.with(weight) {
            cells[kept] = whole;
            kept += usize::from(is_next) * usize::from(weight != 0);
        } else if is_next {
            kept = put_parts(cells, kept, (cell, weight));
        }
        weight = weight * i64::from(!is_next) + one.weight();
        cell = one;
    }
    kept = put_parts(cells, kept, (cell, weight));
    cells.truncate(kept);
}

/// Puts the parts of a weight from a place on, and tells the place behind them: they are no more than those that were added up.
fn put_parts<P: Part>(cells: &mut [P], mut place: usize, (cell, weight): (P, i64)) -> usize {
    cell.parts(weight, |part| {
        cells[place] = part;
        place += 1;
    });
    place
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Draws cells that differ in the bits of a mask, with weights of a magnitude up to a limit.
    fn drawn(seed: u64, count: usize, mask: u64, limit: i64) -> Vec<Narrow> {
        let mut state = seed;
        let mut next = || {
            // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let base = next() & !mask;
        let mut cells = Vec::new();
        for _ in 0..count {
            let cell = Narrow(base | next() & mask);
            let weight = i64::try_from(next() % 1_000).expect("few") % (2 * limit + 1) - limit;
            cells.extend(cell.with(weight));
        }
        cells
    }

    /// Cells that differ in some bits or others, many of them or few, often equal.
    fn all_kinds() -> impl Iterator<Item = Vec<Narrow>> {
        let masks = [
            0,
            0x100,
            0xff << 56,
            0x7f << 50,
            0x3 << 20 | 0x7 << 33 | 0x5 << 53,
            !0,
        ];
        let counts = [0, 1, 2, 63, 64, 65, 1_000];
        let of_masks = (1..).zip(masks);
        of_masks.flat_map(move |(seed, mask)| {
            let limits = [1, 127].into_iter();
            limits.flat_map(move |limit| counts.map(|count| drawn(seed, count, mask, limit)))
        })
    }

    fn cell(of: Narrow) -> u64 {
        of.0 | Narrow::WEIGHT
    }

    fn sums(cells: impl IntoIterator<Item = Narrow>) -> BTreeMap<u64, i64> {
        let mut sums = BTreeMap::new();
        for one in cells {
            *sums.entry(cell(one)).or_insert(0) += one.weight();
        }
        sums.retain(|_, weight| *weight != 0);
        sums
    }

    #[test]
    fn cells_are_sorted_whatever_the_bits_in_which_they_differ() {
        for mut cells in all_kinds() {
            let before = sums(cells.iter().copied());
            let count = cells.len();
            sort(&mut cells);
            assert!(cells.is_sorted_by_key(|one| cell(*one)));
            assert_eq!((sums(cells.iter().copied()), cells.len()), (before, count));
        }
    }

    #[test]
    fn lists_put_together_hold_each_cell_once_with_its_sum() {
        let mut before = Vec::new();
        for mut cells in all_kinds() {
            let expected = sums(before.iter().chain(&cells).copied());
            sort(&mut cells);
            before = merged(&before, &cells);
            assert_eq!(sums(before.iter().copied()), expected);
            let mut parts = Vec::new();
            for (cell, weight) in expected {
                Narrow(cell).parts(weight, |part| parts.push(part));
            }
            assert_eq!(
                before, parts,
                "of great weights the parts, one after the other"
            );
        }
    }
}
