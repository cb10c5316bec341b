//! Finds many lines at once that need no second look, and where their fields end: lines without a quotation mark, each with as
//! many fields as there are columns. Everything else is for `Records`, which comes to the same. Decision 0118.

use memchr::{memchr, memchr2};
use wide::u8x16;

use crate::extract::PlainRows;

/// Bytes that are looked at together, as many as a mask has bits.
const BLOCK_BYTES: usize = 64;

/// What plain lines have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// How many fields each has.
    pub(super) columns: usize,
    /// How long each may be. *Units*: bytes.
    pub(super) line_bytes: usize,
    /// How many are taken at most.
    pub(super) lines: usize,
}

/// How many bytes come before the first that may be anything but text: a quotation mark, a NUL byte, a byte that is not UTF-8.
pub(super) fn clean(bytes: &[u8], quote: Option<u8>) -> usize {
    let end = match quote {
        Some(quote) => memchr2(quote, 0, bytes),
        None => memchr(0, bytes),
    };
    let end = end.unwrap_or(bytes.len());
    std::str::from_utf8(&bytes[..end]).map_or_else(|e| e.valid_up_to(), str::len)
}

/// Finds the plain lines with which clean text begins. `ends` is where their fields' ends are put.
pub(super) fn rows<'r>(
    text: &'r [u8],
    separator: u8,
    shape: Shape,
    ends: &'r mut Vec<usize>,
) -> Option<PlainRows<'r>> {
    ends.clear();
    let mut cut = Cut {
        text,
        shape,
        ends,
        whole: 0,
        line: 0,
        mark_bytes: None,
    };
    cut.cut(separator);
    let (whole, line, mark_bytes) = (cut.whole, cut.line, cut.mark_bytes?);
    ends.truncate(whole);
    (whole > 0).then_some(PlainRows {
        text: &text[..line],
        ends,
        columns: shape.columns,
        mark_bytes,
    })
}

/// Lines that are being cut.
struct Cut<'c> {
    text: &'c [u8],
    shape: Shape,
    ends: &'c mut Vec<usize>,
    /// How many of the ends are those of lines that are whole.
    whole: usize,
    /// Where the line begins that is being cut.
    line: usize,
    /// How many bytes end a line, once one has ended.
    mark_bytes: Option<usize>,
}

/// Whether it goes on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Line,
    Stop,
}

impl Cut<'_> {
    fn cut(&mut self, separator: u8) {
        if self.shape.lines == 0 {
            return;
        }
        let text = self.text;
        for (number, block) in text.chunks(BLOCK_BYTES).enumerate() {
            let mut marks = marks(block, separator);
            while marks != 0 {
                let at = number * BLOCK_BYTES + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                if text[at] == separator {
                    self.ends.push(at);
                } else if self.end_line(at) == Next::Stop {
                    return;
                }
            }
        }
    }

    /// Ends a line where its mark is.
    fn end_line(&mut self, at: usize) -> Next {
        if at < self.line {
            // The second byte of the mark before.
            return Next::Line;
        }
        let mark_bytes = match (self.text[at], self.text.get(at + 1)) {
            (b'\n', _) => 1,
            (_, Some(b'\n')) => 2,
            _ => return Next::Stop,
        };
        self.ends.push(at);
        let (length, fields) = (at - self.line, self.ends.len() - self.whole);
        let is_plain = fields == self.shape.columns
            && (1..=self.shape.line_bytes).contains(&length)
            && *self.mark_bytes.get_or_insert(mark_bytes) == mark_bytes;
        if !is_plain {
            return Next::Stop;
        }
        self.whole = self.ends.len();
        self.line = at + mark_bytes;
        if self.whole == self.shape.lines.saturating_mul(self.shape.columns) {
            return Next::Stop;
        }
        Next::Line
    }
}

/// The bytes of a block that end a field or a line, a bit each.
fn marks(block: &[u8], separator: u8) -> u64 {
    let is_mark = |byte: u8| byte == separator || byte == b'\n' || byte == b'\r';
    let bits = block.chunks_exact(16);
    let rest = bits.remainder();
    let [separators, feeds, returns] = [separator, b'\n', b'\r'].map(u8x16::splat);
    let mut marks = 0;
    let mut shift = 0;
    for part in bits {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(part);
        let bytes = u8x16::new(bytes);
        let found = bytes.simd_eq(separators) | bytes.simd_eq(feeds) | bytes.simd_eq(returns);
        marks |= u64::from(found.to_bitmask()) << shift;
        shift += 16;
    }
    for byte in rest {
        marks |= u64::from(is_mark(*byte)) << shift;
        shift += 1;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape {
        columns: 2,
        line_bytes: 100,
        lines: 1_000,
    };

    /// The fields of the plain lines, and how many bytes these take.
    fn found(text: &str, shape: Shape) -> (Vec<Vec<&str>>, usize) {
        let mut ends = Vec::new();
        let Some(rows) = rows(text.as_bytes(), b',', shape, &mut ends) else {
            return (Vec::new(), 0);
        };
        let lines = text[..rows.text.len()].lines();
        let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
        assert_eq!(lines.len(), rows.count());
        for (number, ends) in rows.ends.chunks(shape.columns).enumerate() {
            for (field, end) in lines[number].iter().zip(ends) {
                assert_eq!(&text[end - field.len()..*end], *field);
            }
        }
        (lines, rows.text.len())
    }

    #[test]
    fn lines_are_plain_up_to_the_first_that_is_not() {
        let many = "abc,defghi\n".repeat(50);
        assert_eq!(found(&many, SHAPE).0.len(), 50);
        for (irregular, why) in [
            ("a\n", "a field is missing"),
            ("a,b,c\n", "a field is too many"),
            ("\n", "nothing is in it"),
            ("a,b\r", "nothing says what follows"),
            ("a,b\r\n", "it ends otherwise"),
            ("a,b\rc,d\n", "a carriage return ends it alone"),
            ("a,b", "it does not end"),
        ] {
            let text = format!("{many}{irregular}{many}");
            let (lines, bytes) = found(&text, SHAPE);
            assert_eq!((lines.len(), bytes), (50, many.len()), "{why}");
        }
        let (lines, _) = found("a,b\r\n,\r\nc,d\n", SHAPE);
        assert_eq!(lines, [["a", "b"], ["", ""]]);
    }

    #[test]
    fn no_more_and_no_longer_lines_are_taken_than_may_be() {
        let text = "a,b\nc,d\nefgh,i\nj,k\n";
        let short = Shape {
            line_bytes: 4,
            ..SHAPE
        };
        assert_eq!(found(text, short).0.len(), 2);
        for lines in 0..4 {
            let few = Shape { lines, ..SHAPE };
            assert_eq!(found(text, few).0.len(), lines);
        }
    }

    #[test]
    fn text_is_clean_up_to_what_may_be_anything_else() {
        assert_eq!(clean(b"a,b\nc", Some(b'"')), 5);
        assert_eq!(clean(b"a,\"b\0", Some(b'"')), 2);
        assert_eq!(clean(b"a,\"b\0", None), 4);
        assert_eq!(clean(b"a\xFF\0", None), 1);
        // A character that is cut off.
        assert_eq!(clean(&"aö".as_bytes()[..2], None), 1);
    }
}
