//! Writes what a base measure stands for as SQL over the journal's entries, for people to read and to run.

use super::{Clock, Indicator, Kpi, Measure};
use crate::catalogue::bind;
use crate::document::Located;

/// The SQL that a measure stands for, its parameters filled in, in lines: what is summed over the journal's entries, and which
/// entries count. `:day` is the cut day, `:first_day` and `:last_day` bound the period, `:begin` and `:end` the twelve months of
/// a survival median. A measure of which no sum is taken gives its values and how often each is in force.
#[must_use]
pub fn sql(kpi: &Kpi, measure: &Measure) -> Vec<String> {
    let filled_in = |sql: &Located| {
        let bound = bind(sql, &kpi.parameters);
        bound.map_or_else(|_| sql.value.clone(), |sql| sql.value)
    };
    let bound = |sql: &Located| grouped(&filled_in(sql));
    let filter = measure.filter.as_ref().map(filled_in);
    let mut conditions: Vec<String> = filter.iter().map(|sql| condition(sql)).collect();
    let mut listed: Vec<String> = measure.group.iter().map(bound).collect();
    match &measure.clock {
        Clock::Stock { from, until } => {
            conditions.push("effective_on <= :day".to_owned());
            conditions.extend(from.iter().map(|from| format!("{} <= :day", bound(from))));
            conditions.extend(
                until
                    .iter()
                    .map(bound)
                    .map(|until| format!("({until} is null or {until} > :day)")),
            );
        }
        Clock::Flow { on } => {
            conditions.push(format!("{} between :first_day and :last_day", bound(on)));
        }
        Clock::Spell { begins, ends } => {
            let (begins, ends) = (bound(begins), bound(ends));
            conditions.push(format!("{begins} < :end"));
            conditions.push(format!("({ends} is null or {ends} >= :begin)"));
            listed.extend([begins, ends]);
        }
    }
    let mut sum = "sum(weight)".to_owned();
    match measure.value.as_ref().map(bound) {
        Some(value) if is_summed(kpi, &measure.name) => sum = format!("sum(weight * {value})"),
        value => listed.extend(value),
    }
    let selected: Vec<String> = listed.iter().cloned().chain([sum]).collect();
    let mut lines = vec![
        format!("select {}", selected.join(", ")),
        format!("from {}", measure.dataset.value),
    ];
    for (at, condition) in conditions.iter().enumerate() {
        let word = if at == 0 { "where" } else { "and" };
        lines.push(format!("{word} {condition}"));
    }
    if !listed.is_empty() {
        lines.push(format!("group by {}", listed.join(", ")));
        lines.push("having sum(weight) <> 0".to_owned());
    }
    lines
}

/// Tells whether anything rests on the sum of a measure, and not only on the distribution of its values.
fn is_summed(kpi: &Kpi, measure: &str) -> bool {
    let reads = |indicator: &Indicator| indicator.formula.measures().contains(&measure);
    let sums = |indicator: &Indicator| {
        indicator.beside().any(|one| one == measure)
            || (reads(indicator) && !indicator.formula.needs_histogram())
    };
    kpi.indicators.iter().any(sums) || !kpi.indicators.iter().any(reads)
}

/// A condition that can stand beside `and`.
fn condition(sql: &str) -> String {
    if sql.to_lowercase().contains(" or ") {
        format!("({sql})")
    } else {
        sql.to_owned()
    }
}

/// An expression that can stand beside any operator: in parentheses, unless it is one name or one call of a function.
fn grouped(sql: &str) -> String {
    let mut depth = 0_usize;
    for (at, c) in sql.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 || c.is_alphanumeric() || c == '_' => continue,
            _ => return format!("({sql})"),
        }
        let is_closed_early = c == ')' && depth == 0 && at + 1 < sql.len();
        if is_closed_early || at == 0 {
            return format!("({sql})");
        }
    }
    sql.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_put_in_parentheses_where_it_needs_them() {
        for whole in ["a_b", "least(a, b)", "days_after(f(a), 1)"] {
            assert_eq!(grouped(whole), whole);
        }
        for parts in [
            "a = 1",
            "f(a) > g(b)",
            "(a) or (b)",
            "case when a then b end",
        ] {
            assert_eq!(grouped(parts), format!("({parts})"));
        }
    }
}
