//! `keiki identity`

use keiki_model::calendar::instant_text;
use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use keiki_store::Merge;
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::identity::{self, Asked, Finding, Listed};
use crate::operations::programme::Run;

/// List records that were found to be one, identifiers that decide nothing, and values in which sources differ; take a merge back
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Only those of this dataset
    #[arg(value_name = "DATASET")]
    dataset: Option<String>,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Take a merge back: the record stands for itself again, from its first day on
    Separate {
        #[command(flatten)]
        judged: Judged,
        /// A source whose rows are about this record [default: those that did not speak of the other before]
        #[arg(long = "source", value_name = "SOURCE")]
        sources: Vec<String>,
    },
    /// Make a record one with another, because you know that they are
    Join {
        #[command(flatten)]
        judged: Judged,
        /// The record that it is
        #[arg(long, value_name = "KEY")]
        into: String,
    },
}

#[derive(Debug, clap::Args)]
struct Judged {
    /// The dataset
    #[arg(value_name = "DATASET")]
    dataset: String,
    /// The record by its key that was made from an identifier, as the list shows it: seen:…
    #[arg(value_name = "KEY")]
    record: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Judged {
    fn of(self, sources: Vec<String>) -> Asked {
        Asked {
            dataset: self.dataset,
            record: self.record,
            sources,
            reason: self.reason,
        }
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let language = session.language();
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        match self.action {
            Some(Action::Separate { judged, sources }) => {
                let asked = judged.of(sources);
                let done = Box::pin(identity::separate(&workspace, asked, &run)).await?;
                session.line(messages::separated(&done).get(language));
                return Ok(Exit::Fine);
            }
            Some(Action::Join { judged, into }) => {
                let joined = identity::join(&workspace, judged.of(Vec::new()), &into, &run);
                let done = Box::pin(joined).await?;
                session.line(messages::joined(&done).get(language));
                return Ok(Exit::Fine);
            }
            None => {}
        }
        let found = identity::list(&workspace, self.dataset.as_deref()).await?;
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
        Finding::Merged {
            seq, merge, author, ..
        } => (
            Text::new("統合", "merged"),
            merge.into.clone(),
            merged_because(merge, *seq, author),
        ),
        Finding::Separated {
            seq,
            author,
            separation,
            ..
        } => {
            let (from, reason) = (&separation.from, &separation.reason);
            (
                Text::new("分離", "separated"),
                separation.record.clone(),
                Text::new(
                    format!("{from} とは別。{author}: {reason}(記帳番号{seq})"),
                    format!("is not {from}; {author}: {reason} (commit {seq})"),
                ),
            )
        }
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

fn merged_because(merge: &Merge, seq: i64, author: &str) -> Text {
    let (absorbed, identifier) = (&merge.absorbed, &merge.identifier);
    match &merge.reason {
        Some(reason) => Text::new(
            format!("{absorbed} と同一。{author}: {reason}(記帳番号{seq})"),
            format!("was {absorbed} too; {author}: {reason} (commit {seq})"),
        ),
        None => Text::new(
            format!("{absorbed} と同一({identifier}が一致、記帳番号{seq})"),
            format!("was {absorbed} too; both have {identifier} (commit {seq})"),
        ),
    }
}

fn data(found: &[Listed]) -> Grid {
    let row = |listed: &Listed| -> Vec<Value> {
        let dataset = json!(listed.dataset);
        match &listed.finding {
            Finding::Merged {
                seq,
                known_at,
                author,
                merge,
            } => vec![
                dataset,
                json!("merged"),
                json!(merge.into),
                json!(merge.identifier),
                json!([merge.absorbed]),
                json!(seq),
                json!(instant_text(*known_at)),
                json!(author),
                json!(merge.reason),
            ],
            Finding::Separated {
                seq,
                known_at,
                author,
                separation,
            } => vec![
                dataset,
                json!("separated"),
                json!(separation.record),
                json!(separation.identifiers.join(", ")),
                json!([separation.from]),
                json!(seq),
                json!(instant_text(*known_at)),
                json!(author),
                json!(separation.reason),
            ],
            Finding::Shared(shared) => vec![
                dataset,
                json!("shared"),
                Value::Null,
                json!(shared.identifier),
                json!(shared.records),
                Value::Null,
                Value::Null,
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
                    Value::Null,
                    Value::Null,
                ]
            }
        }
    };
    Grid {
        names: vec![
            "dataset", "finding", "record", "by", "others", "seq", "known_at", "author", "reason",
        ],
        columns: Vec::new(),
        rows: found.iter().map(row).collect(),
    }
}
