//! Reads issues of Redmine: each version of an issue is a row with the time at which Redmine knew it.
//!
//! *Shape*: one row per version, oldest first, with `id`, `version` (from 0), `known_at`, the issue's
//! attributes as they were then (`status`, `priority`, `subject`, …, custom fields as `custom.<name>`),
//! `status_is_closed`, and `closed_on`: when the status last became a closed one, null while it is open.
//!
//! *Source*: a journal of Redmine says what an attribute was before and after; the versions are found
//! by taking the journals back one after another from the issue as it is. Attributes whose names
//! Redmine gives as numbers are named by its lists; a number that is on none stays as `#5`.

use std::collections::HashMap;

use jiff::Timestamp;
use keiki_model::evidence::Reason;
use keiki_model::text::Text;
use serde_json::{Map, Value};

use crate::error::IngestError;
use crate::extract::{AbsentColumn, ExtractBuilder};
use crate::place::InputFile;
use crate::reading::Context;
use crate::source::Source;

use super::json::flatten;
use super::json::records::{self, Found};

/// The file that says what was fetched, and with what names; any other holds issues.
const ABOUT: &str = "about.json";

/// Attributes that are things with an id and a name: in an issue, and in its journals.
const NAMED: [(&str, &str); 6] = [
    ("status", "status_id"),
    ("tracker", "tracker_id"),
    ("priority", "priority_id"),
    ("assigned_to", "assigned_to_id"),
    ("category", "category_id"),
    ("fixed_version", "fixed_version_id"),
];

/// What goes with the issues.
#[derive(Default)]
struct About {
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    names: HashMap<(&'static str, String), String>,
    closed: Vec<String>,
}

/// Reads the files as one reading.
///
/// # Errors
/// A file cannot be read at all, or is cut off.
pub(crate) fn read(
    input: &[InputFile],
    source: &Source,
    context: &Context<'_>,
    rows: &mut ExtractBuilder<'_>,
) -> Result<AbsentColumn, IngestError> {
    let limits = &context.limits;
    let (about, issues): (Vec<_>, Vec<_>) =
        input.iter().partition(|file| file.name.ends_with(ABOUT));
    let about = match about.first() {
        Some(file) => About::read(file)?,
        None => About::default(),
    };
    for file in issues {
        rows.begin_file(&file.name);
        records::each(
            file,
            source.format.records.as_deref(),
            limits,
            &mut |found| {
                let Found::Record(row, record) = found else {
                    return Ok(());
                };
                let issue = record.and_then(|record| {
                    serde_json::from_slice::<Value>(record).map_err(|e| Reason::Unreadable {
                        detail: Text::quoted(e),
                    })
                });
                let versions = match issue.and_then(|issue| about.versions(&issue)) {
                    Ok(versions) => versions,
                    Err(reason) => {
                        rows.reject(row, reason)?;
                        return Ok(());
                    }
                };
                for version in versions {
                    let text = Value::Object(version).to_string();
                    match flatten::stage(text.as_bytes(), limits, rows)? {
                        Some(detail) => rows.reject(row, Reason::Unreadable { detail })?,
                        None => rows.accept(row)?,
                    }
                }
                Ok(())
            },
        )?;
    }
    Ok(AbsentColumn::Null)
}

impl About {
    fn read(file: &InputFile) -> Result<Self, IngestError> {
        let bytes = std::fs::read(&file.path).map_err(|e| IngestError::io(&file.name, e))?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|e| IngestError::Syntax {
            place: keiki_model::problem::Place::file(&file.name),
            expected: Box::new(Text::new(
                "Redmineから取得したJSON",
                "what was fetched from Redmine, as JSON",
            )),
            found: Box::new(Text::quoted(e)),
        })?;
        let mut about = Self {
            since: instant(&value["since"]),
            until: instant(&value["until"]),
            ..Self::default()
        };
        let lists = [
            ("statuses", "status"),
            ("trackers", "tracker"),
            ("priorities", "priority"),
        ];
        for (list, name) in lists {
            for entry in value[list].as_array().into_iter().flatten() {
                let text = entry["name"].as_str().unwrap_or_default().to_owned();
                about.names.insert((name, entry["id"].to_string()), text);
                if entry["is_closed"] == true {
                    about.closed.push(entry["id"].to_string());
                }
            }
        }
        Ok(about)
    }

