//! The difference that a reading makes: which assertions and signed entries it adds.
//!
//! A row in the order of time needs only the heads. A row that comes late, before something that is already known of its
//! record, is set against the record's whole history (`history`).

mod history;
mod output;
mod sieve;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

use arrow::array::{RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use arrow::row::{RowConverter, Rows, SortField};
use keiki_model::calendar::{BEGINNING, Day, instant_text};
use keiki_model::dataset::{Dataset, DatasetKind};
use keiki_model::evidence::{Counts, Extent, Reason};
use keiki_model::timeline::{Word, resolve};

pub(crate) use history::{Apart, History};
pub(crate) use output::{Changes, Output};
pub(crate) use sieve::{Sieved, compare_pairs, sieve};

use crate::error::{Result, StoreError};
use crate::heads::{primitive, strings};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SOURCE, WORD};

/// Where a record's values stand: number of the batch of rows, and row.
pub(crate) type Pick = (u32, u32);

/// The rows of a reading, ready to be set against the heads.
#[derive(Debug, Clone)]
pub(crate) struct Incoming {
    /// The dataset's journalled columns.
    pub(crate) rows: RecordBatch,
    /// Per row, the record's key.
    pub(crate) keys: StringArray,
    /// Per row, the day from which it holds.
    pub(crate) days: Vec<Day>,
    /// Per row, when it became known.
    pub(crate) known: Vec<i64>,
    /// Per row, where it stood in the source.
    pub(crate) places: Vec<u64>,
    /// Per row, the number of its file.
    pub(crate) files: Vec<u32>,
    /// Rows in the order in which they are taken: by time of knowledge, then as mapped, then as they stood.
    pub(crate) order: Vec<u32>,
}

impl Incoming {
    /// The rows of the given numbers alone, in the order given.
    pub(crate) fn take(&self, rows: &[u32]) -> Result<Self> {
        let of = |row: &u32| *row as usize;
        let numbers = UInt32Array::from(rows.to_vec());
        Ok(Self {
            rows: take_record_batch(&self.rows, &numbers)?,
            keys: rows
                .iter()
                .map(|row| Some(self.keys.value(of(row))))
                .collect(),
            days: rows.iter().map(|row| self.days[of(row)]).collect(),
            known: rows.iter().map(|row| self.known[of(row)]).collect(),
            places: rows.iter().map(|row| self.places[of(row)]).collect(),
            files: rows.iter().map(|row| self.files[of(row)]).collect(),
            order: (0..).take(rows.len()).collect(),
        })
    }

    /// Puts rows together, in the order given.
    pub(crate) fn joined(dataset: &Dataset, parts: &[Self]) -> Result<Self> {
        let rows = parts.iter().map(|part| &part.rows);
        let keys = parts.iter().flat_map(|part| part.keys.iter());
        let mut all = Self {
            rows: concat_batches(&dataset.schema(), rows)?,
            keys: keys.collect(),
            days: Vec::new(),
            known: Vec::new(),
            places: Vec::new(),
            files: Vec::new(),
            order: Vec::new(),
        };
        for part in parts {
            let first = u32::try_from(all.days.len()).unwrap_or(u32::MAX);
            all.order.extend(part.order.iter().map(|row| first + row));
            all.days.extend(&part.days);
            all.known.extend(&part.known);
            all.places.extend(&part.places);
            all.files.extend(&part.files);
        }
        Ok(all)
    }
}

/// What holds for the whole reading.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) dataset: Arc<Dataset>,
    pub(crate) source: String,
    pub(crate) as_of: Day,
    pub(crate) known_at: i64,
    pub(crate) extent: Extent,
    /// Whether rows carry days of their own.
    pub(crate) has_own_days: bool,
    /// Whether rows say themselves when they became known.
    pub(crate) has_own_knowledge: bool,
    /// Whether no two of its rows have a key in common.
    pub(crate) has_each_key_once: bool,
    /// Precedence by source, lower first, for all sources of the dataset.
    pub(crate) precedence: HashMap<String, i32>,
    /// The last as-of day of any full reading of the dataset so far.
    pub(crate) last_full_as_of: Day,
    /// By when all that was said of the dataset so far had become known.
    pub(crate) last_known_at: i64,
}

