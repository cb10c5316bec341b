//! A source: where evidence comes from, how it is read, how it maps to a dataset, and what it
//! claims to hold.

mod definition;

use std::sync::Arc;

use keiki_model::calendar::{BEGINNING, Day};
use keiki_model::dataset::{Dataset, DatasetKind};
use keiki_model::document::{Located, read_document};
use keiki_model::evidence::{Extent, Missing, Scope};
use keiki_model::problem::{Place, Problem, nearest};
use keiki_model::text::Text;

use crate::format::Format;
use crate::kind::{Kind, Kinds, Preset};
use crate::live::Connector;
use crate::schedule::Schedule;

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
    pub kind: Arc<Kind>,
    /// The dataset into which it maps.
    pub dataset: String,
    /// File, folder or pattern relative to the workspace; `None` for a reading without a
    /// definition.
    pub place: Option<Located>,
    /// SQL over the books from which its rows follow, in the place of files; kept as a file of the source's kind.
    pub query: Option<Located>,
    /// How its evidence is fetched from a live system; `None` for evidence in files.
    pub fetch: Option<Arc<dyn Connector>>,
    /// When it is read without being asked for.
    pub schedule: Option<Schedule>,
    /// Whether a reading holds every record in scope.
    pub extent: Extent,
    /// What it means that a full reading leaves a record out.
    pub missing: Missing,
    /// Org units that a reading covers, with all below them; empty = the org units of its rows.
    pub covers: Vec<String>,
    /// For how many days a reading speaks beyond its own, where that is less than the dataset says.
    pub fresh_days: Option<i32>,
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
    /// SQL over the source's columns: which rows are evidence; absent = what the kind says.
    pub own_filter: Option<Located>,
    /// The mapping: dataset column and SQL expression over the source's columns; what it leaves out
    /// is as the kind says.
    pub columns: Vec<(String, Located)>,
    /// Set for a load of history with its own knowledge times.
    pub history: Option<History>,
    /// Content hash of the definition, hexadecimal, 16 characters.
    pub version: String,
    /// The file it was read from.
    pub file: String,
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

/// Reads a source's definition, whose kind is one of `kinds`.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_source(file: &str, text: &str, kinds: &Kinds) -> Result<Source, Vec<Problem>> {
    read_document(file, text, |node| {
        definition::source(node, file, text, kinds)
    })
}

impl Source {
    /// Makes a source for files that come without a definition: columns map by name, and a reading
    /// is a part.
    #[must_use]
    pub fn by_name(name: &str, kind: &Arc<Kind>, dataset: &str) -> Self {
        let file = format!("<{name}>");
        Self {
            name: name.to_owned(),
            kind: Arc::clone(kind),
            dataset: dataset.to_owned(),
            place: None,
            query: None,
            fetch: None,
            schedule: None,
            extent: Extent::Part,
            missing: Missing::Keep,
            covers: Vec::new(),
            fresh_days: None,
            precedence: PRECEDENCE_DEFAULT,
            scope: Scope::default(),
            scope_place: Place::file(&file),
            window_from: BEGINNING,
            format: kind.format(dataset).clone(),
            own_filter: None,
            columns: definition::filled(kind.preset(dataset), Vec::new()),
            history: None,
            version: definition::version(&format!("{} {dataset}", kind.name), kind),
            file,
        }
    }

