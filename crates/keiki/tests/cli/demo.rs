//! The sample group, from nothing to its page, and what its story says.

use std::path::Path;

use crate::workspace::{Ran, run_in, run_in_as};
use crate::{collect, discretion, guide, judgement};

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
    let line = [
        "demo",
        "sample",
        "--deliveries",
        "deliveries",
        "--language",
        "en",
    ];
    let ran = run_in(folder.path(), &line).exits(0);
    assert_eq!(ran.err, "", "no source of the story fails");
    let ran = ran
        .says("no company, person or incident in it exists")
        .says("refused: incidents_cn1, arrived on 2026-10-05: evidence/cn1/incidents.csv: the file is empty")
        .says("Fictional Holdings (HD)  2026-09");
    the_page_shows_every_kpi(&ran.out);
    let sample = folder.path().join("sample");
    run(&sample, "check").exits(0);
    guide::readme_is_as_printed(&ran.out);
    guide::is_as_written(&sample, &ran.out);
    every_suggested_command_works(&sample, &ran.out);
    the_late_company_made_it_whole(&sample);
    the_first_quarter_was_corrected(&sample);
    one_company_was_silent_in_august(&sample);
    the_file_without_a_byte_came_again(&sample);
    evidence_of_an_unknown_unit_is_listed(&sample);
    rows_and_reported_totals_add_up(&sample);
    what_befell_the_group_is_to_be_seen(&sample);
    a_day_that_moved_is_a_revision_beside_the_plan(&sample);
    every_line_can_be_explained(&sample);
    every_status_occurs(&sample);
    totals_speak_for_no_month_but_their_own(&sample);
    the_regions_add_up(&sample);
    an_independent_computation_agrees(&sample, &folder.path().join("deliveries"));
    judgement::the_guides_table_is_what_is_printed(&sample);
    collect::the_guide_is_as_written(&sample);
    run(&sample, "verify").exits(0).says("the books balance");
    discretion::nobody_is_named(&sample, &ran.out);
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
        (1, "58.6 % *", "● on pace"),
        (2, "44.7 % *", "▼ behind"),
        (7, "50.0 %", "▼ missed"),
        (12, "17 †", "○ provisional"),
        (21, "66.7 %", "– no target"),
        (30, "92.8 %", "▼ missed"),
        (31, "96.1 %", "● met"),
        (32, "–  ", "– not due"),
        (33, "96.0 % *", "● met"),
        (44, "104.0 %", "▼ missed"),
        (46, "110.0 %", "● met"),
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

/// Fictional Asia sent nothing of August, Fictional China a file that says that there was nothing.
fn one_company_was_silent_in_august(sample: &Path) {
    let line = |org: &str, period: &str| {
        let command = format!("measure --kpi 23 --org {org} --period {period}");
        run(sample, &command).exits(0)
    };
    line("SG1", "2026-08").says("no data (not reported)");
    line("CN1", "2026-08").says("none occurred");
    line("HD", "2026-08").says("9/10").says("provisional");
    for month in ["2026-07", "2026-09"] {
        line("SG1", month).says("none occurred");
        line("HD", month).says("10/10");
    }
    run(sample, "explain 23 --org HD --period 2026-08")
        .exits(0)
        .says("9/10 org units have reported; SG1 has not.");
}

/// A refused file leaves nothing behind: until it came again, nobody knew of September.
fn the_file_without_a_byte_came_again(sample: &Path) {
    let china = "measure --kpi 23 --org CN1 --period 2026-09";
    run(sample, &format!("{china} --known-at 2026-10-06"))
        .exits(0)
        .says("no data (not reported)");
    run(sample, china).exits(0).says("none occurred");
    let batches = "select known_at from batches where source = 'incidents_cn1' order by 1";
    let listed = run_in(sample, &["sql", batches, "--format", "csv"]).exits(0);
    let arrivals: Vec<&str> = listed.out.lines().skip(1).map(|line| &line[..10]).collect();
    assert_eq!(
        arrivals,
        ["2026-07-05", "2026-08-05", "2026-09-05", "2026-10-07"]
    );
    let what = "evidence/cn1/incidents.csv: the file is empty";
    run(sample, "rejects --source incidents_cn1")
        .exits(0)
        .says("refused on 2026-10-05 09:00, mended by commit");
    run(sample, "sources")
        .exits(0)
        .complains("incidents_cn1: refused on 2026-10-05 09:00, mended by commit")
        .complains(what);
    let listed = run(sample, "rejects --source incidents_cn1 --format json")
        .exits(0)
        .json();
    let refused = listed
        .as_array()
        .and_then(|all| all.last())
        .expect("it is listed");
    assert_eq!(
        (
            &refused["outcome"],
            &refused["file"],
            &refused["message"],
            &refused["refused_at"]
        ),
        (
            &"refused".into(),
            &"evidence/cn1/incidents.csv".into(),
            &what.into(),
            &"2026-10-05T00:00:00Z".into()
        )
    );
    assert!(refused["state_seq"].is_i64(), "{refused}");
}

