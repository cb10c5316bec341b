//! Reads a sheet of a workbook: xlsx, xlsm, xlsb, xls and ods.
//!
//! *Source*: ECMA-376, MS-XLS, MS-XLSB, OASIS `OpenDocument`, as calamine reads them. A table is found
//! under titles: its header is the first row of which more than half as many cells are filled as in the
//! fullest of the first rows. Hidden sheets are left alone, so are columns without a name and rows
//! without a value. Cells are text exactly as their types say (`sheet/value.rs`); a cell that holds an
//! error such as `#N/A` is unreadable, and rejects its row where its column is used.

mod cells;
mod limits;
mod table;
mod value;

use std::sync::Arc;

use calamine::{Reader as _, SheetType, SheetVisible};
use glob::Pattern;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, Columns, ExtractBuilder};
use crate::foreign;
use crate::format::Format;
use crate::limits::{WHOLE_BYTES, WORKBOOK_BYTES};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;
use crate::unpack;

use cells::{Area, Stoppable, Workbook};
use table::Table;

/// Reads the files as one reading. Columns are those of all headers together.
///
/// # Errors
/// A file is no workbook, the sheet is not in it, or it has no header that can be used.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let area = match &source.format.range {
        Some(range) => Area::read(range)?,
        None => Area::default(),
    };
    for (number, file) in input.iter().enumerate() {
        let bytes = unpack::whole(file, WHOLE_BYTES)?;
        if bytes.get_ref().is_empty() {
            return Err(IngestError::EmptyFile {
                file: file.name.clone(),
            });
        }
        let bytes: Arc<[u8]> = bytes.into_inner().into();
        limits::check(&bytes, &file.name)?;
        let is_last = number + 1 == input.len();
        let workbook = Stoppable::new(Arc::clone(&bytes));
        // It is weighed while it is read: what is found to hold too much is read no further.
        let weigh = || {
            let weighed = if bytes.starts_with(b"PK") {
                unpack::weigh(&bytes, &file.name, WORKBOOK_BYTES)
            } else {
                Ok(())
            };
            if weighed.is_err() {
                workbook.stop();
            }
            weighed
        };
        std::thread::scope(|scope| {
            let weighed = scope.spawn(weigh);
            let read = read_file(
                file,
                workbook.clone(),
                (source, area, is_last),
                context,
                rows,
            );
            let weighed = weighed
                .join()
                .map_err(|_| IngestError::internal(&"the weighing stopped"))?;
            weighed.and(read)
        })?;
    }
    Ok(AbsentColumn::Fault)
}

fn read_file(
    file: &InputFile,
    bytes: Stoppable,
    (source, area, is_last): (&Source, Area, bool),
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<(), IngestError> {
    let mut workbook = open(file, bytes)?;
    let sheets = sheets(&workbook, &source.format, file)?;
    for (position, sheet) in sheets.iter().enumerate() {
        let name = format!("{}/{sheet}", file.name);
        rows.begin_file(&name);
        let columns = if is_last && position + 1 == sheets.len() {
            Columns::Complete
        } else {
            Columns::Growing
        };
        let mut table = Table::new(&name, &source.format, area, &context.limits, columns);
        cells::each(&mut workbook, sheet, &name, &mut |row, column, value| {
            table.cell(row, column, value, rows)
        })?;
        table.finish(rows)?;
    }
    Ok(())
}

fn open(file: &InputFile, bytes: Stoppable) -> Result<Workbook, IngestError> {
    let opened = foreign::guarded(|| calamine::open_workbook_auto_from_rs(bytes).ok());
    opened.flatten().ok_or_else(|| IngestError::Sheet {
        file: file.name.clone(),
        detail: Box::new(Text::new(
            "ブックとして読めません",
            "it is no workbook that can be read",
        )),
        hint: Box::new(Text::new(
            "パスワードで保護されているか、別の形式です。.xlsx で保存してください",
            "is it protected with a password, or of another kind? Save it as .xlsx",
        )),
    })
}

/// The visible sheets that the source asks for.
fn sheets(
    workbook: &Workbook,
    format: &Format,
    file: &InputFile,
) -> Result<Vec<String>, IngestError> {
    let visible: Vec<String> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet && sheet.visible == SheetVisible::Visible)
        .map(|sheet| sheet.name.clone())
        .collect();
    let fault = |ja: String, en: String| IngestError::Sheet {
        file: file.name.clone(),
        detail: Box::new(Text::new(ja, en)),
        hint: Box::new(Text::new(
            format!(
                "読むシートを [format] に sheet = \"…\" と書いてください。見えるシート: {}",
                visible.join("、")
            ),
            format!(
                "say with sheet = \"…\" in [format] which to read; visible are: {}",
                visible.join(", ")
            ),
        )),
    };
    let Some(asked) = &format.sheet else {
        return match visible.len() {
            1 => Ok(visible),
            0 => Err(fault(
                "見えるシートがありません".to_owned(),
                "no sheet is visible".to_owned(),
            )),
            many => Err(fault(
                format!("シートが{many}枚あります"),
                format!("there are {many} sheets"),
            )),
        };
    };
    let pattern = Pattern::new(asked).ok();
    let is_asked = |name: &String| {
        name == asked
            || pattern
                .as_ref()
                .is_some_and(|pattern| pattern.matches(name))
    };
    let found: Vec<String> = visible
        .iter()
        .filter(|name| is_asked(name))
        .cloned()
        .collect();
    if found.is_empty() {
        return Err(fault(
            format!("その名前の見えるシートがありません: {asked}"),
            format!("no visible sheet is called: {asked}"),
        ));
    }
    Ok(found)
}
