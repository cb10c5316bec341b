//! `/kpis/{no}/rows`: the records that a figure is made of, part by part.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Html;
use keiki_model::calendar::{BEGINNING, date_of};
use keiki_report::format;
use serde::Deserialize;

use crate::operations::office::Desk;
use crate::operations::office::rows::{AskedRows, OpenedRows, RowLine};
use crate::web::choosing::{Asked, At, query};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Deserialize)]
pub(in crate::web) struct Which {
    indicator: Option<String>,
    part: Option<String>,
    page: Option<usize>,
    from: Option<i64>,
    below: Option<i64>,
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Page<'p> {
    layout: Layout<'p>,
    opened: OpenedRows,
    no: u32,
    period: String,
    unit: String,
    revision: String,
    /// Between which amounts the records lie that are listed; absent = all are.
    span: Option<(i64, i64)>,
    /// Whether the reader may take an audit pack along.
    may_take: bool,
}

/// What asks for the records between two amounts alone, at the end of an address.
pub(super) fn within((from, below): (i64, i64)) -> String {
    format!("&from={from}&below={below}")
}

impl Page<'_> {
    fn at(&self) -> At<'_> {
        At {
            period: &self.period,
            unit: &self.unit,
            revision: &self.revision,
        }
    }

    fn kpi(&self) -> String {
        self.at().kpi(self.no)
    }

    fn pack(&self) -> String {
        self.at().audit_pack(self.no, &self.opened.indicator.0)
    }

    fn page(&self, part: &str, page: usize) -> String {
        let rows = self.at().rows(self.no, &self.opened.indicator.0);
        let place = query(&[("part", part), ("page", &page.to_string())]);
        let span = self.span.filter(|_| self.is_shown(part));
        let span = span.map(within).unwrap_or_default();
        format!("{rows}&{place}{span}")
    }

    /// Since when a row stands as it does; what happened once stands from the beginning, of which nothing is said.
    fn since(&self, row: &RowLine) -> String {
        if row.since == date_of(BEGINNING).to_string() {
            return format::NOTHING.to_owned();
        }
        self.layout.moment(&row.since)
    }

    fn is_shown(&self, part: &str) -> bool {
        let shown = self.opened.shown.as_ref();
        shown.is_some_and(|shown| shown.code == part)
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Path(no): Path<u32>,
    Query(asked): Query<Asked>,
    Query(which): Query<Which>,
) -> Answer {
    let look = asked.look();
    let rows = AskedRows {
        no,
        indicator: which.indicator,
        part: which.part,
        page: which.page.unwrap_or(1),
        span: which.from.zip(which.below),
    };
    let opened = desk.rows(&look, &rows).await?;
    let period = desk.period(look.period.as_deref())?;
    let page = Page {
        layout: Layout::titled(&visitor, format!("{no} {}", opened.kpi)),
        no,
        period: period.to_string(),
        unit: look.unit.unwrap_or_default(),
        revision: look.revision.unwrap_or_default(),
        span: rows.span,
        opened,
        may_take: desk.may_take_packs(),
    };
    Ok(Html(page.render()?))
}
