//! How far the figures can be relied on: who has reported, what somebody totalled, what was restated.

use std::collections::HashMap;

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::measurement::{Basis, Measurement};
use keiki_model::text::Text;
use serde::Serialize;

use super::history::{DRAWN, moved_by};
use super::{Earlier, Source, period_name};
use crate::{format, scorecard};

/// How far the figures can be relied on.
#[derive(Debug, Clone, Serialize)]
pub struct Reliance {
    /// The share of what the companies owe that has been reported.
    pub coverage: String,
    /// The same as covered over expected.
    pub coverage_parts: String,
    /// The share of figures that rest in part on totals that somebody reported.
    pub reported: String,
    /// The same as figures over figures.
    pub reported_parts: String,
    /// How many of the root's figures differ from the revision before; a dash where there is none.
    pub restated: String,
    /// How much was restated: the largest difference from the revision before, and what was restated of the periods before.
    pub restated_note: String,
    /// Periods before, as far as they are drawn, that were restated, with how many of the root's figures and by how much at most.
    pub restated_before: Vec<RestatedPeriod>,
    /// Who has not reported, with the KPIs that are concerned.
    pub missing: Vec<Missing>,
}

/// A period before the statement's that was restated by then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestatedPeriod {
    /// The period in words.
    pub period: String,
    /// The revision that is in force.
    pub revision: u32,
    /// How many of the root's figures differ from what was reported first.
    pub figures: usize,
    /// The figure that differs most, measured by what was reported, with the difference.
    pub largest: String,
}

/// An org unit that owes evidence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// The org unit.
    pub org_unit: String,
    /// The numbers of the KPIs.
    pub kpis: Vec<u32>,
}

impl Reliance {
    pub(super) fn new(source: &Source<'_>) -> Self {
        let language = source.names.language;
        let shown: Vec<_> = source
            .of_root()
            .filter(|one| !scorecard::is_idle(one))
            .collect();
        let sum = |of: fn(&keiki_model::measurement::Coverage) -> u32| -> i128 {
            shown.iter().map(|one| i128::from(of(&one.coverage))).sum()
        };
        let (covered, expected) = (sum(|c| c.covered), sum(|c| c.expected));
        let valued: Vec<_> = shown.iter().filter(|one| one.value.is_some()).collect();
        let reported = valued
            .iter()
            .filter(|one| !matches!(one.basis, Basis::Rows | Basis::Held))
            .count();
        let share = |part: i128, whole: i128| {
            format::optional_figure(Fraction::new(part, whole), Unit::Ratio, language)
        };
        let (part, whole) = (count(reported), count(valued.len()));
        let mut missing: Vec<Missing> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for one in &shown {
            for id in &one.grounds.missing {
                let place = *places.entry(id).or_insert(missing.len());
                if place == missing.len() {
                    missing.push(Missing {
                        org_unit: source.names.org_unit(id),
                        kpis: Vec::new(),
                    });
                }
                let kpis = &mut missing[place].kpis;
                if !kpis.contains(&one.no) {
                    kpis.push(one.no);
                }
            }
        }
        let own = |one: &&Measurement| one.org_unit == *source.root && !one.is_companion;
        let restated: Option<Vec<(&Measurement, Option<&Measurement>)>> =
            source.restated.map(|moved| {
                let pairs = moved.iter().filter_map(|moved| {
                    let after = moved.restated.after.as_ref();
                    let before = moved.restated.before.as_ref();
                    Some((after.or(before)?, before))
                });
                pairs.filter(|(one, _)| own(one)).collect()
            });
        let restated_before = restated_before(source);
        Self {
            coverage: share(covered, expected),
            coverage_parts: format!("{} / {}", format::count(covered), format::count(expected)),
            reported: share(part, whole),
            reported_parts: format!("{} / {}", format::count(part), format::count(whole)),
            restated: restated.as_ref().map_or_else(
                || format::NOTHING.to_owned(),
                |found| format::count(count(found.len())),
            ),
            restated_note: note(source, restated.as_deref(), &restated_before),
            restated_before,
            missing,
        }
    }
}

/// The largest difference from the revision before, and what was restated of the periods before.
fn note(
    source: &Source<'_>,
    restated: Option<&[(&Measurement, Option<&Measurement>)]>,
    before: &[RestatedPeriod],
) -> String {
    let mut said = Vec::new();
    match restated {
        None => said.push(
            source
                .say("前の版はありません", "no revision before")
                .to_owned(),
        ),
        Some(pairs) => {
            let pairs = pairs
                .iter()
                .filter_map(|(one, before)| Some(((*before)?, *one)))
                .filter(|(_, one)| !one.is_held());
            said.extend(
                largest(source, pairs)
                    .map(|words| format!("{} {words}", source.say("最大の差は", "at most"))),
            );
        }
    }
    if !before.is_empty() {
        let figures: usize = before.iter().map(|one| one.figures).sum();
        let periods = before.len();
        let plural = if figures == 1 { "" } else { "s" };
        let words = Text::new(
            format!(
                "これまでの{}期のうち{periods}期でのべ{figures}指標を訂正",
                drawn(source)
            ),
            format!(
                "{figures} figure{plural} of {periods} of the {} periods before restated",
                drawn(source)
            ),
        );
        said.push(words.get(source.names.language).to_owned());
    }
    said.join(source.say("。", "; "))
}

fn drawn(source: &Source<'_>) -> usize {
    source.earlier.len().min(DRAWN)
}

/// The periods before that were restated by then.
fn restated_before(source: &Source<'_>) -> Vec<RestatedPeriod> {
    let from = source.earlier.len().saturating_sub(DRAWN);
    let of = |earlier: &Earlier| {
        let later = earlier.restated.as_ref()?;
        let pairs: Vec<(&Measurement, &Measurement)> = earlier
            .measurements
            .iter()
            .filter(|one| one.org_unit == *source.root && !one.is_companion)
            .filter_map(|one| {
                let mut found = later.measurements.iter();
                let found = found.find(|other| {
                    other.no == one.no
                        && other.indicator == one.indicator
                        && other.org_unit == one.org_unit
                })?;
                (found.value != one.value).then_some((one, found))
            })
            .collect();
        Some(RestatedPeriod {
            period: period_name(&earlier.period, source.names.language),
            revision: later.revision,
            figures: pairs.len(),
            largest: largest(source, pairs.into_iter()).unwrap_or_default(),
        })
    };
    let found = source.earlier[from..].iter().filter_map(of);
    found.filter(|one| one.figures > 0).collect()
}

/// The figure that differs most, measured by what was reported before, with the difference.
fn largest<'m>(
    source: &Source<'_>,
    pairs: impl Iterator<Item = (&'m Measurement, &'m Measurement)>,
) -> Option<String> {
    let weighed = pairs.filter_map(|(before, after)| {
        let by = moved_by(before, after)?;
        // A share counts by its points, all else by the share of what was reported.
        let scale = match before.unit {
            Unit::Ratio => 1.0,
            _ => before.value?.to_f64().abs().max(f64::MIN_POSITIVE),
        };
        Some((by.to_f64().abs() / scale, by, after))
    });
    let (_, by, one) = weighed.max_by(|a, b| a.0.total_cmp(&b.0))?;
    let by = format::difference(by, one.unit, source.names.language);
    Some(format!("{by} (KPI {})", one.no))
}

fn count(number: usize) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}
