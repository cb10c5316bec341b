//! Records that are found to be one become one, in a commit of its own.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use keiki_model::dataset::{Dataset, DatasetKind, content_version};
use keiki_model::evidence::{Evidence, Extent, Missing, Scope};

use super::attempt::{Attempt, append};
use super::freeze::replaced;
use super::making::Said;
use super::{ATTEMPTS, Journal, Submission, only_columns};
use crate::batches::{Batch, Snapshot};
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::identity::{IDENTITY_SOURCE, Index, Merge, has_minted};
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
            let (batch, changes) = self.united_by(submission, &merges, &snapshot).await?;
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

    async fn bring_heads_up(&self, changes: &[(Arc<Dataset>, Changes)]) -> Result<()> {
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

    /// What it takes to move all that was said of some records to those that they are, and the batch that says so.
    async fn united_by(
        &self,
        submission: &Submission,
        merges: &[Merge],
        snapshot: &Snapshot,
    ) -> Result<(Batch, Vec<(Arc<Dataset>, Changes)>)> {
        let found = Arc::new(finding(submission, merges));
        let dataset = Arc::clone(&found.dataset);
        let rows = found.evidence.settled(self, &dataset).await?;
        let attempt = Attempt::new(self, &found, &rows, snapshot)?;
        crate::evolution::fit(self, &dataset, snapshot).await?;
        let mut batch = attempt.batch().clone();
        batch.merges = merges.to_vec();
        batch.counts.changed = merges.len() as u64;
        let output = moved(&attempt, merges, batch.seq).await?;
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

/// The submission that says that records are one: no rows, no files, no claims.
fn finding(submission: &Submission, merges: &[Merge]) -> Submission {
    let nothing = Evidence {
        rows: RecordBatch::new_empty(submission.dataset.schema()),
        places: Vec::new(),
        files: Vec::new(),
        effective_on: None,
        known_at: None,
        version_order: None,
        rejected: Vec::new(),
        left_unknown: Vec::new(),
        open_ends: Vec::new(),
    };
    Submission {
        source: IDENTITY_SOURCE.to_owned(),
        mapping_version: submission.dataset.version.clone(),
        precedence: i32::MAX,
        extent: Extent::Part,
        missing: Missing::Keep,
        scope: Scope::default(),
        scope_units: Vec::new(),
        claims: Vec::new(),
        evidence: nothing.into(),
        files: Vec::new(),
        content_sha256: content_version(&format!("{merges:?}")),
        frozen_plans: Vec::new(),
        is_missing_confirmed: false,
        ..submission.clone()
    }
}
