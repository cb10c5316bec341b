//! The sheet on which charts are drawn, and how it becomes SVG.

pub(super) use super::fitting::{fitted, in_two, width_of};
use super::{Theme, Token};

/// How an area is filled, told apart without colour too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fill {
    /// All of it.
    Solid(Token),
    /// A wash through which lines can be seen.
    Wash(Token),
    /// Slanting lines.
    Hatch(Token),
    /// Crossing lines.
    Cross(Token),
    /// Only a broken outline.
    Outline(Token),
}

/// The shape that says how a figure stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// A full circle.
    Disc,
    /// A ring.
    Ring,
    /// A triangle upwards.
    Up,
    /// A triangle downwards.
    Down,
    /// A diamond.
    Diamond,
    /// A short bar.
    Dash,
}

/// Where a text is anchored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At its beginning.
    Start,
    /// In its middle.
    Middle,
    /// At its end.
    End,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Type {
    pub(super) size: f64,
    pub(super) token: Token,
    pub(super) weight: Weight,
    pub(super) anchor: Anchor,
}

/// How heavy a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// As text.
    Regular,
    /// As what is to be read first.
    Bold,
}

/// A text of a size in a colour, from its beginning.
pub(super) fn text(size: f64, token: Token) -> Type {
    Type {
        size,
        token,
        weight: Weight::Regular,
        anchor: Anchor::Start,
    }
}

impl Type {
    pub(super) fn bold(self) -> Self {
        Self {
            weight: Weight::Bold,
            ..self
        }
    }

    pub(super) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stroke {
    pub(super) token: Token,
    pub(super) width: f64,
    /// Lengths of dash and gap; `None` = drawn through.
    pub(super) dash: Option<(f64, f64)>,
}

/// A line drawn through.
pub(super) fn stroke(token: Token, width: f64) -> Stroke {
    Stroke {
        token,
        width,
        dash: None,
    }
}

/// A broken line.
pub(super) fn dashed(token: Token, width: f64, dash: (f64, f64)) -> Stroke {
    Stroke {
        token,
        width,
        dash: Some(dash),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Mark {
    Rect {
        at: (f64, f64),
        size: (f64, f64),
        fill: Fill,
    },
    Path {
        points: Vec<(f64, f64)>,
        stroke: Stroke,
    },
    Area {
        points: Vec<(f64, f64)>,
        fill: Fill,
    },
    Text {
        at: (f64, f64),
        kind: Type,
        text: String,
    },
    Shape {
        at: (f64, f64),
        radius: f64,
        shape: Shape,
        token: Token,
    },
}

/// A sheet with what is drawn on it. *Units*: points.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Canvas {
    pub(super) width: f64,
    pub(super) height: f64,
    marks: Vec<Mark>,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            marks: Vec::new(),
        }
    }

    pub(super) fn rect(&mut self, at: (f64, f64), size: (f64, f64), fill: Fill) {
        if size.0 > 0.0 && size.1 > 0.0 {
            self.marks.push(Mark::Rect { at, size, fill });
        }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        self.path(vec![from, to], stroke);
    }

    pub(super) fn path(&mut self, points: Vec<(f64, f64)>, stroke: Stroke) {
        if points.len() > 1 {
            self.marks.push(Mark::Path { points, stroke });
        }
    }

    pub(super) fn area(&mut self, points: Vec<(f64, f64)>, fill: Fill) {
        self.marks.push(Mark::Area { points, fill });
    }

    pub(super) fn text(&mut self, at: (f64, f64), kind: Type, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.marks.push(Mark::Text { at, kind, text });
        }
    }

    pub(super) fn shape(&mut self, at: (f64, f64), radius: f64, shape: Shape, token: Token) {
        self.marks.push(Mark::Shape {
            at,
            radius,
            shape,
            token,
        });
    }

    /// Writes the sheet as SVG with its text alternative.
    pub(super) fn svg(&self, title: &str, description: &str, theme: Theme, id: &str) -> String {
        let (width, height) = (number(self.width), number(self.height));
        let (title, description) = (escaped(title), escaped(description));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
             role=\"img\" aria-labelledby=\"{id}-t {id}-d\" font-family=\"Noto Sans JP\">\
             <title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}</desc>"
        );
        out.push_str(&self.patterns(theme, id));
        for mark in &self.marks {
            out.push_str(&mark.svg(theme, id));
        }
        out.push_str("</svg>");
        out
    }

    /// The patterns that the sheet's areas ask for.
    fn patterns(&self, theme: Theme, id: &str) -> String {
        let mut asked: Vec<Fill> = Vec::new();
        for mark in &self.marks {
            let (Mark::Rect { fill, .. } | Mark::Area { fill, .. }) = mark else {
                continue;
            };
            if pattern_name(*fill).is_some() && !asked.contains(fill) {
                asked.push(*fill);
            }
        }
        if asked.is_empty() {
            return String::new();
        }
        let one = |fill: &Fill| {
            let (Fill::Hatch(token) | Fill::Cross(token)) = fill else {
                return String::new();
            };
            let colour = token.colour(theme);
            let ground = Token::Paper.colour(theme);
            let name = pattern_name(*fill).unwrap_or_default();
            let lines = match fill {
                Fill::Cross(_) => "M0 0L4 4M4 0L0 4",
                _ => "M-1 1L1 -1M0 4L4 0M3 5L5 3",
            };
            format!(
                "<pattern id=\"{id}-{name}\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\">\
                 <rect width=\"4\" height=\"4\" fill=\"{ground}\"/>\
                 <path d=\"{lines}\" stroke=\"{colour}\" stroke-width=\"1.1\" fill=\"none\"/></pattern>"
            )
        };
        format!("<defs>{}</defs>", asked.iter().map(one).collect::<String>())
    }
}

