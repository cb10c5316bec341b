//! However few rows are in memory at a time, the books come out the same.

use std::fmt::Write as _;
use std::sync::Arc;

use keiki_model::evidence::{Extent, Missing};
use keiki_store::{Gathered, Receipt, Repeats};
use proptest::prelude::*;

use crate::inventory::verify;
use crate::world::{Reading, World, block_on, day, end_of, noon};

/// A row as it is drawn: number of the asset, org unit, owner, day from which it holds, and whether a date is broken.
type Drawn = (u8, u8, u8, u8, bool);

fn csv(rows: &[Drawn], has_days: bool) -> String {
    let mut text = String::from("asset_id,org_unit,kind,is_in_scope,owner_id,declared_on");
    text.push_str(if has_days { ",effective_on\n" } else { "\n" });
    for (id, unit, owner, from, is_broken) in rows {
        let unit = ["JP1", "US1", "HD-SEC"][usize::from(unit % 3)];
        let declared = if *is_broken {
            "2026-02-30"
        } else {
            "2026-01-01"
        };
        let _ = write!(text, "A{id},{unit},hardware,true,P{owner},{declared}");
        let _ = if has_days {
            writeln!(text, ",2026-04-{:02}", from % 28 + 1)
        } else {
            writeln!(text)
        };
    }
    text
}

/// How a reading is taken in.
#[derive(Debug, Clone, Copy)]
enum Way {
    Whole,
    Bits {
        memory_bytes: usize,
        chunk_rows: usize,
    },
}

async fn gathered(world: &World, text: &str, memory_bytes: usize, chunk_rows: usize) -> Gathered {
    let dataset = world.dataset("assets");
    let chunks = world.chunks("assets", text, chunk_rows);
    let mut gathering =
        world
            .journal
            .gather(&Arc::clone(&dataset), 0, Repeats::Found, memory_bytes);
    for chunk in chunks {
        gathering
            .add(chunk)
            .await
            .expect("the folder can be written to");
    }
    gathering
        .finish()
        .await
        .expect("the folder can be written to")
}

async fn play(way: Way, readings: &[(Reading, String)]) -> (Vec<Receipt>, Vec<String>) {
    let world = World::shipped().await;
    let mut receipts = Vec::new();
    for (reading, text) in readings {
        let reading = Reading {
            content: text.clone(),
            ..reading.clone()
        };
        receipts.push(match way {
            Way::Whole => world.commit_csv(&reading, text).await,
            Way::Bits {
                memory_bytes,
                chunk_rows,
            } => {
                let rows = gathered(&world, text, memory_bytes, chunk_rows).await;
                let mut submission = world.submission(&reading, world.read("assets", text));
                submission.evidence = rows;
                let receipt = world.journal.commit(submission).await;
                receipt.expect("the reading can be taken in")
            }
        });
    }
    let known = end_of(day("2026-12-31"));
    let mut figures = Vec::new();
    for (unit, month) in [("HD", "2026-04"), ("JP1", "2026-05"), ("US1", "2026-06")] {
        for found in world.measure(1, unit, month, known).await {
            let (value, stats) = (found.numerator, found.denominator);
            figures.push(format!("{unit} {month} {value:?} {stats:?}"));
        }
    }
    assert_eq!(verify(&world).await, []);
    if let Ok(mut left) = world.folder.path().join("spill").read_dir() {
        assert!(left.next().is_none(), "a temporary file is left");
    }
    (receipts, figures)
}

fn readings(drawn: &[Vec<Drawn>; 3]) -> Vec<(Reading, String)> {
    let of = |on: &str| Reading::new("assets", day(on));
    let full = of("2026-05-10");
    let next = Reading {
        missing: Missing::Retire,
        is_missing_confirmed: drawn[1].len().is_multiple_of(2),
        ..of("2026-06-10")
    };
    // What it says holds from days before the others.
    let late = Reading {
        extent: Extent::Part,
        now: noon(day("2026-07-01")),
        ..of("2026-06-30")
    };
    vec![
        (full, csv(&drawn[0], false)),
        (next, csv(&drawn[1], false)),
        (late, csv(&drawn[2], true)),
    ]
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let is_broken = prop::bool::weighted(0.05);
    proptest::collection::vec((0..40_u8, any::<u8>(), 0..5_u8, 0..28_u8, is_broken), 0..60)
}

#[test]
fn more_rejected_rows_than_are_held_in_memory_are_all_kept() {
    const BAD: usize = 60_000;
    const HEADER: &str = "asset_id,org_unit,kind,is_in_scope,owner_id,declared_on\n";
    let mut text = format!("{HEADER}A0,HD-SEC,hardware,true,P1,2026-01-01\n");
    for number in 1..=BAD {
        let _ = writeln!(text, "A{number},HD-SEC,hardware,true,P1,2026-02-30");
    }
    block_on(async {
        let world = World::shipped().await;
        let reading = Reading {
            missing: Missing::Retire,
            ..Reading::new("assets", day("2026-05-10"))
        };
        let mut submission = world.submission(&reading, world.read("assets", HEADER));
        submission.evidence = gathered(&world, &text, 1 << 20, 5_000).await;
        let receipt = world.journal.commit(submission).await.expect("a receipt");
        assert_eq!(receipt.counts.accepted, 1);
        assert_eq!(receipt.counts.rejected, BAD as u64);
        assert!(receipt.rejected.len() < BAD, "the first are listed");
        let snapshot = world.journal.snapshot().await.expect("a snapshot");
        let kept = world.journal.rejects(&snapshot).await.expect("rejects");
        assert_eq!(kept.len(), BAD);
        for (at, reject) in kept.iter().enumerate() {
            assert_eq!(reject.row.row, at as u64 + 3);
            assert_eq!(reject.row.record_key, Some(format!("A{}", at + 1)));
        }
        assert_eq!(verify(&world).await, []);
    });
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, ..ProptestConfig::default() })]

    #[test]
    fn however_few_rows_are_in_memory_the_books_are_the_same(
        first in drawn(),
        second in drawn(),
        third in drawn(),
        memory_bytes in prop::sample::select(vec![1_usize, 20_000, 1 << 30]),
        chunk_rows in 1..30_usize,
    ) {
        let readings = readings(&[first, second, third]);
        let whole = block_on(play(Way::Whole, &readings));
        let bits = block_on(play(Way::Bits { memory_bytes, chunk_rows }, &readings));
        prop_assert_eq!(bits, whole);
    }
}
