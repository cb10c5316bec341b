//! Reads incident reports in VERIS JSON, one per file or in an array.
//!
//! *Source*: VERIS 1.3 and 1.4 (<https://github.com/vz-risk/veris>, `verisc.json`; the community
//! database VCDB). Beside the columns of kind json it has `victim_name`, `victim_country`,
//! `victim_industry`, `actor_kinds`, `action_kinds`, `action_varieties` (several are joined with
//! `;`) and the instants `intruded_at`, `detected_at`, `contained_at`, computed from the timeline.
//! What the timeline does not state is left unknown with the reason; `Unknown` and `NA` are never
//! zero. A report whose `security_incident` is `False positive` or `Near miss` is no incident and
//! rejected. The limits are those of kind json.

mod timeline;

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use keiki_model::evidence::Reason;
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use super::json::flatten;
use super::json::records::{self, Found};
use timeline::{Stated, Timeline};

/// The columns that are computed, present whatever the reports hold.
const COMPUTED: [&str; 9] = [
    "victim_name",
    "victim_country",
    "victim_industry",
    "actor_kinds",
    "action_kinds",
    "action_varieties",
    "intruded_at",
    "detected_at",
    "contained_at",
];

/// Joins several values of one column.
const SEPARATOR: &str = ";";

#[derive(Deserialize)]
struct Report<'t> {
    #[serde(borrow, default)]
    security_incident: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    victim: Option<OneOrMany<Victim<'t>>>,
    #[serde(borrow, default)]
    actor: BTreeMap<String, &'t RawValue>,
    #[serde(borrow, default)]
    action: BTreeMap<String, &'t RawValue>,
    #[serde(borrow, default)]
    timeline: Timeline<'t>,
}

#[derive(Deserialize, Default)]
struct Victim<'t> {
    #[serde(borrow, default, rename = "victim_id")]
    id: Option<Cow<'t, str>>,
    #[serde(default)]
    country: Option<OneOrMany<String>>,
    #[serde(borrow, default)]
    industry: Option<Cow<'t, str>>,
}

#[derive(Deserialize, Default)]
struct Action {
    #[serde(default)]
    variety: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> OneOrMany<T> {
    fn as_slice(&self) -> &[T] {
        match self {
            Self::Many(values) => values,
            Self::One(value) => std::slice::from_ref(value),
        }
    }
}

/// Reads the files as one reading.
///
/// # Errors
/// As the kind json.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    let zone = source.format.zone.as_ref().unwrap_or(&context.zone);
    let columns = COMPUTED
        .iter()
        .map(|name| rows.column(name))
        .collect::<Result<Vec<_>, _>>()?;
    let path = source.format.records.as_deref();
    for file in input {
        rows.begin_file(&file.name);
        records::each(file, path, limits, &mut |found| {
            let Found::Record(row, record) = found else {
                return Ok(());
            };
            let report = match record.and_then(report) {
                Ok(report) => report,
                Err(reason) => {
                    rows.reject(row, reason)?;
                    return Ok(());
                }
            };
            if let Some(detail) = flatten::stage(report.text, limits, rows)? {
                rows.reject(row, Reason::Unreadable { detail })?;
                return Ok(());
            }
            let computed = Computed::of(&report.report, zone);
            for (column, value) in columns.iter().zip(computed.values()) {
                // A report with a key of that name at its root keeps its own.
                let _staged = rows.stage(*column, &value);
            }
            for (column, instant) in [
                ("intruded_at", computed.intruded),
                ("detected_at", computed.detected),
                ("contained_at", computed.contained),
            ] {
                if let Stated::Unknown(why) = instant {
                    rows.leave_unknown(column, why);
                }
            }
            rows.accept(row)
        })?;
    }
    Ok(AbsentColumn::Null)
}

struct Parsed<'t> {
    text: &'t [u8],
    report: Report<'t>,
}

fn report(text: &[u8]) -> Result<Parsed<'_>, Reason> {
    let report: Report<'_> = serde_json::from_slice(text).map_err(|e| {
        let said = flatten::message(&e);
        Reason::Unreadable {
            detail: Text::new(
                format!("VERISの報告として読めません: {said}"),
                format!("not a VERIS report: {said}"),
            ),
        }
    })?;
    match report.security_incident.as_deref() {
        Some(found @ ("False positive" | "Near miss")) => Err(Reason::OutsideScope {
            found: format!("security_incident: {found}"),
        }),
        _ => Ok(Parsed { text, report }),
    }
}

/// What is computed of one report, in the order of `COMPUTED`.
struct Computed {
    texts: [String; 6],
    intruded: Stated,
    detected: Stated,
    contained: Stated,
}

impl Computed {
    fn of(report: &Report<'_>, zone: &TimeZone) -> Self {
        let victims = report.victim.as_ref().map_or(&[][..], OneOrMany::as_slice);
        let names = victims.iter().filter_map(|victim| victim.id.as_deref());
        let industries = victims
            .iter()
            .filter_map(|victim| victim.industry.as_deref());
        let countries = victims.iter().filter_map(|victim| victim.country.as_ref());
        let countries = countries.flat_map(|country| country.as_slice().iter().map(String::as_str));
        let varieties: Vec<Action> = report
            .action
            .values()
            .filter_map(|action| serde_json::from_str(action.get()).ok())
            .collect();
        let varieties = varieties
            .iter()
            .flat_map(|action| action.variety.iter().map(String::as_str));
        let times = report.timeline.instants(zone);
        Self {
            texts: [
                join(names),
                join(countries),
                join(industries),
                join(report.actor.keys().map(String::as_str)),
                join(report.action.keys().map(String::as_str)),
                join(varieties),
            ],
            intruded: times.intruded,
            detected: times.detected,
            contained: times.contained,
        }
    }

    fn values(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let texts = self.texts.iter().map(|text| Cow::Borrowed(text.as_str()));
        let instants = [&self.intruded, &self.detected, &self.contained]
            .into_iter()
            .map(|instant| match instant {
                Stated::At(at) => Cow::Owned(at.timestamp().to_string()),
                Stated::Unknown(_) => Cow::Borrowed(""),
            });
        texts.chain(instants)
    }
}

/// Joins values, leaving out `Unknown` and what was said already.
fn join<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let mut joined: Vec<&str> = Vec::new();
    for value in values.filter(|value| !value.eq_ignore_ascii_case("unknown")) {
        if !joined.contains(&value) {
            joined.push(value);
        }
    }
    joined.join(SEPARATOR)
}
