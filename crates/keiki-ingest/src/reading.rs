//! Reads evidence a chunk at a time: one thread reads the files, others map, convert and check what was read, and the
//! caller takes it in the order of the files. Lines that hold a record each are only cut by the first, and read by the others.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;

use arrow::datatypes::{DataType, Field, Schema};
use jiff::tz::TimeZone;
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Evidence;
use keiki_model::expression::Expressions;

use crate::chunk::Mapper;
use crate::error::IngestError;
use crate::extract::{AbsentColumn, Extract, ExtractBuilder, Lines, Take};
use crate::format::Repeated;
use crate::limits::{Limits, Quantity};
use crate::mapping;
use crate::place::InputFile;
use crate::readers::json;
use crate::source::Source;
use crate::unpack;
use crate::whole::{Firsts, joined, without_repeats};

/// More threads than these that map wait for the one that reads.
const MAPPERS: usize = 4;

/// Chunks that wait between two threads.
const WAITING: usize = 1;

/// What a reading needs beside its source and files.
#[derive(Clone)]
pub struct Context<'c> {
    /// Compiles the expressions of mappings and rules.
    pub expressions: &'c dyn Expressions,
    /// The workspace's zone.
    pub zone: TimeZone,
    /// Bounds of the reading.
    pub limits: Limits,
    /// The day that the reading speaks for: what is planned for a later one has not happened.
    pub as_of: Day,
}

/// Reads the files of a source as one reading of a dataset, and holds all of it in memory.
///
/// *Shape*: rows are in the order of the files and, in each, of its rows; rejected rows and values
/// left unknown too. A row that repeats an earlier one word for word is accepted with it and counts
/// once.
///
/// # Errors
/// What makes the reading as a whole unusable; nothing of it is accepted then.
pub fn read_evidence(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    context: &Context<'_>,
) -> Result<Evidence, IngestError> {
    let mut chunks = Vec::new();
    read_chunks(source, dataset, files, context, &mut |chunk| {
        chunks.push(chunk);
        Ok::<(), IngestError>(())
    })?;
    let whole = joined(dataset, chunks)?;
    if source.history.is_some() {
        return Ok(whole);
    }
    without_repeats(dataset, whole)
}

/// Reads the files of a source a chunk at a time, and hands each on before many more are read.
///
/// *Shape*: as `read_evidence`, but that each chunk is an evidence of its own: rows that repeat one of another row's key
/// are for the caller to find, and a chunk without `effective_on` has no days of its own though others may. There is at
/// least one chunk.
///
/// # Errors
/// What makes the reading as a whole unusable: what was taken before is void then. Or `take` fails.
pub fn read_chunks<E: From<IngestError>>(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    context: &Context<'_>,
    take: &mut dyn FnMut(Evidence) -> Result<(), E>,
) -> Result<(), E> {
    let problems = source.check(dataset);
    if !problems.is_empty() {
        return Err(IngestError::Definition { problems }.into());
    }
    let mut firsts = Firsts::new(dataset);
    let mut take_firsts = |chunk: Evidence| match source.format.repeated {
        Repeated::Reject => take(chunk),
        Repeated::First => take(firsts.of(chunk)?),
    };
    let mapper = Mapper::new(source, dataset, context);
    let threads = available_parallelism().map_or(1, NonZero::get).min(MAPPERS);
    let found = Mutex::new(Found::default());
    std::thread::scope(|scope| {
        let (to_map, from_reader) = sync_channel(WAITING);
        let (to_take, from_mappers) = sync_channel(WAITING);
        let reader = scope.spawn(move || read((source, dataset), files, context, &to_map));
        let from_reader = Arc::new(Mutex::new(from_reader));
        for _ in 0..threads {
            let worker = Worker {
                source,
                limits: &context.limits,
                mapper: &mapper,
                found: &found,
            };
            let (from_reader, to_take) = (Arc::clone(&from_reader), to_take.clone());
            scope.spawn(move || worker.work(&from_reader, &to_take));
        }
        drop((from_reader, to_take));
        let taken = take_in_order(from_mappers, context.limits.row_count, &mut take_firsts);
        let read = reader
            .join()
            .map_err(|_| IngestError::internal(&"the reader stopped"))?;
        taken?;
        let (absent, unread) = read?;
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.unread = unread;
        Ok(mapper.check(absent, &found)?)
    })
}

type Numbered<T> = (usize, T);

/// What the reader sends on.
enum Piece {
    /// Rows that are read.
    Rows(Extract),
    /// Lines that are not.
    Lines(Lines),
}

/// Numbers the pieces and sends them on.
struct Sender<'s> {
    to_map: &'s SyncSender<Numbered<Piece>>,
    number: usize,
}

impl Sender<'_> {
    fn send(&mut self, piece: Piece) -> Result<(), IngestError> {
        self.number += 1;
        self.to_map
            .send((self.number, piece))
            .map_err(|_| IngestError::internal(&"nobody takes what is read"))
    }
}

