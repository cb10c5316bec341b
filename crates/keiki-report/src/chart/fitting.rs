//! How wide a text is, and how it is made to fit.

use unicode_width::UnicodeWidthChar;

/// About how wide a text comes out.
pub(super) fn width_of(text: &str, size: f64) -> f64 {
    let one = |c: char| match c.width() {
        Some(2) => 1.0,
        Some(0) | None => 0.0,
        _ => 0.56,
    };
    text.chars().map(one).sum::<f64>() * size
}

/// A text cut so that it is no wider than a space, with an ellipsis where something is left out.
pub(super) fn fitted(text: &str, size: f64, space: f64) -> String {
    if width_of(text, size) <= space {
        return text.to_owned();
    }
    let mut out = String::new();
    for c in text.chars() {
        out.push(c);
        if width_of(&out, size) + size > space {
            out.pop();
            break;
        }
    }
    out.push('…');
    out
}

/// Characters with which no line begins.
const NEVER_FIRST: &str = "、。・」』)ーゃゅょぁぃぅぇぉっャュョァィゥェォッ々";

/// A text on two lines where one is too short, parted between words or before a wide character, as evenly as may be. A text for which
/// two lines are too short is cut.
pub(super) fn in_two(text: &str, size: f64, space: f64) -> Vec<String> {
    if width_of(text, size) <= space {
        return vec![text.to_owned()];
    }
    let may_begin = |c: char| c.width() == Some(2) && !NEVER_FIRST.contains(c);
    let parted =
        |(at, c): (usize, char)| (at > 0 && (c == ' ' || may_begin(c))).then(|| text.split_at(at));
    let fits = |(first, _): &(&str, &str)| width_of(first, size) <= space;
    let longest = |(first, second): &(&str, &str)| {
        width_of(first, size).max(width_of(second.trim_start(), size))
    };
    let lines = text.char_indices().filter_map(parted).filter(fits);
    let best = lines.min_by(|one, other| longest(one).total_cmp(&longest(other)));
    match best {
        Some((first, second)) => vec![first.to_owned(), fitted(second.trim_start(), size, space)],
        None => vec![fitted(text, size, space)],
    }
}
