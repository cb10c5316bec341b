//! The accepted rows of one reading on their way into the journal: by bucket, in memory while they are few, in a temporary
//! file once they are many. Decision 0028.

mod early;
mod rejected;
mod settling;
mod spill;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions, StringArray, UInt64Array,
    new_null_array,
};
use arrow::compute::{concat, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema, SchemaRef, UInt64Type};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::evidence::{Evidence, OpenEnd, RejectedRow};
use keiki_model::repeats::{self, MASK};

use futures::StreamExt;

use crate::error::Result;
use crate::heads::{BUCKETS, hash_of, primitive, strings};
use crate::identity::Identifier;
use crate::journal::{Journal, only_columns};
use crate::parallel;
use crate::schema::{RECORD_KEY, instant};
use crate::tokens::Tokens;
use early::Early;
pub use early::Expected;
pub(crate) use early::{Straightened, Taken};
pub(crate) use rejected::RejectedRows;
use settling::{Part, same_as, settle};
pub(crate) use spill::Spill;

/// The rows that are held in memory before they go to a temporary file. *Units*: bytes.
pub const MEMORY_BYTES: usize = 256 << 20;

/// Memory for each of the rows that one thread works on at a time: the row, and what is made of it. *Units*: bytes.
const ROW_BYTES: usize = 4 << 10;

/// The most rows that one thread works on at a time.
const GROUP_ROWS: usize = 32 << 10;

/// Columns beside the dataset's; no column of a dataset has such a name.
pub(crate) const FILE: &str = "#file";
pub(crate) const PLACE: &str = "#place";
pub(crate) const POSITION: &str = "#position";
pub(crate) const DAY: &str = "#effective_on";
pub(crate) const KNOWN: &str = "#known_at";
pub(crate) const ORDER: &str = "#order";

/// Whether rows of one key and day are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeats {
    /// The first counts: a row that says the same again is dropped, one that says something else is rejected.
    Found,
    /// All rows count: versions of a load of history, or rows among which they were found already.
    Allowed,
}

/// The schema of gathered rows: the dataset's journalled columns, and what is known of each row.
fn schema_of(dataset: &Dataset) -> SchemaRef {
    let schema = dataset.schema();
    let mut fields: Vec<Field> = schema.fields().iter().map(|f| f.as_ref().clone()).collect();
    fields.extend([
        Field::new(RECORD_KEY, DataType::Utf8, false),
        Field::new(FILE, DataType::UInt32, false),
        Field::new(PLACE, DataType::UInt64, false),
        Field::new(POSITION, DataType::UInt64, false),
        Field::new(DAY, DataType::Date32, true),
        Field::new(KNOWN, instant(), true),
        Field::new(ORDER, DataType::Int64, true),
    ]);
    Arc::new(Schema::new(fields))
}

/// What is known of all rows of a reading together.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    /// Rows that are accepted.
    pub rows: u64,
    /// The first day that a row states for itself.
    pub first_effective_on: Option<Day>,
    /// The first and the last time of knowledge that a row states. *Units*: UTC microseconds.
    pub known_at: Option<(i64, i64)>,
    /// Whether rows state days of their own.
    pub(crate) has_own_days: bool,
    /// Whether rows state their order among versions.
    pub(crate) has_order: bool,
    /// How many rows have each text in the column of org units.
    units: HashMap<String, u64>,
}

