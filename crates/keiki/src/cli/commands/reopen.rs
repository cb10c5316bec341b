//! `keiki reopen`

use clap::ValueEnum;
use clap::builder::PossibleValue;
use keiki_model::restatement::Cause;
use keiki_model::text::Text;

use super::close;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::measure::root_of_period;
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::statement::{self, Reopen, Reopening, Weight};

/// Open a closed period again, to restate it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The period
    period: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// What kind of cause it has
    #[arg(long, value_name = "CAUSE")]
    cause: Option<Stated>,
    /// Open it although what differs is below the workspace's threshold
    #[arg(long)]
    immaterial: bool,
}

/// The kinds of cause, as words of the command line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stated(Cause);

impl ValueEnum for Stated {
    fn value_variants<'a>() -> &'a [Self] {
        &[
            Self(Cause::Error),
            Self(Cause::LateEvidence),
            Self(Cause::DefinitionChange),
            Self(Cause::Reorganisation),
            Self(Cause::Estimate),
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.0.code()))
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Reopen {
            period: period::period(&self.period)?,
            reason: self.reason,
            cause: self.cause.map(|stated| stated.0),
            weight: if self.immaterial {
                Weight::Any
            } else {
                Weight::Material
            },
            run: Run {
                author: environment::author(),
                now: environment::now(),
            },
        };
        let period = asked.period;
        let said = match statement::reopen(&workspace, &asked, session.progress()).await? {
            Reopening::Opened(revision) => Text::new(
                format!(
                    "{period} の締めを解除しました。次に締めるまで、報告値は第{revision}版のままです"
                ),
                format!(
                    "opened {period} again; until it is closed, revision {revision} stays what was reported"
                ),
            ),
            Reopening::Noted(restatement) => {
                let root = root_of_period(&workspace, period);
                session.line(close::restated(&restatement, &root).get(session.language()));
                Text::new(
                    format!(
                        "いずれも重要性の基準未満のため、{period} は締めたまま差異を記録しました"
                    ),
                    format!(
                        "nothing differs by as much as the threshold: it is noted, and {period} stays closed"
                    ),
                )
            }
        };
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}
