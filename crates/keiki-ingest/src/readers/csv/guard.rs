//! Cuts a text into records of bounded length before the parser sees them.
//!
//! What it passes on is normal: every record ends with one `\n`, and there are no blank lines, so
//! that the offset of a record in the parser's input says which record it is. Of a record that is
//! too long only the beginning is passed on; the rest up to the end of its line is skipped.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

/// Says what is wrong with a record as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is longer than the limit.
    TooLong,
    /// A quotation mark was opened and never closed.
    OpenQuote,
}

/// Where a record begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// Its line, from 1.
    pub(super) line: u64,
    /// What is wrong with it.
    pub(super) fault: Option<Fault>,
    offset: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between records.
    Between,
    /// At the start of a field.
    FieldStart,
    /// In a field without quotes, or behind its closing quote.
    Plain,
    /// In quotes.
    Quoted,
    /// Behind a quote in quotes: its end, or the first of two.
    QuoteInQuoted,
    /// In the rest of a record that is too long.
    Skipping,
}

/// Reads records of bounded length.
///
/// *Source*: RFC 4180 section 2, with the leniency of the csv crate: a quote opens only at the
/// start of a field.
pub(super) struct RecordGuard<R> {
    input: R,
    separator: u8,
    quote: Option<u8>,
    limit: usize,
    state: State,
    line: u64,
    emitted: u64,
    record_bytes: usize,
    out: Vec<u8>,
    read: usize,
    starts: VecDeque<Start>,
}

impl<R: BufRead> RecordGuard<R> {
    /// Guards `input`, whose first line has the number `line`.
    pub(super) fn new(
        input: R,
        (separator, quote): (u8, Option<u8>),
        limit: usize,
        line: u64,
    ) -> Self {
        Self {
            input,
            separator,
            quote,
            limit,
            state: State::Between,
            line,
            emitted: 0,
            record_bytes: 0,
            out: Vec::new(),
            read: 0,
            starts: VecDeque::new(),
        }
    }

    /// Returns the start of the record that begins at `offset` of what was passed on.
    pub(super) fn start(&mut self, offset: u64) -> Option<Start> {
        while let Some(start) = self.starts.front() {
            if start.offset > offset {
                return None;
            }
            let start = self.starts.pop_front()?;
            if start.offset == offset {
                return Some(start);
            }
        }
        None
    }

    fn push(&mut self, byte: u8) {
        self.out.push(byte);
        self.emitted += 1;
    }

    fn begin(&mut self) {
        self.starts.push_back(Start {
            line: self.line,
            fault: None,
            offset: self.emitted,
        });
        self.record_bytes = 0;
        self.state = State::FieldStart;
    }

    fn fail(&mut self, fault: Fault, state: State) {
        if self.state == State::Quoted {
            self.out.extend(self.quote);
            self.emitted += u64::from(self.quote.is_some());
        }
        self.push(b'\n');
        if let Some(start) = self.starts.back_mut() {
            start.fault = Some(fault);
        }
        self.state = state;
    }

    fn step(&mut self, byte: u8) {
        let ends_line = matches!(byte, b'\n' | b'\r');
        if self.state == State::Between && !ends_line {
            self.begin();
        }
        match (self.state, ends_line) {
            (State::Between, _) | (State::Skipping, false) => {}
            (State::Skipping, true) => self.state = State::Between,
            (State::FieldStart | State::Plain | State::QuoteInQuoted, true) => {
                self.push(b'\n');
                self.state = State::Between;
            }
            _ if self.record_bytes >= self.limit => self.fail(Fault::TooLong, State::Skipping),
            (state, _) => {
                self.record_bytes += 1;
                self.push(byte);
                self.state = self.after(state, byte);
            }
        }
        // A fault may have been found at the very end of a line.
        if self.state == State::Skipping && ends_line {
            self.state = State::Between;
        }
        if byte == b'\n' {
            self.line += 1;
        }
    }

