//! `keiki sources`

use keiki_model::calendar::date_of;
use keiki_report::table::Column;
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::error::Result;
use crate::messages;
use crate::operations::sources::{self, Listed};

/// List sources with what they brought last
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let listed = sources::list(&workspace).await?;
        let language = session.language();
        let is_table = self.format == Format::Table;
        let grid = Grid {
            names: vec![
                "source", "dataset", "kind", "place", "as_of", "known_at", "accepted", "changed",
                "retired", "rejected",
            ],
            columns: vec![
                Column::text(messages::SOURCE.get(language), 10),
                Column::text(messages::DATASET.get(language), 10),
                Column::text(messages::KIND.get(language), 4).spare(),
                Column::text(messages::PLACE.get(language), 10).spare(),
                Column::text(messages::AS_OF.get(language), 10),
                Column::text(messages::KNOWN_AT.get(language), 16),
                Column::figure(messages::ACCEPTED.get(language)),
                Column::figure(messages::CHANGED.get(language)),
                Column::figure(messages::RETIRED.get(language)),
                Column::figure(messages::REJECTED.get(language)),
            ],
            rows: listed
                .iter()
                .map(|listed| row(listed, &workspace, is_table, messages::NEVER.get(language)))
                .collect(),
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

fn row(listed: &Listed<'_>, workspace: &Workspace, is_table: bool, never: &str) -> Vec<Value> {
    let kind = listed.source.map(|source| source.kind.name.as_str());
    let place = listed
        .source
        .and_then(|source| source.place.as_ref())
        .map(|place| place.value.clone());
    let mut row = vec![
        json!(listed.name),
        json!(listed.dataset),
        json!(kind),
        json!(place),
    ];
    match &listed.last {
        None => {
            row.push(if is_table { json!(never) } else { Value::Null });
            row.extend(vec![Value::Null; 5]);
        }
        Some(batch) => {
            let known_at = jiff::Timestamp::from_microsecond(batch.known_at).ok();
            let shown = known_at.map(|instant| {
                if is_table {
                    instant
                        .to_zoned(workspace.settings.zone.clone())
                        .strftime("%Y-%m-%d %H:%M")
                        .to_string()
                } else {
                    instant.to_string()
                }
            });
            row.extend([
                json!(date_of(batch.as_of).to_string()),
                json!(shown),
                json!(batch.counts.accepted),
                json!(batch.counts.changed),
                json!(batch.counts.retired),
                json!(batch.counts.rejected),
            ]);
        }
    }
    row
}
