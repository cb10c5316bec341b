//! The close of a period before a reader: how far it is, what stands in the way, who stands by which figures.

use std::collections::BTreeSet;

use keiki_model::access::Right;
use keiki_model::calendar::{Period, date_of};
use keiki_model::org::UNASSIGNED;
use keiki_report::format;
use keiki_report::sentence;

use super::Desk;
use super::figures::obstacle_within;
use crate::error::{Error, Result};
use crate::operations::certify::{self, Standing};
use crate::operations::programme::Run;
use crate::operations::statement::{self, Close, Closing, Kind, Reopen, Reopening, Weight};
use crate::progress::Silent;

/// What can be done about a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseAct {
    /// Its figures are put before those who certify them.
    Preliminary,
    /// It is closed.
    Final,
}

/// A company whose figures somebody is to stand by.
#[derive(Debug, Clone)]
pub struct CertifierLine {
    /// The company's id.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// Who is to, and their deputy.
    pub person: String,
    /// How that stands.
    pub standing: Standing,
    /// Who did it, and when.
    pub by: String,
    /// Whether the reader may do it.
    pub is_mine: bool,
}

/// How far the close of a period is.
#[derive(Debug, Clone)]
pub struct CloseView {
    /// The period as written.
    pub period: Period,
    /// The last day for evidence, of the preliminary and of the final close; empty where there is no calendar for it.
    pub days: Vec<String>,
    /// When the preliminary close was, and by whom.
    pub preliminary: Option<(String, String)>,
    /// The same instant, UTC microseconds.
    pub preliminary_at: Option<i64>,
    /// The revision that was closed last.
    pub revision: Option<u32>,
    /// Whether that revision is the word now.
    pub is_closed: bool,
    /// What stands in the way, in words.
    pub obstacles: Vec<String>,
    /// What came after the cut-off: source, commit, day.
    pub late: Vec<(String, i64, String)>,
    /// Who stands by what.
    pub certifiers: Vec<CertifierLine>,
    /// Whether the reader may close and reopen.
    pub may_close: bool,
}

/// What came of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// It was done.
    Done,
    /// Something stands in the way.
    Hindered,
    /// What differs is below the threshold: it was noted, and the period stays closed.
    Noted,
}

impl Desk {
    /// How far the close of a period is, as far as it is about the reader's org units.
    ///
    /// # Errors
    /// They may not see it, or the period has not ended.
    pub async fn close_status(&self, period: Period) -> Result<CloseView> {
        let (tree, within) = self.within(Right::SeeEvidence)?;
        let ids: BTreeSet<String> = tree
            .nodes()
            .iter()
            .map(|node| node.id.clone())
            .filter(|id| id != UNASSIGNED && within.has(id))
            .collect();
        let workspace = &self.books.workspace;
        let troubles = workspace.readings().await?.troubles().await?;
        let key = (self.books.stamp.clone(), period, troubles);
        let closes = &self.office.kept.closes;
        let found = if let Some(kept) = closes.find(&key) {
            kept
        } else {
            // It is kept for everybody: what few may see is withheld from all.
            let run = Run::of_nobody(self.books.at);
            let found = statement::status(workspace, period, &run, &Silent).await?;
            closes.put(key, found)
        };
        let names = self.names();
        let language = self.who.language;
        let mine = self.who.scope.within(Right::Certify, &tree);
        let me = &self.who.actor.name;
        let obstacles = found.obstacles.iter();
        let obstacles = obstacles.filter_map(|one| obstacle_within(one, &ids, &within));
        let certifiers = found.certifications.iter().cloned();
        let certifiers = certifiers.filter(|one| within.has(&one.certifier.org_unit));
        Ok(CloseView {
            period,
            days: found
                .days
                .map(|days| days.map(|day| date_of(day).to_string()).to_vec())
                .unwrap_or_default(),
            preliminary: found
                .preliminary
                .as_ref()
                .map(|(at, by)| (self.local(*at), by.clone())),
            preliminary_at: found.preliminary.as_ref().map(|(at, _)| *at),
            revision: found.revision.filter(|revision| *revision > 0),
            is_closed: self.books.closed.contains(&period) && self.is_closed_now(period).await?,
            obstacles: obstacles
                .map(|one| sentence::obstacle(&one, &names).get(language).to_owned())
                .collect(),
            late: found
                .late
                .iter()
                .filter(|_| within.is_whole())
                .map(|one| (one.source.clone(), one.seq, date_of(one.on).to_string()))
                .collect(),
            certifiers: certifiers
                .map(|one| CertifierLine {
                    name: names.org_unit(&one.certifier.org_unit),
                    is_mine: mine.has(&one.certifier.org_unit)
                        && (one.certifier.person == *me
                            || one.certifier.deputy.as_ref() == Some(me)),
                    unit: one.certifier.org_unit,
                    person: one.certifier.person,
                    standing: one.standing,
                    by: one
                        .by
                        .map(|(by, at)| {
                            let at = format::moment(&self.local(at), self.who.language);
                            format!("{by} {at}")
                        })
                        .unwrap_or_default(),
                })
                .collect(),
            may_close: self.who.scope.within(Right::Close, &tree).is_whole(),
        })
    }

