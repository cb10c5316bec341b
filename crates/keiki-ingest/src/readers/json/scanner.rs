//! Finds where JSON values begin and end, byte by byte, without holding more than one record.

use std::io::BufRead;

use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::error::IngestError;

/// What the file is in the middle of, in Japanese and English.
pub(super) type Within = (&'static str, &'static str);

/// Says how a value came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// It is in the buffer as it stood.
    Whole,
    /// It is longer than the limit and was skipped.
    TooLong,
    /// It is nested more deeply than the limit and was skipped.
    TooDeep,
}

/// Reads JSON tokens and knows its place. It tells values apart by brackets and strings only;
/// whether a value is valid is for the parser of the record.
pub(super) struct Scanner<R> {
    input: R,
    place: Place,
}

impl<R: BufRead> Scanner<R> {
    pub(super) fn new(input: R, file: &str) -> Self {
        Self {
            input,
            place: Place {
                file: file.to_owned(),
                line: 1,
                column: 1,
            },
        }
    }

    /// The next byte, which is not taken.
    fn peek(&mut self) -> Result<Option<u8>, IngestError> {
        let chunk = self
            .input
            .fill_buf()
            .map_err(|e| IngestError::io(&self.place.file, e))?;
        Ok(chunk.first().copied())
    }

    fn take(&mut self, byte: u8) {
        self.input.consume(1);
        if byte == b'\n' {
            self.place.line += 1;
            self.place.column = 1;
        } else if byte & 0xC0 != 0x80 {
            // A byte that goes on a character of UTF-8 is no column of its own.
            self.place.column += 1;
        }
    }

    fn next(&mut self, within: Within) -> Result<u8, IngestError> {
        let byte = self.peek()?.ok_or_else(|| self.truncated(within))?;
        self.take(byte);
        Ok(byte)
    }

    /// The next byte that is not white space, which is not taken.
    pub(super) fn peek_token(&mut self) -> Result<Option<u8>, IngestError> {
        while let Some(byte) = self.peek()? {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(Some(byte));
            }
            self.take(byte);
        }
        Ok(None)
    }

    /// Takes the next token, which must be one of `expected`.
    pub(super) fn token(&mut self, expected: &[u8], within: Within) -> Result<u8, IngestError> {
        let found = self.peek_token()?.ok_or_else(|| self.truncated(within))?;
        if expected.contains(&found) {
            self.take(found);
            return Ok(found);
        }
        let names: Vec<String> = expected
            .iter()
            .map(|byte| format!("`{}`", char::from(*byte)))
            .collect();
        Err(self.unexpected(Text::new(names.join(" または "), names.join(" or ")), found))
    }

    /// Takes the next value into `buffer`.
    ///
    /// # Errors
    /// The file ends within it.
    pub(super) fn value(
        &mut self,
        buffer: &mut Vec<u8>,
        limit_bytes: usize,
        limit_depth: usize,
        within: Within,
    ) -> Result<Value, IngestError> {
        buffer.clear();
        let mut outcome = Value::Whole;
        let mut depth = 0_usize;
        self.peek_token()?;
        loop {
            let byte = match self.peek()? {
                Some(byte) => byte,
                // A bare number or word may end with the file.
                None if depth == 0 && !buffer.is_empty() => return Ok(outcome),
                None => return Err(self.truncated(within)),
            };
            if depth == 0 && matches!(byte, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r') {
                return Ok(outcome);
            }
            self.take(byte);
            keep(buffer, byte, limit_bytes, &mut outcome);
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                b'"' => self.string(buffer, limit_bytes, &mut outcome, within)?,
                _ => continue,
            }
            if depth > limit_depth && outcome == Value::Whole {
                outcome = Value::TooDeep;
            }
            if depth == 0 {
                return Ok(outcome);
            }
        }
    }

    /// Takes the rest of a string whose opening quote is taken.
    fn string(
        &mut self,
        buffer: &mut Vec<u8>,
        limit: usize,
        outcome: &mut Value,
        within: Within,
    ) -> Result<(), IngestError> {
        loop {
            let byte = self.next(within)?;
            keep(buffer, byte, limit, outcome);
            match byte {
                b'"' => return Ok(()),
                b'\\' => {
                    let escaped = self.next(within)?;
                    keep(buffer, escaped, limit, outcome);
                }
                _ => {}
            }
        }
    }

    pub(super) fn truncated(&self, within: Within) -> IngestError {
        IngestError::Truncated {
            place: self.place.clone(),
            within: Box::new(Text::new(within.0, within.1)),
        }
    }

    pub(super) fn unexpected(&self, expected: Text, found: u8) -> IngestError {
        let found = match char::from(found) {
            c if c.is_ascii_graphic() => Text::quoted(format!("`{c}`")),
            _ => Text::new(
                format!("バイト 0x{found:02X}"),
                format!("byte 0x{found:02X}"),
            ),
        };
        IngestError::Syntax {
            place: self.place.clone(),
            expected: Box::new(expected),
            found: Box::new(found),
        }
    }
}

fn keep(buffer: &mut Vec<u8>, byte: u8, limit: usize, outcome: &mut Value) {
    if *outcome != Value::Whole {
        return;
    }
    if buffer.len() < limit {
        buffer.push(byte);
    } else {
        *outcome = Value::TooLong;
    }
}
