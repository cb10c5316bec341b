//! `keiki demo`

use std::path::PathBuf;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;

/// Make a fictional sample group's workspace, ingest its evidence month by month, and measure it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder
    #[arg(default_value = "keiki-demo")]
    dir: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let _ = (self.dir, session);
        Ok(Exit::Fine)
    }
}
