//! The programme around the KPIs: which are adopted, whom they concern, their targets, parameters, owners, cadence,
//! waivers and approved plans.
//!
//! Everything is dated and given per org unit; what is said of a unit holds for all below it until something nearer is said.

mod read;

use std::collections::{BTreeMap, BTreeSet};

use crate::calendar::{Calendar, Day, Month};
use crate::document::Located;
use crate::fraction::Fraction;
use crate::frequency::Frequency;
use crate::kpi::{Due, Formula, Kpi, Parameter, Target};
use crate::org::{Organisation, Tree};
use crate::problem::Place;
use crate::text::Text;

pub use read::read_programme;

/// The file's name.
pub const PROGRAMME_FILE: &str = "programme.toml";

/// From when until when something holds, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The KPI's number.
    pub kpi: u32,
    /// The org unit, and all below it.
    pub org_unit: String,
    /// First day.
    pub from: Day,
    /// First day no longer; `None` = still.
    pub until: Option<Day>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Where it stands.
    pub place: Place,
}

impl Standing {
    fn holds(&self, kpi: u32, day: Day) -> bool {
        self.kpi == kpi && self.from <= day && self.until.is_none_or(|until| day < until)
    }
}

/// Whether a KPI concerns an org unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applicability {
    /// When and whom.
    pub standing: Standing,
    /// Whether it does.
    pub applies: bool,
    /// Why.
    pub reason: Text,
}

/// A target that the organisation has set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetTarget {
    /// When and whom.
    pub standing: Standing,
    /// The indicator's code; `None` = the KPI's first.
    pub indicator: Option<String>,
    /// The bounds; `None` takes a default target away.
    pub target: Option<Target>,
    /// How far a value may miss it and be near; `None` = as the definition has it.
    pub near_margin: Option<Fraction>,
    /// When it is due; `None` = as the definition has it.
    pub due: Option<Due>,
    /// Whether each org unit below is to meet it by itself.
    pub reach: Reach,
}

/// For whom a target holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// For each org unit below too, whatever the target is of.
    Each,
    /// As the nature of the figure has it: what a group is to reach in number, its parts reach together.
    Natural,
}

impl SetTarget {
    /// Tells whether it holds for the org units below its own too: a rate does, and a number that is not to be exceeded, but
    /// not a number that is to be reached.
    #[must_use]
    pub fn holds_below(&self, formula: &Formula) -> bool {
        let is_number = matches!(formula, Formula::Sum(_) | Formula::Entities(_));
        let is_reached = self.target.is_some_and(|target| target.at_least.is_some());
        self.reach == Reach::Each || !is_number || !is_reached
    }
}

/// A parameter's value for an org unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetParameter {
    /// When and whom.
    pub standing: Standing,
    /// The parameter's name.
    pub name: String,
    /// Its value, as text.
    pub value: Located,
}

/// Who answers for a KPI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// When and whom.
    pub standing: Standing,
    /// The owner.
    pub owner: String,
    /// Who stands in.
    pub deputy: Option<String>,
}

/// How often evidence of a KPI is asked for, where it is not as often as the definition has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cadence {
    /// When and whom.
    pub standing: Standing,
    /// How often.
    pub frequency: Frequency,
}

/// A miss that is approved for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiver {
    /// When and whom; a waiver always expires.
    pub standing: Standing,
    /// The indicator's code; `None` = all of the KPI's.
    pub indicator: Option<String>,
    /// Why.
    pub reason: Text,
}

/// A plan that is approved: its days are the baseline, and what moves later is a revision beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselinePlan {
    /// The dataset whose records are the plan's items.
    pub dataset: Located,
    /// The org unit, and all below it.
    pub org_unit: Located,
    /// The fiscal year in which its items are planned, by its name in the calendar that their org unit follows.
    pub fiscal_year: i32,
    /// The day of the approval.
    pub approved_on: Day,
    /// Who approved it.
    pub approved_by: String,
    /// The last day on which what becomes known still belongs to the baseline; the day of the approval if nothing is said.
    pub entered_until: Day,
    /// What there is to say of it.
    pub reason: Option<Text>,
    /// Where it stands.
    pub place: Place,
}

