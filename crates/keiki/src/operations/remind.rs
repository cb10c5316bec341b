//! Tells people and other systems what they are to know: what is owed, and what changed. Nobody is told the same twice.
//!
//! What is worth telling is found in `notices`; `mail` and `webhook` send it. All that is new for somebody goes into one message.
//! *Source*: decisions 0064, 0121.

mod mail;
mod messages;
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

pub use messages::{Attempt, MessageStanding, Unsettled, unsettled};
pub use notices::{Notice, Occasion};

use messages::{Post, Receiver};

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
    /// Whether somebody tried before.
    pub attempt: Attempt,
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
    let post = Post::new(&ledger, (run.now, sending)).await?;
    let mut told = Vec::new();
    if let Some(mail) = &settings.mail {
        let registry = Registry::open(workspace).await?;
        for account in registry.all().await? {
            let Some(address) = account.mail.clone() else {
                continue;
            };
            let recipient = format!("account:{}", account.id);
            let mine = notices
                .iter()
                .filter(|one| concerns(workspace, &account, one, run));
            let mine: Vec<&Notice> = mine.collect();
            let mut messages = post.lost(&recipient, &mine, Receiver::KnowsIds).await?;
            let last = ledger.last(&recipient).await?;
            if last.is_none_or(|last| !waits(workspace, mail.digest, last, run.now)) {
                messages.extend(post.new_message(&recipient, &mine).await?);
            }
            let language = account.language.unwrap_or(workspace.settings.language);
            for message in messages {
                let to = (address.as_str(), language);
                let sent = mail::send(workspace, mail, &vault, to, &message);
                let result = post.deliver(&message, sent).await?;
                told.push(message.told(account.name.clone(), address.clone(), result));
            }
        }
    }
    for hook in &settings.webhooks {
        let recipient = format!("webhook:{}", hook.name);
        // What one person owes is theirs to know.
        let public = notices.iter().filter(|one| !one.occasion.is_personal());
        let public: Vec<&Notice> = public.collect();
        let receiver = Receiver::of(hook.form);
        let mut messages = post.lost(&recipient, &public, receiver).await?;
        messages.extend(post.new_message(&recipient, &public).await?);
        for message in messages {
            let sent = webhook::send(workspace, hook, &vault, &message, run.now);
            let result = post.deliver(&message, sent).await?;
            let place = hook.destination.place();
            told.push(message.told(hook.name.clone(), place, result));
        }
    }
    Ok(told)
}

/// Whether what is new waits for the next mail, since there was one not long ago.
fn waits(workspace: &Workspace, digest: Option<Digest>, last: i64, now: i64) -> bool {
    let zone = &workspace.settings.zone;
    digest.is_some_and(|digest| digest.is_of_one(local_day(last, zone), local_day(now, zone)))
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
