//! Drawn rows as evidence, in an order drawn.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use keiki_model::calendar::Day;
use keiki_model::evidence::Evidence;

use super::{Draw, STRANGER, UNITS};
use crate::reference::{Case, Thing};

/// Puts what is known of rows beside them. The place of a row is its number before it was put in another order.
fn evidence(rows: RecordBatch, order: &[usize]) -> Evidence {
    Evidence {
        rows,
        places: order.iter().map(|row| *row as u64).collect(),
        files: Vec::new(),
        effective_on: None,
        known_at: None,
        version_order: None,
        rejected: Vec::new(),
        left_unknown: Vec::new(),
        open_ends: Vec::new(),
    }
}

/// The order of versions of a log: that in which its rows are taken.
fn versions(order: &[usize]) -> Int64Array {
    let number = |row: &usize| i64::try_from(*row).unwrap_or(i64::MAX);
    order.iter().map(|row| Some(number(row))).collect()
}

pub(super) fn evidence_of_things(
    rows: &[(String, Day, i64, Thing)],
    order: &[usize],
    has_own_days: bool,
    is_log: bool,
) -> Evidence {
    let all = || order.iter().map(|row| &rows[*row]);
    let text = |f: &dyn Fn(&Thing) -> String| -> ArrayRef {
        Arc::new(StringArray::from_iter_values(all().map(|r| f(&r.3))))
    };
    let date = |f: &dyn Fn(&Thing) -> Option<Day>| -> ArrayRef {
        Arc::new(all().map(|r| f(&r.3)).collect::<Date32Array>())
    };
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(all().map(|r| &r.0)));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("thing_id", keys, true),
        ("org_unit", text(&|t| t.unit.clone()), true),
        ("kind", text(&|t| t.kind.clone()), true),
        (
            "is_ok",
            Arc::new(all().map(|r| r.3.is_ok).collect::<BooleanArray>()),
            true,
        ),
        (
            "amount",
            Arc::new(all().map(|r| r.3.amount).collect::<Int64Array>()),
            true,
        ),
        ("from_on", date(&|t| t.from), true),
        ("until_on", date(&|t| t.until), true),
    ]);
    let mut evidence = evidence(batch.expect("columns fit"), order);
    if has_own_days {
        evidence.effective_on = Some(all().map(|r| Some(r.1)).collect());
    }
    if is_log {
        let known = all().map(|r| Some(r.2));
        evidence.known_at = Some(known.collect::<TimestampMicrosecondArray>());
        evidence.version_order = Some(versions(order));
    }
    evidence
}

pub(super) fn evidence_of_cases(
    rows: &[(String, i64, Case)],
    order: &[usize],
    is_log: bool,
) -> Evidence {
    let all = || order.iter().map(|row| &rows[*row]);
    let date = |f: &dyn Fn(&Case) -> Option<Day>| -> ArrayRef {
        Arc::new(all().map(|r| f(&r.2)).collect::<Date32Array>())
    };
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(all().map(|r| &r.0)));
    let units = all().map(|r| r.2.units.join(";"));
    let units: ArrayRef = Arc::new(StringArray::from_iter_values(units));
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("case_id", keys, true),
        ("org_unit", units, true),
        ("opened_on", date(&|c| c.opened), true),
        ("closed_on", date(&|c| c.closed), true),
        (
            "minutes",
            Arc::new(all().map(|r| r.2.minutes).collect::<Int64Array>()),
            true,
        ),
    ]);
    let mut evidence = evidence(batch.expect("columns fit"), order);
    if is_log {
        let known = all().map(|r| Some(r.1));
        evidence.known_at = Some(known.collect::<TimestampMicrosecondArray>());
        evidence.version_order = Some(versions(order));
    }
    evidence
}

/// Draws what is said of a case.
pub(super) fn case(draw: &mut Draw) -> Case {
    let mut units: Vec<String> = UNITS
        .iter()
        .chain([&STRANGER])
        .filter(|_| draw.chance(20))
        .map(|unit| (*unit).to_owned())
        .collect();
    if units.is_empty() {
        units.push((*draw.pick(&UNITS)).to_owned());
    }
    units.sort();
    let opened = draw.date();
    let closed = if draw.chance(50) {
        opened.map(|on| on + draw.between(0, 60))
    } else {
        None
    };
    Case {
        units,
        opened,
        closed,
        minutes: draw.chance(80).then(|| i64::from(draw.between(-5, 400))),
    }
}

/// Draws what is said of a thing.
pub(super) fn thing(draw: &mut Draw) -> Thing {
    let unit = if draw.chance(8) {
        STRANGER
    } else {
        draw.pick(&UNITS)
    };
    Thing {
        unit: unit.to_owned(),
        kind: draw.pick(&["x", "y"]).to_string(),
        is_ok: draw
            .pick(&[Some(true), Some(true), Some(false), None])
            .to_owned(),
        amount: draw.chance(85).then(|| i64::from(draw.between(-50, 50))),
        from: draw.date(),
        until: draw.date(),
    }
}
