//! A file of heads, as bytes: what is in memory is not copied to be read.

use std::io::Read;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::{Block, root_as_footer};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetResultPayload, ObjectStore, ObjectStoreExt};

use super::unfold;
use crate::error::{Result, StoreError, on_file};

/// What stands behind the footer of a file: its length, and the mark of the format.
const TRAILER_BYTES: usize = 10;

/// The bytes of a file. One on a disk is read by the thread that asks, whose memory it then is: files are small, and each takes
/// the place of the one before.
pub(super) async fn bytes(store: &dyn ObjectStore, path: &Path) -> Result<Bytes> {
    let found = store.get(path).await?;
    let GetResultPayload::File(file, place) = &found.payload else {
        return Ok(found.bytes().await?);
    };
    let mut bytes = Vec::with_capacity(usize::try_from(found.meta.size).unwrap_or(0));
    let mut file: &std::fs::File = file;
    file.read_to_end(&mut bytes).map_err(on_file(place))?;
    Ok(bytes.into())
}

/// The rows that a file holds, in the given schema.
///
/// # Errors
/// It is not whole.
pub(super) fn decode(bytes: Bytes, schema: &SchemaRef) -> Result<RecordBatch> {
    let bytes = Buffer::from(bytes);
    let end = bytes.len().checked_sub(TRAILER_BYTES).ok_or_else(damaged)?;
    let trailer = bytes[end..].try_into().map_err(|_| damaged())?;
    let start = end.checked_sub(read_footer_length(trailer)?);
    let footer = root_as_footer(&bytes[start.ok_or_else(damaged)?..end]).map_err(|e| {
        let text = format!("the footer cannot be read: {e:?}");
        StoreError::from(ArrowError::ParseError(text))
    })?;
    let held = Arc::new(fb_to_schema(footer.schema().ok_or_else(damaged)?));
    let decoder = FileDecoder::new(held, footer.version());
    let mut batches = Vec::new();
    for block in footer.recordBatches().into_iter().flatten() {
        let part = part(&bytes, block)?;
        if let Some(rows) = decoder.read_record_batch(block, &part)? {
            batches.push(unfold(&rows, schema)?);
        }
    }
    match batches.as_slice() {
        [only] => Ok(only.clone()),
        all => Ok(concat_batches(schema, all)?),
    }
}

/// The bytes of a block.
fn part(bytes: &Buffer, block: &Block) -> Result<Buffer> {
    let from = usize::try_from(block.offset()).map_err(|_| damaged())?;
    let head = usize::try_from(block.metaDataLength()).map_err(|_| damaged())?;
    let body = usize::try_from(block.bodyLength()).map_err(|_| damaged())?;
    let length = head.checked_add(body).ok_or_else(damaged)?;
    let end = from.checked_add(length);
    if end.is_none_or(|end| end > bytes.len()) {
        return Err(damaged());
    }
    Ok(bytes.slice_with_length(from, length))
}

fn damaged() -> StoreError {
    StoreError::damaged(
        "現況表のファイルが途中で切れています",
        "a file of heads is cut off",
    )
}
