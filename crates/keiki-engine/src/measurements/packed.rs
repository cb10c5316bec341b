//! Numbers and texts one after the other, small numbers in few bytes, read back in the order in which they were written.

use keiki_model::fraction::Fraction;

/// How many bits of a number a byte holds; the highest says whether another byte follows.
const BITS: u32 = 7;
const MORE: u8 = 1 << BITS;

/// Writes numbers, and marks which of those that may be absent are there.
///
/// *Source*: numbers are in LEB128, DWARF 5, section 7.6; signed ones turned so that small ones of either sign stay small.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    marks: Marks,
}

/// One mark for each thing that may be absent, in order.
#[derive(Debug, Default, Clone, Copy)]
struct Marks {
    set: u16,
    next: u32,
}

impl Writer {
    /// The marks since they were last taken.
    pub(super) fn take_marks(&mut self) -> u16 {
        std::mem::take(&mut self.marks).set
    }

    pub(super) fn mark(&mut self, is_set: bool) {
        self.marks.set |= u16::from(is_set) << self.marks.next;
        self.marks.next += 1;
    }

    pub(super) fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.mark(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    #[inline]
    pub(super) fn unsigned(&mut self, number: u128) {
        // Nearly all numbers fit into a byte.
        match u8::try_from(number) {
            Ok(byte) if byte < MORE => self.bytes.push(byte),
            _ => self.in_bytes(number),
        }
    }

    fn in_bytes(&mut self, number: u128) {
        // Small numbers are cut up in half the time.
        let Ok(mut rest) = u64::try_from(number) else {
            return self.great(number);
        };
        while rest >= u64::from(MORE) {
            self.bytes.push(rest.to_le_bytes()[0] | MORE);
            rest >>= BITS;
        }
        self.bytes.push(rest.to_le_bytes()[0]);
    }

    fn great(&mut self, mut rest: u128) {
        while rest >= u128::from(MORE) {
            self.bytes.push(rest.to_le_bytes()[0] | MORE);
            rest >>= BITS;
        }
        self.bytes.push(rest.to_le_bytes()[0]);
    }

    pub(super) fn signed(&mut self, number: i128) {
        self.unsigned(((number << 1) ^ (number >> 127)).cast_unsigned());
    }

    pub(super) fn fraction(&mut self, fraction: Fraction) {
        self.signed(fraction.numerator());
        self.unsigned(fraction.denominator().unsigned_abs());
    }

    /// To the last bit.
    pub(super) fn float(&mut self, number: f64) {
        self.bytes
            .extend_from_slice(&number.to_bits().to_le_bytes());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.unsigned(text.len() as u128);
        self.bytes.extend_from_slice(text.as_bytes());
    }
}

/// Reads what was written.
#[derive(Debug)]
pub(super) struct Reader<'b> {
    bytes: &'b [u8],
    /// Where the next begins.
    pub(super) at: usize,
    marks: Marks,
}

impl<'b> Reader<'b> {
    pub(super) fn new(bytes: &'b [u8], at: usize, marks: u16) -> Self {
        let marks = Marks {
            set: marks,
            next: 0,
        };
        Self { bytes, at, marks }
    }

    pub(super) fn mark(&mut self) -> bool {
        let is_set = (self.marks.set >> self.marks.next) & 1 == 1;
        self.marks.next += 1;
        is_set
    }

    pub(super) fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.mark().then(|| read(self))
    }

    fn taken(&mut self, count: usize) -> &'b [u8] {
        let start = self.at;
        self.at += count;
        &self.bytes[start..self.at]
    }

    pub(super) fn unsigned(&mut self) -> u128 {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.bytes[self.at];
            self.at += 1;
            number |= u128::from(byte & !MORE) << shift;
            if byte < MORE {
                return number;
            }
            shift += BITS;
        }
    }

    pub(super) fn signed(&mut self) -> i128 {
        let turned = self.unsigned();
        (turned >> 1).cast_signed() ^ -(turned & 1).cast_signed()
    }

    /// A count that was written as one.
    pub(super) fn count(&mut self) -> usize {
        usize::try_from(self.unsigned()).expect("no list is longer than memory")
    }

    pub(super) fn fraction(&mut self) -> Fraction {
        let numerator = self.signed();
        let denominator = self.unsigned().cast_signed();
        Fraction::new(numerator, denominator).expect("no denominator is zero")
    }

    pub(super) fn float(&mut self) -> f64 {
        let mut bits = [0; 8];
        bits.copy_from_slice(self.taken(8));
        f64::from_bits(u64::from_le_bytes(bits))
    }

    pub(super) fn text(&mut self) -> String {
        let length = self.count();
        String::from_utf8_lossy(self.taken(length)).into_owned()
    }
}
