//! Holds the crate boundaries, the sizes of files, and what no file may contain.

mod languages;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Lines past which a file of Rust is too long to read; tests within it count too.
const FILE_LINES_MAX: usize = 800;

/// What each crate may depend on within the workspace.
const BOUNDARIES: [(&str, &[&str]); 8] = [
    ("keiki-model", &[]),
    ("keiki-ingest", &["keiki-model"]),
    ("keiki-store", &["keiki-model"]),
    ("keiki-engine", &["keiki-model", "keiki-store"]),
    ("keiki-report", &["keiki-model"]),
    (
        "keiki",
        &[
            "keiki-model",
            "keiki-ingest",
            "keiki-store",
            "keiki-engine",
            "keiki-report",
        ],
    ),
    // What reads hostile bytes (decision 0032); nothing depends on it.
    ("keiki-fuzz", &["keiki-ingest", "keiki-model"]),
    // The reference pages show the SQL of measures in the words of `keiki catalogue`.
    (
        "xtask",
        &["keiki", "keiki-ingest", "keiki-model", "keiki-report"],
    ),
];

/// Which crate alone may name a library.
const OWNERS: [(&str, &[&str]); 15] = [
    ("clap", &["keiki"]),
    ("axum", &["keiki"]),
    ("anyhow", &["keiki"]),
    ("deltalake-core", &["keiki-store"]),
    // The books' own database, and the databases of others from which evidence is fetched (decision 0022).
    ("sqlx", &["keiki-store", "keiki-ingest"]),
    ("reqwest", &["keiki-ingest"]),
    ("ldap3", &["keiki-ingest"]),
    ("object_store", &["keiki-store"]),
    ("datafusion", &["keiki-engine"]),
    // The cluster (decision 0114).
    ("ballista-core", &["keiki-engine"]),
    ("ballista-executor", &["keiki-engine"]),
    ("ballista-scheduler", &["keiki-engine"]),
    ("tonic", &["keiki-engine"]),
    ("rcgen", &["keiki-engine"]),
    (
        "tokio",
        &["keiki-ingest", "keiki-store", "keiki-engine", "keiki"],
    ),
];

#[test]
fn crates_depend_only_on_what_they_may() {
    let dependencies = dependencies();
    let known: BTreeSet<&str> = BOUNDARIES.iter().map(|(name, _)| *name).collect();
    let found: BTreeSet<&str> = dependencies.keys().map(String::as_str).collect();
    assert_eq!(
        found, known,
        "a crate more or less needs a written decision in docs/decisions/"
    );
    for (name, allowed) in BOUNDARIES {
        for dependency in dependencies[name]
            .iter()
            .filter(|d| known.contains(d.as_str()))
        {
            assert!(
                allowed.contains(&dependency.as_str()),
                "{name} must not depend on {dependency}"
            );
        }
    }
    for (library, owners) in OWNERS {
        for (name, used) in &dependencies {
            let is_owner = owners.contains(&name.as_str());
            assert!(
                is_owner || !used.contains(library),
                "{name} must not name {library}"
            );
        }
    }
}

#[test]
fn operations_know_neither_the_command_line_nor_the_web() {
    for path in sources()
        .into_iter()
        .filter(|p| p.to_string_lossy().contains("/keiki/src/operations"))
    {
        let text = read(&path);
        for word in ["clap", "axum", "println!"] {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn files_stay_short_enough_to_read() {
    for path in sources() {
        let lines = read(&path).lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{} has {lines} lines; split it",
            path.display()
        );
    }
}

#[test]
fn files_open_with_a_sentence_about_themselves() {
    for path in sources() {
        assert!(
            read(&path).starts_with("//! "),
            "{} does not say what it is",
            path.display()
        );
    }
}

#[test]
fn folders_are_named_after_what_they_hold() {
    for path in sources() {
        let stem = path
            .file_stem()
            .and_then(|s| s.to_str())
            .unwrap_or_default()
            .to_owned();
        let vague = ["mod", "utils", "helpers", "common", "manager"];
        assert!(
            !vague.contains(&stem.as_str()),
            "{} has a name that says nothing",
            path.display()
        );
    }
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Put together here, so that this file does not contain what it looks for.
    let banned = [
        ["/", "work/"].concat(),
        ["/", "root/"].concat(),
        ["../", "shared"].concat(),
    ];
    for path in tracked() {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for word in &banned {
            assert!(
                !text.contains(word.as_str()),
                "{} contains {word}",
                path.display()
            );
        }
    }
}

#[test]
fn every_kpi_and_dataset_has_its_place() {
    let root = root();
    let mut folders: Vec<PathBuf> = vec![root.join("catalogue")];
    let mut kpis = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)
            .expect("the catalogue is there")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() && path.file_name().is_some_and(|n| n != "cases") {
                folders.push(path);
            } else if path.file_name().is_some_and(|n| n == "kpi.toml") {
                kpis += 1;
                assert!(
                    folder.join("cases").is_dir(),
                    "{} has no worked cases",
                    folder.display()
                );
            }
        }
    }
    assert!(kpis >= 12, "only {kpis} KPIs were found");
}

fn root() -> PathBuf {
    PathBuf::from("..")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| unreachable!("{}: {e}", path.display()))
}

fn tracked() -> Vec<PathBuf> {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output()
        .expect("git runs");
    let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
    let files: Vec<PathBuf> = text
        .split('\0')
        .filter(|p| !p.is_empty())
        .map(|p| root().join(p))
        .collect();
    assert!(files.len() > 50, "git lists only {} files", files.len());
    files.into_iter().filter(|path| path.is_file()).collect()
}

fn sources() -> Vec<PathBuf> {
    tracked()
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect()
}

/// The normal dependencies of each crate of the workspace, by name.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo prints JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("packages are listed");
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().unwrap_or_default().to_owned();
            let of = package["dependencies"]
                .as_array()
                .expect("dependencies are listed");
            let normal = of.iter().filter(|d| d["kind"].is_null());
            (
                name,
                normal
                    .filter_map(|d| d["name"].as_str().map(str::to_owned))
                    .collect(),
            )
        })
        .collect()
}
