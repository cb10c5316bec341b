//! Draws the sheet of one dataset.

use keiki_model::collection::{
    ANSWER_MARK, Answer, DATASET_MARK, FormColumn, FormSheet, HEADER_MARK, Mark, SheetKind, Value,
    Weight,
};
use keiki_model::dataset::ColumnType;
use keiki_model::text::{Language, Text};
use rust_xlsxwriter::{
    ConditionalFormatFormula, DataValidation, Note, ProtectionOptions, Worksheet,
};

use super::style::{Role, Style};
use super::validation::{self, Lists};
use super::{
    ANSWER_COLUMN, ANSWER_ROW, Drawing, FIRST_COLUMN, FIRST_ROW, HEADER_ROW, NAMES_ROW, Result,
    cell, room,
};

/// Rows that are printed at the least, so that a form can be filled in by hand.
const PRINTED_ROWS_MIN: usize = 25;

/// Draws the sheet.
pub(crate) fn draw(drawing: &Drawing<'_>, position: usize, lists: &mut Lists) -> Result<Worksheet> {
    let form = &drawing.form.sheets[position];
    let mut sheet = Worksheet::new();
    sheet.set_name(&drawing.names[position])?;
    head(drawing, form, &mut sheet)?;
    let has_answer = form.kind != SheetKind::Totals;
    if has_answer {
        answer(drawing, position, &mut sheet)?;
    }
    headings(drawing, form, &mut sheet)?;
    rows(drawing, position, &mut sheet)?;
    rules(drawing, form, &mut sheet, lists)?;
    notes(drawing, position, &mut sheet)?;
    page(drawing, form, &mut sheet)?;
    Ok(sheet)
}

/// The position of a column in the sheet.
pub(crate) fn column_at(position: usize) -> u16 {
    FIRST_COLUMN.saturating_add(u16::try_from(position).unwrap_or(u16::MAX))
}

/// The position of a row in the sheet.
pub(crate) fn row_at(position: usize) -> u32 {
    FIRST_ROW.saturating_add(u32::try_from(position).unwrap_or(u32::MAX))
}

fn head(drawing: &Drawing<'_>, form: &FormSheet, sheet: &mut Worksheet) -> Result<()> {
    let (style, language) = (&drawing.style, drawing.language);
    let of = drawing.form;
    sheet.write_string(
        NAMES_ROW,
        0,
        format!("{DATASET_MARK} {} {}", form.dataset.name, form.version),
    )?;
    for (position, column) in form.columns.iter().enumerate() {
        if let Some(name) = &column.name {
            sheet.write_string(NAMES_ROW, column_at(position), name)?;
        }
    }
    sheet.set_row_hidden(NAMES_ROW)?;
    sheet.set_column_hidden(0)?;
    sheet.set_row_height(1, 24)?;
    sheet.write_string_with_format(
        1,
        FIRST_COLUMN,
        form.dataset.title.get(language),
        &style.title(),
    )?;
    let whose = format!(
        "{} ({})  {}",
        of.org_unit.get(language),
        of.signature.org_unit,
        of.signature.period
    );
    sheet.write_string_with_format(2, FIRST_COLUMN, whose, &style.subtitle())?;
    let description = described(drawing, form);
    sheet.write_string_with_format(3, FIRST_COLUMN, description, &style.soft())?;
    let legend = match form.kind {
        SheetKind::Register => drawing.say(
            "＊は必須。対象期間末の現況に合わせて訂正し、なくなったものは行を空にし、新しいものは末尾に追加します。灰色の欄は記入しません。",
            "* is required. Correct the rows to what is so at the period's end, empty the rows of what is gone, add what is new at the end. Grey cells are left as they are.",
        ),
        SheetKind::Facts => drawing.say(
            "＊は必須。対象期間にあったことを1行に1件記入します。以前に報告したものに変更があれば、同じ番号で全項目を記入します。灰色の欄は記入しません。",
            "* is required. One row for each thing of the period; where something reported earlier has changed, enter all of it again under its number. Grey cells are left as they are.",
        ),
        SheetKind::Totals => drawing.say(
            "合計値だけを報告するKPIです。率ではなく分子と分母を記入します。空の行は「報告なし」となります。灰色の欄は記入しません。",
            "KPIs reported as totals. Enter numerator and denominator, not the ratio. An empty row counts as not reported. Grey cells are left as they are.",
        ),
    };
    sheet.write_string_with_format(HEADER_ROW - 1, FIRST_COLUMN, legend, &style.soft())?;
    Ok(())
}

