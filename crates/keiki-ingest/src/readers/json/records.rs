//! Finds the records of a file, whatever way they are put into it, and hands them on one by one.

use std::collections::BTreeSet;
use std::io::BufRead;

use keiki_model::evidence::Reason;

use crate::error::IngestError;
use crate::limits::Limits;
use crate::lines::{self, Line};
use crate::place::InputFile;

use super::scanner::{Scanner, Value};

/// Takes a record by its row: its JSON text, or why there is none.
pub(crate) type Visit<'v> = dyn FnMut(u64, Result<&[u8], Reason>) -> Result<(), IngestError> + 'v;

/// Hands on the records of a file: those of the array at `path`, or, without a path, of an array at
/// the root, of lines that hold one object each, or the one object that the file is. Rows are lines
/// in the second case, else records from 1.
///
/// # Errors
/// The file is cut off, is not JSON at its top, or has no array at `path`; or the visit fails.
pub(crate) fn each(
    input: &InputFile,
    path: Option<&str>,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    if path.is_none() && holds_lines(input, limits)? {
        return each_line(input, limits, visit);
    }
    let mut scanner = Scanner::new(lines::open(input)?, &input.name);
    match (scanner.peek_token()?, path) {
        (None, _) => {
            return Err(IngestError::EmptyFile {
                file: input.name.clone(),
            });
        }
        (Some(b'{'), Some(path)) => {
            let mut walk = Walk {
                scanner: &mut scanner,
                input,
                limits,
                path,
            };
            walk.object(&path.split('.').collect::<Vec<_>>(), visit)?;
        }
        (Some(b'['), _) => array(&mut scanner, limits, visit)?,
        (Some(b'{'), None) => {
            let mut record = Vec::new();
            let value = scanner.value(
                &mut record,
                limits.record_bytes,
                limits.json_depth,
                "an object",
            )?;
            visit(1, check(value, &record, limits))?;
        }
        (Some(other), _) => return Err(scanner.unexpected("an array or object", other)),
    }
    match scanner.peek_token()? {
        None => Ok(()),
        Some(other) => Err(scanner.unexpected("the end of the file", other)),
    }
}

/// Tells whether a file holds one object per line: its first or second line does, and there is more
/// than one.
fn holds_lines(input: &InputFile, limits: &Limits) -> Result<bool, IngestError> {
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
            Line::Whole => found.push(is_object(&line)),
        }
    }
    Ok(found.len() == 2 && found.contains(&true))
}

fn is_object(line: &[u8]) -> bool {
    line.first() == Some(&b'{') && serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok()
}

fn each_line(input: &InputFile, limits: &Limits, visit: &mut Visit<'_>) -> Result<(), IngestError> {
    let mut reader = lines::open(input)?;
    let mut line = Vec::new();
    let mut row = 0;
    loop {
        let found = lines::next(&mut reader, limits.record_bytes, &mut line);
        row += 1;
        match found.map_err(|e| IngestError::io(&input.name, e))? {
            Line::End => return Ok(()),
            Line::TooLong => visit(row, check(Value::TooLong, &line, limits))?,
            Line::Whole if line.iter().all(u8::is_ascii_whitespace) => {}
            Line::Whole => visit(row, check(Value::Whole, line.trim_ascii(), limits))?,
        }
    }
}

/// Hands on the elements of an array that begins at the next token.
fn array<R: BufRead>(
    scanner: &mut Scanner<R>,
    limits: &Limits,
    visit: &mut Visit<'_>,
) -> Result<(), IngestError> {
    const WITHIN: &str = "an array of records";
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
        visit(row, check(value, &record, limits))?;
        if scanner.token(b",]", WITHIN)? == b']' {
            return Ok(());
        }
    }
}

/// Finds the array of records below objects.
struct Walk<'w, R> {
    scanner: &'w mut Scanner<R>,
    input: &'w InputFile,
    limits: &'w Limits,
    path: &'w str,
}

impl<R: BufRead> Walk<'_, R> {
    /// Reads the object at the next token to its end and hands on the records at `keys` below it.
    fn object(&mut self, keys: &[&str], visit: &mut Visit<'_>) -> Result<(), IngestError> {
        const WITHIN: &str = "an object";
        let mut seen = BTreeSet::new();
        let mut found = false;
        let mut skipped = Vec::new();
        self.scanner.token(b"{", WITHIN)?;
        if self.scanner.peek_token()? == Some(b'}') {
            self.scanner.token(b"}", WITHIN)?;
            return Err(self.missing(seen));
        }
        loop {
            if self.scanner.peek_token()? != Some(b'"') {
                self.scanner.token(b"\"", WITHIN)?;
            }
            self.scanner
                .value(&mut skipped, self.limits.field_bytes, 0, WITHIN)?;
            let key: String = serde_json::from_slice(&skipped).unwrap_or_default();
            self.scanner.token(b":", WITHIN)?;
            let wanted = !found && keys.first() == Some(&key.as_str());
            match (wanted, self.scanner.peek_token()?) {
                (true, Some(b'{')) if keys.len() > 1 => self.object(&keys[1..], visit)?,
                (true, Some(b'[')) if keys.len() == 1 => array(self.scanner, self.limits, visit)?,
                (true, Some(other)) => {
                    return Err(self.scanner.unexpected(
                        if keys.len() > 1 {
                            "an object"
                        } else {
                            "an array"
                        },
                        other,
                    ));
                }
                _ => {
                    self.scanner.value(&mut skipped, 0, usize::MAX, WITHIN)?;
                }
            }
            found |= wanted;
            seen.insert(key);
            if self.scanner.token(b",}", WITHIN)? == b'}' {
                return if found {
                    Ok(())
                } else {
                    Err(self.missing(seen))
                };
            }
        }
    }

    fn missing(&self, keys: BTreeSet<String>) -> IngestError {
        const SHOWN: usize = 20;
        IngestError::NoRecords {
            file: self.input.name.clone(),
            path: self.path.to_owned(),
            keys: keys.into_iter().take(SHOWN).collect(),
        }
    }
}

fn check<'r>(value: Value, record: &'r [u8], limits: &Limits) -> Result<&'r [u8], Reason> {
    let detail = match value {
        Value::Whole => return Ok(record),
        Value::TooLong => format!("longer than {} bytes", limits.record_bytes),
        Value::TooDeep => format!("nested more than {} levels deep", limits.json_depth),
    };
    Err(Reason::Unreadable { detail })
}
