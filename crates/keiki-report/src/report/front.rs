//! The first page: at most ten figures, in the order in which a director asks.

use keiki_model::fraction::Fraction;
use keiki_model::judgement::{Judgement, Verdict};
use keiki_model::kpi::{Direction, Unit};
use keiki_model::measurement::Measurement;
use keiki_model::status::Status;
use keiki_model::text::Text;
use serde::Serialize;

use super::charts;
use super::figure::{Figure, definition};
use super::history::{History, moved_by};
use super::incidents::{self, Serious};
use super::{Reliance, Source, remarks};
use crate::format;

/// The most figures of the first page.
const FIGURES_MOST: usize = 10;
/// The most indicators that got worse, and the most companies that lag, which are named.
const WORSE_MOST: usize = 3;
const LAG_MOST: usize = 3;
/// The most org units that are named of those that have not reported.
const MISSING_MOST: usize = 12;
/// The most KPIs of a company that are named.
const NAMED_MOST: usize = 6;

/// A figure of the first page with what it says.
#[derive(Debug, Clone, Serialize)]
pub struct Fact {
    /// The figure.
    pub value: String,
    /// What it is.
    pub label: String,
    /// What belongs to it.
    pub note: String,
    /// The indicator whose figure it is, by its code; empty where it is of none.
    #[serde(skip)]
    pub indicator: &'static str,
}

/// An indicator that got worse.
#[derive(Debug, Clone, Serialize)]
pub struct Worse {
    /// The KPI.
    pub no: u32,
    /// The figure.
    pub figure: Figure,
    /// What it was in the period before.
    pub before: String,
    /// Why: the explanation that was given, else which companies moved it.
    pub cause: String,
}

/// A company that lags.
#[derive(Debug, Clone, Serialize)]
pub struct Lag {
    /// The company's id.
    pub id: String,
    /// The company.
    pub org_unit: String,
    /// How many indicators it misses.
    pub missed: String,
    /// Which ones.
    pub indicators: String,
}

/// Something to decide, or to answer for.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// What it is about.
    pub what: String,
    /// Who, until when, and how it stands.
    pub note: String,
}

/// The first page.
#[derive(Debug, Clone, Serialize)]
pub struct Front {
    /// Serious incidents.
    pub incidents: Vec<Fact>,
    /// What belongs to them.
    pub incidents_note: String,
    /// The same as numbers: of the root, then of each company that has any.
    #[serde(skip)]
    pub serious: Vec<Serious>,
    /// What got worse and why.
    pub worse: Vec<Worse>,
    /// Which companies lag, by name.
    pub lags: Vec<Lag>,
    /// What the board is asked to decide.
    pub asked: Vec<Item>,
    /// What became of what it asked for before.
    pub instructed: Vec<Item>,
    /// How far the figures can be relied on.
    pub reliance: Vec<Fact>,
}

impl Front {
    pub(super) fn new(source: &Source<'_>, history: &History<'_>, reliance: &Reliance) -> Self {
        let serious = incidents::by_company(source);
        let incidents = incidents::facts(source, &serious);
        let reliance = relied(source, reliance);
        let left = FIGURES_MOST - incidents.len() - reliance.len();
        let mut worse = worse(source, history);
        let mut lags = lags(source);
        // What got worse comes first, and leaves room for a company or two.
        let kept_for_lags = lags.len().min(left / 2);
        worse.truncate(WORSE_MOST.min(left - kept_for_lags));
        lags.truncate(LAG_MOST.min(left - worse.len()));
        Self {
            incidents,
            incidents_note: incidents::note(source, &serious),
            serious,
            worse,
            lags,
            asked: remarks::asked(source),
            instructed: remarks::instructed(source),
            reliance,
        }
    }

    /// How many figures the page carries.
    #[must_use]
    pub fn figure_count(&self) -> usize {
        self.incidents.len() + self.worse.len() + self.lags.len() + self.reliance.len()
    }
}

