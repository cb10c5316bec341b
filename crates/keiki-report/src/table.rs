//! A table for a terminal: fits the width that it is given and aligns full-width characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Stands where a text was cut.
const CUT: char = '…';

/// Columns between two columns of the table.
const GAP: usize = 2;

/// On which side a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Figures; they are never cut, since a figure that was cut is another figure.
    Right,
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
    is_spare: bool,
}

impl Column {
    /// Makes a column of texts, which may be cut to `least` columns where the terminal is narrow.
    pub fn text(heading: impl Into<String>, least: usize) -> Self {
        Self {
            heading: heading.into(),
            align: Align::Left,
            least,
            is_spare: false,
        }
    }

    /// Makes a column of figures.
    pub fn figure(heading: impl Into<String>) -> Self {
        Self {
            heading: heading.into(),
            align: Align::Right,
            least: usize::MAX,
            is_spare: false,
        }
    }

    /// Lets the column be left out where the table would not fit.
    #[must_use]
    pub fn spare(mut self) -> Self {
        self.is_spare = true;
        self
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
            if let Some(widths) = self.fit(shown, view.width) {
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

    /// The widths of the shown columns; `None` if they do not fit.
    fn fit(&self, shown: &[usize], limit: Option<usize>) -> Option<Vec<usize>> {
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
                .filter(|(at, column)| widths[*at] > self.columns[**column].least)
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
            let mut line = String::new();
            for (at, column) in shown.iter().enumerate() {
                let empty = Cell::default();
                let cell = row.get(*column).unwrap_or(&empty);
                if at > 0 {
                    line.push_str(&" ".repeat(GAP));
                }
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
                let text = if column.align == Align::Right {
                    cell.text.clone()
                } else {
                    cut(&cell.text, rest)
                };
                out.push_str(&painted(&text, cell.paint, view.colour));
                out.push('\n');
            }
        }
        out
    }
}

/// The columns that a text takes in a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts a text to a width, with `…` for what is gone; characters of two columns are never halved.
#[must_use]
pub fn cut(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for c in text.chars() {
        let wide = UnicodeWidthChar::width(c).unwrap_or(0);
        if used + wide + 1 > limit {
            break;
        }
        used += wide;
        kept.push(c);
    }
    kept.push(CUT);
    kept
}

fn aligned(cell: &Cell, limit: usize, align: Align, colour: Colour) -> String {
    let text = one_line(&cell.text);
    let text = if align == Align::Right {
        text
    } else {
        cut(&text, limit)
    };
    let space = " ".repeat(limit.saturating_sub(width(&text)));
    let text = painted(&text, cell.paint, colour);
    match align {
        Align::Left => format!("{text}{space}"),
        Align::Right => format!("{space}{text}"),
    }
}

/// A cell is one line, and what evidence holds never reaches the terminal as a control sequence.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
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
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("架空ホールディングス", 8), "架空ホ…");
        assert_eq!(width(&cut("架空ホールディングス", 9)), 9);
        assert_eq!(cut("met", 3), "met");
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
