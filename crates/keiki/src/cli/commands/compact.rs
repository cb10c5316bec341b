//! `keiki compact`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::compact;
use crate::operations::programme::Run;

/// Put the journal's many small files together and take raw files away whose time is over; no figure moves. No ingest
/// should run meanwhile
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let whole = compact::compact(&workspace, &run, session.progress()).await?;
        let done = whole.compacted;
        let text = Text::new(
            format!(
                "統合{}ファイル、未完了の取込の残り{}ファイルを除去、削除{}ファイル",
                done.files_merged,
                done.orphans_removed + done.leftovers_removed,
                done.files_deleted
            ),
            format!(
                "{} files merged, {} left by unfinished ingests removed, {} deleted",
                done.files_merged,
                done.orphans_removed + done.leftovers_removed,
                done.files_deleted
            ),
        );
        session.line(text.get(session.language()));
        if let Some((days, files)) = whole.expired {
            let text = Text::new(
                format!(
                    "個人情報を含む生データのうち、保持期間({days}日)を過ぎた{files}ファイルを除去"
                ),
                format!("{files} raw files with personal data taken away after {days} days"),
            );
            session.line(text.get(session.language()));
        }
        Ok(Exit::Fine)
    }
}
