//! The measurements of one indicator in one period: what all of them say is said once, and a row holds what is its own.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Target, Unit};
use keiki_model::measurement::{
    Basis, Coverage, Grounds, Group, Headcount, Measurement, OwnPeriod, Scope, Statistics,
};
use keiki_model::name::Name;
use keiki_model::status::Status;

use super::packed::{Reader, Writer};

/// The measurements of one indicator in one period, in the order of the nodes.
#[derive(Debug)]
pub(crate) struct Rows {
    heading: Heading,
    of_nodes: Box<[Row]>,
    /// The numbers of all rows.
    numbers: Box<[u8]>,
    shared: Box<[Shared]>,
    grounds: Box<[Arc<Grounds>]>,
}

/// What all measurements of one indicator in one period say, but for when they are known.
#[derive(Debug)]
pub(crate) struct Heading {
    pub(crate) no: u32,
    pub(crate) code: Name,
    pub(crate) indicator: Name,
    pub(crate) is_companion: bool,
    pub(crate) hierarchy: Option<Name>,
    pub(crate) scope: Scope,
    pub(crate) tree_on: Option<Name>,
    pub(crate) period: Name,
    /// The day at which it is measured, by the number of the calendar.
    pub(crate) cut_on: Arc<[Name]>,
    pub(crate) unit: Unit,
    pub(crate) definition_version: Name,
    /// Ids of the org units. *Shape*: node.
    pub(crate) units: Arc<[Name]>,
}

/// What a measurement has of its own and nearly always shares with the one before.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shared {
    /// The number of the calendar by which the period is cut.
    pub(crate) calendar: usize,
    pub(crate) own_periods: Vec<OwnPeriod>,
    pub(crate) target: Option<Target>,
}

/// What a measurement has of its own, beside its statistics.
#[derive(Debug)]
pub(crate) struct Own {
    pub(crate) value: Option<Fraction>,
    pub(crate) numerator: Option<Fraction>,
    pub(crate) denominator: Option<Fraction>,
    pub(crate) n: Option<i128>,
    pub(crate) status: Status,
    pub(crate) coverage: Coverage,
    pub(crate) basis: Basis,
}

/// What stands beside the numbers of a row.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// Which of the numbers that may be absent are there, and what is not as in the row before.
    marks: u16,
    status: Status,
    basis: Basis,
}

impl Rows {
    pub(crate) fn len(&self) -> usize {
        self.of_nodes.len()
    }
}

/// Collects rows.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    rows: Vec<Row>,
    numbers: Writer,
    shared: Vec<Shared>,
    grounds: Vec<Arc<Grounds>>,
}

impl Collector {
    pub(crate) fn push(
        &mut self,
        (own, statistics): (&Own, &Statistics),
        shared: &Shared,
        grounds: &Arc<Grounds>,
    ) {
        let is_new = self.shared.last() != Some(shared);
        self.numbers.mark(is_new);
        if is_new {
            self.shared.push(shared.clone());
        }
        let last = self.grounds.last();
        let is_new = last.is_none_or(|last| !Arc::ptr_eq(last, grounds) && last != grounds);
        self.numbers.mark(is_new);
        if is_new {
            self.grounds.push(Arc::clone(grounds));
        }
        write_numbers(own, &mut self.numbers);
        write_statistics(statistics, &mut self.numbers);
        self.rows.push(Row {
            marks: self.numbers.take_marks(),
            status: own.status,
            basis: own.basis,
        });
    }

    /// The rows that were collected, in no more room than they need; the next are begun.
    pub(crate) fn finish(&mut self, heading: Heading) -> Rows {
        let rows = Rows {
            heading,
            of_nodes: self.rows.as_slice().into(),
            numbers: self.numbers.bytes.as_slice().into(),
            shared: self.shared.drain(..).collect(),
            grounds: self.grounds.drain(..).collect(),
        };
        self.rows.clear();
        self.numbers.bytes.clear();
        rows
    }
}

fn write_numbers(own: &Own, to: &mut Writer) {
    to.optional(own.value, Writer::fraction);
    to.optional(own.numerator, Writer::fraction);
    to.optional(own.denominator, Writer::fraction);
    to.optional(own.n, Writer::signed);
    to.unsigned(own.coverage.covered.into());
    to.unsigned(own.coverage.expected.into());
    to.optional(own.coverage.headcount, |to, people| {
        to.signed(people.covered.into());
        to.signed(people.expected.into());
    });
}

