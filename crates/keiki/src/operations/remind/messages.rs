//! Messages on their way: taken upon oneself before they are sent, settled when they are, and sent again by a rule where whoever sent them
//! was stopped.
//!
//! *Source*: decision 0121.

use keiki_store::{Notices, UnsettledMessage};

use super::{Notice, Sending, Told};
use crate::config::{WebhookForm, Workspace};
use crate::error::Result;
use crate::operations::accounts::Registry;

/// After how long it is not known whether a message was sent that somebody took upon themselves: longer than sending one ever takes.
/// *Units*: microseconds.
const UNKNOWN_MICROS: i64 = 900_000_000;

/// Whether somebody tried to send a message before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Nobody did.
    First,
    /// Somebody did who was stopped, and whether it was sent is not known.
    Again,
}

/// What whoever gets a message makes of its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Receiver {
    /// They drop what they have got already.
    KnowsIds,
    /// They show whatever comes.
    KnowsNone,
}

impl Receiver {
    /// Of a webhook: chats know no identities.
    pub(super) fn of(form: WebhookForm) -> Self {
        match form {
            WebhookForm::Json => Self::KnowsIds,
            WebhookForm::Slack | WebhookForm::Teams => Self::KnowsNone,
        }
    }
}

/// A message on its way to somebody.
#[derive(Debug)]
pub(super) struct Outgoing {
    /// What tells it from others.
    pub(super) id: String,
    /// What it tells.
    pub(super) notices: Vec<Notice>,
    attempt: Attempt,
    /// Where it is written that it is being sent; nowhere where it is only listed.
    kept: Option<UnsettledMessage>,
}

impl Outgoing {
    pub(super) fn told(self, recipient: String, place: String, result: Result<()>) -> Told {
        Told {
            recipient,
            place,
            notices: self.notices,
            attempt: self.attempt,
            result,
        }
    }
}

/// What takes messages upon itself and settles them.
pub(super) struct Post<'l> {
    ledger: &'l Notices,
    unsettled: Vec<UnsettledMessage>,
    now: i64,
    sending: Sending,
}

impl<'l> Post<'l> {
    pub(super) async fn new(ledger: &'l Notices, (now, sending): (i64, Sending)) -> Result<Self> {
        Ok(Self {
            unsettled: ledger.unsettled().await?,
            ledger,
            now,
            sending,
        })
    }

    /// The messages to somebody of which it is not known whether they were sent, with what is still worth telling. What goes to
    /// somebody who would show it twice is not sent again.
    pub(super) async fn lost(
        &self,
        recipient: &str,
        due: &[&Notice],
        receiver: Receiver,
    ) -> Result<Vec<Outgoing>> {
        let of = self
            .unsettled
            .iter()
            .filter(|one| one.recipient == recipient);
        let mut lost = Vec::new();
        for message in of.filter(|one| is_unknown(one, self.now)) {
            let told = due.iter().filter(|one| message.notices.contains(&one.key));
            let notices: Vec<Notice> = told.map(|one| (*one).clone()).collect();
            if self.sending == Sending::Send && notices.is_empty() {
                self.ledger.settle(message).await?;
            }
            if notices.is_empty() || receiver == Receiver::KnowsNone {
                continue;
            }
            let kept = match self.sending {
                Sending::List => None,
                Sending::Send if self.ledger.claim_again(message, self.now).await? => {
                    Some(message.clone())
                }
                Sending::Send => continue,
            };
            lost.push(Outgoing {
                id: message.id.clone(),
                notices,
                attempt: Attempt::Again,
                kept,
            });
        }
        Ok(lost)
    }

