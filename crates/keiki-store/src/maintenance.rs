//! Compaction and vacuum: fewer files, no orphans, and not a figure moves.

mod laying;
mod leftovers;
mod parting;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use deltalake_core::kernel::Add;
use keiki_model::dataset::Dataset;

use crate::batches::Snapshot;
use crate::error::Result;
use crate::heads::Heads;
use crate::journal::{Journal, assertions_table, entries_table};
use crate::rejects;
use crate::scan::{EntryFile, cleared_name, compacted_name, visible};
use crate::schema::{assertions_schema, entries_schema};
use crate::table::{DataFile, Retention, Table, conform};
use laying::{Laid, laid};
pub(crate) use leftovers::uploads;
use parting::{Parted, is_worth_parting};

/// The rows that a compacted file holds at most.
const FILE_ROWS: u64 = 4_000_000;

/// Rows that come to nothing are set apart where they are so much of a file at least.
const CLEARED_OF_FILE: u64 = 256;

/// A file of fewer rows is always worth being put together with others.
const SMALL_ROWS: u64 = 16_384;

/// What compaction did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Files that were put together.
    pub files_merged: usize,
    /// Files of ingests that never committed.
    pub orphans_removed: usize,
    /// Files that no table knows, which programs left that were stopped.
    pub leftovers_removed: usize,
    /// Files deleted because no table needs them any more.
    pub files_deleted: usize,
}

/// Which files are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All, and what never committed goes: nobody else writes.
    All,
    /// Where there are more than so many, the smaller ones; others may be writing.
    Gathered(usize),
}

/// In which order the rows of a compacted file lie. *Source*: decisions 0112 and 0131.
#[derive(Debug, Clone, Copy)]
enum Order<'d> {
    /// As they came.
    Commits,
    /// By org unit, by what the dataset's measures tell apart, and by record: whoever asks for one org unit reads its part alone.
    Entries(&'d Dataset),
}

/// What a table is compacted to.
struct Form<'d> {
    schema: SchemaRef,
    order: Order<'d>,
    extent: Extent,
    /// The rows that a file holds at most.
    file_rows: u64,
    /// For temporary files.
    folder: PathBuf,
}

impl Extent {
    fn retention(self) -> Retention {
        match self {
            Self::All => Retention::None,
            Self::Gathered(_) => Retention::Hour,
        }
    }
}

impl Journal {
    /// Puts the files of many small commits together, drops entries that belong to no commit, and deletes what no table
    /// needs any more. No ingest should run meanwhile: what it has written and not yet committed would be an orphan.
    ///
    /// # Errors
    /// A table cannot be read or written; what was compacted before stays so.
    pub async fn compact(&self, datasets: &[Arc<Dataset>]) -> Result<Compacted> {
        self.compact_to(datasets, FILE_ROWS).await
    }

    /// As `compact`, with files of so many rows at most.
    ///
    /// # Errors
    /// As `compact`.
    pub async fn compact_to(&self, datasets: &[Arc<Dataset>], file_rows: u64) -> Result<Compacted> {
        let mut done = self.put_together(datasets, Extent::All, file_rows).await?;
        done.leftovers_removed += leftovers::sweep(self).await?;
        Ok(done)
    }

    /// Puts files of small commits together in tables that have more than `most` of them. Others may read and write
    /// meanwhile: files are deleted an hour after they have left their table.
    ///
    /// # Errors
    /// As `compact`.
    pub async fn compact_gathered(
        &self,
        datasets: &[Arc<Dataset>],
        most: usize,
    ) -> Result<Compacted> {
        self.put_together(datasets, Extent::Gathered(most), FILE_ROWS)
            .await
    }

    /// Puts heads into their buckets that are rows of a file which may be put together with others.
    async fn part_heads(
        &self,
        dataset: &Dataset,
        snapshot: &Snapshot,
        extent: Extent,
    ) -> Result<()> {
        let most = match extent {
            Extent::All => 1,
            Extent::Gathered(most) => most.max(1),
        };
        let name = assertions_table(&dataset.name);
        if extent != Extent::All && self.files_known(&name).await? <= most {
            return Ok(());
        }
        let Some(table) = self.table(&name).await? else {
            return Ok(());
        };
        if table.files()?.len() > most
            && Heads::are_of_ledger(self.store.as_ref(), &self.prefix, dataset).await?
        {
            self.heads(dataset, snapshot).await?;
        }
        Ok(())
    }

