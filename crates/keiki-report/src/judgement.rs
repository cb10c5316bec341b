//! What a series of values says, in sentences and as a table.

use keiki_model::fraction::Fraction;
use keiki_model::judgement::{
    Backtest, Change, Forecast, Judgement, Outlook, Pace, Trend, Verdict, Yardstick,
};
use keiki_model::kpi::Unit;
use keiki_model::measurement::Measurement;
use keiki_model::text::{Language, Text};

use crate::format::{self, approximate as amount, approximate_difference as difference};
use crate::report::period_name;
use crate::scorecard::Names;
use crate::table::{Cell, Column, Paint, Table};

/// Every sentence that there is to say about a figure, in the order in which a reader asks.
#[must_use]
pub fn sentences(judgement: &Judgement, unit: Unit) -> Vec<Text> {
    let mut said = Vec::new();
    let name = Text::new("前期", "the period before");
    said.extend(
        judgement
            .previous
            .as_ref()
            .map(|of| change(of, &name, unit)),
    );
    let name = Text::new("前年同期", "the same period a year ago");
    said.extend(
        judgement
            .year_before
            .as_ref()
            .map(|of| change(of, &name, unit)),
    );
    said.extend(judgement.trend.as_ref().map(|of| trend(of, unit)));
    said.extend(judgement.pace.as_ref().and_then(|of| pace(of, unit)));
    said.extend(judgement.forecast.as_ref().map(|of| forecast(of, unit)));
    said
}

/// What a movement means, in a word.
#[must_use]
pub fn verdict(verdict: Verdict) -> Text {
    match verdict {
        Verdict::Better => Text::new("改善", "better"),
        Verdict::Worse => Text::new("悪化", "worse"),
        Verdict::Moved => Text::new("変化", "moved"),
        Verdict::WithinNoise => Text::new("変動内", "within noise"),
        Verdict::TooLittleHistory => Text::new("履歴不足", "too little history"),
    }
}

/// What a movement means, in data.
#[must_use]
pub(crate) fn code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Better => "better",
        Verdict::Worse => "worse",
        Verdict::Moved => "moved",
        Verdict::WithinNoise => "within_noise",
        Verdict::TooLittleHistory => "too_little_history",
    }
}

/// How a forecast stands to the target, in a word.
#[must_use]
pub fn outlook(outlook: Outlook) -> Text {
    match outlook {
        Outlook::Likely => Text::new("達成の見込み", "likely to meet it"),
        Outlook::RatherLikely => Text::new("達成の可能性は高いです", "rather likely to meet it"),
        Outlook::RatherUnlikely => {
            Text::new("達成の可能性は低いです", "rather unlikely to meet it")
        }
        Outlook::Unlikely => Text::new("達成は困難", "unlikely to meet it"),
    }
}

/// The mark of a verdict, told apart by shape.
#[must_use]
pub(crate) fn mark(verdict: Verdict) -> (&'static str, Paint) {
    match verdict {
        Verdict::Better => ("●", Paint::Good),
        Verdict::Worse => ("▼", Paint::Bad),
        Verdict::Moved => ("◆", Paint::Plain),
        Verdict::WithinNoise => ("≈", Paint::Faint),
        Verdict::TooLittleHistory => ("?", Paint::Faint),
    }
}

