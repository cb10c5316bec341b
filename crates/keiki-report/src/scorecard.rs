//! Measurements as a table: one row per figure, with what it is made of, its target and how it stands.

mod overview;
mod trend;

use std::collections::BTreeSet;

use keiki_model::catalogue::Catalogue;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::measurement::{Basis, Coverage, Group, Measurement};
use keiki_model::org::{Hierarchy, Organisation, UNASSIGNED};
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};

use crate::table::{Cell, Column, Paint, Table};
use crate::{format, sentence};

pub use overview::{Line, overview};
pub use trend::{Origin, Point, trend};

/// Marks a figure that is held as it was reported before, since few people have moved it.
pub const HELD: &str = "‡";

/// Stands where a figure is withheld, since it would tell of few people.
pub const WITHHELD: &str = "***";

/// What the figures' codes stand for.
#[derive(Debug, Clone, Copy)]
pub struct Names<'n> {
    /// The definitions.
    pub catalogue: &'n Catalogue,
    /// The org units.
    pub organisation: &'n Organisation,
    /// The further hierarchies over them.
    pub hierarchies: &'n [Hierarchy],
    /// The reader's language.
    pub language: Language,
}

impl Names<'_> {
    /// The name of a KPI; its number where it is unknown.
    #[must_use]
    pub fn kpi(&self, no: u32) -> String {
        let kpi = self.catalogue.kpis.iter().find(|kpi| kpi.no == no);
        kpi.map_or_else(
            || no.to_string(),
            |kpi| kpi.name.get(self.language).to_owned(),
        )
    }

    /// The title of a dataset; its name where it is unknown.
    #[must_use]
    pub fn dataset(&self, name: &str) -> String {
        let dataset = self.catalogue.datasets.get(name);
        dataset.map_or_else(
            || name.to_owned(),
            |dataset| dataset.title.get(self.language).to_owned(),
        )
    }

    /// The title of an indicator; its code where it is unknown.
    #[must_use]
    pub fn indicator(&self, no: u32, code: &str) -> String {
        let kpi = self.catalogue.kpis.iter().find(|kpi| kpi.no == no);
        let indicator = kpi.and_then(|kpi| {
            kpi.indicators
                .iter()
                .find(|indicator| indicator.code == code)
        });
        indicator.map_or_else(
            || code.to_owned(),
            |indicator| indicator.title.get(self.language).to_owned(),
        )
    }

    /// The name of a measurement's org unit, or node of a hierarchy, as last known; its id where it is unknown.
    #[must_use]
    pub fn unit_of(&self, measurement: &Measurement) -> String {
        let name = measurement.hierarchy.as_deref();
        let mut hierarchies = self.hierarchies.iter();
        let hierarchy = hierarchies.find(|of| Some(of.name.as_str()) == name);
        let own = hierarchy.and_then(|of| of.own_name(&measurement.org_unit));
        own.map_or_else(
            || self.org_unit(&measurement.org_unit),
            |own| own.get(self.language).to_owned(),
        )
    }

    /// The name of an org unit of the main tree as last known; its id where it is unknown.
    #[must_use]
    pub fn org_unit(&self, id: &str) -> String {
        self.org_unit_in(id, self.language)
    }

    /// Why a measurement stands as it does, with org units by their names.
    #[must_use]
    pub fn status(&self, measurement: &Measurement) -> String {
        let text =
            sentence::status_with(measurement, &|id, language| self.org_unit_in(id, language));
        text.get(self.language).to_owned()
    }

    fn org_unit_in(&self, id: &str, language: Language) -> String {
        if id == UNASSIGNED {
            return Text::new("組織不明", "Unassigned").get(language).to_owned();
        }
        let last = self.organisation.last_known(id);
        last.map_or_else(|| id.to_owned(), |unit| unit.name.get(language).to_owned())
    }
}

