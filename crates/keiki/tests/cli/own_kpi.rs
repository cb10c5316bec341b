//! The guide to an own KPI, followed to the letter in both languages.

use std::path::Path;

use crate::guide::{follow_with, written};
use crate::workspace::run_in;

const GUIDES: [(&str, &str); 2] = [
    ("en", include_str!("../../../../docs/guides/own-kpi.md")),
    ("ja", include_str!("../../../../docs/guides/own-kpi.ja.md")),
];

const KPI: &str = "kpis/1000_backup_restore/kpi.toml";
const EVIDENCE: &str = "evidence/backup_systems.csv";

/// Changes a text in a file of the workspace, as the guide asks its reader to.
fn change(workspace: &Path, file: &str, from: &str, to: &str) {
    let path = workspace.join(file);
    let text = std::fs::read_to_string(&path).expect("the guide has made the file");
    assert!(text.contains(from), "{file}: {from}");
    std::fs::write(&path, text.replacen(from, to, 1)).expect("the file can be written");
}

#[test]
fn the_guide_to_an_own_kpi_comes_out_as_written() {
    let [english, japanese] = GUIDES.map(|(_, guide)| written(guide));
    assert_eq!(english, japanese, "both guides make the same files");
    assert_eq!(english.len(), 4, "{english:?}");
    for (language, guide) in GUIDES {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let (_, rest) = guide
            .split_once("keiki init mine\ncd mine\n```")
            .expect("the guide begins with a new workspace");
        run_in(folder.path(), &["--language", language, "init", "mine"]).exits(0);
        let workspace = folder.path().join("mine");
        let (checks, ingests) = (std::cell::Cell::new(0), std::cell::Cell::new(0));
        follow_with(&workspace, language, rest, &|command| {
            let nth = |of: &std::cell::Cell<u8>| {
                of.set(of.get() + 1);
                of.get()
            };
            if command == "check" {
                match nth(&checks) {
                    2 => change(&workspace, KPI, "criticality =", "critically ="),
                    3 => change(&workspace, KPI, "critically =", "criticality ="),
                    _ => {}
                }
            }
            if command.starts_with("ingest ") && nth(&ingests) == 2 {
                change(
                    &workspace,
                    EVIDENCE,
                    "2026-05-01,2026-04-01",
                    "2026-05-01,2026-08-20",
                );
            }
        });
        assert_eq!((checks.get(), ingests.get()), (3, 2), "{language}");
        run_in(&workspace, &["verify"]).exits(0);
    }
}
