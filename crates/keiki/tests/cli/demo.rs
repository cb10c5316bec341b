//! The sample group, from nothing to its page, and the story that its figures tell.

use crate::workspace::run_in;

#[test]
fn the_sample_group_tells_its_story() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ran = run_in(folder.path(), &["demo", "sample", "--language", "en"]).exits(0);
    assert_eq!(ran.err, "", "no source of the story fails");
    // Every KPI has its line, and every line a status.
    let page = ran
        .says("no company, person or incident in it exists")
        .says("Fictional Holdings (HD)  2026-09")
        .out;
    for no in 1..=47 {
        let starts = format!("{no:>3}  ");
        assert!(
            page.lines().any(|line| line.starts_with(&starts)),
            "KPI {no} is missing:\n{page}"
        );
    }
    for status in [
        "● on pace",
        "● met",
        "▼ behind",
        "▼ missed",
        "○ provisional",
        "– not due",
    ] {
        assert!(page.contains(status), "{status} is missing:\n{page}");
    }
    let sample = folder.path().join("sample");
    let run = |arguments: &[&str]| run_in(&sample, &[&["--language", "en"], arguments].concat());
    run(&["check"]).exits(0);

    // The company that reported late moved the group's figure after 6 October.
    run(&[
        "explain",
        "1",
        "--org",
        "HD",
        "--period",
        "2026-09",
        "--against",
        "2026-10-06",
    ])
    .exits(0)
    .says("assets_jp3")
    .says("Compared with 2026-09");
    // What a tool found and nobody owns is listed.
    run(&[
        "explain",
        "1",
        "--indicator",
        "undeclared_count",
        "--org",
        "JP1-FAC2",
        "--period",
        "2026-09",
        "--rows",
    ])
    .exits(0)
    .says("assets_scanner");
    // A correction of last quarter: the figure as known in July still stands.
    run(&[
        "explain",
        "23",
        "--org",
        "HD",
        "--period",
        "FY2026-Q1",
        "--against",
        "2026-07-20",
    ])
    .exits(0)
    .says("Known at 2026-07-20 23:59: 18.5 h → 20.1 h");
    // Open incidents are counted, not left out.
    run(&[
        "explain",
        "23",
        "--indicator",
        "open_count",
        "--org",
        "HD",
        "--period",
        "2026-09",
        "--rows",
    ])
    .exits(0)
    .says("INC-2026-015");
    // A rollout that is late by its first plan stays missed, though the plan was revised.
    run(&["explain", "45", "--org", "JP1", "--period", "2026-09"])
        .exits(0)
        .says("1 planned by then are undone");
    run(&["rejects"]).exits(0).says("evidence/kev.csv:10");
    run(&["verify"]).exits(0).says("the books balance");
    run_in(folder.path(), &["demo", "sample", "--language", "en"])
        .exits(1)
        .complains("exists already");
}
