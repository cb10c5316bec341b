//! Limits on what comes from outside, so that a hostile or broken file costs a rejected row and not
//! the machine.

use keiki_model::text::Text;

use crate::live::FetchLimits;

/// What is limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quantity {
    /// Files of a reading.
    Files,
    /// Rows of a reading or an answer.
    Rows,
    /// Rejected rows of a reading.
    RejectedRows,
    /// Columns of a reading.
    Columns,
    /// Bytes of everything that is fetched.
    Bytes,
    /// Bytes of a file that is read as a whole.
    FileBytes,
    /// Bytes of an `.xls` workbook, which is held in memory.
    XlsBytes,
    /// Cells of an `.xls` or `.ods` workbook, which are held in memory.
    HeldCells,
    /// Bytes that come out of a packed file.
    UnpackedBytes,
    /// How many times larger a packed file gets.
    UnpackedTimes,
    /// Bytes in one piece of XML.
    XmlPieceBytes,
    /// Levels of XML.
    XmlLevels,
    /// Bytes in one calendar.
    CalendarBytes,
    /// Bytes in the fields around records.
    AroundBytes,
    /// Rows that wait for a field behind them.
    HeldRows,
    /// Bytes in fields that stand behind their rows.
    HeldBytes,
    /// Bytes in one answer of a live system.
    AnswerBytes,
    /// Seconds until a live system has answered.
    Seconds,
    /// Pages of answers.
    Pages,
    /// Groups of a directory.
    Groups,
}

impl Quantity {
    /// So many of it, in words.
    #[must_use]
    pub fn amount(self, count: u64) -> Text {
        match self {
            Self::Files => Text::new(format!("{count}ファイル"), format!("{count} files")),
            Self::Rows => Text::new(format!("{count}行"), format!("{count} rows")),
            Self::RejectedRows => Text::new(
                format!("取込エラー行 {count}行"),
                format!("{count} rejected rows"),
            ),
            Self::Columns => Text::new(format!("{count}列"), format!("{count} columns")),
            Self::Bytes => Text::new(format!("{count}バイト"), format!("{count} bytes")),
            Self::FileBytes => Text::new(
                format!("この種類のファイルでは{count}バイト"),
                format!("{count} bytes in a file of this kind"),
            ),
            Self::XlsBytes => Text::new(
                format!(".xlsのブックで{count}バイト"),
                format!("{count} bytes in an .xls workbook"),
            ),
            Self::HeldCells => Text::new(
                format!(".xlsまたは.odsのブックで{count}セル"),
                format!("{count} cells in an .xls or .ods workbook"),
            ),
            Self::UnpackedBytes => Text::new(
                format!("展開後のサイズ {count}バイト"),
                format!("{count} bytes unpacked"),
            ),
            Self::UnpackedTimes => Text::new(
                format!("展開後のサイズが圧縮時の{count}倍"),
                format!("{count} times its size when unpacked"),
            ),
            Self::XmlPieceBytes => Text::new(
                format!("XMLの1つのタグまたはテキストで{count}バイト"),
                format!("{count} bytes in one piece of XML"),
            ),
            Self::XmlLevels => Text::new(
                format!("XMLの階層 {count}段"),
                format!("{count} levels of XML"),
            ),
            Self::CalendarBytes => Text::new(
                format!("1つのカレンダーで{count}バイト"),
                format!("{count} bytes in one calendar"),
            ),
            Self::AroundBytes => Text::new(
                format!("レコードの外側にある項目で{count}バイト"),
                format!("{count} bytes around records"),
            ),
            Self::HeldRows => Text::new(
                format!("後ろに置かれた項目を待つ行 {count}行"),
                format!("{count} rows before a field that stands behind them"),
            ),
            Self::HeldBytes => Text::new(
                format!("レコードの後ろに置かれた項目で{count}バイト"),
                format!("{count} bytes in fields behind rows"),
            ),
            Self::AnswerBytes => Text::new(
                format!("1回の応答で{count}バイト"),
                format!("{count} bytes in one answer"),
            ),
            Self::Seconds => Text::new(format!("{count}秒"), format!("{count} seconds")),
            Self::Pages => Text::new(format!("{count}ページ"), format!("{count} pages")),
            Self::Groups => Text::new(format!("{count}グループ"), format!("{count} groups")),
        }
    }
}

