//! One value from which every edition of a statement is rendered: all figures, words and charts, in the reader's language.
//!
//! PDF, Excel, HTML and the rest take what they show from here, so that they cannot disagree. *Source*: decision 0041.

mod beside;
mod charts;
mod durations;
mod figure;
mod front;
mod glossary;
mod groups;
mod history;
mod incidents;
mod judged;
mod periods;
mod placed;
mod reliance;
mod remarks;

use std::sync::Arc;

use keiki_model::calendars::Calendars;
use keiki_model::catalogue::Catalogue;
use keiki_model::fraction::Fraction;
use keiki_model::judgement::Judgement;
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::restatement::Bridge;
use keiki_model::standing::KpiStatuses;
use keiki_model::statement::{Place, Restated, Statement};
use keiki_model::text::{Language, Text};
use serde::Serialize;

use crate::chart::Chart;
use crate::scorecard::{self, Names};
use crate::{format, sentence};
use history::History;

pub use beside::{CounterPart, ReferencePart, must_not};
pub use durations::Distributed;
pub use figure::{Figure, Standing, value as shown};
pub use front::{Fact, Front, Item, Lag, Worse};
pub use glossary::Entry;
pub(crate) use groups::unit;
pub use groups::{GroupPart, KpiPart, UnitFigure};
pub use incidents::{Effect, Serious, serious};
pub use judged::{Judged, Movement};
pub use periods::{Finality, period_label, period_name};
pub use placed::Placed;
pub use reliance::{Missing, Reliance, RestatedPeriod};
pub use remarks::ActionPart;

/// A figure that differs from another revision, with what moved it.
#[derive(Debug, Clone)]
pub struct Moved {
    /// The figure in both.
    pub restated: Restated,
    /// How far evidence that became known since moved it, then definitions and programme, then the org tree.
    pub bridge: Bridge,
}

/// Figures that several reports may hold.
pub type Figures = Arc<[Measurement]>;

/// The figures of a period before the statement's.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// The period as written.
    pub period: Name,
    /// The revision that was reported first; `None` where the period was not closed when the statement was.
    pub revision: Option<u32>,
    /// The figures as they were reported first, else as they were known.
    pub measurements: Figures,
    /// The last revision by then, where there was a later one.
    pub restated: Option<Later>,
}

/// A later revision of a period before.
#[derive(Debug, Clone)]
pub struct Later {
    /// Its number.
    pub revision: u32,
    /// Its figures.
    pub measurements: Figures,
}

/// What a report is built from.
#[derive(Debug)]
pub struct Source<'s> {
    /// The statement.
    pub statement: &'s Statement,
    /// What kind of figures these are: as reported, as restated, not closed.
    pub kind: Text,
    /// Until when what became known is in the figures, and whether they are closed.
    pub finality: Finality,
    /// When it was closed and by whom, reason and second person, a line each.
    pub remarks: Vec<String>,
    /// The names of what the figures speak of.
    pub names: Names<'s>,
    /// The fiscal calendars.
    pub calendars: &'s Calendars,
    /// The organisation's name.
    pub organisation: &'s str,
    /// The org unit whose figures make the scorecard.
    pub root: &'s str,
    /// The measurements that are shown.
    pub measurements: Placed<'s>,
    /// The periods before, oldest first. What they hold of org units that are not shown is not looked at.
    pub earlier: &'s [Earlier],
    /// What differs from the revision before; `None` where there is none.
    pub restated: Option<&'s [Moved]>,
}

impl Source<'_> {
    /// The text in the reader's language.
    pub(crate) fn say<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        match self.names.language {
            Language::Ja => ja,
            Language::En => en,
        }
    }

    /// The figures of the root that stand for themselves.
    pub(crate) fn of_root(&self) -> impl Iterator<Item = &Measurement> {
        self.measurements
            .iter()
            .filter(|one| one.org_unit == *self.root && !one.is_companion)
    }
}

/// What the statement says of itself.
#[derive(Debug, Clone, Serialize)]
pub struct Head {
    /// The reader's language.
    pub language: Language,
    /// The title.
    pub title: String,
    /// The organisation.
    pub organisation: String,
    /// The org unit whose figures are shown first.
    pub scope: String,
    /// The period as written in data.
    pub period_code: String,
    /// The period in words.
    pub period: String,
    /// What kind of figures these are.
    pub kind: String,
    /// When it was closed, or that it is not and until when it knows.
    pub finality: String,
    /// Who closed it.
    pub closed_by: String,
    /// The journal version.
    pub journal_version: i64,
    /// When it was closed and by whom, reason and second person, a line each.
    pub remarks: Vec<String>,
    /// Why it was closed although something stood in the way.
    pub reason: Option<String>,
    /// Who agreed.
    pub agreed_by: Option<String>,
    /// What stood in the way, a line each.
    pub obstacles: Vec<String>,
    /// The same by kind, where it is much.
    pub obstacles_in_brief: Vec<String>,
}

/// A figure that was restated.
#[derive(Debug, Clone, Serialize)]
pub struct RestatedPart {
    /// The KPI.
    pub no: u32,
    /// The indicator.
    pub name: String,
    /// The org unit.
    pub org_unit: String,
    /// The indicator's code and the org unit's id, where they lead somewhere.
    #[serde(skip)]
    pub place: (String, String),
    /// As it was, as it is, and how far it moved.
    pub before: String,
    /// As it is.
    pub after: String,
    /// How far evidence moved it.
    pub by_evidence: String,
    /// How far definitions, targets and programme moved it.
    pub by_definitions: String,
    /// How far the org tree moved it.
    pub by_tree: String,
    /// The way from one to the other.
    pub bridge: Option<Chart>,
}

