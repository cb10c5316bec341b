//! Reads calendars: an event is a row, and of an event that recurs each occurrence.
//!
//! *Source*: RFC 5545 (iCalendar); recurrence rules by the crate `rrule`. Columns: `id` (the UID, and behind `/` the day of an
//! occurrence that recurs), `uid`, `summary`, `description`, `location`, `categories`, `status`, `start_at`, `start_on`, `end_at`,
//! `duration_minutes`, `organizer`, `attendees`, `accepted`, `declined`, `tentative` (addresses in lower case, joined with
//! `;`), `is_past`, `is_cancelled`, `changed_on`. Occurrences are those from the source's window on until a year after the day that
//! the reading speaks for. An exception takes the place of its occurrence, one that is excluded is left out. Times without a zone, and whole days, are
//! in the source's zone. An event that cannot be read is rejected; a calendar that has no end was cut off, which is an error.

mod event;
mod occurrences;
mod property;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use keiki_model::calendar::{Day, day_of};
use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use event::{Event, Numbered};
use occurrences::{Occurrence, Window};

/// How long after the reading's day occurrences are listed.
const AHEAD_DAYS: Day = 366;

/// Reads the files as one reading.
///
/// # Errors
/// A file is no calendar, is cut off, or is larger than the limit.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    let zone = source.format.zone.as_ref().unwrap_or(&context.zone);
    let window = Window {
        from: source.window_from,
        until: context.as_of.saturating_add(AHEAD_DAYS),
        most: limits.occurrence_count,
    };
    for file in input {
        rows.begin_file(&file.name);
        let events = event::read(file, zone, limits)?;
        let exceptions = exceptions(&events);
        for (line, event) in &events {
            match event {
                Err(detail) => reject(rows, *line, detail.clone())?,
                Ok(event) => match occurrences::of(event, &exceptions, &window) {
                    Err(detail) => reject(rows, *line, detail)?,
                    Ok(all) => {
                        for occurrence in all {
                            let shown = Shown {
                                event,
                                occurrence: &occurrence,
                                zone,
                                as_of: context.as_of,
                            };
                            shown.stage(rows)?;
                            rows.accept(*line)?;
                        }
                    }
                },
            }
        }
    }
    Ok(AbsentColumn::Null)
}

fn reject(builder: &mut ExtractBuilder<'_>, line: u64, detail: Text) -> Result<(), IngestError> {
    builder.reject(line, Reason::Unreadable { detail })
}

/// By UID, the occurrences in whose place an exception stands.
fn exceptions(events: &[Numbered]) -> BTreeMap<&str, BTreeSet<Timestamp>> {
    let mut exceptions: BTreeMap<&str, BTreeSet<Timestamp>> = BTreeMap::new();
    for (_, event) in events {
        if let Ok(Event {
            uid,
            recurrence: Some(moment),
            ..
        }) = event
        {
            exceptions.entry(uid).or_default().insert(moment.instant());
        }
    }
    exceptions
}

/// An occurrence as it is shown in columns.
struct Shown<'s> {
    event: &'s Event,
    occurrence: &'s Occurrence,
    zone: &'s TimeZone,
    as_of: Day,
}

impl Shown<'_> {
    fn stage(&self, builder: &mut ExtractBuilder<'_>) -> Result<(), IngestError> {
        let event = self.event;
        let start = self.occurrence.start;
        let end = self.occurrence.end;
        let start_on = start.to_zoned(self.zone.clone()).date();
        let minutes = end.map(|end| end.duration_since(start).as_mins().to_string());
        let id = match &self.occurrence.label {
            Some(label) => format!("{}/{label}", event.uid),
            None => event.uid.clone(),
        };
        let truth = |value: bool| if value { "true" } else { "false" }.to_owned();
        let changed = event.changed.map(|changed| {
            let date = changed.to_zoned(self.zone.clone()).date();
            date.to_string()
        });
        let values = [
            ("id", Some(id)),
            ("uid", Some(event.uid.clone())),
            ("summary", event.text("SUMMARY")),
            ("description", event.text("DESCRIPTION")),
            ("location", event.text("LOCATION")),
            ("categories", event.texts("CATEGORIES")),
            ("status", event.text("STATUS")),
            ("start_at", Some(start.to_string())),
            ("start_on", Some(start_on.to_string())),
            ("end_at", end.map(|end| end.to_string())),
            ("duration_minutes", minutes),
            ("organizer", event.addresses("ORGANIZER", None)),
            ("attendees", event.addresses("ATTENDEE", None)),
            ("accepted", event.addresses("ATTENDEE", Some("ACCEPTED"))),
            ("declined", event.addresses("ATTENDEE", Some("DECLINED"))),
            ("tentative", event.addresses("ATTENDEE", Some("TENTATIVE"))),
            ("is_past", Some(truth(day_of(start_on) <= self.as_of))),
            ("is_cancelled", Some(truth(event.is_cancelled))),
            ("changed_on", changed),
        ];
        for (name, value) in values {
            let (Some(value), Some(column)) = (value, builder.wanted_column(name)?) else {
                continue;
            };
            let _first = builder.stage(column, &value);
        }
        Ok(())
    }
}
