//! Sorts out, of a bucket, the rows that say just what their source said last: they write nothing, and in a full export
//! they are nearly all.

use std::collections::{HashMap, HashSet};

use arrow::array::{RecordBatch, StringArray, make_comparator};
use arrow::compute::SortOptions;
use arrow::datatypes::Date32Type;
use keiki_model::calendar::Day;
use keiki_model::evidence::Extent;

use super::{Incoming, Reading};
use crate::error::Result;
use crate::heads::{Layers, Stand, primitive, strings};
use crate::schema::{EFFECTIVE_ON, RECORD_KEY, SOURCE, WORD};

/// What is left of a bucket.
#[derive(Debug)]
pub(crate) struct Sieved {
    /// Rows of the reading that may say something new, in their order.
    pub(crate) rows: Vec<u32>,
    /// The heads of their records and, for a full reading, of those that it left out.
    pub(crate) heads: RecordBatch,
    /// Per head, whether it lies in the reading's scope.
    pub(crate) in_scope: Vec<bool>,
    /// Rows that were sorted out.
    pub(crate) unchanged: u64,
    /// How many of their records are in scope.
    pub(crate) alive: u64,
}

/// Sorts out the rows of one bucket (`rows`, positions in `incoming`) that change nothing.
///
/// *Shape*: `in_scope` has one flag per head; `None` = all are in scope.
pub(crate) fn sieve(
    reading: &Reading,
    incoming: &Incoming,
    rows: &[u32],
    layers: &Layers,
    in_scope: Option<&[bool]>,
) -> Result<Sieved> {
    if layers.count() == 0 {
        return Ok(Sieved {
            rows: rows.to_vec(),
            heads: layers.base().clone(),
            in_scope: Vec::new(),
            unchanged: 0,
            alive: 0,
        });
    }
    let heads = Standing::new(layers)?;
    let found = find(reading, incoming, rows, &heads);
    let mut times = vec![0_u8; layers.count()];
    for head in found.iter().flatten() {
        times[*head] = times[*head].saturating_add(1);
    }
    let is_plain: Vec<bool> = rows
        .iter()
        .zip(&found)
        .map(|(row, head)| {
            head.is_some_and(|head| {
                times[head] == 1 && may_repeat(reading, incoming, *row, &heads.at(head))
            })
        })
        .collect();
    let is_same = compare(incoming, rows, layers, &found, is_plain)?;
    let holds = |head: usize| in_scope.is_none_or(|flags| flags[head]);
    let mut is_done = vec![false; layers.count()];
    let mut left = Vec::new();
    let (mut unchanged, mut alive) = (0, 0);
    for ((row, head), is_same) in rows.iter().zip(&found).zip(is_same) {
        match head {
            Some(head) if is_same => {
                is_done[*head] = true;
                unchanged += 1;
                alive += u64::from(holds(*head));
            }
            _ => left.push(*row),
        }
    }
    let mut keys: HashSet<&str> = left
        .iter()
        .map(|row| incoming.keys.value(*row as usize))
        .collect();
    if reading.extent == Extent::Full {
        for head in (0..layers.count()).filter(|head| times[*head] == 0) {
            let at = heads.at(head);
            let is_unsure = reading.is_register() && at.day() > reading.as_of;
            let is_alive = holds(head) && at.word() == "says";
            if at.source() == reading.source && (is_alive || is_unsure) {
                keys.insert(at.key());
            }
        }
    }
    let kept: Vec<usize> = (0..layers.count())
        .filter(|head| !is_done[*head] && keys.contains(heads.at(*head).key()))
        .collect();
    Ok(Sieved {
        rows: left,
        in_scope: kept.iter().map(|head| holds(*head)).collect(),
        heads: layers.pick(kept.into_iter())?,
        unchanged,
        alive,
    })
}

/// Finds for each row the head of its source and record.
fn find(
    reading: &Reading,
    incoming: &Incoming,
    rows: &[u32],
    heads: &Standing<'_>,
) -> Vec<Option<usize>> {
    let mut by_key: Option<HashMap<&str, usize>> = None;
    let mut next = 0;
    rows.iter()
        .map(|row| {
            let key = incoming.keys.value(*row as usize);
            // An export mostly comes in the order of the one before, so the next head is the likely one.
            let is_next = next < heads.layers.count() && {
                let at = heads.at(next);
                at.key() == key && at.source() == reading.source
            };
            let found = if is_next {
                Some(next)
            } else {
                by_key
                    .get_or_insert_with(|| heads.of_source(&reading.source))
                    .get(key)
                    .copied()
            };
            next = found.map_or(next, |found| found + 1);
            found
        })
        .collect()
}

/// Tells whether a row that has the values of a head needs no assertion of its own.
pub(super) fn is_derivable(reading: &Reading, day: Day, head_day: Day) -> bool {
    (!reading.is_register() && !reading.has_own_knowledge)
        || (reading.asserts_by_presence() && day == reading.as_of && head_day <= day)
}

