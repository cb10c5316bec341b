//! What people said of the figures: explanations, actions, the board's instructions, and what is left to decide.

use keiki_model::calendar::{Day, date_of, months_after, parse_day};
use keiki_model::measurement::Measurement;
use keiki_model::remark::{Action, State, is_deviation};
use keiki_model::text::{Language, Text};
use serde::Serialize;

use super::{Item, Source};
use crate::format;

/// How long before its end an approved miss is put before the board again.
const WAIVER_MONTHS: i64 = 3;
/// The most things of one kind that the first page lists.
const LISTED_MOST: usize = 4;

/// Something that is done about a figure.
#[derive(Debug, Clone, Serialize)]
pub struct ActionPart {
    /// Its number.
    pub number: u32,
    /// What.
    pub what: String,
    /// Who, until when, how it stands, what was said of it last.
    pub note: String,
}

/// The explanation of a figure, empty where there is none.
pub(super) fn explanation(source: &Source<'_>, one: &Measurement) -> String {
    let found = source.statement.remarks.explanation(one);
    found.map_or_else(String::new, |found| {
        found.cause.get(source.names.language).to_owned()
    })
}

/// What is done about a figure.
pub(super) fn actions(source: &Source<'_>, one: &Measurement) -> Vec<ActionPart> {
    let part = |action: &Action| ActionPart {
        number: action.number,
        what: action.what.get(source.names.language).to_owned(),
        note: note(source, action),
    };
    source.statement.remarks.actions_on(one).map(part).collect()
}

/// What became of what the board asked for.
pub(super) fn instructed(source: &Source<'_>) -> Vec<Item> {
    let item = |action: &Action| Item {
        what: action.what.get(source.names.language).to_owned(),
        note: note(source, action),
    };
    source.statement.remarks.instructions().map(item).collect()
}

/// What the board is asked to decide: actions that are overdue, approved misses that run out, figures that miss their target
/// and for which nothing is done.
pub(super) fn asked(source: &Source<'_>) -> Vec<Item> {
    let language = source.names.language;
    let cut = cut_on(source);
    let mut items = Vec::new();
    let actions = source.statement.remarks.actions.iter();
    let late = actions.filter(|action| cut.is_some_and(|cut| action.is_overdue(cut)));
    items.extend(late.take(LISTED_MOST).map(|action| {
        Item {
            what: Text::new(
                format!("期限を過ぎた是正の扱い: {}", action.what.ja),
                format!("An action is overdue: {}", action.what.en),
            )
            .get(language)
            .to_owned(),
            note: note(source, action),
        }
    }));
    items.extend(ending_waivers(source, cut).into_iter().take(LISTED_MOST));
    items.extend(unanswered(source));
    items
}

fn cut_on(source: &Source<'_>) -> Option<Day> {
    parse_day(&source.measurements.first()?.cut_on)
}

/// Approved misses that end soon.
fn ending_waivers(source: &Source<'_>, cut: Option<Day>) -> Vec<Item> {
    let language = source.names.language;
    let Some(cut) = cut else { return Vec::new() };
    let ends_soon = |one: &&Measurement| {
        let waiver = one.grounds.waiver.as_ref();
        let until = waiver.and_then(|waiver| waiver.until);
        until.is_some_and(|until| until > cut && until <= months_after(cut, WAIVER_MONTHS))
    };
    let item = |one: &Measurement| {
        let waiver = one.grounds.waiver.as_ref()?;
        let until = date_of(waiver.until? - 1).to_string();
        let until_ja = format::day(&until, Language::Ja);
        let (unit, name) = (source.names.unit_of(one), source.names.kpi(one.no));
        Some(Item {
            what: Text::new(
                format!(
                    "例外承認の更新: {unit} KPI {} {name}({until_ja}まで)",
                    one.no
                ),
                format!(
                    "An approved exception ends on {until}: {unit}, KPI {} {name}",
                    one.no
                ),
            )
            .get(language)
            .to_owned(),
            note: waiver.reason.get(language).to_owned(),
        })
    };
    source
        .measurements
        .iter()
        .filter(|one| !one.is_companion)
        .filter(ends_soon)
        .filter_map(item)
        .collect()
}

/// Figures of the root that miss their target and for which nothing is done.
fn unanswered(source: &Source<'_>) -> Option<Item> {
    let language = source.names.language;
    let remarks = &source.statement.remarks;
    let mut numbers: Vec<u32> = source
        .of_root()
        .filter(|one| is_deviation(one) && remarks.actions_on(one).next().is_none())
        .map(|one| one.no)
        .collect();
    numbers.dedup();
    if numbers.is_empty() {
        return None;
    }
    let names: Vec<String> = numbers
        .iter()
        .map(|no| format!("{no} {}", source.names.kpi(*no)))
        .collect();
    Some(Item {
        what: Text::new(
            format!(
                "是正の定まっていない未達・遅延 {}指標への対応",
                numbers.len()
            ),
            format!(
                "What to do about {} indicators that are missed or behind and have no action",
                numbers.len()
            ),
        )
        .get(language)
        .to_owned(),
        note: names.join(source.say("、", ", ")),
    })
}

/// Who, until when, how it stands, what was said of it last.
fn note(source: &Source<'_>, action: &Action) -> String {
    let language = source.names.language;
    let due = action.due_on.map_or_else(
        || format::NOTHING.to_owned(),
        |day| format::day(&date_of(day).to_string(), language),
    );
    let is_late = cut_on(source).is_some_and(|cut| action.is_overdue(cut));
    let state = match action.state {
        State::Open if is_late => Text::new("期限超過", "overdue"),
        state => state.title(),
    };
    let mut parts = vec![
        Text::new(
            format!("担当 {}", action.owner),
            format!("owner {}", action.owner),
        ),
        Text::new(format!("期限 {due}"), format!("due {due}")),
        state,
    ];
    parts.extend(action.latest_note().cloned());
    let parts: Vec<&str> = parts.iter().map(|part| part.get(language)).collect();
    parts.join(" · ")
}
