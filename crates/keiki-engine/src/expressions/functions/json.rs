//! The SQL function `json_text`: one value out of a text that holds JSON.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use datafusion::error::Result;
use serde_json::Value;

use super::{Arguments, texts};

/// The value at a path: keys and numbers from 0 with `.` between them, and `[key=value]` for the first element of a list
/// whose field has that value, as in `[type=Primary].cvssData.vectorString`. A list or object gives its JSON text. What is
/// not there, and what is not JSON, gives null.
pub(super) fn json_text(arguments: &Arguments) -> Result<ArrayRef> {
    let (values, paths) = (texts(arguments, 0)?, texts(arguments, 1)?);
    let at = |array: &StringArray, row: usize| {
        use arrow::array::Array as _;
        let row = if array.len() == 1 { 0 } else { row };
        array.is_valid(row).then(|| array.value(row).to_owned())
    };
    let found: StringArray = (0..arguments.rows)
        .map(|row| value_at(&at(&values, row)?, &at(&paths, row)?))
        .collect();
    Ok(Arc::new(found))
}

fn value_at(text: &str, path: &str) -> Option<String> {
    let root: Value = serde_json::from_str(text).ok()?;
    let mut value = &root;
    for step in steps(path) {
        value = match step.strip_prefix('[').and_then(|s| s.strip_suffix(']')) {
            Some(condition) => {
                let (key, wanted) = condition.split_once('=')?;
                let elements = value.as_array()?;
                elements
                    .iter()
                    .find(|element| element.get(key).and_then(plain).as_deref() == Some(wanted))?
            }
            None => match value {
                Value::Array(elements) => elements.get(step.parse::<usize>().ok()?)?,
                other => other.get(step)?,
            },
        };
    }
    plain(value)
}

/// A path's steps; a `.` within brackets is no separator.
fn steps(path: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    path.split(|c: char| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '.' && depth == 0
    })
    .filter(|step| !step.is_empty())
    .collect()
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_through_keys_numbers_and_conditions() {
        let text = r#"[{"type": "A", "version": 3.1, "data": {"vector": "v1", "list": [1, null]}},
                       {"type": "B", "version": "3.1", "data": {"vector": "v2"}}]"#;
        let found = |path: &str| value_at(text, path);
        assert_eq!(found("0.data.vector").as_deref(), Some("v1"));
        assert_eq!(found("[type=B].data.vector").as_deref(), Some("v2"));
        assert_eq!(
            found("[version=3.1].data.list").as_deref(),
            Some("[1,null]")
        );
        assert_eq!(found("0.data.list.0").as_deref(), Some("1"));
        for path in [
            "2",
            "0.data.list.1",
            "0.nothing",
            "[type=C]",
            "data",
            "[type]",
        ] {
            assert_eq!(found(path), None, "{path}");
        }
        assert_eq!(value_at("no JSON", "0"), None);
    }
}
