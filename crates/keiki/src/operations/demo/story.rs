//! When which export arrives.
//!
//! What happens: Fictional Logistics sends nothing for August and is late for September; Fictional Asia joins in July; Fictional
//! America reports that it had no incident; a containment time of August turns out to have been wrong; the network
//! scanner finds devices that nobody owns; some rows break rules.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, Month, Period, date_of};

use super::{assets, governance, people, response};

/// The first month of the story.
const FIRST: Month = Month(2026 * 12 + 3);

/// The last month of the story.
const LAST_MONTH: Month = Month(2026 * 12 + 8);

/// The last month of the story, as a period.
pub(super) const LAST: Period = Period::Month(LAST_MONTH);

/// Days after a month's end on which exports arrive.
const USUAL_DAYS: i32 = 5;

/// Days after a month's end on which the late ones arrive.
const LATE_DAYS: i32 = 9;

/// An export that arrives.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// The source.
    pub(super) source: &'static str,
    /// Its file in the workspace.
    pub(super) file: &'static str,
    /// What the file holds.
    pub(super) text: String,
    /// The month that it speaks for.
    pub(super) month: Month,
    /// The day that it speaks for.
    pub(super) as_of: Day,
    /// When it arrives, UTC microseconds.
    pub(super) arrives_at: i64,
}

/// What an export tells: the source, its file, and what is in it by the day.
type Export = (&'static str, &'static str, fn(Day) -> String);

const MONTHLY: [Export; 6] = [
    ("assets_cmdb", "evidence/assets_cmdb.csv", assets::register),
    (
        "network_discovery",
        "evidence/network_discovery.ndjson",
        assets::discovered,
    ),
    ("findings", "evidence/findings.csv", governance::findings),
    ("headcounts", "evidence/headcounts.csv", people::headcounts),
    ("incidents", "evidence/incidents.json", response::incidents),
    (
        "vulnerabilities",
        "evidence/vulnerabilities.ndjson",
        response::vulnerabilities,
    ),
];

const QUARTERLY: [Export; 4] = [
    (
        "obligations",
        "evidence/obligations.csv",
        governance::obligations,
    ),
    (
        "certifications",
        "evidence/certifications.csv",
        people::certifications,
    ),
    (
        "assessments",
        "evidence/assessments.csv",
        governance::assessments,
    ),
    ("exercises", "evidence/exercises.csv", governance::exercises),
];

/// What comes once, in the first month: the plan rates before the budgets that they convert.
const ONCE: [Export; 3] = [
    ("kev", "evidence/kev.csv", response::exploited),
    (
        "plan_rates",
        "evidence/plan_rates.csv",
        governance::plan_rates,
    ),
    ("budgets", "evidence/budgets.json", governance::budgets),
];

const AFTER: [Export; 2] = [
    (
        "incidents_us1",
        "evidence/incidents_us1.csv",
        response::incidents_overseas,
    ),
    (
        "system_evaluations",
        "evidence/system_evaluations.json",
        response::evaluations,
    ),
];

const LATE: Export = (
    "assets_jp3",
    "evidence/assets_jp3.csv",
    assets::declarations,
);
const DRILLS: Export = ("phishing", "evidence/phishing.csv", people::drills);

/// All exports in the order of their arrival.
pub(super) fn deliveries(zone: &TimeZone) -> Vec<Delivery> {
    let mut all = Vec::new();
    let mut month = FIRST;
    while month <= LAST_MONTH {
        let usual = instant(month.last_day() + USUAL_DAYS, 9, zone);
        if month == FIRST {
            all.extend(ONCE.iter().map(|export| delivery(export, month, usual)));
        }
        if month == FIRST || month.number() % 3 == 0 {
            all.extend(
                QUARTERLY
                    .iter()
                    .map(|export| delivery(export, month, usual)),
            );
        }
        all.extend(
            MONTHLY
                .iter()
                .chain(&AFTER)
                .map(|export| delivery(export, month, usual)),
        );
        if has_drill(month) {
            all.push(delivery(&DRILLS, month, usual));
        }
        if !is_silent(month) {
            let late = if month == LAST_MONTH {
                LATE_DAYS
            } else {
                USUAL_DAYS
            };
            all.push(delivery(
                &LATE,
                month,
                instant(month.last_day() + late, 10, zone),
            ));
        }
        month = month.plus(1);
    }
    all.sort_by_key(|delivery| delivery.arrives_at);
    all
}

/// The instant at which the story ends, UTC microseconds: the evening of the last arrival.
pub(super) fn end(zone: &TimeZone) -> i64 {
    instant(LAST_MONTH.last_day() + LATE_DAYS, 18, zone)
}

/// The months whose results of a drill are sent.
fn has_drill(month: Month) -> bool {
    matches!(month.number(), 6 | 9)
}

/// The months for which Fictional Logistics sends nothing: July and August.
fn is_silent(month: Month) -> bool {
    matches!(month.number(), 7 | 8)
}

fn delivery((source, file, text): &Export, month: Month, arrives_at: i64) -> Delivery {
    let as_of = month.last_day();
    Delivery {
        source,
        file,
        text: text(as_of),
        month,
        as_of,
        arrives_at,
    }
}

fn instant(day: Day, hour: i8, zone: &TimeZone) -> i64 {
    let local = date_of(day).at(hour, 0, 0, 0).to_zoned(zone.clone());
    local.map_or(0, |local| local.timestamp().as_microsecond())
}
