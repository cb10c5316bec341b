//! What befalls the group: incidents, vulnerabilities, and evaluations of its systems.

use keiki_model::calendar::{Day, Month};
use serde_json::{Value, json};

use super::dice::Dice;
use super::sheet::{Sheet, day, iso};

/// Incidents of the desk for Japan and Asia, over the six months.
const INCIDENT_COUNT: i32 = 30;

/// The incident whose containment turns out to have been later than was said; told in September.
const CORRECTED: &str = "INC-021";

/// The incident whose times run backwards, because a clock was wrong.
const BACKWARDS: &str = "INC-009";

/// Minutes of a day.
const DAY_MINUTES: i32 = 24 * 60;

/// A local instant of the story in RFC 3339.
fn local(start: Day, minutes: i32) -> String {
    let (days, rest) = (
        minutes.div_euclid(DAY_MINUTES),
        minutes.rem_euclid(DAY_MINUTES),
    );
    format!(
        "{}T{:02}:{:02}:00+09:00",
        iso(start + days),
        rest / 60,
        rest % 60
    )
}

/// What had happened by the end of a day, as far as it was known.
fn by(start: Day, minutes: Option<i32>, today: Day) -> Value {
    let minutes = minutes.filter(|minutes| start + minutes.div_euclid(DAY_MINUTES) <= today);
    minutes.map_or(Value::Null, |minutes| json!(local(start, minutes)))
}

/// The incident desk's export on a day.
pub(super) fn incidents(today: Day) -> String {
    let mut all = Vec::new();
    for index in 0..INCIDENT_COUNT {
        let id = format!("INC-{:03}", index + 1);
        let mut dice = Dice::of(&id);
        // One every six days, so that each month has some.
        let start = day(2026, 4, 2) + index * 6 + dice.below(4);
        let unit = dice
            .pick(&["JP1-IT", "JP1-FAC", "JP2", "JP3", "HD-IT", "SG1"])
            .unwrap_or("JP1-IT");
        let unit = if unit == "SG1" && start < day(2026, 7, 1) {
            "JP2"
        } else {
            unit
        };
        let (severity, hours) = dice
            .pick(&[("高", 60), ("中", 30), ("低", 16), ("中", 44)])
            .unwrap_or(("低", 16));
        let (kind, title) = dice
            .pick(&[
                ("malware", "マルウェア検知"),
                ("phishing", "フィッシング"),
                ("loss", "端末紛失"),
                ("misdelivery", "誤送信"),
            ])
            .unwrap_or(("other", "その他"));
        let detected = dice.below(DAY_MINUTES);
        let is_open = matches!(index, 14 | 27);
        let mut contained = detected + 90 + dice.below(hours * 60);
        if id == CORRECTED && today < day(2026, 9, 30) {
            contained = detected + 120;
        } else if id == CORRECTED {
            contained = detected + 7 * DAY_MINUTES;
        }
        if id == BACKWARDS {
            contained = detected - 45;
        }
        if start > today {
            continue;
        }
        let contained = (!is_open).then_some(contained);
        let completed = contained.map(|contained| {
            contained.max(detected) + 2 * DAY_MINUTES + dice.below(3 * DAY_MINUTES)
        });
        let completed_at = by(start, completed, today);
        let effort = if completed_at.is_null() {
            Value::Null
        } else {
            json!(8 + dice.below(60))
        };
        all.push(json!({
            "id": id,
            "unit": unit,
            "title": title,
            "type": kind,
            "severity": severity,
            "timeline": {
                "detected": local(start, detected),
                "contained": by(start, contained, today),
                "completed": completed_at,
            },
            "effort_hours": effort,
        }));
    }
    format!("{:#}\n", Value::Array(all))
}

/// Fictional America's report: nothing but the header until its one incident in August.
pub(super) fn incidents_overseas(today: Day) -> String {
    let mut sheet = Sheet::new("Ticket,Title,Severity,Detected,Contained,Closed,Hours");
    if today >= day(2026, 8, 31) {
        sheet.row(&[
            "US-501",
            "vendor mailbox takeover",
            "High",
            "08/11/2026 09:40",
            "08/13/2026 16:05",
            "08/21/2026 11:00",
            "37.5",
        ]);
    }
    sheet.text()
}

