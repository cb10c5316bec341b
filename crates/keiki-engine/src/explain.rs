//! Opens a figure down to its rows, and the difference of two figures down to the records that make it.

mod totals;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use keiki_model::calendar::{Day, Period, instant_text, local_day};
use keiki_model::dataset::{Dataset, ORG_UNIT};
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Indicator, Known, Kpi, Measure, Reach, sql, statement};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, Journal, KNOWN_AT, RECORD_KEY, SEQ, SOURCE};

use crate::engine::{Engine, Knowledge, Structure};
use crate::error::{EngineError, Result};
use crate::evaluate::{View, survival_window};
use crate::measurements::Measurements;
use crate::plan::{ClockPlan, DatasetPlan, MeasurePlan};
use crate::read::{Bounds, Only, read_rows};
use crate::rows::{MeasureRows, Part as RowPart, Rows};
use crate::timing::Span;
use totals::Totals;

pub use totals::{ReportedTotal, TotalDifference};

/// What is to be explained.
#[derive(Debug, Clone)]
pub struct Question {
    /// The KPI's number.
    pub no: u32,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The org unit.
    pub org_unit: String,
    /// How the org units are put together.
    pub structure: Structure,
    /// The period.
    pub period: Period,
    /// The instant of knowledge; absent = now.
    pub known_at: Option<i64>,
    /// The journal version; absent = the newest.
    pub seq: Option<i64>,
    /// Now, UTC microseconds.
    pub now: i64,
    /// The figure to compare with.
    pub against: Option<Against>,
    /// How much is told of each record.
    pub detail: Detail,
}

/// How much is told of each record that a figure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Detail {
    /// Its org unit alone.
    OrgUnit,
    /// All of its columns.
    #[default]
    Columns,
}

/// The other figure of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// The same indicator in another period.
    Period(Period),
    /// The same figure as known at another instant.
    KnownAt(i64),
}

/// A figure, opened.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The figure.
    pub measurement: Measurement,
    /// The base measures that it is made of, in the order of the formula.
    pub parts: Vec<Part>,
    /// What org units reported in the place of rows: with the parts' rows it adds up to the figure.
    pub totals: Vec<ReportedTotal>,
    /// The comparison that was asked for.
    pub against: Option<Comparison>,
}

/// One base measure of a figure with its rows.
#[derive(Debug, Clone)]
pub struct Part {
    /// The measure.
    pub measure: String,
    /// Its heading.
    pub title: Text,
    /// What it sums, as SQL.
    pub sql: String,
    /// The SQL of its rows' total in this figure, in lines, for any engine that reads the journal's tables; absent for survival.
    pub statement: Option<Vec<String>>,
    /// The dataset.
    pub dataset: String,
    /// Its total: of its rows, and of what was reported in the place of rows.
    pub total: Fraction,
    /// Of this, what was reported in the place of rows.
    pub reported: Fraction,
    /// The records that it is made of, by key; those that a reported total replaces are not among them.
    pub rows: Vec<Row>,
}

/// A record's part in a base measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The record's key.
    pub record_key: String,
    /// What it adds, in the measure's own unit.
    pub amount: Fraction,
    /// The source of its values.
    pub source: String,
    /// The commit that brought them.
    pub seq: i64,
    /// First day on which they hold.
    pub effective_on: Day,
    /// The dataset's columns as text, as far as they were asked for; null is absent.
    pub columns: Vec<(String, String)>,
}

/// A figure beside another.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The figure that it is compared with.
    pub measurement: Measurement,
    /// The records that make the difference.
    pub changes: Vec<Difference>,
    /// The org units whose reported totals differ.
    pub totals: Vec<TotalDifference>,
}

/// A record that adds differently to the two figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The measure.
    pub measure: String,
    /// The record's key.
    pub record_key: String,
    /// What it adds to the figure compared with; absent = it is not in it.
    pub before: Option<Fraction>,
    /// What it adds to the figure asked for.
    pub after: Option<Fraction>,
    /// When the latest of its entries became known, UTC microseconds.
    pub known_at: i64,
    /// The commit that brought it.
    pub seq: i64,
    /// Its source.
    pub source: String,
}

/// What the entries of one record add up to. What was taken back is nothing, but it is known since when.
#[derive(Debug, Clone)]
struct Net {
    amount: i128,
    count: i64,
    latest: (i64, i64),
    row: Row,
}