/// An indicator that got worse, as it is put in order.
struct Worsened<'s> {
    /// Whether it met its target in the period before and does not now.
    has_fallen: bool,
    /// How far it moved, as a share of its target.
    share: Fraction,
    one: &'s Measurement,
    before: &'s Measurement,
    judgement: Judgement,
}

/// The indicators that got worse by more than noise, or no longer meet their target: those whose status fell first, then those
/// that moved most of their target's way.
fn worse(source: &Source<'_>, history: &History<'_>) -> Vec<Worse> {
    let mut found: Vec<Worsened<'_>> = source
        .of_root()
        .filter_map(|one| worsened(source, history, one))
        .collect();
    found.sort_by_key(|one| std::cmp::Reverse((one.has_fallen, one.share)));
    let language = source.names.language;
    found
        .into_iter()
        .map(|of| Worse {
            no: of.one.no,
            figure: Figure::new(source, history, of.one, &of.judgement),
            before: format::optional_figure(of.before.value, of.before.unit, language),
            cause: cause(source, history, of.one),
        })
        .collect()
}

fn worsened<'s>(
    source: &Source<'_>,
    history: &History<'s>,
    one: &'s Measurement,
) -> Option<Worsened<'s>> {
    let (_, indicator) = definition(source, one)?;
    let before = history.previous(one)?;
    let judgement = history.changes(one);
    let change = judgement.previous.as_ref()?;
    // How often something happened in a month says little without a target.
    let is_count = one.unit == Unit::Count && one.target.is_none();
    if !is_judged(one.status) || is_count || !is_for_the_worse(change.by, indicator.direction) {
        return None;
    }
    let has_fallen = is_good(before.status) && !is_good(one.status);
    if !has_fallen && change.verdict != Verdict::Worse {
        return None;
    }
    let scale = one
        .target
        .and_then(|target| target.at_least.or(target.at_most))
        .or(before.value)
        .filter(|scale| *scale != Fraction::whole(0));
    let share = scale.and_then(|scale| relative(change.by, scale));
    Some(Worsened {
        has_fallen,
        share: share.unwrap_or(Fraction::whole(0)),
        one,
        before,
        judgement,
    })
}

fn is_for_the_worse(by: Fraction, direction: Direction) -> bool {
    let zero = Fraction::whole(0);
    match direction {
        Direction::Higher => by < zero,
        Direction::Lower => by > zero,
        Direction::None => false,
    }
}

/// The size of a movement against a scale.
fn relative(by: Fraction, scale: Fraction) -> Option<Fraction> {
    let size = if by < Fraction::whole(0) {
        by.times(Fraction::whole(-1))?
    } else {
        by
    };
    size.times(Fraction::new(scale.denominator(), scale.numerator())?)
}

fn is_good(status: Status) -> bool {
    matches!(status, Status::Met | Status::OnPace)
}

fn is_judged(status: Status) -> bool {
    !matches!(
        status,
        Status::NoData | Status::Provisional | Status::TooFew | Status::NotApplicable
    )
}

/// Why a figure got worse: what somebody said, else which companies moved it, else that nobody said.
fn cause(source: &Source<'_>, history: &History<'_>, one: &Measurement) -> String {
    let language = source.names.language;
    let explained = remarks::explanation(source, one);
    let Some((_, indicator)) = definition(source, one).filter(|_| explained.is_empty()) else {
        return explained;
    };
    let companies = source
        .measurements
        .of_companies((one.no, &one.indicator), source.root);
    let mut movers: Vec<(Fraction, &Measurement)> = companies
        .filter_map(|other| {
            let by = moved_by(history.previous(other)?, other)?;
            is_for_the_worse(by, indicator.direction).then_some((by, other))
        })
        .collect();
    movers
        .sort_by_key(|(by, _)| std::cmp::Reverse(relative(*by, Fraction::whole(1)).unwrap_or(*by)));
    if movers.is_empty() {
        let unknown = source.say("原因は記録されていません。", "No cause is on record.");
        return unknown.to_owned();
    }
    let named: Vec<String> = movers
        .iter()
        .take(2)
        .map(|(by, other)| {
            let by = format::difference(*by, other.unit, language);
            format!("{} {by}", source.names.org_unit(&other.org_unit))
        })
        .collect();
    Text::new(
        format!("主な要因となった会社: {}", named.join("、")),
        format!("Moved most by: {}", named.join(", ")),
    )
    .get(language)
    .to_owned()
}

