//! Texts held against names that are written out: one look per distinct value, then one bit per row.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::{InList, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::rows::{KEYS, only_key};

/// Replaces `column = 'name'` and `column in ('one', 'other')`, where the column's texts are kept once each.
pub(super) fn named(expression: &Expr, frame: &DFSchema) -> Option<Expr> {
    let (column, names) = match expression {
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Eq,
            right,
        }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(_), name) => (left.as_ref(), vec![name]),
            (name, Expr::Column(_)) => (right.as_ref(), vec![name]),
            _ => return None,
        },
        Expr::InList(InList {
            expr,
            list,
            negated: false,
        }) => (expr.as_ref(), list.iter().collect()),
        _ => return None,
    };
    let is_kept_once = matches!(
        column.get_type(frame).ok()?,
        DataType::Dictionary(keys, values) if *keys == DataType::Int32 && *values == DataType::Utf8
    );
    let is_name = |name: &&Expr| matches!(name, Expr::Literal(value, _) if value.try_as_str().flatten().is_some());
    let is_replaced =
        matches!(column, Expr::Column(_)) && is_kept_once && names.iter().all(is_name);
    is_replaced.then(|| {
        let arguments = std::iter::once(column).chain(names).cloned().collect();
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&IS_NAMED), arguments))
    })
}

/// Tells whether the first argument is one of the others, which are the same for all rows.
pub(super) static IS_NAMED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    Arc::new(ScalarUDF::new_from_impl(IsNamed {
        signature: Signature::variadic_any(Volatility::Immutable),
    }))
});

#[derive(Debug, PartialEq, Eq, Hash)]
struct IsNamed {
    signature: Signature,
}

impl ScalarUDFImpl for IsNamed {
    fn name(&self) -> &'static str {
        "is_named"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((column, names)) = call.args.split_first() else {
            return Err(DataFusionError::Internal("nothing is named".to_owned()));
        };
        let text = |name: &ColumnarValue| match name {
            ColumnarValue::Scalar(value) => value.try_as_str().flatten().map(str::to_owned),
            ColumnarValue::Array(_) => None,
        };
        let names: Vec<String> = names.iter().filter_map(text).collect();
        let column = column.to_array(call.number_rows)?;
        Ok(ColumnarValue::Array(Arc::new(is_named(&column, &names)?)))
    }
}

/// How many distinct values fit into the bits of one word.
const FEW: usize = 64;

fn is_named(column: &ArrayRef, names: &[String]) -> Result<BooleanArray> {
    let is_one = |text: &str| names.iter().any(|name| name == text);
    let dictionary = column.as_dictionary_opt::<Int32Type>();
    let dictionary = dictionary.filter(|column| column.values().null_count() == 0);
    let texts = dictionary.and_then(|column| column.values().as_string_opt::<i32>());
    let (Some(dictionary), Some(texts)) = (dictionary, texts) else {
        let texts = cast(column, &DataType::Utf8)?;
        let texts = texts.as_string::<i32>().iter();
        return Ok(texts.map(|text| text.map(is_one)).collect());
    };
    let of_text: Vec<bool> = texts.iter().map(|text| text.is_some_and(is_one)).collect();
    let values = by_key(dictionary, &of_text);
    Ok(BooleanArray::new(
        values,
        dictionary.keys().nulls().cloned(),
    ))
}

/// Of each row what it is of its text; of rows without one anything.
pub(super) fn by_key(column: &DictionaryArray<Int32Type>, of_text: &[bool]) -> BooleanBuffer {
    let keys: &[i32] = column.keys().values();
    if of_text.iter().all(|is| *is) && !of_text.is_empty() {
        BooleanBuffer::new_set(keys.len())
    } else if !of_text.contains(&true) {
        BooleanBuffer::new_unset(keys.len())
    } else if of_text.len() <= FEW {
        let bits = of_text.iter().rev();
        let word = bits.fold(0_u64, |word, is| word << 1 | u64::from(*is));
        let bit = |key: i32| word >> (key.cast_unsigned() & 63) & 1;
        let of_keys = |keys: &[i32]| {
            if let Some(key) = only_key(keys) {
                return 0_u64.wrapping_sub(bit(key));
            }
            let keys = keys.iter().rev();
            keys.fold(0_u64, |bits, key| bits << 1 | bit(*key))
        };
        let words: Vec<u64> = keys.chunks(KEYS).map(of_keys).collect();
        BooleanBuffer::new(words.into(), 0, keys.len())
    } else {
        let of_key = |key: i32| usize::try_from(key).ok().and_then(|key| of_text.get(key));
        BooleanBuffer::collect_bool(keys.len(), |row| of_key(keys[row]) == Some(&true))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int32Array, StringArray};

    use super::*;

    #[test]
    fn texts_are_named_as_they_would_be_one_by_one() {
        for distinct in [1, 3, 64, 65, 200] {
            let texts: StringArray = (0..distinct).map(|n| Some(format!("text {n}"))).collect();
            let keys: Int32Array = (0..500)
                .map(|row| (row % 7 > 0).then_some(row * 31 % distinct))
                .collect();
            let kept_once = DictionaryArray::new(keys, Arc::new(texts));
            let kept_once: ArrayRef = Arc::new(kept_once);
            let plain = cast(&kept_once, &DataType::Utf8).expect("it can be written out");
            for names in [vec![], vec!["text 0"], vec!["text 2", "text 64", "no such"]] {
                let names: Vec<String> = names.into_iter().map(str::to_owned).collect();
                assert_eq!(
                    is_named(&kept_once, &names).expect("it can be told"),
                    is_named(&plain, &names).expect("it can be told"),
                    "{distinct} {names:?}"
                );
            }
        }
    }
}
