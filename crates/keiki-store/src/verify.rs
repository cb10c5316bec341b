//! Checks that the books balance: commits, weights, raw evidence, and that entries follow from what sources said.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Date32Type, Int32Type, TimestampMicrosecondType};
use arrow::row::{RowConverter, SortField};
use futures::TryStreamExt;
use keiki_model::calendar::{Day, date_of};
use keiki_model::dataset::{Dataset, DatasetKind};
use keiki_model::text::Text;
use keiki_model::timeline::{Word, resolve};

use crate::batches::{Batch, Snapshot};
use crate::error::Result;
use crate::heads::{Heads, primitive, seqs, strings};
use crate::journal::{Journal, in_order, only_columns};
use crate::parallel::{BYTES_AT_ONCE, in_groups, together};
use crate::plan::word_of;
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SOURCE, WEIGHT, WORD, entries_schema};
use crate::table::{Table, conform};

/// One thing that does not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was checked: `commits`, `raw`, `weights`, `resolution`, `heads`.
    pub check: &'static str,
    /// The dataset or batch.
    pub subject: String,
    /// What does not fit.
    pub message: Text,
}

/// What verification looked at and found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// Commits looked at.
    pub commits: usize,
    /// Entries looked at.
    pub entries: usize,
    /// Raw files looked at.
    pub raw_files: usize,
    /// Raw files that were redacted or whose key was erased.
    pub raw_redacted: usize,
    /// What does not fit.
    pub findings: Vec<Finding>,
}

/// What there is of a dataset.
struct Books {
    entries: Vec<RecordBatch>,
    said: Vec<RecordBatch>,
    /// Its heads; a derived dataset has none.
    kept: Option<Heads>,
}

impl Journal {
    /// Verifies the journal of the given datasets.
    ///
    /// # Errors
    /// Something cannot be read at all; what can be read and does not fit is a finding.
    pub async fn verify(&self, datasets: &[Arc<Dataset>]) -> Result<Verification> {
        let snapshot = self.snapshot().await?;
        let mut found = Verification {
            commits: snapshot.batches().len(),
            ..Verification::default()
        };
        check_commits(snapshot.batches(), &mut found);
        self.verify_raw(&snapshot, &mut found).await?;
        self.open_tables(datasets).await?;
        let mut sized = Vec::new();
        for dataset in datasets {
            sized.push((self.bytes_of(dataset).await?, dataset));
        }
        for group in in_groups(sized, BYTES_AT_ONCE) {
            let books = group.iter().map(|dataset| self.books(dataset, &snapshot));
            let books = together(self.place.at_once(), books).await?;
            for (dataset, books) in group.into_iter().zip(books) {
                self.verify_dataset(dataset, books, &snapshot, &mut found)
                    .await?;
            }
        }
        Ok(found)
    }

    /// Reads all raw evidence. *Units*: as many files at a time as hold so many bytes.
    async fn verify_raw(&self, snapshot: &Snapshot, found: &mut Verification) -> Result<()> {
        let batches = snapshot.batches().iter();
        let files = batches.flat_map(|batch| batch.files.iter().map(move |file| (batch, file)));
        let files = files.map(|(batch, file)| (file.bytes, (batch, file)));
        for group in in_groups(files.collect(), BYTES_AT_ONCE) {
            let read = group.into_iter().map(|(batch, file)| async move {
                let read = self.read_raw(file).await;
                Ok((batch, read.map(|bytes| bytes.is_some())))
            });
            for (batch, read) in together(self.place.at_once(), read).await? {
                found.raw_files += 1;
                match read {
                    Ok(true) => {}
                    Ok(false) => found.raw_redacted += 1,
                    Err(error) => {
                        found.add("raw", &format!("commit {}", batch.seq), error.message());
                    }
                }
            }
        }
        Ok(())
    }