    async fn put_together(
        &self,
        datasets: &[Arc<Dataset>],
        extent: Extent,
        file_rows: u64,
    ) -> Result<Compacted> {
        let mut done = Compacted::default();
        let snapshot = self.snapshot().await?;
        if extent == Extent::All {
            self.open_tables(datasets).await?;
        }
        for dataset in datasets {
            self.part_heads(dataset, &snapshot, extent).await?;
        }
        let of_datasets = datasets.iter().flat_map(|dataset| {
            let entries = (entries_table(&dataset.name), entries_schema(dataset));
            let assertions = (assertions_table(&dataset.name), assertions_schema(dataset));
            [
                (entries.0, entries.1, Order::Entries(dataset)),
                (assertions.0, assertions.1, Order::Commits),
            ]
        });
        let others = [(rejects::TABLE.to_owned(), rejects::schema(), Order::Commits)];
        for (name, schema, order) in of_datasets.chain(others) {
            if let Extent::Gathered(most) = extent
                && self.files_known(&name).await? <= most
            {
                continue;
            }
            let Some(mut table) = self.table(&name).await? else {
                continue;
            };
            let form = Form {
                schema,
                order,
                extent,
                file_rows,
                folder: self.tokens.spill_folder(),
            };
            if compact_table(&mut table, &snapshot, &form, &mut done).await? {
                done.files_deleted += table.vacuum(extent.retention()).await?;
            }
        }
        let (mut batches, _) = self.list().await?;
        let is_worth_it = match extent {
            Extent::All => true,
            Extent::Gathered(most) => batches.file_count()? > most,
        };
        if is_worth_it {
            batches.compact().await?;
            done.files_deleted += batches.vacuum(extent.retention()).await?;
        }
        Ok(done)
    }
}

/// Compacts a table. Returns whether it was looked at in earnest.
async fn compact_table(
    table: &mut Table,
    snapshot: &Snapshot,
    form: &Form<'_>,
    done: &mut Compacted,
) -> Result<bool> {
    let files = table.files()?;
    let shown = visible(table, snapshot)?;
    let mut old = Vec::new();
    if form.extent == Extent::All {
        let is_orphan = |file: &&DataFile| !shown.iter().any(|s| s.path == file.path);
        old.extend(files.iter().filter(is_orphan).cloned());
        done.orphans_removed += old.len();
    }
    // What comes to nothing lies where it lies for good.
    let shown: Vec<EntryFile> = shown.into_iter().filter(|file| !file.is_cleared).collect();
    let worth = match form.extent {
        Extent::Gathered(most) if shown.len() <= most => return Ok(false),
        Extent::Gathered(_) => smaller(&shown),
        Extent::All => shown.iter().map(|file| file.path.as_str()).collect(),
    };
    let is_parted = matches!(form.order, Order::Entries(_))
        && form.extent == Extent::All
        && is_worth_parting(&shown, form.file_rows);
    let groups = if is_parted {
        vec![&shown[..]]
    } else {
        groups(&shown, &worth, form.file_rows)
    };
    let mut new = Vec::new();
    for group in groups {
        let first = group.iter().map(|file| file.first_seq).min().unwrap_or(0);
        let last = group.iter().map(|file| file.last_seq).max().unwrap_or(0);
        if is_parted {
            let (schema, folder) = (&form.schema, &form.folder);
            let parted = Parted::new(table, group, schema, folder, form.file_rows).await?;
            for part in 0..parted.len() {
                let rows = parted.rows(part)?;
                write(table, form, rows, (first, last), &mut new).await?;
            }
        } else {
            let mut batches = Vec::new();
            for file in group {
                for rows in table.read(&file.path).await? {
                    batches.push(conform(&rows, &form.schema)?);
                }
            }
            let rows = arrow::compute::concat_batches(&form.schema, &batches)?;
            drop(batches);
            write(table, form, rows, (first, last), &mut new).await?;
        }
        let is_in = |file: &&DataFile| group.iter().any(|g| g.path == file.path);
        old.extend(files.iter().filter(is_in).cloned());
        done.files_merged += group.len();
    }
    if !old.is_empty() {
        // Another writer's commit only means that there is more to do next time.
        let _lost = table.replace(&old, new).await?;
    }
    Ok(true)
}

