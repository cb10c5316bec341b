//! Measurements in the order that is promised, held in little room, so that those of a period can be shared with whoever remembers them.

mod packed;
mod rows;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use keiki_model::measurement::Measurement;
use keiki_model::name::Name;

use rows::Reading;
pub(crate) use rows::{Collector, Heading, Own, Rows, Shared};

/// The measurements of one indicator in one period, of those nodes that were asked for.
pub(crate) type Part = Arc<Rows>;

/// The measurements that were asked for. *Shape*: ordered by KPI, indicator, org unit in depth-first order, period.
#[derive(Debug, Clone)]
pub struct Measurements {
    /// *Shape*: indicator, slot.
    parts: Vec<Vec<Part>>,
    /// The nodes that were asked for. *Shape*: slot, node.
    wanted: Arc<[Arc<Vec<bool>>]>,
    /// The instant of knowledge. Remembered measurements may have been computed as of an earlier one.
    known_at: Name,
    journal_version: i64,
}

impl Measurements {
    pub(crate) fn new(
        parts: Vec<Vec<Part>>,
        wanted: Vec<Arc<Vec<bool>>>,
        known_at: Name,
        journal_version: i64,
    ) -> Self {
        Self {
            parts,
            wanted: wanted.into(),
            known_at,
            journal_version,
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.parts.iter().flatten().map(|part| part.len()).sum()
    }

    /// Tells whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes a list of them, each of which takes many times the room that it takes here.
    #[must_use]
    pub fn into_vec(self) -> Vec<Measurement> {
        let mut list = Vec::with_capacity(self.len());
        list.extend(self.one_by_one());
        list
    }

    /// Makes them one after the other; what has been read is given up.
    pub fn one_by_one(self) -> impl Iterator<Item = Measurement> {
        let Self {
            parts,
            wanted,
            known_at,
            journal_version,
        } = self;
        let known = (known_at, journal_version);
        let of_indicator = move |slots| of_indicator(slots, Arc::clone(&wanted), known.clone());
        parts.into_iter().flat_map(of_indicator)
    }
}

fn of_indicator(
    slots: Vec<Part>,
    wanted: Arc<[Arc<Vec<bool>>]>,
    (known_at, journal_version): (Name, i64),
) -> impl Iterator<Item = Measurement> {
    let nodes = wanted.iter().map(|nodes| nodes.len()).max().unwrap_or(0);
    let count = slots.len();
    let mut slots: Vec<Reading> = slots.into_iter().map(Reading::new).collect();
    (0..nodes * count).filter_map(move |place| {
        let (node, slot) = (place / count, place % count);
        wanted[slot].get(node).filter(|is_wanted| **is_wanted)?;
        slots[slot].next(node, (&known_at, journal_version))
    })
}
