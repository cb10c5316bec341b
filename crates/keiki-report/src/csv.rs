//! Measurements as CSV, one row each, with the names that the data has everywhere.

use std::borrow::Cow;

use keiki_model::fraction::Fraction;
use keiki_model::measurement::{Basis, DATA_DIGITS, Measurement, OwnPeriod};

/// The columns, in order.
pub const COLUMNS: [&str; 25] = [
    "no",
    "code",
    "indicator",
    "companion",
    "org_unit",
    "period",
    "cut_on",
    "known_at",
    "value",
    "unit",
    "numerator",
    "denominator",
    "n",
    "target_at_least",
    "target_at_most",
    "status",
    "covered",
    "expected",
    "basis",
    "unknown",
    "open",
    "definition_version",
    "journal_version",
    "own_periods",
    "hierarchy",
];

/// Writes the measurements. *Units*: ratios 0..=1; unknown is empty, and so is the hierarchy of the org tree.
///
/// # Errors
/// None that memory allows; the writer's own errors are passed on.
pub fn measurements(measurements: &[Measurement]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for measurement in measurements {
        writer.write_record(row(measurement))?;
    }
    let bytes = writer
        .into_inner()
        .map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Makes a text one that a spreadsheet shows and does not compute: one that would begin a formula gets
/// an apostrophe before it. Numbers stay numbers.
///
/// *Source*: OWASP, CSV Injection: `=`, `+`, `-`, `@`, tab and carriage return at the beginning.
#[must_use]
pub fn inert(text: &str) -> Cow<'_, str> {
    let begins_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    if begins_formula && !is_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    match digits.split_once('.') {
        Some((whole, fraction)) => is_digits(whole) && is_digits(fraction),
        None => is_digits(digits),
    }
}

fn row(m: &Measurement) -> [String; 25] {
    let decimal = |value: Option<Fraction>| {
        value.map_or_else(String::new, |v| v.to_short_decimal(DATA_DIGITS))
    };
    let whole = |value: Option<i128>| value.map_or_else(String::new, |v| v.to_string());
    [
        m.no.to_string(),
        m.code.to_string(),
        m.indicator.to_string(),
        m.is_companion.to_string(),
        inert(&m.org_unit.to_string()).into_owned(),
        m.period.to_string(),
        m.cut_on.to_string(),
        m.known_at.to_string(),
        decimal(m.value),
        m.unit.name().to_owned(),
        decimal(m.numerator),
        decimal(m.denominator),
        whole(m.n),
        decimal(m.target.and_then(|target| target.at_least)),
        decimal(m.target.and_then(|target| target.at_most)),
        m.status.code().to_owned(),
        m.coverage.covered.to_string(),
        m.coverage.expected.to_string(),
        basis(m.basis).to_owned(),
        m.statistics.unknown.to_string(),
        whole(m.statistics.open),
        m.definition_version.to_string(),
        m.journal_version.to_string(),
        own_periods(&m.own_periods),
        m.hierarchy.as_deref().unwrap_or_default().to_owned(),
    ]
}

/// The entities that lag, each with its months: `US1 2026-04..2026-06`, separated by `;`.
pub(crate) fn own_periods(all: &[OwnPeriod]) -> String {
    let one = |own: &OwnPeriod| {
        let first = own.first.as_deref().unwrap_or_default();
        format!("{} {first}..{}", own.org_unit, own.last)
    };
    all.iter().map(one).collect::<Vec<_>>().join(";")
}

pub(crate) fn basis(basis: Basis) -> &'static str {
    match basis {
        Basis::Rows => "rows",
        Basis::Reported => "reported",
        Basis::Reference => "reference",
        Basis::Withheld => "withheld",
        Basis::Held => "held",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_begins_a_formula() {
        for text in [
            "=1+1", "+cmd", "-x", "@sum(A1)", "\t=1", "\r=1", "-1+1", "＝1", "-",
        ] {
            assert_eq!(inert(text), format!("'{text}"));
        }
        for text in ["-0.05", "+7", "-12", "a=b", "", "JP1"] {
            assert_eq!(inert(text), text);
        }
    }
}