impl Summary {
    /// The org units that rows name, each once.
    #[must_use]
    pub fn org_units(&self) -> BTreeSet<String> {
        self.units
            .keys()
            .flat_map(|units| units.split(ORG_UNIT_SEPARATOR))
            .map(str::trim)
            .filter(|unit| !unit.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn add(&mut self, evidence: &Evidence) {
        use arrow::compute::{max, min};
        self.rows += evidence.rows.num_rows() as u64;
        self.has_own_days |= evidence.effective_on.is_some();
        self.has_order |= evidence.version_order.is_some();
        let first = evidence.effective_on.as_ref().and_then(min);
        self.first_effective_on = match (self.first_effective_on, first) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        let known = evidence.known_at.as_ref();
        if let (Some(first), Some(last)) = (known.and_then(min), known.and_then(max)) {
            let (a, b) = self.known_at.unwrap_or((first, last));
            self.known_at = Some((a.min(first), b.max(last)));
        }
        if let Ok(units) = strings(&evidence.rows, ORG_UNIT) {
            for (unit, count) in counted(&units) {
                match self.units.get_mut(unit) {
                    Some(rows) => *rows += count,
                    None => {
                        self.units.insert(unit.to_owned(), count);
                    }
                }
            }
        }
    }

    /// Takes back rows that turned out not to be accepted, by org unit.
    fn remove(&mut self, units: &HashMap<Option<String>, u64>) {
        self.rows -= units.values().sum::<u64>();
        for (unit, gone) in units {
            let Some(unit) = unit else { continue };
            if let Some(rows) = self.units.get_mut(unit) {
                *rows -= gone;
                if *rows == 0 {
                    self.units.remove(unit);
                }
            }
        }
    }
}

/// How often texts are there that mostly repeat: each once, or, where many are different, some of them several times.
fn counted(texts: &StringArray) -> impl Iterator<Item = (&str, u64)> {
    const SLOTS: u64 = 1 << 10;
    let mut slots = vec![("", 0); usize::try_from(SLOTS).unwrap_or(0)];
    let mut displaced = Vec::new();
    for text in texts.iter().flatten() {
        let slot = usize::try_from(hash_of(text) % SLOTS).unwrap_or(0);
        let (held, count) = &mut slots[slot];
        if *held == text {
            *count += 1;
            continue;
        }
        displaced.push(std::mem::replace(&mut slots[slot], (text, 1)));
    }
    let all = displaced.into_iter().chain(slots);
    all.filter(|(_, count)| *count > 0)
}

/// A reading in the making: its chunks are added one after the other.
#[derive(Debug)]
pub struct Gathering {
    dataset: Arc<Dataset>,
    tokens: Tokens,
    repeats: Repeats,
    memory_bytes: usize,
    folder: PathBuf,
    /// Chunks that name people: they get their tokens when they leave the memory or the reading is complete.
    pending: Vec<Evidence>,
    bytes: usize,
    rows: Settled,
    /// Who tells which record a row without a key is about; absent = every row has a key.
    identifier: Option<Identifier>,
    /// What is worked on while the rest is read.
    early: Option<Box<Early>>,
}

/// All accepted rows of a reading, by bucket.
#[derive(Debug)]
pub(crate) struct Settled {
    schema: SchemaRef,
    parts: Vec<Part>,
    spill: Option<Spill>,
    /// About as many rows are worked on at a time by one thread.
    pub(crate) group_rows: usize,
    /// Rows per bucket, those that repeat others among them.
    counts: Vec<usize>,
    /// Positions of rows that repeat others.
    gone: HashSet<u64>,
    /// Whether no two rows have a key in common.
    pub(crate) has_each_key_once: bool,
    /// Rows whose key was made from an identifier and is known by no other.
    pub(crate) minted: u64,
    /// The files in the order in which they were read.
    pub(crate) files: Vec<String>,
    pub(crate) summary: Summary,
    pub(crate) rejected: RejectedRows,
    pub(crate) left_unknown: Vec<RejectedRow>,
    pub(crate) open_ends: Vec<OpenEnd>,
    /// What became of rows that were worked on while they were read; they are not among the parts.
    pub(crate) early: Option<Taken>,
}

/// The rows of some buckets.
pub(crate) struct Loaded {
    /// *Shape*: `schema_of`; bucket by bucket, in each in the order in which they were read.
    pub(crate) rows: RecordBatch,
    /// Where the rows of each bucket end.
    pub(crate) ends: Vec<usize>,
}

/// The rows of a reading, ready to be committed.
#[derive(Debug, Clone)]
pub struct Gathered(Held);

#[derive(Debug, Clone)]
enum Held {
    /// As they were read; names of people among them.
    Loose(Arc<Evidence>),
    Settled(Arc<Settled>),
}

impl From<Evidence> for Gathered {
    /// Takes a reading that is in memory as a whole. Rows of one key and day all count.
    fn from(evidence: Evidence) -> Self {
        Self(Held::Loose(Arc::new(evidence)))
    }
}

impl Gathered {
    /// What is known of all rows together.
    #[must_use]
    pub fn summary(&self) -> Summary {
        match &self.0 {
            Held::Settled(rows) => rows.summary.clone(),
            Held::Loose(evidence) => {
                let mut summary = Summary::default();
                summary.add(evidence);
                summary
            }
        }
    }

    /// Takes back what was written of a reading that is not to be committed.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn discard(&self) -> Result<()> {
        match &self.0 {
            Held::Settled(rows) => Box::pin(rows.discard_early()).await,
            Held::Loose(_) => Ok(()),
        }
    }

    pub(crate) async fn settled(
        &self,
        journal: &Journal,
        dataset: &Arc<Dataset>,
        as_of: Day,
    ) -> Result<Arc<Settled>> {
        match &self.0 {
            Held::Settled(rows) => Ok(Arc::clone(rows)),
            Held::Loose(evidence) => {
                let mut gathering = journal.gather(dataset, as_of, Repeats::Allowed, usize::MAX);
                gathering.add(evidence.as_ref().clone()).await?;
                Ok(Arc::new(gathering.settle_all().await?))
            }
        }
    }
}

impl Journal {
    /// Begins to gather a reading of a dataset that speaks for a day. Past `memory_bytes` its rows go to a temporary file beside the workspace's
    /// database.
    #[must_use]
    pub fn gather(
        &self,
        dataset: &Arc<Dataset>,
        as_of: Day,
        repeats: Repeats,
        memory_bytes: usize,
    ) -> Gathering {
        Gathering {
            rows: Settled {
                schema: schema_of(dataset),
                parts: Vec::new(),
                spill: None,
                group_rows: (memory_bytes / ROW_BYTES).clamp(1, GROUP_ROWS),
                counts: vec![0; BUCKETS],
                gone: HashSet::new(),
                has_each_key_once: false,
                minted: 0,
                files: Vec::new(),
                summary: Summary::default(),
                rejected: RejectedRows::new(self.tokens().spill_folder()),
                left_unknown: Vec::new(),
                open_ends: Vec::new(),
                early: None,
            },
            dataset: Arc::clone(dataset),
            tokens: self.tokens().clone(),
            repeats,
            memory_bytes,
            folder: self.tokens().spill_folder(),
            pending: Vec::new(),
            bytes: 0,
            identifier: dataset
                .minted_column()
                .map(|_| Identifier::new(self, dataset, as_of)),
            early: None,
        }
    }

