//! The sample group, from nothing to its page, and what its story says.

use std::path::Path;

use crate::workspace::{Ran, run_in};

fn run(sample: &Path, line: &str) -> Ran {
    let arguments: Vec<&str> = ["--language", "en"]
        .into_iter()
        .chain(line.split(' '))
        .collect();
    run_in(sample, &arguments)
}

/// The page's line of a KPI.
fn line(page: &str, no: u32) -> String {
    let start = format!("{no} ");
    let found = page
        .lines()
        .find(|line| line.trim_start().starts_with(&start));
    found.unwrap_or_default().to_owned()
}

#[test]
fn the_sample_group_tells_its_story() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ran = run_in(folder.path(), &["demo", "sample", "--language", "en"]).exits(0);
    assert_eq!(ran.err, "", "no source of the story fails");
    let ran = ran
        .says("no company, person or incident in it exists")
        .says("Fictional Holdings (HD)  2026-09");
    the_page_shows_every_kpi(&ran.out);
    let sample = folder.path().join("sample");
    run(&sample, "check").exits(0);
    every_suggested_command_works(&sample, &ran.out);
    the_late_company_made_it_whole(&sample);
    the_first_quarter_was_corrected(&sample);
    every_line_can_be_explained(&sample);
    the_regions_add_up(&sample);
    an_independent_computation_agrees(&sample);
    run(&sample, "verify").exits(0).says("the books balance");
    run_in(folder.path(), &["demo", "sample", "--language", "en"])
        .exits(1)
        .complains("exists already");
}

/// The figures were found by running and checked against the story of the group.
fn the_page_shows_every_kpi(page: &str) {
    for no in 1..=47 {
        assert!(
            !line(page, no).is_empty(),
            "KPI {no} is on the page:\n{page}"
        );
    }
    for (no, value, status) in [
        (1, "57.8 % *", "● on pace"),
        (2, "44.0 % *", "▼ behind"),
        (7, "50.0 %", "▼ missed"),
        (12, "17 †", "○ provisional"),
        (21, "66.7 %", "– no target"),
        (30, "92.8 %", "▼ missed"),
        (31, "96.1 %", "● met"),
        (32, "–", "– not due"),
        (33, "96.0 % *", "● met"),
        (44, "104.0 %", "▼ missed"),
        (46, "111.1 %", "● met"),
    ] {
        let line = line(page, no);
        assert!(
            line.contains(value) && line.contains(status),
            "{no}: {line}"
        );
    }
    let too_wide = page
        .lines()
        .filter(|line| line.starts_with([' ', '1']) && line.contains('%'));
    for line in too_wide.filter(|line| !line.contains("keiki ")) {
        assert!(line.chars().count() <= 100, "{line}");
    }
}

/// Plain Python over the evidence files, which knows nothing of the journal, for three org units and three months.
fn an_independent_computation_agrees(sample: &Path) {
    let script = "../../e2e/independent/compare.py";
    let output = std::process::Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_keiki"))
        .arg(sample)
        .output()
        .expect("python3 can be run; .ci/test installs it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    assert!(
        said.contains("396 agree, 0 disagree, 72 left out"),
        "{said}{errors}"
    );
}

fn every_suggested_command_works(sample: &Path, page: &str) {
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("  keiki "))
        .filter_map(|command| command.split(" --workspace").next())
        .collect();
    assert_eq!(commands.len(), 9, "{page}");
    for command in commands {
        run(sample, command).exits(0);
    }
}

fn the_late_company_made_it_whole(sample: &Path) {
    run(
        sample,
        "explain 1 --org HD --period 2026-09 --against 2026-10-06",
    )
    .exits(0)
    .says("assets_jp3");
    run(
        sample,
        "measure --kpi 1 --period 2026-09 --known-at 2026-10-06",
    )
    .exits(0)
    .says("provisional");
}

/// An incident was contained 41 hours later than told; 48 attendances had been counted twice.
fn the_first_quarter_was_corrected(sample: &Path) {
    run(
        sample,
        "explain 23 --org HD --period FY2026-Q1 --against 2026-07-20",
    )
    .exits(0)
    .says("INC-2026-009");
    run(
        sample,
        "measure --kpi 33 --period FY2026-Q1 --known-at 2026-07-20",
    )
    .exits(0)
    .says("96.8 %");
    run(sample, "measure --kpi 33 --period FY2026-Q1")
        .exits(0)
        .says("96.0 %");
}

fn the_regions_add_up(sample: &Path) {
    for no in [1, 23, 33, 45] {
        let ask = |further: &str| {
            let line = format!("measure --kpi {no} --period 2026-09 --format json{further}");
            let found = run(sample, &line).exits(0).json();
            let first = &found[0];
            let parts = [
                "value",
                "numerator",
                "denominator",
                "n",
                "coverage",
                "status",
            ];
            parts.map(|part| first[part].clone())
        };
        assert_eq!(ask(" --hierarchy region"), ask(""), "KPI {no}");
    }
    run(
        sample,
        "measure --kpi 1 --period 2026-09 --hierarchy region --all-orgs",
    )
    .exits(0)
    .says("Americas");
}

fn every_line_can_be_explained(sample: &Path) {
    for (no, says) in [
        ("1", "5,449"),
        ("7", "= 50.0 %"),
        ("18", "20"),
        ("30", "167"),
        ("45", "28"),
        ("47", "19"),
    ] {
        run(sample, &format!("explain {no} --org HD --period 2026-09"))
            .exits(0)
            .says(says);
    }
    run(sample, "explain 36 --org HD --period FY2026-H1").exits(0);
    run(
        sample,
        "explain 23 --indicator open_count --org HD --period 2026-09 --rows",
    )
    .exits(0)
    .says("US-2026-043");
}
