//! What was closed of periods, read once for all that look at it, and what of it a reader has seen.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};

use keiki_model::calendar::Period;
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::statement::{Place, Statement};
use keiki_store::Event;

use crate::config::Workspace;
use crate::error::Result;

/// The closed statements of periods, oldest first.
#[derive(Debug, Default)]
pub(super) struct Closed {
    by_period: HashMap<Period, Vec<Statement>>,
}

impl Closed {
    /// The statements of one period, which were read already.
    pub(super) fn with(period: Period, statements: Vec<Statement>) -> Self {
        Self {
            by_period: HashMap::from([(period, statements)]),
        }
    }

    /// The statements of a period that were read.
    pub(super) fn read(&self, period: Period) -> &[Statement] {
        self.by_period.get(&period).map_or(&[], Vec::as_slice)
    }

    /// The statements of a period.
    ///
    /// # Errors
    /// The book cannot be read.
    pub(super) async fn of(
        &mut self,
        workspace: &Workspace,
        period: Period,
    ) -> Result<&mut Vec<Statement>> {
        if let Entry::Vacant(vacant) = self.by_period.entry(period) {
            let book = workspace.statements().await?;
            let events = book.of_period(&period.to_string()).await?.into_iter();
            let closed = events.filter_map(|recorded| match recorded.event {
                Event::Closed(statement) => Some(statement),
                _ => None,
            });
            vacant.insert(closed.collect());
        }
        Ok(self.by_period.entry(period).or_default())
    }
}

/// What of a KPI was shown of a period by its closed statements, the last word of each figure.
#[derive(Debug, Clone, Default)]
pub(super) struct Reported {
    /// Figures by place: those of the last revision that showed another than the one before.
    pub(super) figures: HashMap<Place, Measurement>,
    /// The org units of which something was withheld.
    pub(super) withheld: BTreeSet<Name>,
}

impl Reported {
    /// Goes on to the next revision: what it says of a figure, and how that is shown.
    pub(super) fn go_on(&mut self, exact: Measurement, shown: &Measurement) {
        if shown.is_withheld() {
            self.withheld.insert(shown.org_unit.clone());
        }
        if !shown.is_held() {
            let place = (exact.no, exact.indicator.clone(), exact.org_unit.clone());
            self.figures.insert(place, exact);
        }
    }
}