fn pattern_name(fill: Fill) -> Option<String> {
    let (kind, token) = match fill {
        Fill::Hatch(token) => ("h", token),
        Fill::Cross(token) => ("x", token),
        Fill::Solid(_) | Fill::Wash(_) | Fill::Outline(_) => return None,
    };
    let name = Token::ALL.iter().find(|(one, ..)| *one == token);
    name.map(|(_, name, _)| format!("{kind}-{name}"))
}

fn paint(fill: Fill, theme: Theme, id: &str) -> String {
    match fill {
        Fill::Solid(token) => format!("fill=\"{}\"", token.colour(theme)),
        Fill::Wash(token) => format!("fill=\"{}\" fill-opacity=\"0.16\"", token.colour(theme)),
        Fill::Hatch(token) | Fill::Cross(token) => format!(
            "fill=\"url(#{id}-{})\" stroke=\"{}\" stroke-width=\"0.6\"",
            pattern_name(fill).unwrap_or_default(),
            token.colour(theme)
        ),
        Fill::Outline(token) => format!(
            "fill=\"none\" stroke=\"{}\" stroke-width=\"0.6\" stroke-dasharray=\"1.6 1.6\"",
            token.colour(theme)
        ),
    }
}

impl Mark {
    fn svg(&self, theme: Theme, id: &str) -> String {
        match self {
            Self::Rect { at, size, fill } => format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {}/>",
                number(at.0),
                number(at.1),
                number(size.0),
                number(size.1),
                paint(*fill, theme, id)
            ),
            Self::Path { points, stroke } => {
                let dash = stroke.dash.map_or_else(String::new, |(dash, gap)| {
                    format!(" stroke-dasharray=\"{} {}\"", number(dash), number(gap))
                });
                format!(
                    "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\"{dash}/>",
                    outline(points),
                    stroke.token.colour(theme),
                    number(stroke.width)
                )
            }
            Self::Area { points, fill } => format!(
                "<path d=\"{}Z\" {}/>",
                outline(points),
                paint(*fill, theme, id)
            ),
            Self::Text { at, kind, text } => {
                let anchor = match kind.anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " text-anchor=\"middle\"",
                    Anchor::End => " text-anchor=\"end\"",
                };
                let weight = match kind.weight {
                    Weight::Regular => "",
                    Weight::Bold => " font-weight=\"700\"",
                };
                // A text that is to be read first keeps the lines under it away.
                let halo = match kind.weight {
                    Weight::Regular => String::new(),
                    Weight::Bold => format!(
                        " stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\" paint-order=\"stroke\"",
                        Token::Paper.colour(theme)
                    ),
                };
                format!(
                    "<text x=\"{}\" y=\"{}\" font-size=\"{}\" fill=\"{}\"{anchor}{weight}{halo}>{}</text>",
                    number(at.0),
                    number(at.1),
                    number(kind.size),
                    kind.token.colour(theme),
                    escaped(text)
                )
            }
            Self::Shape {
                at,
                radius,
                shape,
                token,
            } => drawn(*at, *radius, *shape, &token.colour(theme)),
        }
    }
}

fn drawn((x, y): (f64, f64), radius: f64, shape: Shape, colour: &str) -> String {
    let around = |points: &[(f64, f64)]| {
        let placed: Vec<(f64, f64)> = points
            .iter()
            .map(|(dx, dy)| (x + dx * radius, y + dy * radius))
            .collect();
        outline(&placed)
    };
    match shape {
        Shape::Disc => format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"{colour}\"/>",
            number(x),
            number(y),
            number(radius)
        ),
        Shape::Ring => format!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            number(x),
            number(y),
            number(radius * 0.82),
            number(radius * 0.42)
        ),
        Shape::Up => format!(
            "<path d=\"{}Z\" fill=\"{colour}\"/>",
            around(&[(0.0, -1.0), (1.08, 0.85), (-1.08, 0.85)])
        ),
        Shape::Down => format!(
            "<path d=\"{}Z\" fill=\"{colour}\"/>",
            around(&[(0.0, 1.0), (1.08, -0.85), (-1.08, -0.85)])
        ),
        Shape::Diamond => format!(
            "<path d=\"{}Z\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            around(&[(0.0, -1.0), (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)]),
            number(radius * 0.36)
        ),
        Shape::Dash => format!(
            "<path d=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{}\"/>",
            around(&[(-0.9, 0.0), (0.9, 0.0)]),
            number(radius * 0.36)
        ),
    }
}

fn outline(points: &[(f64, f64)]) -> String {
    let mut out = String::new();
    for (at, (x, y)) in points.iter().enumerate() {
        let letter = if at == 0 { 'M' } else { 'L' };
        out.push_str(&format!("{letter}{} {}", number(*x), number(*y)));
    }
    out
}

/// A place with two decimals, the same on every machine.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0" } else { text }.to_owned()
}

fn escaped(text: &str) -> String {
    crate::html::escaped(text)
}
