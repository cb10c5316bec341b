//! Reported figures: totals that replace rows for a KPI, org unit and period, and percentages that are shown only.

use std::collections::HashMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type, Int64Type};
use keiki_model::calendar::Period;
use keiki_model::dataset::ORG_UNIT;
use keiki_model::fraction::Fraction;
use keiki_model::text::Text;
use keiki_store::{RECORD_KEY, WEIGHT};

use crate::error::{EngineError, Result};

/// One reported figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReportedFigure {
    pub(crate) org_unit: String,
    /// Above the line; absent in a reference value.
    pub(crate) numerator: Option<Fraction>,
    /// Below it.
    pub(crate) denominator: Option<Fraction>,
    /// A percentage alone, as a ratio.
    pub(crate) value: Option<Fraction>,
}

impl ReportedFigure {
    /// Tells whether it has totals, which add up; otherwise it is only a reference.
    pub(crate) fn has_totals(&self) -> bool {
        self.numerator.is_some()
    }
}

/// A total that stands in the place of rows, without its amounts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TotalInPlace {
    /// The KPI's number.
    pub no: u32,
    /// The indicator.
    pub indicator: String,
    /// The org unit that reports, with all below it.
    pub org_unit: String,
    /// The period.
    pub period: Period,
}

/// Reported figures by KPI, indicator and period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReportedFigures {
    by_key: HashMap<(i64, String, String), Vec<ReportedFigure>>,
}

impl ReportedFigures {
    /// Sums the entries of the dataset `reported_figures` into the figures in force.
    pub(crate) fn new(entries: &[RecordBatch]) -> Result<Self> {
        type State = ((i64, String, String), ReportedFigure);
        let mut states: HashMap<(String, String), (i64, State)> = HashMap::new();
        for batch in entries {
            let text = |name: &str| -> Result<arrow::array::StringArray> {
                Ok(cast(column(batch, name)?, &DataType::Utf8)?
                    .as_string::<i32>()
                    .clone())
            };
            let numbers = cast(column(batch, "kpi_no")?, &DataType::Int64)?;
            let numbers = numbers.as_primitive::<Int64Type>();
            let (indicators, units, periods) =
                (text("indicator")?, text(ORG_UNIT)?, text("period")?);
            let (above, below, values) = (text("numerator")?, text("denominator")?, text("value")?);
            let keys = text(RECORD_KEY)?;
            let weights = column(batch, WEIGHT)?.as_primitive::<Int32Type>();
            for row in 0..batch.num_rows() {
                let decimal = |array: &arrow::array::StringArray| {
                    array
                        .is_valid(row)
                        .then(|| Fraction::parse_decimal(array.value(row)))
                        .flatten()
                };
                let figure = ReportedFigure {
                    org_unit: units.value(row).to_owned(),
                    numerator: decimal(&above),
                    denominator: decimal(&below),
                    value: decimal(&values),
                };
                let key = (
                    numbers.value(row),
                    indicators.value(row).to_owned(),
                    periods.value(row).to_owned(),
                );
                let identity = (keys.value(row).to_owned(), format!("{figure:?}"));
                states
                    .entry(identity)
                    .or_insert_with(|| (0, (key, figure)))
                    .0 += i64::from(weights.value(row));
            }
        }
        let mut by_key: HashMap<_, Vec<ReportedFigure>> = HashMap::new();
        for (weight, (key, figure)) in states.into_values() {
            if weight > 0 {
                by_key.entry(key).or_default().push(figure);
            }
        }
        for figures in by_key.values_mut() {
            figures.sort_by(|a, b| a.org_unit.cmp(&b.org_unit));
        }
        Ok(Self { by_key })
    }

    /// All figures that have totals, in order; a period that is none stands for nothing.
    pub(crate) fn totals(&self) -> Vec<TotalInPlace> {
        let all = self
            .by_key
            .iter()
            .flat_map(|((no, indicator, period), figures)| {
                let key = u32::try_from(*no).ok().zip(Period::parse(period).ok());
                let with_totals = figures.iter().filter(|figure| figure.has_totals());
                key.into_iter().flat_map(move |(no, period)| {
                    with_totals.clone().map(move |figure| TotalInPlace {
                        no,
                        indicator: indicator.clone(),
                        org_unit: figure.org_unit.clone(),
                        period,
                    })
                })
            });
        let mut all: Vec<TotalInPlace> = all.collect();
        all.sort();
        all
    }

    /// The figures that were reported for an indicator and period, in the order of the org units' ids.
    pub(crate) fn of(&self, no: u32, indicator: &str, period: &str) -> &[ReportedFigure] {
        self.by_key
            .get(&(i64::from(no), indicator.to_owned(), period.to_owned()))
            .map_or(&[], Vec::as_slice)
    }
}

/// What an org unit reported, of figures as `ReportedFigures::of` gives them.
pub(crate) fn of_unit<'f>(figures: &'f [ReportedFigure], id: &str) -> Option<&'f ReportedFigure> {
    let at = figures.partition_point(|figure| figure.org_unit.as_str() < id);
    figures.get(at).filter(|figure| figure.org_unit == id)
}

fn column<'b>(batch: &'b RecordBatch, name: &str) -> Result<&'b arrow::array::ArrayRef> {
    batch.column_by_name(name).ok_or_else(|| {
        EngineError::no_column(&Text::new("報告された合計値", "reported figures"), name)
    })
}
