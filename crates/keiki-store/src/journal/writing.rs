//! Writes the files of a commit while it is worked out. They show once its batch does.

use std::ops::Range;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use keiki_model::text::Text;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;

use super::Journal;
use crate::error::{Result, StoreError};
use crate::plan::Changes;
use crate::table::{FileWriter, NewFile, Table};

/// Rows that are sent to be encoded at a time.
const PART_ROWS: usize = 32 << 10;

/// The files of a commit's entries and assertions in the making, encoded beside the work whose rows they take.
///
/// Of a record that is new both say the same. As long as all records are, their columns are encoded once for both files.
pub(crate) struct Writing {
    files: Files,
    state: State,
}

/// Where the files are.
#[derive(Clone)]
struct Files {
    journal: Journal,
    name: String,
    entries: (String, SchemaRef),
    assertions: (String, SchemaRef),
}

enum State {
    Together(Task<Changes, Option<(Open, Open)>>),
    Apart(
        Task<RecordBatch, Option<Written>>,
        Task<RecordBatch, Option<Written>>,
    ),
}

/// A table's name, the table, and its file.
type Open = (String, Table, FileWriter);

/// A file that is written and not yet part of its table.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    name: String,
    table: Table,
    file: NewFile,
}

impl Written {
    /// Takes it back.
    pub(crate) async fn discard(self) -> Result<()> {
        self.table.discard(&self.file).await
    }

    /// Makes it part of its table.
    pub(crate) async fn append(mut self, journal: &Journal) -> Result<()> {
        self.table.append_written(&self.file).await?;
        journal.keep(&self.name, &self.table).await;
        Ok(())
    }
}

impl Writing {
    /// Begins files of that name in the tables of entries and assertions; they are made with their first row.
    pub(crate) fn begin(
        journal: &Journal,
        name: &str,
        entries: (String, SchemaRef),
        assertions: (String, SchemaRef),
    ) -> Self {
        let files = Files {
            journal: journal.clone(),
            name: name.to_owned(),
            entries,
            assertions,
        };
        let state = State::Together(files.together());
        Self { files, state }
    }

    /// Adds rows. When it returns, nearly all of them are encoded: of large groups only one is in memory at a time.
    pub(crate) async fn write(&mut self, changes: Changes) -> Result<()> {
        if changes.entries.num_rows() == 0 && changes.assertions.num_rows() == 0 {
            return Ok(());
        }
        if let State::Together(task) = &mut self.state {
            if are_alike(&changes) {
                for part in parts(changes.entries.num_rows()) {
                    let changes = Changes {
                        entries: changes.entries.slice(part.start, part.len()),
                        assertions: changes.assertions.slice(part.start, part.len()),
                    };
                    task.send(changes).await?;
                }
                return Ok(());
            }
            let (entries, assertions) = task.end().await?.flatten().unzip();
            self.state = State::Apart(
                self.files.alone(&self.files.entries, entries),
                self.files.alone(&self.files.assertions, assertions),
            );
        }
        if let State::Apart(entries, assertions) = &mut self.state {
            entries.send_rows(changes.entries).await?;
            assertions.send_rows(changes.assertions).await?;
        }
        Ok(())
    }

    /// Ends the files; one that has no row is not among them.
    pub(crate) async fn finish(self) -> Result<Vec<Written>> {
        let mut written = Vec::new();
        match self.state {
            State::Together(mut task) => {
                if let Some((entries, assertions)) = task.end().await?.flatten() {
                    let (entries, assertions) =
                        futures::try_join!(finished(entries), finished(assertions))?;
                    written.extend([entries, assertions]);
                }
            }
            State::Apart(mut entries, mut assertions) => {
                let (entries, assertions) = futures::try_join!(entries.end(), assertions.end())?;
                written.extend(entries.flatten().into_iter().chain(assertions.flatten()));
            }
        }
        Ok(written)
    }
}

/// Ends a file.
async fn finished((name, table, writer): Open) -> Result<Written> {
    let file = writer.finish().await?;
    Ok(Written { name, table, file })
}

/// The parts in which so many rows are sent.
fn parts(rows: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..rows).step_by(PART_ROWS);
    starts.map(move |start| start..(start + PART_ROWS).min(rows))
}

