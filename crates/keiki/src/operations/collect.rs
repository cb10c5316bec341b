//! Evidence by workbook: what each org unit owes for a period, the form by which it is asked, and what comes back.

mod draft;
mod marked;
mod owed;
mod records;
mod returned;
mod status;

use std::path::PathBuf;

use keiki_model::calendar::{Day, Period, local_day};
use keiki_model::text::Text;
use keiki_store::Forms;

use crate::config::Workspace;
use crate::error::{Error, Result};

pub use draft::{Asked, Export, Made, Reach, export};
pub use returned::{
    Import, Looked, LookedSheet, Outcome, Returned, Taken, check, import, look, signature,
};
pub use status::{Standing, State, status};

/// The folder, below the workspace, in which returned workbooks are looked for.
pub const DROP_FOLDER: &str = "evidence/collected";

/// The folder, below the workspace, into which forms are written if nobody says where.
pub const FORMS_FOLDER: &str = "forms";

/// The span of a period in days.
fn span(workspace: &Workspace, period: Period) -> Result<(Day, Day)> {
    let months = period.months(&workspace.settings.calendar);
    let (first, last) = months.ok_or_else(|| {
        Error::user(
            Text::new(
                format!("その期間は会計年度にありません: {period}"),
                format!("the fiscal year has no such period: {period}"),
            ),
            Text::new(
                "keiki.toml の会計年度を確かめてください",
                "see the fiscal years in keiki.toml",
            ),
        )
    })?;
    Ok((first.first_day(), last.last_day()))
}

/// The day for which a form of a period speaks: its end, or today where it has not ended.
fn as_of(workspace: &Workspace, period: Period, now: i64) -> Result<Day> {
    let (first, last) = span(workspace, period)?;
    let today = local_day(now, &workspace.settings.zone);
    if first > today {
        return Err(Error::user(
            Text::new(
                format!("対象期間がまだ始まっていません: {period}"),
                format!("the period has not begun: {period}"),
            ),
            Text::new(
                "始まった期間を指定してください",
                "name a period that has begun",
            ),
        ));
    }
    Ok(last.min(today))
}

/// The period before one, of the same kind.
fn before(period: Period) -> Period {
    match period {
        Period::Month(month) => Period::Month(month.plus(-1)),
        Period::YearToDate(month) => Period::YearToDate(month.plus(-1)),
        Period::Quarter(year, 1) => Period::Quarter(year - 1, 4),
        Period::Quarter(year, part) => Period::Quarter(year, part - 1),
        Period::Half(year, 1) => Period::Half(year - 1, 2),
        Period::Half(year, part) => Period::Half(year, part - 1),
        Period::Year(year) => Period::Year(year - 1),
    }
}

/// The name of the workspace's zone, for people.
fn zone_name(workspace: &Workspace) -> String {
    let name = workspace.settings.zone.iana_name();
    name.unwrap_or("UTC").to_owned()
}

/// The book of forms.
async fn forms(workspace: &Workspace) -> Result<Forms> {
    Ok(Forms::open(&workspace.database()?).await?)
}

/// What an ingest is asked to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Sources, or files into a dataset.
    Sources,
    /// Sources, and the drop folder of workbooks.
    SourcesAndDropFolder,
    /// The drop folder of workbooks alone, since there is no source.
    DropFolder,
    /// These workbooks.
    Workbooks(Vec<PathBuf>),
}

/// Tells workbooks from sources among what an ingest is asked to read.
///
/// # Errors
/// Both are named at once, or the drop folder cannot be read.
pub fn input(workspace: &Workspace, named: &[String], dataset: Option<&str>) -> Result<Input> {
    if dataset.is_some() {
        return Ok(Input::Sources);
    }
    if named.is_empty() {
        return Ok(
            match (workspace.sources.is_empty(), dropped(workspace)?.is_empty()) {
                (_, true) => Input::Sources,
                (true, false) => Input::DropFolder,
                (false, false) => Input::SourcesAndDropFolder,
            },
        );
    }
    let is_source = |name: &str| workspace.sources.iter().any(|source| source.name == name);
    let (workbooks, others): (Vec<&String>, Vec<&String>) = named
        .iter()
        .partition(|name| !is_source(name) && is_workbook(name.as_ref()));
    match (workbooks.is_empty(), others.is_empty()) {
        (true, _) => Ok(Input::Sources),
        (false, true) => Ok(Input::Workbooks(
            workbooks.into_iter().map(PathBuf::from).collect(),
        )),
        (false, false) => Err(Error::user(
            Text::new(
                "収集票と取得元を一度に取り込めません",
                "workbooks and sources cannot be one ingest",
            ),
            Text::new(
                "収集票だけ、または取得元だけを指定してください",
                "name workbooks alone, or sources alone",
            ),
        )),
    }
}

/// The workbooks in the drop folder, in order of their names; none where there is no folder.
///
/// # Errors
/// The folder cannot be read.
pub fn dropped(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root.join(DROP_FOLDER);
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(Error::file(&folder))? {
        let path = entry.map_err(Error::file(&folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // A spreadsheet program that has a file open puts a file with this beginning beside it.
        if is_workbook(&path) && !name.starts_with("~$") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// Tells whether a file may be a workbook, from its name.
#[must_use]
pub fn is_workbook(path: &std::path::Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    ["xlsx", "xlsm"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_before_is_of_the_same_kind() {
        let of = |text: &str| Period::parse(text).expect("a period");
        for (period, earlier) in [
            ("2026-01", "2025-12"),
            ("FY2026-Q1", "FY2025-Q4"),
            ("FY2026-H2", "FY2026-H1"),
            ("FY2026", "FY2025"),
            ("2026-04-YTD", "2026-03-YTD"),
        ] {
            assert_eq!(before(of(period)), of(earlier));
        }
    }
}
