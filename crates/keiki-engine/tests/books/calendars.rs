//! Entities with a fiscal year of their own: what stands for a period, whose year counts, and that the lag is disclosed.

use std::path::PathBuf;

use keiki_engine::{Engine, Question, Request, Structure};
use keiki_model::calendar::{Calendar, Period};
use keiki_model::calendars::{Calendars, EntityCalendar};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::{Measurement, OwnPeriod};
use keiki_model::problem::Place;

use crate::world::{Reading, World, block_on, day, noon};

/// A world of one shipped KPI in which the American entity closes its year in December.
async fn december(kpi: &str) -> (World, Engine) {
    let world = World::of_kpi(&PathBuf::from("../../catalogue").join(kpi)).await;
    let own = EntityCalendar {
        org_unit: "US1".into(),
        calendar: Calendar::new(1, Vec::new(), &Place::default()).expect("a calendar"),
        place: Place::default(),
    };
    let calendars = Calendars::new(Calendar::default(), vec![own], &world.organisation());
    let engine = world.engine_with_calendars(calendars);
    (world, engine)
}

async fn measure(
    (world, engine): (&World, &Engine),
    no: u32,
    period: &str,
    unit: &str,
) -> Measurement {
    let request = Request {
        kpis: vec![no],
        org_units: vec![unit.to_owned()],
        structure: Structure::default(),
        periods: vec![Period::parse(period).expect("a period")],
        known_at: None,
        seq: None,
        now: noon(day("2027-06-30")),
    };
    let found = engine.measure(&world.journal, &request).await;
    found.expect("it measures").swap_remove(0)
}

fn whole(value: Option<Fraction>) -> i128 {
    value.map_or(-1, Fraction::numerator)
}

const BRIEFINGS: &str = "executive_involvement/27_executive_meetings";

/// Briefings in America in May and in August, in Japan in May and twice in August.
const MEETINGS: &str = "meeting_id,org_unit,kind,held_on,title\n\
    M1,US1,executive_briefing,2026-05-20,x\nM2,US1,executive_briefing,2026-08-20,x\n\
    M3,JP1,executive_briefing,2026-05-21,x\nM4,JP1,executive_briefing,2026-08-21,x\n\
    M5,JP1,executive_briefing,2026-08-28,x\n";

#[test]
fn a_quarter_of_the_group_holds_the_entitys_own_quarter_and_says_so() {
    block_on(async {
        let (world, engine) = december(BRIEFINGS).await;
        let of = (&world, &engine);
        let reading = Reading::new("meetings", day("2027-03-31"));
        world.commit_csv(&reading, MEETINGS).await;
        // July to September of Japan, April to June of America.
        let group = measure(of, 27, "FY2026-Q2", "HD").await;
        assert_eq!(whole(group.value), 3);
        assert_eq!(whole(measure(of, 27, "FY2026-Q2", "US1").await.value), 1);
        assert_eq!(whole(measure(of, 27, "FY2026-Q2", "JP1").await.value), 2);
        let lag = OwnPeriod {
            org_unit: "US1".into(),
            first: Some("2026-04".into()),
            last: "2026-06".into(),
            lag_months: 3,
        };
        assert_eq!(group.own_periods, [lag]);
        assert_eq!(group.cut_on, "2026-09-30");
        let own = measure(of, 27, "FY2026-Q2", "US1").await;
        assert_eq!((own.own_periods.len(), &*own.cut_on), (1, "2026-06-30"));
        let other = measure(of, 27, "FY2026-Q2", "JP1").await;
        assert!(other.own_periods.is_empty(), "{:?}", other.own_periods);
        assert_eq!(group.to_json()["own_periods"][0]["lag_months"], 3);
    });
}

#[test]
fn a_calendar_month_is_the_same_for_all() {
    block_on(async {
        let (world, engine) = december(BRIEFINGS).await;
        let of = (&world, &engine);
        let reading = Reading::new("meetings", day("2027-03-31"));
        world.commit_csv(&reading, MEETINGS).await;
        let august = measure(of, 27, "2026-08", "HD").await;
        assert_eq!((whole(august.value), august.own_periods.len()), (3, 0));
    });
}

#[test]
fn the_quarters_of_the_group_add_up_to_its_year() {
    block_on(async {
        let (world, engine) = december(BRIEFINGS).await;
        let of = (&world, &engine);
        let reading = Reading::new("meetings", day("2027-03-31"));
        let further =
            "M6,US1,executive_briefing,2026-01-15,x\nM7,US1,executive_briefing,2027-02-03,x\n";
        world
            .commit_csv(&reading, &format!("{MEETINGS}{further}"))
            .await;
        let mut sum = 0;
        for quarter in 1..=4 {
            sum += whole(
                measure(of, 27, &format!("FY2026-Q{quarter}"), "HD")
                    .await
                    .value,
            );
        }
        // M7 belongs to the year that America has begun, and to the group's next.
        assert_eq!(
            (sum, whole(measure(of, 27, "FY2026", "HD").await.value)),
            (6, 6)
        );
        assert_eq!(whole(measure(of, 27, "2027-03-YTD", "HD").await.value), 6);
        assert_eq!(whole(measure(of, 27, "FY2027-Q1", "HD").await.value), 1);
    });
}

