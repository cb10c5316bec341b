//! A reading held against the rows of the first load as it comes: an export mostly comes in the order of the one before, so what says
//! the same again need neither be gathered nor be looked for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{Array, BooleanArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{filter_record_batch, take_record_batch};
use arrow::datatypes::SchemaRef;
use keiki_model::dataset::{Dataset, DatasetKind};
use keiki_model::evidence::{Evidence, Extent};
use tokio::sync::mpsc::{Receiver, channel};

use super::Ground;
use crate::batches::Snapshot;
use crate::error::{Result, StoreError};
use crate::heads::{Heads, Ledger, hash_of, heads_schema, strings};
use crate::journal::Journal;
use crate::plan::compare_pairs;
use crate::schema::RECORD_KEY;

/// Rows, and heads, that may be left: of more the reading is gathered as any other.
const LEFT_MOST: usize = 1 << 18;

/// Of so many rows it is not yet asked which share of them is left.
const LEFT_FEW: usize = 1 << 12;

/// A greater part than this of the rows is not left.
const LEFT_SHARE: usize = 4;

/// Parts of the ledger that wait to be looked at.
const WAITING: usize = 1;

/// What a reading is held against, from where it has come on.
pub(super) struct Alongside {
    /// The schema of heads.
    schema: SchemaRef,
    ledger: Ledger,
    parts: Receiver<Result<RecordBatch>>,
    /// The part that is looked at, and the one behind it.
    here: Part,
    next: Option<Part>,
    /// Records of which more was said since.
    later: HashSet<String>,
    /// Heads that are not known to stand.
    left: Vec<RecordBatch>,
    left_heads: usize,
    left_rows: usize,
    rows: usize,
    unchanged: u64,
}

/// Some rows of the ledger, as heads.
struct Part {
    rows: RecordBatch,
    keys: StringArray,
    /// The first that was not come to.
    at: usize,
    /// Those before it that are not known to stand.
    left: Vec<u32>,
    /// By the hashes of their keys; made where it is asked for.
    numbers: Option<HashMap<u64, usize>>,
}

/// What is left of a reading and of the heads that it was held against.
#[derive(Debug)]
pub(crate) struct Matter {
    pub(super) ground: Ground,
    ledger: Ledger,
    heads: Vec<RecordBatch>,
    /// Rows that say nothing new.
    pub(crate) unchanged: u64,
}

impl Matter {
    /// The heads, as far as the rows that are left need them.
    pub(crate) async fn heads(
        &self,
        journal: &Journal,
        dataset: &Dataset,
        snapshot: &Snapshot,
    ) -> Result<Heads> {
        let mut heads = journal.heads_as_kept(dataset, snapshot).await?;
        if heads.ledger() != Some(&self.ledger) {
            // Somebody put them into their buckets meanwhile.
            return Err(StoreError::GatherAgain);
        }
        heads.stand_on(&self.heads)?;
        Ok(heads)
    }
}

impl Part {
    fn new(rows: RecordBatch) -> Result<Self> {
        Ok(Self {
            keys: strings(&rows, RECORD_KEY)?,
            rows,
            at: 0,
            left: Vec::new(),
            numbers: None,
        })
    }

    /// Finds the row of a key that was not come to yet.
    fn find(&mut self, key: &str, hash: u64) -> Option<usize> {
        if self.at < self.keys.len() && self.keys.value(self.at) == key {
            return Some(self.at);
        }
        let keys = &self.keys;
        let numbers = self.numbers.get_or_insert_with(|| {
            let hashes = keys.iter().flatten().map(hash_of);
            hashes.zip(0..).collect()
        });
        let found = *numbers.get(&hash)?;
        (found >= self.at && keys.value(found) == key).then_some(found)
    }

    /// Comes to a row; those that are passed are left.
    fn come_to(&mut self, row: usize) {
        self.left
            .extend((self.at..row).filter_map(|row| u32::try_from(row).ok()));
        self.at = row + 1;
    }

    fn is_done(&self) -> bool {
        self.at >= self.keys.len()
    }

