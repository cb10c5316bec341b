//! Compaction and vacuum: fewer files, no orphans, and not a figure moves.

use keiki_model::dataset::Dataset;

use crate::batches::{Batches, Snapshot};
use crate::error::Result;
use crate::journal::{Journal, assertions_table, entries_table};
use crate::scan::{compacted_name, visible};
use crate::schema::{assertions_schema, entries_schema};
use crate::table::{DataFile, Table, conform};

/// The rows that a compacted file holds at most.
const FILE_ROWS: u64 = 4_000_000;

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that were put together.
    pub files_merged: usize,
    /// Files of ingests that never committed.
    pub orphans_removed: usize,
    /// Files deleted because no table needs them any more.
    pub files_deleted: usize,
}

impl Journal {
    /// Puts the files of many small commits together, drops entries that belong to no commit, and deletes what no table
    /// needs any more. No ingest should run meanwhile: what it has written and not yet committed would be an orphan.
    ///
    /// # Errors
    /// A table cannot be read or written; what was compacted before stays so.
    pub async fn compact(&self, datasets: &[std::sync::Arc<Dataset>]) -> Result<Compacted> {
        let mut done = Compacted::default();
        let snapshot = self.snapshot().await?;
        for dataset in datasets {
            for (name, schema) in [
                (entries_table(&dataset.name), entries_schema(dataset)),
                (assertions_table(&dataset.name), assertions_schema(dataset)),
            ] {
                let Some(mut table) = Table::open(&self.root, &name).await? else {
                    continue;
                };
                compact_table(&mut table, &snapshot, &schema, &mut done).await?;
                done.files_deleted += table.vacuum().await?;
            }
        }
        let mut batches = Batches::open_or_create(&self.root).await?;
        batches.compact().await?;
        done.files_deleted += batches.vacuum().await?;
        Ok(done)
    }
}

async fn compact_table(
    table: &mut Table,
    snapshot: &Snapshot,
    schema: &arrow::datatypes::SchemaRef,
    done: &mut Compacted,
) -> Result<()> {
    let files = table.files()?;
    let shown = visible(table, snapshot)?;
    let orphans: Vec<DataFile> = files
        .iter()
        .filter(|file| !shown.iter().any(|s| s.path == file.path))
        .cloned()
        .collect();
    done.orphans_removed += orphans.len();
    let small: Vec<_> = shown.iter().filter(|file| file.rows < FILE_ROWS).collect();
    let mut old = orphans;
    let mut new = Vec::new();
    let mut group: Vec<&crate::scan::EntryFile> = Vec::new();
    let mut rows = 0;
    let mut groups = Vec::new();
    for file in small {
        if rows + file.rows > FILE_ROWS && !group.is_empty() {
            groups.push(std::mem::take(&mut group));
            rows = 0;
        }
        rows += file.rows;
        group.push(file);
    }
    groups.push(group);
    for group in groups.into_iter().filter(|group| group.len() > 1) {
        let mut batches = Vec::new();
        for file in &group {
            for rows in table.read(&file.path).await? {
                batches.push(conform(&rows, schema)?);
            }
        }
        let first = group.iter().map(|file| file.first_seq).min().unwrap_or(0);
        let last = group.iter().map(|file| file.last_seq).max().unwrap_or(0);
        let all = arrow::compute::concat_batches(schema, &batches)?;
        new.push(table.write(&compacted_name(first, last), &all).await?);
        old.extend(
            files
                .iter()
                .filter(|file| group.iter().any(|g| g.path == file.path))
                .cloned(),
        );
        done.files_merged += group.len();
    }
    if !old.is_empty() {
        // Another writer's commit only means that there is more to do next time.
        let _lost = table.replace(&old, new).await?;
    }
    Ok(())
}