    async fn is_closed_now(&self, period: Period) -> Result<bool> {
        let book = self.books.workspace.statements().await?;
        let events = book.of_period(&period.to_string()).await?;
        Ok(statement::is_closed(&events))
    }

    pub(super) fn may_close(&self) -> Result<()> {
        let (_, within) = self.within(Right::Close)?;
        if within.is_whole() {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// Closes a period, or puts its figures before those who certify them.
    ///
    /// # Errors
    /// They may not, it has not ended, or it is closed already.
    pub async fn close(&self, period: Period, act: CloseAct) -> Result<Closed> {
        self.may_close()?;
        let asked = Close {
            period,
            reason: None,
            agreed_by: None,
            kind: match act {
                CloseAct::Preliminary => Kind::Preliminary,
                CloseAct::Final => Kind::Final,
            },
            run: self.run(),
            fulfils: None,
        };
        let closing = statement::close(&self.books.workspace, &asked, &Silent).await?;
        self.office.kept.look_again().await;
        let (action, closed) = match closing {
            Closing::Closed(_) => ("close", Closed::Done),
            Closing::Preliminary(_) => ("close_preliminary", Closed::Done),
            Closing::Hindered(_) => return Ok(Closed::Hindered),
        };
        self.note(action, &period.to_string(), "").await?;
        Ok(closed)
    }

    /// Opens a closed period again.
    ///
    /// # Errors
    /// They may not, there is no reason, or it is not closed.
    pub async fn reopen(&self, period: Period, reason: &str) -> Result<Closed> {
        self.may_close()?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(Error::user(
                keiki_model::text::Text::new("理由がありません", "there is no reason"),
                keiki_model::text::Text::new(
                    "何を訂正するのかを記入してください",
                    "say what is to be restated",
                ),
            ));
        }
        let asked = Reopen {
            period,
            reason: reason.to_owned(),
            cause: None,
            weight: Weight::Material,
            run: self.run(),
        };
        let opened = statement::reopen(&self.books.workspace, &asked, &Silent).await?;
        self.office.kept.look_again().await;
        self.note("reopen", &period.to_string(), reason).await?;
        Ok(match opened {
            Reopening::Opened(_) => Closed::Done,
            Reopening::Noted(_) => Closed::Noted,
        })
    }

    /// Stands by the figures of a company.
    ///
    /// # Errors
    /// They may not, or somebody else is named for it.
    pub async fn certify(&self, period: Period, unit: &str) -> Result<()> {
        let (_, within) = self.within(Right::Certify)?;
        let unit = within.chosen(Some(unit))?;
        let workspace = &self.books.workspace;
        certify::certify(workspace, period, unit, &self.run(), &Silent).await?;
        self.office.kept.look_again().await;
        self.note("certify", unit, &period.to_string()).await
    }
}
