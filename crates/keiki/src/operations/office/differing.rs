//! The difference of two figures, opened: what each part of the formula adds to it, and the records that make it.

use std::collections::BTreeMap;

use keiki_engine::{Part, Row};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};
use keiki_report::report::shown as value;
use keiki_report::{format, formula};

use super::Desk;
use super::comparing::{Meaning, less};
use super::figures::{Board, Look};
use super::restating::Bridged;
use super::rows::{AskedRows, Opened, People, ROWS_ON_PAGE};
use crate::error::Result;
use crate::operations::statement;
use crate::operations::trial::HIDDEN;

/// Two figures of an indicator, and what lies between them.
#[derive(Debug, Clone)]
pub struct Differed {
    /// The KPI's name.
    pub kpi: String,
    /// The indicator's code and title.
    pub indicator: (String, String),
    /// The figures.
    pub sides: [DifferedSide; 2],
    /// By how much the first is more than the second; empty where one of them is not known.
    pub by: String,
    /// What that means.
    pub meaning: Meaning,
    /// The parts of the formula.
    pub parts: Vec<DifferedPart>,
    /// The part whose records are shown.
    pub shown: Option<DifferedRows>,
    /// How many records are not listed, since they are of few people.
    pub withheld: usize,
    /// The way between them, where both are of one period and known at two instants.
    pub bridge: Option<Bridged>,
}

/// One of the two figures.
#[derive(Debug, Clone)]
pub struct DifferedSide {
    /// The period as written.
    pub period: String,
    /// The org unit.
    pub unit: String,
    /// The org unit's name.
    pub unit_name: String,
    /// The revision or the instant of knowledge, as it was written.
    pub revision: String,
    /// The same in words: what kind of figure it is.
    pub kind: String,
    /// The value.
    pub value: String,
    /// The formula with its numbers.
    pub formula: String,
}

/// A part of the formula in both figures.
#[derive(Debug, Clone)]
pub struct DifferedPart {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its totals, and of these what was reported in the place of records; empty where nothing was.
    pub totals: [(String, String); 2],
    /// By how much the first is more than the second.
    pub by: String,
    /// How many records add differently to the two.
    pub count: usize,
}

/// The records that make the difference of a part, one page of them.
#[derive(Debug, Clone)]
pub struct DifferedRows {
    /// The part's code.
    pub code: String,
    /// The part's title.
    pub title: String,
    /// The dataset's title.
    pub dataset: String,
    /// The records.
    pub rows: Vec<DifferedRow>,
    /// How many there are.
    pub count: usize,
    /// This page, from 1, and how many there are.
    pub page: usize,
    /// The last page.
    pub pages: usize,
    /// Whether the keys name people.
    pub is_personal: bool,
}

/// A record that adds differently to the two figures.
#[derive(Debug, Clone)]
pub struct DifferedRow {
    /// Its key.
    pub key: String,
    /// What it adds to each; a dash where it is not in it.
    pub amounts: [String; 2],
    /// By how much that is more in the first.
    pub by: String,
    /// Its source.
    pub source: String,
    /// The commit that brought it.
    pub seq: i64,
    /// Whether the reader may open that reading.
    pub is_open: bool,
}

/// A record in the two figures.
type Pair<'r> = [Option<&'r Row>; 2];

