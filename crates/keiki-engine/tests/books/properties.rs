//! The engine agrees with the plain reference on every measure kind, exactly, whatever happened to the records.

#[path = "properties/evidence.rs"]
mod evidence;
#[path = "properties/expected.rs"]
mod expected;
#[path = "properties/remembering.rs"]
mod remembering;

use std::collections::BTreeMap;

use keiki_engine::{Engine, Request};
use keiki_model::calendar::{Calendar, Day, Period, date_of, local_day};
use keiki_model::calendars::{Calendars, EntityCalendar};
use keiki_model::catalogue::Catalogue;
use keiki_model::evidence::{Evidence, Extent, Missing, Reason, RejectedRow, join_key};
use keiki_model::measurement::Measurement;
use keiki_model::org::Organisation;
use keiki_model::problem::Place;
use keiki_store::Receipt;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::reference::{
    Case, CaseBatch, Leaving, Point, Reference, SOURCES, Thing, ThingBatch, Total, UNASSIGNED, Unit,
};
use crate::world::{Reading, World, block_on, day, list, noon, zone};
use evidence::{case, evidence_of_cases, evidence_of_things, thing};
use expected::{Expected, INDICATORS};
use remembering::remembers_rightly;

pub(crate) const THINGS: &str = include_str!("definitions/things.toml");
pub(crate) const CASES: &str = include_str!("definitions/cases.toml");
pub(crate) const KPI: &str = include_str!("definitions/kpi.toml");
pub(crate) const REPORTED: &str = include_str!("../../../../datasets/reported_figures.toml");

const DAY_MICROS: i64 = 86_400_000_000;

/// Days after which evidence is stale, as the definitions say.
const THINGS_FRESHNESS: i32 = 30;
const CASES_FRESHNESS: i32 = 5;

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn the_engine_agrees_with_the_plain_reference(seed in any::<u64>()) {
        block_on(agree(seed))?;
    }
}

/// A small deterministic generator, so that one seed draws one whole history.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + i32::try_from(self.below(u64::from((high - low).unsigned_abs()) + 1)).unwrap_or(0)
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'p, T>(&mut self, from: &'p [T]) -> &'p T {
        &from[usize::try_from(self.below(from.len() as u64)).unwrap_or(0)]
    }

    fn date(&mut self) -> Option<Day> {
        let (low, high) = (day("2026-03-01"), day("2026-07-20"));
        (!self.chance(20)).then(|| self.between(low, high))
    }
}

const KEYS: [&str; 7] = ["k1", "k2", "k3", "k4", "k5", "k6", "k|7"];

/// The org units that may exist.
const UNITS: [&str; 7] = ["G", "A", "B", "C", "D", "E", "F"];

/// One that never does.
const STRANGER: &str = "Z";

struct History {
    world: World,
    engine: Engine,
    /// Another that remembers nothing.
    forgetful: Engine,
    /// The month in which the fiscal year of B begins, where it has one of its own.
    own_first_month: Option<i32>,
    reference: Reference,
    /// What was last said of each thing.
    said: BTreeMap<String, Thing>,
    seq: i64,
    known_at: i64,
}

async fn agree(seed: u64) -> Result<(), TestCaseError> {
    let mut draw = Draw(seed);
    let mut history = begin(&mut draw).await;
    for _ in 0..draw.between(3, 10) {
        history.known_at += i64::from(draw.between(0, 20)) * DAY_MICROS;
        match draw.below(10) {
            0..=3 => history.take_things(&mut draw).await?,
            4..=7 => history.take_cases(&mut draw).await?,
            _ => history.report(&mut draw).await?,
        }
        if draw.chance(40) {
            // What is kept from now on has later entries added to it.
            let period = *draw.pick(&PERIODS);
            measured(&history, history.known_at, history.seq, period).await;
        }
        for _ in 0..draw.below(3) {
            remembers_rightly(&history, &mut draw).await?;
        }
    }
    let today = local_day(history.known_at, &zone());
    let differing = history
        .engine
        .cubes_that_differ(&history.world.journal, today);
    let differing = differing.await.expect("the entries can be read again");
    prop_assert!(
        differing.is_empty(),
        "kept, but not what entries come to: {differing:?}"
    );
    let datasets: Vec<_> = history.world.catalogue.datasets.values().cloned().collect();
    let verified = history
        .world
        .journal
        .verify(&datasets)
        .await
        .expect("it can be verified");
    prop_assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    for _ in 0..6 {
        let known_at = history.known_at - i64::from(draw.between(0, 60)) * DAY_MICROS;
        let seq = (history.seq - i64::from(draw.between(0, 2))).max(0);
        compare(&history, known_at, seq, &mut draw).await?;
    }
    let last = compare_text(&history, history.known_at, history.seq).await;
    history
        .world
        .journal
        .compact(&datasets)
        .await
        .expect("it compacts");
    let compacted = compare_text(&history, history.known_at, history.seq).await;
    prop_assert_eq!(&last, &compacted, "compaction moved a figure");
    let file_rows = u64::try_from(draw.between(4, 64)).unwrap_or(4);
    let small = history.world.journal.compact_to(&datasets, file_rows).await;
    small.expect("it compacts to small files");
    let compacted = compare_text(&history, history.known_at, history.seq).await;
    prop_assert_eq!(last, compacted, "dealing records out moved a figure");
    for _ in 0..2 {
        let known_at = history.known_at - i64::from(draw.between(0, 60)) * DAY_MICROS;
        let seq = (history.seq - i64::from(draw.between(0, 2))).max(0);
        compare(&history, known_at, seq, &mut draw).await?;
    }
    Ok(())
}

