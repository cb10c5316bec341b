//! Collects the assertions and signed entries of one commit.

use std::iter::repeat_n;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int32Array, Int64Array, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use keiki_model::timeline::{Change, Word};

use super::{Pick, Values};
use crate::error::{Result, StoreError};
use crate::schema::{
    BATCH_ID, EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SEQ, SOURCE, WEIGHT, WORD, assertions_schema,
    entries_schema, plain,
};
use crate::table::conform;

/// The rows that a commit adds to a dataset's tables.
#[derive(Debug, Clone)]
pub(crate) struct Changes {
    /// Signed entries, with the columns of the dataset's entries; texts as they are.
    pub(crate) entries: RecordBatch,
    /// Assertions, with the columns of the dataset's assertions; texts as they are.
    pub(crate) assertions: RecordBatch,
}

impl Changes {
    /// Puts changes together, in the order given.
    pub(crate) fn joined(parts: &[Self]) -> Result<Self> {
        let first = parts
            .first()
            .ok_or_else(|| StoreError::damaged("変更のない記帳です", "a commit without changes"))?;
        let entries = parts.iter().map(|part| &part.entries);
        let assertions = parts.iter().map(|part| &part.assertions);
        Ok(Self {
            entries: concat_batches(&first.entries.schema(), entries)?,
            assertions: concat_batches(&first.assertions.schema(), assertions)?,
        })
    }
}

/// Columns in the making.
#[derive(Debug, Default)]
struct Lines {
    picks: Vec<Pick>,
    keys: StringBuilder,
    /// Who speaks from which line on.
    sources: Vec<(usize, String)>,
    days: Vec<Day>,
    known: Vec<i64>,
}

impl Lines {
    fn add(&mut self, key: &str, source: &str, pick: Pick, day: Day, known_at: i64) {
        self.let_speak(source);
        self.picks.push(pick);
        self.keys.append_value(key);
        self.days.push(day);
        self.known.push(known_at);
    }

    fn let_speak(&mut self, source: &str) {
        if self.sources.last().is_none_or(|(_, last)| last != source) {
            self.sources.push((self.picks.len(), source.to_owned()));
        }
    }

    /// Adds rows that follow each other, with the key of each.
    fn add_run(
        &mut self,
        keys: &StringArray,
        source: &str,
        picks: impl Iterator<Item = Pick>,
        days: &[Day],
        known: &[i64],
    ) -> Result<()> {
        self.let_speak(source);
        self.picks.extend(picks);
        self.keys.append_array(keys)?;
        self.days.extend_from_slice(days);
        self.known.extend_from_slice(known);
        Ok(())
    }

    /// Tells whether other lines say the same of the same records.
    fn are_those(&self, other: &Self) -> bool {
        self.picks == other.picks
            && self.days == other.days
            && self.known == other.known
            && self.sources == other.sources
            && self.keys.offsets_slice() == other.keys.offsets_slice()
            && self.keys.values_slice() == other.keys.values_slice()
    }
}

/// Collects what a commit writes for one dataset.
#[derive(Debug)]
pub(crate) struct Output {
    values: Values,
    /// The source that speaks.
    source: String,
    /// A row of nulls, for words that carry no values.
    nothing: Pick,
    entries: Lines,
    weights: Vec<i32>,
    assertions: Lines,
    words: Vec<&'static str>,
}

impl Output {
    pub(crate) fn new(dataset: &Dataset, source: &str) -> Result<Self> {
        let mut values = Values::new(dataset)?;
        let schema = dataset.schema();
        let nulls: Vec<ArrayRef> = schema
            .fields()
            .iter()
            .map(|f| arrow::array::new_null_array(f.data_type(), 1))
            .collect();
        let nothing = (values.add(RecordBatch::try_new(schema, nulls)?)?, 0);
        Ok(Self {
            values,
            source: source.to_owned(),
            nothing,
            entries: Lines::default(),
            weights: Vec::new(),
            assertions: Lines::default(),
            words: Vec::new(),
        })
    }

