//! Measurements in the order that is promised, held so that those of a period can be shared with whoever remembers them.

use std::sync::Arc;

use keiki_model::measurement::Measurement;
use keiki_model::name::Name;

/// The measurements of one indicator in one period. *Shape*: node, those that were asked for.
pub(crate) type Part = Arc<Vec<Measurement>>;

/// The measurements that were asked for. *Shape*: ordered by KPI, indicator, org unit in depth-first order, period.
#[derive(Debug, Clone)]
pub struct Measurements {
    /// *Shape*: indicator, slot.
    parts: Vec<Vec<Part>>,
    /// The nodes that were asked for. *Shape*: slot, node.
    wanted: Vec<Arc<Vec<bool>>>,
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
            wanted,
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

    /// Makes a list of them; what nobody shares is moved, not copied.
    #[must_use]
    pub fn into_vec(self) -> Vec<Measurement> {
        let mut list = Vec::with_capacity(self.len());
        let nodes = self
            .wanted
            .iter()
            .map(|nodes| nodes.len())
            .max()
            .unwrap_or(0);
        for slots in self.parts {
            let mut slots: Vec<_> = slots
                .into_iter()
                .map(|part| Arc::unwrap_or_clone(part).into_iter())
                .collect();
            for node in 0..nodes {
                let of_node = slots.iter_mut().zip(&self.wanted);
                let of_node = of_node.filter(|(_, wanted)| wanted.get(node) == Some(&true));
                list.extend(of_node.filter_map(|(of_slot, _)| {
                    let mut one = of_slot.next()?;
                    if one.journal_version != self.journal_version || one.known_at != self.known_at
                    {
                        one.known_at = self.known_at.clone();
                        one.journal_version = self.journal_version;
                    }
                    Some(one)
                }));
            }
        }
        list
    }
}
