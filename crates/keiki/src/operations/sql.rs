//! Runs a user's own query over the journal.

use arrow::array::RecordBatch;

use crate::config::{Opening, Workspace};
use crate::error::Result;

/// Runs the query. *Shape*: at least one batch, which carries the columns also where there are no rows.
///
/// # Errors
/// The query is wrong, or would change something.
pub async fn query(workspace: &Workspace, query: &str) -> Result<Vec<RecordBatch>> {
    let journal = workspace.journal(Opening::Existing).await?;
    Ok(workspace.engine().sql(&journal, query).await?)
}
