//! Turns one JSON object into columns with dotted names.

use std::borrow::Cow;
use std::fmt;

use keiki_model::text::Text;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::IngestError;
use crate::extract::ExtractBuilder;
use crate::limits::Limits;
use crate::readers::faults::{field_too_long, field_with_nul, not_utf8, too_deep};

use super::plain;

/// Takes the values of a record under their dotted names.
pub(crate) trait Sink {
    /// Takes one; returns false if there is one of that name already.
    ///
    /// # Errors
    /// More columns or text than the limits.
    fn take(&mut self, name: &str, value: &str) -> Result<bool, IngestError>;
}

impl Sink for ExtractBuilder<'_> {
    fn take(&mut self, name: &str, value: &str) -> Result<bool, IngestError> {
        let column = self.column(name)?;
        Ok(self.stage(column, value))
    }
}

/// Stages the values of a record, or says why it cannot be read.
///
/// # Errors
/// More columns than the limit.
pub(crate) fn stage(
    record: &[u8],
    limits: &Limits,
    builder: &mut ExtractBuilder<'_>,
) -> Result<Option<Text>, IngestError> {
    if record.first() != Some(&b'{') {
        return Ok(Some(Text::new(
            "オブジェクトではありません",
            "expected an object",
        )));
    }
    value(record, "", limits, builder)
}

/// Hands on the values within a value, whose name begins theirs, or says why it cannot be read.
///
/// # Errors
/// Those of the sink.
pub(crate) fn value(
    text: &[u8],
    name: &str,
    limits: &Limits,
    sink: &mut dyn Sink,
) -> Result<Option<Text>, IngestError> {
    let text = match std::str::from_utf8(text) {
        Ok(text) => text,
        Err(e) => {
            let byte = text.get(e.valid_up_to()).copied().unwrap_or_default();
            return Ok(Some(not_utf8(byte)));
        }
    };
    let mut flatten = Flatten {
        limits,
        sink,
        name: name.to_owned(),
        depth: 0,
    };
    let is_record = name.is_empty() && limits.json_depth > 0;
    let flattened = match is_record.then(|| plain::entries(text)).flatten() {
        Some(entries) => flatten.plain(entries),
        None => flatten.value(text),
    };
    match flattened {
        Ok(()) => Ok(None),
        Err(Fault::Record(detail)) => Ok(Some(detail)),
        Err(Fault::Reading(error)) => Err(error),
    }
}

enum Fault {
    Record(Text),
    Reading(IngestError),
}

struct Flatten<'f> {
    limits: &'f Limits,
    sink: &'f mut dyn Sink,
    name: String,
    depth: usize,
}

impl Flatten<'_> {
    fn object(&mut self, text: &str) -> Result<(), Fault> {
        let entries: Entries<'_> =
            serde_json::from_str(text).map_err(|e| Fault::Record(not_json(&e)))?;
        self.depth += 1;
        if self.depth > self.limits.json_depth {
            return Err(Fault::Record(too_deep(self.limits.json_depth)));
        }
        for (key, value) in entries.0 {
            let length = self.name.len();
            if length > 0 {
                self.name.push('.');
            }
            self.name.push_str(&key);
            self.value(value.get())?;
            self.name.truncate(length);
        }
        self.depth -= 1;
        Ok(())
    }

    fn plain(&mut self, entries: Vec<(&str, &str)>) -> Result<(), Fault> {
        for (key, value) in entries {
            self.take(key, value)?;
        }
        Ok(())
    }

    fn value(&mut self, text: &str) -> Result<(), Fault> {
        match text.as_bytes().first() {
            Some(b'{') => self.object(text),
            Some(b'"') => {
                let value: Borrowed<'_> =
                    serde_json::from_str(text).map_err(|e| Fault::Record(not_json(&e)))?;
                self.leaf(&value.0)
            }
            Some(b'n') => self.leaf(""),
            _ => self.leaf(text),
        }
    }

    fn leaf(&mut self, value: &str) -> Result<(), Fault> {
        if value.contains('\0') {
            return Err(Fault::Record(field_with_nul(&self.name)));
        }
        let name = std::mem::take(&mut self.name);
        let taken = self.take(&name, value);
        self.name = name;
        taken
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if value.len() > self.limits.field_bytes {
            let limit = self.limits.field_bytes;
            return Err(Fault::Record(field_too_long(name, limit)));
        }
        if self.sink.take(name, value).map_err(Fault::Reading)? {
            Ok(())
        } else {
            Err(Fault::Record(Text::new(
                format!("項目名が重複しています: `{name}`"),
                format!("the key `{name}` is given twice"),
            )))
        }
    }
}

fn not_json(error: &serde_json::Error) -> Text {
    let said = message(error);
    Text::new(
        format!("JSONとして読めません: {said}"),
        format!("not valid JSON: {said}"),
    )
}

/// The entries of an object in their order, doubles included.
struct Entries<'t>(Vec<(Cow<'t, str>, &'t RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some((key, value)) = map.next_entry::<Borrowed<'de>, &'de RawValue>()? {
            entries.push((key.0, value));
        }
        Ok(Entries(entries))
    }
}

/// A string that is borrowed where it holds no escapes.
#[derive(serde::Deserialize)]
struct Borrowed<'t>(#[serde(borrow)] Cow<'t, str>);

/// Strips the place, which is relative to the record, from a message of the parser.
pub(crate) fn message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or(&text).to_owned()
}
