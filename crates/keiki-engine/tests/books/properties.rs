//! The engine agrees with the plain reference on every measure kind, exactly, whatever happened to the records.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray};
use keiki_engine::{Engine, Request};
use keiki_model::calendar::{Calendar, Day, Month, Period, date_of, local_day};
use keiki_model::calendars::{Calendars, EntityCalendar};
use keiki_model::catalogue::Catalogue;
use keiki_model::evidence::{Evidence, Extent, Missing};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::Measurement;
use keiki_model::org::Organisation;
use keiki_model::problem::Place;
use keiki_model::status::Status;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::reference::{
    self, Case, CaseBatch, Point, Reference, SOURCES, Survival, Thing, ThingBatch, is_in, ratio,
};
use crate::world::{Reading, World, block_on, day, list, noon, zone};

pub(crate) const THINGS: &str = include_str!("definitions/things.toml");
pub(crate) const CASES: &str = include_str!("definitions/cases.toml");
pub(crate) const KPI: &str = include_str!("definitions/kpi.toml");

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

struct History {
    world: World,
    engine: Engine,
    /// The month in which the fiscal year of B begins, where it has one of its own.
    own_first_month: Option<i32>,
    reference: Reference,
    units: Vec<String>,
    /// What was last said of each thing.
    said: BTreeMap<String, Thing>,
    seq: i64,
    known_at: i64,
}

