//! Which totals that were reported in the place of rows make a node's figure, without a look at all of them for every node.

use std::collections::BTreeSet;
use std::ops::Range;

use keiki_model::measurement::Scope;
use keiki_model::org::{Arrangement, Tree};

/// How a total that was reported bears on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bearing {
    /// It is that of the node, or of a unit below it.
    Within,
    /// It is that of a unit above it, and how it divides is not known.
    Above,
    /// In a hierarchy: it counts at another node, and holds what rows say of units below this one.
    Elsewhere,
}

/// Totals by the org units of the main tree that reported them. Every total stands for its unit and all below it there.
///
/// Those that a node takes lie side by side in the order of its tree, and those of units above it are found from unit to unit, so
/// that a node costs what lies below it and the depth of the tree.
pub(crate) struct Stands {
    /// The positions of units that have totals, each with a total as it was given. *Shape*: in the order of the main tree.
    of_units: Vec<(usize, usize)>,
    /// The same units, each once, with the nodes that take them. *Shape*: in the order of the tree along which figures are rolled up.
    taken: Vec<(usize, usize)>,
    /// Per node of the main tree, the nearest unit at or above it that has totals; empty where there are none.
    nearest: Vec<Option<usize>>,
}

impl Stands {
    /// Puts totals in order, each given by the position of its unit.
    pub(crate) fn new(arrangement: &Arrangement, units: &[usize]) -> Self {
        let mut of_units: Vec<(usize, usize)> = units.iter().copied().zip(0..).collect();
        of_units.sort_unstable();
        let mut taken: Vec<(usize, usize)> = of_units
            .iter()
            .map(|(unit, _)| (arrangement.taker(*unit), *unit))
            .collect();
        taken.sort_unstable();
        taken.dedup();
        let mut nearest: Vec<Option<usize>> = Vec::new();
        if !of_units.is_empty() {
            let mut has_totals = vec![false; arrangement.main().nodes().len()];
            for (unit, _) in &of_units {
                has_totals[*unit] = true;
            }
            for (at, node) in arrangement.main().nodes().iter().enumerate() {
                let above = node.parent.and_then(|parent| nearest[parent]);
                nearest.push(if has_totals[at] { Some(at) } else { above });
            }
        }
        Self {
            of_units,
            taken,
            nearest,
        }
    }

    /// The totals that make a node's figure, in the order in which they were given, and how they bear on it. What a unit reports holds
    /// what the units below it do; a node's own says more than that of a unit above it.
    pub(crate) fn bearing_on(
        &self,
        arrangement: &Arrangement,
        scope: Scope,
        node: usize,
    ) -> Vec<(usize, Bearing)> {
        if self.of_units.is_empty() {
            return Vec::new();
        }
        let sight = Sight {
            stands: self,
            arrangement,
            scope,
            node,
            end: arrangement.tree().nodes()[node].subtree_end,
        };
        let within = sight.within().map(|unit| (unit, Bearing::Within));
        let above = sight.above().map(|unit| (unit, Bearing::Above));
        let elsewhere = sight.elsewhere().into_iter();
        let elsewhere = elsewhere.map(|unit| (unit, Bearing::Elsewhere));
        let units = within.chain(above).chain(elsewhere);
        let mut totals: Vec<(usize, Bearing)> = units
            .flat_map(|(unit, bearing)| self.of(unit).map(move |total| (total, bearing)))
            .collect();
        totals.sort_unstable();
        totals
    }

    /// The totals of a unit.
    fn of(&self, unit: usize) -> impl Iterator<Item = usize> {
        let from = self.of_units.partition_point(|(other, _)| *other < unit);
        let of_unit = self.of_units[from..].iter();
        of_unit
            .take_while(move |(other, _)| *other == unit)
            .map(|(_, total)| *total)
    }

    /// The units with totals at and above a unit, from below.
    fn upwards(&self, main: &Tree, unit: usize) -> impl Iterator<Item = usize> {
        let above = move |at: &usize| self.nearest[main.nodes()[*at].parent?];
        std::iter::successors(self.nearest[unit], above)
    }

    /// The units with totals above a unit, from below.
    fn above(&self, main: &Tree, unit: usize) -> impl Iterator<Item = usize> {
        self.upwards(main, unit).filter(move |at| *at != unit)
    }
}

/// A node as it is looked at.
struct Sight<'s> {
    stands: &'s Stands,
    arrangement: &'s Arrangement,
    scope: Scope,
    node: usize,
    /// One past the last position of the node's subtree.
    end: usize,
}

