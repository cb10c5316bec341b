//! Approved plans: no reading moves a baseline, and nothing that it says of a plan is lost.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, TimestampMicrosecondArray};
use arrow::datatypes::DataType;
use keiki_model::calendar::date_of;
use keiki_model::evidence::{Extent, Missing, Reason};
use keiki_store::FrozenPlan;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::inventory::verify;
use crate::world::{Reading, World, block_on, day, end_of, noon};

const HEADER: &str = "milestone_id,org_unit,project,stage,plan_approved_on,planned_on,replanned_on,replan_approved_on\n";

/// The plan of fiscal year 2026, approved on 1 April.
fn plan(org_units: &[&str]) -> FrozenPlan {
    FrozenPlan {
        org_units: org_units.iter().map(|unit| (*unit).to_owned()).collect(),
        fiscal_year: "FY2026".into(),
        from: day("2026-04-01"),
        until: day("2027-03-31"),
        frozen_from: end_of(day("2026-04-01")) + 1,
    }
}

fn reading(source: &str, on: &str) -> Reading {
    Reading {
        source: source.into(),
        extent: Extent::Part,
        frozen_plans: vec![plan(&["HD", "JP1", "JP1-IT"])],
        ..Reading::new("milestones", day(on))
    }
}

fn row(id: &str, unit: &str, planned: &str, replanned: &str) -> String {
    let approved = if replanned.is_empty() {
        ""
    } else {
        "2026-05-01"
    };
    format!("{id},{unit},incident_procedure,approval,2026-04-01,{planned},{replanned},{approved}\n")
}

fn rows(rows: &[String]) -> String {
    format!("{HEADER}{}", rows.concat())
}

/// Baseline and revision of each record, as known now.
async fn days(world: &World, dataset: &str) -> BTreeMap<String, (String, String)> {
    let query = format!(
        "select record_key, planned_on, replanned_on from {dataset} \
         group by 1, 2, 3 having sum(weight) > 0"
    );
    let found = world
        .engine
        .sql(&world.journal, &query)
        .await
        .expect("the query is right");
    let mut all = BTreeMap::new();
    for rows in found {
        let column = |number: usize| {
            arrow::compute::cast(rows.column(number), &DataType::Utf8).expect("it is text")
        };
        let columns = [column(0), column(1), column(2)];
        let text = |number: usize, row: usize| {
            let column = columns[number].as_string::<i32>();
            let value = column.is_valid(row).then(|| column.value(row).to_owned());
            value.unwrap_or_default()
        };
        for row in 0..rows.num_rows() {
            all.insert(text(0, row), (text(1, row), text(2, row)));
        }
    }
    all
}

/// The days of one record.
async fn days_of(world: &World, key: &str) -> (String, String) {
    let all = days(world, "milestones").await;
    all.get(key).cloned().unwrap_or_default()
}

fn both(baseline: &str, revision: &str) -> (String, String) {
    (baseline.to_owned(), revision.to_owned())
}

