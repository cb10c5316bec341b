//! Every message is in both languages: what is Japanese is so, what is quoted is somebody else's, and every error words itself in both.

use std::path::{Path, PathBuf};

use super::{read, sources};

/// Errors that another module words, with the function that does.
const WORDED_ELSEWHERE: [(&str, &str); 3] = [
    ("PeriodError", "pub fn forms(error: &PeriodError) -> Text"),
    ("ExpressionError", "pub message: Text"),
    ("SignatureFault", "SignatureFault::Newer(version) =>"),
];

/// What the crates hold besides their tests.
fn productive() -> Vec<(PathBuf, String)> {
    let is_product = |path: &PathBuf| {
        let path = path.to_string_lossy();
        path.contains("crates/") && path.contains("/src/")
    };
    let files = sources().into_iter().filter(is_product);
    files
        .map(|path| {
            let text = read(&path);
            let end = text.find("#[cfg(test)]").unwrap_or(text.len());
            (path, text[..end].to_owned())
        })
        .collect()
}

/// The literals that begin the first arguments of each call of a function, and the line on which it stands.
fn calls(text: &str, call: &str) -> Vec<(usize, Vec<Option<String>>)> {
    let starts = text.match_indices(call);
    starts
        .map(|(at, _)| {
            let line = text[..at].matches('\n').count() + 1;
            let arguments = arguments(&text[at + call.len()..]);
            (line, arguments.iter().map(|one| literal(one)).collect())
        })
        .collect()
}

/// The arguments up to the closing bracket.
fn arguments(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut is_text, mut is_escaped) = (1, 0, false, false);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        if is_text {
            is_text = is_escaped || c != '"';
            is_escaped = c == '\\' && !is_escaped;
            continue;
        }
        match c {
            '"' => is_text = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 1 => {
                found.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            found.push(text[start..at].trim());
            break;
        }
    }
    found
}

/// The text that an argument is, or is formatted from, without what stands for a value or is code.
fn literal(argument: &str) -> Option<String> {
    let argument = argument.strip_prefix("format!(").unwrap_or(argument);
    let inside = argument.trim_start().strip_prefix('"')?;
    let (mut text, mut is_escaped, mut depth, mut is_code) = (String::new(), false, 0, false);
    for c in inside.chars() {
        match c {
            '"' if !is_escaped => return Some(text),
            '{' => depth += 1,
            '}' => depth -= 1,
            '`' => is_code = !is_code,
            _ if depth == 0 && !is_code => text.push(c),
            _ => {}
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    None
}

fn is_japanese(text: &str) -> bool {
    text.chars()
        .any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

/// Two words of English in a row.
fn is_english(text: &str) -> bool {
    let is_word = |word: &&str| word.len() > 1 && word.chars().all(|c| c.is_ascii_alphabetic());
    let words: Vec<&str> = text.split_whitespace().collect();
    words.windows(2).any(|pair| pair.iter().all(is_word))
}

fn place(path: &Path, line: usize) -> String {
    format!("{}:{line}", path.display())
}

#[test]
fn every_text_is_in_both_languages() {
    let mut count = 0;
    for (path, text) in productive() {
        for call in ["Text::new(", "phrase("] {
            for (line, literals) in calls(&text, call) {
                let [Some(ja), Some(en), ..] = literals.as_slice() else {
                    continue;
                };
                count += 1;
                let at = place(&path, line);
                assert!(
                    !is_english(ja) || is_japanese(ja),
                    "{at}: not Japanese: {ja}"
                );
                assert!(
                    !is_japanese(en) || is_english(en),
                    "{at}: not English: {en}"
                );
            }
        }
    }
    assert!(count > 500, "{count} texts were found");
}

#[test]
fn what_is_quoted_is_not_the_programs_own() {
    for (path, text) in productive() {
        for (line, literals) in calls(&text, "Text::quoted(") {
            if let Some(Some(said)) = literals.first() {
                let at = place(&path, line);
                assert!(
                    !is_english(said) && !is_japanese(said),
                    "{at}: say it in both languages: {said}"
                );
            }
        }
    }
}

#[test]
fn every_error_words_itself_in_both_languages() {
    let files = productive();
    let mut count = 0;
    for (path, text) in &files {
        for (at, _) in text.match_indices("thiserror::Error)]") {
            let Some(declared) = text[at..].lines().find(|line| {
                line.contains("pub enum ") || line.contains("pub struct ") || line.contains("pub(")
            }) else {
                continue;
            };
            let Some(name) = declared
                .strip_prefix("pub enum ")
                .or_else(|| declared.strip_prefix("pub struct "))
            else {
                continue;
            };
            let name: String = name
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            count += 1;
            let elsewhere = WORDED_ELSEWHERE.iter().find(|(error, _)| *error == name);
            let is_worded = |text: &String| match elsewhere {
                Some((_, words)) => text.contains(words),
                None => text
                    .split(&format!("impl {name} {{"))
                    .skip(1)
                    .any(|of| of.contains("fn message(&self) -> Text")),
            };
            assert!(
                files.iter().any(|(_, text)| is_worded(text)),
                "{}: {name} has no `message` in both languages",
                path.display()
            );
        }
    }
    assert!(count > 5, "{count} errors were found");
}

#[test]
fn a_text_in_one_language_is_noticed() {
    let source = "Text::new(\"no such file\", format!(\"no such file: {name}\"))";
    let found = calls(source, "Text::new(");
    assert_eq!(
        found,
        [(
            1,
            vec![
                Some("no such file".to_owned()),
                Some("no such file: ".to_owned())
            ]
        )]
    );
    assert!(is_english("no such file") && !is_japanese("no such file"));
    assert!(is_japanese("ファイルがありません") && !is_english("ファイルがありません"));
}
