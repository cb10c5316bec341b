//! What comes late, or is left out, is judged by what was so on its day and was known then.

use arrow::array::{Date32Array, TimestampMicrosecondArray};
use keiki_model::evidence::{Evidence, Extent, Missing, Reason};

use crate::inventory::{asset, assets, counts, inventory, verify};
use crate::world::{Reading, World, block_on, day, end_of, noon};

/// The same evidence, known since the noon of a day.
fn known_on(evidence: Evidence, on: &str) -> Evidence {
    let noons = vec![noon(day(on)); evidence.rows.num_rows()];
    Evidence {
        known_at: Some(TimestampMicrosecondArray::from(noons).with_timezone("UTC")),
        ..evidence
    }
}

fn incident(contained_at: &str) -> String {
    format!(
        "incident_id,org_unit,severity,kind,detected_at,contained_at\n\
         I1,JP1,high,malware,2026-04-10T00:00:00Z,{contained_at}\n"
    )
}

#[test]
fn a_late_export_of_a_unit_misses_what_was_there_on_its_day_and_nothing_else() {
    block_on(async {
        let world = World::shipped().await;
        let mut part = Reading::new("assets", day("2026-04-05"));
        part.extent = Extent::Part;
        let said = |one: &str, other: &str| assets(&[asset("A1", one, ""), asset("A2", other, "")]);
        world.commit_csv(&part, &said("US1", "JP1")).await;
        (part.as_of, part.now) = (day("2026-06-12"), noon(day("2026-06-12")));
        world.commit_csv(&part, &said("JP1", "US1")).await;
        let late = Reading {
            extent: Extent::Full,
            missing: Missing::Retire,
            is_missing_confirmed: true,
            scope_units: vec!["US1".into()],
            now: noon(day("2026-07-01")),
            ..Reading::new("assets", day("2026-05-10"))
        };
        let receipt = world.commit_csv(&late, &assets(&[])).await;
        assert_eq!(receipt.counts.retired, 1);
        let known = end_of(day("2026-07-01"));
        for (unit, period, expected) in [
            ("US1", "2026-04", "1"),
            ("US1", "2026-05", "0"),
            ("JP1", "2026-05", "1"),
            ("US1", "2026-06", "1"),
            ("JP1", "2026-06", "1"),
        ] {
            let found = inventory(&world, unit, period, known).await;
            assert_eq!(counts(&found).1, expected, "{unit} {period}");
        }
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn that_a_happening_was_still_so_bars_what_was_known_before() {
    block_on(async {
        let world = World::shipped().await;
        let mut reading = Reading::new("incidents", day("2026-07-01"));
        reading.extent = Extent::Part;
        let mut rejected = Vec::new();
        for (contained, known) in [
            ("", "2026-04-11"),
            ("", "2026-05-11"),
            ("2026-04-20T00:00:00Z", "2026-05-01"),
            ("2026-04-20T00:00:00Z", "2026-05-12"),
        ] {
            let evidence = known_on(world.read("incidents", &incident(contained)), known);
            reading.content = known.to_owned();
            rejected.push(world.commit(&reading, evidence).await.counts.rejected);
        }
        assert_eq!(rejected, [0, 0, 1, 0]);
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn that_an_export_left_a_record_out_bars_nothing_that_was_known_before() {
    block_on(async {
        let world = World::shipped().await;
        let csv = |on: &str| assets(&[asset("A1", "JP1", on)]);
        world
            .commit_csv(&Reading::new("assets", day("2026-04-05")), &csv(""))
            .await;
        let other = assets(&[asset("A2", "JP1", "")]);
        world
            .commit_csv(&Reading::new("assets", day("2026-06-01")), &other)
            .await;
        let mut history = Reading::new("assets", day("2026-05-10"));
        history.extent = Extent::Part;
        history.now = noon(day("2026-07-01"));
        let evidence = known_on(world.read("assets", &csv("2026-05-09")), "2026-05-11");
        let receipt = world.commit(&history, evidence).await;
        assert_eq!((receipt.counts.rejected, receipt.counts.changed), (0, 1));
        let known = end_of(day("2026-07-01"));
        let found = inventory(&world, "JP1", "2026-05", known).await;
        assert_eq!(counts(&found), ("1".into(), "1".into()));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_total_is_not_added_to_that_of_a_unit_above_which_holds_it() {
    block_on(async {
        let world = World::shipped().await;
        let rows = [asset("A1", "US1", "2026-04-02"), asset("A2", "JP1", "")];
        world
            .commit_csv(&Reading::new("assets", day("2026-05-01")), &assets(&rows))
            .await;
        let mut reported = Reading::new("reported_figures", day("2026-05-10"));
        reported.covers = Vec::new();
        reported.extent = Extent::Part;
        let csv = "kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n\
                   1,inventory_ratio,JP1,2026-05,70,100,,Sato,memo.pdf\n\
                   1,inventory_ratio,JP1-IT,2026-05,30,40,,Kato,memo.pdf\n";
        world.commit_csv(&reported, csv).await;
        let known = end_of(day("2026-05-31"));
        for (unit, expected) in [("JP1-IT", (30, 40)), ("JP1", (70, 100)), ("HD", (71, 101))] {
            let found = inventory(&world, unit, "2026-05", known).await;
            let expected = (expected.0.to_string(), expected.1.to_string());
            assert_eq!(counts(&found), expected, "{unit}");
        }
    });
}

#[test]
fn what_became_known_at_an_instant_is_known_at_that_instant() {
    block_on(async {
        let world = World::shipped().await;
        let csv = |ids: &[&str]| {
            let rows: Vec<String> = ids.iter().map(|id| asset(id, "JP1", "")).collect();
            assets(&rows)
        };
        let first = Reading::new("assets", day("2026-05-01"));
        world.commit_csv(&first, &csv(&["A1"])).await;
        let second = Reading::new("assets", day("2026-05-10"));
        world.commit_csv(&second, &csv(&["A1", "A2"])).await;
        let then = inventory(&world, "JP1", "2026-05", noon(day("2026-05-01"))).await;
        assert_eq!(counts(&then).1, "1");
        let before = noon(day("2026-05-10")) - 1;
        assert_eq!(
            counts(&inventory(&world, "JP1", "2026-05", before).await).1,
            "1"
        );
    });
}

#[test]
fn a_record_of_which_it_is_unknown_whether_it_counts_is_counted_as_unknown() {
    block_on(async {
        let world = World::shipped().await;
        let unknown = asset("A1", "JP1", "").replace(",true,", ",,");
        let rows = [unknown, asset("A2", "JP1", "")];
        world
            .commit_csv(&Reading::new("assets", day("2026-05-01")), &assets(&rows))
            .await;
        let found = inventory(&world, "JP1", "2026-05", end_of(day("2026-05-31"))).await;
        assert_eq!(counts(&found), ("0".into(), "1".into()));
        assert_eq!(found.statistics.unknown, 1);
    });
}

#[test]
fn what_was_known_before_a_late_row_is_not_taken_after_it() {
    block_on(async {
        let world = World::shipped().await;
        let said = async |(on, known, read): (&str, &str, &str), inventoried: &str| {
            let csv = assets(&[asset("A1", "JP1", inventoried)]);
            let evidence = Evidence {
                effective_on: Some(Date32Array::from(vec![day(on)])),
                ..known_on(world.read("assets", &csv), known)
            };
            let reading = Reading {
                extent: Extent::Part,
                content: read.to_owned(),
                ..Reading::new("assets", day(read))
            };
            world.commit(&reading, evidence).await
        };
        said(("2026-05-10", "2026-05-12", "2026-05-12"), "").await;
        // It is about an earlier day, so that what was said first still holds last.
        let late = ("2026-05-03", "2026-05-20", "2026-05-20");
        assert_eq!(said(late, "2026-05-01").await.counts.accepted, 1);
        let earlier = ("2026-05-15", "2026-05-16", "2026-05-21");
        let receipt = said(earlier, "2026-05-14").await;
        let reasons: Vec<_> = receipt.rejected.iter().map(|row| &row.reason).collect();
        assert!(
            matches!(reasons[..], [Reason::KnowledgeTime { .. }]),
            "{reasons:?}"
        );
        let after = ("2026-05-15", "2026-05-21", "2026-05-22");
        assert_eq!(said(after, "2026-05-14").await.counts.accepted, 1);
        assert_eq!(verify(&world).await, []);
    });
}
