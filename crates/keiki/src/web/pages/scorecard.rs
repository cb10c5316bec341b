//! `/scorecard`: how an org unit stands in a period, in the order in which a director asks.

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use keiki_report::report::Figure;

use crate::operations::office::Desk;
use crate::operations::office::figures::Looked;
use crate::web::choosing::{Asked, Chooser, query};
use crate::web::drawing::{Drawing, svg};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// KPIs that stand alike, by name.
struct Alike {
    title: &'static str,
    names: Vec<Named>,
}

struct Named {
    no: u32,
    name: String,
}

/// The kinds of standing, in the order in which they are read; each with the words of its statuses.
const STANDINGS: [(&str, &[&str]); 5] = [
    ("scorecard-missed", &["missed", "behind"]),
    ("scorecard-unknown", &["no_data", "provisional", "too_few"]),
    ("scorecard-near", &["near"]),
    ("scorecard-waived", &["waived"]),
    ("scorecard-met", &["met", "on_pace"]),
];

#[derive(Template)]
#[template(path = "scorecard.html")]
struct Page<'p> {
    layout: Layout<'p>,
    looked: Looked,
    chooser: Chooser,
    standings: Vec<Alike>,
    heat: Option<Drawing>,
    bridges: Vec<Drawing>,
}

impl Page<'_> {
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn bullet(&self, figure: &Figure) -> String {
        let chart = figure.bullet.as_ref().filter(|_| !figure.target.is_empty());
        svg(chart, &format!("b-{}", figure.indicator))
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn spark(&self, figure: &Figure) -> String {
        svg(figure.spark.as_ref(), &format!("s-{}", figure.indicator))
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn rows(&self, no: &u32, indicator: &str) -> String {
        let (period, unit) = (&self.chooser.period, &self.chooser.unit);
        let query = query(&[
            ("period", period),
            ("unit", unit),
            ("revision", &self.chooser.revision),
            ("indicator", indicator),
        ]);
        format!("/kpis/{no}/rows?{query}")
    }

    fn of_unit(&self, unit: &str) -> String {
        let query = query(&[
            ("period", &self.chooser.period),
            ("unit", unit),
            ("revision", &self.chooser.revision),
        ]);
        format!("/scorecard?{query}")
    }

    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn turned(&self, figure: &Figure) -> String {
        let moved = figure.previous.as_ref();
        moved.map_or_else(String::new, |moved| {
            format!("{} {}", moved.mark, moved.word)
        })
    }
}

pub(in crate::web) async fn show(
    visitor: Visitor,
    desk: Desk,
    Query(asked): Query<Asked>,
) -> Answer {
    let looked = desk.look(&asked.look()).await?;
    let chooser = Chooser::new(&desk, "/scorecard", &looked)?;
    let sheet = &looked.sheet;
    let kpis = || sheet.groups.iter().flat_map(|group| &group.kpis);
    let alike = |(title, codes): (&'static str, &[&str])| Alike {
        title,
        names: kpis()
            .filter(|kpi| {
                let mut figures = kpi.figures.iter();
                figures.any(|figure| codes.contains(&figure.status.code))
            })
            .map(|kpi| Named {
                no: kpi.no,
                name: kpi.name.clone(),
            })
            .collect(),
    };
    let standings = STANDINGS.into_iter().map(alike);
    let standings = standings.filter(|alike| !alike.names.is_empty()).collect();
    let bridges = sheet.restated.iter().flatten().enumerate();
    let bridges = bridges.filter_map(|(at, one)| {
        let chart = one.bridge.as_ref()?;
        Some(Drawing::new(chart, &format!("r{at}")))
    });
    let page = Page {
        layout: Layout::titled(&visitor, sheet.head.title.clone()),
        standings,
        heat: sheet.heat.as_ref().map(|chart| Drawing::new(chart, "heat")),
        bridges: bridges.take(6).collect(),
        chooser,
        looked: looked.clone(),
    };
    Ok(Html(page.render()?))
}
