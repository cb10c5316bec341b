//! Computes instants from a VERIS timeline, and says why where it cannot.
//!
//! *Source*: VERIS 1.3, `timeline`: the incident's date in parts that may be missing; `discovery`
//! counts from the compromise, `containment` from the discovery, each in a unit with an optional
//! value. Seconds to Weeks are exact durations, Months and Years calendar arithmetic in the local
//! zone; a fraction of a month has no exact meaning and stays unknown.

use std::borrow::Cow;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Zoned};
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::convert::number;
use crate::format::Numbers;

/// An instant that is stated well enough, or why it is not.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Stated {
    At(Zoned),
    Unknown(Text),
}

/// The instants of one report.
pub(super) struct Instants {
    pub(super) intruded: Stated,
    pub(super) detected: Stated,
    pub(super) contained: Stated,
}

/// The timeline as reported.
#[derive(Deserialize, Default)]
pub(super) struct Timeline<'t> {
    #[serde(borrow, default)]
    incident: Incident<'t>,
    #[serde(borrow, default)]
    discovery: Option<Elapsed<'t>>,
    #[serde(borrow, default)]
    containment: Option<Elapsed<'t>>,
}

#[derive(Deserialize, Default)]
struct Incident<'t> {
    #[serde(borrow, default)]
    year: Option<&'t RawValue>,
    #[serde(borrow, default)]
    month: Option<&'t RawValue>,
    #[serde(borrow, default)]
    day: Option<&'t RawValue>,
    #[serde(borrow, default)]
    time: Option<Cow<'t, str>>,
}

#[derive(Deserialize)]
struct Elapsed<'t> {
    #[serde(borrow, default)]
    unit: Option<Cow<'t, str>>,
    #[serde(borrow, default)]
    value: Option<&'t RawValue>,
}

/// A stretch of time: exact, or of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stretch {
    Seconds(i64),
    Months(i64),
}

impl Timeline<'_> {
    /// Computes the instants, with dates and times in `zone`.
    pub(super) fn instants(&self, zone: &TimeZone) -> Instants {
        let intruded = self.incident.instant(zone);
        let discovery = Named {
            key: "discovery",
            elapsed: self.discovery.as_ref(),
            ja: "発見",
            base_ja: "侵入日時",
        };
        let detected = discovery.after(&intruded);
        let containment = Named {
            key: "containment",
            elapsed: self.containment.as_ref(),
            ja: "封じ込め",
            base_ja: "検知日時",
        };
        let contained = containment.after(&detected);
        Instants {
            intruded,
            detected,
            contained,
        }
    }
}

impl Incident<'_> {
    fn instant(&self, zone: &TimeZone) -> Stated {
        let whole =
            |value: Option<&RawValue>| value.and_then(|value| number::whole(bare(value.get())));
        let unknown = |ja: &str, en: &str| {
            Stated::Unknown(Text::new(
                format!("発生日が{ja}"),
                format!("the incident's date is {en}"),
            ))
        };
        let Some(year) = whole(self.year) else {
            return unknown("記載されていない", "not stated");
        };
        let Some(month) = whole(self.month) else {
            return unknown("年までしか分からない", "known only to the year");
        };
        let Some(day) = whole(self.day) else {
            return unknown("月までしか分からない", "known only to the month");
        };
        let date = i16::try_from(year)
            .ok()
            .zip(i8::try_from(month).ok())
            .zip(i8::try_from(day).ok());
        let Some(date) = date.and_then(|((year, month), day)| Date::new(year, month, day).ok())
        else {
            return unknown(
                &format!("存在しない日付である({year}-{month}-{day})"),
                &format!("not a day of the calendar: {year}-{month}-{day}"),
            );
        };
        match self.at_time(date, zone) {
            Some(at) => Stated::At(at),
            None => unknown(
                "読み取れない時刻を持つ",
                "given with a time that cannot be read",
            ),
        }
    }

    /// The instant on a date: at the time if there is one, else at the start of the day. A `Z`
    /// behind the time means UTC.
    fn at_time(&self, date: Date, zone: &TimeZone) -> Option<Zoned> {
        match self
            .time
            .as_deref()
            .map(str::trim)
            .filter(|time| !time.is_empty())
        {
            None => date.to_zoned(zone.clone()).ok(),
            Some(time) => {
                let (time, zone) = match time.strip_suffix('Z') {
                    Some(time) => (time, &TimeZone::UTC),
                    None => (time, zone),
                };
                let time: Time = time.parse().ok()?;
                zone.to_ambiguous_zoned(date.to_datetime(time))
                    .unambiguous()
                    .ok()
            }
        }
    }
}

