//! One reading of one source, from its files to the journal.

use std::sync::Arc;
use std::time::SystemTime;

use keiki_engine::Outline;
use keiki_ingest::{Context, InputFile, Limits, Source, place, read_chunks};
use keiki_model::calendar::{Day, local_day};
use keiki_model::dataset::{Dataset, DatasetKind, OrgUnits};
use keiki_model::evidence::{Claim, Scope};
use keiki_model::org::UNASSIGNED;
use keiki_store::{
    Expected, FrozenPlan, Gathered, Journal, MEMORY_BYTES, RawFile, RawWriter, Repeats, StoreError,
    Submission, Summary,
};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::claims::{self, Claims, Span};
use super::derived::{self, Derived};
use super::{Confirmation, Ingest, Report, fetching, scope};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::plans;
use crate::progress::{Progress, Step};

/// Files of this many bytes together are read while the reading before them is committed.
const LIGHT_BYTES: u64 = 16 << 20;

/// Of more bytes than these, rows are worked on while the rest is read.
const EARLY_BYTES: u64 = 8 << 20;

/// Files that were read before their turn.
pub(super) struct Begun {
    files: Vec<InputFile>,
    looks: Vec<Look>,
    evidence: Gathered,
}

/// Reads the files of a source before its turn, beside the commit of another, where they are few and what they hold does not
/// depend on what is committed meanwhile. Whatever is wrong with them is found again, and told, in their turn.
pub(super) async fn begin(
    workspace: &Workspace,
    journal: &Journal,
    (source, files): (&Source, Option<&[InputFile]>),
    asked: &Ingest,
) -> Option<Begun> {
    let dataset = workspace.dataset(&source.dataset).ok()?;
    let depends = source.fetch.is_some() || dataset.minted_column().is_some();
    let files = match (files, &source.place) {
        _ if depends => return None,
        (Some(files), _) => files.to_vec(),
        (None, Some(place)) => place::expand(&place.value, &workspace.root).ok()?,
        (None, None) => return None,
    };
    let looks = files.iter().map(look).collect::<Result<Vec<Look>>>().ok()?;
    if looks.iter().map(|look| look.bytes).sum::<u64>() > LIGHT_BYTES {
        return None;
    }
    let as_of = day_asked(workspace, asked);
    let evidence = gathered(workspace, journal, source, &dataset, (&files, as_of), None).await;
    Some(Begun {
        looks,
        evidence: evidence.ok()?,
        files,
    })
}

/// Reads a source's files, if they were not read before, and commits what they hold. A reading that cannot be used leaves nothing
/// behind.
pub(super) async fn read(
    workspace: &Workspace,
    journal: &Journal,
    (source, files, begun): (Source, Option<Vec<InputFile>>, Option<Begun>),
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Report> {
    let (files, begun) = match begun {
        None => (files, None),
        Some(begun) => (Some(begun.files), Some((begun.looks, begun.evidence))),
    };
    let fetched = match &files {
        None => fetching::fetch(workspace, &source, asked, progress).await?,
        Some(_) => None,
    };
    let mut derived = None;
    let files = match (files, &fetched, &source.place) {
        (Some(files), ..) => files,
        (None, Some(fetched), _) => fetched.files.clone(),
        (None, None, Some(place)) => place::expand(&place.value, &workspace.root)?,
        (None, None, None) if source.query.is_some() => {
            let found = Derived::new(workspace, journal, &source, asked).await?;
            let files = vec![found.file.clone()];
            derived = Some(found);
            files
        }
        (None, None, None) => Vec::new(),
    };
    let (name, definition) = (source.name.clone(), source.version.clone());
    let to_read = ToRead {
        files,
        begun,
        outline: derived.as_ref().map(|derived| &derived.outline),
    };
    let report = read_files(workspace, journal, source, to_read, asked, progress);
    let report = Box::pin(report).await?;
    if asked.what.is_of_sources() {
        // The next reading goes on from here, now that this one is in the journal.
        let cursor = fetched.and_then(|fetched| fetched.cursor(definition));
        let readings = workspace.readings().await?;
        readings
            .succeeded(&name, asked.now, cursor.as_ref())
            .await?;
    }
    Ok(report)
}

/// The files of a reading, wherever they are from.
struct ToRead<'r> {
    files: Vec<InputFile>,
    /// What they looked like and held, where they were read before.
    begun: Option<(Vec<Look>, Gathered)>,
    /// From what the rows follow, where they do.
    outline: Option<&'r Outline>,
}

