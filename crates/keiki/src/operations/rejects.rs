//! Lists rejected rows, values left unknown and days of plans that were kept.

use keiki_store::StoredReject;

use crate::config::{Opening, Workspace, suggestion};
use crate::error::{Error, Result};
use keiki_model::text::Text;

/// Lists them in the order of commits and places; `source` narrows the list to one source.
///
/// # Errors
/// The source is unknown, or the journal cannot be read.
pub async fn list(workspace: &Workspace, source: Option<&str>) -> Result<Vec<StoredReject>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    if let Some(name) = source {
        let known = snapshot.batches().iter().map(|batch| batch.source.as_str());
        let all = known.chain(workspace.sources.iter().map(|source| source.name.as_str()));
        if !all.clone().any(|known| known == name) {
            let message = Text::new(
                format!("取得元がありません: {name}"),
                format!("unknown source: {name}"),
            );
            return Err(Error::user(message, suggestion(name, all)));
        }
    }
    let mut rejects = journal.rejects(&snapshot).await?;
    rejects.retain(|reject| source.is_none_or(|name| reject.source == name));
    Ok(rejects)
}
