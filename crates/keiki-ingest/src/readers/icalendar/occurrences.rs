//! The occurrences of an event.
//!
//! Rules are followed on the clock of the event's place: its times are handed to the crate as if they were UTC, and what comes
//! back is put into the zone. So an occurrence stays at nine o'clock when the clock is changed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::DateTime;
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, date_of};
use keiki_model::text::Text;
use rrule::{RRuleSet, Tz};

use super::event::{Event, Moment, no_moment};

/// The days for which occurrences are listed, and how many at most.
pub(super) struct Window {
    pub(super) from: Day,
    pub(super) until: Day,
    pub(super) most: u16,
}

/// One occurrence.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Occurrence {
    pub(super) start: Timestamp,
    pub(super) end: Option<Timestamp>,
    /// What tells it from the others of its event; `None` for an event that does not recur.
    pub(super) label: Option<String>,
}

/// Lists the occurrences of an event, or says why its rule cannot be followed. An event without a rule has one.
pub(super) fn of(
    event: &Event,
    exceptions: &BTreeMap<&str, BTreeSet<Timestamp>>,
    window: &Window,
) -> Result<Vec<Occurrence>, Text> {
    if let Some(recurrence) = &event.recurrence {
        return Ok(vec![Occurrence {
            start: event.start.instant(),
            end: event.end,
            label: Some(label(recurrence.wall, recurrence.is_day)),
        }]);
    }
    let Some(rule) = &event.rule else {
        if event.added.is_empty() {
            return Ok(vec![Occurrence {
                start: event.start.instant(),
                end: event.end,
                label: None,
            }]);
        }
        return Ok(all(event, BTreeSet::from([event.start.wall]), exceptions));
    };
    Ok(all(event, walls(&event.start, rule, window)?, exceptions))
}

/// The occurrences at the times of a rule and those added, without those excluded or replaced.
fn all(
    event: &Event,
    mut walls: BTreeSet<civil::DateTime>,
    exceptions: &BTreeMap<&str, BTreeSet<Timestamp>>,
) -> Vec<Occurrence> {
    let start = &event.start;
    let on_clock = |moment: &Moment| {
        if moment.is_day || start.is_day {
            moment.wall
        } else {
            moment.instant().to_zoned(start.zone.clone()).datetime()
        }
    };
    walls.extend(event.added.iter().map(on_clock));
    let replaced = exceptions.get(event.uid.as_str());
    let length = event.end.map(|end| end.duration_since(start.instant()));
    walls
        .into_iter()
        .filter(|wall| {
            !event.excluded.iter().any(|moment| {
                if moment.is_day {
                    moment.wall.date() == wall.date()
                } else {
                    on_clock(moment) == *wall
                }
            })
        })
        .map(|wall| (wall, start.at(wall)))
        .filter(|(_, instant)| replaced.is_none_or(|replaced| !replaced.contains(instant)))
        .map(|(wall, instant)| Occurrence {
            start: instant,
            end: length.and_then(|length| instant.checked_add(length).ok()),
            label: Some(label(wall, start.is_day)),
        })
        .collect()
}

fn label(wall: civil::DateTime, is_day: bool) -> String {
    let form = if is_day { "%Y-%m-%d" } else { "%Y-%m-%dT%H:%M" };
    wall.strftime(form).to_string()
}

/// The times of a rule within the window, on the event's clock.
fn walls(start: &Moment, rule: &str, window: &Window) -> Result<BTreeSet<civil::DateTime>, Text> {
    let text = format!(
        "DTSTART:{}Z\nRRULE:{}",
        start.wall.strftime("%Y%m%dT%H%M%S"),
        with_until_on_clock(rule, start)?
    );
    let set: RRuleSet = text.parse().map_err(|e: rrule::RRuleError| {
        let detail = e.to_string();
        let first = detail.lines().next().unwrap_or_default().to_owned();
        Text::new(
            format!("繰り返しの規則を解釈できません: {first}"),
            format!("a rule that cannot be followed: {first}"),
        )
    })?;
    let bound = |day: Day| {
        let midnight = date_of(day).to_datetime(civil::Time::midnight());
        let instant = midnight.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(DateTime::from_timestamp(instant.as_second(), 0)?.with_timezone(&Tz::UTC))
    };
    let out_of_range = || Text::new("読む期間が範囲の外です", "the window is out of range");
    let from = bound(window.from).ok_or_else(out_of_range)?;
    let until = bound(window.until.saturating_add(1)).ok_or_else(out_of_range)?;
    let found = set.after(from).before(until).all(window.most);
    if found.dates.len() >= usize::from(window.most) {
        return Err(Text::new(
            format!("繰り返しが{}回以上あります", window.most),
            format!("it recurs {} times or more", window.most),
        ));
    }
    found
        .dates
        .into_iter()
        .map(|date| {
            let instant = Timestamp::from_second(date.timestamp());
            let instant = instant.map_err(|_| out_of_range())?;
            Ok(instant.to_zoned(TimeZone::UTC).datetime())
        })
        .collect()
}

/// The rule with the end of its UNTIL on the event's clock.
fn with_until_on_clock(rule: &str, start: &Moment) -> Result<String, Text> {
    let parts: Result<Vec<String>, Text> = rule
        .split(';')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let Some(until) = part.strip_prefix("UNTIL=") else {
                return Ok(part.to_owned());
            };
            let fault = || no_moment(until);
            let wall = if until.len() == 8 {
                let date = civil::Date::strptime("%Y%m%d", until).map_err(|_| fault())?;
                date.at(23, 59, 59, 0)
            } else {
                let text = until.strip_suffix('Z').unwrap_or(until);
                let wall = civil::DateTime::strptime("%Y%m%dT%H%M%S", text);
                let wall = wall.map_err(|_| fault())?;
                if until.ends_with('Z') {
                    let instant = wall.to_zoned(TimeZone::UTC).map_err(|_| fault())?;
                    instant.with_time_zone(start.zone.clone()).datetime()
                } else {
                    wall
                }
            };
            Ok(format!("UNTIL={}Z", wall.strftime("%Y%m%dT%H%M%S")))
        })
        .collect();
    Ok(parts?.join(";"))
}
