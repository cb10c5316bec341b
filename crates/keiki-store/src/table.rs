//! One Delta table: create, open, append files, replace files. Everything about Delta stays in here.

mod ahead;
mod columns;
mod file_reader;
mod file_writer;
mod plain_log;

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use deltalake_core::kernel::transaction::{
    CommitBuilder, CommitData, CommitProperties, PROTOCOL, TransactionError,
};
use deltalake_core::kernel::{Action, Add, PrimitiveType, Remove, StructField};
use deltalake_core::logstore::CommitOrBytes;
use deltalake_core::protocol::{DeltaOperation, SaveMode, checkpoints};
use deltalake_core::table::config::TablePropertiesExt as _;
use deltalake_core::{DeltaTable, DeltaTableError, TableProperty};
use futures::TryStreamExt;
use keiki_model::dataset::ORG_UNIT;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use serde::Deserialize;
use uuid::Uuid;

use crate::error::{Result, StoreError};
use crate::place::Place;
use crate::schema::RECORD_KEY;
use ahead::Ahead;
use file_reader::FileReader;
pub(crate) use file_writer::FileWriter;
use plain_log::{Found, PlainLog};

/// Rows per row group: small enough that a reader of one group stays within tens of megabytes.
const ROW_GROUP_ROWS: usize = 1 << 18;

/// Rows that are decoded at a time where not all are kept.
const ROWS_AT_ONCE: usize = 1 << 15;

/// After how many commits the log is summed up, so that opening a table reads few files.
const CHECKPOINT_INTERVAL: u32 = 16;

/// How often an append is tried when others change the table at the same time.
const ATTEMPTS: u32 = 10;

/// A Delta table as last read.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    name: String,
    /// Requests that are under way at a time.
    at_once: usize,
    /// The table as the library has read it, if it has.
    delta: DeltaTable,
    /// The state as the log says, where it is plain and the library was not needed yet.
    plain: Option<Box<PlainLog>>,
    /// What was added since.
    ahead: Ahead,
}

/// One data file of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataFile {
    /// Path within the table's folder.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size_bytes: u64,
    /// Rows.
    pub(crate) rows: u64,
}

/// A file that is written and not yet part of its table.
#[derive(Debug, Clone)]
pub(crate) struct NewFile(Add);

fn added(file: &str, bytes: usize, rows: usize) -> Add {
    Add {
        path: file.to_owned(),
        size: i64::try_from(bytes).unwrap_or(i64::MAX),
        data_change: true,
        stats: Some(format!("{{\"numRecords\":{rows}}}")),
        ..Default::default()
    }
}

/// What the log says of its last checkpoint.
#[derive(Deserialize)]
struct Checkpoint {
    version: u64,
}

/// How long files are kept of which a table knows nothing any more, or not yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retention {
    /// Not at all: nobody else reads or writes.
    None,
    /// An hour: longer than others take to read what they have found, and to commit what they have written.
    Hour,
}

/// Says that another writer committed first.
#[derive(Debug)]
pub(crate) struct Conflict;

impl Table {
    /// Opens a table; `None` if it does not exist.
    pub(crate) async fn open(place: &Place, name: &str) -> Result<Option<Self>> {
        let (_, builder) = place.table(name)?;
        let mut delta = builder.build().map_err(fault(name))?;
        match Box::pin(PlainLog::read(&*delta.object_store(), place.at_once())).await? {
            Found::Plain(plain) => {
                let table = Self::of(place, name, delta);
                return Ok(Some(Self {
                    plain: Some(plain),
                    ..table
                }));
            }
            Found::Nothing => return Ok(None),
            Found::Other => {}
        }
        match delta.load().await {
            Ok(()) => {}
            Err(DeltaTableError::NotATable(_)) => return Ok(None),
            Err(_) => {
                let exists = delta.verify_deltatable_existence().await;
                if !exists.map_err(fault(name))? {
                    return Ok(None);
                }
                // Somebody may have created it between the two looks; a table that cannot be read cannot be read now either.
                delta.load().await.map_err(fault(name))?;
            }
        }
        Ok(Some(Self::of(place, name, delta)))
    }

