//! What differs between two statements of a period: how far evidence, definitions and the org tree moved each figure, why, and
//! down to the entries.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use keiki_engine::{Against, Detail, EngineError, Explanation, Question, Structure};
use keiki_model::calendar::Period;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::restatement::{Bridge, Cause, Difference, Restatement};
use keiki_model::statement::{Place, Restated, Statement, restated};
use keiki_store::{Journal, Texts};

use super::super::{disclosure, programme};
use super::Pinned;
use crate::config::{HIERARCHIES_FOLDER, ORG_FILE, Opening, Workspace};
use crate::error::Result;
use crate::progress::Progress;

/// A figure that differs, with what moved it.
#[derive(Debug, Clone)]
pub struct Change {
    /// The figure in both.
    pub restated: Restated,
    /// How far evidence that became known since moved it, then definitions and programme, then the org tree.
    pub bridge: Bridge,
}

impl Change {
    /// Whether few people moved the figure, so that it is held as it was reported and nothing else is told.
    #[must_use]
    pub fn is_of_few(&self) -> bool {
        self.restated
            .after
            .as_ref()
            .is_some_and(Measurement::is_held)
    }
}

/// Which of the figures that differ are asked for.
pub type Wanted<'w> = &'w (dyn Fn(&Restated) -> bool + Send + Sync);

/// A record that moved a figure.
#[derive(Debug, Clone)]
pub struct Moving {
    /// The base measure.
    pub measure: String,
    /// The record's key, or the org unit whose reported total differs.
    pub record_key: String,
    /// What it added to the figure before.
    pub before: Option<Fraction>,
    /// What it adds now.
    pub after: Option<Fraction>,
    /// When that became known, UTC microseconds.
    pub known_at: i64,
    /// The commit that brought it.
    pub seq: i64,
    /// The batch of that commit.
    pub batch: String,
    /// Its source.
    pub source: String,
}

/// What differs between two statements of a period, and how much of it new evidence moved, how much definitions and programme,
/// and how much the org tree. To a `reader` the steps of a figure about people are told where one of them is the whole way: each by
/// itself might be of few.
///
/// # Errors
/// The figures in between cannot be computed.
pub async fn changes(
    workspace: &Workspace,
    period: Period,
    (before, after): (&Statement, &Statement),
    reader: Option<&str>,
    progress: &dyn Progress,
) -> Result<Vec<Change>> {
    let found = restated(&before.measurements, &after.measurements);
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let between = Between::compute(workspace, period, before, after, progress).await?;
    let guards =
        |no: u32| reader.is_some_and(|reader| disclosure::keeps_from(workspace, reader, no));
    let value = |one: &Option<Measurement>| one.as_ref().and_then(|one| one.value);
    let changes = found.into_iter().map(|restated| {
        let [evidence, definitions] = between.at(&restated.place);
        let stations = [
            value(&restated.before),
            evidence,
            definitions,
            value(&restated.after),
        ];
        // What is withheld from the reader leads nowhere.
        let is_whole = stations[0].is_some() && stations[3].is_some();
        let is_held = restated.after.as_ref().is_some_and(Measurement::is_held)
            || restated.before.as_ref().is_some_and(Measurement::is_held);
        let bridge = Bridge::over(stations);
        let is_told =
            is_whole && !is_held && (bridge.is_of_one_step() || !guards(restated.place.0));
        Change {
            bridge: if is_told { bridge } else { Bridge::default() },
            restated,
        }
    });
    Ok(changes.collect())
}

/// What a statement restates, with causes and weight.
///
/// # Errors
/// The figures in between cannot be computed, or a figure cannot be opened.
pub async fn restatement(
    workspace: &Workspace,
    period: Period,
    before: &Statement,
    after: &Statement,
    stated: Option<Cause>,
    progress: &dyn Progress,
) -> Result<Restatement> {
    let all = |_: &Restated| true;
    let both = (before, after);
    let differences = differences_of(workspace, period, both, (&all, None), progress).await?;
    Ok(Restatement {
        of_revision: before.revision,
        stated,
        differences,
    })
}

