//! `/scorecard`: how an org unit stands in a period, in the order in which a director asks.

use std::collections::{HashMap, HashSet};

use askama::Template;
use axum::extract::Query;
use axum::response::Html;
use keiki_model::access::Right;
use keiki_report::report::{Fact, Figure, KpiPart, Missing, Movement, RestatedPart, UnitFigure};

use super::difference::difference_at;
use crate::operations::office::Desk;
use crate::operations::office::figures::Looked;
use crate::web::choosing::{Asked, At, Chooser};
use crate::web::drawing::{Drawing, svg};
use crate::web::failure::Answer;
use crate::web::layout::Layout;
use crate::web::visitor::Visitor;

/// KPIs that stand alike, by name.
struct Alike {
    title: &'static str,
    colour: &'static str,
    shape: &'static str,
    names: Vec<Named>,
}

struct Named {
    no: u32,
    name: String,
}

/// A kind of standing: the id of its title, its colour and shape, and the words of its statuses.
type Kind = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// The kinds of standing, in the order in which they are read.
const STANDINGS: [Kind; 8] = [
    ("scorecard-missed", "bad", "▼", &["missed"]),
    ("scorecard-behind", "bad", "▼", &["behind"]),
    (
        "scorecard-unknown",
        "warning",
        "○",
        &["no_data", "provisional", "too_few"],
    ),
    ("scorecard-near", "warning", "▲", &["near"]),
    ("scorecard-waived", "plain", "◇", &["waived"]),
    ("scorecard-met", "good", "●", &["met"]),
    ("scorecard-on-pace", "good", "●", &["on_pace"]),
    (
        "scorecard-unjudged",
        "faint",
        "–",
        &["no_target", "not_due", "none_occurred", "not_applicable"],
    ),
];

/// The KPI beside which the catalogue counts serious incidents.
const INCIDENTS: u32 = 23;

/// The most companies that are shown side by side, and the most org units that are listed of those that have not reported.
const COMPANIES_MOST: usize = 24;
const MISSING_MOST: usize = 50;

/// A KPI in every company.
struct HeatRow<'s> {
    no: u32,
    name: &'s str,
    /// In the order of the columns; `None` where it does not concern the company.
    cells: Vec<Option<&'s UnitFigure>>,
}

