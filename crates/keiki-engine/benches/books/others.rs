//! Made-up records of any dataset, by nothing but its definition.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use jiff::civil::date;
use keiki_model::calendar::{Day, day_of};
use keiki_model::dataset::{Column, ColumnType, Dataset, ORG_UNIT};

use super::evidence::{days_from_start, scatter};
use super::{Outcome, instant, unit};

/// How many records each dataset has for each million of entries, in all a tenth of them; 0 = one for each org unit.
pub(crate) const OTHERS: [(&str, usize); 21] = [
    ("trainings", 30_000),
    ("phishing_results", 25_000),
    ("system_controls", 10_000),
    ("findings", 8_000),
    ("obligations", 7_000),
    ("incidents", 6_000),
    ("policy_requirements", 5_000),
    ("personal_data_stores", 3_000),
    ("monitoring_rollouts", 1_500),
    ("partner_assessments", 1_000),
    ("supplier_audits", 1_000),
    ("project_reviews", 800),
    ("budgets", 800),
    ("certifications", 500),
    ("exercises", 200),
    ("system_evaluations", 200),
    ("sharing_activities", 100),
    ("assessments", 50),
    ("meetings", 50),
    ("phishing_drills", 50),
    ("headcounts", 0),
];

const CURRENCY: &str = "JPY";

/// How many values the last column of a key has, where it does not say.
const KEY_VALUES: usize = 40;

/// Records by their numbers; another turn says something else of the same ones.
pub(crate) fn other_rows(dataset: &Dataset, numbers: &[usize], turn: u64) -> Outcome<RecordBatch> {
    let arrays = dataset.journalled().zip(1..).map(|(column, place)| {
        let key = dataset.key.iter().position(|name| *name == column.name);
        match key {
            Some(at) => keys(dataset, column, at, numbers),
            None => values(column, numbers, turn * 1_000 + place),
        }
    });
    let arrays = arrays.collect::<Outcome<Vec<ArrayRef>>>()?;
    Ok(RecordBatch::try_new(dataset.schema(), arrays)?)
}

/// Rates of the years that the other records name.
pub(crate) fn plan_rate_rows(dataset: &Dataset) -> Outcome<RecordBatch> {
    let years: Vec<Day> = (2022..2030).map(|year| day_of(date(year, 4, 1))).collect();
    let numbers: Vec<usize> = (0..years.len()).collect();
    let arrays = dataset
        .journalled()
        .map(|column| match column.name.as_str() {
            "fiscal_year_start_on" => Ok(Arc::new(Date32Array::from(years.clone())) as ArrayRef),
            _ => values(column, &numbers, 1),
        });
    let arrays = arrays.collect::<Outcome<Vec<ArrayRef>>>()?;
    Ok(RecordBatch::try_new(dataset.schema(), arrays)?)
}

/// A part of the key, so that each number is a record of its own.
fn keys(dataset: &Dataset, column: &Column, at: usize, numbers: &[usize]) -> Outcome<ArrayRef> {
    if column.kind != ColumnType::Text {
        return Err(format!("no keys are made up for {}.{}", dataset.name, column.name).into());
    }
    let last = dataset.key.last().and_then(|name| dataset.column(name));
    let of_last = last.map_or(KEY_VALUES, |column| match column.values.len() {
        0 => KEY_VALUES,
        count => count,
    });
    let is_one = dataset.key.len() == 1;
    let is_last = at + 1 == dataset.key.len();
    let text = |number: &usize| {
        let part = match (is_one, is_last) {
            (true, _) => *number,
            (false, true) => number % of_last,
            (false, false) => number / of_last,
        };
        match (column.name.as_str(), column.values.get(part)) {
            (ORG_UNIT, _) => unit(part),
            (_, Some(value)) => value.clone(),
            (name, None) => format!("{name} {part}"),
        }
    };
    Ok(Arc::new(StringArray::from_iter_values(
        numbers.iter().map(text),
    )))
}

/// Whether a value that may be missing is there: of seven in ten.
fn is_there(column: &Column, number: usize, salt: u64) -> bool {
    column.required || scatter(number, salt + 500) % 10 < 7
}

fn values(column: &Column, numbers: &[usize], salt: u64) -> Outcome<ArrayRef> {
    let of = |number: usize| scatter(number, salt);
    let day = |number: usize| {
        let day = days_from_start(number, salt);
        if column.name.ends_with("fiscal_year_start_on") {
            day_of(date(
                2023 + i16::try_from(of(number) % 3).unwrap_or(0),
                4,
                1,
            ))
        } else {
            day
        }
    };
    let present = || {
        let all = numbers.iter();
        all.map(|number| is_there(column, *number, salt).then_some(*number))
    };
    let whole = |number: usize| i64::try_from(1 + of(number) % 3).unwrap_or(1);
    Ok(match column.kind {
        ColumnType::Text if column.name == ORG_UNIT => {
            let units = numbers.iter().map(|number| unit(*number));
            Arc::new(StringArray::from_iter_values(units))
        }
        ColumnType::Text => {
            let text = |number: usize| match column.values.len() {
                _ if column.name.ends_with("currency") => CURRENCY.to_owned(),
                0 => format!("{} {}", column.name, of(number) % 3),
                count => column.values[of(number) % count].clone(),
            };
            let texts = present().map(|number| number.map(text));
            Arc::new(texts.collect::<StringArray>())
        }
        ColumnType::Date => {
            let days = present().map(|number| number.map(day));
            Arc::new(days.collect::<Date32Array>())
        }
        ColumnType::Instant => {
            let instants = present().map(|number| number.map(|number| instant(day(number))));
            let instants = instants.collect::<TimestampMicrosecondArray>();
            Arc::new(instants.with_timezone("UTC"))
        }
        ColumnType::Boolean => {
            let flags = present().map(|number| number.map(|number| of(number) % 10 < 9));
            Arc::new(flags.collect::<BooleanArray>())
        }
        ColumnType::Integer => {
            let wholes = present().map(|number| number.map(whole));
            Arc::new(wholes.collect::<Int64Array>())
        }
        ColumnType::Decimal { precision, scale } => {
            let amount = |number: usize| i128::try_from(of(number) % 1_000).unwrap_or(0);
            let amounts = present().map(|number| number.map(amount));
            let amounts = amounts.collect::<Decimal128Array>();
            Arc::new(amounts.with_precision_and_scale(precision, scale)?)
        }
    })
}
