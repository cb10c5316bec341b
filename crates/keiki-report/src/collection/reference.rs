//! Draws what was reported for the period before, to be read only.

use keiki_model::collection::{REFERENCE_SHEET, SheetKind};
use rust_xlsxwriter::Worksheet;

use super::style::Role;
use super::{Drawing, Result, cell};

/// Draws the sheet; `None` where nothing was reported.
pub(crate) fn draw(drawing: &Drawing<'_>) -> Result<Option<Worksheet>> {
    let style = &drawing.style;
    let of_facts = drawing.form.sheets.iter().filter_map(|form| {
        let reference = form.reference.as_ref()?;
        let is_listed = form.kind == SheetKind::Facts && !reference.rows.is_empty();
        is_listed.then_some((form, reference))
    });
    let mut sheet = Worksheet::new();
    sheet.set_name(drawing.say(REFERENCE_SHEET.0, REFERENCE_SHEET.1))?;
    sheet.set_column_width(0, 2)?;
    let mut row: u32 = 1;
    let mut last_column = 1;
    for (form, reference) in of_facts {
        let title = format!(
            "{}  {}",
            form.dataset.title.get(drawing.language),
            reference.period
        );
        sheet.set_row_height(row, 22)?;
        sheet.write_string_with_format(row, 1, title, &style.heading())?;
        row += 1;
        for (column, title) in (1..).zip(&reference.titles) {
            let title = title.get(drawing.language);
            sheet.write_string_with_format(row, column, title, &style.reference_heading())?;
            sheet.set_column_width(column, 18)?;
            last_column = last_column.max(column);
        }
        sheet.set_row_height(row, 30)?;
        row += 1;
        for values in &reference.rows {
            for ((column, value), of) in (1..).zip(values).zip(&form.columns) {
                let format = style.cell(of.kind, Role::Given);
                cell::write(&mut sheet, (row, column), value, &format, drawing.language)?;
            }
            row += 1;
        }
        row += 1;
    }
    if row == 1 {
        return Ok(None);
    }
    sheet
        .set_tab_color(0x8B_91_98_u32)
        .set_screen_gridlines(false)
        .set_landscape()
        .set_paper_size(9)
        .set_print_fit_to_pages(1, 0)
        .set_print_area(0, 0, row - 1, last_column)?;
    sheet.protect();
    Ok(Some(sheet))
}