/// Those of the figures that differ which are asked for, with causes and weight; `reader` as in `changes`. Each cause is found by opening the figure, so that
/// few are found sooner than all.
///
/// # Errors
/// As `restatement`.
pub async fn differences_of(
    workspace: &Workspace,
    period: Period,
    (before, after): (&Statement, &Statement),
    (wanted, reader): (Wanted<'_>, Option<&str>),
    progress: &dyn Progress,
) -> Result<Vec<Difference>> {
    let both = (before, after);
    let mut changes = changes(workspace, period, both, reader, progress).await?;
    changes.retain(|change| wanted(&change.restated));
    let opener = Opener::new(workspace, period, before, after).await?;
    let mut differences = Vec::new();
    for change in changes {
        let is_material = match &workspace.settings.close.materiality {
            Some(materiality) => materiality.is_reached(&change.restated),
            None => true,
        };
        let is_of_few = change.is_of_few();
        let causes = if is_of_few {
            BTreeSet::new()
        } else {
            opener.causes(&change).await?
        };
        let mut difference = Difference::of(&change.restated, change.bridge, causes, is_material);
        if let Some(difference) = difference.as_mut().filter(|_| is_of_few) {
            difference.withhold();
        }
        differences.extend(difference);
    }
    Ok(differences)
}

/// The records that moved a figure from one statement to the other; `None` where they are kept from the reader, since they are of few
/// people.
///
/// # Errors
/// The figure cannot be opened.
pub async fn entries(
    workspace: &Workspace,
    period: Period,
    (before, after): (&Statement, &Statement),
    place: &Place,
    author: &str,
) -> Result<Option<Vec<Moving>>> {
    let opener = Opener::new(workspace, period, before, after).await?;
    let Some(opened) = opener.open(place).await? else {
        return Ok(Some(Vec::new()));
    };
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    let batches: HashMap<i64, &str> = snapshot
        .batches()
        .iter()
        .map(|batch| (batch.seq, batch.batch_id.as_str()))
        .collect();
    let batch = |seq: i64| batches.get(&seq).copied().unwrap_or_default().to_owned();
    let Some(comparison) = opened.against else {
        return Ok(Some(Vec::new()));
    };
    let hides = |figures: &[Measurement]| {
        let shown = (figures, comparison.changes.len());
        disclosure::hides_records(workspace, author, place.0, shown)
    };
    if hides(&before.measurements) || hides(&after.measurements) {
        return Ok(None);
    }
    let records = comparison.changes.into_iter().map(|one| Moving {
        batch: batch(one.seq),
        measure: one.measure,
        record_key: one.record_key,
        before: one.before,
        after: one.after,
        known_at: one.known_at,
        seq: one.seq,
        source: one.source,
    });
    Ok(Some(records.collect()))
}

/// The figures between two statements: with the later evidence and the earlier definitions and tree; then with the later
/// definitions too.
struct Between {
    evidence: HashMap<Place, Option<Fraction>>,
    definitions: HashMap<Place, Option<Fraction>>,
}

impl Between {
    fn at(&self, place: &Place) -> [Option<Fraction>; 2] {
        let of = |all: &HashMap<Place, Option<Fraction>>| all.get(place).copied().flatten();
        [of(&self.evidence), of(&self.definitions)]
    }

    async fn compute(
        workspace: &Workspace,
        period: Period,
        before: &Statement,
        after: &Statement,
        progress: &dyn Progress,
    ) -> Result<Self> {
        let Some(edition) = before.edition else {
            // Figures of before the books were kept have nothing that could be computed again.
            return Ok(Self {
                evidence: HashMap::new(),
                definitions: HashMap::new(),
            });
        };
        let last = values(&after.measurements);
        if after.edition == Some(edition) && after.coverage_rule == before.coverage_rule {
            return Ok(Self {
                evidence: last.clone(),
                definitions: last,
            });
        }
        let pinned = Pinned {
            period,
            known_at: after.closed_at,
            journal_version: after.journal_version,
            coverage_rule: before.coverage_rule,
        };
        let then = programme::of_edition(workspace, edition).await?;
        let evidence = values(&pinned.measure(&then, progress).await?);
        let now = match after.edition {
            Some(edition) => programme::of_edition(workspace, edition).await?,
            None => workspace.recorded(workspace.content.texts().clone())?,
        };
        let [old, new] = [then.content.texts(), now.content.texts()];
        if tree_of(old) == tree_of(new) {
            return Ok(Self {
                evidence,
                definitions: last,
            });
        }
        let mixed = with_tree_of(new, old);
        if mixed == *old {
            return Ok(Self {
                definitions: evidence.clone(),
                evidence,
            });
        }
        // Later definitions may name org units that the earlier tree has not; then the two cannot be told apart.
        let definitions = match workspace.recorded(mixed) {
            Ok(mixed) => values(&pinned.measure(&mixed, progress).await?),
            Err(_) => HashMap::new(),
        };
        Ok(Self {
            evidence,
            definitions,
        })
    }
}

fn values(measured: &[Measurement]) -> HashMap<Place, Option<Fraction>> {
    let place = |one: &Measurement| (one.no, one.indicator.clone(), one.org_unit.clone());
    measured.iter().map(|one| (place(one), one.value)).collect()
}

fn is_of_tree(file: &str) -> bool {
    file == ORG_FILE || Path::new(file).starts_with(HIERARCHIES_FOLDER)
}

fn tree_of(texts: &Texts) -> Vec<(&String, &String)> {
    texts.iter().filter(|(file, _)| is_of_tree(file)).collect()
}

/// One edition's texts with the org tree of another.
fn with_tree_of(texts: &Texts, tree: &Texts) -> Texts {
    let others = texts.iter().filter(|(file, _)| !is_of_tree(file));
    let tree = tree.iter().filter(|(file, _)| is_of_tree(file));
    let all = others.chain(tree);
    all.map(|(file, text)| (file.clone(), text.clone()))
        .collect()
}

/// Opens figures of one statement against those of another, by the earlier one's definitions.
struct Opener<'s> {
    then: Option<(Workspace, Journal)>,
    period: Period,
    before: &'s Statement,
    after: &'s Statement,
}

