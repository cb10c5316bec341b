//! An explanation as JSON.

use keiki_engine::{Comparison, Explanation, Part, ReportedTotal, Row};
use keiki_model::calendar::{date_of, instant_text};
use keiki_model::fraction::Fraction;
use keiki_model::measurement::DATA_DIGITS;
use keiki_model::programme::Owner;
use serde_json::{Map, Value, json};

use super::Rows;
use crate::operations::explain::Beside;

/// The explanation as data. *Units*: amounts in the measure's own unit, seconds for durations.
pub(super) fn explanation(explanation: &Explanation, rows: Rows) -> Value {
    json!({
        "measurement": explanation.measurement.to_json(),
        "parts": explanation.parts.iter().map(|found| part(found, rows)).collect::<Vec<_>>(),
        "reported_totals": explanation.totals.iter().map(total).collect::<Vec<_>>(),
        "against": explanation.against.as_ref().map(comparison),
    })
}

/// A counter-indicator as data.
pub(super) fn counter(beside: &Beside) -> Value {
    json!({
        "measurement": beside.measurement.to_json(),
        "judgement": beside.judgement.to_json(),
        "has_got_worse": beside.has_got_worse(),
        "why": { "ja": beside.counter.why.ja, "en": beside.counter.why.en },
    })
}

/// Who answers for the figure, as data.
pub(super) fn owner(owner: Option<&Owner>) -> Value {
    let said = |owner: &Owner| json!({ "owner": owner.owner, "deputy": owner.deputy });
    owner.map_or(Value::Null, said)
}

fn part(part: &Part, rows: Rows) -> Value {
    let mut value = json!({
        "measure": part.measure,
        "title": { "ja": part.title.ja, "en": part.title.en },
        "dataset": part.dataset,
        "sql": part.sql,
        "statement": part.statement.as_ref().map(|lines| lines.join("\n")),
        "total": number(part.total),
        "reported": number(part.reported),
        "row_count": part.rows.len(),
    });
    if rows == Rows::Listed {
        value["rows"] = part.rows.iter().map(row).collect();
    }
    value
}

fn row(row: &Row) -> Value {
    let columns: Map<String, Value> = row
        .columns
        .iter()
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "record_key": row.record_key,
        "amount": number(row.amount),
        "source": row.source,
        "seq": row.seq,
        "effective_on": date_of(row.effective_on).to_string(),
        "columns": columns,
    })
}

fn comparison(comparison: &Comparison) -> Value {
    let changes: Vec<Value> = comparison
        .changes
        .iter()
        .map(|change| {
            json!({
                "measure": change.measure,
                "record_key": change.record_key,
                "before": change.before.map(number),
                "after": change.after.map(number),
                "known_at": instant_text(change.known_at),
                "seq": change.seq,
                "source": change.source,
            })
        })
        .collect();
    let totals: Vec<Value> = comparison
        .totals
        .iter()
        .map(|difference| {
            json!({
                "org_unit": difference.org_unit,
                "before": difference.before.as_ref().map(total),
                "after": difference.after.as_ref().map(total),
            })
        })
        .collect();
    json!({
        "measurement": comparison.measurement.to_json(),
        "changes": changes,
        "reported_totals": totals,
    })
}

fn total(total: &ReportedTotal) -> Value {
    json!({
        "record_key": total.record_key,
        "org_unit": total.org_unit,
        "numerator": total.numerator.map(number),
        "denominator": total.denominator.map(number),
        "value": total.value.map(number),
        "prepared_by": total.prepared_by,
        "attachment": total.attachment,
        "source": total.source,
        "seq": total.seq,
        "known_at": instant_text(total.known_at),
    })
}

fn number(value: Fraction) -> Value {
    serde_json::from_str(&value.to_short_decimal(DATA_DIGITS)).unwrap_or(Value::Null)
}
