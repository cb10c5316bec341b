//! What a file would do to the figures: it is taken into a copy of the books, which is measured and thrown away.
//!
//! The copy is of the journal's own files, as further names of the same bytes: none of them is ever changed where it lies. Files on an
//! object store are read there, and what is written goes into a folder over them. *Source*: decisions 0100, 0119.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;

use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_store::{DeskFolder, StoreError, Tokens};

use super::measure::{self, Measure, Units};
use crate::config::{STATE_FOLDER, Workspace};
use crate::error::{Error, Result};
use crate::progress::Silent;

/// The folder of raw evidence within the journal: nothing in it is measured.
const RAW: &str = "raw";
/// The table of what is visible.
const BATCHES: &str = "batches";
/// The folder of computed sums.
const CUBES: &str = "cubes";

/// A figure that would move.
#[derive(Debug, Clone)]
pub(super) struct Effect {
    /// As it is now; `None` where nothing was measured before.
    pub(super) before: Option<Measurement>,
    /// As it would be.
    pub(super) after: Measurement,
}

/// Of which figures the effect is told.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The datasets that change.
    pub(super) datasets: BTreeSet<String>,
    /// The org units.
    pub(super) units: Vec<String>,
    /// The period.
    pub(super) period: Period,
    /// Now, UTC microseconds.
    pub(super) now: i64,
}

/// A copy of the books in a folder that goes with it.
pub(super) struct Copy {
    workspace: Workspace,
    _folder: DeskFolder,
}

impl Copy {
    /// Copies the books.
    pub(super) async fn of(workspace: &Workspace, folder: DeskFolder) -> Result<Self> {
        let state = folder.path().join(STATE_FOLDER);
        let cubes = workspace.root.join(STATE_FOLDER).join(CUBES);
        let (to_journal, to_cubes) = (state.join("journal"), state.join(CUBES));
        let place = workspace.journal_place()?;
        let apart = if let Ok(journal) = place.url().to_file_path() {
            let linked = tokio::task::spawn_blocking(move || {
                // What says which commits count comes first: what a commit adds meanwhile does not count then.
                link(&journal.join(BATCHES), &to_journal.join(BATCHES), &[])?;
                link(&journal, &to_journal, &[RAW, BATCHES])
            });
            linked.await.map_err(Error::stopped)??;
            workspace.apart(folder.path())
        } else {
            let over = place.over(&to_journal).await?;
            workspace.apart_at(folder.path(), over)
        };
        let linked = tokio::task::spawn_blocking(move || link(&cubes, &to_cubes, &[]));
        linked.await.map_err(Error::stopped)??;
        // People have to be recognised; nothing else of the operational database decides about a figure.
        let tokens = Tokens::open(&workspace.database()?).await?;
        tokens
            .copy_to(&Tokens::open(&apart.database()?).await?)
            .await?;
        Ok(Self {
            workspace: apart,
            _folder: folder,
        })
    }

    /// The workspace with the copy.
    pub(super) fn workspace(&self) -> &Workspace {
        &self.workspace
    }
}

/// Gives every file below a folder a further name below another one.
fn link(from: &Path, to: &Path, but: &[&str]) -> Result<()> {
    let entries = match std::fs::read_dir(from) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found.map_err(Error::file(from))?,
    };
    std::fs::create_dir_all(to).map_err(Error::file(to))?;
    for entry in entries {
        let entry = entry.map_err(Error::file(from))?;
        let (name, place) = (entry.file_name(), entry.path());
        if but.iter().any(|but| name == **but) {
            continue;
        }
        let target = to.join(&name);
        if entry.file_type().map_err(Error::file(&place))?.is_dir() {
            link(&place, &target, &[])?;
            continue;
        }
        // Another file system takes no further names.
        let linked = std::fs::hard_link(&place, &target);
        let linked = linked.or_else(|_| std::fs::copy(&place, &target).map(drop));
        match linked {
            // It was put together with others, or was being written, meanwhile.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            other => other.map_err(Error::file(&place))?,
        }
    }
    Ok(())
}

/// The figures of the datasets that are wanted, as some books give them; none where there are no books yet.
async fn measured(workspace: &Workspace, wanted: &Wanted) -> Result<Vec<Measurement>> {
    let catalogue = &workspace.catalogue;
    let changes = |name: &str| {
        let follows = || {
            let dataset = catalogue.datasets.get(name);
            let distinct = dataset.and_then(|dataset| dataset.distinct.as_ref());
            distinct.is_some_and(|distinct| wanted.datasets.contains(&distinct.dataset.value))
        };
        wanted.datasets.contains(name) || follows()
    };
    let kpis = catalogue.kpis.iter().filter(|kpi| {
        let mut measures = kpi.measures.iter();
        workspace.programme.adopts(kpi) && measures.any(|one| changes(&one.dataset.value))
    });
    let kpis: Vec<String> = kpis.map(|kpi| kpi.no.to_string()).collect();
    if kpis.is_empty() {
        return Ok(Vec::new());
    }
    let asked = Measure {
        kpis,
        units: Units::Named(wanted.units.clone()),
        ..Measure::of_all(wanted.period, wanted.now)
    };
    match Box::pin(measure::measure(workspace, &asked, &Silent)).await {
        Err(Error::Store(StoreError::NoJournal(_))) => Ok(Vec::new()),
        found => found,
    }
}

/// What moved between the books and their copy, into which something was taken meanwhile.
pub(super) async fn between(
    workspace: &Workspace,
    copy: &Copy,
    wanted: &Wanted,
) -> Result<Vec<Effect>> {
    let before = measured(workspace, wanted).await?;
    let after = measured(&copy.workspace, wanted).await?;
    let earlier = |one: &Measurement| {
        let mut all = before.iter();
        let found = all.find(|other| {
            other.no == one.no && other.indicator == one.indicator && other.org_unit == one.org_unit
        });
        found.cloned()
    };
    let effects = after.into_iter().map(|after| Effect {
        before: earlier(&after),
        after,
    });
    Ok(effects.filter(Effect::moves).collect())
}

impl Effect {
    /// Whether anything of the figure would be another.
    fn moves(&self) -> bool {
        let Some(before) = &self.before else {
            return self.after.value.is_some();
        };
        let after = &self.after;
        let amounts = |one: &Measurement| (one.value, one.numerator, one.denominator, one.n);
        let coverage = |one: &Measurement| (one.coverage.covered, one.coverage.expected);
        amounts(before) != amounts(after)
            || before.status != after.status
            || coverage(before) != coverage(after)
    }
}
