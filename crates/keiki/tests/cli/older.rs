//! Books that an older Keiki wrote are opened, read, written on and checked as if this one had written them.

use std::io::{Cursor, Read};

use serde_json::{Value, json};

use crate::workspace::{ASSETS_HEADER, Workspace};

/// A workspace of 25 commits, whose heads are files of buckets and files of later rows in the form before decision 0073.
const HEADS: &[u8] = include_bytes!("older/heads.zip.gz");

/// A workspace with a closed period, from the same time.
const CLOSED: &[u8] = include_bytes!("older/closed.zip.gz");

/// A workspace with a period that was closed while a company was silent: the holding above it had not reported either, by the rule
/// before decision 0106.
const SILENT: &[u8] = include_bytes!("older/silent.zip.gz");

const THINGS: &str = include_str!("../../../keiki-ingest/fixtures/datasets/things.toml");

/// A workspace with the books that an older program wrote.
fn workspace_with(books: &[u8]) -> Workspace {
    let workspace = Workspace::new();
    let mut whole = Vec::new();
    let mut unpacked = flate2::read::GzDecoder::new(books);
    unpacked.read_to_end(&mut whole).expect("it is packed");
    let mut archive = zip::ZipArchive::new(Cursor::new(whole)).expect("it is an archive");
    archive
        .extract(workspace.path())
        .expect("it can be laid out");
    workspace
}

/// The list of the heads of a dataset.
fn heads(workspace: &Workspace, dataset: &str) -> Value {
    let place = format!(".keiki/journal/heads/{dataset}/manifest.json");
    let text = std::fs::read_to_string(workspace.path().join(place));
    serde_json::from_str(&text.expect("there are heads")).expect("the list is JSON")
}

fn files_of(heads: &Value, of: &str) -> Vec<String> {
    let file = |one: &Value| one["file"].as_str().or(one.as_str()).map(str::to_owned);
    match &heads[of] {
        Value::Object(files) => files.values().filter_map(file).collect(),
        Value::Array(files) => files.iter().filter_map(file).collect(),
        other => unreachable!("no list of files: {other}"),
    }
}

fn source(workspace: &Workspace, name: &str, text: &str) {
    let place = format!("evidence/{name}/{name}.csv");
    workspace.write(
        &format!("sources/{name}.toml"),
        format!("name = \"{name}\"\nkind = \"csv\"\ndataset = \"things\"\nplace = \"{place}\"\n"),
    );
    workspace.write(&place, text);
}

