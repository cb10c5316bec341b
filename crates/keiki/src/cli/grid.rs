//! Rows of texts in the form that was asked for.

use keiki_report::csv::inert;
use keiki_report::format;
use keiki_report::table::{Column, Table};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Format;
use super::session::Session;
use crate::error::{Error, Result};

/// A list of things with the names of their columns, in data and on screen.
pub(super) struct Grid {
    /// Names in data.
    pub(super) names: Vec<&'static str>,
    /// Columns on screen.
    pub(super) columns: Vec<Column>,
    /// Values by row.
    pub(super) rows: Vec<Vec<Value>>,
}

impl Grid {
    /// Prints the grid.
    pub(super) fn print(self, form: Format, session: &Session) -> Result<()> {
        match form {
            Format::Table => {
                let mut table = Table::new(self.columns);
                let language = session.language();
                for row in self.rows {
                    // A table for the screen alone names no columns of data.
                    let cells = row.iter().enumerate().map(|(position, value)| {
                        let text = text(value);
                        let name = self.names.get(position);
                        if name.is_some_and(|name| is_of_time(name)) {
                            format::moment(&text, language).into()
                        } else {
                            text.into()
                        }
                    });
                    table.push(cells.collect());
                }
                session.table(&table);
            }
            Format::Json => {
                let objects = self.rows.into_iter().map(|row| {
                    Value::Object(
                        self.names
                            .iter()
                            .map(|name| (*name).to_owned())
                            .zip(row)
                            .collect::<Map<_, _>>(),
                    )
                });
                print_json(&Value::Array(objects.collect()), session);
            }
            Format::Csv => session.print(&csv_text(&self.names, &self.rows)?),
        }
        Ok(())
    }
}

/// Whether a column holds days or instants, which data writes in one form and each language in its own.
fn is_of_time(name: &str) -> bool {
    matches!(name, "at" | "until" | "due" | "as_of")
        || ["_on", "_at", "_until"]
            .iter()
            .any(|end| name.ends_with(end))
}

/// Prints a value as indented JSON.
pub(super) fn print_json(value: &impl Serialize, session: &Session) {
    session.print_with(|out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    });
}

/// Writes rows as CSV.
pub(super) fn csv_text<N: AsRef<[u8]>>(names: &[N], rows: &[Vec<Value>]) -> Result<String> {
    let fault = Error::stopped;
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names).map_err(fault)?;
    let bytes = writer.into_inner().map_err(Error::stopped)?;
    let head = String::from_utf8_lossy(&bytes);
    Ok(format!("{head}{}", csv_lines(rows)?))
}

/// Rows as CSV, without the names of the columns.
pub(super) fn csv_lines(rows: &[Vec<Value>]) -> Result<String> {
    let fault = Error::stopped;
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.iter().map(cell)).map_err(fault)?;
    }
    let bytes = writer.into_inner().map_err(Error::stopped)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A value as a cell that no spreadsheet takes for a formula: where a text begins like one, an apostrophe stands before it.
fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => inert(text).into_owned(),
        other => text(other),
    }
}

/// A value as text; null is empty.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
