//! Charts in pages, each with the table of what it shows, and codes that telephones read.

use keiki_report::chart::{Chart, Shown, Theme};
use qrcode::{Color, QrCode};

/// A chart as a page shows it.
pub(super) struct Drawing {
    /// The drawing; its texts are escaped where it is drawn.
    pub(super) svg: String,
    /// What it is.
    pub(super) title: String,
    /// What it shows.
    pub(super) shown: Shown,
    /// Where the figure of each row leads; empty where it leads nowhere.
    links: Vec<String>,
}

impl Drawing {
    /// `id` sets it apart from the others of a page.
    pub(super) fn new(chart: &Chart, id: &str) -> Self {
        Self {
            svg: chart.svg(Theme::Screen, id),
            title: chart.title.clone(),
            shown: chart.shown.clone(),
            links: Vec::new(),
        }
    }

    /// The same, with where the figure of a row leads: `to` is asked by the name of the row.
    pub(super) fn leading(mut self, to: impl Fn(&str) -> Option<String>) -> Self {
        let rows = self.shown.rows.iter();
        let link = |row: &Vec<String>| row.first().and_then(|name| to(name)).unwrap_or_default();
        self.links = rows.map(link).collect();
        self
    }

    /// Where the figure of a row leads; empty where it leads nowhere.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    pub(super) fn link(&self, row: &usize) -> &str {
        self.links.get(*row).map_or("", String::as_str)
    }
}

/// The drawing alone, for a line of a table that says the same in figures.
pub(super) fn svg(chart: Option<&Chart>, id: &str) -> String {
    chart.map_or_else(String::new, |chart| chart.svg(Theme::Screen, id))
}

/// How many modules stand free around a code. *Source*: ISO/IEC 18004, section 6.3.8.
const MARGIN: usize = 4;

/// A code that telephones read.
pub(super) struct Code {
    /// How wide and high it is, in modules, with what stands free around it.
    pub(super) side: usize,
    /// Its dark modules as a path.
    pub(super) path: String,
}

impl Code {
    /// Draws a text; `None` where it is too long for any code.
    pub(super) fn new(text: &str) -> Option<Self> {
        let code = QrCode::new(text).ok()?;
        let width = code.width();
        let dark = code.to_colors().into_iter().enumerate();
        let dark = dark.filter(|(_, color)| *color == Color::Dark);
        let squares = dark.map(|(at, _)| {
            let (x, y) = (at % width + MARGIN, at / width + MARGIN);
            format!("M{x} {y}h1v1h-1z")
        });
        Some(Self {
            side: width + 2 * MARGIN,
            path: squares.collect(),
        })
    }
}
