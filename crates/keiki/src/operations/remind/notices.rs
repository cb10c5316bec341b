//! What is worth telling: evidence that is owed for a period, and what changed of figures, sources and statements.

use keiki_model::access::Right;
use keiki_model::calendar::{Day, Month, Period, date_of, local_day};
use keiki_model::org::Tree;
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use keiki_report::scorecard::Names;
use keiki_store::{Event, Notices, SeenStatus, StoreError};

use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::coverage::{self, Owed, Timeliness};
use crate::operations::measure::{self, Measure};
use crate::operations::programme::Run;
use crate::operations::statement;
use crate::progress::Silent;

/// How long something that happened is told. *Units*: microseconds.
const TOLD_MICROS: i64 = 7 * 86_400_000_000;
/// How many business days before the cut-off somebody is reminded.
const REMINDED_DAYS: u32 = 2;

/// On what occasion something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Occasion {
    /// Evidence is asked for, since a period has ended.
    Request,
    /// Evidence is still missing, and the cut-off is near.
    Reminder,
    /// Evidence is missing after the cut-off.
    Late,
    /// Evidence has become stale.
    Stale,
    /// A source could not be read.
    SourceFailed,
    /// A figure stands otherwise than before.
    StatusChanged,
    /// A period was closed.
    Closed,
    /// A period was opened again.
    Reopened,
    /// A closed period was restated.
    Restated,
}

impl Occasion {
    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reminder => "reminder",
            Self::Late => "late",
            Self::Stale => "stale",
            Self::SourceFailed => "source_failed",
            Self::StatusChanged => "status_changed",
            Self::Closed => "closed",
            Self::Reopened => "reopened",
            Self::Restated => "restated",
        }
    }

    /// Whether it is about what somebody owes.
    pub(super) fn is_personal(self) -> bool {
        matches!(self, Self::Request | Self::Reminder)
    }

    /// The right that those have whom it concerns.
    pub(super) fn right(self) -> Right {
        match self {
            Self::Request | Self::Reminder | Self::Late | Self::Stale => Right::Submit,
            Self::SourceFailed => Right::SeeEvidence,
            Self::StatusChanged => Right::Explain,
            Self::Closed | Self::Reopened | Self::Restated => Right::See,
        }
    }
}

/// Something worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What makes it the same as another.
    pub key: String,
    /// On what occasion.
    pub occasion: Occasion,
    /// What it says.
    pub text: Text,
    /// The org unit that it is about; `None` = the whole tree.
    pub unit: Option<String>,
    /// The path of the page that shows more.
    pub path: String,
}

/// All that is worth telling now, whoever was told of it.
pub(super) async fn due(workspace: &Workspace, ledger: &Notices, run: &Run) -> Result<Vec<Notice>> {
    let asked = coverage::Asked {
        org_unit: None,
        now: run.now,
    };
    let owed = coverage::list(workspace, &asked).await?;
    let mut notices = requests(workspace, &owed, run);
    notices.extend(stale(workspace, &owed));
    notices.extend(failed_sources(workspace).await?);
    notices.extend(status_changes(workspace, ledger, run).await?);
    notices.extend(statements(workspace, run).await?);
    Ok(notices)
}

fn names(workspace: &Workspace, language: Language) -> Names<'_> {
    Names {
        catalogue: &workspace.catalogue,
        organisation: &workspace.organisation,
        hierarchies: &workspace.hierarchies,
        language,
    }
}

fn title(workspace: &Workspace, dataset: &str) -> Text {
    let found = workspace.catalogue.datasets.get(dataset);
    found.map_or_else(|| Text::quoted(dataset), |one| one.title.clone())
}