impl Sight<'_> {
    /// Tells whether what is reported of a unit is part of the node's figure.
    fn takes(&self, unit: usize) -> bool {
        let taker = self.arrangement.taker(unit);
        match self.scope {
            Scope::Consolidated => self.node <= taker && taker < self.end,
            Scope::StandAlone => self.arrangement.tree().entity_of(taker) == self.node,
        }
    }

    /// Tells whether the node lies in a unit, or is it.
    fn is_of(&self, unit: usize) -> bool {
        let own = self.arrangement.stands_for(self.node);
        own.is_some_and(|own| self.arrangement.main().is_within(own, unit))
    }

    /// The outermost of the units below the node.
    fn within(&self) -> impl Iterator<Item = usize> {
        let (stands, main) = (self.stands, self.arrangement.main());
        let from = stands
            .taken
            .partition_point(|(taker, _)| *taker < self.node);
        let below = stands.taken[from..].iter();
        let below = below.take_while(|(taker, _)| *taker < self.end);
        below
            .map(|(_, unit)| *unit)
            .filter(move |unit| self.takes(*unit))
            .filter(move |unit| !stands.above(main, *unit).any(|at| self.takes(at)))
    }

    /// The uppermost of the units above the node, unless the node has reported itself.
    fn above(&self) -> impl Iterator<Item = usize> {
        let own = self.arrangement.stands_for(self.node);
        let own = own.filter(|own| self.stands.nearest[*own] != Some(*own));
        let above = own.and_then(|own| {
            let units = self.stands.upwards(self.arrangement.main(), own);
            units.filter(|unit| !self.takes(*unit)).last()
        });
        above.into_iter()
    }

    /// The uppermost of the units that hold what lies below the node and count at another.
    fn elsewhere(&self) -> BTreeSet<usize> {
        if !self.arrangement.is_hierarchy() {
            return BTreeSet::new();
        }
        let main = self.arrangement.main();
        let uppermost = |of: usize| {
            let units = self.stands.upwards(main, of);
            let elsewhere = units.filter(|unit| !self.takes(*unit) && !self.is_of(*unit));
            elsewhere.last()
        };
        (self.node..self.end)
            .filter_map(|below| self.arrangement.stands_for(below))
            .filter_map(uppermost)
            .collect()
    }
}

/// Some units of the main tree and all below them.
#[derive(Debug, Default)]
pub(crate) struct Subtrees(Vec<Range<usize>>);

impl Subtrees {
    pub(crate) fn new(main: &Tree, units: impl Iterator<Item = usize>) -> Self {
        let mut units: Vec<usize> = units.collect();
        units.sort_unstable();
        let mut subtrees: Vec<Range<usize>> = Vec::new();
        for unit in units {
            if subtrees.last().is_none_or(|last| last.end <= unit) {
                subtrees.push(unit..main.nodes()[unit].subtree_end);
            }
        }
        Self(subtrees)
    }

    /// Tells whether a node of the main tree is one of them.
    pub(crate) fn hold(&self, position: usize) -> bool {
        let after = self.0.partition_point(|subtree| subtree.start <= position);
        let subtree = after.checked_sub(1).map(|at| &self.0[at]);
        subtree.is_some_and(|subtree| position < subtree.end)
    }
}

/// Which units of the main tree have reported, where totals stand in the place of rows: asked of one unit at a time.
pub(super) struct Covering<'c, P, O> {
    /// Per unit, whether claims cover it.
    pub(super) claimed: &'c [bool],
    /// What totals of a node's figure stand for: it is there.
    pub(super) here: Subtrees,
    /// What totals that count at another node stand for: by claims alone it is not.
    pub(super) elsewhere: Subtrees,
    /// The units all of which have to have reported for a unit.
    pub(super) parts_of: P,
    /// Tells whether evidence names a unit itself, which is not counted without a claim.
    pub(super) has_own: O,
}

impl<P: Fn(usize) -> Vec<usize>, O: Fn(usize) -> bool> Covering<'_, P, O> {
    /// Tells whether a unit has reported: by a total, by claims, or because all of its parts have.
    pub(super) fn covers(&self, unit: usize) -> bool {
        if self.here.hold(unit) || (self.claimed[unit] && !self.elsewhere.hold(unit)) {
            return true;
        }
        let parts = (self.parts_of)(unit);
        let have_reported = !parts.is_empty() && parts.iter().all(|part| self.covers(*part));
        have_reported && !(self.has_own)(unit)
    }
}

#[cfg(test)]
mod tests;
