//! The sample group with its books closed: eleven months, two of them restated, all signed; and everything verifies.

use std::path::Path;

use serde_json::Value;

use crate::workspace::{Ran, run_in};

fn run(sample: &Path, line: &str) -> Ran {
    let arguments: Vec<&str> = ["--language", "en"]
        .into_iter()
        .chain(line.split(' '))
        .collect();
    run_in(sample, &arguments)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[test]
fn the_sample_group_closes_eleven_months_restates_two_signs_and_verifies() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let made = run_in(
        folder.path(),
        &["demo", "sample", "--closed", "--language", "en"],
    )
    .exits(0);
    assert_eq!(made.err, "", "nothing of the story fails");
    let sample = folder.path().join("sample");
    let book = run(&sample, "statement --format json").exits(0).json();
    let of_revision = |number: u64| -> Vec<String> {
        let closed = list(&book).iter().filter(|one| one["revision"] == number);
        closed
            .filter_map(|one| one["period"].as_str().map(str::to_owned))
            .collect()
    };
    assert_eq!(of_revision(1).len(), 11, "{book:#}");
    assert_eq!(of_revision(2), ["2026-04", "2026-06"]);
    every_closed_month_has_figures(&sample, &book);
    what_was_restated_is_said(&sample);
    what_the_board_asked_for_is_shown_until_it_is_done(&sample);
    run(&sample, "verify")
        .exits(0)
        .says("computed 13 closed statements again, checked 13 seals")
        .says("the books balance");
    run(&sample, "key show demo").exits(0).says("PUBLIC KEY");
}

/// Evidence comes month by month, so that in no closed month a figure of the group lacks all of it.
fn every_closed_month_has_figures(sample: &Path, book: &Value) {
    for closed in list(book).iter().filter(|one| one["revision"] == 1) {
        let month = closed["period"].as_str().expect("a period is a text");
        let statement = run(sample, &format!("statement {month} --format json"))
            .exits(0)
            .json();
        let of_group = list(&statement["measurements"]).iter();
        let of_group: Vec<&Value> = of_group
            .filter(|one| one["org_unit"] == "HD" && one["companion"] == false)
            .collect();
        assert!(of_group.len() > 47, "{month}");
        let silent = of_group.iter().filter(|one| one["status"] == "no_data");
        assert_eq!(silent.count(), 0, "{month}: {statement:#}");
    }
}

/// The corrections of August: an incident of April was contained later, and of two people it was not so that they attended by June.
fn what_was_restated_is_said(sample: &Path) {
    for (month, no) in [("2026-04", 23), ("2026-06", 33)] {
        let statement = run(sample, &format!("statement {month} --format json"))
            .exits(0)
            .json();
        let restatement = &statement["restatement"];
        assert_eq!(
            (&restatement["of_revision"], &restatement["stated"]),
            (&1.into(), &"error".into())
        );
        let differences = list(&restatement["differences"]);
        let moved: Vec<&Value> = differences
            .iter()
            .filter(|one| one["before"] != one["after"])
            .collect();
        let is_of_group = |one: &&&Value| one["org_unit"] == "HD" && one["no"] == no;
        assert!(moved.iter().any(|one| is_of_group(&one)), "{restatement:#}");
        for one in moved {
            let bridge = &one["bridge"];
            assert_eq!(
                bridge["definitions"], bridge["tree"],
                "only evidence moved it: {one}"
            );
        }
    }
}

fn what_the_board_asked_for_is_shown_until_it_is_done(sample: &Path) {
    for period in ["2026-07", "2026-08", "2026-09"] {
        let statement = run(sample, &format!("statement {period} --format json"))
            .exits(0)
            .json();
        let actions = list(&statement["remarks"]["actions"]);
        let of_board = actions
            .iter()
            .filter(|one| one["origin"]["board"].is_object());
        assert_eq!(of_board.count(), 1, "{period}: {statement:#}");
    }
    run(sample, "notes list")
        .exits(0)
        .says("show how Fictional Logistics will report in time");
}