/// What is asked for since a period has ended that is not closed: at first, when the cut-off is near, and after it.
fn requests(workspace: &Workspace, owed: &[Owed], run: &Run) -> Vec<Notice> {
    let settings = &workspace.settings;
    let today = local_day(run.now, &settings.zone);
    let notice = |one: &Owed| {
        let asked = one.asked?;
        let due_on = asked.due_on?;
        let near = settings.business_days.before(due_on, REMINDED_DAYS);
        let occasion = match today {
            today if today > due_on => Occasion::Late,
            today if today >= near => Occasion::Reminder,
            _ => Occasion::Request,
        };
        let period = asked.period.to_string();
        let dataset = title(workspace, &one.dataset);
        Some(Notice {
            key: format!(
                "{}:{period}:{}:{}",
                occasion.code(),
                one.org_unit,
                one.dataset
            ),
            occasion,
            text: asked_for(one, &dataset, (&period, due_on), occasion),
            unit: Some(one.org_unit.clone()),
            path: "/todo".to_owned(),
        })
    };
    owed.iter().filter_map(notice).collect()
}

fn asked_for(
    owed: &Owed,
    dataset: &Text,
    (period, cut_off): (&str, Day),
    occasion: Occasion,
) -> Text {
    let day = date_of(cut_off);
    let (unit, ja, en) = (&owed.name, &dataset.ja, &dataset.en);
    match occasion {
        Occasion::Late => Text::new(
            format!(
                "{}の「{ja}」({period}分)は、提出期限の{day}を過ぎています",
                unit.ja
            ),
            format!(
                "{}: {en} for {period} was due by {day} and is late",
                unit.en
            ),
        ),
        Occasion::Reminder => Text::new(
            format!(
                "{}の「{ja}」({period}分)が未提出です。提出期限は{day}です",
                unit.ja
            ),
            format!(
                "{}: {en} for {period} is still missing; it is due by {day}",
                unit.en
            ),
        ),
        _ => Text::new(
            format!(
                "{}の「{ja}」({period}分)を{day}までに提出してください",
                unit.ja
            ),
            format!("{}: please send {en} for {period} by {day}", unit.en),
        ),
    }
}

/// Evidence that was there and has become too old.
fn stale(workspace: &Workspace, owed: &[Owed]) -> Vec<Notice> {
    let stale = owed
        .iter()
        .filter(|one| one.timeliness == Timeliness::Overdue);
    let notice = |one: &Owed| {
        let until = one
            .until
            .map_or_else(String::new, |day| date_of(day).to_string());
        let dataset = title(workspace, &one.dataset);
        Notice {
            key: format!("stale:{}:{}:{until}", one.org_unit, one.dataset),
            occasion: Occasion::Stale,
            text: Text::new(
                format!(
                    "{}の「{}」は{until}時点のもので、古くなっています",
                    one.name.ja, dataset.ja
                ),
                format!(
                    "{}: {} of {until} has become stale",
                    one.name.en, dataset.en
                ),
            ),
            unit: Some(one.org_unit.clone()),
            path: "/evidence".to_owned(),
        }
    };
    stale.map(notice).collect()
}

/// Sources that could not be read: told once until they can be again.
async fn failed_sources(workspace: &Workspace) -> Result<Vec<Notice>> {
    let standings = workspace.readings().await?.all().await?;
    let failed = standings.into_iter().filter_map(|(source, standing)| {
        standing.failed_at?;
        let reason = standing.reason.unwrap_or_default();
        Some(Notice {
            key: format!("source:{source}:{}", standing.succeeded_at.unwrap_or(0)),
            occasion: Occasion::SourceFailed,
            text: Text::new(
                format!("取得元「{source}」を読み取れませんでした: {}", reason.ja),
                format!("the source {source} could not be read: {}", reason.en),
            ),
            unit: None,
            path: "/evidence".to_owned(),
        })
    });
    Ok(failed.collect())
}

