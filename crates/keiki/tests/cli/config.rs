//! Faults of a workspace's files: each with file, line, column and a hint, all of them at once.

use crate::workspace::{Ran, Workspace, run_in};

const SETTINGS: &str =
    "zone = \"Asia/Tokyo\"\n[organisation]\nname = { ja = \"架空\", en = \"Fictional\" }\n";
const HEADER: &str =
    "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";

fn check_with(name: &str, text: &str) -> Ran {
    let workspace = Workspace::new();
    workspace.write(name, text);
    let ran = workspace.run(&["check", "--language", "en"]).exits(1);
    assert!(
        !workspace.path().join(".keiki").exists(),
        "checking writes nothing"
    );
    ran
}

/// The definition of an own KPI over assets, with one line of it changed.
fn kpi(line: &str, changed: &str) -> String {
    let text = r#"no = 1000
code = "9.1"
group = "own_systems"
class = "organisation_and_process"
maturity = "low"
frequency = "monthly"
name = { ja = "端末数", en = "Workstations" }
middle_item = { ja = "端末", en = "Workstations" }
purpose = { ja = "数える", en = "To count" }
evidence = { ja = "台帳", en = "The register" }
reading = { ja = "そのまま", en = "As it stands" }

[measures.all]
title = { ja = "端末", en = "Workstations" }
dataset = "assets"
where = "kind = 'hardware'"
clock = "stock"

[[indicators]]
code = "all_count"
title = { ja = "端末数", en = "Workstations" }
kind = "sum"
measure = "all"
unit = "count"
direction = "none"
tag = "implementation"
"#;
    assert!(text.contains(line), "the definition has the line {line}");
    text.replace(line, changed)
}

#[test]
fn broken_toml_is_shown_where_it_breaks() {
    check_with("keiki.toml", "zone = \"Asia/Tokyo\nlanguage = \"en\"\n")
        .complains("error: keiki.toml:1:")
        .complains("not valid TOML")
        .complains("hint:");
}

#[test]
fn an_empty_file_is_named() {
    check_with("keiki.toml", "")
        .complains("error: keiki.toml: the file is empty")
        .complains("hint:");
    check_with("org.csv", "").complains("error: org.csv: the file is empty");
    check_with("sources/assets.toml", "")
        .complains("error: sources/assets.toml: the file is empty");
}

#[test]
fn an_unknown_column_in_a_predicate_is_shown_within_the_sql() {
    check_with(
        "kpis/workstations/kpi.toml",
        &kpi("kind = 'hardware'", "kinds = 'hardware'"),
    )
    .complains("error: kpis/workstations/kpi.toml:16:10:")
    .complains("kinds")
    .complains("hint:")
    .complains("kind");
}

#[test]
fn a_float_is_refused_in_a_target_a_column_and_an_expression() {
    let target = kpi(
        "tag = \"implementation\"",
        "tag = \"implementation\"\ntarget = { at_least = 0.95 }",
    );
    check_with("kpis/workstations/kpi.toml", &target)
        .complains("kpi.toml:27:")
        .complains("exact")
        .complains("hint:");
    let value = kpi(
        "clock = \"stock\"",
        "clock = \"stock\"\nvalue = \"cast(1 as double) / 3\"",
    );
    check_with("kpis/workstations/kpi.toml", &value)
        .complains("Float64")
        .complains("hint: figures are exact");
    let dataset = "name = \"meters\"\nkind = \"register\"\nkey = [\"id\"]\nfreshness_days = 30\n\
                   title = { ja = \"計\", en = \"Meters\" }\ndescription = { ja = \"計\", en = \"Meters\" }\n\
                   [columns.id]\ntype = \"text\"\ntitle = { ja = \"番号\", en = \"Id\" }\ndescription = { ja = \"番号\", en = \"Id\" }\n\
                   [columns.value]\ntype = \"float\"\ntitle = { ja = \"値\", en = \"Value\" }\ndescription = { ja = \"値\", en = \"Value\" }\n";
    check_with("datasets/meters.toml", dataset)
        .complains("datasets/meters.toml:12:9")
        .complains("decimal(12,2)");
}

#[test]
fn a_cycle_in_the_org_tree_is_spelt_out() {
    let rows = "HD,,架空,Fictional,group,JP,,,\nA,B,甲,A,company,JP,,,\nB,A,乙,B,company,JP,,,\n";
    check_with("org.csv", &format!("{HEADER}{rows}"))
        .complains("org.csv:3:3: ")
        .complains("cycle")
        .complains("A > B > A")
        .complains("hint:");
}

#[test]
fn two_org_units_of_one_id_are_named_with_both_lines() {
    let rows = "HD,,架空,Fictional,group,JP,,,\nA,HD,甲,A,company,JP,,,\nA,HD,乙,B,company,JP,,,\n";
    check_with("org.csv", &format!("{HEADER}{rows}"))
        .complains("org.csv:4:1: ")
        .complains("the first is in line 3")
        .complains("hint:");
}