/// What a dataset holds, and by which clock its times are entered.
pub(crate) fn described(drawing: &Drawing<'_>, form: &FormSheet) -> String {
    let description = form.dataset.description.get(drawing.language);
    let has_times = form
        .columns
        .iter()
        .any(|column| column.kind == ColumnType::Instant);
    if !has_times {
        return description.to_owned();
    }
    let zone = &drawing.form.zone;
    match drawing.language {
        Language::Ja => format!("{description}この様式では日時を{zone}の時刻で記入する。"),
        Language::En => format!("{description} In this form times are those of {zone}."),
    }
}

fn answer(drawing: &Drawing<'_>, position: usize, sheet: &mut Worksheet) -> Result<()> {
    let (style, language) = (&drawing.style, drawing.language);
    let form = &drawing.form.sheets[position];
    let mark = drawing
        .marks
        .iter()
        .find(|mark| mark.sheet == position && mark.row.is_none());
    let role = role_of(mark);
    sheet.set_row_height(ANSWER_ROW, 20)?;
    sheet.write_string(ANSWER_ROW, 0, ANSWER_MARK)?;
    let label = drawing.say("回答", "Answer");
    sheet.write_string_with_format(ANSWER_ROW, FIRST_COLUMN, label, &style.heading())?;
    let words = form.answer.words();
    let given = words.get(language);
    let format = style.answer(role);
    if given.is_empty() {
        sheet.write_blank(ANSWER_ROW, ANSWER_COLUMN, &format)?;
    } else {
        sheet.write_string_with_format(ANSWER_ROW, ANSWER_COLUMN, given, &format)?;
    }
    let meaning = answer_meaning(form.kind);
    sheet.write_string_with_format(
        ANSWER_ROW,
        ANSWER_COLUMN + 1,
        meaning.get(language),
        &style.soft(),
    )?;
    let choices: Vec<String> = [Answer::Complete, Answer::Nothing]
        .iter()
        .map(|answer| answer.words().get(language).to_owned())
        .collect();
    let rule = validation::of_list(DataValidation::new(), &choices, &mut Lists::default())?
        .set_input_title(label)?
        .set_input_message(meaning.get(language))?;
    sheet.add_data_validation(ANSWER_ROW, ANSWER_COLUMN, ANSWER_ROW, ANSWER_COLUMN, &rule)?;
    Ok(())
}

/// What the answer of a sheet means.
pub(crate) fn answer_meaning(kind: SheetKind) -> Text {
    match kind {
        SheetKind::Register => Text::new(
            "一覧が期末の現況どおりなら「記入済み」、1件もなければ「該当なし」。空欄は「未報告」となります。",
            "Complete: the list is as things are at the period's end. Nothing to report: there are none. Empty: not reported.",
        ),
        SheetKind::Facts | SheetKind::Totals => Text::new(
            "1件もなければ「該当なし」(0件の報告)。行も回答もなければ「未報告」となり、0件とはみなしません。",
            "Nothing to report: a report of none. Neither rows nor an answer: not reported, which is not zero.",
        ),
    }
}

fn headings(drawing: &Drawing<'_>, form: &FormSheet, sheet: &mut Worksheet) -> Result<()> {
    let (style, language) = (&drawing.style, drawing.language);
    sheet.write_string(HEADER_ROW, 0, HEADER_MARK)?;
    sheet.set_row_height(HEADER_ROW, 32)?;
    for (position, column) in form.columns.iter().enumerate() {
        let mut title = column.title.get(language).to_owned();
        if column.is_required && !column.is_locked {
            title.push_str(drawing.say("＊", " *"));
        }
        let format = if column.is_locked {
            style.reference_heading()
        } else {
            style.column_heading()
        };
        sheet.write_string_with_format(HEADER_ROW, column_at(position), title, &format)?;
        sheet.set_column_width(column_at(position), width(column, form, position))?;
    }
    if let Some(reference) = beside(form) {
        for (position, title) in (form.columns.len()..).zip(&reference.titles) {
            let column = column_at(position);
            let title = title.get(language);
            sheet.write_string_with_format(
                HEADER_ROW,
                column,
                title,
                &style.reference_heading(),
            )?;
            sheet.set_column_width(column, 16)?;
        }
    }
    Ok(())
}

