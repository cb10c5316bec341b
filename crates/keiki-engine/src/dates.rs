//! Columns of dates as plain numbers, for loops without a branch.

use std::borrow::Cow;

use arrow::array::{Array, Date32Array};
use keiki_model::calendar::Day;

/// For each byte of a bitmap, all bits of a number set where the bit is.
static MASKS: [[Day; 8]; 256] = masks();

const fn masks() -> [[Day; 8]; 256] {
    let mut masks = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut bit = 0;
        while bit < 8 {
            masks[byte][bit] = if byte >> bit & 1 == 1 { -1 } else { 0 };
            bit += 1;
        }
        byte += 1;
    }
    masks
}

/// The days, or another where there is none.
pub(crate) fn filled(dates: &Date32Array, absent: Day) -> Cow<'_, [Day]> {
    let Some(nulls) = dates.nulls().filter(|nulls| nulls.null_count() > 0) else {
        return Cow::Borrowed(dates.values());
    };
    let mut days = dates.values().to_vec();
    let words = nulls.inner().bit_chunks();
    for (days, word) in days.chunks_mut(64).zip(words.iter_padded()) {
        for (days, byte) in days.chunks_mut(8).zip(word.to_le_bytes()) {
            for (day, mask) in days.iter_mut().zip(&MASKS[usize::from(byte)]) {
                *day = *day & mask | absent & !mask;
            }
        }
    }
    Cow::Owned(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_absent_is_filled_wherever_it_stands() {
        for count in [0, 1, 7, 8, 63, 64, 65, 200] {
            let days = |row: Day| (row % 3 > 0 && row % 7 > 0).then_some(row - 100);
            let dates: Date32Array = (0..count).map(days).collect();
            let expected: Vec<Day> = (0..count).map(|row| days(row).unwrap_or(-5)).collect();
            assert_eq!(*filled(&dates, -5), *expected);
            let part = dates.slice(dates.len() / 3, dates.len() - dates.len() / 3);
            assert_eq!(*filled(&part, -5), expected[dates.len() / 3..]);
        }
    }
}
