//! What takes two people: asked for by one, on a page, by a program or on the command line, and agreed to by another.

use keiki_model::access::{Right, Role};
use keiki_model::calendar::{Period, local_day};
use keiki_model::text::Text;
use keiki_store::{AccountStanding, Accounts, Decision, RequestKind, Requests, StoredRequest};

use super::access::Scope;
use super::accounts::new_token;
use super::changes;
use super::programme::Run;
use crate::config::Workspace;
use crate::error::{Error, Result};

/// Asks for a period to be closed although something stands in the way. Returns the reason as it is kept.
///
/// # Errors
/// There is no reason, or that was asked for already.
pub async fn ask_to_close(
    workspace: &Workspace,
    period: Period,
    reason: &str,
    run: &Run,
) -> Result<String> {
    let reason = changes::reason(reason)?;
    let request = StoredRequest {
        id: new_token(),
        kind: RequestKind::Close,
        subject: period.to_string(),
        change: String::new(),
        reason: reason.clone(),
        asked_by: run.author.clone(),
        asked_at: run.now,
        decision: Decision::Open,
        decided_by: String::new(),
    };
    let book = Requests::open(&workspace.database()?).await?;
    if book.add(&request).await? {
        Ok(reason)
    } else {
        Err(changes::asked_already())
    }
}

/// Whether there are approvers: accounts that may agree to what is asked for. Where there are, nobody agrees in their place.
///
/// # Errors
/// The database cannot be read.
pub async fn has_approvers(workspace: &Workspace, now: i64) -> Result<bool> {
    let tree = workspace
        .organisation
        .tree(local_day(now, &workspace.settings.zone));
    let root = &tree.nodes()[0].id;
    let accounts = Accounts::open(&workspace.database()?).await?;
    let all = accounts.all().await?;
    Ok(all.into_iter().any(|account| {
        let is_approver = account.grants.iter().any(|one| one.role == Role::Approver);
        let is_active = account.standing == AccountStanding::Active;
        is_active && is_approver && Scope::new(account.grants).allows_at(Right::Approve, root)
    }))
}

/// Refuses that somebody is named who has agreed, where there are approvers who agree themselves.
///
/// # Errors
/// There are approvers.
pub async fn need_own_word(workspace: &Workspace, now: i64) -> Result<()> {
    if !has_approvers(workspace, now).await? {
        return Ok(());
    }
    Err(Error::user(
        Text::new(
            "承認者のアカウントがあるため、代わりに承認者を指定することはできません",
            "there are approvers, and nobody agrees in their place",
        ),
        Text::new(
            "--agreed-by を外してください。申請になり、承認者が「申請」の画面で承認すると締まります",
            "leave --agreed-by out: it becomes a request, and the period closes once an approver agrees, under Requests",
        ),
    ))
}
