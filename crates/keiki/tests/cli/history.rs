//! The guide to loads of history: its source is read from the page and run on a small log of the same form.

use crate::guide::{follow_with, written};
use crate::workspace::{Workspace, run_in};

const GUIDE: &str = include_str!("../../../../docs/guides/history.md");

/// A made-up log of changes; resolved and closed are filled in backwards in every line, as in the log of the guide.
const LOG: &str = "\
number,incident_state,sys_mod_count,opened_at,sys_updated_at,resolved_at,closed_at
T1,New,0,1/3/2016 09:00,1/3/2016 09:10,3/3/2016 10:00,8/3/2016 10:00
T1,Resolved,1,1/3/2016 09:00,3/3/2016 10:00,3/3/2016 10:00,8/3/2016 10:00
T1,Closed,2,1/3/2016 09:00,8/3/2016 10:00,3/3/2016 10:00,8/3/2016 10:00
T2,New,0,20/3/2016 09:00,20/3/2016 09:05,4/4/2016 08:00,9/4/2016 08:00
T2,Closed,3,20/3/2016 09:00,9/4/2016 08:00,4/4/2016 08:00,9/4/2016 08:00
T3,New,0,5/3/2016 09:00,5/3/2016 09:20,?,12/3/2016 17:00
T3,Closed,1,5/3/2016 09:00,12/3/2016 17:00,?,12/3/2016 17:00
T4,New,0,30/3/2016 11:00,2/4/2016 09:00,6/4/2016 09:00,11/4/2016 09:00
T4,Resolved,1,30/3/2016 11:00,6/4/2016 09:00,6/4/2016 09:00,11/4/2016 09:00
T5,Resolved,2,10/3/2016 09:00,15/3/2016 12:00,7/4/2016 12:00,?
T5,Active,3,10/3/2016 09:00,15/3/2016 12:00,7/4/2016 12:00,?
T5,New,1,10/3/2016 09:00,15/3/2016 12:00,7/4/2016 12:00,?
T5,Resolved,4,10/3/2016 09:00,7/4/2016 12:00,7/4/2016 12:00,?
";

fn desk() -> Workspace {
    let workspace = Workspace::new();
    workspace.write(
        "org.csv",
        "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\nG,,群,Group,group,JP,,,\n",
    );
    let source = GUIDE.split("```toml\n").nth(1);
    let source = source.and_then(|rest| rest.split("```").next());
    workspace.write("sources/desk.toml", source.expect("the guide has a source"));
    workspace.write("evidence/log.csv", LOG);
    workspace
        .run(&["ingest", "desk", "--as-of", "2017-03-01"])
        .exits(0)
        .says("accepted 13")
        .says("rejected 0");
    workspace
}

#[test]
fn tickets_open_at_a_months_end_are_those_of_which_no_end_was_known() {
    let desk = desk();
    // T2 and T5 then; T4 had been opened and was entered in April. T3 was closed without being resolved.
    for (known_at, open) in [("2016-03-31", "2"), ("2017-03-01", "3")] {
        let asked = [
            "measure", "--kpi", "23", "--org", "G", "--period", "2016-03", "--format", "json",
        ];
        let figures = desk
            .run(&[asked.as_slice(), &["--known-at", known_at]].concat())
            .exits(0)
            .json();
        let figures = figures.as_array().expect("a list").iter();
        let mut of_open = figures.filter(|figure| figure["indicator"] == "open_count");
        let figure = of_open.next().expect("the figure is there");
        assert_eq!(figure["value"].to_string(), open, "{known_at}");
    }
    desk.run(&["verify"]).exits(0);
}

#[test]
fn the_guides_comparison_lists_the_tickets_that_came_late_and_no_others() {
    let desk = desk();
    let compared = desk
        .run(&[
            "explain",
            "23",
            "--indicator",
            "open_count",
            "--org",
            "G",
            "--period",
            "2016-03",
            "--known-at",
            "2017-03-01",
            "--against",
            "2016-03-31",
        ])
        .exits(0)
        .says("2 → 3");
    let rows = compared.out.lines();
    let listed: Vec<&str> = rows
        .filter(|line| line.starts_with("open "))
        .filter_map(|line| line.split_whitespace().nth(1))
        .collect();
    assert_eq!(listed, ["T4"]);
}

const LAST_YEARS: [(&str, &str); 2] = [
    ("en", include_str!("../../../../docs/guides/last-years.md")),
    (
        "ja",
        include_str!("../../../../docs/guides/last-years.ja.md"),
    ),
];

#[test]
fn last_years_figures_come_in_as_the_guide_says() {
    let [english, japanese] = LAST_YEARS.map(|(_, guide)| written(guide));
    assert_eq!(english, japanese, "both guides make the same files");
    assert_eq!(english.len(), 3, "{english:?}");
    for (language, guide) in LAST_YEARS {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (first, rest) = guide
            .split_once("keiki init past\n```")
            .expect("the guide begins with a new workspace");
        assert!(!first.contains("\nkeiki "));
        run_in(folder.path(), &["--language", language, "init", "past"]).exits(0);
        let workspace = folder.path().join("past");
        follow_with(&workspace, language, rest, &|_| ());
        let reference = [
            "measure", "--kpi", "1", "--period", "2026-05", "--format", "json",
        ];
        let found = run_in(&workspace, &reference).exits(0).json();
        assert_eq!(
            (&found[0]["basis"], &found[0]["status"]),
            (&"reference".into(), &"provisional".into()),
            "a percentage alone is shown and never met"
        );
        run_in(&workspace, &["statement", "2026-02", "--format", "json"])
            .exits(0)
            .says("\"revision\": 0");
        run_in(&workspace, &["verify"]).exits(0);
    }
}
