//! What every worker is told: what to compute, whichever files it is computed of.

use std::sync::Arc;

use jiff::tz::TimeZone;
use keiki_model::calendars::Calendars;
use keiki_model::dataset::{Column, ColumnType, Dataset, DatasetKind, OrgUnits};
use keiki_model::text::Text;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::axis::Axis;
use crate::error::{EngineError, Result};
use crate::expressions::SqlExpressions;
use crate::keep::FORM;
use crate::plan::{BoundMeasure, DatasetPlan};
use crate::read::Bounds;

/// The form in which this program says what to compute, and the program.
const PROGRAM: &str = concat!(env!("CARGO_PKG_VERSION"), " 3");

/// A column as far as reading needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ColumnShape {
    name: String,
    kind: String,
    is_journalled: bool,
}

/// What every worker is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Share {
    /// The program that asks, and the form of cubes: both sides have to be of the same.
    program: String,
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
}

/// Says that something cannot be done on a cluster.
pub(super) fn not_on_cluster(ja: impl Into<String>, en: impl Into<String>) -> EngineError {
    EngineError::Cluster {
        why: Box::new(Text::new(ja, en)),
        hint: None,
    }
}

impl Share {
    pub(super) fn new(
        plan: &DatasetPlan,
        (calendars, zone): (&Calendars, &TimeZone),
        journal: &Url,
        (bounds, axis): (Bounds, &Axis),
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
            program: PROGRAM.to_owned(),
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
        // Of another program nothing else may be read: what stands at a place there may mean something else.
        let asked: Option<(&str, u32)> = postcard::take_from_bytes(bytes)
            .ok()
            .map(|(asked, _)| asked);
        let share = || postcard::from_bytes(bytes).ok();
        let share = asked
            .filter(|asked| *asked == (PROGRAM, FORM))
            .and_then(|_| share());
        share.ok_or_else(|| {
            not_on_cluster(
                "ワーカーのKeikiの版が、集計を依頼したKeikiと異なります",
                "it runs another version of Keiki than the one that asks",
            )
        })
    }

    /// The time zone of the one who asks.
    pub(super) fn zone(&self) -> Result<TimeZone> {
        TimeZone::get(&self.zone).map_err(|error| {
            not_on_cluster(
                format!("時間帯がわかりません: {error}"),
                format!("it does not know the time zone: {error}"),
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
            "定義から同じ計算を組み立てられません。Keikiの版が異なります",
            "it makes another computation of the same definitions: it runs another version of Keiki",
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
                "列の型がわかりません",
                "it does not know the type of a column",
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
