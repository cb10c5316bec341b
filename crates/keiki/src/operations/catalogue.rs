//! Looks KPIs up in the catalogue.

use std::sync::Arc;

use keiki_engine::EngineError;
use keiki_model::catalogue::{Catalogue, bind};
use keiki_model::document::Located;
use keiki_model::kpi::{Clock, Kpi, Measure};

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

/// Lists the KPIs that a filter lets through, in order of their numbers.
#[must_use]
pub fn list(catalogue: &Catalogue, filter: &Filter) -> Vec<Arc<Kpi>> {
    let fits =
        |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found);
    catalogue
        .kpis
        .iter()
        .filter(|kpi| {
            fits(&filter.group, &kpi.group)
                && fits(&filter.maturity, &kpi.maturity)
                && fits(&filter.class, &kpi.class)
        })
        .cloned()
        .collect()
}

/// Finds a KPI by number or code.
///
/// # Errors
/// There is none.
pub fn find(catalogue: &Catalogue, no_or_code: &str) -> Result<Arc<Kpi>> {
    let found = catalogue.kpi(no_or_code).cloned();
    found.ok_or_else(|| Error::Engine(EngineError::UnknownKpi(no_or_code.to_owned())))
}

/// The SQL that a measure stands for, its parameters filled in: what is summed and which records count when.
#[must_use]
pub fn sql(kpi: &Kpi, measure: &Measure) -> String {
    let bound = |sql: &Located| {
        bind(sql, &kpi.parameters).map_or_else(|_| sql.value.clone(), |sql| sql.value)
    };
    let value = measure.value.as_ref().map_or_else(|| "1".to_owned(), bound);
    let mut lines = vec![format!(
        "sum(weight * ({value})) from {}",
        measure.dataset.value
    )];
    lines.extend(
        measure
            .filter
            .as_ref()
            .map(|filter| format!("where {}", bound(filter))),
    );
    match &measure.clock {
        Clock::Stock { from, until } => {
            let from = from
                .as_ref()
                .map_or_else(|| "effective_on".to_owned(), bound);
            lines.push(format!("from day {from}"));
            lines.extend(
                until
                    .as_ref()
                    .map(|until| format!("until day {} (exclusive)", bound(until))),
            );
        }
        Clock::Flow { on } => lines.push(format!("on day {}", bound(on))),
        Clock::Spell { begins, ends } => {
            lines.push(format!("open from {} until {}", bound(begins), bound(ends)));
        }
    }
    lines.extend(
        measure
            .group
            .as_ref()
            .map(|group| format!("by {}", bound(group))),
    );
    lines.join("\n")
}