/// Reads files and commits what they hold.
async fn read_files(
    workspace: &Workspace,
    journal: &Journal,
    source: Source,
    to_read: ToRead<'_>,
    asked: &Ingest,
    progress: &dyn Progress,
) -> Result<Report> {
    let ToRead {
        files,
        begun,
        outline,
    } = to_read;
    let dataset = workspace.dataset(&source.dataset)?;
    progress.begin(&Step::Reading {
        source: source.name.clone(),
        files: files.len(),
    });
    let (looks, read) = match begun {
        Some((looks, evidence)) => (looks, Some(evidence)),
        None => (files.iter().map(look).collect::<Result<Vec<Look>>>()?, None),
    };
    let writer = if dataset.is_personal() {
        RawWriter::Encrypted
    } else {
        RawWriter::Plain
    };
    let mut stored = Vec::new();
    let as_of = day_asked(workspace, asked);
    let expected = match (&read, outline) {
        (None, None) => expected(workspace, &source, &looks, asked),
        _ => None,
    };
    let gather = async |expected: Option<&Expected>| {
        gathered(
            workspace,
            journal,
            &source,
            &dataset,
            (&files, as_of),
            expected,
        )
        .await
    };
    // The bytes are kept while they are read. That both saw the same shows after both.
    let (evidence, kept) = tokio::join!(
        async {
            match read {
                Some(evidence) => Ok(evidence),
                None => match gather(expected.as_ref()).await {
                    Err(error) if is_to_be_gathered_again(&error) => gather(None).await,
                    gathered => gathered,
                },
            }
        },
        keep(journal, (&files, writer), asked, &mut stored),
    );
    let kept = kept.and_then(|()| check_unchanged(&files, &looks));
    let commit = async |evidence: Gathered| {
        let reading = Reading {
            workspace,
            journal,
            source: source.clone(),
            dataset: Arc::clone(&dataset),
            asked,
            stored: &stored,
            outline,
            scope_units: None,
        };
        let names = files.iter().map(|file| file.name.clone()).collect();
        Box::pin(reading.commit(evidence, names, progress)).await
    };
    let committed = match (evidence, kept) {
        (Ok(evidence), Ok(())) => match commit(evidence).await {
            Err(error) if is_to_be_gathered_again(&error) => {
                let again = gather(None).await;
                match again.and_then(|again| check_unchanged(&files, &looks).map(|()| again)) {
                    Ok(evidence) => commit(evidence).await,
                    Err(error) => Err(error),
                }
            }
            committed => committed,
        },
        (Ok(evidence), Err(error)) => {
            // What went wrong matters more than what could not be cleared away after it.
            let _cleared = evidence.discard().await;
            Err(error)
        }
        (Err(error), _) => Err(error),
    };
    let is_kept = committed
        .as_ref()
        .is_ok_and(|report| report.receipt.seq.is_some());
    if !is_kept {
        // What went wrong matters more than what could not be cleared away after it.
        let cleared = journal.discard_raw(&stored).await;
        if committed.is_ok() {
            cleared?;
        }
    }
    committed
}

/// A reading whose files are read and kept.
pub(in crate::operations) struct Reading<'r> {
    pub(in crate::operations) workspace: &'r Workspace,
    pub(in crate::operations) journal: &'r Journal,
    pub(in crate::operations) source: Source,
    pub(in crate::operations) dataset: Arc<Dataset>,
    pub(in crate::operations) asked: &'r Ingest,
    pub(in crate::operations) stored: &'r [RawFile],
    /// The org units in scope, where they are not the source's with all below them.
    pub(in crate::operations) scope_units: Option<Vec<String>>,
    /// From what the rows follow, where they do.
    pub(in crate::operations) outline: Option<&'r Outline>,
}

