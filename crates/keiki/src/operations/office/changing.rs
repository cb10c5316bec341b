//! Changing the programme and the org tree: who may, what it would come to, and what waits for somebody else to agree.

use std::collections::BTreeSet;

use keiki_model::access::Right;
use keiki_model::calendar::{BEGINNING, Day, date_of};
use keiki_model::org::{UNASSIGNED, UnitKind};
use keiki_store::Agreed;

use super::{Desk, UnitChoice, choices};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::changes::{self, Came, Change};
use crate::operations::programme::{Difference, Run};

/// A row of the org tree through time.
#[derive(Debug, Clone)]
pub struct UnitLine {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The unit above it; empty for the root.
    pub parent: String,
    /// The ids of the unit above it and of what takes over its evidence, where they may be known of.
    pub others: (Option<String>, Option<String>),
    /// What it is, as a word in data.
    pub kind: &'static str,
    /// From when.
    pub from: String,
    /// The last day; empty where it has no end.
    pub last_day: String,
    /// What takes over its evidence.
    pub successor: String,
    /// Whether it is over.
    pub is_over: bool,
}

/// What can be chosen in a change.
#[derive(Debug, Clone)]
pub struct Choosable {
    /// KPIs by number and name.
    pub kpis: Vec<(u32, String)>,
    /// Org units of today.
    pub units: Vec<UnitChoice>,
    /// Who answers for a KPI, or will.
    pub owners: Vec<String>,
}

impl Desk {
    /// Whether the reader may change the programme and the org tree.
    #[must_use]
    pub fn may_define(&self) -> bool {
        self.within(Right::Define)
            .is_ok_and(|(_, within)| within.is_whole())
    }

    fn need_define(&self) -> Result<()> {
        if self.may_define() {
            Ok(())
        } else {
            Err(Error::Forbidden)
        }
    }

    /// What can be chosen in a change.
    ///
    /// # Errors
    /// They may change nothing.
    pub fn choosable(&self) -> Result<Choosable> {
        self.need_define()?;
        let (tree, within) = self.within(Right::Define)?;
        let language = self.who.language;
        let kpis = self.books.workspace.catalogue.kpis.iter();
        let today = self.today();
        let held = self.books.workspace.programme.owners.iter();
        let held = held.filter(|one| one.standing.until.is_none_or(|until| until > today));
        let owners: BTreeSet<String> = held.map(|one| one.owner.clone()).collect();
        Ok(Choosable {
            owners: owners.into_iter().collect(),
            kpis: kpis
                .map(|kpi| (kpi.no, kpi.name.get(language).to_owned()))
                .collect(),
            units: choices(&tree, &within, language),
        })
    }

    /// What a field of a change names, as the reader knows it; `None` where it names nothing that has another name.
    #[must_use]
    pub fn named_in_change(&self, field: &str, value: &str) -> Option<String> {
        let names = self.names();
        match field {
            "kpi" => {
                let no = value.parse().ok()?;
                Some(format!("{no} {}", names.kpi(no)))
            }
            "org_unit" | "parent_id" | "successor_id" => Some(names.org_unit(value)),
            _ => None,
        }
    }

    /// How the files would differ.
    ///
    /// # Errors
    /// They may change nothing, or it cannot be.
    pub fn preview_change(&self, change: &Change) -> Result<Vec<Difference>> {
        self.need_define()?;
        changes::preview(&self.books.workspace, change)
    }

    /// Makes a change, or asks for it where somebody else has to agree.
    ///
    /// # Errors
    /// They may change nothing, it cannot be, or the same was asked for already.
    pub async fn change(&self, change: &Change, reason: &str) -> Result<Came> {
        self.need_define()?;
        let _alone = self.office.defining.lock().await;
        let workspace = self.as_on_disk().await?;
        let came = changes::ask(&workspace, change, reason, &self.run()).await?;
        self.office.kept.look_again().await;
        let action = match came {
            Came::Made(_) => "change",
            Came::Asked => "request_change",
        };
        self.note(action, &change.said(), reason.trim()).await?;
        Ok(came)
    }

    /// Makes a change to which somebody agreed.
    pub(super) async fn make_change(
        &self,
        change: &Change,
        (approved_by, run): (&str, &Run),
        reason: &str,
        fulfils: &Agreed,
    ) -> Result<()> {
        let _alone = self.office.defining.lock().await;
        let workspace = self.as_on_disk().await?;
        let by = (approved_by, run);
        changes::make(&workspace, change, by, reason, Some(fulfils)).await?;
        self.office.kept.look_again().await;
        self.note("change", &change.said(), reason).await
    }

    /// Whether the files say already what a request was to say.
    pub(super) async fn is_put(&self, agreed: &Agreed) -> Result<bool> {
        let workspace = self.as_on_disk().await?;
        changes::agreed::is_put(&workspace, agreed).await
    }

    /// The workspace as its files are now: what this desk holds may be a moment old.
    async fn as_on_disk(&self) -> Result<Workspace> {
        let root = self.office.root.clone();
        let loaded = tokio::task::spawn_blocking(move || Workspace::load(&root));
        loaded.await.map_err(Error::stopped)?
    }

    /// The org tree through time, as far as the reader may know of it.
    ///
    /// # Errors
    /// They may see no figures.
    pub fn org_history(&self) -> Result<Vec<UnitLine>> {
        let (_, within) = self.within(Right::See)?;
        let names = self.names();
        let workspace = &self.books.workspace;
        let today = self.today();
        let known = |id: &str| within.is_whole() || within.has(id);
        let rows = workspace.organisation.rows().iter();
        let rows = rows.filter(|row| row.id != UNASSIGNED && known(&row.id));
        let name_of = |id: &Option<String>| {
            let id = id.as_deref().filter(|id| known(id));
            id.map(|id| names.org_unit(id)).unwrap_or_default()
        };
        let line = |row: &keiki_model::org::OrgUnit| UnitLine {
            id: row.id.clone(),
            name: row.name.get(self.who.language).to_owned(),
            parent: name_of(&row.parent_id),
            others: (
                row.parent_id.clone().filter(|id| known(id)),
                row.successor_id.clone().filter(|id| known(id)),
            ),
            kind: UnitKind::NAMES
                .into_iter()
                .find(|(_, kind)| *kind == row.kind)
                .map_or("", |(name, _)| name),
            from: since(row.valid_from),
            last_day: row
                .valid_until
                .map_or_else(String::new, |until| date_of(until - 1).to_string()),
            successor: name_of(&row.successor_id),
            is_over: row.valid_until.is_some_and(|until| until <= today),
        };
        Ok(rows.map(line).collect())
    }

    /// KPIs for which nobody answers at the uppermost org unit that the reader sees.
    ///
    /// # Errors
    /// They may see no figures.
    pub fn vacant_owners(&self) -> Result<Vec<(u32, String)>> {
        let (_, within) = self.within(Right::See)?;
        let Some(unit) = within.first() else {
            return Ok(Vec::new());
        };
        let vacant = changes::rows::vacant(&self.books.workspace, unit, self.who.actor.now);
        let names = self.names();
        Ok(vacant.into_iter().map(|no| (no, names.kpi(no))).collect())
    }
}

/// A first day; empty where it was ever so.
fn since(day: Day) -> String {
    if day > BEGINNING {
        date_of(day).to_string()
    } else {
        String::new()
    }
}
