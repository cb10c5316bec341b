//! The targets: a reader each, with the mapping that ships for its kind of source, and one for the values of cells.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use include_dir::{Dir, include_dir};
use jiff::tz::TimeZone;
use keiki_ingest::format::{Epoch, Format, Negative, Numbers, Percent, TimeForm, Unit};
use keiki_ingest::{
    Context, IngestError, InputFile, Kinds, Limits, Source, collection, read_evidence,
};
use keiki_model::dataset::{Dataset, read_dataset};
use keiki_model::document::Located;
use keiki_model::problem::Place;

use crate::stand_in::{CONDITION, StandIn};

static DATASETS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../datasets");

/// A dataset with a column of every type.
const THINGS: &str = include_str!("../../crates/keiki-ingest/fixtures/datasets/things.toml");

/// The day that readings speak for: 2026-07-01.
const AS_OF: i32 = 20_635;

/// Lines of an input that are values of cells.
const VALUES: usize = 64;

/// Something that takes bytes, and must neither panic nor go on for ever, whatever they are.
#[derive(Debug)]
pub struct Target {
    /// Its name: of a kind of source, or `values`.
    pub name: &'static str,
    forms: Vec<(Source, Dataset)>,
}

/// All targets, by name.
static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    [
        "collection",
        "csv",
        "cyclonedx_xml",
        "excel",
        "fusioninventory",
        "glpi",
        "icalendar",
        "json",
        "lynis",
        "nessus",
        "nmap",
        "ods",
        "parquet",
        "values",
        "veris",
        "xccdf",
        "xml",
    ]
    .map(Target::new)
    .into()
});

/// All targets.
#[must_use]
pub fn targets() -> &'static [Target] {
    &TARGETS
}

/// The target of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Target> {
    targets().iter().find(|target| target.name == name)
}

impl Target {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            forms: forms(name),
        }
    }

    /// The folders with what it begins with, below the folder of the project: the fixtures, and what cargo-fuzz found a way to.
    #[must_use]
    pub fn seeds(&self) -> [PathBuf; 2] {
        let fixtures = Path::new("crates/keiki-ingest/fixtures");
        [fixtures, Path::new("fuzz/seeds")].map(|folder| folder.join(self.name))
    }

    /// Reads bytes.
    ///
    /// # Panics
    /// A reader has a fault, which is what is looked for.
    pub fn read(&self, data: &[u8]) {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let path = folder.path().join("evidence");
        let files = [InputFile::new("evidence", path.clone())];
        if self.name == "values" {
            std::fs::write(&path, values(data)).expect("the folder can be written to");
            let (source, dataset) = &self.forms[0];
            let mut source = source.clone();
            source.format = value_format(data, source.format);
            return read(&source, dataset, &files);
        }
        std::fs::write(&path, data).expect("the folder can be written to");
        if self.name == "collection" {
            // What is no form, or not one whose signature holds, is no fault.
            drop(collection::open(&files[0]));
        }
        for (source, dataset) in &self.forms {
            read(source, dataset, &files);
        }
    }
}

fn read(source: &Source, dataset: &Dataset, files: &[InputFile]) {
    let context = Context {
        expressions: &StandIn,
        zone: TimeZone::UTC,
        limits: Limits::default(),
        as_of: AS_OF,
    };
    match read_evidence(source, dataset, files, &context) {
        Ok(evidence) => assert_eq!(evidence.places.len(), evidence.rows.num_rows()),
        Err(error) => assert!(
            !matches!(error, IngestError::Internal { .. }),
            "the reading failed by a fault of the program: {error}"
        ),
    }
}

