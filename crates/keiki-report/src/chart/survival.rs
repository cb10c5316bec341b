//! The share of cases still open after a time, open ones taken as censored.
//!
//! *Source*: Kaplan and Meier, Nonparametric Estimation from Incomplete Observations, 1958 (the curve); the figures come from
//! `keiki_model::survival`.

use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, dashed, stroke, text, width_of};
use super::scale::{Scale, label, unit_name};
use super::{Chart, Shown, Token};

/// A step of the curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalStep {
    /// After how long.
    pub after: f64,
    /// The share still open from then on.
    pub open_share: f64,
    /// How many open cases are censored here.
    pub censored: u64,
}

/// A survival curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Survival {
    /// The figure's name.
    pub name: String,
    /// The unit of time.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// The steps, in order of time.
    pub steps: Vec<SurvivalStep>,
    /// The median and how it is written; `None` where too few are at risk before it.
    pub median: Option<(f64, String)>,
    /// Width and height in points.
    pub size: (f64, f64),
}

const SIZE: f64 = 6.0;

impl Survival {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let (width, height) = self.size;
        let mut canvas = Canvas::new(width, height);
        let times = self.steps.iter().map(|step| step.after);
        let along = Scale::holding(times, self.unit);
        let up = Scale::holding([1.0], Unit::Ratio);
        let (left, right, top, bottom) = (22.0, width - 6.0, 8.0, height - 18.0);
        let x = |value: f64| left + along.share(value) * (right - left);
        let y = |value: f64| bottom - up.share(value) * (bottom - top);
        for line in up.lines() {
            canvas.line((left, y(line)), (right, y(line)), stroke(Token::Line, 0.4));
            let style = text(SIZE, Token::Soft).anchored(Anchor::End);
            canvas.text((left - 3.0, y(line) + 2.1), style, label(line, Unit::Ratio));
        }
        for line in along.lines() {
            let style = text(SIZE, Token::Soft).anchored(Anchor::Middle);
            canvas.text((x(line), bottom + 8.0), style, label(line, self.unit));
        }
        let style = text(SIZE, Token::Soft).anchored(Anchor::End);
        canvas.text(
            (right, bottom + 15.6),
            style,
            unit_name(self.unit, self.language),
        );
        let mut points = vec![(x(0.0), y(1.0))];
        let mut share = 1.0;
        for step in &self.steps {
            points.push((x(step.after), y(share)));
            share = step.open_share;
            points.push((x(step.after), y(share)));
        }
        canvas.path(points, stroke(Token::Blue, 1.4));
        for step in self.steps.iter().filter(|step| step.censored > 0) {
            let (place, level) = (x(step.after), y(step.open_share));
            let tick = stroke(Token::Ink, 0.8);
            canvas.line((place, level - 2.4), (place, level + 2.4), tick);
        }
        if let Some((median, words)) = &self.median {
            let line = dashed(Token::Ink, 0.8, (2.0, 1.4));
            canvas.path(
                vec![(left, y(0.5)), (x(*median), y(0.5)), (x(*median), bottom)],
                line,
            );
            let words = Text::new(format!("中央値 {words}"), format!("median {words}"));
            let words = words.get(self.language);
            let place = (x(*median) + 2.5).min(width - width_of(words, SIZE));
            canvas.text((place, y(0.5) - 2.5), text(SIZE, Token::Ink).bold(), words);
        }
        Chart::new(self.name.clone(), self.description(), self.shown(), canvas)
    }

    fn description(&self) -> String {
        let open: u64 = self.steps.iter().map(|step| step.censored).sum();
        let median = self.median.as_ref().map(|(_, words)| words.as_str());
        let text = match median {
            Some(words) => Text::new(
                format!(
                    "経過時間ごとの未完了の割合。中央値は{words}。未完了{open}件を打切りとして含む。"
                ),
                format!(
                    "Share still open after a time. The median is {words}. {open} open cases are taken as censored."
                ),
            ),
            None => Text::new(
                format!(
                    "経過時間ごとの未完了の割合。件数が足りず中央値はない。未完了{open}件を打切りとして含む。"
                ),
                format!(
                    "Share still open after a time. There are too few cases for a median. {open} open cases are taken as censored."
                ),
            ),
        };
        text.get(self.language).to_owned()
    }

    fn shown(&self) -> Shown {
        let word = |ja: &str, en: &str| Text::new(ja, en).get(self.language).to_owned();
        let row = |step: &SurvivalStep| {
            vec![
                label(step.after, self.unit),
                label((step.open_share * 1000.0).round() / 1000.0, Unit::Ratio),
                step.censored.to_string(),
            ]
        };
        Shown {
            columns: vec![
                unit_name(self.unit, self.language),
                word("未完了の割合", "Share still open"),
                word("打切り", "Censored"),
            ],
            rows: self.steps.iter().map(row).collect(),
        }
    }
}
