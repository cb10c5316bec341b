//! The groups of KPIs, each KPI with its figures, charts and words.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{CLASSES, GROUPS, Kpi, MATURITIES, Unit};
use keiki_model::measurement::Measurement;
use keiki_model::standing::KpiStatuses;
use keiki_model::status::Status;
use keiki_model::text::Text;
use serde::Serialize;

use super::durations::Distributed;
use super::figure::{Figure, Standing, definition, value};
use super::history::History;
use super::{
    ActionPart, CounterPart, Judged, ReferencePart, Source, Testing, period_label, remarks,
};
use super::{beside, charts, durations};
use crate::chart::Chart;
use crate::{format, formula};

/// A group of the catalogue.
#[derive(Debug, Clone, Serialize)]
pub struct GroupPart {
    /// Its place in the catalogue.
    pub number: u32,
    /// Its title.
    pub title: String,
    /// Its KPIs.
    pub kpis: Vec<KpiPart>,
}

/// A figure of an org unit.
#[derive(Debug, Clone, Serialize)]
pub struct UnitFigure {
    /// The org unit's id.
    pub id: String,
    /// The org unit.
    pub org_unit: String,
    /// The value with its unit.
    pub value: String,
    /// What it is made of.
    pub parts: String,
    /// The target.
    pub target: String,
    /// How it stands.
    pub status: Standing,
    /// How the KPI stands there as one thing.
    pub kpi_status: Standing,
}

/// A KPI.
#[derive(Debug, Clone, Serialize)]
pub struct KpiPart {
    /// Its number.
    pub no: u32,
    /// Its dotted number.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Class and maturity.
    pub class: String,
    /// What it is for.
    pub purpose: String,
    /// How the published row is read.
    pub reading: String,
    /// How its evidence is collected.
    pub evidence: String,
    /// The version of its definition.
    pub version: String,
    /// How it stands as one thing: as the worst of its own figures.
    pub status: Standing,
    /// The KPI's own figures.
    pub figures: Vec<Figure>,
    /// Figures beside them, those without a value left out.
    pub companions: Vec<Figure>,
    /// How each of its own figures comes about.
    pub formulas: Vec<String>,
    /// Why it stands as it does, for each of its own figures.
    pub sentences: Vec<String>,
    /// Why its own figures miss their targets, as people explained it.
    pub explanations: Vec<String>,
    /// What is done about them.
    pub actions: Vec<ActionPart>,
    /// Trend, pace and forecast of each of its own figures, in their order.
    pub judged: Vec<Judged>,
    /// What must not get worse with it.
    pub counters: Vec<CounterPart>,
    /// Published figures to hold its first figure beside.
    pub references: Vec<ReferencePart>,
    /// The first figure through the periods.
    pub trend: Chart,
    /// The first figure in the companies.
    pub comparison: Option<Chart>,
    /// How long things took in the period, where it is a time KPI.
    pub distribution: Option<Chart>,
    /// The share of cases still open after a time, where it is a KPI that has open cases.
    pub survival: Option<Chart>,
    /// What the distribution counts.
    #[serde(skip)]
    pub distributed: Option<Distributed>,
    /// The indicator whose open cases are drawn.
    #[serde(skip)]
    pub survived: Option<String>,
    /// The first figure in the companies, as a table.
    #[serde(skip)]
    pub companies: Vec<UnitFigure>,
    /// The same as it is printed: of very many companies those that lag most.
    #[serde(rename = "companies")]
    pub printed: Vec<UnitFigure>,
    /// How many companies are printed of how many, and where all are; empty where all are printed.
    pub printed_note: String,
    /// The first figure's exact values through the periods, each with the period's name; its own last.
    #[serde(skip)]
    pub series: Vec<(String, Option<Fraction>)>,
}

