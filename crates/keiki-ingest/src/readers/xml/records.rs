//! Walks through a document and makes a row of each element at the path.

use keiki_model::evidence::Reason;
use keiki_model::text::Text;

use crate::enclosing::{Enclosing, Fields, ROOT};
use crate::error::IngestError;
use crate::extract::ExtractBuilder;
use crate::limits::{Limits, Quantity};
use crate::place::InputFile;
use crate::readers::faults::{field_too_long, too_deep, too_long};

use super::document::{Attributes, Document, Piece};
use super::path::{Keys, Path};

/// Texts of no more bytes are used again.
const KEPT_BYTES: usize = 4 << 10;

/// The column of a record's own text.
const TEXT: &str = "text()";

/// What an open element is to the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Outside of what the path begins with.
    Outside,
    /// A step of the path.
    Step,
    /// Below a step, or within a record.
    Below,
}

/// A walk through one document.
pub(super) struct Records<'r, 'b> {
    path: &'r Path,
    keys: &'r Keys,
    limits: &'r Limits,
    builder: &'r mut ExtractBuilder<'b>,
    enclosing: Enclosing,
    open: Vec<Role>,
    /// The text of each open element so far; behind them, texts of elements that are closed, to be used again.
    texts: Vec<String>,
    /// How many steps of the path are open.
    steps: usize,
    /// The names of the elements below the innermost step, with points between, and where each begins.
    below: String,
    segments: Vec<usize>,
    record: Fields,
    fault: Option<Text>,
    /// The records so far, and their number when the last step but one began.
    rows: u64,
    rows_before: u64,
    found_first: bool,
}

impl<'r, 'b> Records<'r, 'b> {
    pub(super) fn new(
        path: &'r Path,
        keys: &'r Keys,
        limits: &'r Limits,
        builder: &'r mut ExtractBuilder<'b>,
    ) -> Self {
        Self {
            path,
            keys,
            limits,
            builder,
            enclosing: Enclosing::default(),
            open: Vec::new(),
            texts: Vec::new(),
            steps: 0,
            below: String::new(),
            segments: Vec::new(),
            record: Fields::default(),
            fault: None,
            rows: 0,
            rows_before: 0,
            found_first: false,
        }
    }

    /// Reads a document to its end.
    ///
    /// # Errors
    /// It is not well-formed, or its root is not the path's.
    pub(super) fn read(mut self, input: &InputFile) -> Result<(), IngestError> {
        let mut document = Document::open(input, self.limits.xml_piece_bytes)?;
        let mut root = None;
        let mut buffer = Vec::new();
        loop {
            match document.next(&mut buffer)? {
                Piece::Start(start) => {
                    let name = start.local_name();
                    root.get_or_insert_with(|| name.as_ref().to_owned());
                    self.start(name.as_ref(), &document.attributes(&start)?)?;
                }
                Piece::Text(text) => self.text(&text.content()),
                Piece::End => self.end()?,
                Piece::Other => {}
                Piece::Eof => break,
            }
        }
        match root {
            None => Err(IngestError::Truncated {
                place: document.place(),
                within: Box::new(Text::new("要素のない文書", "a document without an element")),
            }),
            Some(root) if !self.found_first => Err(IngestError::NoRecords {
                file: input.name.clone(),
                path: self.path.text.clone(),
                keys: vec![root],
            }),
            Some(_) => Ok(()),
        }
    }

    fn is_in_record(&self) -> bool {
        self.steps == self.path.steps.len()
    }

    fn start(&mut self, name: &str, attributes: &Attributes) -> Result<(), IngestError> {
        let role = self.role(name);
        match self.texts.get_mut(self.open.len()) {
            Some(text) => text.clear(),
            None => self.texts.push(String::new()),
        }
        self.open.push(role);
        match role {
            Role::Outside => return self.check_depth(),
            Role::Step => {
                self.found_first = true;
                self.steps += 1;
                if self.is_in_record() {
                    self.record.clear();
                    self.fault = None;
                } else {
                    self.enclosing.open(self.builder);
                    if self.steps + 1 == self.path.steps.len() {
                        self.rows_before = self.rows;
                    }
                }
            }
            Role::Below => {
                self.check_depth()?;
                self.descend(name, attributes);
            }
        }
        let key = match role {
            Role::Below => self.keys.attribute(name),
            _ => None,
        };
        for (name, value) in attributes {
            if key != Some(name) {
                self.field(&format!("@{name}"), value)?;
            }
        }
        Ok(())
    }

    fn role(&self, name: &str) -> Role {
        let is_at_step = self.segments.is_empty() && !self.is_in_record();
        let wanted = self.path.steps.get(self.steps).is_some_and(|s| s == name);
        if self.steps > 0 {
            return if is_at_step && wanted {
                Role::Step
            } else {
                Role::Below
            };
        }
        if wanted && (self.path.is_anywhere || self.open.is_empty()) {
            Role::Step
        } else {
            Role::Outside
        }
    }

