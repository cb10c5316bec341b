//! A file of a table in the making: rows are encoded as they come, and what is full goes to the store before more come.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, SchemaRef};
use bytes::{Buf, Bytes};
use object_store::buffered::BufWriter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory, compute_leaves};
use parquet::arrow::async_writer::AsyncFileWriter;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::RowGroupMetaDataPtr;
use parquet::file::reader::{ChunkReader, Length};
use parquet::file::writer::SerializedFileWriter;

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
    group: Vec<Option<ArrowColumnWriter>>,
    group_rows: usize,
    groups: usize,
    rows: usize,
    /// Bytes that are with the store.
    sent: usize,
    target: BufWriter,
}

impl FileWriter {
    /// Begins a file with the columns of `schema`.
    pub(super) fn new(file: &str, schema: &SchemaRef, target: BufWriter) -> Result<Self> {
        // Keys are all different: to look for them in a dictionary costs time and saves nothing.
        let properties = properties()?
            .into_builder()
            .set_column_dictionary_enabled(RECORD_KEY.into(), false)
            .set_offset_index_disabled(true)
            .build();
        let writer = ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties))?;
        let (writer, columns) = writer.into_serialized_writer()?;
        Ok(Self {
            file: file.to_owned(),
            schema: plain(schema),
            writer,
            columns,
            group: Vec::new(),
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
            first,
            bytes: bytes.clone(),
            group,
        };
        other.close_group_with(&shared)?;
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
            let writers = fields.iter().zip(writers);
            self.group = writers
                .map(|(field, writer)| is_own(field.name()).then_some(writer))
                .collect();
        }
        let mut columns = Vec::new();
        for (number, column) in rows.columns().iter().enumerate() {
            if let Some(writer) = self.group[number].take() {
                columns.push(Encoding {
                    number,
                    field: Arc::clone(&fields[number]),
                    column: Arc::clone(column),
                    writer,
                });
            }
        }
        for (number, writer) in encode_all(columns, rows.num_rows()).await? {
            self.group[number] = Some(writer);
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
        self.make_room(0);
        let mut group = self.writer.next_row_group()?;
        for writer in self.group.drain(..).flatten() {
            writer.close()?.append_to_row_group(&mut group)?;
        }
        self.groups += 1;
        self.group_rows = 0;
        Ok(group.close()?)
    }

    /// Ends a group of rows of which another file has most columns.
    fn close_group_with(&mut self, shared: &Shared) -> Result<()> {
        self.make_room(shared.bytes.len());
        let mut group = self.writer.next_row_group()?;
        let writers = self.schema.fields().iter().zip(self.group.drain(..));
        for (field, writer) in writers {
            if let Some(writer) = writer {
                writer.close()?.append_to_row_group(&mut group)?;
            } else {
                let at = shared.names.index_of(field.name())?;
                group.append_column(shared, shared.column(at))?;
            }
        }
        group.close()?;
        self.groups += 1;
        self.group_rows = 0;
        Ok(())
    }

    /// Makes room for a group of rows and so many bytes beside it, so that memory for them is taken once.
    fn make_room(&mut self, bytes: usize) {
        let writers = self.group.iter().flatten();
        let of_group: usize = writers
            .map(ArrowColumnWriter::get_estimated_total_bytes)
            .sum();
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

/// A column and what encodes it.
struct Encoding {
    number: usize,
    field: FieldRef,
    column: ArrayRef,
    writer: ArrowColumnWriter,
}

/// Encodes columns, those of many rows on two threads: two columns have nothing to do with each other. Returns what encodes
/// them, by number.
async fn encode_all(
    mut columns: Vec<Encoding>,
    rows: usize,
) -> Result<Vec<(usize, ArrowColumnWriter)>> {
    if rows < SHARED_ROWS || parallel::threads() == 1 {
        return encode_columns(columns);
    }
    // Those that take longest come first, and are dealt out.
    columns.sort_by_key(|one| std::cmp::Reverse(weight(&one.column)));
    let mut shares = [(0, Vec::new()), (0, Vec::new())];
    for column in columns {
        let [first, second] = &mut shares;
        let (weight_so_far, share) = if first.0 <= second.0 { first } else { second };
        *weight_so_far += weight(&column.column);
        share.push(column);
    }
    let [(_, own), (_, other)] = shares;
    let other = tokio::task::spawn_blocking(|| encode_columns(other));
    let mut writers = encode_columns(own)?;
    writers.extend(other.await.map_err(StoreError::stopped)??);
    Ok(writers)
}

/// About what a column costs: texts more than numbers, and one without a value next to nothing.
fn weight(column: &ArrayRef) -> usize {
    match column.data_type() {
        _ if column.null_count() == column.len() => 1,
        DataType::Utf8 => {
            let offsets = column.as_string::<i32>().value_offsets();
            let ends = (offsets.first(), offsets.last());
            let (first, last) = (ends.0.copied().unwrap_or(0), ends.1.copied().unwrap_or(0));
            8 * column.len() + usize::try_from(last - first).unwrap_or(0)
        }
        _ => 4 * column.len(),
    }
}

fn encode_columns(columns: Vec<Encoding>) -> Result<Vec<(usize, ArrowColumnWriter)>> {
    let mut writers = Vec::with_capacity(columns.len());
    for mut one in columns {
        for leaf in compute_leaves(&one.field, &one.column)? {
            one.writer.write(&leaf)?;
        }
        writers.push((one.number, one.writer));
    }
    Ok(writers)
}

/// The columns of a group of rows as they stand in a file.
struct Shared {
    names: SchemaRef,
    /// Where the bytes stand in the file.
    first: u64,
    bytes: Bytes,
    group: RowGroupMetaDataPtr,
}

impl Shared {
    /// What is known of a column.
    fn column(&self, at: usize) -> ColumnCloseResult {
        let metadata = self.group.column(at).clone();
        ColumnCloseResult {
            bytes_written: u64::try_from(metadata.compressed_size()).unwrap_or(0),
            rows_written: u64::try_from(self.group.num_rows()).unwrap_or(0),
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        }
    }

    fn from(&self, start: u64) -> Bytes {
        let start = usize::try_from(start.saturating_sub(self.first)).unwrap_or(usize::MAX);
        self.bytes.slice(start.min(self.bytes.len())..)
    }
}

impl Length for Shared {
    fn len(&self) -> u64 {
        self.first + self.bytes.len() as u64
    }
}

impl ChunkReader for Shared {
    type T = bytes::buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        Ok(self.from(start).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        let bytes = self.from(start);
        Ok(bytes.slice(..length.min(bytes.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
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
        let columns: [(&str, ArrayRef); 3] = [
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
            FileWriter::new(file, &schema(own), target).expect("a file")
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