    /// The number of bytes from here on of which none can end the record, open or close quotes, or be too many.
    fn plain_bytes(&self, bytes: &[u8]) -> usize {
        if !matches!(self.state, State::FieldStart | State::Plain | State::Quoted) {
            return 0;
        }
        let room = self.limit.saturating_sub(self.record_bytes);
        let bytes = &bytes[..bytes.len().min(room)];
        let ends = |byte: &u8| matches!(byte, b'\n' | b'\r') || Some(*byte) == self.quote;
        bytes.iter().position(ends).unwrap_or(bytes.len())
    }

    /// Does `step` for plain bytes, all at once.
    fn pass_on(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.emitted += bytes.len() as u64;
        self.record_bytes += bytes.len();
        self.state = match (self.state, bytes.last()) {
            (State::Quoted, _) => State::Quoted,
            (_, Some(byte)) if *byte == self.separator => State::FieldStart,
            _ => State::Plain,
        };
    }

    fn after(&self, state: State, byte: u8) -> State {
        let is_quote = Some(byte) == self.quote;
        match state {
            State::Quoted if is_quote => State::QuoteInQuoted,
            State::FieldStart | State::QuoteInQuoted if is_quote => State::Quoted,
            State::Quoted => State::Quoted,
            _ if byte == self.separator => State::FieldStart,
            _ => State::Plain,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.read = 0;
        while self.out.is_empty() {
            let chunk = self.input.fill_buf()?;
            let used = chunk.len();
            if used == 0 {
                match self.state {
                    State::Between | State::Skipping => {}
                    State::Quoted => self.fail(Fault::OpenQuote, State::Between),
                    _ => self.push(b'\n'),
                }
                self.state = State::Between;
                return Ok(());
            }
            // The chunk is taken out of the borrow of the input, so that a step may change the
            // guard.
            let chunk = chunk.to_vec();
            let mut rest = chunk.as_slice();
            while let Some(byte) = rest.first() {
                let plain = self.plain_bytes(rest);
                if plain == 0 {
                    self.step(*byte);
                    rest = &rest[1..];
                } else {
                    self.pass_on(&rest[..plain]);
                    rest = &rest[plain..];
                }
            }
            self.input.consume(used);
        }
        Ok(())
    }
}

impl<R: BufRead> Read for RecordGuard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.out.len() {
            self.fill()?;
        }
        let length = buffer.len().min(self.out.len() - self.read);
        buffer[..length].copy_from_slice(&self.out[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed_on(text: &str, limit: usize) -> (String, Vec<(u64, Option<Fault>)>) {
        let mut guard = RecordGuard::new(text.as_bytes(), (b',', Some(b'"')), limit, 1);
        let mut out = String::new();
        guard.read_to_string(&mut out).expect("memory can be read");
        (
            out,
            guard
                .starts
                .iter()
                .map(|start| (start.line, start.fault))
                .collect(),
        )
    }

    #[test]
    fn records_keep_their_line_through_blank_lines_and_line_breaks_in_quotes() {
        let (out, starts) = passed_on("a,b\r\n\r\n\"x\ny\",1\r\nlast,2", 100);
        assert_eq!(out, "a,b\n\"x\ny\",1\nlast,2\n");
        assert_eq!(starts, [(1, None), (3, None), (5, None)]);
    }

    #[test]
    fn a_record_over_the_limit_is_cut_and_the_next_line_is_read() {
        let (out, starts) = passed_on("a,b\n\"never closed,1\n2,3\n4,5\n", 8);
        assert_eq!(
            starts,
            [(1, None), (2, Some(Fault::TooLong)), (3, None), (4, None)]
        );
        assert!(out.ends_with("\n2,3\n4,5\n"), "{out}");
    }

    #[test]
    fn a_quote_that_is_open_at_the_end_is_a_fault_of_its_record() {
        let (out, starts) = passed_on("a,b\n1,\"2\n3,4\n", 100);
        assert_eq!(out, "a,b\n1,\"2\n3,4\n\"\n");
        assert_eq!(starts, [(1, None), (2, Some(Fault::OpenQuote))]);
    }
}