impl Engine {
    /// Explains a figure.
    ///
    /// # Errors
    /// The KPI, indicator, org unit or period does not exist, or the journal cannot be read.
    pub async fn explain(&self, journal: &Journal, question: &Question) -> Result<Explanation> {
        let known_at = question.known_at.unwrap_or(question.now);
        let today = local_day(known_at, &self.setting.zone);
        let slots = self.slots(&[question.period], &question.structure, today)?;
        let cut = slots.first().map_or(today, |slot| slot.cut);
        let kpi = self.with_parameters(&self.kpis(&[question.no])?[0], cut);
        let indicator = find_indicator(&kpi, question.indicator.as_deref())?;
        let own = self
            .opened(
                journal,
                question,
                &kpi,
                indicator,
                question.period,
                question.known_at,
            )
            .await?;
        let parts = own
            .measures
            .iter()
            .enumerate()
            .map(|(position, of_measure)| {
                let reported = totals::added(indicator, position, &own.totals);
                let statement = statement(&kpi, of_measure.0, &own.reaches[position], own.known);
                Part {
                    statement,
                    ..part(&kpi, of_measure, reported)
                }
            })
            .collect();
        let against = match question.against {
            None => None,
            Some(against) => {
                let (period, known_at) = match against {
                    Against::Period(period) => (period, question.known_at),
                    Against::KnownAt(instant) => (question.period, Some(instant)),
                };
                let other = self
                    .opened(journal, question, &kpi, indicator, period, known_at)
                    .await?;
                Some(Comparison {
                    changes: differences(&other.measures, &own.measures),
                    totals: totals::differences(&other.totals, &own.totals),
                    measurement: other.measurement,
                })
            }
        };
        Ok(Explanation {
            measurement: own.measurement,
            parts,
            totals: own.totals,
            against,
        })
    }

