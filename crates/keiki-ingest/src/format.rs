//! How the values of a source are written, as its `[format]` says.

use jiff::civil::datetime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use crate::readers::Reader;

/// How the values of a source are written.
#[derive(Debug, Clone, Default)]
pub struct Format {
    /// CSV: what separates fields; `None` = as the header shows.
    pub separator: Option<u8>,
    /// CSV: lines before the header.
    pub preamble_lines: usize,
    /// Texts that mean null; the empty text always does.
    pub nulls: Vec<String>,
    /// Forms of dates, tried in order; empty = the defaults.
    pub dates: Vec<String>,
    /// Forms of instants, tried in order; empty = the defaults.
    pub instants: Vec<String>,
    /// The zone of instants without one; `None` = the workspace's.
    pub zone: Option<TimeZone>,
    /// JSON: dotted path of the array of records; XML: path of the elements that are records.
    pub records: Option<String>,
    /// XML: elements that an attribute names, as `tag@name`.
    pub keys: Vec<String>,
    /// What it means that a reading has several rows of one record.
    pub repeated: Repeated,
}

/// Says what it means that a reading has several rows of one record and day that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Repeated {
    /// They contradict each other: the first is accepted, the others are rejected.
    #[default]
    Reject,
    /// The format says one thing in several places: the first is accepted and stands for all.
    First,
}

/// The keys that every reader takes.
pub const COMMON_KEYS: [&str; 5] = ["null", "date", "instant", "zone", "repeated"];

const REPEATED: [(&str, Repeated); 2] = [("reject", Repeated::Reject), ("first", Repeated::First)];

const SEPARATORS: [(&str, u8); 3] = [(",", b','), (";", b';'), ("\t", b'\t')];

/// Reads a table `[format]` over `base`: what it does not state stays as it is there. Without a
/// reader, which is a problem of its own, it may have the keys of any.
pub(crate) fn read(table: &Node<'_>, base: Format, reader: Option<Reader>) -> Format {
    let mut format = base;
    if table.has("separator") {
        format.separator = table.choice("separator", &SEPARATORS);
    }
    if table.has("preamble_lines") {
        format.preamble_lines = preamble_lines(table);
    }
    if table.has("null") {
        let texts = table.strings("null").into_iter();
        format.nulls = texts.map(|text| text.trim().to_owned()).collect();
    }
    if table.has("date") {
        format.dates = table.strings("date");
        check_forms(table, "date", &format.dates, |time| time.to_date().is_ok());
    }
    if table.has("instant") {
        format.instants = table.strings("instant");
        // Without an hour a form would make midnight of what is not stated.
        check_forms(table, "instant", &format.instants, |time| {
            time.to_timestamp().is_ok() || time.hour().is_some() && time.to_datetime().is_ok()
        });
    }
    if table.has("zone") {
        format.zone = zone(table);
    }
    if table.has("records") {
        format.records = table.string("records");
    }
    if table.has("keys") {
        format.keys = table.strings("keys");
    }
    if table.has("repeated") {
        format.repeated = table.choice("repeated", &REPEATED).unwrap_or_default();
    }
    if let Some(reader) = reader {
        check_keys(table, reader);
    }
    table.finish();
    format
}

/// Reports keys that are of another reader: they would change nothing, which nobody expects.
fn check_keys(table: &Node<'_>, reader: Reader) {
    let taken = reader.format_keys();
    let mut others: Vec<&str> = Reader::ALL
        .iter()
        .flat_map(|(_, other)| other.format_keys())
        .filter(|key| !taken.contains(key) && table.has(key))
        .collect();
    others.sort_unstable();
    others.dedup();
    for key in others {
        let message = Text::new(
            format!("この種類の取得元では `{key}` を使いません"),
            format!("sources of this kind take no `{key}`"),
        );
        let keys: Vec<&str> = COMMON_KEYS.iter().chain(&taken).copied().collect();
        let problem = Problem::new(table.place_of(key), message);
        table.report(problem.hint(Text::new(
            format!("外してください。使える項目: {}", keys.join(", ")),
            format!("leave it out; they take {}", keys.join(", ")),
        )));
    }
}

fn preamble_lines(table: &Node<'_>) -> usize {
    let lines = table.integer("preamble_lines").unwrap_or(0);
    usize::try_from(lines).unwrap_or_else(|_| {
        let problem = Problem::new(
            table.place_of("preamble_lines"),
            Text::new(
                format!("行数ではありません: {lines}"),
                format!("not a number of lines: {lines}"),
            ),
        );
        table.report(problem.hint(Text::new(
            "見出しより前の行数を書いてください",
            "count the lines before the header",
        )));
        0
    })
}

fn zone(table: &Node<'_>) -> Option<TimeZone> {
    let name = table.string("zone")?;
    let zone = TimeZone::get(&name).ok();
    if zone.is_none() {
        let problem = Problem::new(
            table.place_of("zone"),
            Text::new(
                format!("時間帯がありません: `{name}`"),
                format!("unknown time zone: `{name}`"),
            ),
        );
        table.report(problem.hint(Text::new(
            "IANAの名前を使ってください(例: Asia/Tokyo、UTC)",
            "use a name of the IANA database, such as Asia/Tokyo or UTC",
        )));
    }
    zone
}

/// Tries each form on an example: it must print, and what it prints must say a day or instant
/// again.
fn check_forms(
    table: &Node<'_>,
    key: &str,
    forms: &[String],
    suffices: fn(&BrokenDownTime) -> bool,
) {
    let Ok(example) = datetime(2026, 11, 28, 13, 14, 15, 0).to_zoned(TimeZone::UTC) else {
        return;
    };
    for form in forms {
        let printed = strtime::format(form, &example).ok();
        let read = printed.and_then(|text| strtime::parse(form, text).ok());
        if !read.is_some_and(|time| suffices(&time)) {
            let problem = Problem::new(
                table.place_of(key),
                Text::new(
                    format!("`{key}` の書式を読み取れません: `{form}`"),
                    format!("`{key}` has a form that cannot be read: `{form}`"),
                ),
            );
            table.report(problem.hint(Text::new(
                "%Y %m %d %H %M %S などを、日付または時刻が定まるように使ってください",
                "use %Y %m %d %H %M %S and the like, enough of them to say a full date or time",
            )));
        }
    }
}
