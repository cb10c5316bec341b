//! What the figures of an indicator rest on in one period: who owes evidence, who has sent it, what was reported in its place.

use keiki_model::kpi::{Formula, Indicator};
use keiki_model::measurement::{Basis, Coverage, Headcount, Scope, Statistics};
use keiki_model::org::Tree;

use super::formulas::{lift, with_totals};
use super::{At, Figure, View};
use crate::coverage::{count, owes, owing};
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
    /// Per node, whether all evidence that the indicator needs is there.
    covered: Vec<bool>,
    expected: Running<u32>,
    answered: Running<u32>,
    /// Absent where no headcount is known.
    people: Option<People<'s>>,
    reported: &'s [ReportedFigure],
}

/// People of the units that owe, and of those that have answered.
struct People<'s> {
    of: &'s [i64],
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
    /// What was reported in the place of rows, with the position of its org unit.
    pub(super) totals: Vec<(usize, ReportedFigure)>,
}

impl<'s> Standing<'s> {
    pub(super) fn new(
        tree: &Tree,
        (indicator, concerned): (&Indicator, &[bool]),
        views: &[&View<'_>],
        people: Option<&'s [i64]>,
        reported: &'s [ReportedFigure],
    ) -> Self {
        let nodes = 0..tree.nodes().len();
        let covered: Vec<bool> = nodes
            .clone()
            .map(|node| views.iter().all(|view| view.covered[node]))
            .collect();
        let owing: Vec<bool> = nodes
            .map(|node| concerned[node] && owes(&tree.nodes()[node], &indicator.applies_to))
            .collect();
        let answering = || owing.iter().zip(&covered).map(|(owes, is)| *owes && *is);
        let people = people.map(|of| People {
            of,
            expected: Running::new(of.iter().zip(&owing).map(|(n, is)| n * i64::from(*is))),
            answered: Running::new(of.iter().zip(answering()).map(|(n, is)| n * i64::from(is))),
        });
        Self {
            expected: Running::new(owing.iter().map(|owes| u32::from(*owes))),
            answered: Running::new(answering().map(u32::from)),
            people,
            covered,
            reported,
        }
    }

    /// The figure at a node from rows, or from what was reported in their place, and what it rests on.
    pub(super) fn known(&self, at: &At<'_>, from_rows: impl FnOnce() -> Figure) -> Known {
        let totals = self.totals(at);
        let id = &at.tree.nodes()[at.node].id;
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
        let mut basis = Basis::Rows;
        let mut figure = if totals.is_empty() {
            from_rows()
        } else {
            basis = Basis::Reported;
            with_totals(at.indicator, at.tree, at.node, at.views, &totals)
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

    /// Totals that were reported at a node, below it, or above it.
    fn totals(&self, at: &At<'_>) -> Vec<(usize, ReportedFigure)> {
        let (tree, node) = (at.tree, at.node);
        let concerns = |position: usize| {
            let is_below = match at.slot.scope {
                Scope::Consolidated => tree.is_within(position, node),
                Scope::StandAlone => tree.entity_of(position) == node,
            };
            is_below || tree.is_within(node, position)
        };
        self.reported
            .iter()
            .filter(|figure| figure.has_totals())
            .filter_map(|figure| Some((tree.position(&figure.org_unit)?, figure.clone())))
            .filter(|(position, _)| concerns(*position))
            .collect()
    }

    /// Coverage at a node by rows alone, and the ids of those who are missing.
    fn coverage(&self, at: &At<'_>) -> (Coverage, Vec<String>) {
        let unit = &at.tree.nodes()[at.node];
        if !unit.kind.is_entity() {
            return self.coverage_of(at, &self.covered);
        }
        let nodes = match at.slot.scope {
            Scope::Consolidated => at.node..unit.subtree_end,
            Scope::StandAlone => at.node..at.node + 1,
        };
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
            .map(|node| at.tree.nodes()[node].id.clone())
            .collect();
        (coverage, missing)
    }

    /// Coverage at a node where totals stand in the place of rows.
    fn coverage_with(
        &self,
        at: &At<'_>,
        totals: &[(usize, ReportedFigure)],
    ) -> (Coverage, Vec<String>) {
        let mut covered = self.covered.clone();
        for (position, _) in totals {
            covered[*position..at.tree.nodes()[*position].subtree_end].fill(true);
        }
        lift(&mut covered, at.tree, at.views);
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
            .map(|position| at.tree.nodes()[*position].id.clone())
            .collect();
        (coverage, missing)
    }
}

/// The units that owe an indicator at a node, of those whom the KPI concerns. Entities are counted from an entity down: a
/// department has none.
pub(super) fn owing_for(at: &At<'_>) -> Vec<usize> {
    let counts_entities = matches!(at.indicator.formula, Formula::Entities(_));
    if counts_entities && !at.tree.nodes()[at.node].kind.is_entity() {
        return Vec::new();
    }
    let mut owing = owing(at.tree, at.node, &at.indicator.applies_to);
    if at.slot.scope == Scope::StandAlone {
        owing.retain(|position| *position == at.node);
    }
    owing.retain(|position| at.concerned[*position]);
    owing
}
