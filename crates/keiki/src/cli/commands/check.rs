//! `keiki check`

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::messages;
use crate::operations::check;

/// Validate everything in the workspace, all problems at once
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let Self {} = self;
        let found = check::check(&session.workspace()?).await?;
        let text = messages::contents(
            found.org_units,
            found.hierarchies,
            found.sources,
            found.datasets,
            found.kpis,
        );
        session.line(text.get(session.language()));
        if found.sampled > 0 {
            let text = messages::sampled(found.sampled);
            session.line(text.get(session.language()));
        }
        Ok(Exit::Fine)
    }
}
