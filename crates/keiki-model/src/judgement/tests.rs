//! What series say that a person can judge by eye.

use super::*;
use crate::calendar::day_of;

/// Monthly values from April 2025 on, in thousandths.
fn months(values: &[i128]) -> Vec<Observation> {
    let first = Month::new(2025, 4);
    let observation = |(at, value): (i32, &i128)| {
        let month = first.plus(at);
        Observation {
            period: Period::Month(month),
            cut_on: month.last_day(),
            value: Fraction::new(*value, 1000),
            sample: None,
            due_on: None,
        }
    };
    (0..).zip(values).map(observation).collect()
}

fn frame(calendar: &Calendar) -> Frame<'_> {
    Frame {
        calendar,
        direction: Direction::Higher,
        bounds: Bounds::Share,
        target: Some(Target {
            at_least: Fraction::new(95, 100),
            at_most: None,
        }),
        due_on: None,
        by_now: None,
    }
}

fn judged(observations: &[Observation]) -> Judgement {
    let calendar = Calendar::default();
    judge_series(observations, &frame(&calendar))
}

#[test]
fn a_jump_is_told_from_what_is_usual() {
    let usual = judged(&months(&[800, 805, 798, 803, 799, 804, 801, 806]));
    let verdict = |of: &Judgement| of.previous.as_ref().map(|change| change.verdict);
    assert_eq!(verdict(&usual), Some(Verdict::WithinNoise));
    let jump = judged(&months(&[800, 805, 798, 803, 799, 804, 801, 700]));
    assert_eq!(verdict(&jump), Some(Verdict::Worse));
    let short = judged(&months(&[800, 805, 700]));
    assert_eq!(verdict(&short), Some(Verdict::TooLittleHistory));
}

#[test]
fn where_a_figure_mostly_stays_a_small_step_is_no_news() {
    let verdict = |values: &[i128]| {
        let change = judged(&months(values)).previous;
        change.map(|change| change.verdict)
    };
    let steps = [900, 900, 910, 910, 910, 920, 920, 920];
    assert_eq!(
        verdict(&[&steps[..], &[921]].concat()),
        Some(Verdict::WithinNoise)
    );
    assert_eq!(
        verdict(&[&steps[..], &[960]].concat()),
        Some(Verdict::Better)
    );
}

#[test]
fn the_same_month_a_year_ago_is_found_by_its_name() {
    let values: Vec<i128> = (0..13).map(|at| 500 + 10 * at).collect();
    let change = judged(&months(&values)).year_before.expect("there are 13");
    assert_eq!(&*change.against, "2025-04");
    assert_eq!(change.by, Fraction::new(120, 1000).expect("a fraction"));
    assert!(judged(&months(&values[..12])).year_before.is_none());
}

#[test]
fn a_sample_is_held_against_its_own_uncertainty() {
    let mut observations = months(&[600, 800]);
    observations[0].sample = Some((48, 80));
    observations[1].sample = Some((56, 70));
    let change = judged(&observations).previous.expect("there are two");
    assert_eq!(change.verdict, Verdict::Better);
    observations[0].sample = Some((6, 10));
    observations[1].sample = Some((8, 10));
    let change = judged(&observations).previous.expect("there are two");
    assert_eq!(change.verdict, Verdict::WithinNoise);
}

#[test]
fn a_steady_rise_is_a_trend_and_a_zigzag_is_none() {
    let rise = judged(&months(&[500, 512, 519, 533, 540, 552, 561]));
    let trend = rise.trend.expect("there are seven");
    assert_eq!(trend.verdict, Verdict::Better);
    assert!((trend.slope_per_period - 0.0102).abs() < 0.001);
    assert!(trend.interval.0 > 0.0 && trend.interval.1 > trend.interval.0);
    let zigzag = judged(&months(&[500, 520, 500, 520, 500, 520, 500]));
    assert_eq!(
        zigzag.trend.map(|trend| trend.verdict),
        Some(Verdict::WithinNoise)
    );
    assert!(judged(&months(&[500, 512, 519, 533, 540])).trend.is_none());
}

#[test]
fn a_series_that_begins_anew_each_year_is_read_from_its_beginning() {
    let mut observations = months(&[
        80, 160, 240, 320, 400, 480, 560, 640, 720, 800, 880, 960, 80, 150, 230, 310, 390, 470,
    ]);
    for one in &mut observations {
        let end = Calendar::default().fiscal_year_end(one.cut_on);
        one.due_on = (one.cut_on < end).then_some(end);
    }
    let calendar = Calendar::default();
    let last_year = run_of(&observations[..12], &calendar);
    assert_eq!(last_year.len(), 12);
    let run = run_of(&observations, &calendar);
    assert_eq!(run.len(), 6);
    let frame = Frame {
        due_on: Some(day_of(jiff::civil::date(2027, 3, 31))),
        by_now: Fraction::new(475, 1000),
        ..frame(&calendar)
    };
    let judged = judge_series(&observations, &frame);
    let pace = judged.pace.expect("the target is due later");
    assert_eq!(pace.periods_left, 6);
    assert_eq!(pace.needed_per_period, Fraction::new(80, 1000));
    assert_eq!(pace.brought_per_period, Fraction::new(78, 1000));
    assert_eq!(pace.ahead_by, Fraction::new(-5, 1000));
    assert_eq!(&*judged.trend.expect("there are six").since, "2026-04");
    let year_before = judged.year_before.expect("there was a September");
    assert_eq!(
        year_before.by,
        Fraction::new(-10, 1000).expect("a fraction")
    );
}