/// Draws a tree: one entity comes or goes, one department moves or ends, the parents of most differ.
fn tree(draw: &mut Draw) -> Vec<Unit> {
    let start = day("2020-04-01");
    let (low, high) = (day("2026-04-10"), day("2026-07-05"));
    let unit = |id, parent, kind, from, until| Unit {
        id,
        parent,
        kind,
        from,
        until,
        successor: None,
    };
    let mut units = vec![
        unit("G", None, "group", start, None),
        unit("A", Some("G"), "subsidiary", start, None),
        unit(
            "B",
            Some(*draw.pick(&["G", "G", "A"])),
            "overseas",
            start,
            None,
        ),
    ];
    let from = if draw.chance(50) {
        start
    } else {
        draw.between(low, high)
    };
    let until = draw.chance(50).then(|| from.max(low) + draw.between(5, 60));
    let parent = *draw.pick(&["G", "A", "B"]);
    let gone = |draw: &mut Draw, to: &[&'static str]| match until {
        Some(_) if draw.chance(60) => Some(*draw.pick(to)),
        _ => None,
    };
    units.push(Unit {
        successor: gone(draw, &["A", "B"]),
        ..unit("C", Some(parent), "company", from, until)
    });
    units.push(Unit {
        successor: gone(draw, &["E", "A"]),
        ..unit("F", Some("C"), "department", from, until)
    });
    let moved = draw.between(low, high);
    let (before, after) = (*draw.pick(&["A", "B", "G"]), *draw.pick(&["A", "B", "G"]));
    let ends = draw.chance(30);
    let first = unit("D", Some(before), "department", start, Some(moved));
    if ends {
        let successor = *draw.pick(&[None, Some("A"), Some("E")]);
        units.push(Unit { successor, ..first });
    } else {
        units.push(first);
        units.push(unit("D", Some(after), "department", moved, None));
    }
    let below = if ends {
        &["A", "B", "G"]
    } else {
        &["A", "B", "D"]
    };
    units.push(unit(
        "E",
        Some(*draw.pick(below)),
        "department",
        start,
        None,
    ));
    units
}

fn organisation(units: &[Unit]) -> Organisation {
    let text: String = units
        .iter()
        .map(|of| {
            let until = of.until.map_or(String::new(), |u| date_of(u).to_string());
            format!(
                "{id},{},{id},{id},{},JP,{},{until},{}\n",
                of.parent.unwrap_or_default(),
                of.kind,
                date_of(of.from),
                of.successor.unwrap_or_default(),
                id = of.id,
            )
        })
        .collect();
    let header = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";
    Organisation::read("org.csv", &format!("{header}{text}"))
        .unwrap_or_else(|p| unreachable!("{}", list(&p)))
}

/// The definitions, with a target and a share of units that have to have reported.
fn catalogue() -> Catalogue {
    let target = "target = { at_least = \"0.6\" }\nnear_margin = \"0.1\"\nnumerator = \"ok\"";
    let kpi = KPI
        .replace("coverage_at_least = \"0\"", "coverage_at_least = \"0.5\"")
        .replace("numerator = \"ok\"", target);
    let datasets = [
        ("things.toml".to_owned(), THINGS.to_owned()),
        ("cases.toml".to_owned(), CASES.to_owned()),
        ("reported_figures.toml".to_owned(), REPORTED.to_owned()),
    ];
    Catalogue::read(&datasets, &[("kpi.toml".to_owned(), kpi)])
        .unwrap_or_else(|p| unreachable!("{}", list(&p)))
}

