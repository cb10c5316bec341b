//! Tells people and other systems what they are to know: what is owed, and what changed. Nobody is told the same twice.
//!
//! What is worth telling is found in `notices`; `mail` and `webhook` send it. All that is new for somebody goes into one message.
//! *Source*: decision 0064.

mod mail;
mod notices;
mod webhook;

use keiki_ingest::live::{Surroundings, Vault};
use keiki_model::access::Right;
use keiki_model::calendar::local_day;
use keiki_model::text::Language;
use keiki_store::{Account, AccountStanding, Notices};

use super::access::Scope;
use super::accounts::Registry;
use super::programme::Run;
use crate::config::Workspace;
use crate::config::settings::Digest;
use crate::error::Result;

pub use notices::{Notice, Occasion};

/// Whether what is due is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sending {
    /// It is.
    Send,
    /// It is listed only.
    List,
}

/// What was, or would be, told to somebody.
#[derive(Debug)]
pub struct Told {
    /// To whom: an account, or a webhook.
    pub recipient: String,
    /// By what: an address of mail, or the place of a webhook.
    pub place: String,
    /// What.
    pub notices: Vec<Notice>,
    /// How it went; `Ok` too where it was only listed.
    pub result: Result<()>,
}

/// Tells everybody what is new for them.
///
/// # Errors
/// What is due cannot be found out; a message that cannot be sent is told in its place, and tried again the next time.
pub async fn remind(
    workspace: &Workspace,
    run: &Run,
    surroundings: &dyn Surroundings,
    sending: Sending,
) -> Result<Vec<Told>> {
    let settings = &workspace.settings.notify;
    if settings.mail.is_none() && settings.webhooks.is_empty() {
        return Ok(Vec::new());
    }
    let ledger = Notices::open(&workspace.database()?).await?;
    let notices = notices::due(workspace, &ledger, run).await?;
    let vault = Vault::new(surroundings, &workspace.root);
    let mut told = Vec::new();
    if let Some(mail) = &settings.mail {
        let registry = Registry::open(workspace).await?;
        for account in registry.all().await? {
            let Some(address) = account.mail.clone() else {
                continue;
            };
            let recipient = format!("account:{}", account.id);
            let last = ledger.last(&recipient).await?;
            if last.is_some_and(|last| waits(workspace, mail.digest, last, run.now)) {
                continue;
            }
            let mine = notices
                .iter()
                .filter(|one| concerns(workspace, &account, one, run));
            let new = new(&ledger, &recipient, mine, (run.now, sending)).await?;
            if new.is_empty() {
                continue;
            }
            let language = account.language.unwrap_or(workspace.settings.language);
            let result = match sending {
                Sending::Send => {
                    mail::send(workspace, mail, &vault, (&address, language), &new).await
                }
                Sending::List => Ok(()),
            };
            settle(&ledger, &recipient, &new, &result).await?;
            told.push(Told {
                recipient: account.name,
                place: address,
                notices: new,
                result,
            });
        }
    }
    for hook in &settings.webhooks {
        let recipient = format!("webhook:{}", hook.name);
        // What one person owes is theirs to know.
        let public = notices.iter().filter(|one| !one.occasion.is_personal());
        let new = new(&ledger, &recipient, public, (run.now, sending)).await?;
        if new.is_empty() {
            continue;
        }
        let result = match sending {
            Sending::Send => webhook::send(workspace, hook, &vault, &new, run.now).await,
            Sending::List => Ok(()),
        };
        settle(&ledger, &recipient, &new, &result).await?;
        told.push(Told {
            recipient: hook.name.clone(),
            place: hook.destination.place(),
            notices: new,
            result,
        });
    }
    Ok(told)
}

/// Whether what is new waits for the next mail, since there was one not long ago.
fn waits(workspace: &Workspace, digest: Option<Digest>, last: i64, now: i64) -> bool {
    let zone = &workspace.settings.zone;
    digest.is_some_and(|digest| digest.is_of_one(local_day(last, zone), local_day(now, zone)))
}

/// The notices that somebody was not told; where they are sent, they are claimed.
async fn new<'n>(
    ledger: &Notices,
    recipient: &str,
    notices: impl Iterator<Item = &'n Notice>,
    (now, sending): (i64, Sending),
) -> Result<Vec<Notice>> {
    let notices: Vec<&Notice> = notices.collect();
    let is_new = match sending {
        Sending::Send => {
            let keys: Vec<&str> = notices.iter().map(|notice| notice.key.as_str()).collect();
            ledger.claim(recipient, &keys, now).await?
        }
        Sending::List => {
            let mut is_new = Vec::with_capacity(notices.len());
            for notice in &notices {
                is_new.push(!ledger.is_sent(recipient, &notice.key).await?);
            }
            is_new
        }
    };
    let new = notices
        .into_iter()
        .zip(is_new)
        .filter(|(_, is_new)| *is_new);
    Ok(new.map(|(notice, _)| notice.clone()).collect())
}

/// Gives up the claim on what could not be sent.
async fn settle(
    ledger: &Notices,
    recipient: &str,
    notices: &[Notice],
    result: &Result<()>,
) -> Result<()> {
    if result.is_err() {
        for notice in notices {
            ledger.release(recipient, &notice.key).await?;
        }
    }
    Ok(())
}

/// Whether a notice is for the owner of an account: they have the right that it is about, for its org unit or for the whole tree.
fn concerns(workspace: &Workspace, account: &Account, notice: &Notice, run: &Run) -> bool {
    if account.standing == AccountStanding::Disabled {
        return false;
    }
    let scope = Scope::new(account.grants.clone());
    let today = local_day(run.now, &workspace.settings.zone);
    let tree = workspace.organisation.tree(today);
    let within = |right: Right| scope.within(right, &tree);
    match &notice.unit {
        Some(unit) => within(notice.occasion.right()).has(unit),
        None => within(notice.occasion.right()).is_whole(),
    }
}

/// A line for each notice, in a language.
fn lines(notices: &[Notice], language: Language) -> Vec<String> {
    let lines = notices.iter();
    lines.map(|one| one.text.get(language).to_owned()).collect()
}
