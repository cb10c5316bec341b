//! Distinct things of a stock: the intervals in which at least one record supports them, written with the inputs' commit.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type};
use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, Distinct, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::evidence::join_key;
use keiki_model::problem::Problem;
use keiki_model::timeline::Change;

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::{primitive, strings};
use crate::journal::{Journal, Submission, evaluate, only_columns};
use crate::plan::{Changes, Output};
use crate::schema::{EFFECTIVE_ON, WEIGHT, entries_schema};
use crate::table::conform;

/// A thing held by a set of org units from a day until before another (`None` = still).
type Held = (String, String, Day, Option<Day>);

/// Writes what this commit changes in the datasets that are derived from the reading's.
pub(crate) async fn follow(
    journal: &Journal,
    snapshot: &Snapshot,
    submission: &Submission,
    batch: &Batch,
    changes: &mut Vec<(Arc<Dataset>, Changes)>,
) -> Result<()> {
    let input = &submission.dataset;
    let added = changes[0].1.entries.clone();
    for derived in &submission.datasets {
        let Some(distinct) = derived
            .distinct
            .as_ref()
            .filter(|d| d.dataset.value == input.name)
        else {
            continue;
        };
        if added.num_rows() == 0 {
            continue;
        }
        let touched: HashSet<String> = strings(&added, &distinct.by.value)?
            .iter()
            .flatten()
            .map(str::to_owned)
            .collect();
        let table = journal.entries(&input.name).await?;
        let mut before = Vec::new();
        for rows in journal
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?
        {
            let by = strings(&rows, &distinct.by.value)?;
            let keep: BooleanArray = by
                .iter()
                .map(|by| by.map(|by| touched.contains(by)))
                .collect();
            before.push(conform(
                &arrow::compute::filter_record_batch(&rows, &keep)?,
                &entries_schema(input),
            )?);
        }
        let held_before = held(journal, input, distinct, &before)?;
        let mut after = before;
        after.push(conform(&added, &entries_schema(input))?);
        let held_after = held(journal, input, distinct, &after)?;
        let change = difference(derived, &held_before, &held_after, batch)?;
        changes.push((Arc::clone(derived), change));
    }
    Ok(())
}

/// The intervals in which things are supported, from the signed entries of the input.
fn held(
    journal: &Journal,
    input: &Dataset,
    distinct: &Distinct,
    entries: &[RecordBatch],
) -> Result<BTreeSet<Held>> {
    let all = arrow::compute::concat_batches(&entries_schema(input), entries)?;
    let plain = only_columns(&all, input)?;
    let spans = spans(journal, input, distinct, &plain)?;
    let units = strings(&all, ORG_UNIT)?;
    let by = strings(&all, &distinct.by.value)?;
    let days = primitive::<Date32Type>(&all, EFFECTIVE_ON)?;
    let weights = primitive::<Int32Type>(&all, WEIGHT)?;
    // A state of a record holds from the day on which its weights come to one until the day on which they come to zero.
    // Adding up signed support day by day needs no notion of records: the sum over entries is the sum over states.
    let mut support: HashMap<String, BTreeMap<Day, BTreeMap<String, i64>>> = HashMap::new();
    for row in 0..all.num_rows() {
        let Some((from, until)) = spans[row] else {
            continue;
        };
        let enters = days.value(row).max(from);
        let thing = support.entry(by.value(row).to_owned()).or_default();
        let mut add = |day: Day, weight: i64| {
            for unit in units.value(row).split(ORG_UNIT_SEPARATOR) {
                *thing
                    .entry(day)
                    .or_default()
                    .entry(unit.to_owned())
                    .or_default() += weight;
            }
        };
        add(enters, i64::from(weights.value(row)));
        if let Some(until) = until {
            add(until.max(enters), -i64::from(weights.value(row)));
        }
    }
    Ok(support
        .into_iter()
        .flat_map(|(thing, steps)| intervals(&thing, &steps))
        .collect())
}