#[test]
fn a_figure_of_lagging_entities_opens_down_to_the_rows_of_their_own_months() {
    block_on(async {
        let (world, engine) = december(BRIEFINGS).await;
        let reading = Reading::new("meetings", day("2027-03-31"));
        world.commit_csv(&reading, MEETINGS).await;
        let question = Question {
            no: 27,
            indicator: None,
            org_unit: "HD".into(),
            structure: Structure::default(),
            period: Period::Quarter(2026, 2),
            known_at: None,
            seq: None,
            now: noon(day("2027-06-30")),
            against: None,
            detail: keiki_engine::Detail::Columns,
        };
        let opened = engine
            .explain(&world.journal, &question)
            .await
            .expect("it opens");
        let rows = opened.parts[0].rows.iter();
        let keys: Vec<&str> = rows.map(|row| row.record_key.as_str()).collect();
        assert_eq!(keys, ["M1", "M4", "M5"]);
    });
}

#[test]
fn the_budget_of_an_entity_is_that_of_its_own_year() {
    block_on(async {
        let (world, engine) = december("security_department/11_budget_consumption").await;
        let of = (&world, &engine);
        let rates = Reading::new("plan_rates", day("2026-03-31"));
        let text = "fiscal_year_start_on,currency,rate\n2026-01-01,JPY,1\n2026-04-01,JPY,1\n2027-01-01,JPY,1\n";
        world.commit_csv(&rates, text).await;
        let reading = Reading::new("budgets", day("2027-03-31"));
        // America has spent all of its year by December, and a tenth of the next by March.
        let text = "budget_line_id,org_unit,fiscal_year_start_on,entry_kind,entry_on,category,cost_type,amount,currency\n\
            U1,US1,2026-01-01,budget,2025-12-01,security,service,1000,JPY\nU2,US1,2026-01-01,spent,2026-11-30,security,service,1000,JPY\n\
            U3,US1,2027-01-01,budget,2026-12-01,security,service,1000,JPY\nU4,US1,2027-01-01,spent,2027-02-28,security,service,100,JPY\n\
            J1,JP1,2026-04-01,budget,2026-03-01,security,service,1000,JPY\nJ2,JP1,2026-04-01,spent,2027-03-20,security,service,900,JPY\n";
        let evidence = world.read("budgets", text);
        // Without its calendar in the rule, America's year would be no fiscal year.
        assert_eq!(evidence.rejected.len(), 4, "{:?}", evidence.rejected);
        let rows = world.read_with(&engine_expressions(&world), "budgets", text);
        assert!(rows.rejected.is_empty(), "{:?}", rows.rejected);
        world.commit(&reading, rows).await;
        let parts = |m: &Measurement| (whole(m.numerator), whole(m.denominator));
        let year = measure(of, 11, "FY2026", "HD").await;
        assert_eq!(parts(&year), (1900, 2000));
        // By the calendar month of March, America stands in the first quarter of its next year.
        let march = measure(of, 11, "2027-03", "HD").await;
        assert_eq!(parts(&march), (1000, 2000));
    });
}

fn engine_expressions(world: &World) -> keiki_engine::expressions::SqlExpressions {
    let own = EntityCalendar {
        org_unit: "US1".into(),
        calendar: Calendar::new(1, Vec::new(), &Place::default()).expect("a calendar"),
        place: Place::default(),
    };
    let calendars = Calendars::new(Calendar::default(), vec![own], &world.organisation());
    keiki_engine::expressions::SqlExpressions::new(calendars, crate::world::zone())
}

#[test]
fn what_is_closed_leaves_the_cohort_when_the_entitys_own_year_ends() {
    block_on(async {
        let (world, engine) = december("security_department/07_regulator_findings").await;
        let of = (&world, &engine);
        let reading = Reading::new("findings", day("2027-03-31"));
        let text = "finding_id,org_unit,origin,title,severity,raised_on,deadline_on,closed_on\n\
            F1,US1,regulator,x,high,2026-06-01,2026-12-31,2026-10-01\n\
            F2,JP1,regulator,x,high,2026-06-01,2026-12-31,2026-10-01\n";
        world.commit_csv(&reading, text).await;
        let parts = |m: &Measurement| (whole(m.numerator), whole(m.denominator));
        let december = measure(of, 7, "2026-12", "HD").await;
        assert_eq!(parts(&december), (2, 2));
        let january = measure(of, 7, "2027-01", "HD").await;
        assert_eq!(parts(&january), (1, 1));
        // The year of the group holds the year of America as it closed.
        assert_eq!(parts(&measure(of, 7, "FY2026", "HD").await), (2, 2));
    });
}
