//! A journal copied as it was at one moment, and put where none lay.

use std::path::Path;
use std::sync::Arc;

use keiki_model::dataset::Dataset;
use keiki_model::expression::Expressions;
use keiki_model::programme::Programme;
use keiki_store::{Copied, Journal, Pinned, Place, Reading as StoreReading, StoreError};
use url::Url;

use crate::inventory::{asset, assets, counts, inventory, many, verify};
use crate::world::{Reading, World, block_on, day, end_of};

fn place(folder: &Path) -> Place {
    let url = Url::from_directory_path(folder).expect("an absolute path");
    Place::open(&url, &StoreReading::default()).expect("a place")
}

/// Copies what is pinned; the names of the files.
async fn copied(world: &World, pinned: &Pinned, folder: &Path) -> Vec<String> {
    match world.journal.copy_to(pinned, folder).await {
        Ok(Copied::Whole(hashes)) => hashes.into_keys().collect(),
        other => unreachable!("{other:?}"),
    }
}

/// The same world with the journal of another place.
async fn with_journal(mut world: World, place: &Place) -> World {
    let expressions = Arc::clone(&world.expressions) as Arc<dyn Expressions>;
    let tokens = world.journal.tokens().clone();
    let journal = Journal::open_at(place, expressions, tokens).await;
    world.journal = journal.expect("there is a journal");
    world.engine = world.engine_with(Vec::new(), Programme::default());
    world
}

#[test]
fn what_comes_in_while_a_journal_is_copied_is_not_in_the_copy() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("assets", day("2026-04-05"));
        world.commit_csv(&first, &assets(&many(5, ""))).await;
        let pinned = world.journal.pinned().await.expect("it can be read");
        assert_eq!(pinned.seq, 1);
        let second = Reading::new("assets", day("2026-04-10"));
        let more = assets(&many(9, "2026-04-02"));
        world.commit_csv(&second, &more).await;
        // What no log names is not copied either.
        let stray = world
            .folder
            .path()
            .join("journal/entries/assets/stray.parquet");
        std::fs::write(stray, b"stray").expect("the folder can be written to");
        let folder = tempfile::tempdir().expect("a folder");
        let (copy, other) = (folder.path().join("copy"), folder.path().join("other"));
        let names = copied(&world, &pinned, &copy).await;
        assert!(
            names.iter().all(|name| !name.contains("stray")),
            "{names:?}"
        );
        assert!(names.contains(&"journal.json".to_owned()), "{names:?}");

        let known = end_of(day("2026-04-30"));
        let now = inventory(&world, "HD", "2026-04", known).await;
        assert_eq!(counts(&now), ("9".into(), "9".into()));
        let other = place(&other);
        other.fill(&copy, &names).await.expect("it is empty");
        let world = with_journal(world, &other).await;
        let snapshot = world.journal.snapshot().await.expect("it can be read");
        assert_eq!(snapshot.seq(), 1);
        let then = inventory(&world, "HD", "2026-04", known).await;
        assert_eq!(counts(&then), ("0".into(), "5".into()));
        assert_eq!(verify(&world).await, []);
        // The copy is a journal like any other.
        world.commit_csv(&second, &more).await;
        let again = inventory(&world, "HD", "2026-04", known).await;
        assert_eq!(counts(&again), counts(&now));
        assert_eq!(verify(&world).await, []);
        let refused = other.fill(&copy, &names).await;
        assert!(
            matches!(refused, Err(StoreError::NoPlace { .. })),
            "{refused:?}"
        );
    });
}

#[test]
fn a_copy_that_missed_a_file_says_which() {
    block_on(async {
        let world = World::shipped().await;
        for number in 0..3 {
            let reading = Reading::new("assets", day("2026-04-05") + number);
            let row = asset(&format!("B{number}"), "JP1", "");
            world.commit_csv(&reading, &assets(&[row])).await;
        }
        let pinned = world.journal.pinned().await.expect("it can be read");
        let datasets: Vec<Arc<Dataset>> = world.catalogue.datasets.values().cloned().collect();
        world.journal.compact(&datasets).await.expect("it compacts");
        let folder = tempfile::tempdir().expect("a folder");
        let found = world.journal.copy_to(&pinned, folder.path()).await;
        assert!(
            matches!(&found, Ok(Copied::Gone(file)) if file.ends_with(".parquet")),
            "{found:?}"
        );
        let pinned = world.journal.pinned().await.expect("it can be read");
        assert!(!copied(&world, &pinned, folder.path()).await.is_empty());
    });
}
