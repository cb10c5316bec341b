//! Evidence that is too long, too deep or too much costs a row or is refused, and never the
//! machine.

use std::fmt::Write as _;

use arrow::array::AsArray;
use keiki_ingest::limits::{FILE_COUNT, Quantity};
use keiki_ingest::{IngestError, InputFile, Kinds, Limits, place, read_source};
use keiki_model::evidence::{Evidence, Reason};

use crate::fixture::{dataset, read, read_text};

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
                what: Quantity::Rows,
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
                what: Quantity::Columns,
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

/// Reads a text by a source of that kind, whose `[format]` and `thing_id` are given.
fn read_by(
    kind: &str,
    file: &str,
    text: &str,
    (records, thing_id): (&str, &str),
    limits: Limits,
) -> Result<Evidence, IngestError> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join(file);
    std::fs::write(&path, text).expect("the folder can be written to");
    let definition = format!(
        "name = \"source\"\nkind = \"{kind}\"\ndataset = \"things\"\nplace = \"{file}\"\n[format]\nrecords = \"{records}\"\n\
         [columns]\norg_unit = \"'HD'\"\nthing_id = '{thing_id}'\n"
    );
    let source = read_source("source.toml", &definition, Kinds::shipped())
        .expect("the definition is well-formed");
    read(
        &source,
        &dataset("things"),
        &[InputFile::new(file, path)],
        limits,
    )
}

