//! What is kept between two looks at the books: the same moments show the same, other days and other books show other figures.

use std::sync::Arc;

use keiki::config::Workspace;
use keiki::environment;
use keiki::operations::access::Scope;
use keiki::operations::ingest::{self, Confirmation, Ingest, What};
use keiki::operations::office::editions::Edition;
use keiki::operations::office::figures::Look;
use keiki::operations::office::{Desk, Office, Who};
use keiki::operations::programme::{self, Run, editions};
use keiki::progress::Silent;
use keiki_model::access::{Right, Role};
use keiki_model::calendar::{Day, Month, date_of, local_day, parse_day};
use keiki_model::measurement::Measurement;
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};
use keiki_store::{FailedReading, Fault, Tried};

use crate::house::{House, actor, grants};

const SECOND_MICROS: i64 = 1_000_000;
const DAY_MICROS: i64 = 86_400 * SECOND_MICROS;

/// The books of a house with nobody at work but those of the test.
async fn office(house: &House, now: i64) -> Arc<Office> {
    let workspace = Workspace::load(&house.workspace.root).expect("the workspace is sound");
    let office = Office::open(workspace, now).await;
    Arc::new(office.expect("the books open"))
}

/// Somebody who sees everything, before the books at an instant.
async fn desk(house: &House, office: &Arc<Office>, now: i64) -> Desk {
    let mut actor = actor("executive");
    actor.now = now;
    let who = Who {
        actor,
        scope: Scope::new(grants(&[(Role::Executive, "HD")])),
        until: None,
        language: Language::En,
        registry: house.registry.clone(),
    };
    office.desk(who).await.expect("there is a seat")
}

/// The figure of KPI 1 of the whole group.
async fn figure(desk: &Desk, period: &str) -> Measurement {
    let look = Look {
        period: Some(period.to_owned()),
        ..Look::default()
    };
    let figures = desk.measurements(&look).await.expect("it is measured");
    let mut figures = figures.into_iter();
    let found = figures.find(|one| &*one.org_unit == "HD" && one.no == 1);
    found.expect("there is one")
}

