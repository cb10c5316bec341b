//! `keiki rejects`

use keiki_model::calendar::instant_text;
use keiki_model::evidence::Cell;
use keiki_model::text::{Language, Text};
use keiki_report::table::Column;
use keiki_store::{Afterwards, Outcome};
use serde_json::{Map, Value, json};

use crate::cli::commands::measure::local;
use crate::cli::grid::{Grid, csv_lines, csv_text};
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::error::Result;
use crate::messages;
use crate::operations::refusals::Refused;
use crate::operations::rejects::{self, Asked, Listed, Originals, Part, StillOpen};

/// List rejected rows, refused files, values left unknown and days of plans that were kept, with place and reason
///
/// As CSV each row also has the cells that stood in its file, so that it can be mended there and sent back with
/// `keiki ingest SOURCE --file`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only those of this source
    #[arg(long, value_name = "SOURCE")]
    source: Option<String>,
    /// Only rejected rows that no later batch has mended or replaced
    #[arg(long)]
    open: bool,
    /// With CSV and JSON: the original cells of datasets that name people too
    #[arg(long)]
    personal: bool,
    /// How to print the list
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let asked = Asked {
            source: self.source,
            open: self.open.then_some(StillOpen),
            originals: match (self.format, self.personal) {
                (Format::Table, _) => Originals::None,
                (_, true) => Originals::All,
                (_, false) => Originals::Impersonal,
            },
        };
        let language = session.language();
        match self.format {
            Format::Table => {
                let mut screen = Screen::default();
                let mut take = |part| {
                    screen.add(part, &workspace, language);
                    Ok(())
                };
                rejects::each(&workspace, &asked, &mut take).await?;
                screen.print(session)?;
            }
            Format::Csv => {
                let mut sheet = Sheet::default();
                let mut take = |part| {
                    session.print(&sheet.text(part, &workspace, language)?);
                    Ok(())
                };
                rejects::each(&workspace, &asked, &mut take).await?;
            }
            Format::Json => {
                let mut data = Data::default();
                let mut take = |part| {
                    session.print(&data.text(part, &workspace, language));
                    Ok(())
                };
                rejects::each(&workspace, &asked, &mut take).await?;
                session.line(data.end());
            }
        }
        Ok(Exit::Fine)
    }
}

/// Rows that a screen shows; of more it says how many there are.
const SCREEN_ROWS: usize = 1_000;

/// A refused reading: when, why, and what mended it.
fn refused_row(one: &Refused, workspace: &Workspace, language: Language) -> Vec<Value> {
    let reading = &one.reading;
    let on = local(&instant_text(reading.at), workspace, language);
    vec![
        Value::Null,
        json!(reading.source),
        json!(reading.file),
        json!(messages::refused(&on, one.mended_by).get(language)),
        json!(reading.reason.get(language)),
    ]
}

/// The list for the screen: the first rows.
#[derive(Debug, Default)]
struct Screen {
    rows: Vec<Vec<Value>>,
    count: usize,
}

impl Screen {
    fn add(&mut self, part: Part, workspace: &Workspace, language: Language) {
        match part {
            Part::Columns(_) => {}
            Part::Rows(listed) => {
                self.count += listed.len();
                let room = SCREEN_ROWS.saturating_sub(self.rows.len());
                let shown = listed.iter().take(room);
                let shown = shown.map(|one| screen_row(one, workspace, language));
                self.rows.extend(shown);
            }
            Part::Refused(refused) => {
                self.count += refused.len();
                let refused = refused.iter();
                self.rows
                    .extend(refused.map(|one| refused_row(one, workspace, language)));
            }
        }
    }