/// The days from and until which each row supports its thing; `None` where it does not.
fn spans(
    journal: &Journal,
    input: &Dataset,
    distinct: &Distinct,
    rows: &RecordBatch,
) -> Result<Vec<Option<(Day, Option<Day>)>>> {
    let count = rows.num_rows();
    let holds = match &distinct.filter {
        None => vec![true; count],
        Some(sql) => {
            let found = evaluate(journal, sql, input, rows)?;
            let found = found.as_boolean_opt().ok_or_else(|| {
                StoreError::Definition(Problem::new(
                    sql.place.clone(),
                    "`where` is not a condition",
                ))
            })?;
            found.iter().map(|holds| holds.unwrap_or(false)).collect()
        }
    };
    let date = |sql: &Option<keiki_model::document::Located>| -> Result<Option<Date32Array>> {
        sql.as_ref()
            .map(|sql| {
                let found: ArrayRef = evaluate(journal, sql, input, rows)?;
                found
                    .as_primitive_opt::<Date32Type>()
                    .cloned()
                    .ok_or_else(|| {
                        StoreError::Definition(Problem::new(
                            sql.place.clone(),
                            "the expression is not a date",
                        ))
                    })
            })
            .transpose()
    };
    let (from, until) = (date(&distinct.from)?, date(&distinct.until)?);
    Ok((0..count)
        .map(|row| {
            let from = match &from {
                None => Some(BEGINNING),
                Some(from) => from.is_valid(row).then(|| from.value(row)),
            };
            let until = until
                .as_ref()
                .filter(|until| until.is_valid(row))
                .map(|until| until.value(row));
            from.filter(|_| holds[row]).map(|from| (from, until))
        })
        .collect())
}

/// Turns steps of support per org unit into intervals in which the set of supporting org units stays the same.
fn intervals(thing: &str, steps: &BTreeMap<Day, BTreeMap<String, i64>>) -> Vec<Held> {
    let mut levels: BTreeMap<&str, i64> = BTreeMap::new();
    let mut held: Vec<Held> = Vec::new();
    let mut open: Option<(String, Day)> = None;
    for (day, changes) in steps {
        for (unit, weight) in changes {
            *levels.entry(unit).or_default() += weight;
        }
        let units: Vec<&str> = levels
            .iter()
            .filter(|(_, level)| **level > 0)
            .map(|(unit, _)| *unit)
            .collect();
        let units = units.join(&ORG_UNIT_SEPARATOR.to_string());
        if open.as_ref().is_some_and(|(held, _)| *held == units) {
            continue;
        }
        if let Some((units, from)) = open.take() {
            held.push((thing.to_owned(), units, from, Some(*day)));
        }
        if !units.is_empty() {
            open = Some((units, *day));
        }
    }
    if let Some((units, from)) = open {
        held.push((thing.to_owned(), units, from, None));
    }
    held
}

fn difference(
    derived: &Dataset,
    before: &BTreeSet<Held>,
    after: &BTreeSet<Held>,
    batch: &Batch,
) -> Result<Changes> {
    let mut output = Output::new(derived)?;
    let gone: Vec<&Held> = before.difference(after).collect();
    let come: Vec<&Held> = after.difference(before).collect();
    for (rows, weight) in [(gone, -1), (come, 1)] {
        let values = output.add_values(rows_of(derived, &rows)?)?;
        for (row, held) in rows.iter().enumerate() {
            let from = keiki_model::calendar::date_of(held.2).to_string();
            let key = join_key([held.0.as_str(), held.1.as_str(), from.as_str()]);
            let change = Change {
                effective_on: BEGINNING,
                weight,
                values: (values, u32::try_from(row).unwrap_or(u32::MAX)),
            };
            output.enter(&key, change, batch.known_at);
        }
    }
    output.finish(derived, &batch.source, batch.seq, &batch.batch_id)
}

fn rows_of(derived: &Dataset, held: &[&Held]) -> Result<RecordBatch> {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(held.iter().map(|h| &h.0))),
        Arc::new(StringArray::from_iter_values(held.iter().map(|h| &h.1))),
        Arc::new(Date32Array::from_iter_values(held.iter().map(|h| h.2))),
        Arc::new(held.iter().map(|h| h.3).collect::<Date32Array>()),
    ];
    Ok(RecordBatch::try_new(derived.schema(), columns)?)
}