    /// As `gather`, repeats found, but works on rows while the rest is read, where that can be done.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn gather_early(
        &self,
        dataset: &Arc<Dataset>,
        as_of: Day,
        memory_bytes: usize,
        expected: &Expected,
    ) -> Result<Gathering> {
        let mut gathering = self.gather(dataset, as_of, Repeats::Found, memory_bytes);
        let early = Early::begin(self, dataset, as_of, expected);
        gathering.early = Box::pin(early).await?.map(Box::new);
        Ok(gathering)
    }
}

impl Gathering {
    /// Adds a chunk; chunks come in the order in which they were read.
    ///
    /// # Errors
    /// The temporary file or the table of tokens cannot be written. `GatherAgain` where the reading is not what was expected.
    pub async fn add(&mut self, mut chunk: Evidence) -> Result<()> {
        if let Some(identifier) = &mut self.identifier {
            self.rows.minted += identifier.identify(&mut chunk).await?;
        }
        self.rows.summary.add(&chunk);
        if self.dataset.key_is_personal() {
            // A rejected row's key names a person, and what cannot be tokenised is not kept.
            let lists = [&mut chunk.rejected, &mut chunk.left_unknown];
            for row in lists.into_iter().flatten() {
                row.record_key = row.record_key.as_ref().map(|_| MASK.to_owned());
            }
        }
        self.rows.rejected.add(chunk.rejected.drain(..))?;
        self.rows.left_unknown.append(&mut chunk.left_unknown);
        self.rows.open_ends.append(&mut chunk.open_ends);
        for (file, _) in &chunk.files {
            // Few files are read at a time, and mostly the last again.
            if !self.rows.files.iter().rev().any(|known| known == file) {
                self.rows.files.push(file.clone());
            }
        }
        if let Some(early) = &mut self.early {
            chunk = Box::pin(early.add(chunk)).await?;
        }
        if self.dataset.is_personal() {
            self.bytes += chunk.rows.get_array_memory_size();
            self.pending.push(chunk);
        } else {
            self.settle(chunk)?;
        }
        if self.bytes > self.memory_bytes {
            self.settle_pending().await?;
            self.spill()?;
        }
        Ok(())
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// As `add`.
    pub async fn finish(self) -> Result<Gathered> {
        Ok(Gathered(Held::Settled(Arc::new(self.settle_all().await?))))
    }

    /// Takes back what was written of a reading that cannot be used.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn discard(self) -> Result<()> {
        match self.early {
            Some(early) => Box::pin(early.discard()).await,
            None => Ok(()),
        }
    }

