//! One reading before a reader: what it claimed and did, and the files that it read, byte by byte.

use std::collections::BTreeSet;

use keiki_ingest::place::last_part;
use keiki_model::access::Right;
use keiki_model::calendar::date_of;
use keiki_model::evidence::Reason;
use keiki_store::Batch;

use super::Desk;
use crate::config::Opening;
use crate::error::{Error, Result};
use crate::operations::access::Within;

/// A file that a reading read.
#[derive(Debug, Clone)]
pub struct FileLine {
    /// Its name as the user knew it.
    pub name: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// How many there are.
    pub bytes: u64,
    /// Whether it names people.
    pub is_personal: bool,
}

/// A reading.
#[derive(Debug, Clone)]
pub struct BatchView {
    /// The commit.
    pub seq: i64,
    /// The source.
    pub source: String,
    /// The dataset's title.
    pub dataset: String,
    /// The day for which it speaks.
    pub as_of: String,
    /// When it became known.
    pub known_at: String,
    /// Who ran it.
    pub author: String,
    /// Rows accepted, records changed and retired, rows rejected.
    pub counts: [u64; 4],
    /// The org units for which it speaks, by name.
    pub claims: Vec<String>,
    /// The files.
    pub files: Vec<FileLine>,
    /// Whether the reader may have its files at all.
    pub may_read: bool,
    /// Whether the reader may have files that name people.
    pub may_read_people: bool,
}

impl Desk {
    /// A reading by its commit.
    ///
    /// # Errors
    /// There is none, or it holds evidence of others.
    pub fn batch(&self, seq: i64) -> Result<BatchView> {
        let (tree, within) = self.within(Right::SeeEvidence)?;
        let batch = self.own_batch(seq, &within)?;
        let names = self.names();
        let personal = self.who.scope.within(Right::SeePersonal, &tree);
        Ok(BatchView {
            seq,
            source: batch.source.clone(),
            dataset: self.dataset_title(&batch.dataset),
            as_of: date_of(batch.as_of).to_string(),
            known_at: self.local(batch.known_at),
            author: batch.author.clone(),
            counts: [
                batch.counts.accepted,
                batch.counts.changed,
                batch.counts.retired,
                batch.counts.rejected,
            ],
            claims: batch
                .claims
                .iter()
                .map(|claim| names.org_unit(&claim.org_unit))
                .collect(),
            files: batch
                .files
                .iter()
                .map(|file| FileLine {
                    name: file.name.clone(),
                    sha256: file.sha256.clone(),
                    bytes: file.bytes,
                    is_personal: file.is_encrypted,
                })
                .collect(),
            may_read: self.is_open_to(batch, &within),
            may_read_people: is_of(batch, &personal),
        })
    }

    /// The bytes of a file that a reading read, with a name for it. A look at one that names people is written down.
    ///
    /// # Errors
    /// There is none, it was redacted, or it holds what they may not see.
    pub async fn raw_file(&self, seq: i64, position: usize) -> Result<(String, Vec<u8>)> {
        let (tree, within) = self.within(Right::SeeEvidence)?;
        let batch = self.own_batch(seq, &within)?;
        let file = batch.files.get(position).ok_or(Error::Absent)?;
        if !self.is_open_to(batch, &within) {
            return Err(Error::Forbidden);
        }
        let journal = self.books.workspace.journal(Opening::Existing).await?;
        if !within.is_whole() {
            let snapshot = journal.snapshot().await?;
            let rejects = journal.rejects_of(&snapshot, seq, seq).await?;
            for at in 0..rejects.len() {
                if matches!(rejects.get(at)?.row.reason, Reason::OutsideScope { .. }) {
                    return Err(Error::Forbidden);
                }
            }
        }
        if file.is_encrypted {
            let personal = self.who.scope.within(Right::SeePersonal, &tree);
            if !is_of(batch, &personal) {
                return Err(Error::Forbidden);
            }
            self.note("read_personal_file", &format!("#{seq}"), &file.name)
                .await?;
        }
        let bytes = journal.read_raw(file).await?.ok_or(Error::Absent)?;
        Ok((last_part(&file.name).to_owned(), bytes))
    }

    /// Whether somebody may have the files of a reading. What a reading claims says nothing of the other rows in its files: who
    /// may not see the whole has those that they sent themselves.
    fn is_open_to(&self, batch: &Batch, within: &Within) -> bool {
        within.is_whole() || batch.author == self.who.actor.name
    }

    fn own_batch(&self, seq: i64, within: &Within) -> Result<&Batch> {
        let mut batches = self.books.batches.iter();
        let batch = batches.find(|one| one.seq == seq);
        batch.filter(|one| is_of(one, within)).ok_or(Error::Absent)
    }

    /// The commits of the readings that the reader may open.
    pub(super) fn openable(&self) -> BTreeSet<i64> {
        let Ok((_, within)) = self.within(Right::SeeEvidence) else {
            return BTreeSet::new();
        };
        let batches = self.books.batches.iter();
        let own = batches.filter(|batch| is_of(batch, &within));
        own.map(|batch| batch.seq).collect()
    }
}

/// Whether a reading speaks for org units of a scope alone.
fn is_of(batch: &Batch, within: &Within) -> bool {
    within.has_all(batch.claims.iter().map(|claim| claim.org_unit.as_str()))
}
