//! `keiki collect check`

use std::path::PathBuf;

use super::show;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::collect::{self, Import};
use crate::operations::ingest::Confirmation;

/// Look into returned workbooks without taking anything in
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Workbooks [default: those in evidence/collected]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Write a copy with every problem marked in its cell
    #[arg(long, value_name = "FILE|DIR")]
    marked: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Import {
            files: self.files,
            marked: self.marked,
            confirmation: Confirmation::Ask,
            as_seen: None,
            author: environment::author(),
            now: environment::now(),
        };
        let found = collect::check(&workspace, &asked).await?;
        Ok(show::returned(&found, &workspace, session))
    }
}
