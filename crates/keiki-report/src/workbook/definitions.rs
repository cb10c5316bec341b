//! The definitions of the figures, in words.

use std::collections::BTreeSet;

use rust_xlsxwriter::Worksheet;

use super::figures::unit;
use super::style::Style;
use super::{Edition, FIRST, Result, begin, column, end, headings};

/// Draws the sheet.
pub(super) fn draw(edition: &Edition<'_>, style: &Style) -> Result<Worksheet> {
    let name = edition.say("定義", "Definitions");
    let mut sheet = Worksheet::new();
    let heading = begin(edition, style, &mut sheet, (name, name))?;
    let columns = [
        column("No.", 6.0),
        column(edition.say("番号", "Code"), 10.0),
        column("KPI", 30.0),
        column(edition.say("指標", "Indicator"), 30.0),
        column(edition.say("指標コード", "Indicator code"), 24.0),
        column(edition.say("算式", "Formula"), 14.0),
        column(edition.say("単位", "Unit"), 10.0),
        column(edition.say("目的", "Purpose"), 60.0),
        column(edition.say("原表の読み方", "How the table is read"), 60.0),
        column(edition.say("定義の版", "Version"), 20.0),
    ];
    headings(&mut sheet, heading, &columns, style)?;
    let shown: BTreeSet<u32> = edition.measurements.iter().map(|one| one.no).collect();
    let language = edition.names.language;
    let text = style.text();
    let mut last = heading;
    for kpi in edition
        .names
        .catalogue
        .kpis
        .iter()
        .filter(|kpi| shown.contains(&kpi.no))
    {
        for indicator in &kpi.indicators {
            last += 1;
            sheet.write_number_with_format(last, FIRST, kpi.no, &style.part(None))?;
            let texts = [
                kpi.code.as_str(),
                kpi.name.get(language),
                indicator.title.get(language),
                &indicator.code,
                indicator.formula.kind(),
                unit(indicator.unit).get(language),
                kpi.purpose.get(language),
                kpi.reading.get(language),
                &kpi.version,
            ]
            .map(str::to_owned);
            for (at, value) in (FIRST + 1..).zip(texts) {
                sheet.write_string_with_format(last, at, value, &text)?;
            }
        }
    }
    end(edition, &mut sheet, (heading, last), columns.len())?;
    Ok(sheet)
}
