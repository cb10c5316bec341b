//! Which figures about people are held as they were reported, so that a restatement says nothing of the few who moved it.
//!
//! *Source*: publication of successive tables without small differences, as in Hundepool and others, Statistical Disclosure Control
//! (2012), doi:10.1002/9781118348239, chapter 4, "linked tables"; what is held and what is not: decision 0096.

use super::{Withheld, is_of_people, withheld};
use crate::catalogue::Catalogue;
use crate::fraction::Fraction;
use crate::kpi::{Formula, Kpi};
use crate::measurement::{Basis, Measurement};
use crate::org::Tree;

/// The people whom a measurement counts: of a ratio those below the line, those above it and the rest; else all of them.
///
/// *Shape*: the same for every measurement of an indicator; empty where it counts no people. What is unknown counts nobody.
#[must_use]
pub fn counts(kpi: &Kpi, measurement: &Measurement, catalogue: &Catalogue) -> Vec<i128> {
    let mut indicators = kpi.indicators.iter();
    let Some(indicator) = indicators.find(|one| one.code == *measurement.indicator) else {
        return Vec::new();
    };
    let is_people = |name: &str| {
        let measure = kpi.measure(name);
        measure.is_some_and(|measure| is_of_people(kpi, measure, catalogue))
    };
    let count =
        |value: Option<Fraction>| value.map_or(0, |value| value.numerator() / value.denominator());
    match &indicator.formula {
        Formula::Ratio {
            numerator,
            denominator,
        } if is_people(denominator) || is_people(numerator) => {
            let (over, under) = (count(measurement.numerator), count(measurement.denominator));
            vec![under, over, under - over]
        }
        Formula::Sum(measure) if is_people(measure) => vec![count(measurement.value)],
        Formula::Ratio { .. } | Formula::Sum(_) | Formula::Entities(_) => Vec::new(),
        other => {
            let mut measures = other.measures().into_iter();
            let n = measures.any(is_people).then_some(measurement.n);
            n.map_or_else(Vec::new, |n| vec![n.unwrap_or(0)])
        }
    }
}

/// Chooses whose figures are held, so that no movement of fewer than `fewest` people is shown or follows from those that are.
///
/// *Shape*: `moved` has, for each indicator, for each of its counts, how far each node moved, with all below it. As many people have
/// moved an indicator as the count that moved most says: of 46 who are taken out and 45 who had passed one has failed, which is said of
/// 46. Gains of one part and losses of another do not cancel out: a node moved by as many as all parts below it together. So the
/// movements are groups of a table like any other.
#[must_use]
pub fn held(tree: &Tree, moved: &[Vec<Vec<i128>>], fewest: i128) -> Withheld {
    let all: Vec<Vec<i128>> = moved.iter().map(|counts| gross(tree, counts)).collect();
    withheld(tree, &all, &[], fewest)
}

/// How many people moved an indicator at each node at least, with all below it.
fn gross(tree: &Tree, counts: &[Vec<i128>]) -> Vec<i128> {
    let mut all = vec![0; tree.nodes().len()];
    for moved in counts {
        let mut own = moved.clone();
        for (node, of) in tree.nodes().iter().enumerate() {
            if let Some(parent) = of.parent {
                own[parent] -= moved[node];
            }
        }
        for (all, own) in all.iter_mut().zip(own) {
            *all = own.abs().max(*all);
        }
    }
    for node in (1..all.len()).rev() {
        if let Some(parent) = tree.nodes()[node].parent {
            all[parent] += all[node];
        }
    }
    all
}

impl Measurement {
    /// Puts what was shown before in the place of a figure that few people have moved since. What became known and by which commit
    /// stays its own.
    pub fn hold(&mut self, shown: &Self) {
        self.value = shown.value;
        self.numerator = shown.numerator;
        self.denominator = shown.denominator;
        self.n = shown.n;
        self.unit = shown.unit;
        self.target = shown.target;
        self.status = shown.status;
        self.coverage = shown.coverage;
        self.statistics = shown.statistics.clone();
        self.grounds = shown.grounds.clone();
        self.basis = Basis::Held;
    }

    /// Whether it is held as it was shown before.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.basis == Basis::Held
    }

    /// Whether what is shown is not what was measured.
    #[must_use]
    pub fn is_guarded(&self) -> bool {
        self.is_withheld() || self.is_held()
    }
}

#[cfg(test)]
mod tests;
