//! Periods are closed, stay as they were reported, and are restated in the open.

use crate::workspace::{ASSETS_HEADER, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

const PROGRAMME: &str = "[adopted]\nkpis = [1]\n";

/// Two of four assets are inventoried.
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-04-01,,,,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

/// A third one turns out to have been inventoried.
const CORRECTED: &str =
    "A3,JP1,hardware,three,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n";

fn with(rows: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", PROGRAMME);
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{rows}"));
    workspace
}

fn closed() -> Workspace {
    let workspace = with(ROWS);
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
        .run(&["close", "2026-05"])
        .exits(0)
        .says("closed 2026-05 as revision 1: ")
        .says("as of commit 1");
    workspace
}

fn correct(workspace: &Workspace) {
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{CORRECTED}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
}

/// The change of KPI 1 for the group, as data.
fn change(workspace: &Workspace) -> serde_json::Value {
    let arguments = [
        "statement",
        "2026-05",
        "--revision",
        "1",
        "--against",
        "now",
        "--org",
        "HD",
        "--format",
        "json",
    ];
    let found = workspace.run(&arguments).exits(0).json();
    let changes = found.as_array().expect("an array").iter();
    let mut of_ratio = changes.filter(|one| one["indicator"] == "inventory_ratio");
    of_ratio.next().cloned().expect("the ratio changed")
}

#[test]
fn what_was_reported_stays_whatever_becomes_known_later() {
    let workspace = closed();
    correct(&workspace);
    workspace
        .run(&["measure", "--period", "2026-05"])
        .exits(0)
        .says("75.0 %");
    workspace
        .run(&["statement", "2026-05"])
        .exits(0)
        .says("as reported (revision 1)")
        .says("50.0 %");
    workspace
        .run(&["statement", "2026-05", "--revision", "now"])
        .exits(0)
        .says("not closed")
        .says("75.0 %");
    workspace
        .run(&["close", "2026-05"])
        .exits(1)
        .complains("2026-05 is closed already (revision 1)")
        .complains("keiki reopen 2026-05");
}

#[test]
fn a_restatement_says_what_moved_it_and_keeps_what_was_reported() {
    let workspace = closed();
    correct(&workspace);
    let moved = change(&workspace);
    assert_eq!(
        [
            &moved["before"],
            &moved["after"],
            &moved["by_evidence"],
            &moved["by_definitions"]
        ],
        [0.5, 0.75, 0.25, 0.0]
    );
    workspace
        .run(&["reopen", "2026-05", "--reason", "a late stocktake"])
        .exits(0)
        .says("revision 1 stays what was reported");
    workspace
        .run(&["statement", "2026-05"])
        .exits(0)
        .says("50.0 %");
    workspace
        .run(&["close", "2026-05"])
        .exits(0)
        .says("as revision 2");
    workspace
        .run(&["statement", "2026-05"])
        .exits(0)
        .says("as restated (revision 2)")
        .says("a late stocktake")
        .says("75.0 %");
    workspace
        .run(&["statement", "2026-05", "--revision", "1"])
        .exits(0)
        .says("50.0 %");
    workspace
        .run(&["statement", "2026-05", "--revision", "1", "--against", "2"])
        .exits(0)
        .says("+25.0 pt");
    workspace
        .run(&["statement"])
        .exits(0)
        .says("reopened")
        .says("a late stocktake");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("computed 2 closed statements again")
        .says("the books balance");
}

#[test]
fn a_trend_keeps_what_was_reported_first_and_marks_what_was_restated() {
    let workspace = closed();
    correct(&workspace);
    workspace
        .run(&["reopen", "2026-05", "--reason", "a late stocktake"])
        .exits(0);
    workspace.run(&["close", "2026-05"]).exits(0);
    let measured = workspace
        .run(&[
            "measure", "--kpi", "1", "--period", "2026-05", "--trend", "2", "--org", "HD",
            "--format", "json",
        ])
        .exits(0)
        .json();
    let figures = measured.as_array().expect("a list").iter();
    let mut ratios = figures.filter(|one| one["indicator"] == "inventory_ratio");
    let ratio = ratios.next().expect("the ratio");
    assert_eq!(ratio["value"], 0.75);
    assert_eq!(
        ratio["trend"][1],
        serde_json::json!({
            "period": "2026-05", "value": 0.5, "revision": 1, "reference": false,
            "restated": { "revision": 2, "value": 0.75 }
        })
    );
    let statement = workspace
        .run(&["statement", "2026-05", "--format", "json"])
        .exits(0)
        .json();
    let figures = statement["measurements"].as_array().expect("a list").iter();
    let judged = figures.filter(|one| one.get("judgement").is_some());
    let judged: Vec<_> = judged
        .map(|one| (one["org_unit"].clone(), one["companion"].clone()))
        .collect();
    assert_eq!(judged, [("HD".into(), false.into())]);
}

#[test]
fn a_changed_definition_is_told_from_new_evidence() {
    let workspace = closed();
    workspace.write(
        "programme.toml",
        format!(
            "{PROGRAMME}\n[[applicability]]\nkpi = 1\norg_unit = \"US1\"\napplies = false\nfrom = \"2026-04-01\"\n\
             reason = {{ ja = \"対象外\", en = \"out of scope\" }}\napproved_by = \"CISO\"\n"
        ),
    );
    let moved = change(&workspace);
    assert_eq!([&moved["before"], &moved["by_evidence"]], [0.5, 0.0]);
    let by_definitions = moved["by_definitions"].as_f64().expect("a number");
    assert!((by_definitions - 1.0 / 6.0).abs() < 1e-9, "{moved}");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

#[test]
fn where_there_are_approvers_the_command_line_asks_and_nobody_agrees_in_their_place() {
    let workspace = with(&format!(
        "{ROWS}A5,JP1,hardware,five,perhaps,E1,2026-04-01,,,,\n"
    ));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(3);
    workspace
        .run(&["user", "add", "ciso", "--role", "approver"])
        .exits(0);
    let late = ["close", "2026-05", "--reason", "it is late"];
    workspace
        .run(&[&late[..], &["--agreed-by", "ciso"]].concat())
        .exits(1)
        .complains("nobody agrees in their place");
    workspace
        .run(&late)
        .exits(0)
        .says("once an approver agrees")
        .complains("1 rejected rows");
    workspace.run(&late).exits(1).complains("asked for already");
    workspace
        .run(&["statement"])
        .exits(0)
        .says("nothing was closed yet");
}

#[test]
fn what_stands_in_the_way_needs_a_reason_and_a_second_person() {
    let workspace = with(&format!(
        "{ROWS}A5,JP1,hardware,five,perhaps,E1,2026-04-01,,,,\n"
    ));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(3);
    workspace
        .run(&["close", "2026-05", "--reason", "it is late"])
        .exits(1)
        .complains("source assets: 1 rejected rows, unresolved")
        .complains("--agreed-by");
    workspace
        .run(&["statement"])
        .exits(0)
        .says("nothing was closed yet");
    workspace
        .run(&[
            "close",
            "2026-05",
            "--reason",
            "it is late",
            "--agreed-by",
            "CISO",
        ])
        .exits(0)
        .says("as revision 1");
    workspace
        .run(&["statement", "2026-05"])
        .exits(0)
        .says("it is late")
        .says("agreed: CISO")
        .complains("1 rejected rows");
    workspace
        .run(&["close", "2099-01"])
        .exits(1)
        .complains("2099-01 is not over")
        .complains("from 2099-02-01 on");
}

#[test]
fn a_row_that_is_still_out_stands_in_the_way_until_a_later_reading_mends_it() {
    let wrong = "A5,JP1,hardware,five,perhaps,E1,2026-04-01,,,,\n";
    let workspace = with(&format!("{ROWS}{wrong}"));
    workspace.write("sources/assets.toml", SOURCE.replace("assets.csv", "*.csv"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(3);
    let next = |name: &str, before: &str, rows: &str| {
        std::fs::remove_file(workspace.path().join("evidence").join(before)).expect("it is there");
        let place = format!("evidence/{name}");
        workspace.write(&place, format!("{ASSETS_HEADER}{rows}"));
        workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    };
    // A later file with other records leaves the row out as it is.
    next("second.csv", "assets.csv", CORRECTED);
    workspace
        .run(&["close", "2026-05", "--reason", "it is late"])
        .exits(1)
        .complains("source assets: 1 rejected rows, unresolved");
    next("third.csv", "second.csv", &wrong.replace("perhaps", "true"));
    workspace
        .run(&["close", "2026-05"])
        .exits(0)
        .says("as revision 1");
}

/// Changes one byte of the first event in the book, as somebody might who wants another figure.
fn tamper(workspace: &Workspace, sql: &str) {
    let script = format!(
        "import sqlite3\nbooks = sqlite3.connect('.keiki/keiki.db')\nbooks.execute(\"{sql}\")\nbooks.commit()\n"
    );
    let done = std::process::Command::new("python3")
        .args(["-c", &script])
        .current_dir(workspace.path())
        .status()
        .expect("python3 can be run; .ci/test installs it");
    assert!(done.success());
}

#[test]
fn a_changed_or_missing_statement_is_found() {
    let workspace = closed();
    correct(&workspace);
    workspace
        .run(&["reopen", "2026-05", "--reason", "late"])
        .exits(0);
    workspace.run(&["close", "2026-05"]).exits(0);
    workspace.run(&["verify"]).exits(0);
    tamper(
        &workspace,
        "update statements set sha256 = replace(sha256, substr(sha256, 1, 4), 'beef') where number = 2",
    );
    workspace
        .run(&["verify"])
        .exits(4)
        .complains("statement event 2: ");
    let workspace = closed();
    correct(&workspace);
    workspace
        .run(&["reopen", "2026-05", "--reason", "late"])
        .exits(0);
    tamper(&workspace, "delete from statements where number = 1");
    workspace
        .run(&["verify"])
        .exits(4)
        .complains("statement event 1: it is missing");
}

#[test]
fn a_trend_shows_what_was_reported_and_marks_reference_values() {
    let workspace = with(ROWS);
    // The stocktake is known from May on.
    workspace.write(
        "sources/assets.toml",
        format!("{SOURCE}\n[window]\nfrom = \"2026-05-01\"\n"),
    );
    workspace.write(
        "past.csv",
        "period,kpi,org_unit,value,numerator,denominator\n2026-02,1,HD,62.5%,5,8\n",
    );
    workspace
        .run(&["statement", "--import", "past.csv"])
        .exits(0);
    // The old workbook gives a percentage alone.
    workspace.write(
        "sources/old.toml",
        "name = \"old\"\nkind = \"csv\"\ndataset = \"reported_figures\"\nplace = \"evidence/old.csv\"\ncovers = [\"HD\"]\n",
    );
    workspace.write(
        "evidence/old.csv",
        "kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n\
         1,inventory_ratio,HD,2026-03,,,0.7,U77,old.xlsx\n1,inventory_ratio,JP1,2026-03,,,0.9,U77,old.xlsx\n",
    );
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace.run(&["close", "2026-05"]).exits(0);
    correct(&workspace);
    let asked = [
        "measure", "--kpi", "1", "--period", "2026-05", "--trend", "5", "--org", "HD",
    ];
    workspace
        .run(&asked)
        .exits(0)
        .says("·(▆█)·▁")
        .complains("reference values");
    let data = workspace
        .run(&[&asked[..], &["--format", "json"]].concat())
        .exits(0)
        .json();
    let ratio = data
        .as_array()
        .and_then(|all| all.iter().find(|one| one["indicator"] == "inventory_ratio"))
        .expect("it is measured");
    let trend = &ratio["trend"];
    let expected = [
        (
            "2026-01",
            serde_json::Value::Null,
            serde_json::Value::Null,
            false,
        ),
        ("2026-02", 0.625.into(), 0.into(), true),
        ("2026-03", 0.7.into(), serde_json::Value::Null, true),
        ("2026-05", 0.5.into(), 1.into(), false),
    ];
    for (period, value, revision, reference) in expected {
        let points = trend.as_array().expect("a trend").iter();
        let point = points.clone().find(|one| one["period"] == period);
        assert_eq!(
            point,
            Some(&serde_json::json!({
                "period": period, "value": value, "revision": revision, "reference": reference,
                "restated": null
            })),
            "{trend}"
        );
    }
    // A percentage of a company is no part of the group's.
    let other = workspace
        .run(&[
            "measure", "--kpi", "1", "--period", "2026-03", "--org", "HD", "--format", "json",
        ])
        .exits(0)
        .json();
    assert_eq!(
        (&other[0]["basis"], &other[0]["value"]),
        (&"reference".into(), &0.7.into())
    );
}

#[test]
fn figures_of_the_time_before_are_filed_as_revision_0() {
    let workspace = with(ROWS);
    workspace.write(
        "past.csv",
        "period,kpi,org_unit,value\n2022-03,1,HD,62.5%\n2022-06,1,HDX,0.7\n2022-09,99,HD,1\n2022-12,1,HD,many\n",
    );
    workspace
        .run(&["statement", "--import", "past.csv"])
        .exits(1)
        .complains("past.csv:3: unknown org unit HDX")
        .complains("did you mean HD?")
        .complains("past.csv:4: no KPI 99")
        .complains("past.csv:5: value is not a number: many");
    workspace.write(
        "past.csv",
        "period,kpi,org_unit,value,numerator,denominator\n2022-03,1,HD,62.5%,5,8\n2022-06,1,HD,0.97,,\n",
    );
    workspace
        .run(&["statement", "--import", "past.csv"])
        .exits(0)
        .says("2022-03: filed 1 figures as revision 0");
    workspace
        .run(&["statement", "2022-03"])
        .exits(0)
        .says("as reported (revision 0, before Keiki)")
        .says("(62.5 %)")
        .says("5 / 8")
        .says("missed");
    workspace
        .run(&["statement", "2022-06"])
        .exits(0)
        .says("met");
    workspace
        .run(&["statement", "--import", "past.csv"])
        .exits(1)
        .complains("2022-03 has a statement already");
}
