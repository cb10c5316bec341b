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
fn of_very_many_rejected_rows_the_screen_shows_the_first_and_data_has_all() {
    let workspace = Workspace::new();
    let rows: String = (1..=1_200).map(|n| format!("A{n},JP1\n")).collect();
    let text = format!("{ASSETS_HEADER}{rows}");
    ingest(&workspace, "assets", "assets.csv", text).exits(3);
    let screen = workspace
        .run(&["rejects"])
        .exits(0)
        .says("assets.csv:1001 ")
        .says("200 more are not shown; --format csv lists them all");
    assert!(!screen.out.contains("assets.csv:1002 "), "{screen:?}");
    let listed = workspace.run(&["rejects", "--format", "json"]);
    let listed = listed.exits(0).json();
    let listed = listed.as_array().expect("an array");
    let lines: Vec<_> = listed.iter().map(|row| row["row"].as_u64()).collect();
    assert_eq!(lines, (2..=1_201).map(Some).collect::<Vec<_>>());
    // Nothing rejected is an empty list.
    let none = Workspace::new();
    let text = format!("{ASSETS_HEADER}A8,JP1,hardware,eight,true,,,,,,\n");
    ingest(&none, "assets", "assets.csv", text).exits(0);
    let listed = none.run(&["rejects", "--format", "json"]).exits(0).json();
    assert_eq!(listed, serde_json::json!([]));
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
    .says("assets.csv:4  Owner assigned on (`owner_assigned_on`) should be date, found `2026-02-30")
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
        .says("headcounts.csv:2  All staff (`all_staff`) should be decimal(12,2), found `120名");
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
    .complains("journal/journal.json: the journal has format 99, newer than this program knows: 1")
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

/// The source of the README, and an export of sixty assets.
fn full_export() -> (Workspace, String) {
    let workspace = Workspace::new();
    workspace.write(
        "sources/assets.toml",
        "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
         extent = \"full\"\nmissing = \"retire\"\n\n[columns]\nasset_id = '\"Tag\"'\norg_unit = '\"Unit\"'\n\
         kind = \"'hardware'\"\nis_in_scope = \"true\"\ndeclared_on = '\"Seen\"'\n",
    );
    let mut export = String::from("Tag,Unit,Seen\n");
    for number in 0..60 {
        export.push_str(&format!(
            "A{number:02},JP1,2026-05-{:02}\n",
            1 + number % 28
        ));
    }
    workspace.write("evidence/assets.csv", &export);
    workspace
        .run(&["ingest", "--as-of", "2026-05-31"])
        .exits(0)
        .says("accepted 60  changed 60");
    (workspace, export)
}

#[test]
fn a_full_export_that_is_cut_off_behind_a_row_retires_nothing_until_confirmed() {
    let (workspace, export) = full_export();
    let whole = export.find("A58").expect("the row is there");
    workspace.write("evidence/assets.csv", &export[..whole - 1]);
    let again = ["ingest", "--as-of", "2026-06-30"];
    workspace
        .run(&again)
        .exits(0)
        .says("retired 0")
        .says("2 records are missing from the full export; their retirement waits")
        .says("evidence/assets.csv:59 the last line does not end; the file may be cut off")
        .says("A58, A59")
        .says("--confirm-missing");
    let confirmed = [again.as_slice(), &["--confirm-missing"]].concat();
    workspace.run(&confirmed).exits(0).says("retired 2");
    // A person has said that such a file is whole.
    let whole = export.find("A57").expect("the row is there");
    workspace.write("evidence/assets.csv", &export[..whole - 1]);
    workspace
        .run(&["ingest", "--as-of", "2026-07-31"])
        .exits(0)
        .says("retired 1");
}

#[test]
fn a_full_export_that_is_cut_off_within_a_row_retires_nothing_and_says_so() {
    let (workspace, export) = full_export();
    let within = export.find("A57").expect("the row is there") + "A57,JP1,2026-0".len();
    workspace.write("evidence/assets.csv", &export[..within]);
    workspace
        .run(&["ingest", "--as-of", "2026-06-30"])
        .exits(3)
        .says("accepted 57")
        .says("retired 0")
        .says("rejected 1")
        .says("evidence/assets.csv:59 the last line does not end; the file may be cut off");
    // The whole file again, and what is missing from it is missing.
    workspace.write(
        "evidence/assets.csv",
        export.replace("A59,JP1,2026-05-04\n", ""),
    );
    workspace
        .run(&["ingest", "--as-of", "2026-07-31"])
        .exits(0)
        .says("retired 1");
}

#[test]
fn a_source_that_never_ends_its_last_line_retires_as_any_other() {
    let (workspace, export) = full_export();
    let fresh = Workspace::new();
    let source = workspace.path().join("sources/assets.toml");
    let source = std::fs::read_to_string(source).expect("the source is there");
    fresh.write("sources/assets.toml", source);
    fresh.write("evidence/assets.csv", export.trim_end());
    fresh.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    let shorter = export.replace("A59,JP1,2026-05-04\n", "");
    fresh.write("evidence/assets.csv", shorter.trim_end());
    fresh
        .run(&["ingest", "--as-of", "2026-06-30"])
        .exits(0)
        .says("retired 1");
}

#[test]
fn rejected_rows_and_unknown_values_say_what_was_found_and_how_to_mend_it() {
    let workspace = Workspace::new();
    let rows = "A1,JP1\nA3,JP1,hardware,three,true,,2026-02-30,,,,\nA5,,hardware,five,true,,,,,,\n";
    ingest(&workspace, "assets", "assets.csv", format!("{ASSETS_HEADER}{rows}"))
        .exits(3)
        .says("assets.csv:2  the row should have 11 fields like the header, found 2\n      hint: the row is cut off")
        .says("found `2026-02-30`\n      hint: ")
        .says("assets.csv:4  Org unit (`org_unit`) is required, found nothing\n      hint: fill it in");
    let text = "org_unit,all_staff\nJP1,5 FTE\n";
    ingest(&workspace, "headcounts", "headcounts.csv", text)
        .exits(3)
        .says("found `5 FTE`\n      hint: the number carries a unit");
    workspace.write(
        "sources/kev.toml",
        "name = \"kev\"\nkind = \"kev\"\nplace = \"evidence/kev.csv\"\n",
    );
    workspace.write(
        "evidence/kev.csv",
        "cveID,vendorProject,product,vulnerabilityName,dateAdded,dueDate,knownRansomwareCampaignUse\n\
         CVE-2021-34527,Microsoft,Windows,PrintNightmare,2021-11-03,2021-07-20,Known\n\
         CVE-2025-48384,Git,Git,Link following,2025-08-25,2025-09-15,Unknown\n",
    );
    workspace
        .run(&["ingest", "kev", "--as-of", "2026-10-31"])
        .exits(0)
        .says("accepted 2")
        .says("rejected 0  left unknown 1")
        .says("1 left unknown: It is due before it was listed")
        .says("keiki rejects --source kev");
    let listed = workspace
        .run(&["rejects", "--source", "kev", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(listed[0]["outcome"], "left_unknown");
    assert_eq!(listed[0]["cells"][0]["column"], "due_on");
    assert_eq!(listed[0]["cells"][0]["value"], "2021-07-20");
    let books = workspace
        .run(&[
            "sql",
            "select cve_id, due_on from exploited_vulnerabilities order by cve_id",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(books[0]["cve_id"], "CVE-2021-34527");
    assert!(books[0]["due_on"].is_null(), "{books}");
    assert_eq!(books[1]["due_on"], "2025-09-15");
}

#[test]
fn an_explanation_of_a_survival_median_counts_its_cases() {
    let workspace = Workspace::new();
    let mut rows = String::from("incident_id,org_unit,kind,detected_at,contained_at\n");
    for number in 1..=12 {
        rows.push_str(&format!(
            "I{number},JP1,other,2026-09-{number:02}T00:00:00Z,2026-09-{number:02}T05:00:00Z\n"
        ));
    }
    workspace.write("incidents.csv", rows);
    let files = [
        "ingest",
        "--dataset",
        "incidents",
        "incidents.csv",
        "--covers",
        "HD",
    ];
    workspace
        .run(&[&files, ["--as-of", "2026-09-30"].as_slice()].concat())
        .exits(0);
    let asked = [
        "explain",
        "23",
        "--indicator",
        "containment_hours_survival_median",
        "--org",
        "JP1",
        "--period",
        "2026-09",
    ];
    workspace
        .run(&asked)
        .exits(0)
        .says("containment_spell  Spell from detection to containment  12\n");
    let before = [asked.as_slice(), &["--against", "2026-08"]].concat();
    let compared = workspace.run(&before).exits(0);
    let row = compared
        .out
        .lines()
        .find(|line| line.contains("containment_spell  I1 "));
    let row = row.expect("the case is listed").split_whitespace().take(4);
    assert_eq!(
        row.collect::<Vec<_>>(),
        ["containment_spell", "I1", "–", "1"]
    );
}