/// Bounds of one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest record; a longer one is skipped and rejected, and never held in memory.
    pub record_bytes: usize,
    /// Longest field of a record; a record with a longer one is rejected.
    pub field_bytes: usize,
    /// Longest JSON array element nesting; a deeper record is rejected.
    pub json_depth: usize,
    /// Deepest nesting of XML elements below the path of records; a deeper record is rejected.
    pub xml_depth: usize,
    /// Longest text, tag or comment of an XML document; a longer one is an error.
    pub xml_piece_bytes: usize,
    /// Most rows, and most text, that are held back for fields that stand behind their rows; where such a
    /// field comes later it is an error.
    pub held_rows: usize,
    /// As `held_rows`, for text.
    pub held_bytes: usize,
    /// Longest calendar; a longer one is an error.
    pub calendar_bytes: usize,
    /// Most occurrences of one event that recurs; an event of more is rejected.
    pub occurrence_count: u16,
    /// Most columns of a reading; more is an error.
    pub column_count: usize,
    /// Most rows of a reading; more is an error.
    pub row_count: usize,
    /// Most rows of a chunk, the part of a reading that is in memory at a time.
    pub chunk_rows: usize,
    /// Text after which a chunk is full.
    pub chunk_bytes: usize,
}

/// 1 MiB.
pub const RECORD_BYTES: usize = 1 << 20;
/// 256 KiB.
pub const FIELD_BYTES: usize = 256 << 10;
/// 64 levels.
pub const JSON_DEPTH: usize = 64;
/// 64 levels.
pub const XML_DEPTH: usize = 64;
/// 16 MiB.
pub const XML_PIECE_BYTES: usize = 16 << 20;
/// 262,144 rows.
pub const HELD_ROWS: usize = 256 << 10;
/// 64 MiB.
pub const HELD_BYTES: usize = 64 << 20;
/// 64 MiB.
pub const CALENDAR_BYTES: usize = 64 << 20;
/// 10,000 occurrences.
pub const OCCURRENCE_COUNT: u16 = 10_000;
/// 2,000 columns.
pub const COLUMN_COUNT: usize = 2_000;
/// 10,000 files.
pub const FILE_COUNT: usize = 10_000;
/// 64 GiB come out of one packed file.
pub const UNPACKED_BYTES: u64 = 64 << 30;
/// 250 times its size comes out of a packed file.
pub const UNPACKED_RATIO: u64 = 250;
/// 64 MiB may come out of a packed file however small it is.
pub const UNPACKED_FREE_BYTES: u64 = 64 << 20;
/// 256 MiB of a file that has to be read as a whole: a workbook.
pub const WHOLE_BYTES: usize = 256 << 20;
/// 1 GiB comes out of a workbook.
pub const WORKBOOK_BYTES: usize = 1 << 30;
/// 64 MiB of an .xls workbook.
pub const XLS_BYTES: usize = 64 << 20;
/// 5 million cells of an .xls or .ods workbook, from the first to the last that is filled.
pub const HELD_CELLS: usize = 5_000_000;
/// 64 MiB of a collection workbook.
pub const FORM_BYTES: usize = 64 << 20;
/// 1 GiB comes out of a collection workbook.
pub const FORM_UNPACKED_BYTES: usize = 1 << 30;
/// 4 million cells of one sheet of a collection workbook.
pub const FORM_CELLS: usize = 4_000_000;
/// 200 sheets of a collection workbook.
pub const FORM_SHEETS: usize = 200;
/// 1,000 million rows.
pub const ROW_COUNT: usize = 1_000_000_000;
/// 16,384 rows.
pub const CHUNK_ROWS: usize = 16 << 10;
/// 4 MiB.
pub const CHUNK_BYTES: usize = 4 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            record_bytes: RECORD_BYTES,
            field_bytes: FIELD_BYTES,
            json_depth: JSON_DEPTH,
            xml_depth: XML_DEPTH,
            xml_piece_bytes: XML_PIECE_BYTES,
            held_rows: HELD_ROWS,
            held_bytes: HELD_BYTES,
            calendar_bytes: CALENDAR_BYTES,
            occurrence_count: OCCURRENCE_COUNT,
            column_count: COLUMN_COUNT,
            row_count: ROW_COUNT,
            chunk_rows: CHUNK_ROWS,
            chunk_bytes: CHUNK_BYTES,
        }
    }
}

