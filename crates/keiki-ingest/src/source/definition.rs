//! Reads a source's definition from its document.

use jiff::civil::datetime;
use jiff::fmt::strtime::{self, BrokenDownTime};
use jiff::tz::TimeZone;
use keiki_model::calendar::{BEGINNING, parse_day};
use keiki_model::dataset::content_version;
use keiki_model::document::Node;
use keiki_model::evidence::{Extent, Missing, Scope};
use keiki_model::problem::Problem;

use crate::kind::SourceKind;

use super::{Format, History, PRECEDENCE_DEFAULT, Source};

const SEPARATORS: [(&str, u8); 3] = [(",", b','), (";", b';'), ("\t", b'\t')];
const EXTENTS: [(&str, Extent); 2] = [("full", Extent::Full), ("part", Extent::Part)];
const MISSING: [(&str, Missing); 3] = [
    ("keep", Missing::Keep),
    ("retire", Missing::Retire),
    ("withdraw", Missing::Withdraw),
];

/// Reads the document's root.
pub(super) fn source(node: &Node<'_>, file: &str, text: &str) -> Option<Source> {
    let name = name(node, file);
    let kind = node.required_choice("kind", &SourceKind::ALL);
    let dataset = dataset(node, kind);
    let place = node.located("place");
    if place.is_none() && !node.has("place") {
        let problem = Problem::new(node.place(), "missing key `place`");
        node.report(problem.hint("add place = \"evidence/…\", a file, folder or pattern"));
    }
    let extent = node.choice("extent", &EXTENTS).unwrap_or(Extent::Part);
    let missing = node.choice("missing", &MISSING).unwrap_or(Missing::Keep);
    if missing != Missing::Keep && extent == Extent::Part {
        node.report(
            Problem::new(
                node.place_of("missing"),
                "a part says nothing about the records that it leaves out",
            )
            .hint("add extent = \"full\", or leave out `missing`"),
        );
    }
    let covers = node.strings("covers");
    let precedence = node.integer("precedence").unwrap_or(PRECEDENCE_DEFAULT);
    let (scope, scope_place) = match node.table("scope") {
        Some(table) => (scope(&table), table.place_of("where")),
        None => (Scope::default(), node.place()),
    };
    let window_from = node
        .table("window")
        .map_or(BEGINNING, |table| window(&table));
    let format = node
        .table("format")
        .map(|table| format(&table))
        .unwrap_or_default();
    let columns = node
        .table("columns")
        .map(|table| table.all_strings())
        .unwrap_or_default();
    let history = node.table("history").and_then(|table| history(&table));
    Some(Source {
        name: name?,
        kind: kind?,
        dataset: dataset?,
        place: Some(place?),
        extent,
        missing,
        covers,
        precedence,
        scope,
        scope_place,
        window_from,
        format,
        columns,
        history,
        version: content_version(text),
        file: file.to_owned(),
    })
}

fn name(node: &Node<'_>, file: &str) -> Option<String> {
    let name = node.required_string("name")?;
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    if base.strip_suffix(".toml").unwrap_or(base) != name || name.is_empty() {
        node.report(
            Problem::new(
                node.place_of("name"),
                format!("the name does not fit the file: `{name}`"),
            )
            .hint("use the file's name without `.toml`"),
        );
    }
    Some(name)
}

fn dataset(node: &Node<'_>, kind: Option<SourceKind>) -> Option<String> {
    let stated = node.string("dataset");
    if stated.is_some() || node.has("dataset") {
        return stated;
    }
    let brought = kind?.dataset();
    if brought.is_none() {
        let problem = Problem::new(node.place(), "missing key `dataset`");
        node.report(problem.hint("add dataset = \"…\", the dataset into which the source maps"));
    }
    brought.map(str::to_owned)
}

fn scope(table: &Node<'_>) -> Scope {
    let scope = Scope {
        org_units: table.strings("org_units"),
        predicate: table.string("where"),
    };
    table.finish();
    scope
}

fn window(table: &Node<'_>) -> i32 {
    let from = table.required_string("from");
    table.finish();
    let Some(text) = from else { return BEGINNING };
    parse_day(&text).unwrap_or_else(|| {
        let problem = Problem::new(table.place_of("from"), format!("not a date: `{text}`"));
        table.report(problem.hint("write it as 2026-04-01"));
        BEGINNING
    })
}

fn format(table: &Node<'_>) -> Format {
    let lines = table.integer("preamble_lines").unwrap_or(0);
    let preamble_lines = usize::try_from(lines).unwrap_or_else(|_| {
        let problem = Problem::new(
            table.place_of("preamble_lines"),
            format!("not a number of lines: {lines}"),
        );
        table.report(problem.hint("count the lines before the header"));
        0
    });
    let zone = table.string("zone").and_then(|name| {
        let zone = TimeZone::get(&name).ok();
        if zone.is_none() {
            let problem = Problem::new(
                table.place_of("zone"),
                format!("unknown time zone: `{name}`"),
            );
            table
                .report(problem.hint("use a name of the IANA database, such as Asia/Tokyo or UTC"));
        }
        zone
    });
    let format = Format {
        separator: table.choice("separator", &SEPARATORS),
        preamble_lines,
        nulls: table
            .strings("null")
            .into_iter()
            .map(|text| text.trim().to_owned())
            .collect(),
        dates: table.strings("date"),
        instants: table.strings("instant"),
        zone,
        records: table.string("records"),
    };
    table.finish();
    check_forms(table, "date", &format.dates, |time| time.to_date().is_ok());
    // Without an hour a form would make midnight of what is not stated.
    check_forms(table, "instant", &format.instants, |time| {
        time.to_timestamp().is_ok() || time.hour().is_some() && time.to_datetime().is_ok()
    });
    format
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
                format!("`{key}` has a form that cannot be read: `{form}`"),
            );
            table.report(problem.hint(
                "use %Y %m %d %H %M %S and the like, enough of them to say a full date or time",
            ));
        }
    }
}

fn history(table: &Node<'_>) -> Option<History> {
    let known_at = table.located("known_at");
    if known_at.is_none() && !table.has("known_at") {
        let problem = Problem::new(table.place(), "missing key `known_at`");
        table.report(problem.hint("add known_at = \"…\", SQL over the source's columns"));
    }
    let order = table.located("order");
    table.finish();
    Some(History {
        known_at: known_at?,
        order,
    })
}