/// One stretch of a timeline with its names.
struct Named<'n> {
    key: &'static str,
    elapsed: Option<&'n Elapsed<'n>>,
    ja: &'static str,
    base_ja: &'static str,
}

impl Named<'_> {
    /// The instant at the end of the stretch that begins at `base`.
    fn after(&self, base: &Stated) -> Stated {
        let Self { key, ja, .. } = self;
        let unknown = |ja: String, en: String| Stated::Unknown(Text::new(ja, en));
        let (Some(elapsed), false) = (self.elapsed, self.is_blank()) else {
            return unknown(
                format!("{ja}までの期間が記載されていない"),
                format!("{key}: not stated"),
            );
        };
        let unit = elapsed.unit.as_deref().unwrap_or_default();
        let unit_ja = japanese(unit);
        if matches!(unit, "NA" | "Unknown" | "Never") {
            return unknown(
                format!("{ja}: 単位が{unit}である"),
                format!("{key}: unit is {unit}"),
            );
        }
        let Some(value) = elapsed
            .value
            .map(|value| bare(value.get()))
            .filter(|value| *value != "null")
        else {
            return unknown(
                format!("{ja}: 単位が{unit}で値がない"),
                format!("{key}: unit is {unit}, without a value"),
            );
        };
        let Some(stretch) = stretch(unit, value) else {
            return unknown(
                format!("{ja}: {value}{unit_ja}は正確な期間として読めない"),
                format!("{key}: not an exact stretch of time: {value} {unit}"),
            );
        };
        match base {
            Stated::At(at) => add(at, stretch).map_or_else(
                || {
                    unknown(
                        format!("{ja}: {value}{unit_ja}は範囲を超える"),
                        format!("{key}: out of range: {value} {unit}"),
                    )
                },
                Stated::At,
            ),
            Stated::Unknown(why) => unknown(
                format!(
                    "{ja}は{value}{unit_ja}後と記載されているが、{}が定まらない({})",
                    self.base_ja, why.ja
                ),
                self.without_base(&format!("{value} {}", unit.to_lowercase()), &why.en),
            ),
        }
    }

    fn is_blank(&self) -> bool {
        self.elapsed
            .is_none_or(|elapsed| elapsed.unit.is_none() && elapsed.value.is_none())
    }

    fn without_base(&self, stretch: &str, why: &str) -> String {
        let what = if self.key == "discovery" {
            "detection"
        } else {
            "containment"
        };
        format!(
            "{} after {stretch} is stated, but {why}, so that the day of {what} is not",
            self.key
        )
    }
}

/// The text of a number that may stand in quotes.
fn bare(value: &str) -> &str {
    value.trim_matches('"').trim()
}

fn japanese(unit: &str) -> &str {
    match unit {
        "Seconds" => "秒",
        "Minutes" => "分",
        "Hours" => "時間",
        "Days" => "日",
        "Weeks" => "週間",
        "Months" => "か月",
        "Years" => "年",
        other => other,
    }
}

