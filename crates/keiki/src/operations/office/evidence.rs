//! Evidence before a reader: what is owed, what the sources last brought, and which rows are out and why.

use std::collections::BTreeSet;

use keiki_model::access::Right;
use keiki_model::calendar::date_of;
use keiki_model::frequency::Frequency;
use keiki_report::report::period_name;
use keiki_store::{Batch, StoredReject};

use super::Desk;
use crate::config::Opening;
use crate::error::Result;
use crate::operations::access::Within;
use crate::operations::coverage::{self, Timeliness};
use crate::operations::ingest::FILES_SOURCE;
use crate::operations::rejects::{OutOf, Place};
use crate::operations::{rejects, sources};

/// How many rejected rows a page lists.
pub const REJECTS_ON_PAGE: usize = 100;

/// Evidence that an org unit owes.
#[derive(Debug, Clone)]
pub struct OwedLine {
    /// The org unit's id.
    pub unit: String,
    /// Its name.
    pub name: String,
    /// The dataset's name in data, and its title.
    pub dataset: (String, String),
    /// The last day for which there is some; empty where there never was.
    pub until: String,
    /// Whether it is there in time.
    pub timeliness: Timeliness,
    /// The KPIs that have no data because of it.
    pub without_data: Vec<(u32, String)>,
    /// How often it is asked for.
    pub frequency: Frequency,
    /// For which period it is asked, as written and in words, and the last day on which it is taken, empty where none is set.
    pub asked: Option<(String, String, String)>,
    /// The last day of the period for which it is asked next.
    pub next_until: String,
}

impl OwedLine {
    /// Whether it is for somebody to send: it is asked for, or is not there in time.
    #[must_use]
    pub fn is_outstanding(&self) -> bool {
        self.asked.is_some() || self.timeliness != Timeliness::Fresh
    }
}

/// A source with its last reading.
#[derive(Debug, Clone)]
pub struct SourceLine {
    /// Its name.
    pub name: String,
    /// The dataset's name in data, and its title.
    pub dataset: (String, String),
    /// The commit of its last reading.
    pub seq: Option<i64>,
    /// The day for which its last reading speaks; empty where there is none.
    pub as_of: String,
    /// When that became known, in the workspace's zone, and as UTC microseconds.
    pub known_at: Option<(String, i64)>,
    /// How many rows were accepted.
    pub accepted: u64,
    /// How many were rejected.
    pub rejected: u64,
    /// Why it could not be read last; empty where it could.
    pub trouble: String,
}

/// A row that is out.
#[derive(Debug, Clone)]
pub struct RejectLine {
    /// Where it stands in the list.
    pub place: Place,
    /// The commit.
    pub seq: i64,
    /// The source.
    pub source: String,
    /// The file.
    pub file: String,
    /// The line or record in it.
    pub row: u64,
    /// Why.
    pub reason: String,
}

/// A part of the rows that are out: those of the latest commit first, each commit's in the order of its files.
#[derive(Debug, Clone, Default)]
pub struct RejectsPart {
    /// The rows.
    pub lines: Vec<RejectLine>,
    /// How many there are in all.
    pub count: usize,
    /// How many come before these.
    pub before: usize,
    /// The row after which the part before these begins; `None` within: at the beginning.
    pub previous: Option<Option<Place>>,
    /// The row after which the next part begins, where there is one.
    pub next: Option<Place>,
}

/// Evidence as far as somebody may see it.
#[derive(Debug, Clone)]
pub struct EvidenceView {
    /// What is owed and not there in time.
    pub overdue: Vec<OwedLine>,
    /// How much is owed, and how much of it is there in time.
    pub owed: usize,
    /// The sources.
    pub sources: Vec<SourceLine>,
    /// Rows that are out.
    pub rejects: RejectsPart,
}

impl Desk {
    /// What is owed, what came, and what was rejected: the page of rejected rows that begins after one.
    ///
    /// # Errors
    /// They may not see evidence, or the journal cannot be read.
    pub async fn evidence(&self, after: Option<Place>) -> Result<EvidenceView> {
        let owed = self.owed_evidence().await?;
        let sources = self.sources().await?;
        let rejects = self.rejects_of(&sources, after, REJECTS_ON_PAGE).await?;
        Ok(EvidenceView {
            owed: owed.len(),
            overdue: owed
                .into_iter()
                .filter(|one| one.timeliness != Timeliness::Fresh)
                .collect(),
            sources,
            rejects,
        })
    }

    /// What the reader's org units owe.
    ///
    /// # Errors
    /// They may not see evidence, or the journal cannot be read.
    pub async fn owed_evidence(&self) -> Result<Vec<OwedLine>> {
        let (_, within) = self.within(Right::SeeEvidence)?;
        self.owed(&within).await
    }

    /// The sources with their last readings.
    ///
    /// # Errors
    /// They may not see evidence, or the journal cannot be read.
    pub async fn sources(&self) -> Result<Vec<SourceLine>> {
        let (_, within) = self.within(Right::SeeEvidence)?;
        let sources = sources::list(&self.books.workspace, self.who.actor.now).await?;
        let seen = sources.iter().filter(|one| is_within(one, &within));
        Ok(seen.map(|one| self.source_line(one, &within)).collect())
    }

    /// The rows that are out and come after one, at most so many.
    ///
    /// # Errors
    /// They may not see evidence, or the journal cannot be read.
    pub async fn rejects(&self, after: Option<Place>, most: usize) -> Result<RejectsPart> {
        let sources = self.sources().await?;
        self.rejects_of(&sources, after, most).await
    }

