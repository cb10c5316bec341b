//! `/compare`: two periods, two org units, or both, side by side.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use keiki_report::report::Figure;
use serde::Deserialize;

use super::difference::difference_at;
use crate::error::Result;
use crate::operations::office::comparing::{ComparedLine, Meaning};
use crate::operations::office::figures::{Look, Looked};
use crate::operations::office::{Desk, PeriodChoice, UnitChoice};
use crate::web::choosing::At;
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

impl Side {
    fn at(&self) -> At<'_> {
        At {
            period: &self.period,
            unit: &self.unit,
            revision: "",
        }
    }
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
        self.sides[*at].at().rows(line.no, &line.indicator)
    }

    /// Where a difference leads.
    fn difference(&self, line: &ComparedLine) -> String {
        let [one, other] = [self.sides[0].at(), self.sides[1].at()];
        difference_at([one, other], line.no, &line.indicator)
    }

    fn kpi(&self, line: &ComparedLine) -> String {
        self.sides[1].at().kpi(line.no)
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn figures<'l>(&self, line: &'l ComparedLine) -> Vec<(usize, Option<&'l Figure>)> {
        let figures = line.figures.iter().map(Option::as_ref);
        figures.enumerate().collect()
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn colour(&self, line: &ComparedLine) -> &'static str {
        colour(line.meaning)
    }

    /// What a difference means, in a word.
    fn word(&self, line: &ComparedLine) -> String {
        word(line.meaning, &self.layout)
    }
}

/// The colour of a difference.
pub(super) fn colour(meaning: Meaning) -> &'static str {
    match meaning {
        Meaning::Better => "better",
        Meaning::Worse => "worse",
        Meaning::Neither => "soft",
    }
}

/// What a difference means, in a word.
pub(super) fn word(meaning: Meaning, layout: &Layout<'_>) -> String {
    match meaning {
        Meaning::Better => layout.say("compare-better"),
        Meaning::Worse => layout.say("compare-worse"),
        Meaning::Neither => String::new(),
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
