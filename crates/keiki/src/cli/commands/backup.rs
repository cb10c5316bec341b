//! `keiki backup`

use std::path::PathBuf;

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::{Session, actor};
use crate::error::Result;
use crate::operations::accounts::Registry;
use crate::operations::backup::{self, DatabaseCopy};
use crate::operations::programme::Run;

/// Copy the workspace with its books, all of one moment, into a new folder
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new folder
    folder: PathBuf,
    /// Leave the operational database to the tools of its server
    #[arg(long)]
    without_database: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let by = actor();
        let run = Run {
            author: by.name.clone(),
            now: by.now,
        };
        let database = if self.without_database {
            DatabaseCopy::Elsewhere
        } else {
            DatabaseCopy::Taken
        };
        let made = backup::back_up(&workspace, &self.folder, (&run, database)).await?;
        let (seq, count) = (made.journal_version, made.files.len() + made.journal.len());
        let shown = self.folder.display();
        let registry = Registry::open(&workspace).await?;
        registry
            .note(&by, "backup", &shown.to_string(), &seq.to_string())
            .await?;
        let said = Text::new(
            format!("{count}ファイルを控えました(記帳番号{seq}まで): {shown}"),
            format!("copied {count} files, as of commit {seq}: {shown}"),
        );
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
