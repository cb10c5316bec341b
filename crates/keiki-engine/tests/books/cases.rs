//! Runs every worked case of the catalogue: evidence in, figures compared with what a person computed by hand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use keiki_model::calendar::Day;
use keiki_model::evidence::{Extent, Missing};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::programme::{Programme, read_programme};

use crate::world::{Reading, World, block_on, day, end_of, files, list, noon, repository};

/// The day on which a case's evidence is known, unless it says otherwise.
pub(crate) const KNOWN_ON: &str = "2026-07-01";

/// The cases that every KPI has at least.
const REQUIRED: [&str; 6] = [
    "normal",
    "empty",
    "nil",
    "null_and_duplicate",
    "boundary_date",
    "correction",
];

#[test]
fn the_cases_of_the_security_department_come_out_as_computed_by_hand() {
    let half = |folder: &Path| folder.file_name().is_some_and(|name| name < "14");
    run_cases("security_department", 60, &half);
}

#[test]
fn the_further_cases_of_the_security_department_come_out_as_computed_by_hand() {
    let half = |folder: &Path| folder.file_name().is_some_and(|name| name >= "14");
    run_cases("security_department", 60, &half);
}

#[test]
fn the_cases_of_executive_involvement_come_out_as_computed_by_hand() {
    run_cases("executive_involvement", 12, &|_| true);
}

#[test]
fn the_cases_of_own_systems_come_out_as_computed_by_hand() {
    run_cases("own_systems", 18, &|_| true);
}

#[test]
fn the_cases_of_staff_education_come_out_as_computed_by_hand() {
    run_cases("staff_education", 36, &|_| true);
}

#[test]
fn the_cases_of_the_supply_chain_come_out_as_computed_by_hand() {
    run_cases("supply_chain", 18, &|_| true);
}

#[test]
fn the_cases_of_projects_come_out_as_computed_by_hand() {
    run_cases("projects", 42, &|_| true);
}

