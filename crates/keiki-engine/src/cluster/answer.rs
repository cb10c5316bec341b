//! What comes back: the pieces of a cube for each part of the work, or why there is none; and how it is made sure that all is there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{
    Array, AsArray, BinaryArray, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type, UInt64Type};
use keiki_model::text::Text;
use sha2::{Digest, Sha256};

use super::lasting::Refusal;
use super::parts::FilePart;
use super::persisting::Failure;
use super::share::not_on_cluster;
use crate::axis::Axis;
use crate::cube::Cube;
use crate::error::Result;
use crate::read::PartRead;

/// The size of the pieces in which a cube travels: a message takes no more than sixteen times as much.
const PIECE_BYTES: usize = 1 << 20;

type Outcome<T> = std::result::Result<T, Failure>;

/// What was asked for.
pub(super) struct Asked<'w> {
    pub(super) axis: &'w Axis,
    pub(super) has_value: &'w [bool],
    pub(super) parts: &'w [Vec<FilePart>],
}

/// What came of a part.
#[derive(Default)]
struct Answer {
    pieces: BTreeMap<u32, Vec<u8>>,
    count: u32,
    sha256: Vec<u8>,
    rows: u64,
    read_bytes: u64,
    cpu_micros: u64,
    worker: String,
    refusal: Option<Refusal>,
}

/// What came of all parts so far.
#[derive(Default)]
pub(super) struct Answers(BTreeMap<u32, Answer>);

/// What a worker did.
#[derive(Debug, Default, PartialEq, Eq)]
struct Work {
    parts: u64,
    rows: u64,
    read_bytes: u64,
    shuffled_bytes: u64,
    cpu_micros: u64,
}

/// The columns of what comes back: the pieces of cubes, each with what it takes to see that none is missing.
pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("part", DataType::UInt32, false),
        Field::new("piece", DataType::UInt32, false),
        Field::new("pieces", DataType::UInt32, false),
        Field::new("bytes", DataType::Binary, false),
        Field::new("sha256", DataType::Binary, false),
        Field::new("rows", DataType::UInt64, false),
        Field::new("read_bytes", DataType::UInt64, false),
        Field::new("cpu_micros", DataType::UInt64, false),
        Field::new("worker", DataType::Utf8, false),
        Field::new("refusal", DataType::Binary, true),
    ]))
}

/// What a worker answers for a part: a row for each piece of its cube, or one that says why there is none.
pub(super) fn rows(
    worker: &str,
    part: u32,
    computed: Result<PartRead>,
    cpu: Duration,
) -> Result<Vec<RecordBatch>> {
    let written = computed.and_then(|read| {
        let bytes = crate::keep::to_bytes(&read.cube).map_err(|error| {
            not_on_cluster(
                format!("部分キューブを書き込めません: {error}"),
                format!("a partial cube cannot be written: {error}"),
            )
        })?;
        number(bytes.len().div_ceil(PIECE_BYTES))?;
        Ok((bytes, (read.rows, read.bytes)))
    });
    let (bytes, (read_rows, read_bytes), refusal) = match written {
        Ok((bytes, read)) => (bytes, read, None),
        Err(error) => (
            Vec::new(),
            (0, 0),
            Some(Refusal::new(worker, error).to_bytes()?),
        ),
    };
    let sha256 = Sha256::digest(&bytes);
    let pieces: Vec<&[u8]> = if bytes.is_empty() {
        vec![bytes.as_slice()]
    } else {
        bytes.chunks(PIECE_BYTES).collect()
    };
    let count = number(pieces.len())?;
    let cpu_micros = u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX);
    let rows = pieces.into_iter().zip(0..).map(|(piece, at)| {
        let row = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(UInt32Array::from(vec![part])),
                Arc::new(UInt32Array::from(vec![at])),
                Arc::new(UInt32Array::from(vec![count])),
                Arc::new(BinaryArray::from_vec(vec![piece])),
                Arc::new(BinaryArray::from_vec(vec![sha256.as_slice()])),
                Arc::new(UInt64Array::from(vec![read_rows])),
                Arc::new(UInt64Array::from(vec![read_bytes])),
                Arc::new(UInt64Array::from(vec![cpu_micros])),
                Arc::new(StringArray::from(vec![worker])),
                Arc::new(BinaryArray::from_opt_vec(vec![refusal.as_deref()])),
            ],
        );
        Ok(row?)
    });
    rows.collect()
}

/// A number of parts or pieces as it travels.
pub(super) fn number(count: usize) -> Result<u32> {
    u32::try_from(count)
        .map_err(|_| not_on_cluster("集計の区分が多すぎます", "there are too many parts"))
}

fn not_whole(how: &Text) -> Failure {
    Failure::Passing(not_on_cluster(
        format!(
            "結果の一部が壊れています({})。数値には使っていません",
            how.ja
        ),
        format!(
            "a part of the answer is damaged ({}); it was not used for any figure",
            how.en
        ),
    ))
}

impl Answers {
    /// Takes rows of the answer.
    pub(super) fn take(&mut self, rows: &RecordBatch) -> Outcome<()> {
        let taken = self.taken(rows);
        let taken = taken.ok_or_else(|| {
            not_whole(&Text::new(
                "ワーカーの結果の形式ではありません",
                "not as workers write it",
            ))
        })?;
        taken.map_err(|(part, piece)| {
            not_whole(&Text::new(
                format!("区分{part}の断片{piece}が重複しています"),
                format!("piece {piece} of part {part} came twice"),
            ))
        })
    }

