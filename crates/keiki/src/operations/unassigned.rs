//! Lists the texts in the place of org units that nobody knows, so that aliases can be given for them.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use keiki_model::calendar::{Day, local_day};
use keiki_model::dataset::{DatasetKind, ORG_UNIT_SEPARATOR, OrgUnits};
use keiki_model::org::{AliasDay, UNASSIGNED};
use keiki_model::problem::nearest;
use keiki_store::StoreError;

use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// A text that stands in the place of an org unit and is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unassigned {
    /// The text, as the source gave it.
    pub text: String,
    /// The dataset.
    pub dataset: String,
    /// The sources that gave it.
    pub sources: Vec<String>,
    /// Records that name it today.
    pub records: i64,
    /// What it stands for by now, by an alias or the tree: the next reading puts it there.
    pub stands_for: Option<String>,
    /// The org unit whose id or name is nearest, if any is near.
    pub nearest: Option<String>,
}

/// Lists them by dataset and text, as the journal is now.
///
/// # Errors
/// The journal cannot be read; that there is none yet is no error.
pub async fn list(workspace: &Workspace, now: i64) -> Result<Vec<Unassigned>> {
    let journal = match workspace.journal(Opening::Existing).await {
        Ok(journal) => journal,
        Err(Error::Store(StoreError::NoJournal(_))) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let engine = workspace.engine();
    let today = local_day(now, &workspace.settings.zone);
    let mut found = Vec::new();
    for dataset in workspace.catalogue.datasets.values() {
        if dataset.org_units == OrgUnits::None || dataset.kind == DatasetKind::Derived {
            continue;
        }
        let query = format!(
            "select source, org_unit, cast(sum(weight) as bigint) as records from \"{}\" \
             group by source, org_unit",
            dataset.name
        );
        let rows = engine.sql(&journal, &query).await?;
        for (text, named) in by_text(&rows) {
            if named.records > 0 && is_unknown(workspace, &text, today) {
                found.push(Unassigned {
                    dataset: dataset.name.clone(),
                    sources: named.sources.into_iter().collect(),
                    records: named.records,
                    stands_for: stands_for(workspace, &text, today),
                    nearest: near(workspace, &text),
                    text,
                });
            }
        }
    }
    Ok(found)
}

/// How many records name a text, and by which sources they did. An entry that takes back another source's word carries the
/// source that speaks, so that records add up over sources alone.
#[derive(Debug, Default)]
struct Named {
    records: i64,
    sources: BTreeSet<String>,
}

/// The records by text; a record that names several org units counts for each.
fn by_text(rows: &[RecordBatch]) -> BTreeMap<String, Named> {
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for rows in rows.iter().filter(|rows| rows.num_rows() > 0) {
        let text = |column: usize| {
            let texts =
                arrow::compute::cast(rows.column(column), &arrow::datatypes::DataType::Utf8);
            texts.ok().map(|texts| texts.as_string::<i32>().clone())
        };
        let (Some(sources), Some(units)) = (text(0), text(1)) else {
            continue;
        };
        let counts = rows.column(2).as_primitive::<Int64Type>();
        for row in 0..rows.num_rows() {
            for unit in units.value(row).split(ORG_UNIT_SEPARATOR) {
                let named = named.entry(unit.trim().to_owned()).or_default();
                named.records += counts.value(row);
                if counts.value(row) > 0 {
                    named.sources.insert(sources.value(row).to_owned());
                }
            }
        }
    }
    named
}

fn is_unknown(workspace: &Workspace, text: &str, today: Day) -> bool {
    let tree = workspace.organisation.tree(today);
    tree.nodes()[tree.position_of_evidence(text)].id == UNASSIGNED
}

fn stands_for(workspace: &Workspace, text: &str, today: Day) -> Option<String> {
    let unit = workspace
        .codes
        .org_units
        .resolve(text, AliasDay::Standing)?;
    (!is_unknown(workspace, unit, today)).then(|| unit.to_owned())
}

fn near(workspace: &Workspace, text: &str) -> Option<String> {
    let rows = workspace.organisation.rows();
    let texts = rows
        .iter()
        .flat_map(|unit| [unit.id.as_str(), &unit.name.ja, &unit.name.en]);
    let found = nearest(text, texts)?;
    let unit = rows
        .iter()
        .find(|unit| [unit.id.as_str(), &unit.name.ja, &unit.name.en].contains(&found));
    unit.map(|unit| unit.id.clone())
}