impl Take for Sender<'_> {
    fn rows(&mut self, extract: Extract) -> Result<(), IngestError> {
        self.send(Piece::Rows(extract))
    }

    fn takes_lines(&self) -> bool {
        true
    }

    fn lines(&mut self, lines: Lines) -> Result<(), IngestError> {
        self.send(Piece::Lines(lines))
    }
}

/// Reads the files and sends their chunks on. Returns what the kind says of absent columns, and some columns that the evidence has and
/// the mapping does not ask for.
fn read(
    (source, dataset): (&Source, &Dataset),
    files: &[InputFile],
    context: &Context<'_>,
    to_map: &SyncSender<Numbered<Piece>>,
) -> Result<(AbsentColumn, Vec<String>), IngestError> {
    let wanted = mapping::wanted(source, dataset);
    let mut sender = Sender { to_map, number: 0 };
    let (nulls, limits) = (&source.format.nulls, &context.limits);
    let mut rows = ExtractBuilder::new(nulls, limits, &wanted, &mut sender);
    let reader = source.kind.reader;
    let files = unpack::members(files, reader.archives(), source.format.encoding)?;
    let absent = reader.read(&files, source, context, &mut rows)?;
    let unread = rows.unread().cloned().collect();
    rows.finish()?;
    Ok((absent, unread))
}

/// What a reading found in all.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The columns of all files together.
    columns: Vec<String>,
    /// The rows that could be read.
    pub(crate) rows: usize,
    /// Columns that the evidence has and the mapping does not ask for, some of them.
    pub(crate) unread: Vec<String>,
    /// Whether threads found columns by themselves, in whatever order.
    is_of_lines: bool,
}

impl Found {
    /// Notes what a chunk holds.
    ///
    /// # Errors
    /// More rows or columns than the limits.
    fn note(&mut self, extract: &Extract, limits: &Limits) -> Result<(), IngestError> {
        let too_large = |what, limit| {
            let file = extract.files.last().cloned().unwrap_or_default();
            IngestError::TooLarge { file, what, limit }
        };
        self.rows += extract.places.len();
        if self.rows > limits.row_count {
            return Err(too_large(Quantity::Rows, limits.row_count));
        }
        for field in extract.batch.schema_ref().fields() {
            if !self.columns.contains(field.name()) {
                self.columns.push(field.name().clone());
            }
        }
        if self.columns.len() > limits.column_count {
            return Err(too_large(Quantity::Columns, limits.column_count));
        }
        Ok(())
    }

    /// The columns of all files together, as evidence has them.
    pub(crate) fn schema(&self) -> Schema {
        let mut columns: Vec<&String> = self.columns.iter().collect();
        if self.is_of_lines {
            columns.sort_unstable();
        }
        let fields = columns.into_iter();
        let fields = fields.map(|name| Field::new(name, DataType::Utf8, true));
        Schema::new(fields.collect::<Vec<_>>())
    }
}

/// Reads what is left to be read, and maps.
struct Worker<'w> {
    source: &'w Source,
    limits: &'w Limits,
    mapper: &'w Mapper<'w>,
    found: &'w Mutex<Found>,
}

impl Worker<'_> {
    /// Works until there is nothing more to map, or nobody takes it.
    fn work(
        &self,
        from_reader: &Mutex<Receiver<Numbered<Piece>>>,
        to_take: &SyncSender<Numbered<Result<Evidence, IngestError>>>,
    ) {
        loop {
            let next = from_reader
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv();
            let Ok((number, piece)) = next else {
                return;
            };
            if to_take.send((number, self.map(piece))).is_err() {
                return;
            }
        }
    }

    fn map(&self, piece: Piece) -> Result<Evidence, IngestError> {
        let is_of_lines = matches!(piece, Piece::Lines(_));
        let extract = match piece {
            Piece::Rows(extract) => extract,
            Piece::Lines(lines) => json::read_lines(lines, &self.source.format.nulls, self.limits)?,
        };
        {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.is_of_lines |= is_of_lines;
            found.note(&extract, self.limits)?;
        }
        self.mapper.map(extract)
    }
}

/// Takes mapped chunks in the order in which they were read.
fn take_in_order<E: From<IngestError>>(
    from_mappers: Receiver<Numbered<Result<Evidence, IngestError>>>,
    row_limit: usize,
    take: &mut dyn FnMut(Evidence) -> Result<(), E>,
) -> Result<(), E> {
    let mut early = BTreeMap::new();
    let mut next = 1;
    let mut rejected = 0;
    for (number, chunk) in from_mappers {
        early.insert(number, chunk);
        while let Some(chunk) = early.remove(&next) {
            let chunk = chunk?;
            rejected += chunk.rejected.len();
            if rejected > row_limit {
                let file = chunk.rejected.last().map(|row| row.file.clone());
                return Err(IngestError::TooLarge {
                    file: file.unwrap_or_default(),
                    what: Quantity::RejectedRows,
                    limit: row_limit,
                }
                .into());
            }
            take(chunk)?;
            next += 1;
        }
    }
    Ok(())
}
