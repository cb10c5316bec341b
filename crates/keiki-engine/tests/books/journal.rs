//! What must hold of the journal whatever comes in.

use arrow::array::TimestampMicrosecondArray;
use keiki_engine::{Against, Question, Request};
use keiki_model::calendar::{Day, Period};
use keiki_model::evidence::{Extent, Missing};
use keiki_model::measurement::Basis;
use keiki_model::status::Status;

use crate::inventory::{ASSETS, all_files, asset, assets, counts, inventory, many, verify};
use crate::world::{Reading, World, block_on, day, end_of, noon};

/// The noons of days, as times of knowledge.
#[expect(clippy::unnecessary_wraps, reason = "evidence has them or not")]
fn times(days: &[&str]) -> Option<TimestampMicrosecondArray> {
    let noons = days.iter().map(|on| noon(day(on)));
    Some(TimestampMicrosecondArray::from_iter_values(noons).with_timezone("UTC"))
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

/// A ticket was contained on 3 May, which its system knew at once and these books not before the close of April on the 20th.
#[test]
fn a_history_changes_nothing_that_was_known_at_the_last_close() {
    block_on(async {
        let world = World::shipped().await;
        let header = "incident_id,org_unit,severity,kind,detected_at,contained_at\n";
        let line =
            |contained: &str| format!("I1,JP1,high,malware,2026-04-10T00:00:00Z,{contained}\n");
        let close = noon(day("2026-05-20"));
        let commit = async |contained: &str, known: &str, closed_at: i64| {
            let text = format!("{header}{}", line(contained));
            let mut evidence = world.read("incidents", &text);
            evidence.known_at = times(&[known]);
            let mut reading = Reading::new("incidents", day("2026-06-01"));
            reading.extent = Extent::Part;
            reading.content = text;
            let mut submission = world.submission(&reading, evidence);
            submission.closed_at = closed_at;
            for claim in &mut submission.claims {
                claim.known_from = noon(day("2026-04-01"));
            }
            let receipt = world.journal.commit(submission).await;
            assert_eq!(receipt.expect("it commits").counts.rejected, 0);
        };
        commit("", "2026-04-11", i64::MIN).await;
        commit("2026-04-28T00:00:00Z", "2026-05-03", close).await;
        let open = async |known_at: i64| {
            let found = world.measure(23, "JP1", "2026-04", known_at).await;
            let open = found.into_iter().find(|m| m.indicator == "open_count");
            let open = open.expect("KPI 23 counts open cases");
            open.value.map(|value| value.to_string())
        };
        assert_eq!(open(end_of(day("2026-05-10"))).await, Some("1".into()));
        assert_eq!(open(close).await, Some("1".into()));
        assert_eq!(open(close + 1).await, Some("0".into()));
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
        evidence.known_at = times(&["2026-04-11", "2026-05-11"]);
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
        evidence.known_at = times(&["2026-05-01", "2036-05-01"]);
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
            structure: keiki_engine::Structure::default(),
            period: Period::parse("2026-05").expect("a period"),
            known_at: Some(end_of(day("2026-05-31"))),
            seq: None,
            now: noon(day("2026-07-01")),
            against: Some(Against::KnownAt(end_of(day("2026-05-01")))),
            detail: keiki_engine::Detail::Columns,
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
            structure: keiki_engine::Structure::default(),
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
            let fresh = world.forgetful(keiki_model::calendar::Calendar::default().into());
            let fresh = fresh
                .measure(&world.journal, &request(day(on)))
                .await
                .expect("it measures");
            assert_eq!(kept, fresh);
        }
    });
}

#[test]
fn a_listing_reaches_a_vulnerability_that_two_sources_tell_of() {
    block_on(async {
        let world = World::shipped().await;
        let header = "vulnerability_id,org_unit,cve_id,cvss_base_score,published_on,started_on\n";
        for (source, precedence, started) in
            [("scanner", 1, "2026-04-11"), ("register", 2, "2026-04-21")]
        {
            let mut reading = Reading::new("vulnerabilities", day("2026-04-30"));
            (reading.source, reading.precedence) = (source.into(), precedence);
            reading.extent = Extent::Part;
            let row = format!("{header}V1,JP1,CVE-2026-1,5.0,2026-04-01,{started}\n");
            world.commit_csv(&reading, &row).await;
        }
        let mut listing = Reading::new("exploited_vulnerabilities", day("2026-05-20"));
        listing.covers = Vec::new();
        listing.extent = Extent::Part;
        let csv = "cve_id,listed_on,due_on\nCVE-2026-1,2026-04-05,2026-04-26\n";
        world.commit_csv(&listing, csv).await;
        let found = world
            .measure(24, "JP1", "2026-04", end_of(day("2026-05-31")))
            .await;
        let mean = &found[0];
        assert_eq!(
            (mean.n, mean.value.map(|v| v.to_string())),
            (Some(1), Some("10".into())),
            "one vulnerability, started as the source that goes first says"
        );
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn distinct_things_are_known_when_their_records_were() {
    block_on(async {
        let world = World::shipped().await;
        let header = "certification_id,org_unit,person_id,qualification,obtained_on,expires_on\n";
        let mut reading = Reading::new("certifications", day("2026-05-01"));
        (reading.extent, reading.now) = (Extent::Part, noon(day("2026-06-30")));
        let rows = format!(
            "{header}R1,JP1,P1,CISSP,2025-05-01,2028-04-30\nR2,JP1,P2,CISSP,2025-05-01,2028-04-30\n"
        );
        let mut evidence = world.read("certifications", &rows);
        // A load of history: the first became known in May, the second in June.
        evidence.known_at = times(&["2026-05-10", "2026-06-10"]);
        reading.content.clone_from(&rows);
        let mut submission = world.submission(&reading, evidence);
        for claim in &mut submission.claims {
            claim.known_from = noon(day("2026-05-01"));
        }
        world.journal.commit(submission).await.expect("it commits");
        // Another certificate of P2 was known in May already: P2 is one person from then on.
        let third = format!("{header}R3,JP1,P2,CISA,2025-05-01,2028-04-30\n");
        let mut evidence = world.read("certifications", &third);
        evidence.known_at = times(&["2026-05-20"]);
        reading.content = third;
        world.commit(&reading, evidence).await;
        for (known, expected) in [
            ("2026-05-15", "1"),
            ("2026-05-25", "2"),
            ("2026-06-30", "2"),
        ] {
            let found = world.measure(9, "JP1", "2026-05", end_of(day(known))).await;
            assert_eq!(
                found[0].value.map(|v| v.to_string()),
                Some(expected.to_owned()),
                "as known on {known}"
            );
        }
        assert_eq!(verify(&world).await, []);
    });
}

#[test]
fn the_same_file_with_another_coverage_is_not_a_replay() {
    block_on(async {
        let world = World::shipped().await;
        let mut reading = Reading::new("assets", day("2026-05-01"));
        reading.extent = Extent::Part;
        reading.covers = vec!["JP1".into()];
        let csv = assets(&[asset("A1", "JP1", "2026-04-20")]);
        assert_eq!(world.commit_csv(&reading, &csv).await.seq, Some(1));
        assert_eq!(world.commit_csv(&reading, &csv).await.seq, None);
        reading.covers = vec!["HD".into()];
        assert_eq!(world.commit_csv(&reading, &csv).await.seq, Some(2));
    });
}
