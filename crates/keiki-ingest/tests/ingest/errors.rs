//! Errors of a reading say where and how to mend it.

use std::io::Write;
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

#[test]
fn packed_files_that_are_cut_off_or_damaged_say_so() {
    let text = "thing_id,org_unit\n".to_owned() + &"T1,HD\n".repeat(2_000);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes())
        .expect("memory can be written");
    let gzip = gzip.finish().expect("memory can be written");
    let refused = |name: &str, bytes: &[u8]| {
        let error = read_text("things", name, bytes, Limits::default()).expect_err("it is cut off");
        assert!(matches!(error, IngestError::Broken { .. }), "{error:?}");
        assert!(
            error.hint().en.contains("export it or copy it again"),
            "{error}"
        );
        error.to_string()
    };
    let half = refused("things.csv.gz", &gzip[..gzip.len() / 2]);
    assert!(half.ends_with("it ends too early"), "{half}");
    let mut damaged = gzip.clone();
    damaged[20..60].fill(0xFF);
    assert!(refused("things.csv.gz", &damaged).starts_with("things.csv.gz: what is packed"));
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file("things.csv", zip::write::SimpleFileOptions::default())
        .and_then(|()| Ok(zip.write_all(text.as_bytes())?))
        .expect("memory can be written");
    let zip = zip.finish().expect("memory can be written").into_inner();
    refused("things.zip", &zip[..zip.len() - 30]);
}
