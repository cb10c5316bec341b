//! Finds the records of a file, whatever way they are put into it, and hands them on one by one.

use std::io::BufRead;

use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::limits::Limits;
use crate::lines::{self, Blocks, Line};
use crate::place::InputFile;
use crate::readers::faults::{too_deep, too_long};

use crate::enclosing::ROOT;

use super::path::Path;
use super::scanner::{Scanner, Value, Within};
use super::walk::{Walk, Way};

/// What is found on the way through a file.
pub(crate) enum Found<'f> {
    /// An object around records begins.
    Open,
    /// A field of the innermost object that is open: its name from the root, and its JSON text.
    Around(&'f str, &'f [u8]),
    /// A record by its row: its JSON text, or why there is none.
    Record(u64, Result<&'f [u8], Reason>),
    /// The innermost object that is open ends.
    Close,
}

/// Takes what is found.
pub(crate) type Visit<'v> = dyn FnMut(Found<'_>) -> Result<(), IngestError> + 'v;

/// Hands on the records of a file: those at `path`, or, without a path, of an array at the root, of
/// lines that hold one object each, or the one object that the file is. Rows are lines where records
/// stand in lines, else records from 1.
///
/// # Errors
/// The file is cut off, is not JSON at its top, or has nothing at `path`; or the visit fails.
pub(crate) fn each(
    input: &InputFile,
    path: Option<&str>,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    let path = path.map(Path::new);
    if path.as_ref().is_none_or(|path| path.unfolds) && holds_lines(input, limits)? {
        return each_line(input, path.as_ref(), limits, visit);
    }
    let mut scanner = Scanner::new(lines::open(input)?, &input.name);
    match (scanner.peek_token()?, &path) {
        (None, _) => {
            return Err(IngestError::EmptyFile {
                file: input.name.clone(),
            });
        }
        (Some(b'{'), Some(path)) => {
            let mut walk = Walk::new(&mut scanner, limits, path);
            walk.object(&path.steps, ROOT, visit)?;
            walk.finish(&input.name)?;
        }
        (Some(b'['), Some(path)) if path.unfolds => {
            let mut walk = Walk::new(&mut scanner, limits, path);
            walk.list(&path.steps, ROOT, visit)?;
            walk.finish(&input.name)?;
        }
        (Some(b'['), _) => array(&mut scanner, limits, visit)?,
        (Some(b'{'), None) => {
            let mut record = Vec::new();
            let value = scanner.value(
                &mut record,
                limits.record_bytes,
                limits.json_depth,
                ("オブジェクト", "an object"),
            )?;
            visit(Found::Record(1, check(value, &record, limits)))?;
        }
        (Some(other), _) => {
            return Err(scanner.unexpected(
                Text::new("配列またはオブジェクト", "an array or object"),
                other,
            ));
        }
    }
    match scanner.peek_token()? {
        None => Ok(()),
        Some(other) => {
            Err(scanner.unexpected(Text::new("ファイルの終わり", "the end of the file"), other))
        }
    }
}

/// Tells whether a file holds one object per line: its first or second line does, and there is more
/// than one.
pub(crate) fn holds_lines(input: &InputFile, limits: &Limits) -> Result<bool, IngestError> {
    let extension = input
        .path
        .extension()
        .map(|e| e.to_string_lossy().to_ascii_lowercase());
    if matches!(extension.as_deref(), Some("ndjson" | "jsonl")) {
        return Ok(true);
    }
    let mut reader = lines::open(input)?;
    let mut line = Vec::new();
    let mut found = Vec::new();
    while found.len() < 2 {
        match lines::next(&mut reader, limits.record_bytes, &mut line)
            .map_err(|e| IngestError::io(&input.name, e))?
        {
            Line::End => break,
            Line::TooLong => found.push(false),
            Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
            // An array that has a line for each record, of which there may be one only.
            Line::Whole if found.is_empty() && line.trim_ascii_start().starts_with(b"[") => {
                return Ok(false);
            }
            Line::Whole => found.push(is_object(&line)),
        }
    }
    Ok(found.len() == 2 && found.contains(&true))
}

fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

/// The record of a line, or why there is none; nothing for a blank line.
pub(crate) fn of_line<'l>(line: &'l [u8], limits: &Limits) -> Option<Result<&'l [u8], Reason>> {
    if line.len() > limits.record_bytes {
        return Some(check(Value::TooLong, line, limits));
    }
    let record = line.trim_ascii();
    (!record.is_empty()).then(|| check(Value::Whole, record, limits))
}

fn each_line(
    input: &InputFile,
    path: Option<&Path>,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    let most = (limits.chunk_rows, limits.chunk_bytes);
    let mut blocks = Blocks::new(lines::open(input)?, limits.record_bytes, most);
    let mut way = Way::default();
    while let Some(block) = blocks.next().map_err(|e| IngestError::io(&input.name, e))? {
        for (row, line) in block.each() {
            match (of_line(line, limits), path) {
                (None, _) => {}
                (Some(Ok(record)), Some(path)) => {
                    way = unfold_line(record, row, way, path, limits, visit)?;
                }
                (Some(record), _) => visit(Found::Record(row, record))?,
            }
        }
    }
    match path {
        Some(path) => way.finish(&input.name, path),
        None => Ok(()),
    }
}

/// Hands on the records of one line.
fn unfold_line(
    line: &[u8],
    row: u64,
    mut way: Way,
    path: &Path,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<Way, IngestError> {
    if !is_object(line) {
        let detail = Text::new(
            "1行に1つのオブジェクトがありません",
            "expected a line that holds one object",
        );
        visit(Found::Record(row, Err(Reason::Unreadable { detail })))?;
        return Ok(way);
    }
    let mut scanner = Scanner::new(line, "");
    way.row = Some(row);
    let mut walk = Walk {
        scanner: &mut scanner,
        limits,
        path,
        way,
    };
    walk.object(&path.steps, ROOT, visit)?;
    Ok(walk.way)
}

/// Hands on the elements of an array that begins at the next token.
fn array<R: BufRead>(
    scanner: &mut Scanner<R>,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    const WITHIN: Within = ("レコードの配列", "an array of records");
    scanner.token(b"[", WITHIN)?;
    if scanner.peek_token()? == Some(b']') {
        scanner.token(b"]", WITHIN)?;
        return Ok(());
    }
    let mut record = Vec::new();
    let mut row = 0;
    loop {
        row += 1;
        let value = scanner.value(&mut record, limits.record_bytes, limits.json_depth, WITHIN)?;
        visit(Found::Record(row, check(value, &record, limits)))?;
        if scanner.token(b",]", WITHIN)? == b']' {
            return Ok(());
        }
    }
}

/// A record, or why it cannot be read.
pub(super) fn check<'r>(
    value: Value,
    record: &'r [u8],
    limits: &Limits,
) -> Result<&'r [u8], Reason> {
    let detail = match value {
        Value::Whole => return Ok(record),
        Value::TooLong => too_long(limits.record_bytes),
        Value::TooDeep => too_deep(limits.json_depth),
    };
    Err(Reason::Unreadable { detail })
}
