//! Maps, converts and checks a chunk, and sorts its rows into accepted and rejected.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Int64Array, RecordBatch,
    RecordBatchOptions, TimestampMicrosecondArray,
};
use arrow::compute::{self, filter_record_batch};
use arrow::datatypes::{Date32Type, Int64Type, SchemaRef, TimestampMicrosecondType};
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Evidence, OpenEnd, Reason, RejectedRow};
use keiki_model::repeats::record_key;

use crate::checks::Conditions;
use crate::columns::{self, Rejections, Typed};
use crate::convert::Forms;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, Extract, RowPlace};
use crate::filter;
use crate::mapping::{Mapping, Required};
use crate::reading::{Context, Found};
use crate::source::Source;

/// Maps the chunks of one reading.
pub(crate) struct Mapper<'m> {
    source: &'m Source,
    dataset: &'m Dataset,
    context: &'m Context<'m>,
    forms: Forms,
    /// By the evidence's columns.
    mappings: Mutex<HashMap<SchemaRef, Arc<Mapping>>>,
    /// Typed rows have the same columns in every chunk.
    conditions: Mutex<Option<Arc<Conditions>>>,
}

impl<'m> Mapper<'m> {
    pub(crate) fn new(source: &'m Source, dataset: &'m Dataset, context: &'m Context<'m>) -> Self {
        Self {
            source,
            dataset,
            context,
            forms: Forms::new(&source.format, &context.zone),
            mappings: Mutex::default(),
            conditions: Mutex::default(),
        }
    }

    /// Maps a chunk.
    ///
    /// # Errors
    /// The mapping or a rule is wrong.
    pub(crate) fn map(&self, extract: Extract) -> Result<Evidence, IngestError> {
        self.map_noting(extract, None)
    }

    /// Maps a chunk, and notes every fault of the rows that could be read, several of one row among them.
    ///
    /// # Errors
    /// The mapping or a rule is wrong.
    pub(crate) fn map_noting(
        &self,
        mut extract: Extract,
        faults: Option<&mut Vec<RejectedRow>>,
    ) -> Result<Evidence, IngestError> {
        let (source, dataset) = (self.source, self.dataset);
        if let Some(sql) = source.filter().filter(|_| !extract.places.is_empty()) {
            extract = filter::apply(sql, extract, self.context.expressions)?;
        }
        if extract.places.is_empty() {
            // Without a record there may be no columns either, and the mapping nothing to be held against.
            return Ok(nothing(dataset, extract));
        }
        let mapping = self.mapping(&extract)?;
        let mut rejections = Rejections::default();
        let mut typed = columns::compute(
            &mapping,
            &extract.batch,
            dataset,
            &self.forms,
            &mut rejections,
        )?;
        let conditions = self.conditions(&typed.batch.schema())?;
        conditions.check(source, dataset, &mut typed, &mut rejections)?;
        if let Some(faults) = faults {
            faults.extend(rejections.every().map(|(row, reason)| {
                let key = record_key(dataset, &typed.batch, row);
                rejected_row(&extract.files, extract.places[row], key, reason.clone())
            }));
        }
        sort_out(source, dataset, extract, &typed, rejections)
    }

    /// The mapping for the columns of a chunk. While a later one may have more of them, what is not there is null.
    fn mapping(&self, extract: &Extract) -> Result<Arc<Mapping>, IngestError> {
        let columns = extract.batch.schema();
        let mut mappings = self.mappings.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(mapping) = mappings.get(&columns) {
            return Ok(Arc::clone(mapping));
        }
        let absent = match extract.columns {
            Columns::Complete => (AbsentColumn::Fault, Required::Held),
            Columns::Growing => (AbsentColumn::Null, Required::Open),
        };
        let mapping = Arc::new(self.compile(&columns, absent, &[])?);
        mappings.insert(columns, Arc::clone(&mapping));
        Ok(mapping)
    }

    fn conditions(&self, schema: &SchemaRef) -> Result<Arc<Conditions>, IngestError> {
        let mut kept = self
            .conditions
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(conditions) = &*kept {
            return Ok(Arc::clone(conditions));
        }
        let expressions = self.context.expressions;
        let conditions = Conditions::new(self.source, self.dataset, schema, expressions)?;
        Ok(Arc::clone(kept.insert(Arc::new(conditions))))
    }

