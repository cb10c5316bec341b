//! A dataset whose definition grows and changes while its evidence is in the books.

use crate::workspace::Workspace;

const SOURCE: &str = "name = \"visits\"\nkind = \"csv\"\ndataset = \"visits\"\nplace = \"evidence/visits.csv\"\n\
                      covers = [\"HD\"]\n";

const KPI: &str = r#"
no = 1000
code = "X.1"
group = "security_department"
class = "assessment"
maturity = "low"
frequency = "monthly"
name = { ja = "訪問", en = "Visits" }
middle_item = { ja = "訪問", en = "Visits" }
purpose = { ja = "訪問", en = "Visits" }
evidence = { ja = "訪問", en = "Visits" }
reading = { ja = "訪問", en = "Visits" }

[measures.hours]
title = { ja = "時間", en = "Hours" }
dataset = "visits"
clock = "flow"
on = "held_on"
value = "hours"

[[indicators]]
code = "hours_sum"
title = { ja = "時間", en = "Hours" }
kind = "sum"
measure = "hours"
unit = "count"
direction = "none"
tag = "implementation"
"#;

fn dataset(hours: &str, further: &str) -> String {
    let text = |words: &str| format!("{{ ja = \"{words}\", en = \"{words}\" }}");
    let column = |name: &str, kind: &str| {
        format!(
            "[columns.{name}]\ntype = \"{kind}\"\ntitle = {t}\ndescription = {t}\n",
            t = text(name)
        )
    };
    let mut columns = column("visit_id", "text");
    columns += &column("org_unit", "text");
    columns += &column("held_on", "date");
    columns += &column("hours", hours);
    if !further.is_empty() {
        columns += &column(further, "text");
    }
    format!(
        "name = \"visits\"\nkind = \"fact\"\ntitle = {t}\ndescription = {t}\nkey = [\"visit_id\"]\n\
         freshness_days = 400\n{columns}",
        t = text("visits")
    )
}

fn hours(workspace: &Workspace) -> serde_json::Value {
    let found = workspace
        .run(&[
            "measure", "--kpi", "1000", "--org", "HD", "--period", "2026-05", "--format", "json",
        ])
        .exits(0);
    found.json()[0]["value"].clone()
}

#[test]
fn a_new_column_and_a_changed_type_keep_every_figure_and_every_commit() {
    let workspace = Workspace::new();
    workspace.write("sources/visits.toml", SOURCE);
    workspace.write("kpis/visits/kpi.toml", KPI);
    workspace.write("datasets/visits.toml", dataset("integer", ""));
    let first = "visit_id,org_unit,held_on,hours\nV1,JP1,2026-05-04,3\nV2,US1,2026-05-05,4\n";
    workspace.write("evidence/visits.csv", first);
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    assert_eq!(hours(&workspace), 7);

    // A column more: what was journalled before has none.
    workspace.write("datasets/visits.toml", dataset("integer", "place"));
    let second = "visit_id,org_unit,held_on,hours,place\nV3,JP1,2026-05-06,5,Osaka\n";
    workspace.write("evidence/visits.csv", second);
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    assert_eq!(hours(&workspace), 12);

    // Another type: the entries are written anew under their own commits and times.
    workspace.write("datasets/visits.toml", dataset("decimal(10,2)", "place"));
    let third = "visit_id,org_unit,held_on,hours,place\nV4,JP1,2026-05-07,0.25,Kobe\n";
    workspace.write("evidence/visits.csv", third);
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    assert_eq!(hours(&workspace), 12.25);
    let rows = workspace
        .run(&[
            "sql",
            "select record_key, seq, hours, place from visits order by seq, record_key",
            "--format",
            "csv",
        ])
        .exits(0);
    assert_eq!(
        rows.out,
        "record_key,seq,hours,place\nV1,1,3.0,\nV2,1,4.0,\nV3,2,5.0,Osaka\nV4,3,0.25,Kobe\n"
    );
    workspace.run(&["verify"]).exits(0);
}
