//! The amounts of one measure in one period for every node of the tree.

use std::sync::{Arc, OnceLock};

use keiki_model::dataset::ORG_UNIT_SEPARATOR;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Scope;
use keiki_model::org::{Arrangement, Tree};

use super::{Slot, Subtrees};
use crate::axis::Axis;
use crate::cube::{Cell, Cube};
use crate::plan::{ClockPlan, MeasurePlan};
use crate::timing::{Span, Timing};

/// Where the evidence of each org unit of a cube, or of several named together, goes in the main tree.
#[derive(Debug, Clone, Default)]
pub(crate) struct Places(Vec<Vec<usize>>);

impl Places {
    pub(crate) fn new(units: &[String], tree: &Tree) -> Self {
        Self(units.iter().map(|unit| nodes_named(unit, tree)).collect())
    }
}

/// The nodes that take the evidence of an org unit, or of several, each once.
fn nodes_named(unit: &str, tree: &Tree) -> Vec<usize> {
    let mut nodes: Vec<usize> = unit
        .split(ORG_UNIT_SEPARATOR)
        .map(|id| tree.position_of_evidence(id))
        .collect();
    nodes.sort_unstable();
    nodes.dedup();
    nodes
}

/// Where the evidence of a dataset counts in one period, for the KPIs that concern the same units.
pub(crate) struct Footing {
    pub(crate) slot: Slot,
    arrangement: Arc<Arrangement>,
    places: Arc<Places>,
    pub(crate) timing: Arc<Timing>,
    /// Per node of the main tree, whether its evidence is there.
    pub(crate) covered: Vec<bool>,
    spread: OnceLock<Lists>,
    gathered: OnceLock<Lists>,
}

/// Lists one after the other. Of each org unit of the cube, the nodes at which its evidence counts, each once; or of each node
/// the org units that count there.
struct Lists {
    members: Vec<usize>,
    /// Where each list begins; one more for the end.
    starts: Vec<usize>,
}

impl Lists {
    fn of(&self, at: usize) -> &[usize] {
        &self.members[self.starts[at]..self.starts[at + 1]]
    }

    fn each(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        self.starts
            .windows(2)
            .map(|ends| &self.members[ends[0]..ends[1]])
    }

    /// For each of so many members the lists that have it.
    fn turned(&self, members: usize) -> Self {
        let mut starts = vec![0; members + 1];
        for member in &self.members {
            starts[member + 1] += 1;
        }
        for at in 0..members {
            starts[at + 1] += starts[at];
        }
        let mut next = starts.clone();
        let mut lists = vec![0; self.members.len()];
        for (at, list) in self.each().enumerate() {
            for member in list {
                lists[next[*member]] = at;
                next[*member] += 1;
            }
        }
        Self {
            members: lists,
            starts,
        }
    }
}

impl Footing {
    pub(crate) fn new(
        slot: Slot,
        arrangement: Arc<Arrangement>,
        places: Arc<Places>,
        timing: Arc<Timing>,
        covered: Vec<bool>,
    ) -> Self {
        Self {
            slot,
            arrangement,
            places,
            timing,
            covered,
            spread: OnceLock::new(),
            gathered: OnceLock::new(),
        }
    }

    /// The nodes that take the covered evidence of each org unit of the cube, and all above them.
    fn spread(&self) -> &Lists {
        self.spread.get_or_init(|| {
            let (mut nodes, mut starts) = (Vec::new(), vec![0]);
            for unit in 0..self.places.0.len() {
                let start = nodes.len();
                for node in self.covered_nodes(unit) {
                    let mut at = Some(self.arrangement.taker(node));
                    while let Some(node) = at.filter(|node| !nodes[start..].contains(node)) {
                        nodes.push(node);
                        at = self.above(node);
                    }
                }
                starts.push(nodes.len());
            }
            Lists {
                members: nodes,
                starts,
            }
        })
    }

    /// Per node, the org units of the cube that count somewhere below it.
    fn gathered(&self) -> &Lists {
        let nodes = || self.arrangement.tree().nodes().len();
        self.gathered.get_or_init(|| self.spread().turned(nodes()))
    }

    fn covered_nodes(&self, unit: usize) -> impl Iterator<Item = usize> {
        let named = self.places.0[unit].iter().copied();
        named.filter(|node| self.covered[*node])
    }

