//! Gives rows without a key one that is made from their identifiers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::Field;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Reason;

use crate::columns::Rejections;

/// Fills the key where it is null and the row has an identifier. *Shape*: `fields` and `arrays` are the dataset's columns.
///
/// Whether a record is known by that identifier already, only the journal can tell; the key is the same in every reading.
pub(crate) fn mint(dataset: &Dataset, key: &str, fields: &[Field], arrays: &mut [ArrayRef]) {
    let Some(position) = fields.iter().position(|field| field.name() == key) else {
        return;
    };
    if arrays[position].null_count() == 0 {
        return;
    }
    let columns: Vec<(&str, Option<&StringArray>)> = fields
        .iter()
        .zip(arrays.iter())
        .map(|(field, array)| (field.name().as_str(), array.as_string_opt::<i32>()))
        .collect();
    let Some(given) = columns[position].1 else {
        return;
    };
    let filled: StringArray = (0..given.len())
        .map(|row| {
            if given.is_valid(row) {
                return Some(given.value(row).to_owned());
            }
            let value = |name: &str| {
                let column = columns.iter().find(|(column, _)| *column == name)?.1?;
                column.is_valid(row).then(|| column.value(row))
            };
            Dataset::minted_key(&dataset.identifiers(&value))
        })
        .collect();
    arrays[position] = Arc::new(filled);
}

/// Rejects the rows that have neither a key nor an identifier.
pub(crate) fn require(dataset: &Dataset, key: &str, keys: &ArrayRef, rejections: &mut Rejections) {
    if keys.null_count() == 0 {
        return;
    }
    let rules = dataset.identity.iter().map(|rule| rule.columns.join("+"));
    let rules = rules.collect::<Vec<_>>().join(", ");
    let reason = Reason::NotStated {
        column: key.to_owned(),
        ja: format!("「{key}」も、レコードを特定できる識別子({rules})もありません"),
        en: format!("there is neither `{key}` nor an identifier of the record: {rules}"),
    };
    for row in (0..keys.len()).filter(|row| keys.is_null(*row)) {
        rejections.add(row, reason.clone());
    }
}
