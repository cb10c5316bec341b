//! A file of a table in the making: rows are encoded as they come, and what is full goes to the store before more come.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use keiki_model::text::Text;
use object_store::buffered::BufWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowRowGroupWriterFactory;
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::file::metadata::RowGroupMetaDataPtr;
use parquet::file::properties::EnabledStatistics;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::oneshot;

use super::columns::{Column, Encoded, Ended, Known, closed, unlike};
use super::{NewFile, ROW_GROUP_ROWS, added, conform, properties};
use crate::error::{Result, StoreError};
use crate::parallel;
use crate::schema::{RECORD_KEY, plain};

/// A file of a table in the making.
pub(crate) struct FileWriter {
    file: String,
    /// The columns as rows have them.
    schema: SchemaRef,
    writer: SerializedFileWriter<Vec<u8>>,
    columns: ArrowRowGroupWriterFactory,
    /// The columns of the group of rows that is being filled; absent = another file has the same.
    group: Vec<Option<Column>>,
    /// Columns that held the same in all rows of a group, by number.
    known: HashMap<usize, Known>,
    beside: Option<Beside>,
    group_rows: usize,
    groups: usize,
    rows: usize,
    /// Bytes that are with the store.
    sent: usize,
    target: BufWriter,
}

impl FileWriter {
    /// Begins a file with the columns of `schema`. `first` are its first rows, or the first of them.
    pub(super) fn new(
        file: &str,
        schema: &SchemaRef,
        target: BufWriter,
        first: &RecordBatch,
    ) -> Result<Self> {
        // Keys are all different.
        let mut properties = properties()?
            .into_builder()
            .set_column_dictionary_enabled(RECORD_KEY.into(), false)
            .set_offset_index_disabled(true);
        for name in unlike(first) {
            // The least and the greatest of many different texts say nothing of a group of rows.
            let path = ColumnPath::from(name);
            properties = properties
                .set_column_dictionary_enabled(path.clone(), false)
                .set_column_statistics_enabled(path, EnabledStatistics::None);
        }
        let properties = properties.build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?;
        let (writer, columns) = writer.into_serialized_writer()?;
        Ok(Self {
            file: file.to_owned(),
            schema: plain(schema),
            writer,
            columns,
            group: Vec::new(),
            known: HashMap::new(),
            beside: None,
            group_rows: 0,
            groups: 0,
            rows: 0,
            sent: 0,
            target,
        })
    }

    /// Adds rows. *Shape*: they have the file's columns in any order.
    pub(crate) async fn write(&mut self, rows: &RecordBatch) -> Result<()> {
        let rows = conform(rows, &self.schema)?;
        for part in self.parts(&rows) {
            self.encode(&part, |_| true).await?;
            if self.group_rows == ROW_GROUP_ROWS {
                self.end_group().await?;
            }
        }
        Ok(())
    }

    /// Adds as many rows to another file too. *Shape*: columns of both have the same values; they are encoded once. Nothing
    /// but this is done to either file up to `part_from`.
    pub(crate) async fn write_with(
        &mut self,
        rows: &RecordBatch,
        other: &mut Self,
        others_rows: &RecordBatch,
    ) -> Result<()> {
        let rows = conform(rows, &self.schema)?;
        let others_rows = conform(others_rows, &other.schema)?;
        let mut start = 0;
        for part in self.parts(&rows) {
            let others_part = others_rows.slice(start, part.num_rows());
            start += part.num_rows();
            self.encode(&part, |_| true).await?;
            let is_own = |name: &str| self.schema.index_of(name).is_err();
            other.encode(&others_part, is_own).await?;
            if self.group_rows == ROW_GROUP_ROWS {
                self.part_from(other).await?;
            }
        }
        Ok(())
    }