    /// How many bytes the files of a dataset's entries and assertions have.
    async fn bytes_of(&self, dataset: &Dataset) -> Result<u64> {
        let mut bytes = 0;
        for table in [
            self.entries(&dataset.name).await?,
            self.assertions(&dataset.name).await?,
        ] {
            let files = table.map(|table| table.files()).transpose()?;
            let files = files.iter().flatten();
            bytes += files.map(|file| file.size_bytes).sum::<u64>();
        }
        Ok(bytes)
    }

    /// Reads all that there is of a dataset.
    async fn books(&self, dataset: &Arc<Dataset>, snapshot: &Snapshot) -> Result<Books> {
        let read = |table: Result<Option<Table>>| async move {
            let table = table?;
            self.read_visible(table.as_ref(), snapshot, 0, snapshot.seq())
                .await
        };
        let entries = async { read(self.entries(&dataset.name).await).await };
        if dataset.kind == DatasetKind::Derived {
            return Ok(Books {
                entries: entries.await?,
                said: Vec::new(),
                kept: None,
            });
        }
        let said = async { read(self.assertions(&dataset.name).await).await };
        let kept = self.heads(dataset, snapshot);
        let (entries, said, kept) = futures::try_join!(entries, said, kept)?;
        Ok(Books {
            entries,
            said: in_order(said)?,
            kept: Some(kept),
        })
    }

    async fn verify_dataset(
        &self,
        dataset: &Arc<Dataset>,
        books: Books,
        snapshot: &Snapshot,
        found: &mut Verification,
    ) -> Result<()> {
        let entries = books.entries;
        let schema = entries_schema(dataset);
        let entries = entries
            .iter()
            .map(|rows| conform(rows, &schema))
            .collect::<Result<Vec<_>>>()?;
        let all = arrow::compute::concat_batches(&schema, &entries)?;
        found.entries += all.num_rows();
        let states = check_weights(dataset, &all, found)?;
        let Some(kept) = books.kept else {
            return Ok(());
        };
        let mut rebuilt = Heads::open(
            Arc::clone(&self.store),
            &object_store::path::Path::from("nowhere"),
            dataset,
        )
        .await?;
        rebuilt.replay(&books.said)?;
        check_resolution(dataset, snapshot, &rebuilt, &states, found).await?;
        check_heads(dataset, &rebuilt, &kept, found).await
    }
}

impl Verification {
    fn add(&mut self, check: &'static str, subject: &str, message: Text) {
        self.findings.push(Finding {
            check,
            subject: subject.to_owned(),
            message,
        });
    }
}

fn check_commits(batches: &[Batch], found: &mut Verification) {
    let mut known_at = i64::MIN;
    for (expected, batch) in (1..).zip(batches) {
        if batch.seq != expected {
            found.add(
                "commits",
                &format!("commit {}", batch.seq),
                Text::new(
                    format!("記帳番号が連続していません。次にあるべき番号: {expected}"),
                    format!("the commits are not numbered without gaps; expected {expected}"),
                ),
            );
            return;
        }
        if batch.known_at < known_at {
            found.add(
                "commits",
                &format!("commit {}", batch.seq),
                Text::new(
                    "認識時点が、直前の記帳より前です",
                    "it became known before the commit before it",
                ),
            );
        }
        known_at = batch.known_at;
    }
}

/// What the entries say of each record from the last day on: its values, comparable.
type States = HashMap<String, Vec<u8>>;

