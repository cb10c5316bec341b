//! Distinct things of a stock: the intervals in which at least one record supports them, written with the inputs' commit.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, Int32Type, TimestampMicrosecondType};
use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, Distinct, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::document::Located;
use keiki_model::evidence::join_key;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use keiki_model::timeline::Change;

use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::{primitive, strings};
use crate::journal::{Journal, Submission, evaluate, only_columns};
use crate::plan::{Changes, Output};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, WEIGHT, entries_schema};
use crate::table::conform;

/// A thing held by a set of org units from a day until before another (`None` = still).
type Held = (String, String, Day, Option<Day>);

/// The days on which a row supports its thing: from, and until before (`None` = for ever).
type Span = (Day, Option<Day>);

/// What one signed entry of the input adds to the support of a thing.
#[derive(Debug)]
struct Support {
    units: String,
    from: Day,
    until: Option<Day>,
    weight: i64,
    known_at: i64,
    /// Whether this commit brings it.
    is_new: bool,
}

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
        let mut supports: BTreeMap<String, Vec<Support>> = BTreeMap::new();
        for rows in journal
            .read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
            .await?
        {
            let by = strings(&rows, &distinct.by.value)?;
            let keep: BooleanArray = by
                .iter()
                .map(|by| by.map(|by| touched.contains(by)))
                .collect();
            let rows = arrow::compute::filter_record_batch(&rows, &keep)?;
            collect(journal, input, distinct, &rows, false, &mut supports)?;
        }
        collect(journal, input, distinct, &added, true, &mut supports)?;
        let change = difference(derived, &supports, batch)?;
        changes.push((Arc::clone(derived), change));
    }
    Ok(())
}

/// Puts what signed entries of the input support beside what was collected before.
fn collect(
    journal: &Journal,
    input: &Dataset,
    distinct: &Distinct,
    entries: &RecordBatch,
    is_new: bool,
    supports: &mut BTreeMap<String, Vec<Support>>,
) -> Result<()> {
    let all = conform(entries, &entries_schema(input))?;
    let plain = only_columns(&all, input)?;
    let spans = spans(journal, input, distinct, &plain)?;
    let units = strings(&all, ORG_UNIT)?;
    let by = strings(&all, &distinct.by.value)?;
    let days = primitive::<Date32Type>(&all, EFFECTIVE_ON)?;
    let weights = primitive::<Int32Type>(&all, WEIGHT)?;
    let known = primitive::<TimestampMicrosecondType>(&all, KNOWN_AT)?;
    for (row, span) in spans.into_iter().enumerate() {
        let Some((from, until)) = span else {
            continue;
        };
        supports
            .entry(by.value(row).to_owned())
            .or_default()
            .push(Support {
                units: units.value(row).to_owned(),
                from: days.value(row).max(from),
                until,
                weight: i64::from(weights.value(row)),
                known_at: known.value(row),
                is_new,
            });
    }
    Ok(())
}

/// The intervals in which a thing is supported, by all the given entries together.
///
/// A state of a record holds from the day on which its weights come to one until the day on which they come to zero.
/// Adding up signed support day by day needs no notion of records: the sum over entries is the sum over states.
fn held<'s>(thing: &str, supports: impl Iterator<Item = &'s Support>) -> BTreeSet<Held> {
    let mut steps: BTreeMap<Day, BTreeMap<String, i64>> = BTreeMap::new();
    for support in supports {
        let mut add = |day: Day, weight: i64| {
            for unit in support.units.split(ORG_UNIT_SEPARATOR) {
                *steps
                    .entry(day)
                    .or_default()
                    .entry(unit.to_owned())
                    .or_default() += weight;
            }
        };
        add(support.from, support.weight);
        if let Some(until) = support.until {
            add(until.max(support.from), -support.weight);
        }
    }
    intervals(thing, &steps).into_iter().collect()
}

/// The days from and until which each row supports its thing; `None` where it does not.
fn spans(
    journal: &Journal,
    input: &Dataset,
    distinct: &Distinct,
    rows: &RecordBatch,
) -> Result<Vec<Option<Span>>> {
    let count = rows.num_rows();
    let holds = match &distinct.filter {
        None => vec![true; count],
        Some(sql) => {
            let found = evaluate(journal.expressions.as_ref(), sql, input, rows)?;
            let found = found.as_boolean_opt().ok_or_else(|| {
                StoreError::Definition(Problem::new(
                    sql.place.clone(),
                    Text::new(
                        "`where` が条件式ではありません",
                        "`where` is not a condition",
                    ),
                ))
            })?;
            found.iter().map(|holds| holds.unwrap_or(false)).collect()
        }
    };
    let date = |sql: Option<&Located>| -> Result<Option<Date32Array>> {
        sql.map(|sql| {
            let found: ArrayRef = evaluate(journal.expressions.as_ref(), sql, input, rows)?;
            found
                .as_primitive_opt::<Date32Type>()
                .cloned()
                .ok_or_else(|| {
                    StoreError::Definition(Problem::new(
                        sql.place.clone(),
                        Text::new("式が日付ではありません", "the expression is not a date"),
                    ))
                })
        })
        .transpose()
    };
    let (from, until) = (
        date(distinct.from.as_ref())?,
        date(distinct.until.as_ref())?,
    );
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

/// What the new entries change in what was held, at each instant of knowledge from the first of theirs on: an entry that
/// became known earlier than others of the same thing changes what follows from those too.
fn difference(
    derived: &Dataset,
    supports: &BTreeMap<String, Vec<Support>>,
    batch: &Batch,
) -> Result<Changes> {
    let mut steps: Vec<(Held, i64, i64)> = Vec::new();
    for (thing, supports) in supports {
        let new = supports.iter().filter(|s| s.is_new);
        let Some(first) = new.map(|s| s.known_at).min() else {
            continue;
        };
        let times: BTreeSet<i64> = supports
            .iter()
            .map(|s| s.known_at)
            .filter(|known_at| *known_at >= first)
            .collect();
        let earlier = held(thing, supports.iter().filter(|s| s.known_at < first));
        let (mut old_before, mut new_before) = (earlier.clone(), earlier);
        for known_at in times {
            let known = || supports.iter().filter(|s| s.known_at <= known_at);
            let old = held(thing, known().filter(|s| !s.is_new));
            let new = held(thing, known());
            let mut weights: BTreeMap<Held, i64> = BTreeMap::new();
            for (held, weight) in [(&new, 1), (&new_before, -1), (&old, -1), (&old_before, 1)] {
                for held in held {
                    *weights.entry(held.clone()).or_default() += weight;
                }
            }
            steps.extend(
                weights
                    .into_iter()
                    .filter(|(_, weight)| *weight != 0)
                    .map(|(held, weight)| (held, weight, known_at)),
            );
            (old_before, new_before) = (old, new);
        }
    }
    let mut output = Output::new(derived, &batch.source)?;
    let rows: Vec<&Held> = steps.iter().map(|(held, ..)| held).collect();
    let values = output.add_values(rows_of(derived, &rows)?)?;
    for (row, (held, weight, known_at)) in steps.iter().enumerate() {
        let from = keiki_model::calendar::date_of(held.2).to_string();
        let key = join_key([held.0.as_str(), held.1.as_str(), from.as_str()]);
        for _ in 0..weight.unsigned_abs() {
            let change = Change {
                effective_on: BEGINNING,
                weight: if *weight < 0 { -1 } else { 1 },
                values: (values, u32::try_from(row).unwrap_or(u32::MAX)),
            };
            output.enter(&key, change, *known_at);
        }
    }
    output.finish(derived, batch.seq, &batch.batch_id)
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