/// The programme of an organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Programme {
    /// Maturities whose KPIs are adopted.
    pub maturities: Vec<String>,
    /// KPIs that are adopted by number.
    pub kpis: Vec<u32>,
    /// Whom KPIs concern.
    pub applicability: Vec<Applicability>,
    /// Targets.
    pub targets: Vec<SetTarget>,
    /// Parameters.
    pub parameters: Vec<SetParameter>,
    /// Owners.
    pub owners: Vec<Owner>,
    /// How often evidence is asked for.
    pub cadences: Vec<Cadence>,
    /// Waivers.
    pub waivers: Vec<Waiver>,
    /// Plans that are approved.
    pub plans: Vec<BaselinePlan>,
}

impl Programme {
    /// Tells whether a KPI is adopted; without a word on adoption all are.
    #[must_use]
    pub fn adopts(&self, kpi: &Kpi) -> bool {
        (self.maturities.is_empty() && self.kpis.is_empty())
            || self.maturities.contains(&kpi.maturity)
            || self.kpis.contains(&kpi.no)
    }

    /// Tells whether there may be org units that a KPI does not concern.
    #[must_use]
    pub fn may_leave_out(&self, kpi: u32) -> bool {
        self.applicability.iter().any(|row| row.standing.kpi == kpi)
    }

    /// Tells for each node of the tree whether a KPI concerns it. *Shape*: one flag per node.
    #[must_use]
    pub fn concerned(&self, kpi: u32, tree: &Tree) -> Vec<bool> {
        let mut rows = self.applicability.iter();
        if !rows.any(|row| row.standing.holds(kpi, tree.day)) {
            return vec![true; tree.nodes().len()];
        }
        (0..tree.nodes().len())
            .map(|node| self.exemption(kpi, tree, node).is_none())
            .collect()
    }

    /// What says that a KPI does not concern a node; `None` where nothing does.
    #[must_use]
    pub fn exemption(&self, kpi: u32, tree: &Tree, node: usize) -> Option<&Applicability> {
        let said = nearest(&self.applicability, |row| &row.standing, kpi, tree, node);
        said.filter(|row| !row.applies)
    }

    /// The target that is set for an indicator at a node; `None` where the definition's own stands.
    #[must_use]
    pub fn target(
        &self,
        kpi: &Kpi,
        indicator: &str,
        tree: &Tree,
        node: usize,
    ) -> Option<&SetTarget> {
        if !self.targets.iter().any(|row| row.standing.kpi == kpi.no) {
            return None;
        }
        let is_first = kpi.indicators.first().is_some_and(|i| i.code == indicator);
        let of_indicator = self.targets.iter().filter(|row| {
            let code = row.indicator.as_deref();
            code.map_or(is_first, |code| code == indicator)
        });
        let formula = kpi
            .indicators
            .iter()
            .find(|one| one.code == indicator)
            .map(|one| &one.formula);
        let own = &tree.nodes()[node].id;
        let bearing = of_indicator.filter(|row| {
            row.standing.org_unit == *own || formula.is_none_or(|of| row.holds_below(of))
        });
        nearest(bearing, |row| &row.standing, kpi.no, tree, node)
    }

    /// The waiver in force for an indicator at a node.
    #[must_use]
    pub fn waiver(&self, kpi: u32, indicator: &str, tree: &Tree, node: usize) -> Option<&Waiver> {
        let of_indicator = self.waivers.iter().filter(|row| {
            let code = row.indicator.as_deref();
            code.is_none_or(|code| code == indicator)
        });
        nearest(of_indicator, |row| &row.standing, kpi, tree, node)
    }

    /// The owner of a KPI at a node.
    #[must_use]
    pub fn owner(&self, kpi: u32, tree: &Tree, node: usize) -> Option<&Owner> {
        nearest(&self.owners, |row| &row.standing, kpi, tree, node)
    }

    /// How often evidence of a KPI is asked for at a node, as the programme has it; `None` where the definition's own stands.
    #[must_use]
    pub fn cadence(&self, kpi: u32, tree: &Tree, node: usize) -> Option<Frequency> {
        let stated = nearest(&self.cadences, |row| &row.standing, kpi, tree, node);
        stated.map(|row| row.frequency)
    }

