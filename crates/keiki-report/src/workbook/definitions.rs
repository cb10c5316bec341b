//! The definitions of the figures, in words.

use std::collections::BTreeSet;

use keiki_model::kpi::{Indicator, Kpi};
use rust_xlsxwriter::Worksheet;

use super::sheet::{Cell, List};
use super::style::Style;
use super::{Result, column};
use crate::report::{Report, unit};

/// Draws the sheet.
pub(super) fn draw(report: &Report<'_>, style: &Style) -> Result<Worksheet> {
    let source = report.source;
    let shown: BTreeSet<u32> = source.measurements.iter().map(|one| one.no).collect();
    let kpis = source.names.catalogue.kpis.iter();
    let kpis = kpis.filter(|kpi| shown.contains(&kpi.no));
    let list = List {
        name: report.say("定義", "Definitions"),
        columns: vec![
            column("No.", 6.0),
            column(report.say("番号", "Code"), 10.0),
            column("KPI", 30.0),
            column(report.say("指標", "Indicator"), 30.0),
            column(report.say("指標コード", "Indicator code"), 24.0),
            column(report.say("算式", "Formula"), 14.0),
            column(report.say("単位", "Unit"), 10.0),
            column(report.say("目的", "Purpose"), 60.0),
            column(report.say("原表の読み方", "How the table is read"), 60.0),
            column(report.say("定義の版", "Version"), 20.0),
        ],
        rows: kpis
            .flat_map(|kpi| kpi.indicators.iter().map(move |indicator| (kpi, indicator)))
            .map(|(kpi, indicator)| row(report, kpi, indicator))
            .collect(),
    };
    list.draw(report, style)
}

fn row(report: &Report<'_>, kpi: &Kpi, indicator: &Indicator) -> Vec<Cell> {
    let language = report.source.names.language;
    let unit = unit(indicator.unit);
    let texts = [
        kpi.code.as_str(),
        kpi.name.get(language),
        indicator.title.get(language),
        &indicator.code,
        indicator.formula.kind(),
        unit.get(language),
        kpi.purpose.get(language),
        kpi.reading.get(language),
        &kpi.version,
    ];
    let mut cells = vec![Cell::Whole(i128::from(kpi.no))];
    cells.extend(texts.map(|text| Cell::Text(text.to_owned())));
    cells
}