    async fn settle_all(mut self) -> Result<Settled> {
        if let Some(early) = self.early.take() {
            self.rows.early = Some(Box::pin(early.finish()).await?);
        }
        if let Err(error) = self.settle_rest().await {
            // What went wrong matters more than what could not be cleared away after it.
            let _cleared = self.rows.discard_early().await;
            return Err(error);
        }
        match self.repeats {
            Repeats::Allowed => Ok(self.rows),
            Repeats::Found => without_repeats(&self.dataset, self.rows).await,
        }
    }

    async fn settle_rest(&mut self) -> Result<()> {
        self.settle_pending().await?;
        if self.rows.spill.is_some() {
            self.spill()?;
        }
        Ok(())
    }

    async fn settle_pending(&mut self) -> Result<()> {
        // Chunk after chunk names the same people.
        let mut known = HashMap::new();
        for mut chunk in std::mem::take(&mut self.pending) {
            self.tokens
                .replace_personal_values(&self.dataset, &mut chunk, &mut known)
                .await?;
            self.settle(chunk)?;
        }
        Ok(())
    }

    fn settle(&mut self, chunk: Evidence) -> Result<()> {
        if chunk.rows.num_rows() == 0 {
            return Ok(());
        }
        let first = self.rows.counts.iter().sum::<usize>() as u64;
        let rows = &mut self.rows;
        let part = settle(&self.dataset, &rows.schema, &rows.files, first, chunk)?;
        for (count, bucket) in rows.counts.iter_mut().zip(0..) {
            *count += part.range(bucket..=bucket).len();
        }
        self.bytes += part.bytes();
        rows.parts.push(part);
        Ok(())
    }

    /// Writes what is in memory to the temporary file.
    fn spill(&mut self) -> Result<()> {
        let spill = if let Some(spill) = &mut self.rows.spill {
            spill
        } else {
            let schema = Arc::clone(&self.rows.schema);
            self.rows.spill.insert(Spill::create(&self.folder, schema)?)
        };
        for bucket in 0..BUCKETS {
            let slices = Part::slices(&self.rows.parts, bucket);
            if !slices.is_empty() {
                let hashes = Part::hashes(&self.rows.parts, bucket);
                let rows = concat_batches(&self.rows.schema, &slices)?;
                spill.write(bucket, &rows, hashes)?;
            }
        }
        self.rows.parts.clear();
        self.bytes = 0;
        Ok(())
    }
}

impl Settled {
    /// How many rows a bucket holds at most.
    pub(crate) fn count(&self, bucket: usize) -> usize {
        self.counts[bucket]
    }

    /// How many rows some buckets hold at most.
    pub(crate) fn count_of(&self, buckets: &RangeInclusive<usize>) -> usize {
        self.counts[buckets.clone()].iter().sum()
    }

