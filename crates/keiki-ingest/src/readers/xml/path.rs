//! The path of records in XML, and the lists of names and values.

use std::collections::HashMap;

/// Where records are: names of elements, from the root or, behind `//`, from anywhere.
///
/// With `?` at the end, an element without a record directly below it is a record by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) steps: Vec<String>,
    /// Whether the first step may stand anywhere.
    pub(super) is_anywhere: bool,
    /// Whether an element without a record below it is one.
    pub(super) or_none: bool,
}

impl Path {
    pub(super) fn new(text: &str) -> Self {
        let (plain, or_none) = match text.strip_suffix('?') {
            Some(plain) => (plain, true),
            None => (text, false),
        };
        let (plain, is_anywhere) = match plain.strip_prefix("//") {
            Some(plain) => (plain, true),
            None => (plain.strip_prefix('/').unwrap_or(plain), false),
        };
        Self {
            text: text.to_owned(),
            steps: plain.split('/').map(str::to_owned).collect(),
            is_anywhere,
            or_none,
        }
    }
}

/// The elements that a value of an attribute names, by their own name.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys(HashMap<String, String>);

impl Keys {
    /// Reads entries such as `tag@name`.
    pub(super) fn new(keys: &[String]) -> Self {
        let pairs = keys.iter().filter_map(|key| key.split_once('@'));
        Self(
            pairs
                .map(|(element, attribute)| (element.to_owned(), attribute.to_owned()))
                .collect(),
        )
    }

    /// The attribute whose value names an element of that name.
    pub(super) fn attribute(&self, element: &str) -> Option<&str> {
        self.0.get(element).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_from_the_root_or_from_anywhere() {
        let path = Path::new("/nmaprun/host");
        assert_eq!(path.steps, ["nmaprun", "host"]);
        assert!(!path.is_anywhere && !path.or_none);
        let path = Path::new("//TestResult/rule-result/ident?");
        assert_eq!(path.steps, ["TestResult", "rule-result", "ident"]);
        assert!(path.is_anywhere && path.or_none);
    }

    #[test]
    fn keys_name_the_attribute() {
        let keys = Keys::new(&["tag@name".to_owned()]);
        assert_eq!(keys.attribute("tag"), Some("name"));
        assert_eq!(keys.attribute("other"), None);
    }
}
