//! Reads a TOML document key by key, keeps where each value stands, and collects every problem instead of stopping at the first.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Lines, Place, Problem, nearest};
use crate::text::Text;

/// A string of a document with the place of its first character.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Located {
    /// The string.
    pub value: String,
    /// Where its first character stands.
    pub place: Place,
}

struct Source {
    file: String,
    text: String,
    lines: Lines,
    problems: RefCell<Vec<Problem>>,
}

impl Source {
    fn place(&self, offset: usize) -> Place {
        self.lines.place(&self.file, &self.text, offset)
    }
}

/// A table of the document that is being read. Keys that nobody asked for are problems once `finish` is called.
pub struct Node<'t> {
    source: Rc<Source>,
    table: &'t DeTable<'t>,
    span: Range<usize>,
    seen: RefCell<BTreeSet<String>>,
}

/// Reads `text` as TOML and hands its root to `read`. Returns what was read, or all problems found.
///
/// # Errors
/// Every syntax fault, unknown key, missing key and wrong type, in the order of their places.
pub fn read_document<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> Result<T, Vec<Problem>> {
    let (value, problems) = read_document_in_part(file, text, read);
    match value {
        Some(value) if problems.is_empty() => Ok(value),
        _ if problems.is_empty() => Err(vec![Problem::new(
            Place::file(file),
            Text::new("文書を読めません", "the document could not be read"),
        )]),
        _ => Err(problems),
    }
}

/// Reads a document as far as it can be read, with every fault of it in order.
pub(crate) fn read_document_in_part<T>(
    file: &str,
    text: &str,
    read: impl FnOnce(&Node<'_>) -> Option<T>,
) -> (Option<T>, Vec<Problem>) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let source = Rc::new(Source {
        file: file.to_owned(),
        text: text.to_owned(),
        lines: Lines::of(text),
        problems: RefCell::default(),
    });
    for error in errors {
        let place = error
            .span()
            .map_or_else(|| Place::file(file), |s| source.place(s.start));
        let message = Text::new(
            format!("TOMLとして読めません: {}", error.message()),
            format!("not valid TOML: {}", error.message()),
        );
        source
            .problems
            .borrow_mut()
            .push(Problem::new(place, message).hint(Text::new(
                "この位置のTOMLの記法を直してください(https://toml.io)",
                "mend the TOML syntax at this place; see https://toml.io",
            )));
    }
    if !source.problems.borrow().is_empty() {
        return (None, source.problems.take());
    }
    let node = Node {
        source: Rc::clone(&source),
        span: root.span(),
        table: root.get_ref(),
        seen: RefCell::default(),
    };
    let value = read(&node);
    node.finish();
    let mut problems = source.problems.take();
    problems.sort_by(|a, b| a.place.cmp(&b.place));
    (value, problems)
}

/// What a value should be.
#[derive(Debug, Clone, Copy)]
enum Kind {
    String,
    Boolean,
    Integer,
    Strings,
    Integers,
    Table,
    Tables,
}

impl Kind {
    /// Its words in Japanese and English.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::String => ("引用符で囲んだ文字列", "a string in quotes"),
            Self::Boolean => ("true または false", "true or false"),
            Self::Integer => ("整数", "a whole number"),
            Self::Strings => ("文字列の一覧", "a list of strings"),
            Self::Integers => ("整数の一覧", "a list of whole numbers"),
            Self::Table => ("表", "a table"),
            Self::Tables => ("表の一覧([[…]])", "a list of tables ([[…]])"),
        }
    }
}

