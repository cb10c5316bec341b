//! `/kpis/{no}/difference`: what lies between two figures of an indicator, part by part, down to the records.

use askama::Template;
use axum::extract::{Path, Query};
use axum::response::Html;
use serde::Deserialize;

use super::compare::{colour, word};
use crate::operations::office::Desk;
use crate::operations::office::differing::{Differed, DifferedSide};
use crate::operations::office::rows::AskedRows;
use crate::web::choosing::{Asked, At, With, query};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Deserialize)]
pub(in crate::web) struct Which {
    indicator: Option<String>,
    part: Option<String>,
    page: Option<usize>,
    entries: Option<usize>,
}

#[derive(Template)]
#[template(path = "difference.html")]
struct Page<'p> {
    layout: Layout<'p>,
    differed: Differed,
    no: u32,
}

/// Where the difference of two figures of an indicator is opened.
pub(super) fn difference_at([one, other]: [At<'_>; 2], no: u32, indicator: &str) -> String {
    let query = query(&[
        ("period", one.period),
        ("unit", one.unit),
        ("revision", one.revision),
        ("with_period", other.period),
        ("with_unit", other.unit),
        ("with_revision", other.revision),
        ("indicator", indicator),
    ]);
    format!("/kpis/{no}/difference?{query}")
}

fn at(side: &DifferedSide) -> At<'_> {
    At {
        period: &side.period,
        unit: &side.unit,
        revision: &side.revision,
    }
}

impl Page<'_> {
    fn kpi(&self) -> String {
        at(&self.differed.sides[0]).kpi(self.no)
    }

    fn compare(&self) -> String {
        let [one, other] = &self.differed.sides;
        let query = query(&[
            ("period", &one.period),
            ("unit", &one.unit),
            ("with_period", &other.period),
            ("with_unit", &other.unit),
        ]);
        format!("/compare?{query}#{}", self.differed.indicator.0)
    }

    fn rows(&self, side: &DifferedSide) -> String {
        at(side).rows(self.no, &self.differed.indicator.0)
    }

    /// The records of a part of one of the two figures.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn rows_of_part(&self, which: &usize, part: &str) -> String {
        let rows = self.rows(&self.differed.sides[*which]);
        format!("{rows}&{}", query(&[("part", part)]))
    }

    fn page(&self, part: &str, page: usize) -> String {
        let [one, other] = &self.differed.sides;
        let here = difference_at([at(one), at(other)], self.no, &self.differed.indicator.0);
        let place = query(&[("part", part), ("page", &page.to_string())]);
        format!("{here}&{place}#records")
    }

    /// The records of the earlier figure of the two, and of the later one.
    fn end(&self, which: usize) -> String {
        let bridge = self.differed.bridge.as_ref();
        let earlier = bridge.map_or(0, |bridge| bridge.earlier);
        self.rows(&self.differed.sides[earlier.abs_diff(which)])
    }

    /// A page of the entries that moved the earlier figure.
    fn entries(&self, page: usize) -> String {
        let [one, other] = &self.differed.sides;
        let here = difference_at([at(one), at(other)], self.no, &self.differed.indicator.0);
        format!("{here}&{}#bridge", query(&[("entries", &page.to_string())]))
    }

    /// Whether a step is no step.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn is_nothing(&self, step: &str) -> bool {
        !step.contains(|c| matches!(c, '1'..='9'))
    }

    fn is_shown(&self, part: &str) -> bool {
        let shown = self.differed.shown.as_ref();
        shown.is_some_and(|shown| shown.code == part)
    }

    fn colour(&self) -> &'static str {
        colour(self.differed.meaning)
    }

    fn word(&self) -> String {
        word(self.differed.meaning, &self.layout)
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Path(no): Path<u32>,
    Query(asked): Query<Asked>,
    Query(with): Query<With>,
    Query(which): Query<Which>,
) -> Answer {
    let rows = AskedRows {
        no,
        indicator: which.indicator.filter(|code| !code.is_empty()),
        part: which.part,
        page: which.page.unwrap_or(1),
        span: None,
    };
    let looks = [&asked.look(), &with.look()];
    let entries = which.entries.unwrap_or(1);
    let differed = desk.differ(looks, &rows, entries).await?;
    let page = Page {
        layout: Layout::titled(&visitor, format!("{no} {}", differed.kpi)),
        differed,
        no,
    };
    Ok(Html(page.render()?))
}
