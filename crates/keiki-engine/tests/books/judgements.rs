//! Identity in time: identifiers that pass from one record to another, and merges that a person takes back.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Date32Type, Int64Type};
use keiki_model::calendar::Day;
use keiki_model::evidence::{Extent, Missing};
use keiki_store::{Judgement, StoreError};
use proptest::prelude::*;

use crate::identity::{Sightings, declared, seen};
use crate::world::{Reading, World, block_on, day, noon};

const HEADER: &str = "asset_id,org_unit,kind,name,is_in_scope,discovered_on,serial_number,mac_address,host_name,domain\n";

fn judgement(world: &World, record: &str, sources: &[&str], on: Day) -> Judgement {
    Judgement {
        dataset: world.dataset("assets"),
        datasets: world.catalogue.datasets.values().cloned().collect(),
        record: record.to_owned(),
        sources: sources.iter().map(|source| (*source).to_owned()).collect(),
        reason: "the serial number was copied from the neighbour".to_owned(),
        author: "tanaka".to_owned(),
        now: noon(on),
        today: on,
    }
}

/// What is entered, as far as it is known now: key, name, day, weight.
async fn entered(world: &World) -> Vec<(String, String, Day, i64)> {
    let query = "select record_key, name, effective_on, sum(weight) from assets \
                 group by record_key, name, effective_on";
    let found = world.engine.sql(&world.journal, query).await;
    let mut entered = Vec::new();
    for rows in found.unwrap_or_else(|e| unreachable!("{e}")) {
        let text = |column: usize| {
            let texts =
                arrow::compute::cast(rows.column(column), &arrow::datatypes::DataType::Utf8);
            texts.expect("texts").as_string::<i32>().clone()
        };
        let (keys, names) = (text(0), text(1));
        let days = rows.column(2).as_primitive::<Date32Type>();
        let weights = rows.column(3).as_primitive::<Int64Type>();
        for row in 0..rows.num_rows() {
            let (key, name) = (keys.value(row).to_owned(), names.value(row).to_owned());
            entered.push((key, name, days.value(row), weights.value(row)));
        }
    }
    entered
}

/// The names of the records in force on a day, each as often as there are records of it.
fn names_on(entered: &[(String, String, Day, i64)], on: Day) -> Vec<String> {
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for (key, name, _, weight) in entered.iter().filter(|(_, _, day, _)| *day <= on) {
        *sums.entry((name, key)).or_default() += weight;
    }
    let there = sums.into_iter().filter(|(_, weight)| *weight != 0);
    there
        .map(|((name, _), weight)| {
            assert_eq!(weight, 1);
            name.to_owned()
        })
        .collect()
}

/// The first day from which on anything was entered as known at an instant.
async fn first_day_entered(world: &World, known_at: i64) -> Option<Day> {
    let query = format!(
        "select min(effective_on) from assets where arrow_cast(known_at, 'Int64') = {known_at}"
    );
    let found = world.engine.sql(&world.journal, &query).await;
    let rows = found.unwrap_or_else(|e| unreachable!("{e}"));
    let days = rows[0].column(0).as_primitive::<Date32Type>();
    (days.null_count() == 0).then(|| days.value(0))
}

