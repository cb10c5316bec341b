//! How durations are distributed: how many fall into each span, with the statistics as lines.

use keiki_model::kpi::Unit;
use keiki_model::text::{Language, Text};

use super::canvas::{Anchor, Canvas, Fill, dashed, stroke, text, width_of};
use super::scale::{Scale, label, unit_name};
use super::{Chart, Shown, Token};

/// A span of durations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Where it begins.
    pub from: f64,
    /// Where it ends.
    pub until: f64,
    /// How many fall into it.
    pub count: u64,
}

/// A statistic, drawn as a line.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// The value in words.
    pub words: String,
}

/// Durations by span.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    /// The figure's name.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// The reader's language.
    pub language: Language,
    /// The spans, in order.
    pub bins: Vec<Bin>,
    /// Median, p90 and the like.
    pub lines: Vec<Line>,
    /// Width and height in points.
    pub size: (f64, f64),
}

const SIZE: f64 = 6.0;

impl Distribution {
    /// Draws it.
    #[must_use]
    pub fn draw(&self) -> Chart {
        let (width, height) = self.size;
        let mut canvas = Canvas::new(width, height);
        let counts = self.bins.iter().map(|bin| amount(bin.count));
        let up = Scale::holding(counts, Unit::Count);
        let ends = self.bins.iter().map(|bin| bin.until);
        let along = Scale::holding(
            ends.chain(self.lines.iter().map(|line| line.value)),
            self.unit,
        );
        let rows = f64::from(u8::try_from(self.lines.len()).unwrap_or(u8::MAX));
        let (left, right) = (16.0, width - 6.0);
        let (top, bottom) = (4.0 + 7.6 * rows, height - 18.0);
        let x = |value: f64| left + along.share(value) * (right - left);
        let y = |value: f64| bottom - up.share(value) * (bottom - top);
        for line in up.lines() {
            canvas.line((left, y(line)), (right, y(line)), stroke(Token::Line, 0.4));
            let style = text(SIZE, Token::Soft).anchored(Anchor::End);
            canvas.text((left - 3.0, y(line) + 2.1), style, label(line, Unit::Count));
        }
        for bin in &self.bins {
            let (from, until) = (x(bin.from), x(bin.until));
            let high = y(amount(bin.count));
            let size = ((until - from - 0.8).max(0.6), bottom - high);
            canvas.rect((from + 0.4, high), size, Fill::Solid(Token::Blue));
        }
        canvas.line((left, bottom), (right, bottom), stroke(Token::Soft, 0.6));
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
        let patterns = [None, Some((3.0, 1.6)), Some((1.0, 1.4)), Some((4.0, 1.2))];
        let labels: Vec<Label> = self
            .lines
            .iter()
            .map(|line| Label::new(x(line.value), width_of(&line.label(), SIZE), width))
            .collect();
        let order = placed(&labels);
        let row = |at: usize| 6.0 + 7.6 * f64::from(u8::try_from(at).unwrap_or(u8::MAX));
        for (at, index) in order.iter().enumerate() {
            let kind = patterns[index % patterns.len()].map_or_else(
                || stroke(Token::Ink, 1.0),
                |dash| dashed(Token::Ink, 1.0, dash),
            );
            let place = labels[*index].place;
            canvas.line((place, row(at) - 4.0), (place, bottom), kind);
        }
        for (at, index) in order.iter().enumerate() {
            let (label, row) = (&labels[*index], row(at));
            let (from, until) = label.span();
            // Where a line must pass all the same, the words stay readable.
            let ground = Fill::Solid(Token::Paper);
            canvas.rect((from - 0.8, row - 5.2), (until - from + 1.6, 6.6), ground);
            let (anchor, at) = match label.side {
                Side::Right => (Anchor::Start, from),
                Side::Left => (Anchor::End, until),
            };
            let style = text(SIZE, Token::Ink).anchored(anchor);
            canvas.text((at, row), style, self.lines[*index].label());
        }
        Chart::new(self.name.clone(), self.description(), self.shown(), canvas)
    }

    fn description(&self) -> String {
        let count: u64 = self.bins.iter().map(|bin| bin.count).sum();
        let lines: Vec<String> = self
            .lines
            .iter()
            .map(|line| format!("{} {}", line.name, line.words))
            .collect();
        Text::new(
            format!("{count}件の分布。{}。", lines.join("、")),
            format!("Distribution of {count} cases. {}.", lines.join(", ")),
        )
        .get(self.language)
        .to_owned()
    }

    fn shown(&self) -> Shown {
        let span = Text::new(
            format!("{}(以上〜未満)", unit_name(self.unit, self.language)),
            format!("{} (from, to below)", unit_name(self.unit, self.language)),
        );
        let row = |bin: &Bin| {
            let (from, until) = (label(bin.from, self.unit), label(bin.until, self.unit));
            vec![format!("{from}–{until}"), bin.count.to_string()]
        };
        Shown {
            columns: vec![
                span.get(self.language).to_owned(),
                Text::new("件数", "Cases").get(self.language).to_owned(),
            ],
            rows: self.bins.iter().map(row).collect(),
        }
    }
}

impl Line {
    fn label(&self) -> String {
        format!("{} {}", self.name, self.words)
    }
}

/// On which side of its line a label stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Right,
    Left,
}

/// A label at its line.
#[derive(Debug, Clone, Copy)]
struct Label {
    place: f64,
    long: f64,
    side: Side,
}

impl Label {
    /// A label to the right of its line, unless the chart ends before it does.
    fn new(place: f64, long: f64, width: f64) -> Self {
        let side = if place + long + 4.0 > width {
            Side::Left
        } else {
            Side::Right
        };
        Self { place, long, side }
    }

    /// Where it begins and ends.
    fn span(&self) -> (f64, f64) {
        match self.side {
            Side::Right => (self.place + 2.5, self.place + 2.5 + self.long),
            Side::Left => (self.place - 2.5 - self.long, self.place - 2.5),
        }
    }
}

/// The order of labels from the top. A line goes from its label down, so it passes what is below: labels to the right of their lines come
/// first, from left to right, and no line passes one of them; then those to the left, from right to left.
fn placed(labels: &[Label]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|one, other| {
        let key = |at: &usize| match labels[*at].side {
            Side::Right => (0, labels[*at].place),
            Side::Left => (1, -labels[*at].place),
        };
        let (one, other) = (key(one), key(other));
        one.0.cmp(&other.0).then(one.1.total_cmp(&other.1))
    });
    order
}

fn amount(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a line that begins above a label passes through it.
    fn is_passed(labels: &[Label], order: &[usize]) -> bool {
        order.iter().enumerate().any(|(row, at)| {
            let (from, until) = labels[*at].span();
            let mut above = order[..row].iter().map(|other| labels[*other].place);
            above.any(|place| (from..until).contains(&place))
        })
    }

    #[test]
    fn no_line_passes_through_the_name_of_another() {
        // As the mean of a skewed distribution lies: right of the median, though it is named first.
        let at = |place: f64| Label::new(place, 40.0, 220.0);
        let labels = [at(60.0), at(50.0), at(200.0)];
        assert!(is_passed(&labels, &[0, 1, 2]), "the fault is not drawn");
        let order = placed(&labels);
        assert_eq!(order, [1, 0, 2]);
        assert!(!is_passed(&labels, &order));
    }
}
