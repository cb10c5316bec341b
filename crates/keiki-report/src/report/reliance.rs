//! How far the figures can be relied on: who has reported, what somebody totalled, what was restated.

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::measurement::Basis;
use serde::Serialize;

use super::Source;
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
    /// Who has not reported, with the KPIs that are concerned.
    pub missing: Vec<Missing>,
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
        let reported = valued.iter().filter(|one| one.basis != Basis::Rows).count();
        let share = |part: i128, whole: i128| {
            format::optional_figure(Fraction::new(part, whole), Unit::Ratio, language)
        };
        let (part, whole) = (count(reported), count(valued.len()));
        let mut missing: Vec<Missing> = Vec::new();
        for one in &shown {
            for id in &one.grounds.missing {
                let org_unit = source.names.org_unit(id);
                match missing.iter_mut().find(|found| found.org_unit == org_unit) {
                    Some(found) if found.kpis.contains(&one.no) => {}
                    Some(found) => found.kpis.push(one.no),
                    None => missing.push(Missing {
                        org_unit,
                        kpis: vec![one.no],
                    }),
                }
            }
        }
        let restated = source.restated.map(|moved| {
            let of_root = moved.iter().filter(|moved| {
                let one = moved.restated.after.as_ref();
                let one = one.or(moved.restated.before.as_ref());
                one.is_some_and(|one| one.org_unit == *source.root && !one.is_companion)
            });
            of_root.count()
        });
        Self {
            coverage: share(covered, expected),
            coverage_parts: format!("{} / {}", format::count(covered), format::count(expected)),
            reported: share(part, whole),
            reported_parts: format!("{} / {}", format::count(part), format::count(whole)),
            restated: restated.map_or_else(
                || format::NOTHING.to_owned(),
                |number| format::count(count(number)),
            ),
            missing,
        }
    }
}

fn count(number: usize) -> i128 {
    i128::try_from(number).unwrap_or(i128::MAX)
}
