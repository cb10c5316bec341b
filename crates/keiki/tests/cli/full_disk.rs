//! A disk that takes no more: what fails says so, and leaves the books as they were.

use std::fmt::Write as _;
use std::process::Command;

use crate::workspace::{ASSETS_HEADER, Workspace};

const SOURCE: &str = "name = \"assets\"\nkind = \"csv\"\ndataset = \"assets\"\nplace = \"evidence/assets.csv\"\n\
                      covers = [\"HD\"]\n";

/// Blocks of 512 bytes that a file may have; the export below takes more.
const FILE_LIMIT_BLOCKS: &str = "2048";

#[test]
fn an_ingest_that_cannot_write_leaves_the_books_as_they_were() {
    let workspace = Workspace::new();
    workspace.write("sources/assets.toml", SOURCE);
    let row = "A0,JP1,hardware,zero,true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,\n";
    workspace.write("evidence/assets.csv", format!("{ASSETS_HEADER}{row}"));
    workspace.run(&["ingest", "--as-of", "2026-05-31"]).exits(0);

    let mut rows = String::from(ASSETS_HEADER);
    for i in 0..9_000_u64 {
        // Digits that do not compress to less than half of themselves.
        let name: String = (1..=25)
            .map(|k| {
                format!(
                    "{:016x}",
                    (i * 25 + k)
                        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
                        .rotate_left(29)
                        .wrapping_mul(0xBF58_476D_1CE4_E5B9)
                )
            })
            .collect();
        writeln!(
            rows,
            "A{i},JP1,hardware,{name},true,E1,2026-04-01,2026-05-01,2026-05-01,declaration,"
        )
        .expect("a text can be written");
    }
    workspace.write("evidence/assets.csv", rows);
    // The shell ignores the signal and passes that on, so that writing fails as it does on a full disk.
    let output = Command::new("sh")
        .current_dir(workspace.path())
        .env("KEIKI_LANGUAGE", "en")
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {FILE_LIMIT_BLOCKS}; exec '{}' ingest --as-of 2026-06-30",
            env!("CARGO_BIN_EXE_keiki")
        ))
        .output()
        .expect("a shell can be run");
    let error = String::from_utf8(output.stderr).expect("the errors are UTF-8");
    assert!(!output.status.success(), "{error}");
    assert!(error.contains("hint: free space on the disk"), "{error}");

    let batches = workspace
        .run(&[
            "sql",
            "select count(*) as n from batches",
            "--format",
            "json",
        ])
        .exits(0);
    assert_eq!(batches.json()[0]["n"], 1, "{error}");
    workspace.run(&["verify"]).exits(0);
    // With room again the same file goes in.
    workspace
        .run(&["ingest", "--as-of", "2026-06-30"])
        .exits(0)
        .says("accepted 9,000");
    workspace.run(&["verify"]).exits(0);
}

#[test]
fn output_that_cannot_be_written_is_an_error_and_a_reader_that_went_away_is_none() {
    let workspace = Workspace::new();
    let run = |line: &str| {
        let output = Command::new("sh")
            .current_dir(workspace.path())
            .env("KEIKI_LANGUAGE", "en")
            .arg("-c")
            .arg(line.replace("KEIKI", env!("CARGO_BIN_EXE_keiki")))
            .output()
            .expect("a shell can be run");
        let error = String::from_utf8(output.stderr).expect("the errors are UTF-8");
        (output.status.code(), error)
    };
    for line in [
        "'KEIKI' catalogue >/dev/full",
        "'KEIKI' completions bash >/dev/full",
    ] {
        let (code, error) = run(line);
        assert_eq!(code, Some(1), "{line}: {error}");
        assert!(
            error.contains("error: standard output cannot be written"),
            "{line}: {error}"
        );
        assert!(
            error.contains("hint: free space on the disk"),
            "{line}: {error}"
        );
    }
    let (code, error) = run("{ 'KEIKI' catalogue; echo $? >&2; } | true");
    assert_eq!((code, error.as_str()), (Some(0), "0\n"));
}
