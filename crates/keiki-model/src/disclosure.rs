//! Which figures about people are withheld, so that nothing is said of a group of fewer than so many, nor follows by subtraction.
//!
//! The group of a figure is the people whom it speaks of: those below the line, or, where a KPI has no such figure, those counted.
//! *Source*: the threshold rule with secondary suppression of Hundepool and others, Statistical Disclosure Control (2012),
//! doi:10.1002/9781118348239, chapter 4; what is protected and what is not: decision 0039.

mod movement;

use std::collections::BTreeSet;

use crate::catalogue::Catalogue;
use crate::dataset::{Dataset, Distinct};
use crate::fraction::Fraction;
use crate::kpi::{Clock, Formula, Indicator, Kpi, Measure};
use crate::measurement::{Basis, Grounds, Measurement, Statistics};
use crate::org::Tree;
use crate::status::Status;

pub use movement::{counts, held};

/// The fewest people of whom something is said, where the workspace does not set another number.
pub const FEWEST: u32 = 5;

/// Tells whether a KPI says something of people: it sums records whose key names a person, or says so itself.
#[must_use]
pub fn counts_people(kpi: &Kpi, catalogue: &Catalogue) -> bool {
    kpi.measures
        .iter()
        .any(|measure| is_of_people(kpi, measure, catalogue))
}

/// Groups KPIs that say something of the same people: those that read a dataset of people which another of them reads.
///
/// *Shape*: every KPI in one group, in the order given.
#[must_use]
pub fn kin<K: AsRef<Kpi> + Clone>(kpis: &[K], catalogue: &Catalogue) -> Vec<Vec<K>> {
    let mut groups: Vec<(BTreeSet<String>, Vec<K>)> = Vec::new();
    for kpi in kpis {
        let mut datasets = datasets_of_people(kpi.as_ref(), catalogue);
        let mut members = Vec::new();
        let (near, far): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|(of, _)| !of.is_disjoint(&datasets));
        groups = far;
        for (of, kpis) in near {
            datasets.extend(of);
            members.extend(kpis);
        }
        members.push(kpi.clone());
        groups.push((datasets, members));
    }
    groups.into_iter().map(|(_, members)| members).collect()
}

/// The datasets by which a KPI says something of people.
fn datasets_of_people(kpi: &Kpi, catalogue: &Catalogue) -> BTreeSet<String> {
    let measures = kpi.measures.iter();
    measures
        .filter(|measure| is_of_people(kpi, measure, catalogue))
        .map(|measure| measure.dataset.value.clone())
        .collect()
}

/// What of a dataset's rows somebody may read who has no right to see figures about few people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Legible {
    /// All of it: it names nobody.
    Whole,
    /// All but the columns that name people: its records are things.
    WithoutNames,
    /// Nothing: each record is of a person, and rows can be counted in groups of one.
    Nothing,
}

/// Tells what of a dataset's rows such a reader may read.
#[must_use]
pub fn legible(dataset: &Dataset, catalogue: &Catalogue) -> Legible {
    // People who hold any of several qualifications, and the qualifications that they hold.
    let of_distinct_people = catalogue.datasets.values().any(|derived| {
        let is_of = |distinct: &&Distinct| {
            derived.name == dataset.name || distinct.dataset.value == dataset.name
        };
        let distinct = derived.distinct.as_ref().filter(is_of);
        distinct.is_some_and(|distinct| is_by_person(distinct, catalogue))
    });
    let is_measured_as_people = || {
        let mut kpis = catalogue.kpis.iter();
        kpis.any(|kpi| datasets_of_people(kpi, catalogue).contains(&dataset.name))
    };
    if of_distinct_people || dataset.key_is_personal() || is_measured_as_people() {
        Legible::Nothing
    } else if dataset.is_personal() {
        Legible::WithoutNames
    } else {
        Legible::Whole
    }
}

fn is_of_people(kpi: &Kpi, measure: &Measure, catalogue: &Catalogue) -> bool {
    let Some(dataset) = catalogue.datasets.get(&measure.dataset.value) else {
        return false;
    };
    let distinct = dataset.distinct.as_ref();
    let is_distinct_people = distinct.is_some_and(|distinct| is_by_person(distinct, catalogue));
    kpi.is_about_people || is_distinct_people || dataset.key_is_personal()
}

