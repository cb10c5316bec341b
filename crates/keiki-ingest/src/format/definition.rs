//! Reads the table `[format]` of a source or kind.

use std::collections::BTreeMap;

use jiff::civil::datetime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use super::{
    COMMON_KEYS, Epoch, Format, Negative, Percent, Quote, Repeated, TimeForm, Unit, Width,
};
use crate::encoding::ENCODINGS;
use crate::readers::Reader;

/// Most rows of a header.
const HEADER_ROWS_MAX: usize = 10;

const REPEATED: [(&str, Repeated); 2] = [("reject", Repeated::Reject), ("first", Repeated::First)];

const SEPARATORS: [(&str, u8); 4] = [(",", b','), (";", b';'), ("\t", b'\t'), ("|", b'|')];
const QUOTES: [(&str, Quote); 3] = [
    ("\"", Quote::Sign(b'"')),
    ("'", Quote::Sign(b'\'')),
    ("none", Quote::Absent),
];
const THOUSANDS: [(&str, char); 4] = [(",", ','), (".", '.'), (" ", ' '), ("'", '\'')];
const DECIMALS: [(&str, char); 2] = [(".", '.'), (",", ',')];
const PERCENTS: [(&str, Percent); 2] = [("ratio", Percent::Ratio), ("points", Percent::Points)];
const WIDTHS: [(&str, Width); 2] = [("as_is", Width::AsIs), ("half", Width::Half)];
const NEGATIVES: [(&str, Negative); 4] = [
    ("()", Negative::Brackets),
    ("△", Negative::White),
    ("▲", Negative::Black),
    ("behind", Negative::Behind),
];

