//! Tidies texts: no space around them, and no empty ones.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};
use keiki_model::dataset::ORG_UNIT_SEPARATOR;

/// Trims every text; the empty text is null. A column that needs no change is handed on as it is.
pub(crate) fn trimmed(texts: &StringArray) -> ArrayRef {
    let tidy = |text: &str| !text.is_empty() && text.trim().len() == text.len();
    if texts.iter().flatten().all(tidy) {
        return Arc::new(texts.clone());
    }
    changed(texts, |text| {
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

/// Puts lists of org units into one form: `B; A;B` becomes `A;B`.
pub(crate) fn canonical_org_units(texts: &StringArray) -> ArrayRef {
    if !texts
        .iter()
        .flatten()
        .any(|text| text.contains(ORG_UNIT_SEPARATOR))
    {
        return Arc::new(texts.clone());
    }
    changed(texts, |text| {
        let mut ids: Vec<&str> = text
            .split(ORG_UNIT_SEPARATOR)
            .map(str::trim)
            .filter(|id| !id.is_empty())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let joined = ids.join(&ORG_UNIT_SEPARATOR.to_string());
        (!joined.is_empty()).then_some(joined)
    })
}

fn changed(texts: &StringArray, change: impl Fn(&str) -> Option<String>) -> ArrayRef {
    let mut builder = StringBuilder::with_capacity(texts.len(), texts.values().len());
    for text in texts {
        builder.append_option(text.and_then(&change));
    }
    Arc::new(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::AsArray;

    #[test]
    fn lists_of_org_units_have_one_form() {
        let texts = StringArray::from(vec![Some("JP1; HD ;JP1"), Some("HD"), Some(" ; "), None]);
        let array = canonical_org_units(&texts);
        let found: Vec<Option<&str>> = array.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("HD;JP1"), Some("HD"), None, None]);
    }

    #[test]
    fn space_around_texts_goes_also_where_it_is_ideographic() {
        let texts = StringArray::from(vec![Some(" a\u{3000}"), Some(""), Some("b c")]);
        let array = trimmed(&texts);
        let found: Vec<Option<&str>> = array.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("a"), None, Some("b c")]);
    }
}