fn change(change: &Change, name: &Text, unit: Unit) -> Text {
    let against = &change.against;
    let by = |language| format::difference(change.by, unit, language);
    let (ja, en) = match change.yardstick {
        _ if change.by == Fraction::whole(0) => (String::new(), String::new()),
        Yardstick::Interval { low, high } => {
            let ends = |language| {
                let end = |value: f64| difference(value, unit, language);
                (end(low), end(high))
            };
            let ((low_ja, high_ja), (low_en, high_en)) = (ends(Language::Ja), ends(Language::En));
            (
                format!("(差の95%区間 {low_ja}〜{high_ja})"),
                format!(" (95 % interval of the difference {low_en} to {high_en})"),
            )
        }
        Yardstick::UsualMovement { limit } => {
            let limit = |language| format::approximate_movement(limit, unit, language);
            (
                format!("(通常の変動は{}まで)", limit(Language::Ja)),
                format!(" (up to {} is usual)", limit(Language::En)),
            )
        }
        Yardstick::Nothing => (String::new(), String::new()),
    };
    let meaning = match change.verdict {
        Verdict::Better => Text::new("通常の変動を超える改善です", "better, by more than noise"),
        Verdict::Worse => Text::new("通常の変動を超える悪化です", "worse, by more than noise"),
        Verdict::Moved => Text::new("通常の変動を超える変化です", "moved by more than noise"),
        Verdict::WithinNoise => Text::new("通常の変動の範囲内です", "no more than noise"),
        Verdict::TooLittleHistory => Text::new(
            "通常の変動と区別できるだけの履歴がありません",
            "there is too little history to tell it from noise",
        ),
    };
    Text::new(
        format!(
            "{}({})との差は{}。{}{ja}。",
            name.ja,
            period_name(against, Language::Ja),
            by(Language::Ja),
            meaning.ja
        ),
        format!(
            "Against {} ({}): {}; {}{en}.",
            name.en,
            period_name(against, Language::En),
            by(Language::En),
            meaning.en
        ),
    )
}

/// Where a series is heading.
pub(crate) fn trend(trend: &Trend, unit: Unit) -> Text {
    let n = trend.n;
    let since = |language| period_name(&trend.since, language);
    let slope = |language| difference(trend.slope_per_period, unit, language);
    let ends = |language| {
        let end = |value: f64| difference(value, unit, language);
        (end(trend.interval.0), end(trend.interval.1))
    };
    let ((low_ja, high_ja), (low_en, high_en)) = (ends(Language::Ja), ends(Language::En));
    let meaning = match trend.verdict {
        Verdict::Better => Text::new("改善傾向です", "it is getting better"),
        Verdict::Worse => Text::new("悪化傾向です", "it is getting worse"),
        Verdict::Moved => Text::new("一方向に動いています", "it moves one way"),
        Verdict::WithinNoise | Verdict::TooLittleHistory => Text::new(
            "一定の傾向は認められません",
            "no trend can be told from noise",
        ),
    };
    Text::new(
        format!(
            "{}以降の{n}期は、1期あたり{}(95%区間 {low_ja}〜{high_ja})。{}。",
            since(Language::Ja),
            slope(Language::Ja),
            meaning.ja
        ),
        format!(
            "{n} periods since {}: {} per period (95 % interval {low_en} to {high_en}); {}.",
            since(Language::En),
            slope(Language::En),
            meaning.en
        ),
    )
}

/// How a value stands on the way to a target that is due later; `None` where that cannot be told.
pub(crate) fn pace(pace: &Pace, unit: Unit) -> Option<Text> {
    let (needed, left) = (pace.needed_per_period?, pace.periods_left);
    let due_on = &pace.due_on;
    let due_on_ja = format::day(due_on, Language::Ja);
    if needed == Fraction::whole(0) {
        return Some(Text::new(
            format!("期限は{due_on_ja}(残り{left}期)。目標の水準に達しています。"),
            format!("Due on {due_on} ({left} periods left): the level of the target is reached."),
        ));
    }
    let step = |value: Fraction, language| format::difference(value, unit, language);
    let (ja, en) = match pace.brought_per_period {
        None => (String::new(), String::new()),
        Some(brought) => (
            format!("(これまでの実績は1期あたり{})", step(brought, Language::Ja)),
            format!("; so far each brought {}", step(brought, Language::En)),
        ),
    };
    Some(Text::new(
        format!(
            "期限は{due_on_ja}(残り{left}期)。達成には1期あたり{}が必要です{ja}。",
            step(needed, Language::Ja)
        ),
        format!(
            "Due on {due_on} ({left} periods left): each has to bring {}{en}.",
            step(needed, Language::En)
        ),
    ))
}

