//! Reads truth values.

use super::Why;
use super::number::narrow;

/// Reads true, yes, 1, はい or false, no, 0, いいえ, whatever the case of letters.
///
/// # Errors
/// It is none of these.
pub(crate) fn boolean(text: &str) -> Result<bool, Why> {
    let narrow = narrow(text);
    let text = narrow.trim();
    let is = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is(["true", "1", "yes", "はい"]) {
        Ok(true)
    } else if is(["false", "0", "no", "いいえ"]) {
        Ok(false)
    } else {
        Err(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truth_is_told_in_both_languages_and_nothing_else_is_guessed() {
        assert_eq!(boolean("Yes"), Ok(true));
        assert_eq!(boolean("いいえ"), Ok(false));
        assert_eq!(boolean("ＹＥＳ"), Ok(true));
        for wrong in ["y", "on", "○", "2", "True."] {
            assert_eq!(boolean(wrong), Err(None), "{wrong}");
        }
    }
}
