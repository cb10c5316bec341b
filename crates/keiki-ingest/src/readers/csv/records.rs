//! Cuts a text into records of bounded length, and a record into its fields.
//!
//! *Source*: RFC 4180 section 2, more leniently: a quote opens only at the start of a field, what follows a closing quote
//! belongs to the field, and a record ends with a line feed, a carriage return or both. Blank lines are no records. Of a
//! record that is too long only the beginning is held; the rest up to the end of its line is skipped.

use std::io::{self, Read};
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr3};

use super::plain::{self, Shape};
use crate::extract::PlainRows;

/// What is read at a time.
const READ_BYTES: usize = 256 << 10;

/// Says what is wrong with a record as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is longer than the limit.
    TooLong,
    /// A quotation mark was opened and never closed.
    OpenQuote,
}

/// A record as it stands in the text, without the end of its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record<'r> {
    /// Its line, from 1.
    pub(super) line: u64,
    pub(super) bytes: &'r [u8],
    /// What is wrong with it; then its bytes are of no use.
    pub(super) fault: Option<Fault>,
    /// Whether a quotation mark stands anywhere in it.
    marks: Marks,
}

/// Whether there are quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Marks {
    Absent,
    Present,
}

impl Record<'_> {
    /// The layout by which it is parted: without marks nothing has to be looked for.
    pub(super) fn layout(&self, (separator, quote): (u8, Option<u8>)) -> (u8, Option<u8>) {
        (separator, quote.filter(|_| self.marks == Marks::Present))
    }
}

/// Reads records of bounded length.
pub(super) struct Records<R> {
    input: R,
    separator: u8,
    quote: Option<u8>,
    limit: usize,
    line: u64,
    buffer: Vec<u8>,
    /// What is read of the buffer, and what is filled of it.
    position: usize,
    filled: usize,
    is_ended: bool,
    /// The line of a record that the end of the text ended.
    open_end: Option<u64>,
    /// Up to where in the buffer there is nothing but text.
    clean: usize,
    /// Where the fields of plain rows end.
    ends: Vec<usize>,
}

/// Where a record ends in the bytes that are at hand.
enum End {
    /// So many bytes after its start.
    At(usize),
    /// Not yet; whether a quote is open.
    Beyond(Quoted),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Open,
    Closed,
}

