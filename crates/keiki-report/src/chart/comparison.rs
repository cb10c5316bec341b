//! One figure of several org units side by side, with the target as a line.

use keiki_model::kpi::Unit;
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, Fill, Shape, fitted, stroke, text, width_of};
use super::scale::Scale;
use super::{Chart, Shown, Token};
use crate::format;

/// An org unit's figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The org unit.
    pub name: String,
    /// The value; `None` where there is none.
    pub value: Option<f64>,
    /// The value in words.
    pub words: String,
    /// How many records are behind it, in words.
    pub count: String,
    /// How it stands.
    pub status: Status,
    /// The target's bounds, where the org unit has its own.
    pub target: Option<f64>,
}

/// The order of org units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Those that lag most come first.
    WorstFirst,
    /// As they stand in the org tree.
    AsInTree,
}

/// A figure of several org units.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// The org units; the first of very many are drawn, and all are in the table.
    pub rows: Vec<Row>,
    /// The order in which they are.
    pub order: Order,
    /// Width in points.
    pub width: f64,
    /// Height of a row in points.
    pub row_height: f64,
}

const SIZE: f64 = 6.2;
/// The most org units that are drawn: more are no picture, and not on a page.
const ROWS_MOST: usize = 20;
/// The height of a line that says how many are drawn.
const LINE: f64 = 8.0;

impl Comparison {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let drawn = self.drawn();
        let count = f64::from(u16::try_from(drawn.len()).unwrap_or(u16::MAX));
        let notes = self.notes();
        let room = LINE * f64::from(u8::try_from(notes.len()).unwrap_or(u8::MAX));
        let mut canvas = Canvas::new(self.width, count * self.row_height + 2.0 + room);
        let width = |of: fn(&Row) -> &str, most: f64| {
            let widths = drawn.iter().map(|row| width_of(of(row), SIZE));
            widths.fold(0.0, f64::max).min(most)
        };
        let names = width(|row| &row.name, self.width * 0.43);
        let words = drawn
            .iter()
            .map(|row| width_of(&self.brief(row), SIZE))
            .fold(0.0, f64::max)
            .min(self.width * 0.34);
        let left = names + 5.0;
        let right = self.width - words - 12.0;
        let values = drawn.iter().filter_map(|row| row.value);
        let targets = drawn.iter().filter_map(|row| row.target);
        let scale = Scale::holding(values.chain(targets), self.unit);
        let x = |value: f64| left + scale.share(value) * (right - left).max(1.0);
        for (at, row) in (0_u16..).zip(drawn) {
            let top = 1.0 + f64::from(at) * self.row_height;
            let middle = top + self.row_height / 2.0;
            let baseline = middle + SIZE * 0.36;
            let name = fitted(&row.name, SIZE, names + 1.0);
            canvas.text((0.0, baseline), text(SIZE, Token::Ink), name);
            let (bar, half) = (self.row_height * 0.56, self.row_height * 0.28);
            match row.value {
                Some(value) => {
                    let size = (x(value) - left, bar);
                    canvas.rect((left, middle - half), size, area(row.status));
                }
                None if is_owed(row.status) => {
                    let size = (right - left, bar);
                    let fill = Fill::Outline(Token::Faint);
                    canvas.rect((left, middle - half), size, fill);
                }
                None => {}
            }
            if let Some(target) = row.target {
                let x = x(target);
                let (from, to) = ((x, top + 0.4), (x, top + self.row_height - 0.4));
                canvas.line(from, to, stroke(Token::Ink, 1.0));
            }
            let (mark, token) = shape(row.status);
            canvas.shape((self.width - 3.2, middle), 2.1, mark, token);
            let style = text(SIZE, Token::Ink).anchored(Anchor::End);
            let said = fitted(&self.brief(row), SIZE, words + 1.0);
            canvas.text((self.width - 8.2, baseline), style, said);
        }
        let bottom = count * self.row_height + 1.0;
        canvas.line((left, 1.0), (left, bottom), stroke(Token::Soft, 0.6));
        for (at, note) in (1_u8..).zip(notes) {
            let baseline = bottom + LINE * f64::from(at) - 1.0;
            canvas.text((0.0, baseline), text(SIZE, Token::Soft), note);
        }
        Chart::new(self.name.clone(), self.description(), self.shown(), canvas)
    }

    fn drawn(&self) -> &[Row] {
        &self.rows[..self.rows.len().min(ROWS_MOST)]
    }

    /// How many org units are drawn and where all are, a line each; none where all are drawn.
    fn notes(&self) -> Vec<String> {
        if self.rows.len() <= ROWS_MOST {
            return Vec::new();
        }
        let all = format::count(i128::try_from(self.rows.len()).unwrap_or(i128::MAX));
        let drawn = match self.order {
            Order::WorstFirst => Text::new(
                format!("全{all}組織のうち、遅れの大きい{ROWS_MOST}組織"),
                format!("The {ROWS_MOST} of {all} org units that lag most."),
            ),
            Order::AsInTree => Text::new(
                format!("全{all}組織のうち、組織図順に{ROWS_MOST}組織"),
                format!("The first {ROWS_MOST} of {all} org units of the tree."),
            ),
        };
        let rest = Text::new(
            "全組織の値は、HTML版の図の表とExcel版にあります",
            "All are in the table below it in HTML, and in Excel.",
        );
        [drawn, rest]
            .map(|said| said.get(self.language).to_owned())
            .to_vec()
    }

    /// The value; where there is none, why.
    fn said(&self, row: &Row) -> String {
        match row.value {
            Some(_) => row.words.clone(),
            None => row.status.title().get(self.language).to_owned(),
        }
    }

    /// The same in the drawing, where there is little room.
    fn brief(&self, row: &Row) -> String {
        match row.status {
            Status::NoData if row.value.is_none() => {
                let word = Text::new("データなし", "no data");
                word.get(self.language).to_owned()
            }
            _ => self.said(row),
        }
    }

    fn description(&self) -> String {
        let one = |row: &Row| format!("{} {}", row.name, self.said(row));
        let drawn: Vec<String> = self.drawn().iter().map(one).collect();
        let separator = Text::new("、", ", ");
        let end = Text::new("。", ". ");
        let said: Vec<String> = std::iter::once(drawn.join(separator.get(self.language)))
            .chain(self.notes())
            .collect();
        let said = said.join(end.get(self.language));
        let said = said.trim_end_matches(['.', '。']);
        format!("{said}{}", end.get(self.language).trim())
    }

    fn shown(&self) -> Shown {
        let word = |ja: &str, en: &str| Text::new(ja, en).get(self.language).to_owned();
        let row = |row: &Row| {
            vec![
                row.name.clone(),
                row.words.clone(),
                row.count.clone(),
                row.status.title().get(self.language).to_owned(),
            ]
        };
        Shown {
            columns: vec![
                word("組織", "Org unit"),
                self.name.clone(),
                word("件数", "n"),
                word("状態", "Status"),
            ],
            rows: self.rows.iter().map(row).collect(),
        }
    }
}