impl Reading<'_> {
    /// Commits what the files held.
    pub(in crate::operations) async fn commit(
        self,
        evidence: Gathered,
        files: Vec<String>,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let summary = evidence.summary();
        progress.begin(&Step::Committing {
            source: self.source.name.clone(),
            rows: usize::try_from(summary.rows).unwrap_or(usize::MAX),
        });
        let terms = match self.terms(&summary).await {
            Ok(terms) => terms,
            Err(error) => {
                // What went wrong matters more than what could not be cleared away after it.
                let _cleared = evidence.discard().await;
                return Err(error);
            }
        };
        let (as_of, claims) = (terms.as_of, &terms.claims);
        let covers = claims.made.iter().map(|claim| claim.org_unit.clone());
        let (covers, uncovered) = (covers.collect(), claims.uncovered.clone());
        let unassigned = terms.unassigned.clone();
        let journal = self.journal;
        let receipt = journal.commit(self.submission(evidence, terms)).await?;
        Ok(Report {
            files,
            as_of,
            receipt,
            covers,
            uncovered,
            unassigned,
        })
    }

    /// Works out what rows of that summary are committed as.
    async fn terms(&self, summary: &Summary) -> Result<Terms> {
        let (workspace, source) = (self.workspace, &self.source);
        let as_of = as_of(workspace, self.asked, summary);
        let closed_at = match source.history {
            Some(_) => last_close(workspace).await?,
            None => i64::MIN,
        };
        let unassigned = unassigned(workspace, &self.dataset, summary, as_of);
        let mut claims = match self.outline {
            // Derived evidence speaks for no more than that from which it follows.
            Some(outline)
                if source.covers.is_empty() && self.dataset.org_units != OrgUnits::None =>
            {
                derived::claims(workspace, self.journal, (source, outline), as_of).await?
            }
            _ => {
                let dataset = &self.dataset;
                let until = (as_of, closed_at);
                claims(workspace, self.journal, source, dataset, summary, until).await?
            }
        };
        claims.uncovered.retain(|unit| !unassigned.contains(unit));
        Ok(Terms {
            as_of,
            closed_at,
            claims,
            unassigned,
            frozen_plans: plans::frozen(workspace, &self.dataset, as_of)?,
        })
    }

    fn submission(self, evidence: Gathered, terms: Terms) -> Submission {
        let (workspace, asked, source) = (self.workspace, self.asked, self.source);
        let references = || self.stored.iter().map(|raw| &raw.reference);
        let mut content = Sha256::new();
        for reference in references() {
            content.update(format!("{} {}\n", reference.name, reference.sha256));
        }
        Submission {
            datasets: workspace.datasets(),
            source: source.name.clone(),
            mapping_version: workspace.mapping_version(&source),
            precedence: i32::try_from(source.precedence).unwrap_or(i32::MAX),
            as_of: terms.as_of,
            now: asked.now,
            closed_at: terms.closed_at,
            extent: source.extent,
            missing: source.missing,
            scope_units: self.scope_units.unwrap_or_else(|| {
                let units = &source.scope.org_units;
                scope::expand(&workspace.organisation, units, terms.as_of)
            }),
            scope: source.scope,
            claims: terms.claims.made,
            evidence,
            files: references().cloned().collect(),
            content_sha256: format!("{:x}", content.finalize()),
            frozen_plans: terms.frozen_plans,
            is_missing_confirmed: asked.confirmation == Confirmation::Given,
            as_seen: asked.as_seen(),
            author: asked.author.clone(),
            dataset: self.dataset,
        }
    }
}

/// What the rows of a reading are committed as, beside what its source says.
struct Terms {
    /// The day that it speaks for.
    as_of: Day,
    /// When a period was last closed.
    closed_at: i64,
    claims: Claims,
    /// Org units of rows that the tree does not know.
    unassigned: Vec<String>,
    frozen_plans: Vec<FrozenPlan>,
}

/// Keeps the bytes of the files, and of what was sent with them.
async fn keep(
    journal: &Journal,
    (files, writer): (&[InputFile], RawWriter),
    asked: &Ingest,
    stored: &mut Vec<RawFile>,
) -> Result<()> {
    store(journal, files, writer, stored).await?;
    // What a document says of whom nobody knows: it is kept as what names people is.
    let attachments = asked.attachments();
    store(journal, &attachments, RawWriter::Encrypted, stored).await
}

/// Keeps the bytes of files.
async fn store(
    journal: &Journal,
    files: &[InputFile],
    writer: RawWriter,
    stored: &mut Vec<RawFile>,
) -> Result<()> {
    for file in files {
        stored.push(journal.store_raw(&file.path, &file.name, writer).await?);
    }
    Ok(())
}

/// Checks that the files are still what they were before they were read and kept.
fn check_unchanged(files: &[InputFile], looks: &[Look]) -> Result<()> {
    for (file, before) in files.iter().zip(looks) {
        if look(file)? != *before {
            return Err(StoreError::ChangedWhileRead(file.name.clone()).into());
        }
    }
    Ok(())
}

/// What a file looks like from outside, so that a change while it is read shows.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Look {
    bytes: u64,
    modified: Option<SystemTime>,
}

fn look(file: &InputFile) -> Result<Look> {
    let metadata = std::fs::metadata(&file.path).map_err(Error::file(&file.path))?;
    Ok(Look {
        bytes: metadata.len(),
        modified: metadata.modified().ok(),
    })
}

/// What a reading is expected to be whose rows are worked on while files are still read: of small ones there is nothing to gain.
fn expected(
    workspace: &Workspace,
    source: &Source,
    looks: &[Look],
    asked: &Ingest,
) -> Option<Expected> {
    let bytes: u64 = looks.iter().map(|look| look.bytes).sum();
    let can_be =
        source.history.is_none() && source.scope == Scope::default() && bytes > EARLY_BYTES;
    can_be.then(|| Expected {
        source: source.name.clone(),
        extent: source.extent,
        now: asked.now,
        datasets: workspace.datasets(),
    })
}

fn is_to_be_gathered_again(error: &Error) -> bool {
    matches!(error, Error::Store(StoreError::GatherAgain))
}

