//! The records behind a figure, as far as somebody may see them.

use std::sync::Arc;

use keiki_engine::{Detail, Explanation, Part, Row, Structure};
use keiki_model::access::Right;
use keiki_model::calendar::date_of;
use keiki_model::dataset::{ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Indicator, Kpi};
use keiki_report::{format, formula, scorecard};

use super::Desk;
use super::figures::{Board, Look};
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::explain::{self, Explain, Explained};
use crate::operations::programme::Run;
use crate::operations::statement::Revision;
use crate::operations::trial::HIDDEN;
use crate::progress::Silent;

/// How many records a page lists.
pub const ROWS_ON_PAGE: usize = 50;

/// Which records are asked for.
#[derive(Debug, Clone, Default)]
pub struct AskedRows {
    /// The KPI.
    pub no: u32,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The part of the formula; absent = the first.
    pub part: Option<String>,
    /// The page, from 1.
    pub page: usize,
    /// Only the records that add at least the first and less than the second. *Units*: of the part, seconds where it is a time.
    pub span: Option<(i64, i64)>,
}

/// A figure opened to its records.
#[derive(Debug, Clone)]
pub struct OpenedRows {
    /// The KPI's name.
    pub kpi: String,
    /// The indicator's code and title.
    pub indicator: (String, String),
    /// The org unit's name.
    pub unit: String,
    /// The formula with its numbers.
    pub formula: String,
    /// The value.
    pub value: String,
    /// The parts of the formula.
    pub parts: Vec<PartLine>,
    /// The part that is shown.
    pub shown: Option<PartRows>,
    /// Totals that org units reported in the place of records.
    pub totals: Vec<TotalLine>,
    /// These added up: above the line and below it.
    pub reported: String,
    /// How many records are not listed, since they are of few people.
    pub withheld: usize,
}

/// A total that an org unit reported in the place of records.
#[derive(Debug, Clone)]
pub struct TotalLine {
    /// The org unit's name.
    pub unit: String,
    /// What is above the line and below it.
    pub amounts: String,
    /// The document that backs it; empty where none is named.
    pub document: String,
    /// Its source.
    pub source: String,
    /// The commit that brought it.
    pub seq: i64,
    /// Whether the reader may open that reading.
    pub is_open: bool,
}

/// A part of a formula.
#[derive(Debug, Clone)]
pub struct PartLine {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// Its total.
    pub total: String,
    /// How many records are in it.
    pub count: usize,
}

/// The records of a part, one page of them.
#[derive(Debug, Clone)]
pub struct PartRows {
    /// Its code.
    pub code: String,
    /// Its title.
    pub title: String,
    /// The dataset's title.
    pub dataset: String,
    /// What it sums, as SQL.
    pub sql: String,
    /// The names of the dataset's columns in data.
    pub names: Vec<String>,
    /// Their headings.
    pub columns: Vec<String>,
    /// The records.
    pub rows: Vec<RowLine>,
    /// How many there are.
    pub count: usize,
    /// This page, from 1, and how many there are.
    pub page: usize,
    /// The last page.
    pub pages: usize,
    /// Whether a column names people.
    pub is_personal: bool,
}

/// A record.
#[derive(Debug, Clone)]
pub struct RowLine {
    /// Its key.
    pub key: String,
    /// What it adds.
    pub amount: String,
    /// Its source.
    pub source: String,
    /// The commit that brought it.
    pub seq: i64,
    /// Whether the reader may open that reading.
    pub is_open: bool,
    /// The first day on which its values hold.
    pub since: String,
    /// The values of the columns.
    pub values: Vec<String>,
}

