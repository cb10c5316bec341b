//! Takes a record out of another into which it was merged.

use std::collections::{BTreeSet, HashMap, HashSet};

use keiki_model::calendar::Day;
use keiki_model::timeline::{Said, Word, difference};

use super::{History, InScope, Line, RecordHistory};
use crate::plan::{Output, Pick, Reading};

/// A record that is to stand for itself again.
pub(crate) struct Apart<'a> {
    /// Its key.
    pub(crate) record: &'a str,
    /// The record that it was taken for.
    pub(crate) from: &'a str,
    /// The commit that absorbed it.
    pub(crate) first: i64,
    /// The commit that brought it into the record.
    pub(crate) last: i64,
    /// The sources that speak of it and not of the other; empty = since then, those that did not speak of the other before.
    pub(crate) sources: &'a [String],
    /// Tells whether values carry one of its identifiers.
    pub(crate) is_of: &'a dyn Fn(Pick) -> bool,
    /// The same values under its own key.
    pub(crate) renamed: &'a dyn Fn(Pick) -> Pick,
}

impl History<'_> {
    /// Gives a record back what its sources said of it, before it was merged and since, and takes that from the record that
    /// it was merged into. A source that spoke of that record itself is left there from then on.
    pub(crate) fn separate(
        &self,
        apart: &Apart<'_>,
        reading: &Reading,
        in_scope: &InScope<'_>,
        output: &mut Output,
    ) {
        let (kept, moved) = self.divided(apart);
        let said_own = self.said.get(apart.record).map_or(&[][..], Vec::as_slice);
        let own = said_own.iter().filter(|line| line.seq < apart.first);
        let renamed = moved.into_iter().map(|line| Line {
            word: line.word.map(|word| match word {
                Word::Says(pick) => Word::Says((apart.renamed)(pick)),
                other => other,
            }),
            ..line
        });
        let mut own: Vec<Line> = own.cloned().chain(renamed).collect();
        own.sort_by_key(|line| (line.seq, line.order));
        for (key, lines) in [(apart.from, kept), (apart.record, own)] {
            let mut record = RecordHistory::new(reading);
            record.replay(self, key, in_scope, output);
            let silent = record.said.iter().map(|_| Said::default()).collect();
            let before = std::mem::replace(&mut record.said, silent);
            record.replay_lines(self, &lines, in_scope, output);
            record.say_again(key, &before, reading, output);
            let changes = difference(&before, &record.said);
            record.enter(key, changes, reading, output);
        }
    }

    /// The lines of the record that it was merged into: its own, and those that are about the other.
    fn divided(&self, apart: &Apart<'_>) -> (Vec<Line>, Vec<Line>) {
        let lines = self.said.get(apart.from).map_or(&[][..], Vec::as_slice);
        let says = |line: &&Line| matches!(line.word, Some(Word::Says(_)));
        let spoke: HashSet<&str> = lines
            .iter()
            .filter(|line| line.seq < apart.last)
            .filter(says)
            .map(|line| line.source.as_str())
            .collect();
        let mut is_last_moved: HashMap<&str, bool> = HashMap::new();
        let (mut kept, mut moved) = (Vec::new(), Vec::new());
        for line in lines {
            let came_by_it = line.seq == apart.last;
            let is_theirs = match apart.sources {
                [] => line.seq > apart.last && !spoke.contains(line.source.as_str()),
                stated => stated.contains(&line.source),
            };
            let is_of = match line.word {
                Some(Word::Says(pick)) => (apart.is_of)(pick),
                // A word without values is about what the source spoke of before.
                _ => is_last_moved
                    .get(line.source.as_str())
                    .copied()
                    .unwrap_or_default(),
            };
            let is_moved = (came_by_it || is_theirs) && is_of;
            is_last_moved.insert(&line.source, is_moved);
            if is_moved {
                moved.push(line.clone());
            } else {
                kept.push(line.clone());
            }
        }
        (kept, moved)
    }
}

impl RecordHistory {
    /// Writes down what each source says now, on every day on which it said something before or says something now.
    fn say_again(&self, key: &str, before: &[Said<u32>], reading: &Reading, output: &mut Output) {
        for (at, source) in self.sources.iter().enumerate() {
            let (was, is) = (&before[at], &self.said[at]);
            let spoken = was.assertions().iter().chain(is.assertions());
            let days: BTreeSet<Day> = spoken.map(|assertion| assertion.day).collect();
            if days.iter().all(|day| was.on(*day) == is.on(*day)) {
                continue;
            }
            output.let_speak(source);
            for day in days {
                let word = match is.on(day) {
                    Word::Says(number) => Word::Says(self.picks[number as usize]),
                    Word::Ended => Word::Ended,
                    Word::Silent => Word::Silent,
                };
                output.assert(key, word, day, reading.known_at);
            }
        }
    }
}