    fn compile(
        &self,
        columns: &SchemaRef,
        absent: (AbsentColumn, Required),
        unread: &[String],
    ) -> Result<Mapping, IngestError> {
        let expressions = self.context.expressions;
        let evidence = (columns, unread);
        Mapping::new(self.source, self.dataset, evidence, absent, expressions)
    }

    /// Holds the mapping against all columns that were found.
    ///
    /// # Errors
    /// The mapping names columns that are in none of the files.
    pub(crate) fn check(&self, absent: AbsentColumn, found: &Found) -> Result<(), IngestError> {
        if absent == AbsentColumn::Null && found.rows == 0 {
            return Ok(());
        }
        let columns = &Arc::new(found.schema());
        self.compile(columns, (absent, Required::Held), &found.unread)?;
        if let Some(sql) = self.source.filter() {
            filter::compile(sql, columns, absent, self.context.expressions)?;
        }
        Ok(())
    }
}

fn nothing(dataset: &Dataset, extract: Extract) -> Evidence {
    let files = files_of(&extract, |_| false);
    let open_ends = open_ends(&extract);
    let names = extract.files;
    Evidence {
        rows: RecordBatch::new_empty(dataset.schema()),
        places: Vec::new(),
        files,
        effective_on: None,
        known_at: None,
        version_order: None,
        rejected: extract
            .rejected
            .into_iter()
            .map(|(place, reason)| rejected_row(&names, place, None, reason))
            .collect(),
        left_unknown: Vec::new(),
        open_ends,
    }
}

/// Puts accepted and rejected rows apart.
fn sort_out(
    source: &Source,
    dataset: &Dataset,
    mut extract: Extract,
    typed: &Typed,
    rejections: Rejections,
) -> Result<Evidence, IngestError> {
    let keep = (!rejections.is_empty()).then(|| {
        let keep: Vec<bool> = (0..extract.places.len())
            .map(|row| !rejections.contains(row))
            .collect();
        BooleanArray::from(keep)
    });
    let kept = |array: &ArrayRef| match &keep {
        None => Ok(array.clone()),
        Some(keep) => compute::filter(array, keep).map_err(|e| IngestError::internal(&e)),
    };
    let version_order = match (&source.history, &typed.order) {
        (None, _) => None,
        (Some(_), Some(order)) => Some(kept(order)?.as_primitive::<Int64Type>().clone()),
        (Some(_), None) => {
            let number = |row| i64::try_from(extract.first_row + row).unwrap_or(i64::MAX);
            let rows = (0..extract.places.len()).map(number);
            let order: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
            Some(kept(&order)?.as_primitive::<Int64Type>().clone())
        }
    };
    let effective_on: Option<Date32Array> = typed
        .effective_on
        .as_ref()
        .map(&kept)
        .transpose()?
        .map(|a| a.as_primitive::<Date32Type>().clone());
    let known_at: Option<TimestampMicrosecondArray> = typed
        .known_at
        .as_ref()
        .map(&kept)
        .transpose()?
        .map(|a| a.as_primitive::<TimestampMicrosecondType>().clone());
    let rows = journalled(dataset, &typed.batch)?;
    let rows = match &keep {
        None => rows,
        Some(keep) => filter_record_batch(&rows, keep).map_err(|e| IngestError::internal(&e))?,
    };
    let is_kept = |row: usize| keep.as_ref().is_none_or(|keep| keep.value(row));
    let left_unknown = left_unknown(dataset, &extract, typed, is_kept);
    let files = files_of(&extract, is_kept);
    let places = (0..extract.places.len())
        .filter(|row| is_kept(*row))
        .map(|row| extract.places[row].row)
        .collect();
    let open_ends = open_ends(&extract);
    let rejected = rejected(dataset, &mut extract, typed, rejections);
    Ok(Evidence {
        rows,
        places,
        files,
        effective_on,
        known_at,
        version_order,
        rejected,
        left_unknown,
        open_ends,
    })
}

/// Where files end within a line.
fn open_ends(extract: &Extract) -> Vec<OpenEnd> {
    let ends = extract.open_ends.iter().map(|place| OpenEnd {
        file: file_name(&extract.files, place.file),
        row: place.row,
    });
    ends.collect()
}

