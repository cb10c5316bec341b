//! What is on screen: two languages, colour as an extra, completions.

use crate::workspace::{Workspace, run_in};

#[test]
fn messages_are_in_the_language_that_is_asked_for() {
    let workspace = Workspace::new();
    workspace.run(&["check"]).exits(0).says("all is sound");
    workspace
        .run(&["check", "--language", "ja"])
        .exits(0)
        .says("問題はありません");
    workspace
        .run(&["--language", "ja", "measure", "--period", "2026-13"])
        .exits(1)
        .complains("対象期間として読めません: 2026-13");
    workspace
        .run(&["catalogue", "--language", "ja", "--maturity", "low"])
        .exits(0)
        .says("ハードウェア資産棚卸進捗率");
}

#[test]
fn the_catalogue_is_listed_and_one_kpi_is_shown_whole() {
    let workspace = Workspace::new();
    workspace
        .run(&["catalogue"])
        .exits(0)
        .says("Hardware inventory progress")
        .says("4.3.2");
    let whole = workspace.run(&["catalogue", "1.1.1"]).exits(0);
    whole
        .says("棚卸を実施した情報資産数 ÷ 対象とする情報資産数")
        .says("cycle_end(inventoried_on, 12)");
    let json = workspace
        .run(&[
            "catalogue",
            "--format",
            "json",
            "--group",
            "staff_education",
        ])
        .exits(0)
        .json();
    assert_eq!(json[0]["no"], 32);
}

#[test]
fn colour_is_never_forced_on_a_pipe_and_never_says_anything_alone() {
    let workspace = Workspace::new();
    let file = workspace.write(
        "a.csv",
        "asset_id,org_unit,kind,is_in_scope\nA1,JP1,hardware,true\n",
    );
    let file = file.to_str().expect("a plain path");
    workspace
        .run(&[
            "ingest",
            "--dataset",
            "assets",
            file,
            "--covers",
            "HD",
            "--as-of",
            "2026-10-31",
        ])
        .exits(0);
    let asked = ["measure", "--kpi", "1", "--period", "2026-10"];
    let plain = workspace.run(&asked).exits(0).out;
    assert!(!plain.contains('\u{1b}'), "{plain}");
    assert!(plain.contains("▼ behind"), "{plain}");
    let coloured = workspace
        .run(&[&asked, ["--color", "always"].as_slice()].concat())
        .exits(0)
        .out;
    assert!(coloured.contains("\u{1b}[31m▼ behind"), "{coloured}");
}

#[test]
fn completions_are_printed_for_a_shell() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    run_in(folder.path(), &["completions", "bash"])
        .exits(0)
        .says("keiki");
}