    /// The rows that are left once nothing more is looked for.
    fn into_left(mut self) -> Result<RecordBatch> {
        self.come_to(self.keys.len());
        self.left.sort_unstable();
        Ok(take_record_batch(
            &self.rows,
            &UInt32Array::from(self.left),
        )?)
    }
}

impl Alongside {
    /// Begins where what is known of a dataset is a first load and little more, and rows that say the same again say nothing new.
    pub(super) async fn begin(
        journal: &Journal,
        dataset: &Arc<Dataset>,
        snapshot: &Snapshot,
        ground: &Ground,
    ) -> Result<Option<Self>> {
        let heads = journal.heads_as_kept(dataset, snapshot).await?;
        let Some(ledger) = heads.ledger().cloned() else {
            return Ok(None);
        };
        let is_derivable = match dataset.kind {
            DatasetKind::Register => ground.extent == Extent::Full && ledger.day <= ground.as_of,
            _ => true,
        };
        if ledger.source != ground.source || heads.are_much() || !is_derivable {
            return Ok(None);
        }
        let mut later = HashSet::new();
        for rows in heads.over() {
            let keys = strings(rows, RECORD_KEY)?;
            later.extend(keys.iter().flatten().map(str::to_owned));
        }
        let Some(table) = journal.assertions(&dataset.name).await? else {
            return Ok(None);
        };
        let (sender, parts) = channel(WAITING);
        let (file, schema) = (ledger.file.clone(), heads_schema(dataset));
        tokio::spawn(async move {
            let read = async {
                let mut rows = table.rows_of(&file).await?;
                while let Some(rows) = rows.next().await? {
                    let rows = crate::table::conform(&rows, &schema)?;
                    if sender.send(Ok(rows)).await.is_err() {
                        break;
                    }
                }
                Ok(())
            };
            if let Err(error) = read.await {
                // Nobody may wait any more.
                let _gone = sender.send(Err(error)).await;
            }
        });
        let schema = heads_schema(dataset);
        Ok(Some(Self::over(ledger, schema, parts, later).await?))
    }

    /// Begins with the first of the ledger's parts.
    async fn over(
        ledger: Ledger,
        schema: SchemaRef,
        parts: Receiver<Result<RecordBatch>>,
        later: HashSet<String>,
    ) -> Result<Self> {
        let mut alongside = Self {
            ledger,
            parts,
            here: Part::new(RecordBatch::new_empty(Arc::clone(&schema)))?,
            schema,
            next: None,
            later,
            left: Vec::new(),
            left_heads: 0,
            left_rows: 0,
            rows: 0,
            unchanged: 0,
        };
        alongside.next = alongside.receive().await?;
        alongside.go_on().await?;
        Ok(alongside)
    }

    async fn receive(&mut self) -> Result<Option<Part>> {
        match self.parts.recv().await {
            None => Ok(None),
            Some(rows) => Ok(Some(Part::new(rows?)?)),
        }
    }

    /// Goes on to the next part. Without one, what is looked at is empty.
    async fn go_on(&mut self) -> Result<()> {
        let following = match self.next.take() {
            Some(next) => next,
            None => Part::new(RecordBatch::new_empty(Arc::clone(&self.schema)))?,
        };
        let left = std::mem::replace(&mut self.here, following).into_left()?;
        self.left_heads += left.num_rows();
        if left.num_rows() > 0 {
            self.left.push(left);
        }
        if self.left_heads > LEFT_MOST {
            return Err(StoreError::GatherAgain);
        }
        self.next = self.receive().await?;
        Ok(())
    }