fn write_statistics(statistics: &Statistics, to: &mut Writer) {
    to.signed(statistics.unknown);
    to.signed(statistics.undated);
    to.optional(statistics.interval, |to, (low, high)| {
        to.float(low);
        to.float(high);
    });
    to.optional(statistics.open, Writer::signed);
    to.optional(statistics.open_age_max, Writer::fraction);
    to.optional(statistics.unmet, Writer::signed);
    to.optional(statistics.pending, Writer::signed);
    let groups = Some(&statistics.groups).filter(|groups| !groups.is_empty());
    to.optional(groups, |to, groups| {
        to.unsigned(groups.len() as u128);
        for group in groups {
            to.text(&group.name);
            to.fraction(group.value);
            to.signed(group.n);
        }
    });
}

fn statistics(from: &mut Reader<'_>) -> Statistics {
    Statistics {
        unknown: from.signed(),
        undated: from.signed(),
        interval: from.optional(|from| (from.float(), from.float())),
        open: from.optional(Reader::signed),
        open_age_max: from.optional(Reader::fraction),
        unmet: from.optional(Reader::signed),
        pending: from.optional(Reader::signed),
        groups: from.optional(groups).unwrap_or_default(),
    }
}

fn groups(from: &mut Reader<'_>) -> Vec<Group> {
    let count = from.count();
    let group = |_| Group {
        name: from.text(),
        value: from.fraction(),
        n: from.signed(),
    };
    (0..count).map(group).collect()
}

/// Makes whole measurements of rows, one after the other.
#[derive(Debug)]
pub(super) struct Reading {
    of: Arc<Rows>,
    row: usize,
    /// Where the numbers of the next row begin.
    at: usize,
    /// How many of them have been come by.
    shared: usize,
    grounds: usize,
    /// Those of the measurement before: nearly always those of the next.
    statistics: Arc<Statistics>,
}

impl Reading {
    pub(super) fn new(of: Arc<Rows>) -> Self {
        Self {
            of,
            row: 0,
            at: 0,
            shared: 0,
            grounds: 0,
            statistics: Arc::default(),
        }
    }

    /// The next measurement, which is that of a node, as of an instant and a journal version; `None` after the last.
    pub(super) fn next(
        &mut self,
        node: usize,
        (known_at, journal_version): (&Name, i64),
    ) -> Option<Measurement> {
        let Row {
            marks,
            status,
            basis,
        } = *self.of.of_nodes.get(self.row)?;
        self.row += 1;
        let mut from = Reader::new(&self.of.numbers, self.at, marks);
        self.shared += usize::from(from.mark());
        self.grounds += usize::from(from.mark());
        let [value, numerator, denominator] =
            std::array::from_fn(|_| from.optional(Reader::fraction));
        let n = from.optional(Reader::signed);
        let coverage = coverage(&mut from);
        let statistics = statistics(&mut from);
        self.at = from.at;
        if *self.statistics != statistics {
            self.statistics = Arc::new(statistics);
        }
        let heading = &self.of.heading;
        let shared = &self.of.shared[self.shared - 1];
        Some(Measurement {
            no: heading.no,
            code: heading.code.clone(),
            indicator: heading.indicator.clone(),
            is_companion: heading.is_companion,
            org_unit: heading.units[node].clone(),
            hierarchy: heading.hierarchy.clone(),
            scope: heading.scope,
            tree_on: heading.tree_on.clone(),
            period: heading.period.clone(),
            cut_on: heading.cut_on[shared.calendar].clone(),
            own_periods: shared.own_periods.clone(),
            known_at: known_at.clone(),
            value,
            unit: heading.unit,
            numerator,
            denominator,
            n,
            target: shared.target,
            status,
            coverage,
            basis,
            definition_version: heading.definition_version.clone(),
            journal_version,
            statistics: Arc::clone(&self.statistics),
            grounds: Arc::clone(&self.of.grounds[self.grounds - 1]),
        })
    }
}

fn coverage(from: &mut Reader<'_>) -> Coverage {
    let units = |number| u32::try_from(number).expect("it was written as such a number");
    let people = |number| i64::try_from(number).expect("it was written as such a number");
    Coverage {
        covered: units(from.unsigned()),
        expected: units(from.unsigned()),
        headcount: from.optional(|from| Headcount {
            covered: people(from.signed()),
            expected: people(from.signed()),
        }),
    }
}
