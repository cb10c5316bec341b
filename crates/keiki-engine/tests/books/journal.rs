//! What must hold of the journal whatever happens around it.

use std::path::{Path, PathBuf};

use keiki_engine::{Against, Question, Request};
use keiki_model::calendar::{Day, Period};
use keiki_model::evidence::{Extent, Missing};
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::status::Status;
use keiki_store::{Journal, RawWriter, StoreError};

use crate::world::{Reading, World, block_on, day, end_of, noon, zone};

const ASSETS: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by\n";

fn asset(id: &str, unit: &str, inventoried: &str) -> String {
    let by = if inventoried.is_empty() {
        ""
    } else {
        "declaration"
    };
    format!("{id},{unit},hardware,{id},true,E1,2025-06-01,{inventoried},{inventoried},{by}\n")
}

fn assets(rows: &[String]) -> String {
    format!("{ASSETS}{}", rows.concat())
}

fn many(count: usize, inventoried: &str) -> Vec<String> {
    (0..count)
        .map(|i| asset(&format!("A{i}"), "JP1", inventoried))
        .collect()
}

async fn inventory(world: &World, unit: &str, period: &str, known_at: i64) -> Measurement {
    let found = world.measure(1, unit, period, known_at).await;
    found
        .into_iter()
        .find(|m| m.indicator == "inventory_ratio")
        .expect("KPI 1 is measured")
}

fn counts(m: &Measurement) -> (String, String) {
    let text =
        |v: Option<keiki_model::fraction::Fraction>| v.map_or(String::new(), |v| v.to_string());
    (text(m.numerator), text(m.denominator))
}

async fn verify(world: &World) -> Vec<keiki_store::Finding> {
    let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
    world
        .journal
        .verify(&datasets)
        .await
        .expect("it can be verified")
        .findings
}

