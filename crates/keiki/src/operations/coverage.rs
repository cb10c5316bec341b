//! Lists what evidence each org unit owes: when it last came, for which period it is asked, what is overdue, and which KPIs that
//! leaves without data. *Source*: decision 0108.

use std::collections::{BTreeMap, BTreeSet};

use keiki_engine::TotalInPlace;
use keiki_model::calendar::{Day, Period, local_day};
use keiki_model::dataset::{Dataset, OrgUnits, REPORTED_FIGURES};
use keiki_model::frequency::Frequency;
use keiki_model::org::{Tree, UNASSIGNED};
use keiki_model::text::Text;
use keiki_store::{Batch, StoreError};

use super::ingest::scope::check_units;
use super::statement;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// Whether evidence is there in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeliness {
    /// It is fresh.
    Fresh,
    /// It came, and is too old by now.
    Overdue,
    /// It never came.
    Never,
}

/// Evidence that an org unit owes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The org unit.
    pub org_unit: String,
    /// Its name.
    pub name: Text,
    /// The dataset into which the evidence goes.
    pub dataset: String,
    /// The last day for which it speaks.
    pub until: Option<Day>,
    /// When that became known, UTC microseconds.
    pub known_at: Option<i64>,
    /// The source that brought it.
    pub source: Option<String>,
    /// The last day on which it is fresh.
    pub fresh_until: Option<Day>,
    /// Whether it is there in time.
    pub timeliness: Timeliness,
    /// The adopted KPIs that have no data of the org unit today because of it.
    pub without_data: Vec<u32>,
    /// How often it is asked for: as often as the KPI that asks most often.
    pub frequency: Frequency,
    /// What is asked for of the period that ended last; `None` where it has come, or that period is closed.
    pub asked: Option<Request>,
    /// The last day of the period for which it is asked next.
    pub next_until: Day,
}

/// What is asked for of a period that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The period.
    pub period: Period,
    /// Its last day.
    pub until: Day,
    /// The last day on which it is taken; `None` where the close has no calendar.
    pub due_on: Option<Day>,
}

/// Which org units are listed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// This one and all below it; absent = all.
    pub org_unit: Option<String>,
    /// Today's instant, UTC microseconds.
    pub now: i64,
}

/// An adopted indicator's need of a dataset.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Need {
    /// The KPI's number.
    no: u32,
    indicator: String,
    /// How old it may be. *Units*: days.
    days: i32,
    /// How often it is asked for, as the definition has it.
    usual: Frequency,
    /// The same as the programme has it; absent = nothing is said.
    stated: Option<Frequency>,
}

impl Need {
    fn frequency(&self) -> Frequency {
        self.stated.unwrap_or(self.usual)
    }
}

/// What is asked for of the periods that ended last, and which of them are closed.
struct Requests {
    by_frequency: BTreeMap<Frequency, Request>,
    closed: BTreeSet<Frequency>,
}

impl Requests {
    async fn new(workspace: &Workspace, today: Day) -> Result<Self> {
        let settings = &workspace.settings;
        let mut requests = Self {
            by_frequency: BTreeMap::new(),
            closed: BTreeSet::new(),
        };
        let statements = workspace.statements().await?;
        for (_, frequency) in Frequency::NAMES {
            let Some((period, month)) = frequency.last_ended(today, &settings.calendar) else {
                continue;
            };
            let until = month.last_day();
            let days = settings.close.days;
            let due_on = days.map(|days| settings.business_days.after(until, days.cut_off));
            let request = Request {
                period,
                until,
                due_on,
            };
            requests.by_frequency.insert(frequency, request);
            let month = Period::Month(month).to_string();
            if statement::is_closed(&statements.of_period(&month).await?) {
                requests.closed.insert(frequency);
            }
        }
        Ok(requests)
    }

    /// What is asked for where evidence speaks until a day.
    fn open(&self, frequency: Frequency, until: Option<Day>) -> Option<Request> {
        let request = self.by_frequency.get(&frequency)?;
        let is_missing = until.is_none_or(|until| until < request.until);
        (is_missing && !self.closed.contains(&frequency)).then_some(*request)
    }

    /// Whether evidence that speaks until a day should have come by today.
    fn is_late(&self, frequency: Frequency, until: Option<Day>, today: Day) -> bool {
        let request = self.by_frequency.get(&frequency);
        request.is_some_and(|request| {
            until.is_none_or(|until| until < request.until)
                && request.due_on.unwrap_or(request.until) < today
        })
    }
}

/// Totals that were reported in the place of rows: by KPI and indicator, for each node of the tree the last day for which one
/// speaks.
struct Totals<'t>(BTreeMap<(u32, &'t str), Vec<Option<Day>>>);