    fn print(self, session: &Session) -> Result<()> {
        let language = session.language();
        if self.rows.is_empty() {
            session.line(messages::NO_REJECTS.get(language));
            return Ok(());
        }
        let more = self.count - self.rows.len();
        let grid = Grid {
            names: Vec::new(),
            columns: vec![
                Column::figure(messages::COMMIT.get(language)),
                Column::text(messages::SOURCE.get(language), 8),
                Column::place(messages::PLACE.get(language), 16),
                Column::text(messages::OUTCOME.get(language), 8).spare(),
                Column::text(messages::REASON.get(language), 20).wrapped(4),
            ],
            rows: self.rows,
        };
        grid.print(Format::Table, session)?;
        if more > 0 {
            session.line(messages::rejects_not_shown(more).get(language));
        }
        Ok(())
    }
}

fn screen_row(listed: &Listed, workspace: &Workspace, language: Language) -> Vec<Value> {
    let reject = &listed.reject;
    let message = rejects::message(workspace, reject);
    let mut reason = message.get(language).to_owned();
    if reject.row.reason.rule().is_some() {
        let dataset = workspace.catalogue.datasets.get(&reject.dataset);
        let titled = |cell: &Cell| {
            let column = dataset.and_then(|dataset| dataset.column(&cell.column));
            let title = column.map(|column| column.title.get(language));
            let value = cell.value.as_deref().unwrap_or("");
            title.map_or_else(
                || shown(cell),
                |title| format!("{title} ({})={value}", cell.column),
            )
        };
        let cells = reject.row.reason.cells();
        let cells: Vec<String> = cells.iter().map(titled).collect();
        reason = format!("{reason} [{}]", cells.join(", "));
    }
    vec![
        json!(reject.seq),
        json!(reject.source),
        json!(format!("{}:{}", reject.row.file, reject.row.row)),
        json!(state(listed).get(language)),
        json!(reason),
    ]
}

const NAMES: [&str; 14] = [
    "seq",
    "source",
    "dataset",
    "outcome",
    "state",
    "state_seq",
    "file",
    "row",
    "record_key",
    "reason",
    "rule",
    "column",
    "cells",
    "message",
];

fn values(listed: &Listed, workspace: &Workspace, language: Language) -> Vec<Value> {
    let reject = &listed.reject;
    let reason = &reject.row.reason;
    let (state, seq) = match listed.afterwards {
        Afterwards::Open => ("open", None),
        Afterwards::Mended { seq } => ("mended", Some(seq)),
        Afterwards::Replaced { seq } => ("replaced", Some(seq)),
    };
    let outcome = match reject.outcome {
        Outcome::Rejected => "rejected",
        Outcome::LeftUnknown => "left_unknown",
        Outcome::Kept => "kept",
    };
    vec![
        json!(reject.seq),
        json!(reject.source),
        json!(reject.dataset),
        json!(outcome),
        json!((reject.outcome == Outcome::Rejected).then_some(state)),
        json!(seq),
        json!(reject.row.file),
        json!(reject.row.row),
        json!(reject.row.record_key),
        json!(reason.code()),
        json!(reason.rule()),
        json!(reason.column()),
        json!(reason.cells()),
        json!(rejects::message(workspace, reject).get(language)),
    ]
}

/// A refused reading as data, in the columns of rows.
fn refused_values(one: &Refused, language: Language) -> Vec<Value> {
    let reading = &one.reading;
    let state = one.mended_by.map_or("open", |_| "mended");
    vec![
        Value::Null,
        json!(reading.source),
        json!(reading.dataset),
        json!("refused"),
        json!(state),
        json!(one.mended_by),
        json!(reading.file),
        Value::Null,
        Value::Null,
        json!("unusable"),
        Value::Null,
        Value::Null,
        Value::Null,
        json!(reading.reason.get(language)),
        Value::Null,
        json!(instant_text(reading.at)),
    ]
}

/// The list as data, a part at a time.
#[derive(Debug, Default)]
struct Data {
    /// How many objects were written.
    count: usize,
}

