//! What a worker is told: what to compute, of which parts of which files.

use std::sync::Arc;

use jiff::tz::TimeZone;
use keiki_model::calendars::Calendars;
use keiki_model::dataset::{Column, ColumnType, Dataset, DatasetKind, OrgUnits};
use keiki_model::text::Text;
use keiki_store::{EntryFile, Scan};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::axis::Axis;
use crate::error::{EngineError, Result};
use crate::expressions::SqlExpressions;
use crate::keep::FORM;
use crate::plan::{BoundMeasure, DatasetPlan};
use crate::read::Bounds;

/// The fewest parts into which work is cut where there are as many files, so that several workers have something to do.
const PARTS_LEAST: u64 = 8;

/// The most parts into which work is cut: each costs a cube that travels.
const PARTS_MOST: u64 = 4096;

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FilePart {
    pub(super) path: String,
    pub(super) size_bytes: u64,
    pub(super) rows: u64,
    pub(super) first_seq: i64,
    pub(super) last_seq: i64,
    /// The bytes of it whose groups of rows are read; `None` = all.
    pub(super) bytes: Option<(u64, u64)>,
}

/// A column as far as reading needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ColumnShape {
    name: String,
    kind: String,
    is_journalled: bool,
}

/// What a worker is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Share {
    /// The form of cubes, which both sides have to know.
    form: u32,
    /// Where the journal is.
    pub(super) journal: Url,
    pub(super) calendars: Calendars,
    pub(super) zone: String,
    dataset: String,
    dataset_version: String,
    columns: Vec<ColumnShape>,
    measures: Vec<BoundMeasure>,
    /// What the definitions come to; a worker that makes something else of them must not answer.
    pub(super) version: String,
    pub(super) bounds: Bounds,
    pub(super) axis: Axis,
    pub(super) parts: Vec<Vec<FilePart>>,
}

/// Says that something cannot be done on a cluster.
pub(super) fn not_on_cluster(ja: impl Into<String>, en: impl Into<String>) -> EngineError {
    EngineError::Cluster(Box::new(Text::new(ja, en)))
}

impl Share {
    /// *Units*: `part_bytes` = how much of the files a part holds at most, about.
    pub(super) fn new(
        plan: &DatasetPlan,
        (calendars, zone): (&Calendars, &TimeZone),
        (journal, scan): (&Url, &Scan),
        (bounds, axis): (Bounds, &Axis),
        part_bytes: u64,
    ) -> Result<Self> {
        let zone = zone.iana_name().ok_or_else(|| {
            not_on_cluster(
                "時間帯に名前がないため、クラスターに伝えられません",
                "the time zone has no name by which a cluster would know it",
            )
        })?;
        let columns = plan.dataset.columns.iter().map(|column| ColumnShape {
            name: column.name.clone(),
            kind: column.kind.name(),
            is_journalled: column.journalled,
        });
        Ok(Self {
            form: FORM,
            journal: journal.clone(),
            calendars: calendars.clone(),
            zone: zone.to_owned(),
            dataset: plan.dataset.name.clone(),
            dataset_version: plan.dataset.version.clone(),
            columns: columns.collect(),
            measures: plan.bound.clone(),
            version: plan.version.clone(),
            bounds,
            axis: axis.clone(),
            parts: parts(&scan.files, part_bytes),
        })
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self).map_err(|error| {
            not_on_cluster(
                format!("クラスターに渡す内容を作れません: {error}"),
                format!("what a cluster has to know cannot be written: {error}"),
            )
        })
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let share: Option<Self> = postcard::from_bytes(bytes).ok();
        share.filter(|share| share.form == FORM).ok_or_else(|| {
            not_on_cluster(
                "クラスターのKeikiの版が、集計を依頼したKeikiと異なります",
                "the cluster runs another version of Keiki than the one that asks",
            )
        })
    }

    /// The time zone of the one who asks.
    pub(super) fn zone(&self) -> Result<TimeZone> {
        TimeZone::get(&self.zone).map_err(|error| {
            not_on_cluster(
                format!("ワーカーに時間帯がありません: {error}"),
                format!("a worker does not know the time zone: {error}"),
            )
        })
    }

    /// Plans the measures as the one who asks has planned them.
    pub(super) fn plan(&self) -> Result<DatasetPlan> {
        let expressions = Arc::new(SqlExpressions::new(self.calendars.clone(), self.zone()?));
        let dataset = Arc::new(self.dataset()?);
        let plan = DatasetPlan::new(&dataset, &expressions, self.measures.clone())?;
        if plan.version == self.version {
            return Ok(plan);
        }
        Err(not_on_cluster(
            "ワーカーのKeikiの版が、集計を依頼したKeikiと異なります",
            "a worker runs another version of Keiki than the one that asks",
        ))
    }

    fn dataset(&self) -> Result<Dataset> {
        let column = |shape: &ColumnShape| {
            let kind = ColumnType::parse(&shape.kind)?;
            Some(Column {
                name: shape.name.clone(),
                kind,
                required: false,
                personal: false,
                journalled: shape.is_journalled,
                values: Vec::new(),
                lookup: None,
                title: Text::default(),
                description: Text::default(),
            })
        };
        let columns: Option<Vec<Column>> = self.columns.iter().map(column).collect();
        let columns = columns.ok_or_else(|| {
            not_on_cluster(
                "ワーカーの知らない列の型があります",
                "a worker does not know the type of a column",
            )
        })?;
        Ok(Dataset {
            name: self.dataset.clone(),
            kind: DatasetKind::Register,
            title: Text::default(),
            description: Text::default(),
            key: Vec::new(),
            org_units: OrgUnits::One,
            freshness_days: 0,
            columns,
            rules: Vec::new(),
            distinct: None,
            plan: None,
            identity: Vec::new(),
            version: self.dataset_version.clone(),
            file: String::new(),
        })
    }
}

