//! What stands around a KPI: what must not get worse with it, what it serves in published frameworks, and published figures.

use super::Direction;
use super::read::decimal;
use crate::document::{Located, Node};
use crate::fraction::Fraction;
use crate::judgement::{Change, Judgement, Verdict};
use crate::problem::Problem;
use crate::text::Text;

/// Which way a counter-indicator gets worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worse {
    /// As its own direction says.
    AgainstItsDirection,
    /// By falling.
    Falling,
    /// By rising.
    Rising,
}

/// An indicator that must not get worse while the KPI gets better: the KPI could be made to look well at its cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counter {
    /// The KPI of the counter-indicator, by number, where it was written.
    pub kpi: u32,
    /// Its code; `None` = that KPI's first.
    pub indicator: Option<Located>,
    /// Which way it gets worse.
    pub worse: Worse,
    /// Why it is looked at.
    pub why: Text,
    /// Where the KPI is named.
    pub place: crate::problem::Place,
}

impl Counter {
    /// Whether the counter-indicator moved the way that it must not, by more than noise, against the period before or a year ago.
    #[must_use]
    pub fn has_got_worse(&self, direction: Direction, judgement: &Judgement) -> bool {
        let falls = match (self.worse, direction) {
            (Worse::Falling, _) | (Worse::AgainstItsDirection, Direction::Higher) => true,
            (Worse::Rising, _) | (Worse::AgainstItsDirection, Direction::Lower) => false,
            (Worse::AgainstItsDirection, Direction::None) => return false,
        };
        let is_worse = |change: &Change| {
            let has_moved = matches!(
                change.verdict,
                Verdict::Better | Verdict::Worse | Verdict::Moved
            );
            has_moved && (change.by < Fraction::whole(0)) == falls
        };
        let changes = [&judgement.previous, &judgement.year_before];
        changes.into_iter().flatten().any(is_worse)
    }
}

/// An item of a published framework.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameworkItem {
    /// The framework's code.
    pub framework: String,
    /// The item's id in it.
    pub id: Located,
}

/// A published figure that an indicator may be held beside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceFigure {
    /// The indicator's code; `None` = the KPI's first.
    pub indicator: Option<Located>,
    /// The figure. *Units*: the indicator's.
    pub value: Fraction,
}

/// Reads `[[counter_indicators]]`.
pub(super) fn counters(node: &Node<'_>) -> Vec<Counter> {
    let counter = |table: &Node<'_>| {
        let place = table.place_of("kpi");
        let kpi = table.required_integer("kpi");
        let indicator = table.located("indicator");
        let worse = table.choice(
            "must_not",
            &[("fall", Worse::Falling), ("rise", Worse::Rising)],
        );
        let why = table.required_text("why");
        table.finish();
        Some(Counter {
            kpi: u32::try_from(kpi?).ok()?,
            indicator,
            worse: worse.unwrap_or(Worse::AgainstItsDirection),
            why: why?,
            place,
        })
    };
    node.list("counter_indicators")
        .iter()
        .filter_map(counter)
        .collect()
}

/// Reads `[frameworks]`: ids by the code of the framework.
pub(super) fn frameworks(node: &Node<'_>) -> Vec<FrameworkItem> {
    let Some(table) = node.table("frameworks") else {
        return Vec::new();
    };
    let mut items = Vec::new();
    for code in crate::framework::CODES {
        let place = table.place_of(code);
        items.extend(table.strings(code).into_iter().map(|value| FrameworkItem {
            framework: code.to_owned(),
            id: Located {
                value,
                place: place.clone(),
            },
        }));
    }
    table.finish();
    items
}

/// Reads `figures` of a reference.
pub(super) fn reference_figures(node: &Node<'_>) -> Vec<ReferenceFigure> {
    let figure = |table: &Node<'_>| {
        let indicator = table.located("indicator");
        let value = decimal(table, "value");
        if value.is_none() && !table.has("value") {
            table.report(Problem::new(
                table.place(),
                Text::new("項目 `value` がありません", "missing key `value`"),
            ));
        }
        table.finish();
        Some(ReferenceFigure {
            indicator,
            value: value?,
        })
    };
    node.list("figures").iter().filter_map(figure).collect()
}
