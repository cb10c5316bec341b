//! The way from an earlier figure of a period to a later one: what became known since, then what definitions moved, then the org tree; down
//! to the entries, when they became known and in which batch.

use std::sync::Arc;

use keiki_engine::Part;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::restatement::Difference;
use keiki_model::statement::{Place, Restated};
use keiki_report::{format, scorecard};

use super::Desk;
use super::differing::moved;
use super::rows::{Opened, People, ROWS_ON_PAGE};
use crate::error::Result;
use crate::operations::programme::Run;
use crate::operations::statement::{self, Moving, Wanted};
use crate::operations::trial::HIDDEN;
use crate::progress::Silent;

/// What lies between two figures of a period, as it is kept: it is the same for every reader.
#[derive(Debug)]
pub(super) struct Found {
    /// `None` where they do not differ.
    difference: Option<Difference>,
    /// `None` where they are kept from readers, since they are of few people.
    entries: Option<Vec<Moving>>,
}

/// The way from an earlier figure of a period to a later one.
#[derive(Debug, Clone)]
pub struct Bridged {
    /// Which of the two sides is the earlier one.
    pub earlier: usize,
    /// The earlier figure and the later one.
    pub ends: [String; 2],
    /// What evidence moved that became known between them, then definitions and programme, then the org tree.
    pub steps: [String; 3],
    /// The same as numbers; `None` where a figure on the way is not known.
    pub amounts: [Option<Fraction>; 3],
    /// Why, in words, and as words in data.
    pub causes: Vec<(String, &'static str)>,
    /// Whether it is of few people: nothing else is told then.
    pub is_of_few: bool,
    /// The entries that moved it, a page of them; `None` where they are kept from readers, since they are of few people.
    pub entries: Option<Entries>,
}

/// The entries that moved a figure, one page of them.
#[derive(Debug, Clone)]
pub struct Entries {
    /// The entries.
    pub lines: Vec<EntryLine>,
    /// How many there are.
    pub count: usize,
    /// This page, from 1.
    pub page: usize,
    /// The last page.
    pub pages: usize,
    /// Whether a key names people.
    pub is_personal: bool,
}

/// A record that moved a figure.
#[derive(Debug, Clone)]
pub struct EntryLine {
    /// The part of the formula: its code and title.
    pub part: (String, String),
    /// The record's key.
    pub key: String,
    /// What it added before and what it adds after; a dash where it was not in it.
    pub amounts: [String; 2],
    /// By how much that is more.
    pub by: String,
    /// When that became known, in the workspace's zone, and as UTC microseconds.
    pub known_at: (String, i64),
    /// The commit that brought it.
    pub seq: i64,
    /// The batch of that commit.
    pub batch: String,
    /// Its source.
    pub source: String,
    /// Whether the reader may open that reading.
    pub is_open: bool,
}

impl Desk {
    /// The way between two figures of one org unit and period, from the one that was known earlier; `None` where there is none.
    pub(super) async fn bridged(
        &self,
        sides: [&Opened<'_>; 2],
        page: usize,
    ) -> Result<Option<Bridged>> {
        let [one, other] = sides;
        let known = sides.map(|side| side.board.statement().closed_at);
        let is_of_one = one.board.period() == other.board.period() && one.unit == other.unit;
        if !is_of_one || known[0] == known[1] {
            return Ok(None);
        }
        let earlier = usize::from(known[1] < known[0]);
        let (before, after) = (sides[earlier], sides[1 - earlier]);
        let found = self.found(before, after).await?;
        let Some(difference) = &found.difference else {
            return Ok(None);
        };
        let language = self.who.language;
        let bridge = difference.bridge;
        let amounts = [bridge.evidence, bridge.definitions, bridge.tree];
        let step = |by: Option<Fraction>| {
            by.map_or_else(
                || format::NOTHING.to_owned(),
                |by| format::difference(by, difference.unit, language),
            )
        };
        let causes = difference.causes.iter();
        let value =
            |side: &Opened<'_>| scorecard::value(&side.explained.explanation.measurement, language);
        let entries = found.entries.as_ref().filter(|_| !difference.is_of_few);
        Ok(Some(Bridged {
            earlier,
            ends: [value(before), value(after)],
            steps: amounts.map(step),
            amounts,
            causes: causes
                .map(|cause| (cause.title().get(language).to_owned(), cause.code()))
                .collect(),
            is_of_few: difference.is_of_few,
            entries: entries.map(|all| self.entries(all, sides, (page, difference.unit))),
        }))
    }

    /// What lies between two figures, found once for all readers.
    async fn found(&self, before: &Opened<'_>, after: &Opened<'_>) -> Result<Arc<Found>> {
        let place: Place = (
            before.kpi.no,
            before.indicator.code.as_str().into(),
            before.unit.as_str().into(),
        );
        let period = before.board.period();
        let both = [before, after].map(|side| side.board.statement());
        let known = both.map(|statement| statement.closed_at);
        let key = (self.books.stamp.clone(), place.clone(), period, known);
        let bridges = &self.office.kept.bridges;
        if let Some(kept) = bridges.find(&key) {
            return Ok(kept);
        }
        let workspace = &self.books.workspace;
        // Nobody in particular: what few may see is withheld from all.
        let reader = Run::of_nobody(self.books.at).author;
        let wanted = |one: &Restated| one.place == place;
        let asked: (Wanted<'_>, _) = (&wanted, Some(reader.as_str()));
        let [then, now] = both;
        let differences =
            statement::differences_of(workspace, period, (then, now), asked, &Silent).await?;
        let difference = differences.into_iter().next();
        let entries = match &difference {
            Some(one) if !one.is_of_few => {
                statement::entries(workspace, period, (then, now), &place, &reader).await?
            }
            _ => None,
        };
        Ok(bridges.put(
            key,
            Found {
                difference,
                entries,
            },
        ))
    }

    fn entries(
        &self,
        all: &[Moving],
        sides: [&Opened<'_>; 2],
        (page, unit): (usize, Unit),
    ) -> Entries {
        let language = self.who.language;
        let is_shown = sides.iter().all(|side| side.people == People::Shown);
        let openable = self.openable();
        let line = |one: &Moving| {
            let part = part_of(sides, &one.measure);
            let title = part.map_or_else(
                || one.measure.clone(),
                |of| of.title.get(language).to_owned(),
            );
            let amount = |amount: Option<Fraction>| {
                let written = amount.map(|amount| format::part(amount, unit));
                written.unwrap_or_else(|| format::NOTHING.to_owned())
            };
            EntryLine {
                part: (one.measure.clone(), title),
                key: if is_shown || !self.names_people(part) {
                    one.record_key.clone()
                } else {
                    HIDDEN.to_owned()
                },
                amounts: [amount(one.before), amount(one.after)],
                by: moved(one.after, one.before, unit),
                known_at: (self.local(one.known_at), one.known_at),
                seq: one.seq,
                batch: one.batch.clone(),
                source: one.source.clone(),
                is_open: openable.contains(&one.seq),
            }
        };
        let pages = all.len().div_ceil(ROWS_ON_PAGE).max(1);
        let page = page.clamp(1, pages);
        let shown = all.iter().skip((page - 1) * ROWS_ON_PAGE);
        let mut measures = all.iter().map(|one| part_of(sides, &one.measure));
        Entries {
            lines: shown.take(ROWS_ON_PAGE).map(line).collect(),
            count: all.len(),
            page,
            pages,
            is_personal: measures.any(|part| self.names_people(part)),
        }
    }

    /// Whether the keys of a part's records name people; of a part that is in neither figure, nobody can tell.
    fn names_people(&self, part: Option<&Part>) -> bool {
        let datasets = &self.books.workspace.catalogue.datasets;
        let dataset = part.and_then(|part| datasets.get(&part.dataset));
        dataset.is_none_or(|dataset| dataset.key_is_personal())
    }
}

/// The part of the formula that a base measure is, in one of two figures.
fn part_of<'o>(sides: [&'o Opened<'_>; 2], measure: &str) -> Option<&'o Part> {
    let mut parts = sides
        .into_iter()
        .flat_map(|side| &side.explained.explanation.parts);
    parts.find(|part| part.measure == measure)
}