impl<'t> Totals<'t> {
    fn new(workspace: &Workspace, all: &'t [TotalInPlace], tree: &Tree, today: Day) -> Self {
        let mut by_indicator: BTreeMap<(u32, &str), Vec<Option<Day>>> = BTreeMap::new();
        for total in all {
            let Some((_, last)) = total.period.months(&workspace.settings.calendar) else {
                continue;
            };
            let until = Some(last.last_day().min(today));
            let position = tree.position_of_evidence(&total.org_unit);
            let of_each = by_indicator
                .entry((total.no, &total.indicator))
                .or_insert_with(|| vec![None; tree.nodes().len()]);
            for of in &mut of_each[position..tree.nodes()[position].subtree_end] {
                *of = until.max(*of);
            }
        }
        Self(by_indicator)
    }

    fn until(&self, need: &Need, node: usize) -> Option<Day> {
        let of_each = self.0.get(&(need.no, need.indicator.as_str()))?;
        of_each[node]
    }
}

/// The evidence that came last for an org unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last<'b> {
    pub(super) from: Day,
    pub(super) until: Day,
    /// The last day of evidence that speaks as long as the dataset says, and the last day on which other evidence is fresh.
    unlimited: Option<Day>,
    limited: Option<Day>,
    batch: &'b Batch,
}

impl Last<'_> {
    /// The last day on which any of it is fresh, in a dataset whose readings speak for so many days more.
    pub(super) fn fresh_until(&self, days: i32) -> Day {
        let unlimited = self.unlimited.map(|until| until.saturating_add(days));
        let fresh = unlimited.max(self.limited);
        fresh.unwrap_or(self.until)
    }
}

/// Lists what is owed today, in the order of the tree, then by dataset.
///
/// # Errors
/// There is no such org unit, or the journal cannot be read; that there is none yet is no error.
pub async fn list(workspace: &Workspace, asked: &Asked) -> Result<Vec<Owed>> {
    let today = local_day(asked.now, &workspace.settings.zone);
    let tree = workspace.organisation.tree(today);
    let within = match &asked.org_unit {
        None => 0..tree.nodes().len(),
        Some(id) => {
            check_units(workspace, std::slice::from_ref(id))?;
            let position = tree.position_of_evidence(id);
            position..tree.nodes()[position].subtree_end
        }
    };
    let (batches, totals) = match workspace.journal(Opening::Existing).await {
        Ok(journal) => {
            let batches = journal.snapshot().await?.batches().to_vec();
            let engine = workspace.engine();
            (batches, engine.totals_in_place(&journal, asked.now).await?)
        }
        Err(Error::Store(StoreError::NoJournal(_))) => (Vec::new(), Vec::new()),
        Err(error) => return Err(error),
    };
    let totals = Totals::new(workspace, &totals, &tree, today);
    let reported = last_of_each(&batches, REPORTED_FIGURES, &tree, today);
    let needs = needs(workspace, &tree);
    let requests = Requests::new(workspace, today).await?;
    let mut by_dataset: BTreeMap<&str, Vec<Option<Last<'_>>>> = BTreeMap::new();
    for (_, dataset) in needs.keys() {
        by_dataset
            .entry(dataset)
            .or_insert_with(|| last_of_each(&batches, dataset, &tree, today));
    }
    for (dataset, last) in &mut by_dataset {
        let freshness = workspace.dataset(dataset)?.freshness_days;
        last_by_parts(last, &tree, freshness);
    }
    let mut owed = Vec::new();
    for ((node, dataset), needs) in needs.iter().filter(|((node, _), _)| within.contains(node)) {
        let unit = &tree.nodes()[*node];
        let rows = by_dataset[dataset.as_str()][*node];
        let rows_until = rows.map(|last| last.until);
        let freshness = workspace.dataset(dataset)?.freshness_days;
        let after = |until: Option<Day>, days: i32| until.map(|until| until.saturating_add(days));
        let rows_fresh = |days: i32| rows.map(|last| last.fresh_until(days));
        // Where every KPI that needs the evidence has a total in its place, the totals are the evidence.
        let in_its_place = needs.iter().map(|need| totals.until(need, *node)).min();
        let in_its_place = in_its_place
            .flatten()
            .filter(|until| Some(*until) > rows_until);
        let (until, last) = match in_its_place {
            Some(until) => (Some(until), reported[*node]),
            None => (rows_until, rows),
        };
        let fresh_until = after(in_its_place, freshness).max(rows_fresh(freshness));
        let without_data: BTreeSet<u32> = needs
            .iter()
            .filter(|need| {
                let totals = after(totals.until(need, *node), need.days);
                totals.max(rows_fresh(need.days)) < Some(today)
            })
            .map(|need| need.no)
            .collect();
        let frequency = needs.iter().map(Need::frequency).min();
        let frequency = frequency.unwrap_or(Frequency::Monthly);
        owed.push(Owed {
            org_unit: unit.id.clone(),
            name: unit.name.clone(),
            dataset: dataset.clone(),
            until,
            known_at: last.map(|last| last.batch.known_at),
            source: last.map(|last| last.batch.source.clone()),
            fresh_until,
            timeliness: timeliness(needs, (until, fresh_until), &requests, today),
            without_data: without_data.into_iter().collect(),
            frequency,
            asked: requests.open(frequency, until),
            next_until: frequency.end(today, &workspace.settings.calendar),
        });
    }
    Ok(owed)
}