async fn agree(seed: u64) -> Result<(), TestCaseError> {
    let mut draw = Draw(seed);
    let mut history = begin(&mut draw).await;
    for _ in 0..draw.between(3, 9) {
        history.known_at += i64::from(draw.between(0, 20)) * 86_400_000_000;
        if draw.chance(50) {
            history.take_things(&mut draw).await?;
        } else {
            history.take_cases(&mut draw).await?;
        }
    }
    let datasets: Vec<_> = history.world.catalogue.datasets.values().cloned().collect();
    let verified = history
        .world
        .journal
        .verify(&datasets)
        .await
        .expect("it can be verified");
    prop_assert!(verified.findings.is_empty(), "{:?}", verified.findings);
    for _ in 0..6 {
        let known_at = history.known_at - i64::from(draw.between(0, 60)) * 86_400_000_000;
        let seq = history.seq
            - i64::from(
                draw.between(0, 2)
                    .min(i32::try_from(history.seq).unwrap_or(0)),
            );
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
    prop_assert_eq!(last, compacted, "compaction moved a figure");
    Ok(())
}

async fn begin(draw: &mut Draw) -> History {
    let moved = draw.between(day("2026-04-15"), day("2026-06-20"));
    let start = day("2020-04-01");
    let row = |id: &str, parent: Option<&str>, from, until| {
        (id.to_owned(), parent.map(str::to_owned), from, until)
    };
    let units = vec![
        row("G", None, start, None),
        row("A", Some("G"), start, None),
        row("B", Some("G"), start, None),
        row("D", Some("A"), start, Some(moved)),
        row("D", Some("B"), moved, None),
        row("E", Some("B"), start, None),
    ];
    let text: String = units
        .iter()
        .map(|(id, parent, from, until)| {
            let kind = match id.as_str() {
                "G" => "group",
                "A" => "subsidiary",
                "B" => "overseas",
                _ => "department",
            };
            let until = until.map_or(String::new(), |u| date_of(u).to_string());
            format!(
                "{id},{},{id},{id},{kind},JP,{},{until},\n",
                parent.clone().unwrap_or_default(),
                date_of(*from)
            )
        })
        .collect();
    let header = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n";
    let organisation = Organisation::read("org.csv", &format!("{header}{text}"))
        .unwrap_or_else(|p| unreachable!("{}", list(&p)));
    let datasets = [
        ("things.toml".to_owned(), THINGS.to_owned()),
        ("cases.toml".to_owned(), CASES.to_owned()),
    ];
    let kpis = [("kpi.toml".to_owned(), KPI.to_owned())];
    let catalogue =
        Catalogue::read(&datasets, &kpis).unwrap_or_else(|p| unreachable!("{}", list(&p)));
    let world = World::new(catalogue, organisation).await;
    let own_first_month = draw.chance(50).then(|| draw.between(1, 3));
    let own = own_first_month.map(|first_month| EntityCalendar {
        org_unit: "B".into(),
        calendar: Calendar::new(first_month, Vec::new(), &Place::default()).expect("a calendar"),
        place: Place::default(),
    });
    let own = own.into_iter().collect();
    let calendars = Calendars::new(Calendar::default(), own, &world.organisation());
    History {
        engine: world.engine_with_calendars(calendars),
        own_first_month,
        world,
        reference: Reference::new(units),
        said: BTreeMap::new(),
        units: ["G", "A", "B", "D", "E"].map(str::to_owned).to_vec(),
        seq: 0,
        known_at: noon(day("2026-04-02")),
    }
}

impl History {
    fn reading(&mut self, draw: &mut Draw, dataset: &'static str) -> Reading {
        self.seq += 1;
        let today = local_day(self.known_at, &zone());
        let rank = draw.below(2);
        let source = SOURCES[usize::try_from(rank).unwrap_or(0)];
        let as_of = (today - draw.between(0, 40)).max(day("2026-04-01"));
        let covers: Vec<String> = self
            .units
            .iter()
            .filter(|_| draw.chance(60))
            .cloned()
            .collect();
        for unit in &covers {
            self.reference
                .claims
                .push((dataset, unit.clone(), as_of, self.known_at, self.seq));
        }
        Reading {
            dataset: dataset.to_owned(),
            source: source.to_owned(),
            precedence: i32::try_from(rank).unwrap_or(0),
            as_of,
            now: self.known_at,
            extent: if draw.chance(60) {
                Extent::Full
            } else {
                Extent::Part
            },
            missing: Missing::Keep,
            scope_units: Vec::new(),
            covers,
            frozen_plans: Vec::new(),
            is_missing_confirmed: true,
            content: format!("{}", draw.next()),
        }
    }

    async fn take_things(&mut self, draw: &mut Draw) -> Result<(), TestCaseError> {
        let mut reading = self.reading(draw, "things");
        reading.missing = *draw.pick(&[Missing::Keep, Missing::Retire, Missing::Withdraw]);
        let has_own_days = draw.chance(50);
        let mut rows: Vec<(String, Day, Thing)> = Vec::new();
        for key in KEYS
            .iter()
            .filter(|_| draw.chance(60))
            .copied()
            .collect::<Vec<_>>()
        {
            let count = if has_own_days { draw.between(1, 2) } else { 1 };
            let mut days: Vec<Day> = (0..count)
                .map(|_| reading.as_of - if has_own_days { draw.between(0, 50) } else { 0 })
                .collect();
            days.sort_unstable();
            days.dedup();
            for on in days {
                // Exports mostly repeat what they said before.
                let drawn = thing(draw);
                let said = self
                    .said
                    .entry(key.to_owned())
                    .or_insert_with(|| drawn.clone());
                if draw.chance(40) {
                    *said = drawn;
                }
                rows.push((key.to_owned(), on, said.clone()));
            }
        }
        let evidence = evidence_of_things(&rows, has_own_days);
        let receipt = self.world.commit(&reading, evidence).await;
        prop_assert_eq!(receipt.seq, Some(self.seq));
        self.reference.take_things(&ThingBatch {
            source: SOURCES[usize::try_from(reading.precedence).unwrap_or(0)],
            as_of: reading.as_of,
            known_at: self.known_at,
            seq: self.seq,
            rows,
            is_full: reading.extent == Extent::Full,
            missing: reading.missing,
        });
        Ok(())
    }

    async fn take_cases(&mut self, draw: &mut Draw) -> Result<(), TestCaseError> {
        let mut reading = self.reading(draw, "cases");
        reading.missing = *draw.pick(&[Missing::Keep, Missing::Withdraw]);
        let mut rows: Vec<(String, Case)> = Vec::new();
        for key in 0..12 {
            if draw.chance(60) {
                rows.push((format!("c{key}"), self.case(draw)));
            }
        }
        let receipt = self.world.commit(&reading, evidence_of_cases(&rows)).await;
        prop_assert_eq!(receipt.seq, Some(self.seq));
        self.reference.take_cases(&CaseBatch {
            source: SOURCES[usize::try_from(reading.precedence).unwrap_or(0)],
            known_at: self.known_at,
            seq: self.seq,
            rows,
            is_full: reading.extent == Extent::Full,
            missing: reading.missing,
        });
        Ok(())
    }

    fn case(&self, draw: &mut Draw) -> Case {
        let mut units: Vec<String> = self
            .units
            .iter()
            .filter(|_| draw.chance(25))
            .cloned()
            .collect();
        if units.is_empty() {
            units.push(draw.pick(&self.units).clone());
        }
        units.sort();
        let opened = draw.date();
        let closed = if draw.chance(50) {
            opened.map(|on| on + draw.between(0, 60))
        } else {
            None
        };
        Case {
            units,
            opened,
            closed,
            minutes: draw.chance(80).then(|| i64::from(draw.between(-5, 400))),
        }
    }
}

fn thing(draw: &mut Draw) -> Thing {
    Thing {
        unit: draw.pick(&["G", "A", "B", "D", "E"]).to_string(),
        kind: draw.pick(&["x", "y"]).to_string(),
        is_ok: draw
            .pick(&[Some(true), Some(true), Some(false), None])
            .to_owned(),
        amount: draw.chance(85).then(|| i64::from(draw.between(-50, 50))),
        from: draw.date(),
        until: draw.date(),
    }
}

fn evidence(rows: RecordBatch, effective_on: Option<Date32Array>) -> Evidence {
    let places = (1..=rows.num_rows() as u64).collect();
    Evidence {
        rows,
        places,
        files: Vec::new(),
        effective_on,
        known_at: None,
        version_order: None,
        rejected: Vec::new(),
        left_unknown: Vec::new(),
        open_ends: Vec::new(),
    }
}

fn evidence_of_things(rows: &[(String, Day, Thing)], has_own_days: bool) -> Evidence {
    let text = |f: &dyn Fn(&Thing) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(rows.iter().map(|r| f(&r.2))))
    };
    let date = |f: &dyn Fn(&Thing) -> Option<Day>| -> ArrayRef {
        Arc::new(rows.iter().map(|r| f(&r.2)).collect::<Date32Array>())
    };
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "thing_id",
            Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0))) as ArrayRef,
            true,
        ),
        ("org_unit", text(&|t| t.unit.clone()), true),
        ("kind", text(&|t| t.kind.clone()), true),
        (
            "is_ok",
            Arc::new(rows.iter().map(|r| r.2.is_ok).collect::<BooleanArray>()),
            true,
        ),
        (
            "amount",
            Arc::new(rows.iter().map(|r| r.2.amount).collect::<Int64Array>()),
            true,
        ),
        ("from_on", date(&|t| t.from), true),
        ("until_on", date(&|t| t.until), true),
    ])
    .expect("columns fit");
    evidence(
        batch,
        has_own_days.then(|| rows.iter().map(|r| Some(r.1)).collect()),
    )
}

