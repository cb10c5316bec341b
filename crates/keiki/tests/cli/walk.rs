//! The way from an empty folder to a figure and back to its rows.

use crate::workspace::{ASSETS_HEADER, Workspace, run_in};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      extent = \"full\"\nmissing = \"retire\"\ncovers = [\"HD\"]\n";

fn assets(rows: &str) -> String {
    format!("{ASSETS_HEADER}{rows}")
}

const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,,,,,,\n\
                    A3,US1,hardware,three,true,E2,2026-04-01,2026-06-01,2026-06-01,declaration,\n";

#[test]
fn a_new_workspace_passes_the_check() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    run_in(folder.path(), &["init", "new", "--language", "en"])
        .exits(0)
        .says("org.csv");
    run_in(
        &folder.path().join("new/sources"),
        &["check", "--language", "en"],
    )
    .exits(0)
    .says("3 org units, 1 sources");
    run_in(&folder.path().join("new"), &["check"])
        .exits(0)
        .says("問題はありません");
    run_in(folder.path(), &["init", "new", "--language", "en"])
        .exits(1)
        .complains("exists already")
        .complains("hint:");
}

#[test]
fn evidence_becomes_a_figure_that_opens_down_to_its_rows() {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", assets(ROWS));
    let asked = ["--kpi", "1", "--period", "2026-10"];
    workspace
        .run(&[&["measure"], asked.as_slice()].concat())
        .exits(1)
        .complains("hint: nothing was ingested yet");
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(0)
        .says("accepted 3  changed 3  unchanged 0  retired 0  rejected 0");
    workspace
        .run(&["measure", "--kpi", "1.1.1", "--period", "2026-10"])
        .exits(0)
        .says("66.7 %")
        .says("2 / 3");

    let all = workspace.run(&[
        "measure",
        "--kpi",
        "1",
        "--period",
        "2026-10",
        "--format",
        "json",
        "--all-orgs",
    ]);
    let all = all.exits(0).json();
    let found = |unit: &str| {
        let rows = all.as_array().expect("an array").iter();
        rows.filter(|m| m["org_unit"] == unit && m["indicator"] == "inventory_ratio")
            .collect::<Vec<_>>()
    };
    let group = found("HD")[0];
    assert_eq!(
        (&group["numerator"], &group["denominator"]),
        (&2.into(), &3.into())
    );
    assert_eq!(
        group["coverage"],
        serde_json::json!({ "covered": 3, "expected": 3 })
    );
    assert_eq!(group["status"], "on_pace");
    assert_eq!(found("US1")[0]["value"], 1);
    let keys = [
        "no",
        "code",
        "period",
        "known_at",
        "unit",
        "n",
        "target",
        "definition_version",
        "journal_version",
        "stats",
    ];
    assert!(keys.iter().all(|key| group.get(key).is_some()), "{group}");

    workspace
        .run(&[
            "explain", "1", "--org", "JP1", "--period", "2026-10", "--rows",
        ])
        .exits(0)
        .says("inventoried in the current cycle 1 ÷ Hardware assets in scope 2 = 50.0 %")
        .says("A2 ")
        .says("select sum(");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
    workspace
        .run(&["rejects"])
        .exits(0)
        .says("no row was rejected");
    workspace.run(&["sources"]).exits(0).says("2026-10-31");
    workspace
        .run(&[
            "sql",
            "select org_unit, sum(weight) as n from assets group by 1 order by 1",
            "--format",
            "csv",
        ])
        .exits(0)
        .says("org_unit,n\nJP1,1\nJP1-IT,1\nUS1,1\n");
}

