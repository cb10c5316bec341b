//! The charts of a report, from its measurements.

use keiki_model::calendar::{Month, Period, parse_day};
use keiki_model::fraction::Fraction;
use keiki_model::judgement::{self, Judgement};
use keiki_model::kpi::{Direction, Target, Unit};
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::status::Status;
use keiki_model::text::Text;

use super::figure::{definition, name, value};
use super::history::{History, Past};
use super::{Moved, ReferencePart, Source, period_label, period_name};
use crate::chart::{
    Bridge, Bullet, Cell, Chart, Comparison, Forecast, Heat, Order, Place, Row, Spark, Step, Trend,
};
use crate::format;

/// The width of a page's text. *Units*: points.
const PAGE: f64 = 481.0;

fn drawn(value: Option<Fraction>) -> Option<f64> {
    value.map(Fraction::to_f64)
}

/// A target's bounds as they are drawn, and how it is written.
fn bounds(
    target: Option<Target>,
    unit: Unit,
    source: &Source<'_>,
) -> Option<(Option<f64>, Option<f64>, String)> {
    let target = target?;
    let words = format::target(target, unit, source.names.language);
    Some((drawn(target.at_least), drawn(target.at_most), words))
}

/// The value against the target.
pub(super) fn bullet(source: &Source<'_>, one: &Measurement) -> Chart {
    let language = source.names.language;
    Bullet {
        name: name(source, one.no, &one.indicator),
        unit: one.unit,
        language,
        value: drawn(one.value),
        words: format::optional_figure(one.value, one.unit, language),
        target: bounds(one.target, one.unit, source),
        status: one.status,
        size: (78.0, 9.0),
    }
    .draw()
}

/// The way of a figure through the periods before.
pub(super) fn spark(source: &Source<'_>, history: &History<'_>, one: &Measurement) -> Chart {
    let places = places(source, history, one);
    let named = name(source, one.no, &one.indicator);
    let values: Vec<String> = places
        .iter()
        .map(|place| format!("{} {}", place.label, place.words))
        .collect();
    let title = Text::new(
        format!("{named}の推移"),
        format!("{named} through the periods"),
    );
    Spark {
        title: title.get(source.names.language).to_owned(),
        description: values.join(source.say("、", ", ")),
        values: places.iter().map(|place| place.value).collect(),
        status: one.status,
        size: (58.0, 12.0),
    }
    .draw()
}

/// The values of the periods before and the figure's own.
fn places(source: &Source<'_>, history: &History<'_>, one: &Measurement) -> Vec<Place> {
    let language = source.names.language;
    let figure = |value| format::optional_figure(value, one.unit, language);
    let place = |period: &str, found: Option<Past<'_>>| {
        let value = found.and_then(|past| past.measurement.value);
        let restated = found.and_then(|past| past.restated);
        Place {
            label: period_label(period, language),
            period: period_name(period, language),
            value: drawn(value),
            words: figure(value),
            is_reported: found.is_some_and(|past| past.is_reported),
            is_reference: found.is_some_and(|past| past.measurement.basis == Basis::Reference),
            restated: restated
                .and_then(|one| one.value)
                .map(|value| (value.to_f64(), figure(Some(value)))),
        }
    };
    let mut places: Vec<Place> = history
        .drawn(one)
        .map(|(period, past)| place(period, past))
        .collect();
    let is_closed = source.statement.edition.is_some() && source.statement.revision > 0;
    let own = Past {
        measurement: one,
        is_reported: is_closed,
        restated: None,
    };
    places.push(place(&one.period, Some(own)));
    places
}

/// A figure through the periods and where it is heading, with the median beside a mean where the KPI has one.
pub(super) fn trend(
    source: &Source<'_>,
    history: &History<'_>,
    one: &Measurement,
    judgement: Option<&Judgement>,
    references: &[ReferencePart],
) -> Chart {
    let beside = median_beside(source, one).map(|median| {
        let name = Text::new("中央値", "median");
        let values = history
            .drawn(median)
            .map(|(_, past)| past.and_then(|past| drawn(past.measurement.value)));
        let values = values.chain([drawn(median.value)]).collect();
        (name.get(source.names.language).to_owned(), values)
    });
    Trend {
        name: name(source, one.no, &one.indicator),
        unit: one.unit,
        language: source.names.language,
        places: places(source, history, one),
        beside,
        target: bounds(one.target, one.unit, source),
        references: references
            .iter()
            .map(|of| (of.drawn, of.label.clone()))
            .collect(),
        forecast: judgement
            .and_then(|of| of.forecast.as_ref())
            .map(|of| forecast(source, of, one.unit)),
        size: (200.0, 84.0),
    }
    .draw()
}

/// What is to be expected, as it is drawn.
fn forecast(source: &Source<'_>, of: &judgement::Forecast, unit: Unit) -> Forecast {
    let language = source.names.language;
    let month = parse_day(&of.on).map(|day| Period::Month(Month::of(day)).to_string());
    let value = |value: f64| format::approximate(value, unit, language);
    let (low, high) = of.interval;
    let words = format!("{} ({}–{})", value(of.value), value(low), value(high));
    Forecast {
        label: month.map_or_else(String::new, |month| period_label(&month, language)),
        period: format::day(&of.on, language),
        ahead: u8::try_from(of.periods_ahead).unwrap_or(u8::MAX),
        range: (low, of.value, high),
        words,
    }
}