fn stretch(unit: &str, value: &str) -> Option<Stretch> {
    let scaled = |factor: i64| {
        number::decimal(value, 38, 9, &Numbers::default())
            .ok()
            .and_then(|nanos| {
                let product = nanos.checked_mul(i128::from(factor))?;
                let whole = product % 1_000_000_000 == 0 && product >= 0;
                whole
                    .then(|| i64::try_from(product / 1_000_000_000).ok())
                    .flatten()
            })
    };
    match unit {
        "Seconds" => scaled(1).map(Stretch::Seconds),
        "Minutes" => scaled(60).map(Stretch::Seconds),
        "Hours" => scaled(3_600).map(Stretch::Seconds),
        "Days" => scaled(86_400).map(Stretch::Seconds),
        "Weeks" => scaled(604_800).map(Stretch::Seconds),
        "Months" => scaled(1).map(Stretch::Months),
        "Years" => scaled(12).map(Stretch::Months),
        _ => None,
    }
}

fn add(at: &Zoned, stretch: Stretch) -> Option<Zoned> {
    match stretch {
        Stretch::Seconds(seconds) => at.checked_add(SignedDuration::from_secs(seconds)).ok(),
        Stretch::Months(months) => at.checked_add(Span::new().try_months(months).ok()?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instants(json: &str) -> [String; 3] {
        let timeline: Timeline<'_> = serde_json::from_str(json).expect("the test's JSON is valid");
        let zone = TimeZone::get("Asia/Tokyo").expect("the zone is in the database");
        let found = timeline.instants(&zone);
        [found.intruded, found.detected, found.contained].map(|stated| match stated {
            Stated::At(at) => at.timestamp().to_string(),
            Stated::Unknown(why) => why.en,
        })
    }

    #[test]
    fn a_full_timeline_gives_three_instants_of_the_local_zone() {
        let found = instants(
            r#"{"incident": {"year": 2026, "month": 1, "day": 31, "time": "09:30"},
                "discovery": {"unit": "Months", "value": 1}, "containment": {"unit": "Days", "value": 1.5}}"#,
        );
        assert_eq!(
            found,
            [
                "2026-01-31T00:30:00Z",
                "2026-02-28T00:30:00Z",
                "2026-03-01T12:30:00Z"
            ]
        );
    }

    #[test]
    fn a_year_and_a_half_is_eighteen_months_and_half_a_month_is_unknown() {
        let at = r#""incident": {"year": 2026, "month": 1, "day": 1}"#;
        let found = instants(&format!(
            r#"{{{at}, "discovery": {{"unit": "Years", "value": 1.5}}}}"#
        ));
        assert_eq!(found[1], "2027-06-30T15:00:00Z");
        let found = instants(&format!(
            r#"{{{at}, "discovery": {{"unit": "Months", "value": 0.5}}}}"#
        ));
        assert_eq!(
            found[1],
            "discovery: not an exact stretch of time: 0.5 Months"
        );
    }

    #[test]
    fn a_date_known_to_the_month_leaves_all_unknown_and_says_so() {
        let found = instants(
            r#"{"incident": {"year": 2026, "month": 1}, "discovery": {"unit": "Months", "value": 4}}"#,
        );
        assert_eq!(found[0], "the incident's date is known only to the month");
        assert_eq!(
            found[1],
            "discovery after 4 months is stated, but the incident's date is known only to the month, \
             so that the day of detection is not"
        );
        assert_eq!(found[2], "containment: not stated");
    }

    #[test]
    fn a_unit_without_a_value_is_not_zero() {
        let at = r#""incident": {"year": 2026, "month": 1, "day": 1}"#;
        for (discovery, expected) in [
            (r#"{"unit": "NA"}"#, "discovery: unit is NA"),
            (
                r#"{"unit": "Unknown", "value": 0}"#,
                "discovery: unit is Unknown",
            ),
            (
                r#"{"unit": "Weeks"}"#,
                "discovery: unit is Weeks, without a value",
            ),
            (
                r#"{"unit": "Hours", "value": -1}"#,
                "discovery: not an exact stretch of time: -1 Hours",
            ),
        ] {
            let found = instants(&format!(r#"{{{at}, "discovery": {discovery}}}"#));
            assert_eq!(found[1], expected);
        }
    }
}
