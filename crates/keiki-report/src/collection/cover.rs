//! Draws the cover: whose form it is, for which period, how to fill it in, and how far it is.

use keiki_model::calendar::date_of;
use keiki_model::collection::{Answer, COVER_SHEET, FormSheet, SheetKind};
use rust_xlsxwriter::{Format, Formula, Url, Worksheet};

use super::sheet::{column_at, described, escaped, row_at};
use super::{ANSWER_COLUMN, ANSWER_ROW, Drawing, FIRST_ROW, Result, cell, room};

/// Draws the cover.
pub(crate) fn draw(drawing: &Drawing<'_>) -> Result<Worksheet> {
    let style = &drawing.style;
    let mut sheet = Worksheet::new();
    sheet.set_name(drawing.say(COVER_SHEET.0, COVER_SHEET.1))?;
    for (column, width) in [(0, 2.0), (1, 30.0), (2, 50.0), (3, 16.0)] {
        sheet.set_column_width(column, width)?;
    }
    let organisation = drawing.form.organisation.get(drawing.language);
    sheet.write_string_with_format(1, 1, organisation, &style.soft())?;
    let title = drawing.say("セキュリティKPI 証跡収集票", "Security KPIs: evidence form");
    sheet.set_row_height(2, 30)?;
    sheet.write_string_with_format(2, 1, title, &style.title())?;
    let mut row = whose(drawing, &mut sheet, 4)?;
    row = steps(drawing, &mut sheet, row + 1)?;
    row = contents(drawing, &mut sheet, row + 1)?;
    let legal = drawing.say(
        "個人を示す欄(氏名、社員番号など)は、台帳には符号で保管されます。登録済みの人は「(登録済み)」と表示し、変更がなければそのままにします。",
        "What names a person is kept in the books as a token. Somebody whom the books know is shown as “(on file)”; leave that as it is where nothing has changed.",
    );
    row += 1;
    sheet.merge_range(row, 1, row, 3, legal, &style.soft_wrapped())?;
    sheet.set_row_height(row, 32)?;
    sheet
        .set_screen_gridlines(false)
        .set_portrait()
        .set_paper_size(9)
        .set_margins(0.6, 0.6, 0.7, 0.7, 0.3, 0.3)
        .set_print_fit_to_pages(1, 1)
        .set_print_area(0, 0, row, 3)?
        .set_footer(format!(
            "&L&8 {}&R&8 Keiki {}",
            escaped(organisation),
            drawing.form.signature.id()
        ));
    sheet.protect();
    Ok(sheet)
}

fn whose(drawing: &Drawing<'_>, sheet: &mut Worksheet, mut row: u32) -> Result<u32> {
    let (form, language, style) = (drawing.form, drawing.language, &drawing.style);
    let dash = drawing.say("〜", "–");
    let mut lines = vec![
        (
            drawing.say("組織", "Org unit"),
            format!(
                "{} ({})",
                form.org_unit.get(language),
                form.signature.org_unit
            ),
        ),
        (
            drawing.say("対象期間", "Period"),
            format!(
                "{}  ({} {dash} {})",
                form.signature.period,
                date_of(form.span.0),
                date_of(form.span.1)
            ),
        ),
    ];
    if let Some(due) = form.due {
        lines.push((drawing.say("提出期限", "Due"), date_of(due).to_string()));
    }
    lines.push((
        drawing.say("作成日", "Made on"),
        date_of(form.issued_on).to_string(),
    ));
    lines.push((
        drawing.say("様式番号", "Form number"),
        format!(
            "{}  ({} {})",
            form.signature.id(),
            drawing.say("様式の版", "form version"),
            form.signature.form
        ),
    ));
    for (label, text) in lines {
        sheet.write_string_with_format(row, 1, label, &style.soft())?;
        sheet.write_string_with_format(row, 2, text, &style.text().set_bold())?;
        sheet.set_row_height(row, 19)?;
        row += 1;
    }
    Ok(row)
}

