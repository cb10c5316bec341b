//! `keiki reopen`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::programme::Run;
use crate::operations::{period, statement};

/// Open a closed period again, to restate it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period
    period: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let period = period::period(&self.period)?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let revision = statement::reopen(&workspace, period, &self.reason, &run).await?;
        let said = Text::new(
            format!(
                "{period} の締めを解除しました。次に締めるまで、報告値は第{revision}版のままです"
            ),
            format!(
                "opened {period} again; until it is closed, revision {revision} stays what was reported"
            ),
        );
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
