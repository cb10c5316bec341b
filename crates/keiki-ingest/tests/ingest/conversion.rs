//! Conversion round trips: what is written in a column's form comes back as it was, and nothing
//! else is accepted.

use std::fmt::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Decimal128Type, Int64Type, TimestampMicrosecondType};
use jiff::Timestamp;
use keiki_ingest::Limits;
use keiki_model::calendar::{BEGINNING, date_of};
use keiki_model::evidence::Evidence;
use proptest::prelude::*;

use crate::fixture::{read_below_the_first_line, read_text};

const LAST_DAY: i32 = 2_932_896; // 9999-12-31

fn evidence(column: &str, values: &[String]) -> Evidence {
    let mut text = format!("thing_id,org_unit,{column}\n");
    for (number, value) in values.iter().enumerate() {
        let _ = writeln!(text, "T{number},HD,{value}");
    }
    read_text("things", "things.csv", text, Limits::default()).expect("the file can be read")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn decimals_come_back_as_they_were(values in prop::collection::vec(-999_999_999_999_i128..=999_999_999_999, 1..40)) {
        let texts: Vec<String> = values
            .iter()
            .map(|v| format!("{}{}.{:02}", if *v < 0 { "-" } else { "" }, v.abs() / 100, v.abs() % 100))
            .collect();
        let evidence = evidence("amount", &texts);
        prop_assert!(evidence.rejected.is_empty());
        let array = evidence.rows.column_by_name("amount").expect("the column exists").as_primitive::<Decimal128Type>();
        prop_assert_eq!(array.values().to_vec(), values);
    }

    #[test]
    fn integers_come_back_as_they_were(values in prop::collection::vec(any::<i64>(), 1..40)) {
        let evidence = evidence("item_count", &values.iter().map(ToString::to_string).collect::<Vec<_>>());
        prop_assert!(evidence.rejected.is_empty());
        let array = evidence.rows.column_by_name("item_count").expect("the column exists").as_primitive::<Int64Type>();
        prop_assert_eq!(array.values().to_vec(), values);
    }

    #[test]
    fn dates_come_back_as_they_were(values in prop::collection::vec(BEGINNING..=LAST_DAY, 1..40)) {
        let evidence = evidence("held_on", &values.iter().map(|day| date_of(*day).to_string()).collect::<Vec<_>>());
        prop_assert!(evidence.rejected.is_empty(), "{:?}", evidence.rejected);
        let array = evidence.rows.column_by_name("held_on").expect("the column exists").as_primitive::<Date32Type>();
        prop_assert_eq!(array.values().to_vec(), values);
    }

    #[test]
    fn instants_come_back_as_they_were(values in prop::collection::vec(-2_000_000_000_000_000_i64..=250_000_000_000_000_000, 1..40)) {
        let texts: Vec<String> = values
            .iter()
            .map(|at| Timestamp::from_microsecond(*at).expect("the instant is in range").to_string())
            .collect();
        let evidence = evidence("checked_at", &texts);
        prop_assert!(evidence.rejected.is_empty(), "{:?}", evidence.rejected);
        let array =
            evidence.rows.column_by_name("checked_at").expect("the column exists").as_primitive::<TimestampMicrosecondType>();
        prop_assert_eq!(array.values().to_vec(), values);
    }

    #[test]
    fn every_row_is_accepted_or_rejected_with_its_line(lines in prop::collection::vec("[a-z0-9,\"; \r]{0,12}", 0..30)) {
        let text = format!("thing_id,org_unit\n{}\n", lines.join("\n"));
        let evidence = read_below_the_first_line("things", "things.csv", &text).expect("the header is good");
        let mut rows = evidence.places.clone();
        rows.extend(evidence.rejected.iter().map(|row| row.row));
        let last = lines.len() as u64 + 1;
        prop_assert!(rows.iter().all(|row| (2..=last).contains(row)), "{rows:?}");
        prop_assert_eq!(evidence.rows.num_rows(), evidence.places.len());
    }

    #[test]
    fn json_and_csv_say_the_same(values in prop::collection::vec("[ -~あ-ん]{0,8}", 1..20)) {
        let mut csv = String::from("thing_id,org_unit\n");
        let mut json = Vec::new();
        for value in &values {
            let _ = writeln!(csv, "\"{}\",HD", value.replace('"', "\"\""));
            json.push(serde_json::json!({"thing_id": value, "org_unit": "HD"}));
        }
        let from_csv = read_text("things", "a.csv", &csv, Limits::default()).expect("the file can be read");
        let json = serde_json::Value::from(json).to_string();
        let from_json = read_text("things", "a.json", &json, Limits::default()).expect("the file can be read");
        prop_assert_eq!(from_csv.rows, from_json.rows);
        prop_assert_eq!(from_csv.rejected.len(), from_json.rejected.len());
    }

    #[test]
    fn the_order_of_rows_changes_no_row(order in Just((0..20_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let texts: Vec<String> = order.iter().map(|n| format!("{n}.5")).collect();
        let evidence = evidence("amount", &texts);
        let array = evidence.rows.column_by_name("amount").expect("the column exists").as_primitive::<Decimal128Type>();
        let expected: Vec<i128> = order.iter().map(|n| *n as i128 * 100 + 50).collect();
        prop_assert_eq!(array.values().to_vec(), expected);
        prop_assert_eq!(array.null_count(), 0);
    }
}

#[test]
fn what_is_no_number_and_no_day_is_rejected_with_its_cell_in_every_form() {
    let numbers = ["NaN", "nan", "Infinity", "-inf", "1e999", "0x10", "१२"];
    let days = [
        "10000-01-01",
        "99999-12-31",
        "9999-12-31",
        "0000-00-00",
        "-1-01-01",
    ];
    let wrong = (numbers.iter().map(|text| ("amount", *text)))
        .chain(numbers.iter().map(|text| ("item_count", *text)))
        .chain(days.iter().map(|text| ("held_on", *text)))
        .chain([
            ("checked_at", "10000-01-01T00:00:00Z"),
            ("checked_at", "9999-12-31T23:59:59Z"),
        ]);
    for (column, text) in wrong {
        let csv = format!("thing_id,org_unit,{column}\nT1,HD,{text}\nT2,HD,\n");
        let json = serde_json::json!([
            {"thing_id": "T1", "org_unit": "HD", (column): text},
            {"thing_id": "T2", "org_unit": "HD"},
        ]);
        let lines = format!(
            "{{\"thing_id\":\"T1\",\"org_unit\":\"HD\",\"{column}\":\"{text}\"}}\n{{\"thing_id\":\"T2\",\"org_unit\":\"HD\"}}\n"
        );
        for (file, content) in [
            ("a.csv", csv),
            ("a.json", json.to_string()),
            ("a.ndjson", lines),
        ] {
            let evidence = read_text("things", file, content, Limits::default());
            let evidence = evidence.expect("the rest can be read");
            let places: Vec<Option<&str>> = evidence
                .rejected
                .iter()
                .map(|row| row.reason.column())
                .collect();
            assert_eq!(places, [Some(column)], "{file}: {text}");
            assert_eq!(evidence.rows.num_rows(), 1, "{file}: {text}");
        }
    }
}

#[test]
fn what_is_no_number_in_a_column_of_floats_is_rejected() {
    use arrow::array::{Float64Array, RecordBatch, StringArray};
    use std::sync::Arc;
    let values = Float64Array::from(vec![1.5, f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    let ids = StringArray::from(vec!["T1", "T2", "T3", "T4"]);
    let units = StringArray::from(vec!["HD"; 4]);
    let rows = RecordBatch::try_from_iter([
        ("thing_id", Arc::new(ids) as _),
        ("org_unit", Arc::new(units) as _),
        ("amount", Arc::new(values) as _),
    ])
    .expect("three columns of four rows");
    let mut bytes = Vec::new();
    let mut writer = parquet::arrow::ArrowWriter::try_new(&mut bytes, rows.schema(), None)
        .expect("the schema can be written");
    writer.write(&rows).expect("memory can be written");
    writer.close().expect("memory can be written");
    let evidence = read_text("things", "a.parquet", bytes, Limits::default());
    let evidence = evidence.expect("the file can be read");
    assert_eq!((evidence.rows.num_rows(), evidence.rejected.len()), (1, 3));
}