impl Reading {
    fn is_register(&self) -> bool {
        self.dataset.kind == DatasetKind::Register
    }

    /// Tells whether presence in this reading by itself asserts the values on its as-of day.
    fn asserts_by_presence(&self) -> bool {
        self.is_register() && self.extent == Extent::Full && !self.has_own_days
    }

    /// The day from which a row holds.
    fn day_of(&self, incoming: &Incoming, row: usize) -> Day {
        if self.is_register() {
            incoming.days[row]
        } else {
            BEGINNING
        }
    }

    pub(crate) fn rank(&self, source: &str) -> (i32, String) {
        (
            self.precedence.get(source).copied().unwrap_or(i32::MAX),
            source.to_owned(),
        )
    }
}

/// Rows whose values can be compared and picked: the heads of a bucket, the reading, the history.
#[derive(Debug, Default)]
pub(crate) struct Values {
    batches: Vec<RecordBatch>,
    /// Made of a batch when its first row is compared: of most batches none is.
    comparable: Vec<OnceLock<Rows>>,
    converter: Option<RowConverter>,
}

impl Values {
    pub(crate) fn new(dataset: &Dataset) -> Result<Self> {
        let fields = dataset
            .schema()
            .fields()
            .iter()
            .map(|f| SortField::new(f.data_type().clone()))
            .collect();
        Ok(Self {
            batches: Vec::new(),
            comparable: Vec::new(),
            converter: Some(RowConverter::new(fields)?),
        })
    }

    /// Adds a batch of the dataset's columns and returns its number.
    pub(crate) fn add(&mut self, rows: RecordBatch) -> Result<u32> {
        if self.converter.is_none() {
            return Err(StoreError::damaged(
                "列のない値があります",
                "values without columns",
            ));
        }
        self.comparable.push(OnceLock::new());
        self.batches.push(rows);
        Ok(u32::try_from(self.batches.len() - 1).unwrap_or(u32::MAX))
    }

    pub(crate) fn are_equal(&self, a: Pick, b: Pick) -> bool {
        self.comparable(a.0).row(a.1 as usize) == self.comparable(b.0).row(b.1 as usize)
    }

    fn comparable(&self, batch: u32) -> &Rows {
        let batch = batch as usize;
        self.comparable[batch].get_or_init(|| {
            let converter = self.converter.as_ref().expect("`add` looks for it");
            converter
                .convert_columns(self.batches[batch].columns())
                .expect("rows have the columns for which the converter was made")
        })
    }

    pub(crate) fn bytes(&self, pick: Pick) -> &[u8] {
        self.comparable(pick.0).row(pick.1 as usize).data()
    }

    pub(crate) fn pick(&self, picks: &[Pick]) -> Result<RecordBatch> {
        if let Some(rows) = self.consecutive(picks) {
            return Ok(rows);
        }
        let refs: Vec<&RecordBatch> = self.batches.iter().collect();
        let picks: Vec<(usize, usize)> = picks
            .iter()
            .map(|(b, r)| (*b as usize, *r as usize))
            .collect();
        match refs.first() {
            Some(first) if picks.is_empty() => Ok(RecordBatch::new_empty(first.schema())),
            Some(_) => Ok(arrow::compute::interleave_record_batch(&refs, &picks)?),
            None => Err(StoreError::damaged(
                "選び出す行がありません",
                "no rows to pick from",
            )),
        }
    }
}

impl Values {
    /// The rows of picks that follow each other in one batch, as those of a first load do.
    fn consecutive(&self, picks: &[Pick]) -> Option<RecordBatch> {
        let (batch, first) = *picks.first()?;
        let follow = picks.iter().zip(first..);
        let are_consecutive = follow.into_iter().all(|(pick, row)| *pick == (batch, row));
        are_consecutive.then(|| self.batches[batch as usize].slice(first as usize, picks.len()))
    }
}

