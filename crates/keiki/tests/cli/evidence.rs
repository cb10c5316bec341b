//! Bad evidence: one clear reason with its place, accepted rows in, and nothing half-written.

use crate::workspace::{ASSETS_HEADER, Workspace};

fn ingest(
    workspace: &Workspace,
    dataset: &str,
    name: &str,
    text: impl AsRef<[u8]>,
) -> crate::workspace::Ran {
    workspace.write(name, text);
    workspace.run(&[
        "ingest",
        "--dataset",
        dataset,
        name,
        "--as-of",
        "2026-10-31",
    ])
}

#[test]
fn a_file_of_zero_bytes_is_no_report_of_nothing() {
    let workspace = Workspace::new();
    ingest(&workspace, "assets", "assets.csv", "")
        .exits(1)
        .complains("error: assets.csv: the file is empty")
        .complains("hint: to report that there is nothing");
    workspace.holds_nothing();
}

#[test]
fn rows_that_break_rules_are_rejected_with_line_and_reason_and_the_others_are_in() {
    let workspace = Workspace::new();
    let rows = "A1,JP1,hardware,one,true,,,,,,\n\
                A2,JP1,hardware\n\
                A3,JP1,hardware,three,true,,2026-02-30,,,,\n\
                A4,JP1,gadget,four,true,,,,,,\n\
                A5,,hardware,five,true,,,,,,\n\
                A6,JP1,hardware,six,true,,,,2026-05-01,declaration,\n\
                A1,JP1,hardware,other,true,,,,,,\n\
                A8,JP1,hardware,eight,true,,,,,,\n";
    ingest(
        &workspace,
        "assets",
        "assets.csv",
        format!("{ASSETS_HEADER}{rows}"),
    )
    .exits(3)
    .says("accepted 2  changed 2  unchanged 0  retired 0  rejected 6")
    .says("assets.csv:3  the row should have 11 fields like the header, found 3")
    .says("assets.csv:4  `owner_assigned_on` should be date, found `2026-02-30")
    .says("1 more: keiki rejects --source files");
    let rejects = workspace
        .run(&["rejects", "--format", "json"])
        .exits(0)
        .json();
    let found: Vec<(u64, &str)> = rejects
        .as_array()
        .expect("an array")
        .iter()
        .map(|row| {
            (
                row["row"].as_u64().unwrap_or(0),
                row["reason"].as_str().unwrap_or_default(),
            )
        })
        .collect();
    let expected = [
        (3, "row_shape"),
        (4, "wrong_type"),
        (5, "not_listed"),
        (6, "missing_value"),
        (7, "rule_broken"),
        (8, "duplicate_key"),
    ];
    assert_eq!(found, expected);
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn a_number_with_a_unit_in_it_is_rejected() {
    let workspace = Workspace::new();
    let text = "org_unit,all_staff,it_staff,security_staff\nJP1,120名,10,1\nUS1,80,8,1\n";
    ingest(&workspace, "headcounts", "headcounts.csv", text)
        .exits(3)
        .says("accepted 1")
        .says("headcounts.csv:2  `all_staff` should be decimal(12,2), found `120名");
}

#[test]
fn a_line_beyond_the_limit_is_rejected_and_the_rest_goes_on() {
    let workspace = Workspace::new();
    let long = "x".repeat(3 << 20);
    let rows = format!("A1,JP1,hardware,{long},true,,,,,,\nA2,JP1,hardware,two,true,,,,,,\n");
    let ran = ingest(
        &workspace,
        "assets",
        "assets.csv",
        format!("{ASSETS_HEADER}{rows}"),
    )
    .exits(3)
    .says("accepted 1");
    assert!(
        ran.out.len() < 2_000,
        "the line is not repeated: {} bytes",
        ran.out.len()
    );
    ran.says("assets.csv:2  unreadable row");
}

#[test]
fn a_broken_line_of_json_is_a_rejected_row_and_a_cut_off_array_is_nothing_at_all() {
    let workspace = Workspace::new();
    let lines = "{\"asset_id\":\"A1\",\"org_unit\":\"JP1\",\"kind\":\"hardware\"}\n{\"asset_id\":\"A2\",\n\
                 {\"asset_id\":\"A3\",\"org_unit\":\"JP1\",\"kind\":\"hardware\"}\n";
    ingest(&workspace, "assets", "assets.ndjson", lines)
        .exits(3)
        .says("accepted 2")
        .says("assets.ndjson:2");
    let fresh = Workspace::new();
    ingest(
        &fresh,
        "assets",
        "assets.json",
        "[{\"asset_id\":\"A1\",\"org_unit\":\"JP1\",\"kind\":\"hardware\"},",
    )
    .exits(1)
    .complains("assets.json:1:")
    .complains("ends too early")
    .complains("hint: export the file again");
    fresh.holds_nothing();
}

#[test]
fn a_mapping_that_names_no_column_points_into_the_source() {
    let workspace = Workspace::new();
    workspace.write(
        "sources/assets.toml",
        "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/a.csv\"\n\n[columns]\nasset_id = \"asset_no\"\n",
    );
    workspace.write(
        "evidence/a.csv",
        "asset_id,org_unit,kind\nA1,JP1,hardware\n",
    );
    workspace
        .run(&["ingest"])
        .exits(1)
        .complains("sources/assets.toml:7:13")
        .complains("hint:");
    workspace.holds_nothing();
}

#[test]
fn one_source_that_fails_does_not_keep_the_next_from_being_read() {
    let workspace = Workspace::new();
    for (name, dataset) in [("a_missing", "assets"), ("headcounts", "headcounts")] {
        workspace.write(
            &format!("sources/{name}.toml"),
            format!("name = \"{name}\"\nkind = \"csv\"\ndataset = \"{dataset}\"\nplace = \"evidence/{name}.csv\"\n"),
        );
    }
    workspace.write("evidence/headcounts.csv", "org_unit,all_staff\nJP1,120\n");
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(1)
        .complains("no file matches: evidence/a_missing.csv")
        .says("accepted 1");
}

#[test]
fn a_journal_of_a_newer_format_is_left_alone() {
    let workspace = Workspace::new();
    let journal = workspace.write(".keiki/journal/journal.json", "{\"format\":99}");
    ingest(
        &workspace,
        "assets",
        "assets.csv",
        format!("{ASSETS_HEADER}A1,JP1,hardware,one,true,,,,,,\n"),
    )
    .exits(1)
    .complains("the journal has format 99, newer than this program knows: 1")
    .complains("hint: install a newer Keiki");
    let kept = std::fs::read_to_string(journal).expect("the file is there");
    assert_eq!(kept, "{\"format\":99}");
    assert_eq!(
        workspace
            .path()
            .join(".keiki/journal")
            .read_dir()
            .map_or(0, Iterator::count),
        1
    );
}

#[test]
fn what_does_not_exist_is_named_with_its_nearest() {
    let workspace = Workspace::new();
    let file = workspace.write(
        "a.csv",
        format!("{ASSETS_HEADER}A1,JP1,hardware,one,true,,,,,,\n"),
    );
    let file = file.to_str().expect("a plain path");
    workspace
        .run(&["ingest", "--dataset", "asets", file])
        .exits(1)
        .complains("unknown dataset: asets")
        .complains("hint: did you mean assets?");
    workspace
        .run(&["ingest", "--dataset", "assets", file, "--covers", "JP2"])
        .exits(1)
        .complains("unknown org unit: JP2");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--as-of",
            "2099-01-01",
        ])
        .exits(1)
        .complains("lies in the future");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--as-of",
            "2026-02-30",
        ])
        .exits(1)
        .complains("not a date that exists: 2026-02-30");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--as-of",
            "2026-10-31",
        ])
        .exits(0);
    workspace
        .run(&["measure", "--org", "JP2", "--period", "2026-10"])
        .exits(1)
        .complains("unknown org unit: JP2")
        .complains("hint: did you mean JP1?");
    workspace
        .run(&["measure", "--kpi", "999"])
        .exits(1)
        .complains("unknown KPI: 999")
        .complains("hint:");
    workspace
        .run(&["measure", "--period", "2026-13"])
        .exits(1)
        .complains("not a period: 2026-13")
        .complains("hint: write 2026-09");
    workspace
        .run(&["measure", "--from", "2026-10", "--to", "2026-04"])
        .exits(1)
        .complains("hint:");
    workspace
        .run(&[
            "explain",
            "1",
            "--org",
            "HD",
            "--period",
            "2026-10",
            "--indicator",
            "x",
        ])
        .exits(1)
        .complains("inventory_ratio");
    workspace
        .run(&["sql", "delete from assets"])
        .exits(1)
        .complains("hint:");
    workspace
        .run(&["sql", "select nothing from assets"])
        .exits(1)
        .complains("hint:");
    workspace
        .run(&["rejects", "--source", "fils"])
        .exits(1)
        .complains("hint: did you mean files?");
}