/// Whether a figure is missing that ought to be there.
fn is_owed(status: Status) -> bool {
    matches!(status, Status::NoData | Status::Provisional)
}

/// The shape and colour of a status. The same shapes as in `scorecard::mark`.
pub(super) fn shape(status: Status) -> (Shape, Token) {
    match status {
        Status::Met | Status::OnPace => (Shape::Disc, Token::Good),
        Status::Near => (Shape::Up, Token::Warning),
        Status::Missed | Status::Behind => (Shape::Down, Token::Bad),
        Status::Waived => (Shape::Diamond, Token::Ink),
        Status::NoData | Status::Provisional | Status::TooFew => (Shape::Ring, Token::Warning),
        Status::NotDue | Status::NoneOccurred | Status::NotApplicable | Status::NoTarget => {
            (Shape::Dash, Token::Faint)
        }
    }
}

/// How the area of a figure is filled: what misses is hatched, what is not judged is pale.
pub(super) fn area(status: Status) -> Fill {
    match status {
        Status::Met | Status::OnPace => Fill::Solid(Token::Good),
        Status::Near => Fill::Hatch(Token::Warning),
        Status::Missed | Status::Behind => Fill::Cross(Token::Bad),
        Status::Waived => Fill::Hatch(Token::Soft),
        Status::NoData | Status::Provisional | Status::TooFew => Fill::Hatch(Token::Faint),
        Status::NotDue | Status::NoneOccurred | Status::NotApplicable | Status::NoTarget => {
            Fill::Solid(Token::Blue)
        }
    }
}
