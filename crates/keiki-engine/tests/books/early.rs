//! Rows that are worked on while their reading is still read make the same books.

use std::fmt::Write as _;

use arrow::array::{Array, RecordBatch};
use arrow::util::display::array_value_to_string;
use futures::future::BoxFuture;
use keiki_model::evidence::{Extent, Missing};
use keiki_store::{Expected, Gathered, Receipt, Repeats, StoreError, Submission};
use proptest::prelude::*;

use crate::inventory::{all_files, verify};
use crate::world::{Reading, World, block_on, day};

/// How a reading is gathered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Before,
    Early,
}

/// What became of a reading that was to be worked on while it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Early,
    Again,
}

async fn gathered(
    world: &World,
    (reading, text): (&Reading, &str),
    chunk_rows: usize,
    way: Way,
) -> Result<Gathered, StoreError> {
    let dataset = world.dataset(&reading.dataset);
    let chunks = world.chunks(&reading.dataset, text, chunk_rows);
    let memory_bytes = 1 << 20;
    let mut gathering = match way {
        Way::Before => {
            let journal = &world.journal;
            journal.gather(&dataset, reading.as_of, Repeats::Found, memory_bytes)
        }
        Way::Early => {
            let expected = Expected {
                source: reading.source.clone(),
                extent: reading.extent,
                now: reading.now,
                datasets: world.catalogue.datasets.values().cloned().collect(),
            };
            let journal = &world.journal;
            let gathering = journal.gather_early(&dataset, reading.as_of, memory_bytes, &expected);
            gathering.await?
        }
    };
    for chunk in chunks {
        gathering.add(chunk).await?;
    }
    gathering.finish().await
}

fn submission(world: &World, reading: &Reading, text: &str, evidence: Gathered) -> Submission {
    let reading = Reading {
        content: text.to_owned(),
        ..reading.clone()
    };
    let nothing = text.lines().next().expect("a header").to_owned() + "\n";
    let mut submission = world.submission(&reading, world.read(&reading.dataset, &nothing));
    submission.evidence = evidence;
    submission
}

async fn committed(
    world: &World,
    reading: &Reading,
    text: &str,
    (chunk_rows, way): (usize, Way),
) -> (Receipt, Done) {
    let early = gathered(world, (reading, text), chunk_rows, way).await;
    let (evidence, done) = match early {
        Err(StoreError::GatherAgain) => {
            let again = gathered(world, (reading, text), chunk_rows, Way::Before).await;
            (again.expect("it can be gathered"), Done::Again)
        }
        early => (early.expect("it can be gathered"), Done::Early),
    };
    let submission = submission(world, reading, text, evidence);
    let receipt = world.journal.commit(submission).await;
    (receipt.expect("the reading can be taken in"), done)
}

/// As `committed`, on the heap: a reading is worked on by many parts.
fn commit<'c>(
    world: &'c World,
    reading: &'c Reading,
    text: &'c str,
    how: (usize, Way),
) -> BoxFuture<'c, (Receipt, Done)> {
    Box::pin(committed(world, reading, text, how))
}

/// The records as they stand, in the order of their keys.
async fn standing(world: &World, dataset: &str) -> Vec<String> {
    let snapshot = world.journal.snapshot().await.expect("a snapshot");
    let dataset = world.dataset(dataset);
    let rows: RecordBatch = world
        .journal
        .standing(&dataset, &snapshot, "nobody")
        .await
        .expect("heads");
    let line = |row: usize| {
        let cells = rows.columns().iter().map(|column| {
            if column.is_null(row) {
                String::new()
            } else {
                array_value_to_string(column, row).expect("a value")
            }
        });
        cells.collect::<Vec<_>>().join("|")
    };
    let mut lines: Vec<String> = (0..rows.num_rows()).map(line).collect();
    lines.sort();
    lines
}

/// A row as it is drawn: number, org unit, what it says, and whether a date is broken.
type Drawn = (u8, u8, u8, bool);

