//! `keiki verify`

use keiki_model::text::Text;
use keiki_report::format;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::messages;
use crate::operations::{statement, verify};

/// Check that the books balance
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let found = verify::verify(&workspace, session.progress()).await?;
        let language = session.language();
        let count = |number: usize| format::count(i128::try_from(number).unwrap_or(i128::MAX));
        let looked = Text::new(
            format!(
                "記帳{}回、仕訳{}件、証跡ファイル{}件(うち削除済み{}件)を検査しました",
                count(found.commits),
                count(found.entries),
                count(found.raw_files),
                count(found.raw_redacted)
            ),
            format!(
                "looked at {} commits, {} entries, {} raw files ({} redacted)",
                count(found.commits),
                count(found.entries),
                count(found.raw_files),
                count(found.raw_redacted)
            ),
        );
        session.line(looked.get(language));
        let (statements, misfit) = statement::verify(&workspace, session.progress()).await?;
        let looked = Text::new(
            format!("締めた報告書{}件を再計算しました", count(statements)),
            format!("computed {} closed statements again", count(statements)),
        );
        session.line(looked.get(language));
        if let Some(misfit) = &misfit {
            session.complain(format!(
                "error: {}: {}",
                misfit.statement.get(language),
                misfit.message.get(language)
            ));
        }
        if found.findings.is_empty() && misfit.is_none() {
            session.line(messages::BALANCED.get(language));
            return Ok(Exit::Fine);
        }
        for finding in &found.findings {
            session.complain(format!(
                "error: {} {}: {}",
                finding.check,
                finding.subject,
                finding.message.get(language)
            ));
        }
        let hint = Text::new(
            "証跡台帳をバックアップから復元してください",
            "restore the journal from a backup",
        );
        session.complain(format!("  hint: {}", hint.get(language)));
        Ok(Exit::Internal)
    }
}