    /// Tells whether it says anything of a KPI's targets, cadence or waivers, by which org units may differ.
    #[must_use]
    pub fn may_tell_apart(&self, kpi: u32) -> bool {
        let targets = self.targets.iter().map(|row| &row.standing);
        let cadences = self.cadences.iter().map(|row| &row.standing);
        let waivers = self.waivers.iter().map(|row| &row.standing);
        let mut standings = targets.chain(cadences).chain(waivers);
        standings.any(|standing| standing.kpi == kpi)
    }

    /// Whether evidence of a KPI is asked for at a node in some months: where the programme says how often, a period of that has
    /// to end in them.
    #[must_use]
    pub fn is_asked(
        &self,
        kpi: u32,
        (tree, node): (&Tree, usize),
        (months, calendar): ((Month, Month), &Calendar),
    ) -> bool {
        let cadence = self.cadence(kpi, tree, node);
        cadence.is_none_or(|cadence| cadence.ends_within(months, calendar))
    }

    /// The approved plans of a dataset, each with the ids of the org units that it binds: all at and below its own unit on
    /// a day for which no nearer unit has a plan of the same year. Units that have ended are among them.
    #[must_use]
    pub fn plans_of<'p>(
        &'p self,
        dataset: &str,
        organisation: &Organisation,
        day: Day,
    ) -> Vec<(&'p BaselinePlan, Vec<String>)> {
        let mut found: Vec<(&BaselinePlan, Vec<String>)> = self
            .plans
            .iter()
            .filter(|plan| plan.dataset.value == dataset)
            .map(|plan| (plan, Vec::new()))
            .collect();
        if found.is_empty() {
            return found;
        }
        let tree = organisation.tree(day);
        let outer: Vec<usize> = found
            .iter()
            .map(|(plan, _)| tree.position_of_evidence(&plan.org_unit.value))
            .collect();
        let ids: BTreeSet<&str> = organisation
            .rows()
            .iter()
            .map(|unit| unit.id.as_str())
            .collect();
        for id in ids {
            let position = tree.position_of_evidence(id);
            let mut nearest: BTreeMap<i32, (usize, usize)> = BTreeMap::new();
            for (number, (plan, _)) in found.iter().enumerate() {
                if tree.is_within(position, outer[number]) {
                    let depth = tree.nodes()[outer[number]].depth;
                    let best = nearest.entry(plan.fiscal_year).or_insert((depth, number));
                    *best = (*best).max((depth, number));
                }
            }
            for (_, number) in nearest.into_values() {
                found[number].1.push(id.to_owned());
            }
        }
        found
    }

    /// A KPI's parameters as they stand on the tree's day: their defaults, and for org units with other values those.
    #[must_use]
    pub fn parameters(&self, kpi: &Kpi, tree: &Tree) -> Vec<Parameter> {
        kpi.parameters
            .iter()
            .map(|parameter| Parameter {
                by_unit: self.values_by_unit(kpi.no, parameter, tree),
                ..parameter.clone()
            })
            .collect()
    }

    fn values_by_unit(
        &self,
        kpi: u32,
        parameter: &Parameter,
        tree: &Tree,
    ) -> Vec<(String, Vec<String>)> {
        let mut by_value: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for node in 0..tree.nodes().len() {
            let of_name = self
                .parameters
                .iter()
                .filter(|row| row.name == parameter.name);
            let found = nearest(of_name, |row| &row.standing, kpi, tree, node);
            if let Some(row) = found.filter(|row| row.value.value != parameter.default.value) {
                let units = by_value.entry(&row.value.value).or_default();
                units.push(tree.nodes()[node].id.clone());
            }
        }
        by_value
            .into_iter()
            .map(|(value, units)| (value.to_owned(), units))
            .collect()
    }
}

/// The row that stands nearest at or above a node on the tree's day; of one unit's, the one that began last.
fn nearest<'r, R>(
    rows: impl IntoIterator<Item = &'r R>,
    standing: fn(&R) -> &Standing,
    kpi: u32,
    tree: &Tree,
    node: usize,
) -> Option<&'r R> {
    let holding: Vec<&R> = rows
        .into_iter()
        .filter(|row| standing(row).holds(kpi, tree.day))
        .collect();
    if holding.is_empty() {
        return None;
    }
    std::iter::successors(Some(node), |at| tree.nodes()[*at].parent).find_map(|at| {
        holding
            .iter()
            .filter(|row| standing(row).org_unit == tree.nodes()[at].id)
            .max_by_key(|row| standing(row).from)
            .copied()
    })
}