    async fn opened<'k>(
        &self,
        journal: &Journal,
        question: &Question,
        kpi: &'k Arc<Kpi>,
        indicator: &Indicator,
        period: Period,
        known_at: Option<i64>,
    ) -> Result<Opened<'k>> {
        let knowledge = self
            .knowledge(journal, known_at, question.seq, question.now)
            .await?;
        let slots = self.slots(&[period], &question.structure, knowledge.today)?;
        let Some(slot) = slots.first().copied() else {
            return Err(EngineError::not_measurable(period));
        };
        let plan = self.plan_on(slot.cut);
        let evaluation = self
            .evaluation(
                journal,
                knowledge.clone(),
                Arc::clone(&plan),
                std::slice::from_ref(kpi),
                slots,
            )
            .await?;
        let unit = std::slice::from_ref(&question.org_unit);
        self.check_units(&evaluation, unit)?;
        let wanted = evaluation.wanted(unit);
        let parts = evaluation.measure(&self.kpis(&[kpi.no])?, &wanted);
        let instant = instant_text(knowledge.known_at).into();
        let measurement = Measurements::new(parts, wanted, instant, knowledge.seq)
            .one_by_one()
            .find(|m| m.indicator == indicator.code)
            .ok_or_else(|| EngineError::not_measurable(period))?;
        let tree = evaluation.tree(0);
        let node = tree.position(&question.org_unit).unwrap_or(0);
        let reported = self
            .reported_totals(journal, &knowledge, (kpi.no, indicator), &slot)
            .await?;
        let totals = Totals::new(
            reported,
            &measurement,
            evaluation.arrangement(0),
            slot.scope,
            node,
        );
        let mut asked = Vec::new();
        for name in indicator.formula.measures() {
            let (Some(measure), Some(place)) = (kpi.measure(name), plan.place(kpi.no, name)) else {
                continue;
            };
            if let Some(view) = evaluation.views(kpi.no, place).into_iter().next() {
                let spans = spans(evaluation.named_units(place.0), &view, node, &totals);
                asked.push((measure, place, spans));
            }
        }
        let (mut measures, mut reaches) = (Vec::new(), Vec::new());
        let mut read: BTreeMap<usize, Vec<RecordBatch>> = BTreeMap::new();
        for (measure, place, spans) in &asked {
            let of_dataset = plan.dataset(place.0)?;
            let batches = match read.entry(place.0) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let columns = &of_dataset.reading()?.columns;
                    let needed = (question.detail == Detail::OrgUnit).then_some(columns);
                    let here = asked.iter().filter(|(_, of, _)| of.0 == place.0);
                    let only = only(here.map(|(_, of, spans)| (plan.measure(*of), spans)));
                    let dataset = &of_dataset.dataset;
                    let rows = self.entries(journal, &knowledge, dataset, needed, Some(&only));
                    free.insert(rows.await?)
                }
            };
            let records = self.records(
                batches,
                &knowledge,
                (of_dataset, place.1),
                spans,
                question.detail,
            )?;
            measures.push((*measure, plan.measure(*place).divisor, records));
            reaches.push(reached(spans));
        }
        let is_past = knowledge.known_at < knowledge.snapshot.known_at();
        Ok(Opened {
            measurement,
            measures,
            reaches,
            known: Known {
                seq: knowledge.seq,
                at: is_past.then_some(knowledge.known_at),
            },
            totals: totals.listed(),
        })
    }

    /// The entries of a dataset that were known and are wanted; of its columns those that are needed, absent = all.
    async fn entries(
        &self,
        journal: &Journal,
        knowledge: &Knowledge,
        dataset: &Dataset,
        needed: Option<&Vec<String>>,
        only: Option<&Only>,
    ) -> Result<Vec<RecordBatch>> {
        let scan = journal
            .scan(dataset, &knowledge.snapshot, 0, knowledge.seq)
            .await?;
        let bounds = Bounds {
            after_seq: 0,
            until_seq: knowledge.seq,
            known_at: Some(knowledge.known_at),
        };
        read_rows(&self.context, dataset, &scan, bounds, needed, only).await
    }

    /// The records that have entries of a measure in org units that count, with what these add up to.
    fn records(
        &self,
        batches: &[RecordBatch],
        knowledge: &Knowledge,
        (plan, measure): (&DatasetPlan, usize),
        spans: &Spans,
        detail: Detail,
    ) -> Result<BTreeMap<String, Net>> {
        let mut sums = Sums::default();
        for batch in batches {
            let rows = Rows::new(plan, measure, batch)?;
            let measured = MeasureRows::new(&rows, &plan.measures[measure])?;
            let texts = Texts::new(batch, detail)?;
            for row in 0..batch.num_rows() {
                let span = spans.get(texts.units.value(row)).copied();
                let added = span.and_then(|span| {
                    self.contribution(measured.part(row), &plan.measures[measure], span, knowledge)
                });
                if let Some((value, sign)) = added {
                    sums.add(&texts, row, value, rows.weight(row) * sign);
                }
            }
            sums.texts.push(texts);
        }
        Ok(sums.nets())
    }

    /// What a row's part adds in a period; `None` where it adds nothing.
    fn contribution(
        &self,
        part: RowPart,
        plan: &MeasurePlan,
        span: Span,
        knowledge: &Knowledge,
    ) -> Option<(i128, i64)> {
        match part {
            RowPart::Level {
                enters,
                leaves,
                value,
                ..
            } => {
                let is_in = enters <= span.cut && leaves.is_none_or(|leaves| span.cut < leaves);
                is_in.then_some((value?, 1))
            }
            RowPart::Happening { on, value } => {
                let on = on?;
                (span.months.0.first_day() <= on && on <= span.cut).then_some((value?, 1))
            }
            RowPart::Case { begins, ends } => {
                let window = survival_window(span.cut, knowledge, &self.setting.zone);
                window.sees(plan, begins, ends).then_some((1, 1))
            }
            RowPart::None => None,
        }
    }
}

/// A measure with its divisor and the records that add to it.
type OpenedMeasure<'k> = (&'k Measure, i128, BTreeMap<String, Net>);

/// A figure's measurement with all that it is made of.
struct Opened<'k> {
    measurement: Measurement,
    measures: Vec<OpenedMeasure<'k>>,
    /// By measure, the org units in evidence whose entries count, and on which days.
    reaches: Vec<Vec<Reach>>,
    known: Known,
    totals: Vec<ReportedTotal>,
}

/// The org units whose evidence counts, by their names in it, each with what stands for the period there.
type Spans = BTreeMap<String, Span>;

/// Those of the names that count at a node, and that no total replaces.
fn spans(names: &[String], view: &View<'_>, node: usize, totals: &Totals) -> Spans {
    let counts = |name: &&String| {
        let units = totals.left(view.main(), name);
        !units.is_empty() && view.counts_below(&units, node)
    };
    let counted = names.iter().filter(counts);
    let counted = counted.map(|name| (name.clone(), view.span_of_evidence(name)));
    counted.collect()
}

