//! The log of a plain table, read in one go: it is listed once, then the last checkpoint and the commits after it are read together.
//! The library reads each of them several times; whatever is not plain is left to it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use arrow::array::{Array, AsArray, RecordBatch, StructArray};
use arrow::datatypes::{Int32Type, Int64Type};
use bytes::Bytes;
use deltalake_core::kernel::StructType;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Deserialize;

use super::ahead::{Added, actions, file};
use super::{DataFile, commit_name};
use crate::error::Result;
use crate::parallel::together;

/// The version of the protocol for readers that knows nothing but files, columns and what was removed.
const PLAIN_READER: i64 = 1;

/// The last version of the protocol for writers by which whoever adds files has nothing to heed but invariants of columns.
const PLAIN_WRITER: i64 = 2;

/// Where a schema says what holds of a column's values.
const INVARIANTS: &str = "delta.invariants";

/// The state of a table as its log says.
#[derive(Debug, Clone, Default)]
pub(super) struct PlainLog {
    /// The last commit.
    pub(super) version: u64,
    /// The names and Delta types of the columns.
    pub(super) columns: Vec<(String, String)>,
    files: BTreeMap<String, DataFile>,
    is_known: bool,
    writer: i64,
    has_invariants: bool,
}

/// What lies where a table's log would.
pub(super) enum Found {
    Plain(Box<PlainLog>),
    /// A log that is left to the library.
    Other,
    /// No log: there is no such table. The library would ask for it several times more.
    Nothing,
}

#[derive(Deserialize)]
struct Removed {
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaData {
    schema_string: String,
    #[serde(default)]
    partition_columns: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    min_reader_version: i64,
    min_writer_version: i64,
}

/// What there is of a log.
#[derive(Default)]
struct Listed {
    checkpoints: BTreeSet<u64>,
    commits: BTreeSet<u64>,
}

impl Listed {
    async fn read(store: &dyn ObjectStore) -> Result<Self> {
        let mut listed = Self::default();
        let mut files = store.list(Some(&Path::from("_delta_log")));
        while let Some(file) = files.try_next().await? {
            let name = file.location.filename().unwrap_or_default();
            let number = |ending: &str| name.strip_suffix(ending)?.parse::<u64>().ok();
            listed.commits.extend(number(".json"));
            listed.checkpoints.extend(number(".checkpoint.parquet"));
        }
        Ok(listed)
    }

    fn is_empty(&self) -> bool {
        self.checkpoints.is_empty() && self.commits.is_empty()
    }

    /// The last checkpoint, and the commits after it; `None` where one of them is missing.
    fn parts(&self) -> Option<(Option<u64>, RangeInclusive<u64>)> {
        let checkpoint = self.checkpoints.last().copied();
        let first = checkpoint.map_or(0, |checkpoint| checkpoint + 1);
        let commits = first..=self.commits.last().copied().max(checkpoint)?;
        let is_whole = commits.clone().all(|commit| self.commits.contains(&commit));
        is_whole.then_some((checkpoint, commits))
    }
}

impl PlainLog {
    /// Reads the log of the table whose folder a store is rooted in.
    pub(super) async fn read(store: &dyn ObjectStore, at_once: usize) -> Result<Found> {
        let listed = Listed::read(store).await?;
        if listed.is_empty() {
            return Ok(Found::Nothing);
        }
        let Some((checkpoint, commits)) = listed.parts() else {
            return Ok(Found::Other);
        };
        let version = *commits.end();
        let checkpoint = checkpoint.map(|number| format!("{number:020}.checkpoint.parquet"));
        let names = checkpoint.iter().cloned().chain(commits.map(commit_name));
        let read = names.map(|name| async move { found(store, &name).await });
        let read = together(at_once, read).await?.into_iter();
        let Some(read) = read.collect::<Option<Vec<Bytes>>>() else {
            // Old files leave the log once a newer checkpoint holds them.
            return Ok(Found::Other);
        };
        let log = Self::of(read, checkpoint.is_some());
        let log = log.filter(|log| log.is_known && !log.columns.is_empty());
        Ok(log.map_or(Found::Other, |log| {
            Found::Plain(Box::new(Self { version, ..log }))
        }))
    }