async fn begin(draw: &mut Draw) -> History {
    let units = tree(draw);
    let world = World::new(catalogue(), organisation(&units)).await;
    let own_first_month = draw.chance(50).then(|| draw.between(1, 3));
    let own = own_first_month.map(|first_month| EntityCalendar {
        org_unit: "B".into(),
        calendar: Calendar::new(first_month, Vec::new(), &Place::default()).expect("a calendar"),
        place: Place::default(),
    });
    let own = own.into_iter().collect();
    let calendars = Calendars::new(Calendar::default(), own, &world.organisation());
    History {
        forgetful: world.forgetful(calendars.clone()),
        engine: world.engine_with_calendars(calendars),
        own_first_month,
        world,
        reference: Reference::new(units),
        said: BTreeMap::new(),
        seq: 0,
        known_at: noon(day("2026-04-02")),
    }
}

/// A reading in the making.
struct Drawn {
    reading: Reading,
    /// Whether rows say themselves when they became known.
    is_log: bool,
    /// Keys of rows that a reader rejected.
    rejected: Vec<String>,
    /// Whether a row has a key that cannot be read.
    has_unreadable: bool,
}

impl Drawn {
    fn source(&self) -> &'static str {
        SOURCES[usize::try_from(self.reading.precedence).unwrap_or(0)]
    }

    fn leaving(&self) -> Leaving {
        Leaving {
            is_full: self.reading.extent == Extent::Full,
            missing: self.reading.missing,
            scope: self.reading.scope_units.clone(),
            rejected: self.rejected.clone(),
            is_confirmed: self.reading.is_missing_confirmed,
        }
    }

    /// The rows that a reader rejected, as it hands them on.
    fn rejected_rows(&self) -> Vec<RejectedRow> {
        let row = |record_key: Option<String>| RejectedRow {
            file: String::new(),
            row: 1_000,
            record_key,
            reason: Reason::MissingValue {
                column: "org_unit".into(),
            },
        };
        let keys = self.rejected.iter();
        let mut rows: Vec<_> = keys
            .map(|key| row(Some(join_key([key.as_str()]))))
            .collect();
        rows.extend(self.has_unreadable.then(|| row(None)));
        rows
    }
}

/// Row numbers in an order drawn.
fn shuffled(draw: &mut Draw, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for at in (1..count).rev() {
        let other = usize::try_from(draw.below(at as u64 + 1)).unwrap_or(0);
        order.swap(at, other);
    }
    order
}

impl History {
    fn drawn(&self, draw: &mut Draw, dataset: &'static str, keys: &[String]) -> Drawn {
        let today = local_day(self.known_at, &zone());
        let is_log = draw.chance(25);
        let rank = if is_log { 2 } else { draw.below(2) };
        let rank = usize::try_from(rank).unwrap_or(0);
        let as_of = (today - draw.between(0, 40)).max(day("2026-04-01"));
        let some = |draw: &mut Draw, percent| -> Vec<String> {
            let units = UNITS.iter().filter(|_| draw.chance(percent));
            units.map(|unit| (*unit).to_owned()).collect()
        };
        let covers = some(draw, 60);
        let scope_units = if draw.chance(40) {
            some(draw, 60)
        } else {
            Vec::new()
        };
        let missing: &[Missing] = match dataset {
            "things" => &[Missing::Keep, Missing::Retire, Missing::Withdraw],
            _ => &[Missing::Keep, Missing::Withdraw],
        };
        let rejected = keys.iter().filter(|_| draw.chance(12)).cloned().collect();
        Drawn {
            is_log,
            rejected,
            has_unreadable: draw.chance(10),
            reading: Reading {
                dataset: dataset.to_owned(),
                source: SOURCES[rank].to_owned(),
                precedence: i32::try_from(rank).unwrap_or(0),
                as_of,
                now: self.known_at,
                extent: if !is_log && draw.chance(60) {
                    Extent::Full
                } else {
                    Extent::Part
                },
                missing: *draw.pick(missing),
                scope_units,
                covers,
                frozen_plans: Vec::new(),
                is_missing_confirmed: draw.chance(70),
                content: format!("{}", draw.next()),
            },
        }
    }

