//! A figure through several periods, with the area of its target and where it is heading.

use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, Fill, Shape, dashed, stroke, text, width_of};
use super::scale::{Scale, label, unit_name};
use super::{Chart, Shown, Token};

/// A value of a trend.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// The period in short.
    pub label: String,
    /// The period in full.
    pub period: String,
    /// The value; `None` is a gap.
    pub value: Option<f64>,
    /// The value in words.
    pub words: String,
    /// Whether it stands in a closed statement.
    pub is_reported: bool,
    /// Whether it is a reference value, which is shown and never rolled up.
    pub is_reference: bool,
    /// What a later revision says, and the same in words, where that is another value.
    pub restated: Option<(f64, String)>,
}

/// Where a figure is heading.
#[derive(Debug, Clone, PartialEq)]
pub struct Forecast {
    /// The period in short.
    pub label: String,
    /// The day in full.
    pub period: String,
    /// How many periods ahead.
    pub ahead: u8,
    /// The interval and its middle.
    pub range: (f64, f64, f64),
    /// The same in words.
    pub words: String,
}

/// A figure through several periods.
#[derive(Debug, Clone, PartialEq)]
pub struct Trend {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// The values, oldest first.
    pub places: Vec<Place>,
    /// A second line, such as the median beside a mean: its name and values.
    pub beside: Option<(String, Vec<Option<f64>>)>,
    /// The target's bounds and how it is written.
    pub target: Option<(Option<f64>, Option<f64>, String)>,
    /// Published figures to compare with: a value and how it is written.
    pub references: Vec<(f64, String)>,
    /// Where it is heading.
    pub forecast: Option<Forecast>,
    /// Width and height in points.
    pub size: (f64, f64),
}

/// The parts of the sheet.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    scale: Scale,
    step: f64,
}

impl Frame {
    fn x(&self, at: usize) -> f64 {
        self.left + self.step * (at_f64(at) + 0.5)
    }

    fn y(&self, value: f64) -> f64 {
        self.bottom - self.scale.share(value) * (self.bottom - self.top)
    }
}

fn at_f64(at: usize) -> f64 {
    f64::from(u16::try_from(at).unwrap_or(u16::MAX))
}

const SMALL: f64 = 6.0;
/// Published figures up to this many times the greatest of the others are drawn to scale.
const NEAR: f64 = 2.0;

