//! The path of records in JSON.

/// Where records are: keys from the root, each of an object or of a list.
///
/// `a.items` is the list `items` within the object `a`. With brackets, lists of lists are unfolded:
/// `Results[].Vulnerabilities[]`. With `?` at the end, an object without an element in its last list
/// is a record by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) text: String,
    pub(super) steps: Vec<Step>,
    /// Whether every object of the file is a root; else a list at the root holds the records.
    pub(super) unfolds: bool,
    /// Whether an object without a record below it is one.
    pub(super) or_none: bool,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) key: String,
    pub(super) is_list: bool,
}

impl Path {
    pub(super) fn new(text: &str) -> Self {
        let (plain, or_none) = match text.strip_suffix('?') {
            Some(plain) => (plain, true),
            None => (text, false),
        };
        let mut steps: Vec<Step> = plain
            .split('.')
            .map(|step| match step.strip_suffix("[]") {
                Some(key) => Step {
                    key: key.to_owned(),
                    is_list: true,
                },
                None => Step {
                    key: step.to_owned(),
                    is_list: false,
                },
            })
            .collect();
        let unfolds = steps.iter().any(|step| step.is_list);
        if let Some(last) = steps.last_mut().filter(|_| !unfolds) {
            last.is_list = true;
        }
        Self {
            text: text.to_owned(),
            steps,
            unfolds,
            or_none,
        }
    }

    /// The number of the step without which a file is not one of the path. Programs leave out lists
    /// that are empty, but not what all their files have.
    pub(super) fn decisive(&self) -> usize {
        if self.unfolds {
            0
        } else {
            self.steps.len().saturating_sub(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_say_which_steps_are_lists() {
        let path = Path::new("Results[].Vulnerabilities[]?");
        assert!(path.unfolds && path.or_none);
        assert!(path.steps.iter().all(|step| step.is_list));
        assert_eq!(path.steps[1].key, "Vulnerabilities");
        let plain = Path::new("data.items");
        assert!(!plain.unfolds && !plain.or_none);
        assert!(!plain.steps[0].is_list && plain.steps[1].is_list);
    }
}