impl Desk {
    /// Opens the difference of two figures of an indicator. What the second look leaves open is as in the first. `entries` is the page
    /// of the entries that lie between two instants of knowledge.
    ///
    /// # Errors
    /// They may not see one of them, or there is none.
    pub async fn differ(
        &self,
        looks: [&Look; 2],
        asked: &AskedRows,
        entries: usize,
    ) -> Result<Differed> {
        let of = (asked.no, asked.indicator.as_deref());
        let one = self.open(looks[0], of).await?;
        let period = one.board.period().to_string();
        let second = looks[1].beside((&period, &one.unit));
        let other = self.open(&second, of).await?;
        let language = self.who.language;
        let figures = [&one, &other].map(|side| &side.explained.explanation.measurement);
        let known = figures.map(|figure| (!figure.is_withheld()).then_some(figure));
        let indicator = &one.indicator.code;
        let (by, meaning) = self.difference((asked.no, indicator), known[0], known[1]);
        let matched = matched(&one, &other);
        let asked_part = asked.part.as_deref();
        let mut shown = matched.iter();
        let shown = shown.find(|(part, ..)| asked_part.is_none_or(|code| part[0].measure == code));
        let unit = figures[0].unit;
        let side = |opened: &Opened<'_>, look: &Look| DifferedSide {
            period: opened.board.period().to_string(),
            unit: opened.unit.clone(),
            unit_name: self.names().org_unit(&opened.unit),
            revision: look.revision.clone().unwrap_or_default(),
            kind: self.kind(&opened.board),
            value: value(&opened.explained.explanation.measurement, language),
            formula: filled_in(opened, language),
        };
        let people = if one.people == other.people {
            one.people
        } else {
            People::Hidden
        };
        let differed = Differed {
            kpi: one.kpi.name.get(language).to_owned(),
            indicator: (
                indicator.clone(),
                one.indicator.title.get(language).to_owned(),
            ),
            by,
            meaning,
            parts: matched
                .iter()
                .map(|(part, pairs)| self.differed(*part, pairs.len(), unit))
                .collect(),
            shown: shown.map(|(part, pairs)| {
                self.differed_rows(part[0], pairs, (asked.page, unit), people)
            }),
            withheld: one.explained.records_withheld + other.explained.records_withheld,
            bridge: self.bridged([&one, &other], entries).await?,
            sides: [side(&one, looks[0]), side(&other, &second)],
        };
        let bridge = differed.bridge.as_ref();
        let entries = bridge.and_then(|bridge| bridge.entries.as_ref());
        let names_people = differed.shown.as_ref().is_some_and(|part| part.is_personal)
            || entries.is_some_and(|entries| entries.is_personal && entries.count > 0);
        if names_people && people == People::Shown {
            let [one, other] = figures.map(|of| format!("{} {} {}", of.no, of.org_unit, of.period));
            let both = format!("{one}, {other}");
            self.note("look_at_personal_rows", &both, indicator).await?;
        }
        Ok(differed)
    }

    /// What kind of figures a board has: of which revision, or as known when.
    fn kind(&self, board: &Board) -> String {
        let language = self.who.language;
        let kind = match board.known_at() {
            None => statement::kind(board.statement(), board.revision()),
            Some(at) => {
                let at = self.local(at);
                let [ja, en] = [Language::Ja, Language::En].map(|of| format::moment(&at, of));
                Text::new(format!("{ja}時点の認識"), format!("as known on {en}"))
            }
        };
        kind.get(language).to_owned()
    }

    fn differed(&self, part: [&Part; 2], count: usize, unit: Unit) -> DifferedPart {
        let total = |part: &Part| {
            let reported = if part.reported == Fraction::whole(0) {
                String::new()
            } else {
                format::part(part.reported, unit)
            };
            (format::part(part.total, unit), reported)
        };
        DifferedPart {
            code: part[0].measure.clone(),
            title: part[0].title.get(self.who.language).to_owned(),
            totals: part.map(total),
            by: moved(Some(part[0].total), Some(part[1].total), unit),
            count,
        }
    }

    fn differed_rows(
        &self,
        part: &Part,
        pairs: &[Pair<'_>],
        (page, unit): (usize, Unit),
        people: People,
    ) -> DifferedRows {
        let dataset = self.books.workspace.catalogue.datasets.get(&part.dataset);
        let is_personal = dataset.is_some_and(|of| of.key_is_personal());
        let hides_keys = is_personal && people == People::Hidden;
        let openable = self.openable();
        let pages = pairs.len().div_ceil(ROWS_ON_PAGE).max(1);
        let page = page.clamp(1, pages);
        let line = |pair: &Pair<'_>| {
            let [one, other] = pair.map(|row| row.map(|row| row.amount));
            let row = pair[0].or(pair[1]);
            let seq = row.map_or(0, |row| row.seq);
            let key = row.map_or("", |row| row.record_key.as_str());
            DifferedRow {
                key: if hides_keys { HIDDEN } else { key }.to_owned(),
                amounts: [one, other].map(|amount| {
                    let written = amount.map(|amount| format::part(amount, unit));
                    written.unwrap_or_else(|| format::NOTHING.to_owned())
                }),
                by: moved(one, other, unit),
                source: row.map_or_else(String::new, |row| row.source.clone()),
                seq,
                is_open: openable.contains(&seq),
            }
        };
        let rows = pairs.iter().skip((page - 1) * ROWS_ON_PAGE);
        DifferedRows {
            code: part.measure.clone(),
            title: part.title.get(self.who.language).to_owned(),
            dataset: dataset.map_or_else(
                || part.dataset.clone(),
                |dataset| dataset.title.get(self.who.language).to_owned(),
            ),
            rows: rows.take(ROWS_ON_PAGE).map(line).collect(),
            count: pairs.len(),
            page,
            pages,
            is_personal,
        }
    }
}

/// The parts of two openings of an indicator, each with the records that add differently to the two, by key.
fn matched<'o>(one: &'o Opened<'_>, other: &'o Opened<'_>) -> Vec<([&'o Part; 2], Vec<Pair<'o>>)> {
    let others = &other.explained.explanation.parts;
    let parts = one.explained.explanation.parts.iter();
    let both = parts.filter_map(|part| {
        let mut others = others.iter();
        let same = others.find(|of| of.measure == part.measure)?;
        Some(([part, same], apart(&part.rows, &same.rows)))
    });
    both.collect()
}

/// The records that add differently to two figures, by key.
fn apart<'r>(one: &'r [Row], other: &'r [Row]) -> Vec<Pair<'r>> {
    let mut pairs: BTreeMap<&str, Pair<'r>> = BTreeMap::new();
    for (at, rows) in [one, other].into_iter().enumerate() {
        for row in rows {
            pairs.entry(&row.record_key).or_default()[at] = Some(row);
        }
    }
    let adds = |row: Option<&Row>| row.map(|row| row.amount);
    let pairs = pairs.into_values();
    pairs.filter(|[a, b]| adds(*a) != adds(*b)).collect()
}

/// By how much an amount is more than another, with its sign; what is absent adds nothing.
pub(super) fn moved(one: Option<Fraction>, other: Option<Fraction>, unit: Unit) -> String {
    let nothing = Fraction::whole(0);
    let by = less(one.unwrap_or(nothing), other.unwrap_or(nothing));
    by.map_or_else(
        || format::NOTHING.to_owned(),
        |by| {
            let sign = if by > nothing { "+" } else { "" };
            format!("{sign}{}", format::part(by, unit))
        },
    )
}

fn filled_in(opened: &Opened<'_>, language: Language) -> String {
    let figure = &opened.explained.explanation.measurement;
    formula::filled_in(opened.kpi, opened.indicator, figure, language)
}
