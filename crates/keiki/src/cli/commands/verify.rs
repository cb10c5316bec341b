//! `keiki verify`

use std::path::{Path, PathBuf};

use keiki_model::text::Text;
use keiki_report::format;
use keiki_store::Verification;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::{Error, Result};
use crate::messages;
use crate::operations::verify::{self, Beside};
use crate::operations::{seals, statement};

/// Check that the books balance, and that every closed statement is what it was
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Check a bundle instead, with no workspace and no network
    #[arg(long, value_name = "FILE", requires = "key")]
    bundle: Option<PathBuf>,
    /// The public key of who signed the bundle, as PEM
    #[arg(long, value_name = "FILE", requires = "bundle")]
    key: Option<PathBuf>,
    /// The root certificate that time stamps in the bundle are to lead to, as PEM
    #[arg(long, value_name = "FILE", requires = "bundle")]
    trust: Option<PathBuf>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        if let (Some(bundle), Some(key)) = (&self.bundle, &self.key) {
            return check_bundle(bundle, key, self.trust.as_deref(), session);
        }
        let workspace = session.workspace()?;
        let found = verify::verify(&workspace, session.progress()).await?;
        let language = session.language();
        session.line(looked_at(&found).get(language));
        if !found.findings.is_empty() {
            for finding in &found.findings {
                session.complain(format!(
                    "error: {} {}: {}",
                    finding.check,
                    finding.subject,
                    finding.message.get(language)
                ));
            }
            return Ok(unsound(session));
        }
        let checked = statement::verify(&workspace, session.progress()).await?;
        let (statements, seals) = (count(checked.computed), count(checked.seals));
        let looked = Text::new(
            format!("締めた報告書{statements}件を再計算し、署名等{seals}件を検証しました"),
            format!("computed {statements} closed statements again, checked {seals} seals"),
        );
        session.line(looked.get(language));
        if let Some(misfit) = &checked.misfit {
            session.complain(format!(
                "error: {}: {}",
                misfit.statement.get(language),
                misfit.message.get(language)
            ));
            return Ok(unsound(session));
        }
        session.line(messages::BALANCED.get(language));
        tell_beside(&verify::beside(&workspace).await?, session);
        Ok(Exit::Fine)
    }
}

/// The most files that are named.
const NAMED_MOST: usize = 20;

/// Lists what the books do not vouch for: it moves no figure, and may be what somebody has laid there.
fn tell_beside(beside: &Beside, session: &Session) {
    let language = session.language();
    if let Some(files) = beside.since_close.as_ref().filter(|of| !of.is_empty()) {
        let number = count(files.len());
        let said = Text::new(
            format!("最後の締めより後のファイルが{number}件あり、次の締めで報告書に結び付きます"),
            format!(
                "{number} files came after the last close; the next statement will vouch for them"
            ),
        );
        session.line(said.get(language));
    }
    if beside.strays.is_empty() {
        return;
    }
    let number = count(beside.strays.len());
    let said = Text::new(
        format!("どの取込にも属さないファイルが{number}件あります。数値には影響しません"),
        format!("{number} files belong to no batch; they move no figure"),
    );
    session.line(said.get(language));
    for file in beside.strays.iter().take(NAMED_MOST) {
        session.line(format!("  {file}"));
    }
    if beside.strays.len() > NAMED_MOST {
        session.line("  …");
    }
}

fn count(number: usize) -> String {
    format::count(i128::try_from(number).unwrap_or(i128::MAX))
}

fn looked_at(found: &Verification) -> Text {
    Text::new(
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
    )
}

fn unsound(session: &Session) -> Exit {
    let hint = Text::new(
        "証跡台帳をバックアップから復元してください",
        "restore the journal from a backup",
    );
    session.complain(format!("  hint: {}", hint.get(session.language())));
    Exit::Internal
}

fn check_bundle(
    bundle: &Path,
    key: &Path,
    trust: Option<&Path>,
    session: &Session,
) -> Result<Exit> {
    let key = seals::public_key(key)?;
    let trust = match trust {
        None => None,
        Some(file) => Some(std::fs::read_to_string(file).map_err(Error::file(file))?),
    };
    let found = seals::check(bundle, &key, trust.as_deref())?;
    let language = session.language();
    let by = found.signed_by.join(", ");
    let said = Text::new(
        format!(
            "{} 第{}版: 連鎖の{}件、定義、署名({by})に矛盾はありません",
            found.period, found.revision, found.events
        ),
        format!(
            "{} revision {}: the chain of {} events, the definitions and the signature ({by}) fit",
            found.period, found.revision, found.events
        ),
    );
    session.line(said.get(language));
    for stamp in &found.stamps {
        let said = Text::new(
            format!("タイムスタンプ: {} {}", stamp.at, stamp.authority),
            format!("time stamp: {} by {}", stamp.at, stamp.authority),
        );
        session.line(said.get(language));
    }
    Ok(Exit::Fine)
}
