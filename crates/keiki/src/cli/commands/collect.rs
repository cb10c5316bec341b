//! `keiki collect`

mod check;
mod export;
mod import;
mod show;
mod status;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;

pub(crate) use import::take_dropped;
pub(crate) use import::take_files;

/// Collect evidence by workbook: make the forms, take them back, see what is missing
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Export(export::Args),
    Check(check::Args),
    Import(import::Args),
    Status(status::Args),
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        match self.command {
            Command::Export(args) => args.run(session).await,
            Command::Check(args) => args.run(session).await,
            Command::Import(args) => Box::pin(args.run(session)).await,
            Command::Status(args) => args.run(session).await,
        }
    }
}