    /// The state after the files of a log.
    fn of(files: Vec<Bytes>, begins_with_checkpoint: bool) -> Option<Self> {
        let mut log = Self::default();
        let mut files = files.into_iter();
        if begins_with_checkpoint {
            log.take_checkpoint(files.next()?)?;
        }
        for commit in files {
            log.take_commit(&commit)?;
        }
        Some(log)
    }

    /// Tells whether files may be added with nothing to heed.
    pub(super) fn takes_files(&self) -> bool {
        self.writer <= PLAIN_WRITER && !self.has_invariants
    }

    /// The files of the state.
    pub(super) fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.files.values()
    }

    fn take_commit(&mut self, commit: &[u8]) -> Option<()> {
        for (action, what) in actions(commit)? {
            match action.as_str() {
                "commitInfo" => {}
                "add" => self.add(serde_json::from_value(what).ok()?)?,
                "remove" => {
                    let removed: Removed = serde_json::from_value(what).ok()?;
                    self.files.remove(&removed.path);
                }
                "metaData" => {
                    let data: MetaData = serde_json::from_value(what).ok()?;
                    if !data.partition_columns.is_empty() {
                        return None;
                    }
                    self.take_schema(&data.schema_string)?;
                }
                "protocol" => {
                    let protocol: Protocol = serde_json::from_value(what).ok()?;
                    self.take_protocol(protocol.min_reader_version, protocol.min_writer_version)?;
                }
                _ => return None,
            }
        }
        Some(())
    }

    fn add(&mut self, added: Added) -> Option<()> {
        let file = file(added)?;
        self.files.insert(file.path.clone(), file);
        Some(())
    }

    fn take_schema(&mut self, text: &str) -> Option<()> {
        let schema: StructType = serde_json::from_str(text).ok()?;
        self.has_invariants = text.contains(INVARIANTS);
        let fields = schema.fields();
        self.columns = fields
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect();
        Some(())
    }

    fn take_protocol(&mut self, reader: i64, writer: i64) -> Option<()> {
        self.is_known = reader == PLAIN_READER;
        self.writer = writer;
        self.is_known.then_some(())
    }

    /// Takes a checkpoint of one file.
    fn take_checkpoint(&mut self, bytes: Bytes) -> Option<()> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes).ok()?;
        let wanted = |path: &str| {
            let of_file = ["add.path", "add.size", "add.stats"].contains(&path);
            of_file
                || path == "add.deletionVector.storageType"
                || path == "metaData.schemaString"
                || path.starts_with("metaData.partitionColumns.")
                || path == "protocol.minReaderVersion"
                || path == "protocol.minWriterVersion"
                || path == "sidecar.path"
        };
        let schema = builder.parquet_schema();
        let leaves = schema.columns().iter().enumerate();
        let leaves: Vec<usize> = leaves
            .filter(|(_, column)| wanted(&column.path().string()))
            .map(|(number, _)| number)
            .collect();
        let mask = ProjectionMask::leaves(schema, leaves);
        for rows in builder.with_projection(mask).build().ok()? {
            self.take_rows(&rows.ok()?)?;
        }
        Some(())
    }

    fn take_rows(&mut self, rows: &RecordBatch) -> Option<()> {
        let part = |name: &str| rows.column_by_name(name).and_then(|c| c.as_struct_opt());
        if part("sidecar").is_some_and(|sidecar| sidecar.null_count() < sidecar.len()) {
            return None;
        }
        if let Some(added) = part("add") {
            self.take_added(added)?;
        }
        if let Some(data) = part("metaData") {
            let schema = data
                .column_by_name("schemaString")?
                .as_string_opt::<i32>()?;
            let partitions = data.column_by_name("partitionColumns")?;
            let partitions = partitions.as_list_opt::<i32>()?;
            for row in (0..data.len()).filter(|row| data.is_valid(*row)) {
                if partitions.is_valid(row) && partitions.value_length(row) > 0 {
                    return None;
                }
                self.take_schema(schema.value(row))?;
            }
        }
        if let Some(protocol) = part("protocol") {
            let version = |name: &str| {
                protocol
                    .column_by_name(name)?
                    .as_primitive_opt::<Int32Type>()
            };
            let (reader, writer) = (version("minReaderVersion")?, version("minWriterVersion")?);
            for row in (0..protocol.len()).filter(|row| protocol.is_valid(*row)) {
                self.take_protocol(i64::from(reader.value(row)), i64::from(writer.value(row)))?;
            }
        }
        Some(())
    }

    fn take_added(&mut self, added: &StructArray) -> Option<()> {
        let paths = added.column_by_name("path")?.as_string_opt::<i32>()?;
        let sizes = added.column_by_name("size")?;
        let sizes = sizes.as_primitive_opt::<Int64Type>()?;
        let stats = added.column_by_name("stats")?.as_string_opt::<i32>()?;
        let vectors = added.column_by_name("deletionVector");
        for row in (0..added.len()).filter(|row| added.is_valid(*row)) {
            if vectors.is_some_and(|vectors| vectors.is_valid(row)) {
                return None;
            }
            self.add(Added {
                path: paths.value(row).to_owned(),
                size: u64::try_from(sizes.value(row)).ok()?,
                stats: stats.is_valid(row).then(|| stats.value(row).to_owned()),
                deletion_vector: None,
            })?;
        }
        Some(())
    }
}

