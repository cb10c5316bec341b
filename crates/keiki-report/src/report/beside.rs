//! What is to be read beside a KPI: what must not get worse with it, and published figures with their source.

use keiki_model::kpi::{Direction, Indicator, Kpi, Worse};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use serde::Serialize;

use super::history::History;
use super::{Movement, Source, Standing, figure};
use crate::format;

/// A counter-indicator beside a KPI.
#[derive(Debug, Clone, Serialize)]
pub struct CounterPart {
    /// The indicator.
    #[serde(skip)]
    pub indicator: String,
    /// Its KPI.
    pub no: u32,
    /// What it is.
    pub name: String,
    /// Which way it must not move.
    pub must_not: String,
    /// Why it is looked at.
    pub why: String,
    /// Its value.
    pub value: String,
    /// Against the period before.
    pub previous: Option<Movement>,
    /// Against the same period a year ago.
    pub year_before: Option<Movement>,
    /// Whether it moved that way, by more than noise.
    pub has_got_worse: bool,
    /// How it stands.
    pub status: Standing,
}

/// Which way a counter-indicator must not move, in words.
#[must_use]
pub fn must_not(worse: Worse, direction: Direction) -> Text {
    match (worse, direction) {
        (Worse::Falling, _) | (Worse::AgainstItsDirection, Direction::Higher) => {
            Text::new("低下しないこと", "must not fall")
        }
        (Worse::Rising, _) | (Worse::AgainstItsDirection, Direction::Lower) => {
            Text::new("上昇しないこと", "must not rise")
        }
        (Worse::AgainstItsDirection, Direction::None) => Text::default(),
    }
}

/// The counter-indicators of a KPI that have a figure for the root.
pub(super) fn counters(source: &Source<'_>, history: &History<'_>, kpi: &Kpi) -> Vec<CounterPart> {
    let language = source.names.language;
    let catalogue = source.names.catalogue;
    let part = |(counter, of, indicator): (&keiki_model::kpi::Counter, &Kpi, &Indicator)| {
        let one = root_figure(source, of.no, &indicator.code)?;
        let judgement = history.changes(one);
        let movement = |change: Option<&keiki_model::judgement::Change>| {
            change.map(|change| Movement::new(source, one, change))
        };
        Some(CounterPart {
            indicator: indicator.code.clone(),
            no: of.no,
            name: figure::name(source, of.no, &indicator.code),
            must_not: must_not(counter.worse, indicator.direction)
                .get(language)
                .to_owned(),
            why: counter.why.get(language).to_owned(),
            value: figure::value(one, language),
            previous: movement(judgement.previous.as_ref()),
            year_before: movement(judgement.year_before.as_ref()),
            has_got_worse: counter.has_got_worse(indicator.direction, &judgement),
            status: Standing::of(one.status, language),
        })
    };
    catalogue.counters_of(kpi).filter_map(part).collect()
}

fn root_figure<'s>(source: &'s Source<'_>, no: u32, indicator: &str) -> Option<&'s Measurement> {
    source.measurements.find(no, indicator, source.root)
}

/// A published figure to hold an indicator beside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferencePart {
    /// Its number among the KPI's.
    pub number: u32,
    /// The figure.
    pub value: String,
    /// Who published it, the year, and whether it has lapsed.
    pub source: String,
    /// Its address; empty where there is none.
    pub url: String,
    /// The figure as it is drawn.
    #[serde(skip)]
    pub drawn: f64,
    /// What the line is called in a chart.
    #[serde(skip)]
    pub label: String,
}

/// The published figures that the catalogue cites for an indicator.
pub(super) fn references(
    source: &Source<'_>,
    kpi: &Kpi,
    indicator: &Indicator,
) -> Vec<ReferencePart> {
    let language = source.names.language;
    let first = kpi.indicators.first().map(|first| &first.code);
    let of_indicator = kpi.references.iter().flat_map(|reference| {
        let figures = reference.figures.iter().filter(|figure| {
            let code = figure.indicator.as_ref().map(|code| &code.value);
            code.or(first) == Some(&indicator.code)
        });
        figures.map(move |figure| (reference, figure))
    });
    let part = |(number, (reference, figure)): (u32, (&keiki_model::kpi::Reference, _))| {
        let figure: &keiki_model::kpi::ReferenceFigure = figure;
        let value = format::figure(figure.value, indicator.unit, language);
        let year = reference
            .year
            .map_or_else(String::new, |year| year.to_string());
        let mut said = vec![reference.title.get(language).to_owned()];
        said.extend(reference.year.map(|_| year.clone()));
        if reference.is_lapsed {
            said.push(source.say("失効", "lapsed").to_owned());
        }
        let word = source.say("公表値", "published");
        ReferencePart {
            number,
            label: format!("{word} {number}: {value}"),
            value,
            source: said.join(source.say("、", ", ")),
            url: reference.url.clone().unwrap_or_default(),
            drawn: figure.value.to_f64(),
        }
    };
    (1..).zip(of_indicator).map(part).collect()
}