/// Runs the cases of a group's KPIs, of which there are at least so many.
fn run_cases(group: &str, at_least: usize, is_wanted: &dyn Fn(&Path) -> bool) {
    let mut faults = Vec::new();
    let mut cases = 0;
    let of_group = repository().join("catalogue").join(group);
    for kpi in kpi_folders()
        .into_iter()
        .filter(|kpi| kpi.starts_with(&of_group) && is_wanted(kpi))
    {
        for case in subfolders(&kpi.join("cases")) {
            cases += 1;
            let expectations = block_on(run_case(&case, &mut faults));
            if expectations == 0 {
                faults.push(format!("{}: nothing is expected", case.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{group}:\n{}", faults.join("\n"));
    assert!(cases >= at_least, "only {cases} cases were found");
}

#[test]
fn every_kpi_has_the_required_cases() {
    for kpi in kpi_folders() {
        for name in REQUIRED {
            let expected = kpi.join("cases").join(name).join("expected.csv");
            assert!(expected.is_file(), "{} is missing", expected.display());
        }
    }
}

pub(crate) fn kpi_folders() -> Vec<PathBuf> {
    files(&repository().join("catalogue"), &|p| {
        p.file_name().is_some_and(|n| n == "kpi.toml")
    })
    .into_iter()
    .filter_map(|(path, _)| Path::new(&path).parent().map(Path::to_owned))
    .collect()
}

pub(crate) fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a KPI has cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

/// Ingests a case's evidence and compares its expectations; returns how many there were.
async fn run_case(case: &Path, faults: &mut Vec<String>) -> usize {
    let kpi = case.ancestors().nth(2).expect("a case lies in a KPI");
    let mut world = World::of_kpi(kpi).await;
    let mut last = day(KNOWN_ON);
    for (reading, csv) in readings(case) {
        last = last.max(reading.as_of);
        world.commit_csv(&reading, &csv).await;
    }
    let no = number_of(case);
    if let Some(programme) = programme(case, no) {
        world.engine = world.engine_with(Vec::new(), programme);
    }
    let mut expected = csv::Reader::from_path(case.join("expected.csv")).expect("expectations");
    let mut seen = 0;
    for row in expected.deserialize::<BTreeMap<String, String>>() {
        let row = row.expect("a row of expectations");
        seen += 1;
        let known_at = if row["known_on"].is_empty() {
            end_of(last)
        } else {
            end_of(day(&row["known_on"]))
        };
        let found = world
            .measure(no, &row["org_unit"], &row["period"], known_at)
            .await;
        let what = format!(
            "{} {} {} {} {}",
            case.display(),
            row["indicator"],
            row["org_unit"],
            row["period"],
            row["known_on"]
        );
        match found.iter().find(|m| m.indicator == row["indicator"]) {
            None => faults.push(format!("{what}: no such measurement")),
            Some(found) => compare(&row, found, &what, faults),
        }
    }
    let verified = world
        .journal
        .verify(
            &world
                .catalogue
                .datasets
                .values()
                .cloned()
                .collect::<Vec<_>>(),
        )
        .await;
    let verified = verified.unwrap_or_else(|e| unreachable!("{e}"));
    faults.extend(
        verified
            .findings
            .iter()
            .map(|f| format!("{}: {f:?}", case.display())),
    );
    seen
}

/// The number of the KPI that a case belongs to.
pub(crate) fn number_of(case: &Path) -> u32 {
    let kpi_text = std::fs::read_to_string(case.join("../../kpi.toml")).expect("a definition");
    let kpi: toml::Table = kpi_text.parse().expect("it parses");
    let no = kpi["no"].as_integer();
    no.and_then(|no| u32::try_from(no).ok()).expect("a number")
}

/// What a case says of itself.
fn settings(case: &Path) -> toml::Table {
    std::fs::read_to_string(case.join("case.toml")).map_or_else(
        |_| toml::Table::new(),
        |text| text.parse().expect("case.toml parses"),
    )
}

/// The programme of a case that gives parameters a value: it holds for the whole group, always.
pub(crate) fn programme(case: &Path, no: u32) -> Option<Programme> {
    let settings = settings(case);
    let parameters = settings.get("parameters")?.as_table().expect("a table");
    let row = |(name, value): (&String, &toml::Value)| {
        format!(
            "[[parameters]]\nkpi = {no}\nname = \"{name}\"\norg_unit = \"HD\"\nfrom = \"2020-04-01\"\nvalue = {value}\n"
        )
    };
    let text: String = parameters.iter().map(row).collect();
    let read = read_programme("case.toml", &text);
    Some(read.unwrap_or_else(|problems| unreachable!("{}", list(&problems))))
}

/// The readings of a case in the order of their days; reference data before what looks it up.
pub(crate) fn readings(case: &Path) -> Vec<(Reading, String)> {
    let settings = settings(case);
    let stated = |file: &str| -> Option<&toml::Table> {
        settings
            .get("batch")?
            .as_array()?
            .iter()
            .filter_map(|b| b.as_table())
            .find(|b| b["file"].as_str() == Some(file))
    };
    let mut found: Vec<(Reading, String)> = Vec::new();
    for (path, text) in files(case, &|p| p.extension().is_some_and(|e| e == "csv")) {
        let name = Path::new(&path)
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or_default()
            .to_owned();
        if name == "expected.csv" {
            continue;
        }
        let stem = name.trim_end_matches(".csv");
        let (dataset, on) = stem.split_once('.').unwrap_or((stem, KNOWN_ON));
        let mut reading = Reading::new(dataset, day(on));
        if let Some(stated) = stated(&name) {
            let text = |key: &str| stated.get(key).and_then(|v| v.as_str());
            let date = |key: &str| -> Option<Day> { text(key).map(day) };
            reading.as_of = date("as_of").unwrap_or(reading.as_of);
            reading.now = date("known_on").map_or(reading.now, noon);
            reading.source = text("source").map_or(reading.source, str::to_owned);
            reading.missing = match text("missing") {
                Some("retire") => Missing::Retire,
                Some("withdraw") => Missing::Withdraw,
                _ => Missing::Keep,
            };
            reading.extent = if text("extent") == Some("part") {
                Extent::Part
            } else {
                Extent::Full
            };
            if let Some(units) = stated.get("covers").and_then(|c| c.as_array()) {
                reading.covers = units
                    .iter()
                    .filter_map(|u| u.as_str().map(str::to_owned))
                    .collect();
            }
        }
        found.push((reading, text));
    }
    found.sort_by_key(|(reading, _)| {
        (
            reading.now,
            !matches!(
                reading.dataset.as_str(),
                "exploited_vulnerabilities" | "published_vulnerabilities" | "plan_rates"
            ),
        )
    });
    found
}

fn compare(
    row: &BTreeMap<String, String>,
    found: &Measurement,
    what: &str,
    faults: &mut Vec<String>,
) {
    let mut check = |column: &str, found: String| {
        let expected = &row[column];
        if expected != "*" && *expected != found {
            faults.push(format!(
                "{what}: {column} should be `{expected}`, found `{found}` ({})",
                row["note"]
            ));
        }
    };
    let digits = |column: &str| {
        row[column]
            .split_once('.')
            .map_or(0, |(_, part)| u32::try_from(part.len()).unwrap_or(0))
    };
    let rounded = |value: Option<Fraction>, column: &str| {
        value.map_or(String::new(), |v| v.to_decimal(digits(column)))
    };
    let exact = |value: Option<Fraction>| value.map_or(String::new(), |v| v.to_short_decimal(12));
    let normal = |column: &str| {
        Fraction::parse_decimal(&row[column])
            .map_or_else(|| row[column].clone(), |v| v.to_short_decimal(12))
    };
    if let Some(group) = row.get("group").filter(|group| !group.is_empty()) {
        let of = found.statistics.groups.iter().find(|g| g.name == *group);
        check("value", rounded(of.map(|g| g.value), "value"));
        check("n", of.map_or(String::new(), |g| g.n.to_string()));
        return;
    }
    check("value", rounded(found.value, "value"));
    check("status", found.status.code().to_owned());
    check("n", found.n.map_or(String::new(), |n| n.to_string()));
    for (column, value) in [
        ("numerator", found.numerator),
        ("denominator", found.denominator),
    ] {
        if row[column] != "*" && normal(column) != exact(value) {
            faults.push(format!(
                "{what}: {column} should be `{}`, found `{}` ({})",
                row[column],
                exact(value),
                row["note"]
            ));
        }
    }
}
