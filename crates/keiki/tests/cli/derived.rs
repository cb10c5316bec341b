//! Evidence that follows from evidence: a threshold over results, tickets joined by key, and what a later scan no longer sees.

use crate::guide::{follow_with, written};
use crate::workspace::{Workspace, run_in};

fn csv(workspace: &Workspace, name: &str, dataset: &str, extra: &str, text: &str) {
    workspace.write(
        &format!("sources/{name}.toml"),
        format!("name = \"{name}\"\nkind = \"csv\"\ndataset = \"{dataset}\"\nplace = \"evidence/{name}.csv\"\n{extra}"),
    );
    workspace.write(&format!("evidence/{name}.csv"), text);
}

fn query(workspace: &Workspace, name: &str, dataset: &str, extra: &str, sql: &str) {
    workspace.write(
        &format!("sources/{name}.toml"),
        format!(
            "name = \"{name}\"\nkind = \"csv\"\ndataset = \"{dataset}\"\nprecedence = 50\n{extra}query = '''\n{sql}\n'''\n"
        ),
    );
}

/// The one value of a query's first row.
fn value(workspace: &Workspace, sql: &str) -> serde_json::Value {
    let found = workspace
        .run(&["sql", sql, "--format", "json"])
        .exits(0)
        .json();
    found[0]["v"].clone()
}

const CHECKS: &str = "name = \"checks\"\nkind = \"register\"\nkey = [\"system_id\", \"rule\"]\nfreshness_days = 10\n\
                      title = { ja = \"検査\", en = \"Checks\" }\ndescription = { ja = \"検査\", en = \"Checks\" }\n";

fn column(name: &str, kind: &str) -> String {
    format!(
        "[columns.{name}]\ntype = \"{kind}\"\ntitle = {{ ja = \"列\", en = \"Column\" }}\ndescription = {{ ja = \"列\", en = \"Column\" }}\n"
    )
}

/// The dataset of results, which are fresh for ten days.
fn of_checks(workspace: &Workspace) {
    let columns: String = [
        ("system_id", "text"),
        ("rule", "text"),
        ("org_unit", "text"),
        ("result", "text"),
        ("checked_on", "date"),
    ]
    .map(|(name, kind)| column(name, kind))
    .concat();
    workspace.write("datasets/checks.toml", format!("{CHECKS}{columns}"));
}

fn with_checks() -> Workspace {
    let workspace = Workspace::new();
    of_checks(&workspace);
    csv(
        &workspace,
        "register",
        "system_controls",
        "",
        "system_id,control,org_unit,system,is_in_scope\nS1,hardening,JP1,Payroll,true\nS2,hardening,US1,Shop,true\n",
    );
    query(
        &workspace,
        "hardening",
        "system_controls",
        "",
        "with r as (select system_id, count(*) as checked, max(checked_on) as checked_on,\n\
           count(*) filter (where result = 'pass') as passed from checks group by system_id)\n\
         select s.* replace (case when r.passed * 10 >= r.checked * 9 then r.checked_on end as done_on)\n\
         from system_controls s join r on r.system_id = s.system_id where s.control = 'hardening'",
    );
    workspace
}

fn checks(passing: usize) -> String {
    let row = |number: usize| {
        let result = if number < passing { "pass" } else { "fail" };
        format!("S1,R{number},JP1,{result},2026-05-20\n")
    };
    let rows: String = (0..10).map(row).collect();
    format!("system_id,rule,org_unit,result,checked_on\n{rows}")
}

const DONE: &str = "select cast(max(done_on) as varchar) as v from system_controls where system_id = 'S1' and done_on is not null \
                    and record_key in (select record_key from system_controls where done_on is not null group by record_key having sum(weight) > 0)";