    /// The node above which takes this node's evidence too: alone, an entity passes nothing on.
    fn above(&self, node: usize) -> Option<usize> {
        let unit = &self.arrangement.tree().nodes()[node];
        unit.parent
            .filter(|_| self.slot.scope == Scope::Consolidated || !unit.kind.is_entity())
    }

    /// Tells whether evidence at `position` of the main tree counts at `node`.
    fn counts_at(&self, position: usize, node: usize) -> bool {
        let taker = self.arrangement.taker(position);
        if self.slot.scope == Scope::Consolidated {
            return self.arrangement.tree().is_within(taker, node);
        }
        std::iter::successors(Some(taker), |at| self.above(*at)).any(|at| at == node)
    }
}

/// One measure in one period: per-node totals, masked by coverage in the main tree before they are rolled up.
pub(crate) struct View<'c> {
    pub(crate) plan: &'c MeasurePlan,
    pub(crate) footing: Arc<Footing>,
    /// Per org unit of the cube, its amount, covered or not.
    amounts: Vec<Cell>,
    /// Per node, the total of its subtree.
    totals: Vec<Cell>,
    /// Per node, the records without a date in its subtree.
    undated: Vec<i64>,
    own: OnceLock<Vec<i128>>,
    /// Per node of the main tree, whether evidence names it, covered or not.
    named: OnceLock<Vec<bool>>,
}

/// The views of one measure in several periods.
pub(crate) fn views<'c>(
    cube: Option<&'c Cube>,
    measure: usize,
    plan: &'c MeasurePlan,
    footings: Vec<Arc<Footing>>,
) -> Vec<View<'c>> {
    let units = cube.map_or(0, |cube| cube.units.list().len());
    let ranges: Vec<_> = footings
        .iter()
        .map(|footing| cube.map_or_else(Vec::new, |cube| bins(&cube.axis, plan, &footing.timing)))
        .collect();
    let mut views: Vec<View<'c>> = footings
        .into_iter()
        .map(|footing| {
            let nodes = footing.arrangement.tree().nodes().len();
            View {
                plan,
                footing,
                amounts: vec![Cell::default(); units],
                totals: vec![Cell::default(); nodes],
                undated: vec![0; nodes],
                own: OnceLock::new(),
                named: OnceLock::new(),
            }
        })
        .collect();
    let Some(cube) = cube else { return views };
    let mut levels = vec![Cell::default(); units];
    for bin in 0..=cube.axis.bins() {
        for (view, ranges) in views.iter_mut().zip(&ranges) {
            for (number, range) in (0..).zip(ranges) {
                let Some(range) = range else { continue };
                if *range.start() == bin {
                    view.change(number, &levels, Cell::take);
                }
                if range.end() + 1 == bin {
                    view.change(number, &levels, Cell::add);
                }
            }
        }
        if bin < cube.axis.bins() {
            cube.add_bin(measure, bin, &mut levels);
        }
    }
    let undated: Vec<i64> = (0..units).map(|unit| cube.undated(measure, unit)).collect();
    for view in &mut views {
        view.roll_up(&undated);
    }
    views
}

