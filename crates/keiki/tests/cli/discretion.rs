//! Nobody of the sample group is named in what it prints, nor in what it keeps outside its evidence and its database.

use std::path::{Path, PathBuf};

use crate::workspace::{Ran, run_in};

/// What is asked of the sample group, in the places where a person might show.
const COMMANDS: [&str; 14] = [
    "check",
    "sources",
    "sources --coverage",
    "rejects",
    "rejects --format csv",
    "identity",
    "verify",
    "explain 33 --org JP1 --period 2026-09 --rows",
    "explain 2 --org JP1 --period 2026-09 --rows",
    "measure --kpi 9,33,34 --period 2026-09 --all-orgs",
    "ingest",
    "collect status --period 2026-09",
    "programme plans",
    "compact",
];

/// Tells where a text names a person of the sample group: `JP1-RD-0123` in courses, drills and certificates, `E10123` as
/// the owner of an asset.
fn named(text: &[u8]) -> Option<String> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let digits = |from: usize, count: usize| {
        let all = text.get(from..from + count);
        all.is_some_and(|all| all.iter().all(u8::is_ascii_digit))
            && !is_word(text.get(from + count))
    };
    let shown =
        |from: usize, until: usize| String::from_utf8_lossy(&text[from..until]).into_owned();
    (0..text.len()).find_map(|at| match text[at] {
        b'E' if text.get(at + 1) == Some(&b'1') && digits(at + 1, 5) => {
            let begins = at == 0 || !is_word(text.get(at - 1));
            begins.then(|| shown(at, at + 6))
        }
        b'-' if digits(at + 1, 4) => {
            let unit = text[..at]
                .rsplit(|b| !b.is_ascii_alphanumeric() && *b != b'-')
                .next();
            let unit = unit.unwrap_or_default();
            // Numbers of incidents and the like have no department in them.
            let is_unit = unit.first().is_some_and(u8::is_ascii_uppercase)
                && unit.contains(&b'-')
                && unit.split(|b| *b == b'-').all(|part| {
                    (2..=4).contains(&part.len())
                        && part
                            .iter()
                            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
                        && part.iter().any(u8::is_ascii_uppercase)
                });
            is_unit.then(|| shown(at - unit.len(), at + 5))
        }
        _ => None,
    })
}

/// Asserts it, of a sample group that was just made and what its making printed.
pub(crate) fn nobody_is_named(sample: &Path, printed: &str) {
    assert_eq!(named(printed.as_bytes()), None, "the page names somebody");
    let evidence = files(&sample.join("evidence"));
    let names = evidence
        .iter()
        .filter(|path| std::fs::read(path).is_ok_and(|bytes| named(&bytes).is_some()));
    assert!(names.count() > 2, "the evidence itself names people");
    for command in COMMANDS {
        for language in ["ja", "en"] {
            let words: Vec<&str> = command.split(' ').collect();
            let arguments = [&["--language", language][..], &words[..]].concat();
            let ran = run_in(sample, &arguments);
            assert_ne!(ran.code, 2, "{command}: {}", ran.err);
            silent(&ran, command);
        }
    }
    for table in ["assets", "batches", "incidents"] {
        let query = format!("select * from {table}");
        let ran = run_in(sample, &["sql", &query, "--format", "csv"]);
        silent(&ran.exits(0), &query);
    }
    let owners = run_in(sample, &["sql", "select owner_id from assets"]);
    assert_ne!(owners.code, 0, "a column that names people is there");
    for table in [
        "certifications",
        "phishing_results",
        "trainings",
        "certified_people",
    ] {
        let counted = format!("select org_unit, count(*) from {table} group by org_unit");
        let ran = run_in(sample, &["--language", "en", "sql", &counted]).exits(1);
        let said = format!("error: each row of `{table}` is about a person");
        assert!(ran.err.starts_with(&said), "{}", ran.err);
        silent(&ran, &counted);
    }
    let mut looked_at = 0;
    for path in files(&sample.join(".keiki")) {
        let name = path.to_string_lossy().into_owned();
        let within = name
            .rsplit_once("/.keiki/")
            .map_or(&*name, |(_, within)| within);
        assert_eq!(named(within.as_bytes()), None, "the name of a file");
        if !within.starts_with("keiki.db") {
            let bytes = std::fs::read(&path).expect("the file can be read");
            assert_eq!(named(&bytes), None, "{within}");
            looked_at += 1;
        }
    }
    assert!(looked_at > 100, "only {looked_at} files were looked at");
}

fn silent(ran: &Ran, command: &str) {
    for text in [&ran.out, &ran.err] {
        assert_eq!(named(text.as_bytes()), None, "{command}: {text}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("the folder can be read").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn a_person_of_the_sample_group_is_known_by_the_number() {
    for text in ["HD-IT-0058", "x,JP1-RD-0640,", "\"E12345\"", "E10000"] {
        assert!(named(text.as_bytes()).is_some(), "{text}");
    }
    for text in [
        "2026-09-0001",
        "CVE-2026-1234",
        "E123456",
        "JP1-0",
        "aE12345",
        "FY2026-2027",
        "A-00001",
    ] {
        assert_eq!(named(text.as_bytes()), None, "{text}");
    }
}
