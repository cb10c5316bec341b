//! Tidies texts: no space around them, and no empty ones.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, StringArray, StringBuilder};
use keiki_model::dataset::ORG_UNIT_SEPARATOR;

use super::number::narrow;
use crate::extract::trimmed;
use crate::format::Width;

/// Trims every text; the empty text and those that mean null are null. A column that needs no change
/// is handed on as it is.
pub(crate) fn tidied(texts: &StringArray, width: Width, nulls: &[String]) -> ArrayRef {
    let is_null = |text: &str| text.is_empty() || nulls.iter().any(|null| null == text);
    let is_tidy = |text: &str| {
        !is_null(text)
            && trimmed(text).len() == text.len()
            && matches!(narrowed(text, width), Cow::Borrowed(_))
    };
    if texts.iter().flatten().all(is_tidy) {
        return Arc::new(texts.clone());
    }
    changed(texts, |text| {
        let text = narrowed(text.trim(), width).trim().to_owned();
        Some(text).filter(|text| !is_null(text))
    })
}

fn narrowed(text: &str, width: Width) -> Cow<'_, str> {
    match width {
        Width::AsIs => Cow::Borrowed(text),
        Width::Half => narrow(text),
    }
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
        let array = tidied(&texts, Width::AsIs, &[]);
        let found: Vec<Option<&str>> = array.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("a"), None, Some("b c")]);
    }

    #[test]
    fn codes_become_half_width_where_the_source_says_so() {
        let texts = StringArray::from(vec![Some("ＪＰ１－ＩＴ"), Some("サーバ"), Some("－")]);
        let array = tidied(&texts, Width::Half, &["-".to_owned()]);
        let found: Vec<Option<&str>> = array.as_string::<i32>().iter().collect();
        assert_eq!(found, [Some("JP1-IT"), Some("サーバ"), None]);
    }
}
