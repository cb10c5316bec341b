//! The audit pack of a figure: a sample that anybody can draw again, down to the rows of the files.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::workspace::{ASSETS_HEADER, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

fn closed() -> Workspace {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    workspace.write("programme.toml", "[adopted]\nkpis = [1]\n");
    let rows: String = (1..=40)
        .map(|n| {
            format!(
                "A{n},JP1,hardware,=name {n},true,,2026-04-01,2026-05-01,2026-05-01,declaration,\n"
            )
        })
        .collect();
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{rows}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);
    workspace.run_as("sato", &["close", "2026-05"]).exits(0);
    workspace
}

fn pack(workspace: &Workspace, out: &str, further: &[&str]) {
    let asked = [
        "audit", "1", "--org", "HD", "--period", "2026-05", "--sample", "5", "--out", out,
    ];
    workspace
        .run(&[&asked[..], further].concat())
        .exits(0)
        .says("drew 5 of 40 records");
}

fn read(workspace: &Workspace, file: &str) -> String {
    std::fs::read_to_string(workspace.path().join(file)).expect("the pack has the file")
}

/// The rows of a CSV text by the names of their columns.
fn rows(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.deserialize();
    rows.map(|row| row.expect("a row")).collect()
}

#[test]
fn a_sample_is_drawn_again_by_its_seed_and_leads_to_the_rows_of_the_file() {
    let workspace = closed();
    pack(&workspace, "one", &["--personal"]);
    pack(&workspace, "two", &["--personal"]);
    let sample = read(&workspace, "one/sample.csv");
    assert_eq!(sample, read(&workspace, "two/sample.csv"));
    pack(&workspace, "three", &["--seed", "another", "--personal"]);
    assert_ne!(sample, read(&workspace, "three/sample.csv"));
    // The method is the one stated: the smallest hashes over seed, dataset and key.
    let seed = "1 inventory_ratio HD 2026-05 1";
    let order = |n: u32| format!("{:x}", Sha256::digest(format!("{seed}\nassets\nA{n}")));
    let mut expected: Vec<(String, String)> =
        (1..=40).map(|n| (order(n), format!("A{n}"))).collect();
    expected.sort();
    let drawn: Vec<(String, String)> = rows(&sample)
        .iter()
        .map(|row| (row["order_sha256"].clone(), row["record_key"].clone()))
        .collect();
    assert_eq!(drawn, expected[..5]);
    for row in rows(&sample) {
        let number: u32 = row["record_key"][1..].parse().expect("a number");
        // The header is the first line.
        assert_eq!(row["file_row"], (number + 1).to_string());
        assert_eq!(row["file"], "evidence/assets.csv");
        assert_eq!((&*row["source"], &*row["commit"]), ("assets", "1"));
        let raw = rows(&read(&workspace, "one/raw_rows.csv"));
        let cell = raw
            .iter()
            .find(|cell| cell["record_key"] == row["record_key"] && cell["column"] == "name");
        // What a spreadsheet would compute has an apostrophe before it.
        assert_eq!(
            cell.map(|cell| &*cell["value"]),
            Some(&*format!("'=name {number}"))
        );
    }
}

#[test]
fn the_pack_says_who_prepared_and_approved_and_how_the_definition_changed() {
    let workspace = closed();
    pack(&workspace, "pack", &[]);
    let cover = read(&workspace, "pack/cover.md");
    for said in [
        "Closed by: sato",
        "simple random sample without replacement",
        "Seed: `1 inventory_ratio HD 2026-05 1`",
    ] {
        assert!(cover.contains(said), "{said}: {cover}");
    }
    assert!(read(&workspace, "pack/definition.toml").contains("no = 1"));
    assert!(read(&workspace, "pack/definition_changes.txt").starts_with("# 1 "));
    let japanese = workspace.run(&[
        "--language",
        "ja",
        "audit",
        "1",
        "--org",
        "HD",
        "--period",
        "2026-05",
        "--out",
        "pack.zip",
    ]);
    japanese.exits(0).says("監査資料を書き出しました");
    assert!(workspace.path().join("pack.zip").is_file());
    workspace
        .run(&[
            "audit", "1", "--org", "HD", "--period", "2026-05", "--out", "pack",
        ])
        .exits(1)
        .complains("exists already");
}