    /// When a row became known: now, or as a log says.
    fn known(&self, draw: &mut Draw, is_log: bool) -> i64 {
        let days = if is_log { draw.between(0, 50) } else { 0 };
        self.known_at - i64::from(days) * DAY_MICROS
    }

    /// Commits rows, which are evidence already, and checks what the journal says of them. Returns the numbers of those that
    /// it does not take: rows that lie outside the scope, or were known before what is known of their records.
    async fn commit(
        &mut self,
        drawn: &Drawn,
        mut evidence: Evidence,
        rows: &[(String, i64, Vec<String>)],
    ) -> Result<(Receipt, Vec<usize>), TestCaseError> {
        self.seq += 1;
        // No two commits are of the same file, so that none is a replay.
        let reading = &Reading {
            content: format!("{} {}", drawn.reading.content, self.seq),
            ..drawn.reading.clone()
        };
        let dataset = if reading.dataset == "things" {
            "things"
        } else {
            "cases"
        };
        for unit in &reading.covers {
            let claim = (
                dataset,
                unit.clone(),
                reading.as_of,
                self.known_at,
                self.seq,
            );
            self.reference.claims.push(claim);
        }
        evidence.rejected = drawn.rejected_rows();
        let own = evidence.rejected.len();
        let receipt = self.world.commit(reading, evidence).await;
        prop_assert_eq!(receipt.seq, Some(self.seq));
        let mut refused = Vec::new();
        for row in &receipt.rejected {
            let number = usize::try_from(row.row).unwrap_or(0);
            let Some((key, known_at, units)) = rows.get(number) else {
                continue;
            };
            match &row.reason {
                Reason::OutsideScope { .. } => {
                    prop_assert!(!drawn.leaving().is_in_scope(units), "{row:?}");
                }
                Reason::KnowledgeTime { .. } => {
                    let latest = self.reference.latest_known(dataset, key, None);
                    prop_assert!(latest.is_some_and(|latest| *known_at < latest), "{row:?}");
                }
                other => return Err(TestCaseError::fail(format!("{other:?}"))),
            }
            refused.push(number);
        }
        prop_assert_eq!(receipt.counts.rejected, (own + refused.len()) as u64);
        prop_assert_eq!(receipt.counts.accepted, (rows.len() - refused.len()) as u64);
        for (number, (key, known_at, units)) in rows.iter().enumerate() {
            if refused.contains(&number) {
                continue;
            }
            prop_assert!(drawn.leaving().is_in_scope(units));
            let own = self
                .reference
                .latest_known(dataset, key, Some(drawn.source()));
            prop_assert!(
                !drawn.is_log || own.is_none_or(|own| own <= *known_at),
                "{key}"
            );
        }
        Ok((receipt, refused))
    }

    async fn take_things(&mut self, draw: &mut Draw) -> Result<(), TestCaseError> {
        let keys = KEYS.map(str::to_owned);
        let drawn = self.drawn(draw, "things", &keys);
        let has_own_days = drawn.is_log || draw.chance(50);
        let mut rows: Vec<(String, Day, i64, Thing)> = Vec::new();
        for key in keys.iter().filter(|key| !drawn.rejected.contains(key)) {
            if !draw.chance(60) {
                continue;
            }
            let count = if has_own_days { draw.between(1, 2) } else { 1 };
            let as_of = drawn.reading.as_of;
            let mut days: Vec<Day> = (0..count)
                .map(|_| as_of - if has_own_days { draw.between(0, 50) } else { 0 })
                .collect();
            days.sort_unstable();
            days.dedup();
            for on in days {
                // Exports mostly repeat what they said before.
                let fresh = thing(draw);
                let said = self.said.entry(key.clone());
                let said = said.or_insert_with(|| fresh.clone());
                if draw.chance(40) {
                    *said = fresh;
                }
                let said = said.clone();
                rows.push((key.clone(), on, self.known(draw, drawn.is_log), said));
            }
        }
        rows.sort_by_key(|row| (row.2, row.1));
        for part in parts(draw, &drawn, rows) {
            let order = shuffled(draw, part.len());
            let evidence = evidence_of_things(&part, &order, has_own_days, drawn.is_log);
            let shown: Vec<_> = part
                .iter()
                .map(|(key, _, known_at, thing)| (key.clone(), *known_at, vec![thing.unit.clone()]))
                .collect();
            let (receipt, refused) = self.commit(&drawn, evidence, &shown).await?;
            let mut leaving = drawn.leaving();
            leaving
                .rejected
                .extend(refused.iter().map(|number| part[*number].0.clone()));
            let taken = part.into_iter().enumerate();
            let rows = taken.filter(|(number, _)| !refused.contains(number));
            let gone = self.reference.take_things(&ThingBatch {
                source: drawn.source(),
                as_of: drawn.reading.as_of,
                known_at: self.known_at,
                seq: self.seq,
                rows: rows.map(|(_, row)| row).collect(),
                leaving,
            });
            held_as_told(&drawn, &receipt, gone)?;
        }
        Ok(())
    }