/// A statement as it is put before a reader.
#[derive(Debug, Serialize)]
pub struct Report<'s> {
    /// What it is built from.
    #[serde(skip)]
    pub source: &'s Source<'s>,
    /// How each KPI stands as one thing, for each org unit.
    #[serde(skip)]
    pub of_kpis: KpiStatuses<'s>,
    /// What the statement says of itself.
    pub head: Head,
    /// The first page.
    pub front: Front,
    /// How far the figures can be relied on.
    pub reliance: Reliance,
    /// How every KPI with a target stands in every company; `None` where there are no companies.
    pub heat: Option<Chart>,
    /// The groups of KPIs.
    pub groups: Vec<GroupPart>,
    /// What was restated; `None` where there is no revision before.
    pub restated: Option<Vec<RestatedPart>>,
    /// The words.
    pub glossary: Vec<Entry>,
}

/// Whether forecasts are held against what came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Testing {
    /// They are not.
    #[default]
    Untested,
    /// Each forecast says how good earlier ones would have been. It takes a fit for every period before.
    Tested,
}

impl<'s> Report<'s> {
    /// Builds the report.
    #[must_use]
    pub fn new(source: &'s Source<'s>) -> Self {
        Self::tested(source, Testing::Untested)
    }

    /// Builds the report, with forecasts that were held against what came where that is wanted.
    #[must_use]
    pub fn tested(source: &'s Source<'s>, testing: Testing) -> Self {
        let definitions = (source.names.catalogue, source.calendars);
        let history = History::new(source.earlier, source.measurements.all(), definitions);
        let reliance = Reliance::new(source);
        let of_kpis = KpiStatuses::new(source.measurements.all());
        Self {
            head: head(source),
            front: Front::new(source, &history, &reliance),
            heat: charts::heat(source),
            groups: groups::groups(source, &history, (&of_kpis, testing)),
            restated: source
                .restated
                .map(|moved| moved.iter().map(|one| restated(source, one)).collect()),
            glossary: glossary::glossary(source.names.language),
            reliance,
            of_kpis,
            source,
        }
    }

    /// The text in the reader's language.
    pub(crate) fn say<'t>(&self, ja: &'t str, en: &'t str) -> &'t str {
        self.source.say(ja, en)
    }
}

/// What the values of an org unit's own figures say together, by their place; companions are left out.
#[must_use]
pub fn judgements(
    measurements: &[Measurement],
    earlier: &[Earlier],
    definitions: (&Catalogue, &Calendars),
    org_unit: &str,
) -> Vec<(Place, Judgement)> {
    let history = History::new(earlier, measurements, definitions);
    let own = measurements
        .iter()
        .filter(|one| one.org_unit == *org_unit && !one.is_companion);
    own.map(|one| {
        let place = (one.no, one.indicator.clone(), one.org_unit.clone());
        (place, history.judgement(one))
    })
    .collect()
}

fn head(source: &Source<'_>) -> Head {
    let language = source.names.language;
    let statement = source.statement;
    let period = period_name(&statement.period, language);
    let title = Text::new(
        format!("{period} KPI報告書"),
        format!("KPI statement, {period}"),
    );
    Head {
        language,
        title: title.get(language).to_owned(),
        organisation: source.organisation.to_owned(),
        scope: source.names.org_unit(source.root),
        period_code: statement.period.to_string(),
        period,
        kind: source.kind.get(language).to_owned(),
        finality: source.finality.text(language).get(language).to_owned(),
        closed_by: statement.closed_by.clone(),
        journal_version: statement.journal_version,
        remarks: source.remarks.clone(),
        reason: statement.reason.clone(),
        agreed_by: statement.agreed_by.clone(),
        obstacles: statement
            .obstacles
            .iter()
            .map(|one| {
                sentence::obstacle(one, &source.names)
                    .get(language)
                    .to_owned()
            })
            .collect(),
        obstacles_in_brief: sentence::obstacles_in_brief(&statement.obstacles, &source.names)
            .into_iter()
            .map(|one| one.get(language).to_owned())
            .collect(),
    }
}

fn restated(source: &Source<'_>, moved: &Moved) -> RestatedPart {
    let language = source.names.language;
    let (no, indicator, org_unit) = &moved.restated.place;
    let (before, after) = (&moved.restated.before, &moved.restated.after);
    let unit = after
        .as_ref()
        .or(before.as_ref())
        .map_or(keiki_model::kpi::Unit::Count, |one| one.unit);
    let value = |one: &Option<Measurement>| {
        format::optional_figure(one.as_ref().and_then(|one| one.value), unit, language)
    };
    let by = |by: Option<Fraction>| {
        by.map_or_else(
            || format::NOTHING.to_owned(),
            |by| format::difference(by, unit, language),
        )
    };
    RestatedPart {
        no: *no,
        name: figure::name(source, *no, indicator),
        org_unit: source.names.org_unit(org_unit),
        place: (indicator.to_string(), org_unit.to_string()),
        before: value(before),
        after: value(after),
        by_evidence: if after.as_ref().is_some_and(Measurement::is_held) {
            scorecard::few(language).to_owned()
        } else {
            by(moved.bridge.evidence)
        },
        by_definitions: by(moved.bridge.definitions),
        by_tree: by(moved.bridge.tree),
        bridge: charts::bridge(source, moved),
    }
}
