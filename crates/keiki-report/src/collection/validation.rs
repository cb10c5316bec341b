//! What a cell takes, and what it tells the user who enters it.

use keiki_model::collection::{FormColumn, no, yes};
use keiki_model::dataset::ColumnType;
use keiki_model::text::{Language, Text};
use rust_xlsxwriter::{
    DataValidation, DataValidationRule, ExcelDateTime, Formula, Worksheet,
    utility::column_number_to_name,
};

use super::Result;

/// Characters of a list that stands in the rule itself.
const LIST_CHARACTERS_MAX: usize = 255;
/// Characters of the title of a message.
const TITLE_CHARACTERS_MAX: usize = 32;
/// Characters of a message.
const MESSAGE_CHARACTERS_MAX: usize = 255;
/// The first column of lists on the hidden sheet; before it stands the signature.
const LISTS_COLUMN: u16 = 20;
/// The largest number that a spreadsheet keeps exactly.
const NUMBER_MAX: f64 = 999_999_999_999_999.0;

/// Lists that are too long for a rule; they stand on the hidden sheet.
#[derive(Debug, Default)]
pub(crate) struct Lists {
    lists: Vec<Vec<String>>,
}

impl Lists {
    fn add(&mut self, list: &[String]) -> Formula {
        let known = self.lists.iter().position(|known| known == list);
        let at = known.unwrap_or_else(|| {
            self.lists.push(list.to_vec());
            self.lists.len() - 1
        });
        let number = LISTS_COLUMN + u16::try_from(at).unwrap_or(0);
        let column = column_number_to_name(number);
        Formula::new(format!(
            "=_keiki!${column}$1:${column}${}",
            list.len().max(1)
        ))
    }

    pub(crate) fn write(&self, sheet: &mut Worksheet) -> Result<()> {
        for (column, list) in (LISTS_COLUMN..).zip(&self.lists) {
            for (row, text) in (0..).zip(list) {
                sheet.write_string(row, column, text)?;
            }
        }
        Ok(())
    }
}

/// The rule of a column's cells.
pub(crate) fn of_column(
    column: &FormColumn,
    language: Language,
    lists: &mut Lists,
) -> Result<DataValidation> {
    let rule = DataValidation::new();
    let rule = if column.choices.is_empty() {
        by_type(rule, column.kind, language)?
    } else {
        of_list(rule, &column.choices, lists)?
    };
    let error = error(column);
    let message = message(column, language);
    rule.set_input_title(cut(column.title.get(language), TITLE_CHARACTERS_MAX))?
        .set_input_message(cut(&message, MESSAGE_CHARACTERS_MAX))?
        .set_error_title(cut(column.title.get(language), TITLE_CHARACTERS_MAX))?
        .set_error_message(cut(error.get(language), MESSAGE_CHARACTERS_MAX))
}

fn by_type(rule: DataValidation, kind: ColumnType, language: Language) -> Result<DataValidation> {
    Ok(match kind {
        ColumnType::Text => rule.allow_any_value(),
        ColumnType::Integer => {
            rule.allow_whole_number(DataValidationRule::Between(i32::MIN, i32::MAX))
        }
        ColumnType::Decimal { .. } => {
            rule.allow_decimal_number(DataValidationRule::Between(-NUMBER_MAX, NUMBER_MAX))
        }
        ColumnType::Date | ColumnType::Instant => rule.allow_date(DataValidationRule::Between(
            ExcelDateTime::from_ymd(1900, 1, 1)?,
            ExcelDateTime::from_ymd(9999, 12, 31)?,
        )),
        ColumnType::Boolean => {
            rule.allow_list_strings(&[yes().get(language), no().get(language)])?
        }
    })
}

/// A rule that takes the values of a list only.
pub(crate) fn of_list(
    rule: DataValidation,
    choices: &[String],
    lists: &mut Lists,
) -> Result<DataValidation> {
    let characters: usize = choices
        .iter()
        .map(|choice| choice.encode_utf16().count() + 1)
        .sum();
    let has_comma = choices.iter().any(|choice| choice.contains(','));
    if characters > LIST_CHARACTERS_MAX || has_comma {
        Ok(rule.allow_list_formula(lists.add(choices)))
    } else {
        rule.allow_list_strings(choices)
    }
}

fn message(column: &FormColumn, language: Language) -> String {
    let how = match column.kind {
        _ if !column.choices.is_empty() => Text::new("一覧から選びます。", "Choose from the list."),
        ColumnType::Date => Text::new("日付(例 2026-04-01)。", "A date such as 2026-04-01."),
        ColumnType::Instant => Text::new(
            "日時(例 2026-04-01 09:00)。",
            "A date and time such as 2026-04-01 09:00.",
        ),
        ColumnType::Integer => Text::new("整数。", "A whole number."),
        ColumnType::Decimal { .. } => Text::new("数値。", "A number."),
        ColumnType::Boolean => Text::new(
            "「はい」か「いいえ」。不明なら空欄。",
            "Yes or no; empty where not known.",
        ),
        ColumnType::Text => Text::default(),
    };
    let must = if column.is_required {
        Text::new("【必須】", "Required. ")
    } else {
        Text::default()
    };
    let gap = if language == Language::En { " " } else { "" };
    format!(
        "{}{}{gap}{}",
        must.get(language),
        column.description.get(language),
        how.get(language)
    )
    .trim()
    .to_owned()
}

fn error(column: &FormColumn) -> Text {
    match column.kind {
        _ if !column.choices.is_empty() => Text::new(
            "一覧にある値を選んでください。",
            "Choose a value from the list.",
        ),
        ColumnType::Date => Text::new(
            "日付を入力してください(例 2026-04-01)。",
            "Enter a date such as 2026-04-01.",
        ),
        ColumnType::Instant => Text::new(
            "日時を入力してください(例 2026-04-01 09:00)。",
            "Enter a date and time such as 2026-04-01 09:00.",
        ),
        ColumnType::Integer => Text::new("整数を入力してください。", "Enter a whole number."),
        ColumnType::Decimal { .. } => Text::new("数値を入力してください。", "Enter a number."),
        ColumnType::Boolean => Text::new(
            "「はい」か「いいえ」を選んでください。",
            "Choose yes or no.",
        ),
        ColumnType::Text => Text::new("文字を入力してください。", "Enter a text."),
    }
}

/// Shortens a text to a number of UTF-16 units.
fn cut(text: &str, units_max: usize) -> String {
    if text.encode_utf16().count() <= units_max {
        return text.to_owned();
    }
    let mut units = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            units += c.len_utf16();
            units < units_max
        })
        .collect();
    format!("{kept}…")
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn texts_are_cut_to_what_excel_takes() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert!(cut(&"𠮷".repeat(40), 32).encode_utf16().count() <= 32);
    }
}