/// The files of a chunk with the number of their rows that are kept; those whose rows are all rejected too.
fn files_of(extract: &Extract, is_kept: impl Fn(usize) -> bool) -> Vec<(String, usize)> {
    let places = extract.places.iter().enumerate();
    let accepted = places.map(|(row, place)| (place.file, usize::from(is_kept(row))));
    let unread = extract.rejected.iter().map(|(place, _)| (place.file, 0));
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    let mut last = None;
    for (file, count) in accepted.chain(unread) {
        // Many rows on end are of one file.
        match &mut last {
            Some((of, so_far)) if *of == file => *so_far += count,
            _ => add(&mut rows, last.replace((file, count))),
        }
    }
    add(&mut rows, last);
    rows.into_iter()
        .map(|(file, count)| (file_name(&extract.files, file), count))
        .collect()
}

fn add(rows: &mut BTreeMap<u32, usize>, of_file: Option<(u32, usize)>) {
    if let Some((file, count)) = of_file {
        *rows.entry(file).or_default() += count;
    }
}

fn journalled(dataset: &Dataset, batch: &RecordBatch) -> Result<RecordBatch, IngestError> {
    let columns: Vec<ArrayRef> = dataset
        .columns
        .iter()
        .zip(batch.columns())
        .filter(|(column, _)| column.journalled)
        .map(|(_, array)| array.clone())
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(dataset.schema(), columns, &options)
        .map_err(|e| IngestError::internal(&e))
}

/// All rejected rows in the order of the files, those that could not be read among them.
fn rejected(
    dataset: &Dataset,
    extract: &mut Extract,
    typed: &Typed,
    rejections: Rejections,
) -> Vec<RejectedRow> {
    let unread = std::mem::take(&mut extract.rejected);
    let mut all: Vec<(RowPlace, Option<String>, Reason)> = unread
        .into_iter()
        .map(|(place, reason)| (place, None, reason))
        .collect();
    for (row, reason) in rejections.into_reasons() {
        let reason = not_stated(extract, row, reason);
        all.push((
            extract.places[row],
            record_key(dataset, &typed.batch, row),
            reason,
        ));
    }
    all.sort_by_key(|(place, _, _)| *place);
    all.into_iter()
        .map(|(place, key, reason)| rejected_row(&extract.files, place, key, reason))
        .collect()
}

/// Where the reader knows why a required value is missing, that is the better reason.
fn not_stated(extract: &Extract, row: usize, reason: Reason) -> Reason {
    let Reason::MissingValue { column } = &reason else {
        return reason;
    };
    let known = extract
        .left_unknown
        .iter()
        .find(|left| left.row == row && left.column == column);
    match known {
        Some(left) => Reason::NotStated {
            column: column.clone(),
            ja: left.why.ja.clone(),
            en: left.why.en.clone(),
        },
        None => reason,
    }
}

/// What is unknown in accepted rows: what the reader left so, where the mapping did not fill it from elsewhere, and what a
/// rule does not let stand.
fn left_unknown(
    dataset: &Dataset,
    extract: &Extract,
    typed: &Typed,
    is_kept: impl Fn(usize) -> bool,
) -> Vec<RejectedRow> {
    let is_null = |row: usize, column: &str| {
        typed
            .batch
            .column_by_name(column)
            .is_some_and(|array| array.is_null(row))
    };
    let stated = extract.left_unknown.iter();
    let mut all: Vec<(RowPlace, RejectedRow)> = stated
        .filter(|left| is_kept(left.row) && is_null(left.row, left.column))
        .map(|left| {
            let key = record_key(dataset, &typed.batch, left.row);
            let reason = Reason::NotStated {
                column: left.column.to_owned(),
                ja: left.why.ja.clone(),
                en: left.why.en.clone(),
            };
            let place = extract.places[left.row];
            (place, rejected_row(&extract.files, place, key, reason))
        })
        .collect();
    let doubted = typed.doubted.iter().filter(|doubted| is_kept(doubted.row));
    all.extend(doubted.map(|doubted| {
        let place = extract.places[doubted.row];
        let key = record_key(dataset, &typed.batch, doubted.row);
        let reason = doubted.reason.clone();
        (place, rejected_row(&extract.files, place, key, reason))
    }));
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, row)| row).collect()
}

fn rejected_row(
    files: &[String],
    place: RowPlace,
    record_key: Option<String>,
    reason: Reason,
) -> RejectedRow {
    RejectedRow {
        file: file_name(files, place.file),
        row: place.row,
        record_key,
        reason,
    }
}

fn file_name(files: &[String], number: u32) -> String {
    usize::try_from(number)
        .ok()
        .and_then(|number| files.get(number))
        .cloned()
        .unwrap_or_default()
}