#[test]
fn a_field_behind_its_records_is_theirs_as_long_as_they_can_be_held() {
    let text = r#"{"things": [{"n": "1"}, {"n": "2"}, {"n": "3"}], "end": "z"}"#;
    let path = ("things[]", r#"concat("n", "$.end")"#);
    let read = |held_rows, chunk_rows| {
        let limits = Limits {
            held_rows,
            chunk_rows,
            ..Limits::default()
        };
        read_by("json", "things.json", text, path, limits)
    };
    let evidence = read(3 + 1, 1).expect("three rows are held");
    assert_eq!(
        evidence.rows.column(0).as_string::<i32>().value(0),
        "1z",
        "the field is in the first row"
    );
    let error = read(2, 1).expect_err("two rows are handed on before the field");
    assert!(
        matches!(
            error,
            IngestError::TooLarge {
                what: Quantity::HeldRows | Quantity::HeldBytes,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn text_behind_its_records_is_held_up_to_a_limit() {
    let text = r#"{"things": [{"n": "1"}, {"n": "2"}, {"n": "3"}], "end": "a long text"}"#;
    let path = ("things[]", r#"concat("n", "$.end")"#);
    let read = |held_bytes| {
        let limits = Limits {
            held_bytes,
            ..Limits::default()
        };
        read_by("json", "things.json", text, path, limits)
    };
    assert!(read(100).is_ok());
    let error = read(10).expect_err("it would be held three times");
    let is_told = matches!(
        error,
        IngestError::TooLarge {
            what: Quantity::HeldBytes,
            limit: 10,
            ..
        }
    );
    assert!(is_told, "{error}");
}

#[test]
fn a_calendar_and_what_recurs_in_it_have_an_end() {
    let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART:20260401T000000Z\r\n\
                RRULE:FREQ=DAILY;COUNT=5\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
    let source = "name = \"source\"\nkind = \"icalendar\"\ndataset = \"exercises\"\nplace = \"a.ics\"\n[columns]\norg_unit = \"'HD'\"\n";
    let source = read_source("source.toml", source, Kinds::shipped()).expect("it is well-formed");
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("a.ics");
    std::fs::write(&path, text).expect("the folder can be written to");
    let files = [InputFile::new("a.ics", path)];
    let read = |limits| read(&source, &dataset(&source.dataset), &files, limits);
    let few = Limits {
        occurrence_count: 3,
        ..Limits::default()
    };
    let evidence = read(few).expect("the calendar can be read");
    let detail = evidence.rejected[0].reason.message().en;
    assert!(detail.contains("it recurs 3 times or more"), "{detail}");
    let short = Limits {
        calendar_bytes: 100,
        ..Limits::default()
    };
    let error = read(short).expect_err("it is longer");
    let is_told = matches!(
        error,
        IngestError::TooLarge {
            what: Quantity::CalendarBytes,
            limit: 100,
            ..
        }
    );
    assert!(is_told, "{error}");
    assert!(read(Limits::default()).is_ok());
}

#[test]
fn more_files_than_anybody_has_are_refused_in_a_folder_and_in_an_archive() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let is_told = |error: &IngestError| {
        matches!(
            error,
            IngestError::TooLarge {
                what: Quantity::Files,
                limit: FILE_COUNT,
                ..
            }
        )
    };
    let many = folder.path().join("many");
    std::fs::create_dir(&many).expect("a folder can be made");
    for number in 0..=FILE_COUNT {
        std::fs::write(many.join(format!("{number}.csv")), "").expect("a file can be written");
    }
    let error = place::expand("many", folder.path()).expect_err("there is one too many");
    assert!(is_told(&error), "{error}");

    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for number in 0..=FILE_COUNT {
        let options = zip::write::SimpleFileOptions::default();
        let begun = archive.start_file(format!("{number}.csv"), options);
        begun.expect("a member can be added");
    }
    let bytes = archive.finish().expect("the archive is whole").into_inner();
    let error = read_text("things", "a.zip", bytes, Limits::default());
    let error = error.expect_err("there is one too many");
    assert!(is_told(&error), "{error}");
}

#[test]
fn a_piece_of_xml_that_never_ends_is_an_error() {
    let limits = Limits {
        xml_piece_bytes: 1000,
        ..Limits::default()
    };
    for text in [
        format!("<a><b id=\"1\">{}</b></a>", "x".repeat(2000)),
        format!("<a><b id=\"{}\"/></a>", "x".repeat(2000)),
        format!("<a><!--{}--></a>", "x".repeat(2000)),
    ] {
        let error = read_by(
            "xml",
            "things.xml",
            &text,
            ("/a/b", "\"@id\""),
            limits.clone(),
        )
        .expect_err("a piece is longer than the limit");
        assert!(matches!(error, IngestError::TooLarge { .. }), "{error}");
    }
}

#[test]
fn a_record_of_xml_over_a_limit_is_rejected_and_the_rest_goes_on() {
    let text = format!(
        "<a><b id=\"1\"/><b id=\"{}\"/><b id=\"3\">{}</b><b id=\"4\"/></a>",
        "x".repeat(300),
        "<c>".repeat(10) + &"</c>".repeat(10)
    );
    let limits = Limits {
        field_bytes: 200,
        xml_depth: 5,
        ..Limits::default()
    };
    let evidence = read_by("xml", "things.xml", &text, ("/a/b", "\"@id\""), limits)
        .expect("the rest can be read");
    assert_eq!(evidence.places, [1, 4]);
    let rejected: Vec<u64> = evidence.rejected.iter().map(|row| row.row).collect();
    assert_eq!(rejected, [2, 3]);
}

#[test]
fn columns_that_nobody_asks_for_cost_none() {
    let mut text = String::from("<a>");
    for number in 0..3000 {
        let _ = write!(text, "<b id=\"{number}\"><p{number}>x</p{number}></b>");
    }
    text.push_str("</a>");
    let evidence = read_by(
        "xml",
        "things.xml",
        &text,
        ("/a/b", "\"@id\""),
        Limits::default(),
    )
    .expect("3,000 names are no columns");
    assert_eq!(evidence.rows.num_rows(), 3000);
}

#[test]
fn a_file_that_unpacks_to_too_much_is_refused() {
    use std::io::Write as _;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer
        .write_all(b"thing_id,org_unit\n")
        .expect("memory can be written");
    let rows = "T1,HD\n".repeat(100_000);
    for _ in 0..150 {
        packer
            .write_all(rows.as_bytes())
            .expect("memory can be written");
    }
    let bytes = packer.finish().expect("memory can be written");
    let limits = Limits::default();
    let error = read_text("things", "things.csv.gz", bytes, limits).expect_err("it is a bomb");
    assert!(
        matches!(
            error,
            IngestError::TooLarge {
                what: Quantity::UnpackedBytes | Quantity::UnpackedTimes,
                limit: 250,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.hint().en.contains("unpack"));
}

#[test]
fn a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_read() {
    use std::io::Write as _;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    archive
        .start_file("xl/worksheets/sheet1.xml", options)
        .expect("the archive takes files");
    let zeros = vec![b' '; 1 << 20];
    for _ in 0..100 {
        archive.write_all(&zeros).expect("memory can be written");
    }
    let bytes = archive.finish().expect("the archive is whole").into_inner();
    let error =
        read_text("things", "things.xlsx", bytes, Limits::default()).expect_err("it is a bomb");
    assert!(matches!(error, IngestError::TooLarge { .. }), "{error}");
}