#[derive(Template)]
#[template(path = "scorecard.html")]
struct Page<'p> {
    layout: Layout<'p>,
    looked: Looked,
    chooser: Chooser,
    standings: Vec<Alike>,
    /// Where it is seen what evidence is there; empty where the reader does not see that.
    evidence: &'static str,
    /// The bridges, each with the number of the restatement whose it is.
    bridges: Vec<(usize, Drawing)>,
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
        self.chooser.at().rows(*no, indicator)
    }

    /// The records of the same in the period with which it is compared.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn rows_before(&self, no: &u32, indicator: &str, moved: &Movement) -> String {
        let revision = self.looked.sheet.reported_as(&moved.period);
        let before = self.chooser.at().before(&moved.period, &revision);
        before.rows(*no, indicator)
    }

    /// The records of a restated figure as it was reported before.
    fn reported(&self, one: &RestatedPart) -> String {
        let [before, _] = self.revisions();
        self.of_restated(one, &before).rows(one.no, &one.place.0)
    }

    /// The records of a restated figure as it is.
    fn restated(&self, one: &RestatedPart) -> String {
        let [_, now] = self.revisions();
        self.of_restated(one, &now).rows(one.no, &one.place.0)
    }

    /// The revisions between which something was restated: the one before, or the last that was closed, and the one that is shown.
    fn revisions(&self) -> [String; 2] {
        match self.looked.sheet.revision {
            Some(now) => [now.saturating_sub(1), now].map(|one| one.to_string()),
            None => [String::new(), "now".to_owned()],
        }
    }

    fn of_restated<'a>(&'a self, one: &'a RestatedPart, revision: &'a str) -> At<'a> {
        At {
            period: &self.chooser.period,
            unit: &one.place.1,
            revision,
        }
    }

    /// What was restated, and where.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn restated_title(&self, at: &usize) -> String {
        let mut restated = self.looked.sheet.restated.iter().flatten();
        restated.nth(*at).map_or_else(String::new, |one| {
            format!("{} {} · {}", one.no, one.name, one.org_unit)
        })
    }

    /// The bridge of a restatement, whose ends lead to the two figures and its steps to what lies between them.
    fn leading(&self, at: usize, bridge: Drawing) -> Drawing {
        let mut restated = self.looked.sheet.restated.iter().flatten();
        let Some(one) = restated.nth(at) else {
            return bridge;
        };
        let last = bridge.shown.rows.len().saturating_sub(1);
        bridge.leading(|(row, _), _| match row {
            0 => Some(self.reported(one)),
            row if row == last => Some(self.restated(one)),
            _ => Some(self.bridge(one)),
        })
    }

    /// What lies between a figure as it was reported before and as it is.
    fn bridge(&self, one: &RestatedPart) -> String {
        let [before, now] = self.revisions();
        let sides = [&now, &before].map(|revision| self.of_restated(one, revision));
        let opened = difference_at(sides, one.no, &one.place.0);
        format!("{opened}#bridge")
    }

    /// Figures that rest on totals which somebody reported, or on what was published.
    fn on_totals(&self) -> Vec<(u32, &Figure)> {
        let kpis = self
            .looked
            .sheet
            .groups
            .iter()
            .flat_map(|group| &group.kpis);
        let figures = kpis.flat_map(|kpi| kpi.figures.iter().map(move |one| (kpi.no, one)));
        figures.filter(|(_, one)| !one.basis.is_empty()).collect()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn name(&self, no: &u32) -> &str {
        self.looked.sheet.kpi(*no).map_or("", |kpi| &kpi.name)
    }

    fn of_unit(&self, unit: &str) -> String {
        self.chooser.at().unit(unit).scorecard()
    }

    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn kpi_of(&self, no: &u32, unit: &str) -> String {
        self.chooser.at().unit(unit).kpi(*no)
    }

    /// Where a figure of serious incidents leads; empty where the KPI is not adopted.
    fn incidents(&self, fact: &Fact) -> String {
        let has_it = self.looked.sheet.kpi(INCIDENTS).is_some();
        if has_it {
            self.chooser.at().rows(INCIDENTS, fact.indicator)
        } else {
            String::new()
        }
    }

    /// Whether a difference is none: nothing lies behind it.
    #[expect(clippy::unused_self, reason = "templates call methods")]
    fn is_nothing(&self, by: &str) -> bool {
        !by.contains(|c| matches!(c, '1'..='9'))
    }

    /// The KPIs that are judged in some company.
    fn judged(&self) -> impl Iterator<Item = &KpiPart> {
        let kpis = self.looked.sheet.groups.iter();
        let is_judged =
            |one: &UnitFigure| !matches!(one.kpi_status.code, "no_target" | "not_applicable");
        kpis.flat_map(|group| &group.kpis)
            .filter(move |kpi| kpi.companies.iter().any(is_judged))
    }

    /// How many figures miss their targets or are behind; the front says the same of companies.
    fn lagging(&self) -> usize {
        let kpis = self.looked.sheet.groups.iter();
        let figures = kpis
            .flat_map(|group| &group.kpis)
            .flat_map(|kpi| &kpi.figures);
        let lags = |one: &&Figure| matches!(one.status.code, "missed" | "behind");
        figures.filter(lags).count()
    }

    /// All companies, by id and name.
    fn all_companies(&self) -> Vec<(&str, &str)> {
        let mut found: Vec<(&str, &str)> = Vec::new();
        let mut known: HashSet<&str> = HashSet::new();
        let mut kpis: Vec<&KpiPart> = self.judged().collect();
        // The KPI that concerns most of them has them in the order of the tree.
        kpis.sort_by_key(|kpi| std::cmp::Reverse(kpi.companies.len()));
        for one in kpis.into_iter().flat_map(|kpi| &kpi.companies) {
            if known.insert(&one.id) {
                found.push((&one.id, &one.org_unit));
            }
        }
        found
    }

    /// The companies, as columns: of very many those that miss most.
    fn companies(&self) -> Vec<(&str, &str)> {
        let mut companies = self.all_companies();
        if companies.len() <= COMPANIES_MOST {
            return companies;
        }
        let mut missed: HashMap<&str, usize> = HashMap::new();
        for one in self.judged().flat_map(|kpi| &kpi.companies) {
            if matches!(one.kpi_status.code, "missed" | "behind") {
                *missed.entry(&one.id).or_default() += 1;
            }
        }
        companies.sort_by_key(|(id, _)| std::cmp::Reverse(missed.get(id).copied()));
        companies.truncate(COMPANIES_MOST);
        companies
    }

    /// How many companies there are, where not all are shown; else 0.
    fn companies_of(&self) -> usize {
        let count = self.all_companies().len();
        if count > COMPANIES_MOST { count } else { 0 }
    }

    /// The org units that have not reported, as far as they are listed.
    fn missing(&self) -> &[Missing] {
        let missing = &self.looked.sheet.reliance.missing;
        &missing[..missing.len().min(MISSING_MOST)]
    }

    /// How many more there are.
    fn missing_more(&self) -> usize {
        self.looked.sheet.reliance.missing.len() - self.missing().len()
    }

    /// How every KPI stands in every company that is shown.
    fn heat(&self) -> Vec<HeatRow<'_>> {
        let companies = self.companies();
        let mut rows = Vec::new();
        for kpi in self.judged() {
            let by_id = kpi.companies.iter().map(|one| (one.id.as_str(), one));
            let by_id: HashMap<&str, &UnitFigure> = by_id.collect();
            let cell = |(id, _): &(&str, &str)| by_id.get(id).copied();
            rows.push(HeatRow {
                no: kpi.no,
                name: &kpi.name,
                cells: companies.iter().map(cell).collect(),
            });
        }
        rows
    }

    /// What lies between a figure and an earlier one.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    fn difference(&self, no: &u32, indicator: &str, moved: &Movement) -> String {
        let revision = self.looked.sheet.reported_as(&moved.period);
        let at = self.chooser.at();
        difference_at([at, at.before(&moved.period, &revision)], *no, indicator)
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
    let alike = |(title, colour, shape, codes): Kind| Alike {
        title,
        colour,
        shape,
        names: kpis()
            .filter(|kpi| codes.contains(&kpi.status.code))
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
        Some((at, Drawing::new(chart, &format!("r{at}"))))
    });
    let bridges: Vec<(usize, Drawing)> = bridges.collect();
    let mut page = Page {
        layout: Layout::titled(&visitor, sheet.head.title.clone()),
        standings,
        evidence: if desk.who().scope.allows(Right::SeeEvidence) {
            "/evidence"
        } else {
            ""
        },
        bridges: Vec::new(),
        chooser,
        looked: looked.clone(),
    };
    page.bridges = bridges
        .into_iter()
        .map(|(at, drawing)| (at, page.leading(at, drawing)))
        .collect();
    Ok(Html(page.render()?))
}