    /// Tells of each row whether it says just what its head says.
    pub(super) async fn sort_out(
        &mut self,
        rows: &RecordBatch,
        keys: &StringArray,
        hashes: &[u64],
    ) -> Result<Vec<bool>> {
        let mut is_known = vec![false; rows.num_rows()];
        // Place, row and head, all of the part that is looked at.
        let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
        for (row, hash) in hashes.iter().enumerate() {
            let key = keys.value(row);
            let mut found = self.here.find(key, *hash);
            if found.is_none()
                && let Some(next) = &mut self.next
                && next.find(key, *hash).is_some()
            {
                self.compare(rows, &mut pairs, &mut is_known)?;
                self.go_on().await?;
                found = self.here.find(key, *hash);
            }
            let Some(head) = found else { continue };
            self.here.come_to(head);
            if self.later.contains(key) {
                self.here.left.extend(u32::try_from(head));
            } else {
                is_known[row] = true;
                pairs.push((row, row, head));
            }
            if self.here.is_done() {
                self.compare(rows, &mut pairs, &mut is_known)?;
                self.go_on().await?;
            }
        }
        self.compare(rows, &mut pairs, &mut is_known)?;
        let known = is_known.iter().filter(|is_known| **is_known).count();
        self.unchanged += known as u64;
        self.rows += rows.num_rows();
        self.left_rows += rows.num_rows() - known;
        let is_much = self.left_rows > LEFT_FEW && self.left_rows * LEFT_SHARE > self.rows;
        if is_much || self.left_rows > LEFT_MOST {
            return Err(StoreError::GatherAgain);
        }
        Ok(is_known)
    }

    /// Compares rows with the heads of the part that is looked at.
    fn compare(
        &mut self,
        rows: &RecordBatch,
        pairs: &mut Vec<(usize, usize, usize)>,
        is_known: &mut [bool],
    ) -> Result<()> {
        compare_pairs(pairs, rows, &self.here.rows, is_known)?;
        let changed = pairs.drain(..).filter(|(row, ..)| !is_known[*row]);
        let heads = changed.filter_map(|(_, _, head)| u32::try_from(head).ok());
        self.here.left.extend(heads);
        Ok(())
    }

    pub(super) async fn finish(mut self, ground: Ground) -> Result<Matter> {
        while self.here.keys.len() > 0 {
            self.go_on().await?;
        }
        Ok(Matter {
            ground,
            ledger: self.ledger,
            heads: self.left,
            unchanged: self.unchanged,
        })
    }
}

/// A chunk without the rows that are known.
pub(super) fn without(chunk: Evidence, is_known: &[bool]) -> Result<Evidence> {
    let keep = |row: &usize| !is_known.get(*row).copied().unwrap_or(false);
    let count = chunk.rows.num_rows();
    let kept: BooleanArray = (0..count).map(|row| Some(keep(&row))).collect();
    let mut start = 0;
    let files = chunk.files.into_iter().map(|(name, rows)| {
        let own = (start..(start + rows).min(count)).filter(keep).count();
        start += rows;
        (name, own)
    });
    let files = files.collect();
    let places = chunk.places.into_iter().enumerate();
    Ok(Evidence {
        rows: filter_record_batch(&chunk.rows, &kept)?,
        places: places
            .filter(|(row, _)| keep(row))
            .map(|(_, place)| place)
            .collect(),
        files,
        ..chunk
    })
}