impl<R: Read> Records<R> {
    /// Reads `input`, whose first line has the number `line`.
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
            line,
            buffer: Vec::new(),
            position: 0,
            filled: 0,
            is_ended: false,
            open_end: None,
            clean: 0,
            ends: Vec::new(),
        }
    }

    /// The records that come next and are plain, with the line of the first; `None` where what comes next is for `next`.
    ///
    /// # Errors
    /// The input cannot be read.
    pub(super) fn plain(&mut self, shape: Shape) -> io::Result<Option<(u64, PlainRows<'_>)>> {
        if !self.skip_blank()? {
            return Ok(None);
        }
        if self.clean <= self.position {
            self.clean = self.position + plain::clean(self.rest(), self.quote);
        }
        let text = &self.buffer[self.position..self.clean];
        let Some(rows) = plain::rows(text, self.separator, shape, &mut self.ends) else {
            return Ok(None);
        };
        let line = self.line;
        self.line += rows.count() as u64;
        self.position += rows.text.len();
        Ok(Some((line, rows)))
    }

    /// The next record; `None` at the end of the text.
    ///
    /// # Errors
    /// The input cannot be read.
    pub(super) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        if !self.skip_blank()? {
            return Ok(None);
        }
        let (length, fault, marks) = loop {
            let (end, marks) = self.end();
            let (length, fault) = match end {
                End::At(length) if length <= self.limit => (length, None),
                End::Beyond(_) if self.held() <= self.limit && !self.is_ended => {
                    self.fill()?;
                    continue;
                }
                End::Beyond(quoted) if self.held() <= self.limit => {
                    let is_open = quoted == Quoted::Open;
                    self.open_end = Some(self.line);
                    (self.held(), is_open.then_some(Fault::OpenQuote))
                }
                _ => (self.limit, Some(Fault::TooLong)),
            };
            break (length, fault, marks);
        };
        let (line, start) = (self.line, self.position);
        match marks {
            // A line ends within a record only between marks.
            Marks::Absent => self.position += length,
            Marks::Present => self.take(length),
        }
        if fault == Some(Fault::TooLong) {
            self.skip_line()?;
            return Ok(Some(Record {
                line,
                bytes: &[],
                fault,
                marks,
            }));
        }
        Ok(Some(Record {
            line,
            bytes: &self.buffer[start..start + length],
            fault,
            marks,
        }))
    }

    /// The line of the last record, once the text was read, if the text ends before the line does.
    pub(super) fn open_end(&self) -> Option<u64> {
        self.open_end
    }

    /// The bytes that are at hand.
    fn rest(&self) -> &[u8] {
        &self.buffer[self.position..self.filled]
    }

    fn held(&self) -> usize {
        self.filled - self.position
    }

    /// Takes bytes, and counts the lines that end in them.
    fn take(&mut self, count: usize) {
        let taken = &self.rest()[..count];
        // A record mostly has no line end within.
        self.line += match memchr(b'\n', taken) {
            None => 0,
            Some(first) => memchr_iter(b'\n', &taken[first..]).count() as u64,
        };
        self.position += count;
    }

    /// Skips what ends lines. Returns false at the end of the text.
    fn skip_blank(&mut self) -> io::Result<bool> {
        loop {
            match self.rest().first() {
                Some(b'\n' | b'\r') => self.take(1),
                Some(_) => return Ok(true),
                None if self.is_ended => return Ok(false),
                None => self.fill()?,
            }
        }
    }

    /// Skips up to the end of the line, which is not taken.
    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            match memchr2(b'\n', b'\r', self.rest()) {
                Some(end) => {
                    self.take(end);
                    return Ok(());
                }
                None => self.take(self.held()),
            }
            if self.is_ended {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// Finds where the record that begins here ends, and whether there are quotation marks up to there.
    fn end(&self) -> (End, Marks) {
        let bytes = self.rest();
        let Some(quote) = self.quote else {
            let end = memchr2(b'\n', b'\r', bytes);
            let end = end.map_or(End::Beyond(Quoted::Closed), End::At);
            return (end, Marks::Absent);
        };
        let mut from = 0;
        let mut marks = Marks::Absent;
        while let Some(found) = memchr3(quote, b'\n', b'\r', &bytes[from..]) {
            let at = from + found;
            if bytes[at] != quote {
                return (End::At(at), marks);
            }
            marks = Marks::Present;
            from = at + 1;
            let opens = at == 0 || bytes[at - 1] == self.separator;
            if !opens {
                continue;
            }
            match closed(bytes, from, quote) {
                Some(behind) => from = behind,
                None => return (End::Beyond(Quoted::Open), marks),
            }
        }
        (End::Beyond(Quoted::Closed), marks)
    }

    /// Reads more behind what is at hand.
    fn fill(&mut self) -> io::Result<()> {
        self.buffer.copy_within(self.position..self.filled, 0);
        self.filled -= self.position;
        self.position = 0;
        self.clean = 0;
        if self.buffer.len() < self.filled + READ_BYTES {
            self.buffer.resize(self.filled + READ_BYTES, 0);
        }
        let count = loop {
            match self.input.read(&mut self.buffer[self.filled..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += count;
        self.is_ended = count == 0;
        Ok(())
    }
}

/// The end of what stands in quotes from `from` on, behind the closing one; two quotes are one and close nothing.
fn closed(bytes: &[u8], mut from: usize, quote: u8) -> Option<usize> {
    loop {
        from += memchr(quote, &bytes[from..])? + 1;
        if bytes.get(from) != Some(&quote) {
            return Some(from);
        }
        from += 1;
    }
}

/// The fields of one record after another.
#[derive(Debug, Default)]
pub(super) struct Fields {
    /// The text of fields that were quoted, and of the others beside them.
    text: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Fields {
    /// Parts a record. Returns the bytes in which `ranges` are its fields, without quotes around them.
    pub(super) fn part<'f>(
        &'f mut self,
        record: &'f [u8],
        (separator, quote): (u8, Option<u8>),
    ) -> (&'f [u8], &'f [Range<usize>]) {
        self.ranges.clear();
        match quote.filter(|quote| memchr(*quote, record).is_some()) {
            None => {
                let mut start = 0;
                for end in memchr_iter(separator, record) {
                    self.ranges.push(start..end);
                    start = end + 1;
                }
                self.ranges.push(start..record.len());
                (record, &self.ranges)
            }
            Some(quote) => {
                self.unquote(record, separator, quote);
                (&self.text, &self.ranges)
            }
        }
    }

    fn unquote(&mut self, record: &[u8], separator: u8, quote: u8) {
        self.text.clear();
        let mut at = 0;
        loop {
            let start = self.text.len();
            if record.get(at) == Some(&quote) {
                let behind = closed(record, at + 1, quote);
                let end = behind.map_or(record.len(), |behind| behind - 1);
                let mut inner = &record[at + 1..end];
                while let Some(first) = memchr(quote, inner) {
                    self.text.extend_from_slice(&inner[..=first]);
                    inner = &inner[(first + 2).min(inner.len())..];
                }
                self.text.extend_from_slice(inner);
                at = behind.unwrap_or(record.len());
            }
            let rest = &record[at..];
            let length = memchr(separator, rest);
            self.text
                .extend_from_slice(&rest[..length.unwrap_or(rest.len())]);
            self.ranges.push(start..self.text.len());
            match length {
                Some(length) => at += length + 1,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives few bytes at a time.
    struct Slow<'t>(&'t [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(3);
            self.0.read(&mut buffer[..count])
        }
    }

    type Found = (u64, Option<Fault>, Vec<String>);

    const LAYOUT: (u8, Option<u8>) = (b',', Some(b'"'));

    /// The fields of a record that has no fault.
    fn told(record: &Record<'_>, fields: &mut Fields) -> Found {
        let (bytes, ranges) = fields.part(record.bytes, record.layout(LAYOUT));
        let text =
            |range: &Range<usize>| String::from_utf8_lossy(&bytes[range.clone()]).into_owned();
        let fields = match record.fault {
            None => ranges.iter().map(text).collect(),
            Some(_) => Vec::new(),
        };
        (record.line, record.fault, fields)
    }

    fn found(text: &str, limit: usize) -> Vec<Found> {
        let mut records = Records::new(Slow(text.as_bytes()), LAYOUT, limit, 1);
        let mut fields = Fields::default();
        let mut found = Vec::new();
        while let Some(record) = records.next().expect("memory can be read") {
            found.push(told(&record, &mut fields));
        }
        found
    }

    /// As `found`, with plain records of so many fields taken together.
    fn found_together(text: &str, limit: usize, columns: usize) -> Vec<Found> {
        let shape = Shape {
            columns,
            line_bytes: limit,
            lines: 3,
        };
        let mut records = Records::new(text.as_bytes(), LAYOUT, limit, 1);
        let mut fields = Fields::default();
        let mut found = Vec::new();
        loop {
            if let Some((line, rows)) = records.plain(shape).expect("memory can be read") {
                let text = std::str::from_utf8(rows.text).expect("it is clean");
                let lines = text.lines().map(|line| line.split(',').map(str::to_owned));
                let numbered = (line..).zip(lines);
                found.extend(numbered.map(|(line, fields)| (line, None, fields.collect())));
                continue;
            }
            let Some(record) = records.next().expect("memory can be read") else {
                return found;
            };
            found.push(told(&record, &mut fields));
        }
    }

    fn row(line: u64, fields: &[&str]) -> Found {
        let fields = fields.iter().map(|field| (*field).to_owned());
        (line, None, fields.collect())
    }

    #[test]
    fn records_keep_their_line_through_blank_lines_and_line_breaks_in_quotes() {
        let found = found("a,b\r\n\r\n\"x\ny\",1\r\nlast,2", 100);
        let expected = [
            row(1, &["a", "b"]),
            row(3, &["x\ny", "1"]),
            row(5, &["last", "2"]),
        ];
        assert_eq!(found, expected);
    }

    /// The records that the csv crate finds.
    fn expected(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let records = reader.records().map(|record| {
            let record = record.expect("the text is read");
            record.iter().map(str::to_owned).collect()
        });
        records.collect()
    }

    #[test]
    fn fields_are_those_that_the_csv_crate_finds() {
        let text = "a,,\n\"b\"\"c\",d\"e\"f,\"\"\n\"g\"h,\"i,j\"k\"l,m\n,\n\"\"\"\",n\rö,\"ü\"\n";
        let found: Vec<Vec<String>> = found(text, 100).into_iter().map(|(.., f)| f).collect();
        assert_eq!(found, expected(text));
    }

    proptest::proptest! {
        #[test]
        fn fields_of_any_text_are_those_that_the_csv_crate_finds(text in "[ab,\"\\r\\nö]{0,40}") {
            let records = found(&text, 1_000);
            let is_whole = records.iter().all(|(_, fault, _)| fault.is_none());
            let fields: Vec<Vec<String>> = records.into_iter().map(|(.., f)| f).collect();
            if is_whole {
                proptest::prop_assert_eq!(fields, expected(&text));
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn records_are_the_same_whether_they_are_found_one_by_one_or_together(
            lines in proptest::collection::vec("([ab\"ö]{0,3},){0,2}[ab ]{0,3}(\n|\r\n|\r)", 0..40),
            columns in 1..4_usize,
            limit in 4..12_usize,
        ) {
            let text = lines.concat();
            proptest::prop_assert_eq!(found_together(&text, limit, columns), found(&text, limit));
        }
    }

    #[test]
    fn a_record_over_the_limit_is_cut_and_the_next_line_is_read() {
        let found = found("a,b\n\"never closed,1\n2,3\n4,5\n12345678\n123456789", 8);
        let too_long = |line| (line, Some(Fault::TooLong), Vec::new());
        let expected = [
            row(1, &["a", "b"]),
            too_long(2),
            row(3, &["2", "3"]),
            row(4, &["4", "5"]),
            row(5, &["12345678"]),
            too_long(6),
        ];
        assert_eq!(found, expected);
    }

    fn open_end(text: &str) -> Option<u64> {
        let mut records = Records::new(Slow(text.as_bytes()), (b',', Some(b'"')), 100, 1);
        while records.next().expect("memory can be read").is_some() {}
        records.open_end()
    }

    #[test]
    fn a_text_that_stops_within_a_line_says_in_which() {
        assert_eq!(open_end("a,b\n1,2\n"), None);
        assert_eq!(open_end("a,b\r\n1,2\r\n\r\n"), None);
        assert_eq!(open_end("a,b\n1,2"), Some(2));
        assert_eq!(open_end("a,b\n\n1,\"x\ny\""), Some(3));
    }

    #[test]
    fn a_quote_that_is_open_at_the_end_is_a_fault_of_its_record() {
        let found = found("a,b\n1,\"2\n3,4\n", 100);
        let open = (2, Some(Fault::OpenQuote), Vec::new());
        assert_eq!(found, [row(1, &["a", "b"]), open]);
    }
}
