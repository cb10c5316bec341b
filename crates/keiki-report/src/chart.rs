//! Charts as SVG: paper, ink and one blue; colour besides only for status, and status by shape, pattern and word too.
//!
//! Every chart starts at zero, names its unit, leaves a gap where there is no data, carries a text alternative, and comes with
//! the table of what it shows. A chart is a drawing, not a figure: places are floating-point numbers, texts are exact.
//!
//! *Source*: decision 0041; WCAG 2.2, success criteria 1.1.1 and 1.4.1.

mod bridge;
mod bullet;
mod canvas;
mod comparison;
mod distribution;
mod fitting;
mod heat;
mod scale;
mod survival;
mod trend;

use serde::{Serialize, Serializer};
use serde_json::json;

pub use bridge::{Bridge, Step};
pub use bullet::{Bullet, Spark};
pub use comparison::{Comparison, Order, Row};
pub use distribution::{Bin, Distribution, Line};
pub use heat::{Cell, Heat};
pub use survival::{Survival, SurvivalStep};
pub use trend::{Forecast, Place, Trend};

use canvas::Canvas;

/// Where a chart is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// On paper: ink on white.
    Print,
    /// On a screen: colours by the page's tokens, light or dark.
    Screen,
}

/// A colour by what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// Text and targets.
    Ink,
    /// Secondary text.
    Soft,
    /// Rules.
    Line,
    /// What is under a mark.
    Paper,
    /// The one blue.
    Blue,
    /// The area of a target.
    BlueSoft,
    /// A met target.
    Good,
    /// The ground under a met target.
    GoodSoft,
    /// A target nearly met; something unknown.
    Warning,
    /// Its ground.
    WarningSoft,
    /// A missed target.
    Bad,
    /// Its ground.
    BadSoft,
    /// Nothing to say.
    Faint,
    /// Its ground.
    FaintSoft,
}

impl Token {
    /// Every token with the name of its variable in style sheets and its colour on paper.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 14] = [
        (Self::Ink, "ink", "#1d2126"),
        (Self::Soft, "soft", "#59626c"),
        (Self::Line, "line", "#dcd9d1"),
        (Self::Paper, "card", "#ffffff"),
        (Self::Blue, "ai", "#23466e"),
        (Self::BlueSoft, "ai-soft", "#e3eaf2"),
        (Self::Good, "met", "#1f7a68"),
        (Self::GoodSoft, "met-bg", "#e3f1ed"),
        (Self::Warning, "near", "#9a6207"),
        (Self::WarningSoft, "near-bg", "#f8eedb"),
        (Self::Bad, "missed", "#b23a24"),
        (Self::BadSoft, "missed-bg", "#f7e3de"),
        (Self::Faint, "none", "#767d85"),
        (Self::FaintSoft, "none-bg", "#f1f0ec"),
    ];

    /// The colour as SVG writes it.
    pub(crate) fn colour(self, theme: Theme) -> String {
        let (_, name, hex) = Self::ALL
            .iter()
            .find(|(token, ..)| *token == self)
            .copied()
            .unwrap_or((Self::Ink, "ink", "#1d2126"));
        match theme {
            Theme::Print => hex.to_owned(),
            Theme::Screen => format!("var(--{name},{hex})"),
        }
    }
}

/// What a chart shows, as a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Shown {
    /// The headings.
    pub columns: Vec<String>,
    /// The rows; the first cell names the row.
    pub rows: Vec<Vec<String>>,
}

/// A drawn chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it is.
    pub title: String,
    /// What it shows, for who does not see it.
    pub description: String,
    /// What it shows, as a table.
    pub shown: Shown,
    canvas: Canvas,
}

impl Chart {
    fn new(title: String, description: String, shown: Shown, canvas: Canvas) -> Self {
        Self {
            title,
            description,
            shown,
            canvas,
        }
    }

    /// Its width. *Units*: points.
    #[must_use]
    pub fn width(&self) -> f64 {
        self.canvas.width
    }

    /// Its height. *Units*: points.
    #[must_use]
    pub fn height(&self) -> f64 {
        self.canvas.height
    }

    /// The chart as SVG. `id` sets it apart from the others of a page.
    #[must_use]
    pub fn svg(&self, theme: Theme, id: &str) -> String {
        self.canvas.svg(&self.title, &self.description, theme, id)
    }
}

/// For paper: the SVG, its size and its text alternative.
impl Serialize for Chart {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        json!({
            "title": self.title,
            "svg": self.svg(Theme::Print, "c"),
            "width": self.width(),
            "height": self.height(),
            "alt": within_limit(format!("{}. {}", self.title, self.description)),
        })
        .serialize(serializer)
    }
}

/// The most characters of a text alternative on paper. A string of PDF/A holds 32,767 bytes, and a character takes four at most.
/// *Source*: ISO 19005-2, 6.1.13.
const ALTERNATIVE_MOST: usize = 8000;

/// A text alternative that a PDF can hold: that of a thousand companies is longer.
fn within_limit(text: String) -> String {
    if text.chars().nth(ALTERNATIVE_MOST).is_none() {
        return text;
    }
    let kept: String = text.chars().take(ALTERNATIVE_MOST - 1).collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_alternative_is_no_longer_than_a_pdf_can_hold() {
        let fits = "会".repeat(ALTERNATIVE_MOST);
        assert_eq!(within_limit(fits.clone()), fits);
        let longer = within_limit(format!("{fits}社"));
        assert_eq!(longer.chars().count(), ALTERNATIVE_MOST);
        assert!(longer.ends_with("会…"));
        assert!("𠮷".repeat(ALTERNATIVE_MOST).encode_utf16().count() * 2 < 32_767);
    }
}
