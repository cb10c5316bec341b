//! `/kpis/{no}`: a KPI as a filled-in formula with its evidence behind it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use keiki_report::report::{Figure, KpiPart, Movement};
use serde::Deserialize;

use super::difference::difference_at;
use super::rows::within;
use crate::error::Error;
use crate::operations::office::Desk;
use crate::operations::office::figures::{Look, Sheet};
use crate::operations::office::programme::SaidOf;
use crate::web::choosing::{Asked, At, Chooser};
use crate::web::drawing::Drawing;
use crate::web::failure::{Answer, Failure};
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// The column of a trend's table that says what a later revision has.
const RESTATED: usize = 3;

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
    /// What was written into the form that was not accepted.
    said: SaidOf,
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
        self.chooser.at().unit(unit).rows(self.no, indicator)
    }

    /// The records of another KPI's figure.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn rows_of_kpi(&self, no: &u32, indicator: &str) -> String {
        self.chooser.at().rows(*no, indicator)
    }

    /// What lies between a figure of some KPI and an earlier one.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn difference(&self, no: &u32, indicator: &str, moved: &Movement) -> String {
        let revision = self.sheet.reported_as(&moved.period);
        let at = self.chooser.at();
        difference_at([at, at.before(&moved.period, &revision)], *no, indicator)
    }

    /// The org units that owe evidence of it.
    fn missing(&self) -> Vec<&str> {
        let all = self.sheet.reliance.missing.iter();
        let of_kpi = all.filter(|one| one.kpis.contains(&self.no));
        of_kpi.map(|one| one.org_unit.as_str()).collect()
    }

    fn of_unit(&self, unit: &str) -> String {
        self.chooser.at().unit(unit).kpi(self.no)
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
    let indicator = kpi.figures.first().map_or("", |one| &one.indicator);
    let through_periods = |(_, name): (usize, &str), column: usize| {
        let period = chooser.periods.iter().find(|one| one.name == name)?;
        let at = chooser.at();
        if period.code == chooser.period {
            return Some(at.rows(no, indicator));
        }
        // What was reported, and what the last revision says.
        let revision = match column {
            RESTATED => String::new(),
            _ => sheet.reported_as(&period.code),
        };
        Some(at.before(&period.code, &revision).rows(no, indicator))
    };
    let in_companies = |(_, name): (usize, &str), _| {
        let company = kpi.companies.iter().find(|one| one.org_unit == name)?;
        Some(chooser.at().unit(&company.id).rows(no, indicator))
    };
    let within_span = |(row, _): (usize, &str), _| {
        let of = kpi.distributed.as_ref()?;
        let rows = chooser.at().rows(no, &of.indicator);
        Some(rows + &within(*of.spans.get(row)?))
    };
    let still_open = |_: (usize, &str), _| Some(chooser.at().rows(no, kpi.survived.as_ref()?));
    let distribution = kpi.distribution.as_ref();
    let distribution = distribution.map(|one| Drawing::new(one, "distribution"));
    let survival = kpi.survival.as_ref();
    let survival = survival.map(|one| Drawing::new(one, "survival"));
    Ok(Page {
        layout: Layout::titled(visitor, format!("{no} {}", kpi.name)),
        may_explain: desk.may_explain(&sheet.unit)
            && sheet.revision.is_none()
            && chooser.revision.is_empty(),
        problem: String::new(),
        said: SaidOf::default(),
        group: group.map_or_else(String::new, |group| {
            format!("{} {}", group.number, group.title)
        }),
        trend: Drawing::new(&kpi.trend, "trend").leading(through_periods),
        comparison: kpi
            .comparison
            .as_ref()
            .map(|chart| Drawing::new(chart, "comparison").leading(in_companies)),
        durations: [
            distribution.map(|one| one.leading(within_span)),
            survival.map(|one| one.leading(still_open).made_of()),
        ]
        .into_iter()
        .flatten()
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
            let at = At {
                period,
                unit,
                revision: "",
            };
            Ok(Redirect::to(&at.kpi(no)).into_response())
        }
        Err(error) => {
            let (message, _) = Failure::of_form(error)?;
            let mut page = page(&visitor, &desk, no, &look).await?;
            message.get(visitor.language).clone_into(&mut page.problem);
            page.said = said;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, Html(page.render()?)).into_response())
        }
    }
}