/// The mark of a status, told apart by shape, and its colour.
#[must_use]
pub fn mark(status: Status) -> (&'static str, Paint) {
    match status {
        Status::Met | Status::OnPace => ("●", Paint::Good),
        Status::Near => ("▲", Paint::Warning),
        Status::Missed | Status::Behind => ("▼", Paint::Bad),
        Status::Waived => ("◇", Paint::Plain),
        Status::NoData | Status::Provisional | Status::TooFew => ("○", Paint::Warning),
        Status::NotDue | Status::NoneOccurred | Status::NotApplicable | Status::NoTarget => {
            ("–", Paint::Faint)
        }
    }
}

/// Makes the table. A column whose value would be the same in every row is left out; `heading` names it.
#[must_use]
pub fn table(measurements: &[Measurement], names: &Names<'_>) -> Table {
    table_with_trends(measurements, &[], names)
}

/// Makes the table with a trend for each measurement, where there are any.
#[must_use]
pub fn table_with_trends(
    measurements: &[Measurement],
    trends: &[Vec<Point>],
    names: &Names<'_>,
) -> Table {
    let shared = Shared::of(measurements);
    let title = |ja: &str, en: &str| Text::new(ja, en).get(names.language).to_owned();
    let mut columns = vec![
        Column::figure(title("No.", "No.")),
        Column::text("KPI", 12).wrapped(3).spare(),
        Column::text(title("指標", "Indicator"), 12).wrapped(3),
    ];
    if shared.org_unit.is_none() {
        columns.push(Column::text(title("組織", "Org unit"), 10));
    }
    if shared.period.is_none() {
        columns.push(Column::text(title("対象期間", "Period"), 7));
    }
    columns.extend([
        Column::figure(title("値", "Value")),
        Column::figure(title("分子 / 分母", "Num. / den.")),
        Column::figure(title("目標", "Target")),
        Column::figure(title("充足", "Cover")),
    ]);
    if !trends.is_empty() {
        columns.push(Column::text(title("推移", "Trend"), 6));
    }
    columns.push(Column::text(title("状態", "Status"), 9).wrapped(3));
    let mut table = Table::new(columns);
    for (at, measurement) in measurements.iter().enumerate() {
        let drawn = trends.get(at).map(|points| trend(points));
        table.push(row(measurement, drawn, names, &shared));
        // Groups are not mixed into one figure; each has a line of its own.
        for group in measurement
            .statistics
            .groups
            .iter()
            .filter(|_| measurement.value.is_none())
        {
            table.push(group_row(measurement, group, names, &shared));
        }
    }
    table
}

/// Tells whether a measurement speaks of evidence of unknown org units where there is none.
#[must_use]
pub fn is_idle(measurement: &Measurement) -> bool {
    let is_nothing =
        |value: Option<Fraction>| value.is_none_or(|value| value == Fraction::whole(0));
    measurement.org_unit == UNASSIGNED
        && is_nothing(measurement.value)
        && measurement.n.unwrap_or(0) == 0
}

/// The line above the table: what all rows share.
#[must_use]
pub fn heading(measurements: &[Measurement], names: &Names<'_>) -> String {
    let shared = Shared::of(measurements);
    let mut parts = Vec::new();
    let first = measurements.first();
    let one = first.filter(|_| shared.org_unit.is_some());
    parts.extend(one.map(|one| format!("{} ({})", names.unit_of(one), one.org_unit)));
    parts.extend(first.and_then(|first| hierarchy(first, names.language)));
    parts.extend(shared.period.map(str::to_owned));
    parts.join("  ")
}

/// Says along which hierarchy a figure is rolled up, where that is not the org tree.
#[must_use]
pub fn hierarchy(measurement: &Measurement, language: Language) -> Option<String> {
    let name = measurement.hierarchy.as_deref()?;
    let word = Text::new("階層", "hierarchy");
    Some(format!("{} {name}", word.get(language)))
}

/// What every row has in common.
struct Shared<'m> {
    org_unit: Option<&'m str>,
    period: Option<&'m str>,
}

