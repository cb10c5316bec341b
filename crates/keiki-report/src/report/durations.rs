//! The charts of how long things took, from what the statement carries.

use keiki_model::durations::{Durations, Form};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Formula, Indicator, Kpi, Unit};
use keiki_model::measurement::Measurement;

use super::Source;
use crate::chart::{Bin, Chart, Distribution, Line, Survival, SurvivalStep};
use crate::format;

/// The most spans that are drawn.
const SPANS_MOST: usize = 24;
/// The fewest cases of which a distribution is drawn.
const CASES_LEAST: i64 = 5;
/// Widths of spans, in the indicator's unit.
const WIDTHS: [i64; 12] = [1, 2, 3, 5, 6, 7, 12, 14, 24, 30, 48, 60];
/// The size of a chart.
const SIZE: (f64, f64) = (226.0, 92.0);

/// What a distribution counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distributed {
    /// The indicator whose records they are.
    pub indicator: String,
    /// The spans in the order of the chart's rows: from and below. *Units*: seconds.
    pub spans: Vec<(i64, i64)>,
}

/// How long things took, with mean, median and p90 as lines.
pub(super) fn distribution(source: &Source<'_>, kpi: &Kpi) -> Option<(Chart, Distributed)> {
    let (indicator, found) = carried(source, kpi, |formula| formula.kind() == "median")?;
    let Form::Distribution { counts, .. } = &found.form else {
        return None;
    };
    // Of a few cases each is named better than a distribution of them.
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    if total < CASES_LEAST {
        return None;
    }
    let (unit, divisor) = (indicator.unit, seconds_of(indicator.unit));
    let last = counts.last()?.0;
    let width = width_of(last, divisor);
    let mut bins: Vec<Bin> = Vec::new();
    let mut spans = Vec::new();
    let mut from = 0;
    while from <= last {
        let within = counts
            .iter()
            .filter(|(value, _)| (from..from + width).contains(value));
        bins.push(Bin {
            from: ratio(from, divisor),
            until: ratio(from + width, divisor),
            count: within.map(|(_, count)| count.unsigned_abs()).sum(),
        });
        spans.push((from, from + width));
        from += width;
    }
    let measured = indicator.formula.measures();
    let lines = kpi.indicators.iter().filter_map(|one| {
        let name = line_name(source, &one.formula)?;
        let is_of = one.formula.measures() == measured && one.unit == unit;
        let value = figure(source, kpi, one).filter(|_| is_of)?.value?;
        Some(Line {
            name: name.to_owned(),
            value: value.to_f64(),
            words: format::figure(value, unit, source.names.language),
        })
    });
    let distribution = Distribution {
        name: title(source, kpi, ("所要時間の分布", "distribution of durations")),
        unit,
        language: source.names.language,
        bins,
        lines: lines.collect(),
        size: SIZE,
    };
    let of = Distributed {
        indicator: indicator.code.clone(),
        spans,
    };
    Some((distribution.draw(), of))
}

/// The share of cases still open after a time, and the indicator whose cases they are.
pub(super) fn survival(source: &Source<'_>, kpi: &Kpi) -> Option<(Chart, String)> {
    let is_survival = |formula: &Formula| matches!(formula, Formula::SurvivalMedian(_));
    let (indicator, found) = carried(source, kpi, is_survival)?;
    let Form::Survival { steps } = &found.form else {
        return None;
    };
    let language = source.names.language;
    let divisor = seconds_of(indicator.unit);
    let step = |step: &keiki_model::durations::Step| SurvivalStep {
        after: ratio(step.after_seconds, divisor),
        open_share: f64::from(step.open_millionths) / 1e6,
        censored: step.censored.unsigned_abs(),
    };
    let median = figure(source, kpi, indicator).and_then(|one| one.value);
    let survival = Survival {
        name: title(
            source,
            kpi,
            (
                "未完了の割合(残存曲線)",
                "share still open (survival curve)",
            ),
        ),
        unit: indicator.unit,
        language,
        steps: steps.iter().map(step).collect(),
        median: median.map(|value| {
            (
                value.to_f64(),
                format::figure(value, indicator.unit, language),
            )
        }),
        size: SIZE,
    };
    Some((survival.draw(), indicator.code.clone()))
}

/// The first indicator of a form whose durations the statement carries for the root.
fn carried<'s>(
    source: &Source<'s>,
    kpi: &'s Kpi,
    is_wanted: impl Fn(&Formula) -> bool,
) -> Option<(&'s Indicator, &'s Durations)> {
    let mut wanted = kpi.indicators.iter().filter(|one| is_wanted(&one.formula));
    wanted.find_map(|indicator| {
        let mut all = source.statement.durations.iter();
        let found = all.find(|one| {
            one.no == kpi.no && *one.indicator == *indicator.code && one.org_unit == *source.root
        })?;
        Some((indicator, found))
    })
}

fn figure<'s>(source: &Source<'s>, kpi: &Kpi, indicator: &Indicator) -> Option<&'s Measurement> {
    source
        .measurements
        .find(kpi.no, &indicator.code, source.root)
}

fn title(source: &Source<'_>, kpi: &Kpi, (ja, en): (&str, &str)) -> String {
    let name = source.names.kpi(kpi.no);
    format!("{name}{}{}", source.say(" — ", ": "), source.say(ja, en))
}

/// What a statistic is called beside its line; `None` for those that are no place among durations.
fn line_name<'t>(source: &Source<'_>, formula: &Formula) -> Option<&'t str> {
    let p90 = Fraction::new(9, 10);
    match formula {
        Formula::Mean(_) => Some(source.say("平均", "mean")),
        Formula::Quantile { at, .. } if Some(*at) == p90 => Some("p90"),
        Formula::Quantile { .. } if formula.kind() == "median" => {
            Some(source.say("中央値", "median"))
        }
        _ => None,
    }
}

fn seconds_of(unit: Unit) -> i64 {
    i64::try_from(unit.divisor()).unwrap_or(1).max(1)
}

/// The narrowest width of spans, in seconds, by which durations up to the last fall into few enough.
fn width_of(last: i64, divisor: i64) -> i64 {
    let most = i64::try_from(SPANS_MOST).unwrap_or(i64::MAX);
    let mut scale = 1;
    loop {
        let widths = WIDTHS
            .iter()
            .map(|width| width.saturating_mul(divisor).saturating_mul(scale));
        if let Some(width) = widths.into_iter().find(|width| last / width < most) {
            return width;
        }
        scale = i64::saturating_mul(scale, 60);
    }
}

fn ratio(seconds: i64, divisor: i64) -> f64 {
    Fraction::new(i128::from(seconds), i128::from(divisor)).map_or(0.0, Fraction::to_f64)
}
