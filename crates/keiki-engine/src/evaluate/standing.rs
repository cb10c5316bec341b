//! What the figures of an indicator rest on in one period: who owes evidence, who has sent it, what was reported in its place.

use std::collections::HashMap;

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator};
use keiki_model::measurement::{Basis, Coverage, CoverageRule, Headcount, Scope, Statistics};
use keiki_model::org::{Arrangement, Tree};

use super::bearing::{Bearing, Covering, Stands, Subtrees};
use super::formulas::{figure, with_totals};
use super::{At, Concerned, Figure, View};
use crate::coverage::{cover_by_parts, owes, owing};
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
    reported: Reported<'s>,
}

/// What was reported for an indicator in one period, by where it stands.
struct Reported<'s> {
    /// Totals, each with the position of its org unit in the main tree.
    totals: Vec<(usize, &'s ReportedFigure)>,
    stands: Stands,
    /// Ratios without their parts, by org unit.
    references: HashMap<&'s str, Option<Fraction>>,
}

impl<'s> Reported<'s> {
    fn new(arrangement: &Arrangement, figures: &'s [ReportedFigure]) -> Self {
        let (totals, others): (Vec<&ReportedFigure>, Vec<_>) =
            figures.iter().partition(|figure| figure.has_totals());
        let placed = totals.into_iter().filter_map(|figure| {
            let unit = arrangement.main().position(&figure.org_unit)?;
            Some((unit, figure))
        });
        let totals: Vec<(usize, &ReportedFigure)> = placed.collect();
        let units: Vec<usize> = totals.iter().map(|(unit, _)| *unit).collect();
        let mut references = HashMap::new();
        for figure in others {
            references
                .entry(figure.org_unit.as_str())
                .or_insert(figure.value);
        }
        Self {
            stands: Stands::new(arrangement, &units),
            totals,
            references,
        }
    }

    /// The totals that make a node's figure.
    fn totals(&self, at: &At<'_>) -> Vec<Total<'s>> {
        if self.totals.is_empty() {
            return Vec::new();
        }
        let bearings = self
            .stands
            .bearing_on(at.arrangement, at.slot.scope, at.node);
        let total = |(total, bearing): (usize, Bearing)| {
            let (unit, figure) = self.totals[total];
            Total {
                unit,
                figure,
                bearing,
            }
        };
        bearings.into_iter().map(total).collect()
    }

    /// The ratio without its parts that an org unit reported.
    fn reference(&self, id: &str) -> Option<Fraction> {
        self.references.get(id).copied().flatten()
    }
}

/// People of the units that owe, and of those that have answered.
struct People {
    of: Vec<i64>,
    expected: Running<i64>,
    answered: Running<i64>,
}

/// What a figure rests on.
pub(super) struct Known<'s> {
    pub(super) coverage: Coverage,
    /// Ids of units that owe evidence and have not reported.
    pub(super) missing: Vec<String>,
    pub(super) basis: Basis,
    /// What was reported in the place of rows.
    pub(super) totals: Vec<Total<'s>>,
    /// A ratio without its parts, where nothing else was reported.
    reference: Option<Fraction>,
}

impl Known<'_> {
    /// The figure at a node from rows, or from what was reported in their place; what a histogram gives is given.
    pub(super) fn figure(&self, at: &At<'_>, counted: Option<&mut Figure>) -> Figure {
        if self.coverage.covered > 0 && self.reference.is_none() {
            return self.covered_figure(at, counted);
        }
        let undated = match self.reference {
            None => self.covered_figure(at, counted).statistics.undated,
            Some(_) => 0,
        };
        Figure {
            value: self.reference.filter(|_| self.coverage.covered > 0),
            statistics: Statistics {
                undated,
                ..Statistics::default()
            },
            ..Figure::default()
        }
    }

    fn covered_figure(&self, at: &At<'_>, counted: Option<&mut Figure>) -> Figure {
        if self.totals.is_empty() {
            figure(at, counted)
        } else {
            with_totals(at, &self.totals)
        }
    }
}