fn steps(drawing: &Drawing<'_>, sheet: &mut Worksheet, mut row: u32) -> Result<u32> {
    let style = &drawing.style;
    let steps = [
        drawing.say(
            "1. 下の各シートを開き、白い欄に記入します。欄を選ぶと説明が表示されます。＊の付いた項目は必須です。",
            "1. Open each sheet below and fill in the white cells; a cell explains itself when you choose it. What has a * is required.",
        ),
        drawing.say(
            "2. 台帳のシートには現在の登録が入っています。期末の現況に合わせて直し、「回答」を「記入済み」にします。",
            "2. Sheets of registers list what the books hold. Correct it to what is so at the period's end, then answer “complete”.",
        ),
        drawing.say(
            "3. 報告するものが1件もないときは、「回答」を「該当なし」にします。0件という報告になります。",
            "3. Where there is nothing, answer “nothing to report”. That is a report of none.",
        ),
        drawing.say(
            "4. 記入も回答もないシートは「未報告」となり、0件とはみなしません。分からない値は空欄のままにします(0を書きません)。",
            "4. A sheet with neither rows nor an answer counts as not reported, not as zero. Leave a value that you do not know empty; do not write 0.",
        ),
        drawing.say(
            "5. ファイル名、シートの名前や順序、列の順序は変えても構いません。保存して送り返してください。",
            "5. You may rename the file and the sheets and change their order and that of columns. Save it and send it back.",
        ),
    ];
    let heading = drawing.say("記入の手順", "How to fill it in");
    row = section(drawing, sheet, row, heading)?;
    for step in steps {
        sheet.merge_range(row, 1, row, 3, step, &style.wrapped())?;
        sheet.set_row_height(row, row_height(step, 118))?;
        row += 1;
    }
    Ok(row)
}

fn section(drawing: &Drawing<'_>, sheet: &mut Worksheet, row: u32, text: &str) -> Result<u32> {
    let format = drawing.style.heading();
    sheet.write_string_with_format(row, 1, text, &format)?;
    for column in 2..=3 {
        sheet.write_blank(row, column, &format)?;
    }
    sheet.set_row_height(row, 20)?;
    Ok(row + 1)
}

fn contents(drawing: &Drawing<'_>, sheet: &mut Worksheet, mut row: u32) -> Result<u32> {
    let heading = drawing.say("記入するシート", "The sheets");
    row = section(drawing, sheet, row, heading)?;
    let listed = drawing.style.listed();
    let link = listed.clone().set_font_color(0x23_46_6E);
    let state = listed
        .clone()
        .set_bold()
        .set_align(rust_xlsxwriter::FormatAlign::Right);
    for (position, form) in drawing.form.sheets.iter().enumerate() {
        let name = &drawing.names[position];
        let url = Url::new(format!("internal:'{name}'!B8")).set_text(name);
        sheet.write_url_with_format(row, 1, url, &link)?;
        let description = described(drawing, form);
        sheet.write_string_with_format(row, 2, &description, &listed)?;
        progress(drawing, sheet, row, position, &state)?;
        sheet.set_row_height(row, row_height(&description, 62))?;
        row += 1;
    }
    Ok(row)
}

/// The height of a row with a text over several lines. *Units*: points.
fn row_height(text: &str, width: usize) -> f64 {
    let columns: usize = text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    let lines = u32::try_from(columns.div_ceil(width))
        .unwrap_or(1)
        .clamp(1, 6);
    f64::from(lines) * 14.0 + 5.0
}

/// How far a sheet is, as a formula that follows what is filled in.
fn progress(
    drawing: &Drawing<'_>,
    sheet: &mut Worksheet,
    row: u32,
    position: usize,
    format: &Format,
) -> Result<()> {
    let form = &drawing.form.sheets[position];
    let name = format!("'{}'!", drawing.names[position]);
    let answer = format!("{name}{}", cell::address(ANSWER_ROW, ANSWER_COLUMN));
    let open = drawing.say("未回答", "open");
    let filled = drawing.say("記入あり", "filled in");
    let range = |at: usize| {
        let last = row_at(room(form.kind, form.rows.len()).max(1) - 1);
        format!(
            "{name}{}:{}",
            cell::address(FIRST_ROW, column_at(at)),
            cell::address(last, column_at(at))
        )
    };
    let formula = match form.kind {
        SheetKind::Register => format!("=IF({answer}=\"\",\"{open}\",{answer})"),
        SheetKind::Facts => format!(
            "=IF({answer}<>\"\",{answer},IF(COUNTA({})>0,\"{filled}\",\"{open}\"))",
            range(0)
        ),
        SheetKind::Totals => {
            let at = form
                .columns
                .iter()
                .position(|column| column.name.as_deref() == Some("numerator"));
            let count = format!("COUNT({})", range(at.unwrap_or(0)));
            format!("=IF({count}=0,\"{open}\",{count}&\"/{}\")", form.rows.len())
        }
    };
    let result = shown_progress(drawing, form);
    sheet.write_formula_with_format(row, 3, Formula::new(formula).set_result(result), format)?;
    Ok(())
}

/// What the formula gives before anybody has computed it.
fn shown_progress(drawing: &Drawing<'_>, form: &FormSheet) -> String {
    let has_rows = form.rows.iter().flatten().any(|value| !value.is_empty());
    match (form.answer, form.kind) {
        (Answer::Open, SheetKind::Facts) if has_rows => {
            drawing.say("記入あり", "filled in").to_owned()
        }
        (Answer::Open, _) => drawing.say("未回答", "open").to_owned(),
        (answer, _) => answer.words().get(drawing.language).to_owned(),
    }
}
