//! From rows to records, from outside: rows that are mended, assets that several tools see, what is owed and what waits.

use crate::workspace::Workspace;

const INVENTORY: &str = "name = \"inventory\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/inventory.csv\"\n\
                         precedence = 10\n\n[columns]\nasset_id = '\"No\"'\norg_unit = '\"Org\"'\nkind = \"'hardware'\"\n\
                         is_in_scope = \"'true'\"\ndeclared_on = '\"Declared\"'\ninventoried_on = '\"Counted\"'\n\
                         inventoried_by = \"case when \\\"Counted\\\" is not null then 'declaration' end\"\n\
                         disposed_on = '\"Gone\"'\nserial_number = '\"Serial\"'\nowner_assigned_on = '\"Declared\"'\n";

const SCANNER: &str = "name = \"scanner\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/scanner.csv\"\n\n[columns]\n\
                       org_unit = '\"Org\"'\nkind = \"'hardware'\"\nis_in_scope = \"'true'\"\ndiscovered_on = '\"Seen\"'\n\
                       discovered_by = \"'scanner'\"\nserial_number = '\"Serial\"'\nmac_address = '\"MAC\"'\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/inventory.toml", INVENTORY);
    workspace.write("sources/scanner.toml", SCANNER);
    workspace
}

#[test]
fn a_rejected_row_is_exported_with_its_cells_mended_and_sent_back() {
    let workspace = workspace();
    workspace.write(
        "evidence/inventory.csv",
        "No,Org,Declared,Counted,Gone,Serial,Note\nA1,JP1,2026-04-01,2026-05-10,2026-05-01,S1,=cmd()\nA2,JP1,2026-04-01,,,S2,-5\n",
    );
    workspace
        .run(&["ingest", "inventory", "--as-of", "2026-05-31"])
        .exits(3);
    let listed = workspace
        .run(&["rejects", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(listed[0]["rule"], "disposed_on >= inventoried_on");
    assert_eq!(listed[0]["cells"][0]["column"], "disposed_on");
    assert_eq!(listed[0]["cells"][0]["value"], "2026-05-01");
    assert_eq!(listed[0]["state"], "open");
    // The dataset names people, so that the cells are given only when they are asked for.
    assert!(listed[0]["original"].is_null());
    let sheet = workspace
        .run(&["rejects", "--open", "--personal", "--format", "csv"])
        .exits(0);
    assert!(sheet.out.contains("'=cmd()"), "{}", sheet.out);
    assert!(
        sheet.out.starts_with("keiki_seq,keiki_source,"),
        "{}",
        sheet.out
    );
    let mended = sheet.out.replace(",2026-05-01,S1,", ",,S1,");
    assert_ne!(mended, sheet.out);
    let mended = workspace.write("mended.csv", mended);
    let mended = mended.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "inventory",
            "--file",
            mended,
            "--as-of",
            "2026-05-31",
        ])
        .exits(0)
        .says("accepted 1  changed 1");
    workspace
        .run(&["rejects"])
        .exits(0)
        .says("mended by commit 2");
    workspace
        .run(&["rejects", "--open"])
        .exits(0)
        .says("no row was rejected");
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn a_row_that_is_rejected_again_is_open_once() {
    let workspace = workspace();
    let bad = "No,Org,Declared,Counted,Gone,Serial\nA1,JP1,2026-04-01,2026-05-10,2026-05-01,S1\n";
    for (day, note) in [("2026-05-31", ""), ("2026-06-30", "\n")] {
        workspace.write("evidence/inventory.csv", format!("{bad}{note}"));
        workspace
            .run(&["ingest", "inventory", "--as-of", day])
            .exits(3);
    }
    let open = workspace
        .run(&["rejects", "--open", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(open.as_array().map(Vec::len), Some(1), "{open}");
    assert_eq!(open[0]["seq"], 2);
}

#[test]
fn what_a_tool_sees_and_nobody_declared_counts_until_it_is_declared() {
    let workspace = workspace();
    workspace.write(
        "evidence/inventory.csv",
        "No,Org,Declared,Counted,Gone,Serial\nA1,JP1,2026-04-01,2026-04-10,,S1\n",
    );
    workspace.write(
        "evidence/scanner.csv",
        "Org,Seen,Serial,MAC\nJP1,2026-04-02,s1,00:11:22:33:44:55\nJP1,2026-04-03,S2,\n",
    );
    workspace.run(&["ingest", "--as-of", "2026-04-30"]).exits(0);
    let measured = workspace
        .run(&[
            "measure", "--kpi", "1", "--org", "JP1", "--period", "2026-04", "--format", "json",
        ])
        .exits(0)
        .json();
    let figure = |code: &str| {
        let found = measured.as_array().expect("an array").iter();
        let mut found = found.filter(|one| one["indicator"] == code);
        found.next().cloned().expect("the indicator is measured")
    };
    let ratio = figure("inventory_ratio");
    assert_eq!(
        (
            ratio["numerator"].to_string(),
            ratio["denominator"].to_string()
        ),
        ("1".into(), "2".into())
    );
    assert_eq!(figure("undeclared_count")["value"].to_string(), "1");
    workspace
        .run(&[
            "explain",
            "1",
            "--org",
            "JP1",
            "--period",
            "2026-04",
            "--indicator",
            "undeclared_count",
            "--rows",
        ])
        .exits(0)
        .says("seen:serial_number=s2");
    workspace.write(
        "evidence/inventory.csv",
        "No,Org,Declared,Counted,Gone,Serial\nA1,JP1,2026-04-01,2026-04-10,,S1\nA2,JP1,2026-05-02,2026-05-02,,S-2\nA3,JP1,2026-05-02,2026-05-02,,S2\n",
    );
    workspace
        .run(&["ingest", "inventory", "--as-of", "2026-05-31"])
        .exits(0)
        .says("1 records were found to be others");
    workspace
        .run(&["identity"])
        .exits(0)
        .says("was seen:serial_number=s2 too; both have serial_number=s2");
    let found = workspace
        .run(&["identity", "assets", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(
        (&found[0]["finding"], &found[0]["record"]),
        (&"merged".into(), &"A3".into())
    );
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn what_each_org_unit_owes_is_listed_with_the_kpis_that_have_no_data() {
    let workspace = workspace();
    workspace.write("programme.toml", "[adopted]\nkpis = [1, 8]\n");
    workspace.write(
        "evidence/inventory.csv",
        "No,Org,Declared,Counted,Gone,Serial\nA1,JP1,2020-04-01,2020-04-10,,S1\n",
    );
    workspace
        .run(&["ingest", "inventory", "--as-of", "2020-04-30"])
        .exits(0);
    let owed = workspace
        .run(&["sources", "--coverage", "--org", "JP1", "--format", "json"])
        .exits(0)
        .json();
    let of = |dataset: &str| {
        let mut rows = owed.as_array().expect("an array").iter();
        rows.find(|row| row["dataset"] == dataset)
            .cloned()
            .expect("it is owed")
    };
    assert_eq!(of("assets")["state"], "overdue");
    assert_eq!(of("assets")["until"], "2020-04-30");
    assert_eq!(of("assets")["fresh_until"], "2020-06-04");
    assert_eq!(of("assets")["kpis_without_data"], serde_json::json!([1]));
    assert_eq!(of("headcounts")["state"], "never");
    assert_eq!(
        of("headcounts")["kpis_without_data"],
        serde_json::json!([8])
    );
    workspace
        .run(&["sources", "--coverage", "--overdue"])
        .exits(0)
        .says("2020-06-04");
    workspace
        .run(&["sources"])
        .exits(0)
        .complains("are overdue or never came; KPIs without data: 1 8; `keiki sources --coverage --overdue` lists them");
    workspace
        .run(&["sources", "--coverage", "--org", "JP9"])
        .exits(1)
        .complains("unknown org unit: JP9");
}

/// HD has one department, and two companies below it.
#[test]
fn a_company_has_sent_what_its_departments_have_and_not_what_the_companies_below_it_have() {
    let workspace = workspace();
    workspace.write("org.csv", include_str!("../../../../catalogue/org.csv"));
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    let read = |rows: &str, as_of: &str| {
        let export = format!("No,Org,Declared,Counted,Gone,Serial\n{rows}");
        workspace.write("evidence/inventory.csv", export);
        workspace
            .run(&["ingest", "inventory", "--as-of", as_of])
            .exits(0);
    };
    let until = |unit: &str| {
        let asked = ["sources", "--coverage", "--format", "json"];
        let owed = workspace.run(&asked).exits(0).json();
        let mut rows = owed.as_array().expect("an array").iter();
        let row = rows.find(|row| row["org_unit"] == unit);
        row.expect("it owes")["until"].clone()
    };
    let of_department = "A1,HD-SEC,2020-04-01,2020-04-10,,S1\n";
    read(of_department, "2020-04-30");
    assert_eq!(
        (until("HD"), until("US1")),
        ("2020-04-30".into(), serde_json::Value::Null)
    );
    read("A2,JP1,2020-04-01,2020-04-10,,S2\n", "2020-05-31");
    assert_eq!(
        (until("HD"), until("JP1")),
        ("2020-04-30".into(), "2020-05-31".into())
    );
}

#[test]
fn a_source_whose_evidence_ages_sooner_says_so() {
    let workspace = workspace();
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    let source = std::fs::read_to_string(workspace.path().join("sources/inventory.toml"));
    let source = source.expect("the source is there");
    workspace.write(
        "sources/inventory.toml",
        format!("fresh_days = 7\n{source}"),
    );
    workspace.write(
        "evidence/inventory.csv",
        "No,Org,Declared,Counted,Gone,Serial\nA1,JP1,2020-04-01,2020-04-10,,S1\n",
    );
    let read = |as_of: &str| {
        let read = workspace.run(&["ingest", "inventory", "--as-of", as_of]);
        read.exits(0);
    };
    let status = || {
        let asked = [
            "measure", "--kpi", "1", "--org", "JP1", "--period", "2020-04", "--format", "json",
        ];
        workspace.run(&asked).exits(0).json()[0]["status"].clone()
    };
    // Of the 12th it speaks until the 19th, so that nothing is known of the end of the month.
    read("2020-04-12");
    assert_eq!(status(), "no_data");
    let owed = || {
        let asked = ["sources", "--coverage", "--org", "JP1", "--format", "json"];
        let owed = workspace.run(&asked).exits(0).json();
        owed[0]["fresh_until"].clone()
    };
    assert_eq!(owed(), "2020-04-19");
    read("2020-04-25");
    assert_ne!(status(), "no_data");
    assert_eq!(owed(), "2020-05-02");
    workspace.write(
        "sources/inventory.toml",
        format!("fresh_days = 700\n{source}"),
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("fresh_days is more than the dataset `assets` allows: 700");
}

#[test]
fn a_total_that_was_reported_is_evidence_in_the_place_of_rows() {
    let workspace = workspace();
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    #[expect(
        clippy::disallowed_methods,
        reason = "evidence is fresh or not as of the day of the test"
    )]
    let today = jiff::Timestamp::now()
        .in_tz("Asia/Tokyo")
        .expect("the zone of the workspace")
        .date();
    let month = &today.to_string()[..7];
    let owed = |unit: &str| {
        let owed = workspace.run(&["sources", "--coverage", "--org", unit, "--format", "json"]);
        let owed = owed.exits(0).json();
        let mut rows = owed.as_array().expect("an array").iter();
        rows.find(|row| row["dataset"] == "assets")
            .cloned()
            .expect("assets are owed")
    };
    assert_eq!(owed("JP1")["state"], "never");
    workspace.write(
        "evidence/totals.csv",
        format!(
            "kpi_no,indicator,org_unit,period,numerator,denominator\n1,inventory_ratio,JP1,{month},8,10\n"
        ),
    );
    let ingest = [
        "ingest",
        "--dataset",
        "reported_figures",
        "evidence/totals.csv",
    ];
    workspace.run(&ingest).exits(0);
    let found = owed("JP1");
    assert_eq!(found["state"], "fresh", "{found}");
    assert_eq!(found["until"], today.to_string());
    assert_eq!(found["source"], "files");
    assert_eq!(found["kpis_without_data"], serde_json::json!([]));
}

#[test]
fn retirements_that_wait_are_listed_with_the_command_that_confirms_them() {
    let workspace = workspace();
    workspace.write(
        "sources/inventory.toml",
        INVENTORY.replace(
            "precedence = 10",
            "precedence = 10\nextent = \"full\"\nmissing = \"retire\"",
        ),
    );
    let row = |number: u32| format!("A{number},JP1,2026-04-01,,,S{number}\n");
    let header = "No,Org,Declared,Counted,Gone,Serial\n";
    let all: String = (1..=5).map(row).collect();
    workspace.write("evidence/inventory.csv", format!("{header}{all}"));
    workspace
        .run(&["ingest", "inventory", "--as-of", "2026-04-30"])
        .exits(0);
    workspace.write("evidence/inventory.csv", format!("{header}{}", row(1)));
    workspace
        .run(&["ingest", "inventory", "--as-of", "2026-05-31"])
        .exits(0)
        .says("A2, A3, A4, A5")
        .says("keiki ingest inventory --as-of 2026-05-31 --confirm-missing");
    let waiting = workspace
        .run(&["sources", "--waiting", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(waiting.as_array().map(Vec::len), Some(4));
    let command = waiting[0]["confirm"].as_str().expect("a command");
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    workspace.run(&arguments).exits(0).says("retired 4");
    workspace
        .run(&["sources", "--waiting"])
        .exits(0)
        .says("no retirement waits for confirmation");
    workspace.run(&["verify"]).exits(0);
}
