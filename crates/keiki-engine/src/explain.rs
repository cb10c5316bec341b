//! Opens a figure down to its rows, and the difference of two figures down to the records that make it.

mod totals;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use keiki_model::calendar::{Day, Period, local_day};
use keiki_model::dataset::ORG_UNIT;
use keiki_model::fraction::Fraction;
use keiki_model::kpi::{Indicator, Kpi, Measure, sql};
use keiki_model::measurement::Measurement;
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, Journal, KNOWN_AT, RECORD_KEY, SEQ, SOURCE};

use crate::engine::{Engine, Knowledge, Request, Structure};
use crate::error::{EngineError, Result};
use crate::evaluate::{MeasurePlace, View, survival_window};
use crate::plan::{MeasurePlan, Plan};
use crate::read::{Bounds, read_rows};
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
    /// The dataset's columns as text; null is absent.
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
                part(&kpi, of_measure, reported)
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
        let request = Request {
            kpis: vec![kpi.no],
            org_units: vec![question.org_unit.clone()],
            structure: question.structure.clone(),
            periods: vec![period],
            known_at,
            seq: question.seq,
            now: question.now,
        };
        let measurement = self
            .measure(journal, &request)
            .await?
            .into_iter()
            .find(|m| m.indicator == indicator.code)
            .ok_or_else(|| EngineError::not_measurable(period))?;
        let knowledge = self
            .knowledge(journal, known_at, question.seq, question.now)
            .await?;
        let slots = self.slots(&[period], &question.structure, knowledge.today)?;
        let Some(slot) = slots.first().copied() else {
            return Err(EngineError::not_measurable(period));
        };
        let plan = self.plan_on(slot.cut)?;
        let evaluation = self
            .evaluation(
                journal,
                knowledge.clone(),
                Arc::clone(&plan),
                std::slice::from_ref(kpi),
                slots,
            )
            .await?;
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
        let mut measures = Vec::new();
        for name in indicator.formula.measures() {
            let (Some(measure), Some(place)) = (kpi.measure(name), plan.place(kpi.no, name)) else {
                continue;
            };
            let views = evaluation.views(kpi.no, place);
            let Some(view) = views.first() else { continue };
            let records = self
                .records(journal, &knowledge, (&plan, place), view, (node, &totals))
                .await?;
            measures.push((measure, plan.measure(place).divisor, records));
        }
        Ok(Opened {
            measurement,
            measures,
            totals: totals.listed(),
        })
    }

    /// The records that have entries of a measure below a node and that no total replaces, with what these add up to.
    async fn records(
        &self,
        journal: &Journal,
        knowledge: &Knowledge,
        (plan, place): (&Plan, MeasurePlace),
        view: &View<'_>,
        (node, totals): (usize, &Totals),
    ) -> Result<BTreeMap<String, Net>> {
        let plan = &plan.datasets[place.0];
        let measure = &plan.measures[place.1];
        let scan = journal
            .scan(&plan.dataset, &knowledge.snapshot, 0, knowledge.seq)
            .await?;
        let bounds = Bounds {
            after_seq: 0,
            until_seq: knowledge.seq,
            known_at: Some(knowledge.known_at),
        };
        let mut records: BTreeMap<String, Net> = BTreeMap::new();
        for batch in read_rows(&self.context, &plan.dataset, &scan, bounds).await? {
            let rows = Rows::new(plan, &batch)?;
            let measured = MeasureRows::new(&rows, measure)?;
            let texts = Texts::new(&batch)?;
            for row in 0..batch.num_rows() {
                let span = view.span_of_evidence(texts.units.value(row));
                let Some((value, sign)) =
                    self.contribution(measured.part(row), measure, span, knowledge)
                else {
                    continue;
                };
                let units = totals.left(view.main(), texts.units.value(row));
                if units.is_empty() || !view.counts_below(&units, node) {
                    continue;
                }
                let weight = rows.weight(row) * sign;
                texts.add(&batch, row, value, weight, &mut records)?;
            }
        }
        Ok(records)
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
    totals: Vec<ReportedTotal>,
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

/// The columns of entries that rows of an explanation show.
struct Texts {
    keys: StringArray,
    sources: StringArray,
    units: StringArray,
    shown: Vec<usize>,
}

impl Texts {
    fn new(batch: &RecordBatch) -> Result<Self> {
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
        let shown = (0..batch.num_columns())
            .filter(|i| !journal.contains(batch.schema().field(*i).name().as_str()))
            .collect();
        Ok(Self {
            keys: text(RECORD_KEY)?,
            sources: text(SOURCE)?,
            units: text(ORG_UNIT)?,
            shown,
        })
    }

    fn add(
        &self,
        batch: &RecordBatch,
        row: usize,
        value: i128,
        weight: i64,
        records: &mut BTreeMap<String, Net>,
    ) -> Result<()> {
        let seq = primitive::<Int64Type>(batch, SEQ, row);
        let known_at = primitive::<TimestampMicrosecondType>(batch, KNOWN_AT, row);
        let shown = |row: usize| -> Result<Row> {
            Ok(Row {
                record_key: self.keys.value(row).to_owned(),
                amount: Fraction::whole(0),
                source: self.sources.value(row).to_owned(),
                seq,
                effective_on: primitive::<Date32Type>(batch, EFFECTIVE_ON, row),
                columns: self.columns(batch, row)?,
            })
        };
        let key = self.keys.value(row).to_owned();
        let net = match records.entry(key) {
            std::collections::btree_map::Entry::Occupied(found) => found.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => free.insert(Net {
                amount: 0,
                count: 0,
                latest: (i64::MIN, i64::MIN),
                row: shown(row)?,
            }),
        };
        net.amount += value * i128::from(weight);
        net.count += weight;
        if weight > 0 && (known_at, seq) >= net.latest {
            net.row = shown(row)?;
        }
        net.latest = net.latest.max((known_at, seq));
        Ok(())
    }

    fn columns(&self, batch: &RecordBatch, row: usize) -> Result<Vec<(String, String)>> {
        let options = FormatOptions::default();
        self.shown
            .iter()
            .filter(|index| batch.column(**index).is_valid(row))
            .map(|index| {
                let formatter = ArrayFormatter::try_new(batch.column(*index), &options)?;
                Ok((
                    batch.schema().field(*index).name().clone(),
                    formatter.value(row).to_string(),
                ))
            })
            .collect()
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
