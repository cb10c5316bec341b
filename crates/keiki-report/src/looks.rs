//! What all workbooks share in their looks: the font, paper, ink and one blue.

use keiki_model::text::Language;
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder};

/// The colour of what is not coloured.
pub(crate) const INK: u32 = 0x1D_21_26;
/// The colour of what stands back.
pub(crate) const SOFT: u32 = 0x5D_66_70;
/// The blue of bars, headings and what the user fills in.
pub(crate) const BLUE: u32 = 0x23_46_6E;
/// The ground of headings.
pub(crate) const BLUE_SOFT: u32 = 0xDF_E7_F0;

/// The formats from which those of a workbook are made.
pub(crate) struct Base(Format);

impl Base {
    pub(crate) fn new(language: Language) -> Self {
        let font = match language {
            Language::Ja => "Yu Gothic",
            Language::En => "Calibri",
        };
        let format = Format::new()
            .set_font_name(font)
            .set_font_size(10)
            .set_font_color(INK)
            .set_align(FormatAlign::VerticalCenter);
        Self(format)
    }

    pub(crate) fn plain(&self) -> Format {
        self.0.clone()
    }

    pub(crate) fn title(&self) -> Format {
        self.plain().set_font_size(16).set_bold()
    }

    pub(crate) fn subtitle(&self) -> Format {
        self.plain().set_font_size(11).set_font_color(BLUE)
    }

    pub(crate) fn soft(&self) -> Format {
        self.plain().set_font_color(SOFT)
    }

    /// The heading of a column.
    pub(crate) fn column_heading(&self) -> Format {
        self.plain()
            .set_bold()
            .set_text_wrap()
            .set_background_color(BLUE_SOFT)
            .set_border_bottom(FormatBorder::Medium)
            .set_border_bottom_color(BLUE)
    }
}
