//! The SQL functions of mappings alone: `lookup` in code lists, `org_unit` and `org_unit_on` by what tools call an org unit.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use keiki_model::codes::{self, CodeLists};
use keiki_model::dataset::ORG_UNIT_SEPARATOR;
use keiki_model::org::{AliasDay, OrgUnitNames};
use keiki_model::text::Text;

/// What mappings look up: the workspace's code lists and the names of its org units.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Codes {
    /// The code lists by name.
    pub lists: CodeLists,
    /// What tools call the org units.
    pub org_units: OrgUnitNames,
}

/// A name in an expression that stands for nothing, with the way to mend it.
#[derive(Debug, thiserror::Error)]
#[error("{}", message.en)]
pub(super) struct NameFault {
    pub(super) message: Text,
    pub(super) hint: Text,
    /// The name as it stands in the expression.
    pub(super) word: String,
}

/// Makes the functions.
pub(super) fn all(codes: &Arc<Codes>) -> Vec<ScalarUDF> {
    [Kind::Lookup, Kind::OrgUnit, Kind::OrgUnitOn]
        .map(|kind| {
            let signature = match kind {
                Kind::Lookup => Signature::any(3, Volatility::Immutable),
                Kind::OrgUnit | Kind::OrgUnitOn => Signature::variadic_any(Volatility::Immutable),
            };
            ScalarUDF::new_from_impl(Function {
                kind,
                signature,
                codes: Arc::clone(codes),
            })
        })
        .to_vec()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Lookup,
    OrgUnit,
    OrgUnitOn,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Lookup => "lookup",
            Self::OrgUnit => "org_unit",
            Self::OrgUnitOn => "org_unit_on",
        }
    }
}

struct Function {
    kind: Kind,
    signature: Signature,
    codes: Arc<Codes>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && Arc::ptr_eq(&self.codes, &other.codes)
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.kind.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.kind.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    /// The names in an expression are checked when it is compiled, before anything is read.
    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match self.kind {
            Kind::Lookup => {
                let texts = arguments.scalar_arguments;
                let (list, column) = (literal(texts, 0)?, literal(texts, 2)?);
                found(&self.codes.lists, list, column)?;
            }
            Kind::OrgUnit => at_least(arguments.arg_fields.len(), 1, "org_unit(text, …)")?,
            Kind::OrgUnitOn => {
                at_least(arguments.arg_fields.len(), 2, "org_unit_on(day, text, …)")?;
                let day = arguments.arg_fields[0].data_type();
                if !matches!(day, DataType::Date32 | DataType::Null) {
                    return Err(DataFusionError::Plan(format!(
                        "the first argument of org_unit_on is a date, found {day}"
                    )));
                }
            }
        }
        Ok(Arc::new(Field::new(self.name(), DataType::Utf8, true)))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = call.number_rows;
        let are_scalars = call
            .args
            .iter()
            .all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if are_scalars { 1 } else { rows };
        let arrays = call
            .args
            .iter()
            .map(|value| value.to_array(rows))
            .collect::<Result<Vec<_>>>()?;
        let values = match self.kind {
            Kind::Lookup => self.look_up(&arrays)?,
            Kind::OrgUnit => self.org_units(None, &arrays)?,
            Kind::OrgUnitOn => self.org_units(arrays.first(), &arrays[1..])?,
        };
        if are_scalars {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(
                &values, 0,
            )?));
        }
        Ok(ColumnarValue::Array(Arc::new(values)))
    }
}

impl Function {
    fn look_up(&self, arguments: &[ArrayRef]) -> Result<StringArray> {
        let [list, codes, column] = arguments else {
            return Err(DataFusionError::Plan("lookup(list, code, column)".into()));
        };
        if codes.is_empty() {
            return Ok(StringArray::new_null(0));
        }
        let (list, column, codes) = (text(list)?, text(column)?, text(codes)?);
        let (list, column) = found(&self.codes.lists, list.value(0), column.value(0))?;
        let values = codes.iter().map(|code| list.value(code?, column));
        Ok(values.collect())
    }

    /// The org unit of the first text that stands for one; where none does, the first text as it is, so that it shows among
    /// those that nobody knows.
    fn org_units(&self, days: Option<&ArrayRef>, texts: &[ArrayRef]) -> Result<StringArray> {
        let texts = texts.iter().map(text).collect::<Result<Vec<_>>>()?;
        let days = days.map(|days| cast(days, &DataType::Date32)).transpose()?;
        let days = days.as_ref().map(AsArray::as_primitive::<Date32Type>);
        let rows = texts.first().map_or(0, Array::len);
        let mut known: HashMap<(&str, Option<i32>), Option<String>> = HashMap::new();
        let values = (0..rows).map(|row| {
            let day = days.filter(|days| days.is_valid(row)).map(|d| d.value(row));
            let given = || {
                let valid = texts.iter().filter(|text| text.is_valid(row));
                valid.map(|text| text.value(row))
            };
            let resolved = given().find_map(|text| {
                let unit = known.entry((text, day));
                unit.or_insert_with(|| self.resolve(text, day)).clone()
            });
            resolved.or_else(|| given().next().map(|text| text.trim().to_owned()))
        });
        Ok(values.collect())
    }

    fn resolve(&self, text: &str, day: Option<i32>) -> Option<String> {
        let names = &self.codes.org_units;
        let day = day.map_or(AliasDay::Standing, AliasDay::On);
        if let Some(unit) = names.resolve(text, day) {
            return Some(unit.to_owned());
        }
        let parts: Option<Vec<&str>> = text
            .contains(ORG_UNIT_SEPARATOR)
            .then(|| text.split(ORG_UNIT_SEPARATOR))?
            .filter(|part| !part.trim().is_empty())
            .map(|part| names.resolve(part, day))
            .collect();
        parts
            .filter(|parts| !parts.is_empty())
            .map(|parts| parts.join(&ORG_UNIT_SEPARATOR.to_string()))
    }
}

fn at_least(found: usize, least: usize, call: &str) -> Result<()> {
    if found < least {
        return Err(DataFusionError::Plan(format!(
            "arguments are missing: {call}"
        )));
    }
    Ok(())
}

fn text(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

/// A text that stands in the expression itself.
fn literal<'s>(arguments: &[Option<&'s ScalarValue>], position: usize) -> Result<&'s str> {
    let text = arguments
        .get(position)
        .copied()
        .flatten()
        .and_then(|value| value.try_as_str().flatten());
    text.ok_or_else(|| {
        fault(
            Text::new(
                "`lookup` の一覧と列は、一重引用符で囲んだ文字列で指定します",
                "the list and the column of `lookup` are not texts in single quotes",
            ),
            Text::new(
                "lookup('一覧', コード, '列') と書いてください",
                "write lookup('list', code, 'column')",
            ),
            "lookup",
        )
    })
}

fn found<'l>(
    lists: &'l CodeLists,
    list: &str,
    column: &str,
) -> Result<(&'l codes::CodeList, usize)> {
    codes::find(lists, list, column).map_err(|(message, hint)| {
        let word = if lists.contains_key(list) {
            column
        } else {
            list
        };
        fault(message, hint, word)
    })
}

fn fault(message: Text, hint: Text, word: &str) -> DataFusionError {
    DataFusionError::External(Box::new(NameFault {
        message,
        hint,
        word: word.to_owned(),
    }))
}