    /// `None` where rows are not as a worker writes them; which piece of which part came twice.
    fn taken(&mut self, rows: &RecordBatch) -> Option<std::result::Result<(), (u32, u32)>> {
        let column = |name| rows.column_by_name(name);
        let small = |name| column(name)?.as_primitive_opt::<UInt32Type>();
        let large = |name| column(name)?.as_primitive_opt::<UInt64Type>();
        let binary = |name| column(name)?.as_binary_opt::<i32>();
        let (parts, pieces, counts) = (small("part")?, small("piece")?, small("pieces")?);
        let (numbers, read, cpu) = (large("rows")?, large("read_bytes")?, large("cpu_micros")?);
        let (bytes, sha256) = (binary("bytes")?, binary("sha256")?);
        let refusals = binary("refusal")?;
        let workers = arrow::compute::cast(column("worker")?, &DataType::Utf8).ok()?;
        let workers = workers.as_string_opt::<i32>()?;
        for row in 0..rows.num_rows() {
            let answer = self.0.entry(parts.value(row)).or_default();
            if answer.pieces.is_empty() {
                answer.count = counts.value(row);
                answer.sha256 = sha256.value(row).to_vec();
                answer.rows = numbers.value(row);
                answer.read_bytes = read.value(row);
                answer.cpu_micros = cpu.value(row);
                workers.value(row).clone_into(&mut answer.worker);
                if refusals.is_valid(row) {
                    answer.refusal = Some(Refusal::from_bytes(refusals.value(row))?);
                }
            }
            let piece = bytes.value(row).to_vec();
            if answer.pieces.insert(pieces.value(row), piece).is_some() {
                return Some(Err((parts.value(row), pieces.value(row))));
            }
        }
        Some(Ok(()))
    }

    /// Says what each worker did.
    pub(super) fn report(&self) {
        for (worker, did) in self.work() {
            let Work {
                parts,
                rows,
                read_bytes,
                shuffled_bytes,
                cpu_micros,
            } = did;
            tracing::info!(
                worker,
                parts,
                rows,
                read_bytes,
                shuffled_bytes,
                cpu_micros,
                "a worker answered"
            );
        }
    }

    fn work(&self) -> BTreeMap<&str, Work> {
        let mut work: BTreeMap<&str, Work> = BTreeMap::new();
        for answer in self.0.values() {
            let of_worker = work.entry(&answer.worker).or_default();
            of_worker.parts += 1;
            of_worker.rows += answer.rows;
            of_worker.read_bytes += answer.read_bytes;
            of_worker.shuffled_bytes += answer.pieces.values().map(|b| b.len() as u64).sum::<u64>();
            of_worker.cpu_micros += answer.cpu_micros;
        }
        work
    }

    /// The cubes of all parts, if each part is there and whole, and all rows were read of which the journal's log knows.
    ///
    /// Where the log does not say how many rows a file has, they cannot be made sure of, and the answer is not taken.
    pub(super) fn cubes(mut self, asked: &Asked<'_>) -> Outcome<Vec<Cube>> {
        if let Some(refusal) = self.refusal() {
            return Err(refusal.into_failure());
        }
        let read: u64 = self.0.values().map(|answer| answer.rows).sum();
        let mut files = BTreeMap::new();
        for part in asked.parts.iter().flatten() {
            files.insert(&part.path, part.rows);
        }
        let written: u64 = files.values().sum();
        let mut numbers = (0..).zip(self.0.keys());
        let has_all =
            numbers.all(|(number, part)| number == *part) && self.0.len() == asked.parts.len();
        if !has_all || read != written {
            let (came, wanted) = (self.0.len(), asked.parts.len());
            return Err(Failure::Passing(not_on_cluster(
                format!(
                    "結果が揃っていません(区分{came}/{wanted}、行{read}/{written})。数値には使っていません"
                ),
                format!(
                    "the answer is not whole: {came} of {wanted} parts, {read} of {written} rows; it was not used for any figure"
                ),
            )));
        }
        let answers = self.0.into_values();
        answers.map(|answer| answer.into_cube(asked)).collect()
    }

    /// Why a part was not computed: a reason that stays before others.
    fn refusal(&mut self) -> Option<Refusal> {
        let refusals = self.0.values_mut();
        let refusals = refusals.filter_map(|answer| answer.refusal.take());
        refusals.max_by_key(Refusal::is_lasting)
    }
}

impl Answer {
    fn into_cube(self, asked: &Asked<'_>) -> Outcome<Cube> {
        let is_last = self.pieces.keys().next_back() == self.count.checked_sub(1).as_ref();
        if !is_last || u32::try_from(self.pieces.len()) != Ok(self.count) {
            let (came, wanted) = (self.pieces.len(), self.count);
            return Err(not_whole(&Text::new(
                format!("断片{came}/{wanted}"),
                format!("{came} of {wanted} pieces"),
            )));
        }
        let bytes: Vec<u8> = self.pieces.into_values().flatten().collect();
        if Sha256::digest(&bytes).as_slice() != self.sha256 {
            return Err(not_whole(&Text::new("SHA-256が不一致", "another SHA-256")));
        }
        let is_asked =
            |cube: &Cube| cube.axis == *asked.axis && cube.has_value() == asked.has_value;
        let cube = crate::keep::from_bytes(&bytes).filter(is_asked);
        cube.ok_or_else(|| {
            not_whole(&Text::new(
                "依頼したものと形の違うキューブ",
                "a cube of another form than was asked for",
            ))
        })
    }
}

#[cfg(test)]
mod tests;