/// A chunk without rows.
pub(super) fn none_of(chunk: Evidence) -> Evidence {
    Evidence {
        rows: chunk.rows.slice(0, 0),
        places: Vec::new(),
        files: chunk.files.into_iter().map(|(name, _)| (name, 0)).collect(),
        ..chunk
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use arrow::array::ArrayRef;
    use arrow::datatypes::{DataType, Field, Schema};
    use proptest::prelude::*;

    use super::*;

    /// Rows with a value; its column comes first, as the journalled ones do.
    fn rows(lines: &[(u8, u8)]) -> RecordBatch {
        let values = lines.iter().map(|(_, value)| value.to_string());
        let keys = lines.iter().map(|(key, _)| format!("K{key}"));
        let columns: Vec<ArrayRef> = vec![
            Arc::new(values.map(Some).collect::<StringArray>()),
            Arc::new(keys.map(Some).collect::<StringArray>()),
        ];
        let field = |name: &str| Field::new(name, DataType::Utf8, false);
        let schema = Schema::new(vec![field("value"), field(RECORD_KEY)]);
        RecordBatch::try_new(Arc::new(schema), columns).expect("columns of one length")
    }

    fn lines(rows: &RecordBatch) -> Vec<(u8, u8)> {
        let texts = |name: &str| strings(rows, name).expect("a column of text");
        let (keys, values) = (texts(RECORD_KEY), texts("value"));
        let line = |row: usize| (keys.value(row)[1..].parse(), values.value(row).parse());
        let all = (0..rows.num_rows()).map(line);
        all.map(|(key, value)| (key.expect("a number"), value.expect("a number")))
            .collect()
    }

    /// The rows that are known, and the heads that are left.
    async fn sorted(
        heads: &[(u8, u8)],
        new: &[(u8, u8)],
        (part_rows, chunk_rows): (usize, usize),
        later: &[u8],
    ) -> (Vec<(u8, u8)>, Vec<(u8, u8)>) {
        let (sender, parts) = channel(heads.len() + 1);
        for part in heads.chunks(part_rows) {
            sender
                .send(Ok(rows(part)))
                .await
                .expect("somebody takes it");
        }
        drop(sender);
        let ledger = Ledger {
            file: String::new(),
            rows: 0,
            source: String::new(),
            day: 0,
        };
        let later = later.iter().map(|key| format!("K{key}")).collect();
        let schema = rows(&[]).schema();
        let alongside = Alongside::over(ledger, schema, parts, later).await;
        let mut alongside = alongside.expect("parts can be read");
        let mut known = Vec::new();
        for chunk in new.chunks(chunk_rows) {
            let rows = rows(chunk);
            let keys = strings(&rows, RECORD_KEY).expect("keys");
            let values = rows.project(&[0]).expect("the first column");
            let hashes: Vec<u64> = keys.iter().flatten().map(hash_of).collect();
            let found = alongside.sort_out(&values, &keys, &hashes).await;
            let found = found.expect("few rows");
            known.extend(
                chunk
                    .iter()
                    .zip(found)
                    .filter(|(_, is_known)| *is_known)
                    .map(|(l, _)| *l),
            );
        }
        while alongside.here.keys.len() > 0 {
            alongside.go_on().await.expect("few heads");
        }
        (known, alongside.left.iter().flat_map(lines).collect())
    }

    fn drawn() -> impl Strategy<Value = Vec<(u8, u8)>> {
        let rows = proptest::collection::btree_map(0..60_u8, 0..3_u8, 0..50);
        rows.prop_flat_map(|rows| {
            let rows: Vec<(u8, u8)> = rows.into_iter().collect();
            prop_oneof![2 => Just(rows.clone()), 1 => Just(rows).prop_shuffle()]
        })
    }

    proptest! {
        #[test]
        fn a_row_is_known_where_its_head_says_just_that_and_every_other_head_is_left(
            heads in drawn(),
            new in drawn(),
            part_rows in 1..20_usize,
            chunk_rows in 1..20_usize,
            later in proptest::collection::vec(0..60_u8, 0..4),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let at_a_time = (part_rows, chunk_rows);
            let sorted = sorted(&heads, &new, at_a_time, &later);
            let (known, left) = runtime.expect("a runtime").block_on(sorted);
            let by_key: BTreeMap<u8, u8> = heads.iter().copied().collect();
            for (key, value) in &known {
                prop_assert_eq!(by_key.get(key), Some(value));
                prop_assert!(!later.contains(key));
            }
            let mut all: Vec<(u8, u8)> = known.into_iter().chain(left).collect();
            all.sort_unstable();
            prop_assert_eq!(all, by_key.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_export_in_the_order_of_the_one_before_is_known_throughout() {
        let heads: Vec<(u8, u8)> = (0..100).map(|key| (key, key % 7)).collect();
        let mut new = heads.clone();
        new[10].1 = 9;
        new.remove(50);
        new.insert(70, (200, 1));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let sorted = sorted(&heads, &new, (8, 13), &[]);
        let (known, left) = runtime.expect("a runtime").block_on(sorted);
        assert_eq!((known.len(), left), (98, vec![(10, 3), (50, 1)]));
    }
}
