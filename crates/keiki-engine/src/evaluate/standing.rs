//! What the figures of an indicator rest on in one period: who owes evidence, who has sent it, what was reported in its place.

use keiki_model::kpi::{Formula, Indicator};
use keiki_model::measurement::{Basis, Coverage, CoverageRule, Headcount, Scope, Statistics};
use keiki_model::org::Arrangement;

use super::formulas::with_totals;
use super::{At, Concerned, Figure, View};
use crate::coverage::{count, cover_by_parts, owes, owing};
use crate::reported::ReportedFigure;

/// Sums over the nodes before each position, so that those of any subtree are a difference.
#[derive(Debug)]
struct Running<T>(Vec<T>);

impl<T: Copy + Default + std::ops::Add<Output = T> + std::ops::Sub<Output = T>> Running<T> {
    fn new(parts: impl Iterator<Item = T>) -> Self {
        let mut sums = vec![T::default()];
        let mut sum = T::default();
        sums.extend(parts.map(|part| {
            sum = sum + part;
            sum
        }));
        Self(sums)
    }

    fn within(&self, nodes: &std::ops::Range<usize>) -> T {
        self.0[nodes.end] - self.0[nodes.start]
    }
}

/// What all figures of an indicator in one period rest on.
pub(super) struct Standing<'s> {
    /// Per node of the main tree, whether claims cover all evidence that the indicator needs.
    claimed: Vec<bool>,
    /// Per node, whether all that evidence is there: by claims, or because all own parts of the unit have reported.
    covered: Vec<bool>,
    expected: Running<u32>,
    answered: Running<u32>,
    /// Absent where no headcount is known.
    people: Option<People>,
    reported: &'s [ReportedFigure],
}

/// People of the units that owe, and of those that have answered.
struct People {
    of: Vec<i64>,
    expected: Running<i64>,
    answered: Running<i64>,
}

/// A figure and what it rests on.
pub(super) struct Known {
    pub(super) figure: Figure,
    pub(super) coverage: Coverage,
    /// Ids of units that owe evidence and have not reported.
    pub(super) missing: Vec<String>,
    pub(super) basis: Basis,
    /// What was reported in the place of rows.
    pub(super) totals: Vec<Total>,
}

/// How a total that was reported bears on a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bearing {
    /// It is that of the node, or of a unit below it.
    Within,
    /// It is that of a unit above it, and how it divides is not known.
    Above,
    /// In a hierarchy: it counts at another node, and holds what rows say of units below this one.
    Elsewhere,
}

/// A total that was reported in the place of the rows of its org unit and all below it in the main tree.
#[derive(Debug, Clone)]
pub(super) struct Total {
    /// The position of its org unit in the main tree.
    pub(super) unit: usize,
    pub(super) figure: ReportedFigure,
    pub(super) bearing: Bearing,
}

impl Total {
    /// Tells whether it is part of a node's figure.
    pub(super) fn counts(&self) -> bool {
        self.bearing != Bearing::Elsewhere
    }
}

