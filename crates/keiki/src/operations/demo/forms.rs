//! Puts the story's tables into the forms in which real systems send them.

mod calendar;
mod workbook;

use std::io::Write as _;

/// A form in which a table is sent. The table itself is CSV in UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// CSV in the code page of Japanese Windows.
    WindowsJapanese,
    /// CSV in EUC-JP, as an old server writes it.
    EucJp,
    /// What a spreadsheet saves as Unicode text: tabs, UTF-16 with a byte order mark.
    UnicodeText,
    /// CSV, gzip.
    Gzip,
    /// CSV in a zip archive.
    Zip,
    /// An Excel workbook with a title above the table.
    Workbook,
    /// An iCalendar file.
    Calendar,
}

/// The tables that are not sent as plain CSV: their place, the form and the place of what is sent.
const SENT: [(&str, Form, &str); 8] = [
    (
        "evidence/assets_cmdb.csv",
        Form::WindowsJapanese,
        "evidence/assets_cmdb.csv",
    ),
    (
        "evidence/jp3/assets.csv",
        Form::EucJp,
        "evidence/jp3/assets.csv",
    ),
    (
        "evidence/policy.csv",
        Form::UnicodeText,
        "evidence/policy.txt",
    ),
    (
        "evidence/phishing.csv",
        Form::Gzip,
        "evidence/phishing.csv.gz",
    ),
    (
        "evidence/jp3/phishing.csv",
        Form::Zip,
        "evidence/jp3/phishing.zip",
    ),
    (
        "evidence/trainings.csv",
        Form::Zip,
        "evidence/trainings.zip",
    ),
    (
        "evidence/headcounts.csv",
        Form::Workbook,
        "evidence/headcounts.xlsx",
    ),
    (
        "evidence/meetings.csv",
        Form::Calendar,
        "evidence/meetings.ics",
    ),
];

/// A file as it is sent: its place and bytes.
pub(super) fn sent(place: &str, text: &str) -> (String, Vec<u8>) {
    let Some((_, form, sent_as)) = SENT.iter().find(|(table, _, _)| *table == place) else {
        return (place.to_owned(), text.as_bytes().to_vec());
    };
    // A file without a byte stays one, whatever the system that sent it.
    let bytes = if text.is_empty() {
        Vec::new()
    } else {
        form.bytes(place, text)
    };
    ((*sent_as).to_owned(), bytes)
}

impl Form {
    fn bytes(self, place: &str, text: &str) -> Vec<u8> {
        match self {
            Self::WindowsJapanese => encoding_rs::SHIFT_JIS.encode(text).0.into_owned(),
            Self::EucJp => encoding_rs::EUC_JP.encode(text).0.into_owned(),
            Self::UnicodeText => unicode_text(text),
            Self::Gzip => gzip(text),
            Self::Zip => zip(place.rsplit('/').next().unwrap_or(place), text),
            Self::Workbook => workbook::bytes(text),
            Self::Calendar => calendar::text(text).into_bytes(),
        }
    }
}

/// Fields by tab, lines by CR LF. The tables hold no separators within values.
fn unicode_text(text: &str) -> Vec<u8> {
    let tabbed = text.replace(',', "\t").replace('\n', "\r\n");
    let units = std::iter::once(0xFEFF).chain(tabbed.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

/// The bytes are the same for the same table: the time in the header is zero.
fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish())
        .expect("writing to memory cannot fail")
}

/// The bytes are the same for the same table: the member's time is the first that a zip can state.
fn zip(name: &str, text: &str) -> Vec<u8> {
    let options = zip::write::SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let written = writer
        .start_file(name, options)
        .and_then(|()| Ok(writer.write_all(text.as_bytes())?))
        .and_then(|()| writer.finish());
    written.expect("writing to memory cannot fail").into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_sent_in_the_form_of_its_system_and_always_the_same() {
        let staff = "会社コード,全社員\nHD,400\n";
        let meetings = "会議番号,会社,会議体,議題,契機,開催日,所要分,CISO出席\n\
                        M-001,HD,取締役会,定例報告,定例,2023-05-18,90,CISO\n";
        for (place, form, sent_as) in SENT {
            let table = match form {
                Form::Calendar => meetings,
                _ => staff,
            };
            let (name, bytes) = sent(place, table);
            assert_eq!(name, sent_as);
            assert!(!bytes.is_empty());
            assert_eq!(sent(place, table).1, bytes, "{place}");
        }
    }

    #[test]
    fn a_file_without_a_byte_is_sent_as_it_is() {
        assert_eq!(
            sent("evidence/cn1/incidents.csv", ""),
            ("evidence/cn1/incidents.csv".to_owned(), Vec::new())
        );
    }
}