/// A value of any type, for the few tables whose keys are not Keiki's own.
pub enum Value<'t> {
    /// A string.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// True or false.
    Flag(bool),
    /// A list; what is neither text, number, flag nor table is left out.
    List(Vec<Value<'t>>),
    /// A table.
    Table(Node<'t>),
}

impl<'t> Node<'t> {
    /// The place of the table itself.
    #[must_use]
    pub fn place(&self) -> Place {
        self.at(&self.span)
    }

    fn at(&self, span: &Range<usize>) -> Place {
        self.source.place(span.start)
    }

    /// Records a problem.
    pub fn report(&self, problem: Problem) {
        self.source.problems.borrow_mut().push(problem);
    }

    /// Tells whether the key is there, without counting it as read.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The place of a key's value, or of the table where the key is absent.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Place {
        self.table
            .get(key)
            .map_or_else(|| self.place(), |value| self.at(&value.span()))
    }

    /// Reads a key of any type.
    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.seen.borrow_mut().insert(key.to_owned());
        self.table.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'t>>, expected: Kind) {
        let (expected_ja, expected) = expected.words();
        self.report(
            Problem::new(
                self.at(&value.span()),
                Text::new(
                    format!(
                        "`{key}` には{expected_ja}を書きます(現在は{})",
                        value.get_ref().type_str()
                    ),
                    format!(
                        "`{key}` should be {expected}, found {}",
                        value.get_ref().type_str()
                    ),
                ),
            )
            .hint(Text::new(
                format!("`{key}` に{expected_ja}を書いてください"),
                format!("write `{key}` as {expected}"),
            )),
        );
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.table.contains_key(key) {
            self.report(
                Problem::new(
                    self.place(),
                    Text::new(
                        format!("項目 `{key}` がありません"),
                        format!("missing key `{key}`"),
                    ),
                )
                .hint(Text::new(
                    format!("この表に `{key} = …` を加えてください"),
                    format!("add `{key} = …` to this table"),
                )),
            );
        }
        value
    }

    /// Reads an optional string with its place.
    #[must_use]
    pub fn located(&self, key: &str) -> Option<Located> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) => {
                let span = value.span();
                let raw = &self.source.text[span.clone()];
                let quotes = if raw.starts_with("\"\"\"") || raw.starts_with("'''") {
                    3
                } else {
                    1
                };
                let skip = quotes + usize::from(quotes == 3 && raw[3..].starts_with('\n'));
                Some(Located {
                    value: text.to_string(),
                    place: self.source.place(span.start + skip),
                })
            }
            DeValue::Float(_) => {
                self.report(
                    Problem::new(
                        self.at(&value.span()),
                        Text::new(
                            format!("`{key}` が浮動小数点数です。数値は正確な十進数で扱います"),
                            format!(
                                "`{key}` is a floating-point number; figures are exact decimals"
                            ),
                        ),
                    )
                    .hint(Text::new(
                        format!("引用符で囲んだ十進数で書いてください(例: {key} = \"0.95\")"),
                        format!("write it as a decimal in quotes, for example {key} = \"0.95\""),
                    )),
                );
                None
            }
            _ => {
                self.wrong_type(key, value, Kind::String);
                None
            }
        }
    }

    /// Reads an optional string.
    #[must_use]
    pub fn string(&self, key: &str) -> Option<String> {
        self.located(key).map(|located| located.value)
    }

    /// Reads a string that must be there.
    #[must_use]
    pub fn required_string(&self, key: &str) -> Option<String> {
        let value = self.string(key);
        self.required(key, value)
    }

    /// Reads an optional boolean; absent is `false`.
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            None => false,
            Some(value) => value.get_ref().as_bool().unwrap_or_else(|| {
                self.wrong_type(key, value, Kind::Boolean);
                false
            }),
        }
    }

    /// Reads an optional whole number.
    #[must_use]
    pub fn integer(&self, key: &str) -> Option<i64> {
        let value = self.get(key)?;
        let parsed = value
            .get_ref()
            .as_integer()
            .and_then(|i| i64::from_str_radix(&i.as_str().replace('_', ""), i.radix()).ok());
        if parsed.is_none() {
            self.wrong_type(key, value, Kind::Integer);
        }
        parsed
    }

    /// Reads a whole number that must be there.
    #[must_use]
    pub fn required_integer(&self, key: &str) -> Option<i64> {
        let value = self.integer(key);
        self.required(key, value)
    }

    /// Reads a list of strings; absent is an empty list.
    #[must_use]
    pub fn strings(&self, key: &str) -> Vec<String> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, Kind::Strings);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| {
                let text = item.get_ref().as_str().map(str::to_owned);
                if text.is_none() {
                    self.wrong_type(key, item, Kind::Strings);
                }
                text
            })
            .collect()
    }

    /// Reads a list of whole numbers; absent is an empty list.
    #[must_use]
    pub fn integers(&self, key: &str) -> Vec<i64> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, Kind::Integers);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| {
                let number = item.get_ref().as_integer();
                let number = number.and_then(|i| i64::from_str_radix(i.as_str(), i.radix()).ok());
                if number.is_none() {
                    self.wrong_type(key, item, Kind::Integers);
                }
                number
            })
            .collect()
    }

    /// Reads one word of a closed list and maps it.
    #[must_use]
    pub fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let found = self.located(key)?;
        let chosen = choices
            .iter()
            .find(|(name, _)| *name == found.value)
            .map(|(_, value)| *value);
        if chosen.is_none() {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let hint = match nearest(&found.value, names.iter().copied()) {
                Some(near) => Text::new(
                    format!("`{near}` ではありませんか。選べる値: {}", names.join(", ")),
                    format!("did you mean `{near}`? one of: {}", names.join(", ")),
                ),
                None => Text::new(
                    format!("選べる値: {}", names.join(", ")),
                    format!("one of: {}", names.join(", ")),
                ),
            };
            self.report(
                Problem::new(
                    found.place,
                    Text::new(
                        format!("`{key}` に `{}` は指定できません", found.value),
                        format!("`{key}` cannot be `{}`", found.value),
                    ),
                )
                .hint(hint),
            );
        }
        chosen
    }

    /// Reads one word of a closed list that must be there.
    #[must_use]
    pub fn required_choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Option<T> {
        let value = self.choice(key, choices);
        self.required(key, value)
    }

    /// Reads an optional text in both languages.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Text> {
        let node = self.table(key)?;
        let ja = node.required_string("ja");
        let en = node.required_string("en");
        node.finish();
        Some(Text { ja: ja?, en: en? })
    }

    /// Reads a text in both languages that must be there.
    #[must_use]
    pub fn required_text(&self, key: &str) -> Option<Text> {
        let value = self.text(key);
        self.required(key, value)
    }

    /// Reads an optional sub-table.
    #[must_use]
    pub fn table(&self, key: &str) -> Option<Node<'t>> {
        let value = self.get(key)?;
        let node = self.node(value);
        if node.is_none() {
            self.wrong_type(key, value, Kind::Table);
        }
        node
    }

    fn node(&self, value: &'t Spanned<DeValue<'t>>) -> Option<Node<'t>> {
        Some(Node {
            source: Rc::clone(&self.source),
            table: value.get_ref().as_table()?,
            span: value.span(),
            seen: RefCell::default(),
        })
    }

    /// Reads a table of tables in the order of the document; absent is empty.
    #[must_use]
    pub fn tables(&self, key: &str) -> Vec<(String, Node<'t>)> {
        let Some(outer) = self.table(key) else {
            return Vec::new();
        };
        outer
            .table
            .iter()
            .filter_map(|(name, value)| {
                let node = self.node(value);
                if node.is_none() {
                    self.wrong_type(name.get_ref(), value, Kind::Table);
                }
                Some((name.get_ref().to_string(), node?))
            })
            .collect()
    }

    /// Reads a list of tables; absent is empty.
    #[must_use]
    pub fn list(&self, key: &str) -> Vec<Node<'t>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let Some(items) = value.get_ref().as_array() else {
            self.wrong_type(key, value, Kind::Tables);
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|item| {
                let node = self.node(item);
                if node.is_none() {
                    self.wrong_type(key, item, Kind::Tables);
                }
                node
            })
            .collect()
    }

    /// The keys of the table, in the order of the document.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        let keys = self.table.iter();
        keys.map(|(key, _)| key.get_ref().to_string()).collect()
    }

    /// Reads a value of any type; `None` where the key is absent or holds a date.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<Value<'t>> {
        self.any(self.get(key)?)
    }

    fn any(&self, value: &'t Spanned<DeValue<'t>>) -> Option<Value<'t>> {
        Some(match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => {
                let digits = number.as_str().replace('_', "");
                Value::Number(
                    i64::from_str_radix(&digits, number.radix())
                        .ok()?
                        .to_string(),
                )
            }
            DeValue::Float(number) => Value::Number(number.as_str().replace('_', "")),
            DeValue::Boolean(flag) => Value::Flag(*flag),
            DeValue::Array(items) => {
                Value::List(items.iter().filter_map(|item| self.any(item)).collect())
            }
            DeValue::Table(_) => Value::Table(self.node(value)?),
            DeValue::Datetime(_) => return None,
        })
    }

    /// Reads every key of the table as a string, in the order of the document.
    #[must_use]
    pub fn all_strings(&self) -> Vec<(String, Located)> {
        let keys: Vec<String> = self
            .table
            .iter()
            .map(|(key, _)| key.get_ref().to_string())
            .collect();
        keys.into_iter()
            .filter_map(|key| self.located(&key).map(|value| (key, value)))
            .collect()
    }

    /// Reports every key that was not read.
    pub fn finish(&self) {
        let seen = self.seen.borrow();
        for (key, _) in self
            .table
            .iter()
            .filter(|(key, _)| !seen.contains(key.get_ref().as_ref()))
        {
            let near = nearest(key.get_ref(), seen.iter().map(String::as_str));
            let hint = match near {
                Some(near) => Text::new(
                    format!("`{near}` ではありませんか"),
                    format!("did you mean `{near}`?"),
                ),
                None => Text::new(
                    format!("ここで使える項目: {}", join(&seen)),
                    format!("known keys here: {}", join(&seen)),
                ),
            };
            self.report(
                Problem::new(
                    self.at(&key.span()),
                    Text::new(
                        format!("項目 `{}` は使えません", key.get_ref()),
                        format!("unknown key `{}`", key.get_ref()),
                    ),
                )
                .hint(hint),
            );
        }
    }
}

fn join(names: &BTreeSet<String>) -> String {
    names
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}
