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
    journal_lies(&workspace, &format!("file://{}", journal.display()));
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

/// Adds to the first of a workspace's settings.
fn journal_lies(workspace: &Workspace, at: &str) {
    let settings = workspace.path().join("keiki.toml");
    let settings = std::fs::read_to_string(settings).expect("it is there");
    workspace.write("keiki.toml", format!("journal = \"{at}\"\n{settings}"));
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).expect("it is there")
}

#[test]
fn a_journal_that_its_workspace_names_by_a_whole_address_comes_back_with_it() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let verified = |root: &str| {
        run_in(folder.path(), &["verify", "--workspace", root])
            .exits(0)
            .says("the books balance");
    };
    let set = |root: &str| text(&Path::new(root).join("keiki.toml"));
    let whole = |workspace: &Workspace| workspace.path().join("books").display().to_string();
    for (number, scheme) in ["file://", ""].into_iter().enumerate() {
        let workspace = Workspace::new();
        let lies = format!("{scheme}{}", whole(&workspace));
        journal_lies(&workspace, &lies);
        let workspace = fill(workspace);
        let at = |name: &str| place(&format!("{name}{number}"));
        let (backup, restored, moved) = (at("backup"), at("restored"), at("moved"));
        workspace.run(&["backup", &backup]).exits(0);
        run_in(folder.path(), &["restore", &backup, &restored]).exits(0);
        let arguments = ["restore", &backup, &moved, "--journal", "other/books"];
        run_in(folder.path(), &arguments).exits(0);
        assert!(
            set(&restored).contains("journal = \"books\""),
            "{}",
            set(&restored)
        );
        assert!(!Path::new(&moved).join("books").exists());
        // Where it lay is not read any more, and not written to.
        let gone = workspace.path().join("books");
        std::fs::remove_dir_all(&gone).expect("it goes");
        for root in [&restored, &moved] {
            verified(root);
            let more = Path::new(root).join("evidence/assets.csv");
            let rows = ROWS.replace("A1", "A2");
            std::fs::write(&more, format!("{ASSETS_HEADER}{ROWS}{rows}")).expect("it is written");
            let ingest = ["ingest", "--as-of", "2026-06-30", "--workspace", root];
            run_in(folder.path(), &ingest).exits(0);
            verified(root);
        }
        assert!(!gone.exists());
    }
}

#[test]
fn a_journal_goes_into_the_new_workspace_by_its_whole_address_too() {
    let workspace = Workspace::new();
    journal_lies(&workspace, "./state/../.keiki/journal/");
    let workspace = fill(workspace);
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (backup, first, second) = (place("backup"), place("first"), place("second"));
    workspace.run(&["backup", &backup]).exits(0);
    let inside = format!("file://{first}/books");
    let arguments = ["restore", &backup, &first, "--journal", &inside];
    run_in(folder.path(), &arguments).exits(0);
    assert!(Path::new(&first).join("books/journal.json").is_file());
    assert!(!Path::new(&first).join(".keiki/journal").exists());
    // A backup of that stands alone as well.
    let again = place("again");
    run_in(folder.path(), &["backup", &again, "--workspace", &first]).exits(0);
    run_in(folder.path(), &["restore", &again, &second]).exits(0);
    std::fs::rename(&first, place("away")).expect("it moves");
    run_in(folder.path(), &["verify", "--workspace", &second])
        .exits(0)
        .says("the books balance");
}

#[test]
fn a_journal_does_not_go_where_files_of_its_workspace_lie() {
    let workspace = filled();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let (backup, restored) = (place("backup"), place("restored"));
    workspace.run(&["backup", &backup]).exits(0);
    let whole = format!("file://{restored}/sources");
    for (journal, said) in [
        ("evidence", "evidence (evidence/assets.csv)"),
        (&whole, "sources (sources/assets.toml)"),
        (".keiki", ".keiki (.keiki/"),
        (".", " ("),
    ] {
        let arguments = ["restore", &backup, &restored, "--journal", journal];
        let said = format!("files of the workspace lie where the journal is to go: {said}");
        run_in(folder.path(), &arguments).exits(1).complains(&said);
        let mut left = std::fs::read_dir(&restored).expect("a folder");
        assert!(
            left.all(|entry| entry.expect("an entry").path().is_dir()),
            "nothing was put there"
        );
        std::fs::remove_dir_all(&restored).expect("it goes");
    }
    // Where it lay before nothing else does.
    let arguments = ["restore", &backup, &restored, "--journal", ".keiki/journal"];
    run_in(folder.path(), &arguments).exits(0);
    run_in(folder.path(), &["verify", "--workspace", &restored])
        .exits(0)
        .says("the books balance");
}

#[cfg(unix)]
#[test]
fn a_journal_behind_a_link_is_backed_up_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let place = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let workspace = Workspace::new();
    std::fs::create_dir(place("books")).expect("a folder");
    let link = workspace.path().join("linked");
    std::os::unix::fs::symlink(place("books"), link).expect("a link");
    journal_lies(&workspace, "linked");
    let workspace = fill(workspace);
    let (backup, restored) = (place("backup"), place("restored"));
    workspace.run(&["backup", &backup]).exits(0);
    std::fs::rename(place("books"), place("away")).expect("it moves");
    run_in(folder.path(), &["restore", &backup, &restored]).exits(0);
    run_in(folder.path(), &["verify", "--workspace", &restored])
        .exits(0)
        .says("the books balance");
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
