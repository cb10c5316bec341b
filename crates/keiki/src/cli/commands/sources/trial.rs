//! `keiki sources test`

use keiki_model::dataset::Dataset;
use keiki_model::evidence::RejectedRow;
use keiki_model::text::Language;
use serde_json::{Map, Value, json};

use crate::cli::grid::print_json;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::trial::{self, Trial};

/// Rejected rows that are shown at once.
const SHOWN_REJECTS: usize = 10;

/// Read a few rows of a source and show what would become of them; nothing is journalled
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The source
    source: String,
    /// How to print what was read
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(super) async fn run(self, workspace: &Workspace, session: &Session) -> Result<Exit> {
        let trial = trial::try_source(
            workspace,
            &self.source,
            environment::now(),
            &environment::Here,
            session.progress(),
        )
        .await?;
        let dataset = workspace.catalogue.datasets.get(&trial.dataset);
        let dataset = dataset.map(AsRef::as_ref);
        match self.format {
            Format::Table => session.print(&shown(&trial, dataset, session.language())),
            Format::Json | Format::Csv => {
                print_json(&data(&trial, dataset, session.language()), session);
            }
        }
        Ok(if trial.rejected.is_empty() {
            Exit::Fine
        } else {
            Exit::Rejected
        })
    }
}

fn shown(trial: &Trial, dataset: Option<&Dataset>, language: Language) -> String {
    let mut lines = vec![format!(
        "{} → {}  {}",
        trial.source,
        trial.dataset,
        messages::files(&trial.files).get(language)
    )];
    let counts = messages::tried(trial.accepted, trial.rejected.len(), trial.rows.len());
    lines.push(format!("  {}", counts.get(language)));
    for row in &trial.rows {
        lines.push(format!("  [{}]", row.row));
        let filled = row
            .values
            .iter()
            .filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let width = filled
            .clone()
            .map(|(name, _)| name.len())
            .max()
            .unwrap_or(0);
        for (name, value) in filled {
            lines.push(format!("    {name:width$}  {value}"));
        }
    }
    if trial.accepted == 0 && trial.rejected.is_empty() {
        lines.push(format!("  {}", messages::NO_ROW.get(language)));
    }
    if !trial.rejected.is_empty() {
        lines.push(format!("  {}", messages::WOULD_REJECT.get(language)));
        lines.extend(
            trial
                .rejected
                .iter()
                .take(SHOWN_REJECTS)
                .map(|row| format!("    {}", reason(row, dataset, language))),
        );
    }
    if !trial.unassigned.is_empty() {
        let units = trial.unassigned.join(", ");
        lines.push(format!("  {}", messages::unassigned(&units).get(language)));
    }
    lines.push(messages::NOTHING_JOURNALLED.get(language).to_owned());
    lines.join("\n") + "\n"
}

fn reason(row: &RejectedRow, dataset: Option<&Dataset>, language: Language) -> String {
    let message = row.reason.message_in(dataset);
    format!("{}:{}  {}", row.file, row.row, message.get(language))
}

fn data(trial: &Trial, dataset: Option<&Dataset>, language: Language) -> Value {
    let rows: Vec<Value> = trial
        .rows
        .iter()
        .map(|row| {
            let values: Map<String, Value> = row
                .values
                .iter()
                .map(|(name, value)| (name.clone(), json!(value)))
                .collect();
            json!({ "row": row.row, "values": values })
        })
        .collect();
    let list = |rows: &[RejectedRow]| -> Vec<Value> {
        rows.iter()
            .map(|row| {
                let reason = row.reason.message_in(dataset);
                json!({ "file": row.file, "row": row.row, "reason": reason.get(language) })
            })
            .collect()
    };
    json!({
        "source": trial.source,
        "dataset": trial.dataset,
        "files": trial.files,
        "accepted": trial.accepted,
        "rows": rows,
        "rejected": list(&trial.rejected),
        "left_unknown": list(&trial.left_unknown),
        "unassigned": trial.unassigned,
    })
}