fn may_repeat(reading: &Reading, incoming: &Incoming, row: u32, head: &At<'_>) -> bool {
    head.word() == "says" && is_derivable(reading, incoming.days[row as usize], head.day())
}

/// Tells of each plain row whether it has the values of its head, column by column.
fn compare(
    incoming: &Incoming,
    rows: &[u32],
    layers: &Layers,
    found: &[Option<usize>],
    is_plain: Vec<bool>,
) -> Result<Vec<bool>> {
    let mut is_same = is_plain;
    let (mut base, mut later) = (Vec::new(), Vec::new());
    for (place, (row, head)) in rows.iter().zip(found).enumerate() {
        let Some(head) = head.filter(|_| is_same[place]) else {
            continue;
        };
        match layers.stand(head) {
            Stand::Base(head) => base.push((place, *row as usize, head)),
            Stand::Later(head) => later.push((place, *row as usize, head)),
        }
    }
    compare_pairs(&base, &incoming.rows, layers.base(), &mut is_same)?;
    compare_pairs(&later, &incoming.rows, layers.later(), &mut is_same)?;
    Ok(is_same)
}

/// Notes which rows have not the values of their heads. *Shape*: each pair is a place in `is_same`, a row and a head; the
/// journalled columns come first among those of heads.
pub(crate) fn compare_pairs(
    pairs: &[(usize, usize, usize)],
    rows: &RecordBatch,
    heads: &RecordBatch,
    is_same: &mut [bool],
) -> Result<()> {
    if pairs.is_empty() {
        return Ok(());
    }
    let runs = runs(pairs);
    for (new, old) in rows.columns().iter().zip(heads.columns()) {
        if new.null_count() == new.len() && old.null_count() == old.len() {
            continue;
        }
        // Mostly all rows have the values of theirs, in the order of the heads.
        let are_same = |(row, head, count): &(usize, usize, usize)| {
            new.slice(*row, *count) == old.slice(*head, *count)
        };
        if runs.len() * RUN_ROWS <= pairs.len() && runs.iter().all(are_same) {
            continue;
        }
        let order = make_comparator(new, old, SortOptions::default())?;
        for (place, row, head) in pairs {
            is_same[*place] = is_same[*place] && order(*row, *head).is_eq();
        }
    }
    Ok(())
}

/// Rows of fewer at a time are compared one by one.
const RUN_ROWS: usize = 8;

/// Pairs of a row and its head that follow each other on both sides. *Shape*: first row, first head, and how many.
fn runs(pairs: &[(usize, usize, usize)]) -> Vec<(usize, usize, usize)> {
    let follow =
        |a: &(usize, usize, usize), b: &(usize, usize, usize)| a.1 + 1 == b.1 && a.2 + 1 == b.2;
    pairs
        .chunk_by(follow)
        .map(|run| (run[0].1, run[0].2, run.len()))
        .collect()
}

/// The columns of heads that say whose they are, wherever they stand.
struct Standing<'l> {
    layers: &'l Layers,
    base: Columns<'l>,
    later: Columns<'l>,
}

struct Columns<'l> {
    keys: StringArray,
    sources: StringArray,
    words: StringArray,
    days: &'l arrow::array::Date32Array,
}

/// One head.
struct At<'s> {
    columns: &'s Columns<'s>,
    row: usize,
}

impl<'l> Standing<'l> {
    fn new(layers: &'l Layers) -> Result<Self> {
        Ok(Self {
            layers,
            base: Columns::new(layers.base())?,
            later: Columns::new(layers.later())?,
        })
    }

    fn at(&self, head: usize) -> At<'_> {
        match self.layers.stand(head) {
            Stand::Base(row) => At {
                columns: &self.base,
                row,
            },
            Stand::Later(row) => At {
                columns: &self.later,
                row,
            },
        }
    }

    /// The heads of a source by key.
    fn of_source(&self, source: &str) -> HashMap<&str, usize> {
        (0..self.layers.count())
            .map(|head| (self.at(head), head))
            .filter(|(at, _)| at.source() == source)
            .map(|(at, head)| (at.key(), head))
            .collect()
    }
}

impl<'l> Columns<'l> {
    fn new(rows: &'l RecordBatch) -> Result<Self> {
        Ok(Self {
            keys: strings(rows, RECORD_KEY)?,
            sources: strings(rows, SOURCE)?,
            words: strings(rows, WORD)?,
            days: primitive::<Date32Type>(rows, EFFECTIVE_ON)?,
        })
    }
}

impl<'s> At<'s> {
    fn key(&self) -> &'s str {
        self.columns.keys.value(self.row)
    }

    fn source(&self) -> &'s str {
        self.columns.sources.value(self.row)
    }

    fn word(&self) -> &'s str {
        self.columns.words.value(self.row)
    }

    fn day(&self) -> Day {
        self.columns.days.value(self.row)
    }
}