/// What a source says last of a record.
#[derive(Debug, Clone)]
struct Head {
    source: String,
    rank: (i32, String),
    word: Word<Pick>,
    day: Day,
    known_at: i64,
}

/// The heads of one bucket, found by key.
struct Bucket<'h> {
    rows: &'h RecordBatch,
    values: u32,
    keys: StringArray,
    sources: StringArray,
    words: StringArray,
    by_key: HashMap<String, Vec<u32>>,
}

impl<'h> Bucket<'h> {
    fn new(rows: &'h RecordBatch, values: u32) -> Result<Self> {
        let keys = strings(rows, RECORD_KEY)?;
        let mut by_key: HashMap<String, Vec<u32>> = HashMap::with_capacity(rows.num_rows());
        for (row, key) in keys.iter().enumerate() {
            by_key
                .entry(key.unwrap_or_default().to_owned())
                .or_default()
                .push(u32::try_from(row).unwrap_or(u32::MAX));
        }
        Ok(Self {
            rows,
            values,
            sources: strings(rows, SOURCE)?,
            words: strings(rows, WORD)?,
            keys,
            by_key,
        })
    }

    fn heads(&self, key: &str, reading: &Reading) -> Result<Vec<Head>> {
        let days = primitive::<Date32Type>(self.rows, EFFECTIVE_ON)?;
        let known = primitive::<TimestampMicrosecondType>(self.rows, KNOWN_AT)?;
        let mut heads: Vec<Head> = self
            .by_key
            .get(key)
            .into_iter()
            .flatten()
            .map(|row| {
                let at = *row as usize;
                Head {
                    source: self.sources.value(at).to_owned(),
                    rank: reading.rank(self.sources.value(at)),
                    word: word_of(self.words.value(at), (self.values, *row)),
                    day: days.value(at),
                    known_at: known.value(at),
                }
            })
            .collect();
        heads.sort_by(|a, b| a.rank.cmp(&b.rank));
        Ok(heads)
    }

    fn day(&self, row: u32) -> Day {
        primitive::<Date32Type>(self.rows, EFFECTIVE_ON)
            .map_or(Day::MAX, |days| days.value(row as usize))
    }

    /// The row in which this source's head of the record stands.
    fn own(&self, key: &str, source: &str) -> Option<u32> {
        self.by_key
            .get(key)?
            .iter()
            .copied()
            .find(|row| self.sources.value(*row as usize) == source)
    }
}

pub(crate) fn word_of(word: &str, values: Pick) -> Word<Pick> {
    match word {
        "ended" => Word::Ended,
        "silent" => Word::Silent,
        _ => Word::Says(values),
    }
}

/// What setting a bucket's rows against its heads left to do.
#[derive(Debug, Default)]
pub(crate) struct BucketResult {
    /// Keys whose rows came late.
    pub(crate) late: BTreeSet<String>,
    /// Keys that a full reading left out, in scope.
    pub(crate) left_out: Vec<String>,
    /// Keys that it left out of which more was said for days after it: only their history tells whether they were in scope.
    pub(crate) unsure: Vec<String>,
    /// How many records of this source are alive and in scope.
    pub(crate) alive: u64,
    /// Rows whose time of knowledge is out of order.
    pub(crate) out_of_order: Vec<(u32, Reason)>,
    /// What was counted.
    pub(crate) counts: Counts,
}

