//! What an engine remembers of other requests changes no figure.

use keiki_engine::Request;
use keiki_model::calendar::Period;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::{DAY_MICROS, Draw, History, PERIODS, UNITS};

/// Whatever was asked for before, an engine that remembers measures what one that does not does.
pub(super) async fn remembers_rightly(
    history: &History,
    draw: &mut Draw,
) -> Result<(), TestCaseError> {
    let of = |texts: &[&'static str], draw: &mut Draw| -> Vec<&'static str> {
        let chosen = texts.iter().copied();
        chosen.filter(|_| draw.chance(50)).collect()
    };
    let (mut periods, mut units) = (of(&PERIODS, draw), of(&UNITS[..3], draw));
    if draw.chance(50) {
        periods.reverse();
    }
    if draw.chance(50) {
        units.clear();
    }
    let past = i64::from(draw.between(0, 30)) * DAY_MICROS;
    let request = Request {
        kpis: Vec::new(),
        org_units: units.into_iter().map(str::to_owned).collect(),
        structure: keiki_engine::Structure::default(),
        periods: periods
            .iter()
            .flat_map(|text| Period::parse(text))
            .collect(),
        known_at: draw.chance(30).then_some(history.known_at - past),
        seq: None,
        now: history.known_at,
    };
    let journal = &history.world.journal;
    let found = history.engine.measure(journal, &request).await;
    let afresh = history.forgetful.measure(journal, &request).await;
    match (found, afresh) {
        (Ok(found), Ok(afresh)) => {
            prop_assert_eq!(found.len(), afresh.len());
            let differing = found.iter().zip(&afresh).find(|(one, other)| one != other);
            prop_assert!(differing.is_none(), "{differing:?}");
        }
        (found, afresh) => {
            let error = |of: Result<_, keiki_engine::EngineError>| of.err().map(|e| e.to_string());
            prop_assert_eq!(error(found), error(afresh));
        }
    }
    Ok(())
}
