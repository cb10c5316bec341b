//! The SQL of a figure's parts, as other engines run it over the journal's tables.

use keiki_engine::{Explanation, Part};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::DATA_DIGITS;
use keiki_model::text::Text;

use crate::cli::session::Session;

/// Prints a statement for each part, with what it comes to above it.
pub(super) fn show(explanation: &Explanation, session: &Session) {
    let language = session.language();
    let figure = &explanation.measurement;
    session.line(format!(
        "-- KPI {} {} {} {} seq {}",
        figure.no, figure.indicator, figure.org_unit, figure.period, figure.journal_version
    ));
    for part in &explanation.parts {
        session.line(format!(
            "\n-- {}: {}",
            part.measure,
            said(part).get(language)
        ));
        if let Some(lines) = &part.statement {
            session.line(format!("{};", lines.join("\n")));
        }
    }
}

/// What a part's statement comes to, and what it leaves out.
fn said(part: &Part) -> Text {
    if part.statement.is_none() {
        return Text::new(
            "生存時間は日単位では数えないため、SQLでは示せません",
            "survival is not counted by the day, so there is no SQL for it",
        );
    }
    let mut amounts = part.rows.iter().map(|row| row.amount);
    let of_rows = amounts.try_fold(Fraction::whole(0), Fraction::plus);
    let of_rows = of_rows.unwrap_or(part.total).to_short_decimal(DATA_DIGITS);
    if part.reported == Fraction::whole(0) {
        return Text::new(of_rows.clone(), of_rows);
    }
    let reported = part.reported.to_short_decimal(DATA_DIGITS);
    Text::new(
        format!("{of_rows}(ほかに、明細に代わる報告値 {reported})"),
        format!("{of_rows}, and {reported} reported in the place of rows"),
    )
}