/// Sets the rows of one bucket (`rows`, positions in `incoming`) against its heads. Rows that `sieve` sorts out are not
/// among them.
///
/// *Shape*: `in_scope` has one flag per head row.
pub(crate) fn plan_bucket(
    reading: &Reading,
    incoming: &Incoming,
    incoming_values: u32,
    rows: &[u32],
    heads: (&RecordBatch, u32),
    in_scope: &[bool],
    output: &mut Output,
) -> Result<BucketResult> {
    if heads.0.num_rows() == 0 && reading.has_each_key_once {
        return all_new(reading, incoming, incoming_values, rows, output);
    }
    let bucket = Bucket::new(heads.0, heads.1)?;
    let mut result = BucketResult::default();
    let mut present = vec![false; heads.0.num_rows()];
    let mut next: HashMap<u32, u32> = HashMap::new();
    let mut first: HashMap<&str, (u32, u32)> = HashMap::with_capacity(rows.len());
    for row in rows {
        let key = incoming.keys.value(*row as usize);
        match first.get_mut(key) {
            None => {
                first.insert(key, (*row, *row));
            }
            Some((_, last)) => {
                next.insert(*last, *row);
                *last = *row;
            }
        }
    }
    for row in rows {
        let key = incoming.keys.value(*row as usize);
        if first[key].0 != *row {
            continue;
        }
        let own = bucket.own(key, &reading.source);
        if let Some(own) = own {
            present[own as usize] = true;
        }
        let mut group = vec![*row];
        while let Some(following) = next.get(&group[group.len() - 1]) {
            group.push(*following);
        }
        let mut record = Record {
            key,
            heads: bucket.heads(key, reading)?,
        };
        if reading.is_register() && record.has_late_row(reading, incoming, &group) {
            result.late.insert(key.to_owned());
            continue;
        }
        for row in group {
            record.take_row(reading, incoming, row, incoming_values, output, &mut result);
        }
    }
    find_left_out(reading, &bucket, &present, in_scope, &mut result);
    Ok(result)
}

/// Takes rows of records of which nothing is known yet, one of each.
fn all_new(
    reading: &Reading,
    incoming: &Incoming,
    incoming_values: u32,
    rows: &[u32],
    output: &mut Output,
) -> Result<BucketResult> {
    for run in rows.chunk_by(|row, next| row.checked_add(1) == Some(*next)) {
        let Some(first) = run.first() else { continue };
        let at = *first as usize..*first as usize + run.len();
        let days: Vec<Day> = at
            .clone()
            .map(|row| reading.day_of(incoming, row))
            .collect();
        let keys = incoming.keys.slice(at.start, at.len());
        let known = &incoming.known[at];
        output.begin_records(&keys, (incoming_values, *first), &days, known)?;
    }
    Ok(BucketResult {
        counts: Counts {
            changed: rows.len() as u64,
            ..Counts::default()
        },
        ..BucketResult::default()
    })
}

struct Record<'k> {
    key: &'k str,
    heads: Vec<Head>,
}

impl Record<'_> {
    fn has_late_row(&self, reading: &Reading, incoming: &Incoming, group: &[u32]) -> bool {
        let mut last = self
            .heads
            .iter()
            .map(|head| head.day)
            .max()
            .unwrap_or(Day::MIN);
        if !self.heads.is_empty() {
            last = last.max(reading.last_full_as_of);
        }
        // What came late itself lies below a head of a later day, and may have become known after it: only the history tells.
        let may_precede = |row: u32| {
            !self.heads.is_empty()
                && reading.has_own_knowledge
                && incoming.known[row as usize] < reading.last_known_at
        };
        group.iter().any(|row| {
            let day = incoming.days[*row as usize];
            let is_late = day < last || may_precede(*row);
            last = last.max(day);
            is_late
        })
    }

    fn take_row(
        &mut self,
        reading: &Reading,
        incoming: &Incoming,
        row: u32,
        incoming_values: u32,
        output: &mut Output,
        result: &mut BucketResult,
    ) {
        let known_at = incoming.known[row as usize];
        if let Some(latest) = self.heads.iter().map(|head| head.known_at).max()
            && known_at < latest
        {
            result
                .out_of_order
                .push((row, knowledge_reason(known_at, latest)));
            return;
        }
        let day = reading.day_of(incoming, row as usize);
        let values = (incoming_values, row);
        let own = self.heads.iter().find(|head| head.source == reading.source);
        let is_same = matches!(own.map(|h| h.word), Some(Word::Says(old)) if output.values().are_equal(old, values));
        if is_same {
            result.counts.unchanged += 1;
            // That it was still so then bars what was known before from coming later.
            if !reading.is_register() && !reading.has_own_knowledge {
                return;
            }
        } else {
            result.counts.changed += 1;
        }
        self.say(reading, Word::Says(values), day, known_at, output);
    }

    /// Takes an assertion in the order of time: it changes the record from `day` on.
    fn say(
        &mut self,
        reading: &Reading,
        word: Word<Pick>,
        day: Day,
        known_at: i64,
        output: &mut Output,
    ) {
        let before = resolve(self.heads.iter().map(|head| head.word));
        if let Some(head) = self
            .heads
            .iter_mut()
            .find(|head| head.source == reading.source)
        {
            head.word = word;
            head.day = day;
            head.known_at = known_at;
        } else {
            let rank = reading.rank(&reading.source);
            let at = self.heads.partition_point(|head| head.rank < rank);
            self.heads.insert(
                at,
                Head {
                    source: reading.source.clone(),
                    rank,
                    word,
                    day,
                    known_at,
                },
            );
        }
        let after = resolve(self.heads.iter().map(|head| head.word));
        output.assert(self.key, word, day, known_at);
        output.change(self.key, before, after, day, known_at);
    }
}

