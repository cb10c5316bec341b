//! The programme around the KPIs, and the ledger that keeps what was in force.

use crate::workspace::{ASSETS_HEADER, Ran, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// Two of JP1's three assets are inventoried, and none of US1's one.
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-04-01,,,,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

fn with(programme: &str) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    if !programme.is_empty() {
        workspace.write("programme.toml", programme);
    }
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
}

/// Value, status and target of KPI 1 for an org unit in May.
fn inventory(workspace: &Workspace, org_unit: &str) -> serde_json::Value {
    let arguments = [
        "measure", "--kpi", "1", "--org", org_unit, "--period", "2026-05", "--format", "json",
    ];
    let found = workspace.run(&arguments).exits(0).json();
    let first = found
        .as_array()
        .and_then(|all| all.iter().find(|m| m["indicator"] == "inventory_ratio"));
    first.cloned().expect("KPI 1 is measured")
}

fn explained(workspace: &Workspace, org_unit: &str) -> Ran {
    workspace
        .run(&["explain", "1", "--org", org_unit, "--period", "2026-05"])
        .exits(0)
}

#[test]
fn a_target_is_inherited_until_something_nearer_is_said() {
    let workspace = with(
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\ndue = \"period\"\n\n\
         [[targets]]\nkpi = 1\norg_unit = \"US1\"\nfrom = \"2026-05-01\"\nnone = true\n",
    );
    let group = inventory(&workspace, "HD");
    assert_eq!(
        (&group["value"], &group["status"]),
        (&0.5.into(), &"met".into())
    );
    let department = inventory(&workspace, "JP1-IT");
    assert_eq!(department["target"]["at_least"], 0.5);
    assert_eq!(inventory(&workspace, "US1")["status"], "no_target");
    explained(&workspace, "US1").says("No target is set.");
}

#[test]
fn whom_a_kpi_does_not_concern_is_in_no_figure_and_owes_nothing() {
    let workspace = with(
        "[[applicability]]\nkpi = 1\norg_unit = \"US1\"\napplies = false\nfrom = \"2026-04-01\"\n\
         reason = { ja = \"持株会社が管理\", en = \"kept by the holding\" }\napproved_by = \"CISO\"\n",
    );
    let group = inventory(&workspace, "HD");
    assert_eq!(
        (&group["numerator"], &group["denominator"]),
        (&2.into(), &3.into())
    );
    assert_eq!(group["coverage"]["expected"], 2);
    assert_eq!(inventory(&workspace, "US1")["status"], "not_applicable");
}

#[test]
fn a_miss_is_waived_until_the_waiver_expires() {
    let waiver = |until: &str| {
        format!(
            "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.9\"\ndue = \"period\"\n\n\
             [[waivers]]\nkpi = 1\norg_unit = \"JP1\"\nfrom = \"2026-04-01\"\nuntil = \"{until}\"\n\
             reason = {{ ja = \"移転中\", en = \"moving\" }}\napproved_by = \"CISO\"\n"
        )
    };
    let workspace = with(&waiver("2026-07-01"));
    assert_eq!(inventory(&workspace, "JP1")["status"], "waived");
    assert_eq!(inventory(&workspace, "HD")["status"], "missed");
    explained(&workspace, "JP1").says("CISO has approved the exception until 2026-06-30 (moving)");
    workspace.write("programme.toml", waiver("2026-05-31"));
    assert_eq!(inventory(&workspace, "JP1")["status"], "missed");
}

#[test]
fn a_parameter_may_differ_by_org_unit_and_from_a_day() {
    // With a cycle of one month, what was inventoried in May counts in May and no longer in June.
    let workspace = with(
        "[[parameters]]\nkpi = 1\nname = \"cycle_months\"\norg_unit = \"JP1-IT\"\nfrom = \"2026-04-01\"\nvalue = \"1\"\n",
    );
    let june = |org_unit: &str| {
        let arguments = [
            "measure", "--kpi", "1", "--org", org_unit, "--period", "2026-06", "--format", "json",
        ];
        workspace.run(&arguments).exits(0).json()[0]["numerator"].clone()
    };
    assert_eq!(inventory(&workspace, "JP1-IT")["numerator"], 1);
    assert_eq!(june("JP1-IT"), 0);
    assert_eq!(june("JP1"), 1);
}

