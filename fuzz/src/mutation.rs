//! Changes bytes as fuzzers do, from a seed, so that what was found can be found again.

use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

/// Most bytes of a member of an archive that is changed.
const MEMBER_BYTES: u64 = 1 << 20;

/// Most members of an archive that is changed.
const MEMBERS: usize = 64;

/// Bytes that mean something to one form or another.
const TOKENS: [&[u8]; 44] = [
    b"\"",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b"\xFF\xFE",
    b",",
    b";",
    b"\t",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"NaN",
    b"1e999",
    b"-0",
    b"9999-12-31",
    b"-0001-01-01",
    b"0000-00-00",
    b"99999999999999999999",
    b"170141183460469231731687303715884105728",
    b"=1+1",
    b"PK\x03\x04",
    b"\x1F\x8B",
    b"\x83\x5C",
    b"<!ENTITY",
    b"<!DOCTYPE a [",
    b"<![CDATA[",
    b"]]>",
    b"&#0;",
    b"&#x110000;",
    b"&amp;",
    b"<?xml version=\"1.0\" encoding=\"Shift_JIS\"?>",
    b"encoding=\"utf-16\"",
    b"</",
    b"/>",
    b"\xED\xA0\x80",
    "令和".as_bytes(),
    "△".as_bytes(),
    "１".as_bytes(),
    b"RRULE:FREQ=SECONDLY",
    b"DTSTART:99991231T235959Z",
];

/// Numbers that are the same for the same seed.
///
/// *Source*: Marsaglia, Xorshift RNGs, Journal of Statistical Software 8 (2003).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        // Zero would stay zero.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`; 0 where nothing is below it.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }
}

/// Changes bytes: what is an archive mostly within one of its members, else anywhere.
#[must_use]
pub fn changed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    if random.below(8) > 0
        && let Some(bytes) = within_archive(bytes, random)
    {
        return bytes;
    }
    let mut bytes = bytes.to_vec();
    change(&mut bytes, random);
    bytes
}

/// Changes one member of an archive and packs all of them again; `None` where it is none.
///
/// A change of the packed bytes themselves hardly ever gets past their checksum.
#[must_use]
pub fn within_archive(bytes: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if !bytes.starts_with(b"PK\x03\x04") {
        return None;
    }
    let mut archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let count = archive.len().min(MEMBERS);
    let chosen = random.below(count);
    let mut packed = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for number in 0..count {
        let member = archive.by_index(number).ok()?;
        let name = member.name().ok()?.into_owned();
        let mut content = Vec::new();
        member.take(MEMBER_BYTES).read_to_end(&mut content).ok()?;
        if number == chosen {
            change(&mut content, random);
        }
        packed.start_file(name, options).ok()?;
        packed.write_all(&content).ok()?;
    }
    Some(packed.finish().ok()?.into_inner())
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        change_once(bytes, random);
    }
}

fn change_once(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let length = random.below(bytes.len() - at + 1).min(64);
    match random.below(9) {
        0 if random.below(8) == 0 => bytes.truncate(at),
        0 | 1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            bytes.drain(at..at + length);
        }
        3 => {
            let again = bytes[at..at + length].to_vec();
            bytes.splice(at..at, again);
        }
        4 | 5 => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
        6 => change_digit(bytes, at, random),
        7 => {
            let from = random.below(bytes.len() + 1);
            let piece = bytes[from..bytes.len().min(from + length)].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            for byte in &mut bytes[at..at + length] {
                *byte = u8::try_from(random.below(256)).unwrap_or(0);
            }
        }
    }
}

/// Puts other digits in the place of the next number, for numbers are what limits are about.
fn change_digit(bytes: &mut Vec<u8>, at: usize, random: &mut Random) {
    let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit) else {
        return;
    };
    let start = at + start;
    let length = bytes[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let digits: Vec<u8> = (0..=random.below(20))
        .map(|_| b'0' + u8::try_from(random.below(10)).unwrap_or(0))
        .collect();
    bytes.splice(start..start + length, digits);
}