/// Whether evidence is there in time: by its age, and for KPIs of which the programme says how often they are asked for by that.
fn timeliness(
    needs: &BTreeSet<Need>,
    (until, fresh_until): (Option<Day>, Option<Day>),
    requests: &Requests,
    today: Day,
) -> Timeliness {
    let Some(fresh_until) = fresh_until else {
        return Timeliness::Never;
    };
    let is_overdue = |need: &Need| match need.stated {
        None => fresh_until < today,
        Some(stated) => requests.is_late(stated, until, today),
    };
    if needs.iter().any(is_overdue) {
        Timeliness::Overdue
    } else {
        Timeliness::Fresh
    }
}

/// What each org unit owes: by its position in the tree and the dataset into which the evidence goes, the KPIs that need it.
fn needs(workspace: &Workspace, tree: &Tree) -> BTreeMap<(usize, String), BTreeSet<Need>> {
    let mut needs: BTreeMap<(usize, String), BTreeSet<Need>> = BTreeMap::new();
    let kpis = workspace.catalogue.kpis.iter();
    for kpi in kpis.filter(|kpi| workspace.programme.adopts(kpi)) {
        let concerned = workspace.programme.concerned(kpi.no, tree);
        for indicator in kpi.indicators.iter().filter(|one| !one.is_companion) {
            let owes = |node: usize| {
                let unit = &tree.nodes()[node];
                let is_kind = if indicator.applies_to.is_empty() {
                    unit.kind.is_entity()
                } else {
                    indicator.applies_to.contains(&unit.kind)
                };
                concerned[node] && is_kind && unit.id != UNASSIGNED
            };
            for measure in indicator.formula.measures() {
                let named = kpi.measure(measure).map(|measure| &measure.dataset.value);
                let Some(used) = named.and_then(|name| workspace.catalogue.datasets.get(name))
                else {
                    continue;
                };
                let Some(sent) = sent_to(workspace, used) else {
                    continue;
                };
                for node in (0..tree.nodes().len()).filter(|node| owes(*node)) {
                    let of = needs.entry((node, sent.name.clone())).or_default();
                    of.insert(Need {
                        no: kpi.no,
                        indicator: indicator.code.clone(),
                        days: used.freshness_days,
                        usual: kpi.frequency,
                        stated: workspace.programme.cadence(kpi.no, tree, node),
                    });
                }
            }
        }
    }
    needs
}

/// The dataset into which the evidence of a dataset goes; `None` where no org unit owes it.
fn sent_to<'w>(workspace: &'w Workspace, used: &'w Dataset) -> Option<&'w Dataset> {
    let sent = match &used.distinct {
        None => used,
        Some(distinct) => workspace.catalogue.datasets.get(&distinct.dataset.value)?,
    };
    (sent.org_units != OrgUnits::None).then_some(sent)
}

/// Of units whose parts have evidence that is fresh longer than their own, takes that of the part in which it ages first: a
/// company has reported once its departments have, whatever the companies below it have sent.
fn last_by_parts(last: &mut [Option<Last<'_>>], tree: &Tree, freshness_days: i32) {
    let fresh = |of: &Last<'_>| of.fresh_until(freshness_days);
    for position in (0..last.len()).rev() {
        let parts: Option<Vec<Last<'_>>> = tree.own_parts(position).map(|at| last[at]).collect();
        let stalest = parts.and_then(|parts| parts.into_iter().min_by_key(fresh));
        let longer = stalest.filter(|of| last[position].is_none_or(|own| fresh(&own) < fresh(of)));
        last[position] = longer.or(last[position]);
    }
}

/// For each node of the tree, the claim that covers it and speaks longest.
pub(super) fn last_of_each<'b>(
    batches: impl IntoIterator<Item = &'b Batch>,
    dataset: &str,
    tree: &Tree,
    today: Day,
) -> Vec<Option<Last<'b>>> {
    let mut last: Vec<Option<Last<'b>>> = vec![None; tree.nodes().len()];
    let of_dataset = batches.into_iter().filter(|batch| batch.dataset == dataset);
    for batch in of_dataset {
        for claim in &batch.claims {
            let position = tree.position_of_evidence(&claim.org_unit);
            let until = claim.until.min(today);
            let own = claim.fresh_days.map(|days| until.saturating_add(days));
            let general = claim.fresh_days.is_none().then_some(until);
            for of in &mut last[position..tree.nodes()[position].subtree_end] {
                let unlimited = of.and_then(|of| of.unlimited).max(general);
                let limited = of.and_then(|of| of.limited).max(own);
                *of = Some(match *of {
                    Some(before) if before.until > until => Last {
                        unlimited,
                        limited,
                        ..before
                    },
                    before => {
                        let alike = before.filter(|of| of.until == until);
                        Last {
                            from: alike.map_or(claim.from, |of| of.from.min(claim.from)),
                            until,
                            unlimited,
                            limited,
                            batch,
                        }
                    }
                });
            }
        }
    }
    last
}