/// Reads the files chunk by chunk, so that few of their rows are in memory at a time; where it is said what the reading is expected to be,
/// rows are worked on meanwhile.
async fn gathered(
    workspace: &Workspace,
    journal: &Journal,
    source: &Source,
    dataset: &Arc<Dataset>,
    (files, as_of): (&[InputFile], Day),
    expected: Option<&Expected>,
) -> Result<Gathered> {
    let repeats = if source.history.is_some() {
        Repeats::Allowed
    } else {
        Repeats::Found
    };
    let mut gathering = match expected {
        None => journal.gather(dataset, as_of, repeats, MEMORY_BYTES),
        Some(expected) => {
            let gathering = journal.gather_early(dataset, as_of, MEMORY_BYTES, expected);
            gathering.await?
        }
    };
    let runtime = Handle::current();
    let (source, dataset, files) = (source.clone(), Arc::clone(dataset), files.to_vec());
    let (expressions, zone) = (
        Arc::clone(&workspace.mappings),
        workspace.settings.zone.clone(),
    );
    let task = tokio::task::spawn_blocking(move || {
        let context = Context {
            expressions: expressions.as_ref(),
            zone,
            limits: Limits::default(),
            as_of,
        };
        let mut take = |chunk| Ok::<(), Error>(runtime.block_on(gathering.add(chunk))?);
        match read_chunks(&source, &dataset, &files, &context, &mut take) {
            Ok(()) => Ok(gathering),
            Err(error) => {
                // What went wrong matters more than what could not be cleared away after it.
                let _cleared = runtime.block_on(gathering.discard());
                Err(error)
            }
        }
    });
    let gathering = task.await.map_err(Error::stopped)??;
    Ok(gathering.finish().await?)
}

/// The day for which a reading is asked: the one given, else today.
fn day_asked(workspace: &Workspace, asked: &Ingest) -> Day {
    asked
        .as_of
        .unwrap_or_else(|| local_day(asked.now, &workspace.settings.zone))
}

/// The day that the reading speaks for: the one given, for a load of history the last day of its knowledge, else today.
fn as_of(workspace: &Workspace, asked: &Ingest, summary: &Summary) -> Day {
    let zone = &workspace.settings.zone;
    let latest = summary.known_at.map(|(_, latest)| latest);
    asked
        .as_of
        .unwrap_or_else(|| local_day(latest.unwrap_or(asked.now).min(asked.now), zone))
}

/// The org units of rows that the tree of the day does not know.
fn unassigned(
    workspace: &Workspace,
    dataset: &Dataset,
    summary: &Summary,
    as_of: Day,
) -> Vec<String> {
    if dataset.org_units == OrgUnits::None {
        return Vec::new();
    }
    let tree = workspace.organisation.tree(as_of);
    let is_unknown = |unit: &String| tree.nodes()[tree.position_of_evidence(unit)].id == UNASSIGNED;
    let units = summary.org_units().into_iter();
    units.filter(is_unknown).collect()
}

/// When a period was last closed; the least instant where none was. Figures of the time before Keiki were not closed by it.
async fn last_close(workspace: &Workspace) -> Result<i64> {
    let closed = workspace.statements().await?.closed().await?;
    let own = closed.iter().filter(|head| head.revision > 0);
    Ok(own.map(|head| head.closed_at).max().unwrap_or(i64::MIN))
}

async fn claims(
    workspace: &Workspace,
    journal: &Journal,
    source: &Source,
    dataset: &Dataset,
    summary: &Summary,
    (as_of, closed_at): (Day, i64),
) -> Result<Claims> {
    if dataset.org_units == OrgUnits::None {
        return Ok(Claims::default());
    }
    let from = match dataset.kind {
        DatasetKind::Register => {
            let first = summary.first_effective_on;
            first.map_or(as_of, |first| first.min(as_of))
        }
        DatasetKind::Fact | DatasetKind::Derived => source.window_from,
    };
    let earliest = summary.known_at.map(|(earliest, _)| earliest);
    let span = Span {
        from,
        until: as_of,
        known_from: earliest.map_or(i64::MIN, |earliest| {
            earliest.max(closed_at.saturating_add(1))
        }),
        fresh_days: source.fresh_days,
    };
    let tree = workspace.organisation.tree(as_of);
    let units = summary.org_units();
    let mut claims = if source.covers.is_empty() {
        claims::of_rows(&units, &tree, span)
    } else {
        claims::stated(&source.covers, span)
    };
    if claims::cover_all(&claims, &tree) {
        return Ok(claims);
    }
    let snapshot = journal.snapshot().await?;
    let earlier: Vec<Claim> = snapshot
        .batches()
        .iter()
        .filter(|batch| batch.dataset == dataset.name)
        .flat_map(|batch| batch.claims.clone())
        .collect();
    claims::lift(&mut claims, &earlier, &tree);
    Ok(claims)
}
