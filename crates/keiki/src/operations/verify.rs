//! Checks that the books balance.

use std::collections::BTreeSet;

use keiki_model::calendar::local_day;
use keiki_model::text::Text;
use keiki_store::{AuditLog, Finding, Journal, Listing, StoreError, Verification};

use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::{Progress, Step};

/// What the books hold beside what they vouch for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// Files that no batch names; they count for nothing.
    pub strays: Vec<String>,
    /// Files that came after the last close, so that no statement vouches for their bytes yet; `None` where nothing was closed.
    pub since_close: Option<Vec<String>>,
}

/// Lists what the journal's folder holds beside what batches and statements name.
///
/// # Errors
/// The journal or the statements cannot be read.
pub async fn beside(workspace: &Workspace) -> Result<Beside> {
    let journal = workspace.journal(Opening::Existing).await?;
    let closed = workspace.statements().await?.closed().await?;
    let mut hashes = closed.iter().rev();
    let last = hashes.find_map(|head| head.journal_sha256.as_deref());
    let kept = match last {
        Some(sha256) => workspace.seals().await?.listing(sha256).await?,
        None => None,
    };
    let since_close = match kept.map(|text| Listing::parse(&text)) {
        None => None,
        Some(kept) => {
            let now = journal.listing(&kept).await?;
            Some(now.beyond(&kept).map(str::to_owned).collect())
        }
    };
    Ok(Beside {
        strays: journal.strays().await?,
        since_close,
    })
}

/// Verifies the journal: first that its files are those that were there when statements were closed, then what is in them, then
/// the log of who did what, then what is kept of its sums.
///
/// # Errors
/// It cannot be read at all; what does not fit is a finding.
pub async fn verify(workspace: &Workspace, progress: &dyn Progress) -> Result<Verification> {
    let journal = workspace.journal_itself().await?;
    progress.begin(&Step::Verifying);
    if let Some(finding) = changed(workspace, &journal).await? {
        return Ok(Verification {
            findings: vec![finding],
            ..Verification::default()
        });
    }
    match journal.verify(&workspace.datasets()).await {
        Ok(mut found) => {
            found.findings.extend(altered_log(workspace).await?);
            if found.findings.is_empty() {
                found.findings = Box::pin(differing_cubes(workspace, &journal)).await?;
            }
            Ok(found)
        }
        Err(error) if is_damage(&error) => Ok(Verification {
            findings: vec![Finding {
                check: "journal",
                subject: "entries".to_owned(),
                message: error.message(),
            }],
            ..Verification::default()
        }),
        Err(error) => Err(error.into()),
    }
}

/// The kept cubes that are not what all entries come to when they are read again.
async fn differing_cubes(workspace: &Workspace, journal: &Journal) -> Result<Vec<Finding>> {
    let known_at = journal.snapshot().await?.known_at();
    let today = local_day(known_at, &workspace.settings.zone);
    let differing = workspace.engine().cubes_that_differ(journal, today).await?;
    let finding = |dataset| Finding {
        check: "cubes",
        subject: dataset,
        message: Text::new(
            "保持している集計が全記帳の再集計と一致しません。.keiki/cubesを削除すると次の測定で作り直します",
            "what is kept of its sums is not what all entries come to; delete .keiki/cubes, and it is made anew",
        ),
    };
    Ok(differing.into_iter().map(finding).collect())
}

/// The first line of the log of who did what that is not bound to the one before it.
async fn altered_log(workspace: &Workspace) -> Result<Option<Finding>> {
    let broken = AuditLog::open(&workspace.database()?)
        .await?
        .broken()
        .await?;
    Ok(broken.map(|(number, message)| Finding {
        check: "log",
        subject: format!("#{number}"),
        message,
    }))
}

fn is_damage(error: &StoreError) -> bool {
    matches!(
        error,
        StoreError::Parquet(_)
            | StoreError::Arrow(_)
            | StoreError::Damaged(_)
            | StoreError::Delta { .. }
    )
}

/// The first file of the journal that is not what it was when a statement was closed.
async fn changed(workspace: &Workspace, journal: &Journal) -> Result<Option<Finding>> {
    let finding = |subject: String, ja: &str, en: &str| {
        Ok(Some(Finding {
            check: "journal",
            subject,
            message: Text::new(ja, en),
        }))
    };
    let book = workspace.statements().await?;
    // A chain that does not hold is found with the statements.
    if book.broken().await?.is_some() {
        return Ok(None);
    }
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut now: Option<Listing> = None;
    let seals = workspace.seals().await?;
    for statement in book.closed().await? {
        let Some(sha256) = statement
            .journal_sha256
            .filter(|one| seen.insert(one.clone()))
        else {
            continue;
        };
        let Some(listing) = seals.listing(&sha256).await? else {
            let subject = format!("{} revision {}", statement.period, statement.revision);
            return finding(
                subject,
                "証跡台帳のファイル一覧が記録時と異なります",
                "the list of the journal's files is not what it was",
            );
        };
        if now.is_none() {
            now = Some(journal.listing(&Listing::default()).await?);
        }
        let changed = now.as_ref().and_then(|now| {
            let listing = Listing::parse(&listing);
            listing.first_changed(now).map(str::to_owned)
        });
        if let Some(file) = changed {
            return finding(
                file,
                "締めた時点の内容と異なります",
                "its bytes are not those that were there at the close",
            );
        }
    }
    Ok(None)
}