/// A file of the log; `None` if there is none.
pub(super) async fn found(store: &dyn ObjectStore, name: &str) -> Result<Option<Bytes>> {
    match store.get(&Path::from(format!("_delta_log/{name}"))).await {
        Ok(found) => Ok(Some(found.bytes().await?)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOL: &str = r#"{"protocol":{"minReaderVersion":1,"minWriterVersion":2}}"#;
    const COLUMNS: &str = r#"{"metaData":{"id":"x","schemaString":"{\"type\":\"struct\",\"fields\":[{\"name\":\"seq\",\"type\":\"long\",\"nullable\":false,\"metadata\":{}}]}","partitionColumns":[]}}"#;

    fn taken(commits: &[&str]) -> Option<Vec<String>> {
        let mut log = PlainLog::default();
        for commit in commits {
            log.take_commit(commit.as_bytes())?;
        }
        assert_eq!(log.columns, [("seq".to_owned(), "long".to_owned())]);
        Some(log.files().map(|file| file.path.clone()).collect())
    }

    #[test]
    fn where_there_is_no_log_there_is_no_table_and_a_torn_one_is_left_to_the_library() {
        let store = object_store::memory::InMemory::new();
        let read = || futures::executor::block_on(PlainLog::read(&store, 4)).expect("it is read");
        assert!(matches!(read(), Found::Nothing));
        let later = Path::from(format!("_delta_log/{}", commit_name(3)));
        let put = store.put(&later, format!("{PROTOCOL}\n{COLUMNS}\n").into());
        futures::executor::block_on(put).expect("it is put");
        assert!(matches!(read(), Found::Other));
        let first = Path::from(format!("_delta_log/{}", commit_name(0)));
        let put = store.put(&first, format!("{PROTOCOL}\n{COLUMNS}\n").into());
        futures::executor::block_on(put).expect("it is put");
        assert!(
            matches!(read(), Found::Other),
            "a commit is missing between"
        );
        futures::executor::block_on(store.delete(&later)).expect("it goes");
        assert!(matches!(read(), Found::Plain(log) if log.version == 0));
    }

    #[test]
    fn files_come_and_go() {
        let made = format!("{PROTOCOL}\n{COLUMNS}\n");
        let first = r#"{"add":{"path":"a.parquet","size":7}}"#;
        let second =
            "{\"remove\":{\"path\":\"a.parquet\"}}\n{\"add\":{\"path\":\"b.parquet\",\"size\":7}}";
        let files = taken(&[&made, first, second]);
        assert_eq!(files, Some(vec!["b.parquet".to_owned()]));
    }

    #[test]
    fn what_is_not_plain_is_left_to_the_library() {
        let made = format!("{PROTOCOL}\n{COLUMNS}\n");
        let newer = r#"{"protocol":{"minReaderVersion":3,"minWriterVersion":7}}"#;
        let vector = r#"{"add":{"path":"a.parquet","size":7,"deletionVector":{"cardinality":1}}}"#;
        let unknown = r#"{"domainMetadata":{"domain":"x"}}"#;
        let parted = COLUMNS.replace("[]", r#"["org_unit"]"#);
        for commit in [newer, vector, unknown, &parted, "{"] {
            assert_eq!(taken(&[&made, commit]), None, "{commit}");
        }
    }
}