    /// How many assertions there are so far.
    pub(crate) fn said(&self) -> usize {
        self.words.len()
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// Lets another source speak from here on.
    pub(crate) fn let_speak(&mut self, source: &str) {
        source.clone_into(&mut self.source);
    }

    /// Adds rows from which values are picked and returns their number.
    pub(crate) fn add_values(&mut self, rows: RecordBatch) -> Result<u32> {
        self.values.add(rows)
    }

    /// Adds an assertion.
    pub(crate) fn assert(&mut self, key: &str, word: Word<Pick>, day: Day, known_at: i64) {
        let (pick, name) = match word {
            Word::Says(pick) => (pick, "says"),
            Word::Ended => (self.nothing, "ended"),
            Word::Silent => (self.nothing, "silent"),
        };
        self.assertions.add(key, &self.source, pick, day, known_at);
        self.words.push(name);
    }

    /// Notes that a full reading left the record out and that nothing follows from it.
    pub(crate) fn mark_absent(&mut self, key: &str, values: Option<Pick>, day: Day, known_at: i64) {
        let values = values.unwrap_or(self.nothing);
        self.assertions
            .add(key, &self.source, values, day, known_at);
        self.words.push("absent");
    }

    /// Adds the step from one state to another on a day, if it is one.
    pub(crate) fn change(
        &mut self,
        key: &str,
        before: Option<Pick>,
        after: Option<Pick>,
        day: Day,
        known_at: i64,
    ) {
        if let (Some(before), Some(after)) = (before, after)
            && self.values.are_equal(before, after)
        {
            return;
        }
        if let Some(values) = before {
            self.enter(
                key,
                Change {
                    effective_on: day,
                    weight: -1,
                    values,
                },
                known_at,
            );
        }
        if let Some(values) = after {
            self.enter(
                key,
                Change {
                    effective_on: day,
                    weight: 1,
                    values,
                },
                known_at,
            );
        }
    }

    /// Adds one signed entry.
    pub(crate) fn enter(&mut self, key: &str, change: Change<Pick>, known_at: i64) {
        self.entries.add(
            key,
            &self.source,
            change.values,
            change.effective_on,
            known_at,
        );
        self.weights.push(i32::from(change.weight));
    }

    /// Takes rows that follow each other, each of a record of which nothing was known.
    pub(crate) fn begin_records(
        &mut self,
        keys: &StringArray,
        (values, first): Pick,
        days: &[Day],
        known: &[i64],
    ) -> Result<()> {
        let picks = (first..).take(days.len()).map(|row| (values, row));
        let source = &self.source;
        self.assertions
            .add_run(keys, source, picks.clone(), days, known)?;
        self.words.resize(self.words.len() + days.len(), "says");
        self.entries.add_run(keys, source, picks, days, known)?;
        self.weights.resize(self.weights.len() + days.len(), 1);
        Ok(())
    }

    /// Makes the rows to write.
    pub(crate) fn finish(mut self, dataset: &Dataset, seq: i64, batch_id: &str) -> Result<Changes> {
        let weights: ArrayRef = Arc::new(Int32Array::from(std::mem::take(&mut self.weights)));
        let words: ArrayRef = Arc::new(StringArray::from(std::mem::take(&mut self.words)));
        let are_alike = self.assertions.are_those(&self.entries);
        let entries = lines(&self.values, self.entries, (WEIGHT, weights), seq, batch_id)?;
        let assertions = if are_alike {
            // What is the same is in memory once, and encoded once.
            with_other(&entries, WEIGHT, (WORD, words))?
        } else {
            lines(&self.values, self.assertions, (WORD, words), seq, batch_id)?
        };
        Ok(Changes {
            entries: conform(&entries, &plain(&entries_schema(dataset)))?,
            assertions: conform(&assertions, &plain(&assertions_schema(dataset)))?,
        })
    }
}

/// Rows with another column in the place of one.
fn with_other(
    rows: &RecordBatch,
    name: &str,
    (other, column): (&str, ArrayRef),
) -> Result<RecordBatch> {
    let names = rows.schema();
    let columns = names.fields().iter().zip(rows.columns());
    let columns = columns.map(|(field, own)| match field.name() {
        own_name if own_name == name => (other.to_owned(), Arc::clone(&column), true),
        own_name => (own_name.clone(), Arc::clone(own), true),
    });
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

fn lines(
    values: &Values,
    mut lines: Lines,
    own: (&str, ArrayRef),
    seq: i64,
    batch_id: &str,
) -> Result<RecordBatch> {
    let count = lines.picks.len();
    let picked = values.pick(&lines.picks)?;
    let mut columns: Vec<(String, ArrayRef)> = picked
        .schema()
        .fields()
        .iter()
        .zip(picked.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
        .collect();
    let ends = lines.sources.iter().skip(1).map(|(start, _)| *start);
    let ends = ends.chain([count]);
    let mut sources = StringBuilder::new();
    for ((start, source), end) in lines.sources.iter().zip(ends) {
        for source in repeat_n(source, end - start) {
            sources.append_value(source);
        }
    }
    columns.extend([
        (own.0.to_owned(), own.1),
        (
            EFFECTIVE_ON.to_owned(),
            Arc::new(Date32Array::from(lines.days)) as ArrayRef,
        ),
        (
            KNOWN_AT.to_owned(),
            Arc::new(TimestampMicrosecondArray::from(lines.known).with_timezone("UTC")),
        ),
        (SEQ.to_owned(), Arc::new(Int64Array::from(vec![seq; count]))),
        (
            BATCH_ID.to_owned(),
            Arc::new(StringArray::from_iter_values(repeat_n(batch_id, count))),
        ),
        (SOURCE.to_owned(), Arc::new(sources.finish())),
        (RECORD_KEY.to_owned(), Arc::new(lines.keys.finish())),
    ]);
    Ok(RecordBatch::try_from_iter_with_nullable(
        columns
            .into_iter()
            .map(|(name, column)| (name, column, true)),
    )?)
}