impl Desk {
    /// Opens a figure to its records, whole: what of it is shown is for the caller to choose.
    pub(super) async fn open(&self, look: &Look, asked: (u32, Option<&str>)) -> Result<Opened<'_>> {
        let (no, code) = asked;
        let board = self.board(look).await?;
        let (within, unit) = self.seen(&board, look)?;
        let workspace = &self.books.workspace;
        let kpi = workspace.catalogue.kpi(&no.to_string());
        let kpi = kpi.ok_or(Error::Absent)?;
        let mut indicators = kpi.indicators.iter();
        let indicator = indicators.find(|one| code.is_none_or(|code| one.code == code));
        let indicator = indicator.ok_or(Error::Absent)?;
        let (known_at, journal_version) = board.pin();
        // Nobody in particular: what few may see is withheld from all.
        let run = Run::of_nobody(self.books.at);
        let question = Explain {
            kpi: kpi.no.to_string(),
            indicator: Some(indicator.code.clone()),
            org_unit: unit.clone(),
            period: board.period(),
            structure: Structure::default(),
            known_at,
            journal_version,
            against: None,
            detail: Detail::Columns,
            author: run.author,
            now: run.now,
        };
        let key = (
            self.books.stamp.clone(),
            kpi.no,
            indicator.code.clone(),
            unit.clone(),
            board.period(),
            known_at,
        );
        let openings = &self.office.kept.openings;
        let explained = if let Some(kept) = openings.find(&key) {
            kept
        } else {
            let opened = explain::explain(workspace, &question, &Silent).await?;
            openings.put(key, opened)
        };
        Ok(Opened {
            people: self.sees_people(&within, board.tree(), &unit),
            board,
            within,
            unit,
            kpi,
            indicator,
            explained,
        })
    }

    /// Opens a figure to its records.
    ///
    /// # Errors
    /// They may not see the figure, or there is none.
    pub async fn rows(&self, look: &Look, asked: &AskedRows) -> Result<OpenedRows> {
        let opened = self
            .open(look, (asked.no, asked.indicator.as_deref()))
            .await?;
        let Opened {
            board,
            within,
            unit,
            kpi,
            indicator,
            explained,
            people,
        } = &opened;
        let explanation = &explained.explanation;
        let language = self.who.language;
        let names = self.names();
        let shown = asked.part.as_deref();
        let mut parts = explanation.parts.iter();
        let shown = parts.find(|part| shown.is_none_or(|code| part.measure == code));
        let which = (asked.page, asked.span);
        let shown = shown.map(|part| self.part(explanation, part, which, within, *people));
        if shown.as_ref().is_some_and(|part| part.is_personal) && *people == People::Shown {
            let figure = format!("{} {} {}", kpi.no, unit, board.period());
            self.note("look_at_personal_rows", &figure, &indicator.code)
                .await?;
        }
        let figure = &explanation.measurement;
        let line = |part: &Part| PartLine {
            code: part.measure.clone(),
            title: part.title.get(language).to_owned(),
            total: format::part(part.total, figure.unit),
            count: part.rows.len(),
        };
        let openable = self.openable();
        let total = |total: &keiki_engine::ReportedTotal| {
            let amounts = [total.numerator, total.denominator];
            let amounts: Vec<String> = amounts
                .into_iter()
                .flatten()
                .map(|amount| format::part(amount, figure.unit))
                .collect();
            TotalLine {
                unit: names.org_unit(&total.org_unit),
                amounts: amounts.join(" / "),
                document: total.attachment.clone().unwrap_or_default(),
                source: total.source.clone(),
                seq: total.seq,
                is_open: openable.contains(&total.seq),
            }
        };
        let totals = explanation.totals.iter();
        let totals = totals.filter(|total| within.has(&total.org_unit));
        let sides = [
            added(totals.clone().map(|total| total.numerator)),
            added(totals.clone().map(|total| total.denominator)),
        ];
        let sides = sides.into_iter().flatten();
        let sides: Vec<String> = sides.map(|sum| format::part(sum, figure.unit)).collect();
        Ok(OpenedRows {
            reported: sides.join(" / "),
            kpi: kpi.name.get(language).to_owned(),
            indicator: (
                indicator.code.clone(),
                indicator.title.get(language).to_owned(),
            ),
            unit: names.org_unit(unit),
            formula: formula::filled_in(kpi, indicator, figure, language),
            value: scorecard::value(figure, language),
            parts: explanation.parts.iter().map(line).collect(),
            shown,
            totals: totals.map(total).collect(),
            withheld: explained.records_withheld,
        })
    }

    /// Whether the columns that name people are shown, for an org unit.
    fn sees_people(&self, within: &Within, tree: &keiki_model::org::Tree, unit: &str) -> People {
        let personal = self.who.scope.within(Right::SeePersonal, tree);
        let ids = within.below(unit, tree);
        if ids.iter().all(|id| personal.has(id)) {
            People::Shown
        } else {
            People::Hidden
        }
    }

    fn part(
        &self,
        explanation: &Explanation,
        part: &Part,
        (page, span): (usize, Option<(i64, i64)>),
        within: &Within,
        people: People,
    ) -> PartRows {
        let language = self.who.language;
        let dataset = self.books.workspace.catalogue.datasets.get(&part.dataset);
        let columns: Vec<&keiki_model::dataset::Column> = dataset
            .iter()
            .flat_map(|dataset| dataset.journalled())
            // A column in which no record has a value says nothing.
            .filter(|column| {
                let mut rows = part.rows.iter();
                rows.any(|row| row.columns.iter().any(|(name, _)| *name == column.name))
            })
            .collect();
        let is_personal = dataset.is_some_and(|dataset| dataset.is_personal());
        let hides_keys = dataset.is_some_and(|dataset| dataset.key_is_personal());
        let is_within = |row: &&Row| {
            span.is_none_or(|(from, below)| {
                Fraction::whole(from.into()) <= row.amount
                    && row.amount < Fraction::whole(below.into())
            })
        };
        let count = part.rows.iter().filter(is_within).count();
        let pages = count.div_ceil(ROWS_ON_PAGE).max(1);
        let page = page.clamp(1, pages);
        let value = |row: &Row, column: &keiki_model::dataset::Column| {
            let mut values = row.columns.iter();
            let found = values.find(|(name, _)| *name == column.name);
            let text = found.map_or("", |(_, value)| value.as_str());
            if column.personal && people == People::Hidden && !text.is_empty() {
                HIDDEN.to_owned()
            } else if column.name == ORG_UNIT {
                units_within(text, within)
            } else {
                text.to_owned()
            }
        };
        let openable = self.openable();
        let line = |row: &Row| RowLine {
            key: if hides_keys && people == People::Hidden {
                HIDDEN.to_owned()
            } else {
                row.record_key.clone()
            },
            amount: format::part(row.amount, explanation.measurement.unit),
            source: row.source.clone(),
            seq: row.seq,
            is_open: openable.contains(&row.seq),
            since: date_of(row.effective_on).to_string(),
            values: columns.iter().map(|column| value(row, column)).collect(),
        };
        let rows = part.rows.iter().filter(is_within);
        let rows = rows.skip((page - 1) * ROWS_ON_PAGE);
        PartRows {
            code: part.measure.clone(),
            title: part.title.get(language).to_owned(),
            dataset: dataset.map_or_else(
                || part.dataset.clone(),
                |dataset| dataset.title.get(language).to_owned(),
            ),
            sql: part.sql.clone(),
            names: columns.iter().map(|column| column.name.clone()).collect(),
            columns: columns
                .iter()
                .map(|column| column.title.get(language).to_owned())
                .collect(),
            rows: rows.take(ROWS_ON_PAGE).map(line).collect(),
            count,
            page,
            pages,
            is_personal,
        }
    }
}

