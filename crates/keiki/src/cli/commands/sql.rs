//! `keiki sql`

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use keiki_report::table::Column;
use serde_json::{Map, Value};

use crate::cli::grid::{csv_text, print_json, text};
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::environment;
use crate::error::{Error, Result};
use crate::messages;
use crate::operations::programme::Run;
use crate::operations::sql;

/// Query the journal: one table per dataset with its entries, and `batches`
///
/// A query reads and changes nothing. People stand in the tables as random tokens. Unless you are named in `[people] shown_to` of `keiki.toml`,
/// datasets whose rows are about people are not there, nor are columns that name people in others, so that no query counts few people.
/// This guards what Keiki prints, not the files: who can read the journal's folder can read its tables with other tools.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The query
    query: String,
    /// How to print the rows
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let batches = sql::query(&workspace, &self.query, &run).await?;
        let names: Vec<String> = batches
            .first()
            .map(|batch| {
                batch
                    .schema()
                    .fields()
                    .iter()
                    .map(|field| field.name().clone())
                    .collect()
            })
            .unwrap_or_default();
        let mut rows = Vec::new();
        for batch in &batches {
            rows.extend(values(batch)?);
        }
        match self.format {
            Format::Json => {
                let object = |row: Vec<Value>| {
                    Value::Object(names.iter().cloned().zip(row).collect::<Map<_, _>>())
                };
                print_json(
                    &Value::Array(rows.into_iter().map(object).collect()),
                    session,
                );
            }
            Format::Csv => session.print(&csv_text(&names, &rows)?),
            Format::Table => {
                session.table(&table(&batches, &names, &rows));
                if rows.is_empty() {
                    session.note(messages::NO_ROWS.get(session.language()));
                }
            }
        }
        Ok(Exit::Fine)
    }
}

fn table(
    batches: &[RecordBatch],
    names: &[String],
    rows: &[Vec<Value>],
) -> keiki_report::table::Table {
    let is_number = |at: usize| {
        batches
            .first()
            .is_some_and(|batch| is_number(batch.column(at).data_type()))
    };
    let columns = names.iter().enumerate().map(|(at, name)| {
        if is_number(at) {
            Column::figure(name.clone())
        } else {
            Column::text(name.clone(), 8)
        }
    });
    let mut table = keiki_report::table::Table::new(columns.collect());
    for row in rows {
        table.push(row.iter().map(|value| text(value).into()).collect());
    }
    table
}

fn is_number(kind: &DataType) -> bool {
    kind.is_numeric()
}

/// The rows of a batch; numbers stay numbers, whatever else is text.
fn values(batch: &RecordBatch) -> Result<Vec<Vec<Value>>> {
    let fault = Error::stopped;
    let options = FormatOptions::default();
    let formatters = batch
        .columns()
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(fault)?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    for row in 0..batch.num_rows() {
        let cells = batch
            .columns()
            .iter()
            .zip(&formatters)
            .map(|(column, formatter)| {
                if column.is_null(row) {
                    return Value::Null;
                }
                let shown = formatter.value(row).to_string();
                if is_number(column.data_type()) || *column.data_type() == DataType::Boolean {
                    serde_json::from_str(&shown).unwrap_or(Value::String(shown))
                } else {
                    Value::String(shown)
                }
            });
        rows.push(cells.collect());
    }
    Ok(rows)
}
