//! The catalogue before a reader: which KPIs there are, and which the programme has adopted.

use keiki_model::access::Right;
use keiki_model::kpi::GROUPS;

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
        let (tree, within) = self.within(Right::See)?;
        let unit = within.first().and_then(|unit| tree.position(unit));
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
                frequency: unit
                    .and_then(|unit| workspace.programme.cadence(kpi.no, &tree, unit))
                    .unwrap_or(kpi.frequency)
                    .title()
                    .get(language)
                    .to_owned(),
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
}