/// Parts files among parts of about the same size; a large file is in several.
fn parts(files: &[EntryFile], part_bytes: u64) -> Vec<Vec<FilePart>> {
    let total: u64 = files.iter().map(|file| file.size_bytes).sum();
    let wanted = total.div_ceil(part_bytes.max(1));
    let wanted = wanted.clamp(PARTS_LEAST.min(files.len() as u64).max(1), PARTS_MOST);
    let most = total.div_ceil(wanted).max(1);
    let mut pieces: Vec<FilePart> = files.iter().flat_map(|file| pieces(file, most)).collect();
    // The largest first, each to the part that has least: then all have about as much.
    pieces.sort_by(|a, b| (weight(b), &a.path, a.bytes).cmp(&(weight(a), &b.path, b.bytes)));
    let count = usize::try_from(wanted)
        .unwrap_or(1)
        .min(pieces.len())
        .max(1);
    let mut parts: Vec<(u64, Vec<FilePart>)> = vec![(0, Vec::new()); count];
    for piece in pieces {
        let least = parts.iter_mut().min_by_key(|(bytes, _)| *bytes);
        let (bytes, part) = least.expect("there is at least one part");
        *bytes += weight(&piece);
        part.push(piece);
    }
    parts.into_iter().map(|(_, part)| part).collect()
}

fn weight(part: &FilePart) -> u64 {
    part.bytes
        .map_or(part.size_bytes, |(from, until)| until - from)
}

fn pieces(file: &EntryFile, most: u64) -> Vec<FilePart> {
    let piece = |bytes| FilePart {
        path: file.path.clone(),
        size_bytes: file.size_bytes,
        rows: file.rows,
        first_seq: file.first_seq,
        last_seq: file.last_seq,
        bytes,
    };
    let count = file.size_bytes / most;
    if count < 2 {
        return vec![piece(None)];
    }
    let at = |number: u64| file.size_bytes / count * number;
    (0..count)
        .map(|number| {
            let is_last = number + 1 == count;
            let until = if is_last {
                file.size_bytes
            } else {
                at(number + 1)
            };
            piece(Some((at(number), until)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(sizes: &[u64]) -> Vec<EntryFile> {
        let file = |(number, size): (usize, &u64)| EntryFile {
            path: format!("{number}.parquet"),
            size_bytes: *size,
            rows: 1,
            first_seq: 1,
            last_seq: 1,
        };
        sizes.iter().enumerate().map(file).collect()
    }

    #[test]
    fn each_byte_of_each_file_is_in_one_part() {
        for (sizes, part_bytes) in [
            (&[10, 1000, 3, 777][..], 100),
            (&[1_000_000][..], 64),
            (&[5; 40][..], 1000),
            (&[0][..], 10),
        ] {
            let parts = parts(&files(sizes), part_bytes);
            assert!(parts.iter().all(|part| !part.is_empty()));
            for (number, size) in sizes.iter().enumerate() {
                let path = format!("{number}.parquet");
                let of_file = parts.iter().flatten().filter(|part| part.path == path);
                let mut ranges: Vec<(u64, u64)> = of_file
                    .map(|part| part.bytes.unwrap_or((0, *size)))
                    .collect();
                ranges.sort_unstable();
                assert_eq!(ranges.first().map(|range| range.0), Some(0));
                assert_eq!(ranges.last().map(|range| range.1), Some(*size));
                assert!(
                    ranges.windows(2).all(|two| two[0].1 == two[1].0),
                    "{ranges:?}"
                );
            }
        }
    }

    #[test]
    fn small_files_are_parted_among_several_workers() {
        assert_eq!(parts(&files(&[5; 40]), 1 << 25).len(), 8);
        assert_eq!(parts(&files(&[5, 5]), 1 << 25).len(), 2);
    }
}