#[test]
fn half_a_row_of_the_org_tree_and_a_day_that_does_not_exist_are_named() {
    let rows = "HD,,架空,Fictional,group,JP,,,\nA,HD,甲\nB,HD,乙,B,company,JP,2026-02-30,,\n";
    check_with("org.csv", &format!("{HEADER}{rows}"))
        .complains("org.csv:3: the row should have 9 fields, found 3")
        .complains("org.csv:4: `valid_from` is not a date: 2026-02-30")
        .complains("2 problems");
}

#[test]
fn overlapping_fiscal_years_are_named_where_the_second_stands() {
    let years = "[[fiscal.years]]\nname = 2026\nfirst = \"2026-04\"\nlast = \"2027-03\"\n\
                 [[fiscal.years]]\nname = 2027\nfirst = \"2027-03\"\nlast = \"2028-03\"\n";
    check_with("keiki.toml", &format!("{SETTINGS}{years}"))
        .complains("keiki.toml:8:")
        .complains("fiscal years 2026 and 2027 overlap")
        .complains("hint: let 2027 start in 2027-04");
}

#[test]
fn all_problems_of_all_files_come_at_once() {
    let workspace = Workspace::new();
    workspace.write("keiki.toml", SETTINGS.replace("Tokyo", "Tokio"));
    workspace.write(
        "org.csv",
        format!("{HEADER}HD,,架空,Fictional,group,JP,,,\nA,HD,甲,A,firm,JP,,,\n"),
    );
    workspace.write(
        "sources/assets.toml",
        "name = \"assets\"\nkind = \"cvs\"\ndataset = \"assets\"\nplace = \"a.csv\"\n",
    );
    workspace.write(
        "kpis/workstations/kpi.toml",
        kpi("maturity = \"low\"", "maturity = \"lowest\""),
    );
    workspace
        .run(&["check", "--language", "en"])
        .exits(1)
        .complains("keiki.toml:1:")
        .complains("org.csv:3")
        .complains("sources/assets.toml:2:")
        .complains("kpis/workstations/kpi.toml:5:")
        .complains("4 problems");
}

#[test]
fn a_float_hides_no_unknown_column_of_the_same_file() {
    let both = kpi("kind = 'hardware'", "kinds = 'hardware'").replace(
        "tag = \"implementation\"",
        "tag = \"implementation\"\ntarget = { at_least = 0.95 }",
    );
    check_with("kpis/workstations/kpi.toml", &both)
        .complains("kpis/workstations/kpi.toml:16:10:")
        .complains("kpis/workstations/kpi.toml:27:")
        .complains("3 problems");
    let parameter = kpi(
        "[measures.all]",
        "[parameters.limit]\ntype = \"integer\"\ndefault = 1.5\ntitle = { ja = \"上限\", en = \"Limit\" }\n\n[measures.all]",
    );
    // Where a parameter is used that cannot be read, nothing else is wrong.
    let used = parameter.replace("kind = 'hardware'", "length(kind) > $limit");
    let ran = check_with("kpis/workstations/kpi.toml", &used);
    assert!(!ran.err.contains("unknown parameter"), "{ran:#?}");
}

#[test]
fn an_org_unit_of_other_days_is_told_with_its_days() {
    let workspace = Workspace::new();
    let rows = "HD,,架空,Fictional,group,JP,,,\nSG1,HD,亜,Asia,overseas,SG,2026-07-01,,\n";
    workspace.write("org.csv", format!("{HEADER}{rows}"));
    workspace.write(
        "a.csv",
        "asset_id,org_unit,kind,is_in_scope\nA1,HD,hardware,true\n",
    );
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            "a.csv",
            "--as-of",
            "2026-05-31",
        ])
        .exits(0);
    workspace
        .run(&["measure", "--org", "SG1", "--period", "2026-05"])
        .exits(1)
        .complains("hint: org.csv says that it is valid from 2026-07-01 on\n");
}

#[test]
fn a_source_of_an_unknown_dataset_or_unit_is_named() {
    let source = "name = \"a\"\nkind = \"csv\"\ndataset = \"asset\"\nplace = \"a.csv\"\n";
    check_with("sources/a.toml", source)
        .complains("unknown dataset `asset`")
        .complains("hint: did you mean assets?");
    let covers = source.replace("\"asset\"", "\"assets\"") + "covers = [\"JP9\"]\n";
    check_with("sources/a.toml", &covers)
        .complains("unknown org unit: JP9")
        .complains("hint:");
}

#[test]
fn an_own_kpi_needs_files_only() {
    let workspace = Workspace::new();
    workspace.write("kpis/workstations/kpi.toml", kpi("no = 1000", "no = 1000"));
    workspace.run(&["check"]).exits(0).says("48 KPIs");
    workspace
        .run(&["catalogue", "1000"])
        .exits(0)
        .says("Workstations")
        .says("kind = 'hardware'");
}

#[test]
fn usage_errors_and_a_missing_workspace_have_their_own_exit_codes() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    run_in(folder.path(), &["measure", "--nonsense"])
        .exits(2)
        .complains("--nonsense");
    run_in(folder.path(), &["check"])
        .exits(1)
        .complains("no workspace in this folder")
        .complains("hint: make one with `keiki init DIR`");
    run_in(folder.path(), &["check", "--workspace", "nowhere"])
        .exits(1)
        .complains("not a workspace");
    run_in(folder.path(), &["--help"]).exits(0).says("ingest");
}
