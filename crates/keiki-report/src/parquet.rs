//! Measurements as Parquet, one row each, with the columns that CSV has, typed: exact decimals, days, instants.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::error::ArrowError;
use keiki_model::calendar::parse_day;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::{DATA_DIGITS, Measurement};
use keiki_model::text::Text;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::csv::{basis, own_periods};

/// Digits of a decimal, those after the point included.
const PRECISION: u8 = 38;
/// Digits after the point.
const SCALE: i8 = 12;

/// Measurements could not be written as Parquet.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The columns do not fit together.
    #[error(transparent)]
    Columns(#[from] ArrowError),
    /// The file could not be written.
    #[error(transparent)]
    File(#[from] ParquetError),
}

impl Error {
    /// What is wrong.
    #[must_use]
    pub fn message(&self) -> Text {
        Text::new(
            format!("Parquetとして書き出せません: {self}"),
            self.to_string(),
        )
    }
}

/// Writes the measurements. *Units*: ratios 0..=1; unknown is null, and so is the hierarchy of the org tree.
///
/// # Errors
/// A figure has more digits than a decimal holds.
pub fn measurements(measurements: &[Measurement]) -> Result<Vec<u8>, Error> {
    let batch = RecordBatch::try_from_iter(columns(measurements)?)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("Keiki".to_owned())
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    Ok(writer.into_inner()?)
}

fn columns(all: &[Measurement]) -> Result<Vec<(&'static str, ArrayRef)>, Error> {
    let target = |of: fn(keiki_model::kpi::Target) -> Option<Fraction>| {
        decimals(all, move |one| one.target.and_then(of))
    };
    Ok(vec![
        (
            "no",
            Arc::new(UInt32Array::from_iter_values(all.iter().map(|one| one.no))),
        ),
        ("code", texts(all, |one| Some(one.code.to_string()))),
        (
            "indicator",
            texts(all, |one| Some(one.indicator.to_string())),
        ),
        (
            "companion",
            Arc::new(
                all.iter()
                    .map(|one| Some(one.is_companion))
                    .collect::<BooleanArray>(),
            ),
        ),
        ("org_unit", texts(all, |one| Some(one.org_unit.to_string()))),
        ("period", texts(all, |one| Some(one.period.to_string()))),
        (
            "cut_on",
            Arc::new(
                all.iter()
                    .map(|one| parse_day(&one.cut_on))
                    .collect::<Date32Array>(),
            ),
        ),
        ("known_at", instants(all)),
        ("value", decimals(all, |one| one.value)?),
        ("unit", texts(all, |one| Some(one.unit.name().to_owned()))),
        ("numerator", decimals(all, |one| one.numerator)?),
        ("denominator", decimals(all, |one| one.denominator)?),
        ("n", counts(all, |one| one.n)),
        ("target_at_least", target(|target| target.at_least)?),
        ("target_at_most", target(|target| target.at_most)?),
        (
            "status",
            texts(all, |one| Some(one.status.code().to_owned())),
        ),
        (
            "covered",
            counts(all, |one| Some(i128::from(one.coverage.covered))),
        ),
        (
            "expected",
            counts(all, |one| Some(i128::from(one.coverage.expected))),
        ),
        ("basis", texts(all, |one| Some(basis(one.basis).to_owned()))),
        ("unknown", counts(all, |one| Some(one.statistics.unknown))),
        ("open", counts(all, |one| one.statistics.open)),
        (
            "definition_version",
            texts(all, |one| Some(one.definition_version.to_string())),
        ),
        (
            "journal_version",
            Arc::new(Int64Array::from_iter_values(
                all.iter().map(|one| one.journal_version),
            )),
        ),
        (
            "own_periods",
            texts(all, |one| {
                Some(own_periods(&one.own_periods)).filter(|text| !text.is_empty())
            }),
        ),
        (
            "hierarchy",
            texts(all, |one| one.hierarchy.as_deref().map(str::to_owned)),
        ),
    ])
}

fn texts(all: &[Measurement], of: impl Fn(&Measurement) -> Option<String>) -> ArrayRef {
    Arc::new(all.iter().map(of).collect::<StringArray>())
}

fn counts(all: &[Measurement], of: impl Fn(&Measurement) -> Option<i128>) -> ArrayRef {
    let value = |one| of(one).and_then(|value| i64::try_from(value).ok());
    Arc::new(all.iter().map(value).collect::<Int64Array>())
}

/// Exact decimals with as many digits after the point as every data format carries.
fn decimals(
    all: &[Measurement],
    of: impl Fn(&Measurement) -> Option<Fraction>,
) -> Result<ArrayRef, Error> {
    let value = |one| of(one).map(scaled).transpose();
    let values: Vec<Option<i128>> = all.iter().map(value).collect::<Result<_, Error>>()?;
    let array = Decimal128Array::from(values).with_precision_and_scale(PRECISION, SCALE)?;
    Ok(Arc::new(array))
}

/// A value in units of the last digit.
fn scaled(value: Fraction) -> Result<i128, Error> {
    let text = value.to_decimal(DATA_DIGITS).replace('.', "");
    text.parse().map_err(|_| {
        ArrowError::ComputeError(format!("a figure has too many digits: {text}")).into()
    })
}

fn instants(all: &[Measurement]) -> ArrayRef {
    let instant = |one: &Measurement| {
        let at: Option<jiff::Timestamp> = one.known_at.parse().ok();
        at.map(jiff::Timestamp::as_microsecond)
    };
    let values: TimestampMicrosecondArray = all.iter().map(instant).collect();
    Arc::new(values.with_timezone("UTC"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_written_to_its_last_digit() {
        let scaled = |n, d| scaled(Fraction::new(n, d).expect("the denominator is not zero"));
        assert_eq!(scaled(1, 4).expect("it fits"), 250_000_000_000);
        assert_eq!(scaled(-3, 1).expect("it fits"), -3_000_000_000_000);
        assert!(scaled(i128::MAX, 1).is_err());
    }
}
