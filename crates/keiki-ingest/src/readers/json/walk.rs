//! Goes down a path of keys to the records below it, and tells of what stands around them.

use std::collections::BTreeSet;
use std::io::BufRead;

use keiki_model::text::Text;

use crate::error::IngestError;
use crate::limits::Limits;

use super::path::{Path, Step};
use super::records::{Found, Visit, check};
use super::scanner::{Scanner, Value, Within};

/// How many keys are noted for a message.
const KEYS_NOTED: usize = 100;

/// What a walk has come by.
#[derive(Default)]
pub(super) struct Way {
    /// The records so far.
    records: u64,
    /// The line, where records stand in lines.
    pub(super) row: Option<u64>,
    /// Whether there was an object to look in, and whether any had the key that tells files of the
    /// path from others.
    roots: bool,
    has_key: bool,
    /// How far down that key was looked for, and the keys found there.
    depth: usize,
    keys: BTreeSet<String>,
}

impl Way {
    fn next_row(&mut self) -> u64 {
        self.records += 1;
        self.row.unwrap_or(self.records)
    }

    /// Says whether the path led anywhere.
    pub(super) fn finish(self, file: &str, path: &Path) -> Result<(), IngestError> {
        const SHOWN: usize = 20;
        if self.has_key || !self.roots {
            return Ok(());
        }
        Err(IngestError::NoRecords {
            file: file.to_owned(),
            path: path.text.clone(),
            keys: self.keys.into_iter().take(SHOWN).collect(),
        })
    }
}

/// Goes down to the records below objects.
pub(super) struct Walk<'w, R> {
    pub(super) scanner: &'w mut Scanner<R>,
    pub(super) limits: &'w Limits,
    pub(super) path: &'w Path,
    pub(super) way: Way,
}

impl<'w, R: BufRead> Walk<'w, R> {
    const OBJECT: Within = ("オブジェクト", "an object");
    const ARRAY: Within = ("レコードの配列", "an array of records");

    pub(super) fn new(scanner: &'w mut Scanner<R>, limits: &'w Limits, path: &'w Path) -> Self {
        Self {
            scanner,
            limits,
            path,
            way: Way::default(),
        }
    }

    pub(super) fn finish(self, file: &str) -> Result<(), IngestError> {
        self.way.finish(file, self.path)
    }

    /// Reads the object at the next token to its end and hands on the records at `steps` below it.
    pub(super) fn object(
        &mut self,
        steps: &[Step],
        name: &str,
        visit: &mut Visit<'_>,
    ) -> Result<(), IngestError> {
        let before = self.way.records;
        let depth = self.path.steps.len() - steps.len();
        let decisive = self.path.decisive();
        let mut found = false;
        let mut key = Vec::new();
        self.way.roots = true;
        if depth <= decisive && depth > self.way.depth {
            self.way.depth = depth;
            self.way.keys.clear();
        }
        visit(Found::Open)?;
        self.scanner.token(b"{", Self::OBJECT)?;
        if self.scanner.peek_token()? == Some(b'}') {
            self.scanner.token(b"}", Self::OBJECT)?;
        } else {
            loop {
                let key = self.key(&mut key)?;
                if depth == self.way.depth && self.way.keys.len() < KEYS_NOTED {
                    self.way.keys.insert(key.clone());
                }
                let wanted = steps.first().is_some_and(|step| step.key == key) && !found;
                let name = format!("{name}.{key}");
                if wanted {
                    self.step(steps, &name, visit)?;
                    found = true;
                } else {
                    self.around(&name, visit)?;
                }
                if self.scanner.token(b",}", Self::OBJECT)? == b'}' {
                    break;
                }
            }
        }
        self.way.has_key |= depth == decisive && found;
        if self.path.or_none && steps.len() == 1 && self.way.records == before {
            let row = self.way.next_row();
            visit(Found::Record(row, Ok(b"{}")))?;
        }
        visit(Found::Close)
    }

    /// Takes a key and its colon.
    fn key(&mut self, buffer: &mut Vec<u8>) -> Result<String, IngestError> {
        if self.scanner.peek_token()? != Some(b'"') {
            self.scanner.token(b"\"", Self::OBJECT)?;
        }
        self.scanner
            .value(buffer, self.limits.field_bytes, 0, Self::OBJECT)?;
        let key: String = serde_json::from_slice(buffer).map_err(|_| {
            let expected = Text::new("キーとなる文字列", "a text as key");
            self.scanner.unexpected(expected, b'"')
        })?;
        self.scanner.token(b":", Self::OBJECT)?;
        Ok(key)
    }

    /// Goes one step down, into the value at the next token.
    fn step(
        &mut self,
        steps: &[Step],
        name: &str,
        visit: &mut Visit<'_>,
    ) -> Result<(), IngestError> {
        let [step, rest @ ..] = steps else {
            return Ok(());
        };
        let is_first = steps.len() == self.path.steps.len();
        match self.scanner.peek_token()? {
            Some(b'[') if step.is_list => self.list(rest, name, visit),
            Some(b'{') if !step.is_list && rest.is_empty() => self.record(visit),
            Some(b'{') if !step.is_list => self.object(rest, name, visit),
            // Programs write an empty list as null.
            Some(b'n') if !is_first => self.skip(),
            Some(other) => Err(self.scanner.unexpected(
                if step.is_list {
                    Text::new("配列", "an array")
                } else {
                    Text::new("オブジェクト", "an object")
                },
                other,
            )),
            None => Err(self.scanner.truncated(Self::OBJECT)),
        }
    }

    /// Reads the list at the next token: records, or objects in which records are.
    pub(super) fn list(
        &mut self,
        rest: &[Step],
        name: &str,
        visit: &mut Visit<'_>,
    ) -> Result<(), IngestError> {
        self.scanner.token(b"[", Self::ARRAY)?;
        if self.scanner.peek_token()? == Some(b']') {
            self.scanner.token(b"]", Self::ARRAY)?;
            return Ok(());
        }
        loop {
            if rest.is_empty() || self.scanner.peek_token()? != Some(b'{') {
                self.record(visit)?;
            } else {
                self.object(rest, name, visit)?;
            }
            if self.scanner.token(b",]", Self::ARRAY)? == b']' {
                return Ok(());
            }
        }
    }

    fn record(&mut self, visit: &mut Visit<'_>) -> Result<(), IngestError> {
        let mut record = Vec::new();
        let limits = self.limits;
        let value = self.scanner.value(
            &mut record,
            limits.record_bytes,
            limits.json_depth,
            Self::ARRAY,
        )?;
        let row = self.way.next_row();
        visit(Found::Record(row, check(value, &record, limits)))
    }

    /// Hands on a value that stands around records; one that is too long or too deep is left out.
    fn around(&mut self, name: &str, visit: &mut Visit<'_>) -> Result<(), IngestError> {
        let mut value = Vec::new();
        let limits = self.limits;
        let outcome = self.scanner.value(
            &mut value,
            limits.field_bytes,
            limits.json_depth,
            Self::OBJECT,
        )?;
        match outcome {
            Value::Whole => visit(Found::Around(name, &value)),
            Value::TooLong | Value::TooDeep => Ok(()),
        }
    }

    fn skip(&mut self) -> Result<(), IngestError> {
        self.scanner
            .value(&mut Vec::new(), 0, usize::MAX, Self::OBJECT)?;
        Ok(())
    }
}