    fn of(place: &Place, name: &str, delta: DeltaTable) -> Self {
        Self {
            name: name.to_owned(),
            at_once: place.at_once(),
            delta,
            plain: None,
            ahead: Ahead::default(),
        }
    }

    /// Opens a table or creates it with a schema.
    pub(crate) async fn open_or_create(place: &Place, name: &str, schema: &Schema) -> Result<Self> {
        if let Some(table) = Self::open(place, name).await? {
            return Ok(table);
        }
        let (url, builder) = place.table(name)?;
        if url.scheme() == "file"
            && let Ok(path) = url.to_file_path()
        {
            std::fs::create_dir_all(&path).map_err(crate::error::on_file(&path))?;
        }
        let delta = builder.build().map_err(fault(name))?;
        let created = delta
            .create()
            .with_columns(schema.fields().iter().map(delta_field))
            .with_save_mode(SaveMode::Ignore)
            .with_configuration_property(
                TableProperty::CheckpointInterval,
                Some(CHECKPOINT_INTERVAL.to_string()),
            )
            // The log says how many rows a file has and nothing of its columns; nobody need look for more.
            .with_configuration_property(TableProperty::DataSkippingNumIndexedCols, Some("0"))
            .await;
        match created {
            Ok(delta) => Ok(Self::of(place, name, delta)),
            // Two first ingests at once: whoever comes second finds the table there.
            Err(error) => Self::open(place, name)
                .await?
                .ok_or_else(|| fault(name)(error)),
        }
    }

    /// Reads the newest state of the log: the commits after the state that was read, one by one, where listing the log would
    /// take many times as long. Old commits leave the log, but only once a checkpoint holds them.
    pub(crate) async fn refresh(&mut self) -> Result<()> {
        let Some(mut next) = self.version().map(|version| version + 1) else {
            return self.read_again().await;
        };
        let first = commit_name(next);
        // Mostly there is nothing new.
        let (mut commit, last) =
            futures::try_join!(self.read_log(&first), self.read_log("_last_checkpoint"))?;
        while let Some(found) = commit {
            if !self.ahead.take(&found) {
                return self.read_again().await;
            }
            next += 1;
            commit = self.read_log(&commit_name(next)).await?;
        }
        let Some(last) = last else {
            return Ok(());
        };
        // Where the hint cannot be read, the log itself says.
        let checkpoint = serde_json::from_slice(&last).map(|last: Checkpoint| last.version);
        if checkpoint.is_ok_and(|checkpoint| Some(checkpoint) <= self.version()) {
            return Ok(());
        }
        self.read_again().await
    }

    /// Reads the newest state of the log anew.
    async fn read_again(&mut self) -> Result<()> {
        let store = self.store();
        let read = Box::pin(PlainLog::read(store.as_ref(), self.at_once)).await?;
        let Found::Plain(plain) = read else {
            return self.catch_up().await;
        };
        self.plain = Some(plain);
        self.ahead = Ahead::default();
        Ok(())
    }

    /// Has the library read the newest state of the log.
    async fn catch_up(&mut self) -> Result<()> {
        let read = Box::pin(self.delta.update_state()).await;
        read.map_err(fault(&self.name))?;
        self.plain = None;
        self.ahead = Ahead::default();
        Ok(())
    }

    /// Has the library read the state that was read here.
    async fn load(&mut self) -> Result<()> {
        if let Some(plain) = self.plain.take() {
            let loaded = Box::pin(self.delta.load_version(plain.version)).await;
            loaded.map_err(fault(&self.name))?;
        }
        Ok(())
    }

    /// The version of the state last read.
    pub(crate) fn version(&self) -> Option<u64> {
        let read = self.plain.as_ref().map(|plain| plain.version);
        Some(read.or_else(|| self.delta.version())? + self.ahead.commits())
    }

    async fn read_log(&self, file: &str) -> Result<Option<bytes::Bytes>> {
        plain_log::found(self.store().as_ref(), file).await
    }

