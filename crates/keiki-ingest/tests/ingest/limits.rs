//! Evidence that is too long, too deep or too much costs a row or is refused, and never the
//! machine.

use std::fmt::Write as _;

use keiki_ingest::{IngestError, Limits};
use keiki_model::evidence::Reason;

use crate::fixture::read_text;

fn small() -> Limits {
    Limits {
        record_bytes: 200,
        field_bytes: 100,
        json_depth: 4,
        column_count: 8,
        row_count: 5,
        ..Limits::default()
    }
}

#[test]
fn a_line_that_never_ends_is_one_rejected_row() {
    let mut text = String::from("thing_id,org_unit,kind\nT1,HD,hardware\n");
    text.push_str(&"x".repeat(3_000_000));
    text.push_str("\nT2,HD,software\n");
    let evidence =
        read_text("things", "things.csv", text, Limits::default()).expect("the rest can be read");
    assert_eq!(evidence.places, [2, 4]);
    assert_eq!(evidence.rejected.len(), 1);
    assert_eq!(
        (evidence.rejected[0].row, evidence.rejected[0].reason.code()),
        (3, "unreadable")
    );
}

#[test]
fn an_open_quote_costs_no_more_than_a_record_may_be_long() {
    let mut text = String::from("thing_id,org_unit,kind\nT1,\"HD,hardware\n");
    for number in 2..40 {
        let _ = writeln!(text, "T{number},HD,hardware");
    }
    let limits = Limits {
        row_count: 100,
        ..small()
    };
    let evidence = read_text("things", "things.csv", text, limits).expect("the rest can be read");
    assert_eq!(evidence.rejected.len(), 1);
    assert_eq!(evidence.rejected[0].row, 2);
    assert_eq!(evidence.places.last(), Some(&40));
    assert!(
        evidence.rows.num_rows() > 20,
        "{}",
        evidence.rows.num_rows()
    );
}

#[test]
fn a_field_over_its_limit_rejects_its_row() {
    let text = format!("thing_id,org_unit\nT1,HD\nT2,{}\n", "x".repeat(101));
    let evidence = read_text("things", "things.csv", text, small()).expect("the rest can be read");
    assert_eq!(evidence.places, [2]);
    assert_eq!(evidence.rejected[0].reason.code(), "unreadable");
}

#[test]
fn json_records_too_long_or_too_deep_are_rejected() {
    let long = "x".repeat(300);
    let text = format!(
        r#"[{{"thing_id": "T1", "org_unit": "HD"}}, {{"thing_id": "{long}"}}, {{"a": {{"b": {{"c": {{"d": {{}}}}}}}}}}, {{"a": [[[[1]]]]}}]"#
    );
    let evidence =
        read_text("things", "things.json", &text, small()).expect("the rest can be read");
    assert_eq!(evidence.places, [1]);
    let details: Vec<String> = evidence
        .rejected
        .iter()
        .map(|row| row.reason.message().en)
        .collect();
    assert_eq!(
        details,
        [
            "unreadable row: longer than 200 bytes",
            "unreadable row: nested more than 4 levels deep",
            "unreadable row: nested more than 4 levels deep",
        ]
    );
    let lines =
        format!("{{\"thing_id\": \"T1\", \"org_unit\": \"HD\"}}\n{{\"thing_id\": \"{long}\"}}\n");
    let evidence =
        read_text("things", "things.ndjson", &lines, small()).expect("the rest can be read");
    assert_eq!((evidence.places.len(), evidence.rejected.len()), (1, 1));
}

#[test]
fn a_hundred_thousand_brackets_are_one_rejected_record() {
    let text = format!(
        "[{}{}, {{\"thing_id\": \"T1\", \"org_unit\": \"HD\"}}]",
        "[".repeat(100_000),
        "]".repeat(100_000)
    );
    let evidence =
        read_text("things", "things.json", &text, Limits::default()).expect("the rest can be read");
    assert_eq!((evidence.places, evidence.rejected.len()), (vec![2], 1));
}

#[test]
fn too_many_rows_or_columns_refuse_the_reading() {
    let text = format!("thing_id,org_unit\n{}", "T1,HD\n".repeat(6));
    let error =
        read_text("things", "things.csv", text, small()).expect_err("six rows are too many");
    assert!(
        matches!(
            error,
            IngestError::TooLarge {
                what: "rows",
                limit: 5,
                ..
            }
        ),
        "{error}"
    );
    let error = read_text("things", "things.csv", "a,b,c,d,e,f,g,h,i\n", small())
        .expect_err("nine are too many");
    assert!(
        matches!(
            error,
            IngestError::TooLarge {
                what: "columns",
                limit: 8,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn what_was_found_is_shortened_in_reasons() {
    let text = format!("thing_id,org_unit,amount\nT1,HD,{}\n", "9x".repeat(500));
    let evidence =
        read_text("things", "things.csv", text, Limits::default()).expect("the file can be read");
    let Reason::WrongType { found, .. } = &evidence.rejected[0].reason else {
        panic!("another reason: {:?}", evidence.rejected[0].reason)
    };
    assert!(found.chars().count() < 150, "{found}");
}