fn is_by_person(distinct: &Distinct, catalogue: &Catalogue) -> bool {
    let of = catalogue.datasets.get(&distinct.dataset.value);
    let by = of.and_then(|of| of.column(&distinct.by.value));
    by.is_some_and(|column| column.personal)
}

/// Tells whether a KPI adds up over months, so that the figures of a longer period are sums of those of its months.
#[must_use]
pub fn adds_up_over_months(kpi: &Kpi) -> bool {
    let mut measures = kpi.measures.iter();
    measures.any(|measure| matches!(measure.clock, Clock::Flow { .. }))
}

/// The size of the group that a measurement speaks of; `None` where it speaks of none.
#[must_use]
pub fn group(kpi: &Kpi, measurement: &Measurement, catalogue: &Catalogue) -> Option<i128> {
    let find = |code: &str| kpi.indicators.iter().find(|one| one.code == code);
    let indicator = find(&measurement.indicator)?;
    let is_people = |name: &str| {
        let measure = kpi.measure(name);
        measure.is_some_and(|measure| is_of_people(kpi, measure, catalogue))
    };
    let has_group = |one: &Indicator| match &one.formula {
        Formula::Ratio { denominator, .. } => is_people(denominator),
        _ => false,
    };
    let count =
        |value: Option<Fraction>| value.map(|value| value.numerator() / value.denominator());
    match &indicator.formula {
        Formula::Ratio { .. } if has_group(indicator) => count(measurement.denominator),
        Formula::Sum(measure) if !kpi.indicators.iter().any(has_group) => is_people(measure)
            .then(|| count(measurement.value))
            .flatten(),
        Formula::Ratio { .. } | Formula::Entities(_) | Formula::Sum(_) => None,
        other => {
            let mut measures = other.measures().into_iter();
            measures.any(is_people).then_some(measurement.n).flatten()
        }
    }
}

/// What is withheld of a KPI in a period, by node of the org tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// Whether the node's figures are.
    pub nodes: Vec<bool>,
    /// Whether the node's own part is: what it has beside the nodes below it. It protects those below, and is nowhere shown alone.
    pub own_parts: Vec<bool>,
}

/// Chooses what is withheld.
///
/// *Shape*: `sizes` has, for each indicator with groups, the size of the group of each node, with all below it; `also` is withheld
/// for another reason. The result holds for all indicators alike, and satisfies, for each of them: of a node that is shown, either
/// nothing below it is withheld, or what is withheld comes from two parts at least and is no group of fewer than `fewest`; and a node
/// that is withheld is no sum of nodes that are shown.
#[must_use]
pub fn withheld(tree: &Tree, sizes: &[Vec<i128>], also: &[bool], fewest: i128) -> Withheld {
    let count = tree.nodes().len();
    let mut nodes: Vec<bool> = (0..count)
        .map(|node| {
            let is_small = |of: &Vec<i128>| (1..fewest).contains(&of[node]);
            also.get(node) == Some(&true) || sizes.iter().any(is_small)
        })
        .collect();
    let mut children = vec![Vec::new(); count];
    for (position, node) in tree.nodes().iter().enumerate() {
        if let Some(parent) = node.parent {
            children[parent].push(position);
        }
    }
    let mut has_changed = true;
    while has_changed {
        has_changed = false;
        for parent in (0..count).rev() {
            for sizes in sizes {
                let family = Family {
                    parent,
                    children: &children[parent],
                    sizes,
                };
                while let Some(more) = family.lacks(&nodes, fewest) {
                    nodes[more] = true;
                    has_changed = true;
                }
            }
        }
    }
    let own_parts = (0..count)
        .map(|node| nodes[node] || children[node].iter().any(|child| nodes[*child]))
        .collect();
    Withheld { nodes, own_parts }
}

/// What is to be withheld of one of several KPIs over the same people.
#[derive(Debug, Clone, Default)]
pub struct Cells {
    /// For each indicator with groups, the size of the group of each node, with all below it.
    pub sizes: Vec<Vec<i128>>,
    /// Per node, whether it is withheld for another reason.
    pub also: Vec<bool>,
}

