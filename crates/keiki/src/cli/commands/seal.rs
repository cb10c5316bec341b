//! `keiki seal`

use std::path::PathBuf;

use keiki_model::text::Text;

use super::statement::revision_of;
use crate::cli::Exit;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::environment;
use crate::error::{Error, Result};
use crate::operations::programme::Run;
use crate::operations::statement::Revision;
use crate::operations::{period, seals};

/// Sign a closed statement, have it time-stamped, hand it on as a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// A closed statement.
#[derive(Debug, clap::Args)]
struct Which {
    /// The period
    period: String,
    /// The revision [default: the last]
    #[arg(long, value_name = "NUMBER")]
    revision: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Sign it
    Sign {
        #[command(flatten)]
        which: Which,
        /// The key: its name in the workspace, or its file
        #[arg(long, value_name = "NAME|FILE")]
        key: String,
    },
    /// Write the request that a time-stamping authority answers (RFC 3161)
    Request {
        #[command(flatten)]
        which: Which,
        /// The file of the request
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Keep the authority's answer, if it fits
    Stamp {
        #[command(flatten)]
        which: Which,
        /// The file of the answer
        #[arg(long, value_name = "FILE")]
        answer: PathBuf,
        /// The certificate of the authority's root, as PEM
        #[arg(long, value_name = "FILE")]
        trust: PathBuf,
    },
    /// Write a zip file that verifies without the workspace: statement, chain, definitions, seals
    Bundle {
        #[command(flatten)]
        which: Which,
        /// The zip file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let said = self.action.carry_out(&workspace).await?;
        session.line(said.get(session.language()));
        Ok(Exit::Fine)
    }
}

impl Action {
    async fn carry_out(self, workspace: &Workspace) -> Result<Text> {
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let which = |which: &Which| {
            let period = period::period(&which.period)?;
            let revision = match which.revision.as_deref() {
                None => Revision::Last,
                Some(text) => revision_of(text)?,
            };
            Ok::<_, Error>((period, revision))
        };
        Ok(match self {
            Self::Sign { which: of, key } => {
                let (period, revision) = which(&of)?;
                let revision = seals::sign(workspace, period, revision, &key, &run).await?;
                Text::new(
                    format!("{period} 第{revision}版に署名しました"),
                    format!("signed revision {revision} of {period}"),
                )
            }
            Self::Request { which: of, out } => {
                let (period, revision) = which(&of)?;
                let bytes = seals::stamp_request(workspace, period, revision).await?;
                std::fs::write(&out, bytes).map_err(Error::file(&out))?;
                let out = out.display();
                Text::new(
                    format!(
                        "書き出しました: {out}(発行局へ送る例: curl -H 'Content-Type: application/timestamp-query' --data-binary @{out} URL > answer.tsr)"
                    ),
                    format!(
                        "written: {out} (to send it: curl -H 'Content-Type: application/timestamp-query' --data-binary @{out} URL > answer.tsr)"
                    ),
                )
            }
            Self::Stamp {
                which: of,
                answer,
                trust,
            } => {
                let (period, revision) = which(&of)?;
                let files = (answer.as_path(), trust.as_path());
                let stamp = seals::stamp(workspace, period, revision, files, &run).await?;
                let (at, authority) = (stamp.at, stamp.authority);
                Text::new(
                    format!("{period} のタイムスタンプを確認し、収めました: {at} {authority}"),
                    format!("kept the time stamp of {period}: {at} by {authority}"),
                )
            }
            Self::Bundle { which: of, out } => {
                let (period, revision) = which(&of)?;
                let revision = seals::write(workspace, period, revision, &out).await?;
                let out = out.display();
                Text::new(
                    format!("{period} 第{revision}版の検証用ファイルを書き出しました: {out}"),
                    format!("wrote revision {revision} of {period} as a bundle: {out}"),
                )
            }
        })
    }
}