    /// Requests that are under way at a time.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// The object store rooted in the table's folder.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        self.delta.object_store()
    }

    /// The names and Delta types of the table's columns.
    pub(crate) fn columns(&self) -> Result<Vec<(String, String)>> {
        if let Some(plain) = &self.plain {
            return Ok(plain.columns.clone());
        }
        let state = self.delta.snapshot().map_err(fault(&self.name))?;
        Ok(state
            .schema()
            .fields()
            .map(|f| (f.name().clone(), f.data_type().to_string()))
            .collect())
    }

    /// Adds nullable columns.
    pub(crate) async fn add_columns(&mut self, fields: &[arrow::datatypes::Field]) -> Result<()> {
        self.catch_up().await?;
        let fields: Vec<StructField> = fields.iter().map(delta_field).collect();
        let delta = self
            .delta
            .clone()
            .add_columns()
            .with_fields(fields)
            .await
            .map_err(fault(&self.name))?;
        self.delta = delta;
        Ok(())
    }

    /// The data files of the state last read.
    pub(crate) fn files(&self) -> Result<Vec<DataFile>> {
        if let Some(plain) = &self.plain {
            return Ok(plain.files().chain(self.ahead.files()).cloned().collect());
        }
        let state = self.delta.snapshot().map_err(fault(&self.name))?;
        let files = state.log_data();
        Ok(files
            .iter()
            .map(|file| DataFile {
                path: file.object_store_path().to_string(),
                size_bytes: u64::try_from(file.size()).unwrap_or(0),
                rows: file
                    .num_records()
                    .and_then(|n| u64::try_from(n).ok())
                    .unwrap_or(0),
            })
            .chain(self.ahead.files().iter().cloned())
            .collect())
    }

    /// Writes rows as one file with the columns of `schema`, and makes it part of the table, whatever others add at the same
    /// time. *Shape*: `rows` has these columns in any order.
    pub(crate) async fn append(
        &mut self,
        file: &str,
        rows: &RecordBatch,
        schema: &SchemaRef,
    ) -> Result<()> {
        let mut writer = self.begin(file, schema, rows)?;
        writer.write(rows).await?;
        let new = writer.finish().await?;
        self.append_written(&new).await
    }

    /// Begins a file that is not yet part of the table; `first` are its first rows, which it does not hold yet.
    pub(crate) fn begin(
        &self,
        file: &str,
        schema: &SchemaRef,
        first: &RecordBatch,
    ) -> Result<FileWriter> {
        let target = BufWriter::new(self.store(), Path::from(file));
        FileWriter::new(file, schema, target, first)
    }

    /// Makes a file that is written part of the table, whatever others add at the same time.
    pub(crate) async fn append_written(&mut self, new: &NewFile) -> Result<()> {
        for _ in 0..ATTEMPTS {
            if self.add(&new.0).await?.is_ok() {
                return Ok(());
            }
            // Somebody else was first. What they did cannot keep a file from being added.
            self.refresh().await?;
        }
        Err(StoreError::Contended(ATTEMPTS))
    }

    /// Writes rows as one file and makes it part of the table if nobody else has committed since the state was read.
    pub(crate) async fn append_next(
        &mut self,
        file: &str,
        rows: &RecordBatch,
    ) -> Result<std::result::Result<(), Conflict>> {
        let add = self.write(file, rows).await?;
        self.add(&add).await
    }

    /// Makes a file part of the table if nobody else has committed since the state was read.
    async fn add(&mut self, add: &Add) -> Result<std::result::Result<(), Conflict>> {
        let actions = vec![Action::Add(add.clone())];
        let takes_files = self.plain.as_ref().is_some_and(|plain| plain.takes_files());
        if !takes_files {
            self.load().await?;
            let state = self.delta.snapshot().map_err(fault(&self.name))?;
            let may = PROTOCOL.can_commit(state, &actions, &appending());
            may.map_err(|e| fault(&self.name)(e.into()))?;
        }
        let next = self.version().map_or(0, |version| version + 1);
        let data = CommitData::new(actions, appending(), HashMap::new(), Vec::new());
        let bytes = data.get_bytes();
        let bytes = bytes.map_err(|e| fault(&self.name)(e.into()))?;
        let log = self.delta.log_store();
        let commit = CommitOrBytes::LogBytes(bytes.clone());
        match log.write_commit_entry(next, commit, Uuid::new_v4()).await {
            Ok(()) => {}
            // A store that lost its answer is asked again, and then finds what the first request put there. A commit names a
            // file that nobody else writes, so the same bytes are the same commit.
            Err(TransactionError::VersionAlreadyExists(_)) => {
                if Box::pin(self.read_log(&commit_name(next))).await?.as_ref() != Some(&bytes) {
                    return Ok(Err(Conflict));
                }
            }
            Err(error) => {
                // The answer may have been lost on its way, and the commit stands.
                let found = Box::pin(self.read_log(&commit_name(next))).await;
                if !matches!(found, Ok(Some(found)) if found == bytes) {
                    return Err(fault(&self.name)(error.into()));
                }
            }
        }
        if !self.ahead.take(&bytes) {
            self.catch_up().await?;
        }
        if (next + 1).is_multiple_of(u64::from(CHECKPOINT_INTERVAL)) {
            // The commit stands. A log that is not summed up takes longer to read, and says the same.
            if let Err(error) = self.sum_up().await {
                tracing::warn!(%error, table = self.name, "the log of a table could not be summed up");
            }
        }
        Ok(Ok(()))
    }

    /// Sums the log up, and clears away commits of which it has been known for long.
    async fn sum_up(&mut self) -> Result<()> {
        self.catch_up().await?;
        let fault = || fault(&self.name);
        let summed = checkpoints::create_checkpoint(&self.delta, None).await;
        summed.map_err(fault())?;
        let state = self.delta.snapshot().map_err(fault())?;
        if state.table_config().enable_expired_log_cleanup() {
            let cleared = checkpoints::cleanup_metadata(&self.delta, None).await;
            cleared.map_err(fault())?;
        }
        Ok(())
    }

    /// Writes a file that is not yet part of the table.
    pub(crate) async fn write(&self, file: &str, rows: &RecordBatch) -> Result<Add> {
        let bytes = encode(rows)?;
        let size = bytes.len();
        self.store().put(&Path::from(file), bytes.into()).await?;
        Ok(added(file, size, rows.num_rows()))
    }

    /// Replaces files by others with the same rows.
    pub(crate) async fn replace(
        &mut self,
        old: &[DataFile],
        new: Vec<Add>,
    ) -> Result<std::result::Result<(), Conflict>> {
        let mut actions: Vec<Action> = old.iter().map(removal).collect();
        actions.extend(new.into_iter().map(|add| {
            Action::Add(Add {
                data_change: false,
                ..add
            })
        }));
        let operation = DeltaOperation::Optimize {
            predicate: None,
            target_size: 1 << 28,
        };
        self.commit(actions, operation, Retries::Some).await
    }

    /// Replaces all files by one with the same rows in another schema, in one commit.
    pub(crate) async fn replace_with_schema(
        &mut self,
        schema: &Schema,
        old: &[DataFile],
        new: Add,
    ) -> Result<()> {
        self.load().await?;
        let state = self.delta.snapshot().map_err(fault(&self.name))?;
        let fields: Vec<StructField> = schema.fields().iter().map(delta_field).collect();
        let delta_schema = deltalake_core::kernel::StructType::try_new(fields).map_err(|e| {
            StoreError::damaged(
                format!("表の構造として読めません: {e}"),
                format!("not a table schema: {e}"),
            )
        })?;
        let damaged = |e: serde_json::Error| {
            StoreError::damaged(
                format!("表の構造として読めません: {e}"),
                format!("not a table schema: {e}"),
            )
        };
        let mut metadata = serde_json::to_value(state.metadata()).map_err(damaged)?;
        metadata["schemaString"] = serde_json::to_string(&delta_schema)
            .map_err(damaged)?
            .into();
        let metadata = serde_json::from_value(metadata).map_err(damaged)?;
        let mut actions = vec![Action::Metadata(metadata), Action::Add(new)];
        actions.extend(old.iter().map(removal));
        let operation = DeltaOperation::Write {
            mode: SaveMode::Overwrite,
            partition_by: None,
            predicate: None,
        };
        match self.commit(actions, operation, Retries::None).await? {
            Ok(()) => Ok(()),
            Err(Conflict) => Err(StoreError::Contended(1)),
        }
    }

    /// Deletes files that are no longer part of the table, or never were, once they have lain so long.
    pub(crate) async fn vacuum(&mut self, retention: Retention) -> Result<usize> {
        self.catch_up().await?;
        let (delta, metrics) = self
            .delta
            .clone()
            .vacuum()
            .with_retention_period(match retention {
                Retention::None => chrono::Duration::zero(),
                Retention::Hour => chrono::Duration::hours(1),
            })
            .with_enforce_retention_duration(false)
            .await
            .map_err(fault(&self.name))?;
        self.delta = delta;
        Ok(metrics.files_deleted.len())
    }

    async fn commit(
        &mut self,
        actions: Vec<Action>,
        operation: DeltaOperation,
        retries: Retries,
    ) -> Result<std::result::Result<(), Conflict>> {
        if (self.ahead.commits() > 0 || self.plain.is_some())
            && let Some(read) = self.version()
        {
            // What others did since has to show as a conflict.
            let loaded = Box::pin(self.delta.load_version(read)).await;
            loaded.map_err(fault(&self.name))?;
            self.plain = None;
            self.ahead = Ahead::default();
        }
        let state = self.delta.snapshot().map_err(fault(&self.name))?;
        let mut properties = CommitProperties::default();
        if retries == Retries::None {
            properties = properties.with_max_retries(0);
        }
        let commit = CommitBuilder::from(properties).with_actions(actions).build(
            Some(state.snapshot()),
            self.delta.log_store(),
            operation,
        );
        match commit.await {
            Ok(_) => {
                self.catch_up().await?;
                Ok(Ok(()))
            }
            Err(DeltaTableError::Transaction { source }) if is_conflict(&source) => {
                Ok(Err(Conflict))
            }
            Err(error) => Err(fault(&self.name)(error)),
        }
    }

    /// Reads a file whole.
    pub(crate) async fn read(&self, file: &str) -> Result<Vec<RecordBatch>> {
        self.read_columns(file, None).await
    }

    /// Reads a file and hands on its rows bit by bit.
    pub(crate) async fn each(
        &self,
        file: &str,
        take: &mut (dyn FnMut(&RecordBatch) -> Result<()> + Send),
    ) -> Result<()> {
        let reader = FileReader::new(self.store(), Path::from(file));
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
        let mut rows = builder.with_batch_size(ROWS_AT_ONCE).build()?;
        while let Some(rows) = rows.try_next().await? {
            take(&rows)?;
        }
        Ok(())
    }

    /// Reads a file bit by bit, texts as they are.
    pub(crate) async fn rows_of(&self, file: &str) -> Result<PlainRows> {
        let reader = FileReader::new(self.store(), Path::from(file));
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = ParquetRecordBatchStreamBuilder::new_with_options(reader, options).await?;
        Ok(PlainRows(builder.with_batch_size(ROWS_AT_ONCE).build()?))
    }

    /// Deletes a file that never became part of the table.
    pub(crate) async fn discard(&self, new: &NewFile) -> Result<()> {
        match self.store().delete(&Path::from(new.0.path.as_str())).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads some columns of a file, by name; names that the file does not have are left out.
    pub(crate) async fn read_columns(
        &self,
        file: &str,
        columns: Option<&[&str]>,
    ) -> Result<Vec<RecordBatch>> {
        let bytes = self.store().get(&Path::from(file)).await?.bytes().await?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)?;
        let mask = columns.map(|columns| {
            let schema = builder.parquet_schema();
            let wanted = schema
                .columns()
                .iter()
                .enumerate()
                .filter(|(_, c)| columns.contains(&c.name()));
            parquet::arrow::ProjectionMask::leaves(
                schema,
                wanted.map(|(index, _)| index).collect::<Vec<_>>(),
            )
        });
        let builder = builder.with_batch_size(ROW_GROUP_ROWS);
        let reader = match mask {
            Some(mask) => builder.with_projection(mask).build()?,
            None => builder.build()?,
        };
        Ok(reader.collect::<std::result::Result<_, _>>()?)
    }
}