pub(super) fn groups(
    source: &Source<'_>,
    history: &History<'_>,
    (of_kpis, testing): (&KpiStatuses<'_>, Testing),
) -> Vec<GroupPart> {
    let mut groups = Vec::new();
    for (number, (code, ja, en)) in (1..).zip(GROUPS) {
        let kpis = source.names.catalogue.kpis.iter();
        let kpis: Vec<KpiPart> = kpis
            .filter(|kpi| kpi.group == code)
            .filter_map(|kpi| part(source, history, kpi, (of_kpis, testing)))
            .collect();
        if !kpis.is_empty() {
            groups.push(GroupPart {
                number,
                title: source.say(ja, en).to_owned(),
                kpis,
            });
        }
    }
    groups
}

fn part(
    source: &Source<'_>,
    history: &History<'_>,
    kpi: &Kpi,
    (of_kpis, testing): (&KpiStatuses<'_>, Testing),
) -> Option<KpiPart> {
    let language = source.names.language;
    let of_root: Vec<&Measurement> = source
        .measurements
        .iter()
        .filter(|one| one.no == kpi.no && one.org_unit == *source.root)
        .collect();
    let own: Vec<&Measurement> = of_root
        .iter()
        .filter(|one| !one.is_companion)
        .copied()
        .collect();
    let first = own.first().copied()?;
    let formula = |one: &&Measurement| {
        let mut indicators = kpi.indicators.iter();
        let indicator = indicators.find(|indicator| indicator.code == *one.indicator)?;
        Some(formula::filled_in(kpi, indicator, one, language))
    };
    let sentence = |one: &&Measurement| source.names.status(one);
    let companions = of_root
        .iter()
        .filter(|one| one.is_companion && one.value.is_some());
    let judged: Vec<Judged> = own
        .iter()
        .map(|one| {
            let tested = match testing {
                Testing::Untested => None,
                Testing::Tested => history.backtest(one),
            };
            Judged::new(source, one, history.judgement(one), tested)
        })
        .collect();
    let references = definition(source, first).map_or_else(Vec::new, |(kpi, indicator)| {
        beside::references(source, kpi, indicator)
    });
    let (distribution, distributed) = durations::distribution(source, kpi).unzip();
    let (survival, survived) = durations::survival(source, kpi).unzip();
    let of_first = judged.first().map(|one| &one.judgement);
    let companies = companies(source, of_kpis, first);
    Some(KpiPart {
        no: kpi.no,
        code: kpi.code.clone(),
        name: kpi.name.get(language).to_owned(),
        class: class(source, kpi),
        purpose: kpi.purpose.get(language).to_owned(),
        reading: kpi.reading.get(language).to_owned(),
        evidence: kpi.evidence.get(language).to_owned(),
        version: kpi.version.clone(),
        status: Standing::of_kpi(of_kpis, first, language),
        figures: own
            .iter()
            .zip(&judged)
            .map(|(one, judged)| Figure::new(source, history, one, &judged.judgement))
            .collect(),
        companions: companions
            .map(|one| Figure::new(source, history, one, &history.changes(one)))
            .collect(),
        formulas: own.iter().filter_map(formula).collect(),
        sentences: own
            .iter()
            .filter(|one| one.status != Status::NoTarget)
            .map(sentence)
            .collect(),
        explanations: own
            .iter()
            .map(|one| remarks::explanation(source, one))
            .filter(|text| !text.is_empty())
            .collect(),
        actions: own
            .iter()
            .flat_map(|one| remarks::actions(source, one))
            .collect(),
        counters: beside::counters(source, history, kpi),
        trend: charts::trend(source, history, first, of_first, &references),
        comparison: charts::comparison(source, first),
        distribution,
        survival,
        distributed,
        survived,
        printed: printed(source, of_kpis, first),
        printed_note: printed_note(source, companies.len()),
        companies,
        series: series(source, history, first),
        references,
        judged,
    })
}

fn series(
    source: &Source<'_>,
    history: &History<'_>,
    first: &Measurement,
) -> Vec<(String, Option<Fraction>)> {
    let label = |period: &str| period_label(period, source.names.language);
    let before = history
        .drawn(first)
        .map(|(period, past)| (label(period), past.and_then(|past| past.measurement.value)));
    before
        .chain([(label(&first.period), first.value)])
        .collect()
}

/// Class and maturity in words.
fn class(source: &Source<'_>, kpi: &Kpi) -> String {
    let find = |all: &[(&str, &'static str, &'static str)], code: &str| {
        let found = all.iter().find(|(one, ..)| *one == code);
        found.map_or_else(
            || code.to_owned(),
            |(_, ja, en)| source.say(ja, en).to_owned(),
        )
    };
    let (class, maturity) = (find(&CLASSES, &kpi.class), find(&MATURITIES, &kpi.maturity));
    format!("{class}{}{maturity}", source.say("・", ", "))
}

/// The figure of each company, in the order of the org tree.
fn companies(
    source: &Source<'_>,
    of_kpis: &KpiStatuses<'_>,
    first: &Measurement,
) -> Vec<UnitFigure> {
    let companies = source
        .measurements
        .of_companies((first.no, &first.indicator), source.root);
    companies
        .map(|one| unit_figure(source, of_kpis, one))
        .collect()
}

/// The most companies that are printed of a KPI.
const PRINTED_MOST: usize = 100;

/// The same as far as they are printed.
fn printed(source: &Source<'_>, of_kpis: &KpiStatuses<'_>, first: &Measurement) -> Vec<UnitFigure> {
    let all = companies(source, of_kpis, first);
    if all.len() <= PRINTED_MOST {
        return all;
    }
    let (compared, _) = charts::compared(source, first);
    let compared = compared.into_iter().take(PRINTED_MOST);
    compared
        .map(|one| unit_figure(source, of_kpis, one))
        .collect()
}

fn printed_note(source: &Source<'_>, count: usize) -> String {
    if count <= PRINTED_MOST {
        return String::new();
    }
    let all = format::count(i128::try_from(count).unwrap_or(i128::MAX));
    let said = Text::new(
        format!(
            "全{all}社のうち、遅れの大きい順(目標の向きのない指標は組織図順)に{PRINTED_MOST}社までを示した。全社の値はExcel版とHTML版の図の表にある。"
        ),
        format!(
            "At most {PRINTED_MOST} of {all} companies: those that lag most or, where neither more nor less is better, the first of the org tree. All are in the Excel edition and in the chart's table of the HTML edition."
        ),
    );
    said.get(source.names.language).to_owned()
}

fn unit_figure(source: &Source<'_>, of_kpis: &KpiStatuses<'_>, one: &Measurement) -> UnitFigure {
    let language = source.names.language;
    UnitFigure {
        id: one.org_unit.to_string(),
        org_unit: source.names.org_unit(&one.org_unit),
        value: value(one, language),
        parts: crate::scorecard::parts(one, language),
        target: one.target.map_or_else(String::new, |target| {
            format::target(target, one.unit, language)
        }),
        status: Standing::of(one.status, language),
        kpi_status: Standing::of_kpi(of_kpis, one, language),
    }
}

/// A unit in words.
#[must_use]
pub(crate) fn unit(unit: Unit) -> Text {
    match unit {
        Unit::Ratio => Text::new("比率", "ratio"),
        Unit::Count => Text::new("数", "count"),
        Unit::Hours => Text::new("時間", "hours"),
        Unit::Days => Text::new("日", "days"),
        Unit::PersonHours => Text::new("人時", "person-hours"),
        Unit::Score => Text::new("点", "points"),
        Unit::Currency => Text::new("金額", "amount"),
    }
}