impl Data {
    fn text(&mut self, part: Part, workspace: &Workspace, language: Language) -> String {
        let objects: Vec<Value> = match part {
            Part::Columns(_) => Vec::new(),
            Part::Rows(listed) => {
                let listed = listed.iter();
                listed.map(|one| object(one, workspace, language)).collect()
            }
            Part::Refused(refused) => {
                let refused = refused.iter();
                refused
                    .map(|one| named(refused_values(one, language)))
                    .collect()
            }
        };
        let mut text = String::new();
        for object in objects {
            text.push_str(if self.count == 0 { "[\n  " } else { ",\n  " });
            // No text of JSON has a line end within.
            text.push_str(&format!("{object:#}").replace('\n', "\n  "));
            self.count += 1;
        }
        text
    }

    fn end(&self) -> &'static str {
        if self.count == 0 { "[]" } else { "\n]" }
    }
}

fn object(listed: &Listed, workspace: &Workspace, language: Language) -> Value {
    let mut row = values(listed, workspace, language);
    let original = listed.original.as_ref().map(|original| {
        let cells = original.cells.iter();
        let cells: Map<String, Value> = cells
            .map(|(name, text)| (name.clone(), json!(text)))
            .collect();
        Value::Object(cells)
    });
    row.push(original.unwrap_or(Value::Null));
    row.push(Value::Null);
    named(row)
}

/// Values under the names of the list's columns.
fn named(row: Vec<Value>) -> Value {
    let names = NAMES.into_iter().chain(["original", "refused_at"]);
    Value::Object(names.map(str::to_owned).zip(row).collect())
}

/// The list for a spreadsheet: what is wrong in columns named `keiki_…`, then the cells as they stood in the file.
#[derive(Debug, Default)]
struct Sheet {
    /// The columns of the files.
    columns: Vec<String>,
}

impl Sheet {
    fn text(&mut self, part: Part, workspace: &Workspace, language: Language) -> Result<String> {
        match part {
            Part::Columns(columns) => {
                let own = NAMES.iter().map(|name| format!("keiki_{name}"));
                let names: Vec<String> = own.chain(columns.iter().cloned()).collect();
                self.columns = columns;
                csv_text(&names, &[])
            }
            Part::Rows(listed) => {
                let listed = listed.iter();
                let rows: Vec<Vec<Value>> = listed
                    .map(|one| self.row(one, workspace, language))
                    .collect();
                csv_lines(&rows)
            }
            // They are no rows that could be mended in a sheet.
            Part::Refused(_) => Ok(String::new()),
        }
    }

    fn row(&self, listed: &Listed, workspace: &Workspace, language: Language) -> Vec<Value> {
        let mut row = values(listed, workspace, language);
        if let Some(cells) = NAMES.iter().position(|name| *name == "cells") {
            let of: Vec<String> = listed.reject.row.reason.cells().iter().map(shown).collect();
            row[cells] = json!(of.join("; "));
        }
        let original = |column: &String| {
            let original = listed.original.as_ref()?;
            let mut cells = original.cells.iter();
            cells.find(|(name, _)| name == column).map(|(_, text)| text)
        };
        row.extend(self.columns.iter().map(|column| json!(original(column))));
        row
    }
}

fn shown(cell: &Cell) -> String {
    format!("{}={}", cell.column, cell.value.as_deref().unwrap_or(""))
}

fn state(listed: &Listed) -> Text {
    match (listed.reject.outcome, listed.afterwards) {
        (Outcome::Rejected, Afterwards::Open) => Text::new("取込エラー", "rejected"),
        (Outcome::Rejected, Afterwards::Mended { seq }) => Text::new(
            format!("解消(記帳番号{seq})"),
            format!("mended by commit {seq}"),
        ),
        (Outcome::Rejected, Afterwards::Replaced { seq }) => Text::new(
            format!("再取込で置換(記帳番号{seq})"),
            format!("replaced by commit {seq}"),
        ),
        (Outcome::LeftUnknown, _) => Text::new("不明のまま", "left unknown"),
        (Outcome::Kept, _) => Text::new("基準計画を維持", "plan kept"),
    }
}