impl View<'_> {
    /// Changes the amounts of the org units that follow a calendar by what these have before a bin.
    fn change(&mut self, number: usize, levels: &[Cell], by: impl Fn(&mut Cell, Cell)) {
        for (unit, level) in levels.iter().enumerate() {
            if self.number_of(unit) == number {
                by(&mut self.amounts[unit], *level);
            }
        }
    }

    /// Adds each org unit's amount to every node above it: once, however many of its units lie there.
    fn roll_up(&mut self, undated: &[i64]) {
        let footing = Arc::clone(&self.footing);
        let units = footing.spread().each().zip(&self.amounts).zip(undated);
        for ((nodes, amount), undated) in units {
            for node in nodes.iter().filter(|_| !amount.is_zero()) {
                self.totals[*node].add(*amount);
            }
            for node in nodes.iter().filter(|_| *undated != 0) {
                self.undated[*node] += undated;
            }
        }
    }

    /// The main tree.
    pub(crate) fn main(&self) -> &Tree {
        self.footing.arrangement.main()
    }

    /// Per node of the main tree, whether its evidence is there.
    pub(crate) fn covered(&self) -> &[bool] {
        &self.footing.covered
    }

    /// The number of the calendar that an org unit of the cube follows.
    pub(super) fn number_of(&self, unit: usize) -> usize {
        if self.spans().len() == 1 {
            return 0;
        }
        self.timing().number_of_all(&self.footing.places.0[unit])
    }

    /// What stands for the period.
    pub(super) fn timing(&self) -> &Timing {
        &self.footing.timing
    }

    /// What stands for the period in each calendar, by its number.
    pub(super) fn spans(&self) -> &[Span] {
        self.timing().spans()
    }

    /// What stands for the period in evidence of an org unit, or of several.
    pub(crate) fn span_of_evidence(&self, units: &str) -> Span {
        let number = if self.timing().is_uniform() {
            0
        } else {
            self.timing()
                .number_of_all(&nodes_named(units, self.main()))
        };
        self.spans()[number]
    }

    /// Tells whether evidence names this very node of the main tree, covered or not.
    pub(crate) fn has_own_evidence(&self, node: usize) -> bool {
        let named = self.named.get_or_init(|| {
            let mut named = vec![false; self.main().nodes().len()];
            let places = self.footing.places.0.iter().zip(&self.amounts);
            let filled = places.filter(|(_, amount)| !amount.is_zero());
            for node in filled.flat_map(|(nodes, _)| nodes) {
                named[*node] = true;
            }
            named
        });
        named[node]
    }

    /// The total of a node's subtree.
    pub(crate) fn total(&self, node: usize) -> Cell {
        self.totals.get(node).copied().unwrap_or_default()
    }

    /// The total of a node's subtree without the evidence of some units of the main tree.
    pub(crate) fn total_without(&self, node: usize, left_out: &Subtrees) -> Cell {
        let footing = &self.footing;
        let counts =
            |position: usize| !left_out.hold(position) && footing.counts_at(position, node);
        let mut total = Cell::default();
        for unit in footing.gathered().of(node) {
            let amount = self.amounts[*unit];
            if !amount.is_zero() && footing.covered_nodes(*unit).any(counts) {
                total.add(amount);
            }
        }
        total
    }

    /// The scaled sum as an exact fraction.
    pub(crate) fn fraction(&self, cell: Cell) -> Fraction {
        Fraction::new(cell.sum, self.plan.divisor).unwrap_or_else(|| Fraction::whole(0))
    }

    /// Records without a date anywhere below a node.
    pub(crate) fn undated(&self, node: usize) -> i64 {
        self.undated.get(node).copied().unwrap_or_default()
    }

    /// Per node, the org units of the cube that count somewhere below it.
    pub(crate) fn units_by_node(&self) -> impl ExactSizeIterator<Item = &[usize]> {
        self.footing.gathered().each()
    }

    /// The org units of the cube that count somewhere below a node, ascending.
    pub(super) fn units_of(&self, node: usize) -> &[usize] {
        self.footing.gathered().of(node)
    }

    /// Tells whether the evidence of an org unit, or of several, counts below a node.
    pub(crate) fn counts_below(&self, unit: &str, node: usize) -> bool {
        nodes_named(unit, self.main())
            .into_iter()
            .any(|position| self.covered()[position] && self.footing.counts_at(position, node))
    }

    /// Per node of the main tree, the sum of its own evidence: that of departments counts for their entity.
    pub(crate) fn own_levels(&self) -> &[i128] {
        self.own.get_or_init(|| self.sums_of_own())
    }

    fn sums_of_own(&self) -> Vec<i128> {
        let mut own = vec![0; self.main().nodes().len()];
        for (unit, amount) in self.amounts.iter().enumerate() {
            let mut entities: Vec<usize> = self
                .footing
                .covered_nodes(unit)
                .map(|node| self.main().entity_of(node))
                .collect();
            entities.dedup();
            for entity in entities {
                own[entity] += amount.sum;
            }
        }
        own
    }
}

/// Bins of time.
pub(super) type Bins = std::ops::RangeInclusive<usize>;

/// The bins of each calendar, by its number.
pub(super) fn bins(axis: &Axis, plan: &MeasurePlan, timing: &Timing) -> Vec<Option<Bins>> {
    let spans = timing.spans().iter();
    spans.map(|span| bins_of(axis, plan, span)).collect()
}

/// The bins of what stands for a period: stocks count everything up to the cut day, flows what happened in the period.
pub(super) fn bins_of(axis: &Axis, plan: &MeasurePlan, span: &Span) -> Option<Bins> {
    match plan.clock {
        ClockPlan::Flow { .. } if span.months.0 > span.months.1 => None,
        ClockPlan::Flow { .. } => axis.range(span.months.0.first_day(), span.cut),
        ClockPlan::Stock { .. } | ClockPlan::Spell { .. } => Some(0..=axis.bin(span.cut)?),
    }
}
