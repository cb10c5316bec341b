//! `keiki sources --coverage`: what evidence each org unit owes, and what is overdue.

use keiki_model::calendar::date_of;
use keiki_model::text::Language;
use keiki_report::table::Column;
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::grid::Grid;
use crate::messages;
use crate::operations::coverage::{Owed, Timeliness};

/// The KPIs that are named at most on screen.
const SHOWN: usize = 12;

pub(super) fn grid(owed: &[Owed], format: Format, language: Language) -> Grid {
    let is_table = format == Format::Table;
    let row = |owed: &Owed| -> Vec<Value> {
        let day = |day: Option<i32>| json!(day.map(|day| date_of(day).to_string()));
        let timeliness = match owed.timeliness {
            Timeliness::Fresh => ("fresh", messages::FRESH),
            Timeliness::Overdue => ("overdue", messages::OVERDUE),
            Timeliness::Never => ("never", messages::NEVER),
        };
        if is_table {
            return vec![
                json!(format!("{} {}", owed.org_unit, owed.name.get(language))),
                json!(owed.dataset),
                day(owed.until),
                day(owed.fresh_until),
                json!(timeliness.1.get(language)),
                json!(owed.frequency.title().get(language)),
                json!(shown(&owed.without_data)),
            ];
        }
        let known_at = owed.known_at;
        let known_at = known_at.and_then(|at| jiff::Timestamp::from_microsecond(at).ok());
        let without = if format == Format::Csv {
            json!(numbers(&owed.without_data))
        } else {
            json!(owed.without_data)
        };
        vec![
            json!(owed.org_unit),
            json!(owed.dataset),
            json!(owed.source),
            day(owed.until),
            json!(known_at.map(|at| at.to_string())),
            day(owed.fresh_until),
            json!(timeliness.0),
            without,
            json!(owed.frequency.code()),
            json!(owed.asked.map(|asked| asked.period.to_string())),
            day(owed.asked.and_then(|asked| asked.due_on)),
        ]
    };
    Grid {
        names: vec![
            "org_unit",
            "dataset",
            "source",
            "until",
            "known_at",
            "fresh_until",
            "state",
            "kpis_without_data",
            "frequency",
            "asked_for",
            "due_on",
        ],
        columns: vec![
            Column::text(messages::ORG_UNIT.get(language), 10),
            Column::text(messages::DATASET.get(language), 10),
            Column::text(messages::LAST_EVIDENCE.get(language), 10),
            Column::text(messages::FRESH_UNTIL.get(language), 10),
            Column::text(messages::STATE.get(language), 6),
            Column::text(messages::CADENCE.get(language), 7),
            Column::text(messages::WITHOUT_DATA.get(language), 8).wrapped(2),
        ],
        rows: owed.iter().map(row).collect(),
    }
}

fn numbers(kpis: &[u32]) -> String {
    let numbers: Vec<String> = kpis.iter().map(u32::to_string).collect();
    numbers.join(" ")
}

fn shown(kpis: &[u32]) -> String {
    match kpis.get(SHOWN..) {
        Some(more) if !more.is_empty() => format!("{} +{}", numbers(&kpis[..SHOWN]), more.len()),
        _ => numbers(kpis),
    }
}
