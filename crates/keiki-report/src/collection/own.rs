//! Draws the sheets that people added to a form, as they stood: the values, not their looks.

use keiki_model::collection::{
    COVER_SHEET, OwnSheet, PROBLEMS_SHEET, REFERENCE_SHEET, SIGNATURE_SHEET, Value,
};
use rust_xlsxwriter::Worksheet;

use super::{Drawing, Result, cell};

/// Draws them in their order.
pub(crate) fn draw(drawing: &Drawing<'_>) -> Result<Vec<Worksheet>> {
    let mut taken: Vec<String> = drawing.names.clone();
    taken.push(SIGNATURE_SHEET.to_owned());
    for (ja, en) in [COVER_SHEET, PROBLEMS_SHEET, REFERENCE_SHEET] {
        taken.push(drawing.say(ja, en).to_owned());
    }
    let mut drawn = Vec::new();
    for own in &drawing.form.own {
        let name = free_name(&own.name, &taken);
        drawn.push(sheet(drawing, own, &name)?);
        taken.push(name);
    }
    Ok(drawn)
}

fn sheet(drawing: &Drawing<'_>, own: &OwnSheet, name: &str) -> Result<Worksheet> {
    let mut sheet = Worksheet::new();
    sheet.set_name(name)?;
    let plain = drawing.style.text();
    for (row, column, value) in &own.cells {
        let Ok(column) = u16::try_from(*column) else {
            continue;
        };
        let format = match value {
            Value::Day(_) => plain.clone().set_num_format("yyyy-mm-dd"),
            Value::Moment(_) => plain.clone().set_num_format("yyyy-mm-dd hh:mm:ss"),
            _ => plain.clone(),
        };
        cell::write(&mut sheet, (*row, column), value, &format, drawing.language)?;
    }
    Ok(sheet)
}

/// A sheet's name, with a number where a sheet of the form has it.
fn free_name(name: &str, taken: &[String]) -> String {
    const CHARACTERS_MAX: usize = 31;
    let is_free = |name: &String| !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
    let short: String = name.chars().take(CHARACTERS_MAX - 4).collect();
    let numbered = (2..).map(|number| format!("{short} {number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    names.find(is_free).unwrap_or_default()
}