#[test]
fn a_merge_is_taken_back_in_the_open_and_what_was_known_stays() {
    block_on(async {
        let world = Sightings::new().await;
        let tool = seen("tool", "S-1", "00:11:22:33:44:55", "");
        world
            .say("scanner", "2026-04-02", std::slice::from_ref(&tool))
            .await;
        world
            .say("inventory", "2026-05-01", &[declared("A1", "S-1")])
            .await;
        let changed = seen("renamed tool", "S-1", "00:11:22:33:44:66", "");
        world
            .say("scanner", "2026-05-10", std::slice::from_ref(&changed))
            .await;
        let merged = world.records("2026-05-31").await;
        assert_eq!(merged.keys().collect::<Vec<_>>(), ["A1"]);

        let key = "seen:serial_number=s-1";
        let asked = judgement(&world.0, key, &[], day("2026-06-01"));
        let separation = world
            .0
            .journal
            .separate(&asked)
            .await
            .expect("it was merged");
        assert_eq!(separation.from, "A1");
        assert!(
            separation
                .identifiers
                .contains(&"serial_number=s-1".to_owned())
        );
        // The address came only after the merge, with the serial number, and is the tool's machine's too.
        let address = "mac_address=001122334466".to_owned();
        assert!(separation.identifiers.contains(&address));

        let apart = world.records("2026-06-30").await;
        assert_eq!(apart.keys().collect::<Vec<_>>(), ["A1", key]);
        assert_eq!(apart[key], "renamed tool");
        let now = entered(&world.0).await;
        assert_eq!(names_on(&now, day("2026-04-10")), ["tool"]);
        assert_eq!(names_on(&now, day("2026-05-05")), ["declared", "tool"]);
        assert_eq!(world.records("2026-05-31").await, merged);
        // The difference reaches back to the record's first day.
        let first = first_day_entered(&world.0, asked.now).await;
        assert_eq!(first, Some(day("2026-04-02")));

        // Whoever asks, who and why are in the book.
        let snapshot = world.0.journal.snapshot().await.expect("a list");
        let last = snapshot.batches().last().expect("a commit").clone();
        assert_eq!(
            (last.author.as_str(), last.separations.len()),
            ("tanaka", 1)
        );
        assert_eq!(last.separations[0].reason, asked.reason);

        // Later readings find them apart: of the tool, and of one that sees nothing but the address.
        world.say("scanner", "2026-06-02", &[changed]).await;
        let receipt = world
            .say(
                "edr",
                "2026-06-03",
                &[seen("edr", "", "0011.2233.4466", "")],
            )
            .await;
        assert!(receipt.merged.is_empty());
        assert_eq!(world.records("2026-06-30").await.len(), 2);
        world.assert_balanced().await;

        // And a person may take that back too.
        let asked = judgement(&world.0, key, &[], day("2026-06-10"));
        let merge = world
            .0
            .journal
            .join(&asked, "A1")
            .await
            .expect("both are there");
        assert_eq!(merge.reason.as_ref(), Some(&asked.reason));
        assert_eq!(world.records("2026-06-30").await.len(), 1);
        world
            .say("edr", "2026-06-11", &[seen("e", "S-1", "", "")])
            .await;
        assert_eq!(world.records("2026-06-30").await.len(), 1);
        world.assert_balanced().await;
    });
}

#[test]
fn what_was_never_merged_or_was_declared_is_told_so() {
    block_on(async {
        let world = Sightings::new().await;
        world
            .say("inventory", "2026-04-01", &[declared("A1", "S-1")])
            .await;
        world
            .say("scanner", "2026-04-02", &[seen("tool", "S-2", "", "")])
            .await;
        let on = day("2026-06-01");
        let told = |error: StoreError| error.message().en;
        let key = "seen:serial_number=s-2";
        let refused = world
            .0
            .journal
            .separate(&judgement(&world.0, key, &[], on))
            .await;
        let expected = format!("this record was not merged: {key}");
        assert_eq!(refused.map_err(told), Err(expected));
        let refused = world
            .0
            .journal
            .join(&judgement(&world.0, "A1", &[], on), key)
            .await;
        let expected = "a key that somebody declared does not give way: A1".to_owned();
        assert_eq!(refused.map_err(told), Err(expected));
        let refused = world
            .0
            .journal
            .join(&judgement(&world.0, key, &[], on), "A7")
            .await;
        let expected = "there is no record that could be merged: A7".to_owned();
        assert_eq!(refused.map_err(told), Err(expected));
    });
}

