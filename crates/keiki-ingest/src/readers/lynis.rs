//! Reads the report of Lynis: lines of `key=value`, of which each test that was carried out or skipped is a row.
//!
//! *Source*: <https://cisofy.com/documentation/lynis/>, the data file `lynis-report.dat` of versions 2 and 3. A test's `result` is
//! `suggestion`, `warning`, `ok` or `skipped`; its `title` and `solution` are those of its first warning or suggestion. Every other
//! key without `[]` is a column of all rows. A report that has no end was cut off, which is an error.

use std::collections::BTreeMap;

use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::limits::Limits;
use crate::lines::{self, Line};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

/// The key that Lynis writes when it has done.
const END: &str = "report_datetime_end";

/// A report as it stood.
#[derive(Default)]
struct Report {
    values: BTreeMap<String, String>,
    executed: BTreeMap<String, u64>,
    skipped: BTreeMap<String, u64>,
    /// By test, what was found first: its result, text and solution.
    found: BTreeMap<String, (&'static str, String, String)>,
    lines: usize,
}

/// Reads the files as one reading.
///
/// # Errors
/// A file is no report, or is cut off.
pub(crate) fn read(
    input: &[InputFile],
    _source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    for file in input {
        rows.begin_file(&file.name);
        let report = report(file, limits)?;
        if !report.values.contains_key(END) {
            let place = Place {
                file: file.name.clone(),
                line: report.lines,
                column: 1,
            };
            let within = Box::new(Text::new(
                format!("`{END}` のない報告"),
                format!("a report without `{END}`"),
            ));
            return Err(IngestError::Truncated { place, within });
        }
        report.stage(rows)?;
    }
    Ok(AbsentColumn::Null)
}

fn report(file: &InputFile, limits: &Limits) -> Result<Report, IngestError> {
    let mut reader = lines::open(file)?;
    let mut line = Vec::new();
    let mut report = Report::default();
    loop {
        let found = lines::next(&mut reader, limits.record_bytes, &mut line)
            .map_err(|e| IngestError::io(&file.name, e))?;
        if found == Line::End {
            return Ok(report);
        }
        report.lines += 1;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let Some((key, value)) = text.split_once('=') else {
            let place = Place {
                file: file.name.clone(),
                line: report.lines,
                column: 1,
            };
            return Err(IngestError::Syntax {
                place,
                expected: Box::new(Text::new("key=value の形の行", "key=value")),
                found: Box::new(Text::quoted(text.chars().take(40).collect::<String>())),
            });
        };
        report.take(key, value);
    }
}

impl Report {
    fn take(&mut self, key: &str, value: &str) {
        let line = self.lines as u64;
        let tests = |value: &str| -> Vec<(String, u64)> {
            let names = value.split('|').filter(|name| !name.is_empty());
            names.map(|name| (name.to_owned(), line)).collect()
        };
        match key {
            "tests_executed" => self.executed.extend(tests(value)),
            "tests_skipped" => self.skipped.extend(tests(value)),
            "warning[]" => self.note("warning", value),
            "suggestion[]" => self.note("suggestion", value),
            _ if key.ends_with("[]") => {}
            _ => {
                self.values.insert(key.to_owned(), value.to_owned());
            }
        }
    }

    /// Notes a warning or suggestion: `TEST|text|details|solution|`.
    fn note(&mut self, result: &'static str, value: &str) {
        let mut parts = value.split('|').map(str::trim);
        let mut next = || parts.next().unwrap_or_default().to_owned();
        let (test, text, _details, solution) = (next(), next(), next(), next());
        let is_new = self.found.get(&test).is_none_or(|(earlier, _, _)| {
            // A warning is what counts, whatever order they come in.
            *earlier == "suggestion" && result == "warning"
        });
        if is_new {
            self.found.insert(test, (result, text, solution));
        }
    }

    fn stage(&self, builder: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        let stage = |builder: &mut ExtractBuilder<'_>, name: &str, value: &str| {
            if let Some(column) = builder.wanted_column(name)? {
                let _first = builder.stage(column, value);
            }
            Ok::<(), IngestError>(())
        };
        let skipped = self
            .skipped
            .iter()
            .filter(|(test, _)| !self.executed.contains_key(*test));
        let tests = self.executed.iter().map(|test| (test, "ok"));
        for ((test, line), otherwise) in tests.chain(skipped.map(|test| (test, "skipped"))) {
            let found = self.found.get(test);
            let result = found.map_or(otherwise, |(result, _, _)| *result);
            stage(builder, "test_id", test)?;
            stage(builder, "result", result)?;
            if let Some((_, title, solution)) = found {
                stage(builder, "title", title)?;
                let solution = if solution == "-" { "" } else { solution };
                stage(builder, "solution", solution)?;
            }
            for (key, value) in &self.values {
                stage(builder, key, value)?;
            }
            builder.accept(*line)?;
        }
        Ok(())
    }
}