#[test]
fn heads_of_an_older_program_are_read_and_written_on() {
    let workspace = workspace_with(HEADS);
    workspace.write("datasets/things.toml", THINGS);
    let before = heads(&workspace, "things");
    assert_eq!(files_of(&before, "buckets").len(), 20);
    assert_eq!(files_of(&before, "later").len(), 7);
    assert!(!before.to_string().contains("#folded"));
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");

    // `semi` said this of S1 in a bucket, `nan` this of NA2 in a file of later rows; of each something is new.
    source(
        &workspace,
        "semi",
        "thing_id,org_unit,kind,amount,item_count,held_on,checked_at,is_critical\n\
         S1,JP1,hardware,1.5,2,2026-04-01,2026-04-01T00:00:00Z,true\nS2,JP1,hardware,,,,,\n",
    );
    source(
        &workspace,
        "nan",
        "thing_id,org_unit,kind,amount,item_count,held_on\nNA2,JP1,hardware,1,2,9999-01-01\n",
    );
    let read = workspace.run(&["ingest", "--as-of", "2026-11-26"]).exits(0);
    read.says("accepted 2  changed 1  unchanged 1")
        .says("accepted 1  changed 1  unchanged 0");
    let after = heads(&workspace, "things");
    assert_eq!(files_of(&after, "buckets"), files_of(&before, "buckets"));
    assert_eq!(files_of(&after, "later")[..7], files_of(&before, "later"));
    assert!(after.to_string().contains("#folded"));
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
    let asked = "select record_key, item_count, sum(weight) as held from things \
                 where source in ('semi', 'nan') group by 1, 2 having sum(weight) > 0 order by 1";
    let rows = workspace.run(&["sql", asked, "--format", "json"]).exits(0);
    assert_eq!(
        rows.json(),
        json!([
            { "record_key": "NA2", "item_count": 2, "held": 1 },
            { "record_key": "S1", "item_count": 2, "held": 1 },
            { "record_key": "S2", "item_count": null, "held": 1 },
        ])
    );
    workspace.run(&["compact"]).exits(0);
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

#[test]
fn a_period_that_an_older_program_closed_stays_closed_and_its_evidence_goes_on() {
    let workspace = workspace_with(CLOSED);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.write(
        "sources/assets.toml",
        "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\ncovers = [\"HD\"]\n",
    );
    let row =
        |asset: &str, inventoried: &str| format!("{asset},true,E1,2026-01-01,{inventoried}\n");
    let verified = workspace.run(&["verify"]).exits(0);
    verified
        .says("computed 1 closed statements again")
        .says("the books balance");
    let asked = [
        "measure", "--kpi", "1", "--org", "HD", "--period", "2026-03", "--format", "json",
    ];
    let figure = || {
        let found = workspace.run(&asked).exits(0).json();
        let part = |name: &str| found[0][name].as_i64();
        (part("numerator"), part("denominator"))
    };
    assert_eq!(figure(), (Some(1), Some(2)));
    let notes = workspace.run(&["notes", "list"]).exits(0);
    notes.says("リース機器も報告すること").says("kato");

    // The owner is the same person, and only what is new is written.
    workspace.write(
        "evidence/assets.csv",
        format!(
            "{ASSETS_HEADER}{}{}",
            row("A1,JP1,hardware,one", "2026-02-01,2026-02-01,declaration,"),
            row(
                "A3,JP1,hardware,three",
                "2026-02-01,2026-03-01,declaration,"
            )
        ),
    );
    let read = workspace.run(&["ingest", "--as-of", "2026-03-31"]).exits(0);
    read.says("accepted 2  changed 1  unchanged 1");
    assert_eq!(figure(), (Some(2), Some(2)));
    let statement = workspace
        .run(&["statement", "2026-03", "--format", "json"])
        .exits(0);
    statement.says("the stocktake was late");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

#[test]
fn a_period_that_was_closed_by_the_older_rule_of_coverage_comes_out_as_it_was_closed() {
    let workspace = workspace_with(SILENT);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.write("org.csv", include_str!("../../../../catalogue/org.csv"));
    let coverage = |line: &[&str]| {
        let further = ["--format", "json"];
        let line: Vec<&str> = line.iter().copied().chain(further).collect();
        let found = workspace.run(&line).exits(0).json();
        let all = found["measurements"].as_array().or(found.as_array());
        let one = &all.expect("there are figures")[0];
        (
            one["coverage"]["covered"].clone(),
            one["coverage"]["expected"].clone(),
        )
    };
    let verified = workspace.run(&["verify"]).exits(0);
    verified
        .says("computed 1 closed statements again")
        .says("the books balance");
    assert_eq!(
        coverage(&["statement", "2026-03"]),
        (json!(1), json!(3)),
        "as it was reported"
    );
    assert_eq!(
        coverage(&[
            "measure", "--kpi", "1", "--org", "HD", "--period", "2026-03"
        ]),
        (json!(2), json!(3)),
        "as it is known"
    );
    let reopened = ["reopen", "2026-03", "--reason", "coverage"];
    workspace.run(&reopened).exits(0);
    let closed = ["close", "2026-03", "--reason", "US1", "--agreed-by", "sato"];
    workspace.run(&closed).exits(0);
    assert_eq!(coverage(&["statement", "2026-03"]), (json!(2), json!(3)));
    let verified = workspace.run(&["verify"]).exits(0);
    verified.says("computed 2 closed statements again");
}
