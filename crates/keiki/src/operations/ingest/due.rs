//! Which sources are due: by their schedule, when they were last read, and how often they failed since.

use jiff::Timestamp;
use keiki_ingest::live::Surroundings;
use keiki_ingest::{InputFile, Source};
use keiki_model::text::Text;
use keiki_store::Standing;

use super::{Confirmation, Ingest, Outcome, What, ingest};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::progress::Silent;

/// The wait after a first failure, in microseconds: a quarter of an hour. It doubles with each further one.
const FIRST_WAIT: i64 = 15 * 60 * 1_000_000;
/// The longest wait after a failure, in microseconds: a day.
const LONGEST_WAIT: i64 = 24 * 60 * 60 * 1_000_000;

/// Reads whatever is due, where any source has a schedule: what a server does again and again.
///
/// # Errors
/// The journal cannot be opened; what befalls one source is in its outcome.
pub async fn read(
    workspace: &Workspace,
    surroundings: &'static dyn Surroundings,
    author: &str,
    now: i64,
) -> Result<Vec<Outcome>> {
    if workspace.sources.iter().all(|one| one.schedule.is_none()) {
        return Ok(Vec::new());
    }
    let asked = Ingest {
        what: What::Due,
        as_of: None,
        covers: Vec::new(),
        extent: None,
        missing: None,
        confirmation: Confirmation::Ask,
        surroundings,
        author: author.to_owned(),
        now,
    };
    ingest(workspace, &asked, &Silent).await
}

/// The sources that have a schedule.
pub(super) fn scheduled(workspace: &Workspace) -> Result<Vec<(Source, Option<Vec<InputFile>>)>> {
    let found: Vec<_> = workspace
        .sources
        .iter()
        .filter(|source| source.schedule.is_some())
        .map(|source| (source.clone(), None))
        .collect();
    if found.is_empty() {
        return Err(Error::user(
            Text::new(
                "スケジュールのある取得元がありません",
                "no source has a schedule",
            ),
            Text::new(
                "取得元の定義に schedule = \"daily at 06:00\" のように書いてください",
                "write schedule = \"daily at 06:00\" and the like into a source's definition",
            ),
        ));
    }
    Ok(found)
}

/// Leaves the sources that are due and that nobody else is reading, and claims them for `claimant` until it releases them.
pub(super) async fn claim(
    workspace: &Workspace,
    wanted: &mut Vec<(Source, Option<Vec<InputFile>>)>,
    (claimant, now): (&str, i64),
) -> Result<()> {
    retain(workspace, wanted, now).await?;
    let readings = workspace.readings().await?;
    let mut claimed = Vec::with_capacity(wanted.len());
    for one in std::mem::take(wanted) {
        if readings.claim(&one.0.name, claimant, now).await? {
            claimed.push(one);
        }
    }
    *wanted = claimed;
    // Somebody may have read one between the look at it and the claim.
    retain(workspace, wanted, now).await
}

/// Leaves the sources that are due.
async fn retain(
    workspace: &Workspace,
    wanted: &mut Vec<(Source, Option<Vec<InputFile>>)>,
    now: i64,
) -> Result<()> {
    let standings = workspace.readings().await?.all().await?;
    let nothing = Standing::default();
    wanted.retain(|(source, _)| {
        let standing = standings.get(&source.name).unwrap_or(&nothing);
        next(workspace, source, standing, now).is_some_and(|at| at <= now)
    });
    Ok(())
}

/// When a source is to be read next, UTC microseconds: not after `now` where it is due. `None` without a schedule.
#[must_use]
pub fn next(workspace: &Workspace, source: &Source, standing: &Standing, now: i64) -> Option<i64> {
    let schedule = source.schedule?;
    let zone = &workspace.settings.zone;
    let days = &workspace.settings.business_days;
    let instant = Timestamp::from_microsecond(now).ok()?;
    let slot = schedule.last(instant, zone, days)?.as_microsecond();
    if standing.succeeded_at.is_some_and(|at| at >= slot) {
        return Some(schedule.next(instant, zone, days)?.as_microsecond());
    }
    match standing.failed_at.filter(|at| *at >= slot) {
        Some(failed_at) => Some(failed_at.saturating_add(wait(standing.failures))),
        None => Some(slot),
    }
}

/// How long a source rests that has failed so often in a row.
fn wait(failures: u32) -> i64 {
    let doubled = failures.saturating_sub(1).min(16);
    (FIRST_WAIT << doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_fails_again_rests_longer_but_not_for_ever() {
        let minutes = |failures| wait(failures) / 60 / 1_000_000;
        let found: Vec<i64> = [1, 2, 3, 7, 8, u32::MAX].map(minutes).to_vec();
        assert_eq!(found, [15, 30, 60, 960, 1440, 1440]);
    }
}
