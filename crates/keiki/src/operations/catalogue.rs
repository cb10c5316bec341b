//! Looks KPIs up in the catalogue, and writes what they stand for.

use std::sync::Arc;

use keiki_engine::EngineError;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::Dataset;
use keiki_model::kpi::{CLASSES, Formula, GROUPS, Kpi, MATURITIES};
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
