//! The Excel edition of a statement.

use std::path::PathBuf;

use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_model::statement::Statement;
use keiki_model::text::Text;
use keiki_report::workbook::{Edition, Moved, draw};

use super::{Args, kind, root_of, title};
use crate::cli::session::Session;
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::programme::Run;
use crate::operations::statement::{self, Revision};

/// Writes the workbook of a statement.
pub(super) async fn write(
    args: &Args,
    (period, statement, of): (Period, &Statement, Revision),
    workspace: &Workspace,
    run: &Run,
    session: &Session,
) -> Result<()> {
    let moved = moved(period, statement, of, workspace, run, session).await?;
    let is_shown =
        |one: &&Measurement| args.org.is_empty() || args.org.iter().any(|id| one.org_unit == *id);
    let measurements: Vec<Measurement> = statement
        .measurements
        .iter()
        .filter(is_shown)
        .cloned()
        .collect();
    let root = args.org.first().cloned();
    let root = root.unwrap_or_else(|| root_of(statement, workspace));
    let language = session.language();
    let edition = Edition {
        statement,
        kind: kind(statement, of),
        remarks: vec![title(statement, of, workspace, language)],
        names: session.names(workspace),
        organisation: workspace.settings.name.get(language),
        root: &root,
        measurements: &measurements,
        restated: moved.as_deref(),
    };
    let bytes = draw(&edition).map_err(|error| Error::stopped(error.message()))?;
    let file = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("statement-{period}.xlsx")));
    std::fs::write(&file, bytes).map_err(Error::file(&file))?;
    let file = file.display();
    let said = Text::new(
        format!("書き出しました: {file}"),
        format!("written: {file}"),
    );
    session.line(said.get(language));
    Ok(())
}

/// What differs from the revision before; `None` where there is none.
async fn moved(
    period: Period,
    statement: &Statement,
    of: Revision,
    workspace: &Workspace,
    run: &Run,
    session: &Session,
) -> Result<Option<Vec<Moved>>> {
    let earlier = match of {
        Revision::Open => Revision::Last,
        _ if statement.revision > 1 => Revision::Number(statement.revision - 1),
        _ => return Ok(None),
    };
    let progress = session.progress();
    let Ok(before) = statement::get(workspace, period, earlier, run, progress).await else {
        // Nothing was closed yet.
        return Ok(None);
    };
    let changes = statement::changes(workspace, period, &before, statement, progress).await?;
    let moved = changes.into_iter().map(|change| Moved {
        restated: change.restated,
        by_evidence: change.by_evidence,
        by_definitions: change.by_definitions,
    });
    Ok(Some(moved.collect()))
}
