//! `keiki measure`

use keiki_model::measurement::{Basis, Measurement};
use keiki_model::text::Language;
use keiki_report::scorecard::Point;
use keiki_report::{csv, format, json, judgement, scorecard, sentence};

use crate::cli::grid::print_json;
use crate::cli::session::Session;
use crate::cli::structure::StructureArgs;
use crate::cli::{Exit, Format};
use crate::config::Workspace;
use crate::environment;
use crate::error::{Error, Result};
use crate::messages;
use crate::operations::measure::{self, Measure, Trended, Units};
use crate::operations::period;

/// Measure KPIs for org units and periods
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// KPIs by number or code [default: those that the programme adopts]
    #[arg(long, value_name = "NO|CODE", num_args = 1.., value_delimiter = ',')]
    kpi: Vec<String>,
    /// Org units [default: the root of the tree]
    #[arg(long, value_name = "ID", num_args = 1.., value_delimiter = ',')]
    org: Vec<String>,
    /// Every org unit of the tree
    #[arg(long, conflicts_with = "org")]
    all_orgs: bool,
    /// The period: 2026-09, FY2026-Q2, FY2026-H1, FY2026 or 2026-09-YTD [default: last month]
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
    /// The first of a run of periods
    #[arg(
        long,
        value_name = "PERIOD",
        requires = "to",
        conflicts_with = "period"
    )]
    from: Option<String>,
    /// The last of the run
    #[arg(long, value_name = "PERIOD", requires = "from")]
    to: Option<String>,
    /// As known at this instant: a date (the end of that day), a date and time, or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// As of this commit of the journal [default: the newest]
    #[arg(long, value_name = "SEQ")]
    journal_version: Option<i64>,
    /// Show the values of so many periods until this one: as reported where a period was closed [default: 6]
    #[arg(
        long,
        value_name = "COUNT",
        num_args = 0..=1,
        default_missing_value = "6",
        value_parser = clap::value_parser!(u16).range(1..=60),
        conflicts_with = "from"
    )]
    trend: Option<u16>,
    /// Show how good forecasts from the values before would have been
    #[arg(long, requires = "trend")]
    back_test: bool,
    #[command(flatten)]
    structure: StructureArgs,
    /// How to print the figures
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
    /// Show companions in the table too; JSON and CSV always hold them
    #[arg(long)]
    companions: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let (format, companions, count) = (self.format, self.companions, self.trend);
        let is_back_test = self.back_test;
        let asked = self.asked(&workspace)?;
        let mut measured = match count {
            None => Trended::without_history(
                measure::measure(&workspace, &asked, session.progress()).await?,
            ),
            Some(count) => {
                let progress = session.progress();
                measure::measure_with_trends(&workspace, &asked, count, progress).await?
            }
        };
        if measured.figures.is_empty() {
            session.note(messages::NOTHING_MEASURED.get(session.language()));
        }
        match format {
            Format::Json => {
                let data =
                    json::with_trends(&measured.figures, &measured.trends, &measured.judgements);
                print_json(&data, session);
            }
            Format::Csv => {
                let text = csv::measurements(&measured.figures).map_err(Error::stopped)?;
                session.print(&text);
            }
            Format::Table => {
                measured.retain(|measurement| {
                    (companions || !measurement.is_companion) && !scorecard::is_idle(measurement)
                });
                show(&measured.figures, &measured.trends, &workspace, session);
                show_judgements(&measured, &workspace, session);
                if is_back_test {
                    show_back_tests(&measured, &workspace, session);
                }
            }
        }
        Ok(Exit::Fine)
    }

    fn asked(self, workspace: &Workspace) -> Result<Measure> {
        let periods = match (&self.period, &self.from, &self.to) {
            (Some(one), _, _) => vec![period::period(one)?],
            (None, Some(from), Some(to)) => period::periods(from, to)?,
            _ => Vec::new(),
        };
        let zone = &workspace.settings.zone;
        Ok(Measure {
            kpis: self.kpi,
            units: match (self.all_orgs, self.org.is_empty()) {
                (true, _) => Units::All,
                (false, true) => Units::Root,
                (false, false) => Units::Named(self.org),
            },
            periods,
            structure: self.structure.structure(zone)?,
            known_at: self
                .known_at
                .as_deref()
                .map(|text| period::instant(text, zone))
                .transpose()?,
            journal_version: self.journal_version,
            author: environment::author(),
            now: environment::now(),
        })
    }
}

/// Shows measurements as a table with what they share above it.
pub(crate) fn show(
    measured: &[Measurement],
    trends: &[Vec<Point>],
    workspace: &Workspace,
    session: &Session,
) {
    let Some(first) = measured.first() else {
        return;
    };
    let names = session.names(workspace);
    let language = session.language();
    let heading = scorecard::heading(measured, &names);
    let knowledge = format!(
        "{} {}  {} {}",
        messages::KNOWN_AT.get(language),
        local(&first.known_at, workspace, language),
        messages::COMMIT.get(language),
        first.journal_version,
    );
    let parts: Vec<&str> = [heading.as_str(), knowledge.as_str()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    session.line(parts.join("  "));
    session.table(&scorecard::table_with_trends(measured, trends, &names));
    if !trends.is_empty() {
        session.note(messages::TREND_LEGEND.get(language));
    }
    let has = |of: &[Basis]| {
        let mut marks = measured.iter().filter_map(Measurement::basis_of_value);
        marks.any(|mark| of.contains(&mark))
    };
    if has(&[Basis::Reported, Basis::Reference]) {
        session.note(messages::REPORTED_LEGEND.get(language));
    }
    if has(&[Basis::Withheld]) {
        session.note(messages::WITHHELD_LEGEND.get(language));
    }
    if has(&[Basis::Held]) {
        session.note(messages::HELD_LEGEND.get(language));
    }
    for sentence in sentence::own_periods(measured) {
        session.note(sentence.get(language));
    }
}

/// Shows what the values of each figure say together.
fn show_judgements(measured: &Trended, workspace: &Workspace, session: &Session) {
    let names = session.names(workspace);
    let table = judgement::table(&measured.figures, &measured.judgements, &names);
    if !table.is_empty() {
        session.line("");
        session.table(&table);
        session.note(messages::JUDGEMENT_LEGEND.get(session.language()));
    }
}

/// Shows how good forecasts would have been.
fn show_back_tests(measured: &Trended, workspace: &Workspace, session: &Session) {
    let language = session.language();
    let names = session.names(workspace);
    let table = judgement::backtests(&measured.figures, &measured.backtests, &names);
    session.line("");
    if table.is_empty() {
        session.line(messages::NO_BACK_TEST.get(language));
    } else {
        session.line(messages::BACK_TEST.get(language));
        session.table(&table);
    }
}

/// An instant in the workspace's zone, to the minute, as the reader writes it.
pub(crate) fn local(instant: &str, workspace: &Workspace, language: Language) -> String {
    instant.parse::<jiff::Timestamp>().map_or_else(
        |_| instant.to_owned(),
        |instant| {
            let local = workspace.settings.local(instant.as_microsecond());
            format::moment(&local, language)
        },
    )
}