    /// One message of all that somebody was not told; `None` where there is nothing. Where it is sent, it is claimed.
    pub(super) async fn new_message(
        &self,
        recipient: &str,
        due: &[&Notice],
    ) -> Result<Option<Outgoing>> {
        let kept = match self.sending {
            Sending::Send => {
                let keys: Vec<&str> = due.iter().map(|notice| notice.key.as_str()).collect();
                let claimed = self.ledger.claim(recipient, &keys, self.now).await?;
                let Some(claimed) = claimed else {
                    return Ok(None);
                };
                Some(claimed)
            }
            Sending::List => None,
        };
        let mut notices = Vec::new();
        for notice in due {
            let is_new = match &kept {
                Some(claimed) => claimed.notices.contains(&notice.key),
                None => !self.ledger.is_sent(recipient, &notice.key).await?,
            };
            if is_new {
                notices.push((*notice).clone());
            }
        }
        let id = kept.as_ref().map(|claimed| claimed.id.clone());
        let outgoing = Outgoing {
            id: id.unwrap_or_default(),
            notices,
            attempt: Attempt::First,
            kept,
        };
        Ok(Some(outgoing).filter(|one| !one.notices.is_empty()))
    }

    /// Sends a message, where it is not only listed, and writes down what came of it. What could not be sent is told another time; of
    /// what may have been sent before, it stays unknown.
    pub(super) async fn deliver(
        &self,
        message: &Outgoing,
        sent: impl Future<Output = Result<()>>,
    ) -> Result<Result<()>> {
        let Some(kept) = &message.kept else {
            return Ok(Ok(()));
        };
        let result = sent.await;
        match (&result, message.attempt) {
            (Ok(()), _) => self.ledger.settle(kept).await?,
            (Err(_), Attempt::First) => self.ledger.release(kept).await?,
            (Err(_), Attempt::Again) => {}
        }
        Ok(result)
    }
}

fn is_unknown(message: &UnsettledMessage, now: i64) -> bool {
    message.claimed_at < now - UNKNOWN_MICROS
}

/// How a message stands that nobody has settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageStanding {
    /// It is being sent.
    Sending,
    /// It is not known whether it was sent, and it is sent again.
    Unknown,
    /// It is not known whether it was sent, and it is not sent again, since whoever gets it would show it twice.
    UnknownForGood,
}

impl MessageStanding {
    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Sending => "sending",
            Self::Unknown => "unknown",
            Self::UnknownForGood => "unknown_for_good",
        }
    }
}

/// A message that nobody has settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// To whom: an account, or a webhook.
    pub recipient: String,
    /// How much it tells.
    pub count: usize,
    /// When it was last taken upon themselves, UTC microseconds.
    pub claimed_at: i64,
    /// How it stands.
    pub standing: MessageStanding,
}

/// The messages that are being sent, and those of which it is not known whether they were.
///
/// # Errors
/// The database cannot be read.
pub async fn unsettled(
    workspace: &Workspace,
    registry: &Registry,
    now: i64,
) -> Result<Vec<Unsettled>> {
    let ledger = Notices::open(&workspace.database()?).await?;
    let messages = ledger.unsettled().await?;
    if messages.is_empty() {
        return Ok(Vec::new());
    }
    let accounts = registry.all().await?;
    let hooks = &workspace.settings.notify.webhooks;
    let line = |message: UnsettledMessage| {
        let (kind, name) = message.recipient.split_once(':').unwrap_or_default();
        let mut accounts = accounts.iter();
        let account = accounts.find(|one| kind == "account" && one.id == name);
        let mut hooks = hooks.iter();
        let hook = hooks.find(|one| kind == "webhook" && one.name == name);
        let receiver = hook.map_or(Receiver::KnowsIds, |hook| Receiver::of(hook.form));
        Unsettled {
            recipient: account.map_or(name, |account| &account.name).to_owned(),
            count: message.notices.len(),
            claimed_at: message.claimed_at,
            standing: match receiver {
                _ if !is_unknown(&message, now) => MessageStanding::Sending,
                Receiver::KnowsIds => MessageStanding::Unknown,
                Receiver::KnowsNone => MessageStanding::UnknownForGood,
            },
        }
    };
    Ok(messages.into_iter().map(line).collect())
}