/// What is to be expected, and how that stands to the target.
pub(crate) fn forecast(forecast: &Forecast, unit: Unit) -> Text {
    let Forecast { on, n, model, .. } = forecast;
    let of = |language| {
        let value = |value: f64| amount(value, unit, language);
        let (low, high) = forecast.interval;
        (value(forecast.value), value(low), value(high))
    };
    let (ja, en) = (of(Language::Ja), of(Language::En));
    let on_ja = format::day(on, Language::Ja);
    let meaning = forecast.outlook.map(outlook);
    let after = |language: Language, (before, end): (&str, &str)| {
        let meaning = meaning.as_ref();
        meaning.map_or_else(String::new, |text| {
            format!("{before}{}{end}", text.get(language))
        })
    };
    Text::new(
        format!(
            "{on_ja}の予測値は{}(95%区間 {}〜{}、実績{n}期から{model}により算出)。{}",
            ja.0,
            ja.1,
            ja.2,
            after(Language::Ja, ("見通し: ", "。"))
        ),
        format!(
            "Forecast for {on}: {} (95 % interval {} to {}, from {n} periods, {model}){}.",
            en.0,
            en.1,
            en.2,
            after(Language::En, ("; ", ""))
        ),
    )
}

/// How good earlier forecasts of a figure would have been; `None` where none could be tried.
#[must_use]
pub(crate) fn tested(backtest: &Backtest, unit: Unit) -> Option<Text> {
    let (error, of_last_value) = backtest.mean_errors()?;
    let (hits, trials) = (backtest.hits(), backtest.trials.len());
    let size = |value: f64, language| {
        let text = difference(value, unit, language);
        text.trim_start_matches('+').to_owned()
    };
    Some(Text::new(
        format!(
            "過去の実績で検証すると、{trials}回の予測のうち{hits}回で実績が95%区間に入り、平均誤差は{}でした(直前値を据え置いた場合は{})。",
            size(error, Language::Ja),
            size(of_last_value, Language::Ja)
        ),
        format!(
            "Tried on the past: {hits} of {trials} forecasts held what came in their 95 % interval; mean error {} ({} had the last value been taken).",
            size(error, Language::En),
            size(of_last_value, Language::En)
        ),
    ))
}

/// Makes a table of judgements, one row for each figure of which there is anything to say.
#[must_use]
pub fn table(figures: &[Measurement], judgements: &[Judgement], names: &Names<'_>) -> Table {
    let language = names.language;
    let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure(title("No.", "No.")),
        Column::text(title("指標", "Indicator"), 12).wrapped(3),
        Column::text(title("組織", "Org unit"), 4),
        Column::text(title("前期差", "Previous"), 12),
        Column::text(title("前年同期差", "Year ago"), 12),
        Column::text(title("傾向(1期あたり)", "Trend per period"), 12),
        Column::text(title("年度末・期限の予測", "Forecast"), 12).wrapped(2),
    ]);
    for (figure, judgement) in figures.iter().zip(judgements) {
        if *judgement == Judgement::default() {
            continue;
        }
        let unit = figure.unit;
        let moved = |change: Option<&Change>| {
            change.map_or_else(Cell::default, |change| {
                let by = format::difference(change.by, unit, language);
                marked(change.verdict, &by)
            })
        };
        let trend = judgement.trend.as_ref();
        let slope = trend.map_or_else(Cell::default, |trend| {
            let slope = difference(trend.slope_per_period, unit, language);
            marked(trend.verdict, &slope)
        });
        let expected = judgement.forecast.as_ref();
        let expected = expected.map_or_else(String::new, |forecast| {
            let (low, high) = forecast.interval;
            format!(
                "{} ({}–{})",
                amount(forecast.value, unit, language),
                amount(low, unit, language),
                amount(high, unit, language)
            )
        });
        table.push(vec![
            figure.no.to_string().into(),
            names.indicator(figure.no, &figure.indicator).into(),
            figure.org_unit.to_string().into(),
            moved(judgement.previous.as_ref()),
            moved(judgement.year_before.as_ref()),
            slope,
            expected.into(),
        ]);
    }
    table
}

