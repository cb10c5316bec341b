//! Period and org unit: how pages are asked for them, and how a reader chooses others.

use serde::Deserialize;

use crate::error::Result;
use crate::operations::office::figures::{Look, Looked};
use crate::operations::office::{Desk, PeriodChoice, UnitChoice};

/// What a page is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Asked {
    period: Option<String>,
    unit: Option<String>,
    revision: Option<String>,
}

impl Asked {
    pub(super) fn look(&self) -> Look {
        Look {
            period: self.period.clone(),
            unit: self.unit.clone(),
            revision: self.revision.clone(),
        }
    }
}

/// What a reader can choose, and what is chosen.
pub(super) struct Chooser {
    /// The page that is shown again.
    pub(super) action: String,
    /// The periods.
    pub(super) periods: Vec<PeriodChoice>,
    /// The org units.
    pub(super) units: Vec<UnitChoice>,
    /// The chosen period.
    pub(super) period: String,
    /// The chosen org unit.
    pub(super) unit: String,
    /// The revision or the instant of knowledge, as it was written; empty = the word now.
    pub(super) revision: String,
    /// What is chosen, as an address carries it.
    pub(super) query: String,
}

impl Chooser {
    pub(super) fn new(desk: &Desk, action: &str, looked: &Looked) -> Result<Self> {
        let sheet = &looked.sheet;
        let period = desk.period(Some(&sheet.period))?;
        Ok(Self {
            action: action.to_owned(),
            periods: desk.periods(period),
            units: looked.units.clone(),
            period: sheet.period.clone(),
            unit: sheet.unit.clone(),
            revision: looked.revision.clone(),
            query: query(&[
                ("period", &sheet.period),
                ("unit", &sheet.unit),
                ("revision", &looked.revision),
            ]),
        })
    }
}

/// Names and values as an address carries them; those without a value are left out.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    written.finish()
}