/// A system of a company that is not in the org tree counts for the group, and nobody else.
fn evidence_of_an_unknown_unit_is_listed(sample: &Path) {
    run(sample, "measure --kpi 30 --all-orgs --period 2026-09")
        .exits(0)
        .says("Unassigned");
    run(
        sample,
        "explain 30 --org unassigned --period 2026-09 --rows",
    )
    .exits(0)
    .says("SYS-JP6-01");
    run(sample, "ingest controls --as-of 2026-09-30")
        .exits(0)
        .says("not in org.csv: JP6");
}

/// Between its totals Fictional Europe has said nothing; that it has no cloud services is a total too.
fn totals_speak_for_no_month_but_their_own(sample: &Path) {
    let line = |org: &str, kpi: u32, period: &str| {
        let command = format!("measure --kpi {kpi} --org {org} --period {period}");
        run(sample, &command).exits(0)
    };
    line("DE1", 1, "2026-09").says("160 / 260");
    line("DE1", 1, "2026-08").says("no data (not reported)");
    line("HD", 1, "2026-08").says("provisional");
    run(sample, "explain 33 --org HD --period 2026-08")
        .exits(0)
        .says("DE1");
    line("DE1", 4, "2026-09").says("0 / 0");
    line("HD", 4, "2026-09").says("10/10");
    line("HD", 1, "FY2025").says("10/10");
    for (kpi, period) in [(36, "FY2024-H2"), (32, "FY2026-Q2"), (37, "FY2025-H2")] {
        line("HD", kpi, period).says("10/10");
    }
}

/// Every record and every total that is listed adds to the figure, and nothing else does.
fn rows_and_reported_totals_add_up(sample: &Path) {
    for (no, period) in [(1, "2026-09"), (33, "FY2026-Q1"), (36, "FY2026-H1")] {
        let command = format!("explain {no} --org HD --period {period} --rows --format json");
        let arguments: Vec<&str> = command.split(' ').collect();
        // To others the rows of small groups are not listed.
        let ran = run_in_as(sample, "ciso", &arguments).exits(0);
        let explained: serde_json::Value =
            serde_json::from_str(&ran.out).expect("an explanation is JSON");
        let listed = |list: &serde_json::Value, name: &str| -> i64 {
            let items = list.as_array().expect("a list");
            items
                .iter()
                .map(|item| item[name].as_i64().expect("a whole number"))
                .sum()
        };
        let totals = &explained["reported_totals"];
        assert_eq!(totals[0]["org_unit"], "DE1", "{no}: {totals}");
        for (part, side) in ["numerator", "denominator"].into_iter().enumerate() {
            let rows = listed(&explained["parts"][part]["rows"], "amount");
            let whole = rows + listed(totals, side);
            assert_eq!(
                explained["measurement"][side].as_i64(),
                Some(whole),
                "{no}: {side}"
            );
        }
    }
}

/// What the group has been through beside what the guide shows, each to be seen with one command.
fn what_befell_the_group_is_to_be_seen(sample: &Path) {
    for (command, says) in [
        (
            "explain 30 --org JP1-FAC1 --period 2026-09 --rows",
            "1  hardening ",
        ),
        (
            "explain 7 --org HD --period 2026-08",
            "3 items are open whose deadlines are still to come",
        ),
        (
            "explain 10 --org US1 --period 2026-09 --rows",
            "currency=USD",
        ),
        (
            "explain 10 --org CN1 --period 2026-09 --rows",
            "currency=JPY",
        ),
        (
            "measure --kpi 33 --org HD --stand-alone --period 2025-03",
            "370 / 381",
        ),
        (
            "measure --kpi 33 --org HD --stand-alone --period 2025-03 --tree-on 2025-04-01",
            "389 / 400",
        ),
        ("measure --kpi 8 --org JP5 --period 2024-10", "0 / 460"),
        (
            "explain 1 --org HD --period 2026-09 --against 2026-10-04",
            "160 ÷ 260",
        ),
        (
            "explain 8 --org HD --period 2026-09",
            "the worst of its 2 figures",
        ),
        (
            "explain 1 --org JP1 --period 2026-09",
            "Answers for it: 架空製造 情報システム部長 (deputy: 架空製造 東工場長)",
        ),
    ] {
        run(sample, command).exits(0).says(says);
    }
    run(sample, "measure --kpi 8 --org JP5 --period 2024-09")
        .exits(1)
        .complains("JP5");
    a_section_ends_and_its_successor_takes_its_evidence(sample);
}

