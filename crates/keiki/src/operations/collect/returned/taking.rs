//! Takes the sheets of a returned workbook in: each is a reading of its own.

use std::path::Path;
use std::sync::Arc;

use keiki_ingest::collection::SheetEvidence;
use keiki_model::collection::{COLLECTION_SOURCE, SignedSheet};
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Extent, Missing};
use keiki_store::{Journal, MEMORY_BYTES, RawFile, RawWriter, Repeats};

use super::super::{marked, span};
use super::book::{Book, State, source};
use super::{Outcome, Taken, shown, without_notes};
use crate::config::Workspace;
use crate::error::Result;
use crate::operations::ingest::reading::Reading;
use crate::operations::ingest::{Ingest, Report, SentInto, What};
use crate::progress::{Progress, Step};

/// What sheets are taken into.
pub(super) struct Taking<'t> {
    pub(super) workspace: &'t Workspace,
    pub(super) journal: &'t Journal,
    pub(super) reading: &'t Ingest,
    /// The journal version at which it was looked at.
    pub(super) as_seen: Option<i64>,
}

impl Taking<'_> {
    /// Takes each sheet in, all of it or nothing.
    pub(super) async fn take(
        &self,
        book: Book,
        path: &Path,
        extra: &mut Vec<marked::Extra>,
        progress: &dyn Progress,
    ) -> Result<Vec<Taken>> {
        let is_personal = book.sheets.iter().any(|sheet| sheet.dataset.is_personal());
        let writer = if is_personal {
            RawWriter::Encrypted
        } else {
            RawWriter::Plain
        };
        let name = shown(self.workspace, path);
        progress.begin(&Step::Reading {
            source: COLLECTION_SOURCE.to_owned(),
            files: 1,
        });
        let stored = vec![self.journal.store_raw(path, &name, writer).await?];
        let mut taken = Vec::new();
        let mut is_kept = false;
        let mut as_seen = self.as_seen;
        let Book {
            signature,
            period,
            as_of,
            own,
            claimed,
            sheets,
            others,
            added,
        } = book;
        let whose = Book {
            added,
            signature,
            period,
            as_of,
            own,
            claimed,
            sheets: Vec::new(),
            others: Vec::new(),
        };
        for (position, examined) in sheets.into_iter().enumerate() {
            let dataset = examined.dataset.name.clone();
            let outcome = match examined.state {
                State::Open(why) => Outcome::Open(why),
                State::Refused(why) => Outcome::Refused(why),
                State::Ready(found) => {
                    let of = (Arc::clone(&examined.dataset), &examined.signed);
                    let done = Box::pin(self.commit(
                        &whose,
                        of,
                        *found,
                        (&stored, &name, as_seen),
                        progress,
                    ))
                    .await;
                    match done {
                        Ok(report) => {
                            is_kept |= report.receipt.seq.is_some();
                            // The next sheet follows on from this one.
                            if as_seen.is_some() {
                                as_seen = Some(self.journal.snapshot().await?.seq());
                            }
                            extra.push(marked::Extra::of(position, &report.receipt));
                            Outcome::Read(Box::new(report))
                        }
                        Err(error) => Outcome::Failed(error),
                    }
                }
            };
            taken.push(Taken {
                dataset,
                outcome,
                notes: examined.notes,
            });
        }
        if !is_kept {
            self.journal.discard_raw(&stored).await?;
        }
        taken.extend(others.into_iter().map(without_notes));
        Ok(taken)
    }

    async fn commit(
        &self,
        book: &Book,
        (dataset, signed): (Arc<Dataset>, &SignedSheet),
        found: SheetEvidence,
        (stored, name, as_seen): (&[RawFile], &str, Option<i64>),
        progress: &dyn Progress,
    ) -> Result<Report> {
        let mut source = source(book, &dataset);
        source.window_from = span(self.workspace, book.period)?.0;
        // A register that was listed comes back whole: what is no longer in it is no more.
        if signed.as_of.is_some() {
            source.extent = Extent::Full;
            source.missing = Missing::Retire;
        }
        let asked = Ingest {
            what: What::Sent {
                into: SentInto::Dataset(dataset.name.clone()),
                org_units: Vec::new(),
                files: Vec::new(),
                attachments: Vec::new(),
                as_seen,
            },
            as_of: Some(book.as_of),
            ..self.reading.clone()
        };
        let reading = Reading {
            workspace: self.workspace,
            journal: self.journal,
            source,
            dataset,
            asked: &asked,
            stored,
            scope_units: Some(book.own.clone()),
            outline: None,
        };
        let mut gathering =
            self.journal
                .gather(&reading.dataset, book.as_of, Repeats::Allowed, MEMORY_BYTES);
        gathering.add(found.evidence).await?;
        let gathered = gathering.finish().await?;
        reading
            .commit(gathered, vec![name.to_owned()], progress)
            .await
    }
}
