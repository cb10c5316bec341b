//! Looks KPIs up in the catalogue, and writes what they stand for.

use std::sync::Arc;

use keiki_engine::EngineError;
use keiki_model::catalogue::{Catalogue, bind};
use keiki_model::dataset::Dataset;
use keiki_model::document::Located;
use keiki_model::kpi::{CLASSES, Clock, Formula, GROUPS, Indicator, Kpi, MATURITIES, Measure};
use keiki_model::problem::nearest;
use keiki_model::text::Text;

use crate::error::{Error, Result};

/// Which KPIs are wanted; absent = any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Group of the catalogue.
    pub group: Option<String>,
    /// Maturity that they suit.
    pub maturity: Option<String>,
    /// Class of the catalogue.
    pub class: Option<String>,
}

impl Filter {
    /// Checks that the words of the filter are words of the catalogue.
    ///
    /// # Errors
    /// One is not; the hint names the nearest and lists all.
    pub fn check(&self) -> Result<()> {
        known(self.group.as_deref(), &GROUPS, &Text::new("区分", "group"))?;
        known(
            self.maturity.as_deref(),
            &MATURITIES,
            &Text::new("成熟度", "maturity"),
        )?;
        known(self.class.as_deref(), &CLASSES, &Text::new("分類", "class"))
    }
}

fn known(word: Option<&str>, list: &[(&str, &str, &str)], of: &Text) -> Result<()> {
    let Some(word) = word.filter(|word| list.iter().all(|row| row.0 != *word)) else {
        return Ok(());
    };
    let codes = list.iter().map(|row| row.0);
    let all = codes.clone().collect::<Vec<_>>().join(", ");
    let (mut ja, mut en) = (String::new(), String::new());
    if let Some(near) = nearest(word, codes) {
        ja = format!("もしかして: {near}。");
        en = format!("did you mean {near}? ");
    }
    Err(Error::user(
        Text::new(
            format!("{}にありません: {word}", of.ja),
            format!("unknown {}: {word}", of.en),
        ),
        Text::new(
            format!("{ja}指定できるもの: {all}"),
            format!("{en}those that exist: {all}"),
        ),
    ))
}

/// Lists the KPIs that a filter lets through: by group, and within a group in order of their numbers.
#[must_use]
pub fn list(catalogue: &Catalogue, filter: &Filter) -> Vec<Arc<Kpi>> {
    let fits =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    let wanted = catalogue.kpis.iter().filter(|kpi| {
        fits(&filter.group, &kpi.group)
            && fits(&filter.maturity, &kpi.maturity)
            && fits(&filter.class, &kpi.class)
    });
    let mut found: Vec<Arc<Kpi>> = wanted.cloned().collect();
    found.sort_by_key(|kpi| (GROUPS.iter().position(|row| row.0 == kpi.group), kpi.no));
    found
}

/// Finds a KPI by number or code.
///
/// # Errors
/// There is none.
pub fn find(catalogue: &Catalogue, no_or_code: &str) -> Result<Arc<Kpi>> {
    let found = catalogue.kpi(no_or_code).cloned();
    found.ok_or_else(|| Error::Engine(EngineError::UnknownKpi(no_or_code.to_owned())))
}

/// The datasets that a KPI rests on, each once, in the order of its measures.
#[must_use]
pub fn datasets(catalogue: &Catalogue, kpi: &Kpi) -> Vec<Arc<Dataset>> {
    let mut found: Vec<Arc<Dataset>> = Vec::new();
    for measure in &kpi.measures {
        let dataset = catalogue.datasets.get(&measure.dataset.value);
        found.extend(
            dataset
                .filter(|dataset| found.iter().all(|other| other.name != dataset.name))
                .cloned(),
        );
    }
    found
}

/// How an indicator comes from the sums of its measures, such as `inventoried / in_scope`.
#[must_use]
pub fn formula(formula: &Formula) -> String {
    match formula {
        Formula::Ratio {
            numerator,
            denominator,
        } => format!("{numerator} / {denominator}"),
        Formula::Sum(measure) => measure.clone(),
        Formula::Quantile { measure, at } if formula.kind() == "quantile" => {
            format!("quantile({measure}, {})", at.to_short_decimal(4))
        }
        Formula::ShareWithin { measure, limit } => format!("share_within({measure}, {limit})"),
        other => format!("{}({})", other.kind(), other.measures().join(", ")),
    }
}

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
        let beside = [&indicator.pace, &indicator.unmet];
        let is_beside = beside.iter().any(|one| one.as_deref() == Some(measure));
        is_beside || (reads(indicator) && !indicator.formula.needs_histogram())
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
