//! `keiki compact`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::compact;

/// Put the journal's many small files together; no figure moves. No ingest should run meanwhile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let done = compact::compact(&workspace, session.progress()).await?;
        let text = Text::new(
            format!(
                "統合{}ファイル、未完了の取込の残り{}ファイルを除去、削除{}ファイル",
                done.files_merged, done.orphans_removed, done.files_deleted
            ),
            format!(
                "{} files merged, {} left by unfinished ingests removed, {} deleted",
                done.files_merged, done.orphans_removed, done.files_deleted
            ),
        );
        session.line(text.get(session.language()));
        Ok(Exit::Fine)
    }
}