/// The rows of a file, bit by bit.
pub(crate) struct PlainRows(ParquetRecordBatchStream<FileReader>);

impl PlainRows {
    /// The next rows; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.try_next().await?)
    }
}

/// The name of a commit in the log.
fn commit_name(version: u64) -> String {
    format!("{version:020}.json")
}

fn removal(file: &DataFile) -> Action {
    Action::Remove(Remove {
        path: file.path.clone(),
        data_change: false,
        size: i64::try_from(file.size_bytes).ok(),
        deletion_timestamp: Some(chrono_now_millis()),
        ..Default::default()
    })
}

/// Whether a commit may be put after somebody else's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retries {
    /// No: what was computed depends on the state that was read.
    None,
    /// Yes.
    Some,
}

fn appending() -> DeltaOperation {
    DeltaOperation::Write {
        mode: SaveMode::Append,
        partition_by: None,
        predicate: None,
    }
}

fn is_conflict(error: &TransactionError) -> bool {
    matches!(
        error,
        TransactionError::VersionAlreadyExists(_)
            | TransactionError::MaxCommitAttempts(_)
            | TransactionError::CommitConflict(_)
    )
}

fn fault(table: &str) -> impl FnOnce(DeltaTableError) -> StoreError + use<> {
    let table = table.to_owned();
    move |source| StoreError::Delta {
        table,
        source: Box::new(source),
    }
}

