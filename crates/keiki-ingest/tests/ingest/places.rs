//! Files, folders and patterns below a workspace, and the ways out of it that are closed.

use std::fs;
use std::path::Path;

use keiki_ingest::{IngestError, place};

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for file in [
        "evidence/b.csv",
        "evidence/a.csv",
        "evidence/.hidden.csv",
        "evidence/deep/c.csv",
        "evidence/d[1].csv",
    ] {
        let path = folder.path().join(file);
        fs::create_dir_all(path.parent().expect("files have folders"))
            .expect("folders can be made");
        fs::write(path, "x\n").expect("files can be written");
    }
    folder
}

fn names(place: &str, workspace: &Path) -> Vec<String> {
    let files = place::expand(place, workspace).expect("the place exists");
    files.into_iter().map(|file| file.name).collect()
}

#[test]
fn a_place_is_a_file_a_folder_or_a_pattern() {
    let folder = workspace();
    assert_eq!(names("evidence/b.csv", folder.path()), ["evidence/b.csv"]);
    assert_eq!(
        names("./evidence", folder.path()),
        ["evidence/a.csv", "evidence/b.csv", "evidence/d[1].csv"]
    );
    assert_eq!(
        names("evidence/?.csv", folder.path()),
        ["evidence/a.csv", "evidence/b.csv"]
    );
    assert_eq!(
        names("evidence/**/c.csv", folder.path()),
        ["evidence/deep/c.csv"]
    );
    assert_eq!(
        names("evidence/d[1].csv", folder.path()),
        ["evidence/d[1].csv"]
    );
}

#[test]
fn a_place_with_no_file_is_an_error_with_a_hint() {
    let error =
        place::expand("evidence/*.json", workspace().path()).expect_err("there is no such file");
    assert!(matches!(error, IngestError::NoFile { .. }), "{error}");
    assert!(!error.hint().ja.is_empty());
}

#[test]
fn no_place_leads_out_of_the_workspace() {
    let folder = workspace();
    let outside = workspace();
    std::os::unix::fs::symlink(outside.path().join("evidence"), folder.path().join("link"))
        .expect("links can be made");
    std::os::unix::fs::symlink(
        outside.path().join("evidence/a.csv"),
        folder.path().join("evidence/z.csv"),
    )
    .expect("links can be made");
    let absolute = folder.path().join("evidence/a.csv").display().to_string();
    for place in [
        "../x.csv",
        "evidence/../../x.csv",
        "link",
        "link/*.csv",
        "evidence/*.csv",
        "evidence/z.csv",
        &absolute,
        "",
    ] {
        let error = place::expand(place, folder.path()).expect_err("the place leads out");
        assert!(
            matches!(error, IngestError::OutsideWorkspace { .. }),
            "{place}: {error}"
        );
    }
}

#[test]
fn files_named_on_the_command_line_may_lie_anywhere() {
    let folder = workspace();
    let files = place::named(&[folder.path().join("evidence")]).expect("the folder exists");
    assert_eq!(files.len(), 3);
    assert!(place::named(&[folder.path().join("nothing.csv")]).is_err());
}
