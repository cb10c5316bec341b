//! Finds the encoding of a text and decodes it to UTF-8 while it is read.
//!
//! The rule, where a source states no encoding: a byte order mark says it. Without one, a text is
//! ISO-2022-JP if it switches to JIS X 0208, UTF-16 if every other byte of it is zero, and UTF-8 if its
//! first mebibyte is. Else it is CP932 or EUC-JP, whichever `chardetng` takes it for, if
//! every byte of the first mebibyte is of that encoding. Anything else is read as UTF-8, and the rows
//! that are not are rejected.
//!
//! *Source*: WHATWG Encoding Standard; what it calls `Shift_JIS` is Windows-31J, CP932 here.

use std::io::{self, BufRead, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{
    Decoder, DecoderResult, EUC_JP, ISO_2022_JP, SHIFT_JIS, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252,
};

/// The encoding of a text.
pub(crate) type Encoding = &'static encoding_rs::Encoding;

/// The encodings that a source can state, by name.
pub(crate) static ENCODINGS: [(&str, Encoding); 8] = [
    ("utf-8", UTF_8),
    ("utf-16le", UTF_16LE),
    ("utf-16be", UTF_16BE),
    ("cp932", SHIFT_JIS),
    ("shift_jis", SHIFT_JIS),
    ("euc-jp", EUC_JP),
    ("iso-2022-jp", ISO_2022_JP),
    ("windows-1252", WINDOWS_1252),
];

/// How much of a text decides on its encoding.
pub(crate) const SAMPLE_BYTES: usize = 1 << 20;

/// Takes the place of a byte that is not of the encoding: it is none of UTF-8 either, so that it is
/// found where the row is read.
const FOREIGN: u8 = 0xFF;

/// Finds the encoding of a text from its beginning, and how many bytes of a mark it begins with.
pub(crate) fn find(sample: &[u8], stated: Option<Encoding>) -> (Encoding, usize) {
    if let Some((encoding, mark)) = encoding_rs::Encoding::for_bom(sample) {
        return (encoding, mark);
    }
    (stated.unwrap_or_else(|| guess(sample)), 0)
}

/// Finds the encoding of an XML document: a byte order mark says it, else the source, else the declaration at its beginning; else
/// it shows as with any text. A declaration that can be read by single bytes is not in UTF-16, whatever it says: programs leave it when they
/// write a document anew.
///
/// *Source*: XML 1.0, appendix F.
///
/// # Errors
/// The name that is declared, where nobody knows it.
pub(crate) fn find_declared(
    sample: &[u8],
    stated: Option<Encoding>,
) -> Result<(Encoding, usize), String> {
    let label = declared(sample).filter(|_| {
        let is_marked = encoding_rs::Encoding::for_bom(sample).is_some();
        !is_marked && stated.is_none()
    });
    let Some(label) = label else {
        return Ok(find(sample, stated));
    };
    let known = ENCODINGS
        .iter()
        .find(|(name, _)| label.eq_ignore_ascii_case(name));
    let encoding = known
        .map(|(_, encoding)| *encoding)
        .or_else(|| encoding_rs::Encoding::for_label(label.as_bytes()));
    match encoding {
        Some(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Ok((guess(sample), 0)),
        // Programs write UTF-8 and leave the name of a narrower encoding.
        Some(encoding) if encoding == WINDOWS_1252 && is_utf8(sample) => Ok((UTF_8, 0)),
        Some(encoding) => Ok((encoding, 0)),
        None => Err(label),
    }
}

/// What the declaration `<?xml … encoding="…"?>` names.
fn declared(sample: &[u8]) -> Option<String> {
    const DECLARATION_BYTES: usize = 256;
    let start = &sample[..sample.len().min(DECLARATION_BYTES)];
    let start = start.trim_ascii_start();
    let end = start.windows(2).position(|bytes| bytes == b"?>")?;
    let declaration = std::str::from_utf8(&start[..end]).ok()?;
    let after = declaration.strip_prefix("<?xml")?.split_once("encoding")?.1;
    let value = after.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (label, _) = value[1..].split_once(quote)?;
    Some(label.trim().to_owned())
}

fn is_utf8(sample: &[u8]) -> bool {
    // A character may be cut off at the end of the sample.
    std::str::from_utf8(sample).map_or_else(|e| e.error_len().is_none(), |_| true)
}

fn guess(sample: &[u8]) -> Encoding {
    let switches = |set: &[u8]| sample.windows(set.len()).any(|bytes| bytes == set);
    if sample.contains(&0x1B) && (switches(b"\x1B$B") || switches(b"\x1B$@")) {
        return ISO_2022_JP;
    }
    if let Some(encoding) = utf16(sample) {
        return encoding;
    }
    if is_utf8(sample) {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(sample, true);
    let likely = detector.guess(Some(&b"jp"[..]), Utf8Detection::Deny);
    if (likely == SHIFT_JIS || likely == EUC_JP) && holds(likely, sample) {
        return likely;
    }
    UTF_8
}

/// Text of which every other byte is zero: letters of the Latin alphabet, with half of a word each.
fn utf16(sample: &[u8]) -> Option<Encoding> {
    const LOOKED_AT: usize = 4096;
    let sample = &sample[..sample.len().min(LOOKED_AT)];
    let zeros = |from: usize| {
        let bytes = sample.iter().skip(from).step_by(2);
        bytes.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    let many = sample.len() / 5;
    match (even, odd) {
        _ if sample.len() < 4 => None,
        (0, odd) if odd > many => Some(UTF_16LE),
        (even, 0) if even > many => Some(UTF_16BE),
        _ => None,
    }
}

/// Tells whether every byte of a sample is of an encoding.
fn holds(encoding: Encoding, sample: &[u8]) -> bool {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut out = vec![0; 4096];
    let mut rest = sample;
    loop {
        let (result, read, _) = decoder.decode_to_utf8_without_replacement(rest, &mut out, false);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return true,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => return false,
        }
    }
}

/// Decodes what it reads to UTF-8.
pub(crate) struct Decoded<R> {
    input: R,
    decoder: Decoder,
    out: Vec<u8>,
    filled: usize,
    taken: usize,
    is_ended: bool,
}

impl<R: BufRead> Decoded<R> {
    const BUFFER_BYTES: usize = 64 << 10;

    pub(crate) fn new(input: R, encoding: Encoding) -> Self {
        Self {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            out: vec![0; Self::BUFFER_BYTES],
            filled: 0,
            taken: 0,
            is_ended: false,
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.filled = 0;
        while self.filled == 0 && !self.is_ended {
            let bytes = self.input.fill_buf()?;
            let is_last = bytes.is_empty();
            // One byte is kept for the mark of a foreign one.
            let room = self.out.len() - 1;
            let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(
                bytes,
                &mut self.out[..room],
                is_last,
            );
            self.input.consume(read);
            self.filled = written;
            match result {
                DecoderResult::Malformed(..) => {
                    self.out[written] = FOREIGN;
                    self.filled += 1;
                }
                DecoderResult::InputEmpty => self.is_ended = is_last,
                DecoderResult::OutputFull => {}
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let bytes = self.fill_buf()?;
        let length = bytes.len().min(buffer.len());
        buffer[..length].copy_from_slice(&bytes[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Decoded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken == self.filled {
            self.fill()?;
        }
        Ok(&self.out[self.taken..self.filled])
    }

    fn consume(&mut self, amount: usize) {
        self.taken = (self.taken + amount).min(self.filled);
    }
}

/// Decodes a short text such as the name of a member of an archive: UTF-8, else CP932.
pub(crate) fn name(bytes: &[u8]) -> String {
    if let Ok(name) = std::str::from_utf8(bytes) {
        return name.to_owned();
    }
    let (name, _is_faulty) = SHIFT_JIS.decode_without_bom_handling(bytes);
    name.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "番号,組織名,備考\nA1,情報システム部,ｻｰﾊﾞ①\nA2,総務部,髙橋\n";

    fn encoded(encoding: Encoding, text: &str) -> Vec<u8> {
        encoding.encode(text).0.into_owned()
    }

    #[test]
    fn the_encoding_of_a_japanese_text_is_found() {
        let euc = "番号,組織名,備考\nA1,情報システム部,サーバ\n";
        assert_eq!(find(TEXT.as_bytes(), None), (UTF_8, 0));
        assert_eq!(find(&encoded(SHIFT_JIS, TEXT), None), (SHIFT_JIS, 0));
        assert_eq!(find(&encoded(EUC_JP, euc), None), (EUC_JP, 0));
        assert_eq!(find(&encoded(ISO_2022_JP, euc), None), (ISO_2022_JP, 0));
        assert_eq!(find(b"\xEF\xBB\xBFa", None), (UTF_8, 3));
        assert_eq!(find(b"\xFF\xFEa\0", None), (UTF_16LE, 2));
        assert_eq!(find(b"i\0d\0,\0o\0", None), (UTF_16LE, 0));
        assert_eq!(find(b"\0i\0d\0,\0o", None), (UTF_16BE, 0));
    }

    #[test]
    fn an_xml_document_is_in_the_encoding_that_it_declares() {
        let named = |label: &str| format!("<?xml version='1.0' encoding = '{label}' ?><a>部品</a>");
        for (label, encoding) in [
            ("Shift_JIS", SHIFT_JIS),
            ("Windows-31J", SHIFT_JIS),
            ("CP932", SHIFT_JIS),
            ("euc-jp", EUC_JP),
            ("ISO-2022-JP", ISO_2022_JP),
            ("utf-8", UTF_8),
        ] {
            let bytes = encoded(encoding, &named(label));
            assert_eq!(find_declared(&bytes, None), Ok((encoding, 0)), "{label}");
        }
        // What says UTF-16 in single bytes is none.
        let left = named("UTF-16");
        assert_eq!(find_declared(left.as_bytes(), None), Ok((UTF_8, 0)));
        let wide: Vec<u8> = "<?xml encoding='utf-16'?><a/>"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        assert_eq!(find_declared(&wide, None), Ok((UTF_16LE, 0)));
        assert_eq!(find_declared(b"<a/>", None), Ok((UTF_8, 0)));
        assert_eq!(
            find_declared(b"<?xml encoding='klingon'?><a/>", None),
            Err("klingon".to_owned())
        );
        assert_eq!(
            find_declared(b"<?xml encoding='klingon'?><a/>", Some(EUC_JP)),
            Ok((EUC_JP, 0))
        );
    }

    #[test]
    fn a_stated_encoding_yields_only_to_a_mark() {
        assert_eq!(find(b"abc", Some(EUC_JP)), (EUC_JP, 0));
        assert_eq!(find(b"\xEF\xBB\xBFabc", Some(EUC_JP)), (UTF_8, 3));
    }

    #[test]
    fn bytes_of_no_encoding_leave_the_text_to_be_read_as_utf8() {
        assert_eq!(find(b"id,name\n1,caf\xE9,x\n2,\xFF\n", None), (UTF_8, 0));
        assert_eq!(find(b"", None), (UTF_8, 0));
    }

    #[test]
    fn decoding_keeps_every_character_and_marks_what_is_foreign() {
        let mut text = String::new();
        let bytes = encoded(SHIFT_JIS, TEXT);
        Decoded::new(bytes.as_slice(), SHIFT_JIS)
            .read_to_string(&mut text)
            .expect("all of it can be decoded");
        assert_eq!(text, TEXT);
        let mut out = Vec::new();
        Decoded::new(&b"a\x80\xFFb\n\x83"[..], SHIFT_JIS)
            .read_to_end(&mut out)
            .expect("memory can be read");
        assert!(std::str::from_utf8(&out).is_err());
        assert!(out.starts_with(b"a") && out.windows(2).any(|w| w == b"b\n"));
    }
}