    async fn take_cases(&mut self, draw: &mut Draw) -> Result<(), TestCaseError> {
        // Fewer than ten, so that one that is gone is more than may go without a word.
        let keys: Vec<String> = (0..9).map(|key| format!("c{key}")).collect();
        let drawn = self.drawn(draw, "cases", &keys);
        let mut rows: Vec<(String, i64, Case)> = Vec::new();
        for key in keys.iter().filter(|key| !drawn.rejected.contains(key)) {
            let versions = if drawn.is_log {
                draw.between(0, 3)
            } else {
                i32::from(draw.chance(60))
            };
            let mut said = case(draw);
            for _ in 0..versions {
                if draw.chance(60) {
                    said = case(draw);
                }
                rows.push((key.clone(), self.known(draw, drawn.is_log), said.clone()));
            }
        }
        rows.sort_by_key(|row| row.1);
        for part in parts(draw, &drawn, rows) {
            let order = shuffled(draw, part.len());
            let evidence = evidence_of_cases(&part, &order, drawn.is_log);
            let shown: Vec<_> = part
                .iter()
                .map(|(key, known_at, case)| (key.clone(), *known_at, case.units.clone()))
                .collect();
            let (receipt, refused) = self.commit(&drawn, evidence, &shown).await?;
            let mut leaving = drawn.leaving();
            leaving
                .rejected
                .extend(refused.iter().map(|number| part[*number].0.clone()));
            let taken = part.into_iter().enumerate();
            let rows = taken.filter(|(number, _)| !refused.contains(number));
            let gone = self.reference.take_cases(&CaseBatch {
                source: drawn.source(),
                known_at: self.known_at,
                seq: self.seq,
                rows: rows.map(|(_, row)| row).collect(),
                leaving,
            });
            held_as_told(&drawn, &receipt, gone)?;
        }
        Ok(())
    }

    /// Reports totals in the place of rows, of several org units that may hold each other.
    async fn report(&mut self, draw: &mut Draw) -> Result<(), TestCaseError> {
        self.seq += 1;
        let (totals, csv) = totals(draw, &UNITS);
        let reading = Reading {
            now: self.known_at,
            extent: Extent::Part,
            covers: Vec::new(),
            ..Reading::new("reported_figures", local_day(self.known_at, &zone()))
        };
        let receipt = self.world.commit_csv(&reading, &csv).await;
        if receipt.seq.is_none() {
            // The same totals as the last ones.
            self.seq -= 1;
            return Ok(());
        }
        let counts = (receipt.counts.accepted, receipt.counts.rejected);
        prop_assert_eq!(counts, (totals.len() as u64, 0));
        for (indicator, unit, period, [numerator, denominator]) in totals {
            self.reference.totals.push(Total {
                indicator,
                unit: unit.to_owned(),
                period,
                numerator,
                denominator,
                known_at: self.known_at,
                seq: self.seq,
            });
        }
        Ok(())
    }
}

