//! Mappings from outside: code lists, what tools call org units, and what is said before anything is read.

use crate::workspace::Workspace;

const SOURCE: &str = "name = \"scanner\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/scanner.csv\"\n\n[columns]\n\
                      asset_id = '\"No\"'\norg_unit = 'org_unit(\"Site\", \"IP\")'\nkind = \"lookup('kinds', \\\"Type\\\", 'kind')\"\n\
                      is_in_scope = \"'true'\"\n";

const EVIDENCE: &str =
    "No,Type,Site,IP\nA1,SRV,JP1,\nA2,PC,東京第一,\nA3,PC,,10.12.0.9\nA4,PC,Lab 7,\nA5,UFO,JP1,\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/scanner.toml", SOURCE);
    workspace.write("evidence/scanner.csv", EVIDENCE);
    workspace.write("lists/kinds.csv", "code,kind\nSRV,hardware\nPC,hardware\n");
    workspace.write(
        "aliases.csv",
        "form,text,org_unit,valid_from,valid_until\nname,東京第一,JP1-IT,,\naddress,10.12.0.0/16,US1,,\n",
    );
    workspace
}

fn units(workspace: &Workspace) -> Vec<String> {
    let query = "select asset_id || '=' || org_unit as unit from assets group by asset_id, org_unit \
                 having sum(weight) > 0 order by 1";
    let found = workspace
        .run(&["sql", query, "--format", "json"])
        .exits(0)
        .json();
    let rows = found.as_array().expect("an array").iter();
    rows.map(|row| row["unit"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn codes_and_org_units_are_looked_up_and_what_nobody_knows_is_listed() {
    let workspace = workspace();
    workspace
        .run(&["check"])
        .exits(0)
        .says("mappings held against a file that is there: 1");
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(3)
        .says("accepted 4")
        .says("not in org.csv: Lab 7");
    assert_eq!(
        units(&workspace),
        ["A1=JP1", "A2=JP1-IT", "A3=US1", "A4=Lab 7"]
    );
    let listed = workspace
        .run(&["sources", "--unassigned", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(listed.as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(
        (&listed[0]["text"], &listed[0]["records"]),
        (&"Lab 7".into(), &1.into())
    );
}

#[test]
fn a_new_alias_moves_the_evidence_at_the_next_reading_of_the_same_file() {
    let workspace = workspace();
    workspace.run(&["ingest", "--as-of", "2026-10-31"]).exits(3);
    workspace.write(
        "aliases.csv",
        "form,text,org_unit,valid_from,valid_until\nname,東京第一,JP1-IT,,\naddress,10.12.0.0/16,US1,,\nname,lab 7,JP1,,\n",
    );
    let listed = workspace
        .run(&["sources", "--unassigned", "--format", "json"])
        .json();
    assert_eq!(listed[0]["stands_for"], "JP1");
    workspace
        .run(&["ingest", "--as-of", "2026-10-31"])
        .exits(3)
        .says("changed 1");
    assert_eq!(units(&workspace)[3], "A4=JP1");
    workspace
        .run(&["sources", "--unassigned"])
        .exits(0)
        .says("all evidence names org units that org.csv knows");
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn a_mapping_is_held_against_lists_and_files_before_anything_is_read() {
    let workspace = workspace();
    workspace.write("lists/kinds.csv", "code,kinds\nSRV,hardware\n");
    workspace
        .run(&["check"])
        .exits(1)
        .complains("sources/scanner.toml:9:")
        .complains("code list `kinds` has no column `kind`")
        .complains("did you mean 'kinds'?");
    workspace.write("lists/kinds.csv", "code,kind\nSRV,hardware\n");
    workspace.write("evidence/scanner.csv", "Nr,Type,Site,IP\nA1,SRV,JP1,\n");
    workspace
        .run(&["check"])
        .exits(1)
        .complains("sources/scanner.toml:7:")
        .complains("unknown column `No`");
}

#[test]
fn faults_of_lists_and_aliases_are_named_with_their_lines() {
    let workspace = workspace();
    workspace.write("lists/kinds.csv", "code,kind\nSRV,hardware\nSRV,mobile\n");
    workspace.write(
        "aliases.csv",
        "form,text,org_unit,valid_from,valid_until\nname,Tokyo,JP9,,\n",
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("lists/kinds.csv:3: the code is already in line 2: SRV")
        .complains("aliases.csv:2: unknown org unit: JP9");
}
