//! People: found, exported and erased; nothing personal is printed or kept in the clear.

use std::path::{Path, PathBuf};

use crate::workspace::{Ran, Workspace};

const SOURCE: &str = "name = \"certificates\"\nkind = \"csv\"\ndataset = \"certifications\"\n\
                      place = \"evidence/certificates.csv\"\ncovers = [\"HD\"]\n";

const TRAININGS: &str = "name = \"courses\"\nkind = \"csv\"\ndataset = \"trainings\"\nplace = \"evidence/courses.csv\"\n\
                         covers = [\"HD\"]\n";

const HEADER: &str = "certification_id,org_unit,person_id,qualification,obtained_on,expires_on\n";

/// The same person in three writings, and another.
const ROWS: &str = "R1,JP1,Taro.Planted@example.jp,CISSP,2025-05-01,2028-04-30\n\
                    R2,JP1,ｔａｒｏ．ｐｌａｎｔｅｄ@example.jp,CISA,2025-05-01,2028-04-30\n\
                    R3,US1,hanako@example.jp,CISSP,2025-05-01,2028-04-30\n";

const COURSES: &str = "course_id,person_id,org_unit,kind,employment_kind,audience_on,deadline_on\n\
                       C1, TARO.PLANTED@EXAMPLE.JP ,JP1,course,employee,2026-04-01,2026-09-30\n";

fn with(rows: &str) -> Workspace {
    let workspace = Workspace::new();
    let settings = workspace.path().join("keiki.toml");
    let text = std::fs::read_to_string(settings).expect("there are settings");
    workspace.write("keiki.toml", format!("{text}\n[people]\nfewest = 0\n"));
    workspace.write("sources/certificates.toml", SOURCE);
    workspace.write("sources/courses.toml", TRAININGS);
    workspace.write("evidence/certificates.csv", format!("{HEADER}{rows}"));
    workspace.write("evidence/courses.csv", COURSES);
    workspace
}

fn taken() -> Workspace {
    let workspace = with(ROWS);
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace
}

/// All figures of two KPIs, without the instant at which they are asked for.
fn figures(workspace: &Workspace) -> Vec<serde_json::Value> {
    let asked = [
        "measure",
        "--kpi",
        "9,33",
        "--period",
        "2026-05",
        "--all-orgs",
        "--format",
        "json",
    ];
    let found = workspace.run(&asked).exits(0).json();
    let mut all = found.as_array().expect("an array").clone();
    for one in &mut all {
        one["known_at"] = serde_json::Value::Null;
    }
    all
}

fn token(workspace: &Workspace, text: &str) -> String {
    let asked = [
        "person",
        "find",
        text,
        "--reason",
        "a request",
        "--format",
        "json",
    ];
    let found = workspace.run(&asked).exits(0).json();
    found[0]["token"].as_str().expect("a token").to_owned()
}

#[test]
fn one_person_is_one_across_sources_and_writings() {
    let workspace = taken();
    let asked = [
        "person",
        "find",
        "TARO.planted@example.jp",
        "--reason",
        "a request",
    ];
    workspace
        .run(&asked)
        .exits(0)
        .says("taro.planted@example.jp")
        .says("certifications 2, trainings 1");
    let holders = figures(&workspace);
    let of_jp1 = |one: &&serde_json::Value| one["no"] == 9 && one["org_unit"] == "JP1";
    let of_jp1 = holders.iter().find(of_jp1).expect("it is measured");
    assert_eq!(of_jp1["value"], 1, "{of_jp1}");
}

#[test]
fn the_rows_of_a_person_are_written_for_a_request() {
    let workspace = taken();
    let asked = ["person", "export", "taro.planted", "--reason", "request 12"];
    let rows = workspace.run(&asked).exits(0).json();
    let rows = rows.as_array().expect("an array");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(
        rows.iter()
            .all(|row| row["person_id"] == "taro.planted@example.jp"),
        "{rows:?}"
    );
    workspace
        .run(&[&asked[..], &["--format", "csv"]].concat())
        .exits(0)
        .says("1,certifications,person_id,taro.planted@example.jp");
    workspace
        .run(&["person", "export", "example", "--reason", "request 13"])
        .exits(1)
        .complains("2 people fit");
    workspace
        .run(&["person", "log"])
        .exits(0)
        .says("export")
        .says("request 12");
}

