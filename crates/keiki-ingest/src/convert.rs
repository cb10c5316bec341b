//! Turns the values of a mapped column into the column's declared type, exactly or not at all.

pub(crate) mod boolean;
pub(crate) mod number;
pub(crate) mod text;
pub(crate) mod time;
mod typed;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder,
    StringArray, TimestampMicrosecondBuilder,
};
use arrow::datatypes::DataType;
use jiff::tz::TimeZone;
use keiki_model::dataset::ColumnType;

use crate::format::Format;

pub(crate) use typed::misfit;

/// How dates and instants of a source are written.
#[derive(Debug, Clone)]
pub(crate) struct Forms {
    dates: Vec<String>,
    instants: Vec<String>,
    zone: TimeZone,
}

impl Forms {
    /// Takes the forms of a source, with the defaults for what it does not state.
    pub(crate) fn new(format: &Format, zone: &TimeZone) -> Self {
        let or = |stated: &[String], default: &[&str]| {
            if stated.is_empty() {
                default.iter().map(ToString::to_string).collect()
            } else {
                stated.to_vec()
            }
        };
        Self {
            dates: or(&format.dates, &["%Y-%m-%d", "%Y/%m/%d"]),
            instants: or(&format.instants, &[]),
            zone: format.zone.clone().unwrap_or_else(|| zone.clone()),
        }
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
    pub(crate) why: Option<&'static str>,
}

impl Misfit {
    pub(crate) fn new(found: &str, why: Option<&'static str>) -> Self {
        Self {
            found: excerpt(found),
            why,
        }
    }

    /// What to say that was found.
    pub(crate) fn describe(self) -> String {
        match self.why {
            Some(why) => format!("{} ({why})", self.found),
            None => self.found,
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
    forms: &Forms,
) -> Result<Converted, String> {
    match array.data_type() {
        DataType::Utf8 => Ok(from_text(array, kind, forms)),
        DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _) => {
            let array = arrow::compute::cast(array, &DataType::Utf8).map_err(|e| e.to_string())?;
            Ok(from_text(&array, kind, forms))
        }
        _ => typed::convert(array, kind),
    }
}

fn from_text(array: &ArrayRef, kind: ColumnType, forms: &Forms) -> Converted {
    let texts: &StringArray = array.as_string();
    match kind {
        ColumnType::Text => Converted {
            array: text::trimmed(texts),
            faults: Vec::new(),
        },
        ColumnType::Integer => {
            let mut builder = Int64Builder::with_capacity(texts.len());
            let faults = each(texts, number::integer, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
        ColumnType::Decimal { precision, scale } => {
            let mut builder = Decimal128Builder::with_capacity(texts.len());
            let parse = |text: &str| number::decimal(text, precision, scale);
            let faults = each(texts, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish().with_data_type(kind.arrow())),
                faults,
            }
        }
        ColumnType::Date => {
            let mut builder = Date32Builder::with_capacity(texts.len());
            let parse = |text: &str| time::date(text, &forms.dates);
            let faults = each(texts, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
        ColumnType::Instant => {
            let mut builder = TimestampMicrosecondBuilder::with_capacity(texts.len());
            let parse = |text: &str| time::instant(text, &forms.instants, &forms.zone);
            let faults = each(texts, parse, |value| builder.append_option(value));
            Converted {
                array: Arc::new(builder.finish().with_timezone("UTC")),
                faults,
            }
        }
        ColumnType::Boolean => {
            let mut builder = BooleanBuilder::with_capacity(texts.len());
            let faults = each(texts, boolean::boolean, |value| {
                builder.append_option(value);
            });
            Converted {
                array: Arc::new(builder.finish()),
                faults,
            }
        }
    }
}

/// Why a text does not fit; `None` where that is plain.
pub(crate) type Why = Option<&'static str>;

/// Parses every text; the empty text is null.
fn each<T>(
    texts: &StringArray,
    parse: impl Fn(&str) -> Result<T, Why>,
    mut append: impl FnMut(Option<T>),
) -> Vec<(usize, Misfit)> {
    let mut faults = Vec::new();
    for (row, text) in texts.iter().enumerate() {
        let value = match text.map(str::trim) {
            None | Some("") => None,
            Some(text) => match parse(text) {
                Ok(value) => Some(value),
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
