//! Live sources and schedules, from the command line.

use crate::workspace::Workspace;

/// The secret that is planted; it must show nowhere.
const SECRET: &str = "plantedsecret42";

/// A tap that counts on from its state and gives one row that is rejected.
const TAP: &str = r#"
import json, os, sys
a = sys.argv
config = json.load(open(a[a.index("--config") + 1]))
state = json.load(open(a[a.index("--state") + 1])) if "--state" in a else {"last": 0}
say = lambda m: print(json.dumps(m))
print("logged in with", config["token"], file=sys.stderr)
if os.path.exists("broken"):
    sys.exit("cannot log in with " + config["token"])
say({"type": "SCHEMA", "stream": "s", "schema": {}})
for i in range(state["last"] + 1, state["last"] + 3):
    say({"type": "RECORD", "stream": "s", "record": {"id": "A%d" % i, "unit": "JP1", "owner": "Yamada %d" % i}})
say({"type": "RECORD", "stream": "s", "record": {"id": None, "unit": "JP1"}})
say({"type": "STATE", "value": {"last": state["last"] + 2}})
"#;

const SOURCE: &str = r#"name = "tapped"
kind = "singer"
dataset = "assets"
schedule = "monthly on day 1 at 00:00"

[fetch]
command = ["python3", "tap.py"]
config = { token = { file = "secret" } }

[columns]
asset_id = "id"
org_unit = "unit"
kind = "'hardware'"
owner_id = "owner"
"#;

const OTHER: &str = "name = \"other\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/none.csv\"\n\
                     schedule = \"monthly on day 1 at 00:00\"\n";

fn workspace() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/tapped.toml", SOURCE);
    workspace.write("tap.py", TAP);
    workspace.write("secret", format!("{SECRET}\n"));
    workspace
}

#[test]
fn a_trial_shows_rows_mapped_and_journals_nothing() {
    let workspace = workspace();
    let tried = workspace
        .run(&["sources", "test", "tapped"])
        .exits(3)
        .says("2 rows would be accepted (2 shown), 1 rejected")
        .says("asset_id  A1")
        .says("tapped:records.json:3")
        .says("nothing was journalled");
    assert!(
        !tried.out.contains("Yamada"),
        "names of people stay hidden: {}",
        tried.out
    );
    assert!(tried.out.contains("owner_id  •••"), "{}", tried.out);
    assert!(
        !workspace.path().join(".keiki/journal").exists(),
        "a journal was made"
    );
    let left: Vec<_> = workspace
        .path()
        .join(".keiki")
        .read_dir()
        .expect("the folder is there")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("fetched"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "what was fetched is gone");
    let file = workspace.write(
        "evidence/assets.csv",
        "asset_id,org_unit,kind\nA1,JP1,hardware\nA2,JP1,paper\n",
    );
    drop(file);
    workspace.write(
        "sources/filed.toml",
        "name = \"filed\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n",
    );
    workspace
        .run(&["sources", "test", "filed"])
        .exits(3)
        .says("evidence/assets.csv:3")
        .says("asset_id  A1");
    workspace
        .run(&["--language", "ja", "sources", "test", "filed"])
        .exits(3)
        .says("何も記帳していません");
    let json = workspace
        .run(&["sources", "test", "filed", "--format", "json"])
        .exits(3)
        .json();
    assert_eq!(json["rows"][0]["values"]["asset_id"], "A1");
}

