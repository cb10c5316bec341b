//! Errors of a reading say where and how to mend it.

use std::path::Path;

use keiki_ingest::{IngestError, InputFile, Kinds, Limits, Source};

use crate::fixture::{dataset, read, read_text};

#[test]
fn a_file_that_is_not_there_names_itself() {
    let source = Source::by_name(
        "file",
        Kinds::shipped().of_file(Path::new("x.csv")),
        "things",
    );
    let files = [InputFile::new("gone.csv", "/nonexistent/gone.csv")];
    let error =
        read(&source, &dataset("things"), &files, Limits::default()).expect_err("it is not there");
    assert!(matches!(error, IngestError::Io { .. }));
    assert!(
        error.to_string().starts_with("gone.csv: cannot be read"),
        "{error}"
    );
    assert_eq!(
        error.place().map(|place| place.file).as_deref(),
        Some("gone.csv")
    );
}

#[test]
fn a_cut_off_array_is_refused_wherever_it_is_cut() {
    let whole = r#"[{"thing_id": "T1", "org_unit": "HD", "a": [1, {"b": "]\"é"}]}, {"thing_id": "T2", "org_unit": "HD"}]"#;
    for end in (1..whole.len()).filter(|end| whole.is_char_boundary(*end)) {
        let error = read_text("things", "things.json", &whole[..end], Limits::default())
            .expect_err("it is cut off");
        assert!(
            matches!(error, IngestError::Truncated { .. }),
            "{end}: {error}"
        );
        assert_eq!(error.place().map(|place| place.line), Some(1));
    }
    let evidence = read_text("things", "things.json", whole, Limits::default())
        .expect("the whole can be read");
    assert_eq!(evidence.places, [1, 2]);
}