fn findings(rows: &[Drawn]) -> String {
    let mut text = String::from("vulnerability_id,org_unit,product,detected_on,started_on\n");
    for (id, unit, product, is_broken) in rows {
        let unit = ["JP1", "US1", "HD-SEC"][usize::from(unit % 3)];
        let started = if *is_broken { "2026-02-30" } else { "" };
        let _ = writeln!(text, "V{id},{unit},P{product},2026-01-02,{started}");
    }
    text
}

fn results(rows: &[Drawn]) -> String {
    let mut text = String::from("asset_id,benchmark,rule_id,org_unit,result,checked_on\n");
    for (id, unit, result, is_broken) in rows {
        let unit = ["JP1", "US1", "HD-SEC"][usize::from(unit % 3)];
        let result = ["pass", "fail"][usize::from(result % 2)];
        let checked = if *is_broken {
            "2026-02-30"
        } else {
            "2026-01-02"
        };
        let _ = writeln!(text, "A{id},B,R{},{unit},{result},{checked}", id % 3);
    }
    text
}

type Played = (Vec<Receipt>, Vec<String>);

async fn play(dataset: &str, readings: &[(Reading, String)], ways: &[(usize, Way)]) -> Played {
    let world = World::shipped().await;
    let mut receipts = Vec::new();
    for ((reading, text), way) in readings.iter().zip(ways) {
        receipts.push(commit(&world, reading, text, *way).await.0);
    }
    let lines = standing(&world, dataset).await;
    assert_eq!(verify(&world).await, []);
    (receipts, lines)
}

fn readings(dataset: &str, drawn: &[Vec<Drawn>; 4]) -> Vec<(Reading, String)> {
    let text = |rows: &[Drawn]| match dataset {
        "vulnerabilities" => findings(rows),
        _ => results(rows),
    };
    let of = |on: &str| Reading::new(dataset, day(on));
    let full = Reading {
        missing: Missing::Retire,
        ..of("2026-05-10")
    };
    let next = Reading {
        missing: Missing::Retire,
        is_missing_confirmed: drawn[1].len().is_multiple_of(2),
        ..of("2026-06-10")
    };
    let part = Reading {
        extent: Extent::Part,
        ..of("2026-06-20")
    };
    let last = of("2026-07-10");
    vec![
        (full, text(&drawn[0])),
        (next, text(&drawn[1])),
        (part, text(&drawn[2])),
        (last, text(&drawn[3])),
    ]
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let is_broken = prop::bool::weighted(0.05);
    let rows = proptest::collection::btree_map(0..30_u8, (any::<u8>(), 0..3_u8, is_broken), 0..30);
    let shuffled = rows.prop_flat_map(|rows| {
        let rows: Vec<Drawn> = rows
            .into_iter()
            .map(|(id, (u, p, b))| (id, u, p, b))
            .collect();
        let same = Just(rows.clone());
        prop_oneof![2 => same, 1 => Just(rows).prop_shuffle()]
    });
    // Seldom a key comes twice.
    (shuffled, prop::bool::weighted(0.1)).prop_map(|(mut rows, is_twice)| {
        if is_twice {
            rows.extend(rows.first().copied());
        }
        rows
    })
}

