//! A source: where evidence comes from, how it is read, how it maps to a dataset, and what it
//! claims to hold.

mod definition;

use jiff::tz::TimeZone;
use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, DatasetKind, content_version};
use keiki_model::document::{Located, read_document};
use keiki_model::evidence::{Extent, Missing, Scope};
use keiki_model::problem::{Place, Problem, nearest};

use crate::kind::SourceKind;

/// The reserved column of a mapping: the day from which a row of a register holds.
pub const EFFECTIVE_ON: &str = "effective_on";

/// The precedence of a source that states none.
pub const PRECEDENCE_DEFAULT: i64 = 100;

/// A source's definition.
#[derive(Debug, Clone)]
pub struct Source {
    /// Name, the same as the file's.
    pub name: String,
    /// The form of its evidence.
    pub kind: SourceKind,
    /// The dataset into which it maps.
    pub dataset: String,
    /// File, folder or pattern relative to the workspace; `None` for a reading without a
    /// definition.
    pub place: Option<Located>,
    /// Whether a reading holds every record in scope.
    pub extent: Extent,
    /// What it means that a full reading leaves a record out.
    pub missing: Missing,
    /// Org units that a reading covers, with all below them; empty = the org units of its rows.
    pub covers: Vec<String>,
    /// Precedence among the sources of one dataset; the lower wins.
    pub precedence: i64,
    /// Which records a full reading would hold.
    pub scope: Scope,
    /// Where the scope's expression stands.
    pub scope_place: Place,
    /// First day that a reading of facts speaks for.
    pub window_from: Day,
    /// How its values are written.
    pub format: Format,
    /// The mapping: dataset column and SQL expression over the source's columns.
    pub columns: Vec<(String, Located)>,
    /// Set for a load of history with its own knowledge times.
    pub history: Option<History>,
    /// Content hash of the definition, hexadecimal, 16 characters.
    pub version: String,
    /// The file it was read from.
    pub file: String,
}

/// How the values of a source are written.
#[derive(Debug, Clone, Default)]
pub struct Format {
    /// CSV: what separates fields; `None` = as the header shows.
    pub separator: Option<u8>,
    /// CSV: lines before the header.
    pub preamble_lines: usize,
    /// Texts that mean null; the empty text always does.
    pub nulls: Vec<String>,
    /// Forms of dates, tried in order; empty = the defaults.
    pub dates: Vec<String>,
    /// Forms of instants, tried in order; empty = the defaults.
    pub instants: Vec<String>,
    /// The zone of instants without one; `None` = the workspace's.
    pub zone: Option<TimeZone>,
    /// JSON: dotted path of the array of records.
    pub records: Option<String>,
}

/// Where a load of history takes its knowledge times from.
#[derive(Debug, Clone)]
pub struct History {
    /// SQL over the source's columns: when the version became known.
    pub known_at: Located,
    /// SQL over the source's columns: the order among versions with the same time; absent = the
    /// order of rows.
    pub order: Option<Located>,
}

/// Reads a source's definition.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_source(file: &str, text: &str) -> Result<Source, Vec<Problem>> {
    read_document(file, text, |node| definition::source(node, file, text))
}

impl Source {
    /// Makes a source for files that come without a definition: columns map by name, and a reading
    /// is a part.
    #[must_use]
    pub fn by_name(name: &str, kind: SourceKind, dataset: &str) -> Self {
        let file = format!("<{name}>");
        Self {
            name: name.to_owned(),
            kind,
            dataset: dataset.to_owned(),
            place: None,
            extent: Extent::Part,
            missing: Missing::Keep,
            covers: Vec::new(),
            precedence: PRECEDENCE_DEFAULT,
            scope: Scope::default(),
            scope_place: Place::file(&file),
            window_from: BEGINNING,
            format: Format::default(),
            columns: Vec::new(),
            history: None,
            version: content_version(&format!("{} {dataset}", kind.name())),
            file,
        }
    }

    /// Checks the definition against the dataset that it names; what depends on the evidence shows
    /// only in a reading.
    #[must_use]
    pub fn check(&self, dataset: &Dataset) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.dataset != dataset.name {
            problems.push(
                Problem::new(
                    Place::file(&self.file),
                    format!("the source maps to the dataset `{}`", self.dataset),
                )
                .hint(format!("it cannot be read into `{}`", dataset.name)),
            );
        }
        if dataset.kind == DatasetKind::Derived {
            problems.push(
                Problem::new(
                    Place::file(&self.file),
                    format!("the dataset is derived: `{}`", dataset.name),
                )
                .hint("send evidence to the dataset from which it is derived"),
            );
        }
        if dataset.kind == DatasetKind::Fact && self.missing != Missing::Keep {
            problems.push(
                Problem::new(
                    Place::file(&self.file),
                    "records of facts do not end by being left out",
                )
                .hint("use missing = \"keep\"; a fact ends by a date of its own"),
            );
        }
        for (name, sql) in &self.columns {
            if name == EFFECTIVE_ON && dataset.column(name).is_none() {
                if dataset.kind != DatasetKind::Register {
                    problems.push(
                        Problem::new(sql.place.clone(), "`effective_on` is for registers only")
                            .hint("a fact holds from its beginning; map its own dates"),
                    );
                }
                continue;
            }
            if dataset.column(name).is_none() {
                let names = dataset.columns.iter().map(|column| column.name.as_str());
                let hint = match nearest(name, names.clone()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
                };
                let message = format!("dataset `{}` has no column `{name}`", dataset.name);
                problems.push(Problem::new(sql.place.clone(), message).hint(hint));
            }
        }
        problems
    }

    /// The mapping of a dataset's column: the source's own, else what its kind brings.
    pub(crate) fn mapping<'s>(
        &'s self,
        preset: &'s [(String, Located)],
        column: &str,
    ) -> Option<&'s Located> {
        let find =
            |columns: &'s [(String, Located)]| columns.iter().find(|(name, _)| name == column);
        find(&self.columns)
            .or_else(|| find(preset))
            .map(|(_, sql)| sql)
    }
}
