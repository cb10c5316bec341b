//! Turns the values of a mapped column into the column's declared type, exactly or not at all.

pub(crate) mod boolean;
mod japanese;
pub(crate) mod number;
mod serial;
pub(crate) mod text;
pub(crate) mod time;
mod typed;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder,
    StringArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use jiff::tz::TimeZone;
use keiki_model::dataset::ColumnType;
use keiki_model::text::Text;
use memchr::memmem;

use crate::extract::trimmed;
use crate::format::{Format, Numbers, TimeForm, Width};

pub(crate) use typed::misfit;

/// How the columns of a source are written.
#[derive(Debug, Clone)]
pub(crate) struct Forms {
    all: Form,
    columns: BTreeMap<String, Form>,
}

/// How the values of a column are written.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    nulls: Vec<String>,
    dates: Vec<TimeForm>,
    instants: Vec<TimeForm>,
    zone: TimeZone,
    numbers: Numbers,
    width: Width,
}

impl Forms {
    /// Takes the forms of a source, with the defaults for what it does not state.
    pub(crate) fn new(format: &Format, zone: &TimeZone) -> Self {
        let form = |format: &Format| Form {
            nulls: format.nulls.clone(),
            dates: format.dates.clone(),
            instants: format.instants.clone(),
            zone: format.zone.clone().unwrap_or_else(|| zone.clone()),
            numbers: format.numbers.clone(),
            width: format.width,
        };
        Self {
            all: form(format),
            columns: format
                .columns
                .iter()
                .map(|(name, own)| (name.clone(), form(own)))
                .collect(),
        }
    }

    /// How a column of the dataset is written.
    pub(crate) fn of(&self, column: &str) -> &Form {
        self.columns.get(column).unwrap_or(&self.all)
    }
}

/// A converted column.
#[derive(Debug)]
pub(crate) struct Converted {
    /// The values in the declared type; null where one is at fault.
    pub(crate) array: ArrayRef,
    /// The rows at fault, in order.
    pub(crate) faults: Vec<(usize, Misfit)>,
}

/// A value that is not of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Misfit {
    /// What stood there.
    pub(crate) found: String,
    /// Why it does not fit, where that is not plain.
    pub(crate) why: Why,
}

impl Misfit {
    pub(crate) fn new(found: &str, why: Why) -> Self {
        Self {
            found: excerpt(found),
            why,
        }
    }
}

/// Shortens a text for a message.
pub(crate) fn excerpt(text: &str) -> String {
    const SHOWN_CHARACTERS: usize = 80;
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Converts a column. `array` is of a type that `misfit` accepts for `kind`.
///
/// # Errors
/// Arrow cannot cast it at all, which is a fault of Keiki.
pub(crate) fn convert(
    array: &ArrayRef,
    kind: ColumnType,
    form: &Form,
) -> Result<Converted, String> {
    match array.data_type() {
        DataType::Utf8 => Ok(from_text(array, kind, form)),
        DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            let array = arrow::compute::cast(array, &DataType::Utf8).map_err(|e| e.to_string())?;
            Ok(from_text(&array, kind, form))
        }
        _ => typed::convert(array, kind),
    }
}

fn from_text(array: &ArrayRef, kind: ColumnType, form: &Form) -> Converted {
    let texts: &StringArray = array.as_string();
    let numbers = &form.numbers;
    match kind {
        ColumnType::Text => Converted {
            array: text::tidied(texts, form.width, &form.nulls),
            faults: unreadable(texts),
        },
        ColumnType::Integer => {
            let mut builder = Int64Builder::with_capacity(texts.len());
            let faults = each(
                texts,
                form,
                |text| number::integer(text, numbers),
                |value| builder.append_option(value),
            );
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
        ColumnType::Decimal { precision, scale } => {
            let mut builder = Decimal128Builder::with_capacity(texts.len());
            let parse = |text: &str| number::decimal(text, precision, scale, numbers);
            let faults = each(texts, form, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish().with_data_type(kind.arrow())),
                faults,
            }
        }
        ColumnType::Date => {
            let mut builder = Date32Builder::with_capacity(texts.len());
            let parse = |text: &str| time::date(text, &form.dates);
            let faults = each(texts, form, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
        ColumnType::Instant => {
            let mut builder = TimestampMicrosecondBuilder::with_capacity(texts.len());
            let parse = |text: &str| time::instant(text, &form.instants, &form.zone);
            let faults = each(texts, form, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish().with_timezone("UTC")),
                faults,
            }
        }
        ColumnType::Boolean => {
            let mut builder = BooleanBuilder::with_capacity(texts.len());
            let faults = each(texts, form, boolean::boolean, |value| {
                builder.append_option(value);
            });
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
    }
}

/// Stands before a text that says what could not be read: a character that is none, which no evidence
/// holds. It lasts through a mapping, and rejects the row where a column is made of it.
///
/// *Source*: Unicode, noncharacters, U+FDD0.
pub(crate) const UNREADABLE: char = '\u{FDD0}';

/// Takes the values that say what could not be read.
fn unreadable(texts: &StringArray) -> Vec<(usize, Misfit)> {
    let mut mark = [0; 4];
    let mark = UNREADABLE.encode_utf8(&mut mark).as_bytes();
    if memmem::find(texts.value_data(), mark).is_none() {
        return Vec::new();
    }
    let found = texts.iter().enumerate().filter_map(|(row, text)| {
        let found = text?.trim_start().strip_prefix(UNREADABLE)?;
        Some((row, Misfit::new(found, CELL_ERROR)))
    });
    found.collect()
}

const CELL_ERROR: Why = why("セルがエラー値です", "the cell holds an error");

/// Why a text does not fit, in both languages; `None` where that is plain.
pub(crate) type Why = Option<Refusal>;

/// Why a text does not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    ja: &'static str,
    en: &'static str,
}

impl Refusal {
    /// What to say.
    pub(crate) fn text(self) -> Text {
        Text::new(self.ja, self.en)
    }
}

/// Says why a text does not fit.
#[expect(
    clippy::unnecessary_wraps,
    reason = "it is used where a reason may be absent"
)]
pub(crate) const fn why(ja: &'static str, en: &'static str) -> Why {
    Some(Refusal { ja, en })
}

/// Parses every text; the empty text and those that mean null are null.
fn each<T>(
    texts: &StringArray,
    form: &Form,
    parse: impl Fn(&str) -> Result<T, Why>,
    mut append: impl FnMut(Option<T>),
) -> Vec<(usize, Misfit)> {
    let mut faults = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let value = match text.map(trimmed) {
            None | Some("") => None,
            Some(text) if form.nulls.iter().any(|null| null == text) => None,
            Some(text) => match parse(text) {
                Ok(value) => Some(value),
                Err(_) if text.starts_with(UNREADABLE) => {
                    let found = text.trim_start_matches(UNREADABLE);
                    faults.push((row, Misfit::new(found, CELL_ERROR)));
                    None
                }
                Err(why) => {
                    faults.push((row, Misfit::new(text, why)));
                    None
                }
            },
        };
        append(value);
    }
    faults
}
