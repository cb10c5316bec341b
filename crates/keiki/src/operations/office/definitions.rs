//! The catalogue before a reader: which KPIs there are, and which the programme has adopted.

use std::sync::Arc;

use keiki_model::access::Right;
use keiki_model::frequency::Frequency;
use keiki_model::kpi::{GROUPS, Kpi};

use super::Desk;
use crate::error::Result;
use crate::words;

/// A group of the catalogue.
#[derive(Debug, Clone)]
pub struct GroupLine {
    /// Its title.
    pub title: String,
    /// Its KPIs.
    pub kpis: Vec<KpiLine>,
}

/// A KPI of the catalogue.
#[derive(Debug, Clone)]
pub struct KpiLine {
    /// Its number.
    pub no: u32,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// Its class.
    pub class: String,
    /// The maturity that it suits.
    pub maturity: String,
    /// How often evidence is asked for at the uppermost org unit that the reader sees.
    pub frequency: String,
    /// Whether the programme has adopted it.
    pub is_adopted: bool,
}

impl Desk {
    /// Every KPI by group.
    ///
    /// # Errors
    /// They may see no figures.
    pub fn catalogue(&self) -> Result<Vec<GroupLine>> {
        let cadences = self.cadences(None)?;
        let language = self.who.language;
        let workspace = &self.books.workspace;
        let mut groups = Vec::new();
        for (code, ja, en) in GROUPS {
            let kpis = workspace.catalogue.kpis.iter();
            let of_group = kpis.filter(|kpi| kpi.group == code).map(|kpi| KpiLine {
                no: kpi.no,
                name: kpi.name.get(language).to_owned(),
                purpose: kpi.purpose.get(language).to_owned(),
                class: words::class(&kpi.class).get(language).to_owned(),
                maturity: words::level(&kpi.maturity).get(language).to_owned(),
                frequency: cadences(kpi).title().get(language).to_owned(),
                is_adopted: workspace.programme.adopts(kpi),
            });
            let title = keiki_model::text::Text::new(ja, en);
            groups.push(GroupLine {
                title: title.get(language).to_owned(),
                kpis: of_group.collect(),
            });
        }
        groups.retain(|group| !group.kpis.is_empty());
        Ok(groups)
    }

    /// How often evidence of a KPI is asked for today at an org unit; absent = the uppermost that the reader sees. *Source*: decision
    /// 0108.
    ///
    /// # Errors
    /// They may see no figures, or not those of the org unit.
    pub fn cadences(&self, unit: Option<&str>) -> Result<impl Fn(&Kpi) -> Frequency> {
        let (tree, within) = self.within(Right::See)?;
        let unit = match unit {
            Some(_) => Some(within.chosen(unit)?),
            None => within.first(),
        };
        let unit = unit.and_then(|unit| tree.position(unit));
        let books = Arc::clone(&self.books);
        Ok(move |kpi: &Kpi| {
            let programme = &books.workspace.programme;
            let stated = unit.and_then(|unit| programme.cadence(kpi.no, &tree, unit));
            stated.unwrap_or(kpi.frequency)
        })
    }
}
