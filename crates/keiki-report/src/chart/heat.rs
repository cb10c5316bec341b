//! How every KPI stands in every org unit, at a glance.

use keiki_model::status::Status;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, Fill, fitted, in_two, stroke, text};
use super::comparison::shape;
use super::{Chart, Shown, Token};
use crate::format;

/// A KPI in an org unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// How it stands; `None` where it does not concern the org unit.
    pub status: Option<Status>,
    /// The value in words.
    pub words: String,
}

/// KPIs by org units.
#[derive(Debug, Clone, PartialEq)]
pub struct Heat {
    /// What it is.
    pub title: String,
    /// The reader's language.
    pub language: Language,
    /// The org units, where there are very many those first that lag most: the first are drawn, and all are in the table.
    pub columns: Vec<String>,
    /// The KPIs: number, name, a cell for each org unit.
    pub rows: Vec<(String, String, Vec<Cell>)>,
    /// Width in points.
    pub width: f64,
    /// Height of a row in points; one whose name takes two lines is higher.
    pub row_height: f64,
}

const SIZE: f64 = 6.6;
/// From one line of a name to the next.
const LEADING: f64 = 7.6;

impl Heat {
    /// The most org units that are drawn: more are too narrow to be told apart.
    pub const COLUMNS_MOST: usize = 24;

    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let of = |count: usize| f64::from(u16::try_from(count).unwrap_or(u16::MAX));
        let top = 16.0;
        let names = self.width * 0.36;
        let named = self.rows.iter().map(|row| {
            let lines = in_two(&row.1, SIZE, names - 18.0);
            let more = LEADING * of(lines.len() - 1);
            (row, lines, self.row_height + more)
        });
        let named: Vec<_> = named.collect();
        let drawn = &self.columns[..self.columns.len().min(Self::COLUMNS_MOST)];
        let note = self.note();
        let bottom = top + named.iter().map(|(.., height)| height).sum::<f64>() + 1.0;
        let height = bottom + if note.is_empty() { 0.0 } else { 10.0 };
        let mut canvas = Canvas::new(self.width, height);
        let step = (self.width - names) / of(drawn.len().max(1));
        for (at, name) in drawn.iter().enumerate() {
            let x = names + step * (of(at) + 0.5);
            let style = text(5.8, Token::Soft).anchored(Anchor::Middle);
            self.head(&mut canvas, (x, step), name, style);
        }
        let mut y = top;
        for ((number, _, cells), lines, height) in named {
            canvas.line((0.0, y), (self.width, y), stroke(Token::Line, 0.4));
            let mut baseline = y + self.row_height / 2.0 + SIZE * 0.36;
            canvas.text((0.0, baseline), text(5.8, Token::Soft), number);
            for line in lines {
                canvas.text((14.0, baseline), text(SIZE, Token::Ink), line);
                baseline += LEADING;
            }
            for (at, cell) in cells.iter().take(drawn.len()).enumerate() {
                let x = names + step * of(at);
                let Some(status) = cell.status else { continue };
                let (mark, token) = shape(status);
                let at = (x + 1.2, y + 1.2);
                let size = (step - 2.4, height - 2.4);
                canvas.rect(at, size, Fill::Solid(ground(token)));
                let middle = (x + step / 2.0, y + height / 2.0);
                canvas.shape(middle, 2.2, mark, token);
            }
            y += height;
        }
        canvas.text((0.0, bottom + 7.5), text(SIZE, Token::Soft), note);
        Chart::new(self.title.clone(), self.description(), self.shown(), canvas)
    }

    /// How many org units are drawn and where all are; empty where all are drawn.
    fn note(&self) -> String {
        let most = Self::COLUMNS_MOST;
        if self.columns.len() <= most {
            return String::new();
        }
        let all = format::count(i128::try_from(self.columns.len()).unwrap_or(i128::MAX));
        let said = Text::new(
            format!(
                "全{all}組織のうち、未達・計画遅延の多い{most}組織の図。全組織の状態は、HTML版の図の表とExcel版にあります。"
            ),
            format!(
                "The {most} of {all} org units that miss most. All are in the table below this chart in the HTML edition, and in the Excel edition."
            ),
        );
        said.get(self.language).to_owned()
    }

    /// Writes the name of a column, on two lines where one is too short.
    fn head(
        &self,
        canvas: &mut Canvas,
        (x, step): (f64, f64),
        name: &str,
        style: super::canvas::Type,
    ) {
        let whole = fitted(name, style.size, step - 1.0);
        if whole == name {
            canvas.text((x, 12.0), style, whole);
            return;
        }
        let half = match self.language {
            Language::Ja => name
                .char_indices()
                .nth(name.chars().count().div_ceil(2))
                .map(|(at, _)| at),
            Language::En => name.find(' '),
        };
        let (first, second) = name.split_at(half.unwrap_or(name.len()));
        canvas.text((x, 6.0), style, fitted(first, style.size, step - 1.0));
        let second = fitted(second.trim(), style.size, step - 1.0);
        canvas.text((x, 12.4), style, second);
    }

    fn description(&self) -> String {
        let count = |wanted: fn(Status) -> bool| {
            let cells = self.rows.iter().flat_map(|(.., cells)| cells);
            cells.filter(|cell| cell.status.is_some_and(wanted)).count()
        };
        let bad = count(|status| matches!(status, Status::Missed | Status::Behind));
        let near = count(|status| status == Status::Near);
        let owed = count(|status| status == Status::NoData);
        let counted = Text::new(
            format!(
                "{}指標を{}組織で並べた表。未達または計画遅延{bad}、僅差未達{near}、未報告{owed}。",
                self.rows.len(),
                self.columns.len()
            ),
            format!(
                "{} indicators in {} org units: {bad} missed or behind, {near} near, {owed} not reported.",
                self.rows.len(),
                self.columns.len()
            ),
        );
        let parts = [counted.get(self.language), &self.note()];
        let separator = Text::new("", " ");
        let said = parts.join(separator.get(self.language));
        said.trim_end().to_owned()
    }

    fn shown(&self) -> Shown {
        let mut columns = vec![Text::new("指標", "Indicator").get(self.language).to_owned()];
        columns.extend(self.columns.iter().cloned());
        let cell = |cell: &Cell| match cell.status {
            None => String::new(),
            Some(status) => {
                let (mark, _) = crate::scorecard::mark(status);
                let word = status.title();
                format!("{mark} {} ({})", word.get(self.language), cell.words)
            }
        };
        let row = |(number, name, cells): &(String, String, Vec<Cell>)| {
            let mut row = vec![format!("{number} {name}")];
            row.extend(cells.iter().map(cell));
            row
        };
        Shown {
            columns,
            rows: self.rows.iter().map(row).collect(),
        }
    }
}

/// The ground under a mark.
fn ground(token: Token) -> Token {
    match token {
        Token::Good => Token::GoodSoft,
        Token::Warning => Token::WarningSoft,
        Token::Bad => Token::BadSoft,
        _ => Token::FaintSoft,
    }
}
