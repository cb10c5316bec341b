//! Which figures about people are withheld, so that nothing is said of a group of fewer than so many, nor follows by subtraction.
//!
//! The group of a figure is the people whom it speaks of: those below the line, or, where a KPI has no such figure, those counted.
//! *Source*: the threshold rule with secondary suppression of Hundepool and others, Statistical Disclosure Control (2012),
//! doi:10.1002/9781118348239, chapter 4; what is protected and what is not: decision 0039.

use crate::catalogue::Catalogue;
use crate::fraction::Fraction;
use crate::kpi::{Clock, Formula, Indicator, Kpi, Measure};
use crate::measurement::{Basis, Grounds, Measurement, Statistics};
use crate::org::Tree;
use crate::status::Status;

/// The fewest people of whom something is said, where the workspace does not set another number.
pub const FEWEST: u32 = 5;

/// Tells whether a KPI says something of people: it sums records whose key names a person, or says so itself.
#[must_use]
pub fn counts_people(kpi: &Kpi, catalogue: &Catalogue) -> bool {
    kpi.measures
        .iter()
        .any(|measure| is_of_people(kpi, measure, catalogue))
}

fn is_of_people(kpi: &Kpi, measure: &Measure, catalogue: &Catalogue) -> bool {
    let Some(dataset) = catalogue.datasets.get(&measure.dataset.value) else {
        return false;
    };
    let is_distinct_people = dataset.distinct.as_ref().is_some_and(|distinct| {
        let of = catalogue.datasets.get(&distinct.dataset.value);
        let by = of.and_then(|of| of.column(&distinct.by.value));
        by.is_some_and(|column| column.personal)
    });
    kpi.is_about_people || is_distinct_people || dataset.key_is_personal()
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
            .filter(|child| size(*child) > 0)
            .collect();
        if below.is_empty() {
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