fn ways() -> impl Strategy<Value = Vec<(usize, Way)>> {
    let way = prop_oneof![1 => Just(Way::Before), 4 => Just(Way::Early)];
    proptest::collection::vec((1..20_usize, way), 4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_worked_on_while_a_reading_is_read_the_books_are_the_same(
        first in drawn(),
        second in drawn(),
        third in drawn(),
        fourth in drawn(),
        is_register in any::<bool>(),
        ways in ways(),
    ) {
        let dataset = if is_register { "rule_results" } else { "vulnerabilities" };
        let readings = readings(dataset, &[first, second, third, fourth]);
        let before = block_on(play(dataset, &readings, &[(5, Way::Before); 4]));
        let early = block_on(play(dataset, &readings, &ways));
        prop_assert_eq!(early, before);
    }
}

/// So many findings, in order.
fn many(count: u8) -> Vec<Drawn> {
    (0..count).map(|id| (id, 0, 0, false)).collect()
}

/// The list of the heads of a dataset.
fn list_of_heads(world: &World, dataset: &str) -> serde_json::Value {
    let list = world.folder.path().join("journal/heads").join(dataset);
    let text = std::fs::read(list.join("manifest.json")).expect("heads have a list");
    serde_json::from_slice(&text).expect("it is JSON")
}

fn files_of(world: &World, table: &str) -> usize {
    let folder = world.folder.path().join("journal").join(table);
    let files = all_files(&folder);
    let is_data = |file: &&std::path::PathBuf| file.extension().is_some_and(|e| e == "parquet");
    files.iter().filter(is_data).count()
}

#[test]
fn a_first_load_writes_no_heads_and_the_next_reading_needs_none() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        let text = findings(&many(200));
        let (receipt, done) = commit(&world, &first, &text, (30, Way::Early)).await;
        assert_eq!((receipt.counts.changed, done), (200, Done::Early));
        let list = list_of_heads(&world, "vulnerabilities");
        assert_eq!(list["ledger"]["rows"], 200);
        assert_eq!(list["buckets"], serde_json::json!({}));
        // A program that knows nothing of that does not read the list.
        assert_eq!(
            list["shape"]
                .as_array()
                .and_then(|s| s.last())
                .expect("a mark"),
            "#ledger"
        );

        let mut rows = many(200);
        rows[50].2 = 7;
        rows.remove(100);
        rows.push((250, 0, 0, false));
        let next = Reading {
            missing: Missing::Retire,
            ..Reading::new("vulnerabilities", day("2026-06-10"))
        };
        let (receipt, done) = commit(&world, &next, &findings(&rows), (30, Way::Early)).await;
        assert_eq!(done, Done::Early);
        let counts = receipt.counts;
        assert_eq!((counts.accepted, counts.changed), (200, 2));
        assert_eq!((counts.unchanged, counts.retired), (198, 1));
        let list = list_of_heads(&world, "vulnerabilities");
        assert_eq!(list["ledger"]["rows"], 200);
        assert_eq!(list["later"][0]["rows"], 3);
        assert_eq!(verify(&world).await, []);
        // To verify, heads were put into their buckets.
        let list = list_of_heads(&world, "vulnerabilities");
        assert_eq!(list["ledger"], serde_json::Value::Null);
        assert_eq!(
            list["shape"]
                .as_array()
                .and_then(|s| s.last())
                .expect("a mark"),
            "#folded"
        );
        let kept = standing(&world, "vulnerabilities").await;
        assert_eq!(kept.len(), 200);
    });
}

