//! Links for those who have no account: made and taken back by the programme office, and what their holders may do with them.

use std::sync::Arc;

use keiki_model::access::Right;
use keiki_model::calendar::{Period, date_of};
use keiki_model::text::{Language, Text};
use keiki_report::report::period_name;
use keiki_store::{LinkUse, StoredUploadLink};

use super::submitting::{Said, SubmitView, Taken, WORKBOOK};
use super::{Desk, Office, Who};
use crate::error::{Error, Result};
use crate::operations::accounts::{Actor, Registry};
use crate::operations::collect;
use crate::operations::upload_links::{self, NewUploadLink};

/// How a link stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkStanding {
    /// It holds.
    Open,
    /// A file was taken in by it.
    Used,
    /// It was taken back.
    Revoked,
    /// It is too old.
    Expired,
}

impl LinkStanding {
    /// How a link stands at an instant.
    #[must_use]
    pub fn of(link: &StoredUploadLink, now: i64) -> Self {
        if link.used_at.is_some() {
            Self::Used
        } else if link.revoked_at.is_some() {
            Self::Revoked
        } else if link.expires_at <= now {
            Self::Expired
        } else {
            Self::Open
        }
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Used => "used",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

/// A link, as those see it who make them.
#[derive(Debug, Clone)]
pub struct LinkLine {
    /// What is kept of it.
    pub link: StoredUploadLink,
    /// The org unit's name.
    pub unit: String,
    /// What the file is read as, in words.
    pub into: String,
    /// Until when it holds, in the workspace's zone.
    pub until: String,
    /// How it stands.
    pub standing: LinkStanding,
}

/// What a link asks for, as its holder sees it.
#[derive(Debug, Clone)]
pub struct AskedFor {
    /// For whom it is.
    pub holder: String,
    /// The org unit's name.
    pub unit: String,
    /// What the file is read as, in words.
    pub into: String,
    /// The period in words.
    pub period: String,
    /// Whether it is a form that can be downloaded.
    pub is_form: bool,
    /// The day for which the file speaks.
    pub as_of: String,
    /// Until when the link holds.
    pub until: String,
    /// The file that waits and that it is for alone, since taking it in was begun.
    pub begun: Option<String>,
}

impl Desk {
    /// The links of the org units whose periods they close, the latest first.
    ///
    /// # Errors
    /// They may not make any.
    pub async fn upload_links(&self) -> Result<Vec<LinkLine>> {
        let (_, within) = self.within(Right::Close)?;
        self.office.settle_links(self.who.actor.now).await?;
        let all = self.office.links.all().await?;
        let own = all.into_iter().filter(|one| within.has(&one.org_unit));
        Ok(own.map(|one| self.link_line(one)).collect())
    }

    fn link_line(&self, link: StoredUploadLink) -> LinkLine {
        LinkLine {
            unit: self.names().org_unit(&link.org_unit),
            into: self.title_of(&link.into),
            until: self.local(link.expires_at),
            standing: LinkStanding::of(&link, self.who.actor.now),
            link,
        }
    }

    /// What can be chosen for a link.
    ///
    /// # Errors
    /// They may not make any.
    pub fn upload_link_choices(&self) -> Result<SubmitView> {
        self.who.scope.need(Right::Close)?;
        self.submit_choices()
    }

    /// Makes a link. Returns it with its token, which is told this once.
    ///
    /// # Errors
    /// They may not, they came by a token, or something of it does not fit.
    pub async fn make_upload_link(&self, new: &NewUploadLink) -> Result<(LinkLine, String)> {
        self.need_session()?;
        let (_, within) = self.within(Right::Close)?;
        within.chosen(Some(&new.org_unit))?;
        let workspace = &self.books.workspace;
        let links = &self.office.links;
        let (link, token) = upload_links::make(workspace, links, new, &self.who.actor).await?;
        upload_links::note_made(&self.who.registry, &link, &self.who.actor).await?;
        Ok((self.link_line(link), token))
    }

    /// Takes a link back.
    ///
    /// # Errors
    /// They may not, they came by a token, or there is none that holds.
    pub async fn revoke_upload_link(&self, id: &str) -> Result<()> {
        self.need_session()?;
        let own = self.upload_links().await?;
        if !own.iter().any(|one| one.link.id == id) {
            return Err(Error::Absent);
        }
        let (links, registry) = (&self.office.links, &self.who.registry);
        upload_links::revoke(links, registry, id, &self.who.actor).await
    }
}

/// The holder of a link, before the one thing that they may do.
#[derive(Debug, Clone)]
pub struct Holder {
    link: StoredUploadLink,
    desk: Desk,
    begun: Option<String>,
}

impl Office {
    /// Seats the holder of a link.
    ///
    /// # Errors
    /// The link does not hold.
    pub async fn holder(
        self: &Arc<Self>,
        token: &str,
        language: Language,
        (actor, registry): (&Actor, &Registry),
    ) -> Result<Holder> {
        let begun = self.settle_links(actor.now).await?;
        let link = upload_links::find(&self.links, token, actor.now).await?;
        let link = link.ok_or(Error::Absent)?;
        let begun = begun.into_iter().find(|(id, _)| *id == link.id);
        let who = Who {
            actor: Actor {
                name: upload_links::name(&link),
                ..actor.clone()
            },
            scope: upload_links::scope(&link.org_unit),
            // They came by something that leaks as a token does, and open no other door.
            until: Some(link.expires_at),
            language,
            registry: registry.clone(),
        };
        let desk = self.desk(who).await?;
        Ok(Holder {
            link,
            desk,
            begun: begun.map(|(_, file)| file),
        })
    }

    /// Looks after links by which a file was being taken in when the program was stopped: each is for that file alone as long as it
    /// waits; after that it is used up if anything came in by it, else it holds again. Returns the links that are for one file, each
    /// with that file's identity.
    async fn settle_links(&self, now: i64) -> Result<Vec<(String, String)>> {
        let mut begun = Vec::new();
        for (link, file) in self.links.begun().await? {
            let name = upload_links::name(&link);
            if self.waiting.is_there((&file, &name)).await? {
                begun.push((link.id, file));
                continue;
            }
            let books = self.kept.books(&self.root, now).await?;
            let mut batches = books.batches.iter();
            match batches.find(|batch| batch.author == name) {
                Some(batch) => self.links.use_up(&link.id, batch.known_at).await?,
                None => self.links.give_back(&link.id).await?,
            }
        }
        Ok(begun)
    }
}

impl Holder {
    /// What is asked for.
    #[must_use]
    pub fn asked_for(&self) -> AskedFor {
        AskedFor {
            holder: self.link.holder.clone(),
            unit: self.desk.names().org_unit(&self.link.org_unit),
            into: self.desk.title_of(&self.link.into),
            period: period_name(&self.link.period, self.desk.language()),
            is_form: self.link.into == WORKBOOK,
            as_of: date_of(self.link.as_of).to_string(),
            until: self.desk.local(self.link.expires_at),
            begun: self.begun.clone(),
        }
    }

    /// What there is for sending and looking at a file; what is said of one is the link's.
    #[must_use]
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// What the link says of a file.
    #[must_use]
    pub fn said(&self) -> Said {
        Said {
            into: match self.link.into.as_str() {
                WORKBOOK => format!("{WORKBOOK}:{}", self.link.period),
                into => into.to_owned(),
            },
            unit: self.link.org_unit.clone(),
            as_of: date_of(self.link.as_of).to_string(),
        }
    }

    /// The form that the link asks for, with its file's name: of its org unit and period and of nothing else.
    ///
    /// # Errors
    /// It asks for no form, or nothing is owed by one.
    pub async fn form(&self) -> Result<(String, Vec<u8>)> {
        if self.link.into != WORKBOOK {
            return Err(Error::Absent);
        }
        let period = Period::parse(&self.link.period).map_err(|_| Error::Absent)?;
        let folder = self.desk.office.waiting.folder()?;
        let asked = collect::Asked {
            units: vec![self.link.org_unit.clone()],
            reach: collect::Reach::Named,
            period,
            datasets: Vec::new(),
            totals: Vec::new(),
            language: self.desk.language(),
            due: None,
            folder: Some(folder.path().to_owned()),
            author: self.desk.who.actor.name.clone(),
            now: self.desk.who.actor.now,
        };
        let made = collect::export(&self.desk.books.workspace, &asked).await?;
        let made = made.made.into_iter().next().ok_or_else(|| {
            Error::user(
                Text::new(
                    "この組織に、収集票で報告するものはありません",
                    "this org unit owes nothing by workbook",
                ),
                Text::new(
                    "リンクの発行者に確認してください",
                    "ask whoever gave you the link",
                ),
            )
        })?;
        let bytes = std::fs::read(&made.file).map_err(Error::file(&made.file))?;
        let name = made.file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        self.desk.note("load_form", &made.org_unit, &name).await?;
        Ok((name, bytes))
    }

    /// Takes in a file that waits, after which the link holds no longer.
    ///
    /// # Errors
    /// The link or the file is gone, or the file cannot be used; the link then holds on.
    pub async fn confirm(&self, file: &str, seen: Option<&str>) -> Result<Taken> {
        let (links, now) = (&self.desk.office.links, self.desk.who.actor.now);
        let chosen = self.desk.chosen(file, seen).await?;
        let begun = links.begin(&self.link.id, file, now).await?;
        if begun == LinkUse::Refused {
            return Err(for_another_file());
        }
        match self.desk.take_in(&chosen).await {
            Ok(taken) => {
                links.use_up(&self.link.id, now).await?;
                self.desk.office.waiting.remove(file).await?;
                Ok(taken)
            }
            Err(error) => {
                // Of what was begun before, some may be in the books.
                if begun == LinkUse::New {
                    links.give_back(&self.link.id).await?;
                }
                Err(error)
            }
        }
    }
}

/// That a link is for a file with which somebody has begun.
fn for_another_file() -> Error {
    Error::user(
        Text::new(
            "このリンクでは、別のファイルの取込が始まっています",
            "by this link, another file is being taken in",
        ),
        Text::new(
            "そのファイルをもう一度取り込むか、破棄してから試してください",
            "take that file in again, or throw it away, before you try another",
        ),
    )
}