impl Cells {
    /// The largest group of which the KPI speaks at a node.
    fn largest(&self, node: usize) -> i128 {
        let sizes = self.sizes.iter().map(|of| of[node]);
        sizes.max().unwrap_or(0)
    }
}

/// Chooses what is withheld of KPIs over the same people, so that none of them tells what another withholds.
///
/// Whom one KPI counts (those who attended) may be of whom another speaks (the pass rate of those who attended). Where a KPI is
/// withheld at a node, so is each other that speaks there of a group that is no larger: one that lies within the group, is the group
/// itself, or is nobody. One that speaks of a larger group stays: it tells how many the smaller are, and nothing of them.
///
/// *Shape*: as the KPIs are given.
#[must_use]
pub fn withheld_together(tree: &Tree, kpis: &[Cells], fewest: i128) -> Vec<Withheld> {
    let mut kpis = kpis.to_vec();
    for cells in &mut kpis {
        cells.also.resize(tree.nodes().len(), false);
    }
    loop {
        let found: Vec<Withheld> = kpis
            .iter()
            .map(|cells| withheld(tree, &cells.sizes, &cells.also, fewest))
            .collect();
        let mut more: Vec<(usize, usize)> = Vec::new();
        for (other, cells) in kpis.iter().enumerate() {
            for node in 0..tree.nodes().len() {
                let gives_away = |(one, of): (usize, &Withheld)| {
                    of.nodes[node] && cells.largest(node) <= kpis[one].largest(node)
                };
                let is_open = !found[other].nodes[node];
                if is_open && found.iter().enumerate().any(gives_away) {
                    more.push((other, node));
                }
            }
        }
        if more.is_empty() {
            return found;
        }
        for (kpi, node) in more {
            kpis[kpi].also[node] = true;
        }
    }
}

/// A node with those right below it, and the sizes of their groups.
struct Family<'f> {
    parent: usize,
    children: &'f [usize],
    sizes: &'f [i128],
}

impl Family<'_> {
    /// The node that has to be withheld too; `None` where nothing follows by subtraction.
    fn lacks(&self, withheld: &[bool], fewest: i128) -> Option<usize> {
        let size = |node: usize| self.sizes[node].max(0);
        let below: Vec<usize> = self
            .children
            .iter()
            .copied()
            // That a withheld group is nobody is not known either.
            .filter(|child| size(*child) > 0 || withheld[*child])
            .collect();
        // Of a whole that is nobody, every part is nobody, whatever is withheld.
        let is_nobody = size(self.parent) == 0 && !withheld[self.parent];
        if below.is_empty() || is_nobody {
            return None;
        }
        let own = (size(self.parent) - below.iter().map(|child| size(*child)).sum::<i128>()).max(0);
        let hidden: Vec<usize> = below.iter().copied().filter(|at| withheld[*at]).collect();
        let parts = hidden.len() + usize::from(own > 0);
        let people = own + hidden.iter().map(|at| size(*at)).sum::<i128>();
        let is_enough = if withheld[self.parent] {
            parts > 0
        } else if hidden.is_empty() {
            own == 0 || own >= fewest
        } else {
            parts > 1 && people >= fewest
        };
        if is_enough {
            return None;
        }
        let shown = below.iter().copied().filter(|at| !withheld[*at]);
        let smallest = shown.min_by_key(|at| (size(*at), *at));
        smallest.or_else(|| (!withheld[self.parent]).then_some(self.parent))
    }
}

impl Measurement {
    /// Takes everything away that a figure says of its group, its status included. What is left is that it was measured, and of whom
    /// evidence came.
    pub fn withhold(&mut self) {
        self.value = None;
        self.numerator = None;
        self.denominator = None;
        self.n = None;
        self.status = Status::TooFew;
        self.basis = Basis::Withheld;
        self.statistics = std::sync::Arc::new(Statistics::default());
        let grounds = Grounds {
            missing: self.grounds.missing.clone(),
            ..Grounds::default()
        };
        self.grounds = std::sync::Arc::new(grounds);
    }

    /// Whether it is withheld.
    #[must_use]
    pub fn is_withheld(&self) -> bool {
        self.basis == Basis::Withheld
    }
}

#[cfg(test)]
mod tests;
