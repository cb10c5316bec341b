//! What the vulnerability managers found, and how soon it was dealt with.
//!
//! Fictional Trading's manager only finds; when work began and ended stands in the tickets of its help desk.

use keiki_model::calendar::Day;
use serde_json::json;

use super::dice::Dice;
use super::people::Of;
use super::sheet::{Sheet, day, iso};
use super::tables::{Row, is_chosen, rows};

const TABLE: &str = include_str!("tables/vulnerabilities.csv");

/// Columns of the table: all, the urgent ones, days to start and to complete in the last year.
const COUNT: usize = 1;
const URGENT: usize = 2;
const START: usize = 3;
const COMPLETE: usize = 4;

/// Vulnerabilities of CISA's excerpt that were found here, some before they were listed as exploited.
const LISTED: [(&str, &str, i16, i8); 5] = [
    ("CVE-2025-48384", "JP3", 2025, 7),
    ("CVE-2025-43300", "JP4", 2025, 8),
    ("CVE-2025-54948", "HD-IT", 2025, 8),
    ("CVE-2025-8876", "US1", 2025, 8),
    ("CVE-2025-8875", "JP1-IT", 2025, 8),
];

/// The tool's export until a day, one object per line.
pub(super) fn found(of: Of, today: Day) -> String {
    let mut text = String::new();
    for row in rows(TABLE).filter(|row| (row.text(0) == "JP3") == (of == Of::Late)) {
        for index in 0..row.number(COUNT) {
            text.push_str(&Found::new(row, index).line(today));
        }
    }
    for (index, (cve, unit, year, month)) in LISTED.into_iter().enumerate() {
        if (unit == "JP3") != (of == Of::Late) {
            continue;
        }
        let published = day(year, month, 1);
        let started = day(2025, 9, 2) + i32::try_from(index).unwrap_or(0);
        let line = json!({
            "id": format!("V-LST-{}", index + 1), "unit": unit, "cve": cve, "title": "listed as exploited after publication",
            "cvss": { "base": "8.0", "environmental": null }, "internet": true,
            "published": iso(published), "detected": iso(published + 2), "started": iso(started),
            "completed": iso(started + 9), "dismissed": null, "hours": "12",
        });
        text.push_str(&format!("{line}\n"));
    }
    text
}

/// The help desk's list of Fictional Trading's tickets until a day.
pub(super) fn tickets(today: Day) -> String {
    let mut sheet = Sheet::new("チケット,所属,対象,CVE,件名,起票日,着手日,完了日,作業時間");
    let of_trading = rows(TABLE).filter(|row| is_of_trading(row.text(0)));
    let found =
        of_trading.flat_map(|row| (0..row.number(COUNT)).map(move |at| Found::new(row, at)));
    for (number, found) in found.enumerate() {
        if found.is_dismissed || found.detected > today {
            continue;
        }
        let [started, completed] = found.worked_on(today);
        let hours = completed.map(|_| found.hours.to_string());
        sheet.row(&[
            &format!("HD-{:05}", number + 1),
            found.unit,
            &found.id,
            &found.cve,
            &found.title,
            &iso(found.detected),
            &started.map(iso).unwrap_or_default(),
            &completed.map(iso).unwrap_or_default(),
            &hours.unwrap_or_default(),
        ]);
    }
    sheet.text()
}

fn is_of_trading(unit: &str) -> bool {
    unit.starts_with("JP2-")
}

/// A vulnerability in an org unit.
struct Found {
    id: String,
    unit: &'static str,
    cve: String,
    title: String,
    base: i32,
    environmental: Option<i32>,
    is_internet_facing: bool,
    is_dismissed: bool,
    published: Day,
    detected: Day,
    started: Day,
    completed: Day,
    hours: i32,
}

impl Found {
    fn new(row: Row, index: i32) -> Self {
        let unit = row.text(0);
        let mut dice = Dice::of(&format!("vulnerability {unit} {index}"));
        let count = row.number(COUNT);
        let is_urgent = is_chosen(index, count, row.number(URGENT), 5);
        let (from, until) = (
            if unit == "JP5" {
                day(2024, 10, 1)
            } else {
                day(2023, 3, 1)
            },
            day(2026, 9, 24),
        );
        // Later years have more of them, and the order is that of the calendar.
        let published = from + (until - from) * index / count.max(1) + dice.below(4);
        let slowness = match published {
            on if on < day(2024, 4, 1) => (40, 21),
            on if on < day(2025, 4, 1) => (27, 17),
            on if on < day(2026, 4, 1) => (15, 12),
            _ => (10, 10),
        };
        let factor = if is_urgent { 10 } else { 34 };
        let around = |mean: i32, dice: &mut Dice| {
            let twice = (mean * 2).max(1);
            (dice.below(twice) + dice.below(twice) + 1) / 2
        };
        let start = around(row.number(START) * slowness.0 * factor / 100, &mut dice);
        let complete = 1 + around(row.number(COMPLETE) * slowness.1 * factor / 100, &mut dice);
        let detected = published + dice.below(2).min(start);
        let is_dismissed = !is_urgent && dice.percent(4);
        let base = if is_urgent {
            90 + dice.below(9)
        } else {
            40 + dice.below(49)
        };
        let environmental = dice.percent(45).then(|| {
            (base + if is_urgent { 0 } else { dice.below(12) - 10 }).min(if is_urgent {
                100
            } else {
                89
            })
        });
        let hours = (6 + dice.below(14)) * (slowness.1 + 2) / 11;
        let cve_year = 2023 + (published - day(2023, 1, 1)) / 366;
        Self {
            id: format!("V-{unit}-{:04}", index + 1),
            unit,
            cve: format!("CVE-{cve_year}-9{:04}", (index * 37 + count) % 10_000),
            title: format!("sample vulnerability {}", index % 97 + 1),
            base,
            environmental,
            is_internet_facing: dice.percent(20),
            is_dismissed,
            published,
            detected,
            started: published + start,
            completed: published + start + complete,
            hours,
        }
    }

    /// The days on which work began and ended, as far as they had come by a day.
    fn worked_on(&self, today: Day) -> [Option<Day>; 2] {
        let started = Some(self.started).filter(|on| *on <= today && !self.is_dismissed);
        [
            started,
            started.and(Some(self.completed).filter(|on| *on <= today)),
        ]
    }

    /// What the vulnerability manager says of it by a day; nothing where it had not been found yet.
    fn line(&self, today: Day) -> String {
        if self.detected > today {
            return String::new();
        }
        let tenths = |score: i32| format!("{}.{}", score / 10, score % 10);
        let dismissed = Some(self.detected + 3).filter(|on| self.is_dismissed && *on <= today);
        let [started, completed] = if is_of_trading(self.unit) {
            [None, None]
        } else {
            self.worked_on(today)
        };
        let line = json!({
            "id": self.id,
            "unit": self.unit,
            "cve": self.cve,
            "title": self.title,
            "cvss": { "base": tenths(self.base), "environmental": self.environmental.map(tenths) },
            "internet": self.is_internet_facing,
            "published": iso(self.published),
            "detected": iso(self.detected),
            "started": started.map(iso),
            "completed": completed.map(iso),
            "dismissed": dismissed.map(iso),
            "hours": completed.map(|_| self.hours.to_string()),
        });
        format!("{line}\n")
    }
}
