//! Reads the objects that most records are, of strings without escapes, numbers, words and no more, in one pass.
//!
//! What is read here is what any parser of JSON reads; of every other text nothing is said.

use memchr::memchr2;

/// Entries that most objects do not exceed.
const LIKELY: usize = 16;

/// Takes apart an object whose every entry is plain; `None` for anything else. Null is the empty text, and no value has a control
/// character.
pub(super) fn entries(text: &str) -> Option<Vec<(&str, &str)>> {
    let mut rest = space(space(text).strip_prefix('{')?);
    let mut entries = Vec::with_capacity(LIKELY);
    if let Some(behind) = rest.strip_prefix('}') {
        return space(behind).is_empty().then_some(entries);
    }
    loop {
        let (key, value, behind) = entry(rest)?;
        entries.push((key, value));
        rest = behind.get(1..)?;
        match behind.as_bytes().first()? {
            b',' => {}
            b'}' => return space(rest).is_empty().then_some(entries),
            _ => return None,
        }
    }
}

/// A key and a value, and the text from the comma or bracket behind them.
fn entry(text: &str) -> Option<(&str, &str, &str)> {
    let (key, rest) = string(space(text))?;
    let rest = space(space(rest).strip_prefix(':')?);
    let (value, rest) = match rest.as_bytes().first()? {
        b'"' => string(rest)?,
        b'n' => ("", rest.strip_prefix("null")?),
        b't' => rest.split_at(rest.starts_with("true").then_some(4)?),
        b'f' => rest.split_at(rest.starts_with("false").then_some(5)?),
        _ => number(rest)?,
    };
    Some((key, value, space(rest)))
}

/// The text without white space before it.
fn space(text: &str) -> &str {
    // Mostly there is none, or one blank.
    match text.as_bytes() {
        [b' ', next, ..] if *next > b' ' => &text[1..],
        [first, ..] if *first > b' ' => text,
        _ => text.trim_start_matches([' ', '\t', '\n', '\r']),
    }
}

/// A string without escapes, and what follows it.
fn string(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let end = memchr2(b'"', b'\\', inner.as_bytes())?;
    let (value, rest) = inner.split_at(end);
    // Without a branch for each byte.
    let least = value.bytes().fold(u8::MAX, u8::min);
    let rest = rest.strip_prefix('"')?;
    (least >= b' ').then_some((value, rest))
}

/// A number by the grammar of RFC 8259 section 6, and what follows it.
fn number(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    let whole = digits(at);
    if whole == 0 || (whole > 1 && bytes[at] == b'0') {
        return None;
    }
    at += whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent == 0 {
            return None;
        }
        at += 1 + sign + exponent;
    }
    Some(text.split_at(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_objects_are_read_as_they_stand() {
        let text = r#" { "a" : "x y","b":-1.50e+3,	"c":null ,"d": true,"":false,"ö":"é"} "#;
        let found = entries(text).expect("it is plain");
        let expected = [
            ("a", "x y"),
            ("b", "-1.50e+3"),
            ("c", ""),
            ("d", "true"),
            ("", "false"),
            ("ö", "é"),
        ];
        assert_eq!(found, expected);
        assert_eq!(entries("{ }"), Some(Vec::new()));
    }

    #[test]
    fn whatever_is_not_plain_is_left_alone() {
        for text in [
            "",
            "{",
            "[]",
            "{} x",
            "{,}",
            r#"{"a":1,}"#,
            r#"{"a":1 "b":2}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":-}"#,
            r#"{"a":1e}"#,
            r#"{"a":.5}"#,
            r#"{"a":nul}"#,
            r#"{"a":truex}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\n"}"#,
            "{\"a\":\"\u{1}\"}",
            r#"{"a\"":1}"#,
            r#"{"a":{}}"#,
            r#"{"a":[1]}"#,
            r#"{"a":"#,
            r"{a:1}",
        ] {
            assert!(entries(text).is_none(), "{text}");
        }
    }
}