/// A total that was reported in the place of the rows of its org unit and all below it in the main tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Total<'s> {
    /// The position of its org unit in the main tree.
    pub(super) unit: usize,
    pub(super) figure: &'s ReportedFigure,
    pub(super) bearing: Bearing,
}

impl Total<'_> {
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
            reported: Reported::new(arrangement, reported),
        }
    }

    /// What the figure at a node rests on.
    pub(super) fn known(&self, at: &At<'_>) -> Known<'s> {
        let totals = self.reported.totals(at);
        let reference = self.reported.reference(&at.tree().nodes()[at.node].id);
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
        let reference = reference.filter(|_| coverage.covered == 0);
        if reference.is_some() {
            basis = Basis::Reference;
            coverage.covered = coverage.expected.min(1);
        }
        Known {
            coverage,
            missing,
            basis,
            totals,
            reference,
        }
    }

    /// Coverage at a node by rows alone, and the ids of those who are missing.
    fn coverage(&self, at: &At<'_>) -> (Coverage, Vec<String>) {
        let unit = &at.tree().nodes()[at.node];
        let holds_departments = at.arrangement.holds_departments_alone(at.node);
        if !unit.kind.is_entity() && !holds_departments {
            return self.coverage_of_department(at);
        }
        if at.slot.scope == Scope::StandAlone || holds_departments {
            return self.coverage_of(at, |node| self.covered[node]);
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
        if owes && !is_covered {
            return (coverage, vec![at.tree().nodes()[at.node].id.clone()]);
        }
        (coverage, Vec::new())
    }

    /// Coverage at a node where totals stand in the place of rows.
    fn coverage_with(&self, at: &At<'_>, totals: &[Total<'_>]) -> (Coverage, Vec<String>) {
        let main = at.arrangement.main();
        let subtrees = |counts: bool| {
            let totals = totals.iter().filter(|total| total.counts() == counts);
            Subtrees::new(main, totals.map(|total| total.unit))
        };
        let parts = |unit: usize| match at.slot.coverage_rule {
            CoverageRule::ByParts => concerned_parts(main, at.concerned, unit),
            CoverageRule::ByClaims => main.children(unit).collect(),
        };
        let covering = Covering {
            claimed: &self.claimed,
            here: subtrees(true),
            elsewhere: subtrees(false),
            parts_of: parts,
            has_own: has_own(at.views),
        };
        self.coverage_of(at, |node| {
            let unit = at.arrangement.stands_for(node);
            unit.is_some_and(|unit| covering.covers(unit))
        })
    }

    fn coverage_of(
        &self,
        at: &At<'_>,
        is_covered: impl Fn(usize) -> bool,
    ) -> (Coverage, Vec<String>) {
        let owing = owing_for(at);
        let (covered, missing): (Vec<usize>, Vec<usize>) =
            owing.iter().partition(|node| is_covered(**node));
        let headcount = self.people.as_ref().map(|people| {
            let sum = |nodes: &[usize]| nodes.iter().map(|node| people.of[*node]).sum();
            Headcount {
                covered: sum(&covered),
                expected: sum(&owing),
            }
        });
        let count = |nodes: &[usize]| u32::try_from(nodes.len()).unwrap_or(u32::MAX);
        let coverage = Coverage {
            covered: count(&covered),
            expected: count(&owing),
            headcount,
        };
        let missing = missing.into_iter();
        let missing = missing.map(|node| at.tree().nodes()[node].id.clone());
        (coverage, missing.collect())
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
    let parts = |unit: usize| concerned_parts(arrangement.main(), concerned, unit);
    cover_by_parts(&mut in_main, parts, has_own(views));
    arrangement.flags(&in_main)
}

/// The own parts of a unit that the KPI concerns.
fn concerned_parts(main: &Tree, concerned: &Concerned, unit: usize) -> Vec<usize> {
    let parts = main.own_parts(unit);
    parts.filter(|part| concerned.units[*part]).collect()
}

/// Tells of units of the main tree whether evidence that is looked at names them.
fn has_own(views: &[&View<'_>]) -> impl Fn(usize) -> bool {
    move |unit| views.iter().any(|view| view.has_own_evidence(unit))
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
