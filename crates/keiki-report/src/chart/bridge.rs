//! The way from a figure as reported to the figure as restated, by what moved it.

use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, Fill, dashed, fitted, stroke, text};
use super::scale::{Scale, label, unit_name};
use super::{Chart, Shown, Token};

/// What moved a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What it is.
    pub name: String,
    /// How far it moved the figure.
    pub by: f64,
    /// The same in words, with its sign.
    pub words: String,
}

/// From as reported to as restated.
#[derive(Debug, Clone, PartialEq)]
pub struct Bridge {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// As reported: its name, value and words.
    pub before: (String, f64, String),
    /// What moved it, in order.
    pub steps: Vec<Step>,
    /// As restated: its name, value and words.
    pub after: (String, f64, String),
    /// Width and height in points.
    pub size: (f64, f64),
}

const SIZE: f64 = 6.0;

impl Bridge {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let (width, height) = self.size;
        let mut canvas = Canvas::new(width, height);
        let mut levels = vec![self.before.1];
        for step in &self.steps {
            levels.push(levels.last().copied().unwrap_or_default() + step.by);
        }
        let all = levels.iter().copied().chain([self.after.1]);
        let scale = Scale::holding(all, self.unit);
        let (left, right, top, bottom) = (24.0, width - 2.0, 12.0, height - 12.0);
        let y = |value: f64| bottom - scale.share(value) * (bottom - top);
        for line in scale.lines() {
            canvas.line((left, y(line)), (right, y(line)), stroke(Token::Line, 0.4));
            let style = text(SIZE, Token::Soft).anchored(Anchor::End);
            canvas.text((left - 3.0, y(line) + 2.1), style, label(line, self.unit));
        }
        if self.unit != Unit::Ratio {
            let name = unit_name(self.unit, self.language);
            canvas.text((0.0, 6.0), text(SIZE, Token::Soft), name);
        }
        let count = f64::from(u16::try_from(self.steps.len() + 2).unwrap_or(u16::MAX));
        let step = (right - left) / count;
        let bar = step * 0.56;
        let mut draw = |at: u16, (name, words): (&str, &str), span: (f64, f64), fill: Fill| {
            let x = left + step * f64::from(at) + (step - bar) / 2.0;
            let (low, high) = (span.0.min(span.1), span.0.max(span.1));
            let size = (bar, (y(low) - y(high)).max(0.8));
            canvas.rect((x, y(high)), size, fill);
            let centre = x + bar / 2.0;
            let style = text(SIZE, Token::Ink).bold().anchored(Anchor::Middle);
            canvas.text((centre, y(high) - 2.4), style, words);
            let style = text(SIZE, Token::Soft).anchored(Anchor::Middle);
            let name = fitted(name, SIZE, step - 2.0);
            canvas.text((centre, bottom + 8.4), style, name);
            let after = (x + bar + step - bar, y(span.1));
            if f64::from(at) + 1.5 < count {
                let line = dashed(Token::Soft, 0.6, (1.4, 1.2));
                canvas.line((x + bar, y(span.1)), after, line);
            }
        };
        let reported = Fill::Solid(Token::Blue);
        let (name, value, words) = &self.before;
        draw(0, (name, words), (0.0, *value), reported);
        for (at, moved) in (1_u16..).zip(&self.steps) {
            let from = levels[usize::from(at) - 1];
            let fill = if moved.by < 0.0 {
                Fill::Cross(Token::Blue)
            } else {
                Fill::Hatch(Token::Blue)
            };
            let span = (from, levels[usize::from(at)]);
            draw(at, (&moved.name, &moved.words), span, fill);
        }
        let (name, value, words) = &self.after;
        let last = u16::try_from(self.steps.len() + 1).unwrap_or(u16::MAX);
        draw(last, (name, words), (0.0, *value), reported);
        Chart::new(self.name.clone(), self.description(), self.shown(), canvas)
    }

    fn description(&self) -> String {
        let steps: Vec<String> = self
            .steps
            .iter()
            .map(|step| format!("{} {}", step.name, step.words))
            .collect();
        let (before, after) = (&self.before, &self.after);
        Text::new(
            format!(
                "{}{}から{}{}へ。内訳は{}。",
                before.0,
                before.2,
                after.0,
                after.2,
                steps.join("、")
            ),
            format!(
                "From {} {} to {} {}: {}.",
                before.0,
                before.2,
                after.0,
                after.2,
                steps.join(", ")
            ),
        )
        .get(self.language)
        .to_owned()
    }

    fn shown(&self) -> Shown {
        let ends = |(name, _, words): &(String, f64, String)| vec![name.clone(), words.clone()];
        let mut rows = vec![ends(&self.before)];
        let steps = self.steps.iter();
        rows.extend(steps.map(|step| vec![step.name.clone(), step.words.clone()]));
        rows.push(ends(&self.after));
        let word = |ja: &str, en: &str| Text::new(ja, en).get(self.language).to_owned();
        Shown {
            columns: vec![word("内訳", "What"), word("値・差", "Value or difference")],
            rows,
        }
    }
}
