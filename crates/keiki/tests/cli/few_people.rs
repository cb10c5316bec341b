//! Figures about few people are withheld wherever they would be shown, and so are those from which they follow.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::workspace::{Ran, Workspace};

const SOURCE: &str = "name = \"courses\"\nkind = \"csv\"\ndataset = \"trainings\"\nplace = \"evidence/courses.csv\"\n\
                      covers = [\"HD\"]\n";

/// Three people of US1, twelve of JP1-IT and twenty of JP1 itself, of whom every second has attended.
fn taken() -> Workspace {
    taken_of(&[("US1", 3), ("JP1-IT", 12), ("JP1", 20)])
}

/// So many people of org units, of whom every second has attended.
fn taken_of(units: &[(&str, usize)]) -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/courses.toml", SOURCE);
    let mut rows =
        "course_id,person_id,org_unit,kind,employment_kind,audience_on,deadline_on,attended_on\n"
            .to_owned();
    for (unit, count) in units {
        for at in 0..*count {
            let attended = if at % 2 == 0 { "2026-05-10" } else { "" };
            writeln!(
                rows,
                "C1,{unit}-{at},{unit},course,employee,2026-04-01,2026-05-31,{attended}"
            )
            .expect("it is memory");
        }
    }
    workspace.write("evidence/courses.csv", rows);
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    workspace
}

fn set(workspace: &Workspace, people: &str) {
    let file = workspace.path().join("keiki.toml");
    let text = std::fs::read_to_string(&file).expect("there are settings");
    workspace.write("keiki.toml", format!("{text}\n[people]\n{people}\n"));
}

const MEASURE: [&str; 8] = [
    "measure",
    "--kpi",
    "33",
    "--period",
    "2026-06",
    "--all-orgs",
    "--format",
    "json",
];

/// The attendance of an org unit.
fn attendance(found: &Value, org_unit: &str) -> Value {
    let mut all = found.as_array().expect("an array").iter();
    let one = all.find(|one| one["org_unit"] == org_unit && one["indicator"] == "attended_ratio");
    one.expect("it is measured").clone()
}

#[test]
fn a_small_company_is_withheld_and_does_not_follow_from_the_others() {
    let workspace = taken();
    let found = workspace.run(&MEASURE).exits(0).json();
    let group = attendance(&found, "HD");
    assert_eq!(
        (&group["numerator"], &group["denominator"]),
        (&18.into(), &35.into())
    );
    let department = attendance(&found, "JP1-IT");
    assert_eq!(department["denominator"], 12);
    // Group less JP1 would be US1.
    for org_unit in ["US1", "JP1"] {
        let one = attendance(&found, org_unit);
        assert_eq!(
            (&one["basis"], &one["status"]),
            (&"withheld".into(), &"too_few".into())
        );
        for key in ["value", "numerator", "denominator", "n"] {
            assert!(one[key].is_null(), "{key} of {one}");
        }
    }
    let companions = found.as_array().expect("an array").iter();
    for one in companions.filter(|one| one["org_unit"] == "US1") {
        assert!(one["value"].is_null(), "{one}");
    }
    workspace
        .run(&[
            "measure", "--kpi", "33", "--org", "US1", "--period", "2026-06",
        ])
        .exits(0)
        .says("***")
        .complains("withheld to protect few people");
}

#[test]
fn another_kpi_about_the_same_people_does_not_tell_what_one_withholds() {
    let workspace = Workspace::new();
    workspace.write("sources/courses.toml", SOURCE);
    let mut rows = "course_id,person_id,org_unit,kind,employment_kind,audience_on,deadline_on,\
                    attended_on,has_test,tested_on,passed_on\n"
        .to_owned();
    // Nobody of the three in US1 has attended, so the pass rate of those who attended speaks of nobody there.
    for (unit, count, attended) in [("US1", 3, ""), ("JP1", 20, "2026-05-10")] {
        for at in 0..count {
            writeln!(
                rows,
                "C1,{unit}-{at},{unit},course,employee,2026-04-01,2026-05-31,{attended},true,{attended},{attended}"
            )
            .expect("it is memory");
        }
    }
    workspace.write("evidence/courses.csv", rows);
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    let passed = |org_unit: &str| {
        let asked = [
            "measure",
            "--kpi",
            "34",
            "--period",
            "2026-06",
            "--all-orgs",
        ];
        let found = workspace.run(&[&asked[..], &["--format", "json"]].concat());
        let found = found.exits(0).json();
        let mut all = found.as_array().expect("an array").iter();
        let one = all.find(|one| one["org_unit"] == org_unit && one["indicator"] == "pass_ratio");
        one.expect("it is measured").clone()
    };
    assert_eq!(passed("HD")["denominator"], 20);
    for org_unit in ["US1", "JP1"] {
        let one = passed(org_unit);
        assert_eq!(one["basis"], "withheld", "{one}");
        assert!(one["denominator"].is_null() && one["n"].is_null(), "{one}");
    }
}

