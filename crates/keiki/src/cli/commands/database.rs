//! `keiki database`

use std::path::PathBuf;

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::relocation;

/// Move the operational database
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    /// Move everything from the file into the empty database of the server that keiki.toml names: all of it or nothing. No server should run meanwhile
    Move {
        /// The file, from the workspace's folder [default: .keiki/keiki.db]
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let What::Move { from } = self.what;
        let moved = relocation::move_into_server(&workspace, from.as_deref()).await?;
        let rows: u64 = moved.iter().map(|table| table.rows).sum();
        for table in &moved {
            session.line(format!("{:>9}  {}", table.rows, table.name));
        }
        let said = Text::new(
            format!(
                "{}表{rows}行を移行しました。元のファイルはそのまま残っています。keiki verify で確認してから削除してください",
                moved.len()
            ),
            format!(
                "moved {} tables with {rows} rows; the file stays as it was: check with keiki verify, then take it away",
                moved.len()
            ),
        );
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
