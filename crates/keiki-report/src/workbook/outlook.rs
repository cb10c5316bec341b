//! What the figures say of change and of what is to come, one row for each figure of the root.
//!
//! *Units*: statistics about figures are approximations; what a figure is made of stays exact. *Source*: decision 0038.

use keiki_model::fraction::Fraction;
use keiki_model::judgement::{Change, Yardstick};
use keiki_model::measurement::Measurement;
use rust_xlsxwriter::Worksheet;

use super::sheet::{Cell, List};
use super::style::Style;
use super::{Column, Result, column};
use crate::report::{Judged, Report};
use crate::{format, judgement};

/// Draws the sheet.
pub(super) fn draw(report: &Report<'_>, style: &Style) -> Result<Worksheet> {
    let judged = report.groups.iter().flat_map(|group| &group.kpis);
    let judged = judged.flat_map(|kpi| kpi.judged.iter().map(move |one| (kpi.no, one)));
    let figures: Vec<&Measurement> = report.source.of_root().collect();
    let rows = judged.filter_map(|(no, of)| {
        let mut figures = figures.iter();
        let one = figures.find(|one| one.no == no && *one.indicator == *of.indicator)?;
        Some(row(report, one, of))
    });
    let list = List {
        name: report.say("変化と見通し", "Change and outlook"),
        columns: columns(report),
        rows: rows.collect(),
    };
    list.draw(report, style)
}

fn columns(report: &Report<'_>) -> Vec<Column> {
    let say = |ja: &str, en: &str, width: f64| column(report.say(ja, en), width);
    vec![
        say("No.", "No.", 6.0),
        say("指標", "Indicator", 34.0),
        say("値", "Value", 12.0),
        say("前期差", "Against the period before", 12.0),
        say("通常の変動幅", "Usual movement up to", 12.0),
        say("前期差の判定", "Verdict", 14.0),
        say("前年同期差", "Against a year ago", 12.0),
        say("前年同期差の判定", "Verdict, a year ago", 14.0),
        say("傾向(1期あたり)", "Trend per period", 12.0),
        say("傾向の判定", "Verdict, trend", 14.0),
        say("目標の期限", "Target due on", 14.0),
        say("1期あたりの必要量", "Needed per period", 12.0),
        say("1期あたりの実績", "Brought per period", 12.0),
        say("予測日", "Forecast for", 14.0),
        say("予測値", "Forecast", 12.0),
        say("95%区間の下限", "95 % interval, lower", 12.0),
        say("95%区間の上限", "95 % interval, upper", 12.0),
        say("目標に対する見通し", "Outlook", 22.0),
        say("検証した予測の数", "Forecasts tried", 12.0),
        say("95%区間に入った数", "Held by the interval", 12.0),
    ]
}

fn row(report: &Report<'_>, one: &Measurement, of: &Judged) -> Vec<Cell> {
    let language = report.source.names.language;
    let judged = &of.judgement;
    let value = |value: Option<Fraction>| Cell::Value(value, one.unit);
    let about = |value: Option<f64>| Cell::About(value, one.unit);
    let by = |change: &Option<Change>| value(change.as_ref().map(|change| change.by));
    let verdict = |change: &Option<Change>| {
        let word = change
            .as_ref()
            .map(|change| judgement::verdict(change.verdict));
        Cell::Text(word.map_or_else(String::new, |word| word.get(language).to_owned()))
    };
    let usual = judged
        .previous
        .as_ref()
        .and_then(|change| match change.yardstick {
            Yardstick::UsualMovement { limit } => Some(limit),
            Yardstick::Interval { .. } | Yardstick::Nothing => None,
        });
    let trend = judged.trend.as_ref();
    let pace = judged.pace.as_ref();
    let forecast = judged.forecast.as_ref();
    let day =
        |on: Option<&str>| Cell::Text(on.map_or_else(String::new, |on| format::day(on, language)));
    let outlook = forecast.and_then(|of| of.outlook).map(judgement::outlook);
    let tried = of.backtest.as_ref();
    let number = |count: usize| Cell::Whole(i128::try_from(count).unwrap_or(i128::MAX));
    let count = |count: Option<usize>| count.map_or_else(|| Cell::Text(String::new()), number);
    vec![
        Cell::Whole(i128::from(one.no)),
        Cell::Text(of.name.clone()),
        value(one.value),
        by(&judged.previous),
        about(usual),
        verdict(&judged.previous),
        by(&judged.year_before),
        verdict(&judged.year_before),
        about(trend.map(|of| of.slope_per_period)),
        Cell::Text(trend.map_or_else(String::new, |of| {
            judgement::verdict(of.verdict).get(language).to_owned()
        })),
        day(pace.map(|of| &*of.due_on)),
        value(pace.and_then(|of| of.needed_per_period)),
        value(pace.and_then(|of| of.brought_per_period)),
        day(forecast.map(|of| &*of.on)),
        about(forecast.map(|of| of.value)),
        about(forecast.map(|of| of.interval.0)),
        about(forecast.map(|of| of.interval.1)),
        Cell::Text(outlook.map_or_else(String::new, |word| word.get(language).to_owned())),
        count(tried.map(|of| of.trials.len())),
        count(tried.map(keiki_model::judgement::Backtest::hits)),
    ]
}
