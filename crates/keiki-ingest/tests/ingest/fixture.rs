//! One fixture: a folder that is a small workspace with `source.toml`, its evidence, and the
//! outcome.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use jiff::tz::TimeZone;
use keiki_engine::expressions::SqlExpressions;
use keiki_ingest::{
    Context, IngestError, InputFile, Kinds, Limits, Source, place, read_evidence, read_source,
};
use keiki_model::calendar::{Calendar, parse_day};
use keiki_model::dataset::{Dataset, read_dataset};
use keiki_model::evidence::{Evidence, RejectedRow};

pub(crate) struct Fixture {
    folder: PathBuf,
    source: Source,
    dataset: Dataset,
}

impl Fixture {
    pub(crate) fn open(folder: &Path) -> Self {
        let text =
            std::fs::read_to_string(folder.join("source.toml")).expect("a fixture has a source");
        let source =
            read_source("source.toml", &text, Kinds::shipped()).expect("the source is well-formed");
        let dataset = dataset(&source.dataset);
        Self {
            folder: folder.to_owned(),
            source,
            dataset,
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn read(&self, limits: Limits) -> Result<Evidence, IngestError> {
        let place = self
            .source
            .place
            .as_ref()
            .expect("a fixture's source has a place");
        let files = place::expand(&place.value, &self.folder)?;
        read(&self.source, &self.dataset, &files, limits)
    }

    /// The outcome in words.
    pub(crate) fn outcome(&self, limits: Limits) -> String {
        match self.read(limits) {
            Ok(evidence) => shown(&evidence),
            Err(error) => format!("error: {error}\n  hint: {}\n", error.hint().en),
        }
    }
}

/// Reads a dataset of the tests or, if there is none of that name, of the product.
pub(crate) fn dataset(name: &str) -> Dataset {
    let crate_root = Path::new(".");
    let own = crate_root
        .join("fixtures/datasets")
        .join(format!("{name}.toml"));
    let path = if own.exists() {
        own
    } else {
        crate_root
            .join("../../datasets")
            .join(format!("{name}.toml"))
    };
    let text = std::fs::read_to_string(path).expect("the dataset exists");
    read_dataset(&format!("{name}.toml"), &text).expect("the dataset is well-formed")
}

pub(crate) fn tokyo() -> TimeZone {
    TimeZone::get("Asia/Tokyo").expect("the zone is in the database")
}

pub(crate) fn read(
    source: &Source,
    dataset: &Dataset,
    files: &[InputFile],
    limits: Limits,
) -> Result<Evidence, IngestError> {
    let expressions = SqlExpressions::new(Calendar::default(), tokyo());
    let context = Context {
        expressions: &expressions,
        zone: tokyo(),
        limits,
        as_of: parse_day("2026-07-01").expect("a date"),
    };
    read_evidence(source, dataset, files, &context)
}

/// Reads one text as a file of that name, by column names.
pub(crate) fn read_text(
    dataset_name: &str,
    file: &str,
    text: impl AsRef<[u8]>,
    limits: Limits,
) -> Result<Evidence, IngestError> {
    read_text_as(None, (dataset_name, file), text, limits)
}

/// The same of a file whose header is stated to be its first line, with commas, whatever stands below it.
pub(crate) fn read_below_the_first_line(
    dataset_name: &str,
    file: &str,
    text: impl AsRef<[u8]>,
) -> Result<Evidence, IngestError> {
    read_text_as(
        Some((0, b',')),
        (dataset_name, file),
        text,
        Limits::default(),
    )
}

fn read_text_as(
    stated: Option<(usize, u8)>,
    (dataset_name, file): (&str, &str),
    text: impl AsRef<[u8]>,
    limits: Limits,
) -> Result<Evidence, IngestError> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join(file);
    std::fs::write(&path, text).expect("the folder can be written to");
    let kind = Kinds::shipped().of_file(&path);
    let mut source = Source::by_name("file", kind, dataset_name);
    source.format.preamble_lines = stated.map(|(lines, _)| lines);
    source.format.separator = stated.map(|(_, separator)| separator);
    let files = [InputFile::new(file, path)];
    read(&source, &dataset(dataset_name), &files, limits)
}

pub(crate) fn shown(evidence: &Evidence) -> String {
    let mut text = format!("accepted: {}\n", evidence.rows.num_rows());
    for row in 0..evidence.rows.num_rows() {
        let _ = writeln!(
            text,
            "  {}: {}",
            evidence.places[row],
            values(&evidence.rows, row)
        );
        let extra: [(&str, Option<&dyn Array>); 3] = [
            (
                "effective_on",
                evidence.effective_on.as_ref().map(|a| a as &dyn Array),
            ),
            (
                "known_at",
                evidence.known_at.as_ref().map(|a| a as &dyn Array),
            ),
            (
                "order",
                evidence.version_order.as_ref().map(|a| a as &dyn Array),
            ),
        ];
        for (name, array) in extra {
            if let Some(array) = array.filter(|array| array.is_valid(row)) {
                let _ = writeln!(
                    text,
                    "     {name}={}",
                    array_value_to_string(array, row).unwrap_or_default()
                );
            }
        }
    }
    list(&mut text, "rejected", &evidence.rejected);
    list(&mut text, "left unknown", &evidence.left_unknown);
    text
}

fn list(text: &mut String, title: &str, rows: &[RejectedRow]) {
    let _ = writeln!(text, "{title}: {}", rows.len());
    for row in rows {
        let key = row
            .record_key
            .as_deref()
            .map(|key| format!(" [{key}]"))
            .unwrap_or_default();
        let message = row.reason.message();
        let _ = writeln!(
            text,
            "  {}:{}{key} {}: {}",
            row.file,
            row.row,
            row.reason.code(),
            message.en
        );
        let _ = writeln!(text, "     {}", message.ja);
    }
}

/// The values of a row that are not null.
fn values(batch: &RecordBatch, row: usize) -> String {
    let schema = batch.schema();
    let parts: Vec<String> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter(|(_, array)| array.is_valid(row))
        .map(|(field, array)| {
            let value = array_value_to_string(array, row).unwrap_or_default();
            let short: String = value.chars().take(60).collect();
            format!("{}={short}", field.name())
        })
        .collect();
    parts.join(" | ")
}
