//! How far the close of a period is: its days, what came late, who has certified, and what stands in the way.

use keiki_model::calendar::{Day, Period, local_day};
use keiki_model::statement::Obstacle;
use keiki_store::Event;

use super::super::certify;
use super::super::closed::Closed;
use super::super::disclosure;
use super::super::measure::root;
use super::super::obstacles::{obstacles, retain_shown};
use super::super::programme::Run;
use super::{as_known, ended, last_closed};
use crate::config::{Opening, Workspace};
use crate::error::Result;
use crate::progress::Progress;

/// How far the close of a period is.
#[derive(Debug, Clone)]
pub struct CloseStatus {
    /// The last day on which evidence is taken, that of the preliminary close and that of the final close; absent where the
    /// workspace has no close calendar.
    pub days: Option<[Day; 3]>,
    /// The day of the question.
    pub today: Day,
    /// When the preliminary close was, UTC microseconds, and by whom.
    pub preliminary: Option<(i64, String)>,
    /// The revision that was closed last.
    pub revision: Option<u32>,
    /// What came in after the cut-off.
    pub late: Vec<LateEvidence>,
    /// Who is to certify, and whether that was done.
    pub certifications: Vec<certify::Listed>,
    /// What stands in the way now.
    pub obstacles: Vec<Obstacle>,
}

/// Evidence that came in after the cut-off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateEvidence {
    /// The source.
    pub source: String,
    /// The commit.
    pub seq: i64,
    /// The day on which it came.
    pub on: Day,
}

/// Tells how far the close of a period is. Nothing is closed.
///
/// # Errors
/// The period has not ended, or cannot be measured.
pub async fn status(
    workspace: &Workspace,
    period: Period,
    run: &Run,
    progress: &dyn Progress,
) -> Result<CloseStatus> {
    let end = ended(workspace, period, run.now)?;
    let settings = &workspace.settings;
    let days = settings.close.days.map(|days| {
        [days.cut_off, days.preliminary, days.last]
            .map(|number| settings.business_days.after(end, number))
    });
    let name = period.to_string();
    let events = workspace.statements().await?.of_period(&name).await?;
    let preliminary = events
        .iter()
        .rev()
        .find_map(|recorded| match &recorded.event {
            Event::Preliminary { at, by, .. } => Some((*at, by.clone())),
            _ => None,
        });
    let mut statement = as_known(workspace, period, run, progress).await?;
    let root = root(workspace, None, end);
    let certifications = certify::list(workspace, &statement);
    let mut obstacles = obstacles(workspace, period, &statement, &root).await?;
    let closed = events.iter().filter_map(|recorded| match &recorded.event {
        Event::Closed(closed) => Some(closed.clone()),
        _ => None,
    });
    let mut closed = Closed::with(period, closed.collect());
    disclosure::withhold_statement(workspace, &mut statement, &mut closed, run, progress).await?;
    retain_shown(&mut obstacles, &statement.measurements);
    Ok(CloseStatus {
        days,
        today: local_day(run.now, &settings.zone),
        preliminary,
        revision: last_closed(&events).map(|closed| closed.revision),
        late: late(workspace, days.map(|[cut_off, ..]| cut_off), end).await?,
        certifications,
        obstacles,
    })
}

/// The batches that came after the cut-off and speak for a day of the period or before.
async fn late(workspace: &Workspace, cut_off: Option<Day>, end: Day) -> Result<Vec<LateEvidence>> {
    let Some(cut_off) = cut_off else {
        return Ok(Vec::new());
    };
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    let zone = &workspace.settings.zone;
    let batches = snapshot.batches().iter();
    let late = batches.filter_map(|batch| {
        let on = local_day(batch.known_at, zone);
        (on > cut_off && batch.as_of <= end).then(|| LateEvidence {
            source: batch.source.clone(),
            seq: batch.seq,
            on,
        })
    });
    Ok(late.collect())
}
