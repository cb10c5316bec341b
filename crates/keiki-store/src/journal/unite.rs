//! Records that are found to be one become one, in a commit of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, DatasetKind, content_version};
use keiki_model::evidence::{Evidence, Extent, Missing, Scope};

use super::attempt::{Attempt, append};
use super::freeze::replaced;
use super::judge::separated;
use super::making::Said;
use super::{ATTEMPTS, Journal, Submission, only_columns};
use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::identity::{IDENTITY_SOURCE, Index, Judgement, Merge, Separation, has_minted};
use crate::plan::{Changes, History, Output, Pick};
use crate::schema::RECORD_KEY;
use crate::{derived, lookups};

impl Journal {
    /// Makes the records one that are found to be one, in commits of their own, until there are none. Returns what was found.
    pub(super) async fn unite(&self, submission: &Submission) -> Result<Vec<Merge>> {
        let dataset = &submission.dataset;
        let mut all = Vec::new();
        for _ in 0..ATTEMPTS {
            let (mut batches, snapshot) = self.list().await?;
            if !has_minted(&snapshot, dataset) {
                return Ok(all);
            }
            let merges = Index::read(self, &snapshot, dataset).await?.merges();
            if merges.is_empty() {
                return Ok(all);
            }
            let (finder, decision) = (Finder::from(submission), Decision::Merge(&merges));
            let (batch, changes) = self.decided(&finder, decision, &snapshot).await?;
            append(self, &format!("{}.parquet", batch.batch_id), &changes).await?;
            if batches.commit(&batch).await?.is_err() {
                continue;
            }
            if let Err(error) = self.bring_heads_up(&changes).await {
                tracing::warn!(%error, "the heads could not be brought up to date; the next ingest will do it");
            }
            all.extend(merges);
        }
        Err(StoreError::Contended(ATTEMPTS))
    }

    pub(super) async fn bring_heads_up(&self, changes: &[(Arc<Dataset>, Changes)]) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let with_heads = changes
            .iter()
            .filter(|(dataset, _)| dataset.kind != DatasetKind::Derived);
        for (dataset, _) in with_heads {
            let heads = self.heads(dataset, &snapshot).await?;
            heads.write(snapshot.seq()).await?;
        }
        Ok(())
    }

    /// What it takes to carry a decision about records out, and the batch that says so.
    pub(super) async fn decided(
        &self,
        finder: &Finder,
        decision: Decision<'_>,
        snapshot: &Snapshot,
    ) -> Result<(Batch, Vec<(Arc<Dataset>, Changes)>)> {
        let found = Arc::new(finder.finding(&decision));
        let dataset = Arc::clone(&found.dataset);
        let rows = found.evidence.settled(self, &dataset, found.as_of).await?;
        let attempt = Attempt::new(self, &found, &rows, snapshot)?;
        crate::evolution::fit(self, &dataset, snapshot).await?;
        let mut batch = attempt.batch().clone();
        let output = match decision {
            Decision::Merge(merges) => {
                batch.merges = merges.to_vec();
                batch.counts.changed = merges.len() as u64;
                moved(&attempt, merges, batch.seq).await?
            }
            Decision::Separate {
                mut separation,
                commits,
                sources,
            } => {
                let output = separated(&attempt, &mut separation, commits, sources).await?;
                batch.separations = vec![separation];
                batch.counts.changed = 1;
                output
            }
        };
        let own = output.finish(&dataset, batch.seq, &batch.batch_id)?;
        let mut changes = vec![(dataset, own)];
        lookups::follow(self, snapshot, &found, &batch, &mut changes).await?;
        derived::follow(self, snapshot, &found, &batch, &mut changes).await?;
        Ok((batch, changes))
    }
}