/// Indicator, org unit, period, numerator and denominator of a total.
pub(crate) type DrawnTotal = (&'static str, &'static str, &'static str, [i64; 2]);

/// Draws totals of an indicator in a period, each of another org unit. Returns them with the evidence that says so.
pub(crate) fn totals(draw: &mut Draw, units: &[&'static str]) -> (Vec<DrawnTotal>, String) {
    let indicator = *draw.pick(&[
        "thing_ok_ratio",
        "thing_amount_sum",
        "thing_amount_mean",
        "case_flow_opened_count",
        "case_flow_minutes_mean",
    ]);
    let period = *draw.pick(&PERIODS);
    let mut of: Vec<&str> = units.iter().copied().filter(|_| draw.chance(35)).collect();
    if of.is_empty() {
        of.push(*draw.pick(units));
    }
    let mut csv = String::from("kpi_no,indicator,org_unit,period,numerator,denominator\n");
    let mut totals = Vec::new();
    for unit in of {
        let [above, below] = [draw.between(0, 90), draw.between(0, 90)];
        csv += &format!("1000,{indicator},{unit},{period},{above},{below}\n");
        totals.push((
            indicator,
            unit,
            period,
            [i64::from(above), i64::from(below)],
        ));
    }
    (totals, csv)
}

/// Splits a part of an export into two commits, some of the time.
fn parts<R>(draw: &mut Draw, drawn: &Drawn, mut rows: Vec<R>) -> Vec<Vec<R>> {
    let is_split = drawn.reading.extent == Extent::Part && rows.len() > 1 && draw.chance(40);
    if !is_split {
        return vec![rows];
    }
    let at = 1 + usize::try_from(draw.below(rows.len() as u64 - 1)).unwrap_or(0);
    let rest = rows.split_off(at);
    vec![rows, rest]
}

/// Nothing goes before a person has said so; whatever is gone waits, and is counted.
fn held_as_told(drawn: &Drawn, receipt: &Receipt, gone: usize) -> Result<(), TestCaseError> {
    let counts = receipt.counts;
    if drawn.reading.is_missing_confirmed {
        prop_assert_eq!(counts.retirements_held, 0);
        prop_assert!(counts.retired >= gone as u64, "{counts:?} {gone}");
    } else {
        // Of so few records one is more than the limit.
        prop_assert_eq!(counts.retired, 0);
        prop_assert!(counts.retirements_held >= gone as u64, "{counts:?} {gone}");
    }
    Ok(())
}

const PERIODS: [&str; 6] = [
    "2026-04",
    "2026-05",
    "2026-06",
    "FY2026-Q1",
    "2026-06-YTD",
    "2026-07",
];

async fn measured(history: &History, known_at: i64, seq: i64, period: &str) -> Vec<Measurement> {
    let request = Request {
        kpis: Vec::new(),
        org_units: Vec::new(),
        structure: keiki_engine::Structure::default(),
        periods: vec![Period::parse(period).expect("a period")],
        known_at: Some(known_at),
        seq: Some(seq),
        now: noon(day("2027-01-01")),
    };
    history
        .engine
        .measure(&history.world.journal, &request)
        .await
        .expect("it measures")
}

async fn compare_text(history: &History, known_at: i64, seq: i64) -> String {
    let mut text = String::new();
    for period in PERIODS {
        for measurement in measured(history, known_at, seq, period).await {
            text.push_str(&measurement.to_json().to_string());
            text.push('\n');
        }
    }
    text
}

async fn compare(
    history: &History,
    known_at: i64,
    seq: i64,
    draw: &mut Draw,
) -> Result<(), TestCaseError> {
    let period = *draw.pick(&PERIODS);
    let today = local_day(known_at, &zone());
    let found = measured(history, known_at, seq, period).await;
    let months = Period::parse(period)
        .expect("a period")
        .months(&Calendar::default())
        .expect("it exists");
    if months.0.first_day() > today {
        prop_assert!(found.is_empty());
        return Ok(());
    }
    let at = Point {
        day: months.1.last_day().min(today),
        known_at,
        seq,
        today,
    };
    let mut nodes: Vec<&str> = history
        .reference
        .units_on(at.day)
        .iter()
        .map(|of| of.id)
        .collect();
    nodes.push(UNASSIGNED);
    let mut found: BTreeMap<(&str, &str), &Measurement> = found
        .iter()
        .map(|m| ((&*m.indicator, &*m.org_unit), m))
        .collect();
    for indicator in INDICATORS {
        for node in &nodes {
            let expected = Expected::new(history, (indicator, *node, period), months, at);
            let asked = format!(
                "{indicator} of {node} in {period} as known on {} at commit {seq}",
                date_of(today)
            );
            let Some(measurement) = found.remove(&(indicator, *node)) else {
                return Err(TestCaseError::fail(format!("no measurement: {asked}")));
            };
            prop_assert_eq!(
                Expected::found(measurement),
                expected,
                "{}: {:?}",
                asked,
                measurement
            );
        }
    }
    prop_assert!(found.is_empty(), "{:?}", found.keys());
    Ok(())
}
