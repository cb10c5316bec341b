//! The amounts of one measure in one period for every node of the tree.

use std::sync::Arc;

use keiki_model::dataset::ORG_UNIT_SEPARATOR;
use keiki_model::fraction::Fraction;
use keiki_model::histogram::Cell as HistogramCell;
use keiki_model::measurement::Scope;
use keiki_model::org::Tree;

use super::Slot;
use crate::cube::{Cell, Cube};
use crate::plan::{ClockPlan, MeasurePlan};

/// One measure in one period: per-node totals, masked by coverage before they are rolled up.
pub(crate) struct View<'c> {
    cube: Option<&'c Cube>,
    measure: usize,
    pub(crate) plan: &'c MeasurePlan,
    tree: Arc<Tree>,
    scope: Scope,
    /// Bins that count in the period.
    bins: Option<std::ops::RangeInclusive<usize>>,
    /// Per node, whether its evidence is there.
    pub(crate) covered: Vec<bool>,
    /// Per org unit of the cube, the covered nodes that it names.
    named: Vec<Vec<usize>>,
    /// Per node, the total of its subtree.
    totals: Vec<Cell>,
}

impl<'c> View<'c> {
    pub(crate) fn new(
        cube: Option<&'c Cube>,
        measure: usize,
        plan: &'c MeasurePlan,
        slot: &Slot,
        tree: &Arc<Tree>,
        covered: Vec<bool>,
    ) -> Self {
        let mut view = Self {
            cube,
            measure,
            plan,
            tree: Arc::clone(tree),
            scope: slot.scope,
            bins: cube.and_then(|cube| bins(cube, plan, slot)),
            named: Vec::new(),
            totals: Vec::new(),
            covered,
        };
        view.named = cube.map_or_else(Vec::new, |cube| {
            cube.units
                .list()
                .iter()
                .map(|unit| view.nodes_named(unit))
                .collect()
        });
        view.totals = view.roll_up(|_| true);
        view
    }

