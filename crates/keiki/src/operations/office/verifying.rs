//! Whether the books are what they were, before an auditor; and a figure with all that belongs to it, to be taken along.

use keiki_model::access::Right;
use keiki_model::text::Text;

use super::Desk;
use super::figures::Look;
use crate::error::{Error, Result};
use crate::operations::audit::{self, Asked};
use crate::operations::programme::Run;
use crate::operations::rejects::Originals;
use crate::operations::statement::Revision;
use crate::operations::{statement, verify};
use crate::progress::Silent;

/// How many records of a figure are drawn at most.
pub const SAMPLE_MOST: usize = 1_000;

/// What came of a verification.
#[derive(Debug, Clone)]
pub struct Verified {
    /// Entries of the journal that were looked at.
    pub entries: usize,
    /// Closed statements that were computed again.
    pub statements: usize,
    /// Signatures and time stamps that were checked.
    pub seals: usize,
    /// What does not fit: about what, and how.
    pub findings: Vec<(String, String)>,
}

impl Desk {
    /// Verifies the journal, the log and every closed statement: what `keiki verify` does.
    ///
    /// # Errors
    /// They may not audit everything, or the books cannot be read at all.
    pub async fn verify(&self) -> Result<Verified> {
        self.whole(Right::Audit)?;
        let workspace = &self.books.workspace;
        let language = self.who.language;
        let say = |text: &Text| text.get(language).to_owned();
        let found = Box::pin(verify::verify(workspace, &Silent)).await?;
        let findings = found.findings.iter();
        let mut findings: Vec<(String, String)> = findings
            .map(|one| {
                let about = format!("{} {}", one.check, one.subject);
                (about, say(&one.message))
            })
            .collect();
        let mut checked = statement::Checked::default();
        if findings.is_empty() {
            checked = Box::pin(statement::verify(workspace, &Silent)).await?;
            let misfit = checked.misfit.iter();
            findings.extend(misfit.map(|one| (say(&one.statement), say(&one.message))));
        }
        let verified = Verified {
            entries: found.entries,
            statements: checked.computed,
            seals: checked.seals,
            findings,
        };
        let result = if verified.findings.is_empty() {
            "sound"
        } else {
            "unsound"
        };
        let about = format!("{} statements", verified.statements);
        self.note("verify", result, &about).await?;
        Ok(verified)
    }

    /// Whether the reader may take audit packs along.
    #[must_use]
    pub fn may_take_packs(&self) -> bool {
        self.whole(Right::SeeEvidence).is_ok()
    }

    /// The audit pack of a figure as a zip file: a sample of its records that anybody can draw again, their raw rows, who prepared and
    /// who approved them, the definition with its history. Returns its name and bytes.
    ///
    /// # Errors
    /// They may not see all evidence, or there is no such figure.
    pub async fn audit_pack(
        &self,
        look: &Look,
        (no, indicator): (u32, Option<String>),
        count: usize,
    ) -> Result<(String, Vec<u8>)> {
        self.whole(Right::SeeEvidence)?;
        let kpi = self.books.workspace.catalogue.kpi(&no.to_string());
        let kpi = kpi.ok_or(Error::Absent)?;
        let mut indicators = kpi.indicators.iter();
        let is_asked = |code: &String| indicators.any(|one| one.code == *code);
        if !indicator.as_ref().is_none_or(is_asked) {
            return Err(Error::Absent);
        }
        let (period, unit) = self.looked_at(look).await?;
        let board = self.board(look).await?;
        let asked = Asked {
            kpi: no.to_string(),
            indicator,
            org_unit: unit.clone(),
            period,
            revision: match board.revision() {
                // An audit pack is of what was closed, or of today.
                Revision::Open if board.known_at().is_some() => return Err(Error::Absent),
                revision => revision,
            },
            count: count.min(SAMPLE_MOST),
            seed: None,
            // Rows that name people stay where they are.
            originals: Originals::Impersonal,
            language: self.who.language,
            run: Run::of_nobody(self.who.actor.now),
        };
        let folder = self.office.waiting.folder()?;
        let name = format!("audit-{no}-{unit}-{period}.zip");
        let place = folder.path().join("pack.zip");
        let workspace = &self.books.workspace;
        Box::pin(audit::pack(workspace, &asked, &place, &Silent)).await?;
        let bytes = std::fs::read(&place).map_err(Error::file(&place))?;
        self.note(
            "audit_pack",
            &format!("{no} {unit} {period}"),
            &count.to_string(),
        )
        .await?;
        Ok((name, bytes))
    }
}
