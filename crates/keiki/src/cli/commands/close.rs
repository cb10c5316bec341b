//! `keiki close`

use keiki_model::statement::Obstacle;
use keiki_model::text::Text;
use keiki_report::{format, sentence};

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::statement::{self, Close, Closing};

/// Close a period: its figures are numbered and never change again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026
    period: String,
    /// Why it is closed although something stands in the way, or what is restated
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The second person who agrees, where something stands in the way
    #[arg(long, value_name = "NAME")]
    agreed_by: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Close {
            period: period::period(&self.period)?,
            reason: self.reason,
            agreed_by: self.agreed_by,
            run: Run {
                author: environment::author(),
                now: environment::now(),
            },
        };
        let language = session.language();
        match statement::close(&workspace, &asked, session.progress()).await? {
            Closing::Closed(statement) => {
                list(&statement.obstacles, &workspace, session, Session::note);
                let count =
                    format::count(i128::try_from(statement.measurements.len()).unwrap_or(0));
                let said = Text::new(
                    format!(
                        "{} を第{}版として締めました。測定結果{count}件、記帳番号{}",
                        statement.period, statement.revision, statement.journal_version
                    ),
                    format!(
                        "closed {} as revision {}: {count} measurements as of commit {}",
                        statement.period, statement.revision, statement.journal_version
                    ),
                );
                session.line(said.get(language));
                Ok(Exit::Fine)
            }
            Closing::Hindered(obstacles) => {
                let said = Text::new(
                    format!("error: {} の締めを妨げるものがあります", asked.period),
                    format!(
                        "error: something stands in the way of closing {}",
                        asked.period
                    ),
                );
                session.complain(said.get(language));
                list(&obstacles, &workspace, session, Session::complain);
                let hint = Text::new(
                    "  hint: 解消するか、--reason 理由 と --agreed-by 別の承認者 を付けて締めてください。報告書に残ります",
                    "  hint: mend it, or close all the same with --reason TEXT and --agreed-by SECOND-PERSON; the statement will say so",
                );
                session.complain(hint.get(language));
                Ok(Exit::Wrong)
            }
        }
    }
}

/// Says what stands, or stood, in the way.
pub(super) fn list(
    obstacles: &[Obstacle],
    workspace: &Workspace,
    session: &Session,
    say: impl Fn(&Session, String),
) {
    let names = session.names(workspace);
    for obstacle in obstacles {
        let text = sentence::obstacle(obstacle, &names);
        say(session, format!("  - {}", text.get(session.language())));
    }
}
