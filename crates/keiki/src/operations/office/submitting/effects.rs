//! What a file would do to the figures, for a sender who may see them.

use std::collections::BTreeSet;
use std::path::Path;

use keiki_model::access::Right;
use keiki_model::calendar::{Month, Period};
use keiki_model::measurement::Measurement;
use keiki_report::report::{period_name, shown};
use keiki_report::scorecard;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::trying::{Meant, Shape, Tried, units_of};
use crate::error::{Error, Result};
use crate::operations::collect;
use crate::operations::effect::{self, Copy, Effect, Wanted};
use crate::operations::ingest::{self, What};
use crate::operations::office::Desk;
use crate::progress::Silent;

/// What would move.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Effects {
    /// The period as written.
    pub period: String,
    /// The same in words.
    pub period_name: String,
    /// The figures that would be others.
    pub lines: Vec<EffectLine>,
}

/// A figure that would be another.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EffectLine {
    /// The KPI.
    pub no: u32,
    /// The indicator.
    pub indicator: String,
    /// The same in words.
    pub title: String,
    /// The org unit.
    pub org_unit: String,
    /// Its name.
    pub unit: String,
    /// As it is now, and as it would be.
    pub before: EffectSide,
    /// As it would be.
    pub after: EffectSide,
}

/// A figure as it is, or as it would be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct EffectSide {
    /// As a number; null where it is not known.
    pub value: Value,
    /// In words.
    pub shown: String,
    /// What stands above the line and below it, or how many records there are.
    #[serde(default)]
    pub parts: String,
    /// The status as a word in data.
    pub code: String,
    /// The status in words.
    pub status: String,
}

impl Desk {
    /// What a file would do to the figures; `None` where its sender may see none, or where that cannot be found out.
    pub(super) async fn effects(
        &self,
        meant: &Meant,
        tried: &Tried,
        path: &Path,
    ) -> Option<Effects> {
        match Box::pin(self.worked_out(meant, tried, path)).await {
            Ok(effects) => effects,
            // The books may have been put together anew meanwhile; the file can be taken in all the same.
            Err(error) => {
                tracing::warn!(cause = ?error, "what a file does to the figures was not found out");
                None
            }
        }
    }

    async fn worked_out(
        &self,
        meant: &Meant,
        tried: &Tried,
        path: &Path,
    ) -> Result<Option<Effects>> {
        let Ok((_, sees)) = self.within(Right::See) else {
            return Ok(None);
        };
        let datasets: BTreeSet<String> = tried.datasets().map(str::to_owned).collect();
        let own = meant.covers.iter().filter(|unit| sees.has(unit));
        let mut units: Vec<String> = own.cloned().collect();
        if units.is_empty() {
            units.extend(sees.first().map(str::to_owned));
        }
        if datasets.is_empty() || units.is_empty() {
            return Ok(None);
        }
        let wanted = Wanted {
            datasets,
            units,
            period: Period::Month(Month::of(tried.as_of())),
            now: self.who.actor.now.max(self.books.at),
        };
        let workspace = &self.books.workspace;
        let folder = self.office.waiting.folder()?;
        let copy = Copy::of(workspace, folder).await?;
        self.take_into(&copy, meant, path).await?;
        let effects = effect::between(workspace, &copy, &wanted).await?;
        let period = wanted.period.to_string();
        Ok(Some(Effects {
            period_name: period_name(&period, self.who.language),
            period,
            lines: effects.iter().map(|one| self.effect_line(one)).collect(),
        }))
    }

    /// Takes a file into a copy of the books.
    async fn take_into(&self, copy: &Copy, meant: &Meant, path: &Path) -> Result<()> {
        let workspace = copy.workspace();
        let Shape::Rows(into) = &meant.shape else {
            let asked = self.import_of(path, None);
            Box::pin(collect::import(workspace, &asked, &Silent)).await?;
            return Ok(());
        };
        let (_, within) = self.within(Right::Submit)?;
        let what = What::Sent {
            into: into.clone(),
            org_units: units_of(&within),
            files: vec![path.to_owned()],
            attachments: Vec::new(),
            as_seen: None,
        };
        let asked = self.ingest_of(what, meant.covers.clone(), meant.as_of);
        let outcomes = Box::pin(ingest::ingest(workspace, &asked, &Silent)).await?;
        let outcome = outcomes.into_iter().next().ok_or(Error::Absent)?;
        outcome.result.map(drop)
    }

    fn effect_line(&self, effect: &Effect) -> EffectLine {
        let after = &effect.after;
        let names = self.names();
        let before = effect.before.as_ref();
        EffectLine {
            no: after.no,
            indicator: after.indicator.to_string(),
            title: names.indicator(after.no, &after.indicator),
            org_unit: after.org_unit.to_string(),
            unit: names.org_unit(&after.org_unit),
            before: before.map(|one| self.effect_side(one)).unwrap_or_default(),
            after: self.effect_side(after),
        }
    }

    fn effect_side(&self, one: &Measurement) -> EffectSide {
        let language = self.who.language;
        EffectSide {
            value: one.to_json()["value"].clone(),
            shown: shown(one, language),
            parts: scorecard::parts(one, language),
            code: one.status.code().to_owned(),
            status: one.status.title().get(language).to_owned(),
        }
    }
}
