//! Writes what a base measure stands for as SQL over the journal's entries, for people to read and to run.

use super::{Clock, Indicator, Kpi, Measure};
use crate::calendar::{Day, date_of, instant_text};
use crate::catalogue::bind;
use crate::document::Located;

/// What stands for the days of a clock.
struct Words {
    day: String,
    first_day: String,
    last_day: String,
    begin: String,
    end: String,
}

/// The names in evidence of org units whose entries count, and the days from and until which they do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reach {
    /// The first day of the period.
    pub first: Day,
    /// The day at which it is cut.
    pub cut: Day,
    /// As they stand in evidence, each once, at least one; an empty name stands for rows without any.
    pub org_units: Vec<String>,
}

/// Which entries were known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The last commit.
    pub seq: i64,
    /// The instant of knowledge, UTC microseconds; absent = all that was committed.
    pub at: Option<i64>,
}

/// The SQL that a measure stands for, its parameters filled in, in lines: what is summed over the journal's entries, and which
/// entries count. `:day` is the cut day, `:first_day` and `:last_day` bound the period, `:begin` and `:end` the twelve months of
/// a survival median. A measure of which no sum is taken gives its values and how often each is in force.
#[must_use]
pub fn sql(kpi: &Kpi, measure: &Measure) -> Vec<String> {
    let words = Words {
        day: ":day".to_owned(),
        first_day: ":first_day".to_owned(),
        last_day: ":last_day".to_owned(),
        begin: ":begin".to_owned(),
        end: ":end".to_owned(),
    };
    let mut conditions: Vec<String> = filter(kpi, measure).into_iter().collect();
    conditions.extend(of_clock(kpi, measure, &words));
    let (listed, sum) = selected(kpi, measure);
    lines(measure, &listed, &sum, &conditions)
}

/// The SQL of a measure of one figure, in lines: it runs as it stands wherever the journal's tables have the names of their
/// datasets. `None` for a measure of survival, whose cases count by the moment and not by the day.
#[must_use]
pub fn statement(
    kpi: &Kpi,
    measure: &Measure,
    reaches: &[Reach],
    known: Known,
) -> Option<Vec<String>> {
    if matches!(measure.clock, Clock::Spell { .. }) {
        return None;
    }
    let mut conditions = vec![format!(
        "batch_id in (select batch_id from batches where seq <= {})",
        known.seq
    )];
    // A commit that compaction put into one file with later ones is left out by its number.
    conditions.push(format!("seq <= {}", known.seq));
    conditions.extend(known.at.map(|at| {
        let at = instant_text(at).replace('T', " ").replace('Z', "+00:00");
        format!("known_at <= timestamp '{at}'")
    }));
    conditions.extend(filter(kpi, measure));
    let reached = reaches
        .iter()
        .map(|reach| {
            let date = |day| format!("date '{}'", date_of(day));
            let words = Words {
                day: date(reach.cut),
                first_day: date(reach.first),
                last_day: date(reach.cut),
                begin: String::new(),
                end: String::new(),
            };
            let mut all = vec![of_units(&reach.org_units)];
            all.extend(of_clock(kpi, measure, &words));
            all
        })
        .collect::<Vec<_>>();
    match reached.as_slice() {
        [] => conditions.push("1 = 0".to_owned()),
        [one] => conditions.extend(one.iter().cloned()),
        several => {
            let each = several.iter().map(|all| format!("({})", all.join(" and ")));
            conditions.push(format!("({})", each.collect::<Vec<_>>().join(" or ")));
        }
    }
    let (listed, sum) = selected(kpi, measure);
    let sum = if listed.is_empty() {
        format!("coalesce({sum}, 0) as total")
    } else {
        format!("{sum} as total")
    };
    Some(lines(measure, &listed, &sum, &conditions))
}

/// The condition that a row is of one of some org units; an empty name stands for rows without any.
fn of_units(units: &[String]) -> String {
    let named = units.iter().filter(|unit| !unit.is_empty());
    let named: Vec<String> = named.map(|unit| quoted(unit)).collect();
    let of_named = format!("org_unit in ({})", named.join(", "));
    match (named.is_empty(), units.iter().any(String::is_empty)) {
        (true, _) => "org_unit is null".to_owned(),
        (false, false) => of_named,
        (false, true) => format!("({of_named} or org_unit is null)"),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn filled_in(kpi: &Kpi, sql: &Located) -> String {
    bind(sql, &kpi.parameters).map_or_else(|_| sql.value.clone(), |sql| sql.value)
}

fn filter(kpi: &Kpi, measure: &Measure) -> Option<String> {
    let filter = measure.filter.as_ref()?;
    Some(condition(&filled_in(kpi, filter)))
}

/// The conditions of a measure's clock.
fn of_clock(kpi: &Kpi, measure: &Measure, words: &Words) -> Vec<String> {
    let bound = |sql: &Located| grouped(&filled_in(kpi, sql));
    let Words { day, .. } = words;
    match &measure.clock {
        Clock::Stock { from, until } => {
            let mut conditions = vec![format!("effective_on <= {day}")];
            conditions.extend(from.iter().map(|from| format!("{} <= {day}", bound(from))));
            conditions.extend(
                until
                    .iter()
                    .map(bound)
                    .map(|until| format!("({until} is null or {until} > {day})")),
            );
            conditions
        }
        Clock::Flow { on } => {
            let (first, last) = (&words.first_day, &words.last_day);
            vec![format!("{} between {first} and {last}", bound(on))]
        }
        Clock::Spell { begins, ends } => {
            let (begins, ends) = (bound(begins), bound(ends));
            let (begin, end) = (&words.begin, &words.end);
            vec![
                format!("{begins} < {end}"),
                format!("({ends} is null or {ends} >= {begin})"),
            ]
        }
    }
}

/// By what a measure's entries are put together, and what is summed of them.
fn selected(kpi: &Kpi, measure: &Measure) -> (Vec<String>, String) {
    let bound = |sql: &Located| grouped(&filled_in(kpi, sql));
    let mut listed: Vec<String> = measure.group.iter().map(bound).collect();
    if let Clock::Spell { begins, ends } = &measure.clock {
        listed.extend([bound(begins), bound(ends)]);
    }
    match measure.value.as_ref().map(bound) {
        Some(value) if is_summed(kpi, &measure.name) => (listed, format!("sum(weight * {value})")),
        value => {
            listed.extend(value);
            (listed, "sum(weight)".to_owned())
        }
    }
}

fn lines(measure: &Measure, listed: &[String], sum: &str, conditions: &[String]) -> Vec<String> {
    let selected: Vec<&str> = listed.iter().map(String::as_str).chain([sum]).collect();
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
    fn text_in_sql_is_quoted() {
        assert_eq!(quoted("O'Neill"), "'O''Neill'");
    }

    #[test]
    fn rows_without_an_org_unit_are_asked_for_as_such() {
        let of = |units: &[&str]| {
            let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
            of_units(&units)
        };
        assert_eq!(of(&["A", "B"]), "org_unit in ('A', 'B')");
        assert_eq!(of(&["", "A"]), "(org_unit in ('A') or org_unit is null)");
        assert_eq!(of(&[""]), "org_unit is null");
    }

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
