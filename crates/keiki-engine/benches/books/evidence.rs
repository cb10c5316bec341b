//! Made-up records of the three datasets that are measured.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, RecordBatch, StringArray, new_null_array,
};
use keiki_model::calendar::Day;
use keiki_model::dataset::Dataset;

use super::{Outcome, start, unit};

/// A cheap, fixed scatter of numbers.
pub(super) fn scatter(index: usize, salt: u64) -> usize {
    let mixed = (index as u64 ^ salt.wrapping_mul(0x9e37_79b9_7f4a_7c15))
        .wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from((mixed ^ (mixed >> 29)) >> 8).unwrap_or(0)
}

pub(super) fn days_from_start(index: usize, salt: u64) -> Day {
    start() + i32::try_from(scatter(index, salt) % 1_090).unwrap_or(0)
}

fn rows(dataset: &Dataset, count: usize, columns: &[(&str, ArrayRef)]) -> Outcome<RecordBatch> {
    let schema = dataset.schema();
    let arrays = schema
        .fields()
        .iter()
        .map(
            |field| match columns.iter().find(|(name, _)| name == field.name()) {
                Some((_, array)) => Arc::clone(array),
                None => new_null_array(field.data_type(), count),
            },
        )
        .collect();
    Ok(RecordBatch::try_new(schema, arrays)?)
}

fn texts(items: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(items))
}

pub(crate) fn asset_rows(dataset: &Dataset, numbers: &[usize], turn: u64) -> Outcome<RecordBatch> {
    let dates = |f: &dyn Fn(usize) -> Option<Day>| -> ArrayRef {
        Arc::new(numbers.iter().map(|i| f(*i)).collect::<Date32Array>())
    };
    let inventoried = |i: usize| (scatter(i, turn) % 10 < 8).then(|| days_from_start(i, turn + 1));
    let by = numbers.iter().map(|i| {
        let ways = ["designated_tool", "declaration"];
        inventoried(*i).map(|_| ways[scatter(*i, turn) % 2])
    });
    rows(
        dataset,
        numbers.len(),
        &[
            (
                "asset_id",
                texts(numbers.iter().map(|i| format!("A{i:07}"))),
            ),
            ("org_unit", texts(numbers.iter().map(|i| unit(*i)))),
            (
                "kind",
                texts(numbers.iter().map(|i| {
                    ["hardware", "software", "mobile", "cloud_service"][i % 4].to_owned()
                })),
            ),
            (
                "name",
                texts(numbers.iter().map(|i| format!("asset {i} of turn {turn}"))),
            ),
            (
                "is_in_scope",
                Arc::new(BooleanArray::from(vec![true; numbers.len()])),
            ),
            (
                "owner_id",
                texts(numbers.iter().map(|i| format!("E{}", i % 6_000))),
            ),
            ("owner_assigned_on", dates(&|_| Some(start()))),
            ("declared_on", dates(&inventoried)),
            (
                "discovered_on",
                dates(&|i| scatter(i, turn).is_multiple_of(2).then(start)),
            ),
            ("inventoried_on", dates(&inventoried)),
            ("inventoried_by", Arc::new(by.collect::<StringArray>())),
        ],
    )
}

pub(crate) fn vulnerability_rows(
    dataset: &Dataset,
    numbers: &[usize],
    is_started: bool,
) -> Outcome<RecordBatch> {
    let published = |i: usize| days_from_start(i, 7);
    let scores: Vec<i128> = numbers
        .iter()
        .map(|i| i128::try_from(scatter(*i, 5) % 101).unwrap_or(0))
        .collect();
    let after = |i: usize, salt, most| i32::try_from(scatter(i, salt) % most).unwrap_or(0);
    let started = |i: usize| is_started.then(|| published(i) + after(i, 9, 90));
    let completed = numbers.iter().map(|i| {
        let is_completed = scatter(*i, 15).is_multiple_of(2);
        started(*i)
            .filter(|_| is_completed)
            .map(|on| on + after(*i, 17, 60))
    });
    let completed = completed.collect::<Date32Array>();
    let started = numbers.iter().map(|i| started(*i)).collect::<Date32Array>();
    rows(
        dataset,
        numbers.len(),
        &[
            (
                "vulnerability_id",
                texts(numbers.iter().map(|i| format!("V{i:07}"))),
            ),
            ("org_unit", texts(numbers.iter().map(|i| unit(*i)))),
            (
                "cve_id",
                texts(numbers.iter().map(|i| format!("CVE-2025-{}", i % 40_000))),
            ),
            (
                "cvss_base_score",
                Arc::new(Decimal128Array::from(scores).with_precision_and_scale(3, 1)?),
            ),
            (
                "published_on",
                Arc::new(
                    numbers
                        .iter()
                        .map(|i| Some(published(*i)))
                        .collect::<Date32Array>(),
                ),
            ),
            ("started_on", Arc::new(started)),
            ("completed_on", Arc::new(completed)),
        ],
    )
}

/// Milestones with the day planned for them; of those that are done, the day, up to ninety days early or late.
pub(crate) fn milestone_rows(
    dataset: &Dataset,
    numbers: &[usize],
    is_done: bool,
) -> Outcome<RecordBatch> {
    let dates = |f: &dyn Fn(usize) -> Option<Day>| -> ArrayRef {
        Arc::new(numbers.iter().map(|i| f(*i)).collect::<Date32Array>())
    };
    let project = &dataset.column("project").ok_or("no projects")?.values;
    let planned = |i: usize| days_from_start(i, 11) + 90;
    let shift = |i: usize| i32::try_from(scatter(i, 13) % 181).unwrap_or(0) - 90;
    rows(
        dataset,
        numbers.len(),
        &[
            (
                "milestone_id",
                texts(numbers.iter().map(|i| format!("M{i:07}"))),
            ),
            ("org_unit", texts(numbers.iter().map(|i| unit(*i)))),
            (
                "project",
                texts(
                    numbers
                        .iter()
                        .map(|i| project[scatter(*i, 19) % project.len()].clone()),
                ),
            ),
            (
                "stage",
                texts(
                    numbers
                        .iter()
                        .map(|i| ["approval", "rollout"][scatter(*i, 21) % 2].to_owned()),
                ),
            ),
            ("plan_approved_on", dates(&|_| Some(start()))),
            ("planned_on", dates(&|i| Some(planned(i)))),
            (
                "done_on",
                dates(&|i| is_done.then(|| planned(i) + shift(i))),
            ),
        ],
    )
}