    /// Ends what two files were written with at once.
    pub(crate) async fn part_from(&mut self, other: &mut Self) -> Result<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let first = self.sent as u64;
        let group = self.close_group()?;
        let bytes = self.take_bytes()?;
        let shared = Shared {
            names: Arc::clone(&self.schema),
            encoded: Encoded {
                first,
                bytes: bytes.clone(),
            },
            group,
        };
        other.close_group_with(Some(&shared))?;
        self.send(bytes).await?;
        let bytes = other.take_bytes()?;
        other.send(bytes).await
    }

    /// Ends the file.
    pub(crate) async fn finish(mut self) -> Result<NewFile> {
        if self.group_rows > 0 {
            self.end_group().await?;
        }
        self.writer.finish()?;
        let size = self.writer.bytes_written();
        let bytes = self.take_bytes()?;
        self.send(bytes).await?;
        self.target.complete().await?;
        Ok(NewFile(added(&self.file, size, self.rows)))
    }

    /// Rows in parts that each go into one group.
    fn parts(&self, rows: &RecordBatch) -> Vec<RecordBatch> {
        let mut parts = Vec::new();
        let mut start = 0;
        let mut room = ROW_GROUP_ROWS - self.group_rows;
        while start < rows.num_rows() {
            let count = room.min(rows.num_rows() - start);
            parts.push(rows.slice(start, count));
            start += count;
            room = ROW_GROUP_ROWS;
        }
        parts
    }

    async fn encode(&mut self, rows: &RecordBatch, is_own: impl Fn(&str) -> bool) -> Result<()> {
        let fields = self.schema.fields();
        if self.group_rows == 0 {
            let writers = self.columns.create_column_writers(self.groups)?;
            let writers = fields.iter().zip(writers).enumerate();
            self.group = writers
                .map(|(number, (field, writer))| {
                    is_own(field.name()).then(|| Column::new(number, field, writer))
                })
                .collect();
        }
        let columns = self.group.iter_mut().zip(rows.columns());
        let columns = columns.filter_map(|(own, rows)| Some((own.take()?, Arc::clone(rows))));
        for column in Beside::encode(&mut self.beside, columns.collect()).await? {
            let number = column.number;
            self.group[number] = Some(column);
        }
        self.group_rows += rows.num_rows();
        self.rows += rows.num_rows();
        Ok(())
    }

    async fn end_group(&mut self) -> Result<()> {
        self.close_group()?;
        let bytes = self.take_bytes()?;
        self.send(bytes).await
    }

    fn close_group(&mut self) -> Result<RowGroupMetaDataPtr> {
        self.close_group_with(None)
    }

    /// Ends a group of rows, of which another file may have most columns.
    fn close_group_with(&mut self, shared: Option<&Shared>) -> Result<RowGroupMetaDataPtr> {
        self.make_room(shared.map_or(0, |shared| shared.encoded.bytes.len()));
        let mut group = self.writer.next_row_group()?;
        let mut same = Vec::new();
        let columns = self.schema.fields().iter().zip(self.group.drain(..));
        for (field, column) in columns {
            match (column, shared) {
                (Some(column), _) => {
                    let number = column.number;
                    match column.end(self.known.get(&number))? {
                        Ended::Known(known) => {
                            let (encoded, closed) = known.column(number);
                            group.append_column(encoded, closed)?;
                        }
                        Ended::New(chunk, value) => {
                            chunk.append_to_row_group(&mut group)?;
                            same.extend(value.map(|value| (number, value)));
                        }
                    }
                }
                (None, Some(shared)) => {
                    let at = shared.names.index_of(field.name())?;
                    group.append_column(&shared.encoded, closed(&shared.group, at))?;
                }
                // That it is missing shows when the group is closed.
                (None, None) => {}
            }
        }
        let group = group.close()?;
        self.groups += 1;
        self.group_rows = 0;
        self.remember(same, &group)?;
        Ok(group)
    }

    /// Keeps what columns became that hold the same in all rows of a group: the next group mostly has the same again.
    fn remember(
        &mut self,
        same: Vec<(usize, (ArrayRef, usize))>,
        group: &RowGroupMetaDataPtr,
    ) -> Result<()> {
        self.writer.flush().map_err(self.fault())?;
        let bytes = (self.sent as u64, self.writer.inner().as_slice());
        for (number, value) in same {
            self.known
                .insert(number, Known::new(value, number, group, bytes));
        }
        Ok(())
    }

    /// Makes room for a group of rows and so many bytes beside it, so that memory for them is taken once.
    fn make_room(&mut self, bytes: usize) {
        let writers = self.group.iter().flatten();
        let of_group: usize = writers.map(Column::estimated_bytes).sum();
        self.writer.inner_mut().reserve(of_group + bytes);
    }

    /// Takes the bytes that are encoded and not yet with the store.
    fn take_bytes(&mut self) -> Result<Bytes> {
        self.writer.flush().map_err(self.fault())?;
        let bytes = std::mem::take(self.writer.inner_mut());
        self.sent += bytes.len();
        Ok(bytes.into())
    }

    async fn send(&mut self, bytes: Bytes) -> Result<()> {
        Ok(self.target.put(bytes).await?)
    }

    fn fault(&self) -> impl FnOnce(std::io::Error) -> StoreError + use<> {
        let path = self.file.clone();
        move |source| StoreError::File { path, source }
    }
}

/// Rows of fewer are encoded before a thread for them would have begun.
const SHARED_ROWS: usize = 8 << 10;

/// A column and what is added to it.
type Adding = (Column, ArrayRef);

/// A thread that encodes beside the one that writes. It stays, so that the memory of one part serves the next.
struct Beside(Sender<Share>);

/// Columns to encode, and who waits for them.
type Share = (Vec<Adding>, oneshot::Sender<Result<Vec<Column>>>);

impl Beside {
    fn begin() -> Self {
        let (sender, mut receiver) = channel::<Share>(1);
        tokio::task::spawn_blocking(move || {
            while let Some((columns, waiting)) = receiver.blocking_recv() {
                // Nobody may wait any more.
                let _gone = waiting.send(encode_columns(columns));
            }
        });
        Self(sender)
    }

