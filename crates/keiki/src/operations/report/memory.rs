//! Figures of periods before, which reports that need the same hold together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_report::report::Figures;

/// Which figures of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Origin {
    /// Those of a closed revision.
    Closed(u32),
    /// As they were known.
    Known {
        at: i64,
        journal_version: i64,
        edition: i64,
    },
}

/// The figures that reports about the same books hold for one reader. They are here as long as one of those reports is.
/// *Source*: decision 0129.
#[derive(Debug, Default)]
pub struct Memory {
    lists: Mutex<HashMap<(Period, Origin), Held>>,
}

/// Figures as long as a report has them.
type Held = Weak<[Measurement]>;

impl Memory {
    /// The figures of a month that another report holds. What is withheld in a longer period depends on which others are asked for
    /// with it.
    pub(super) fn find(&self, period: Period, origin: Origin) -> Option<Figures> {
        let is_month = matches!(period, Period::Month(_));
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let list = lists.get(&(period, origin)).filter(|_| is_month);
        list.and_then(Weak::upgrade)
    }

    /// Figures for another report: the same list where one report holds the same already.
    pub(super) fn keep(
        &self,
        period: Period,
        origin: Origin,
        figures: Vec<Measurement>,
    ) -> Figures {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let held = lists.get(&(period, origin)).and_then(Weak::upgrade);
        if let Some(held) = held.filter(|held| **held == *figures) {
            return held;
        }
        lists.retain(|_, list| list.strong_count() > 0);
        let figures = Figures::from(figures);
        lists.insert((period, origin), Arc::downgrade(&figures));
        figures
    }
}