/// What has to be read for some measures of a dataset.
fn only<'m>(measures: impl Iterator<Item = (&'m MeasurePlan, &'m Spans)>) -> Only {
    let mut org_units = BTreeSet::new();
    let mut until = Some(Day::MIN);
    for (plan, spans) in measures {
        org_units.extend(spans.keys().cloned());
        let last = spans.values().map(|span| span.cut).max();
        // Only a stock asks since when a row holds.
        until = match plan.clock {
            ClockPlan::Stock { .. } => until.map(|until| until.max(last.unwrap_or(until))),
            _ => None,
        };
    }
    Only {
        org_units: org_units.into_iter().collect(),
        until,
    }
}

/// The org units that count, put together by their days.
fn reached(spans: &Spans) -> Vec<Reach> {
    let mut by_days: BTreeMap<(Day, Day), Vec<String>> = BTreeMap::new();
    for (name, span) in spans {
        let days = (span.months.0.first_day(), span.cut);
        by_days.entry(days).or_default().push(name.clone());
    }
    let reach = |((first, cut), org_units): ((Day, Day), Vec<String>)| Reach {
        first,
        cut,
        org_units,
    };
    by_days.into_iter().map(reach).collect()
}

impl Net {
    fn is_nothing(&self) -> bool {
        self.amount == 0 && self.count == 0
    }
}

fn find_indicator<'k>(kpi: &'k Kpi, code: Option<&str>) -> Result<&'k Indicator> {
    let found = match code {
        None => kpi.indicators.first(),
        Some(code) => kpi
            .indicators
            .iter()
            .find(|indicator| indicator.code == code),
    };
    found.ok_or_else(|| EngineError::UnknownIndicator {
        no: kpi.no,
        found: code.unwrap_or_default().to_owned(),
        known: kpi
            .indicators
            .iter()
            .map(|indicator| indicator.code.clone())
            .collect(),
    })
}

fn amount(net: &Net, divisor: i128) -> Fraction {
    Fraction::new(net.amount, divisor).unwrap_or_else(|| Fraction::whole(0))
}

fn part(kpi: &Kpi, opened: &OpenedMeasure<'_>, reported: Fraction) -> Part {
    let (measure, divisor, records) = opened;
    let of_rows = records.values().map(|net| net.amount).sum::<i128>();
    let of_rows = Fraction::new(of_rows, *divisor).unwrap_or_else(|| Fraction::whole(0));
    Part {
        measure: measure.name.clone(),
        title: measure.title.clone(),
        sql: sql(kpi, measure).join(" "),
        statement: None,
        dataset: measure.dataset.value.clone(),
        total: of_rows.plus(reported).unwrap_or(of_rows),
        reported,
        rows: records
            .values()
            .filter(|net| !net.is_nothing())
            .map(|net| Row {
                amount: amount(net, *divisor),
                ..net.row.clone()
            })
            .collect(),
    }
}

/// A column's place and name, and how its values are written.
type ShownColumn<'b> = (usize, String, ArrayFormatter<'b>);

/// The columns of entries that rows of an explanation show.
struct Texts<'b> {
    batch: &'b RecordBatch,
    keys: StringArray,
    sources: StringArray,
    units: StringArray,
    shown: Vec<ShownColumn<'b>>,
}

impl<'b> Texts<'b> {
    fn new(batch: &'b RecordBatch, detail: Detail) -> Result<Self> {
        let text = |name: &str| -> Result<StringArray> {
            let column = batch
                .column_by_name(name)
                .ok_or_else(|| EngineError::no_column(&Text::new("記帳", "entries"), name))?;
            Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
        };
        let journal: BTreeSet<&str> = [
            "weight",
            EFFECTIVE_ON,
            KNOWN_AT,
            SEQ,
            "batch_id",
            SOURCE,
            RECORD_KEY,
        ]
        .into();
        let mut shown = Vec::new();
        for (at, field) in batch.schema().fields().iter().enumerate() {
            let is_told = detail == Detail::Columns || field.name() == ORG_UNIT;
            if is_told && !journal.contains(field.name().as_str()) {
                let options = FormatOptions::default();
                let formatter = ArrayFormatter::try_new(batch.column(at), &options)?;
                shown.push((at, field.name().clone(), formatter));
            }
        }
        Ok(Self {
            batch,
            keys: text(RECORD_KEY)?,
            sources: text(SOURCE)?,
            units: text(ORG_UNIT)?,
            shown,
        })
    }

    fn row(&self, row: usize) -> Row {
        Row {
            record_key: self.keys.value(row).to_owned(),
            amount: Fraction::whole(0),
            source: self.sources.value(row).to_owned(),
            seq: primitive::<Int64Type>(self.batch, SEQ, row),
            effective_on: primitive::<Date32Type>(self.batch, EFFECTIVE_ON, row),
            columns: self.columns(row),
        }
    }

