//! One figure in words: value, what it is made of, target, change, how it stands.

use keiki_model::catalogue::Catalogue;
use keiki_model::judgement::Judgement;
use keiki_model::kpi::{Indicator, Kpi};
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::standing::KpiStatuses;
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use serde::Serialize;

use super::history::History;
use super::{Movement, Source, charts};
use crate::chart::Chart;
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
            colour: paint.name(),
        }
    }

    /// The standing of a figure's KPI as one thing.
    pub(super) fn of_kpi(of_kpis: &KpiStatuses<'_>, one: &Measurement, language: Language) -> Self {
        Self::of(of_kpis.of(one).unwrap_or(one.status), language)
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
    /// How many records it rests on, with the 95 % interval of a sample's figure; empty where neither is known.
    pub n: String,
    /// Against the period before.
    pub previous: Option<Movement>,
    /// Against the same period a year ago.
    pub year_before: Option<Movement>,
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

/// The definition of a measurement.
pub(super) fn definition<'d>(
    source: &Source<'d>,
    one: &Measurement,
) -> Option<(&'d Kpi, &'d Indicator)> {
    defined(source.names.catalogue, one)
}

/// The definition of a measurement in a catalogue.
pub(super) fn defined<'d>(
    catalogue: &'d Catalogue,
    one: &Measurement,
) -> Option<(&'d Kpi, &'d Indicator)> {
    let mut kpis = catalogue.kpis.iter();
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

impl Figure {
    /// The figure of a measurement with what its values say of changes, and with charts for a line of a table where it is the
    /// root's.
    pub(super) fn new(
        source: &Source<'_>,
        history: &History<'_>,
        one: &Measurement,
        judgement: &Judgement,
    ) -> Self {
        let language = source.names.language;
        let movement = |change: Option<&keiki_model::judgement::Change>| {
            change.map(|change| Movement::new(source, one, change))
        };
        let is_root = one.org_unit == *source.root && !one.is_companion;
        Self {
            indicator: one.indicator.to_string(),
            name: name(source, one.no, &one.indicator),
            value: value(one, language),
            parts: scorecard::parts(one, language),
            target: one.target.map_or_else(String::new, |target| {
                format::target(target, one.unit, language)
            }),
            n: records(one, language),
            previous: movement(judgement.previous.as_ref()),
            year_before: movement(judgement.year_before.as_ref()),
            coverage: scorecard::coverage(one.coverage),
            status: Standing::of(one.status, language),
            basis: one
                .basis_of_value()
                .map_or_else(String::new, |of| basis(of, language)),
            bullet: is_root.then(|| charts::bullet(source, one)),
            spark: is_root.then(|| charts::spark(source, history, one)),
        }
    }
}

/// The value with its unit, or that it is withheld.
#[must_use]
pub fn value(one: &Measurement, language: Language) -> String {
    if one.is_withheld() {
        return scorecard::WITHHELD.to_owned();
    }
    format::optional_figure(one.value, one.unit, language)
}

/// How many records a figure rests on, and the interval of a sample's.
fn records(one: &Measurement, language: Language) -> String {
    let Some(n) = one.n else { return String::new() };
    let n = format!("n = {}", format::count(n));
    let Some((low, high)) = one.statistics.interval else {
        return n;
    };
    let end = |value: f64| format::approximate(value, one.unit, language);
    let interval = Text::new(
        format!("95%区間 {}〜{}", end(low), end(high)),
        format!("95 % interval {} to {}", end(low), end(high)),
    );
    format!(
        "{n}{}{}",
        if language == Language::Ja {
            "、"
        } else {
            ", "
        },
        interval.get(language)
    )
}

/// What a figure rests on, where that is not rows of evidence.
fn basis(basis: Basis, language: Language) -> String {
    let text = match basis {
        Basis::Rows => return String::new(),
        Basis::Reported => Text::new("報告集計値を含む", "includes reported totals"),
        Basis::Reference => Text::new("参考値", "reference value"),
        Basis::Withheld => Text::new("秘匿(少人数)", "withheld (few people)"),
        Basis::Held => Text::new(
            "報告値を据え置き(少人数の訂正)",
            "as reported (few people restated)",
        ),
    };
    text.get(language).to_owned()
}