/// What a reader sees of the last of some periods, looked at in this order before books that nobody has looked at.
async fn last_sheet(house: &House, now: i64, periods: &[&str]) -> String {
    let office = office(house, now).await;
    let desk = desk(house, &office, now).await;
    let mut seen = String::new();
    for period in periods {
        let look = Look {
            period: Some((*period).to_owned()),
            ..Look::default()
        };
        let looked = desk.look(&look).await.expect("it is there");
        let sheet = &looked.sheet;
        let parts = (&sheet.head, &sheet.front, &sheet.reliance, &sheet.groups);
        seen = serde_json::to_string(&parts).expect("it becomes text");
    }
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn a_period_shows_the_same_whichever_periods_were_looked_at_before_it() {
    let house = House::new().await;
    let now = environment::now();
    for period in ["2026-06", "FY2026-Q1"] {
        let alone = last_sheet(&house, now, &[period]).await;
        for before in [&["2026-05"][..], &["2026-08", "2026-07", "FY2026-Q2"]] {
            let periods = [before, &[period]].concat();
            assert_eq!(
                last_sheet(&house, now, &periods).await,
                alone,
                "{periods:?}"
            );
        }
        assert!(alone.contains("50.0"), "{alone}");
    }
}

/// Noon of a day in the zone of the house.
fn noon(day: Day) -> i64 {
    i64::from(day) * DAY_MICROS + DAY_MICROS / 8
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_has_not_ended_is_measured_up_to_the_day_on_which_somebody_looks() {
    let house = House::new().await;
    let today = local_day(environment::now(), &house.workspace.settings.zone);
    let month = Month::of(today).plus(1);
    let day = month.first_day() + 9;
    let office = office(&house, noon(day)).await;
    for later in [0, 1, 9] {
        let desk = desk(&house, &office, noon(day + later)).await;
        let figure = figure(&desk, &month.to_string()).await;
        assert_eq!(&*figure.cut_on, date_of(day + later).to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_became_known_by_a_clock_that_is_ahead_is_in_the_figures() {
    let house = House::new().await;
    let now = environment::now();
    let office = office(&house, now).await;
    let before = figure(&desk(&house, &office, now).await, "2026-05").await;
    assert_eq!(
        before.denominator.map(|of| of.to_string()),
        Some("4".to_owned())
    );
    let place = house.workspace.root.join("evidence/more.csv");
    let rows = "asset_id,org_unit,kind,name,is_in_scope\nA9,JP1,hardware,nine,true\n";
    std::fs::write(&place, rows).expect("it can be written");
    let another_machine = Ingest {
        surroundings: &environment::Here,
        what: What::Files {
            dataset: "assets".to_owned(),
            files: vec![place],
        },
        as_of: parse_day("2026-05-31"),
        covers: Vec::new(),
        extent: None,
        missing: None,
        confirmation: Confirmation::Ask,
        author: "tests".to_owned(),
        now: now + 60 * SECOND_MICROS,
    };
    let outcomes = ingest::ingest(&house.workspace, &another_machine, &Silent).await;
    let outcomes = outcomes.expect("it can be read");
    assert!(outcomes[0].result.is_ok(), "{outcomes:?}");
    let after = desk(&house, &office, now + 3 * SECOND_MICROS).await;
    let after = figure(&after, "2026-05").await;
    assert_eq!(
        after.denominator.map(|of| of.to_string()),
        Some("5".to_owned())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn definitions_that_were_recorded_by_a_clock_that_is_ahead_are_in_force() {
    let house = House::new().await;
    let now = environment::now();
    let office = office(&house, now).await;
    figure(&desk(&house, &office, now).await, "2026-05").await;
    let exempt = "[adopted]\nkpis = [1]\n[[applicability]]\nkpi = 1\norg_unit = \"HD\"\nfrom = \"2026-04-01\"\n\
                  applies = false\napproved_by = \"tests\"\nreason = { ja = \"対象外\", en = \"out of scope\" }\n";
    let place = house.workspace.root.join("programme.toml");
    std::fs::write(place, exempt).expect("it can be written");
    let workspace = Workspace::load(&house.workspace.root).expect("the workspace is sound");
    let another_machine = Run {
        author: "tests".to_owned(),
        now: now + 60 * SECOND_MICROS,
    };
    let recorded = programme::record(&workspace, &another_machine, None).await;
    recorded.expect("it can be written");
    let desk = desk(&house, &office, now + 3 * SECOND_MICROS).await;
    let today = date_of(local_day(now, &workspace.settings.zone));
    let look = Look {
        period: Some("2026-05".to_owned()),
        revision: Some(today.to_string()),
        ..Look::default()
    };
    let figures = desk.measurements(&look).await.expect("it is measured");
    let mut figures = figures.iter().filter(|one| one.no == 1);
    assert!(
        figures.all(|one| one.status == Status::NotApplicable),
        "{figures:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_still_reads_by_the_files_of_before_a_change_records_no_edition() {
    let house = House::new().await;
    let now = environment::now();
    let office = office(&house, now).await;
    let before = desk(&house, &office, now).await;
    figure(&before, "2026-05").await;
    let place = house.workspace.root.join("programme.toml");
    std::fs::write(place, "[adopted]\nkpis = [1, 12]\n").expect("it can be written");
    let after = desk(&house, &office, now + 3 * SECOND_MICROS).await;
    figure(&after, "2026-05").await;
    let recorded = editions(&house.workspace).await.expect("they are read");
    figure(&before, "2026-04").await;
    let editions = editions(&house.workspace).await.expect("they are read");
    assert_eq!(editions, recorded);
    assert_eq!(editions.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_fails_stands_in_the_way_of_a_close_at_once() {
    let house = House::new().await;
    let role = [(Role::ProgrammeOffice, "HD")];
    house.account("office", &role).await;
    let program = house.program("office", &[Right::SeeEvidence]).await;
    let path = "/api/v1/closes/2026-05";
    program
        .get(path)
        .await
        .is(200)
        .says_nothing_of("nobody answers");
    let readings = house.workspace.readings().await.expect("the book opens");
    let failed = FailedReading {
        source: "assets".to_owned(),
        dataset: "assets".to_owned(),
        at: environment::now(),
        as_of: None,
        file: None,
        reason: Text::new("応答がありません", "nobody answers"),
        author: "tests".to_owned(),
        tried: Tried::Source,
        fault: Fault::Access,
    };
    readings.failed(&failed).await.expect("it is noted");
    program.get(path).await.is(200).says("nobody answers");
    let read = readings.succeeded("assets", environment::now(), None);
    read.await.expect("it is noted");
    program
        .get(path)
        .await
        .is(200)
        .says_nothing_of("nobody answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_organisation_is_called_on_every_page_as_its_files_say_now() {
    let house = House::new().await;
    let executive = house.visitor("executive", &[(Role::Executive, "HD")]).await;
    house
        .nobody()
        .get("/sign-in")
        .await
        .is(200)
        .says("Fictional");
    let place = house.workspace.root.join("keiki.toml");
    let settings = std::fs::read_to_string(&place).expect("it can be read");
    let settings = settings.replace("Fictional", "Renamed Company");
    std::fs::write(place, settings).expect("it can be written");
    // The files are looked at again after a moment.
    let page = "/statement/board.html?period=2026-05";
    while !executive
        .get(page)
        .await
        .is(200)
        .text
        .contains("Renamed Company")
    {}
    house
        .nobody()
        .get("/sign-in")
        .await
        .is(200)
        .says("Renamed Company");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_very_many_org_units_a_page_has_the_same_periods_before() {
    let house = House::new().await;
    let now = environment::now();
    let look = |unit: &str| Look {
        period: Some("2026-07".to_owned()),
        unit: Some(unit.to_owned()),
        revision: None,
    };
    let mut found = Vec::new();
    for more in [0, 200] {
        let place = house.workspace.root.join("org.csv");
        let mut rows = std::fs::read_to_string(&place).expect("the tree is there");
        for at in 0..more {
            rows += &format!("C{at},US1,会社{at}号,Company {at},company,JP,,,\n");
        }
        std::fs::write(&place, rows).expect("it can be written");
        let desk = desk(&house, &office(&house, now).await, now).await;
        for unit in ["HD", "JP1", "JP1-IT"] {
            let looked = desk.look(&look(unit)).await.expect("it can be seen");
            let kpi = looked.sheet.kpi(1).expect("it is adopted");
            let moved = kpi.figures[0].previous.as_ref().map(|one| one.by.clone());
            found.push((kpi.series.clone(), moved, kpi.trend.description.clone()));
        }
        let edition = desk.edition(&look("HD"), Edition::Page).await;
        let (_, page) = edition.expect("it can be drawn");
        let page = String::from_utf8(page.to_vec()).expect("it is text");
        assert_eq!(page.contains("The 20 of 202 org units"), more > 0);
    }
    assert_eq!(found[..3], found[3..]);
    assert!(found.iter().all(|(series, ..)| series.len() > 2));
}