    /// The problem of readings that would speak for longer than the dataset allows.
    fn lasting_longer_than(&self, dataset: &Dataset) -> Option<Problem> {
        let most = dataset.freshness_days;
        let days = self.fresh_days.filter(|days| *days > most)?;
        let name = &dataset.name;
        let message = Text::new(
            format!("fresh_days がデータ種別 `{name}` の有効日数を超えています: {days}"),
            format!("fresh_days is more than the dataset `{name}` allows: {days}"),
        );
        let hint = Text::new(
            format!("{most}日以下にするか、省いてください"),
            format!("state at most {most}, or leave it out"),
        );
        Some(Problem::new(Place::file(&self.file), message).hint(hint))
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
                    Text::new(
                        format!(
                            "この取得元はデータ種別 `{}` に対応付けられています",
                            self.dataset
                        ),
                        format!("the source maps to the dataset `{}`", self.dataset),
                    ),
                )
                .hint(Text::new(
                    format!("`{}` には取り込めません", dataset.name),
                    format!("it cannot be read into `{}`", dataset.name),
                )),
            );
        }
        if dataset.kind == DatasetKind::Derived {
            problems.push(
                Problem::new(
                    Place::file(&self.file),
                    Text::new(
                        format!("派生データ種別です: `{}`", dataset.name),
                        format!("the dataset is derived: `{}`", dataset.name),
                    ),
                )
                .hint(Text::new(
                    "派生元のデータ種別に証跡を取り込んでください",
                    "send evidence to the dataset from which it is derived",
                )),
            );
        }
        problems.extend(self.lasting_longer_than(dataset));
        if dataset.kind == DatasetKind::Fact && self.missing != Missing::Keep {
            problems.push(
                Problem::new(
                    Place::file(&self.file),
                    Text::new(
                        "事象のレコードは、含まれなくなっても終了しません",
                        "records of facts do not end by being left out",
                    ),
                )
                .hint(Text::new(
                    "missing = \"keep\" としてください。事象の終わりは専用の日付で示します",
                    "use missing = \"keep\"; a fact ends by a date of its own",
                )),
            );
        }
        let brought = self.preset().map_or(&[][..], |preset| &preset.columns);
        for (name, sql) in self.columns.iter().chain(brought) {
            if name == EFFECTIVE_ON && dataset.column(name).is_none() {
                if dataset.kind != DatasetKind::Register {
                    problems.push(
                        Problem::new(sql.place.clone(), Text::new("`effective_on` は台帳にだけ使えます", "`effective_on` is for registers only"))
                            .hint(Text::new("事象は初めから成り立つとみなされるため、専用の日付を対応付けてください", "a fact holds from its beginning; map its own dates")),
                    );
                }
                continue;
            }
            if dataset.column(name).is_none() {
                let names = dataset.columns.iter().map(|column| column.name.as_str());
                let hint = match nearest(name, names.clone()) {
                    Some(near) => Text::new(
                        format!("`{near}` ではありませんか"),
                        format!("did you mean `{near}`?"),
                    ),
                    None => Text::new(
                        format!("列: {}", names.clone().collect::<Vec<_>>().join(", ")),
                        format!("its columns are {}", names.collect::<Vec<_>>().join(", ")),
                    ),
                };
                let message = Text::new(
                    format!("データ種別 `{}` に列 `{name}` はありません", dataset.name),
                    format!("dataset `{}` has no column `{name}`", dataset.name),
                );
                problems.push(Problem::new(sql.place.clone(), message).hint(hint));
            }
        }
        problems
    }

    /// Where its evidence is, as users know it.
    #[must_use]
    pub fn shown_place(&self) -> Option<String> {
        let fetched = self.fetch.as_ref().map(|connector| connector.place());
        fetched.or_else(|| self.place.as_ref().map(|place| place.value.clone()))
    }

    /// What its kind brings for its dataset.
    #[must_use]
    pub fn preset(&self) -> Option<&Preset> {
        self.kind.preset(&self.dataset)
    }

    /// All SQL over the source's columns, its kind's own where the source does not take its place.
    #[must_use]
    pub fn expressions(&self) -> Vec<Located> {
        let brought = self.preset().map_or(&[][..], |preset| &preset.columns);
        let is_kept = |name: &String| !self.columns.iter().any(|(own, _)| own == name);
        let kept = brought.iter().filter(|(name, _)| is_kept(name));
        let columns = self.columns.iter().chain(kept).map(|(_, sql)| sql);
        let history = self.history.iter();
        let history = history.flat_map(|h| std::iter::once(&h.known_at).chain(&h.order));
        columns
            .chain(history)
            .chain(self.filter())
            .cloned()
            .collect()
    }

    /// The mapping of a dataset's column: the source's own, else what its kind brings.
    pub(crate) fn mapping(&self, column: &str) -> Option<&Located> {
        let brought = self.preset().map_or(&[][..], |preset| &preset.columns);
        let mut all = self.columns.iter().chain(brought);
        all.find(|(name, _)| name == column).map(|(_, sql)| sql)
    }

    /// Which rows are evidence: the source's own condition, else what its kind brings.
    pub(crate) fn filter(&self) -> Option<&Located> {
        let brought = || self.preset().and_then(|preset| preset.filter.as_ref());
        self.own_filter.as_ref().or_else(brought)
    }
}
