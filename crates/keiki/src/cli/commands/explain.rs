//! `keiki explain`

mod beside;
mod data;
mod queries;
mod screen;
mod totals;

use keiki_engine::Detail;
use keiki_model::measurement::Measurement;

use crate::cli::Exit;
use crate::cli::grid::print_json;
use crate::cli::session::Session;
use crate::cli::structure::StructureArgs;
use crate::config::Workspace;
use crate::environment;
use crate::error::Result;
use crate::messages;
use crate::operations::explain::{self, Explain};
use crate::operations::period;

/// Open a figure: the formula filled in, its rows, and what changed
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The KPI by number or code
    kpi: String,
    /// The org unit
    #[arg(long, value_name = "ID")]
    org: String,
    /// The period: 2026-09, FY2026-Q2, FY2026-H1, FY2026 or 2026-09-YTD
    #[arg(long, value_name = "PERIOD")]
    period: String,
    /// The indicator [default: the KPI's first]
    #[arg(long, value_name = "CODE")]
    indicator: Option<String>,
    /// As known at this instant: a date (the end of that day), a date and time, or RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    known_at: Option<String>,
    /// As of this commit of the journal [default: the newest]
    #[arg(long, value_name = "SEQ")]
    journal_version: Option<i64>,
    /// List the records that the figure is made of
    #[arg(long)]
    rows: bool,
    /// Print the SQL of each part, for any engine that reads the journal's tables
    #[arg(long, conflicts_with_all = ["rows", "against", "format"])]
    sql: bool,
    /// Compare with another period, or with the same figure as known at another instant
    #[arg(long, value_name = "PERIOD|KNOWN-AT")]
    against: Option<String>,
    #[command(flatten)]
    structure: StructureArgs,
    /// How to print it
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Form,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Form {
    Table,
    Json,
}

/// Whether the records of a figure are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rows {
    Listed,
    LeftOut,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let rows = if self.rows {
            Rows::Listed
        } else {
            Rows::LeftOut
        };
        let asked = self.asked(&workspace)?;
        let explained = explain::explain(&workspace, &asked, session.progress()).await?;
        let explanation = explained.explanation;
        if self.sql {
            queries::show(&explanation, session);
            return Ok(Exit::Fine);
        }
        let figure = &explanation.measurement;
        let around = explain::surroundings(&workspace, &asked, figure, session.progress()).await?;
        match self.format {
            Form::Json => {
                let mut data = data::explanation(&explanation, rows);
                data["judgement"] = around.judgement.to_json();
                data["others"] = around.others.iter().map(Measurement::to_json).collect();
                data["counter_indicators"] = around.counters.iter().map(data::counter).collect();
                data["records_withheld"] = explained.records_withheld.into();
                data["owner"] = data::owner(explained.owner.as_ref());
                print_json(&data, session);
            }
            Form::Table => {
                let owner = explained.owner.as_ref();
                screen::show(&explanation, (&around, owner), rows, &workspace, session);
                if rows == Rows::Listed && explained.records_withheld > 0 {
                    let said = messages::records_withheld(explained.records_withheld);
                    session.note(said.get(session.language()));
                }
            }
        }
        Ok(Exit::Fine)
    }

    fn asked(&self, workspace: &Workspace) -> Result<Explain> {
        let zone = &workspace.settings.zone;
        Ok(Explain {
            detail: if self.rows {
                Detail::Columns
            } else {
                Detail::OrgUnit
            },
            kpi: self.kpi.clone(),
            indicator: self.indicator.clone(),
            org_unit: self.org.clone(),
            period: period::period(&self.period)?,
            structure: self.structure.structure(zone)?,
            known_at: self
                .known_at
                .as_deref()
                .map(|text| period::instant(text, zone))
                .transpose()?,
            journal_version: self.journal_version,
            against: self
                .against
                .as_deref()
                .map(|text| period::against(text, zone))
                .transpose()?,
            author: environment::author(),
            now: environment::now(),
        })
    }
}