/// Writes the rows of several commits into files of their own.
async fn write(
    table: &Table,
    form: &Form<'_>,
    rows: RecordBatch,
    commits: (i64, i64),
    new: &mut Vec<Add>,
) -> Result<()> {
    let worth = usize::try_from(form.file_rows / CLEARED_OF_FILE).unwrap_or(usize::MAX);
    let laid = match form.order {
        Order::Commits => Laid {
            rows,
            cleared: None,
        },
        Order::Entries(dataset) => laid(&rows, dataset, worth)?,
    };
    if laid.rows.num_rows() > 0 {
        new.push(table.write(&compacted_name(commits), &laid.rows).await?);
    }
    if let Some(rows) = laid.cleared {
        new.push(table.write(&cleared_name(commits), &rows).await?);
    }
    Ok(())
}

/// The files that are worth being put together: a file is written again only together with at least half as much, so that a
/// row is written a few times in its life and not with every compaction.
fn smaller(files: &[EntryFile]) -> BTreeSet<&str> {
    let mut by_size: Vec<&EntryFile> = files.iter().collect();
    by_size.sort_by_key(|file| file.rows);
    let mut rows = 0;
    let worth = by_size.into_iter().take_while(|file| {
        let is_worth_it = file.rows <= SMALL_ROWS || file.rows <= 2 * rows;
        rows += file.rows;
        is_worth_it
    });
    worth.map(|file| file.path.as_str()).collect()
}

/// Parts files into groups that become one file each. What lies between two files is never left out: rows are read in the
/// order of their commits.
fn groups<'f>(
    files: &'f [EntryFile],
    worth: &BTreeSet<&str>,
    file_rows: u64,
) -> Vec<&'f [EntryFile]> {
    let mut groups = Vec::new();
    let mut start = 0;
    let mut rows = 0;
    for (number, file) in files.iter().enumerate() {
        let is_worth_it = worth.contains(file.path.as_str()) && file.rows < file_rows;
        if !is_worth_it || rows + file.rows > file_rows {
            groups.push(&files[start..number]);
            start = if is_worth_it { number } else { number + 1 };
            rows = 0;
        }
        rows += if is_worth_it { file.rows } else { 0 };
    }
    groups.push(&files[start..]);
    groups.retain(|group| group.len() > 1);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(rows: &[u64]) -> Vec<EntryFile> {
        let file = |(number, rows): (usize, &u64)| EntryFile {
            path: format!("{number}"),
            size_bytes: 0,
            rows: *rows,
            first_seq: i64::try_from(number).expect("few files"),
            last_seq: 0,
            is_cleared: false,
        };
        rows.iter().enumerate().map(file).collect()
    }

    #[test]
    fn a_large_file_is_not_written_again_for_the_sake_of_a_few_rows() {
        let worth = |rows: &[u64]| smaller(&files(rows)).len();
        assert_eq!(worth(&[1_000_000, 5, 10]), 2);
        assert_eq!(worth(&[20_000, 5, 16_000]), 3);
        assert_eq!(worth(&[90_000, 40_000, 30_000]), 0);
    }

    #[test]
    fn files_are_put_together_up_to_a_size_and_none_between_them_is_left_out() {
        let sizes = |rows: &[u64], left: &[&str]| -> Vec<usize> {
            let files = files(rows);
            let paths = files.iter().map(|file| file.path.as_str());
            let worth = paths.filter(|path| !left.contains(path)).collect();
            groups(&files, &worth, FILE_ROWS)
                .iter()
                .map(|g| g.len())
                .collect()
        };
        assert_eq!(
            sizes(&[3_000_000, 900_000, 200_000, 5, 3_999_999], &[]),
            [2, 2]
        );
        assert_eq!(sizes(&[1, 1, 1, 1, 1, 1], &["3"]), [3, 2]);
        assert_eq!(sizes(&[1, 5_000_000, 1, 1], &[]), [2]);
        assert_eq!(sizes(&[1, 1], &["0"]), Vec::<usize>::new());
    }
}
