//! One thing that is wrong with a user's input: what, where, and how to mend it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::{Language, Text};

/// Says where in a file a problem lies.
///
/// *Units*: line and column count from 1, columns in characters; 0 means "the whole file".
#[derive(Debug, Clone, PartialEq, Eq, Default, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// Line, from 1; 0 where the problem is the whole file's.
    pub line: usize,
    /// Column in characters, from 1; 0 where the problem is the whole line's.
    pub column: usize,
}

impl Place {
    /// Makes the place that stands for a whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
        }
    }

    /// Makes the place of the byte `offset` of `text`. Who needs many places of one text keeps its `Lines`.
    pub fn at(file: impl Into<String>, text: &str, offset: usize) -> Self {
        Lines::of(text).place(file, text, offset)
    }
}

/// Where each line of a text begins, so that places in it are found without reading it again from its start.
#[derive(Debug, Clone)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// The lines of `text`.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let next = text.match_indices('\n').map(|(end, _)| end + 1);
        Self(std::iter::once(0).chain(next).collect())
    }

    /// The place of the byte `offset` of the text whose lines these are.
    pub fn place(&self, file: impl Into<String>, text: &str, offset: usize) -> Place {
        let offset = floor_char_boundary(text, offset);
        let line = self.0.partition_point(|start| *start <= offset);
        let start = self.0[line - 1];
        Place {
            file: file.into(),
            line,
            column: text[start..offset].chars().count() + 1,
        }
    }
}

fn floor_char_boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// Describes one fault of an input; a list of them is what checking returns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it is.
    pub place: Place,
    /// What is wrong, a lower-case fragment with the value last.
    pub message: Box<Text>,
    /// How to mend it.
    pub hint: Option<Box<Text>>,
}

impl Problem {
    /// Makes a problem without a hint.
    #[must_use]
    pub fn new(place: Place, message: Text) -> Self {
        Self {
            place,
            message: Box::new(message),
            hint: None,
        }
    }

    /// Adds the way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: Text) -> Self {
        self.hint = Some(Box::new(hint));
        self
    }

    /// The problem in a language: its place, what is wrong, and on a line of its own how to mend it.
    #[must_use]
    pub fn said(&self, language: Language) -> String {
        let mut said = format!("{}: {}", self.place, self.message.get(language));
        if let Some(hint) = &self.hint {
            said.push_str(&format!("\n  hint: {}", hint.get(language)));
        }
        said
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said(Language::En))
    }
}

/// Returns the candidate nearest to `word`, for hints on misspelt names; `None` if none is near.
///
/// *Source*: Levenshtein distance, at most a third of the word's length.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(word, candidate), candidate))
        .filter(|(distance, _)| *distance <= word.chars().count().div_ceil(3))
        .min()
        .map(|(_, candidate)| candidate)
}

fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "組織 = 1\n\nb = \"é\"\n";
        let place = |offset| {
            let place = Place::at("f", text, offset);
            (place.line, place.column)
        };
        assert_eq!(place(0), (1, 1));
        assert_eq!(place("組織".len()), (1, 3));
        // The end of a line is still in it; the next line may be empty.
        assert_eq!(place("組織 = 1".len()), (1, 7));
        assert_eq!(place("組織 = 1\n".len()), (2, 1));
        assert_eq!(place("組織 = 1\n\n".len()), (3, 1));
        // In the middle of a character it is that character's place, and past the end the end's.
        assert_eq!(place(text.find('é').expect("it is there") + 1), (3, 6));
        assert_eq!(place(text.len() + 9), (4, 1));
    }
}
