//! Shows what became of returned workbooks.

use keiki_model::dataset::Dataset;
use keiki_model::evidence::RejectedRow;
use keiki_model::text::{Language, Text};

use crate::cli::commands::ingest;
use crate::cli::session::Session;
use crate::cli::{Exit, failure};
use crate::config::Workspace;
use crate::operations::collect::{Outcome, Returned, Taken};

/// How many problems of a sheet are shown at once.
const SHOWN_MAX: usize = 20;

/// Shows each workbook in turn.
pub(super) fn returned(all: &[Returned], workspace: &Workspace, session: &Session) -> Exit {
    let language = session.language();
    if all.is_empty() {
        let said = Text::new(
            "新しい収集票はありません(evidence/collected)",
            "there is no new workbook in evidence/collected",
        );
        session.line(said.get(language));
    }
    let mut exit = Exit::Fine;
    for one in all {
        exit = ingest::worse(exit, workbook(one, workspace, session));
    }
    exit
}

fn workbook(one: &Returned, workspace: &Workspace, session: &Session) -> Exit {
    let language = session.language();
    let whose = one
        .signature
        .as_ref()
        .map(|of| format!("  {} {}", of.org_unit, of.period))
        .unwrap_or_default();
    session.line(format!("{}{whose}", one.file));
    let mut exit = Exit::Fine;
    match &one.result {
        Err(error) => {
            session.complain(failure::words(error, session));
            return failure::exit(error);
        }
        Ok(sheets) => {
            for sheet in sheets {
                exit = ingest::worse(exit, taken(sheet, workspace, session));
            }
        }
    }
    if let Some((file, count)) = &one.marked {
        let file = file.display();
        let places = if *count == 1 { "place" } else { "places" };
        let said = Text::new(
            format!("  要修正 {count}か所を記した控え: {file}"),
            format!("  a copy with {count} {places} to mend: {file}"),
        );
        session.line(said.get(language));
    }
    if !one.added.is_empty() {
        let copy = match one.marked {
            Some(_) => Copied::Yes,
            None => Copied::No,
        };
        session.line(added(&one.added, copy).get(language));
    }
    exit
}

/// What becomes of sheets that people added to a workbook.
fn added(sheets: &[String], copy: Copied) -> Text {
    let (ja, en) = (sheets.join("、"), sheets.join(", "));
    match copy {
        Copied::No => Text::new(
            format!("  様式にないシートは読み取りません: {ja}"),
            format!("  sheets that are not of the form are not read: {en}"),
        ),
        Copied::Yes => Text::new(
            format!(
                "  様式にないシートは読み取りません。控えには値だけを写しました(書式と数式は受け取ったファイルにあります): {ja}"
            ),
            format!(
                "  sheets that are not of the form are not read; the copy has their values, the file that came their looks and formulas: {en}"
            ),
        ),
    }
}

/// Whether a copy with what is to be mended was written.
#[derive(Debug, Clone, Copy)]
enum Copied {
    Yes,
    No,
}

fn taken(sheet: &Taken, workspace: &Workspace, session: &Session) -> Exit {
    let language = session.language();
    let exit = match &sheet.outcome {
        Outcome::Read(report) => {
            session.print(&ingest::sheet(&sheet.dataset, report, workspace, language));
            if report.receipt.rejected.is_empty() {
                Exit::Fine
            } else {
                Exit::Rejected
            }
        }
        Outcome::Checked { accepted, rejected } => {
            let dataset = workspace.catalogue.datasets.get(&sheet.dataset);
            let words = (dataset.map(AsRef::as_ref), language);
            session.print(&checked(&sheet.dataset, *accepted, rejected, words));
            if rejected.is_empty() {
                Exit::Fine
            } else {
                Exit::Rejected
            }
        }
        Outcome::Open(why) => {
            session.line(format!("  {}: {}", sheet.dataset, why.get(language)));
            Exit::Fine
        }
        Outcome::Refused(why) => {
            let said = Text::new("受け付けられません", "refused");
            session.line(format!(
                "  {}: {}: {}",
                sheet.dataset,
                said.get(language),
                why.get(language)
            ));
            Exit::Rejected
        }
        Outcome::Failed(error) => {
            session.line(format!("  {}", sheet.dataset));
            session.complain(failure::words(error, session));
            failure::exit(error)
        }
    };
    for note in &sheet.notes {
        session.line(format!("    {}", note.get(language)));
    }
    exit
}

fn checked(
    name: &str,
    accepted: usize,
    faults: &[RejectedRow],
    (dataset, language): (Option<&Dataset>, Language),
) -> String {
    let mut rows: Vec<u64> = faults.iter().map(|fault| fault.row).collect();
    rows.dedup();
    let said = Text::new(
        format!(
            "  {name}: 受理できる行 {accepted}  取込エラー行 {}",
            rows.len()
        ),
        format!("  {name}: acceptable {accepted}  rejected {}", rows.len()),
    );
    let mut lines = vec![said.get(language).to_owned()];
    for fault in faults.iter().take(SHOWN_MAX) {
        let row = Text::new(format!("{}行目", fault.row), format!("row {}", fault.row));
        lines.push(format!(
            "    {}: {}",
            row.get(language),
            fault.reason.message_in(dataset).get(language)
        ));
    }
    if faults.len() > SHOWN_MAX {
        let more = faults.len() - SHOWN_MAX;
        let said = Text::new(
            format!("    ほか{more}件(--marked で控えに記します)"),
            format!("    {more} more (--marked marks them in a copy)"),
        );
        lines.push(said.get(language).to_owned());
    }
    lines.join("\n") + "\n"
}
