//! `keiki restore`

use std::path::PathBuf;

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::backup;

/// Put a backup into a new folder, if it is what it was
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The backup's folder
    backup: PathBuf,
    /// The new folder for the workspace
    folder: PathBuf,
    /// Where the journal goes: a folder within the new one, or the address of an empty place on an object store
    #[arg(long)]
    journal: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let made = backup::restore(&self.backup, &self.folder, self.journal.as_deref()).await?;
        let (seq, at, shown) = (made.journal_version, &made.made_at, self.folder.display());
        let said = Text::new(
            format!(
                "{at} の控え(記帳番号{seq}まで)を戻しました: {shown}。`keiki verify --workspace {shown}` で確かめられます"
            ),
            format!(
                "restored what was backed up at {at}, as of commit {seq}: {shown}; check it with `keiki verify --workspace {shown}`"
            ),
        );
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
