//! The raw rows of sampled records, found again in the files that were read.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::util::display::array_value_to_string;
use keiki_ingest::original::OriginalRow;
use keiki_ingest::read_evidence;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::{Evidence, join_key};
use keiki_store::{Batch, Journal};

use super::{Record, table};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::rejects::{Originals, context_of, raw_again, read_again};

/// A row as it stood in its file.
pub(super) type RawRow = OriginalRow;

/// The raw rows, by the position of their record in the sample. Records of datasets that name people have none unless all are
/// asked for; nor has what comes of other evidence, or of files that were taken away.
pub(super) async fn rows(
    workspace: &Workspace,
    journal: &Journal,
    batches: &BTreeMap<i64, &Batch>,
    sample: &[Record],
    whose: Originals,
) -> Result<BTreeMap<usize, RawRow>> {
    let mut found = BTreeMap::new();
    let by_batch: BTreeSet<(i64, &str)> =
        sample.iter().map(|r| (r.seq, r.dataset.as_str())).collect();
    for (seq, name) in by_batch {
        let (Some(batch), Some(dataset)) =
            (batches.get(&seq), workspace.catalogue.datasets.get(name))
        else {
            continue;
        };
        let is_shown = match whose {
            Originals::None => false,
            Originals::Impersonal => !dataset.is_personal(),
            Originals::All => true,
        };
        if !is_shown {
            continue;
        }
        let places = places(workspace, journal, batch, dataset).await?;
        let wanted: BTreeMap<usize, (String, u64)> = sample
            .iter()
            .enumerate()
            .filter(|(_, record)| record.seq == seq && record.dataset == name)
            .filter_map(|(at, record)| Some((at, places.get(&record.key)?.clone())))
            .collect();
        let rows: BTreeSet<(String, u64)> = wanted.values().cloned().collect();
        let Some((_, rows)) = read_again(workspace, journal, batch, rows).await? else {
            continue;
        };
        for (at, place) in wanted {
            let row = rows
                .iter()
                .find(|row| (&row.file, row.row) == (&place.0, place.1));
            found.extend(row.map(|row| (at, row.clone())));
        }
    }
    Ok(found)
}

/// Where each record of a batch stood, by key.
async fn places(
    workspace: &Workspace,
    journal: &Journal,
    batch: &Batch,
    dataset: &Arc<Dataset>,
) -> Result<BTreeMap<String, (String, u64)>> {
    let Some(again) = raw_again(workspace, journal, batch, |_| true).await? else {
        return Ok(BTreeMap::new());
    };
    let context = context_of(workspace, batch);
    // What can no longer be read has no raw rows.
    let Ok(evidence) = read_evidence(&again.source, dataset, &again.files, &context) else {
        return Ok(BTreeMap::new());
    };
    by_key(dataset, &evidence)
}

fn by_key(dataset: &Dataset, evidence: &Evidence) -> Result<BTreeMap<String, (String, u64)>> {
    let columns: Vec<_> = dataset
        .key
        .iter()
        .filter_map(|name| evidence.rows.column_by_name(name))
        .collect();
    let mut files = evidence.files.iter();
    let mut current = files.next();
    let mut left = current.map_or(0, |(_, rows)| *rows);
    let mut found = BTreeMap::new();
    for (row, place) in evidence.places.iter().enumerate() {
        while left == 0 && current.is_some() {
            current = files.next();
            left = current.map_or(0, |(_, rows)| *rows);
        }
        left = left.saturating_sub(1);
        let parts: Vec<String> = columns
            .iter()
            .map(|column| array_value_to_string(column, row).map_err(Error::stopped))
            .collect::<Result<_>>()?;
        let key = match parts.as_slice() {
            [only] if !only.contains(['|', '\\']) => only.clone(),
            parts => join_key(parts.iter().map(String::as_str)),
        };
        let file = current.map(|(file, _)| file.clone()).unwrap_or_default();
        found.insert(key, (file, *place));
    }
    Ok(found)
}

/// The raw rows, cell by cell.
pub(super) fn csv(sample: &[Record], raw: &BTreeMap<usize, RawRow>) -> Result<Vec<u8>> {
    let rows = raw.iter().flat_map(|(at, row)| {
        let key = sample
            .get(*at)
            .map(|record| record.key.clone())
            .unwrap_or_default();
        row.cells.iter().map(move |(column, value)| {
            let (file, line) = (row.file.clone(), row.row.to_string());
            vec![
                (at + 1).to_string(),
                key.clone(),
                file,
                line,
                column.clone(),
                value.clone(),
            ]
        })
    });
    table(
        &[
            "number",
            "record_key",
            "file",
            "file_row",
            "column",
            "value",
        ],
        rows,
    )
}
