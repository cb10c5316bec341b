//! The editions of a statement that are files: PDF, Excel, HTML, Parquet, OSCAL.

use std::path::PathBuf;

use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_model::statement::Statement;
use keiki_model::text::Text;
use keiki_report::report::{Placed, Report, Source, Testing};
use keiki_report::{html, oscal, parquet, pdf, workbook};

use super::{Args, Form, root_of, title};
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::programme::Run;
use crate::operations::report::{self, Whose};
use crate::operations::statement::{self, Revision};

/// What an edition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Extent {
    /// For the board: ten figures first, then each group's KPIs.
    #[default]
    Board,
    /// Every KPI with definition, filled-in formula and reading note.
    Full,
}

impl Extent {
    fn edition(self) -> pdf::Edition {
        match self {
            Self::Board => pdf::Edition::Board,
            Self::Full => pdf::Edition::Full,
        }
    }
}

/// Writes an edition of a statement into a file.
pub(super) async fn write(
    args: &Args,
    (period, statement, of): (Period, &Statement, Revision),
    extension: &str,
    (workspace, run): (&Workspace, &Run),
    session: &Session,
) -> Result<()> {
    let root = args.org.first().cloned();
    let root = root.unwrap_or_else(|| root_of(statement, workspace));
    let what = (period, statement, of);
    let (whose, memory) = (Whose::Unit(&root), report::Memory::default());
    let progress = session.progress();
    let material = report::material(workspace, what, whose, (run, &memory), progress).await?;
    let is_shown = |one: &&Measurement| args.org.iter().any(|id| one.org_unit == *id);
    let measurements: Vec<Measurement>;
    let shown = if args.org.is_empty() {
        &statement.measurements
    } else {
        let of_units = statement.measurements.iter().filter(is_shown);
        measurements = of_units.cloned().collect();
        &measurements
    };
    let language = session.language();
    let source = Source {
        statement,
        kind: statement::kind(statement, of),
        finality: material.finality,
        remarks: vec![title(statement, of, workspace, language)],
        names: session.names(workspace),
        calendars: &workspace.calendars,
        organisation: workspace.settings.name.get(language),
        root: &root,
        measurements: Placed::new(shown, &workspace.organisation),
        earlier: &material.earlier,
        restated: material.restated.as_deref(),
    };
    let testing = match (args.edition, args.format) {
        (Extent::Full, _) | (_, Form::Xlsx) => Testing::Tested,
        (Extent::Board, _) => Testing::Untested,
    };
    let bytes = drawn(&Report::tested(&source, testing), args)?;
    let file = args.output.clone();
    let file = file.unwrap_or_else(|| PathBuf::from(format!("statement-{period}.{extension}")));
    std::fs::write(&file, bytes).map_err(Error::file(&file))?;
    let file = file.display();
    let said = Text::new(
        format!("書き出しました: {file}"),
        format!("written: {file}"),
    );
    session.line(said.get(language));
    Ok(())
}

fn drawn(report: &Report<'_>, args: &Args) -> Result<Vec<u8>> {
    let edition = args.edition.edition();
    match args.format {
        Form::Pdf => pdf::draw(report, edition).map_err(|error| Error::stopped(error.message())),
        Form::Html => Ok(html::draw(report, edition).into_bytes()),
        Form::Parquet => parquet::measurements(report.source.measurements.all())
            .map_err(|error| Error::stopped(error.message())),
        Form::Oscal => {
            let results = oscal::assessment_results(report);
            serde_json::to_vec_pretty(&results).map_err(Error::stopped)
        }
        Form::Xlsx | Form::Table | Form::Json | Form::Csv => {
            workbook::draw(report).map_err(|error| Error::stopped(error.message()))
        }
    }
}
