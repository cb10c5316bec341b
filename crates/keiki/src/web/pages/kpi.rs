//! `/kpis/{no}`: a KPI as a filled-in formula with its evidence behind it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_report::report::{Figure, KpiPart};
use serde::Deserialize;

use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::figures::{Look, Sheet};
use crate::operations::office::programme::SaidOf;
use crate::web::choosing::{Asked, Chooser, query};
use crate::web::drawing::Drawing;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

#[derive(Template)]
#[template(path = "kpi.html")]
struct Page<'p> {
    layout: Layout<'p>,
    sheet: Arc<Sheet>,
    chooser: Chooser,
    no: u32,
    group: String,
    trend: Drawing,
    comparison: Option<Drawing>,
    /// How long things took, and how many were open after a time.
    durations: Vec<Drawing>,
    /// Whether the reader may say why its figures are what they are.
    may_explain: bool,
    problem: String,
}

#[derive(Deserialize)]
pub(in crate::web) struct Said {
    period: String,
    unit: String,
    indicator: String,
    cause: String,
    action: String,
    owner: String,
    due_on: String,
}

impl Page<'_> {
    /// The KPI; whether it is there was seen before the page was made.
    fn kpi(&self) -> &KpiPart {
        self.sheet
            .kpi(self.no)
            .expect("the page's KPI is in its sheet")
    }

    /// Each figure with the formula that it comes of.
    fn formulas(&self) -> Vec<(&Figure, &str)> {
        let kpi = self.kpi();
        let formulas = kpi.formulas.iter().map(String::as_str);
        kpi.figures.iter().zip(formulas).collect()
    }

    fn rows(&self, indicator: &str) -> String {
        self.rows_of(indicator, &self.chooser.unit)
    }

    /// The records of the first figure in an org unit.
    fn rows_of_unit(&self, unit: &str) -> String {
        let first = self.kpi().figures.first();
        self.rows_of(first.map_or("", |figure| &figure.indicator), unit)
    }

    fn rows_of(&self, indicator: &str, unit: &str) -> String {
        let period = &self.chooser.period;
        let query = query(&[
            ("period", period),
            ("unit", unit),
            ("revision", &self.chooser.revision),
            ("indicator", indicator),
        ]);
        format!("/kpis/{}/rows?{query}", self.no)
    }

    fn of_unit(&self, unit: &str) -> String {
        let query = query(&[
            ("period", &self.chooser.period),
            ("unit", unit),
            ("revision", &self.chooser.revision),
        ]);
        format!("/kpis/{}?{query}", self.no)
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Path(no): Path<u32>,
    Query(asked): Query<Asked>,
) -> Answer {
    let page = page(&visitor, &desk, no, &asked.look()).await?;
    Ok(Html(page.render()?))
}

async fn page<'p>(visitor: &'p Visitor, desk: &Desk, no: u32, look: &Look) -> Answer<Page<'p>> {
    let looked = desk.look(look).await?;
    let chooser = Chooser::new(desk, &format!("/kpis/{no}"), &looked)?;
    let sheet = looked.sheet;
    let kpi = sheet.kpi(no).ok_or(Error::Absent)?;
    let mut groups = sheet.groups.iter();
    let group = groups.find(|group| group.kpis.iter().any(|one| one.no == no));
    Ok(Page {
        layout: Layout::titled(visitor, format!("{no} {}", kpi.name)),
        may_explain: desk.may_explain(&sheet.unit)
            && sheet.revision.is_none()
            && chooser.revision.is_empty(),
        problem: String::new(),
        group: group.map_or_else(String::new, |group| {
            format!("{} {}", group.number, group.title)
        }),
        trend: Drawing::new(&kpi.trend, "trend"),
        comparison: kpi
            .comparison
            .as_ref()
            .map(|chart| Drawing::new(chart, "comparison")),
        durations: [
            ("distribution", &kpi.distribution),
            ("survival", &kpi.survival),
        ]
        .into_iter()
        .filter_map(|(id, chart)| Some(Drawing::new(chart.as_ref()?, id)))
        .collect(),
        no,
        chooser,
        sheet: Arc::clone(&sheet),
    })
}

pub(in crate::web) async fn explain(
    visitor: Visitor,
    desk: Desk,
    Path(no): Path<u32>,
    Form(said): Form<Said>,
) -> Answer<Response> {
    let look = Look {
        period: Some(said.period),
        unit: Some(said.unit),
        revision: None,
    };
    let said = SaidOf {
        no,
        indicator: said.indicator,
        cause: said.cause,
        action: said.action,
        owner: said.owner,
        due_on: said.due_on,
    };
    match desk.explain(&look, &said).await {
        Ok(()) => {
            let period = look.period.as_deref().unwrap_or_default();
            let unit = look.unit.as_deref().unwrap_or_default();
            let query = query(&[("period", period), ("unit", unit)]);
            Ok(Redirect::to(&format!("/kpis/{no}?{query}")).into_response())
        }
        Err(error) => {
            let (message, _) = Failure::of_form(error)?;
            let mut page = page(&visitor, &desk, no, &look).await?;
            message.get(visitor.language).clone_into(&mut page.problem);
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}
