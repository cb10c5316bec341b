//! An explanation on screen.

use keiki_engine::{Comparison, Explanation, Part};
use keiki_model::calendar::date_of;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Indicator, Kpi, Unit};
use keiki_model::measurement::Measurement;
use keiki_model::programme::Owner;
use keiki_model::standing::KpiStatuses;
use keiki_model::text::{Language, Text};
use keiki_report::table::{Column, Table};
use keiki_report::{format, formula, judgement, scorecard, sentence};

use super::{Rows, beside, totals};
use crate::cli::commands::measure::local;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::messages;
use crate::operations::explain::Surroundings;

/// Prints the figure, its parts and the comparison.
pub(super) fn show(
    explanation: &Explanation,
    (around, owner): (&Surroundings, Option<&Owner>),
    rows: Rows,
    workspace: &Workspace,
    session: &Session,
) {
    let language = session.language();
    let measurement = &explanation.measurement;
    let names = session.names(workspace);
    session.line(format!("{} {}", measurement.no, names.kpi(measurement.no)));
    let hierarchy = scorecard::hierarchy(measurement, language);
    session.line(format!(
        "{} ({}){}  {} ({})  {} {}  {} {}",
        names.unit_of(measurement),
        measurement.org_unit,
        hierarchy.map_or_else(String::new, |of| format!("  {of}")),
        measurement.period,
        format::day(&measurement.cut_on, language),
        messages::KNOWN_AT.get(language),
        local(&measurement.known_at, workspace, language),
        messages::COMMIT.get(language),
        measurement.journal_version,
    ));
    let Some((kpi, indicator)) = definition(workspace, measurement) else {
        return;
    };
    session.line(format!(
        "\n{}",
        formula::filled_in(kpi, indicator, measurement, language)
    ));
    session.line(standing(measurement, language));
    session.line(sentence::status(measurement).get(language));
    for lag in sentence::own_periods([measurement]) {
        session.line(lag.get(language));
    }
    for said in sentence::interval(measurement)
        .into_iter()
        .chain(judgement::sentences(&around.judgement, measurement.unit))
    {
        session.line(said.get(language));
    }
    if let Some(whole) = of_kpi(measurement, around) {
        session.line(whole.get(language));
    }
    if let Some(owner) = owner {
        session.line(answers(owner).get(language));
    }
    beside::show(around, (kpi, indicator), workspace, session);
    session.line(format!("\n{}", messages::PARTS.get(language)));
    for part in &explanation.parts {
        let unit = unit_of(kpi, indicator, &part.measure);
        show_part(part, unit, rows, session, language);
    }
    totals::show(&explanation.totals, indicator, workspace, session);
    if let Some(comparison) = &explanation.against {
        show_comparison(
            comparison,
            measurement,
            (kpi, indicator),
            workspace,
            session,
        );
    }
}

/// How a KPI of several figures stands: as the worst of them.
fn of_kpi(measurement: &Measurement, around: &Surroundings) -> Option<Text> {
    let all = around.others.iter().chain([measurement]);
    let own: Vec<&Measurement> = all.filter(|one| !one.is_companion).collect();
    let of_kpi = KpiStatuses::new(own.iter().copied()).of(measurement);
    let worst = of_kpi.filter(|_| own.len() > 1)?;
    let (no, count, title) = (measurement.no, own.len(), worst.title());
    Some(Text::new(
        format!(
            "KPI {no}全体: {}({count}つの指標のうち最も悪いもの)",
            title.ja
        ),
        format!(
            "KPI {no} as a whole: {}, the worst of its {count} figures",
            title.en
        ),
    ))
}

fn answers(owner: &Owner) -> Text {
    let who = &owner.owner;
    match &owner.deputy {
        None => Text::new(format!("責任者: {who}"), format!("Answers for it: {who}")),
        Some(deputy) => Text::new(
            format!("責任者: {who}(代行者: {deputy})"),
            format!("Answers for it: {who} (deputy: {deputy})"),
        ),
    }
}

fn definition<'w>(
    workspace: &'w Workspace,
    measurement: &Measurement,
) -> Option<(&'w Kpi, &'w Indicator)> {
    let kpi = workspace
        .catalogue
        .kpis
        .iter()
        .find(|kpi| kpi.no == measurement.no)?;
    let indicator = kpi
        .indicators
        .iter()
        .find(|indicator| measurement.indicator == indicator.code)?;
    Some((kpi, indicator))
}

/// The unit of a measure's parts: durations are written in the indicator's, records without a value are counted.
fn unit_of(kpi: &Kpi, indicator: &Indicator, measure: &str) -> Unit {
    match kpi.measure(measure) {
        Some(measure) if measure.value.is_none() => Unit::Count,
        _ => indicator.unit,
    }
}

