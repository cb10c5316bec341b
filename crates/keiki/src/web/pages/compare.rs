//! `/compare`: two periods, two org units, or both, side by side.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use keiki_report::report::Figure;
use serde::Deserialize;

use crate::error::Result;
use crate::operations::office::comparing::{ComparedLine, Meaning};
use crate::operations::office::figures::{Look, Looked};
use crate::operations::office::{Desk, PeriodChoice, UnitChoice};
use crate::web::choosing::query;
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// What is held side by side.
#[derive(Debug, Clone, Default, Deserialize)]
pub(in crate::web) struct Asked {
    period: Option<String>,
    unit: Option<String>,
    with_period: Option<String>,
    with_unit: Option<String>,
}

/// One side: what is chosen, and what can be.
struct Side {
    /// What stands before the names of its fields.
    prefix: &'static str,
    periods: Vec<PeriodChoice>,
    units: Vec<UnitChoice>,
    period: String,
    unit: String,
    /// Period and org unit in words.
    title: (String, String),
}

#[derive(Template)]
#[template(path = "compare.html")]
struct Page<'p> {
    layout: Layout<'p>,
    sides: [Side; 2],
    lines: Vec<ComparedLine>,
}

impl Page<'_> {
    /// Where a figure of a side leads.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn rows(&self, line: &ComparedLine, at: &usize) -> String {
        let side = &self.sides[*at];
        let query = query(&[
            ("period", &side.period),
            ("unit", &side.unit),
            ("indicator", &line.indicator),
        ]);
        format!("/kpis/{}/rows?{query}", line.no)
    }

    fn kpi(&self, line: &ComparedLine) -> String {
        let side = &self.sides[1];
        let query = query(&[("period", &side.period), ("unit", &side.unit)]);
        format!("/kpis/{}?{query}", line.no)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn figures<'l>(&self, line: &'l ComparedLine) -> Vec<(usize, Option<&'l Figure>)> {
        let figures = line.figures.iter().map(Option::as_ref);
        figures.enumerate().collect()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn colour(&self, line: &ComparedLine) -> &'static str {
        match line.meaning {
            Meaning::Better => "better",
            Meaning::Worse => "worse",
            Meaning::Neither => "soft",
        }
    }

    /// What a difference means, in a word.
    fn word(&self, line: &ComparedLine) -> String {
        match line.meaning {
            Meaning::Better => self.layout.say("compare-better"),
            Meaning::Worse => self.layout.say("compare-worse"),
            Meaning::Neither => String::new(),
        }
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer {
    let look = |period: &Option<String>, unit: &Option<String>| Look {
        period: period.clone(),
        unit: unit.clone(),
        revision: None,
    };
    let first = look(&asked.period, &asked.unit);
    let mut second = look(&asked.with_period, &asked.with_unit);
    if second.period.is_none() && second.unit.is_none() {
        second.period = desk.period_before(first.period.as_deref())?;
    }
    let compared = desk.compare(&first, &second).await?;
    let [one, other] = &compared.sides;
    let page = Page {
        layout: Layout::new(&visitor, "compare-title"),
        sides: [side(&desk, "", one)?, side(&desk, "with_", other)?],
        lines: compared.lines,
    };
    Ok(Html(page.render()?))
}

fn side(desk: &Desk, prefix: &'static str, looked: &Looked) -> Result<Side> {
    let sheet = &looked.sheet;
    let period = desk.period(Some(&sheet.period))?;
    Ok(Side {
        prefix,
        periods: desk.periods(period),
        units: looked.units.clone(),
        period: sheet.period.clone(),
        unit: sheet.unit.clone(),
        title: (sheet.head.period.clone(), sheet.head.scope.clone()),
    })
}