/// A limit as the reference shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// What is limited.
    pub what: &'static str,
    /// The most that is allowed.
    pub most: u64,
    /// The unit of `most`.
    pub unit: Unit,
    /// What becomes of what is over it.
    pub then: &'static str,
}

/// The unit of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Seconds.
    Seconds,
    /// Things of the kind that is limited.
    Count,
}

const REJECTED: &str = "the row is rejected";
const REFUSED: &str = "the reading is refused";
const GIVEN_UP: &str = "the fetching is given up";

/// Every limit with its default, in the order of a reading: what is fetched, unpacked, opened, read.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a list, a line for each limit")]
pub fn listed() -> Vec<Listed> {
    let files = Limits::default();
    let live = FetchLimits::default();
    let many = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let of = |what, most, unit, then| Listed {
        what,
        most,
        unit,
        then,
    };
    let bytes = |what, most, then| of(what, most, Unit::Bytes, then);
    let count = |what, most, then| of(what, most, Unit::Count, then);
    let seconds = |what, most, then| of(what, most, Unit::Seconds, then);
    vec![
        seconds("all of one fetching", live.fetch_seconds, GIVEN_UP),
        seconds(
            "one answer or statement, from asking to its last byte",
            live.answer_seconds,
            "it is asked again",
        ),
        seconds(
            "wait that a system may ask for",
            live.wait_seconds,
            GIVEN_UP,
        ),
        count(
            "attempts to get one answer",
            u64::from(live.attempt_count),
            GIVEN_UP,
        ),
        count("answers of a fetching", many(live.page_count), GIVEN_UP),
        bytes(
            "one answer, or one message of a command",
            many(live.answer_bytes),
            GIVEN_UP,
        ),
        bytes("all answers together", many(live.fetch_bytes), GIVEN_UP),
        count("rows of a fetching", many(live.row_count), GIVEN_UP),
        count(
            "files of a reading, members of archives included",
            many(FILE_COUNT),
            REFUSED,
        ),
        bytes("what comes out of a packed file", UNPACKED_BYTES, REFUSED),
        count(
            "times its size that come out of a packed file, past the first 64 MiB",
            UNPACKED_RATIO,
            REFUSED,
        ),
        bytes("a workbook", many(WHOLE_BYTES), REFUSED),
        bytes(
            "what comes out of a workbook",
            many(WORKBOOK_BYTES),
            REFUSED,
        ),
        bytes(
            "an `.xls` workbook, which is held in memory",
            many(XLS_BYTES),
            REFUSED,
        ),
        count(
            "cells of an `.ods` workbook, from the first to the last that is filled",
            many(HELD_CELLS),
            REFUSED,
        ),
        bytes("a collection workbook", many(FORM_BYTES), REFUSED),
        bytes(
            "what comes out of a collection workbook",
            many(FORM_UNPACKED_BYTES),
            REFUSED,
        ),
        count(
            "sheets of a collection workbook",
            many(FORM_SHEETS),
            REFUSED,
        ),
        count(
            "cells of a sheet of a collection workbook",
            many(FORM_CELLS),
            REFUSED,
        ),
        bytes("a calendar", many(files.calendar_bytes), REFUSED),
        count(
            "occurrences of one event that recurs",
            u64::from(files.occurrence_count),
            "the event is rejected",
        ),
        bytes("a record", many(files.record_bytes), REJECTED),
        bytes("a field", many(files.field_bytes), REJECTED),
        count(
            "levels within a record of JSON",
            many(files.json_depth),
            REJECTED,
        ),
        count(
            "levels below the path of records of XML",
            many(files.xml_depth),
            REJECTED,
        ),
        bytes(
            "one text, tag or comment of XML",
            many(files.xml_piece_bytes),
            REFUSED,
        ),
        count(
            "rows held back for a field that stands behind them",
            many(files.held_rows),
            REFUSED,
        ),
        bytes(
            "text held back for a field that stands behind it",
            many(files.held_bytes),
            REFUSED,
        ),
        count("columns", many(files.column_count), REFUSED),
        count("rows", many(files.row_count), REFUSED),
    ]
}
