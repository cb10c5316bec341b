//! What stands beside an explained figure: the other figures of its KPI, what must not get worse with it, published figures.

use keiki_model::kpi::{Indicator, Kpi, Reference};
use keiki_model::text::{Language, Text};
use keiki_report::table::{Column, Table};
use keiki_report::{format, judgement, scorecard};

use crate::cli::session::Session;
use crate::config::Workspace;
use crate::messages;
use crate::operations::explain::{Beside, Surroundings};
use crate::words;

/// Prints what there is.
pub(super) fn show(
    around: &Surroundings,
    (kpi, indicator): (&Kpi, &Indicator),
    workspace: &Workspace,
    session: &Session,
) {
    let language = session.language();
    let names = session.names(workspace);
    if !around.others.is_empty() {
        session.line(format!("\n{}", messages::OTHER_FIGURES.get(language)));
        let mut table = Table::new(vec![
            Column::text(messages::INDICATOR.get(language), 24).wrapped(3),
            Column::figure(messages::VALUE.get(language)),
            Column::figure("n"),
        ]);
        for one in &around.others {
            let n = one
                .n
                .map_or_else(|| format::NOTHING.to_owned(), format::count);
            table.push(vec![
                format!("  {}", names.indicator(one.no, &one.indicator)).into(),
                scorecard::value(one, language).into(),
                n.into(),
            ]);
        }
        session.table(&table);
    }
    if !around.counters.is_empty() {
        session.line(format!("\n{}", messages::COUNTERS.get(language)));
        for beside in &around.counters {
            let name = names.indicator(beside.measurement.no, &beside.measurement.indicator);
            session.line(counter(beside, &name, language));
            session.line(format!("    {}", beside.counter.why.get(language)));
        }
    }
    let mut lines = kpi
        .references
        .iter()
        .flat_map(|one| figures(one, indicator, kpi, language))
        .peekable();
    if lines.peek().is_some() {
        session.line(format!("\n{}", messages::REFERENCES.get(language)));
        for line in lines {
            session.line(format!("  {line}"));
        }
    }
}

/// A counter-indicator with its value and how that moved.
fn counter(beside: &Beside, name: &str, language: Language) -> String {
    let one = &beside.measurement;
    let mut parts = vec![
        format!(
            "  {} {name} ({})",
            one.no,
            words::worse(beside.counter.worse, beside.direction).get(language)
        ),
        scorecard::value(one, language),
    ];
    let changes = [
        (
            Text::new("前期間比", "previous"),
            &beside.judgement.previous,
        ),
        (
            Text::new("前年同期比", "a year ago"),
            &beside.judgement.year_before,
        ),
    ];
    for (name, change) in changes {
        if let Some(change) = change {
            let by = format::difference(change.by, one.unit, language);
            let verdict = judgement::verdict(change.verdict);
            parts.push(format!(
                "{} {by} ({})",
                name.get(language),
                verdict.get(language)
            ));
        }
    }
    if beside.has_got_worse() {
        parts.push(
            Text::new("▼ 悪化しています", "▼ it got worse")
                .get(language)
                .to_owned(),
        );
    }
    parts.join("  ")
}

/// What a published source says in figures of the indicator, each with its year, and whether it has lapsed.
fn figures<'r>(
    reference: &'r Reference,
    indicator: &'r Indicator,
    kpi: &'r Kpi,
    language: Language,
) -> impl Iterator<Item = String> + 'r {
    let is_first = kpi
        .indicators
        .first()
        .is_some_and(|first| first.code == indicator.code);
    let is_of = move |code: Option<&String>| code.map_or(is_first, |code| *code == indicator.code);
    let of = reference.figures.iter().filter(move |figure| {
        let code = figure.indicator.as_ref();
        is_of(code.map(|code| &code.value))
    });
    of.map(move |figure| {
        let value = format::figure(figure.value, indicator.unit, language);
        let year = reference
            .year
            .map_or_else(String::new, |year| format!(" ({year})"));
        let lapsed = if reference.is_lapsed {
            Text::new("、失効", ", lapsed").get(language).to_owned()
        } else {
            String::new()
        };
        format!("{value}  {}{year}{lapsed}", reference.title.get(language))
    })
}