/// Checks that per record the weights of each state sum to 0 or 1 on every day, after every commit.
fn check_weights(
    dataset: &Dataset,
    entries: &RecordBatch,
    found: &mut Verification,
) -> Result<States> {
    let keys = strings(entries, RECORD_KEY)?;
    let days = primitive::<Date32Type>(entries, EFFECTIVE_ON)?;
    let known = primitive::<TimestampMicrosecondType>(entries, KNOWN_AT)?;
    let weights = primitive::<Int32Type>(entries, WEIGHT)?;
    let numbers = seqs(entries)?;
    let values = comparable(dataset, entries)?;
    let mut by_key: HashMap<&str, Vec<usize>> = HashMap::new();
    for row in 0..entries.num_rows() {
        by_key.entry(keys.value(row)).or_default().push(row);
    }
    let mut states = States::new();
    for (key, mut rows) in by_key {
        rows.sort_by_key(|row| (numbers.value(*row), known.value(*row)));
        let line = |row: &usize| Line {
            seq: numbers.value(*row),
            known_at: known.value(*row),
            day: days.value(*row),
            values: &values[*row],
            weight: weights.value(*row),
        };
        let lines: Vec<Line<'_>> = rows.iter().map(line).collect();
        if let Some((seq, message)) = first_unbalanced(&lines) {
            let key = if dataset.is_personal() {
                "•••"
            } else {
                key
            };
            let message = Text::new(
                format!("レコード {key}、記帳 {seq}: {}", message.ja),
                format!("record {key}, commit {seq}: {}", message.en),
            );
            found.add("weights", &dataset.name, message);
        }
        let mut net: HashMap<&[u8], i32> = HashMap::new();
        for line in &lines {
            *net.entry(line.values).or_default() += line.weight;
        }
        if let Some((values, _)) = net.into_iter().find(|(_, weight)| *weight == 1) {
            states.insert(key.to_owned(), values.to_vec());
        }
    }
    Ok(states)
}

/// One entry of a record.
#[derive(Debug, Clone, Copy)]
struct Line<'v> {
    seq: i64,
    known_at: i64,
    day: Day,
    values: &'v [u8],
    weight: i32,
}