    /// Puts the name of an element behind those of the elements around it, as it is in the name of a column.
    fn descend(&mut self, name: &str, attributes: &Attributes) {
        self.segments.push(self.below.len());
        if !self.below.is_empty() {
            self.below.push('.');
        }
        self.below.push_str(name);
        let key = self.keys.attribute(name);
        let key = key.and_then(|key| attributes.iter().find(|(name, _)| name == key));
        if let Some((_, value)) = key {
            self.below.push('[');
            self.below.push_str(value);
            self.below.push(']');
        }
    }

    /// A document that is nested too deeply costs a record, or is refused where there is none.
    fn check_depth(&mut self) -> Result<(), IngestError> {
        let limit = self.limits.xml_depth;
        if self.is_in_record() {
            if self.segments.len() >= limit {
                self.fault.get_or_insert_with(|| too_deep(limit));
            }
            Ok(())
        } else if self.open.len() > limit + self.path.steps.len() {
            Err(self.builder.too_large(Quantity::XmlLevels, limit))
        } else {
            Ok(())
        }
    }

    fn text(&mut self, text: &str) {
        let room = self.limits.field_bytes + 1;
        let innermost = self.open.len().checked_sub(1);
        let so_far = innermost.and_then(|innermost| self.texts.get_mut(innermost));
        if let Some(so_far) = so_far.filter(|t| t.len() < room) {
            so_far.push_str(text);
        }
    }

    fn end(&mut self) -> Result<(), IngestError> {
        let role = self.open.pop();
        let text = self.texts.get_mut(self.open.len());
        let text = text.map(std::mem::take).unwrap_or_default();
        self.close(role, text.trim())?;
        let place = self.texts.get_mut(self.open.len());
        if let Some(place) = place.filter(|_| text.capacity() <= KEPT_BYTES) {
            *place = text;
        }
        Ok(())
    }

    fn close(&mut self, role: Option<Role>, text: &str) -> Result<(), IngestError> {
        match role {
            None | Some(Role::Outside) => {}
            Some(Role::Below) => {
                self.field("", text)?;
                self.below.truncate(self.segments.pop().unwrap_or_default());
            }
            Some(Role::Step) if self.is_in_record() => {
                self.field(TEXT, text)?;
                self.finish_record()?;
                self.steps -= 1;
            }
            Some(Role::Step) => {
                let is_last = self.steps + 1 == self.path.steps.len();
                if is_last && self.path.or_none && self.rows == self.rows_before {
                    self.record.clear();
                    self.fault = None;
                    self.finish_record()?;
                }
                self.enclosing.close(self.builder)?;
                self.steps -= 1;
            }
        }
        Ok(())
    }

    /// Notes a value of the innermost element.
    fn field(&mut self, name: &str, value: &str) -> Result<(), IngestError> {
        if value.is_empty() || self.fault.is_some() {
            return Ok(());
        }
        let is_long = value.len() > self.limits.field_bytes;
        if !self.is_in_record() {
            let column = self.column_around(name);
            // What is too long to be a field is left out, as in JSON.
            return if is_long {
                Ok(())
            } else {
                self.enclosing.add(&column, value, self.builder)
            };
        }
        let length = self.below.len();
        if !name.is_empty() {
            if length > 0 {
                self.below.push('.');
            }
            self.below.push_str(name);
        }
        let found = self.builder.wanted_column(&self.below);
        if let (Ok(Some(_)), true) = (&found, is_long) {
            let (column, limit) = (&self.below, self.limits.field_bytes);
            self.fault = Some(field_too_long(column, limit));
        }
        self.below.truncate(length);
        let Some(number) = found?.filter(|_| !is_long) else {
            return Ok(());
        };
        if self.record.bytes() + value.len() > self.limits.record_bytes {
            let limit = self.limits.record_bytes;
            self.fault = Some(too_long(limit));
        } else {
            self.record.add(number, value);
        }
        Ok(())
    }

    /// The name of a column around records, from the path's first step on.
    fn column_around(&self, name: &str) -> String {
        let mut parts: Vec<&str> = vec![ROOT];
        let steps = &self.path.steps[..self.steps];
        parts.extend(steps.iter().skip(1).map(String::as_str));
        parts.extend(
            [self.below.as_str(), name]
                .iter()
                .filter(|part| !part.is_empty()),
        );
        parts.join(".")
    }

    fn finish_record(&mut self) -> Result<(), IngestError> {
        self.rows += 1;
        if let Some(detail) = self.fault.take() {
            let reason = Reason::Unreadable { detail };
            return self.builder.reject(self.rows, reason);
        }
        self.enclosing.stage(self.builder)?;
        self.record.stage(self.builder);
        self.builder.accept(self.rows)?;
        Ok(())
    }
}