    /// The versions of an issue that are new, oldest first.
    fn versions(&self, issue: &Value) -> Result<Vec<Map<String, Value>>, Reason> {
        let unreadable = |ja: &str, en: &str| Reason::Unreadable {
            detail: Text::new(ja, en),
        };
        let created = issue["created_on"].as_str();
        let created = created.ok_or_else(|| {
            unreadable(
                "チケットにcreated_onがありません",
                "an issue without created_on",
            )
        })?;
        let journals = issue["journals"].as_array().map_or(&[][..], Vec::as_slice);
        let mut state = state(issue);
        let mut versions = Vec::new();
        for journal in journals.iter().rev() {
            let at = journal["created_on"].as_str();
            let at = at.ok_or_else(|| {
                unreadable(
                    "履歴にcreated_onがありません",
                    "a journal without created_on",
                )
            })?;
            let before = self.undone(&state, journal);
            if before != state {
                versions.push((at.to_owned(), state));
            }
            state = before;
        }
        versions.push((created.to_owned(), state));
        versions.reverse();
        let mut closed_on = None;
        let mut rows = Vec::new();
        for (number, (at, mut version)) in versions.into_iter().enumerate() {
            let is_closed = version
                .get("status_id")
                .is_some_and(|id| self.closed.contains(&id.to_string()));
            closed_on = match (is_closed, closed_on) {
                (false, _) => None,
                (true, Some(before)) => Some(before),
                (true, None) => Some(at.clone()),
            };
            version.insert("version".into(), number.into());
            version.insert("status_is_closed".into(), is_closed.into());
            version.insert("closed_on".into(), closed_on.clone().into());
            let known = at.parse::<Timestamp>().ok();
            version.insert("known_at".into(), at.into());
            let is_new = self
                .since
                .is_none_or(|since| known.is_none_or(|at| at > since))
                && self
                    .until
                    .is_none_or(|until| known.is_none_or(|at| at <= until));
            if is_new {
                rows.push(version);
            }
        }
        Ok(rows)
    }

    /// The issue before a journal.
    fn undone(&self, state: &Map<String, Value>, journal: &Value) -> Map<String, Value> {
        let mut before = state.clone();
        for detail in journal["details"].as_array().into_iter().flatten() {
            let name = detail["name"].as_str().unwrap_or_default();
            let old = match &detail["old_value"] {
                Value::String(text) if text.is_empty() => Value::Null,
                value => value.clone(),
            };
            match detail["property"].as_str() {
                Some("cf") => {
                    let key = state
                        .keys()
                        .find(|key| key.starts_with(&format!("custom.{name}.")))
                        .cloned();
                    before.insert(key.unwrap_or_else(|| format!("custom.{name}.")), old);
                }
                Some("attr") => match NAMED.iter().find(|(_, id)| *id == name) {
                    Some((thing, id)) => {
                        before.insert((*thing).to_owned(), self.named(thing, &old));
                        before.insert((*id).to_owned(), number(old));
                    }
                    None => {
                        before.insert(name.to_owned(), old);
                    }
                },
                _ => {}
            }
        }
        before
    }

    fn named(&self, thing: &'static str, id: &Value) -> Value {
        let Some(id) = id.as_str() else {
            return Value::Null;
        };
        let known = self.names.get(&(thing, id.to_owned())).cloned();
        known.unwrap_or_else(|| format!("#{id}")).into()
    }
}

/// The issue as it is.
fn state(issue: &Value) -> Map<String, Value> {
    let mut state = Map::new();
    for (key, value) in issue.as_object().into_iter().flatten() {
        match (key.as_str(), value) {
            // These say nothing of a version, or are made anew for each.
            (
                "journals"
                | "updated_on"
                | "closed_on"
                | "attachments"
                | "relations"
                | "children"
                | "changesets"
                | "watchers"
                | "allowed_statuses"
                | "spent_hours"
                | "total_spent_hours"
                | "total_estimated_hours",
                _,
            ) => {}
            ("custom_fields", Value::Array(fields)) => {
                for field in fields {
                    let id = field["id"].to_string();
                    state.insert(custom(issue, &id), field["value"].clone());
                }
            }
            (_, Value::Object(thing)) => {
                state.insert(
                    format!("{key}_id"),
                    thing.get("id").cloned().unwrap_or_default(),
                );
                let name = thing.get("name").or(thing.get("id")).cloned();
                state.insert(key.clone(), name.unwrap_or_default());
            }
            _ => {
                state.insert(key.clone(), value.clone());
            }
        }
    }
    for (name, id) in NAMED {
        state.entry(name).or_insert(Value::Null);
        state.entry(id).or_insert(Value::Null);
    }
    state
}

/// Journals write numbers as texts; issues do not.
fn number(value: Value) -> Value {
    let parsed = value.as_str().and_then(|text| text.parse::<u64>().ok());
    parsed.map_or(value, Value::from)
}

fn custom(issue: &Value, id: &str) -> String {
    let mut fields = issue["custom_fields"].as_array().into_iter().flatten();
    let has_id = |field: &&Value| {
        field["id"]
            .as_u64()
            .is_some_and(|found| found.to_string() == id)
    };
    let field = fields.find(has_id);
    let name = field
        .and_then(|field| field["name"].as_str())
        .unwrap_or_default();
    format!("custom.{id}.{name}")
}

fn instant(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}
