//! Entities with a fiscal year of their own: what is wrong with one is said, and the lag is disclosed with the figure.

use crate::workspace::Workspace;

const SOURCE: &str = "name = \"meetings\"\nkind = \"csv\"\ndataset = \"meetings\"\nplace = \"evidence/meetings.csv\"\n\
                      covers = [\"HD\"]\n";

const MEETINGS: &str = "meeting_id,org_unit,kind,held_on,title\nM1,US1,executive_briefing,2026-02-20,x\n\
                        M2,JP1,executive_briefing,2026-05-21,x\n";

fn with(entity: &str) -> Workspace {
    let workspace = Workspace::new();
    let settings = std::fs::read_to_string(workspace.path().join("keiki.toml")).expect("settings");
    workspace.write(
        "keiki.toml",
        format!("{settings}\n[[fiscal.entities]]\n{entity}"),
    );
    workspace.write("sources/meetings.toml", SOURCE);
    workspace.write("evidence/meetings.csv", MEETINGS);
    workspace
}

#[test]
fn a_figure_says_of_which_months_it_is_where_an_entity_lags() {
    let workspace = with("org_unit = \"US1\"\nfirst_month = 1\n");
    workspace.run(&["check"]).exits(0);
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    let asked = [
        "measure",
        "--kpi",
        "27",
        "--period",
        "FY2026-Q1",
        "--org",
        "HD",
    ];
    workspace
        .run(&asked)
        .exits(0)
        .complains("US1 has a fiscal year of its own: its part of FY2026-Q1 is 2026-01 to 2026-03, 3 months before the group's.");
    let data = workspace
        .run(&[&asked[..], &["--format", "json"]].concat())
        .exits(0)
        .json();
    assert_eq!(data[0]["value"], 2);
    assert_eq!(
        data[0]["own_periods"],
        serde_json::json!([{ "org_unit": "US1", "first": "2026-01", "last": "2026-03", "lag_months": 3 }])
    );
    workspace
        .run(&[&asked[..], &["--format", "csv"]].concat())
        .exits(0)
        .says("US1 2026-01..2026-03");
    workspace
        .run(&["explain", "27", "--period", "FY2026-Q1", "--org", "HD", "--language", "ja"])
        .exits(0)
        .says("US1は会計年度が異なるため、FY2026-Q1には同社の2026-01〜2026-03を含めています(3か月のずれ)。");
}

#[test]
fn a_calendar_of_an_unknown_unit_is_a_problem_of_keiki_toml() {
    let workspace = with("org_unit = \"US2\"\nfirst_month = 1\n");
    workspace
        .run(&["check"])
        .exits(1)
        .complains("unknown org unit: US2")
        .complains("did you mean US1?");
}
