//! However small the chunks in which evidence is read, what comes out is the same.

use std::fmt::Write as _;
use std::path::Path;

use keiki_ingest::Limits;
use proptest::prelude::*;

use crate::fixture::{Fixture, read_text, shown};

fn in_chunks_of(rows: usize, bytes: usize) -> Limits {
    Limits {
        chunk_rows: rows,
        chunk_bytes: bytes,
        ..Limits::default()
    }
}

#[test]
fn every_fixture_reads_the_same_row_by_row() {
    let mut checked = 0;
    for kind in Path::new("fixtures")
        .read_dir()
        .expect("there are fixtures")
    {
        for validity in ["valid", "invalid"] {
            let folder = kind.as_ref().expect("a folder").path().join(validity);
            let Ok(reasons) = folder.read_dir() else {
                continue;
            };
            for reason in reasons {
                let path = std::path::absolute(reason.expect("a folder").path());
                let fixture = Fixture::open(&path.expect("the tests run in a folder"));
                let whole = fixture.outcome(Limits::default());
                for rows in [1, 2, 3] {
                    let outcome = fixture.outcome(in_chunks_of(rows, 1 << 20));
                    assert_eq!(outcome, whole, "{} by {rows}", fixture.folder().display());
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked} fixtures");
}

#[test]
fn a_column_that_shows_up_late_is_null_before() {
    let text = "{\"thing_id\": \"T1\", \"org_unit\": \"HD\"}\n\
        {\"thing_id\": \"T2\", \"org_unit\": \"HD\", \"kind\": \"hardware\", \"effective_on\": \"2026-05-01\"}\n\
        {\"thing_id\": \"T3\", \"kind\": \"hardware\"}\n";
    let read = |limits| shown(&read_text("things", "things.ndjson", text, limits).expect("read"));
    let whole = read(Limits::default());
    assert!(
        whole.contains("accepted: 2") && whole.contains("effective_on=2026-05-01"),
        "{whole}"
    );
    assert_eq!(read(in_chunks_of(1, 1 << 20)), whole);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn chunks_move_no_row(
        rows in proptest::collection::vec((0..12_u8, 0..4_u8, any::<bool>()), 0..60),
        chunk_rows in 1..20_usize,
        chunk_bytes in 1..200_usize,
    ) {
        let mut text = String::from("thing_id,org_unit,kind\n");
        for (id, kind, is_whole) in rows {
            let kind = ["hardware", "software", "", "nonsense"][usize::from(kind)];
            let _ = if is_whole {
                writeln!(text, "T{id},HD,{kind}")
            } else {
                writeln!(text, "T{id},HD")
            };
        }
        let read = |limits| shown(&read_text("things", "things.csv", &text, limits).expect("read"));
        prop_assert_eq!(read(in_chunks_of(chunk_rows, chunk_bytes)), read(Limits::default()));
    }

    #[test]
    fn chunks_move_no_line_of_json(
        rows in proptest::collection::vec((0..12_u8, 0..6_u8), 1..60),
        chunk_rows in 1..20_usize,
        chunk_bytes in 1..200_usize,
    ) {
        let mut text = String::new();
        for (id, form) in rows {
            let line = match form {
                0 => format!("{{\"thing_id\":\"T{id}\",\"org_unit\":\"HD\",\"kind\":\"hardware\"}}"),
                1 => format!("{{\"kind\":\"software\",\"more\":[{id}],\"org_unit\":\"HD\",\"thing_id\":\"T{id}\"}}"),
                2 => format!("{{\"thing_id\":\"T\\u0041{id}\",\"org_unit\":\"HD\",\"kind\":\"nonsense\"}}\r"),
                3 => format!("{{\"thing_id\":\"T{id}\""),
                4 => format!("[{id}]"),
                _ => String::new(),
            };
            text.push_str(&line);
            text.push('\n');
        }
        let read = |limits| read_text("things", "things.ndjson", &text, limits).map(|e| shown(&e));
        let whole = read(Limits::default()).map_err(|e| e.to_string());
        prop_assert_eq!(read(in_chunks_of(chunk_rows, chunk_bytes)).map_err(|e| e.to_string()), whole);
    }
}
