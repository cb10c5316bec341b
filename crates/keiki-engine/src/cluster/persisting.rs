//! What becomes of work that failed: for a reason that passes it is given again, for one that stays it is not.

use std::time::Duration;

use keiki_model::text::Text;

use super::share::not_on_cluster;
use crate::error::{EngineError, Result};

/// How often a cluster that is there is given the same work.
const ATTEMPTS: u32 = 3;

/// How often one after the other a scheduler is called that is not there: it may be starting.
const CALLS: u32 = 8;

/// How long is waited in between.
const PAUSE: Duration = Duration::from_secs(2);

/// Why work was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// For a reason that stays: the same work fails again.
    Lasting(EngineError),
    /// For a reason that may pass: a worker was lost, a store did not answer, an answer was not whole.
    Passing(EngineError),
    /// There is no scheduler now.
    Unreached(EngineError),
}

/// For how long and how often work is given.
#[derive(Debug, Clone, Copy)]
pub(super) struct Persistence {
    /// For how long in all.
    patience: Duration,
    pause: Duration,
}

impl Persistence {
    pub(super) fn new(patience: Duration) -> Self {
        Self {
            patience,
            pause: PAUSE,
        }
    }

    /// Gives work until it is done, cannot be done, or there is no patience left.
    pub(super) async fn give<T, W>(self, mut work: impl FnMut() -> W) -> Result<T>
    where
        W: Future<Output = std::result::Result<T, Failure>>,
    {
        let mut last = None;
        let tried = self.tries(&mut work, &mut last);
        let tried = tokio::time::timeout(self.patience, tried).await;
        match tried {
            Ok(done) => done,
            Err(_) => Err(self.at_its_end(last)),
        }
    }

    async fn tries<T, W>(
        self,
        work: &mut impl FnMut() -> W,
        last: &mut Option<EngineError>,
    ) -> Result<T>
    where
        W: Future<Output = std::result::Result<T, Failure>>,
    {
        let (mut attempts, mut calls) = (0, 0);
        loop {
            let error = match work().await {
                Ok(done) => return Ok(done),
                Err(Failure::Lasting(error)) => return Err(error),
                Err(Failure::Passing(error)) => {
                    (attempts, calls) = (attempts + 1, 0);
                    error
                }
                Err(Failure::Unreached(error)) => {
                    calls += 1;
                    error
                }
            };
            if attempts == ATTEMPTS || calls == CALLS {
                return Err(error);
            }
            tracing::warn!(%error, attempts, calls, "the cluster is asked again");
            *last = Some(error);
            tokio::time::sleep(self.pause).await;
        }
    }

    fn at_its_end(self, last: Option<EngineError>) -> EngineError {
        let seconds = self.patience.as_secs();
        let before = last.map(said).unwrap_or_default();
        let (mut ja, mut en) = (
            format!("{seconds}秒待っても結果が返りませんでした"),
            format!("there was no answer within {seconds} seconds"),
        );
        if !before.en.is_empty() {
            ja = format!("{ja}。直前の失敗: {}", before.ja);
            en = format!("{en}; before that: {}", before.en);
        }
        not_on_cluster(ja, en)
    }
}

/// What an error says, without whom it is of.
pub(super) fn said(error: EngineError) -> Text {
    match error {
        EngineError::Cluster { why, .. } => *why,
        other => other.message(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn error(word: &str) -> EngineError {
        not_on_cluster(word, word)
    }

    /// What comes of work that fails so each time, and how often it was given.
    fn given(
        patience: Duration,
        outcome: impl Fn(u32) -> std::result::Result<u32, Failure>,
    ) -> (std::result::Result<u32, String>, u32) {
        let count = Cell::new(0);
        let persistence = Persistence {
            patience,
            pause: Duration::ZERO,
        };
        let work = || {
            count.set(count.get() + 1);
            let outcome = outcome(count.get());
            async move { outcome }
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build();
        let done = runtime.expect("a runtime").block_on(persistence.give(work));
        (done.map_err(|error| error.to_string()), count.get())
    }

    const LONG: Duration = Duration::from_hours(1);

    #[test]
    fn what_fails_for_a_reason_that_stays_is_given_once() {
        let (done, count) = given(LONG, |_| Err(Failure::Lasting(error("another version"))));
        let words = "the cluster could not measure: another version";
        assert_eq!((done, count), (Err(words.to_owned()), 1));
    }

    #[test]
    fn what_fails_for_a_reason_that_passes_is_given_again() {
        let twice = |count| match count {
            1 | 2 => Err(Failure::Passing(error("a worker was lost"))),
            _ => Ok(7),
        };
        assert_eq!(given(LONG, twice), (Ok(7), 3));
        let (done, count) = given(LONG, |_| Err(Failure::Passing(error("damaged"))));
        let words = "the cluster could not measure: damaged";
        assert_eq!((done, count), (Err(words.to_owned()), ATTEMPTS));
    }

    #[test]
    fn a_scheduler_that_is_starting_is_called_more_often() {
        let later = |count| {
            if count < CALLS {
                Err(Failure::Unreached(error("refused")))
            } else {
                Ok(1)
            }
        };
        assert_eq!(given(LONG, later), (Ok(1), CALLS));
        let (done, count) = given(LONG, |_| Err(Failure::Unreached(error("refused"))));
        assert_eq!((done.is_err(), count), (true, CALLS));
    }

    #[test]
    fn at_the_end_of_patience_it_is_said_what_failed_before() {
        let persistence = Persistence::new(Duration::from_secs(30));
        assert_eq!(
            persistence.at_its_end(None).to_string(),
            "the cluster could not measure: there was no answer within 30 seconds"
        );
        assert_eq!(
            persistence
                .at_its_end(Some(error("no workers")))
                .to_string(),
            "the cluster could not measure: there was no answer within 30 seconds; before that: no workers"
        );
        let (done, _) = given(Duration::ZERO, |_| Err(Failure::Passing(error("x"))));
        assert!(done.is_err());
    }
}
