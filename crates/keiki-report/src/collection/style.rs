//! How a form looks: paper, ink and one blue; colour besides only for what is wrong.

use keiki_model::dataset::ColumnType;
use keiki_model::text::Language;
use rust_xlsxwriter::{Format, FormatAlign, FormatBorder};

use crate::looks::{BLUE, Base, SOFT};

const LINE: u32 = 0xCF_CB_C0;
const GREY: u32 = 0xF1_EF_EA;
const WRONG: u32 = 0xF7_E3_DE;
const AMBER: u32 = 0xF8_EE_DB;

/// The formats of a form.
pub(crate) struct Style {
    base: Base,
}

/// What a cell of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The user fills it in.
    Entry,
    /// The user leaves it as it is.
    Given,
    /// It is not accepted.
    Wrong,
    /// Something is said of it.
    Noted,
}

impl Style {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            base: Base::new(language),
        }
    }

    pub(crate) fn text(&self) -> Format {
        self.base.plain()
    }

    pub(crate) fn wrapped(&self) -> Format {
        self.text()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_align(FormatAlign::Left)
    }

    pub(crate) fn title(&self) -> Format {
        self.base.title()
    }

    pub(crate) fn subtitle(&self) -> Format {
        self.base.subtitle()
    }

    pub(crate) fn heading(&self) -> Format {
        self.text()
            .set_font_size(11)
            .set_bold()
            .set_font_color(BLUE)
            .set_border_bottom(FormatBorder::Thin)
            .set_border_bottom_color(BLUE)
    }

    pub(crate) fn soft(&self) -> Format {
        self.base.soft()
    }

    pub(crate) fn soft_wrapped(&self) -> Format {
        self.wrapped().set_font_color(SOFT)
    }

    /// A cell of a list on a page that is read only.
    pub(crate) fn listed(&self) -> Format {
        self.wrapped()
            .set_border_bottom(FormatBorder::Hair)
            .set_border_bottom_color(LINE)
    }

    pub(crate) fn column_heading(&self) -> Format {
        self.base
            .column_heading()
            .set_align(FormatAlign::Left)
            .set_indent(1)
            .set_border_right(FormatBorder::Hair)
            .set_border_right_color(LINE)
    }

    pub(crate) fn reference_heading(&self) -> Format {
        self.column_heading()
            .set_background_color(GREY)
            .set_font_color(SOFT)
            .set_border_bottom_color(SOFT)
    }

    /// The cell for the answer of a sheet as a whole.
    pub(crate) fn answer(&self, role: Role) -> Format {
        let background = match role {
            Role::Wrong => WRONG,
            Role::Noted => AMBER,
            Role::Entry | Role::Given => 0xFF_FF_FF,
        };
        self.text()
            .set_bold()
            .set_align(FormatAlign::Center)
            .set_background_color(background)
            .set_border(FormatBorder::Thin)
            .set_border_color(BLUE)
            .set_unlocked()
    }

    /// A cell of a table.
    pub(crate) fn cell(&self, kind: ColumnType, role: Role) -> Format {
        let format = self
            .text()
            .set_border(FormatBorder::Hair)
            .set_border_color(LINE);
        let format = match role {
            Role::Entry => format.set_unlocked(),
            Role::Given => format.set_background_color(GREY).set_font_color(SOFT),
            Role::Wrong => format.set_background_color(WRONG).set_unlocked(),
            Role::Noted => format.set_background_color(AMBER).set_unlocked(),
        };
        match kind {
            ColumnType::Text => format
                .set_num_format("@")
                .set_align(FormatAlign::Left)
                .set_indent(1),
            ColumnType::Date => format
                .set_num_format("yyyy-mm-dd")
                .set_align(FormatAlign::Center),
            ColumnType::Instant => format
                .set_num_format("yyyy-mm-dd hh:mm:ss")
                .set_align(FormatAlign::Center),
            ColumnType::Integer if role == Role::Given => {
                format.set_num_format("0").set_align(FormatAlign::Center)
            }
            ColumnType::Integer => format.set_num_format("0"),
            ColumnType::Boolean => format.set_align(FormatAlign::Center),
            ColumnType::Decimal { .. } => format,
        }
    }

    /// Shows that a required cell is still empty.
    pub(crate) fn lacking() -> Format {
        Format::new().set_background_color(AMBER)
    }
}
