//! Which records were found to be one, and which were taken apart again.

use std::collections::{BTreeSet, HashMap};

use super::Merge;
use crate::batches::Snapshot;

/// Merges that stand, and what keeps records apart.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// Per record that was absorbed, the commits that absorbed it, in order, each with the record that it is.
    merged: HashMap<String, Vec<(i64, String)>>,
    /// Per identifier, the records that nobody with it is.
    barred: HashMap<String, BTreeSet<String>>,
}

/// How a record became another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Absorbed<'e> {
    /// The commit that absorbed it.
    pub(crate) first: i64,
    /// The commit that brought it into the record that it is now.
    pub(crate) last: i64,
    /// The record that it is now.
    pub(crate) into: &'e str,
}

impl Events {
    /// Reads the batch list: a separation takes the merge back that it is about, a merge by hand takes a separation back.
    pub(crate) fn of(snapshot: &Snapshot, dataset: &str) -> Self {
        let mut events = Self::default();
        let mut apart: Vec<(&str, &str, &[String])> = Vec::new();
        let of = snapshot.batches().iter();
        for batch in of.filter(|batch| batch.dataset == dataset) {
            for merge in &batch.merges {
                let Merge { absorbed, into, .. } = merge;
                let lives = events.merged.entry(absorbed.clone()).or_default();
                lives.push((batch.seq, into.clone()));
                apart.retain(|(own, from, _)| (*own, *from) != (absorbed, into));
            }
            for separation in &batch.separations {
                if let Some(lives) = events.merged.get_mut(&separation.record) {
                    lives.pop();
                }
                apart.push((
                    &separation.record,
                    &separation.from,
                    &separation.identifiers,
                ));
            }
        }
        for (_, from, identifiers) in apart {
            let (from, _) = events.standing(from, snapshot.seq());
            let from = from.to_owned();
            for identifier in identifiers {
                let barred = events.barred.entry(identifier.clone()).or_default();
                barred.insert(from.clone());
            }
        }
        events
    }

    /// The key under which a record stands that was spoken of in a commit, and which of its lives that was: a key that was
    /// absorbed and comes up again is about something else.
    pub(crate) fn standing<'k>(&'k self, key: &'k str, seq: i64) -> (&'k str, usize) {
        let life = self.merged.get(key).map_or(0, |lives| {
            lives.iter().filter(|(merged, _)| *merged <= seq).count()
        });
        (self.standing_of_life(key, life), life)
    }

    /// The key under which a life of a record stands now.
    pub(crate) fn standing_of_life<'k>(&'k self, key: &'k str, life: usize) -> &'k str {
        let ended = self.merged.get(key).and_then(|lives| lives.get(life));
        match ended {
            // The record that it is may be another by a later commit: the way ends with the last.
            Some((seq, into)) => self.standing(into, *seq).0,
            None => key,
        }
    }

    /// How a record became another; `None` where it is none but itself.
    pub(crate) fn absorbed(&self, key: &str) -> Option<Absorbed<'_>> {
        let (first, into) = self.merged.get(key)?.last()?;
        let mut absorbed = Absorbed {
            first: *first,
            last: *first,
            into,
        };
        let next = |absorbed: &Absorbed<'_>| {
            let mut lives = self.merged.get(absorbed.into)?.iter();
            lives.find(|(seq, _)| *seq > absorbed.last)
        };
        while let Some((seq, into)) = next(&absorbed) {
            (absorbed.last, absorbed.into) = (*seq, into);
        }
        Some(absorbed)
    }

    /// Tells whether something with these identifiers was said not to be a record.
    pub(crate) fn bars(&self, identifiers: &[String], record: &str) -> bool {
        let barred = identifiers.iter().filter_map(|one| self.barred.get(one));
        let mut barred = barred.flatten();
        barred.any(|one| one == record)
    }
}