/// The values of the period before, where they stand beside the form's own.
fn beside(form: &FormSheet) -> Option<&keiki_model::collection::Reference> {
    form.reference
        .as_ref()
        .filter(|_| form.kind == SheetKind::Totals)
}

fn rows(drawing: &Drawing<'_>, position: usize, sheet: &mut Worksheet) -> Result<()> {
    let form = &drawing.form.sheets[position];
    let language = drawing.language;
    let formats: Vec<[rust_xlsxwriter::Format; 4]> = form
        .columns
        .iter()
        .map(|column| {
            [Role::Entry, Role::Given, Role::Wrong, Role::Noted]
                .map(|role| drawing.style.cell(column.kind, role))
        })
        .collect();
    let marked: std::collections::HashMap<(usize, usize), Role> = drawing
        .marks
        .iter()
        .filter(|mark| mark.sheet == position)
        .filter_map(|mark| {
            let place = (mark.row?, mark.column.unwrap_or(0));
            Some((place, role_of(Some(mark))))
        })
        .collect();
    let empty = Value::Empty;
    for row in 0..room(form.kind, form.rows.len()) {
        if form.kind == SheetKind::Register {
            // A row whose cells are all open can be taken out as a whole.
            let open = drawing.style.text().set_unlocked();
            sheet.set_row_format(row_at(row), &open)?;
        }
        for (at, column) in form.columns.iter().enumerate() {
            let value = form.rows.get(row).and_then(|row| row.get(at));
            let role = match marked.get(&(row, at)) {
                Some(role) => *role,
                None if column.is_locked => Role::Given,
                None => Role::Entry,
            };
            let format = &formats[at][role as usize];
            let place = (row_at(row), column_at(at));
            cell::write(sheet, place, value.unwrap_or(&empty), format, language)?;
        }
        sheet.set_row_height(row_at(row), 18)?;
        if let Some(reference) = beside(form) {
            let kind = ColumnType::Decimal {
                precision: 30,
                scale: 6,
            };
            let format = drawing.style.cell(kind, Role::Given);
            for (at, value) in
                (form.columns.len()..).zip(reference.rows.get(row).into_iter().flatten())
            {
                cell::write(
                    sheet,
                    (row_at(row), column_at(at)),
                    value,
                    &format,
                    language,
                )?;
            }
        }
    }
    Ok(())
}

fn rules(
    drawing: &Drawing<'_>,
    form: &FormSheet,
    sheet: &mut Worksheet,
    lists: &mut Lists,
) -> Result<()> {
    let last = row_at(room(form.kind, form.rows.len()).max(1) - 1);
    let all = (
        cell::address(FIRST_ROW, column_at(0)),
        cell::address(FIRST_ROW, column_at(form.columns.len().max(1) - 1)),
    );
    let fixed = |address: &str| format!("${address}");
    for (position, column) in form.columns.iter().enumerate() {
        if column.is_locked {
            continue;
        }
        let at = column_at(position);
        let rule = validation::of_column(column, drawing.language, lists)?;
        sheet.add_data_validation(FIRST_ROW, at, last, at, &rule)?;
        if column.is_required && form.kind != SheetKind::Totals {
            let formula = format!(
                "=AND(COUNTA({}:{})>0,ISBLANK({}))",
                fixed(&all.0),
                fixed(&all.1),
                cell::address(FIRST_ROW, at)
            );
            let lacking = ConditionalFormatFormula::new()
                .set_rule(formula.as_str())
                .set_format(Style::lacking());
            sheet.add_conditional_format(FIRST_ROW, at, last, at, &lacking)?;
        }
    }
    Ok(())
}

/// The reasons of marks, as notes of their cells; several of one cell in one note.
fn notes(drawing: &Drawing<'_>, position: usize, sheet: &mut Worksheet) -> Result<()> {
    let mut texts: std::collections::BTreeMap<(u32, u16), Vec<&str>> =
        std::collections::BTreeMap::new();
    for mark in drawing.marks.iter().filter(|mark| mark.sheet == position) {
        let text = mark.reason.get(drawing.language);
        texts.entry(place_of(mark)).or_default().push(text);
    }
    for ((row, column), reasons) in texts {
        let note = Note::new(reasons.join("\n"))
            .set_author("Keiki")
            .add_author_prefix(false)
            .set_width(280)
            .set_height(
                u32::try_from(40 + 34 * reasons.len())
                    .unwrap_or(400)
                    .min(400),
            );
        sheet.insert_note(row, column, &note)?;
    }
    Ok(())
}

