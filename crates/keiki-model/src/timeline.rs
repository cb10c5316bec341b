//! The journal's rules: what is known of a record through time, and the signed difference between two states of knowledge.
//!
//! *Source*: signed entries as in double-entry book-keeping; Z-sets and difference streams (Budiu et al., DBSP, VLDB 2023,
//! doi:10.14778/3587136.3587137).

use crate::calendar::Day;

/// What a source says of a record from a day on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word<V> {
    /// The record has these values.
    Says(V),
    /// The record is no more.
    Ended,
    /// The source no longer speaks of the record; another source's values return.
    Silent,
}

/// One assertion of one source about one record. It holds from its day until the same source's next assertion; on one
/// day the later commit wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assertion<V> {
    /// First day on which it holds.
    pub day: Day,
    /// Order of becoming known: the commit, and the order within it.
    pub order: (i64, u32),
    /// What is said.
    pub word: Word<V>,
}

/// What one source said of a record, in order of (day, order of becoming known).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said<V>(Vec<Assertion<V>>);

impl<V> Default for Said<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V: Copy + PartialEq> Said<V> {
    /// Adds an assertion.
    pub fn add(&mut self, assertion: Assertion<V>) {
        let at = self
            .0
            .partition_point(|a| (a.day, a.order) <= (assertion.day, assertion.order));
        self.0.insert(at, assertion);
    }

    /// What the source says on a day.
    #[must_use]
    pub fn on(&self, day: Day) -> Word<V> {
        let after = self.0.partition_point(|a| a.day <= day);
        after
            .checked_sub(1)
            .map_or(Word::Silent, |last| self.0[last].word)
    }

    /// The assertions in order.
    #[must_use]
    pub fn assertions(&self) -> &[Assertion<V>] {
        &self.0
    }
}

/// The values of a record on a day: those of the first source by precedence that speaks. `None` = no record.
///
/// *Shape*: `sources` in order of precedence.
#[must_use]
pub fn state<V: Copy + PartialEq>(sources: &[Said<V>], day: Day) -> Option<V> {
    resolve(sources.iter().map(|said| said.on(day)))
}

/// Resolves what the sources say, in order of precedence.
pub fn resolve<V>(words: impl IntoIterator<Item = Word<V>>) -> Option<V> {
    for word in words {
        match word {
            Word::Says(values) => return Some(values),
            Word::Ended => return None,
            Word::Silent => {}
        }
    }
    None
}

/// A signed entry: `weight` is -1 for what was and +1 for what is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change<V> {
    /// First day of the change.
    pub effective_on: Day,
    /// -1 or +1.
    pub weight: i8,
    /// The values.
    pub values: V,
}

/// The difference between a record's timeline before and after, day by day.
///
/// What changes on a day is the step of the new timeline minus the step of the old one; between two days on which
/// somebody said something nothing changes.
#[must_use]
pub fn difference<V: Copy + PartialEq>(before: &[Said<V>], after: &[Said<V>]) -> Vec<Change<V>> {
    let mut days: Vec<Day> = before
        .iter()
        .chain(after)
        .flat_map(|said| said.0.iter().map(|a| a.day))
        .collect();
    days.sort_unstable();
    days.dedup();
    let mut changes = Vec::new();
    let (mut was, mut is) = (None, None);
    for day in days {
        let (old, new) = (state(before, day), state(after, day));
        let mut step: Vec<(V, i8)> = Vec::with_capacity(4);
        for (values, weight) in [(was, 1), (old, -1), (is, -1), (new, 1)] {
            let Some(values) = values else { continue };
            match step.iter().position(|(v, w)| *v == values && *w == -weight) {
                Some(cancelled) => {
                    step.remove(cancelled);
                }
                None => step.push((values, weight)),
            }
        }
        step.sort_by_key(|(_, weight)| *weight);
        changes.extend(step.into_iter().map(|(values, weight)| Change {
            effective_on: day,
            weight,
            values,
        }));
        (was, is) = (old, new);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(assertions: &[(Day, i64, u8)]) -> Said<u8> {
        let mut said = Said::default();
        for (day, order, values) in assertions {
            said.add(Assertion {
                day: *day,
                order: (*order, 0),
                word: Word::Says(*values),
            });
        }
        said
    }

    #[test]
    fn a_correction_across_a_later_change_takes_eight_entries() {
        // The record changed on day 10; one column is corrected on [3, 12).
        let before = [said(&[(0, 1, 1), (10, 2, 2)])];
        let after = [said(&[
            (0, 1, 1),
            (3, 3, 11),
            (10, 3, 12),
            (12, 3, 2),
            (10, 2, 2),
        ])];
        assert_eq!(difference(&before, &after).len(), 8);
    }

    #[test]
    fn a_source_that_withdraws_gives_way_to_the_next() {
        let mut first = said(&[(0, 1, 1)]);
        let second = said(&[(0, 2, 2)]);
        let before = [first.clone(), second.clone()];
        first.add(Assertion {
            day: 5,
            order: (3, 0),
            word: Word::Silent,
        });
        let changes = difference(&before, &[first, second]);
        assert_eq!(
            changes,
            [
                Change {
                    effective_on: 5,
                    weight: -1,
                    values: 1
                },
                Change {
                    effective_on: 5,
                    weight: 1,
                    values: 2
                }
            ]
        );
    }

    #[test]
    fn on_one_day_the_later_commit_wins() {
        assert_eq!(said(&[(4, 2, 9), (4, 1, 8)]).on(4), Word::Says(9));
    }
}