fn evidence_of_cases(rows: &[(String, Case)]) -> Evidence {
    let date = |f: &dyn Fn(&Case) -> Option<Day>| -> ArrayRef {
        Arc::new(rows.iter().map(|r| f(&r.1)).collect::<Date32Array>())
    };
    let batch = RecordBatch::try_from_iter_with_nullable([
        (
            "case_id",
            Arc::new(StringArray::from_iter_values(rows.iter().map(|r| &r.0))) as ArrayRef,
            true,
        ),
        (
            "org_unit",
            Arc::new(StringArray::from_iter_values(
                rows.iter().map(|r| r.1.units.join(";")),
            )),
            true,
        ),
        ("opened_on", date(&|c| c.opened), true),
        ("closed_on", date(&|c| c.closed), true),
        (
            "minutes",
            Arc::new(rows.iter().map(|r| r.1.minutes).collect::<Int64Array>()),
            true,
        ),
    ])
    .expect("columns fit");
    evidence(batch, None)
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
    let cut = months.1.last_day().min(today);
    let at = Point {
        day: cut,
        known_at,
        seq,
        today,
    };
    for measurement in found.iter().filter(|m| m.org_unit != "unassigned") {
        let expected = expected(history, measurement, months, at);
        let shown = (measurement.status == Status::NoData).then_some(());
        let found = if shown.is_some() {
            None
        } else {
            measurement.value
        };
        prop_assert_eq!(
            found,
            expected,
            "{} of {} in {} as known on {} at commit {}: {:?}",
            measurement.indicator,
            measurement.org_unit,
            period,
            date_of(today),
            seq,
            measurement
        );
    }
    Ok(())
}

