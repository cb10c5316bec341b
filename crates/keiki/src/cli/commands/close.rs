//! `keiki close`

mod status;

use keiki_model::restatement::Restatement;
use keiki_model::statement::{Obstacle, Statement};
use keiki_model::text::Text;
use keiki_report::{format, sentence};

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::operations::accounts::{Actor, Registry};
use crate::operations::programme::Run;
use crate::operations::statement::{self, Close, Closing, Kind};
use crate::operations::{period, requests};

/// Close a period: its figures are numbered and never change again
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period: 2026-09, FY2026-Q2, FY2026-H1 or FY2026
    period: String,
    /// Only tell how far the close is: its days, who has certified, what stands in the way
    #[arg(long, conflicts_with_all = ["preliminary", "reason", "agreed_by"])]
    status: bool,
    /// Put the figures before those who certify them; nothing is closed yet
    #[arg(long, conflicts_with_all = ["reason", "agreed_by"])]
    preliminary: bool,
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
            kind: if self.preliminary {
                Kind::Preliminary
            } else {
                Kind::Final
            },
            run: Run {
                author: environment::author(),
                now: environment::now(),
            },
            fulfils: None,
        };
        if self.status {
            let progress = session.progress();
            let found = statement::status(&workspace, asked.period, &asked.run, progress).await?;
            status::show(&found, &workspace, session);
            return Ok(Exit::Fine);
        }
        let language = session.language();
        if asked.agreed_by.is_some() {
            requests::need_own_word(&workspace, asked.run.now).await?;
        }
        match statement::close(&workspace, &asked, session.progress()).await? {
            Closing::Closed(statement) => {
                list(&statement.obstacles, &workspace, session, Session::note);
                session.line(closed(&statement).get(language));
                if let Some(restatement) = &statement.restatement {
                    let root = super::statement::root_of(&statement, &workspace);
                    session.line(restated(restatement, &root).get(language));
                }
                Ok(Exit::Fine)
            }
            Closing::Preliminary(statement) => {
                let said = Text::new(
                    format!(
                        "{} を仮締めしました。確認責任者は `keiki certify {} --org 組織` で確認します",
                        asked.period, asked.period
                    ),
                    format!(
                        "the figures of {} lie before those who certify them: `keiki certify {} --org ID`",
                        asked.period, asked.period
                    ),
                );
                session.line(said.get(language));
                list(&statement.obstacles, &workspace, session, Session::note);
                Ok(Exit::Fine)
            }
            Closing::Hindered(obstacles)
                if asked.reason.is_some()
                    && requests::has_approvers(&workspace, asked.run.now).await? =>
            {
                ask(&workspace, &asked).await?;
                let said = Text::new(
                    format!(
                        "{} の締めを申請しました。承認者が「申請」の画面で承認すると締まります",
                        asked.period
                    ),
                    format!(
                        "asked for {} to be closed all the same; it closes once an approver agrees, under Requests",
                        asked.period
                    ),
                );
                session.line(said.get(language));
                list(&obstacles, &workspace, session, Session::note);
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

/// Asks for what a page asks for, and notes it as the page does.
async fn ask(workspace: &Workspace, asked: &Close) -> Result<()> {
    let given = asked.reason.as_deref().unwrap_or_default();
    let reason = requests::ask_to_close(workspace, asked.period, given, &asked.run).await?;
    let by = Actor {
        name: asked.run.author.clone(),
        address: String::new(),
        now: asked.run.now,
    };
    let registry = Registry::open(workspace).await?;
    let object = asked.period.to_string();
    registry.note(&by, "request_close", &object, &reason).await
}

fn closed(statement: &Statement) -> Text {
    let count = format::count(i128::try_from(statement.measurements.len()).unwrap_or(0));
    Text::new(
        format!(
            "{} を第{}版として締めました。測定結果{count}件、記帳番号{}",
            statement.period, statement.revision, statement.journal_version
        ),
        format!(
            "closed {} as revision {}: {count} measurements as of commit {}",
            statement.period, statement.revision, statement.journal_version
        ),
    )
}

/// The amount of a restatement.
pub(super) fn restated(restatement: &Restatement, root: &str) -> Text {
    let (material, others) = restatement.count(root);
    let of = restatement.of_revision;
    Text::new(
        format!(
            "第{of}版からの遡及訂正: 重要な差異{material}件、重要でない差異{others}件(全体の指標)"
        ),
        format!(
            "restates revision {of}: {material} indicators of the whole differ materially, {others} by less"
        ),
    )
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
