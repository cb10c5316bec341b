//! A published framework with the KPIs that serve it, on screen and as data.

use keiki_model::text::{Language, Text};
use keiki_report::scorecard;
use keiki_report::table::{Cell, Column, Paint, Table};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::cli::grid::{Grid, print_json};
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::framework::{Line, Report, Served};

/// Prints the framework.
pub(super) fn show(report: &Report<'_>, format: Format, session: &Session) -> Result<()> {
    let language = session.language();
    match format {
        Format::Json => print_json(&data(report, language), session),
        Format::Csv => grid(report, language).print(format, session)?,
        Format::Table => {
            session.line(heading(report, session));
            session.table(&table(report, language));
            session.note(count(report).get(language));
        }
    }
    Ok(())
}

fn heading(report: &Report<'_>, session: &Session) -> String {
    let (framework, language) = (report.framework, session.language());
    let period = report.period.as_deref().unwrap_or_default();
    let unit = report.org_unit.as_deref().unwrap_or_default();
    let (title, edition) = (&framework.title, &framework.edition);
    let heading = format!(
        "{} {}  {unit}  {period}",
        title.get(language),
        edition.get(language)
    );
    heading.trim_end().to_owned()
}

/// How many items are served, and how many are not.
fn count(report: &Report<'_>) -> Text {
    let of = |served: Served| {
        report
            .lines
            .iter()
            .filter(|line| line.served == served)
            .count()
    };
    let (adopted, open, none) = (
        of(Served::Adopted),
        of(Served::NotAdopted),
        of(Served::Nothing),
    );
    let all = report.lines.len();
    Text::new(
        format!(
            "{all}項目のうち、採用済みのKPIが対応するもの {adopted}、未採用のKPIだけが対応するもの {open}、対応するKPIのないもの {none}"
        ),
        format!(
            "of {all} items, {adopted} are served by adopted KPIs, {open} only by KPIs that are not adopted, and {none} by none"
        ),
    )
}

fn table(report: &Report<'_>, language: Language) -> Table {
    let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::text(title("項目", "Item"), 8),
        Column::text(title("内容", "What it asks for"), 16).wrapped(2),
        Column::figure(title("No.", "No.")),
        Column::text("KPI", 16).wrapped(3),
        Column::figure(title("値", "Value")),
        Column::text(title("状態", "Status"), 9).wrapped(2),
    ]);
    let mut part = None;
    for line in &report.lines {
        if part != Some(&line.part.title) {
            part = Some(&line.part.title);
            let heading = format!("[{}]", line.part.title.get(language));
            table.push(vec![Cell::default(), Cell::painted(heading, Paint::Faint)]);
        }
        rows(line, language, &mut table);
    }
    table
}

fn rows(line: &Line, language: Language, table: &mut Table) {
    let mut head: Vec<Cell> = vec![
        line.item.id.as_str().into(),
        line.item.label.get(language).into(),
    ];
    if line.kpis.is_empty() {
        let none = Text::new("対応するKPIなし", "no KPI");
        head.extend([
            Cell::default(),
            Cell::painted(none.get(language).to_owned(), Paint::Faint),
        ]);
        table.push(head);
        return;
    }
    for (kpi, figures) in &line.kpis {
        let mut row = std::mem::replace(&mut head, vec![Cell::default(), Cell::default()]);
        row.extend([kpi.no.to_string().into(), kpi.name.get(language).into()]);
        if figures.is_empty() {
            let open = Text::new("未採用・未測定", "not adopted or measured");
            row.extend([
                Cell::default(),
                Cell::painted(open.get(language).to_owned(), Paint::Faint),
            ]);
            table.push(row);
            continue;
        }
        for figure in figures {
            let blank = || vec![Cell::default(); 4];
            let mut row = std::mem::replace(&mut row, blank());
            row.extend([
                scorecard::value(figure, language).into(),
                scorecard::status(figure.status, language),
            ]);
            table.push(row);
        }
    }
}

fn word(served: Served) -> &'static str {
    match served {
        Served::Adopted => "adopted",
        Served::NotAdopted => "not_adopted",
        Served::Nothing => "no_kpi",
    }
}

fn data(report: &Report<'_>, language: Language) -> Value {
    let items = report.lines.iter().map(|line| {
        let kpis = line.kpis.iter().map(|(kpi, figures)| {
            let figures = figures.iter().map(|one| {
                let value = one.to_json();
                json!({ "indicator": one.indicator, "value": value["value"], "status": one.status.code() })
            });
            json!({
                "no": kpi.no,
                "name": kpi.name.get(language),
                "figures": figures.collect::<Vec<_>>(),
            })
        });
        json!({
            "id": line.item.id,
            "label": line.item.label.get(language),
            "part": line.part.title.get(language),
            "served": word(line.served),
            "kpis": kpis.collect::<Vec<_>>(),
        })
    });
    json!({
        "framework": report.framework.code,
        "title": report.framework.title.get(language),
        "edition": report.framework.edition.get(language),
        "period": report.period,
        "org_unit": report.org_unit,
        "items": items.collect::<Vec<_>>(),
    })
}

fn grid(report: &Report<'_>, language: Language) -> Grid {
    let mut rows = Vec::new();
    for line in &report.lines {
        let head = |no: Value, indicator: Value, value: Value, status: Value| {
            vec![
                json!(line.item.id),
                json!(line.item.label.get(language)),
                json!(word(line.served)),
                no,
                indicator,
                value,
                status,
            ]
        };
        if line.kpis.is_empty() {
            rows.push(head(Value::Null, Value::Null, Value::Null, Value::Null));
        }
        for (kpi, figures) in &line.kpis {
            if figures.is_empty() {
                rows.push(head(json!(kpi.no), Value::Null, Value::Null, Value::Null));
            }
            for one in figures {
                let value = one.to_json()["value"].clone();
                let status = json!(one.status.code());
                rows.push(head(json!(kpi.no), json!(one.indicator), value, status));
            }
        }
    }
    Grid {
        names: vec![
            "id",
            "label",
            "served",
            "no",
            "indicator",
            "value",
            "status",
        ],
        columns: Vec::new(),
        rows,
    }
}
