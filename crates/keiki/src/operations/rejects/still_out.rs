//! Which rejected rows are still out, by their numbers: the rows themselves are read when a page shows them.

use keiki_store::{Afterwards, Journal, Outcome, Snapshot, StoredReject};

use crate::error::Result;

/// Where a rejected row stands among all: its commit, and its number among the rejects of that commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The commit.
    pub seq: i64,
    /// Its number, from 0, in the order of files and rows.
    pub number: u32,
}

/// The rows of a commit that are still out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutOf {
    /// The commit.
    pub seq: i64,
    /// The source.
    pub source: String,
    numbers: Vec<u32>,
}

impl OutOf {
    /// How many they are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }
}

/// The rows that neither a later reading mended nor one replaced, those of the latest commit first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StillOut {
    /// The commits, the latest first.
    pub commits: Vec<OutOf>,
}

/// Some of them, as a page shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shown {
    /// The rows with their places.
    pub rows: Vec<(Place, StoredReject)>,
    /// How many there are in all.
    pub count: usize,
    /// How many come before these.
    pub before: usize,
    /// The row after which the page before these begins; `None` within: at the beginning.
    pub previous: Option<Option<Place>>,
    /// The row after which the next page begins, where there is one.
    pub next: Option<Place>,
}

/// Looks through all rejects, a commit at a time. *Units*: four bytes a row are kept.
///
/// # Errors
/// The journal cannot be read.
pub async fn still_out(journal: &Journal, snapshot: &Snapshot) -> Result<StillOut> {
    let aftermath = journal.aftermath(snapshot).await?;
    let mut found = StillOut::default();
    for batch in journal.rejecting(snapshot).await?.iter().rev() {
        let stored = journal.rejects_of(snapshot, batch.seq, batch.seq).await?;
        let mut out = OutOf {
            seq: batch.seq,
            source: batch.source.clone(),
            numbers: Vec::new(),
        };
        for at in 0..stored.len() {
            let reject = stored.get(at)?;
            let is_out = reject.outcome == Outcome::Rejected;
            if is_out && aftermath.of(&reject) == Afterwards::Open {
                out.numbers.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
        }
        if !out.is_empty() {
            found.commits.push(out);
        }
    }
    Ok(found)
}

impl StillOut {
    /// The rows of some commits that come after a place, at most so many.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn show(
        &self,
        journal: &Journal,
        is_mine: impl Fn(&OutOf) -> bool,
        after: Option<Place>,
        most: usize,
    ) -> Result<Shown> {
        let commits: Vec<&OutOf> = self.commits.iter().filter(|one| is_mine(one)).collect();
        let count = commits.iter().map(|one| one.len()).sum();
        let before = after.map_or(0, |after| {
            commits.iter().map(|one| passed(one, after)).sum()
        });
        let places = self::places(&commits, before).take(most + 1);
        let mut places: Vec<Place> = places.collect();
        let is_more = places.len() > most;
        places.truncate(most);
        let snapshot = journal.snapshot().await?;
        let mut rows = Vec::new();
        for of_commit in places.chunk_by(|one, other| one.seq == other.seq) {
            let seq = of_commit[0].seq;
            let stored = journal.rejects_of(&snapshot, seq, seq).await?;
            for place in of_commit {
                let at = usize::try_from(place.number).unwrap_or(usize::MAX);
                if at < stored.len() {
                    rows.push((*place, stored.get(at)?));
                }
            }
        }
        let previous = (before > 0).then(|| {
            let first = before.saturating_sub(most);
            first
                .checked_sub(1)
                .and_then(|last| self::places(&commits, last).next())
        });
        Ok(Shown {
            next: places.last().copied().filter(|_| is_more),
            rows,
            count,
            before,
            previous,
        })
    }
}

/// How many rows of a commit stand up to a place.
fn passed(one: &OutOf, after: Place) -> usize {
    match one.seq.cmp(&after.seq) {
        std::cmp::Ordering::Greater => one.len(),
        std::cmp::Ordering::Equal => one
            .numbers
            .partition_point(|number| *number <= after.number),
        std::cmp::Ordering::Less => 0,
    }
}

/// The places of the rows, without the first few.
fn places<'c>(commits: &'c [&'c OutOf], skipped: usize) -> impl Iterator<Item = Place> + 'c {
    let mut skipped = skipped;
    let rests = commits.iter().map(move |one| {
        let here = skipped.min(one.len());
        skipped -= here;
        (one.seq, &one.numbers[here..])
    });
    rests.flat_map(|(seq, numbers)| {
        numbers.iter().map(move |number| Place {
            seq,
            number: *number,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(seq: i64, numbers: &[u32]) -> OutOf {
        OutOf {
            seq,
            source: "assets".to_owned(),
            numbers: numbers.to_vec(),
        }
    }

    #[test]
    fn places_go_on_where_the_ones_before_ended_whatever_was_mended_in_between() {
        let (later, earlier) = (out(9, &[0, 2, 5]), out(4, &[1, 7]));
        let commits = [&later, &earlier];
        let found: Vec<(i64, u32)> = places(&commits, 2)
            .map(|one| (one.seq, one.number))
            .collect();
        assert_eq!(found, [(9, 5), (4, 1), (4, 7)]);
        // Row 2 of commit 9 came in meanwhile: what comes after it is what came after it before.
        let place = Place { seq: 9, number: 2 };
        let mended = out(9, &[0, 5]);
        let before = passed(&mended, place) + passed(&earlier, place);
        let commits = [&mended, &earlier];
        assert_eq!(
            places(&commits, before).next(),
            Some(Place { seq: 9, number: 5 })
        );
        assert_eq!(passed(&later, Place { seq: 4, number: 1 }), 3);
        assert_eq!(passed(&earlier, Place { seq: 4, number: 1 }), 1);
    }
}
