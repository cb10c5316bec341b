//! Figures along a hierarchy beside the org tree.

use serde_json::Value;

use crate::workspace::{ASSETS_HEADER, Workspace};

const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";

const REGION: &str = "W,,全世界,Worldwide,group,,,,\nASIA,W,アジア,Asia,group,,,,\nAMER,W,米州,Americas,group,,,,\n\
                      HD,ASIA,,,,,,,\nJP1,ASIA,,,,,,,\nUS1,AMER,,,,,,,\n";

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// Two of JP1's three assets are inventoried, and none of US1's one.
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A2,JP1-IT,hardware,two,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n\
                    A3,JP1,hardware,three,true,E1,2026-04-01,,,,\n\
                    A4,US1,hardware,four,true,,,,,,\n";

fn with_regions() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("hierarchies/region.csv", format!("{HEADER}{REGION}"));
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
}

const MEASURE: [&str; 5] = ["measure", "--kpi", "1", "--period", "2026-05"];

/// The inventory by node.
fn inventory(workspace: &Workspace, further: &[&str]) -> Vec<(Value, Value, Value)> {
    let arguments = [&MEASURE[..], &["--format", "json"], further].concat();
    let found = workspace.run(&arguments).exits(0).json();
    let all = found.as_array().expect("a list");
    all.iter()
        .filter(|m| m["indicator"] == "inventory_ratio")
        .map(|m| {
            let figure = format!("{}/{}", m["numerator"], m["denominator"]);
            (m["org_unit"].clone(), figure.into(), m["hierarchy"].clone())
        })
        .collect()
}

#[test]
fn figures_are_asked_for_along_a_hierarchy() {
    let workspace = with_regions();
    workspace.run(&["check"]).exits(0).says("1 hierarchies");
    let row = |unit: &str, figure: &str| (unit.into(), figure.into(), "region".into());
    assert_eq!(
        inventory(&workspace, &["--hierarchy", "region", "--all-orgs"]),
        [
            row("W", "2/4"),
            row("ASIA", "2/3"),
            row("HD", "0/0"),
            row("JP1", "2/3"),
            row("AMER", "0/1"),
            row("US1", "0/1"),
            row("unassigned", "0/0"),
        ]
    );
    let root = inventory(&workspace, &["--hierarchy", "region"]);
    assert_eq!(root, [row("W", "2/4")]);
    let main = inventory(&workspace, &[]);
    assert_eq!(main, [("HD".into(), "2/4".into(), Value::Null)]);
    let csv = [&MEASURE[..], &["--hierarchy", "region", "--format", "csv"]].concat();
    let csv = workspace.run(&csv).exits(0).out;
    let mut lines = csv.lines();
    assert!(
        lines
            .next()
            .is_some_and(|line| line.ends_with(",hierarchy"))
    );
    assert!(lines.next().is_some_and(|line| line.ends_with(",region")));
    let table = [&MEASURE[..], &["--hierarchy", "region", "--org", "AMER"]].concat();
    workspace
        .run(&table)
        .exits(0)
        .says("Americas (AMER)  hierarchy region  2026-05");
}

#[test]
fn a_figure_of_a_hierarchy_opens_down_to_its_records() {
    let workspace = with_regions();
    let explain = [
        "explain",
        "1",
        "--period",
        "2026-05",
        "--hierarchy",
        "region",
    ];
    let asia = [&explain[..], &["--org", "ASIA", "--rows"]].concat();
    let asia = workspace.run(&asia).exits(0).says("hierarchy region");
    let asia = asia.says("A1").says("A2").says("A3");
    assert!(!asia.out.contains("A4"), "{asia:#?}");
    let json = [&explain[..], &["--org", "ASIA", "--format", "json"]].concat();
    let json = workspace.run(&json).exits(0).json();
    assert_eq!(json["measurement"]["hierarchy"], "region");
    assert_eq!(json["parts"][0]["row_count"], 2);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the program's own clock runs; the test notes the moment between two runs"
)]
fn a_hierarchy_is_recorded_and_a_figure_as_known_earlier_keeps_it() {
    let workspace = with_regions();
    inventory(&workspace, &["--hierarchy", "region"]);
    let before = jiff::Timestamp::now().to_string();
    let moved = REGION
        .replace("US1,AMER", "US1,ASIA")
        .replace("HD,ASIA", "HD,AMER");
    workspace.write("hierarchies/region.csv", format!("{HEADER}{moved}"));
    workspace
        .run(&["programme", "diff"])
        .exits(0)
        .says("changed  hierarchies/region.csv")
        .says("+ US1,ASIA");
    let asia = ["--hierarchy", "region", "--org", "ASIA"];
    assert_eq!(inventory(&workspace, &asia)[0].1, "2/4");
    let then = [&asia[..], &["--known-at", &before]].concat();
    assert_eq!(inventory(&workspace, &then)[0].1, "2/3");
}

#[test]
fn what_is_wrong_with_a_hierarchy_points_into_its_file() {
    let workspace = Workspace::new();
    let text =
        format!("{HEADER}W,,全世界,Worldwide,group,,,,\nE,W,欧州,,group,,,,\nUS2,W,,,,,,,\n");
    workspace.write("hierarchies/region.csv", text);
    workspace
        .run(&["check"])
        .exits(1)
        .complains("hierarchies/region.csv:3: `name_en` is missing of node E")
        .complains("hierarchies/region.csv:4: org.csv has no such org unit: US2")
        .complains("did you mean US1?");
}

#[test]
fn what_is_not_in_a_hierarchy_is_said() {
    let workspace = with_regions();
    let ask = |further: &[&str]| workspace.run(&[&MEASURE[..], further].concat());
    ask(&["--hierarchy", "regions"])
        .exits(1)
        .complains("unknown hierarchy: regions")
        .complains("did you mean region?");
    ask(&["--hierarchy", "region", "--org", "JP1-IT"])
        .exits(1)
        .complains("the hierarchy region does not place the org unit: JP1-IT");
    ask(&["--hierarchy", "region", "--org", "AMEX"])
        .exits(1)
        .complains("did you mean AMER?");
    ask(&["--hierarchy", "region", "--stand-alone"]).exits(2);
    ask(&["--org", "AMER"]).exits(1);
    workspace
        .run(&["--language", "ja", "measure", "--hierarchy", "business"])
        .exits(1)
        .complains("階層がありません: business");
}
