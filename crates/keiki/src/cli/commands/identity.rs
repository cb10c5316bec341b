//! `keiki identity`

use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::error::Result;
use crate::messages;
use crate::operations::identity::{self, Finding, Listed};

/// List records that were found to be one, identifiers that decide nothing, and values in which sources differ
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this dataset
    #[arg(value_name = "DATASET")]
    dataset: Option<String>,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let found = identity::list(&workspace, self.dataset.as_deref()).await?;
        let language = session.language();
        if found.is_empty() && self.format == Format::Table {
            session.line(messages::NO_IDENTITY.get(language));
            return Ok(Exit::Fine);
        }
        let grid = if self.format == Format::Table {
            screen(&found, language)
        } else {
            data(&found)
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

fn screen(found: &[Listed], language: Language) -> Grid {
    let row = |listed: &Listed| {
        let (what, record, detail) = words(&listed.finding);
        vec![
            json!(listed.dataset),
            json!(what.get(language)),
            json!(record),
            json!(detail.get(language)),
        ]
    };
    Grid {
        names: Vec::new(),
        columns: vec![
            Column::text(messages::DATASET.get(language), 8),
            Column::text(messages::FINDING.get(language), 8),
            Column::text(messages::RECORD.get(language), 12),
            Column::text(messages::DETAIL.get(language), 20).wrapped(4),
        ],
        rows: found.iter().map(row).collect(),
    }
}

fn words(finding: &Finding) -> (Text, String, Text) {
    match finding {
        Finding::Merged { seq, merge, .. } => (
            Text::new("統合", "merged"),
            merge.into.clone(),
            Text::new(
                format!(
                    "{} と同一({}が一致、記帳番号{seq})",
                    merge.absorbed, merge.identifier
                ),
                format!(
                    "was {} too; both have {} (commit {seq})",
                    merge.absorbed, merge.identifier
                ),
            ),
        ),
        Finding::Shared(shared) => (
            Text::new("識別子の重複", "shared"),
            shared.records.join(", "),
            Text::new(
                format!(
                    "いずれも{}を持つため、この識別子では特定しない",
                    shared.identifier
                ),
                format!(
                    "all have {}, which therefore decides nothing",
                    shared.identifier
                ),
            ),
        ),
        Finding::Differs(differing) => {
            let said: Vec<String> = differing
                .said
                .iter()
                .map(|(source, value)| format!("{source}={value}"))
                .collect();
            let (column, said) = (&differing.column, said.join(", "));
            (
                Text::new("値の相違", "differs"),
                differing.record.clone(),
                Text::new(
                    format!("{column}: {said}(先頭の取得元を採用)"),
                    format!("{column}: {said} (the first stands)"),
                ),
            )
        }
    }
}

fn data(found: &[Listed]) -> Grid {
    let row = |listed: &Listed| -> Vec<Value> {
        let dataset = json!(listed.dataset);
        match &listed.finding {
            Finding::Merged {
                seq,
                known_at,
                merge,
            } => {
                let known_at = jiff::Timestamp::from_microsecond(*known_at).ok();
                let known_at = known_at.map(|at| at.to_string());
                vec![
                    dataset,
                    json!("merged"),
                    json!(merge.into),
                    json!(merge.identifier),
                    json!([merge.absorbed]),
                    json!(seq),
                    json!(known_at),
                ]
            }
            Finding::Shared(shared) => vec![
                dataset,
                json!("shared"),
                Value::Null,
                json!(shared.identifier),
                json!(shared.records),
                Value::Null,
                Value::Null,
            ],
            Finding::Differs(differing) => {
                let said = differing.said.iter();
                let said: Vec<Value> = said
                    .map(|(source, value)| json!({ "source": source, "value": value }))
                    .collect();
                vec![
                    dataset,
                    json!("differs"),
                    json!(differing.record),
                    json!(differing.column),
                    json!(said),
                    Value::Null,
                    Value::Null,
                ]
            }
        }
    };
    Grid {
        names: vec![
            "dataset", "finding", "record", "by", "others", "seq", "known_at",
        ],
        columns: Vec::new(),
        rows: found.iter().map(row).collect(),
    }
}
