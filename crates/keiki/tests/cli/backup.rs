//! A workspace is copied with its books, and put back.

use std::path::Path;

use crate::workspace::{ASSETS_HEADER, Workspace, run_in};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";
const ROWS: &str = "A1,JP1,hardware,one,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n";

fn filled() -> Workspace {
    fill(Workspace::new())
}

/// A workspace whose journal lies in another folder.
fn filled_elsewhere(journal: &Path) -> Workspace {
    let workspace = Workspace::new();
    let settings = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(settings).expect("it is there");
    let line = format!("journal = \"file://{}\"\n", journal.display());
    workspace.write("keiki.toml", format!("{line}{settings}"));
    fill(workspace)
}

fn fill(workspace: Workspace) -> Workspace {
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{ROWS}"));
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    let close = [
        "close",
        "2026-05",
        "--reason",
        "first",
        "--agreed-by",
        "ciso",
    ];
    workspace.run(&close).exits(0);
    workspace
}

#[test]
fn what_was_backed_up_comes_back_with_its_books_and_figures() {
    let workspace = filled();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (backup, restored) = (place("backup"), place("restored"));
    workspace
        .run(&["backup", &backup])
        .exits(0)
        .says("as of commit 1");
    // A second one takes a folder of its own, and none lies within the workspace.
    workspace
        .run(&["backup", &backup])
        .exits(1)
        .complains("not an empty folder");
    let inside = workspace.path().join("inside");
    workspace
        .run(&["backup", &inside.to_string_lossy()])
        .exits(1)
        .complains("not an empty folder");
    // What comes later is not in it.
    workspace.write(
        "evidence/assets.csv",
        format!("{ASSETS_HEADER}{ROWS}A2,JP1,hardware,two,true,,,,,,\n"),
    );
    workspace.run(&["ingest", "--as-of", "2026-06-30"]).exits(0);
    run_in(folder.path(), &["restore", &backup, &restored])
        .exits(0)
        .says("as of commit 1");
    let there = |arguments: &[&str]| {
        let with = [arguments, &["--workspace", &restored]].concat();
        run_in(folder.path(), &with).exits(0)
    };
    there(&["verify"]).says("the books balance");
    let measure = [
        "measure", "--kpi", "1", "--org", "JP1", "--period", "2026-05", "--format", "json",
    ];
    let (before, after) = (
        workspace.run(&measure).exits(0).json(),
        there(&measure).json(),
    );
    assert_eq!(before[0]["value"], after[0]["value"]);
    there(&["statement"]).says("2026-05");
    there(&["ingest", "--as-of", "2026-06-30"]);
    run_in(folder.path(), &["restore", &backup, &restored])
        .exits(1)
        .complains("not an empty folder");
}

#[test]
fn a_backup_that_was_cut_or_altered_is_not_put_back() {
    let workspace = filled();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let backup = place("backup");
    workspace.run(&["backup", &backup]).exits(0);
    let file = folder.path().join("backup/workspace/org.csv");
    let text = std::fs::read_to_string(&file).expect("it is there");
    std::fs::write(&file, text.replace("JP1", "JP9")).expect("it can be written");
    run_in(folder.path(), &["restore", &backup, &place("one")])
        .exits(1)
        .complains("the backup is not what it was: org.csv");
    std::fs::write(&file, text).expect("it can be written");
    std::fs::remove_file(folder.path().join("backup/backup.json")).expect("it goes");
    run_in(folder.path(), &["restore", &backup, &place("two")])
        .exits(1)
        .complains("no backup, or one that was not finished");
}

#[test]
fn a_journal_that_lies_elsewhere_is_backed_up_too_and_comes_back_where_it_is_wanted() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let books = folder.path().join("books");
    let workspace = filled_elsewhere(&books);
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let backup = place("backup");
    workspace
        .run(&["backup", &backup])
        .exits(0)
        .says("as of commit 1");
    let figures = |root: &str| {
        let measure = [
            "measure", "--kpi", "1", "--org", "JP1", "--period", "2026-05", "--format", "json",
        ];
        let with = [&measure[..], &["--workspace", root]].concat();
        run_in(folder.path(), &with).exits(0).json()[0]["value"].clone()
    };
    let expected = figures(&workspace.path().to_string_lossy());
    // In the restored folder, where nothing else is said; where it lay nothing changes.
    let restored = place("restored");
    run_in(folder.path(), &["restore", &backup, &restored]).exits(0);
    assert!(
        Path::new(&restored)
            .join(".keiki/journal/journal.json")
            .is_file()
    );
    std::fs::rename(&books, place("away")).expect("it moves");
    run_in(folder.path(), &["verify", "--workspace", &restored])
        .exits(0)
        .says("the books balance");
    assert_eq!(figures(&restored), expected);
    // At another place, which is empty.
    let again = place("again");
    let other = format!("file://{}", place("other"));
    let arguments = ["restore", &backup, &again, "--journal", &other];
    run_in(folder.path(), &arguments).exits(0);
    run_in(folder.path(), &["verify", "--workspace", &again])
        .exits(0)
        .says("the books balance");
    assert_eq!(figures(&again), expected);
    assert!(!Path::new(&again).join(".keiki/journal").exists());
    let third = place("third");
    let arguments = ["restore", &backup, &third, "--journal", &other];
    run_in(folder.path(), &arguments)
        .exits(1)
        .complains("something lies there already");
    let file = Path::new(&backup).join("journal/journal.json");
    std::fs::write(file, "{\"format\":1} ").expect("it can be written");
    run_in(folder.path(), &["restore", &backup, &place("fourth")])
        .exits(1)
        .complains("the backup is not what it was: journal.json");
}

#[test]
fn a_journal_of_the_workspace_comes_back_at_another_place() {
    let workspace = filled();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (backup, restored) = (place("backup"), place("restored"));
    workspace.run(&["backup", &backup]).exits(0);
    let other = format!("file://{}", place("other"));
    let arguments = ["restore", &backup, &restored, "--journal", &other];
    run_in(folder.path(), &arguments).exits(0);
    assert!(!Path::new(&restored).join(".keiki/journal").exists());
    run_in(folder.path(), &["verify", "--workspace", &restored])
        .exits(0)
        .says("the books balance");
}