/// Moves what every source said of records that are others.
async fn moved(attempt: &Attempt, merges: &[Merge], seq: i64) -> Result<Output> {
    let dataset = &attempt.submission().dataset;
    let column = dataset.minted_column().unwrap_or_default();
    let reading = attempt.reading();
    let mut output = Output::new(dataset, IDENTITY_SOURCE)?;
    let mut by_record: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut into: HashMap<&str, &str> = HashMap::new();
    for merge in merges {
        let absorbed = by_record.entry(&merge.into).or_default();
        absorbed.insert(&merge.absorbed);
        into.insert(&merge.absorbed, &merge.into);
    }
    let keys: HashSet<&str> = into.iter().flat_map(|(from, to)| [*from, *to]).collect();
    let said = Said::read(attempt, &keys, &mut output).await?;
    let shape = crate::heads::heads_schema(dataset);
    let mut renamed: HashMap<u32, u32> = HashMap::new();
    for (rows, number) in &said.rows {
        let keys: StringArray = strings(rows, RECORD_KEY)?
            .iter()
            .map(|key| key.map(|key| into.get(key).copied().unwrap_or(key)))
            .collect();
        let keys: ArrayRef = Arc::new(keys);
        let plain = only_columns(&crate::table::conform(rows, &shape)?, dataset)?;
        renamed.insert(
            *number,
            output.add_values(replaced(&plain, column, &keys)?)?,
        );
    }
    let rename = |(number, row): Pick| (renamed.get(&number).copied().unwrap_or(number), row);
    let history = History::new(&said.rows, attempt.snapshot().batches(), &dataset.name)?;
    let in_scope = |batch: &Batch, pick: Pick| said.scopes.contains(batch, pick);
    for (into, absorbed) in by_record {
        history.unite(
            &reading,
            into,
            &absorbed,
            &rename,
            seq,
            &in_scope,
            &mut output,
        );
    }
    Ok(output)
}

/// What is decided about records.
pub(super) enum Decision<'d> {
    /// They are one.
    Merge(&'d [Merge]),
    /// One of them is not what it was taken for.
    Separate {
        /// The record, and what it is not.
        separation: Separation,
        /// The commit that absorbed it, and the one that brought it into what it is not.
        commits: (i64, i64),
        /// The sources that speak of it since.
        sources: &'d [String],
    },
}

/// Who finds something about the records of a dataset, and when.
pub(super) struct Finder {
    dataset: Arc<Dataset>,
    datasets: Vec<Arc<Dataset>>,
    as_of: Day,
    now: i64,
    author: String,
}

impl From<&Submission> for Finder {
    fn from(submission: &Submission) -> Self {
        Self {
            dataset: Arc::clone(&submission.dataset),
            datasets: submission.datasets.clone(),
            as_of: submission.as_of,
            now: submission.now,
            author: submission.author.clone(),
        }
    }
}

impl From<&Judgement> for Finder {
    fn from(judgement: &Judgement) -> Self {
        Self {
            dataset: Arc::clone(&judgement.dataset),
            datasets: judgement.datasets.clone(),
            as_of: judgement.today,
            now: judgement.now,
            author: judgement.author.clone(),
        }
    }
}

impl Finder {
    /// The submission that carries a decision: no rows, no files, no claims.
    fn finding(&self, decision: &Decision<'_>) -> Submission {
        let nothing = Evidence {
            rows: RecordBatch::new_empty(self.dataset.schema()),
            places: Vec::new(),
            files: Vec::new(),
            effective_on: None,
            known_at: None,
            version_order: None,
            rejected: Vec::new(),
            left_unknown: Vec::new(),
            open_ends: Vec::new(),
        };
        let content = match decision {
            Decision::Merge(merges) => format!("{merges:?}"),
            Decision::Separate { separation, .. } => format!("{separation:?}"),
        };
        Submission {
            dataset: Arc::clone(&self.dataset),
            datasets: self.datasets.clone(),
            source: IDENTITY_SOURCE.to_owned(),
            mapping_version: self.dataset.version.clone(),
            precedence: i32::MAX,
            as_of: self.as_of,
            now: self.now,
            closed_at: i64::MIN,
            extent: Extent::Part,
            missing: Missing::Keep,
            scope: Scope::default(),
            scope_units: Vec::new(),
            claims: Vec::new(),
            evidence: nothing.into(),
            files: Vec::new(),
            content_sha256: content_version(&content),
            frozen_plans: Vec::new(),
            is_missing_confirmed: false,
            as_seen: None,
            author: self.author.clone(),
        }
    }
}
