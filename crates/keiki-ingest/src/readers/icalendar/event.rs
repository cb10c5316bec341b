//! One event of a calendar as it stood.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use keiki_model::problem::Place;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::limits::{Limits, Quantity};
use crate::lines;
use crate::place::InputFile;

use super::property::{Lines, Property};

/// Time zones as Windows names them, where calendars of Outlook need them most.
const WINDOWS_ZONES: [(&str, &str); 14] = [
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("India Standard Time", "Asia/Kolkata"),
    ("GMT Standard Time", "Europe/London"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Eastern Standard Time", "America/New_York"),
    ("Central Standard Time", "America/Chicago"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
];

/// A time on the clock of a place.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) wall: DateTime,
    pub(super) zone: TimeZone,
    pub(super) is_day: bool,
}

impl Moment {
    /// The instant; where the clock is put forward or back, as most calendars take it.
    pub(super) fn instant(&self) -> Timestamp {
        self.at(self.wall)
    }

    /// The instant of another time on the same clock.
    pub(super) fn at(&self, wall: DateTime) -> Timestamp {
        let ambiguous = self.zone.to_ambiguous_timestamp(wall);
        ambiguous.compatible().unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// An event.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) uid: String,
    pub(super) start: Moment,
    pub(super) end: Option<Timestamp>,
    /// The occurrence in whose place it stands.
    pub(super) recurrence: Option<Moment>,
    pub(super) rule: Option<String>,
    pub(super) excluded: Vec<Moment>,
    pub(super) added: Vec<Moment>,
    pub(super) is_cancelled: bool,
    pub(super) changed: Option<Timestamp>,
    properties: Vec<Property>,
}

/// The line in which an event begins, and the event or why it cannot be read.
/// What a calendar begins with.
const FIRST_LINE: &str = "BEGIN:VCALENDAR";

pub(super) type Numbered = (u64, Result<Event, Text>);

/// Reads the events of a calendar with the line in which each begins.
///
/// # Errors
/// The file is no calendar, is cut off, or is larger than the limit.
pub(super) fn read(
    input: &InputFile,
    zone: &TimeZone,
    limits: &Limits,
) -> Result<Vec<Numbered>, IngestError> {
    let mut lines = Lines::new(lines::open(input)?, &input.name, limits.record_bytes);
    let mut events = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut event: Option<(u64, Vec<Property>)> = None;
    let (mut is_calendar, mut is_cancelled, mut bytes) = (false, false, 0_usize);
    while let Some((number, line)) = lines.next()? {
        bytes = bytes.saturating_add(line.len());
        if bytes > limits.calendar_bytes {
            return Err(IngestError::TooLarge {
                file: input.name.clone(),
                what: Quantity::CalendarBytes,
                limit: limits.calendar_bytes,
            });
        }
        let Some(property) = Property::parse(&line) else {
            continue;
        };
        let value = property.value.trim().to_ascii_uppercase();
        match property.name.as_str() {
            "BEGIN" => {
                is_calendar |= value == "VCALENDAR";
                if value == "VEVENT" {
                    event = Some((number, Vec::new()));
                }
                open.push(value);
            }
            "END" => {
                open.pop();
                if value == "VEVENT"
                    && let Some((number, properties)) = event.take()
                {
                    events.push((number, Event::new(properties, is_cancelled, zone)));
                }
            }
            "METHOD" if event.is_none() => is_cancelled |= value == "CANCEL",
            _ if open.last().is_some_and(|name| name == "VEVENT") => {
                if let Some((_, properties)) = &mut event {
                    properties.push(property);
                }
            }
            _ => {}
        }
    }
    let place = Place {
        file: input.name.clone(),
        line: usize::try_from(lines.number()).unwrap_or(usize::MAX),
        column: 1,
    };
    match open.last() {
        _ if !is_calendar => Err(IngestError::Syntax {
            place: Place { line: 1, ..place },
            expected: Box::new(Text::quoted(FIRST_LINE)),
            found: Box::new(Text::new("別のもの", "something else")),
        }),
        Some(name) => Err(IngestError::Truncated {
            place,
            within: Box::new(Text::quoted(name)),
        }),
        None => Ok(events),
    }
}

impl Event {
    fn new(properties: Vec<Property>, is_cancelled: bool, zone: &TimeZone) -> Result<Self, Text> {
        let find = |name: &str| properties.iter().find(|property| property.name == name);
        let moments = |name: &str| -> Result<Vec<Moment>, Text> {
            let all = properties.iter().filter(|property| property.name == name);
            let lists = all.map(|property| moments(property, zone));
            Ok(lists.collect::<Result<Vec<_>, _>>()?.concat())
        };
        let first = |name: &str| Ok::<_, Text>(moments(name)?.into_iter().next());
        let uid = find("UID").map(|uid| uid.value.trim().to_owned());
        let uid = uid.filter(|uid| !uid.is_empty());
        let start = first("DTSTART")?.ok_or_else(|| missing("DTSTART"))?;
        let end = match (first("DTEND")?, find("DURATION")) {
            (Some(end), _) => Some(end.instant()),
            (None, Some(duration)) => Some(after(&start, &duration.value)?),
            (None, None) => None,
        };
        if end.is_some_and(|end| end < start.instant()) {
            return Err(Text::new(
                "予定の終了が開始より前です",
                "the event ends before it begins",
            ));
        }
        let status = find("STATUS").map(|status| status.value.trim().to_ascii_uppercase());
        Ok(Self {
            uid: uid.ok_or_else(|| missing("UID"))?,
            end,
            recurrence: first("RECURRENCE-ID")?,
            rule: find("RRULE").map(|rule| rule.value.trim().to_ascii_uppercase()),
            excluded: moments("EXDATE")?,
            added: moments("RDATE")?,
            is_cancelled: is_cancelled || status.as_deref() == Some("CANCELLED"),
            changed: first("LAST-MODIFIED")?
                .or(first("DTSTAMP")?)
                .map(|moment| moment.instant()),
            start,
            properties,
        })
    }

    /// The text of a property.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let found = self.properties.iter().find(|p| p.name == name);
        found.map(Property::text)
    }

    /// The texts of all properties of a name, joined.
    pub(super) fn texts(&self, name: &str) -> Option<String> {
        let all = self.properties.iter().filter(|p| p.name == name);
        joined(all.map(|property| property.text().replace(',', ";")))
    }

    /// The addresses in a property, of those alone whose answer is the one given.
    pub(super) fn addresses(&self, name: &str, answer: Option<&str>) -> Option<String> {
        let all = self.properties.iter().filter(|p| p.name == name);
        let answered = all.filter(|property| match answer {
            None => true,
            Some(answer) => property
                .parameter("PARTSTAT")
                .is_some_and(|given| given.eq_ignore_ascii_case(answer)),
        });
        joined(answered.map(|property| {
            let address = property.value.trim().to_lowercase();
            address
                .strip_prefix("mailto:")
                .unwrap_or(&address)
                .to_owned()
        }))
    }
}

fn missing(name: &str) -> Text {
    Text::new(
        format!("予定に {name} がありません"),
        format!("the event has no {name}"),
    )
}

pub(super) fn no_moment(text: &str) -> Text {
    Text::new(
        format!("日付または日時として読めません: {text}"),
        format!("not a date or time: {text}"),
    )
}

fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    let texts: Vec<String> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(";"))
}