    /// The dataset's columns of a row as text; null is absent.
    fn columns(&self, row: usize) -> Vec<(String, String)> {
        let known = self
            .shown
            .iter()
            .filter(|(at, ..)| self.batch.column(*at).is_valid(row));
        known
            .map(|(_, name, formatter)| (name.clone(), formatter.value(row).to_string()))
            .collect()
    }

    /// Tells whether a column has a value in a row, as it is written.
    fn says(&self, row: usize, column: &str, value: &str) -> bool {
        let mut shown = self.shown.iter();
        let found = shown.find(|(_, name, _)| name == column);
        found.is_some_and(|(at, _, formatter)| {
            self.batch.column(*at).is_valid(row) && formatter.value(row).to_string() == value
        })
    }
}

/// What the entries of each record add up to, while they are read.
#[derive(Default)]
struct Sums<'b> {
    /// The batches that have been read to their ends.
    texts: Vec<Texts<'b>>,
    by_key: BTreeMap<String, Sum>,
}

/// What the entries of one record add up to, and the row of its last values: batch and row.
struct Sum {
    amount: i128,
    count: i64,
    latest: (i64, i64),
    /// When the values of the row below were known and committed, and since when they hold.
    said: (i64, i64, Day),
    at: (usize, usize),
}

impl Sums<'_> {
    /// Adds a row of the batch that is being read.
    fn add(&mut self, texts: &Texts<'_>, row: usize, value: i128, weight: i64) {
        let seq = primitive::<Int64Type>(texts.batch, SEQ, row);
        let known_at = primitive::<TimestampMicrosecondType>(texts.batch, KNOWN_AT, row);
        let said = (
            known_at,
            seq,
            primitive::<Date32Type>(texts.batch, EFFECTIVE_ON, row),
        );
        let (key, at) = (texts.keys.value(row), (self.texts.len(), row));
        if !self.by_key.contains_key(key) {
            let nothing = Sum {
                amount: 0,
                count: 0,
                latest: (i64::MIN, i64::MIN),
                said: (i64::MIN, i64::MIN, Day::MIN),
                at,
            };
            self.by_key.insert(key.to_owned(), nothing);
        }
        let Some(sum) = self.by_key.get_mut(key) else {
            return;
        };
        sum.amount += value * i128::from(weight);
        sum.count += weight;
        // Rows come in any order.
        if weight > 0 && said >= sum.said {
            (sum.said, sum.at) = (said, at);
        }
        sum.latest = sum.latest.max((known_at, seq));
    }

    /// The records with their last values.
    fn nets(self) -> BTreeMap<String, Net> {
        let Self { texts, by_key } = self;
        let net = |(key, sum): (String, Sum)| {
            let (batch, row) = sum.at;
            let net = Net {
                amount: sum.amount,
                count: sum.count,
                latest: sum.latest,
                row: texts[batch].row(row),
            };
            (key, net)
        };
        by_key.into_iter().map(net).collect()
    }
}

fn primitive<T: arrow::datatypes::ArrowPrimitiveType>(
    batch: &RecordBatch,
    name: &str,
    row: usize,
) -> T::Native {
    batch
        .column_by_name(name)
        .and_then(|c| c.as_primitive_opt::<T>())
        .map_or_else(T::Native::default, |a| a.value(row))
}

/// The records that add differently to two figures.
fn differences(before: &[OpenedMeasure<'_>], after: &[OpenedMeasure<'_>]) -> Vec<Difference> {
    let mut found = Vec::new();
    for ((measure, divisor, old), (_, _, new)) in before.iter().zip(after) {
        let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for key in keys {
            let entries = [old.get(key), new.get(key)].into_iter().flatten();
            let latest = entries.map(|net| net.latest).max();
            let [was, is] =
                [old, new].map(|records| records.get(key).filter(|net| !net.is_nothing()));
            let same = was.map(|n| (n.amount, n.count)) == is.map(|n| (n.amount, n.count));
            let Some(shown) = is.or(was).filter(|_| !same) else {
                continue;
            };
            let latest = latest.unwrap_or(shown.latest);
            found.push(Difference {
                measure: measure.name.clone(),
                record_key: key.clone(),
                before: was.map(|net| amount(net, *divisor)),
                after: is.map(|net| amount(net, *divisor)),
                known_at: latest.0,
                seq: latest.1,
                source: shown.row.source.clone(),
            });
        }
    }
    found
}