impl<'m> Shared<'m> {
    fn of(measurements: &'m [Measurement]) -> Self {
        let only = |of: fn(&Measurement) -> &str| {
            let values: BTreeSet<&str> = measurements.iter().map(of).collect();
            values.first().copied().filter(|_| values.len() == 1)
        };
        Self {
            org_unit: only(|m| &m.org_unit),
            period: only(|m| &m.period),
        }
    }
}

fn row(
    measurement: &Measurement,
    trend: Option<String>,
    names: &Names<'_>,
    shared: &Shared<'_>,
) -> Vec<Cell> {
    let language = names.language;
    let mut cells: Vec<Cell> = vec![
        measurement.no.to_string().into(),
        names.kpi(measurement.no).into(),
        names
            .indicator(measurement.no, &measurement.indicator)
            .into(),
    ];
    if shared.org_unit.is_none() {
        cells.push(names.unit_of(measurement).into());
    }
    if shared.period.is_none() {
        cells.push(measurement.period.to_string().into());
    }
    let target = measurement.target.map_or_else(
        || format::NOTHING.to_owned(),
        |target| format::target(target, measurement.unit, language),
    );
    cells.extend([
        value(measurement, language).into(),
        parts(measurement, language).into(),
        target.into(),
        coverage(measurement.coverage).into(),
    ]);
    cells.extend(trend.map(Cell::from));
    cells.push(status(measurement.status, language));
    cells
}

fn group_row(
    measurement: &Measurement,
    group: &Group,
    names: &Names<'_>,
    shared: &Shared<'_>,
) -> Vec<Cell> {
    let mut cells: Vec<Cell> = vec!["".into(), "".into(), format!("  {}", group.name).into()];
    let spare = usize::from(shared.org_unit.is_none()) + usize::from(shared.period.is_none());
    cells.extend(std::iter::repeat_n(Cell::default(), spare));
    cells.push(format::figure(group.value, measurement.unit, names.language).into());
    cells.push(format!("n = {}", format::count(group.n)).into());
    cells
}

/// Stands for a difference that is of few people.
#[must_use]
pub fn few(language: Language) -> &'static str {
    match language {
        Language::Ja => "少人数",
        Language::En => "few people",
    }
}

/// The value, marked where it does not come from rows of evidence.
#[must_use]
pub fn value(measurement: &Measurement, language: Language) -> String {
    let figure = format::optional_figure(measurement.value, measurement.unit, language);
    match measurement.basis_of_value() {
        None | Some(Basis::Rows) => figure,
        Some(Basis::Reported) => format!("{figure} *"),
        Some(Basis::Reference) => format!("({figure})"),
        Some(Basis::Withheld) => WITHHELD.to_owned(),
        Some(Basis::Held) => format!("{figure} {HELD}"),
    }
}

/// What stands above and below the line, or the number of records where there is no line.
#[must_use]
pub fn parts(measurement: &Measurement, language: Language) -> String {
    let (over, under) = (measurement.numerator, measurement.denominator);
    let is_duration = matches!(measurement.unit, Unit::Hours | Unit::Days);
    // A mean duration stands over a number of cases, which has no unit.
    let below = if is_duration {
        Unit::Count
    } else {
        measurement.unit
    };
    match (over, under, measurement.n) {
        (Some(over), Some(under), _) => format!(
            "{} / {}",
            format::compact(over, measurement.unit, language),
            format::compact(under, below, language)
        ),
        (_, _, Some(n)) => format!("n = {}", format::count(n)),
        _ => format::NOTHING.to_owned(),
    }
}

/// Covered over expected org units.
#[must_use]
pub fn coverage(coverage: Coverage) -> String {
    format!("{}/{}", coverage.covered, coverage.expected)
}

/// Shape and word of a status.
#[must_use]
pub fn status(status: Status, language: Language) -> Cell {
    let (shape, paint) = mark(status);
    Cell::painted(format!("{shape} {}", status.title().get(language)), paint)
}
