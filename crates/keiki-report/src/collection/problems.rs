//! Draws the list of everything that is marked in a returned form.

use keiki_model::collection::{Mark, PROBLEMS_SHEET, Weight};
use rust_xlsxwriter::{Url, Worksheet};

use super::sheet::place_of;
use super::{Drawing, Result, cell};

/// Draws the list.
pub(crate) fn draw(drawing: &Drawing<'_>) -> Result<Worksheet> {
    let style = &drawing.style;
    let mut sheet = Worksheet::new();
    sheet.set_name(drawing.say(PROBLEMS_SHEET.0, PROBLEMS_SHEET.1))?;
    for (column, width) in [
        (0, 2.0),
        (1, 26.0),
        (2, 9.0),
        (3, 24.0),
        (4, 12.0),
        (5, 70.0),
    ] {
        sheet.set_column_width(column, width)?;
    }
    let title = drawing.say("確認のお願い", "To be mended");
    sheet.set_row_height(1, 26)?;
    sheet.write_string_with_format(1, 1, title, &style.title())?;
    let what = drawing.say(
        "色の付いたセルに理由をコメントで記しました。直して、このファイルを送り返してください。",
        "Coloured cells carry the reason as a note. Mend them and send this file back.",
    );
    sheet.write_string_with_format(2, 1, what, &style.soft())?;
    let headings = [
        drawing.say("シート", "Sheet"),
        drawing.say("セル", "Cell"),
        drawing.say("値", "Value"),
        drawing.say("区分", "Kind"),
        drawing.say("理由", "Reason"),
    ];
    for (column, heading) in (1..).zip(headings) {
        sheet.write_string_with_format(4, column, heading, &style.column_heading())?;
    }
    for (row, mark) in (5..).zip(drawing.marks) {
        line(drawing, &mut sheet, row, mark)?;
    }
    let last = 4 + u32::try_from(drawing.marks.len()).unwrap_or(0);
    sheet
        .set_tab_color(0xB2_3A_24_u32)
        .set_screen_gridlines(false)
        .set_landscape()
        .set_paper_size(9)
        .set_print_fit_to_pages(1, 0)
        .set_freeze_panes(5, 0)?
        .set_repeat_rows(4, 4)?
        .set_print_area(1, 1, last, 5)?;
    sheet.protect();
    Ok(sheet)
}

fn line(drawing: &Drawing<'_>, sheet: &mut Worksheet, row: u32, mark: &Mark) -> Result<()> {
    let listed = drawing.style.listed();
    let name = &drawing.names[mark.sheet];
    let (at_row, at_column) = place_of(mark);
    let address = cell::address(at_row, at_column);
    let form = &drawing.form.sheets[mark.sheet];
    let value = match mark.row {
        None => form.answer.words().get(drawing.language).to_owned(),
        Some(row) => form
            .rows
            .get(row)
            .and_then(|row| row.get(mark.column.unwrap_or(0)))
            .map(|value| value.shown(drawing.language))
            .unwrap_or_default(),
    };
    let kind = match mark.weight {
        Weight::Rejected => drawing.say("要修正", "to mend"),
        Weight::Noted => drawing.say("参考", "note"),
    };
    sheet.write_string_with_format(row, 1, name, &listed)?;
    let url = Url::new(format!("internal:'{name}'!{address}")).set_text(&address);
    let link = listed.clone().set_font_color(0x23_46_6E);
    sheet.write_url_with_format(row, 2, url, &link)?;
    sheet.write_string_with_format(row, 3, value, &listed)?;
    sheet.write_string_with_format(row, 4, kind, &listed)?;
    let reason = mark.reason.get(drawing.language);
    sheet.write_string_with_format(row, 5, reason, &listed)?;
    let columns: usize = reason
        .chars()
        .map(|c| if c.is_ascii() { 1 } else { 2 })
        .sum();
    let lines = u32::try_from(columns.div_ceil(76)).unwrap_or(1).clamp(1, 8);
    sheet.set_row_height(row, f64::from(lines) * 14.0 + 5.0)?;
    Ok(())
}
