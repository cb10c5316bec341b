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

/// With what it is put beside.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct With {
    #[serde(rename = "with_period")]
    period: Option<String>,
    #[serde(rename = "with_unit")]
    unit: Option<String>,
    #[serde(rename = "with_revision")]
    revision: Option<String>,
}

impl With {
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
            query: At {
                period: &sheet.period,
                unit: &sheet.unit,
                revision: &looked.revision,
            }
            .query(),
        })
    }

    /// Where the page looks.
    pub(super) fn at(&self) -> At<'_> {
        At {
            period: &self.period,
            unit: &self.unit,
            revision: &self.revision,
        }
    }
}

/// Where figures are looked at, as the addresses of their pages carry it.
#[derive(Debug, Clone, Copy)]
pub(super) struct At<'a> {
    /// The period as written.
    pub(super) period: &'a str,
    /// The org unit.
    pub(super) unit: &'a str,
    /// The revision or the instant of knowledge; empty = the last that was closed, else now.
    pub(super) revision: &'a str,
}

impl<'a> At<'a> {
    /// The same at another org unit.
    pub(super) fn unit(self, unit: &'a str) -> Self {
        Self { unit, ..self }
    }

    /// The same in an earlier period as it was reported then.
    pub(super) fn before(self, period: &'a str, revision: &'a str) -> Self {
        Self {
            period,
            revision,
            ..self
        }
    }

    pub(super) fn query(self) -> String {
        self.query_with("")
    }

    fn query_with(self, indicator: &str) -> String {
        query(&[
            ("period", self.period),
            ("unit", self.unit),
            ("revision", self.revision),
            ("indicator", indicator),
        ])
    }

    /// How the org unit stands.
    pub(super) fn scorecard(self) -> String {
        format!("/scorecard?{}", self.query())
    }

    /// The page of a KPI.
    pub(super) fn kpi(self, no: u32) -> String {
        format!("/kpis/{no}?{}", self.query())
    }

    /// The records that an indicator of a KPI is made of.
    pub(super) fn rows(self, no: u32, indicator: &str) -> String {
        format!("/kpis/{no}/rows?{}", self.query_with(indicator))
    }

    /// The audit pack of an indicator.
    pub(super) fn audit_pack(self, no: u32, indicator: &str) -> String {
        format!("/kpis/{no}/audit-pack?{}", self.query_with(indicator))
    }
}

/// Names and values as an address carries them; those without a value are left out.
pub(super) fn query(pairs: &[(&str, &str)]) -> String {
    let mut written = url::form_urlencoded::Serializer::new(String::new());
    written.extend_pairs(pairs.iter().filter(|(_, value)| !value.is_empty()));
    written.finish()
}
