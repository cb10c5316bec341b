//! What must hold of the journal whatever happens to it: killed ingests, several at once, changed and lost files.

use keiki_model::evidence::Extent;
use keiki_store::{Journal, RawWriter, StoreError};

use crate::inventory::{all_files, asset, assets, counts, inventory, many, verify};
use crate::world::{Reading, World, block_on, day, end_of, noon};

#[test]
fn an_ingest_that_is_killed_before_its_commit_moves_no_figure() {
    block_on(async {
        let world = World::shipped().await;
        world
            .commit_csv(
                &Reading::new("assets", day("2026-04-05")),
                &assets(&many(5, "")),
            )
            .await;
        let known = end_of(day("2026-04-30"));
        let before = inventory(&world, "HD", "2026-04", known).await;
        let killed = Reading::new("assets", day("2026-04-10"));
        let evidence = world.read("assets", &assets(&many(9, "2026-04-02")));
        world
            .journal
            .commit_but_die_before_visible(world.submission(&killed, evidence))
            .await
            .expect("it writes");
        assert_eq!(inventory(&world, "HD", "2026-04", known).await, before);
        assert_eq!(verify(&world).await, []);
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let done = world.journal.compact(&datasets).await.expect("it compacts");
        assert!(done.orphans_removed > 0, "{done:?}");
        assert_eq!(inventory(&world, "HD", "2026-04", known).await, before);
        world
            .commit_csv(&killed, &assets(&many(9, "2026-04-02")))
            .await;
        assert_eq!(
            counts(&inventory(&world, "HD", "2026-04", known).await),
            ("9".into(), "9".into())
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn ingests_at_the_same_time_both_count_once() {
    block_on(async {
        let world = std::sync::Arc::new(World::shipped().await);
        let mut tasks = Vec::new();
        for index in 0..4 {
            let world = std::sync::Arc::clone(&world);
            let mut reading = Reading::new("assets", day("2026-04-05"));
            reading.source = format!("s{index}");
            reading.extent = Extent::Part;
            let rows: Vec<String> = (0..3)
                .map(|i| asset(&format!("S{index}-{i}"), "JP1", "2026-04-01"))
                .collect();
            let csv = assets(&rows);
            let evidence = world.read("assets", &csv);
            let reading = Reading {
                content: csv,
                ..reading
            };
            tasks.push(tokio::spawn(async move {
                world.commit(&reading, evidence).await.seq
            }));
        }
        let mut seqs = Vec::new();
        for task in tasks {
            seqs.push(task.await.expect("it ends"));
        }
        seqs.sort_unstable();
        assert_eq!(seqs, [Some(1), Some(2), Some(3), Some(4)]);
        let found = inventory(&world, "HD", "2026-04", end_of(day("2026-04-30"))).await;
        assert_eq!(counts(&found), ("12".into(), "12".into()));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn ingests_of_the_same_records_at_the_same_time_are_as_if_one_after_the_other() {
    block_on(async {
        let world = std::sync::Arc::new(World::shipped().await);
        let mut tasks = Vec::new();
        // Two readings of one source that contradict each other, and one of a source that gives way to it.
        for (source, precedence, unit) in [
            ("first", 1, "JP1"),
            ("first", 1, "US1"),
            ("second", 2, "JP1"),
        ] {
            let world = std::sync::Arc::clone(&world);
            let rows: Vec<String> = (0..6)
                .map(|i| asset(&format!("A{i}"), unit, "2026-04-01"))
                .collect();
            let csv = assets(&rows);
            let evidence = world.read("assets", &csv);
            let reading = Reading {
                source: source.to_owned(),
                precedence,
                extent: Extent::Part,
                content: csv,
                ..Reading::new("assets", day("2026-04-05"))
            };
            tasks.push(tokio::spawn(async move {
                (world.commit(&reading, evidence).await.seq, unit)
            }));
        }
        let mut done = Vec::new();
        for task in tasks {
            done.push(task.await.expect("it ends"));
        }
        let last = done[..2].iter().max().map(|(_, unit)| *unit);
        done.sort_unstable();
        let seqs: Vec<_> = done.iter().map(|(seq, _)| *seq).collect();
        assert_eq!(seqs, [Some(1), Some(2), Some(3)]);
        let known = end_of(day("2026-04-30"));
        for unit in ["HD", "JP1", "US1"] {
            let count = if unit == "HD" || Some(unit) == last {
                "6"
            } else {
                "0"
            };
            let found = inventory(&world, unit, "2026-04", known).await;
            assert_eq!(counts(&found).1, count, "{unit}, the last is {last:?}");
        }
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn raw_files_with_personal_data_give_way_to_tombstones_when_their_time_is_over() {
    block_on(async {
        let world = World::shipped().await;
        let path = world.folder.path().join("export.csv");
        std::fs::write(&path, assets(&many(3, ""))).expect("a file");
        let mut kept = Vec::new();
        for (month, writer) in [
            ("2026-04-05", RawWriter::Encrypted),
            ("2026-05-05", RawWriter::Encrypted),
            ("2026-04-06", RawWriter::Plain),
        ] {
            let raw = world.journal.store_raw(&path, "export.csv", writer).await;
            let raw = raw.expect("it is kept");
            let evidence = world.read("assets", &assets(&many(3, "")));
            let reading = Reading {
                content: month.to_owned(),
                ..Reading::new("assets", day(month))
            };
            let mut submission = world.submission(&reading, evidence);
            submission.files = vec![raw.reference.clone()];
            world.journal.commit(submission).await.expect("it commits");
            kept.push(raw.reference);
        }
        let before = noon(day("2026-05-01"));
        let expire = || world.journal.expire_raw(before, "kept for 30 days");
        assert_eq!(expire().await.expect("it expires"), 1);
        // What is gone is gone, and what names nobody stays.
        assert_eq!(expire().await.expect("it expires"), 0);
        let mut are_there = Vec::new();
        for reference in &kept {
            let bytes = world
                .journal
                .read_raw(reference)
                .await
                .expect("it is known");
            are_there.push(bytes.is_some());
        }
        assert_eq!(are_there, [false, true, true]);
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn raw_evidence_is_kept_and_a_changed_byte_is_found() {
    block_on(async {
        let world = World::shipped().await;
        let path = world.folder.path().join("export.csv");
        std::fs::write(&path, assets(&many(3, ""))).expect("a file");
        let plain = world
            .journal
            .store_raw(&path, "export.csv", RawWriter::Plain)
            .await
            .expect("it is kept");
        let secret = world
            .journal
            .store_raw(&path, "export.csv", RawWriter::Encrypted)
            .await
            .expect("it is kept");
        let evidence = world.read("assets", &assets(&many(3, "")));
        let mut submission = world.submission(&Reading::new("assets", day("2026-04-05")), evidence);
        submission.files = vec![plain.reference.clone(), secret.reference.clone()];
        world.journal.commit(submission).await.expect("it commits");
        assert_eq!(verify(&world).await, []);
        let read = world
            .journal
            .read_raw(&secret.reference)
            .await
            .expect("it can be read");
        assert_eq!(read, std::fs::read(&path).ok());
        world
            .journal
            .redact_raw(&secret.reference, "erasure request")
            .await
            .expect("it is redacted");
        assert_eq!(verify(&world).await, [], "a tombstone is accepted");
        let stored = world
            .folder
            .path()
            .join("journal")
            .join(&plain.reference.path);
        let mut bytes = std::fs::read(&stored).expect("the raw file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&stored, bytes).expect("it is damaged");
        let findings = verify(&world).await;
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].check, "raw");
        std::fs::write(&path, "changed").expect("a file");
        assert!(matches!(
            plain.check_unchanged(),
            Err(StoreError::ChangedWhileRead(_))
        ));
    });
}

#[test]
fn an_entry_smuggled_into_the_journal_is_found() {
    block_on(async {
        let world = World::shipped().await;
        world
            .commit_csv(
                &Reading::new("assets", day("2026-04-05")),
                &assets(&many(3, "")),
            )
            .await;
        let table = world.folder.path().join("journal/entries/assets");
        let file = all_files(&table)
            .into_iter()
            .find(|p| p.extension().is_some_and(|e| e == "parquet"))
            .expect("a data file");
        let copy = table.join("compacted-1-1-smuggled.parquet");
        std::fs::copy(&file, &copy).expect("it is copied");
        let size = std::fs::metadata(&copy).expect("it is there").len();
        let versions = all_files(&table.join("_delta_log"))
            .into_iter()
            .filter(|p| p.extension().is_some_and(|e| e == "json"))
            .count();
        let add = format!(
            "{{\"add\":{{\"path\":\"compacted-1-1-smuggled.parquet\",\"partitionValues\":{{}},\"size\":{size},\"modificationTime\":0,\"dataChange\":true}}}}\n"
        );
        std::fs::write(table.join(format!("_delta_log/{versions:020}.json")), add)
            .expect("the log is written");
        let findings = verify(&world).await;
        assert!(
            findings
                .iter()
                .any(|f| f.check == "weights" && f.message.en.contains("sum to 2")),
            "{findings:?}"
        );
    });
}

#[test]
fn lost_or_stale_heads_are_rebuilt() {
    block_on(async {
        let world = World::shipped().await;
        let reading = Reading::new("assets", day("2026-04-05"));
        world.commit_csv(&reading, &assets(&many(4, ""))).await;
        std::fs::remove_dir_all(world.folder.path().join("journal/heads"))
            .expect("heads were kept");
        let next = Reading {
            as_of: day("2026-04-10"),
            now: noon(day("2026-04-10")),
            ..reading
        };
        let receipt = world.commit_csv(&next, &assets(&many(4, ""))).await;
        assert_eq!((receipt.counts.unchanged, receipt.counts.changed), (4, 0));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_journal_of_a_newer_format_is_refused() {
    block_on(async {
        let world = World::shipped().await;
        let root = url::Url::from_directory_path(world.folder.path().join("journal"))
            .expect("an absolute path");
        std::fs::write(
            world.folder.path().join("journal/journal.json"),
            "{\"format\":99}",
        )
        .expect("a file");
        let expressions = std::sync::Arc::clone(&world.expressions);
        let error = Journal::open(&root, expressions, world.journal.tokens().clone())
            .await
            .expect_err("it is newer");
        assert!(
            matches!(
                error,
                StoreError::NewerFormat {
                    found: 99,
                    known: 1,
                    ..
                }
            ),
            "{error}"
        );
        assert!(error.hint().is_some());
    });
}

#[test]
fn hundreds_of_small_batches_leave_few_files_and_the_same_figures() {
    const BATCHES: usize = 240;
    const MOST: usize = 16;
    block_on(async {
        let world = World::shipped().await;
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let file_count = async || {
            let snapshot = world.journal.snapshot().await.expect("it can be read");
            let dataset = world.dataset("assets");
            let scan = world.journal.scan(&dataset, &snapshot, 0, snapshot.seq());
            scan.await.expect("the table can be read").files.len()
        };
        let early = end_of(day("2026-04-05"));
        let mut as_it_was = None;
        let mut most_files = 0;
        for number in 0..BATCHES {
            let on = if number < BATCHES / 2 {
                day("2026-04-05")
            } else {
                day("2026-04-06")
            };
            if number == BATCHES / 2 {
                let found = inventory(&world, "HD", "2026-04", early).await;
                as_it_was = Some(counts(&found));
            }
            let mut reading = Reading::new("assets", on);
            reading.extent = Extent::Part;
            reading.content = number.to_string();
            let row = asset(&format!("S{number:03}"), "HD", "2026-04-01");
            world.commit_csv(&reading, &assets(&[row])).await;
            let done = world.journal.compact_gathered(&datasets, MOST).await;
            done.expect("it compacts");
            most_files = most_files.max(file_count().await);
        }
        assert!(most_files <= MOST, "there were {most_files} files");
        let then = inventory(&world, "HD", "2026-04", early).await;
        assert_eq!(Some(counts(&then)), as_it_was);
        let now = inventory(&world, "HD", "2026-04", end_of(day("2026-04-30"))).await;
        let all = BATCHES.to_string();
        assert_eq!(counts(&now), (all.clone(), all));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn what_stopped_programs_leave_is_swept_and_the_heads_are_as_they_were() {
    block_on(async {
        let world = World::shipped().await;
        let first = Reading::new("assets", day("2026-04-05"));
        world.commit_csv(&first, &assets(&many(5, ""))).await;
        let journal = world.folder.path().join("journal");
        let heads = journal.join("heads/assets");
        let left = [
            heads.join("7-left.arrow"),
            heads.join("later-left.arrow"),
            journal.join("entries/assets/left.parquet#1"),
            journal.join("raw/left#12"),
        ];
        std::fs::create_dir_all(journal.join("raw")).expect("the folder can be made");
        for path in &left {
            std::fs::write(path, b"left").expect("the folder can be written to");
        }
        let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
        let done = world.journal.compact(&datasets).await.expect("it compacts");
        assert_eq!(done.leftovers_removed, left.len(), "{done:?}");
        assert!(left.iter().all(|path| !path.exists()));
        let second = Reading::new("assets", day("2026-04-10"));
        let receipt = world.commit_csv(&second, &assets(&many(5, ""))).await;
        assert_eq!(receipt.counts.changed, 0, "{receipt:?}");
        assert_eq!(verify(&world).await, []);
    });
}