#[test]
fn erasing_a_person_leaves_every_figure_and_books_that_balance() {
    let workspace = taken();
    let before = figures(&workspace);
    let token = token(&workspace, "taro.planted@example.jp");
    workspace
        .run(&[
            "person",
            "erase",
            "taro.planted@example.jp",
            "--reason",
            "left the company",
        ])
        .exits(0)
        .says("2 raw files taken away")
        .says("3 records keep the token");
    assert_eq!(figures(&workspace), before);
    workspace
        .run(&["person", "find", "taro", "--reason", "is anybody left"])
        .exits(1)
        .complains("nobody is found");
    workspace
        .run(&[
            "person",
            "find",
            "--token",
            &token,
            "--reason",
            "is anybody left",
        ])
        .exits(1);
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
    let log = workspace
        .run(&["person", "log", "--format", "csv"])
        .exits(0);
    assert!(
        log.out.contains("left the company") && log.out.contains(&token),
        "{log:#?}"
    );
    names_nobody(&workspace, &[log], &["taro.planted"]);
    for raw in files(&workspace.path().join(".keiki/journal/raw")) {
        assert!(
            raw.to_string_lossy().ends_with(".redacted"),
            "{}",
            raw.display()
        );
    }
}

#[test]
fn how_long_raw_files_with_personal_data_are_kept_stands_in_the_settings() {
    let workspace = taken();
    let settings = workspace.path().join("keiki.toml");
    let text = std::fs::read_to_string(&settings).expect("settings");
    workspace.write(
        "keiki.toml",
        format!("{text}\n[retention]\npersonal_files_days = 0\n"),
    );
    workspace
        .run(&["check"])
        .exits(1)
        .complains("not a number of days: 0");
    workspace.write(
        "keiki.toml",
        format!("{text}\n[retention]\npersonal_files_days = 30\n"),
    );
    workspace
        .run(&["compact"])
        .exits(0)
        .says("0 raw files with personal data taken away after 30 days");
    workspace
        .run(&["verify"])
        .exits(0)
        .says("the books balance");
}

/// What the program says of broken rows, and what it keeps of them, names nobody.
#[test]
fn nothing_personal_is_printed_or_kept_in_the_clear() {
    let long = "x".repeat(300);
    let broken = format!(
        "{ROWS}R1,JP1,Taro.Planted@example.jp,OTHER,2025-05-01,2028-04-30\n\
         R5,JP1,Taro.Planted@example.jp,CISSP,not a date,2028-04-30\n\
         R6,JP1,Taro.Planted@example.jp{long},CISSP,2028-05-01,2025-04-30\n\
         R7,JP1,Taro.Planted@example.jp,CISSP,2025-05-01\n\
         R8,XX9,Taro.Planted@example.jp,,2025-05-01,2028-04-30\n"
    );
    let workspace = with(&broken);
    workspace.write(
        "evidence/courses.csv",
        format!(
            "{COURSES}C1, TARO.PLANTED@EXAMPLE.JP ,JP1,course,employee,2026-05-01,2026-01-30\n"
        ),
    );
    let mut ran: Vec<Ran> = vec![workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(3)];
    let commands: [&[&str]; 10] = [
        &["rejects"],
        &["rejects", "--format", "json"],
        &["sources"],
        &["check"],
        &["verify"],
        &[
            "explain", "9", "--org", "HD", "--period", "2026-05", "--rows",
        ],
        &[
            "measure",
            "--kpi",
            "9,33",
            "--period",
            "2026-05",
            "--all-orgs",
        ],
        &["sql", "select * from certifications"],
        &["sql", "select * from trainings"],
        &["compact"],
    ];
    ran.extend(commands.iter().map(|command| workspace.run(command)));
    // A file that breaks off in the middle of a name.
    workspace.write(
        "evidence/certificates.csv",
        format!("{HEADER}R9,JP1,\"Taro.Planted@example.jp"),
    );
    ran.push(workspace.run(&["ingest", "certificates"]));
    ran.push(workspace.run(&["rejects"]));
    names_nobody(&workspace, &ran, &["planted"]);
}

/// Asserts that none of some words is in what was printed, or in any file but the evidence itself and the database.
fn names_nobody(workspace: &Workspace, ran: &[Ran], words: &[&str]) {
    let holds = |text: &[u8], word: &str| {
        let lower = text.to_ascii_lowercase();
        lower
            .windows(word.len())
            .any(|window| window == word.as_bytes())
    };
    for word in words {
        for one in ran {
            let printed = format!("{}{}", one.out, one.err);
            assert!(!holds(printed.as_bytes(), word), "{word}: {printed}");
        }
        for path in files(&workspace.path().join(".keiki")) {
            let is_database = path
                .file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with("keiki.db"));
            let bytes = std::fs::read(&path).expect("a file");
            let named = path.to_string_lossy().to_lowercase().contains(word);
            assert!(
                is_database || !(named || holds(&bytes, word)),
                "{word}: {}",
                path.display()
            );
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