impl<'s> Opener<'s> {
    async fn new(
        workspace: &Workspace,
        period: Period,
        before: &'s Statement,
        after: &'s Statement,
    ) -> Result<Self> {
        let then = match before.edition {
            None => None,
            Some(edition) => {
                let then = programme::of_edition(workspace, edition).await?;
                let journal = then.journal(Opening::Existing).await?;
                Some((then, journal))
            }
        };
        Ok(Self {
            then,
            period,
            before,
            after,
        })
    }

    /// The figure with the later evidence beside that with the earlier; `None` where there is no such figure in the earlier
    /// definitions or tree.
    async fn open(&self, place: &Place) -> Result<Option<Explanation>> {
        let Some((workspace, journal)) = &self.then else {
            return Ok(None);
        };
        let question = Question {
            no: place.0,
            indicator: Some(place.1.to_string()),
            org_unit: place.2.to_string(),
            structure: Structure::default(),
            period: self.period,
            known_at: Some(self.after.closed_at),
            seq: Some(self.after.journal_version),
            now: self.after.closed_at,
            against: Some(Against::KnownAt(self.before.closed_at)),
            detail: Detail::OrgUnit,
        };
        let is_there =
            workspace.catalogue.kpis.iter().any(|kpi| {
                kpi.no == place.0 && kpi.indicators.iter().any(|one| one.code == *place.1)
            });
        if !is_there {
            return Ok(None);
        }
        match workspace.engine().explain(journal, &question).await {
            Ok(opened) => Ok(Some(opened)),
            Err(EngineError::UnknownOrgUnit { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Why a figure differs, as the entries and editions show it.
    ///
    /// *Source*: own definition (decision 0035): a record that counted and counts otherwise now was an error; one that did not
    /// count is late evidence; a reported total that changed was an estimate.
    async fn causes(&self, change: &Change) -> Result<BTreeSet<Cause>> {
        let zero = Some(Fraction::whole(0));
        let bridge = change.bridge;
        let mut found = BTreeSet::new();
        if bridge.definitions.is_some() && bridge.definitions != zero {
            found.insert(Cause::DefinitionChange);
        }
        if bridge.tree.is_some() && bridge.tree != zero {
            found.insert(Cause::Reorganisation);
        }
        let is_companion = [&change.restated.after, &change.restated.before]
            .into_iter()
            .flatten()
            .any(|one| one.is_companion);
        let is_of_evidence = bridge.evidence != zero || found.is_empty();
        if is_companion || !is_of_evidence {
            return Ok(found);
        }
        let Some(comparison) = self
            .open(&change.restated.place)
            .await?
            .and_then(|o| o.against)
        else {
            return Ok(found);
        };
        if !comparison.totals.is_empty() {
            found.insert(Cause::Estimate);
        }
        for one in &comparison.changes {
            let is_correction = one.before.is_some();
            found.insert(if is_correction {
                Cause::Error
            } else {
                Cause::LateEvidence
            });
        }
        Ok(found)
    }
}
