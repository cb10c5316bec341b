//! Chance that always falls the same way: each subject of the story has dice of its own.

/// Dice of one subject. *Source*: `SplitMix64` (Steele, Lea, Flood, OOPSLA 2014), seeded by FNV-1a of the subject's name.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of a subject.
    pub(super) fn of(subject: &str) -> Self {
        let seed = subject
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        Self(seed)
    }

    /// A number from 0 to `sides - 1`.
    pub(super) fn below(&mut self, sides: i32) -> i32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let sides = u64::from(sides.max(1).unsigned_abs());
        i32::try_from(mixed % sides).unwrap_or(0)
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: i32) -> bool {
        self.below(100) < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_subject_always_throws_the_same() {
        let throw = || {
            let mut dice = Dice::of("A-JP1-001");
            [dice.below(100), dice.below(100), dice.below(100)]
        };
        assert_eq!(throw(), throw());
        assert!(throw().iter().all(|found| (0..100).contains(found)));
    }
}