/// The security section became a department in April 2025; its two systems are counted there from then on.
fn a_section_ends_and_its_successor_takes_its_evidence(sample: &Path) {
    let systems = |further: &str| run(sample, &format!("measure --kpi 30 {further}"));
    systems("--org HD-IT-SEC --period 2025-03")
        .exits(0)
        .says("2 / 2");
    systems("--org HD-SEC --period 2025-04")
        .exits(0)
        .says("2 / 2");
    systems("--org HD-SEC --period 2025-03 --tree-on 2025-04-01")
        .exits(0)
        .says("2 / 2");
    systems("--org HD-IT-SEC --period 2025-04")
        .exits(1)
        .complains("after that its evidence counts at HD-SEC");
}

/// Every one of the thirteen statuses is some figure's, and every figure has a value or a reason why it has none.
fn every_status_occurs(sample: &Path) {
    const REASONS: [&str; 5] = [
        "not_due",
        "none_occurred",
        "not_applicable",
        "no_data",
        "provisional",
    ];
    let mut found = std::collections::BTreeSet::new();
    for period in ["2025-12", "2026-09"] {
        let command = format!("measure --all-orgs --period {period} --format json");
        let measured = run(sample, &command).exits(0).json();
        let all = measured.as_array().map_or(&[][..], Vec::as_slice);
        for one in all.iter().filter(|one| one["basis"] != "withheld") {
            let status = one["status"].as_str().unwrap_or_default();
            let has_reason = one["value"].is_number() || REASONS.contains(&status);
            assert!(one["companion"] == true || has_reason, "{one:#}");
            found.insert(status.to_owned());
        }
    }
    let all: std::collections::BTreeSet<String> = keiki_model::status::Status::all()
        .map(|status| status.code().to_owned())
        .collect();
    assert_eq!(found, all);
}

/// Plain Python over the evidence files, which knows nothing of the journal, for five org units and four months.
fn an_independent_computation_agrees(sample: &Path, deliveries: &Path) {
    let script = "../../e2e/independent/compare.py";
    let output = std::process::Command::new("python3")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_keiki"))
        .arg(sample)
        .arg("--deliveries")
        .arg(deliveries)
        .output()
        .expect("python3 can be run; .ci/test installs it");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    assert!(
        said.contains("1040 agree, 0 disagree, 0 left out"),
        "{said}{errors}"
    );
}

fn every_suggested_command_works(sample: &Path, page: &str) {
    let commands: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("  keiki "))
        .filter_map(|command| command.split(" --workspace").next())
        .collect();
    // The first of them serves until it is stopped.
    let (first, others) = commands.split_first().expect("commands are suggested");
    assert_eq!((*first, others.len()), ("serve", 14), "{page}");
    for command in others {
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
    .says("96.7 %");
    run(sample, "measure --kpi 33 --period FY2026-Q1")
        .exits(0)
        .says("95.9 %")
        .complains("its part of FY2026-Q1 is 2026-01 to 2026-03, 3 months before the group's");
}

/// The register overwrote two planned days; one of them with an approved revision.
fn a_day_that_moved_is_a_revision_beside_the_plan(sample: &Path) {
    run(sample, "programme plans --format csv")
        .exits(0)
        .says(",2025-04-01,40,1,0\n")
        .says(",2026-04-01,32,1,0\n")
        .says(",2026-10-14,3,0,0\n");
    run(sample, "rejects --source milestones --format csv")
        .exits(0)
        .says("(`planned_on`) stays 2026-03-31; 2026-10-30 is a revision")
        .says("(`planned_on`) stays 2026-09-11; 2026-11-30 is a revision");
    run(sample, "explain 45 --org JP1 --period 2026-09 --rows")
        .exits(0)
        .says("planned_on=2026-03-31 replanned_on=2026-10-30");
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

/// Every figure of the page opens, and says why it stands as it does.
fn every_line_can_be_explained(sample: &Path) {
    let measured = run(sample, "measure --org HD --period 2026-09 --format json")
        .exits(0)
        .json();
    let all = measured.as_array().map_or(&[][..], Vec::as_slice);
    let own: Vec<String> = all
        .iter()
        .filter(|one| one["companion"] == false)
        .map(|one| format!("{} --indicator {}", one["no"], one["indicator"]).replace('"', ""))
        .collect();
    assert!(own.len() > 47, "{own:?}");
    std::thread::scope(|scope| {
        for part in own.chunks(own.len().div_ceil(2)) {
            scope.spawn(move || {
                for line in part {
                    run(sample, &format!("explain {line} --org HD --period 2026-09"))
                        .exits(0)
                        .says("coverage ");
                }
            });
        }
    });
    for (no, says) in [
        ("1", "5,519"),
        ("7", "= 50.0 %"),
        ("18", "20"),
        ("30", "168"),
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