    /// How many rows are out.
    ///
    /// # Errors
    /// They may not see evidence, or the journal cannot be read.
    pub async fn rejects_count(&self) -> Result<usize> {
        Ok(self.rejects(None, 0).await?.count)
    }

    async fn rejects_of(
        &self,
        sources: &[SourceLine],
        after: Option<Place>,
        most: usize,
    ) -> Result<RejectsPart> {
        // What somebody sends is read under one name, whoever sent it: the reading says whose rows they are, not its source.
        let openable = self.openable();
        // Where nothing was read yet there may be no journal.
        if openable.is_empty() {
            return Ok(RejectsPart::default());
        }
        let mut names: BTreeSet<&str> = sources.iter().map(|one| one.name.as_str()).collect();
        names.insert(FILES_SOURCE);
        let journal = self.books.workspace.journal(Opening::Existing).await?;
        let key = self.books.stamp.clone();
        let kept = &self.office.kept.rejects;
        let found = if let Some(found) = kept.find(&key) {
            found
        } else {
            let snapshot = journal.snapshot().await?;
            kept.put(key, rejects::still_out(&journal, &snapshot).await?)
        };
        let is_mine =
            |one: &OutOf| openable.contains(&one.seq) && names.contains(one.source.as_str());
        let shown = found.show(&journal, is_mine, after, most).await?;
        let language = self.who.language;
        let workspace = &self.books.workspace;
        let line = |(place, one): (Place, StoredReject)| RejectLine {
            place,
            reason: rejects::message(workspace, &one).get(language).to_owned(),
            seq: one.seq,
            source: one.source,
            file: one.row.file,
            row: one.row.row,
        };
        Ok(RejectsPart {
            lines: shown.rows.into_iter().map(line).collect(),
            count: shown.count,
            before: shown.before,
            previous: shown.previous,
            next: shown.next,
        })
    }

    /// What org units owe, those of a scope alone.
    pub(super) async fn owed(&self, within: &Within) -> Result<Vec<OwedLine>> {
        let workspace = &self.books.workspace;
        let names = self.names();
        let asked = coverage::Asked {
            org_unit: None,
            now: self.books.at,
        };
        // It is kept for everybody, and each is given their own.
        let key = self.books.stamp.clone();
        let kept = &self.office.kept.owed;
        let owed = match kept.find(&key) {
            Some(owed) => owed,
            None => kept.put(key, coverage::list(workspace, &asked).await?),
        };
        let mine = owed.iter().filter(|one| within.has(&one.org_unit));
        Ok(mine
            .map(|one| OwedLine {
                name: one.name.get(self.who.language).to_owned(),
                unit: one.org_unit.clone(),
                until: one
                    .until
                    .map_or_else(String::new, |day| date_of(day).to_string()),
                timeliness: one.timeliness,
                without_data: one
                    .without_data
                    .iter()
                    .map(|no| (*no, names.kpi(*no)))
                    .collect(),
                dataset: (one.dataset.clone(), self.dataset_title(&one.dataset)),
                frequency: one.frequency,
                asked: one.asked.map(|asked| {
                    let period = asked.period.to_string();
                    let name = period_name(&period, self.who.language);
                    let due_on = asked.due_on.map(|day| date_of(day).to_string());
                    (period, name, due_on.unwrap_or_default())
                }),
                next_until: date_of(one.next_until).to_string(),
            })
            .collect())
    }

    pub(super) fn dataset_title(&self, name: &str) -> String {
        let dataset = self.books.workspace.catalogue.datasets.get(name);
        dataset.map_or_else(
            || name.to_owned(),
            |dataset| dataset.title.get(self.who.language).to_owned(),
        )
    }

    fn source_line(&self, one: &sources::Listed<'_>, within: &Within) -> SourceLine {
        let language = self.who.language;
        let last = one.last.as_ref();
        // Files that others sent are theirs, and so is why they were refused.
        let is_told = |author: &str| {
            one.source.is_some() || within.is_whole() || author == self.who.actor.name
        };
        let open = one.refused.as_ref().filter(|one| one.mended_by.is_none());
        let open = open.filter(|one| is_told(&one.reading.author));
        let refused = open.map(|one| one.reading.reason.get(language).to_owned());
        let failed = one.standing.failed_at.and(one.standing.reason.as_ref());
        let failed = failed.map(|reason| reason.get(language).to_owned());
        SourceLine {
            name: one.name.clone(),
            dataset: (one.dataset.clone(), self.dataset_title(&one.dataset)),
            seq: last.map(|last| last.seq),
            as_of: last.map_or_else(String::new, |last| date_of(last.as_of).to_string()),
            known_at: last.map(|last| (self.local(last.known_at), last.known_at)),
            accepted: last.map_or(0, |last| last.counts.accepted),
            rejected: last.map_or(0, |last| last.counts.rejected),
            trouble: refused.or(failed).unwrap_or_default(),
        }
    }
}

/// Whether a source brings the evidence of a scope's org units alone: what it says of itself, and what its last reading claimed.
fn is_within(one: &sources::Listed<'_>, within: &Within) -> bool {
    let source = one.source.iter();
    let said = source.flat_map(|source| source.covers.iter().chain(&source.scope.org_units));
    let claimed = one.last.iter().flat_map(claimed);
    within.has_all(said.map(String::as_str).chain(claimed))
}

/// The org units that a reading spoke for.
fn claimed(batch: &Batch) -> impl Iterator<Item = &str> {
    batch.claims.iter().map(|claim| claim.org_unit.as_str())
}
