//! `keiki rejects`

use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use keiki_store::{Outcome, StoredReject};
use serde_json::{Value, json};

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::error::Result;
use crate::messages;
use crate::operations::rejects;

/// List rejected rows, values left unknown and days of plans that were kept, with place and reason
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let found = rejects::list(&workspace, self.source.as_deref()).await?;
        let language = session.language();
        if found.is_empty() && self.format == Format::Table {
            session.line(messages::NO_REJECTS.get(language));
            return Ok(Exit::Fine);
        }
        let grid = if self.format == Format::Table {
            screen(&found, language)
        } else {
            data(&found, language)
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

fn screen(found: &[StoredReject], language: Language) -> Grid {
    Grid {
        names: Vec::new(),
        columns: vec![
            Column::figure(messages::COMMIT.get(language)),
            Column::text(messages::SOURCE.get(language), 8),
            Column::place(messages::PLACE.get(language), 16),
            Column::text(messages::OUTCOME.get(language), 8).spare(),
            Column::text(messages::REASON.get(language), 20).wrapped(4),
        ],
        rows: found
            .iter()
            .map(|reject| {
                vec![
                    json!(reject.seq),
                    json!(reject.source),
                    json!(format!("{}:{}", reject.row.file, reject.row.row)),
                    json!(outcome(reject.outcome).get(language)),
                    json!(reject.row.reason.message().get(language)),
                ]
            })
            .collect(),
    }
}

fn data(found: &[StoredReject], language: Language) -> Grid {
    let row = |reject: &StoredReject| -> Vec<Value> {
        vec![
            json!(reject.seq),
            json!(reject.source),
            json!(reject.dataset),
            json!(match reject.outcome {
                Outcome::Rejected => "rejected",
                Outcome::LeftUnknown => "left_unknown",
                Outcome::Kept => "kept",
            }),
            json!(reject.row.file),
            json!(reject.row.row),
            json!(reject.row.record_key),
            json!(reject.row.reason.code()),
            json!(reject.row.reason.column()),
            json!(reject.row.reason.message().get(language)),
        ]
    };
    Grid {
        names: vec![
            "seq",
            "source",
            "dataset",
            "outcome",
            "file",
            "row",
            "record_key",
            "reason",
            "column",
            "message",
        ],
        columns: Vec::new(),
        rows: found.iter().map(row).collect(),
    }
}

fn outcome(outcome: Outcome) -> Text {
    match outcome {
        Outcome::Rejected => Text::new("取込エラー", "rejected"),
        Outcome::LeftUnknown => Text::new("不明のまま", "left unknown"),
        Outcome::Kept => Text::new("基準計画を維持", "plan kept"),
    }
}
