//! Charts in pages: the drawing with the table of what it shows.

use keiki_report::chart::{Chart, Shown, Theme};

/// A chart as a page shows it.
pub(super) struct Drawing {
    /// The drawing; its texts are escaped where it is drawn.
    pub(super) svg: String,
    /// What it is.
    pub(super) title: String,
    /// What it shows.
    pub(super) shown: Shown,
}

impl Drawing {
    /// `id` sets it apart from the others of a page.
    pub(super) fn new(chart: &Chart, id: &str) -> Self {
        Self {
            svg: chart.svg(Theme::Screen, id),
            title: chart.title.clone(),
            shown: chart.shown.clone(),
        }
    }
}

/// The drawing alone, for a line of a table that says the same in figures.
pub(super) fn svg(chart: Option<&Chart>, id: &str) -> String {
    chart.map_or_else(String::new, |chart| chart.svg(Theme::Screen, id))
}