/// An excerpt of the catalogue of exploited vulnerabilities. *Source*: CISA KEV, CC0 1.0.
pub(super) fn exploited(_: Day) -> String {
    include_str!("files/evidence/kev.csv").to_owned()
}

/// The vulnerability manager's export on a day, one object per line.
pub(super) fn vulnerabilities(today: Day) -> String {
    let mut lines = String::new();
    for index in 0..34 {
        let id = format!("V-{:03}", index + 1);
        let mut dice = Dice::of(&id);
        let published = day(2026, 3, 20) + dice.below(190);
        let unit = dice
            .pick(&["HD-IT", "JP1-IT", "JP1-FAC", "JP2", "JP3", "US1"])
            .unwrap_or("HD-IT");
        let base = if dice.percent(45) {
            90 + dice.below(10)
        } else {
            50 + dice.below(39)
        };
        let environmental = dice
            .percent(40)
            .then(|| (base - 12 + dice.below(20)).clamp(0, 100));
        let detected = published + 1 + dice.below(4);
        let started = dice.percent(85).then(|| detected + dice.below(16));
        let started = started.filter(|on| *on <= today);
        let completed = started
            .map(|on| on + 3 + dice.below(30))
            .filter(|on| *on <= today);
        if detected <= today {
            let cve = format!("CVE-2026-9{:04}", 1000 + index);
            lines.push_str(&vulnerability(
                &id,
                unit,
                &cve,
                (base, environmental),
                [Some(published), Some(detected), started, completed],
            ));
        }
    }
    // An old product that nobody had scanned: listed as exploited, though its score alone would not make it urgent.
    let old = [
        Some(day(2026, 7, 8)),
        Some(day(2026, 8, 18)),
        Some(day(2026, 9, 2)),
        None,
    ];
    let known = old.map(|on| on.filter(|on| *on <= today));
    if known[1].is_some() {
        lines.push_str(&vulnerability(
            "V-901",
            "JP3",
            "CVE-2025-48384",
            (80, None),
            known,
        ));
    }
    lines
}

fn vulnerability(
    id: &str,
    unit: &str,
    cve: &str,
    scores: (i32, Option<i32>),
    days: [Option<Day>; 4],
) -> String {
    let tenths = |score: i32| format!("{}.{}", score / 10, score % 10);
    let [published, detected, started, completed] = days.map(|on| on.map(iso));
    let line = json!({
        "id": id,
        "unit": unit,
        "cve": cve,
        "title": format!("sample vulnerability {id}"),
        "cvss": { "base": tenths(scores.0), "environmental": scores.1.map(tenths) },
        "published": published,
        "detected": detected,
        "started": started,
        "completed": completed,
    });
    format!("{line}\n")
}

/// The evaluations of systems up to a day.
pub(super) fn evaluations(today: Day) -> String {
    let mut all = Vec::new();
    let mut month = Month::of(day(2026, 4, 1));
    while month.last_day() <= today {
        for index in 0..14 {
            let id = format!("EV-{month}-{:02}", index + 1);
            let mut dice = Dice::of(&id);
            let result = if dice.percent(88) {
                "passed"
            } else {
                dice.pick(&["failed", "conditional"]).unwrap_or("failed")
            };
            all.push(json!({
                "evaluation_id": id,
                "org_unit": dice.pick(&["HD-IT", "JP1-IT", "JP1-IT", "JP2", "JP3"]).unwrap_or("HD-IT"),
                "system": format!("system {}", dice.below(40) + 1),
                "phase": dice.pick(&["design", "build", "pre_release"]),
                "method": dice.pick(&["document_review", "code_review", "vulnerability_scan"]),
                "attempt": if dice.percent(80) { 1 } else { 2 },
                "evaluated_on": iso(month.first_day() + dice.below(28)),
                "result": result,
            }));
        }
        month = month.plus(1);
    }
    format!("{:#}\n", Value::Array(all))
}