#[test]
fn rows_that_were_taken_for_an_asset_when_they_were_read_are_separated_by_their_source() {
    block_on(async {
        let world = Sightings::new().await;
        world
            .say("inventory", "2026-04-01", &[declared("A1", "S-1")])
            .await;
        world
            .say("scanner", "2026-04-02", &[seen("tool", "S-1", "", "")])
            .await;
        assert_eq!(world.records("2026-04-30").await.len(), 1);
        let key = "seen:serial_number=s-1";
        let asked = judgement(&world.0, key, &["scanner"], day("2026-06-01"));
        let separation = world.0.journal.separate(&asked).await.expect("it can be");
        assert_eq!(separation.from, "A1");
        let apart = world.records("2026-06-30").await;
        assert_eq!(
            (apart["A1"].as_str(), apart[key].as_str()),
            ("declared", "tool")
        );
        world.assert_balanced().await;
    });
}

#[test]
fn a_host_name_belongs_to_the_machine_that_has_it_on_that_day() {
    block_on(async {
        let world = Sightings::new().await;
        let named =
            |id: &str, host: &str| format!("{id},JP1,hardware,{id},true,,,,{host}.example.com,\n");
        let from_edr = |name: &str| seen(name, "", "", "pc1.example.com");
        world
            .say(
                "inventory",
                "2026-04-01",
                &[named("A1", "pc1"), named("A2", "pc2")],
            )
            .await;
        // In June the name moves to the second machine.
        world
            .say(
                "inventory",
                "2026-06-01",
                &[named("A1", "pc9"), named("A2", "pc1")],
            )
            .await;
        for (on, name) in [("2026-04-10", "April"), ("2026-06-10", "June")] {
            world.say("edr", on, &[from_edr(name)]).await;
        }
        // Without the inventory, each shows what the tool said of it on its days.
        let mut gone = Reading::new("assets", day("2026-03-01"));
        gone.source = "inventory".into();
        gone.precedence = 10;
        gone.missing = Missing::Withdraw;
        gone.is_missing_confirmed = true;
        gone.as_of = day("2026-06-20");
        gone.now = noon(day("2026-06-20"));
        world.0.commit_csv(&gone, HEADER).await;
        let found = world.records("2026-06-30").await;
        assert_eq!(
            (found["A1"].as_str(), found["A2"].as_str()),
            ("April", "June")
        );
        world.assert_balanced().await;
    });
}

#[test]
fn a_name_that_no_asset_has_any_more_is_of_a_machine_that_nobody_declared() {
    block_on(async {
        let world = Sightings::new().await;
        let named = |host: &str| format!("A1,JP1,hardware,declared,true,,,,{host}.example.com,\n");
        let tool = seen("tool", "", "", "pc1.example.com");
        world.say("inventory", "2026-04-01", &[named("pc1")]).await;
        world.say("inventory", "2026-06-01", &[named("pc9")]).await;
        world.say("edr", "2026-06-10", &[tool]).await;
        let found = world.records("2026-06-30").await;
        let made = "seen:host_name+domain=pc1.example.com";
        assert_eq!(found.keys().collect::<Vec<_>>(), ["A1", made]);
        // Nothing makes the two one again.
        let receipt = world.say("inventory", "2026-06-20", &[named("pc9")]).await;
        assert!(receipt.merged.is_empty());
        world.assert_balanced().await;
    });
}

#[test]
fn a_machine_with_another_serial_number_is_another_machine_although_it_has_the_name() {
    block_on(async {
        let world = Sightings::new().await;
        let row = "A1,JP1,hardware,declared,true,,S-1,,pc1.example.com,\n".to_owned();
        world.say("inventory", "2026-04-01", &[row]).await;
        let replaced = seen("tool", "S-2", "", "pc1.example.com");
        let receipt = world.say("scanner", "2026-06-02", &[replaced]).await;
        assert!(receipt.merged.is_empty());
        let found = world.records("2026-06-30").await;
        assert_eq!(
            found.keys().collect::<Vec<_>>(),
            ["A1", "seen:serial_number=s-2"]
        );
        world.assert_balanced().await;
    });
}

