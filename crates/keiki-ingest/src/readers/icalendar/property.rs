//! Reads the lines of a calendar: unfolded, and split into name, parameters and value.

use std::io::BufRead;

use crate::error::IngestError;
use crate::lines::{self, Line};

/// One property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Property {
    /// Its name in capitals.
    pub(super) name: String,
    /// Names in capitals, and values without quotes.
    pub(super) parameters: Vec<(String, String)>,
    pub(super) value: String,
}

impl Property {
    /// Reads an unfolded line.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let (mut start, mut is_quoted) = (0, false);
        let mut value = None;
        for (at, c) in line.char_indices() {
            match c {
                '"' => is_quoted = !is_quoted,
                ';' if !is_quoted => {
                    parts.push(&line[start..at]);
                    start = at + 1;
                }
                ':' if !is_quoted => {
                    parts.push(&line[start..at]);
                    value = Some(&line[at + 1..]);
                    break;
                }
                _ => {}
            }
        }
        let value = value?.to_owned();
        let name = parts.first()?.trim().to_ascii_uppercase();
        let parameters = parts[1..]
            .iter()
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| {
                let value = value.trim_matches('"').to_owned();
                (name.to_ascii_uppercase(), value)
            })
            .collect();
        (!name.is_empty()).then_some(Self {
            name,
            parameters,
            value,
        })
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The value as text, its escapes resolved.
    pub(super) fn text(&self) -> String {
        let mut text = String::with_capacity(self.value.len());
        let mut characters = self.value.chars();
        while let Some(c) = characters.next() {
            if c != '\\' {
                text.push(c);
                continue;
            }
            match characters.next() {
                Some('n' | 'N') => text.push('\n'),
                Some(other) => text.push(other),
                None => {}
            }
        }
        text
    }
}

/// The unfolded lines of a calendar with the number of the first of each.
pub(super) struct Lines<R> {
    reader: R,
    file: String,
    limit: usize,
    number: u64,
    buffer: Vec<u8>,
    pending: Option<(u64, Vec<u8>)>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, file: &str, limit: usize) -> Self {
        Self {
            reader,
            file: file.to_owned(),
            limit,
            number: 0,
            buffer: Vec::new(),
            pending: None,
        }
    }

    /// The next line; of one that is longer than the limit only the beginning.
    pub(super) fn next(&mut self) -> Result<Option<(u64, String)>, IngestError> {
        loop {
            let found = lines::next(&mut self.reader, self.limit, &mut self.buffer)
                .map_err(|e| IngestError::io(&self.file, e))?;
            self.number += 1;
            let folded = matches!(self.buffer.first(), Some(b' ' | b'\t'));
            if found == Line::End {
                return Ok(self.pending.take().map(shown));
            }
            match &mut self.pending {
                Some((_, line)) if folded => {
                    let room = self.limit.saturating_sub(line.len());
                    let more = &self.buffer[1..];
                    line.extend_from_slice(&more[..more.len().min(room)]);
                }
                _ => {
                    let line = (self.number, self.buffer.clone());
                    if let Some(earlier) = self.pending.replace(line) {
                        return Ok(Some(shown(earlier)));
                    }
                }
            }
        }
    }

    /// The number of the last line that was read.
    pub(super) fn number(&self) -> u64 {
        self.number
    }
}

fn shown((number, line): (u64, Vec<u8>)) -> (u64, String) {
    (number, String::from_utf8_lossy(&line).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_unfolded_and_split() {
        let text = "ATTENDEE;CN=\"Sato; A: B\";PARTSTAT=ACCEPTED:mailto:a@example\r\n .co.jp\r\nSUMMARY:One\\, two\\nthree\r\n";
        let mut lines = Lines::new(text.as_bytes(), "x", 1000);
        let (number, line) = lines.next().expect("it can be read").expect("a line");
        let attendee = Property::parse(&line).expect("a property");
        assert_eq!(number, 1);
        assert_eq!(attendee.parameter("CN"), Some("Sato; A: B"));
        assert_eq!(attendee.parameter("PARTSTAT"), Some("ACCEPTED"));
        assert_eq!(attendee.value, "mailto:a@example.co.jp");
        let (number, line) = lines.next().expect("it can be read").expect("a line");
        assert_eq!(number, 3);
        let summary = Property::parse(&line).expect("a property");
        assert_eq!(summary.text(), "One, two\nthree");
        assert!(lines.next().expect("it can be read").is_none());
        assert_eq!(Property::parse("no colon"), None);
    }
}