#[test]
fn what_the_programme_names_must_exist() {
    let workspace = Workspace::new();
    workspace.write(
        "programme.toml",
        "[[targets]]\nkpi = 99\norg_unit = \"JP2\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\n\n\
         [[parameters]]\nkpi = 1\nname = \"cycle\"\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nvalue = \"1\"\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("programme.toml:1:1")
        .complains("unknown org unit: JP2")
        .complains("unknown KPI: 99")
        .complains("has no parameter `cycle`");
}

#[test]
fn an_edited_definition_changes_no_figure_as_it_was_known() {
    let workspace = with(
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.5\"\ndue = \"period\"\n",
    );
    assert_eq!(inventory(&workspace, "HD")["status"], "met");
    let log = workspace
        .run(&["programme", "log", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(log.as_array().map(Vec::len), Some(1));
    let known = workspace
        .run(&[
            "sql",
            "select max(known_at) as at from batches",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    let before = known[0]["at"].as_str().expect("a time").to_owned();
    workspace.write(
        "programme.toml",
        "[[targets]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\nat_least = \"0.9\"\ndue = \"period\"\n",
    );
    workspace
        .run(&["programme", "diff"])
        .exits(0)
        .says("changed  programme.toml")
        .says("- at_least = \"0.5\"")
        .says("+ at_least = \"0.9\"");
    workspace
        .run(&["programme", "import", "--reason", "the board raised it"])
        .exits(0)
        .says("recorded as edition 2");
    assert_eq!(inventory(&workspace, "HD")["status"], "missed");
    let then = workspace
        .run(&[
            "measure",
            "--kpi",
            "1",
            "--org",
            "HD",
            "--period",
            "2026-05",
            "--known-at",
            &before,
            "--format",
            "json",
        ])
        .exits(0);
    assert_eq!(then.json()[0]["status"], "met");
    workspace
        .run(&["programme", "log"])
        .exits(0)
        .says("the board raised it");
    workspace
        .run(&["programme", "export", "--edition", "1", "first"])
        .exits(0);
    let exported = std::fs::read_to_string(workspace.path().join("first/programme.toml"));
    assert!(exported.expect("it was written").contains("0.5"));
}

#[test]
fn a_unit_alone_and_an_older_tree_are_asked_for_and_said() {
    let workspace = with("");
    let ask = |further: &[&str]| {
        let arguments = [
            &[
                "measure", "--kpi", "1", "--org", "HD", "--period", "2026-05", "--format", "json",
            ],
            further,
        ]
        .concat();
        workspace.run(&arguments).exits(0).json()[0].clone()
    };
    assert_eq!(ask(&[])["denominator"], 4);
    let alone = ask(&["--stand-alone"]);
    assert_eq!(
        (&alone["scope"], &alone["coverage"]["expected"]),
        (&"stand_alone".into(), &1.into())
    );
    // The reading covers the holding itself too, which has none of its own.
    assert_eq!(alone["status"], "none_occurred");
    // From June on US1 belongs to JP1; on that tree JP1 has four assets in May too.
    let org = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
               HD,,架空グループ,Fictional Group,group,JP,,,\n\
               JP1,HD,架空製造,Fictional Manufacturing,subsidiary,JP,,,\n\
               JP1-IT,JP1,情報システム部,IT Department,department,JP,,,\n\
               US1,HD,架空アメリカ,Fictional America,overseas,US,,2026-06-01,\n\
               US1,JP1,架空アメリカ,Fictional America,overseas,US,2026-06-01,,\n";
    workspace.write("org.csv", org);
    let jp1 = |further: &[&str]| {
        let arguments = [
            &[
                "measure", "--kpi", "1", "--org", "JP1", "--period", "2026-05", "--format", "json",
            ],
            further,
        ]
        .concat();
        workspace.run(&arguments).exits(0).json()[0].clone()
    };
    assert_eq!(jp1(&[])["denominator"], 3);
    let comparative = jp1(&["--tree-on", "2026-06-30"]);
    assert_eq!(
        (&comparative["denominator"], &comparative["tree_on"]),
        (&4.into(), &"2026-06-30".into())
    );
    assert_eq!(
        jp1(&["--tree-on", "2026-06-30", "--stand-alone"])["denominator"],
        3
    );
}
