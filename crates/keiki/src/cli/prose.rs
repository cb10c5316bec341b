//! Paragraphs broken to the width of the terminal, Japanese by its own rules.

use keiki_report::table::width;

/// Characters that must not begin a line, in the manner of JIS X 4051.
const NEVER_FIRST: &str =
    "、。，．：；！？・ー）］｝」』】〕〉》”’…％ぁぃぅぇぉっゃゅょァィゥェォッャュョ,.:;!?)]}%";

/// Characters that must not end a line.
const NEVER_LAST: &str = "（［｛「『【〔〈《“‘([{";

/// Breaks a text into lines of at most `limit` columns: at spaces, and between full-width characters.
pub(super) fn lines(text: &str, limit: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        let is_full = !line.is_empty() && width(&line) + width(piece.trim_end()) > limit;
        if is_full {
            out.push(line.trim_end().to_owned());
            line.clear();
        }
        line.push_str(piece);
    }
    if !line.is_empty() || out.is_empty() {
        out.push(line.trim_end().to_owned());
    }
    out
}

/// The parts of a text between which a line may end.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        if before.is_some_and(|before| may_end_between(before, c)) {
            pieces.push(&text[start..at]);
            start = at;
        }
        before = Some(c);
    }
    pieces.push(&text[start..]);
    pieces
}

fn may_end_between(before: char, after: char) -> bool {
    if before == ' ' {
        return after != ' ';
    }
    let is_wide = |c: char| width(c.encode_utf8(&mut [0; 4])) > 1;
    after != ' '
        && (is_wide(before) || is_wide(after))
        && !NEVER_FIRST.contains(after)
        && !NEVER_LAST.contains(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stay_whole_and_marks_stay_with_what_they_mark() {
        assert_eq!(
            lines("Mean time to contain", 12),
            ["Mean time to", "contain"]
        );
        assert_eq!(
            lines("封じ込めまで、平均。", 12),
            ["封じ込めま", "で、平均。"]
        );
        assert_eq!(lines("未達(CVSS 9.0)", 8), ["未達", "(CVSS", "9.0)"]);
        assert_eq!(lines("", 10), [""]);
    }

    #[test]
    fn no_line_is_wider_than_asked_for() {
        let text = "平均は未着手のものを含まないため、open cases、最長経過日数を添える。";
        for limit in 10..60 {
            let broken = lines(text, limit);
            assert!(
                broken.iter().all(|line| width(line) <= limit),
                "{limit}: {broken:?}"
            );
            let joined: String = broken.concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