fn delta_field(field: impl AsRef<arrow::datatypes::Field>) -> StructField {
    let field = field.as_ref();
    let kind = match field.data_type() {
        DataType::Int64 => PrimitiveType::Long,
        DataType::Int32 => PrimitiveType::Integer,
        DataType::Date32 => PrimitiveType::Date,
        DataType::Timestamp(..) => PrimitiveType::Timestamp,
        DataType::Boolean => PrimitiveType::Boolean,
        DataType::Decimal128(precision, scale) => {
            PrimitiveType::decimal(*precision, u8::try_from(*scale).unwrap_or(0))
                .unwrap_or(PrimitiveType::String)
        }
        _ => PrimitiveType::String,
    };
    StructField::new(field.name().clone(), kind, field.is_nullable())
}

/// The Delta type of an Arrow field, as `Table::columns` writes it.
pub(crate) fn delta_type(field: &arrow::datatypes::Field) -> String {
    delta_field(field).data_type().to_string()
}

fn properties() -> Result<WriterProperties> {
    Ok(WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .build())
}

fn encode(rows: &RecordBatch) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // Within a group of rows too, an org unit and a record are found without decoding what lies around them.
    let mut properties = properties()?.into_builder();
    for name in [ORG_UNIT, RECORD_KEY] {
        properties = properties
            .set_column_statistics_enabled(ColumnPath::from(name), EnabledStatistics::Page);
    }
    let properties = properties.build();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), Some(properties))?;
    writer.write(rows)?;
    writer.close()?;
    Ok(bytes)
}

#[expect(
    clippy::disallowed_methods,
    reason = "Delta wants the time at which a file left the table; no figure depends on it"
)]
fn chrono_now_millis() -> i64 {
    chrono::Utc::now().timestamp_millis()
}

/// Puts columns of the wrong dictionary type, or missing ones, into the shape of `schema`.
pub(crate) fn conform(rows: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match rows.column_by_name(field.name()) {
            Some(column) if column.data_type() == field.data_type() => Ok(Arc::clone(column)),
            Some(column) => arrow::compute::cast(column, field.data_type()),
            None => Ok(arrow::array::new_null_array(
                field.data_type(),
                rows.num_rows(),
            )),
        })
        .collect::<std::result::Result<Vec<_>, _>>()?;
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        Arc::clone(schema),
        columns,
        &options,
    )?)
}
