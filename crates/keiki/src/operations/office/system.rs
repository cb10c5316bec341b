//! How Keiki itself is, before an administrator: its books, its sources and their schedules, by what people are told, its backups.

use std::path::Path;

use keiki_model::access::Right;

use super::{Desk, Office};
use crate::config::{DatabaseSettings, WebhookForm};
use crate::error::{Error, Result};
use crate::operations::backup::{self, DatabaseCopy, Manifest};
use crate::operations::remind::{self, Unsettled};
use crate::operations::sources;

/// After how long without a backup an administrator is warned. *Units*: microseconds.
const BACKUP_MICROS: i64 = 7 * 86_400_000_000;

/// How a source is, without what it brought.
#[derive(Debug, Clone)]
pub struct SourceHealth {
    /// Its name.
    pub name: String,
    /// The dataset, in words.
    pub dataset: String,
    /// When it is read, as its definition says; empty where nobody said.
    pub schedule: String,
    /// When it is due next, in the workspace's zone, and as UTC microseconds.
    pub next_due: Option<(String, i64)>,
    /// When it was read last.
    pub succeeded_at: Option<(String, i64)>,
    /// How often it could not be read since; 0 where it could.
    pub failures: u32,
    /// Why it could not be read.
    pub trouble: String,
}

/// A channel by which people or systems are told.
#[derive(Debug, Clone)]
pub struct Channel {
    /// `mail`, `slack`, `teams` or `json`.
    pub kind: &'static str,
    /// What it is called.
    pub name: String,
    /// The server.
    pub place: String,
    /// Whether what goes by it is signed, or signed in for.
    pub is_authenticated: bool,
}

/// How Keiki itself is.
#[derive(Debug, Clone)]
pub struct SystemView {
    /// The program's version.
    pub version: &'static str,
    /// The journal version.
    pub journal_version: i64,
    /// `sqlite` or `postgresql`.
    pub database: &'static str,
    /// The sources of the workspace.
    pub sources: Vec<SourceHealth>,
    /// By what people and systems are told.
    pub channels: Vec<Channel>,
    /// The messages that are being sent, and those of which it is not known whether they were, each with when somebody began to send
    /// it, in the workspace's zone.
    pub messages: Vec<(Unsettled, String)>,
    /// The last backup: when, as UTC microseconds too, where, and the journal version that it holds.
    pub backup: Option<(String, i64, String, i64)>,
    /// Whether the last backup is old, or there is none.
    pub is_backup_due: bool,
    /// The folder into which backups are made from here; `None` where nobody named one.
    pub backup_folder: Option<String>,
}

impl Desk {
    /// How Keiki itself is.
    ///
    /// # Errors
    /// They may not administer it, or the books cannot be read.
    pub async fn system(&self) -> Result<SystemView> {
        self.whole(Right::Administer)?;
        let workspace = &self.books.workspace;
        let now = self.who.actor.now;
        let listed = sources::list(workspace, now).await?;
        let own = listed.iter().filter_map(|one| Some((one, one.source?)));
        let local = |at: i64| (self.local(at), at);
        let language = self.who.language;
        let health = own.map(|(one, source)| SourceHealth {
            name: one.name.clone(),
            dataset: self.dataset_title(&one.dataset),
            schedule: source
                .schedule
                .map_or_else(String::new, |at| at.to_string()),
            next_due: one.next_due.map(local),
            succeeded_at: one.standing.succeeded_at.map(local),
            failures: one.standing.failures,
            trouble: match &one.standing.reason {
                Some(reason) if one.standing.failures > 0 => reason.get(language).to_owned(),
                _ => String::new(),
            },
        });
        let last = backup::last(&self.office.root);
        let age = last.as_ref().map(|last| now - last.at);
        Ok(SystemView {
            version: env!("CARGO_PKG_VERSION"),
            journal_version: self.journal_version(),
            database: match &workspace.settings.database {
                DatabaseSettings::File(_) => "sqlite",
                DatabaseSettings::Server { .. } => "postgresql",
            },
            sources: health.collect(),
            channels: self.channels(),
            messages: self.unsettled().await?,
            is_backup_due: age.is_none_or(|age| age > BACKUP_MICROS),
            backup: last.map(|last| {
                let at = self.local(last.at);
                (at, last.at, last.place, last.journal_version)
            }),
            backup_folder: workspace.settings.backup_folder.clone(),
        })
    }

    async fn unsettled(&self) -> Result<Vec<(Unsettled, String)>> {
        let (workspace, now) = (&self.books.workspace, self.who.actor.now);
        let found = remind::unsettled(workspace, &self.who.registry, now).await?;
        let told = found.into_iter().map(|one| {
            let at = self.local(one.claimed_at);
            (one, at)
        });
        Ok(told.collect())
    }

    fn channels(&self) -> Vec<Channel> {
        let notify = &self.books.workspace.settings.notify;
        let mail = notify.mail.iter().map(|mail| Channel {
            kind: "mail",
            name: mail.from.clone(),
            place: format!("{}:{}", mail.server, mail.port),
            is_authenticated: mail.credentials.is_some(),
        });
        let webhooks = notify.webhooks.iter().map(|one| Channel {
            kind: match one.form {
                WebhookForm::Slack => "slack",
                WebhookForm::Teams => "teams",
                WebhookForm::Json => "json",
            },
            name: one.name.clone(),
            // The rest of its address is as secret as a password.
            place: one.destination.place(),
            is_authenticated: one.secret.is_some(),
        });
        mail.chain(webhooks).collect()
    }

    /// Makes a backup in the folder that the workspace names for them.
    ///
    /// # Errors
    /// They may not administer it, they came by a token, there is no such folder, or nothing can be copied.
    pub async fn back_up(&self) -> Result<Manifest> {
        self.need_session()?;
        self.whole(Right::Administer)?;
        let workspace = &self.books.workspace;
        let folder = workspace.settings.backup_folder.as_ref();
        let folder = workspace.root.join(folder.ok_or(Error::Absent)?);
        // A name by which backups stand in order.
        let at = keiki_model::calendar::instant_text(self.who.actor.now);
        let at: String = at.chars().filter(char::is_ascii_alphanumeric).collect();
        let place = folder.join(format!("keiki-{at}"));
        let with = (&self.run(), DatabaseCopy::Taken);
        let made = Box::pin(backup::back_up(workspace, &place, with)).await?;
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        self.note("backup", &name, &made.journal_version.to_string())
            .await?;
        Ok(made)
    }
}

impl Office {
    /// Whether the books can be read and the database answers.
    ///
    /// # Errors
    /// They cannot.
    pub async fn is_well(&self, now: i64) -> Result<()> {
        let books = self.kept.books(&self.root, now).await?;
        books.workspace.statements().await?.last_number().await?;
        let state: &Path = &self.root;
        std::fs::metadata(state).map_err(Error::file(state))?;
        Ok(())
    }
}
