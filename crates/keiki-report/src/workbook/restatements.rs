//! What differs from the revision before, and what moved it.

use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use rust_xlsxwriter::Worksheet;

use super::style::Style;
use super::{Edition, FIRST, Moved, Result, begin, column, end, headings, number};

/// Draws the sheet.
pub(super) fn draw(edition: &Edition<'_>, restated: &[Moved], style: &Style) -> Result<Worksheet> {
    let name = edition.say("遡及訂正", "Restatements");
    let mut sheet = Worksheet::new();
    let heading = begin(edition, style, &mut sheet, (name, name))?;
    let columns = [
        column("No.", 6.0),
        column("KPI", 30.0),
        column(edition.say("指標", "Indicator"), 30.0),
        column(edition.say("組織", "Org unit"), 20.0),
        column(edition.say("訂正前", "Before"), 12.0),
        column(edition.say("訂正後", "After"), 12.0),
        column(edition.say("証跡による差", "By evidence"), 12.0),
        column(edition.say("定義等による差", "By definitions"), 12.0),
        column(edition.say("訂正前の状態", "Status before"), 20.0),
        column(edition.say("訂正後の状態", "Status after"), 20.0),
    ];
    headings(&mut sheet, heading, &columns, style)?;
    let mut last = heading;
    for (row, moved) in (heading + 1..).zip(restated) {
        line(edition, style, &mut sheet, row, moved)?;
        last = row;
    }
    if restated.is_empty() {
        let nothing = edition.say("違いはありません", "nothing differs");
        sheet.write_string_with_format(heading + 1, FIRST, nothing, &style.soft())?;
        last = heading + 1;
    }
    end(edition, &mut sheet, (heading, last), columns.len())?;
    Ok(sheet)
}

fn line(
    edition: &Edition<'_>,
    style: &Style,
    sheet: &mut Worksheet,
    row: u32,
    moved: &Moved,
) -> Result<()> {
    let names = &edition.names;
    let text = style.text();
    let (no, indicator, org_unit) = &moved.restated.place;
    let sides: [&Option<Measurement>; 2] = [&moved.restated.before, &moved.restated.after];
    let unit = sides
        .iter()
        .find_map(|side| side.as_ref())
        .map(|one| one.unit);
    let format = style.bound(unit.unwrap_or(keiki_model::kpi::Unit::Count));
    sheet.write_number_with_format(row, FIRST, *no, &style.part(None))?;
    sheet.write_string_with_format(row, FIRST + 1, names.kpi(*no), &text)?;
    sheet.write_string_with_format(row, FIRST + 2, names.indicator(*no, indicator), &text)?;
    sheet.write_string_with_format(row, FIRST + 3, names.org_unit(org_unit), &text)?;
    let value = |side: &Option<Measurement>| -> Option<Fraction> { side.as_ref()?.value };
    let figures = [
        value(sides[0]),
        value(sides[1]),
        moved.by_evidence,
        moved.by_definitions,
    ];
    for (at, figure) in (FIRST + 4..).zip(figures) {
        number(sheet, (row, at), figure, &format)?;
    }
    for (at, side) in (FIRST + 8..).zip(sides) {
        let word = side
            .as_ref()
            .map(|one| one.status.title().get(names.language).to_owned());
        sheet.write_string_with_format(row, at, word.unwrap_or_default(), &text)?;
    }
    Ok(())
}
