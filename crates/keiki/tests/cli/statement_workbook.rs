//! The Excel edition of a statement holds what its data hold, cell by cell.

use std::collections::BTreeMap;

use keiki_model::status::Status;
use serde_json::Value;

use crate::spreadsheet::{Cell, Sheet, Spreadsheet};
use crate::workspace::{ASSETS_HEADER, Workspace};

const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,US1,hardware,three,true,E1,2026-04-01,,,,\n";

/// The rows of a table by the headings above them.
fn rows(sheet: &Sheet) -> Vec<BTreeMap<String, Cell>> {
    let heading = sheet
        .cells
        .iter()
        .find(|(_, cell)| **cell == "Indicator code".into())
        .map(|((row, _), _)| *row)
        .expect("the table has headings");
    let names: BTreeMap<u16, String> = sheet
        .cells
        .iter()
        .filter(|((row, _), _)| *row == heading)
        .filter_map(|((_, column), cell)| match cell {
            Cell::Text(text) => Some((*column, text.clone())),
            _ => None,
        })
        .collect();
    let mut found: BTreeMap<u32, BTreeMap<String, Cell>> = BTreeMap::new();
    for ((row, column), cell) in &sheet.cells {
        if let Some(name) = names.get(column).filter(|_| *row > heading) {
            let of_row = found.entry(*row).or_default();
            of_row.insert(name.clone(), cell.clone());
        }
    }
    found.into_values().collect()
}

fn is_same(cell: Option<&Cell>, value: &Value) -> bool {
    match (cell, value.as_f64()) {
        (Some(cell), Some(value)) => *cell == Cell::Number(value),
        (None, None) => true,
        (Some(Cell::Text(text)), None) => text.is_empty(),
        _ => false,
    }
}

#[test]
fn every_figure_of_the_workbook_is_that_of_the_data() {
    let workspace = Workspace::new();
    workspace.write("programme.toml", "[adopted]\nkpis = [1, 23, 35]\n");
    let file = workspace.write("assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    let file = file.to_str().expect("a plain path");
    let ingest = [
        "ingest",
        "--dataset",
        "assets",
        file,
        "--as-of",
        "2026-05-31",
    ];
    workspace.run(&ingest).exits(0);
    let close = [
        "close",
        "2026-05",
        "--reason",
        "a test",
        "--agreed-by",
        "ito",
    ];
    workspace.run(&close).exits(0);
    let statement = ["statement", "2026-05", "--format"];
    workspace
        .run(&[&statement[..], &["xlsx", "--out", "book.xlsx"]].concat())
        .exits(0)
        .says("written: book.xlsx");
    let json = workspace
        .run(&[&statement[..], &["json"]].concat())
        .exits(0)
        .json();
    let book = Spreadsheet::open(&workspace.path().join("book.xlsx"));
    let mut cells = BTreeMap::new();
    for sheet in book
        .sheets
        .iter()
        .filter(|sheet| sheet.name.starts_with(char::is_numeric))
    {
        for row in rows(sheet) {
            let key = (format!("{:?}", row["No."]), row["Indicator code"].clone());
            cells.insert(format!("{key:?} {:?}", row["Org unit id"]), row);
        }
    }
    let measurements = json["measurements"].as_array().expect("an array");
    let mut compared = 0;
    for one in measurements {
        let no = Cell::Number(one["no"].as_f64().expect("a number"));
        let code = Cell::from(one["indicator"].as_str().expect("a code"));
        let unit = Cell::from(one["org_unit"].as_str().expect("an id"));
        let key = format!("{:?} {unit:?}", (format!("{no:?}"), code));
        let Some(row) = cells.remove(&key) else {
            // As on the scorecard: evidence of unknown org units has no row where there is none.
            let is_idle = one["org_unit"] == "unassigned" && one["value"] == 0 && one["n"] == 0;
            assert!(
                one["value"].is_null() || is_idle,
                "left out although it has a value: {one}"
            );
            continue;
        };
        for (heading, value) in [
            ("Value", &one["value"]),
            ("Numerator", &one["numerator"]),
            ("Denominator", &one["denominator"]),
            ("n", &one["n"]),
            ("Covered", &one["coverage"]["covered"]),
            ("Expected", &one["coverage"]["expected"]),
        ] {
            assert!(
                is_same(row.get(heading), value),
                "{heading}: {row:?}\n{one}"
            );
        }
        let of_kpi = one["kpi_status"]
            .as_str()
            .filter(|_| one["companion"] == false);
        let of_kpi = of_kpi.and_then(|code| Status::all().find(|status| status.code() == code));
        let word = of_kpi.map(|status| status.title().en);
        let shown = match row.get("Status of the KPI") {
            Some(Cell::Text(text)) => text.split_once(' ').map(|(_, word)| word),
            _ => None,
        };
        assert_eq!(shown, word.as_deref(), "{row:?}");
        compared += 1;
    }
    assert!(compared >= 8, "only {compared} figures were compared");
    assert!(cells.is_empty(), "not in the data: {cells:?}");
    let scorecard = &book.sheets[0];
    assert_eq!(scorecard.name, "Scorecard");
    let ratio = rows(scorecard)
        .into_iter()
        .find(|row| row["Indicator code"] == "inventory_ratio".into())
        .expect("the group's figure");
    assert_eq!(ratio["Numerator"], 2.0.into());
    assert_eq!(ratio["Denominator"], 3.0.into());
}