/// Tells whether entries and assertions have the same rows, but for the columns that only one of them has.
fn are_alike(changes: &Changes) -> bool {
    let (entries, assertions) = (&changes.entries, &changes.assertions);
    let names = entries.schema();
    let same = |name: &str, column: &dyn Array| {
        let other = assertions.column_by_name(name);
        // Mostly they are the same in memory.
        other.is_none_or(|other| {
            other.to_data().ptr_eq(&column.to_data()) || other.as_ref() == column
        })
    };
    entries.num_rows() == assertions.num_rows()
        && names
            .fields()
            .iter()
            .zip(entries.columns())
            .all(|(field, column)| same(field.name(), column.as_ref()))
}

impl Files {
    async fn open(
        &self,
        (name, schema): &(String, SchemaRef),
        first: &RecordBatch,
    ) -> Result<Open> {
        let table = self.journal.table_or_new(name, schema).await?;
        let writer = table.begin(&self.name, schema, first)?;
        Ok((name.clone(), table, writer))
    }

    fn together(&self) -> Task<Changes, Option<(Open, Open)>> {
        let (sender, mut receiver) = channel::<Changes>(1);
        let files = self.clone();
        let task = tokio::spawn(async move {
            let mut open: Option<(Open, Open)> = None;
            while let Some(changes) = receiver.recv().await {
                let ((_, _, entries), (_, _, assertions)) = if let Some(open) = &mut open {
                    open
                } else {
                    let both = futures::try_join!(
                        files.open(&files.entries, &changes.entries),
                        files.open(&files.assertions, &changes.assertions)
                    );
                    open.insert(both?)
                };
                entries
                    .write_with(&changes.entries, assertions, &changes.assertions)
                    .await?;
            }
            if let Some(((_, _, entries), (_, _, assertions))) = &mut open {
                entries.part_from(assertions).await?;
            }
            Ok(open)
        });
        Task::new(sender, task)
    }

    /// Goes on with a file by itself, or begins it.
    fn alone(
        &self,
        table: &(String, SchemaRef),
        mut open: Option<Open>,
    ) -> Task<RecordBatch, Option<Written>> {
        let (sender, mut receiver) = channel::<RecordBatch>(1);
        let (files, table) = (self.clone(), table.clone());
        let task = tokio::spawn(async move {
            while let Some(rows) = receiver.recv().await {
                let (_, _, writer) = if let Some(open) = &mut open {
                    open
                } else {
                    open.insert(files.open(&table, &rows).await?)
                };
                writer.write(&rows).await?;
            }
            match open {
                Some(open) => finished(open).await.map(Some),
                None => Ok(None),
            }
        });
        Task::new(sender, task)
    }
}

/// Work beside that of others, which is given what it works on.
struct Task<T, R> {
    sender: Option<Sender<T>>,
    task: Option<JoinHandle<Result<R>>>,
}

impl<T, R> Task<T, R> {
    fn new(sender: Sender<T>, task: JoinHandle<Result<R>>) -> Self {
        Self {
            sender: Some(sender),
            task: Some(task),
        }
    }

    async fn send(&mut self, given: T) -> Result<()> {
        let sent = match &self.sender {
            Some(sender) => sender.send(given).await.is_ok(),
            None => false,
        };
        if sent {
            return Ok(());
        }
        // The task ended before its time, and says why.
        self.end().await?;
        Err(StoreError::stopped(Text::new(
            "台帳のファイルはすでに閉じています",
            "a journal file is closed",
        )))
    }

    /// What came of it; `None` where it was asked before.
    async fn end(&mut self) -> Result<Option<R>> {
        self.sender = None;
        match self.task.take() {
            None => Ok(None),
            Some(task) => task.await.map_err(StoreError::stopped)?.map(Some),
        }
    }
}

impl<R> Task<RecordBatch, R> {
    async fn send_rows(&mut self, rows: RecordBatch) -> Result<()> {
        for part in parts(rows.num_rows()) {
            self.send(rows.slice(part.start, part.len())).await?;
        }
        Ok(())
    }
}

impl<T, R> Drop for Task<T, R> {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