    /// Encodes columns, those of many rows on two threads: two columns have nothing to do with each other.
    async fn encode(this: &mut Option<Self>, mut columns: Vec<Adding>) -> Result<Vec<Column>> {
        let rows = columns.iter().map(|(_, rows)| rows.len()).max();
        if rows < Some(SHARED_ROWS) || columns.len() < 2 || parallel::threads() == 1 {
            return encode_columns(columns);
        }
        // Those that take longest come first, and are dealt out.
        columns.sort_by_key(|(column, rows)| std::cmp::Reverse(column.weight(rows)));
        let mut shares = [(0, Vec::new()), (0, Vec::new())];
        for (column, rows) in columns {
            let [first, second] = &mut shares;
            let (weight_so_far, share) = if first.0 <= second.0 { first } else { second };
            *weight_so_far += column.weight(&rows);
            share.push((column, rows));
        }
        let [(_, own), (_, other)] = shares;
        let (sender, receiver) = oneshot::channel();
        let beside = this.get_or_insert_with(Self::begin);
        let sent = beside.0.send((other, sender)).await;
        sent.map_err(|_| stopped())?;
        let mut encoded = encode_columns(own)?;
        encoded.extend(receiver.await.map_err(|_| stopped())??);
        Ok(encoded)
    }
}

fn stopped() -> StoreError {
    StoreError::stopped(Text::new(
        "台帳の列を書き込む処理が止まりました",
        "the thread that encodes columns of the journal stopped",
    ))
}

fn encode_columns(columns: Vec<Adding>) -> Result<Vec<Column>> {
    let mut encoded = Vec::with_capacity(columns.len());
    for (mut column, rows) in columns {
        column.add(&rows)?;
        encoded.push(column);
    }
    Ok(encoded)
}

/// The columns of a group of rows as they stand in a file.
struct Shared {
    names: SchemaRef,
    encoded: Encoded,
    group: RowGroupMetaDataPtr,
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};
    use arrow::compute::concat_batches;
    use arrow::datatypes::{DataType, Field, Schema};
    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

    fn rows(own: &str, from: usize, count: usize) -> RecordBatch {
        let numbers = from..from + count;
        let texts = numbers
            .clone()
            .map(|n| (n % 7 > 0).then(|| format!("text {}", n % 1000)));
        let keys = numbers.clone().map(|number| format!("K-{number}"));
        // The same in whole groups of rows, until within one it is another.
        let batches = numbers
            .clone()
            .map(|n| if n < 700_000 { "one" } else { "two" });
        let columns: [(&str, ArrayRef); 4] = [
            ("batch", Arc::new(StringArray::from_iter_values(batches))),
            ("text", Arc::new(texts.collect::<StringArray>())),
            (
                own,
                Arc::new(Int64Array::from_iter_values(
                    numbers.map(|n| i64::try_from(n * 3).unwrap_or(0)),
                )),
            ),
            (RECORD_KEY, Arc::new(StringArray::from_iter_values(keys))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(n, c)| (n, c, n == "text")))
            .expect("columns of one length")
    }

    fn schema(own: &str) -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("batch", crate::schema::dictionary(), false),
            Field::new("text", crate::schema::dictionary(), true),
            Field::new(own, DataType::Int64, false),
            Field::new(RECORD_KEY, DataType::Utf8, false),
        ]))
    }

    async fn read(store: &Arc<dyn ObjectStore>, file: &str) -> RecordBatch {
        let found = store.get(&Path::from(file)).await.expect("it is there");
        let bytes = found.bytes().await.expect("it can be read");
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).expect("it is Parquet");
        let batches: Vec<RecordBatch> = reader
            .build()
            .and_then(|reader| Ok(reader.collect::<std::result::Result<_, _>>()?))
            .expect("it can be read");
        let schema = batches[0].schema();
        assert_eq!(schema.field(0).data_type(), &crate::schema::dictionary());
        let all = concat_batches(&schema, &batches).expect("rows of one file");
        conform(&all, &plain(&schema)).expect("texts")
    }

    #[tokio::test]
    async fn files_that_were_written_at_once_hold_what_each_would_hold_alone() {
        let store: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
        let begin = |file: &str, own: &str| {
            let target = BufWriter::new(Arc::clone(&store), Path::from(file));
            FileWriter::new(file, &schema(own), target, &rows(own, 0, 5_000)).expect("a file")
        };
        let (mut first, mut second) = (begin("first", "weight"), begin("second", "word"));
        let mut from = 0;
        for count in [1, 200_000, 100_000, ROW_GROUP_ROWS * 2, 5] {
            let (ones, others) = (rows("weight", from, count), rows("word", from, count));
            first
                .write_with(&ones, &mut second, &others)
                .await
                .expect("both are written");
            from += count;
        }
        first.part_from(&mut second).await.expect("they part");
        // From here on each has rows of its own.
        first.write(&rows("weight", from, 10)).await.expect("rows");
        second.write(&rows("word", 7, 20)).await.expect("rows");
        first.finish().await.expect("an end");
        second.finish().await.expect("an end");
        assert_eq!(read(&store, "first").await, rows("weight", 0, from + 10));
        let second = read(&store, "second").await;
        assert_eq!(second.slice(0, from), rows("word", 0, from));
        assert_eq!(second.slice(from, 20), rows("word", 7, 20));
    }
}