#[test]
fn what_is_usual_is_told_from_earlier_years_without_the_steps_between_them() {
    let of_years = |values: &[i128]| {
        let mut observations = months(values);
        for one in &mut observations {
            let end = Calendar::default().fiscal_year_end(one.cut_on);
            one.due_on = (one.cut_on < end).then_some(end);
        }
        let due_on = observations.last().and_then(|one| one.due_on);
        let calendar = Calendar::default();
        judge_series(
            &observations,
            &Frame {
                due_on,
                ..frame(&calendar)
            },
        )
    };
    let year = [80, 160, 240, 320, 400, 480, 560, 640, 720, 800, 880, 960];
    // Two months of the second year: by themselves too few, with the first year enough.
    let change = of_years(&[&year[..], &[80, 165]].concat())
        .previous
        .expect("a change");
    assert_eq!(change.verdict, Verdict::WithinNoise);
    let Yardstick::UsualMovement { limit } = change.yardstick else {
        panic!("{change:?}");
    };
    // The fall from 960 to 80 is no movement: 3.865 times the usual 80.
    assert!((limit - 3.865 * 0.08).abs() < 1e-9, "{limit}");
    let jump = of_years(&[&year[..], &[80, 480]].concat())
        .previous
        .expect("a change");
    assert_eq!(jump.verdict, Verdict::Better);
    let short = of_years(&[80, 160, 240, 320]).previous.expect("a change");
    assert_eq!(short.verdict, Verdict::TooLittleHistory);
}

#[test]
fn a_line_goes_on_as_a_line_and_stays_within_what_can_be() {
    let values: Vec<i128> = (0..14).map(|at| 700 + 15 * at + (at % 2)).collect();
    let forecast = judged(&months(&values)).forecast.expect("there are 14");
    assert_eq!((&*forecast.on, forecast.periods_ahead), ("2027-03-31", 10));
    assert_eq!(forecast.path.len(), 10);
    assert!(
        forecast.value <= 1.0 && forecast.value > 0.9,
        "{forecast:?}"
    );
    assert!(forecast.interval.0 <= forecast.value && forecast.value <= forecast.interval.1);
    assert!(matches!(
        forecast.outlook,
        Some(Outlook::Likely | Outlook::RatherLikely)
    ));
}

#[test]
fn too_little_history_a_gap_and_no_movement_make_no_forecast() {
    assert!(judged(&months(&[1, 2, 3, 4, 5, 6, 7])).forecast.is_none());
    assert!(judged(&months(&[950; 12])).forecast.is_none());
    let mut gap = months(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    gap[5].value = None;
    assert!(judged(&gap).forecast.is_none());
    let mut silent = months(&[1, 2, 3]);
    silent[2].value = None;
    assert_eq!(judged(&silent), Judgement::default());
}

#[test]
fn forecasts_of_a_line_come_true() {
    let values: Vec<i128> = (0..16).map(|at| 300 + 20 * at + (at * 7 % 3)).collect();
    let tested = backtest(&months(&values), Bounds::Share, 3);
    assert_eq!(tested.trials.len(), 8 + 7 + 6);
    let (error, of_last_value) = tested.mean_errors().expect("there are trials");
    assert!(error < of_last_value / 3.0, "{error} {of_last_value}");
}

#[test]
fn whatever_the_series_a_judgement_is_made_of_numbers() {
    let mut seed = 7_u64;
    let mut next = |most: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) % most
    };
    for _ in 0..200 {
        let scale = [2, 10, 1_000, 1_000_000_000][usize::try_from(next(4)).expect("few")];
        let count = 1 + next(40);
        let values: Vec<i128> = (0..count).map(|_| i128::from(next(scale))).collect();
        let judged = judged(&months(&values));
        if let Some(forecast) = &judged.forecast {
            let (low, high) = forecast.interval;
            assert!(
                low <= forecast.value && forecast.value <= high,
                "{values:?} {forecast:?}"
            );
        }
        if let Some(trend) = &judged.trend {
            assert!(
                trend.interval.0 <= trend.slope_per_period,
                "{values:?} {trend:?}"
            );
            assert!(
                trend.slope_per_period <= trend.interval.1,
                "{values:?} {trend:?}"
            );
            assert!((0.0..=1.0).contains(&trend.probability));
        }
    }
}