#[test]
fn a_replay_adds_nothing_and_a_b_a_is_three_assertions() {
    block_on(async {
        let world = World::shipped().await;
        let reading = Reading::new("assets", day("2026-05-01"));
        let a = assets(&[asset("A1", "JP1", "")]);
        let b = assets(&[asset("A1", "JP1", "2026-04-20")]);
        assert_eq!(world.commit_csv(&reading, &a).await.seq, Some(1));
        assert_eq!(world.commit_csv(&reading, &a).await.seq, None);
        assert_eq!(world.commit_csv(&reading, &b).await.seq, Some(2));
        assert_eq!(world.commit_csv(&reading, &a).await.seq, Some(3));
        let last = inventory(&world, "JP1", "2026-05", end_of(day("2026-05-31"))).await;
        assert_eq!(counts(&last), ("0".into(), "1".into()));
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn late_evidence_does_not_change_what_was_known() {
    block_on(async {
        let world = World::shipped().await;
        world
            .commit_csv(
                &Reading::new("assets", day("2026-05-01")),
                &assets(&[asset("A1", "JP1", "")]),
            )
            .await;
        let before = inventory(&world, "HD", "2026-05", end_of(day("2026-05-31"))).await;
        let mut late = Reading::new("assets", day("2026-05-10"));
        late.now = noon(day("2026-06-20"));
        world
            .commit_csv(&late, &assets(&[asset("A1", "JP1", "2026-05-09")]))
            .await;
        let as_known_then = inventory(&world, "HD", "2026-05", end_of(day("2026-05-31"))).await;
        assert_eq!(before.value, as_known_then.value);
        let now = inventory(&world, "HD", "2026-05", end_of(day("2026-06-30"))).await;
        assert_eq!(counts(&now), ("1".into(), "1".into()));
    });
}

#[test]
fn a_late_correction_holds_only_until_what_was_said_later() {
    block_on(async {
        let world = World::shipped().await;
        let csv = |on: &str| assets(&[asset("A1", "JP1", on)]);
        let (first, third) = (
            Reading::new("assets", day("2026-04-03")),
            Reading::new("assets", day("2026-06-12")),
        );
        world.commit_csv(&first, &csv("")).await;
        // A full export asserts its records again, changed or not: this one bounds the correction below.
        world.commit_csv(&third, &csv("")).await;
        let mut correction = Reading::new("assets", day("2026-05-10"));
        correction.now = noon(day("2026-07-01"));
        correction.extent = Extent::Part;
        let receipt = world.commit_csv(&correction, &csv("2026-05-09")).await;
        assert_eq!(receipt.counts.changed, 1);
        let known = end_of(day("2026-07-01"));
        for (period, expected) in [("2026-04", "0"), ("2026-05", "1"), ("2026-06", "0")] {
            assert_eq!(
                counts(&inventory(&world, "HD", period, known).await).0,
                expected,
                "{period}"
            );
        }
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn when_one_source_withdraws_the_values_of_the_other_return() {
    block_on(async {
        let world = World::shipped().await;
        let mut declared = Reading::new("assets", day("2026-04-05"));
        declared.source = "declared".into();
        let mut tool = Reading::new("assets", day("2026-04-06"));
        (tool.source, tool.precedence) = ("tool".into(), 2);
        world
            .commit_csv(&declared, &assets(&[asset("A1", "JP1", "2026-04-04")]))
            .await;
        world
            .commit_csv(&tool, &assets(&[asset("A1", "US1", "")]))
            .await;
        let known = end_of(day("2026-06-30"));
        assert_eq!(
            counts(&inventory(&world, "JP1", "2026-04", known).await),
            ("1".into(), "1".into())
        );
        assert_eq!(
            counts(&inventory(&world, "US1", "2026-04", known).await),
            ("0".into(), "0".into())
        );
        declared.as_of = day("2026-05-05");
        declared.now = noon(declared.as_of);
        declared.missing = Missing::Withdraw;
        declared.is_missing_confirmed = true;
        let receipt = world.commit_csv(&declared, &assets(&[])).await;
        assert_eq!(receipt.counts.retired, 1);
        assert_eq!(
            counts(&inventory(&world, "US1", "2026-05", known).await),
            ("0".into(), "1".into())
        );
        assert_eq!(
            counts(&inventory(&world, "JP1", "2026-05", known).await).1,
            "0"
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn too_many_retirements_wait_for_confirmation() {
    block_on(async {
        let world = World::shipped().await;
        let mut reading = Reading::new("assets", day("2026-04-05"));
        reading.missing = Missing::Retire;
        world.commit_csv(&reading, &assets(&many(20, ""))).await;
        let step = |reading: &Reading, on: &str| Reading {
            as_of: day(on),
            now: noon(day(on)),
            ..reading.clone()
        };
        // Two of twenty are ten per cent, which is not more than ten.
        let receipt = world
            .commit_csv(&step(&reading, "2026-04-10"), &assets(&many(18, "")))
            .await;
        assert_eq!(
            (receipt.counts.retired, receipt.counts.retirements_held),
            (2, 0)
        );
        let receipt = world
            .commit_csv(&step(&reading, "2026-04-15"), &assets(&many(10, "")))
            .await;
        assert_eq!(
            (receipt.counts.retired, receipt.counts.retirements_held),
            (0, 8)
        );
        let known = end_of(day("2026-04-30"));
        assert_eq!(
            counts(&inventory(&world, "JP1", "2026-04", known).await).1,
            "18"
        );
        let confirmed = Reading {
            is_missing_confirmed: true,
            ..step(&reading, "2026-04-15")
        };
        let receipt = world.commit_csv(&confirmed, &assets(&many(10, ""))).await;
        assert_eq!(receipt.counts.retired, 8);
        assert_eq!(
            counts(&inventory(&world, "JP1", "2026-04", known).await).1,
            "10"
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn a_rejected_row_counts_as_present_and_asserts_nothing() {
    block_on(async {
        let world = World::shipped().await;
        let mut reading = Reading::new("assets", day("2026-04-05"));
        reading.missing = Missing::Retire;
        world
            .commit_csv(&reading, &assets(&many(20, "2026-04-01")))
            .await;
        let mut rows = many(19, "2026-04-01");
        rows.push("A19,JP1,no_such_kind,A19,true,E1,2025-06-01,,,\n".into());
        reading.as_of = day("2026-04-20");
        reading.now = noon(reading.as_of);
        let receipt = world.commit_csv(&reading, &assets(&rows)).await;
        assert_eq!((receipt.counts.rejected, receipt.counts.retired), (1, 0));
        let found = inventory(&world, "JP1", "2026-04", end_of(day("2026-04-30"))).await;
        assert_eq!(counts(&found), ("20".into(), "20".into()));
        let rejects = world
            .journal
            .rejects(&world.journal.snapshot().await.expect("a snapshot"))
            .await
            .expect("rejects");
        assert_eq!(rejects.len(), 1);
        assert_eq!(
            (rejects[0].row.row, rejects[0].row.record_key.as_deref()),
            (21, Some("A19"))
        );
        assert_eq!(verify(&world).await, []);
    });
}

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
fn row_order_and_batch_split_change_no_figure() {
    block_on(async {
        let rows = many(12, "2026-04-02");
        let whole = World::shipped().await;
        whole
            .commit_csv(&Reading::new("assets", day("2026-04-05")), &assets(&rows))
            .await;
        let split = World::shipped().await;
        let mut part = Reading::new("assets", day("2026-04-05"));
        part.extent = Extent::Part;
        let mut reversed = rows.clone();
        reversed.reverse();
        for chunk in reversed.chunks(5) {
            split.commit_csv(&part, &assets(chunk)).await;
        }
        let known = end_of(day("2026-06-30"));
        for period in ["2026-04", "FY2026-Q1"] {
            let (a, b) = (
                inventory(&whole, "HD", period, known).await,
                inventory(&split, "HD", period, known).await,
            );
            assert_eq!(
                (a.value, a.numerator, a.denominator, a.status),
                (b.value, b.numerator, b.denominator, b.status)
            );
        }
    });
}

#[test]
fn a_reported_total_replaces_rows_and_a_percentage_is_never_added_up() {
    block_on(async {
        let world = World::shipped().await;
        let rows = [
            asset("A1", "JP1", "2026-04-02"),
            asset("A2", "JP1-IT", ""),
            asset("A3", "US1", "2026-04-02"),
        ];
        world
            .commit_csv(&Reading::new("assets", day("2026-05-01")), &assets(&rows))
            .await;
        let mut reported = Reading::new("reported_figures", day("2026-05-10"));
        reported.covers = Vec::new();
        reported.extent = Extent::Part;
        let header =
            "kpi_no,indicator,org_unit,period,numerator,denominator,value,prepared_by,attachment\n";
        let csv = format!(
            "{header}1,inventory_ratio,JP1,2026-05,70,100,,Sato,memo.pdf\n1,inventory_ratio,US1,2026-04,,,0.5,,\n"
        );
        world.commit_csv(&reported, &csv).await;
        let known = end_of(day("2026-05-31"));
        let company = inventory(&world, "JP1", "2026-05", known).await;
        assert_eq!(
            (counts(&company), company.basis),
            (("70".into(), "100".into()), Basis::Reported)
        );
        let group = inventory(&world, "HD", "2026-05", known).await;
        assert_eq!(
            (counts(&group), group.basis),
            (("71".into(), "101".into()), Basis::Reported)
        );
        // US1 has rows for April, so that the percentage is not needed; without rows it shows, for US1 alone.
        let other = World::shipped().await;
        other.commit_csv(&reported, &csv).await;
        let shown = inventory(&other, "US1", "2026-04", known).await;
        assert_eq!(
            (shown.value.map(|v| v.to_string()), shown.basis),
            (Some("0.5".into()), Basis::Reference)
        );
        let group = inventory(&other, "HD", "2026-04", known).await;
        assert_eq!((group.value, group.status), (None, Status::NoData));
    });
}

#[test]
fn silence_is_no_data_and_a_nil_return_is_zero() {
    block_on(async {
        let world = World::shipped().await;
        let mut nil = Reading::new("assets", day("2026-05-01"));
        nil.covers = vec!["JP1".into()];
        world.commit_csv(&nil, ASSETS).await;
        let known = end_of(day("2026-05-31"));
        assert_eq!(
            inventory(&world, "US1", "2026-05", known).await.status,
            Status::NoData
        );
        let nil = inventory(&world, "JP1", "2026-05", known).await;
        assert_eq!(
            (counts(&nil), nil.status),
            (("0".into(), "0".into()), Status::NoneOccurred)
        );
        let stale = inventory(&world, "JP1", "2026-06", end_of(day("2026-06-30"))).await;
        assert_eq!(
            stale.status,
            Status::NoData,
            "evidence of 1 May is stale on 30 June"
        );
    });
}

#[test]
fn a_listing_that_comes_later_reaches_the_vulnerabilities_it_names() {
    block_on(async {
        let world = World::shipped().await;
        let mut open = Reading::new("vulnerabilities", day("2026-04-30"));
        open.extent = Extent::Part;
        let header = "vulnerability_id,org_unit,cve_id,cvss_base_score,published_on,started_on\n";
        world
            .commit_csv(
                &open,
                &format!("{header}V1,JP1,CVE-2026-1,5.0,2026-04-01,2026-04-11\n"),
            )
            .await;
        let mean = async |known: &str| {
            let found = world
                .measure(24, "JP1", "2026-04", end_of(day(known)))
                .await;
            found.into_iter().next().expect("KPI 24 is measured")
        };
        assert_eq!(
            mean("2026-04-30").await.n,
            Some(0),
            "not urgent: the score is below the threshold"
        );
        let mut listing = Reading::new("exploited_vulnerabilities", day("2026-05-20"));
        listing.covers = Vec::new();
        listing.extent = Extent::Part;
        let csv = "cve_id,listed_on,due_on\nCVE-2026-1,2026-04-05,2026-04-26\n";
        world.commit_csv(&listing, csv).await;
        let later = mean("2026-05-31").await;
        assert_eq!(
            (later.n, later.value.map(|v| v.to_string())),
            (Some(1), Some("10".into()))
        );
        assert_eq!(
            mean("2026-04-30").await.n,
            Some(0),
            "as known in April nothing has changed"
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn names_of_people_are_not_in_the_journal() {
    block_on(async {
        let world = World::shipped().await;
        let header = "certification_id,org_unit,person_id,qualification,obtained_on,expires_on\n";
        let csv = format!("{header}R1,JP1,TARO-YAMADA,CISSP,2025-05-01,2028-04-30\n");
        world
            .commit_csv(&Reading::new("certifications", day("2026-05-01")), &csv)
            .await;
        let holders = world
            .measure(9, "JP1", "2026-05", end_of(day("2026-05-31")))
            .await;
        assert_eq!(holders[0].value.map(|v| v.to_string()), Some("1".into()));
        for path in all_files(&world.folder.path().join("journal")) {
            let bytes = std::fs::read(&path).expect("a file");
            let found = bytes.windows(11).any(|window| window == b"TARO-YAMADA");
            assert!(!found, "{} names a person", path.display());
        }
        assert!(
            world
                .journal
                .tokens()
                .erase("TARO-YAMADA")
                .await
                .expect("it erases")
        );
        let after = world
            .measure(9, "JP1", "2026-05", end_of(day("2026-05-31")))
            .await;
        assert_eq!(
            after[0].value, holders[0].value,
            "erasure changes no figure"
        );
    });
}

#[test]
fn history_comes_in_with_its_own_times_of_knowledge() {
    block_on(async {
        let world = World::shipped().await;
        let header = "incident_id,org_unit,severity,kind,detected_at,contained_at\n";
        let csv = format!(
            "{header}I1,JP1,high,malware,2026-04-10T00:00:00Z,\nI1,JP1,high,malware,2026-04-10T00:00:00Z,2026-05-10T00:00:00Z\n"
        );
        let mut evidence = world.read(
            "incidents",
            &csv.lines()
                .take(2)
                .map(|l| format!("{l}\n"))
                .collect::<String>(),
        );
        let second = world.read(
            "incidents",
            &format!(
                "{header}{}\n",
                csv.lines().nth(2).expect("a second version")
            ),
        );
        evidence.rows =
            arrow::compute::concat_batches(&evidence.rows.schema(), [&evidence.rows, &second.rows])
                .expect("rows fit");
        evidence.places = vec![2, 3];
        let times = |a: i64, b: i64| {
            Some(arrow::array::TimestampMicrosecondArray::from(vec![a, b]).with_timezone("UTC"))
        };
        evidence.known_at = times(noon(day("2026-04-11")), noon(day("2026-05-11")));
        let mut reading = Reading::new("incidents", day("2026-07-01"));
        reading.extent = Extent::Part;
        let mut submission = world.submission(&reading, evidence.clone());
        for claim in &mut submission.claims {
            claim.known_from = noon(day("2026-04-01"));
        }
        world.journal.commit(submission).await.expect("it commits");
        let open = async |known: &str| {
            let found = world
                .measure(23, "JP1", "2026-04", end_of(day(known)))
                .await;
            let open = found
                .into_iter()
                .find(|m| m.indicator == "open_count")
                .expect("KPI 23 counts open cases");
            open.value.map(|v| v.to_string())
        };
        assert_eq!(open("2026-04-30").await, Some("1".into()));
        let may = world
            .measure(23, "JP1", "2026-05", end_of(day("2026-05-31")))
            .await;
        let may = may
            .into_iter()
            .find(|m| m.indicator == "open_count")
            .expect("KPI 23 counts open cases");
        assert_eq!(may.value.map(|v| v.to_string()), Some("0".into()));
        // A version that claims to have been known before the last one, and one from the future, are rejected.
        evidence.known_at = times(noon(day("2026-05-01")), noon(day("2036-05-01")));
        let receipt = world
            .commit(
                &Reading {
                    content: "again".into(),
                    ..reading
                },
                evidence,
            )
            .await;
        assert_eq!((receipt.counts.rejected, receipt.counts.changed), (2, 0));
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
                .any(|f| f.check == "weights" && f.message.contains("sum to 2")),
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
                    known: 1
                }
            ),
            "{error}"
        );
        assert!(error.hint().is_some());
    });
}

#[test]
fn the_difference_of_two_figures_is_a_list_of_records() {
    block_on(async {
        let world = World::shipped().await;
        world
            .commit_csv(
                &Reading::new("assets", day("2026-04-05")),
                &assets(&many(4, "")),
            )
            .await;
        let mut rows = many(4, "");
        rows[2] = asset("A2", "JP1", "2026-04-10");
        world
            .commit_csv(&Reading::new("assets", day("2026-05-05")), &assets(&rows))
            .await;
        let question = Question {
            no: 1,
            indicator: None,
            org_unit: "HD".into(),
            period: Period::parse("2026-05").expect("a period"),
            known_at: Some(end_of(day("2026-05-31"))),
            seq: None,
            now: noon(day("2026-07-01")),
            against: Some(Against::KnownAt(end_of(day("2026-05-01")))),
        };
        let explained = world
            .engine
            .explain(&world.journal, &question)
            .await
            .expect("it explains");
        assert_eq!(
            explained
                .parts
                .iter()
                .map(|p| p.rows.len())
                .collect::<Vec<_>>(),
            [1, 4]
        );
        assert_eq!(explained.parts[0].rows[0].record_key, "A2");
        let against = explained.against.expect("a comparison");
        let keys: Vec<&str> = against
            .changes
            .iter()
            .map(|c| c.record_key.as_str())
            .collect();
        assert_eq!(keys, ["A2"]);
        assert_eq!(
            (against.changes[0].before, against.changes[0].seq),
            (None, 2)
        );
    });
}

#[test]
fn a_kept_cube_with_new_entries_is_a_cube_read_afresh() {
    block_on(async {
        let world = World::shipped().await;
        let request = |now: Day| Request {
            kpis: vec![1],
            org_units: Vec::new(),
            periods: ["2026-04", "2026-05"]
                .map(|p| Period::parse(p).expect("a period"))
                .to_vec(),
            known_at: None,
            seq: None,
            now: noon(now),
        };
        for (index, on) in ["2026-04-05", "2026-04-20", "2026-05-10", "2026-05-20"]
            .into_iter()
            .enumerate()
        {
            let rows: Vec<String> = (0..6)
                .map(|i| {
                    asset(
                        &format!("A{i}"),
                        "JP1",
                        if i <= index { "2026-04-01" } else { "" },
                    )
                })
                .collect();
            world
                .commit_csv(&Reading::new("assets", day(on)), &assets(&rows))
                .await;
            let kept = world
                .engine
                .measure(&world.journal, &request(day(on)))
                .await
                .expect("it measures");
            let fresh = keiki_engine::Engine::new(keiki_engine::Setting {
                calendar: keiki_model::calendar::Calendar::default(),
                zone: zone(),
                catalogue: std::sync::Arc::clone(&world.catalogue),
                organisation: world.organisation(),
                cubes: None,
            })
            .expect("definitions compile");
            let fresh = fresh
                .measure(&world.journal, &request(day(on)))
                .await
                .expect("it measures");
            assert_eq!(kept, fresh);
        }
    });
}

fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
