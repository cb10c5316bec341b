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
    /// Where each cell of each row leads; empty where it leads nowhere.
    links: Vec<Vec<String>>,
    /// How a figure that leads somewhere is set: as one that is shown there too, or not.
    pub(super) set_as: &'static str,
}

impl Drawing {
    /// `id` sets it apart from the others of a page.
    pub(super) fn new(chart: &Chart, id: &str) -> Self {
        Self {
            svg: chart.svg(Theme::Screen, id),
            title: chart.title.clone(),
            shown: chart.shown.clone(),
            links: Vec::new(),
            set_as: "number",
        }
    }

    /// The same, with where its figures lead: `to` is asked by the number and the name of the row, and by the column.
    pub(super) fn leading(mut self, to: impl Fn((usize, &str), usize) -> Option<String>) -> Self {
        let link = |row: (usize, &str), (column, cell): (usize, &String)| {
            let is_figure = column > 0 && cell.contains(|c: char| c.is_ascii_digit());
            let link = is_figure.then(|| to(row, column)).flatten();
            link.unwrap_or_default()
        };
        let rows = self.shown.rows.iter().enumerate();
        let links = rows.map(|(at, row)| {
            let name = row.first().map_or("", String::as_str);
            let cells = row.iter().enumerate();
            cells.map(|cell| link((at, name), cell)).collect()
        });
        self.links = links.collect();
        self
    }

    /// The same, where what its figures lead to is what they are made of, but does not show them.
    pub(super) fn made_of(self) -> Self {
        Self {
            set_as: "whole",
            ..self
        }
    }

    /// The cells of a row, each with where it leads; empty where it leads nowhere.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "templates hand references over"
    )]
    pub(super) fn cells(&self, row: &usize) -> Vec<(&str, &str)> {
        let links = self.links.get(*row);
        let link = |column: usize| links.and_then(|links| links.get(column));
        let cells = self.shown.rows.get(*row).into_iter().flatten();
        let cells = cells.enumerate().map(|(column, cell)| {
            let href = link(column).map_or("", String::as_str);
            (href, cell.as_str())
        });
        cells.collect()
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