/// The first commit after which, as known at some instant, the states of a record do not add up. *Shape*: in order of commit.
///
/// Entries of one commit that became known before entries of an earlier one (distinct things may) are seen among those that
/// were known by then.
fn first_unbalanced(lines: &[Line<'_>]) -> Option<(i64, Text)> {
    let is_in_order = lines.is_sorted_by_key(|line| line.known_at);
    let ends = (1..=lines.len()).filter(|end| {
        let is_last_of_commit = lines.get(*end).is_none_or(|l| l.seq != lines[*end - 1].seq);
        is_last_of_commit && (!is_in_order || *end == lines.len())
    });
    for end in ends {
        let mut known = lines[..end].to_vec();
        known.sort_by_key(|line| line.known_at);
        // For each day: the net weight of each state that begins or ends on it.
        let mut timeline: BTreeMap<Day, Vec<(&[u8], i32)>> = BTreeMap::new();
        let mut at = 0;
        while at < known.len() {
            let step = (known[at].known_at, known[at].seq);
            let is_same =
                |line: &Line<'_>| line.known_at == step.0 && (!is_in_order || line.seq == step.1);
            while at < known.len() && is_same(&known[at]) {
                let line = known[at];
                let states = timeline.entry(line.day).or_default();
                states.push((line.values, line.weight));
                at += 1;
            }
            if let Some(message) = unbalanced(&timeline) {
                return Some((step.1, message));
            }
        }
    }
    None
}

fn unbalanced(timeline: &BTreeMap<Day, Vec<(&[u8], i32)>>) -> Option<Text> {
    let mut level: HashMap<&[u8], i32> = HashMap::new();
    for (day, changes) in timeline {
        for (values, weight) in changes {
            *level.entry(values).or_default() += weight;
        }
        level.retain(|_, weight| *weight != 0);
        let sum: i32 = level.values().sum();
        if level.values().any(|weight| *weight != 1) || sum > 1 {
            let (day, count) = (date_of(*day), level.len());
            return Some(Text::new(
                format!("{day} の重みの合計が、{count}個の状態で {sum} になっています"),
                format!("the weights on {day} sum to {sum} over {count} states"),
            ));
        }
    }
    None
}

fn comparable(dataset: &Dataset, rows: &RecordBatch) -> Result<Vec<Vec<u8>>> {
    let plain = only_columns(rows, dataset)?;
    let fields = dataset
        .schema()
        .fields()
        .iter()
        .map(|f| SortField::new(f.data_type().clone()))
        .collect();
    let converted = RowConverter::new(fields)?.convert_columns(plain.columns())?;
    Ok(converted.iter().map(|row| row.data().to_vec()).collect())
}

/// Checks that what the sources say last, resolved by precedence, is what the entries sum to.
async fn check_resolution(
    dataset: &Dataset,
    snapshot: &Snapshot,
    heads: &Heads,
    states: &States,
    found: &mut Verification,
) -> Result<()> {
    let precedence: HashMap<&str, i32> = snapshot
        .batches()
        .iter()
        .filter(|b| b.dataset == dataset.name)
        .map(|b| (b.source.as_str(), b.precedence))
        .collect();
    let mut seen = 0;
    for bucket in heads.filled() {
        let rows = heads.bucket(bucket).await?;
        let (keys, sources, words) = (
            strings(&rows, RECORD_KEY)?,
            strings(&rows, SOURCE)?,
            strings(&rows, WORD)?,
        );
        let values = comparable(dataset, &rows)?;
        let mut said: BTreeMap<&str, Vec<(i32, &str, usize)>> = BTreeMap::new();
        for row in 0..rows.num_rows() {
            let rank = precedence
                .get(sources.value(row))
                .copied()
                .unwrap_or(i32::MAX);
            said.entry(keys.value(row))
                .or_default()
                .push((rank, sources.value(row), row));
        }
        for (key, mut words_of) in said {
            words_of.sort_unstable();
            let resolved = resolve(words_of.iter().map(|(_, _, row)| {
                match word_of(
                    words.value(*row),
                    (0, u32::try_from(*row).unwrap_or(u32::MAX)),
                ) {
                    Word::Says(pick) => Word::Says(pick.1 as usize),
                    Word::Ended => Word::Ended,
                    Word::Silent => Word::Silent,
                }
            }));
            seen += usize::from(resolved.is_some());
            if resolved.map(|row| &values[row]) != states.get(key) {
                let key = if dataset.is_personal() {
                    "•••"
                } else {
                    key
                };
                found.add(
                    "resolution",
                    &dataset.name,
                    Text::new(
                        format!("レコード {key} の記帳の合計が、取得元の示す内容と一致しません"),
                        format!("the entries of record {key} do not sum to what its sources say"),
                    ),
                );
            }
        }
    }
    if seen != states.len() {
        found.add(
            "resolution",
            &dataset.name,
            Text::new(
                format!(
                    "記帳には{}件のレコードがありますが、取得元が示したのは{seen}件です",
                    states.len()
                ),
                format!(
                    "{} records are in the entries, {seen} were said",
                    states.len()
                ),
            ),
        );
    }
    Ok(())
}

async fn check_heads(
    dataset: &Dataset,
    rebuilt: &Heads,
    kept: &Heads,
    found: &mut Verification,
) -> Result<()> {
    let filled = rebuilt.filled();
    let mut read = std::pin::pin!(kept.these(filled.clone()));
    for bucket in filled {
        let rebuilt = rebuilt.bucket(bucket).await?;
        let kept = read.try_next().await?.expect("one for each bucket");
        let (a, b) = (head_set(&rebuilt, dataset)?, head_set(&kept, dataset)?);
        if a != b {
            found.add("heads", &dataset.name, Text::new(
                format!("保存した現況(区画 {bucket})が証跡台帳と一致しません。フォルダ heads を削除すると作り直します"),
                format!("the kept heads of bucket {bucket} differ from what the journal says; delete the folder heads to rebuild them"),
            ));
        }
    }
    Ok(())
}

/// A head's record and source.
type HeadKey = (String, String);

/// A head's word and comparable values.
type HeadWord = (String, Vec<u8>);

fn head_set(rows: &RecordBatch, dataset: &Dataset) -> Result<BTreeMap<HeadKey, HeadWord>> {
    let (keys, sources, words) = (
        strings(rows, RECORD_KEY)?,
        strings(rows, SOURCE)?,
        strings(rows, WORD)?,
    );
    let values = comparable(dataset, rows)?;
    Ok((0..rows.num_rows())
        .map(|row| {
            (
                (keys.value(row).to_owned(), sources.value(row).to_owned()),
                (words.value(row).to_owned(), values[row].clone()),
            )
        })
        .collect())
}
