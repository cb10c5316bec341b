//! What was reported in the place of rows, on screen.

use keiki_engine::{ReportedTotal, TotalDifference};
use keiki_model::kpi::{Formula, Indicator, Unit};
use keiki_model::text::Language;
use keiki_report::format;
use keiki_report::table::{Column, Table};

use crate::cli::commands::measure::local;
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::messages;

/// Prints the totals that stand in a figure.
pub(super) fn show(
    totals: &[ReportedTotal],
    indicator: &Indicator,
    workspace: &Workspace,
    session: &Session,
) {
    if totals.is_empty() {
        return;
    }
    let language = session.language();
    session.line(format!("  {}", messages::REPORTED_TOTALS.get(language)));
    let mut table = Table::new(vec![
        Column::text(messages::ORG_UNIT.get(language), 8),
        Column::figure(messages::REPORTED.get(language)),
        Column::text(messages::PREPARED_BY.get(language), 10).spare(),
        Column::text(messages::ATTACHMENT.get(language), 12),
        Column::text(messages::SOURCE.get(language), 8),
        Column::figure(messages::COMMIT.get(language)),
        Column::text(messages::KNOWN_AT.get(language), 16),
    ]);
    let or_nothing =
        |text: Option<&String>| text.map_or(format::NOTHING, String::as_str).to_owned();
    for total in totals {
        table.push(vec![
            total.org_unit.clone().into(),
            figures(total, indicator, language).into(),
            or_nothing(total.prepared_by.as_ref()).into(),
            or_nothing(total.attachment.as_ref()).into(),
            total.source.clone().into(),
            total.seq.to_string().into(),
            known_at(total, workspace, language).into(),
        ]);
    }
    session.table(&table);
}

/// Prints the totals that differ between two figures.
pub(super) fn show_differences(
    differences: &[TotalDifference],
    indicator: &Indicator,
    workspace: &Workspace,
    session: &Session,
) {
    if differences.is_empty() {
        return;
    }
    let language = session.language();
    session.line(format!("  {}", messages::CHANGED_TOTALS.get(language)));
    let mut table = Table::new(vec![
        Column::text(messages::ORG_UNIT.get(language), 8),
        Column::figure(messages::BEFORE.get(language)),
        Column::figure(messages::AFTER.get(language)),
        Column::text(messages::KNOWN_AT.get(language), 16),
        Column::figure(messages::COMMIT.get(language)),
        Column::text(messages::SOURCE.get(language), 8),
    ]);
    let side = |total: Option<&ReportedTotal>| {
        total.map_or_else(
            || format::NOTHING.to_owned(),
            |total| figures(total, indicator, language),
        )
    };
    for difference in differences {
        let Some(latest) = difference.after.as_ref().or(difference.before.as_ref()) else {
            continue;
        };
        table.push(vec![
            difference.org_unit.clone().into(),
            side(difference.before.as_ref()).into(),
            side(difference.after.as_ref()).into(),
            known_at(latest, workspace, language).into(),
            latest.seq.to_string().into(),
            latest.source.clone().into(),
        ]);
    }
    session.table(&table);
}

/// Writes a total as `117 ÷ 260`, a sum as `117`, a reference value as it was reported.
fn figures(total: &ReportedTotal, indicator: &Indicator, language: Language) -> String {
    let unit = indicator.unit;
    let below = match indicator.formula {
        Formula::Mean(_) => Unit::Count,
        _ => unit,
    };
    match (total.numerator, total.denominator) {
        (Some(above), Some(count)) => {
            let (above, count) = (format::part(above, unit), format::part(count, below));
            format!("{above} ÷ {count}")
        }
        (Some(sum), None) => format::part(sum, unit),
        (None, _) => format::optional_figure(total.value, unit, language),
    }
}

fn known_at(total: &ReportedTotal, workspace: &Workspace, language: Language) -> String {
    let instant = jiff::Timestamp::from_microsecond(total.known_at);
    local(
        &instant.map_or_else(|_| String::new(), |instant| instant.to_string()),
        workspace,
        language,
    )
}
