//! Which months of each org unit stand for a period: the group's, or those of a fiscal year of its own.

use keiki_model::calendar::{Day, Month};
use keiki_model::calendars::{Calendars, GROUP};
use keiki_model::org::Tree;

use crate::evaluate::Slot;

/// Months, and the day at which they are cut. The first may be after the last, where none stands for the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) months: (Month, Month),
    pub(crate) cut: Day,
}

/// The spans of one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timing {
    /// By the number of the calendar.
    spans: Vec<Span>,
    /// Per node of the main tree, the number of the calendar that it follows; none where there is but one.
    numbers: Vec<usize>,
}

impl Timing {
    /// Works out what stands for a period on a tree; nothing later than today does.
    pub(crate) fn new(calendars: &Calendars, slot: &Slot, tree: &Tree, today: Day) -> Self {
        let span = |number| {
            let months = calendars.months(number, slot.period).unwrap_or(slot.months);
            let cut = months.1.last_day().min(today);
            Span { months, cut }
        };
        let spans: Vec<Span> = calendars.numbers().map(span).collect();
        let numbers = if spans.len() > 1 {
            calendars.of_nodes(tree)
        } else {
            Vec::new()
        };
        Self { spans, numbers }
    }

    /// Tells whether the same months stand for the period everywhere.
    pub(crate) fn is_uniform(&self) -> bool {
        self.spans.iter().all(|span| *span == self.spans[GROUP])
    }

    /// All spans by the number of the calendar.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The number of the calendar that a node of the main tree follows.
    pub(crate) fn number_of(&self, node: usize) -> usize {
        self.numbers.get(node).copied().unwrap_or(GROUP)
    }

    /// The number of the calendar that several nodes follow: the group's where they do not follow the same.
    pub(crate) fn number_of_all(&self, nodes: &[usize]) -> usize {
        let mut numbers = nodes.iter().map(|node| self.number_of(*node));
        let first = numbers.next().unwrap_or(GROUP);
        if numbers.all(|number| number == first) {
            first
        } else {
            GROUP
        }
    }

    /// Flags of the nodes of the main tree, each as of the span of the calendar that it follows.
    pub(crate) fn flags(&self, of_span: impl Fn(Span) -> Vec<bool>) -> Vec<bool> {
        let mut flags = of_span(self.spans[GROUP]);
        for (number, span) in self.spans.iter().enumerate().skip(1) {
            let follows = |node: usize| self.number_of(node) == number;
            if *span == self.spans[GROUP] || !(0..flags.len()).any(follows) {
                continue;
            }
            let own = of_span(*span);
            for (node, flag) in flags.iter_mut().enumerate() {
                if follows(node) {
                    *flag = own[node];
                }
            }
        }
        flags
    }
}
