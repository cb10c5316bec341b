//! A table for a terminal: fits the width that it is given and aligns full-width characters.

mod text;

pub use text::{cut, width};
use text::{cut_start, one_line, wrap};

/// Columns between two columns of the table.
const GAP: usize = 2;

/// The width to which texts may be cut before a spare column goes instead.
const COMFORT: usize = 24;

/// On which side a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Figures; they are never cut, since a figure that was cut is another figure.
    Right,
    /// Texts whose end says most, such as a file with its line: cut at the beginning.
    LeftKeepEnd,
}

/// How a cell is coloured, where colour is wanted. No cell says anything by colour alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Paint {
    /// As the terminal has it.
    #[default]
    Plain,
    /// Well.
    Good,
    /// Nearly well.
    Warning,
    /// Not well.
    Bad,
    /// Of less weight.
    Faint,
}

impl Paint {
    /// Its name, as pages and documents know it.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Faint => "faint",
        }
    }

    fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("32"),
            Self::Warning => Some("33"),
            Self::Bad => Some("31"),
            Self::Faint => Some("2"),
        }
    }
}

/// Whether colour is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// No escape sequences at all.
    Never,
    /// Colour as an extra.
    Always,
}

/// How a table is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// The columns of the terminal; `None` = as wide as needed (a file or a pipe).
    pub width: Option<usize>,
    /// Whether colour is added.
    pub colour: Colour,
}

impl View {
    /// As wide as needed and without colour.
    pub const PLAIN: Self = Self {
        width: None,
        colour: Colour::Never,
    };
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    text: String,
    paint: Paint,
}

