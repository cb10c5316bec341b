//! One figure in words: value, what it is made of, target, change, how it stands.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Direction, Indicator, Kpi};
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use serde::Serialize;

use super::{History, Source, charts};
use crate::chart::Chart;
use crate::table::Paint;
use crate::{format, scorecard};

/// How a figure stands: shape, word and colour say the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// The word in data.
    pub code: &'static str,
    /// The shape.
    pub shape: &'static str,
    /// The word.
    pub word: String,
    /// What the colour stands for: `good`, `warning`, `bad`, `plain` or `faint`.
    pub colour: &'static str,
}

impl Standing {
    /// The standing of a status.
    #[must_use]
    pub fn of(status: Status, language: Language) -> Self {
        let (shape, paint) = scorecard::mark(status);
        Self {
            code: status.code(),
            shape,
            word: status.title().get(language).to_owned(),
            colour: match paint {
                Paint::Good => "good",
                Paint::Warning => "warning",
                Paint::Bad => "bad",
                Paint::Faint => "faint",
                Paint::Plain => "plain",
            },
        }
    }
}

/// One figure in words.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// The indicator's code.
    pub indicator: String,
    /// The indicator's title.
    pub name: String,
    /// The value with its unit.
    pub value: String,
    /// What stands above and below the line, or the number of records.
    pub parts: String,
    /// The target; empty where there is none.
    pub target: String,
    /// The change against the period before, with its sign; empty where there is none to compare with.
    pub change: String,
    /// Whether the change is for the better, the worse or neither: `better`, `worse`, `even`.
    pub turn: &'static str,
    /// Covered over expected org units.
    pub coverage: String,
    /// How it stands.
    pub status: Standing,
    /// Whether totals that somebody reported, or a reference value, are in it; empty for rows.
    pub basis: String,
    /// The value against the target.
    pub bullet: Option<Chart>,
    /// Its way through the periods before.
    pub spark: Option<Chart>,
}

/// How a value moved since the period before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Move {
    pub(super) by: Fraction,
    pub(super) turn: Turn,
}

/// Which way that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Better,
    Worse,
    Even,
}

impl Turn {
    fn code(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Even => "even",
        }
    }
}

/// The definition of a measurement.
pub(super) fn definition<'d>(
    source: &Source<'d>,
    one: &Measurement,
) -> Option<(&'d Kpi, &'d Indicator)> {
    let mut kpis = source.names.catalogue.kpis.iter();
    let kpi = kpis.find(|kpi| kpi.no == one.no)?;
    let mut indicators = kpi.indicators.iter();
    let indicator = indicators.find(|indicator| indicator.code == *one.indicator)?;
    Some((kpi, indicator))
}

/// What a reader calls a figure: the KPI's name where it is the KPI's only one, else the indicator's.
pub(super) fn name(source: &Source<'_>, no: u32, indicator: &str) -> String {
    let mut kpis = source.names.catalogue.kpis.iter();
    let own = kpis.find(|kpi| kpi.no == no).map(|kpi| {
        let own = kpi.indicators.iter().filter(|one| !one.is_companion);
        own.map(|one| one.code.as_str()).collect::<Vec<_>>()
    });
    match own.as_deref() {
        Some([only]) if *only == indicator => source.names.kpi(no),
        _ => source.names.indicator(no, indicator),
    }
}

/// How a figure moved since the period before, and whether that is for the better.
pub(super) fn moved(
    one: &Measurement,
    indicator: &Indicator,
    history: &History<'_>,
) -> Option<Move> {
    let before = history.previous(one)?;
    if before.basis == Basis::Reference || one.basis == Basis::Reference {
        return None;
    }
    let by = one.value?.plus(before.value?.times(Fraction::whole(-1))?)?;
    let zero = Fraction::whole(0);
    let turn = match (by.cmp(&zero), indicator.direction) {
        (std::cmp::Ordering::Equal, _) | (_, Direction::None) => Turn::Even,
        (std::cmp::Ordering::Greater, Direction::Higher)
        | (std::cmp::Ordering::Less, Direction::Lower) => Turn::Better,
        _ => Turn::Worse,
    };
    Some(Move { by, turn })
}

impl Figure {
    /// The figure of a measurement, with charts for a line of a table where it is the root's.
    pub(super) fn new(source: &Source<'_>, history: &History<'_>, one: &Measurement) -> Self {
        let language = source.names.language;
        let defined = definition(source, one);
        let moved = defined.and_then(|(_, indicator)| moved(one, indicator, history));
        let change = moved.map(|moved| format::difference(moved.by, one.unit, language));
        // What rounds to nothing is not called better or worse.
        let is_seen = change
            .as_ref()
            .is_some_and(|change| change.chars().any(|c| matches!(c, '1'..='9')));
        let change = change.map(|change| match change.strip_prefix(['+', '\u{2212}']) {
            Some(rest) if !is_seen => rest.to_owned(),
            _ => change,
        });
        let is_root = one.org_unit == *source.root && !one.is_companion;
        Self {
            indicator: one.indicator.to_string(),
            name: name(source, one.no, &one.indicator),
            value: value(one, language),
            parts: scorecard::parts(one, language),
            target: one.target.map_or_else(String::new, |target| {
                format::target(target, one.unit, language)
            }),
            change: change.unwrap_or_default(),
            turn: moved
                .filter(|_| is_seen)
                .map_or(Turn::Even, |moved| moved.turn)
                .code(),
            coverage: scorecard::coverage(one.coverage),
            status: Standing::of(one.status, language),
            basis: basis(one.basis, language),
            bullet: is_root.then(|| charts::bullet(source, one)),
            spark: is_root.then(|| charts::spark(source, history, one)),
        }
    }
}

/// The value with its unit, or that it is withheld.
pub(super) fn value(one: &Measurement, language: Language) -> String {
    if one.is_withheld() {
        return scorecard::WITHHELD.to_owned();
    }
    format::optional_figure(one.value, one.unit, language)
}

/// What a figure rests on, where that is not rows of evidence.
fn basis(basis: Basis, language: Language) -> String {
    let text = match basis {
        Basis::Rows => return String::new(),
        Basis::Reported => Text::new("報告集計値を含む", "includes reported totals"),
        Basis::Reference => Text::new("参考値", "reference value"),
        Basis::Withheld => Text::new("秘匿(少人数)", "withheld (few people)"),
    };
    text.get(language).to_owned()
}