/// The cell of a mark.
pub(crate) fn place_of(mark: &Mark) -> (u32, u16) {
    match mark.row {
        None => (ANSWER_ROW, ANSWER_COLUMN),
        Some(row) => (row_at(row), column_at(mark.column.unwrap_or(0))),
    }
}

fn role_of(mark: Option<&Mark>) -> Role {
    match mark.map(|mark| mark.weight) {
        None => Role::Entry,
        Some(Weight::Rejected) => Role::Wrong,
        Some(Weight::Noted) => Role::Noted,
    }
}

fn page(drawing: &Drawing<'_>, form: &FormSheet, sheet: &mut Worksheet) -> Result<()> {
    let of = drawing.form;
    let beside = beside(form).map_or(0, |reference| reference.titles.len());
    let last_column = column_at((form.columns.len() + beside).max(3) - 1);
    let printed = (form.rows.len() + 5).max(PRINTED_ROWS_MIN);
    let printed = if form.kind == SheetKind::Totals {
        form.rows.len().max(1)
    } else {
        printed.min(room(form.kind, form.rows.len()))
    };
    let frozen = if form.kind == SheetKind::Totals {
        FIRST_COLUMN
    } else {
        FIRST_COLUMN + 1
    };
    sheet
        .set_screen_gridlines(false)
        .set_landscape()
        .set_paper_size(9)
        .set_margins(0.5, 0.5, 0.6, 0.6, 0.3, 0.3)
        .set_print_fit_to_pages(pages_across(form), 0)
        .set_freeze_panes(FIRST_ROW, frozen)?
        .set_repeat_rows(HEADER_ROW, HEADER_ROW)?
        .set_repeat_columns(FIRST_COLUMN, FIRST_COLUMN)?
        .set_print_area(1, FIRST_COLUMN, row_at(printed - 1), last_column)?
        // The space keeps a digit that follows from being read as part of the size.
        .set_footer(format!(
            "&L&8 {} {}&C&8 {}&R&8 &P / &N",
            escaped(of.org_unit.get(drawing.language)),
            of.signature.period,
            of.signature.id()
        ))
        .set_selection(FIRST_ROW, FIRST_COLUMN, FIRST_ROW, FIRST_COLUMN)?;
    sheet.protect_with_options(&ProtectionOptions {
        format_cells: true,
        format_columns: true,
        format_rows: true,
        insert_rows: true,
        delete_rows: true,
        sort: true,
        use_autofilter: true,
        ..ProtectionOptions::default()
    });
    Ok(())
}

/// Over how many pages a sheet is printed side by side, so that it can be read.
fn pages_across(form: &FormSheet) -> u16 {
    const PAGE_CHARACTERS: f64 = 190.0;
    if form.kind == SheetKind::Totals {
        return 1;
    }
    let columns = form.columns.iter().enumerate();
    let characters: f64 = columns.map(|(at, column)| width(column, form, at)).sum();
    let pages = (1..=8).find(|pages| characters <= f64::from(*pages) * PAGE_CHARACTERS);
    pages.unwrap_or(8)
}

/// A text for a footer, in which `&` begins a command.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&&")
}

/// A column's width by what it holds. *Units*: characters.
fn width(column: &FormColumn, form: &FormSheet, position: usize) -> f64 {
    let wide = |text: &str| -> u32 { text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum() };
    let by_kind = match column.kind {
        ColumnType::Text if !column.choices.is_empty() => 16,
        ColumnType::Text => 18,
        ColumnType::Instant => 20,
        ColumnType::Date | ColumnType::Decimal { .. } => 13,
        ColumnType::Integer | ColumnType::Boolean => 10,
    };
    let longest = form
        .rows
        .iter()
        .filter_map(|row| row.get(position))
        .map(|value| match value {
            Value::Text(text) | Value::Number(text) => wide(text) + 2,
            _ => 0,
        })
        .max()
        .unwrap_or(0);
    // A heading may take two lines.
    let heading = wide(&column.title.ja).max(wide(&column.title.en)) / 2 + 4;
    let longest_max = if form.kind == SheetKind::Totals {
        30
    } else {
        40
    };
    f64::from(by_kind.max(longest.min(longest_max)).max(heading.min(24)))
}