/// One reading in a history: who, when, and what of the machine is said.
#[derive(Debug, Clone)]
enum Step {
    /// The inventory declares its asset, or says again what it said.
    Inventory { on: i32 },
    /// The scanner sees the machine by serial number and address, by some name; or no longer.
    Scanner {
        on: i32,
        name: u8,
        is_there: bool,
        missing: Option<Missing>,
    },
    /// Another tool sees the address only.
    Edr { on: i32, name: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let missing = prop_oneof![
        Just(None),
        Just(Some(Missing::Keep)),
        Just(Some(Missing::Retire)),
        Just(Some(Missing::Withdraw)),
    ];
    prop_oneof![
        (0..20).prop_map(|on| Step::Inventory { on }),
        (0..20, 0..3_u8, any::<bool>(), missing).prop_map(|(on, name, is_there, missing)| {
            Step::Scanner {
                on,
                name,
                is_there,
                missing,
            }
        }),
        (0..20, 0..3_u8).prop_map(|(on, name)| Step::Edr { on, name }),
    ]
}

/// Plays a history; the inventory gives its asset this serial number.
async fn play(steps: &[Step], serial: &str) -> Sightings {
    let world = Sightings::new().await;
    let first = day("2026-04-01");
    let address = "00:11:22:33:44:55";
    for (at, step) in steps.iter().enumerate() {
        let (source, on, row, missing) = match step {
            Step::Inventory { on } => ("inventory", on, Some(declared("A1", serial)), None),
            Step::Scanner {
                on,
                name,
                is_there,
                missing,
            } => {
                let row = seen(&format!("scanner {name}"), "S-1", address, "");
                let is_said = *is_there || missing.is_none();
                ("scanner", on, is_said.then_some(row), *missing)
            }
            Step::Edr { on, name } => {
                let row = seen(&format!("edr {name}"), "", address, "");
                ("edr", on, Some(row), None)
            }
        };
        let mut reading = Reading::new("assets", first + on);
        reading.source = source.to_owned();
        reading.precedence = if source == "inventory" { 10 } else { 100 };
        reading.now = noon(day("2026-05-01")) + i64::try_from(at).expect("few steps");
        reading.is_missing_confirmed = true;
        match missing {
            None => reading.extent = Extent::Part,
            Some(missing) => reading.missing = missing,
        }
        let text = format!("{HEADER}{}", row.unwrap_or_default());
        world.0.commit_csv(&reading, &text).await;
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_merge_taken_back_is_as_if_it_had_never_been(
        steps in proptest::collection::vec(step(), 1..9),
    ) {
        block_on(async {
            // The inventory gives the wrong serial number, and the right one.
            let wrong = play(&steps, "S-1").await;
            let right = play(&steps, "S-X").await;
            let on = day("2026-06-01");
            let snapshot = wrong.0.journal.snapshot().await.expect("a list");
            let merges = snapshot.batches().iter().flat_map(|batch| batch.merges.clone());
            let merged: Vec<_> = merges.map(|merge| merge.absorbed).collect();
            assert!(merged.len() < 2, "{merged:?}");
            let key = merged.first().map_or("seen:serial_number=s-1", String::as_str);
            if steps.iter().any(|step| matches!(step, Step::Inventory { .. })) {
                let asked = judgement(&wrong.0, key, &["edr", "scanner"], on);
                wrong.0.journal.separate(&asked).await.expect("it was taken for the asset");
            }
            let (found, expected) = (entered(&wrong.0).await, entered(&right.0).await);
            for on in 0..25 {
                let on = day("2026-04-01") + on;
                assert_eq!(names_on(&found, on), names_on(&expected, on), "{on} {steps:?}");
            }
            wrong.assert_balanced().await;
            // The next readings find them so.
            for world in [&wrong, &right] {
                let row = seen("scanner again", "S-1", "00:11:22:33:44:55", "");
                let receipt = world.say("scanner", "2026-06-02", &[row]).await;
                assert!(receipt.merged.is_empty());
            }
            let (found, expected) = (entered(&wrong.0).await, entered(&right.0).await);
            let on = day("2026-06-02");
            assert_eq!(names_on(&found, on), names_on(&expected, on), "{steps:?}");
        });
    }
}