#[test]
fn a_query_counts_no_people_but_for_who_has_the_right() {
    let workspace = taken();
    let query = "select org_unit, count(*) as people from trainings group by org_unit";
    workspace
        .run(&["sql", query])
        .exits(1)
        .complains("each row of `trainings` is about a person, and it is not open to ")
        .complains("hint: only users named in [people] shown_to");
    set(&workspace, "shown_to = [\"ciso\"]");
    workspace
        .run_as("ciso", &["sql", query])
        .exits(0)
        .says("US1");
    workspace.run_as("clerk", &["sql", query]).exits(1);
    // Other tables are whole, but for columns that name people.
    workspace
        .run_as("clerk", &["sql", "select count(*) from batches"])
        .exits(0);
    workspace
        .run_as("clerk", &["sql", "select count(asset_id) from assets"])
        .exits(0);
    workspace
        .run_as("clerk", &["sql", "select owner_id from assets"])
        .exits(1)
        .complains("`owner_id` of `assets` names people, and it is not open to clerk");
    workspace
        .run_as("ciso", &["sql", "select owner_id from assets"])
        .exits(0);
}

#[test]
fn what_stands_alone_and_what_lies_along_another_tree_is_withheld_too() {
    let workspace = taken();
    workspace.write(
        "hierarchies/region.csv",
        "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
         ALL,,全世界,World,group,,,,\nAMER,ALL,米州,Americas,group,,,,\nUS1,AMER,,,,,,,\nAPAC,ALL,アジア,Asia,group,,,,\n\
         HD,APAC,,,,,,,\nJP1,APAC,,,,,,,\n",
    );
    let along = |arguments: &[&str]| {
        let mut all = MEASURE.to_vec();
        all.extend(arguments);
        workspace.run(&all).exits(0).json()
    };
    let regions = along(&["--hierarchy", "region"]);
    assert_eq!(attendance(&regions, "ALL")["denominator"], 35);
    assert_eq!(attendance(&regions, "AMER")["basis"], "withheld");
    assert_eq!(attendance(&regions, "APAC")["basis"], "withheld");
    let alone = along(&["--stand-alone"]);
    assert_eq!(attendance(&alone, "JP1")["basis"], "withheld");
}

#[test]
fn an_explanation_lists_no_record_of_few_people() {
    let workspace = taken();
    let explain = |org_unit: &str| -> Ran {
        let arguments = [
            "explain", "33", "--org", org_unit, "--period", "2026-06", "--rows", "--format", "json",
        ];
        workspace.run(&arguments).exits(0)
    };
    let small = explain("US1");
    assert!(
        small.json()["parts"]
            .as_array()
            .expect("an array")
            .is_empty()
    );
    assert!(small.json()["records_withheld"].as_u64() > Some(0));
    let group = explain("HD").json();
    let parts = group["parts"].as_array().expect("an array");
    // The statement beside the rows names every org unit that counts.
    let rows: String = parts.iter().map(|part| part["rows"].to_string()).collect();
    assert!(rows.contains("JP1-IT") && !rows.contains("US1"), "{rows}");
    workspace
        .run(&[
            "explain", "33", "--org", "US1", "--period", "2026-06", "--rows",
        ])
        .exits(0)
        .says("***")
        .complains("records are not listed");
}