/// Reads a table `[format]` over `base`: what it does not state stays as it is there. Without a
/// reader, which is a problem of its own, it may have the keys of any.
pub(crate) fn read(table: &Node<'_>, base: Format, reader: Option<Reader>) -> Format {
    let mut format = base;
    if table.has("separator") {
        format.separator = table.choice("separator", &SEPARATORS);
    }
    if table.has("quote") {
        format.quote = table.choice("quote", &QUOTES);
    }
    if table.has("preamble_lines") {
        format.preamble_lines = Some(count(
            table,
            "preamble_lines",
            Text::new(
                "見出しより前の行数を書いてください",
                "count the lines before the header",
            ),
        ));
    }
    if table.has("header_rows") {
        let rows = count(
            table,
            "header_rows",
            Text::new(
                "見出しの行数を書いてください",
                "count the rows of which the header consists",
            ),
        );
        format.header_rows = rows.clamp(1, HEADER_ROWS_MAX);
    }
    if table.has("encoding") {
        format.encoding = table.choice("encoding", &ENCODINGS);
    }
    if table.has("sheet") {
        format.sheet = table.string("sheet");
    }
    if table.has("range") {
        format.range = table.located("range");
    }
    if table.has("as_of") {
        format.as_of = table.string("as_of");
        let forms: Vec<String> = format.as_of.iter().cloned().collect();
        check_forms(table, "as_of", &forms, |time| {
            time.year().is_some() && time.month().is_some()
        });
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
    values(table, &mut format);
    for (column, table) in table.tables("columns") {
        let mut own = Format {
            columns: BTreeMap::new(),
            ..format.clone()
        };
        values(&table, &mut own);
        table.finish();
        format.columns.insert(column, own);
    }
    if let Some(reader) = reader {
        check_keys(table, reader);
    }
    table.finish();
    format
}

/// Reads the keys that may be said of single columns too.
fn values(table: &Node<'_>, format: &mut Format) {
    if table.has("null") {
        let texts = table.strings("null").into_iter();
        format.nulls = texts.map(|text| text.trim().to_owned()).collect();
    }
    if table.has("date") {
        format.dates = forms(table, "date", |time| time.to_date().is_ok());
    }
    if table.has("instant") {
        // Without an hour a form would make midnight of what is not stated.
        format.instants = forms(table, "instant", |time| {
            time.to_timestamp().is_ok() || time.hour().is_some() && time.to_datetime().is_ok()
        });
    }
    if table.has("zone") {
        format.zone = zone(table);
    }
    if table.has("width") {
        format.width = table.choice("width", &WIDTHS).unwrap_or_default();
    }
    let numbers = &mut format.numbers;
    if table.has("thousands") {
        numbers.thousands = table.choice("thousands", &THOUSANDS);
    }
    if table.has("decimal") {
        numbers.decimal = table
            .choice("decimal", &DECIMALS)
            .filter(|mark| *mark != '.');
    }
    if table.has("percent") {
        numbers.percent = table.choice("percent", &PERCENTS);
    }
    if table.has("currency") {
        numbers.currency = table.strings("currency");
    }
    if table.has("negative") {
        numbers.negatives = negatives(table);
    }
    if table.has("unit") {
        numbers.unit = unit(table);
    }
    if numbers.thousands.is_some() && numbers.thousands == Some(numbers.decimal.unwrap_or('.')) {
        let message = Text::new(
            "`thousands` と `decimal` が同じ記号です",
            "`thousands` and `decimal` are the same sign",
        );
        let problem = Problem::new(table.place_of("thousands"), message);
        table.report(problem.hint(Text::new(
            "`1.234,50` であれば thousands = \".\"、decimal = \",\" です",
            "in `1.234,50` thousands = \".\" and decimal = \",\"",
        )));
    }
}

fn negatives(table: &Node<'_>) -> Vec<Negative> {
    let mut found = Vec::new();
    for text in table.strings("negative") {
        if let Some((_, negative)) = NEGATIVES.iter().find(|(name, _)| *name == text) {
            found.push(*negative);
        } else {
            let names: Vec<&str> = NEGATIVES.iter().map(|(name, _)| *name).collect();
            let message = Text::new(
                format!("`negative` に `{text}` は使えません"),
                format!("`negative` cannot be `{text}`"),
            );
            let problem = Problem::new(table.place_of("negative"), message);
            table.report(problem.hint(Text::new(
                format!("使えるもの: {}", names.join(", ")),
                format!("any of: {}", names.join(", ")),
            )));
        }
    }
    found
}

/// Words that multiply a unit, the longer first.
const MAGNITUDES: [(&str, i32); 16] = [
    ("billion", 9),
    ("million", 6),
    ("thousand", 3),
    ("千億", 11),
    ("百億", 10),
    ("十億", 9),
    ("千万", 7),
    ("百万", 6),
    ("十万", 5),
    ("兆", 12),
    ("億", 8),
    ("万", 4),
    ("千", 3),
    ("百", 2),
    ("十", 1),
    ("", 0),
];

/// Reads `unit = "千円"`, a magnitude and a name, either of which may be absent.
fn unit(table: &Node<'_>) -> Option<Unit> {
    let text = table.string("unit")?.trim().to_owned();
    if text.is_empty() || text.contains(|c: char| c.is_ascii_digit()) {
        let problem = Problem::new(
            table.place_of("unit"),
            Text::new(
                format!("単位ではありません: `{text}`"),
                format!("not a unit: `{text}`"),
            ),
        );
        table.report(problem.hint(Text::new(
            "千円、百万円、件 のように書いてください",
            "write it as 千円, 百万円, 件 or thousand",
        )));
        return None;
    }
    let magnitude = MAGNITUDES.iter().find(|(word, _)| text.starts_with(word));
    Some(Unit {
        exponent: magnitude.map_or(0, |(_, exponent)| *exponent),
        text,
    })
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

fn count(table: &Node<'_>, key: &str, hint: Text) -> usize {
    let number = table.integer(key).unwrap_or(0);
    usize::try_from(number).unwrap_or_else(|_| {
        let message = Text::new(
            format!("`{key}` に {number} は使えません"),
            format!("`{key}` cannot be {number}"),
        );
        table.report(Problem::new(table.place_of(key), message).hint(hint));
        0
    })
}

/// Reads forms of dates or instants: words of their own, and patterns.
fn forms(table: &Node<'_>, key: &str, suffices: fn(&BrokenDownTime) -> bool) -> Vec<TimeForm> {
    let texts = table.strings(key);
    let mut stated = Vec::new();
    let forms = texts
        .into_iter()
        .map(|text| match text.as_str() {
            "iso" | "%Y-%m-%d" => TimeForm::Iso,
            "japanese" => TimeForm::Japanese,
            "excel" => TimeForm::Excel(Epoch::Of1900),
            "excel_1904" => TimeForm::Excel(Epoch::Of1904),
            "epoch_seconds" => TimeForm::Seconds,
            "epoch_milliseconds" => TimeForm::Milliseconds,
            _ => {
                stated.push(text.clone());
                TimeForm::Stated(text)
            }
        })
        .collect();
    check_forms(table, key, &stated, suffices);
    forms
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
                "%Y %m %d %H %M %S などを、日付または時刻が定まるように使うか、iso、japanese、excel などと書いてください",
                "use %Y %m %d %H %M %S and the like, enough of them to say a full date or time; or a word: iso, japanese, excel",
            )));
        }
    }
}
