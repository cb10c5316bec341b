//! The log of a plain table, read in one go: the last checkpoint and the commits after it. The library reads each of them several
//! times; whatever is not plain is left to it.

use std::collections::BTreeMap;

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
use super::{Checkpoint, DataFile, commit_name};
use crate::error::Result;

/// The version of the protocol for readers that knows nothing but files, columns and what was removed.
const PLAIN_READER: i64 = 1;

/// The state of a table as its log says.
#[derive(Debug, Clone, Default)]
pub(super) struct PlainLog {
    /// The last commit.
    pub(super) version: u64,
    /// The names and Delta types of the columns.
    pub(super) columns: Vec<(String, String)>,
    files: BTreeMap<String, DataFile>,
    is_known: bool,
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
}

impl PlainLog {
    /// Reads the log of the table whose folder a store is rooted in.
    pub(super) async fn read(store: &dyn ObjectStore) -> Result<Found> {
        let mut log = Self::default();
        let mut next = 0;
        if let Some(last) = found(store, "_last_checkpoint").await? {
            let Ok(last) = serde_json::from_slice::<Checkpoint>(&last) else {
                return Ok(Found::Other);
            };
            if last.parts.is_some() {
                return Ok(Found::Other);
            }
            let name = format!("{:020}.checkpoint.parquet", last.version);
            let Some(bytes) = found(store, &name).await? else {
                return Ok(Found::Other);
            };
            if log.take_checkpoint(bytes).is_none() {
                return Ok(Found::Other);
            }
            log.version = last.version;
            next = last.version + 1;
        }
        while let Some(commit) = found(store, &commit_name(next)).await? {
            if log.take_commit(&commit).is_none() {
                return Ok(Found::Other);
            }
            log.version = next;
            next += 1;
        }
        if next == 0 && is_empty(store).await? {
            return Ok(Found::Nothing);
        }
        let is_whole =
            log.is_known && !log.columns.is_empty() && !goes_on(store, log.version).await?;
        Ok(if is_whole {
            Found::Plain(Box::new(log))
        } else {
            Found::Other
        })
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
                    self.take_protocol(protocol.min_reader_version)?;
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
        let fields = schema.fields();
        self.columns = fields
            .map(|field| (field.name().clone(), field.data_type().to_string()))
            .collect();
        Some(())
    }

    fn take_protocol(&mut self, reader: i64) -> Option<()> {
        self.is_known = reader == PLAIN_READER;
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
            let reader = protocol.column_by_name("minReaderVersion")?;
            let reader = reader.as_primitive_opt::<Int32Type>()?;
            for row in (0..protocol.len()).filter(|row| protocol.is_valid(*row)) {
                self.take_protocol(i64::from(reader.value(row)))?;
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

/// Tells whether there is no log at all.
async fn is_empty(store: &dyn ObjectStore) -> Result<bool> {
    let mut files = store.list(Some(&Path::from("_delta_log")));
    Ok(files.try_next().await?.is_none())
}

/// Tells whether the log has commits after one, as it may where older ones were cleared away.
async fn goes_on(store: &dyn ObjectStore, version: u64) -> Result<bool> {
    let last = Path::from(format!("_delta_log/{}", commit_name(version)));
    let mut later = store.list_with_offset(Some(&Path::from("_delta_log")), &last);
    while let Some(file) = later.try_next().await? {
        let name = file.location.filename().unwrap_or_default();
        let number = name.strip_suffix(".json").map(str::parse::<u64>);
        if number.is_some_and(|number| number.is_ok_and(|number| number > version)) {
            return Ok(true);
        }
    }
    Ok(false)
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
        let read = || futures::executor::block_on(PlainLog::read(&store)).expect("it is read");
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