/// Figures of companies that stand otherwise than when they were looked at last.
async fn status_changes(workspace: &Workspace, ledger: &Notices, run: &Run) -> Result<Vec<Notice>> {
    let today = local_day(run.now, &workspace.settings.zone);
    let period = Period::Month(Month::of(today).plus(-1));
    let asked = Measure::of_all(period, run.now);
    let measured = match measure::measure(workspace, &asked, &Silent).await {
        Err(Error::Store(StoreError::NoJournal(_))) => return Ok(Vec::new()),
        found => found?,
    };
    let tree = workspace.organisation.tree(today);
    let mut seen = ledger.statuses().await?;
    let mut changed = Vec::new();
    for one in measured
        .iter()
        .filter(|one| !one.is_companion && is_entity(&tree, &one.org_unit))
    {
        let figure = format!("{} {} {}", one.no, one.indicator, one.org_unit);
        let status = one.status.code().to_owned();
        let before = seen.get(&figure);
        if before.is_some_and(|before| before.status == status) {
            continue;
        }
        let now = SeenStatus {
            period: one.period.to_string(),
            status,
            before: before.map(|before| before.status.clone()),
            since: run.now,
        };
        seen.insert(figure.clone(), now.clone());
        changed.push((figure, now));
    }
    ledger.see(&changed).await?;
    let recent = seen
        .into_iter()
        .filter(|(_, one)| one.since >= run.now - TOLD_MICROS);
    Ok(recent
        .filter_map(|(figure, one)| status_change(workspace, &figure, &one))
        .collect())
}

fn is_entity(tree: &Tree, unit: &str) -> bool {
    let position = tree.position(unit);
    position.is_some_and(|position| {
        let node = &tree.nodes()[position];
        node.id == unit && node.kind.is_entity() && unit != keiki_model::org::UNASSIGNED
    })
}

fn status_change(workspace: &Workspace, figure: &str, seen: &SeenStatus) -> Option<Notice> {
    let mut words = figure.splitn(3, ' ');
    let (no, indicator, unit) = (words.next()?.parse().ok()?, words.next()?, words.next()?);
    let title = |code: &str| {
        let mut all = Status::all();
        let found = all.find(|status| status.code() == code);
        found.map_or_else(|| Text::quoted(code), Status::title)
    };
    let (before, now) = (title(seen.before.as_deref()?), title(&seen.status));
    let said = |language: Language| {
        let names = names(workspace, language);
        let (before, now) = (before.get(language), now.get(language));
        let (unit, indicator) = (names.org_unit(unit), names.indicator(no, indicator));
        match language {
            Language::Ja => format!("{unit} {no} {indicator}({}): {before} → {now}", seen.period),
            Language::En => format!(
                "{unit}, {no} {indicator} ({}): {before} → {now}",
                seen.period
            ),
        }
    };
    Some(Notice {
        key: format!(
            "status:{figure}:{}:{}:{}",
            seen.period, seen.status, seen.since
        ),
        occasion: Occasion::StatusChanged,
        text: Text::new(said(Language::Ja), said(Language::En)),
        unit: Some(unit.to_owned()),
        path: format!("/kpis/{no}?unit={unit}&period={}", seen.period),
    })
}

/// What happened to statements of late.
async fn statements(workspace: &Workspace, run: &Run) -> Result<Vec<Notice>> {
    let events = statement::events(workspace).await?;
    let notices = events.iter().filter_map(|recorded| {
        let (at, occasion, text) = match &recorded.event {
            Event::Closed(one) if one.revision > 1 => (
                one.closed_at,
                Occasion::Restated,
                Text::new(
                    format!(
                        "{}のKPI報告書を訂正しました(第{}版)",
                        one.period, one.revision
                    ),
                    format!(
                        "the statement of {} was restated (revision {})",
                        one.period, one.revision
                    ),
                ),
            ),
            Event::Closed(one) => (
                one.closed_at,
                Occasion::Closed,
                Text::new(
                    format!("{}のKPI報告書を締めました", one.period),
                    format!("the statement of {} was closed", one.period),
                ),
            ),
            Event::Reopened { period, at, .. } => (
                *at,
                Occasion::Reopened,
                Text::new(
                    format!("{period}の締めを解除しました"),
                    format!("{period} was opened again"),
                ),
            ),
            Event::Noted { .. } | Event::Preliminary { .. } => return None,
        };
        (at >= run.now - TOLD_MICROS).then(|| Notice {
            key: format!("statement:{}", recorded.number),
            occasion,
            text,
            unit: None,
            path: format!("/scorecard?period={}", recorded.event.period()),
        })
    });
    Ok(notices.collect())
}
