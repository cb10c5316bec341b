//! `keiki certify`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::programme::Run;
use crate::operations::{certify, period};

/// Stand by a company's figures of a period, as the person who answers for them
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026
    period: String,
    /// The company
    #[arg(long, value_name = "ID")]
    org: String,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let period = period::period(&self.period)?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let progress = session.progress();
        let count = certify::certify(&workspace, period, &self.org, &run, progress).await?;
        let unit = session.names(&workspace).org_unit(&self.org);
        let said = Text::new(
            format!("{unit} の {period} の測定結果{count}件を確認済みとしました"),
            format!("certified {count} figures of {unit} for {period}"),
        );
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