/// The mappings that ship for a kind, or one by the names of columns.
fn forms(name: &str) -> Vec<(Source, Dataset)> {
    let by_name = |kind: &str, records: Option<&str>| {
        let kind = Kinds::shipped().get(kind).expect("the kind ships");
        let mut source = Source::by_name("fuzz", kind, "things");
        source.format.records = records.map(str::to_owned);
        (source, things())
    };
    match name {
        "csv" | "excel" | "ods" => vec![by_name(name, None)],
        "parquet" => vec![by_name(name, None), by_name(name, Some("things[]?"))],
        "json" => vec![
            by_name(name, None),
            by_name(name, Some("things[].parts[]?")),
        ],
        "values" => vec![by_name("json", None)],
        "xml" => vec![
            by_name(name, Some("/things/thing")),
            by_name(name, Some("//part?")),
        ],
        "collection" => vec![by_dataset(name, "assets"), by_dataset(name, "incidents")],
        _ => {
            let kind = Kinds::shipped().get(name).expect("the kind ships");
            kind.presets
                .iter()
                .map(|preset| by_dataset(name, &preset.dataset))
                .collect()
        }
    }
}

fn things() -> Dataset {
    read_dataset("things.toml", THINGS).map_or_else(
        |problems| unreachable!("the dataset is sound: {problems:?}"),
        without_rules,
    )
}

fn by_dataset(kind: &str, dataset: &str) -> (Source, Dataset) {
    let kind = Kinds::shipped().get(kind).expect("the kind ships");
    let mut source = Source::by_name("fuzz", kind, dataset);
    source.own_filter = source
        .preset()
        .is_some_and(|p| p.filter.is_some())
        .then(|| Located {
            value: CONDITION.to_owned(),
            place: Place::file("<fuzz>"),
        });
    let file = format!("{dataset}.toml");
    let text = DATASETS
        .get_file(&file)
        .and_then(include_dir::File::contents_utf8)
        .expect("the dataset ships");
    let dataset = read_dataset(&file, text).expect("the dataset is sound");
    (source, without_rules(dataset))
}

/// Rules of a dataset are SQL, of which nothing is computed here.
fn without_rules(mut dataset: Dataset) -> Dataset {
    dataset.rules.clear();
    dataset
}

/// Every line as the value of a record's every column.
fn values(data: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(data.get(1..).unwrap_or_default());
    let mut lines = Vec::new();
    for (number, value) in text.split('\n').take(VALUES).enumerate() {
        let record = serde_json::json!({
            "thing_id": number.to_string(),
            "org_unit": "HD",
            "amount": value,
            "item_count": value,
            "held_on": value,
            "checked_at": value,
            "is_critical": value,
        });
        lines.extend_from_slice(record.to_string().as_bytes());
        lines.push(b'\n');
    }
    lines
}

/// How values are written, by the bits of the first byte.
fn value_format(data: &[u8], format: Format) -> Format {
    let bits = data.first().copied().unwrap_or_default();
    let is_set = |bit: u8| bits & (1 << bit) != 0;
    let times = match bits & 7 {
        0 => Vec::new(),
        1 => vec![TimeForm::Iso, TimeForm::Japanese],
        2 => vec![TimeForm::Excel(Epoch::Of1900)],
        3 => vec![TimeForm::Excel(Epoch::Of1904)],
        4 => vec![TimeForm::Seconds],
        5 => vec![TimeForm::Milliseconds],
        6 => vec![TimeForm::Stated("%d/%m/%y %H:%M".to_owned())],
        _ => vec![TimeForm::Stated("%d.%m.%Y".to_owned()), TimeForm::Iso],
    };
    let every = [
        Negative::Brackets,
        Negative::White,
        Negative::Black,
        Negative::Behind,
    ];
    Format {
        dates: times.clone(),
        instants: times,
        numbers: Numbers {
            thousands: is_set(3).then_some(','),
            decimal: is_set(4).then_some('.'),
            percent: is_set(5).then_some(Percent::Ratio),
            currency: vec!["¥".to_owned(), "円".to_owned()],
            negatives: every.to_vec(),
            unit: is_set(6).then(|| Unit {
                text: "千円".to_owned(),
                exponent: 3,
            }),
        },
        ..format
    }
}
