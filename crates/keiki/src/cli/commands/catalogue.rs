//! `keiki catalogue`

mod framework;
mod road_map;
mod whole;

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use keiki_model::framework::CODES;
use keiki_model::kpi::{CLASSES, GROUPS, Kpi, MATURITIES};
use keiki_model::text::{Language, Text};
use keiki_report::format;
use keiki_report::table::{Cell, Column, Table};
use serde_json::json;

use crate::cli::grid::Grid;
use crate::cli::session::Session;
use crate::cli::{Exit, Format};
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::catalogue::{self, Filter};
use crate::operations::framework::{Of, report};
use crate::operations::period;
use crate::operations::programme::Run;
use crate::operations::road_map::road_map as way;
use crate::words;

/// List the KPIs by group, or show one whole
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A KPI by number or code
    #[arg(value_name = "NO")]
    kpi: Option<String>,
    /// Only this group
    #[arg(long, value_parser = Word(&GROUPS), conflicts_with = "kpi")]
    group: Option<String>,
    /// Only those that suit this maturity
    #[arg(long, value_parser = Word(&MATURITIES), conflicts_with = "kpi")]
    maturity: Option<String>,
    /// Only this class
    #[arg(long, value_parser = Word(&CLASSES), conflicts_with = "kpi")]
    class: Option<String>,
    /// Show which KPIs the programme has adopted, which the next stage of maturity adds, and what evidence each needs
    #[arg(long, conflicts_with_all = ["kpi", "group", "maturity", "class", "framework"])]
    road_map: bool,
    /// Show a published framework with the KPIs that serve it and how they stand
    #[arg(
        long,
        value_name = "FRAMEWORK",
        value_parser = CODES,
        conflicts_with_all = ["kpi", "group", "maturity", "class"]
    )]
    framework: Option<String>,
    /// With a framework: the period of the figures [default: last month]
    #[arg(long, value_name = "PERIOD", requires = "framework")]
    period: Option<String>,
    /// With a framework: the org unit of the figures [default: the root of the tree]
    #[arg(long, value_name = "ID", requires = "framework")]
    org: Option<String>,
    /// How to print the list
    #[arg(
        long,
        default_value = "table",
        value_name = "FORMAT",
        conflicts_with = "kpi"
    )]
    format: Format,
}

/// A word of a closed list: help and completions name the list, and the use case says in the reader's language what is not in it.
#[derive(Debug, Clone, Copy)]
struct Word(&'static [(&'static str, &'static str, &'static str)]);

impl TypedValueParser for Word {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> std::result::Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(|row| PossibleValue::new(row.0))))
    }
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = if self.road_map || self.framework.is_some() {
            session.workspace()?
        } else {
            session.workspace_or_example()?
        };
        let language = session.language();
        if self.road_map {
            let stages = way(&workspace).await?;
            road_map::show(&stages, self.format, session)?;
            return Ok(Exit::Fine);
        }
        if let Some(code) = &self.framework {
            let run = Run {
                author: environment::author(),
                now: environment::now(),
            };
            let period = self.period.as_deref().map(period::period).transpose()?;
            let of = Of {
                period,
                org_unit: self.org.clone(),
            };
            let report = report(&workspace, (code, &of), &run, session.progress()).await?;
            if let Some(report) = report {
                framework::show(&report, self.format, session)?;
            }
            return Ok(Exit::Fine);
        }
        if let Some(kpi) = &self.kpi {
            let kpi = catalogue::find(&workspace.catalogue, kpi)?;
            let datasets = catalogue::datasets(&workspace.catalogue, &kpi);
            let text = whole::text(&kpi, &datasets, &workspace, language, session.width());
            session.print(&text);
            return Ok(Exit::Fine);
        }
        let filter = Filter {
            group: self.group,
            maturity: self.maturity,
            class: self.class,
        };
        filter.check()?;
        let kpis = catalogue::list(&workspace.catalogue, &filter);
        if self.format == Format::Table {
            if kpis.is_empty() {
                session.line(messages::NO_ROWS.get(language));
            } else {
                session.table(&table(&kpis, language));
            }
            return Ok(Exit::Fine);
        }
        let rows = kpis.iter().map(|kpi| {
            vec![
                json!(kpi.no),
                json!(kpi.code),
                json!(kpi.name.get(language)),
                json!(kpi.group),
                json!(kpi.maturity),
                json!(kpi.class),
                json!(kpi.frequency.code()),
                json!(kpi.version),
            ]
        });
        let grid = Grid {
            names: vec![
                "no",
                "code",
                "name",
                "group",
                "maturity",
                "class",
                "frequency",
                "definition_version",
            ],
            columns: Vec::new(),
            rows: rows.collect(),
        };
        grid.print(self.format, session)?;
        Ok(Exit::Fine)
    }
}

/// The KPIs below the titles of their groups.
fn table<K: AsRef<Kpi>>(kpis: &[K], language: Language) -> Table {
    let mut table = Table::new(vec![
        Column::figure(messages::NUMBER.get(language)),
        Column::text(messages::CODE.get(language), 6),
        Column::text(messages::NAME.get(language), 24).wrapped(3),
        Column::text(Text::new("目標", "Target").get(language), 7).wrapped(3),
        Column::text(messages::MATURITY.get(language), 6),
        Column::text(messages::CLASS.get(language), 8).spare(),
        Column::text(messages::FREQUENCY.get(language), 6),
    ]);
    let mut group = "";
    for kpi in kpis.iter().map(AsRef::as_ref) {
        if kpi.group != group {
            if !table.is_empty() {
                table.push(vec![Cell::default()]);
            }
            group = &kpi.group;
            let title = format!("[{}]", words::group(group).get(language));
            table.push(vec![Cell::default(), Cell::default(), title.into()]);
        }
        table.push(vec![
            kpi.no.to_string().into(),
            kpi.code.clone().into(),
            kpi.name.get(language).into(),
            targets(kpi, language).into(),
            words::level(&kpi.maturity).get(language).into(),
            words::class(&kpi.class).get(language).into(),
            kpi.frequency.title().get(language).into(),
        ]);
    }
    table
}

/// The targets of the KPI's own indicators.
fn targets(kpi: &Kpi, language: Language) -> String {
    let own = kpi.indicators.iter().filter(|one| !one.is_companion);
    let targets: Vec<String> = own
        .filter_map(|one| Some(format::target(one.target?, one.unit, language)))
        .collect();
    if targets.is_empty() {
        format::NOTHING.to_owned()
    } else {
        targets.join(", ")
    }
}