pub(crate) fn knowledge_reason(found: i64, limit: i64) -> Reason {
    Reason::KnowledgeTime {
        found: instant_text(found),
        limit: instant_text(limit),
    }
}

fn find_left_out(
    reading: &Reading,
    bucket: &Bucket<'_>,
    present: &[bool],
    in_scope: &[bool],
    result: &mut BucketResult,
) {
    if reading.extent != Extent::Full {
        return;
    }
    for row in 0..bucket.rows.num_rows() {
        let position = u32::try_from(row).unwrap_or(u32::MAX);
        let is_own = bucket.sources.value(row) == reading.source;
        let is_alive = is_own && in_scope[row] && bucket.words.value(row) == "says";
        // What ended or moved later may have been in scope on the day of a late reading; its history will tell.
        let is_unsure = is_own && reading.is_register() && bucket.day(position) > reading.as_of;
        result.alive += u64::from(is_alive);
        let key = bucket.keys.value(row);
        if present[row] {
            continue;
        }
        if is_unsure {
            result.unsure.push(key.to_owned());
        } else if is_alive {
            result.left_out.push(key.to_owned());
        }
    }
}

fn leave_out_of(
    bucket: &Bucket<'_>,
    reading: &Reading,
    key: &str,
    word: Option<Word<Pick>>,
    output: &mut Output,
) -> Result<bool> {
    let Some(word) = word else {
        if reading.asserts_by_presence() {
            output.mark_absent(
                key,
                bucket
                    .own(key, &reading.source)
                    .map(|row| (bucket.values, row)),
                reading.as_of,
                reading.known_at,
            );
        }
        return Ok(true);
    };
    let mut record = Record {
        key,
        heads: bucket.heads(key, reading)?,
    };
    let day = if reading.is_register() {
        reading.as_of
    } else {
        BEGINNING
    };
    let last = record
        .heads
        .iter()
        .map(|head| head.day)
        .max()
        .unwrap_or(Day::MIN)
        .max(reading.last_full_as_of);
    if reading.is_register() && day < last {
        return Ok(false);
    }
    record.say(reading, word, day, reading.known_at, output);
    Ok(true)
}

/// Does `leave_out` for many keys of one bucket; returns those that need their history.
pub(crate) fn leave_out_all(
    reading: &Reading,
    keys: &[(String, Option<Word<Pick>>)],
    heads: (&RecordBatch, u32),
    output: &mut Output,
) -> Result<Vec<String>> {
    let bucket = Bucket::new(heads.0, heads.1)?;
    let mut late = Vec::new();
    for (key, word) in keys {
        if !leave_out_of(&bucket, reading, key, *word, output)? {
            late.push(key.clone());
        }
    }
    Ok(late)
}
