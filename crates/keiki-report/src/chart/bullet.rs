//! One figure against its target, and its way there: both small enough for a line of a table.

use keiki_model::kpi::Unit;
use keiki_model::status::Status;
use keiki_model::text::{Language, Text};

use super::canvas::{Canvas, Fill, Shape, stroke};
use super::comparison::{area, shape};
use super::scale::Scale;
use super::{Chart, Shown, Token};

/// A figure against its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Bullet {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// The value; `None` where there is none.
    pub value: Option<f64>,
    /// The value in words.
    pub words: String,
    /// The target's bounds and how it is written.
    pub target: Option<(Option<f64>, Option<f64>, String)>,
    /// How it stands.
    pub status: Status,
    /// Width and height in points.
    pub size: (f64, f64),
}

impl Bullet {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let (width, height) = self.size;
        let mut canvas = Canvas::new(width, height);
        let bounds = self
            .target
            .as_ref()
            .map_or((None, None), |(least, most, _)| (*least, *most));
        let values = self.value.into_iter().chain(bounds.0).chain(bounds.1);
        let scale = Scale::holding(values, self.unit);
        let x = |value: f64| scale.share(value) * width;
        let (middle, half) = (height / 2.0, height * 0.3);
        let ground = (0.0, middle - half);
        canvas.rect(ground, (width, half * 2.0), Fill::Solid(Token::FaintSoft));
        if bounds != (None, None) {
            let low = bounds.0.map_or(0.0, x);
            let high = bounds.1.map_or(width, x);
            let size = (high - low, half * 2.0);
            canvas.rect((low, middle - half), size, Fill::Solid(Token::BlueSoft));
        }
        if let Some(value) = self.value {
            let size = (x(value), half);
            canvas.rect((0.0, middle - half / 2.0), size, area(self.status));
        }
        for bound in [bounds.0, bounds.1].into_iter().flatten() {
            let x = x(bound).clamp(0.6, width - 0.6);
            canvas.line((x, 0.5), (x, height - 0.5), stroke(Token::Ink, 1.2));
        }
        let target = self.target.as_ref().map(|(.., words)| words.as_str());
        let target = target.unwrap_or(crate::format::NOTHING);
        let word = |ja: &str, en: &str| Text::new(ja, en).get(self.language).to_owned();
        let status = self.status.title();
        let status = status.get(self.language).to_owned();
        let description = Text::new(
            format!("実績{}、目標{target}、{status}。", self.words),
            format!("Value {}, target {target}: {status}.", self.words),
        );
        let shown = Shown {
            columns: vec![
                word("指標", "Indicator"),
                word("実績", "Value"),
                word("目標", "Target"),
                word("状態", "Status"),
            ],
            rows: vec![vec![
                self.name.clone(),
                self.words.clone(),
                target.to_owned(),
                status,
            ]],
        };
        let description = description.get(self.language).to_owned();
        Chart::new(self.name.clone(), description, shown, canvas)
    }
}

/// The way of a figure through some periods, without an axis: its shape alone, from the least to the greatest value.
#[derive(Debug, Clone, PartialEq)]
pub struct Spark {
    /// What it shows, in words.
    pub title: String,
    /// What there is to say of it.
    pub description: String,
    /// The values, oldest first; `None` is a gap.
    pub values: Vec<Option<f64>>,
    /// How the last one stands.
    pub status: Status,
    /// Width and height in points.
    pub size: (f64, f64),
}

impl Spark {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let (width, height) = self.size;
        let mut canvas = Canvas::new(width, height);
        let known = || self.values.iter().copied().flatten();
        let least = known().fold(f64::INFINITY, f64::min);
        let most = known().fold(f64::NEG_INFINITY, f64::max);
        let span = if most > least { most - least } else { 1.0 };
        let (edge, count) = (2.6, self.values.len().max(2) - 1);
        let step = (width - 2.0 * edge) / f64::from(u16::try_from(count).unwrap_or(1));
        let place = |at: usize, value: f64| {
            let x = edge + step * f64::from(u16::try_from(at).unwrap_or(0));
            let share = if most > least {
                (value - least) / span
            } else {
                0.5
            };
            (x, height - edge - share * (height - 2.0 * edge))
        };
        let mut run: Vec<(f64, f64)> = Vec::new();
        for (at, value) in self.values.iter().enumerate() {
            match value {
                Some(value) => run.push(place(at, *value)),
                None => canvas.path(std::mem::take(&mut run), stroke(Token::Soft, 0.9)),
            }
        }
        let last = run.last().copied();
        canvas.path(run, stroke(Token::Soft, 0.9));
        if let Some(at) = last {
            let (_, token) = shape(self.status);
            canvas.shape(at, 1.7, Shape::Disc, token);
        }
        let (title, description) = (self.title.clone(), self.description.clone());
        Chart::new(title, description, Shown::default(), canvas)
    }
}