impl Trend {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let mut canvas = Canvas::new(self.size.0, self.size.1);
        let frame = self.frame();
        self.ground(&mut canvas, &frame);
        self.lines(&mut canvas, &frame);
        self.heading(&mut canvas, &frame);
        let description = self.description();
        Chart::new(self.name.clone(), description, self.shown(), canvas)
    }

    fn frame(&self) -> Frame {
        let (least, most) = match &self.target {
            Some((least, most, _)) => (*least, *most),
            None => (None, None),
        };
        let beside = self.beside.iter().flat_map(|(_, values)| values);
        let forecast = self.forecast.as_ref().map(|to| to.range.2);
        let values = self.places.iter().filter_map(|place| place.value);
        let restated = self
            .places
            .iter()
            .filter_map(|place| place.restated.as_ref());
        let values = values
            .chain(restated.map(|(value, _)| *value))
            .chain(least)
            .chain(most)
            .chain(beside.copied().flatten())
            .chain(forecast);
        let values: Vec<f64> = values.collect();
        let highest = values.iter().copied().fold(0.0, f64::max);
        // A published figure far above all others would press them to the ground.
        let references = self.references.iter().map(|(value, _)| *value);
        let near = references.filter(|value| highest <= 0.0 || *value <= NEAR * highest);
        let scale = Scale::holding(values.iter().copied().chain(near), self.unit);
        let widest = scale
            .lines()
            .into_iter()
            .map(|line| width_of(&label(line, self.unit), SMALL))
            .fold(0.0, f64::max);
        let ahead = self.forecast.as_ref().map_or(0, |to| to.ahead);
        let count = at_f64(self.places.len().max(1)) + f64::from(ahead);
        let (left, right) = (widest + 5.0, self.size.0 - 4.0);
        Frame {
            left,
            right,
            top: 15.0,
            bottom: self.size.1 - 11.0,
            step: (right - left) / count,
            scale,
        }
    }

    /// The target's area, the lines of the axis and the periods.
    fn ground(&self, canvas: &mut Canvas, frame: &Frame) {
        if let Some((least, most, _)) = &self.target {
            let low = least.map_or(frame.bottom, |least| frame.y(least));
            let high = most.map_or(frame.top, |most| frame.y(most));
            let size = (frame.right - frame.left, low - high);
            canvas.rect((frame.left, high), size, Fill::Solid(Token::BlueSoft));
        }
        for line in frame.scale.lines() {
            let y = frame.y(line);
            let kind = if line == 0.0 {
                stroke(Token::Soft, 0.6)
            } else {
                stroke(Token::Line, 0.4)
            };
            canvas.line((frame.left, y), (frame.right, y), kind);
            let style = text(SMALL, Token::Soft).anchored(Anchor::End);
            canvas.text((frame.left - 3.0, y + 2.1), style, label(line, self.unit));
        }
        for bound in self
            .target
            .iter()
            .flat_map(|(least, most, _)| [*least, *most])
            .flatten()
        {
            let y = frame.y(bound);
            canvas.line((frame.left, y), (frame.right, y), stroke(Token::Ink, 0.8));
        }
        let mut named: Vec<(f64, f64)> = Vec::new();
        for (value, words) in &self.references {
            let is_within = frame.scale.holds(*value);
            let y = if is_within {
                frame.y(*value)
            } else {
                frame.top
            };
            let line = dashed(Token::Soft, 0.6, (0.8, 1.6));
            canvas.line((frame.left, y), (frame.right, y), line);
            let words = if is_within {
                words.clone()
            } else {
                format!("↑ {words}")
            };
            let below = if y - 6.0 < frame.top - 4.0 { 6.2 } else { -1.8 };
            // Beside the name of another that lies at the same height.
            let near = named.iter().filter(|(at, _)| (y + below - at).abs() < 5.6);
            let x = near
                .map(|(_, end)| end + 6.0)
                .fold(frame.left + 2.0, f64::max);
            named.push((y + below, x + width_of(&words, 5.4)));
            canvas.text((x, y + below), text(5.4, Token::Soft), words);
        }
        self.periods(canvas, frame);
    }

    /// The periods below, as many as there is room for, the last always.
    fn periods(&self, canvas: &mut Canvas, frame: &Frame) {
        let widest = self
            .places
            .iter()
            .map(|place| width_of(&place.label, SMALL))
            .fold(0.0, f64::max);
        let every = ((widest + 3.0) / frame.step).ceil().max(1.0);
        let last = self.places.len().saturating_sub(1);
        for (at, place) in self.places.iter().enumerate() {
            if at_f64(last - at) % every == 0.0 {
                let style = text(SMALL, Token::Soft).anchored(Anchor::Middle);
                let y = frame.bottom + 8.2;
                canvas.text((frame.x(at), y), style, &place.label);
            }
        }
        if let Some(forecast) = &self.forecast {
            let at = last + usize::from(forecast.ahead);
            let style = text(SMALL, Token::Soft).anchored(Anchor::Middle);
            let x = frame
                .x(at)
                .min(self.size.0 - width_of(&forecast.label, SMALL) / 2.0);
            canvas.text((x, frame.bottom + 8.2), style, &forecast.label);
        }
    }

    fn lines(&self, canvas: &mut Canvas, frame: &Frame) {
        self.outlook(canvas, frame);
        if let Some((_, values)) = &self.beside {
            let values: Vec<Option<f64>> = values.clone();
            for run in runs(&values) {
                let points = run
                    .iter()
                    .map(|(at, value)| (frame.x(*at), frame.y(*value)));
                canvas.path(points.collect(), dashed(Token::Soft, 0.9, (1.0, 1.8)));
            }
        }
        let values: Vec<Option<f64>> = self.places.iter().map(|place| place.value).collect();
        for run in runs(&values) {
            let points: Vec<(f64, f64)> = run
                .iter()
                .map(|(at, value)| (frame.x(*at), frame.y(*value)))
                .collect();
            canvas.path(points, stroke(Token::Blue, 1.4));
        }
        for (at, place) in self.places.iter().enumerate() {
            let Some(value) = place.value else { continue };
            let point = (frame.x(at), frame.y(value));
            if place.is_reference {
                canvas.shape(point, 2.0, Shape::Diamond, Token::Blue);
            } else if place.is_reported {
                canvas.shape(point, 1.5, Shape::Disc, Token::Blue);
            } else {
                canvas.shape(point, 1.5, Shape::Disc, Token::Paper);
                canvas.shape(point, 1.7, Shape::Ring, Token::Blue);
            }
            if let Some((restated, _)) = &place.restated {
                let to = (frame.x(at), frame.y(*restated));
                canvas.line(point, to, dashed(Token::Ink, 0.6, (0.9, 0.9)));
                canvas.shape(to, 2.0, Shape::Up, Token::Paper);
                canvas.shape(to, 1.7, Shape::Up, Token::Ink);
            }
        }
    }

    /// The space in which the figure is expected.
    fn outlook(&self, canvas: &mut Canvas, frame: &Frame) {
        let last = self.places.len().saturating_sub(1);
        let (Some(forecast), Some(from)) = (
            &self.forecast,
            self.places.last().and_then(|place| place.value),
        ) else {
            return;
        };
        let (low, middle, high) = forecast.range;
        let start = (frame.x(last), frame.y(from));
        let end = frame.x(last + usize::from(forecast.ahead));
        let space = vec![start, (end, frame.y(high)), (end, frame.y(low))];
        canvas.area(space, Fill::Wash(Token::Blue));
        let line = dashed(Token::Blue, 0.9, (2.4, 1.8));
        canvas.line(start, (end, frame.y(middle)), line);
    }

    /// Above the drawing: the last value, the second line's name, the target.
    fn heading(&self, canvas: &mut Canvas, frame: &Frame) {
        let y = 6.6;
        let unit = match self.unit {
            Unit::Ratio => String::new(),
            unit => unit_name(unit, self.language),
        };
        canvas.text((0.0, y), text(SMALL, Token::Soft), &unit);
        let mut x = frame.left.max(width_of(&unit, SMALL) + 6.0);
        if let Some((name, _)) = &self.beside {
            let line = dashed(Token::Soft, 0.9, (1.0, 1.8));
            canvas.line((x, y - 2.0), (x + 9.0, y - 2.0), line);
            canvas.text((x + 11.0, y), text(SMALL, Token::Soft), name);
            x += 11.0 + width_of(name, SMALL) + 8.0;
        }
        if let Some((_, _, words)) = &self.target {
            let swatch = (8.0, 5.0);
            canvas.rect((x, y - 4.6), swatch, Fill::Solid(Token::BlueSoft));
            canvas.line((x, y - 2.0), (x + 8.0, y - 2.0), stroke(Token::Ink, 0.8));
            let word = Text::new(format!("目標 {words}"), format!("target {words}"));
            let word = word.get(self.language);
            canvas.text((x + 10.0, y), text(SMALL, Token::Soft), word);
        }
        let Some((at, place)) = self
            .places
            .iter()
            .enumerate()
            .rev()
            .find(|(_, place)| place.value.is_some())
        else {
            let word = Text::new("データなし", "no data");
            let middle = (
                frame.left.midpoint(frame.right),
                frame.top.midpoint(frame.bottom),
            );
            let style = text(7.0, Token::Soft).anchored(Anchor::Middle);
            canvas.text(middle, style, word.get(self.language));
            return;
        };
        let value = place.value.unwrap_or_default();
        let width = width_of(&place.words, 7.0);
        let x = frame.x(at).min(self.size.0 - width / 2.0 - 1.0);
        // Above the point, or below it where the line above would be cut, or the line comes from above and would cross it.
        let above = frame.y(value) - 4.2;
        let below = frame.y(value) + 9.0;
        let before = at.checked_sub(1).and_then(|at| self.places[at].value);
        let comes_from_above = before.is_some_and(|before| frame.y(before) < frame.y(value) - 6.0);
        let has_room_below = below < frame.bottom - 2.0;
        let y = if above - 6.0 < frame.top - 4.0 || (comes_from_above && has_room_below) {
            below
        } else {
            above
        };
        let style = text(7.0, Token::Ink).bold().anchored(Anchor::Middle);
        canvas.text((x, y), style, &place.words);
    }

    fn description(&self) -> String {
        let known: Vec<&Place> = self.places.iter().filter(|p| p.value.is_some()).collect();
        let gaps = self.places.len() - known.len();
        let (Some(first), Some(last)) = (known.first(), known.last()) else {
            return Text::new("データがない。", "There is no data.")
                .get(self.language)
                .to_owned();
        };
        let mut text = Text::new(
            format!(
                "{}は{}、{}は{}。",
                first.period, first.words, last.period, last.words
            ),
            format!(
                "{} in {}, {} in {}.",
                first.words, first.period, last.words, last.period
            ),
        );
        if let Some((_, _, words)) = &self.target {
            text.ja.push_str(&format!("目標は{words}。"));
            text.en.push_str(&format!(" The target is {words}."));
        }
        let restated = self.places.iter().filter(|p| p.restated.is_some()).count();
        if restated > 0 {
            text.ja.push_str(&format!("{restated}期は後に訂正された。"));
            text.en
                .push_str(&format!(" {restated} of the periods were restated later."));
        }
        for (_, words) in &self.references {
            text.ja.push_str(&format!("{words}。"));
            text.en.push_str(&format!(" {words}."));
        }
        if gaps > 0 {
            text.ja.push_str(&format!("{gaps}期はデータがない。"));
            text.en
                .push_str(&format!(" {gaps} of the periods have no data."));
        }
        if let Some(forecast) = &self.forecast {
            let Forecast { period, words, .. } = forecast;
            text.ja.push_str(&format!("{period}の予測は{words}。"));
            text.en
                .push_str(&format!(" Forecast for {period}: {words}."));
        }
        text.get(self.language).to_owned()
    }

    fn shown(&self) -> Shown {
        let word = |ja: &str, en: &str| Text::new(ja, en).get(self.language).to_owned();
        let origin = |place: &Place| match (place.value, place.is_reference, place.is_reported) {
            (None, ..) => word("データなし", "no data"),
            (_, true, _) => word("参考値", "reference value"),
            (_, _, true) => word("報告値", "as reported"),
            _ => word("未確定", "not closed"),
        };
        let is_restated = self.places.iter().any(|place| place.restated.is_some());
        let mut columns = vec![
            word("対象期間", "Period"),
            self.name.clone(),
            word("区分", "Kind"),
        ];
        columns.extend(is_restated.then(|| word("訂正値", "As restated")));
        let row = |place: &Place| {
            let mut row = vec![place.period.clone(), place.words.clone(), origin(place)];
            let restated = place.restated.as_ref().map(|(_, words)| words.clone());
            row.extend(is_restated.then(|| restated.unwrap_or_default()));
            row
        };
        let mut rows: Vec<Vec<String>> = self.places.iter().map(row).collect();
        if let Some(forecast) = &self.forecast {
            let mut row = vec![
                forecast.period.clone(),
                forecast.words.clone(),
                word("予測(95%区間)", "forecast (95 % interval)"),
            ];
            row.resize(columns.len(), String::new());
            rows.push(row);
        }
        Shown { columns, rows }
    }
}

/// The values in runs without gaps, each with its place.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let placed: Vec<(usize, Option<f64>)> = values.iter().copied().enumerate().collect();
    placed
        .chunk_by(|a, b| a.1.is_some() == b.1.is_some())
        .map(|run| {
            run.iter()
                .filter_map(|(at, value)| value.map(|value| (*at, value)))
                .collect::<Vec<_>>()
        })
        .filter(|run| !run.is_empty())
        .collect()
}
