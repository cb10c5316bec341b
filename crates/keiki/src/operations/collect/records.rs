//! What the books hold for an org unit: the records in force on a day, and what happened in a period.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of};
use keiki_model::collection::{Value, asked};
use keiki_model::dataset::{Column, ColumnType, Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR, OrgUnits};
use keiki_store::{EFFECTIVE_ON, Journal, RECORD_KEY, WEIGHT};

use crate::config::Workspace;
use crate::error::Result;

/// A record with its values, in the order of `asked`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) key: String,
    /// *Shape*: a value per column; people are `OnFile`.
    pub(super) values: Vec<Value>,
    /// The tokens of people, by column.
    pub(super) tokens: Vec<(String, String)>,
}

/// Which records are wanted.
pub(super) struct Wanted<'w> {
    pub(super) units: &'w [String],
    /// The day on which they are in force.
    pub(super) day: Day,
    /// Only those of which something falls into these days.
    pub(super) between: Option<(Day, Day)>,
    /// A further condition in SQL.
    pub(super) filter: Option<String>,
}

/// Reads the records of org units, in the order of their keys.
pub(super) async fn read(
    workspace: &Workspace,
    journal: &Journal,
    dataset: &Dataset,
    wanted: &Wanted<'_>,
) -> Result<Vec<Record>> {
    let columns: Vec<&Column> = asked(dataset).collect();
    let batches = workspace
        .engine()
        .sql(journal, &query(dataset, &columns, wanted))
        .await?;
    let mut records = Vec::new();
    for batch in &batches {
        collect(workspace, &columns, batch, &mut records)?;
    }
    records.retain(|(unit, _)| {
        dataset.org_units != OrgUnits::Several
            || unit
                .split(ORG_UNIT_SEPARATOR)
                .any(|id| wanted.units.iter().any(|wanted| wanted == id))
    });
    let mut records: Vec<Record> = records.into_iter().map(|(_, record)| record).collect();
    records.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(records)
}

/// The tokens of people by record key and column.
pub(super) fn on_file(records: &[Record]) -> HashMap<(String, String), String> {
    let of_record = |record: &Record| {
        let tokens = record.tokens.clone().into_iter();
        let key = record.key.clone();
        tokens
            .map(|(column, token)| ((key.clone(), column), token))
            .collect::<Vec<_>>()
    };
    records.iter().flat_map(of_record).collect()
}

fn query(dataset: &Dataset, columns: &[&Column], wanted: &Wanted<'_>) -> String {
    let name = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let list: Vec<String> = columns.iter().map(|column| name(&column.name)).collect();
    let list = list.join(", ");
    let mut conditions = vec![format!(
        "{} <= date '{}'",
        name(EFFECTIVE_ON),
        date_of(wanted.day)
    )];
    if dataset.org_units == OrgUnits::One {
        let units: Vec<String> = wanted.units.iter().map(|unit| text(unit)).collect();
        conditions.push(format!("{} in ({})", name(ORG_UNIT), units.join(", ")));
    }
    if let Some((from, until)) = wanted.between {
        let dates: Vec<String> = columns
            .iter()
            .filter(|column| matches!(column.kind, ColumnType::Date | ColumnType::Instant))
            .map(|column| {
                format!(
                    "cast({} as date) between date '{}' and date '{}'",
                    name(&column.name),
                    date_of(from),
                    date_of(until)
                )
            })
            .collect();
        conditions.push(format!(
            "({})",
            if dates.is_empty() {
                "false".to_owned()
            } else {
                dates.join(" or ")
            }
        ));
    }
    conditions.extend(wanted.filter.clone());
    format!(
        "select {key}, {list} from {table} where {} group by {key}, {list} having sum({weight}) > 0",
        conditions.join(" and "),
        key = name(RECORD_KEY),
        table = name(&dataset.name),
        weight = name(WEIGHT),
    )
}

fn collect(
    workspace: &Workspace,
    columns: &[&Column],
    batch: &RecordBatch,
    records: &mut Vec<(String, Record)>,
) -> Result<()> {
    let fault = crate::error::Error::stopped;
    let keys = cast(batch.column(0), &DataType::Utf8).map_err(fault)?;
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (column, array) in columns.iter().zip(&batch.columns()[1..]) {
        arrays.push(cast(array, &column.kind.arrow()).map_err(fault)?);
    }
    for row in 0..batch.num_rows() {
        let mut unit = String::new();
        let mut values = Vec::with_capacity(columns.len());
        let mut tokens = Vec::new();
        for (column, array) in columns.iter().zip(&arrays) {
            if array.is_null(row) {
                values.push(Value::Empty);
                continue;
            }
            let value = value(array, row, column.kind, &workspace.settings.zone);
            if column.name == ORG_UNIT {
                unit = value.evidence();
            }
            if column.personal {
                tokens.push((column.name.clone(), value.evidence()));
                values.push(Value::OnFile);
            } else {
                values.push(value);
            }
        }
        let key = keys.as_string::<i32>().value(row).to_owned();
        records.push((
            unit,
            Record {
                key,
                values,
                tokens,
            },
        ));
    }
    Ok(())
}

fn value(array: &ArrayRef, row: usize, kind: ColumnType, zone: &TimeZone) -> Value {
    match kind {
        ColumnType::Text => Value::Text(array.as_string::<i32>().value(row).to_owned()),
        ColumnType::Integer => {
            Value::Number(array.as_primitive::<Int64Type>().value(row).to_string())
        }
        ColumnType::Decimal { .. } => {
            let decimals = array.as_primitive::<Decimal128Type>();
            Value::Number(plain(&decimals.value_as_string(row)))
        }
        ColumnType::Date => Value::Day(array.as_primitive::<Date32Type>().value(row)),
        ColumnType::Instant => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            moment(micros, zone)
        }
        ColumnType::Boolean => Value::Boolean(array.as_boolean().value(row)),
    }
}

/// A decimal without zeros behind its last digit.
fn plain(text: &str) -> String {
    if text.contains('.') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "-0" { "0" } else { text }.to_owned()
    } else {
        text.to_owned()
    }
}

/// An instant as a local date and time; as text with its offset where the local time exists twice, or is finer than a
/// spreadsheet keeps it.
fn moment(micros: i64, zone: &TimeZone) -> Value {
    let Ok(instant) = Timestamp::from_microsecond(micros) else {
        return Value::Empty;
    };
    let local = zone.to_datetime(instant);
    let again = zone.to_ambiguous_timestamp(local);
    if again.is_ambiguous() || micros % 1_000 != 0 {
        return Value::Text(
            instant
                .to_zoned(zone.clone())
                .strftime("%Y-%m-%dT%H:%M:%S%.f%:z")
                .to_string(),
        );
    }
    Value::Moment(local)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_that_a_spreadsheet_cannot_keep_stays_text() {
        let zone = TimeZone::get("Europe/Berlin").expect("the zone is in the database");
        let at = |text: &str| {
            let instant: Timestamp = text.parse().expect("an instant");
            moment(instant.as_microsecond(), &zone)
        };
        assert!(matches!(at("2026-04-01T00:00:00Z"), Value::Moment(_)));
        assert_eq!(
            at("2026-10-25T00:30:00Z"),
            Value::Text("2026-10-25T02:30:00+02:00".to_owned())
        );
        assert!(matches!(at("2026-04-01T00:00:00.000001Z"), Value::Text(_)));
    }

    #[test]
    fn decimals_lose_only_their_idle_zeros() {
        assert_eq!(plain("12.500000"), "12.5");
        assert_eq!(plain("1200"), "1200");
        assert_eq!(plain("-0.000"), "0");
    }
}