    /// The rows of some buckets.
    pub(crate) fn load(&self, buckets: &RangeInclusive<usize>) -> Result<Loaded> {
        let mut all = Vec::new();
        let mut ends = Vec::new();
        let mut count = 0;
        for bucket in buckets.clone() {
            let first = all.len();
            if let Some(spill) = &self.spill {
                all.extend(spill.read(bucket)?);
            }
            all.extend(Part::slices(&self.parts, bucket));
            count += all[first..]
                .iter()
                .map(RecordBatch::num_rows)
                .sum::<usize>();
            ends.push(count);
        }
        let rows = match all.as_slice() {
            [only] => only.clone(),
            all => joined(&self.schema, all)?,
        };
        if self.gone.is_empty() {
            return Ok(Loaded { rows, ends });
        }
        let positions = primitive::<UInt64Type>(&rows, POSITION)?;
        let keep: BooleanArray = positions
            .values()
            .iter()
            .map(|position| Some(!self.gone.contains(position)))
            .collect();
        for end in &mut ends {
            *end = keep.slice(0, *end).true_count();
        }
        Ok(Loaded {
            rows: filter_record_batch(&rows, &keep)?,
            ends,
        })
    }

    /// Tells whether rows of some buckets may have key and day in common. What tells it is far less than the rows.
    fn may_repeat(&self, buckets: &RangeInclusive<usize>) -> Result<bool> {
        for bucket in buckets.clone() {
            let mut hashes: Vec<u64> = Part::hashes(&self.parts, bucket).collect();
            if let Some(spill) = &self.spill {
                hashes.extend(spill.hashes(bucket)?);
            }
            hashes.sort_unstable();
            if hashes.windows(2).any(|pair| pair[0] == pair[1]) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes back what was written while it was read.
    pub(crate) async fn discard_early(&self) -> Result<()> {
        match &self.early {
            Some(Taken::Straight(straight)) => straight.discard().await,
            _ => Ok(()),
        }
    }

    /// The name of a file by its number.
    pub(crate) fn file(&self, number: u32) -> Option<&str> {
        let name = self.files.get(usize::try_from(number).ok()?)?;
        Some(name.as_str())
    }

    /// Brings rows of the journal's own rejection into the order of the files.
    pub(crate) fn in_order(&self, rows: &mut [RejectedRow]) {
        let numbers: HashMap<&str, usize> =
            self.files.iter().map(String::as_str).zip(0..).collect();
        rows.sort_by_key(|row| {
            let file = numbers.get(row.file.as_str()).copied();
            (file.unwrap_or(usize::MAX), row.row)
        });
    }

    /// Puts buckets side by side, about as many rows at a time as one thread works on.
    pub(crate) fn groups(
        &self,
        buckets: impl Iterator<Item = (usize, usize)>,
    ) -> Vec<RangeInclusive<usize>> {
        let mut groups: Vec<(usize, usize, usize)> = Vec::new();
        for (bucket, rows) in buckets {
            match groups.last_mut() {
                Some((_, last, sum)) if *sum + rows <= self.group_rows => {
                    *last = bucket;
                    *sum += rows;
                }
                _ => groups.push((bucket, bucket, rows)),
            }
        }
        groups.into_iter().map(|(from, to, _)| from..=to).collect()
    }
}

/// Puts rows together; columns without a value in any of them are not looked at.
fn joined(schema: &SchemaRef, all: &[RecordBatch]) -> Result<RecordBatch> {
    let count = all.iter().map(RecordBatch::num_rows).sum();
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
    let mut nulls: HashMap<&DataType, ArrayRef> = HashMap::new();
    for (number, field) in schema.fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = all
            .iter()
            .map(|rows| rows.column(number).as_ref())
            .collect();
        let twin = (field.name() == RECORD_KEY)
            .then(|| twin(all, number))
            .flatten();
        columns.push(match twin {
            Some(twin) => Arc::clone(&columns[twin]),
            None if parts.iter().all(|part| part.null_count() == part.len()) => {
                let kind = field.data_type();
                let nulls = nulls.entry(kind);
                Arc::clone(nulls.or_insert_with(|| new_null_array(kind, count)))
            }
            None => concat(&parts)?,
        });
    }
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}

/// The column before it that a column is in all of the rows.
fn twin(all: &[RecordBatch], number: usize) -> Option<usize> {
    let of = |rows: &RecordBatch| same_as(rows.column(number), &rows.columns()[..number]);
    let first = of(all.first()?)?;
    all.iter()
        .all(|rows| of(rows) == Some(first))
        .then_some(first)
}

/// Rows that say something again, of some buckets.
#[derive(Debug, Default)]
struct Repeated {
    gone: Vec<u64>,
    places: Vec<(u32, u64)>,
    units: HashMap<Option<String>, u64>,
    rejected: Vec<RejectedRow>,
}

/// Finds the rows that repeat another's key and day; the first counts.
async fn without_repeats(dataset: &Arc<Dataset>, rows: Settled) -> Result<Settled> {
    let filled = (0..BUCKETS).filter(|bucket| rows.counts[*bucket] > 0);
    let groups = rows.groups(filled.map(|bucket| (bucket, rows.counts[bucket])));
    let rows = Arc::new(rows);
    let (shared, of) = (Arc::clone(&rows), Arc::clone(dataset));
    let count = groups.len();
    let mut work = parallel::in_order(count, parallel::threads(), move |number| {
        find_repeats(&of, &shared, &groups[number])
    });
    let mut rejected = rows.rejected.clone();
    let mut gone = HashSet::new();
    let mut places = HashSet::new();
    let mut units: HashMap<Option<String>, u64> = HashMap::new();
    while let Some(found) = work.next().await {
        let found = found?;
        gone.extend(found.gone);
        rejected.add(found.rejected)?;
        if !rows.left_unknown.is_empty() {
            places.extend(found.places);
        }
        for (unit, count) in found.units {
            *units.entry(unit).or_default() += count;
        }
    }
    drop(work);
    let mut rows = Arc::into_inner(rows).ok_or_else(|| {
        crate::error::StoreError::stopped(keiki_model::text::Text::new(
            "取込の行を別の処理がまだ使っています",
            "a thread still holds the rows of the reading",
        ))
    })?;
    rows.gone = gone;
    rows.summary.remove(&units);
    rows.has_each_key_once = !rows.summary.has_own_days;
    if !rows.gone.is_empty() {
        let numbers: HashMap<&str, u32> = rows.files.iter().map(String::as_str).zip(0..).collect();
        let is_kept = |left: &RejectedRow| {
            let file = numbers.get(left.file.as_str()).copied();
            !places.contains(&(file.unwrap_or(u32::MAX), left.row))
        };
        rows.left_unknown.retain(is_kept);
        rejected.sort_listed(|listed| rows.in_order(listed));
        rows.rejected = rejected;
    }
    Ok(rows)
}

fn find_repeats(
    dataset: &Dataset,
    rows: &Settled,
    buckets: &RangeInclusive<usize>,
) -> Result<Repeated> {
    if !rows.may_repeat(buckets)? {
        return Ok(Repeated::default());
    }
    let all = rows.load(buckets)?.rows;
    let values = only_columns(&all, dataset)?;
    let days = rows
        .summary
        .has_own_days
        .then(|| primitive::<Date32Type>(&all, DAY).map(|days| Arc::new(days.clone()) as _))
        .transpose()?;
    let found = repeats::find(dataset, &values, days)?;
    let mut repeated = Repeated::default();
    if found.is_empty() {
        return Ok(repeated);
    }
    let files = primitive::<arrow::datatypes::UInt32Type>(&all, FILE)?;
    let places: &UInt64Array = primitive::<UInt64Type>(&all, PLACE)?;
    let positions = primitive::<UInt64Type>(&all, POSITION)?;
    let units = strings(&all, ORG_UNIT).ok();
    for repeat in found {
        let (file, place) = (files.value(repeat.row), places.value(repeat.row));
        repeated.gone.push(positions.value(repeat.row));
        repeated.places.push((file, place));
        let unit = units.as_ref().filter(|units| units.is_valid(repeat.row));
        let unit = unit.map(|units| units.value(repeat.row).to_owned());
        *repeated.units.entry(unit).or_default() += 1;
        if !repeat.is_same {
            let key = repeats::record_key(dataset, &values, repeat.row);
            repeated.rejected.push(RejectedRow {
                file: rows.file(file).unwrap_or_default().to_owned(),
                row: place,
                record_key: if dataset.key_is_personal() {
                    Some(MASK.to_owned())
                } else {
                    key
                },
                reason: repeat.reason(dataset, &values, places.value(repeat.first)),
            });
        }
    }
    Ok(repeated)
}
