//! The close of a month as a procedure: its days, who certifies, what is too small to reopen for, and what moved a figure.

use crate::workspace::{ASSETS_HEADER, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

const ORGANISATION: &str = "language = \"en\"\nzone = \"Asia/Tokyo\"\n\n[organisation]\n\
                            name = { ja = \"架空\", en = \"Fictional\" }\n";

const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-04-01,,,,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

/// A third one turns out to have been inventoried.
const CORRECTED: &str =
    "A3,JP1,hardware,three,true,E1,2026-04-01,2026-05-20,2026-05-20,declaration,\n";

fn with(close: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("keiki.toml", format!("{ORGANISATION}\n{close}"));
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
}

fn correct(workspace: &Workspace) {
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{CORRECTED}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
}

/// The bridge of the group's inventory ratio from the first revision to today, as data.
fn bridge(workspace: &Workspace) -> serde_json::Value {
    let found = workspace
        .run(&["bridge", "2026-05", "--kpi", "1", "--format", "json"])
        .exits(0)
        .json();
    let all = found.as_array().expect("an array").iter();
    let mut of_ratio = all.filter(|one| one["indicator"] == "inventory_ratio");
    of_ratio.next().cloned().expect("the ratio changed")
}

fn number(value: &serde_json::Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn each_company_certifies_its_figures_before_the_group_closes() {
    let workspace = with(
        "[close]\ncut_off = 3\npreliminary = 5\nfinal = 8\n\n[[close.certifiers]]\norg_unit = \"JP1\"\nperson = \"tanaka\"\ndeputy = \"suzuki\"\n",
    );
    workspace
        .run(&["close", "2026-05", "--status"])
        .exits(0)
        // June 2026 begins on a Monday and has no holiday.
        .says("cut-off 2026-06-03  preliminary close 2026-06-05  final close 2026-06-10")
        .says("not yet")
        .says("not certified by tanaka");
    workspace
        .run(&["close", "2026-05", "--preliminary"])
        .exits(0)
        .says("lie before those who certify them");
    workspace
        .run_as("sato", &["close", "2026-05"])
        .exits(1)
        .complains("Fictional Manufacturing: not certified by tanaka");
    workspace
        .run_as("sato", &["certify", "2026-05", "--org", "JP1"])
        .exits(1)
        .complains("sato is not the one to certify")
        .complains("tanaka or suzuki");
    workspace
        .run_as("suzuki", &["certify", "2026-05", "--org", "JP1"])
        .exits(0)
        .says("of Fictional Manufacturing for 2026-05");
    correct(&workspace);
    workspace
        .run_as("sato", &["close", "2026-05"])
        .exits(1)
        .complains("the figures have changed since suzuki certified them");
    workspace
        .run_as("tanaka", &["certify", "2026-05", "--org", "JP1"])
        .exits(0);
    workspace
        .run_as("sato", &["close", "2026-05"])
        .exits(0)
        .says("as revision 1");
    let statement = workspace
        .run(&["statement", "2026-05", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(statement["remarks"]["certifications"][0]["by"], "tanaka");
    workspace.run(&["statement"]).exits(0).says("preliminary");
}

#[test]
fn deviations_without_an_explanation_stand_in_the_way_where_they_are_asked_for() {
    let workspace = with("[close]\nexplain = [\"group\"]\n");
    // The cycle ends with March; by then none of the assets was inventoried.
    workspace.run(&["ingest", "--as-of", "2026-03-31"]).exits(0);
    workspace
        .run(&["close", "2026-03", "--reason", "late"])
        .exits(1)
        .complains("nobody said why it misses its target");
    workspace
        .run(&[
            "notes",
            "explain",
            "1",
            "--org",
            "HD",
            "--period",
            "2026-03",
            "--cause",
            "no stocktake",
        ])
        .exits(0);
    let closed = workspace.run(&["close", "2026-03"]);
    assert!(!closed.err.contains("nobody said why"), "{closed:#?}");
}

#[test]
fn a_difference_below_the_threshold_is_noted_and_the_period_stays_closed() {
    let close = "[close.materiality]\nratio = \"0.4\"\nrelative = \"0.5\"\n";
    let workspace = with(close);
    workspace.run(&["close", "2026-05"]).exits(0);
    correct(&workspace);
    workspace
        .run(&["reopen", "2026-05", "--reason", "a late stocktake"])
        .exits(0)
        .says("it is noted, and 2026-05 stays closed");
    workspace
        .run(&["statement"])
        .exits(0)
        .says("difference noted");
    workspace
        .run(&["close", "2026-05"])
        .exits(1)
        .complains("closed already");
    // A lower threshold opens it.
    workspace.write(
        "keiki.toml",
        format!("{ORGANISATION}\n{}", close.replace("0.4", "0.01")),
    );
    workspace
        .run(&[
            "reopen",
            "2026-05",
            "--reason",
            "a late stocktake",
            "--cause",
            "late_evidence",
        ])
        .exits(0)
        .says("opened 2026-05 again");
    workspace
        .run(&["close", "2026-05"])
        .exits(0)
        .says("restates revision 1");
    let restatement = workspace
        .run(&["statement", "2026-05", "--format", "json"])
        .exits(0)
        .json()["restatement"]
        .clone();
    assert_eq!(restatement["stated"], "late_evidence");
    assert_eq!(restatement["of_revision"], 1);
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

#[test]
fn a_bridge_has_three_parts_that_add_up_and_leads_to_the_entries() {
    let workspace = with("");
    workspace.run(&["close", "2026-05"]).exits(0);
    correct(&workspace);
    // The American company no longer owes it, and a department moves to a company of its own.
    workspace.write(
        "programme.toml",
        "[adopted]\nkpis = [1]\n\n[[applicability]]\nkpi = 1\norg_unit = \"US1\"\napplies = false\nfrom = \"2026-04-01\"\n\
         reason = { ja = \"対象外\", en = \"out of scope\" }\napproved_by = \"CISO\"\n",
    );
    let found = bridge(&workspace);
    assert_eq!(
        (&found["before"], &found["by_evidence"]),
        (&0.5.into(), &0.25.into())
    );
    assert!(number(&found["by_tree"]).abs() < 1e-9, "{found}");
    assert_eq!(found["causes"], "late_evidence definition_change");
    let whole = ["by_evidence", "by_definitions", "by_tree"].map(|part| number(&found[part]));
    let moved = number(&found["after"]) - number(&found["before"]);
    assert!((whole.iter().sum::<f64>() - moved).abs() < 1e-9, "{found}");
    let entries = workspace
        .run(&[
            "bridge",
            "2026-05",
            "--kpi",
            "1",
            "--entries",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    let all = entries.as_array().expect("an array");
    let of_a3 = all.iter().find(|one| one["record_key"] == "A3");
    let of_a3 = of_a3.unwrap_or_else(|| panic!("A3 moved it: {entries}"));
    assert_eq!(
        (&of_a3["seq"], &of_a3["source"]),
        (&2.into(), &"assets".into())
    );
    assert!(of_a3["batch_id"].as_str().is_some_and(|id| !id.is_empty()));
}

#[test]
fn a_reorganisation_is_told_from_definitions_and_evidence() {
    let workspace = with("");
    workspace.run(&["close", "2026-05"]).exits(0);
    // What was a department of the first company is one of the American company now, since the beginning.
    let org = std::fs::read_to_string(workspace.path().join("org.csv")).expect("it is there");
    workspace.write("org.csv", org.replace("JP1-IT,JP1,", "JP1-IT,US1,"));
    let found = workspace
        .run(&[
            "bridge", "2026-05", "--kpi", "1", "--org", "JP1", "--format", "json",
        ])
        .exits(0)
        .json();
    let all = found.as_array().expect("an array").iter();
    let mut of_ratio = all.filter(|one| one["indicator"] == "inventory_ratio");
    let found = of_ratio.next().expect("the ratio changed");
    assert_eq!(found["causes"], "reorganisation");
    let others = ["by_evidence", "by_definitions"].map(|part| number(&found[part]).abs());
    assert!(others.iter().sum::<f64>() < 1e-9, "{found}");
    let moved = number(&found["after"]) - number(&found["before"]);
    assert!((number(&found["by_tree"]) - moved).abs() < 1e-9, "{found}");
}

#[test]
fn wrong_settings_of_the_close_are_named_where_they_stand() {
    let workspace = Workspace::new();
    workspace.write(
        "keiki.toml",
        format!(
            "{ORGANISATION}\n[close]\ncut_off = 5\npreliminary = 3\nfinal = 8\nexplain = [\"firm\"]\n\n[close.materiality]\nratio = \"much\"\n"
        ),
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("keiki.toml:9:15: not a business day of the close: 3")
        .complains("not a kind of org unit: firm")
        .complains("not a decimal above zero: much");
}