fn marked(verdict: Verdict, by: &str) -> Cell {
    let (shape, paint) = mark(verdict);
    Cell::painted(format!("{shape} {by}"), paint)
}

/// Makes a table of how good forecasts would have been, one row for each figure that could be tried, and a last one for all.
#[must_use]
pub fn backtests(figures: &[Measurement], tested: &[Backtest], names: &Names<'_>) -> Table {
    let language = names.language;
    let title = |ja: &str, en: &str| Text::new(ja, en).get(language).to_owned();
    let mut table = Table::new(vec![
        Column::figure(title("No.", "No.")),
        Column::text(title("指標", "Indicator"), 12).wrapped(3),
        Column::text(title("組織", "Org unit"), 4),
        Column::figure(title("予測数", "Forecasts")),
        Column::figure(title("予測の平均誤差", "Mean error")),
        Column::figure(title("直前値の平均誤差", "Of the last value")),
        Column::figure(title("95%区間に入った数", "In the 95 % interval")),
    ]);
    let (mut trials, mut hits) = (0, 0);
    for (figure, tested) in figures.iter().zip(tested) {
        let Some((error, of_last_value)) = tested.mean_errors() else {
            continue;
        };
        trials += tested.trials.len();
        hits += tested.hits();
        table.push(vec![
            figure.no.to_string().into(),
            names.indicator(figure.no, &figure.indicator).into(),
            figure.org_unit.to_string().into(),
            tested.trials.len().to_string().into(),
            difference(error, figure.unit, language)
                .trim_start_matches('+')
                .into(),
            difference(of_last_value, figure.unit, language)
                .trim_start_matches('+')
                .into(),
            format!("{}/{}", tested.hits(), tested.trials.len()).into(),
        ]);
    }
    if trials > 0 {
        table.push(vec![
            Cell::default(),
            title("合計", "All").into(),
            Cell::default(),
            trials.to_string().into(),
            Cell::default(),
            Cell::default(),
            format!("{hits}/{trials}").into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_with_what_it_was_held_against() {
        let judgement = Judgement {
            previous: Some(Change {
                against: "2026-08".into(),
                by: Fraction::new(-12, 1000).expect("a fraction"),
                yardstick: Yardstick::UsualMovement { limit: 0.004 },
                verdict: Verdict::Worse,
            }),
            ..Judgement::default()
        };
        let said = sentences(&judgement, Unit::Ratio);
        assert_eq!(
            said[0].en,
            "Against the period before (August 2026): −1.2 pt; worse, by more than noise (up to 0.4 pt is usual)."
        );
        assert_eq!(
            said[0].ja,
            "前期(2026年8月度)との差は−1.2ポイント。通常の変動を超える悪化です(通常の変動は0.4ポイントまで)。"
        );
    }

    #[test]
    fn what_is_needed_stands_beside_what_was_brought() {
        let pace = Pace {
            due_on: "2027-03-31".into(),
            periods_left: 6,
            by_now: Fraction::new(475, 1000),
            ahead_by: None,
            needed_per_period: Fraction::new(80, 1000),
            brought_per_period: Fraction::new(78, 1000),
        };
        let judgement = Judgement {
            pace: Some(pace),
            ..Judgement::default()
        };
        let said = sentences(&judgement, Unit::Ratio);
        assert_eq!(
            said[0].en,
            "Due on 2027-03-31 (6 periods left): each has to bring +8.0 pt; so far each brought +7.8 pt."
        );
    }
}