fn standing(measurement: &Measurement, language: Language) -> String {
    let (shape, _) = scorecard::mark(measurement.status);
    let mut parts = vec![format!(
        "{shape} {}",
        measurement.status.title().get(language)
    )];
    if let Some(target) = measurement.target {
        let target = format::target(target, measurement.unit, language);
        parts.push(format!("{} {target}", messages::TARGET.get(language)));
    }
    let coverage = measurement.coverage;
    let people = coverage
        .headcount
        .filter(|_| coverage.covered < coverage.expected)
        .map(|people| messages::people_covered(people).get(language).to_owned());
    parts.push(format!(
        "{} {}{}",
        messages::COVERAGE.get(language),
        scorecard::coverage(coverage),
        people.unwrap_or_default()
    ));
    if measurement.statistics.unknown != 0 {
        let unknown = format::count(measurement.statistics.unknown);
        parts.push(format!(
            "{} {unknown}",
            messages::LEFT_UNKNOWN.get(language)
        ));
    }
    if let Some(unmet) = measurement.statistics.unmet.filter(|unmet| *unmet > 0) {
        let count = format::count(unmet);
        let said = match measurement.target {
            Some(_) => messages::unmet(&count),
            None => messages::undone(&count),
        };
        parts.push(said.get(language).to_owned());
    }
    parts.join("  ")
}

fn show_part(part: &Part, unit: Unit, rows: Rows, session: &Session, language: Language) {
    session.line(format!(
        "  {}  {}  {}",
        part.measure,
        part.title.get(language),
        total(part, unit).get(language)
    ));
    session.line(format!("    {}", part.sql));
    if rows == Rows::LeftOut || part.rows.is_empty() {
        return;
    }
    let mut table = Table::new(vec![
        Column::text(messages::RECORD.get(language), 10),
        Column::figure(messages::AMOUNT.get(language)),
        Column::text(messages::SOURCE.get(language), 8),
        Column::figure(messages::COMMIT.get(language)),
        Column::text(messages::EFFECTIVE_ON.get(language), 10).spare(),
        Column::text(messages::VALUES.get(language), 20),
    ]);
    for row in &part.rows {
        let values: Vec<String> = row
            .columns
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        table.push(vec![
            row.record_key.clone().into(),
            format::part(row.amount, unit).into(),
            row.source.clone().into(),
            row.seq.to_string().into(),
            format::day(&date_of(row.effective_on).to_string(), language).into(),
            values.join(" ").into(),
        ]);
    }
    session.table(&table);
}

/// A part's total, and how much of it comes from records and how much was reported.
fn total(part: &Part, unit: Unit) -> Text {
    let whole = format::part(part.total, unit);
    if part.reported == Fraction::whole(0) {
        return Text::new(whole.clone(), whole);
    }
    let mut amounts = part.rows.iter().map(|row| row.amount);
    let of_rows = amounts.try_fold(Fraction::whole(0), Fraction::plus);
    let of_rows = of_rows.map_or_else(String::new, |sum| format::part(sum, unit));
    messages::with_reported(&whole, &of_rows, &format::part(part.reported, unit))
}

fn show_comparison(
    comparison: &Comparison,
    now: &Measurement,
    (kpi, indicator): (&Kpi, &Indicator),
    workspace: &Workspace,
    session: &Session,
) {
    let language = session.language();
    let then = &comparison.measurement;
    session.line(format!(
        "\n{} {}  {} {}: {} → {}",
        messages::COMPARED.get(language),
        then.period,
        messages::KNOWN_AT.get(language),
        local(&then.known_at, workspace, language),
        scorecard::value(then, language),
        scorecard::value(now, language),
    ));
    session.line(format!("  {}: {}", then.period, standing(then, language)));
    if comparison.changes.is_empty() && comparison.totals.is_empty() {
        session.line(format!("  {}", messages::NO_DIFFERENCE.get(language)));
        return;
    }
    let mut table = Table::new(vec![
        Column::text(messages::MEASURE.get(language), 8),
        Column::text(messages::RECORD.get(language), 10),
        Column::figure(messages::BEFORE.get(language)),
        Column::figure(messages::AFTER.get(language)),
        Column::text(messages::KNOWN_AT.get(language), 16),
        Column::figure(messages::COMMIT.get(language)),
        Column::text(messages::SOURCE.get(language), 8),
    ]);
    let amount = |measure: &str, value: Option<Fraction>| {
        value.map_or_else(
            || format::NOTHING.to_owned(),
            |value| format::part(value, unit_of(kpi, indicator, measure)),
        )
    };
    for change in &comparison.changes {
        let known_at =
            jiff::Timestamp::from_microsecond(change.known_at).map(|instant| instant.to_string());
        table.push(vec![
            change.measure.clone().into(),
            change.record_key.clone().into(),
            amount(&change.measure, change.before).into(),
            amount(&change.measure, change.after).into(),
            local(&known_at.unwrap_or_default(), workspace, language).into(),
            change.seq.to_string().into(),
            change.source.clone().into(),
        ]);
    }
    if !comparison.changes.is_empty() {
        session.table(&table);
    }
    totals::show_differences(&comparison.totals, indicator, workspace, session);
}
