//! `keiki demo`

use std::path::PathBuf;

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::commands::measure;
use crate::cli::session::Session;
use crate::error::Result;
use crate::messages;
use crate::operations::demo;

/// Make a fictional sample group's workspace, take its evidence in month by month, and measure it
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder; it is made where there is none
    #[arg(default_value = "keiki-demo")]
    dir: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let mut played = demo::demo(&self.dir, session.progress()).await?;
        let language = session.language_in(&played.workspace);
        let shown = self.dir.display();
        let rejected: usize = played
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.result.as_ref().ok())
            .map(|report| report.receipt.rejected.len())
            .sum();
        for outcome in &played.outcomes {
            if let Err(error) = &outcome.result {
                session.complain(format!("{}: {}", outcome.source, error));
            }
        }
        let made = Text::new(
            format!(
                "架空のグループのワークスペースを作成しました: {shown}(会社、人、事故はすべて架空です)"
            ),
            format!(
                "made the workspace of a fictional group: {shown} (no company, person or incident in it exists)"
            ),
        );
        session.line(made.get(language));
        let taken = Text::new(
            format!(
                "2026年4月から9月までの証跡{}件を順に取り込みました(取込エラー行{rejected}件)",
                played.outcomes.len()
            ),
            format!(
                "took in {} exports of April to September 2026, one after the other ({rejected} rows rejected)",
                played.outcomes.len()
            ),
        );
        session.line(format!("{}\n", taken.get(language)));
        played
            .measured
            .retain(|measurement| !measurement.is_companion);
        measure::show(&played.measured, &played.workspace, session);
        session.line(format!("\n{}", messages::NEXT.get(language)));
        for (what, command) in next_steps() {
            session.line(format!(
                "  # {}\n  keiki {command} --workspace {shown}",
                what.get(language)
            ));
        }
        Ok(Exit::Fine)
    }
}

/// Commands that show what the story is about.
fn next_steps() -> [(Text, &'static str); 4] {
    [
        (
            Text::new(
                "遅れて届いた会社の分で何が変わったか",
                "what the company that reported late has changed",
            ),
            "explain 1 --org HD --period 2026-09 --against 2026-10-06",
        ),
        (
            Text::new(
                "誰も引き受けていない資産",
                "assets that were found and that nobody owns",
            ),
            "explain 1 --indicator undeclared_count --org HD --period 2026-09 --rows",
        ),
        (
            Text::new(
                "8月の封じ込め時間が後から訂正された経緯",
                "how August's time to contain was corrected later",
            ),
            "explain 23 --org HD --period 2026-08 --against 2026-09-10",
        ),
        (
            Text::new(
                "取込エラー行とその理由",
                "the rows that were rejected, and why",
            ),
            "rejects",
        ),
    ]
}