/// What was reported on one side of the line, added up; `None` where nothing was.
fn added(amounts: impl Iterator<Item = Option<Fraction>>) -> Option<Fraction> {
    let mut known = amounts.flatten();
    let first = known.next()?;
    known.try_fold(first, Fraction::plus)
}

/// A figure that was opened, whole.
#[derive(Debug)]
pub(super) struct Opened<'d> {
    pub(super) board: Arc<Board>,
    /// The org units whose figures the reader sees.
    pub(super) within: Within,
    pub(super) unit: String,
    pub(super) kpi: &'d Kpi,
    pub(super) indicator: &'d Indicator,
    pub(super) explained: Arc<Explained>,
    pub(super) people: People,
}

/// Whether columns that name people are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum People {
    Shown,
    Hidden,
}

/// The org units of a record that may be known of: one may name others' beside one's own.
fn units_within(text: &str, within: &Within) -> String {
    if within.is_whole() {
        return text.to_owned();
    }
    let units = text.split(ORG_UNIT_SEPARATOR).map(str::trim);
    let known: Vec<&str> = units.filter(|id| within.has(id)).collect();
    known.join(&ORG_UNIT_SEPARATOR.to_string())
}

impl super::figures::Board {
    /// What an explanation of its figures is pinned to: nothing where the period is open.
    fn pin(&self) -> (Option<i64>, Option<i64>) {
        match self.revision() {
            Revision::Open => (self.known_at(), None),
            Revision::Last | Revision::Number(_) => self.closed_as(),
        }
    }
}