impl Cell {
    /// Makes a cell of a colour.
    pub fn painted(text: impl Into<String>, paint: Paint) -> Self {
        Self {
            text: text.into(),
            paint,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            paint: Paint::Plain,
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    heading: String,
    align: Align,
    least: usize,
    lines: usize,
    is_spare: bool,
}

impl Column {
    /// Makes a column of texts, which may be cut to `least` columns where the terminal is narrow.
    pub fn text(heading: impl Into<String>, least: usize) -> Self {
        Self {
            heading: heading.into(),
            align: Align::Left,
            least,
            lines: 1,
            is_spare: false,
        }
    }

    /// Makes a column of places, which may be cut to `least` columns, at the beginning.
    pub fn place(heading: impl Into<String>, least: usize) -> Self {
        Self {
            align: Align::LeftKeepEnd,
            ..Self::text(heading, least)
        }
    }

    /// Makes a column of figures.
    pub fn figure(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            align: Align::Right,
            least: usize::MAX,
            lines: 1,
            is_spare: false,
        }
    }

    /// Lets the column's texts take up to so many lines before they are cut.
    #[must_use]
    pub fn wrapped(mut self, lines: usize) -> Self {
        self.lines = lines;
        self
    }

    /// Lets the column be left out where the table would not fit.
    #[must_use]
    pub fn spare(mut self) -> Self {
        self.is_spare = true;
        self
    }
}

impl Column {
    /// The lines of a cell in this column.
    fn broken(&self, cell: Option<&Cell>, limit: usize) -> Vec<Cell> {
        let Some(cell) = cell else { return Vec::new() };
        let text = one_line(&cell.text);
        let lines = match self.align {
            Align::Right => vec![text],
            Align::Left => wrap(&text, limit, self.lines),
            Align::LeftKeepEnd => vec![cut_start(&text, limit)],
        };
        lines
            .into_iter()
            .map(|line| Cell::painted(line, cell.paint))
            .collect()
    }
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// Makes an empty table.
    #[must_use]
    pub fn new(columns: Vec<Column>) -> Self {
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row. *Shape*: one cell per column.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Tells whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, one line per row and one for the headings; where even the least widths do not fit, each row becomes
    /// a block of lines.
    #[must_use]
    pub fn render(&self, view: View) -> String {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let needed: Vec<usize> = all
            .iter()
            .copied()
            .filter(|at| !self.columns[*at].is_spare)
            .collect();
        for shown in [&all, &needed] {
            let comfort = if shown.len() > needed.len() {
                COMFORT
            } else {
                0
            };
            if let Some(widths) = self.fit(shown, view.width, comfort) {
                return self.lines(shown, &widths, view.colour);
            }
        }
        self.blocks(view)
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self
            .rows
            .iter()
            .filter_map(|row| row.get(column))
            .map(|cell| width(&cell.text));
        cells
            .chain(std::iter::once(width(&self.columns[column].heading)))
            .max()
            .unwrap_or(0)
    }

    /// The widths of the shown columns, none cut below `comfort`; `None` if they do not fit.
    fn fit(&self, shown: &[usize], limit: Option<usize>, comfort: usize) -> Option<Vec<usize>> {
        let mut widths: Vec<usize> = shown.iter().map(|at| self.natural(*at)).collect();
        let gaps = GAP * shown.len().saturating_sub(1);
        let Some(limit) = limit else {
            return Some(widths);
        };
        while widths.iter().sum::<usize>() + gaps > limit {
            // The widest column that may still give way gives way.
            let widest = shown
                .iter()
                .enumerate()
                .filter(|(at, column)| widths[*at] > self.columns[**column].least.max(comfort))
                .max_by_key(|(at, _)| widths[*at])?;
            widths[widest.0] -= 1;
        }
        Some(widths)
    }

    fn lines(&self, shown: &[usize], widths: &[usize], colour: Colour) -> String {
        let mut out = String::new();
        let headings: Vec<Cell> = self
            .columns
            .iter()
            .map(|c| Cell::painted(c.heading.clone(), Paint::Faint))
            .collect();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let cells: Vec<Vec<Cell>> = shown
                .iter()
                .zip(widths)
                .map(|(at, width)| self.columns[*at].broken(row.get(*at), *width))
                .collect();
            let height = cells.iter().map(Vec::len).max().unwrap_or(0);
            for number in 0..height {
                let mut line = String::new();
                for (at, (column, cell)) in shown.iter().zip(&cells).enumerate() {
                    let empty = Cell::default();
                    let cell = cell.get(number).unwrap_or(&empty);
                    line.push_str(&" ".repeat(if at > 0 { GAP } else { 0 }));
                    line.push_str(&aligned(
                        cell,
                        widths[at],
                        self.columns[*column].align,
                        colour,
                    ));
                }
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
        out
    }

    fn blocks(&self, view: View) -> String {
        let label = self
            .columns
            .iter()
            .map(|column| width(&column.heading))
            .max()
            .unwrap_or(0);
        let rest = view
            .width
            .map_or(usize::MAX, |limit| limit.saturating_sub(label + GAP).max(1));
        let mut out = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            if index > 0 {
                out.push('\n');
            }
            for (column, cell) in self.columns.iter().zip(row) {
                if cell.text.is_empty() {
                    continue;
                }
                let heading = Cell::painted(column.heading.clone(), Paint::Faint);
                out.push_str(&aligned(&heading, label, Align::Left, view.colour));
                out.push_str(&" ".repeat(GAP));
                let text = one_line(&cell.text);
                let text = match column.align {
                    Align::Right => text,
                    Align::Left => cut(&text, rest),
                    Align::LeftKeepEnd => cut_start(&text, rest),
                };
                out.push_str(&painted(&text, cell.paint, view.colour));
                out.push('\n');
            }
        }
        out
    }
}

fn aligned(cell: &Cell, limit: usize, align: Align, colour: Colour) -> String {
    let space = " ".repeat(limit.saturating_sub(width(&cell.text)));
    let text = painted(&cell.text, cell.paint, colour);
    match align {
        Align::Left | Align::LeftKeepEnd => format!("{text}{space}"),
        Align::Right => format!("{space}{text}"),
    }
}

fn painted(text: &str, paint: Paint, colour: Colour) -> String {
    match (paint.code(), colour) {
        (Some(code), Colour::Always) if !text.is_empty() => {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec![
            Column::text("組織", 4),
            Column::figure("値"),
            Column::text("note", 4).spare(),
        ]);
        table.push(vec![
            "架空ホールディングス".into(),
            "1,203".into(),
            "as reported".into(),
        ]);
        table.push(vec![
            "US1".into(),
            "7".into(),
            Cell::painted("● met", Paint::Good),
        ]);
        table
    }

    #[test]
    fn full_width_characters_take_two_columns() {
        let shown = table().render(View::PLAIN);
        assert_eq!(
            shown,
            "組織                     値  note\n架空ホールディングス  1,203  as reported\nUS1                       7  ● met\n"
        );
    }

    #[test]
    fn every_line_fits_and_figures_are_never_cut() {
        for limit in 5..60 {
            let shown = table().render(View {
                width: Some(limit),
                colour: Colour::Never,
            });
            assert!(shown.contains("1,203"), "{limit}: {shown}");
            if limit >= 15 {
                assert!(
                    shown.lines().all(|line| width(line) <= limit),
                    "{limit}: {shown}"
                );
            }
        }
    }

    #[test]
    fn a_spare_column_goes_before_anything_is_shown_in_blocks() {
        let shown = table().render(View {
            width: Some(16),
            colour: Colour::Never,
        });
        assert!(!shown.contains("note"), "{shown}");
        let blocks = table().render(View {
            width: Some(8),
            colour: Colour::Never,
        });
        assert!(blocks.contains("値    1,203"), "{blocks}");
    }

    #[test]
    fn colour_adds_nothing_that_is_not_said() {
        let plain = table().render(View::PLAIN);
        let coloured = table().render(View {
            width: None,
            colour: Colour::Always,
        });
        let mut stripped = coloured.clone();
        for code in ["\u{1b}[32m", "\u{1b}[2m", "\u{1b}[0m"] {
            stripped = stripped.replace(code, "");
        }
        let trimmed: Vec<&str> = stripped.lines().map(str::trim_end).collect();
        assert_ne!(coloured, plain);
        assert_eq!(trimmed, plain.lines().collect::<Vec<_>>());
    }

    #[test]
    fn control_characters_of_evidence_do_not_reach_the_terminal() {
        let mut table = Table::new(vec![Column::text("x", 4)]);
        table.push(vec!["a\u{1b}[31mb\nc".into()]);
        assert_eq!(table.render(View::PLAIN), "x\na [31mb c\n");
    }
}