#[test]
fn a_statement_withholds_what_it_holds() {
    let workspace = taken();
    workspace
        .run(&[
            "close",
            "2026-06",
            "--reason",
            "first close",
            "--agreed-by",
            "somebody",
        ])
        .exits(0);
    let shown = workspace
        .run(&["statement", "2026-06", "--format", "json"])
        .exits(0)
        .json();
    let found = &shown["measurements"];
    assert_eq!(attendance(found, "US1")["basis"], "withheld");
    assert_eq!(attendance(found, "HD")["denominator"], 35);
    set(&workspace, "fewest = 0");
    let shown = workspace
        .run(&["statement", "2026-06", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(attendance(&shown["measurements"], "US1")["denominator"], 3);
    workspace.run(&["verify"]).exits(0);
}

const CLOSE: [&str; 6] = [
    "close",
    "2026-06",
    "--reason",
    "late",
    "--agreed-by",
    "somebody",
];

/// Learns of people, by number within their org unit, that they have attended as well.
fn learn(workspace: &Workspace, unit: &str, people: &[usize]) {
    let file = workspace.path().join("evidence/courses.csv");
    let mut text = std::fs::read_to_string(file).expect("there is evidence");
    for at in people {
        let row = format!("{unit}-{at},{unit},course,employee,2026-04-01,2026-05-31,\n");
        assert!(text.contains(&row), "{row}");
        text = text.replace(&row, &format!("{}2026-05-12\n", row.trim_end()));
    }
    workspace.write("evidence/courses.csv", text);
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
}

fn close_again(workspace: &Workspace) {
    workspace
        .run(&["reopen", "2026-06", "--reason", "more have attended"])
        .exits(0);
    workspace.run(&CLOSE).exits(0);
}

/// Closes June, learns that one more person of US1 has attended, and closes it again.
fn restated() -> Workspace {
    let workspace = taken();
    workspace.run(&CLOSE).exits(0);
    learn(&workspace, "US1", &[1]);
    close_again(&workspace);
    workspace
}

/// How a revision of June shows the attendance of org units: what is above and below the line, and the basis.
fn shown<const N: usize>(
    workspace: &Workspace,
    revision: &str,
    org_units: [&str; N],
) -> [[Value; 3]; N] {
    let asked = [
        "statement",
        "2026-06",
        "--revision",
        revision,
        "--format",
        "json",
    ];
    let found = workspace.run(&asked).exits(0).json();
    org_units.map(|org_unit| parts(&found["measurements"], org_unit))
}

fn parts(found: &Value, org_unit: &str) -> [Value; 3] {
    let one = attendance(found, org_unit);
    ["numerator", "denominator", "basis"].map(|key| one[key].clone())
}

fn of(numerator: u32, denominator: u32, basis: &str) -> [Value; 3] {
    [json!(numerator), json!(denominator), json!(basis)]
}

#[test]
fn a_figure_that_few_people_have_moved_stays_as_it_was_reported_until_more_have() {
    let workspace = taken_of(&[("US1", 30), ("JP1-IT", 12), ("JP1", 20)]);
    workspace.run(&CLOSE).exits(0);
    learn(&workspace, "JP1-IT", &[1, 3]);
    let known = workspace.run(&MEASURE).exits(0).json();
    assert_eq!(parts(&known, "HD"), of(31, 62, "held"));
    close_again(&workspace);
    assert_eq!(
        shown(&workspace, "2", ["HD", "JP1-IT", "US1"]),
        [of(31, 62, "held"), of(6, 12, "held"), of(15, 30, "rows")]
    );
    // Four more of the same unit: six have moved since it was shown.
    learn(&workspace, "JP1-IT", &[5, 7, 9, 11]);
    close_again(&workspace);
    assert_eq!(
        shown(&workspace, "3", ["HD", "JP1-IT"]),
        [of(37, 62, "rows"), of(12, 12, "rows")]
    );
    workspace.run(&["verify"]).exits(0);
    set(&workspace, "fewest = 0");
    assert_eq!(shown(&workspace, "2", ["HD"]), [of(33, 62, "rows")]);
}

#[test]
fn what_moved_a_held_figure_is_told_nowhere() {
    let workspace = taken_of(&[("US1", 30), ("JP1-IT", 12), ("JP1", 20)]);
    workspace.run(&CLOSE).exits(0);
    learn(&workspace, "JP1-IT", &[1, 3]);
    close_again(&workspace);
    let against = ["statement", "2026-06", "--revision", "1", "--against", "2"];
    workspace.run(&against).exits(0).says("few people");
    let bridge = ["bridge", "2026-06", "--to", "2", "--kpi", "33"];
    workspace.run(&bridge).exits(0).says("few people");
    let found = workspace.run(&[&bridge[..], &["--format", "json"]].concat());
    let found = found.exits(0).json();
    let one = &found.as_array().expect("an array")[0];
    assert_eq!(one["few_people"], true);
    for key in [
        "before",
        "by_evidence",
        "after",
        "status_before",
        "status_after",
    ] {
        assert!(one[key].is_null(), "{key} of {one}");
    }
    assert_eq!(one["causes"], "");
    workspace
        .run(&[&bridge[..], &["--entries"]].concat())
        .exits(0)
        .complains("of few people");
    let explain = ["explain", "33", "--org", "HD", "--period", "2026-06"];
    let opened = workspace.run(&explain).exits(0);
    opened.says("31 ÷").says("is of few people");
    let listed = workspace.run(&[&explain[..], &["--rows", "--format", "json"]].concat());
    let listed = listed.exits(0).json();
    assert!(listed["parts"].as_array().expect("an array").is_empty());
    let path = workspace.path().join("june.html");
    let path = path.to_str().expect("a path");
    let made = ["statement", "2026-06", "--format", "html", "--output", path];
    workspace.run(&made).exits(0);
    let page = std::fs::read_to_string(workspace.path().join("june.html")).expect("it is there");
    assert!(page.contains("few people") && !page.contains("33 / 62"));
    let trend = [&MEASURE[..], &["--trend", "3"]].concat();
    let trend = workspace.run(&trend).exits(0).json();
    let points = attendance(&trend, "HD")["trend"].clone();
    let last = points
        .as_array()
        .and_then(|all| all.last())
        .expect("points")
        .clone();
    assert_eq!(last["value"], json!(0.5), "{last}");
    assert!(last["restated"].is_null(), "{last}");
}

#[test]
fn a_unit_that_was_withheld_stays_so_when_more_of_it_becomes_known() {
    let workspace = taken();
    workspace.run(&CLOSE).exits(0);
    let file = workspace.path().join("evidence/courses.csv");
    let mut text = std::fs::read_to_string(file).expect("there is evidence");
    for at in 3..20 {
        let row = format!("C1,US1-{at},US1,course,employee,2026-04-01,2026-05-31,");
        writeln!(text, "{row}").expect("it is memory");
    }
    workspace.write("evidence/courses.csv", text);
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    close_again(&workspace);
    // Were JP1 shown beside the group as it was, it would tell how many US1 had.
    let [group, small, sister] = shown(&workspace, "2", ["HD", "US1", "JP1"]);
    assert_eq!(group, of(18, 52, "rows"));
    assert_eq!(
        (&small[2], &sister[2]),
        (&json!("withheld"), &json!("withheld"))
    );
}

#[test]
fn a_restatement_tells_nothing_of_few_people() {
    let workspace = restated();
    let asked = ["statement", "2026-06", "--format", "json"];
    let shown = workspace.run(&asked).exits(0).json();
    let differences = shown["restatement"]["differences"]
        .as_array()
        .expect("an array");
    let of = |org_unit: &str| {
        let of_unit = differences.iter().filter(|one| one["org_unit"] == org_unit);
        of_unit.cloned().collect::<Vec<Value>>()
    };
    assert!(of("US1").is_empty());
    assert!(!of("HD").is_empty(), "the group's figure has moved");
    for one in of("HD") {
        assert_eq!(one["is_of_few"], true);
        for key in ["before", "after", "status_before", "status_after"] {
            assert!(one[key].is_null(), "{one}");
        }
        for part in ["evidence", "definitions", "tree"] {
            assert!(one["bridge"][part].is_null(), "{one}");
        }
    }
    let against = [
        "statement",
        "2026-06",
        "--revision",
        "1",
        "--against",
        "2",
        "--format",
        "json",
    ];
    let found = workspace.run(&against).exits(0).json();
    for one in found.as_array().expect("an array") {
        if one["org_unit"] == "US1" {
            assert!(
                one["before"].is_null() && one["by_evidence"].is_null(),
                "{one}"
            );
        }
    }
    let bridge = |more: &[&str]| {
        let mut all = vec!["bridge", "2026-06", "--to", "2", "--kpi", "33"];
        all.extend(more);
        workspace.run(&all).exits(0)
    };
    assert!(!bridge(&["--org", "US1"]).out.contains('%'));
    let entries = bridge(&["--entries"]);
    assert!(!entries.out.contains("US1"), "{}", entries.out);
    assert!(entries.err.contains("of few people"), "{}", entries.err);
    let page = workspace.path().join("june.html");
    let path = page.to_str().expect("a path");
    workspace
        .run(&["statement", "2026-06", "--format", "html", "--output", path])
        .exits(0);
    let page = std::fs::read_to_string(page).expect("it was written");
    assert!(!page.contains("66.7 %") && !page.contains("66.7%"));
    set(&workspace, "fewest = 0");
    let open = workspace.run(&asked).exits(0).json();
    let differences = open["restatement"]["differences"]
        .as_array()
        .expect("an array")
        .iter();
    let mut of_unit =
        differences.filter(|one| one["org_unit"] == "US1" && !one["before"].is_null());
    assert!(
        of_unit.next().is_some(),
        "with nothing to protect it is shown"
    );
}

#[test]
fn who_has_the_right_sees_all_and_zero_switches_it_off() {
    let workspace = taken();
    set(&workspace, "shown_to = [\"ciso\"]");
    let asked = workspace.run_as("ciso", &MEASURE).exits(0).json();
    assert_eq!(attendance(&asked, "US1")["denominator"], 3);
    let asked = workspace.run_as("somebody", &MEASURE).exits(0).json();
    assert_eq!(attendance(&asked, "US1")["basis"], "withheld");
    let open = taken();
    set(&open, "fewest = 0");
    let asked = open.run(&MEASURE).exits(0).json();
    assert_eq!(attendance(&asked, "US1")["denominator"], 3);
    let wrong = taken();
    set(&wrong, "fewest = -1");
    wrong
        .run(&["check"])
        .exits(1)
        .complains("not a number of people: -1");
}