impl<'s> Standing<'s> {
    pub(super) fn new(
        (arrangement, rule): (&Arrangement, CoverageRule),
        (indicator, concerned): (&Indicator, &Concerned),
        views: &[&View<'_>],
        people: Option<&'s [i64]>,
        reported: &'s [ReportedFigure],
    ) -> Self {
        let claimed: Vec<bool> = (0..arrangement.main().nodes().len())
            .map(|unit| views.iter().all(|view| view.covered()[unit]))
            .collect();
        let covered = match rule {
            CoverageRule::ByParts => by_own_parts(arrangement, concerned, views, claimed.clone()),
            CoverageRule::ByClaims => arrangement.flags(&claimed),
        };
        let nodes = arrangement.tree().nodes();
        let owes = |node: usize| owes(&nodes[node], &indicator.applies_to);
        let owing: Vec<bool> = (0..nodes.len())
            .map(|node| {
                concerned.nodes[node] && arrangement.stands_for(node).is_some() && owes(node)
            })
            .collect();
        let people = people.map(|of_main| -> Vec<i64> {
            let units = (0..nodes.len()).map(|node| arrangement.stands_for(node));
            units
                .map(|unit| unit.map_or(0, |unit| of_main[unit]))
                .collect()
        });
        let answering = || owing.iter().zip(&covered).map(|(owes, is)| *owes && *is);
        let people = people.map(|of| People {
            expected: Running::new(of.iter().zip(&owing).map(|(n, is)| n * i64::from(*is))),
            answered: Running::new(of.iter().zip(answering()).map(|(n, is)| n * i64::from(is))),
            of,
        });
        Self {
            expected: Running::new(owing.iter().map(|owes| u32::from(*owes))),
            answered: Running::new(answering().map(u32::from)),
            people,
            claimed,
            covered,
            reported,
        }
    }

    /// The figure at a node from rows, or from what was reported in their place, and what it rests on.
    pub(super) fn known(&self, at: &At<'_>, from_rows: impl FnOnce() -> Figure) -> Known {
        let totals = self.totals(at);
        let id = &at.tree().nodes()[at.node].id;
        let reference = self
            .reported
            .iter()
            .find(|f| !f.has_totals() && f.org_unit == *id)
            .and_then(|reference| reference.value);
        let (mut coverage, missing) = if totals.is_empty() {
            self.coverage(at)
        } else {
            self.coverage_with(at, &totals)
        };
        let mut basis = if totals.iter().any(Total::counts) {
            Basis::Reported
        } else {
            Basis::Rows
        };
        let mut figure = if totals.is_empty() {
            from_rows()
        } else {
            with_totals(at, &totals)
        };
        if let Some(value) = reference.filter(|_| coverage.covered == 0) {
            basis = Basis::Reference;
            coverage = Coverage {
                covered: coverage.expected.min(1),
                ..coverage
            };
            figure = Figure {
                value: Some(value),
                ..Figure::default()
            };
        }
        if coverage.covered == 0 {
            figure = Figure {
                statistics: Statistics {
                    undated: figure.statistics.undated,
                    ..Statistics::default()
                },
                ..Figure::default()
            };
        }
        Known {
            figure,
            coverage,
            missing,
            basis,
            totals,
        }
    }

    /// Totals that bear on a node.
    fn totals(&self, at: &At<'_>) -> Vec<Total> {
        let mut totals: Vec<Total> = self
            .reported
            .iter()
            .filter(|figure| figure.has_totals())
            .filter_map(|figure| {
                let unit = at.arrangement.main().position(&figure.org_unit)?;
                Some(Total {
                    unit,
                    figure: figure.clone(),
                    bearing: bearing(at.arrangement, at.slot.scope, at.node, unit)?,
                })
            })
            .collect();
        let bearings: Vec<_> = totals.iter().map(|of| (of.unit, of.bearing)).collect();
        let mut is_kept = outermost(at.arrangement, at.node, &bearings).into_iter();
        totals.retain(|_| is_kept.next() == Some(true));
        totals
    }

    /// Coverage at a node by rows alone, and the ids of those who are missing.
    fn coverage(&self, at: &At<'_>) -> (Coverage, Vec<String>) {
        let unit = &at.tree().nodes()[at.node];
        let holds_departments = at.arrangement.holds_departments_alone(at.node);
        if !unit.kind.is_entity() && !holds_departments {
            return self.coverage_of_department(at);
        }
        if at.slot.scope == Scope::StandAlone || holds_departments {
            return self.coverage_of(at, &self.covered);
        }
        let nodes = at.node..unit.subtree_end;
        let coverage = Coverage {
            covered: self.answered.within(&nodes),
            expected: self.expected.within(&nodes),
            headcount: self.people.as_ref().map(|people| Headcount {
                covered: people.answered.within(&nodes),
                expected: people.expected.within(&nodes),
            }),
        };
        if coverage.covered == coverage.expected {
            return (coverage, Vec::new());
        }
        let owes = |node: usize| self.expected.within(&(node..node + 1)) > 0;
        let missing = nodes
            .filter(|node| owes(*node) && !self.covered[*node])
            .map(|node| at.tree().nodes()[node].id.clone())
            .collect();
        (coverage, missing)
    }

    /// Coverage at a department, which owes for itself alone.
    fn coverage_of_department(&self, at: &At<'_>) -> (Coverage, Vec<String>) {
        let counts_entities = matches!(at.indicator.formula, Formula::Entities(_));
        let owes = at.concerned.nodes[at.node] && !counts_entities;
        let is_covered = owes && self.covered[at.node];
        let coverage = Coverage {
            covered: u32::from(is_covered),
            expected: u32::from(owes),
            headcount: self.people.as_ref().map(|people| Headcount {
                covered: people.of[at.node] * i64::from(is_covered),
                expected: people.of[at.node] * i64::from(owes),
            }),
        };
        let missing = (owes && !is_covered).then(|| at.tree().nodes()[at.node].id.clone());
        (coverage, missing.into_iter().collect())
    }

    /// Coverage at a node where totals stand in the place of rows.
    fn coverage_with(&self, at: &At<'_>, totals: &[Total]) -> (Coverage, Vec<String>) {
        let main = at.arrangement.main();
        let mut covered = self.claimed.clone();
        let (here, elsewhere): (Vec<&Total>, Vec<&Total>) =
            totals.iter().partition(|total| total.counts());
        for (totals, is_covered) in [(elsewhere, false), (here, true)] {
            for Total { unit, .. } in totals {
                covered[*unit..main.nodes()[*unit].subtree_end].fill(is_covered);
            }
        }
        let covered = match at.slot.coverage_rule {
            CoverageRule::ByParts => by_own_parts(at.arrangement, at.concerned, at.views, covered),
            CoverageRule::ByClaims => {
                let parts = |unit: usize| main.children(unit).collect();
                cover_by_parts(&mut covered, parts, has_own(at.views));
                at.arrangement.flags(&covered)
            }
        };
        self.coverage_of(at, &covered)
    }

    fn coverage_of(&self, at: &At<'_>, covered: &[bool]) -> (Coverage, Vec<String>) {
        let owing = owing_for(at);
        let mut coverage = count(&owing, covered);
        coverage.headcount = self.people.as_ref().map(|people| {
            let sum = |is_counted: &dyn Fn(usize) -> bool| {
                let counted = owing.iter().filter(|node| is_counted(**node));
                counted.map(|node| people.of[*node]).sum()
            };
            Headcount {
                covered: sum(&|node| covered[node]),
                expected: sum(&|_| true),
            }
        });
        let missing = owing
            .iter()
            .filter(|position| !covered[**position])
            .map(|position| at.tree().nodes()[*position].id.clone())
            .collect();
        (coverage, missing)
    }
}

/// Which nodes are covered, where claims and totals cover some units of the main tree: a company has reported once its departments
/// have, whatever the companies below it have sent, which answer for themselves.
///
/// *Source*: decision 0106.
fn by_own_parts(
    arrangement: &Arrangement,
    concerned: &Concerned,
    views: &[&View<'_>],
    mut in_main: Vec<bool>,
) -> Vec<bool> {
    let main = arrangement.main();
    let parts = |unit: usize| {
        let parts = main.own_parts(unit);
        parts.filter(|part| concerned.units[*part]).collect()
    };
    cover_by_parts(&mut in_main, parts, has_own(views));
    arrangement.flags(&in_main)
}

/// Tells of units of the main tree whether evidence that is looked at names them.
fn has_own(views: &[&View<'_>]) -> impl Fn(usize) -> bool {
    move |unit| views.iter().any(|view| view.has_own_evidence(unit))
}

/// Which of totals, each of a unit of the main tree, make a node's figure: not those that others hold, since what a unit
/// reports holds what the units below it do. A node's own says more than that of a unit above it.
pub(crate) fn outermost(
    arrangement: &Arrangement,
    node: usize,
    totals: &[(usize, Bearing)],
) -> Vec<bool> {
    let own = arrangement.stands_for(node);
    let has_own = totals.iter().any(|(unit, _)| Some(*unit) == own);
    let is_kept = |(unit, bearing): &(usize, Bearing)| {
        let holds = |(other, of_other): &(usize, Bearing)| {
            other != unit && of_other == bearing && arrangement.main().is_within(*unit, *other)
        };
        let is_mere_sum = has_own && *bearing == Bearing::Above;
        !is_mere_sum && !totals.iter().any(holds)
    };
    totals.iter().map(is_kept).collect()
}

/// How a total of a unit of the main tree bears on a node; `None` where it does not.
pub(crate) fn bearing(
    arrangement: &Arrangement,
    scope: Scope,
    node: usize,
    unit: usize,
) -> Option<Bearing> {
    let tree = arrangement.tree();
    let taker = arrangement.taker(unit);
    let is_below = match scope {
        Scope::Consolidated => tree.is_within(taker, node),
        Scope::StandAlone => tree.entity_of(taker) == node,
    };
    let is_of = |node: usize| {
        let stands_for = arrangement.stands_for(node);
        stands_for.is_some_and(|at| arrangement.main().is_within(at, unit))
    };
    if is_below {
        Some(Bearing::Within)
    } else if is_of(node) {
        Some(Bearing::Above)
    } else {
        let mut below = node..tree.nodes()[node].subtree_end;
        (arrangement.is_hierarchy() && below.any(is_of)).then_some(Bearing::Elsewhere)
    }
}

/// The units that owe an indicator at a node, of those whom the KPI concerns. Entities are counted from an entity down: a
/// department has none.
pub(super) fn owing_for(at: &At<'_>) -> Vec<usize> {
    let counts_entities = matches!(at.indicator.formula, Formula::Entities(_));
    let has_none = !at.tree().nodes()[at.node].kind.is_entity()
        || at.arrangement.holds_departments_alone(at.node);
    if counts_entities && has_none {
        return Vec::new();
    }
    let mut owing = owing(at.arrangement, at.node, &at.indicator.applies_to);
    if at.slot.scope == Scope::StandAlone {
        owing.retain(|position| *position == at.node);
    }
    owing.retain(|position| at.concerned.nodes[*position]);
    owing
}