#[test]
fn reading_the_same_again_adds_nothing_and_compaction_moves_no_figure() {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", assets(ROWS));
    let ingest = ["ingest", "assets", "--as-of", "2026-10-31"];
    workspace.run(&ingest).exits(0);
    workspace.run(&ingest).exits(0).says("nothing was added");
    let measure = [
        "measure",
        "--kpi",
        "1",
        "--period",
        "2026-10",
        "--known-at",
        "2026-12-31",
        "--format",
        "csv",
    ];
    let figures = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split(',').filter(|cell| !cell.contains('T')).collect())
            .collect()
    };
    let before = workspace.run(&measure).exits(0).out;
    workspace.run(&["compact"]).exits(0);
    assert_eq!(
        figures(&before),
        figures(&workspace.run(&measure).exits(0).out)
    );
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn what_a_late_reading_changed_is_listed_by_record() {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", assets(ROWS));
    workspace.run(&["ingest", "--as-of", "2026-09-30"]).exits(0);
    let counted = ROWS.replace(
        "A2,JP1-IT,hardware,two,true,,,,,,",
        "A2,JP1-IT,hardware,two,true,E3,2026-10-02,2026-10-05,2026-10-05,declaration,",
    );
    workspace.write("evidence/assets.csv", assets(&counted));
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(0)
        .says("changed 1  unchanged 2");
    let explain = [
        "explain",
        "1",
        "--org",
        "HD",
        "--period",
        "2026-10",
        "--against",
        "2026-09",
    ];
    workspace
        .run(&explain)
        .exits(0)
        .says("66.7 % → 100.0 %")
        .says("A2");
    let json = workspace
        .run(&[&explain, ["--format", "json"].as_slice()].concat())
        .exits(0)
        .json();
    assert_eq!(json["against"]["changes"][0]["record_key"], "A2");
    assert_eq!(json["against"]["changes"].as_array().map(Vec::len), Some(1));
}

#[test]
fn records_missing_from_a_full_export_wait_for_confirmation_where_many_would_go() {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", assets(ROWS));
    workspace.run(&["ingest", "--as-of", "2026-09-30"]).exits(0);
    let first = ROWS.split_inclusive('\n').next().expect("a row");
    workspace.write("evidence/assets.csv", assets(first));
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(0)
        .says("their retirement waits")
        .says("--confirm-missing");
    workspace
        .run(&["ingest", "--as-of", "2026-10-31", "--confirm-missing"])
        .exits(0)
        .says("retired 2");
    workspace
        .run(&["measure", "--kpi", "1", "--period", "2026-10"])
        .exits(0)
        .says("1 / 1");
}

#[test]
fn a_header_alone_is_a_report_of_nothing_and_silence_is_not() {
    let workspace = Workspace::new();
    let file = workspace.write(
        "incidents.csv",
        "incident_id,org_unit,detected_at,contained_at\n",
    );
    let file = file.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "incidents",
            file,
            "--covers",
            "US1",
            "--as-of",
            "2026-10-31",
        ])
        .exits(0);
    let asked = [
        "measure",
        "--kpi",
        "23",
        "--period",
        "2026-10",
        "--all-orgs",
        "--format",
        "json",
    ];
    let json = workspace.run(&asked).exits(0).json();
    let status = |unit: &str| {
        let mut rows = json.as_array().expect("an array").iter();
        let found = rows
            .find(|m| m["org_unit"] == unit && m["indicator"] == "open_count")
            .expect("a figure");
        (found["status"].clone(), found["value"].clone())
    };
    assert_eq!(status("US1"), ("no_target".into(), 0.into()));
    assert_eq!(status("JP1"), ("no_data".into(), serde_json::Value::Null));
    assert_eq!(status("HD").0, "provisional");
}

#[test]
fn a_parents_own_rows_do_not_speak_for_subsidiaries_that_sent_nothing() {
    let workspace = Workspace::new();
    let file = workspace.write(
        "assets.csv",
        assets("A9,HD,hardware,head office,true,,,,,,\nA1,JP1,hardware,one,true,,,,,,\n"),
    );
    let file = file.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--as-of",
            "2026-10-31",
        ])
        .exits(0)
        .says("not counted as reported: HD");
    let json = workspace
        .run(&[
            "measure", "--kpi", "1", "--period", "2026-10", "--format", "json",
        ])
        .exits(0)
        .json();
    assert_eq!(
        json[0]["coverage"],
        serde_json::json!({ "covered": 1, "expected": 3 })
    );
    assert_eq!(json[0]["status"], "provisional");
}