fn after(start: &Moment, duration: &str) -> Result<Timestamp, Text> {
    let span: Span = duration.trim().parse().map_err(|_| {
        Text::new(
            format!("期間として読めません: {duration}"),
            format!("not a duration: {duration}"),
        )
    })?;
    let wall = start.wall.checked_add(span);
    let wall = wall.map_err(|_| {
        Text::new(
            format!("期間が長すぎます: {duration}"),
            format!("a duration out of range: {duration}"),
        )
    })?;
    Ok(start.at(wall))
}

/// The times of a property, which may be several with commas between them.
fn moments(property: &Property, zone: &TimeZone) -> Result<Vec<Moment>, Text> {
    let zone = match property.parameter("TZID") {
        Some(name) => zone_named(name).ok_or_else(|| {
            Text::new(
                format!("時間帯がありません: {name}"),
                format!("unknown time zone: {name}"),
            )
        })?,
        None => zone.clone(),
    };
    let texts = property.value.split(',').map(str::trim);
    texts.map(|text| moment(text, &zone)).collect()
}

fn zone_named(name: &str) -> Option<TimeZone> {
    let windows = WINDOWS_ZONES.iter().find(|(windows, _)| *windows == name);
    let name = windows.map_or(name, |(_, iana)| iana);
    TimeZone::get(name).ok().or_else(|| {
        // Some programs put the name of their database before that of the zone.
        let mut parts = name.rsplit('/');
        let (city, region) = (parts.next()?, parts.next()?);
        TimeZone::get(&format!("{region}/{city}")).ok()
    })
}

fn moment(text: &str, zone: &TimeZone) -> Result<Moment, Text> {
    let fault = || no_moment(text);
    // A period begins with its start.
    let text = text.split('/').next().unwrap_or(text);
    if text.len() == 8 {
        let date = Date::strptime("%Y%m%d", text).map_err(|_| fault())?;
        return Ok(Moment {
            wall: date.to_datetime(jiff::civil::Time::midnight()),
            zone: zone.clone(),
            is_day: true,
        });
    }
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, TimeZone::UTC),
        None => (text, zone.clone()),
    };
    Ok(Moment {
        wall: DateTime::strptime("%Y%m%dT%H%M%S", text).map_err(|_| fault())?,
        zone,
        is_day: false,
    })
}