#[test]
fn a_control_is_done_once_enough_rules_pass_and_follows_the_results() {
    let workspace = with_checks();
    csv(&workspace, "checker", "checks", "", &checks(8));
    workspace.run(&["check"]).exits(0);
    workspace
        .run(&["ingest", "--as-of", "2026-05-31"])
        .exits(0)
        .says("hardening → system_controls");
    assert!(value(&workspace, DONE).is_null());
    workspace.write("evidence/checker.csv", checks(9));
    workspace
        .run(&["ingest", "checker", "--as-of", "2026-06-30"])
        .exits(0)
        .says("hardening → system_controls");
    assert_eq!(value(&workspace, DONE), "2026-05-20");
    let system = value(
        &workspace,
        "select system as v from system_controls where source = 'hardening' limit 1",
    );
    assert_eq!(system, "Payroll");
    // The register's own columns are followed, not what was derived before.
    let register = workspace.path().join("evidence/register.csv");
    let text = std::fs::read_to_string(register).expect("the file is there");
    workspace.write("evidence/register.csv", text.replace("Payroll", "Wages"));
    workspace.run(&["ingest", "--as-of", "2026-07-31"]).exits(0);
    let named = "select system as v from system_controls where system_id = 'S1' group by system having sum(weight) > 0";
    assert_eq!(value(&workspace, named), "Wages");
    // Nothing new, nothing written.
    workspace
        .run(&["ingest", "hardening", "--as-of", "2026-07-31"])
        .exits(0)
        .says("same");
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn a_derived_source_follows_the_register_whose_columns_it_takes_over() {
    let workspace = with_checks();
    csv(&workspace, "checker", "checks", "", &checks(9));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    let register = workspace.path().join("evidence/register.csv");
    let text = std::fs::read_to_string(register).expect("the file is there");
    workspace.write("evidence/register.csv", text.replace("Payroll", "Wages"));
    // Nothing but the register is read, and the results are as they were.
    workspace
        .run(&["ingest", "register", "--as-of", "2026-06-30"])
        .exits(0)
        .says("hardening → system_controls");
    let named = "select system as v from system_controls where system_id = 'S1' group by system having sum(weight) > 0";
    assert_eq!(value(&workspace, named), "Wages");
    // What it derived itself is nothing new to it.
    workspace
        .run(&["ingest", "register", "--as-of", "2026-06-30"])
        .exits(0)
        .says("nothing was added");
}

#[test]
fn derived_evidence_covers_what_its_inputs_cover() {
    let workspace = with_checks();
    csv(&workspace, "checker", "checks", "", &checks(9));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    let owed = workspace
        .run(&["sources", "--coverage", "--format", "json"])
        .exits(0)
        .json();
    let source_of = |unit: &str| {
        let mut rows = owed.as_array().expect("an array").iter();
        let row = rows.find(|row| row["org_unit"] == unit && row["dataset"] == "system_controls");
        row.expect("it is owed")["source"].clone()
    };
    // Only JP1 sent results, so that the derived reading says nothing of US1.
    assert_eq!(source_of("JP1"), "hardening");
    assert_eq!(source_of("US1"), "register");
}

#[test]
fn derived_evidence_is_no_fresher_than_the_register_whose_rows_it_takes_over() {
    let workspace = with_checks();
    csv(&workspace, "checker", "checks", "", &checks(9));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    let until = || {
        let owed = workspace
            .run(&["sources", "--coverage", "--format", "json"])
            .exits(0)
            .json();
        let mut rows = owed.as_array().expect("an array").iter();
        let row = rows.find(|row| row["org_unit"] == "JP1" && row["dataset"] == "system_controls");
        row.expect("it is owed")["until"].clone()
    };
    // New results say nothing of systems that may have come since the register was read.
    workspace.write("evidence/checker.csv", checks(8));
    workspace
        .run(&["ingest", "checker", "--as-of", "2026-07-31"])
        .exits(0)
        .says("hardening → system_controls");
    assert_eq!(until(), "2026-05-31");
    workspace
        .run(&["ingest", "register", "--as-of", "2026-07-31"])
        .exits(0);
    assert_eq!(until(), "2026-07-31");
}

/// The results are fresh for ten days, controls for a hundred.
#[test]
fn derived_evidence_ages_with_the_first_of_its_inputs() {
    let workspace = Workspace::new();
    of_checks(&workspace);
    csv(&workspace, "checker", "checks", "", &checks(9));
    let sql = "select system_id, 'hardening' as control, org_unit, true as is_in_scope, max(checked_on) as done_on from checks\n\
               group by system_id, org_unit";
    query(&workspace, "hardening", "system_controls", "", sql);
    let fresh_until = || {
        let owed = workspace
            .run(&["sources", "--coverage", "--format", "json"])
            .exits(0)
            .json();
        let mut rows = owed.as_array().expect("an array").iter();
        let row = rows.find(|row| row["org_unit"] == "JP1" && row["dataset"] == "system_controls");
        row.expect("it is owed")["fresh_until"].clone()
    };
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    assert_eq!(fresh_until(), "2026-06-10");
    // An input that says itself that it ages sooner is followed too.
    csv(
        &workspace,
        "checker",
        "checks",
        "fresh_days = 3\n",
        &checks(8),
    );
    workspace.run(&["ingest", "--as-of", "2026-07-31"]).exits(0);
    assert_eq!(fresh_until(), "2026-08-03");
}

#[test]
fn a_wrong_query_is_named_in_its_file() {
    let workspace = with_checks();
    query(
        &workspace,
        "hardening",
        "system_controls",
        "",
        "select nothing from checks",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("sources/hardening.toml:6:1")
        .complains("the query cannot be run");
}

const CLOSED: &str = "with closed as (\n\
    select d.org_unit, d.cve_id, d.asset_id, min(a.scanned_on) as closed_on from detections d\n\
    left join asset_scans a on a.asset_id = d.asset_id and a.is_complete and a.scanned_on > d.last_seen_on\n\
    group by d.org_unit, d.cve_id, d.asset_id),\n\
  gone as (select org_unit, cve_id, max(closed_on) as closed_on from closed\n\
    group by org_unit, cve_id having count(*) = count(closed_on))\n\
  select v.* replace (least(v.started_on, t.started_on, g.closed_on) as started_on,\n\
    least(v.completed_on, t.completed_on, g.closed_on) as completed_on)\n\
  from vulnerabilities v left join tickets t on t.subject_id = v.vulnerability_id\n\
  left join gone g on g.org_unit = v.org_unit and g.cve_id = v.cve_id";

#[test]
fn a_vulnerability_starts_by_its_ticket_and_closes_when_complete_scans_see_it_no_longer() {
    let workspace = Workspace::new();
    csv(
        &workspace,
        "findings",
        "vulnerabilities",
        "",
        "vulnerability_id,org_unit,cve_id,published_on,detected_on\nV1,JP1,CVE-2026-1,2026-04-01,2026-04-02\nV2,JP1,CVE-2026-2,2026-04-01,2026-04-02\n",
    );
    csv(
        &workspace,
        "seen",
        "detections",
        "",
        "asset_id,cve_id,org_unit,first_seen_on,last_seen_on\nA1,CVE-2026-1,JP1,2026-04-02,2026-04-02\nA2,CVE-2026-1,JP1,2026-04-02,2026-04-09\n",
    );
    // The scan of A2 was cut short: that it saw nothing says nothing.
    let scans = "asset_id,scanner,scanned_on,org_unit,is_complete\nA1,n,2026-04-09,JP1,true\nA2,n,2026-04-16,JP1,false\n";
    csv(&workspace, "scans", "asset_scans", "", scans);
    csv(
        &workspace,
        "redmine",
        "tickets",
        "",
        "ticket_id,org_unit,subject_id,opened_on,started_on,completed_on\nT1,JP1,V2,2026-04-03,2026-04-05,2026-04-20\n",
    );
    query(&workspace, "closing", "vulnerabilities", "", CLOSED);
    workspace.run(&["check"]).exits(0);
    workspace.run(&["ingest", "--as-of", "2026-04-30"]).exits(0);
    let completed = |id: &str| {
        let sql = format!(
            "select cast(completed_on as varchar) as v from vulnerabilities where vulnerability_id = '{id}' \
             group by completed_on having sum(weight) > 0"
        );
        value(&workspace, &sql)
    };
    assert!(completed("V1").is_null());
    assert_eq!(completed("V2"), "2026-04-20");
    workspace.write(
        "evidence/scans.csv",
        format!("{scans}A2,n,2026-04-23,JP1,true\n"),
    );
    workspace
        .run(&["ingest", "scans", "--as-of", "2026-04-30"])
        .exits(0)
        .says("closing → vulnerabilities");
    assert_eq!(completed("V1"), "2026-04-23");
    let started = "select cast(started_on as varchar) as v from vulnerabilities where vulnerability_id = 'V2' \
                   group by started_on having sum(weight) > 0";
    assert_eq!(value(&workspace, started), "2026-04-05");
    workspace.run(&["verify"]).exits(0);
}

const GUIDES: [(&str, &str); 2] = [
    ("en", include_str!("../../../../docs/guides/derived.md")),
    ("ja", include_str!("../../../../docs/guides/derived.ja.md")),
];

#[test]
fn the_guide_derives_what_it_says() {
    let [english, japanese] = GUIDES.map(|(_, guide)| written(guide));
    assert_eq!(english, japanese, "both guides make the same files");
    assert_eq!(english.len(), 11, "{english:?}");
    for (language, guide) in GUIDES {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (first, rest) = guide
            .split_once("keiki init watch\n```")
            .expect("the guide begins with a new workspace");
        assert!(!first.contains("\nkeiki "));
        run_in(folder.path(), &["--language", language, "init", "watch"]).exits(0);
        let workspace = folder.path().join("watch");
        follow_with(&workspace, language, rest, &|_| ());
        run_in(&workspace, &["verify"]).exits(0);
    }
}