/// The companies that miss the most indicators.
fn lags(source: &Source<'_>) -> Vec<Lag> {
    let companies = source.measurements.by_company(source.root).into_iter();
    let mut found: Vec<(&str, Vec<&Measurement>)> = companies
        .map(|(company, figures)| (company, charts::missed(&figures).collect::<Vec<_>>()))
        .filter(|(_, missed)| !missed.is_empty())
        .collect();
    found.sort_by_key(|(_, missed)| std::cmp::Reverse(missed.len()));
    found
        .into_iter()
        .map(|(company, missed)| Lag {
            id: company.to_owned(),
            org_unit: source.names.org_unit(company),
            missed: Text::new(
                format!("{}指標", missed.len()),
                format!("{} indicators", missed.len()),
            )
            .get(source.names.language)
            .to_owned(),
            indicators: named(source, &missed),
        })
        .collect()
}

/// The KPIs of some figures, the first few by name.
fn named(source: &Source<'_>, figures: &[&Measurement]) -> String {
    let mut numbers: Vec<u32> = figures.iter().map(|one| one.no).collect();
    numbers.dedup();
    let mut names: Vec<String> = numbers
        .iter()
        .take(NAMED_MOST)
        .map(|no| format!("{no} {}", source.names.kpi(*no)))
        .collect();
    let rest = numbers.len().saturating_sub(NAMED_MOST);
    if rest > 0 {
        let more = Text::new(format!("ほか{rest}"), format!("{rest} more"));
        names.push(more.get(source.names.language).to_owned());
    }
    names.join(source.say("、", ", "))
}

fn relied(source: &Source<'_>, reliance: &Reliance) -> Vec<Fact> {
    let language = source.names.language;
    let mut missing: Vec<String> = reliance
        .missing
        .iter()
        .take(MISSING_MOST)
        .map(|one| {
            if one.kpis.len() > NAMED_MOST {
                let count = one.kpis.len();
                let many = Text::new(format!("({count} KPI)"), format!(" ({count} KPIs)"));
                return format!("{}{}", one.org_unit, many.get(language));
            }
            let kpis: Vec<String> = one.kpis.iter().map(u32::to_string).collect();
            format!(
                "{} (KPI {})",
                one.org_unit,
                kpis.join(source.say("・", ", "))
            )
        })
        .collect();
    let rest = reliance.missing.len() - missing.len();
    if rest > 0 {
        let more = Text::new(
            format!("ほか{rest}組織(Excel版の「証跡の概要」に指標ごとに記載)"),
            format!("{rest} more, which the Excel edition names by indicator under Evidence"),
        );
        missing.push(more.get(language).to_owned());
    }
    let missing = if missing.is_empty() {
        source
            .say("全社から報告あり", "everyone has reported")
            .to_owned()
    } else {
        Text::new(
            format!("未報告: {}", missing.join("、")),
            format!("Not reported: {}", missing.join(", ")),
        )
        .get(language)
        .to_owned()
    };
    vec![
        Fact {
            value: reliance.coverage.clone(),
            label: source.say("報告充足率", "coverage").to_owned(),
            note: missing,
            indicator: "",
        },
        Fact {
            value: reliance.reported.clone(),
            label: source
                .say("報告集計値を含む指標", "of figures rest on reported totals")
                .to_owned(),
            note: reliance.reported_parts.clone(),
            indicator: "",
        },
        Fact {
            value: reliance.restated.clone(),
            label: source
                .say(
                    "前の版から訂正した指標",
                    "figures restated since the revision before",
                )
                .to_owned(),
            note: reliance.restated_note.clone(),
            indicator: "",
        },
    ]
}