fn count<T>(things: impl Iterator<Item = T>) -> i64 {
    things.fold(0, |count, _| count + 1)
}

/// Computes one figure the long way round.
#[expect(clippy::too_many_lines, reason = "one arm per measure kind")]
fn expected(
    history: &History,
    m: &Measurement,
    months: (Month, Month),
    at: Point,
) -> Option<Fraction> {
    let reference = &history.reference;
    let node = &*m.org_unit;
    let is_flow = m.indicator.starts_with("case_flow");
    let is_case = m.indicator.starts_with("case");
    // B and all below it give their own months for a part of a fiscal year: so many before the group's.
    let is_fiscal = m.period.starts_with("FY") || m.period.ends_with("YTD");
    let lag = history
        .own_first_month
        .filter(|_| is_fiscal)
        .map_or(0, |first| 4 - first);
    let follows = |unit: &str, day: Day| reference.path(unit, day).iter().any(|id| id == "B");
    let months_of = |unit: &str| {
        let lag = if follows(unit, at.day) { lag } else { 0 };
        (months.0.plus(-lag), months.1.plus(-lag))
    };
    let cut_of = |unit: &str| months_of(unit).1.last_day().min(at.today);
    let common = |units: &[String]| {
        let all_follow = units.iter().all(|unit| follows(unit, at.day));
        if all_follow {
            units[0].clone()
        } else {
            "G".to_owned()
        }
    };
    let covered = |unit: &str| {
        if !is_case {
            return reference.is_covered("things", unit, cut_of(unit), THINGS_FRESHNESS, at);
        }
        let months = months_of(unit);
        let cuts: Vec<Day> = if is_flow {
            (months.0.0..=months.1.0)
                .map(|m| Month(m).last_day().min(cut_of(unit)))
                .collect()
        } else {
            vec![cut_of(unit)]
        };
        cuts.into_iter()
            .all(|cut| reference.is_covered("cases", unit, cut, CASES_FRESHNESS, at))
    };
    // A node without any covered entity shows no figure at all.
    let entities: Vec<&str> = ["G", "A", "B"]
        .into_iter()
        .filter(|e| reference.path(e, at.day).iter().any(|id| id == node))
        .collect();
    let owing: Vec<&str> = if ["G", "A", "B"].contains(&node) {
        entities
    } else {
        vec![node]
    };
    if !owing.iter().any(|unit| covered(unit)) {
        return None;
    }
    // Each thing with the day on which its unit is seen.
    let mut all_things: Vec<(Thing, Day)> = Vec::new();
    for unit in ["G", "A", "B", "D", "E"] {
        let day = cut_of(unit);
        let of_unit = reference.things(Point { day, ..at }).into_iter();
        all_things.extend(of_unit.filter(|t| t.unit == unit).map(|thing| (thing, day)));
    }
    let things: Vec<(Thing, Day)> = all_things
        .iter()
        .filter(|(t, _)| reference.counts(std::slice::from_ref(&t.unit), node, at, &covered))
        .cloned()
        .collect();
    // Each case with the months and the day of those whom it befell.
    let cases: Vec<(Case, (Day, Day))> = reference
        .cases(at)
        .into_iter()
        .filter(|case| reference.counts(&case.units, node, at, &covered))
        .map(|case| {
            let unit = common(&case.units);
            (case, (months_of(&unit).0.first_day(), cut_of(&unit)))
        })
        .collect();
    let amounts: Vec<i64> = things.iter().filter_map(|(t, _)| t.amount).collect();
    let whole = |value: i64| Fraction::whole(i128::from(value));
    let happened =
        |on: Option<Day>, days: (Day, Day)| on.is_some_and(|on| days.0 <= on && on <= days.1);
    let minutes: Vec<i64> = cases
        .iter()
        .filter(|(c, days)| happened(c.closed, *days))
        .filter_map(|(c, _)| c.minutes)
        .collect();
    let ok = |(t, day): &&(Thing, Day)| t.is_ok == Some(true) && is_in(t.from, t.until, *day);
    let year_end = |t: &Thing| {
        let on = t.from?;
        let own = history.own_first_month.filter(|_| follows(&t.unit, on));
        let first_month = own.unwrap_or(4);
        let month = Month::of(on);
        let year = if month.number() < first_month {
            month.year() - 1
        } else {
            month.year()
        };
        Some(Month((year + 1) * 12 + first_month - 1).first_day())
    };
    match &*m.indicator {
        "thing_ok_ratio" => ratio(
            things.iter().filter(ok).count() as i128,
            things.len() as i128,
        ),
        "thing_amount_sum" => Some(whole(amounts.iter().sum())),
        "thing_amount_mean" => ratio(
            amounts.iter().map(|a| i128::from(*a)).sum(),
            amounts.len() as i128,
        ),
        "thing_amount_median" => reference::median(&amounts),
        "thing_amount_lowest" => amounts.iter().min().map(|a| whole(*a)),
        "thing_amount_highest" => amounts.iter().max().map(|a| whole(*a)),
        "thing_amount_latest" => {
            let dated: Vec<(Day, i64)> = things
                .iter()
                .filter(|(t, day)| is_in(t.from, t.until, *day))
                .filter_map(|(t, _)| Some((t.from?, t.amount?)))
                .collect();
            let last = dated.iter().map(|d| d.0).max()?;
            dated
                .iter()
                .filter(|d| d.0 == last)
                .map(|d| d.1)
                .min()
                .map(whole)
        }
        "thing_days_late" => {
            let late = things
                .iter()
                .filter(|(t, day)| is_in(t.from, t.until, *day))
                .filter_map(|(t, day)| Some(day - t.from?));
            late.max().map(|days| whole(i64::from(days)))
        }
        "thing_entities" if !["G", "A", "B"].contains(&node) => None,
        "thing_entities" => {
            let with = owing
                .iter()
                .filter(|entity| {
                    all_things.iter().filter(ok).any(|(thing, _)| {
                        let own = reference
                            .path(&thing.unit, at.day)
                            .into_iter()
                            .find(|id| ["G", "A", "B"].contains(&id.as_str()));
                        covered(&thing.unit) && own.as_deref() == Some(**entity)
                    })
                })
                .count();
            ratio(with as i128, owing.len() as i128)
        }
        "thing_this_year_count" => {
            let this_year = |(t, day): &&(Thing, Day)| is_in(t.from, year_end(t), *day);
            Some(whole(count(things.iter().filter(this_year))))
        }
        "case_flow_opened_count" => {
            let opened = |(c, days): &&(Case, (Day, Day))| happened(c.opened, *days);
            Some(whole(count(cases.iter().filter(opened))))
        }
        "case_flow_minutes_mean" => ratio(
            minutes.iter().map(|m| i128::from(*m)).sum(),
            minutes.len() as i128,
        ),
        "case_flow_minutes_median" => reference::median(&minutes),
        "case_flow_minutes_p90" => reference::quantile(&minutes, 9, 10).map(whole),
        "case_flow_minutes_within_120" => ratio(
            minutes.iter().filter(|m| **m <= 120).count() as i128,
            minutes.len() as i128,
        ),
        "case_open_count" => Some(whole(count(
            cases
                .iter()
                .filter(|(c, days)| is_in(c.opened, c.closed, days.1)),
        ))),
        "case_open_survival_median" => {
            let window = |day: Day| (Month::of(day).plus(-11).first_day(), day + 1);
            let spans: Vec<(Day, Option<Day>, (Day, Day))> = cases
                .iter()
                .filter_map(|(c, days)| Some((c.opened?, c.closed, window(days.1))))
                .collect();
            match reference::survival(&spans, 5) {
                Survival::At(age) => Some(whole(age)),
                Survival::TooFew | Survival::NotReached => None,
            }
        }
        other => unreachable!("no reference for {other}"),
    }
}
