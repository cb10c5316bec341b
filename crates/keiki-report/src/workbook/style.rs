//! How the edition looks: paper, ink and one blue; colour besides only for status.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::status::Status;
use keiki_model::text::Language;
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder};

pub(super) use crate::looks::BLUE;
use crate::looks::{Base, INK, SOFT};
use crate::scorecard::mark;
use crate::table::Paint;

/// The colour of targets.
pub(super) const RED: u32 = 0xB2_3A_24;
const LINE: u32 = 0xE3_E0_D8;
const GOOD: u32 = 0x1F_7A_68;
const WARNING: u32 = 0xA8_6B_08;

/// The formats.
pub(super) struct Style {
    base: Base,
}

impl Style {
    pub(super) fn new(language: Language) -> Self {
        Self {
            base: Base::new(language),
        }
    }

    pub(super) fn title(&self) -> Format {
        self.base.title()
    }

    pub(super) fn subtitle(&self) -> Format {
        self.base.subtitle()
    }

    pub(super) fn soft(&self) -> Format {
        self.base.soft()
    }

    /// The heading of a column, on the side on which its cells stand.
    pub(super) fn heading(&self, side: FormatAlign) -> Format {
        self.base.column_heading().set_align(side).set_indent(1)
    }

    pub(super) fn text(&self) -> Format {
        self.base
            .plain()
            .set_text_wrap()
            .set_indent(1)
            .set_border_bottom(FormatBorder::Hair)
            .set_border_bottom_color(LINE)
    }

    /// A whole number or a decimal, as it is.
    pub(super) fn part(&self, value: Option<Fraction>) -> Format {
        let is_whole = value.is_none_or(|value| value.denominator() == 1);
        let form = if is_whole { "#,##0" } else { "#,##0.0##" };
        self.figures(form)
    }

    /// A value in its unit.
    pub(super) fn value(&self, unit: Unit) -> Format {
        self.figures(number_form(unit)).set_bold()
    }

    /// A bound or difference in a unit.
    pub(super) fn bound(&self, unit: Unit) -> Format {
        self.figures(number_form(unit))
    }

    /// An approximation in a unit, which may be between two whole numbers.
    pub(super) fn about(&self, unit: Unit) -> Format {
        match unit {
            Unit::Count => self.figures("#,##0.0##"),
            unit => self.bound(unit),
        }
    }

    fn figures(&self, form: &str) -> Format {
        self.text()
            .set_align(FormatAlign::Right)
            .set_num_format(form)
    }

    /// The shape and word of a status in its colour.
    pub(super) fn status(&self, status: Status) -> Format {
        let colour = match mark(status).1 {
            Paint::Good => GOOD,
            Paint::Warning => WARNING,
            Paint::Bad => RED,
            Paint::Faint => SOFT,
            Paint::Plain => INK,
        };
        self.text().set_font_color(colour)
    }
}

/// How a value of a unit is written.
pub(super) fn number_form(unit: Unit) -> &'static str {
    match unit {
        Unit::Ratio => "0.0%",
        Unit::Count | Unit::Currency => "#,##0",
        Unit::Hours | Unit::Days | Unit::PersonHours | Unit::Score => "#,##0.0",
    }
}