    /// The covered nodes that take the evidence of an org unit, or of several.
    fn nodes_named(&self, unit: &str) -> Vec<usize> {
        let mut nodes: Vec<usize> = unit
            .split(ORG_UNIT_SEPARATOR)
            .map(|id| self.tree.position_of_evidence(id))
            .filter(|node| self.covered[*node])
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    fn amount(&self, unit: usize) -> Cell {
        match (self.cube, &self.bins) {
            (Some(cube), Some(bins)) => cube.sum(self.measure, unit, bins.clone()),
            _ => Cell::default(),
        }
    }

    /// Adds each org unit's amount to every node above it: once, however many of its units lie there.
    fn roll_up(&self, keeps: impl Fn(usize) -> bool) -> Vec<Cell> {
        let mut totals = vec![Cell::default(); self.tree.nodes().len()];
        for (unit, nodes) in self.named.iter().enumerate() {
            if nodes.is_empty() {
                continue;
            }
            let amount = self.amount(unit);
            if amount.is_zero() {
                continue;
            }
            for node in self.ancestors_of(nodes.iter().copied().filter(|node| keeps(*node))) {
                totals[node].add(amount);
            }
        }
        totals
    }

    /// The nodes and all above them, each once.
    fn ancestors_of(&self, nodes: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut seen: Vec<usize> = Vec::new();
        for node in nodes {
            let mut at = Some(node);
            while let Some(node) = at {
                if seen.contains(&node) {
                    break;
                }
                seen.push(node);
                at = self.above(node);
            }
        }
        seen
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// Tells whether evidence names this very node, covered or not.
    pub(crate) fn has_own_evidence(&self, node: usize) -> bool {
        let units = self.cube.map_or(&[] as &[String], |cube| cube.units.list());
        units.iter().enumerate().any(|(unit, ids)| {
            let mut named = ids.split(ORG_UNIT_SEPARATOR);
            named.any(|id| self.tree.position_of_evidence(id) == node)
                && !self.amount(unit).is_zero()
        })
    }

    /// The node above which takes this node's evidence too: alone, an entity passes nothing on.
    fn above(&self, node: usize) -> Option<usize> {
        let unit = &self.tree.nodes()[node];
        unit.parent
            .filter(|_| self.scope == Scope::Consolidated || !unit.kind.is_entity())
    }

    /// Tells whether evidence at `position` counts at `node`.
    fn counts_at(&self, position: usize, node: usize) -> bool {
        if self.scope == Scope::Consolidated {
            return self.tree.is_within(position, node);
        }
        std::iter::successors(Some(position), |at| self.above(*at)).any(|at| at == node)
    }

    /// The total of a node's subtree.
    pub(crate) fn total(&self, node: usize) -> Cell {
        self.totals.get(node).copied().unwrap_or_default()
    }

    /// The total of a node's subtree without some of its nodes.
    pub(crate) fn total_without(&self, node: usize, is_left_out: &dyn Fn(usize) -> bool) -> Cell {
        self.roll_up(|position| !is_left_out(position))[node]
    }

    /// The scaled sum as an exact fraction.
    pub(crate) fn fraction(&self, cell: Cell) -> Fraction {
        Fraction::new(cell.sum, self.plan.divisor).unwrap_or_else(|| Fraction::whole(0))
    }

    /// Records without a date anywhere below a node.
    pub(crate) fn undated(&self, node: usize) -> i64 {
        let Some(cube) = self.cube else { return 0 };
        self.units_within(node)
            .map(|unit| cube.undated(self.measure, unit))
            .sum()
    }

    /// Org units of the cube that count somewhere below a node.
    fn units_within(&self, node: usize) -> impl Iterator<Item = usize> {
        self.named
            .iter()
            .enumerate()
            .filter(move |(_, nodes)| nodes.iter().any(|position| self.counts_at(*position, node)))
            .map(|(unit, _)| unit)
    }

    /// Tells whether the evidence of an org unit, or of several, counts below a node.
    pub(crate) fn counts_below(&self, unit: &str, node: usize) -> bool {
        self.nodes_named(unit)
            .iter()
            .any(|position| self.counts_at(*position, node))
    }

    /// The histogram's cells below a node that count in the period, with their group's name.
    pub(crate) fn cells(&self, node: usize) -> Vec<(HistogramCell, i64, &'c str)> {
        let (Some(cube), Some(bins)) = (self.cube, &self.bins) else {
            return Vec::new();
        };
        let part = |bin: usize| u16::try_from(bin).unwrap_or(u16::MAX);
        let bins = match self.plan.clock {
            ClockPlan::Spell { .. } => 0..=0,
            _ => part(*bins.start())..=part(*bins.end()),
        };
        self.units_within(node)
            .filter_map(|unit| u16::try_from(unit).ok())
            .flat_map(|unit| cube.histograms[self.measure].cells(unit, bins.clone()))
            .map(|(cell, weight)| {
                let group = cube
                    .groups
                    .list()
                    .get(usize::from(cell.group))
                    .map_or("", String::as_str);
                (cell, weight, group)
            })
            .collect()
    }

    /// Per node, the count of its own evidence: that of departments counts for their entity.
    pub(crate) fn own_levels(&self, tree: &Tree) -> Vec<i128> {
        let mut own = vec![0; tree.nodes().len()];
        for (unit, nodes) in self.named.iter().enumerate() {
            let amount = self.amount(unit);
            let mut entities: Vec<usize> = nodes.iter().map(|node| tree.entity_of(*node)).collect();
            entities.dedup();
            for entity in entities {
                own[entity] += amount.sum;
            }
        }
        own
    }
}

/// Stocks count everything up to the cut day, flows what happened in the period.
fn bins(cube: &Cube, plan: &MeasurePlan, slot: &Slot) -> Option<std::ops::RangeInclusive<usize>> {
    match plan.clock {
        ClockPlan::Flow { .. } => cube.axis.range(slot.months.0.first_day(), slot.cut),
        ClockPlan::Stock { .. } | ClockPlan::Spell { .. } => Some(0..=cube.axis.bin(slot.cut)?),
    }
}
