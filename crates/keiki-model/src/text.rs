//! A text in the two languages of the product.

use serde::{Deserialize, Serialize};

/// Names the language that a person reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Japanese.
    Ja,
    /// English.
    En,
}

impl Language {
    /// Reads a language from a tag such as `ja`, `ja_JP.UTF-8` or `en-GB`; `None` for any other.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let primary = tag.split(['_', '-', '.']).next().unwrap_or_default();
        match primary.to_ascii_lowercase().as_str() {
            "ja" => Some(Self::Ja),
            "en" | "c" | "posix" => Some(Self::En),
            _ => None,
        }
    }
}

/// Holds one text in Japanese and English.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Text {
    /// The Japanese text.
    pub ja: String,
    /// The English text.
    pub en: String,
}

impl Text {
    /// Makes a text from its Japanese and English forms.
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            ja: ja.into(),
            en: en.into(),
        }
    }

    /// Takes over what somebody else says, a library or another system, as it stands, in whatever language.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "errors are handed over as they come"
    )]
    pub fn quoted(said: impl ToString) -> Self {
        let said = said.to_string();
        Self::new(said.clone(), said)
    }

    /// Returns the text in `language`.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::Ja => &self.ja,
            Language::En => &self.en,
        }
    }
}

/// Reads a text, or the plain string that older journals hold in its place.
///
/// # Errors
/// It is neither.
pub fn said<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Text, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Said {
        Text(Text),
        Plain(String),
    }
    Ok(match Said::deserialize(from)? {
        Said::Text(text) => text,
        Said::Plain(text) => Text::quoted(text),
    })
}

/// What can say why something failed: a text in both languages, or an error of a library, which is quoted. A plain string cannot.
pub trait Wording {
    /// The text.
    fn into_text(self) -> Text;
}

impl Wording for Text {
    fn into_text(self) -> Text {
        self
    }
}

impl<E: std::error::Error> Wording for E {
    fn into_text(self) -> Text {
        Text::quoted(self)
    }
}

/// A text as it is compared: lower case, half-width letters and digits, single spaces.
#[must_use]
pub fn plain(text: &str) -> String {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        c => c,
    };
    let narrowed: String = text.chars().map(narrow).collect();
    let words: Vec<&str> = narrowed.split_whitespace().collect();
    words.join(" ").to_lowercase()
}
/// Bytes as hexadecimal digits, two each, in lower case.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
