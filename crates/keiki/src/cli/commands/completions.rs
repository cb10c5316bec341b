//! `keiki completions`

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::session::Session;
use crate::cli::{Cli, Exit};

/// Print completions for a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Exit {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "keiki", &mut script);
        session.print(&String::from_utf8_lossy(&script));
        Exit::Fine
    }
}