#[test]
fn the_state_moves_with_the_journal_and_a_changed_definition_begins_afresh() {
    let workspace = workspace();
    workspace
        .run(&["ingest", "tapped"])
        .exits(3)
        .says("accepted 2  changed 2");
    workspace
        .run(&["ingest", "tapped"])
        .exits(3)
        .says("accepted 2  changed 2");
    workspace
        .run(&[
            "sql",
            "select asset_id from assets order by 1",
            "--format",
            "csv",
        ])
        .exits(0)
        .says("asset_id\nA1\nA2\nA3\nA4\n");
    workspace.write("broken", "");
    workspace
        .run(&["ingest", "tapped"])
        .exits(1)
        .complains("cannot log in with ***")
        .complains("hint:");
    std::fs::remove_file(workspace.path().join("broken")).expect("it was written");
    workspace.write("sources/tapped.toml", format!("{SOURCE}\n# a change\n"));
    workspace
        .run(&["ingest", "tapped"])
        .exits(3)
        .says("accepted 2  changed 0  unchanged 2");
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn what_is_due_is_read_and_what_fails_stops_nothing_else_and_shows() {
    let workspace = workspace();
    workspace.write("sources/other.toml", OTHER);
    workspace.write("broken", "");
    workspace
        .run(&["ingest", "--due"])
        .exits(1)
        .complains("cannot log in with ***")
        .complains("no file matches: evidence/none.csv");
    // Both rest for a while after their failure.
    workspace
        .run(&["ingest", "--due"])
        .exits(0)
        .says("no source is due");
    let listed = workspace.run(&["sources"]).exits(0);
    let listed = listed
        .complains("tapped: failed once:")
        .complains("other: failed once: no file matches");
    drop(listed);
    let json = workspace
        .run(&["sources", "--format", "json"])
        .exits(0)
        .json();
    let of = |name: &str| {
        json.as_array()
            .and_then(|rows| rows.iter().find(|row| row["source"] == name))
            .cloned()
    };
    let other = of("other").expect("it is listed");
    assert_eq!(other["failures"], 1);
    assert!(
        other["failed_at"].is_string()
            && other["next_due"].is_string()
            && other["succeeded_at"].is_null()
    );
    workspace.write(
        "evidence/none.csv",
        "asset_id,org_unit,kind\nA9,JP1,hardware\n",
    );
    std::fs::remove_file(workspace.path().join("broken")).expect("it was written");
    workspace.run(&["ingest"]).exits(3).says("accepted 1");
    let json = workspace
        .run(&["sources", "--format", "json"])
        .exits(0)
        .json();
    for row in json.as_array().expect("a list") {
        assert!(
            row["succeeded_at"].is_string() && row["failed_at"].is_null() && row["failures"] == 0,
            "{row}"
        );
    }
    workspace
        .run(&["ingest", "--due"])
        .exits(0)
        .says("no source is due");
}

#[test]
fn a_server_reads_what_is_due_unless_it_is_told_to_leave_it() {
    let due = || {
        let workspace = Workspace::new();
        workspace.write("sources/other.toml", OTHER);
        let row = "asset_id,org_unit,kind\nA9,JP1,hardware\n";
        workspace.write("evidence/none.csv", row);
        workspace
    };
    let is_read = |workspace: &Workspace| {
        let listed = workspace.run(&["sources", "--format", "json"]).exits(0);
        listed.json()[0]["succeeded_at"].is_string()
    };
    let (left, read) = (due(), due());
    // The one that is to leave it has had more time to read it when the other has.
    let leaving = left.serve(&["--schedules", "leave"]);
    let reading = read.serve(&[]);
    assert!((0..2_000).any(|_| is_read(&read)), "it is never read");
    assert!(!is_read(&left));
    drop((leaving, reading));
    left.run(&["ingest", "--due"])
        .exits(0)
        .says("accepted 1  changed 1");
    read.run(&["ingest", "--due"])
        .exits(0)
        .says("no source is due");
}

#[test]
fn without_a_schedule_there_is_nothing_to_be_due() {
    let workspace = workspace();
    workspace.write(
        "sources/tapped.toml",
        SOURCE.replace("schedule", "# schedule"),
    );
    workspace
        .run(&["ingest", "--due"])
        .exits(1)
        .complains("no source has a schedule");
    workspace.write(
        "sources/tapped.toml",
        SOURCE.replace("monthly on day 1", "now and then"),
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("`schedule` cannot be `now and then at 00:00`");
}

#[test]
fn a_secret_shows_in_no_output_log_or_file() {
    let workspace = workspace();
    workspace.write("broken", "");
    let mut said = String::new();
    for arguments in [
        &["sources", "test", "tapped"][..],
        &["ingest", "tapped"],
        &["sources"],
        &["sources", "--format", "json"],
        &["check"],
    ] {
        let ran = workspace.run_logged(arguments);
        said.push_str(&ran.out);
        said.push_str(&ran.err);
    }
    std::fs::remove_file(workspace.path().join("broken")).expect("it was written");
    let ran = workspace.run_logged(&["ingest", "tapped"]).exits(3);
    said.push_str(&ran.out);
    said.push_str(&ran.err);
    assert!(said.contains("***"), "the tap did repeat it: {said}");
    assert!(!said.contains(SECRET), "{said}");
    let mut folders = vec![workspace.path().join(".keiki")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in folder.read_dir().expect("the folder is there").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                let bytes = std::fs::read(&path).expect("the file can be read");
                let found = bytes
                    .windows(SECRET.len())
                    .any(|part| part == SECRET.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
    assert!(files > 5, "only {files} files were looked at");
    workspace.write(
        "sources/tapped.toml",
        SOURCE.replace("{ file = \"secret\" }", &format!("\"{SECRET}\"")),
    );
    let ran = workspace
        .run(&["check"])
        .exits(1)
        .complains("`token` is a secret");
    assert!(!ran.err.contains(SECRET), "{}", ran.err);
}
