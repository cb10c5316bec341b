//! The sample group, from nothing to its scorecard.

use crate::workspace::run_in;

#[test]
fn the_sample_group_tells_its_story() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ran = run_in(folder.path(), &["demo", "sample", "--language", "en"]).exits(0);
    assert_eq!(ran.err, "", "no source of the story fails");
    let ran = ran
        .says("no company, person or incident in it exists")
        .says("Fictional Holdings (HD)  2026-09");
    let ran = ran
        .says("119 / 136")
        .says("● on pace")
        .says("▲ near")
        .says("▼ missed")
        .says("○ provisional");
    ran.says("keiki explain 1 --org HD --period 2026-09 --against 2026-10-06");
    let sample = folder.path().join("sample");
    let run = |arguments: &[&str]| run_in(&sample, &[&["--language", "en"], arguments].concat());
    run(&["check"]).exits(0);
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
    .says("coverage 4/6")
    .says("assets_jp3");
    run(&[
        "explain",
        "23",
        "--org",
        "HD",
        "--period",
        "2026-08",
        "--against",
        "2026-09-10",
    ])
    .exits(0)
    .says("INC-021");
    run(&["rejects"]).exits(0).says("evidence/kev.csv:10");
    run(&["verify"]).exits(0).says("the books balance");
    run_in(folder.path(), &["demo", "sample", "--language", "en"])
        .exits(1)
        .complains("exists already");
}