#[test]
fn a_day_that_moves_after_the_approval_is_a_revision() {
    block_on(async {
        let world = World::shipped().await;
        let say = async |on: &str, planned: &str, replanned: &str| {
            let csv = rows(&[row("M1", "JP1", planned, replanned)]);
            world.commit_csv(&reading("wbs", on), &csv).await
        };
        say("2026-03-20", "2026-06-30", "").await;
        // Before the approval, and on its day, the plan is still being made.
        assert_eq!(say("2026-04-01", "2026-07-31", "").await.kept, []);
        assert_eq!(days_of(&world, "M1").await, both("2026-07-31", ""));
        let moved = say("2026-05-10", "2026-12-18", "").await;
        assert_eq!(
            days_of(&world, "M1").await,
            both("2026-07-31", "2026-12-18")
        );
        let expected = Reason::PlanFrozen {
            column: "planned_on".into(),
            fiscal_year: "FY2026".into(),
            found: Some("2026-12-18".into()),
            kept: Some("2026-07-31".into()),
            revision: "replanned_on".into(),
        };
        assert_eq!(moved.kept[0].reason, expected);
        assert_eq!((moved.kept[0].row, moved.counts.changed), (2, 1));
        // The same again is known; it is said again that the day was kept.
        let again = say("2026-06-10", "2026-12-18", "").await;
        assert_eq!((again.counts.changed, again.kept.len()), (0, 1));
        // A revision that the row gives itself is the revision.
        say("2026-07-10", "2026-12-18", "2027-01-29").await;
        assert_eq!(
            days_of(&world, "M1").await,
            both("2026-07-31", "2027-01-29")
        );
        // Neither silence nor another year takes the item out of the plan.
        say("2026-08-10", "", "").await;
        assert_eq!(days_of(&world, "M1").await, both("2026-07-31", ""));
        say("2026-09-10", "2027-06-30", "").await;
        assert_eq!(
            days_of(&world, "M1").await,
            both("2026-07-31", "2027-06-30")
        );
        let snapshot = world.journal.snapshot().await.expect("a snapshot");
        let listed = world.journal.rejects(&snapshot).await.expect("rejects");
        assert_eq!(listed.len(), 5);
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn an_item_that_comes_after_the_approval_is_not_in_the_baseline() {
    block_on(async {
        let world = World::shipped().await;
        let csv = rows(&[
            row("M1", "JP1", "2026-06-30", ""),
            // Neither another year nor another unit is bound.
            row("M2", "JP1", "2027-06-30", ""),
            row("M3", "US1", "2026-06-30", ""),
        ]);
        let receipt = world.commit_csv(&reading("wbs", "2026-05-10"), &csv).await;
        assert_eq!(receipt.kept.len(), 1);
        assert_eq!(days_of(&world, "M1").await, both("", "2026-06-30"));
        assert_eq!(days_of(&world, "M2").await, both("2027-06-30", ""));
        assert_eq!(days_of(&world, "M3").await, both("2026-06-30", ""));
        // What was planned for another year does not slip into this one, nor does another unit's item by moving.
        let csv = rows(&[
            row("M2", "JP1", "2026-12-31", ""),
            row("M3", "JP1", "2026-06-30", ""),
        ]);
        let receipt = world.commit_csv(&reading("wbs", "2026-06-10"), &csv).await;
        assert_eq!(receipt.kept.len(), 1);
        assert_eq!(
            days_of(&world, "M2").await,
            both("2027-06-30", "2026-12-31")
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_plan_that_is_opened_again_takes_the_same_file_in() {
    block_on(async {
        let world = World::shipped().await;
        let csv = rows(&[row("M1", "JP1", "2026-06-30", "")]);
        let late = reading("wbs", "2026-05-10");
        world.commit_csv(&late, &csv).await;
        assert_eq!(days_of(&world, "M1").await, both("", "2026-06-30"));
        assert_eq!(world.commit_csv(&late, &csv).await.seq, None, "a replay");
        let mut opened = late.clone();
        opened.frozen_plans[0].frozen_from = end_of(day("2026-05-31")) + 1;
        assert_eq!(world.commit_csv(&opened, &csv).await.seq, Some(2));
        assert_eq!(days_of(&world, "M1").await, both("2026-06-30", ""));
    });
}

#[test]
fn another_source_cannot_move_the_plan() {
    block_on(async {
        let world = World::shipped().await;
        let mut first = reading("wbs", "2026-03-20");
        first.precedence = 5;
        let said = rows(&[row("M1", "JP1", "2026-06-30", "")]);
        world.commit_csv(&first, &said).await;
        let mut better = reading("portal", "2026-05-10");
        better.precedence = 1;
        let moved = rows(&[row("M1", "JP1-IT", "2026-11-30", "")]);
        assert_eq!(world.commit_csv(&better, &moved).await.kept.len(), 1);
        assert_eq!(
            days_of(&world, "M1").await,
            both("2026-06-30", "2026-11-30")
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_load_of_history_is_bound_from_the_approval_on() {
    block_on(async {
        let world = World::shipped().await;
        let versions = [
            ("2026-01-15", row("M1", "JP1", "2026-05-29", "")),
            ("2026-03-25", row("M1", "JP1", "2026-06-30", "")),
            ("2026-05-10", row("M1", "JP1", "2026-12-18", "")),
            ("2026-05-11", row("M2", "JP1", "2026-12-18", "")),
        ];
        let csv = rows(&versions.clone().map(|(_, row)| row));
        let mut evidence = world.read("milestones", &rows(&[]));
        for (known, row) in &versions {
            let one = world.read("milestones", &rows(std::slice::from_ref(row)));
            evidence.rows =
                arrow::compute::concat_batches(&one.rows.schema(), [&evidence.rows, &one.rows])
                    .expect("rows of one dataset");
            evidence.places.push(noon(day(known)).unsigned_abs());
        }
        let known = versions.iter().map(|(known, _)| noon(day(known)));
        evidence.known_at =
            Some(TimestampMicrosecondArray::from_iter_values(known).with_timezone("UTC"));
        let history = Reading {
            content: csv,
            ..reading("log", "2026-09-30")
        };
        let receipt = world.commit(&history, evidence).await;
        assert_eq!((receipt.rejected.len(), receipt.kept.len()), (0, 2));
        assert_eq!(
            days_of(&world, "M1").await,
            both("2026-06-30", "2026-12-18")
        );
        assert_eq!(days_of(&world, "M2").await, both("", "2026-12-18"));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn an_item_that_ended_comes_back_with_its_baseline() {
    block_on(async {
        let world = World::shipped().await;
        let header = "rollout_id,org_unit,site,kind,planned_on,replanned_on\n";
        let full = |on: &str| Reading {
            extent: Extent::Full,
            missing: Missing::Retire,
            is_missing_confirmed: true,
            dataset: "monitoring_rollouts".into(),
            ..reading("sites", on)
        };
        let rows = |days: &str| {
            format!("{header}R1,JP1,East,network,{days}\nR2,JP1,West,network,2026-08-31,\n")
        };
        let both_in = rows("2026-06-30,");
        world.commit_csv(&full("2026-03-20"), &both_in).await;
        let gone = format!("{header}R2,JP1,West,network,2026-08-31,\n");
        let receipt = world.commit_csv(&full("2026-05-10"), &gone).await;
        assert_eq!(receipt.counts.retired, 1);
        world
            .commit_csv(&full("2026-06-10"), &rows("2026-11-30,"))
            .await;
        let all = days(&world, "monitoring_rollouts").await;
        assert_eq!(all["R1"], both("2026-06-30", "2026-11-30"));
        // A correction that speaks for a day before the approval is known after it.
        let mut late = full("2026-03-25");
        (late.extent, late.now) = (Extent::Part, noon(day("2026-07-10")));
        let receipt = world.commit_csv(&late, &rows("2026-12-31,")).await;
        assert_eq!((receipt.kept.len(), receipt.rejected.len()), (1, 0));
        assert_eq!(verify(&world).await, []);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 20, ..ProptestConfig::default() })]

    #[test]
    fn nothing_moves_within_enters_or_leaves_an_approved_baseline(
        before in proptest::collection::vec(draft(), 1..6),
        after in proptest::collection::vec(draft(), 1..10),
    ) {
        block_on(baseline_stands(&before, &after))?;
    }
}

/// One row: source, record, its unit, and the days that it gives, counted from the beginning of the year.
type Draft = (u8, u8, bool, Option<i32>, Option<i32>);

fn draft() -> impl Strategy<Value = Draft> {
    let days = || proptest::option::weighted(0.8, -60..500_i32);
    (0..3_u8, 0..4_u8, any::<bool>(), days(), days())
}

async fn baseline_stands(before: &[Draft], after: &[Draft]) -> Result<(), TestCaseError> {
    let world = World::shipped().await;
    let say =
        async |(source, record, is_department, planned, replanned): &Draft, on: &str, turn| {
            let unit = if *is_department { "JP1-IT" } else { "JP1" };
            let show = |days: &Option<i32>| {
                days.map_or(String::new(), |days| {
                    date_of(day("2026-04-01") + days).to_string()
                })
            };
            let csv = rows(&[row(
                &format!("M{record}"),
                unit,
                &show(planned),
                &show(replanned),
            )]);
            let mut reading = reading(&format!("source{source}"), on);
            reading.precedence = i32::from(*source);
            (reading.as_of, reading.now) = (reading.as_of + turn, noon(reading.as_of + turn));
            world.commit_csv(&reading, &csv).await
        };
    for (turn, draft) in (0..).zip(before) {
        say(draft, "2026-03-01", turn).await;
    }
    let year = |all: &BTreeMap<String, (String, String)>| -> BTreeMap<String, String> {
        all.iter()
            .filter(|(_, (planned, _))| ("2026-04-01".."2027-04-01").contains(&planned.as_str()))
            .map(|(key, (planned, _))| (key.clone(), planned.clone()))
            .collect()
    };
    let baseline = year(&days(&world, "milestones").await);
    for (turn, draft) in (0..).zip(after) {
        let receipt = say(draft, "2026-04-02", turn).await;
        prop_assert_eq!(receipt.rejected.len(), 0);
        let now = days(&world, "milestones").await;
        prop_assert_eq!(&year(&now), &baseline);
    }
    prop_assert_eq!(verify(&world).await, []);
    Ok(())
}
