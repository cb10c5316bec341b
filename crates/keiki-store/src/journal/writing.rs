//! Writes the files of a commit while it is worked out. They show once its batch does.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use keiki_model::text::Text;
use tokio::sync::mpsc::{Sender, channel};
use tokio::task::JoinHandle;
use url::Url;

use crate::error::{Result, StoreError};
use crate::table::{NewFile, Table};

/// A file of one table in the making, encoded beside the work whose rows it takes.
pub(super) struct Writing {
    sender: Option<Sender<RecordBatch>>,
    task: Option<JoinHandle<Result<Option<Written>>>>,
}

/// A file that is written and not yet part of its table.
pub(super) struct Written {
    table: Table,
    file: NewFile,
}

impl Written {
    /// Makes it part of its table.
    pub(super) async fn append(mut self) -> Result<()> {
        self.table.append_written(&self.file).await
    }
}

impl Writing {
    /// Begins a file; it is made with its first row.
    pub(super) fn begin(root: &Url, table: String, schema: SchemaRef, file: String) -> Self {
        let (sender, mut receiver) = channel::<RecordBatch>(1);
        let root = root.clone();
        let task = tokio::spawn(async move {
            let mut open = None;
            while let Some(rows) = receiver.recv().await {
                let (_, writer) = if let Some(open) = &mut open {
                    open
                } else {
                    let table = Table::open_or_create(&root, &table, &schema).await?;
                    let writer = table.begin(&file, &schema)?;
                    open.insert((table, writer))
                };
                writer.write(&rows).await?;
            }
            let Some((table, writer)) = open else {
                return Ok(None);
            };
            let file = writer.finish().await?;
            Ok(Some(Written { table, file }))
        });
        Self {
            sender: Some(sender),
            task: Some(task),
        }
    }

    /// Adds rows.
    pub(super) async fn write(&mut self, rows: RecordBatch) -> Result<()> {
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let sent = match &self.sender {
            Some(sender) => sender.send(rows).await.is_ok(),
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

    /// Ends the file; `None` if it has no row.
    pub(super) async fn finish(mut self) -> Result<Option<Written>> {
        self.end().await
    }

    async fn end(&mut self) -> Result<Option<Written>> {
        self.sender = None;
        match self.task.take() {
            None => Ok(None),
            Some(task) => task.await.map_err(StoreError::stopped)?,
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
