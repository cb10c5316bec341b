//! `keiki collect import`

use std::path::PathBuf;

use super::show;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::operations::collect::{self, Import};
use crate::operations::ingest::Confirmation;

/// Take returned workbooks in
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Workbooks [default: the new ones in evidence/collected]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write a copy with every problem marked in its cell
    #[arg(long, value_name = "FILE|DIR")]
    marked: Option<PathBuf>,
    /// Carry out retirements that were held back
    #[arg(long)]
    confirm_missing: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Import {
            marked: self.marked,
            confirmation: if self.confirm_missing {
                Confirmation::Given
            } else {
                Confirmation::Ask
            },
            ..plain(self.files)
        };
        let found = Box::pin(collect::import(&workspace, &asked, session.progress())).await?;
        Ok(show::returned(&found, &workspace, session))
    }
}

fn plain(files: Vec<PathBuf>) -> Import {
    Import {
        files,
        marked: None,
        confirmation: Confirmation::Ask,
        as_seen: None,
        author: environment::author(),
        now: environment::now(),
    }
}

/// Takes in workbooks that `keiki ingest` was given.
pub(crate) async fn take_files(
    files: Vec<PathBuf>,
    workspace: &Workspace,
    session: &Session,
) -> Result<Exit> {
    let found = Box::pin(collect::import(
        workspace,
        &plain(files),
        session.progress(),
    ))
    .await?;
    Ok(show::returned(&found, workspace, session))
}

/// Takes in the new workbooks of the drop folder.
pub(crate) async fn take_dropped(workspace: &Workspace, session: &Session) -> Result<Exit> {
    if collect::dropped(workspace)?.is_empty() {
        return Ok(Exit::Fine);
    }
    take_files(Vec::new(), workspace, session).await
}
