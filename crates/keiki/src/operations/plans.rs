//! The approved plans of the programme: what they freeze at an ingest, and how their items stand.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Int64Type};
use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of, local_day};
use keiki_model::dataset::{Dataset, ORG_UNIT_SEPARATOR, PlanColumns};
use keiki_model::programme::BaselinePlan;
use keiki_store::{FrozenPlan, Journal};

use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// How an approved plan stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan as the programme has it.
    pub plan: BaselinePlan,
    /// How many items its baseline holds.
    pub items: u64,
    /// How many of them have another day in a revision.
    pub revised: u64,
    /// How many were planned for its year after it was approved.
    pub added: u64,
}

/// The plans of a dataset as an ingest has to keep them, on the org tree of a day.
pub(super) fn frozen(
    workspace: &Workspace,
    dataset: &Dataset,
    day: Day,
) -> Result<Vec<FrozenPlan>> {
    let plans = workspace
        .programme
        .plans_of(&dataset.name, &workspace.organisation, day);
    let mut found = Vec::new();
    for (plan, org_units) in plans {
        for ((from, until), org_units) in by_year(workspace, plan, org_units) {
            found.push(FrozenPlan {
                org_units,
                fiscal_year: format!("FY{}", plan.fiscal_year),
                from,
                until,
                frozen_from: beginning_of(plan.entered_until + 1, &workspace.settings.zone)?,
            });
        }
    }
    Ok(found)
}

/// First and last day of a plan's year, each with the org units in whose calendar it is that; a unit without such a year
/// has no part in the plan.
fn by_year(
    workspace: &Workspace,
    plan: &BaselinePlan,
    org_units: Vec<String>,
) -> Vec<((Day, Day), Vec<String>)> {
    let calendars = &workspace.calendars;
    let mut found: Vec<((Day, Day), Vec<String>)> = Vec::new();
    for unit in org_units {
        let calendar = calendars.numbered(calendars.of_evidence(&unit, plan.approved_on));
        let Some(year) = calendar.year_named(plan.fiscal_year) else {
            continue;
        };
        let days = (year.first.first_day(), year.last.last_day());
        match found.iter_mut().find(|(of, _)| *of == days) {
            Some((_, units)) => units.push(unit),
            None => found.push((days, vec![unit])),
        }
    }
    found
}

fn beginning_of(day: Day, zone: &TimeZone) -> Result<i64> {
    let begins = date_of(day).to_zoned(zone.clone());
    let begins = begins.map_err(Error::stopped)?;
    Ok(begins.timestamp().as_microsecond())
}

/// The approved plans in the order of the programme, each with how its items stand now.
///
/// # Errors
/// The journal cannot be read.
pub async fn standings(workspace: &Workspace, now: i64) -> Result<Vec<Standing>> {
    let mut found = Vec::new();
    if workspace.programme.plans.is_empty() {
        return Ok(found);
    }
    let journal = workspace.journal(Opening::Create).await?;
    let today = local_day(now, &workspace.settings.zone);
    for dataset in workspace.datasets() {
        let plans = workspace
            .programme
            .plans_of(&dataset.name, &workspace.organisation, today);
        let Some(columns) = dataset.plan.as_ref().filter(|_| !plans.is_empty()) else {
            continue;
        };
        let items = items(workspace, &journal, &dataset, columns, today).await?;
        found.extend(
            plans
                .into_iter()
                .map(|(plan, units)| standing(workspace, plan, units, &items)),
        );
    }
    let order = |plan: &BaselinePlan| workspace.programme.plans.iter().position(|p| p == plan);
    found.sort_by_key(|standing| order(&standing.plan));
    Ok(found)
}

/// Items of one org unit with the same days.
struct Items {
    org_unit: String,
    baseline: Option<Day>,
    revision: Option<Day>,
    count: u64,
}

fn standing(
    workspace: &Workspace,
    plan: &BaselinePlan,
    units: Vec<String>,
    items: &[Items],
) -> Standing {
    let years = by_year(workspace, plan, units);
    let year_of = |items: &Items| {
        let mut named = items.org_unit.split(ORG_UNIT_SEPARATOR);
        named.find_map(|unit| {
            let of_unit = |(_, units): &&((Day, Day), Vec<String>)| units.iter().any(|u| u == unit);
            years.iter().find(of_unit).map(|(days, _)| *days)
        })
    };
    let mut standing = Standing {
        plan: plan.clone(),
        items: 0,
        revised: 0,
        added: 0,
    };
    for items in items {
        let Some((from, until)) = year_of(items) else {
            continue;
        };
        let is_within = |day: Option<Day>| day.is_some_and(|day| from <= day && day <= until);
        if is_within(items.baseline) {
            standing.items += items.count;
            let is_revised = items.revision.is_some() && items.revision != items.baseline;
            standing.revised += if is_revised { items.count } else { 0 };
        } else if items.baseline.is_none() && is_within(items.revision) {
            standing.added += items.count;
        }
    }
    standing
}

/// The items of a dataset that are in force on a day, as known now.
async fn items(
    workspace: &Workspace,
    journal: &Journal,
    dataset: &Arc<Dataset>,
    columns: &PlanColumns,
    day: Day,
) -> Result<Vec<Items>> {
    let PlanColumns { baseline, revision } = columns;
    let (name, date) = (&dataset.name, date_of(day));
    let query = format!(
        "select org_unit, baseline, revision, count(*) as items from (
           select record_key, org_unit, \"{baseline}\" as baseline, \"{revision}\" as revision
           from \"{name}\" where effective_on <= date '{date}'
           group by 1, 2, 3, 4 having sum(weight) > 0)
         group by 1, 2, 3"
    );
    let mut found = Vec::new();
    for rows in workspace.engine().sql(journal, &query).await? {
        found.extend(read(&rows)?);
    }
    Ok(found)
}

fn read(rows: &RecordBatch) -> Result<Vec<Items>> {
    let cast = |column: usize, to: &DataType| {
        arrow::compute::cast(rows.column(column), to).map_err(Error::stopped)
    };
    let units = cast(0, &DataType::Utf8)?;
    let (baselines, revisions) = (cast(1, &DataType::Date32)?, cast(2, &DataType::Date32)?);
    let counts = cast(3, &DataType::Int64)?;
    let days = |column: &arrow::array::ArrayRef| -> Vec<Option<Day>> {
        column.as_primitive::<Date32Type>().iter().collect()
    };
    let (baselines, revisions) = (days(&baselines), days(&revisions));
    Ok(units
        .as_string::<i32>()
        .iter()
        .zip(baselines.into_iter().zip(revisions))
        .zip(counts.as_primitive::<Int64Type>().iter())
        .map(|((unit, (baseline, revision)), count)| Items {
            org_unit: unit.unwrap_or_default().to_owned(),
            baseline,
            revision,
            count: count
                .and_then(|count| u64::try_from(count).ok())
                .unwrap_or(0),
        })
        .collect())
}
