//! The names in the expressions of a mapping, found without the engine that computes them.

use std::collections::BTreeSet;

use keiki_model::dataset::Dataset;

use crate::source::{EFFECTIVE_ON, Source};

/// The names that a mapping may ask of the evidence: those in its expressions, and the dataset's columns, which map by
/// name.
pub(crate) fn wanted(source: &Source, dataset: &Dataset) -> BTreeSet<String> {
    let columns = dataset.columns.iter().map(|column| column.name.clone());
    let mut names = named(source);
    names.extend(columns);
    names.insert(EFFECTIVE_ON.to_owned());
    names
}

/// The names in the expressions of a mapping.
pub(crate) fn named(source: &Source) -> BTreeSet<String> {
    let expressions = source.expressions();
    expressions
        .iter()
        .flat_map(|sql| identifiers(&sql.value))
        .collect()
}

/// The column that an expression names, if it does nothing else.
pub(super) fn reference(sql: &str) -> Option<String> {
    let sql = sql.trim();
    if let Some(rest) = sql.strip_prefix('"') {
        let name = rest.strip_suffix('"')?;
        (!name.contains('"')).then(|| name.to_owned())
    } else {
        let plain = |c: char| c.is_ascii_lowercase() || c == '_';
        let mut characters = sql.chars();
        let fits = characters.next().is_some_and(plain)
            && characters.all(|c| plain(c) || c.is_ascii_digit());
        (fits && !matches!(sql, "null" | "true" | "false")).then(|| sql.to_owned())
    }
}

/// The words of an expression that may name columns: quoted identifiers, and bare words in lower
/// case as SQL reads them. Words of the language are among them, which does no harm.
pub(crate) fn identifiers(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => quoted(rest, '\''),
            '"' => {
                let length = quoted(rest, '"');
                let inner = rest[1..length]
                    .strip_suffix('"')
                    .unwrap_or(&rest[1..length]);
                found.push(inner.replace("\"\"", "\""));
                length
            }
            c if c.is_alphabetic() || c == '_' => {
                let word = |c: char| c.is_alphanumeric() || c == '_';
                let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
                found.push(rest[..length].to_lowercase());
                length
            }
            c if c.is_ascii_digit() => rest
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        rest = &rest[length..];
    }
    found
}

/// The length of a quoted text at the beginning of `text`, doubled quotes within it included.
fn quoted(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote {
            match characters.peek() {
                Some((_, next)) if *next == quote => {
                    characters.next();
                }
                _ => return at + 1,
            }
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_found_outside_texts() {
        let found =
            identifiers("case when \"a.b\" = 'it''s \"x\"' then Upper(name_1) else 12e3 end");
        assert_eq!(
            found,
            [
                "case", "when", "a.b", "then", "upper", "name_1", "else", "end"
            ]
        );
        assert_eq!(identifiers("\"open"), ["open"]);
    }

    #[test]
    fn only_a_bare_reference_is_one() {
        assert_eq!(reference(" \"Asset ID\" ").as_deref(), Some("Asset ID"));
        assert_eq!(reference("asset_id").as_deref(), Some("asset_id"));
        for other in ["Asset", "a || b", "\"a\" || \"b\"", "'a'", "null", "1"] {
            assert_eq!(reference(other), None, "{other}");
        }
    }
}