/// The companion that is the median of a mean.
fn median_beside<'s>(source: &Source<'s>, one: &Measurement) -> Option<&'s Measurement> {
    let (kpi, indicator) = definition(source, one)?;
    if indicator.formula.kind() != "mean" {
        return None;
    }
    let measured = indicator.formula.measures();
    let median = kpi
        .indicators
        .iter()
        .find(|other| other.formula.kind() == "median" && other.formula.measures() == measured)?;
    let figures = &source.measurements;
    figures.find(one.no, &median.code, &one.org_unit)
}

/// A figure in the companies below the root that it concerns, the one that lags most first where the figure has a direction.
pub(super) fn compared<'s>(
    source: &Source<'s>,
    one: &Measurement,
) -> (Vec<&'s Measurement>, Order) {
    let companies = source
        .measurements
        .of_companies((one.no, &one.indicator), source.root);
    let mut found: Vec<&Measurement> = companies
        .filter(|other| other.status != Status::NotApplicable)
        .collect();
    let direction = definition(source, one).map_or(Direction::None, |(_, found)| found.direction);
    match direction {
        Direction::Higher => found.sort_by_key(|one| (one.value.is_none(), one.value)),
        Direction::Lower => {
            found.sort_by_key(|one| (one.value.is_none(), std::cmp::Reverse(one.value)));
        }
        Direction::None => return (found, Order::AsInTree),
    }
    (found, Order::WorstFirst)
}

/// A figure in the companies below the root, side by side; `None` where there are fewer than two.
pub(super) fn comparison(source: &Source<'_>, one: &Measurement) -> Option<Chart> {
    let language = source.names.language;
    let (found, order) = compared(source, one);
    if found.len() < 2 {
        return None;
    }
    let row = |one: &&Measurement| Row {
        name: source.names.org_unit(&one.org_unit),
        value: drawn(one.value),
        words: value(one, language),
        count: one.n.map_or_else(String::new, format::count),
        status: one.status,
        target: drawn(
            one.target
                .and_then(|target| target.at_least.or(target.at_most)),
        ),
    };
    let comparison = Comparison {
        name: name(source, one.no, &one.indicator),
        unit: one.unit,
        language,
        rows: found.iter().map(row).collect(),
        order,
        width: 170.0,
        row_height: 9.0,
    };
    Some(comparison.draw())
}

/// The figures that miss their targets or are behind, companions left out.
pub(super) fn missed<'s>(figures: &[&'s Measurement]) -> impl Iterator<Item = &'s Measurement> {
    let is_missed = |one: &&Measurement| {
        !one.is_companion && matches!(one.status, Status::Missed | Status::Behind)
    };
    figures.iter().copied().filter(is_missed)
}

/// How every KPI with a target stands in every company.
pub(super) fn heat(source: &Source<'_>) -> Option<Chart> {
    let mut companies = source.measurements.by_company(source.root);
    if companies.len() < 2 {
        return None;
    }
    if companies.len() > Heat::COLUMNS_MOST {
        companies.sort_by_key(|(_, figures)| std::cmp::Reverse(missed(figures).count()));
    }
    let language = source.names.language;
    let with_target = source.of_root().filter(|one| one.target.is_some());
    let row = |one: &Measurement| {
        let cell = |(company, _): &(&str, _)| {
            let found = source.measurements.find(one.no, &one.indicator, company);
            Cell {
                status: found
                    .map(|found| found.status)
                    .filter(|status| *status != Status::NotApplicable),
                words: found.map_or_else(String::new, |found| value(found, language)),
            }
        };
        (
            one.no.to_string(),
            name(source, one.no, &one.indicator),
            companies.iter().map(cell).collect(),
        )
    };
    let rows: Vec<(String, String, Vec<Cell>)> = with_target.map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let title = Text::new("会社別の状態", "How each company stands");
    let heat = Heat {
        title: title.get(language).to_owned(),
        language,
        columns: companies
            .iter()
            .map(|(id, _)| source.names.org_unit(id))
            .collect(),
        rows,
        width: PAGE,
        row_height: 13.0,
    };
    Some(heat.draw())
}

/// The way from a figure as reported to the figure as restated; `None` where one of them has no value.
pub(super) fn bridge(source: &Source<'_>, moved: &Moved) -> Option<Chart> {
    let language = source.names.language;
    let before = moved.restated.before.as_ref()?;
    let after = moved.restated.after.as_ref()?;
    if after.is_held() {
        return None;
    }
    let (was, is) = (before.value?, after.value?);
    let unit = after.unit;
    let step = |name: Text, by: Option<Fraction>| {
        let by = by.filter(|by| *by != Fraction::whole(0))?;
        Some(Step {
            name: name.get(language).to_owned(),
            by: by.to_f64(),
            words: format::difference(by, unit, language),
        })
    };
    let steps = [
        step(Text::new("証跡", "Evidence"), moved.bridge.evidence),
        step(Text::new("定義等", "Definitions"), moved.bridge.definitions),
        step(Text::new("組織", "Org tree"), moved.bridge.tree),
    ];
    let end = |name: Text, value: Fraction| {
        (
            name.get(language).to_owned(),
            value.to_f64(),
            format::figure(value, unit, language),
        )
    };
    let (no, indicator, _) = &moved.restated.place;
    let bridge = Bridge {
        name: name(source, *no, indicator),
        unit,
        language,
        before: end(Text::new("訂正前", "Before"), was),
        steps: steps.into_iter().flatten().collect(),
        after: end(Text::new("訂正後", "After"), is),
        size: (220.0, 90.0),
    };
    Some(bridge.draw())
}
