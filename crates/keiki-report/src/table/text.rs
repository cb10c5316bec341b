//! Texts measured, cut and wrapped by the columns that they take in a terminal.

use std::collections::VecDeque;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands where a text was cut.
const CUT: char = '…';

/// The columns that a text takes in a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts a text to a width, with `…` for what is gone; characters of two columns are never halved.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = UnicodeWidthChar::width(c).unwrap_or(0);
        if used + wide + 1 > limit {
            break;
        }
        used += wide;
        kept.push(c);
    }
    kept.push(CUT);
    kept
}

/// Cuts a text at its beginning.
pub(super) fn cut_start(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = VecDeque::new();
    let mut used = 1;
    for c in text.chars().rev() {
        used += UnicodeWidthChar::width(c).unwrap_or(0);
        if used > limit {
            break;
        }
        kept.push_front(c);
    }
    kept.push_front(CUT);
    kept.into_iter().collect()
}

/// Breaks a text into at most `lines` lines, at spaces where there are any; the last is cut.
pub(super) fn wrap(text: &str, limit: usize, lines: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text.trim_end();
    while out.len() + 1 < lines && width(rest) > limit {
        let at = break_at(rest, limit);
        if at == 0 {
            break;
        }
        out.push(rest[..at].trim_end().to_owned());
        rest = rest[at..].trim_start();
    }
    out.push(cut(rest, limit));
    out
}

/// Where a line of at most `limit` columns ends: after its last word, or within it where it has only one.
fn break_at(text: &str, limit: usize) -> usize {
    let begins = text.len() - text.trim_start().len();
    let (mut used, mut end, mut space) = (0, 0, None);
    for (at, c) in text.char_indices() {
        used += UnicodeWidthChar::width(c).unwrap_or(0);
        if c == ' ' && at > begins && used <= limit + 1 {
            space = Some(at);
        }
        if used > limit {
            break;
        }
        end = at + c.len_utf8();
    }
    space.unwrap_or(end)
}

/// A cell is one line, and what evidence holds never reaches the terminal as a control sequence.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("架空ホールディングス", 8), "架空ホ…");
        assert_eq!(width(&cut("架空ホールディングス", 9)), 9);
        assert_eq!(cut("met", 3), "met");
    }

    #[test]
    fn a_place_keeps_its_end() {
        assert_eq!(cut_start("evidence/資産.csv:12", 12), "…資産.csv:12");
        assert_eq!(cut_start("a.csv:1", 12), "a.csv:1");
    }

    #[test]
    fn a_text_breaks_at_spaces_or_between_full_width_characters() {
        assert_eq!(
            wrap("Mean time to contain (MTTC)", 12, 3),
            ["Mean time to", "contain", "(MTTC)"]
        );
        assert_eq!(
            wrap("封じ込めまでの平均時間", 10, 2),
            ["封じ込めま", "での平均…"]
        );
        assert_eq!(wrap("short", 12, 3), ["short"]);
        assert_eq!(wrap("abc", 0, 3), ["…"]);
    }
}