#[test]
fn what_was_begun_before_another_commit_is_gathered_again() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        let text = findings(&many(40));
        let early = gathered(&world, (&first, &text), 10, Way::Early).await;
        let early = submission(&world, &first, &text, early.expect("it is gathered"));
        let other = Reading::new("rule_results", day("2026-05-10"));
        commit(&world, &other, &results(&many(3)), (10, Way::Before)).await;
        assert_eq!(files_of(&world, "entries/vulnerabilities"), 1);
        let refused = world.journal.commit(early).await;
        assert!(
            matches!(refused, Err(StoreError::GatherAgain)),
            "{refused:?}"
        );
        assert_eq!(files_of(&world, "entries/vulnerabilities"), 0);
        assert_eq!(files_of(&world, "assertions/vulnerabilities"), 0);
        let (receipt, _) = commit(&world, &first, &text, (10, Way::Early)).await;
        assert_eq!((receipt.seq, receipt.counts.changed), (Some(2), 40));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_first_load_with_a_key_twice_is_gathered_again_and_leaves_nothing() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        let mut rows = many(40);
        rows.push((3, 1, 1, false));
        let text = findings(&rows);
        let refused = gathered(&world, (&first, &text), 10, Way::Early).await;
        assert!(matches!(refused, Err(StoreError::GatherAgain)));
        assert_eq!(files_of(&world, "entries/vulnerabilities"), 0);
        let (receipt, done) = commit(&world, &first, &text, (10, Way::Early)).await;
        assert_eq!(done, Done::Again);
        assert_eq!((receipt.counts.changed, receipt.counts.rejected), (40, 1));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn heads_outlive_the_file_of_which_they_are_rows() {
    block_on(async {
        let world = World::shipped().await;
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        commit(&world, &first, &findings(&many(200)), (30, Way::Early)).await;
        let part = Reading {
            extent: Extent::Part,
            ..Reading::new("vulnerabilities", day("2026-05-20"))
        };
        let changed = findings(&[(7, 0, 9, false)]);
        commit(&world, &part, &changed, (30, Way::Early)).await;
        world
            .journal
            .compact(&datasets)
            .await
            .expect("it can be compacted");
        let list = list_of_heads(&world, "vulnerabilities");
        assert_eq!(list["ledger"], serde_json::Value::Null);
        let last = Reading::new("vulnerabilities", day("2026-06-10"));
        let (receipt, _) = commit(&world, &last, &findings(&many(200)), (30, Way::Early)).await;
        assert_eq!((receipt.counts.changed, receipt.counts.unchanged), (1, 199));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn files_are_put_together_without_reading_heads_that_lie_in_buckets() {
    block_on(async {
        let world = World::shipped().await;
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        commit(&world, &first, &findings(&many(200)), (30, Way::Before)).await;
        let part = Reading {
            extent: Extent::Part,
            ..Reading::new("vulnerabilities", day("2026-05-20"))
        };
        let changed = findings(&[(7, 0, 9, false)]);
        commit(&world, &part, &changed, (30, Way::Before)).await;
        let heads = world.folder.path().join("journal/heads/vulnerabilities");
        let kept = all_files(&heads).into_iter();
        let kept = kept.filter(|file| file.extension().is_some_and(|e| e == "arrow"));
        let kept: Vec<_> = kept.collect();
        assert!(!kept.is_empty());
        for file in kept {
            std::fs::write(file, "not to be read").expect("it can be written");
        }
        let done = world.journal.compact(&datasets).await;
        // Two files of entries, and two of assertions.
        assert_eq!(done.expect("it can be compacted").files_merged, 4);
    });
}

#[test]
fn heads_whose_file_of_the_ledger_is_gone_are_built_anew() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        commit(&world, &first, &findings(&many(100)), (30, Way::Early)).await;
        let place = world
            .folder
            .path()
            .join("journal/heads/vulnerabilities/manifest.json");
        let mut list = list_of_heads(&world, "vulnerabilities");
        list["ledger"]["file"] = "gone.parquet".into();
        std::fs::write(&place, list.to_string()).expect("the list can be written");
        let last = Reading::new("vulnerabilities", day("2026-06-10"));
        let (receipt, _) = commit(&world, &last, &findings(&many(100)), (30, Way::Early)).await;
        assert_eq!((receipt.counts.changed, receipt.counts.unchanged), (0, 100));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn what_a_killed_program_left_is_named_and_cleared_away() {
    block_on(async {
        let world = World::shipped().await;
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let first = Reading::new("vulnerabilities", day("2026-05-10"));
        commit(&world, &first, &findings(&many(20)), (30, Way::Early)).await;
        let left = [
            "entries/vulnerabilities/7d5c0d6e-0000-4000-8000-000000000000.parquet#1",
            "raw/incoming-1",
            "raw/incoming-2#1",
        ];
        for place in left {
            let place = world.folder.path().join("journal").join(place);
            std::fs::create_dir_all(place.parent().expect("a folder")).expect("it can be made");
            std::fs::write(place, "half").expect("it can be written");
        }
        assert_eq!(world.journal.strays().await.expect("a list"), left);
        let done = world
            .journal
            .compact(&datasets)
            .await
            .expect("it can be compacted");
        assert_eq!(done.leftovers_removed, 3);
        assert_eq!(world.journal.strays().await.expect("a list"), [""; 0]);
        assert_eq!(verify(&world).await, []);
    });
}
