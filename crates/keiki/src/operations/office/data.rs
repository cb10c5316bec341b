//! The books as data before a reader: what programs ask for that pages show in words.

use keiki_model::access::Right;
use keiki_model::calendar::{Day, Period};
use keiki_model::frequency::Frequency;
use keiki_model::kpi::{Kpi, Target};
use keiki_model::measurement::Measurement;
use keiki_model::org::UNASSIGNED;
use keiki_model::programme::Standing;
use keiki_model::text::Text;
use keiki_store::{Batch, Event};

use super::Desk;
use super::figures::Look;
use crate::error::{Error, Result};

/// An org unit of today.
#[derive(Debug, Clone)]
pub struct UnitData {
    /// Its id.
    pub id: String,
    /// The unit above it, as far as it may be known of.
    pub parent_id: Option<String>,
    /// Its name.
    pub name: Text,
    /// What it is, as `org.csv` writes it.
    pub kind: &'static str,
}

/// A closed revision of a statement.
#[derive(Debug, Clone)]
pub struct RevisionData {
    /// The period as written.
    pub period: String,
    /// Its number.
    pub revision: u32,
    /// When it was closed, UTC microseconds.
    pub closed_at: i64,
    /// By whom.
    pub closed_by: String,
    /// Why it was closed although something stood in the way, or again.
    pub reason: Option<String>,
    /// The journal version that it pins.
    pub journal_version: i64,
    /// The hash that binds it.
    pub sha256: String,
}

/// Something that stands in the programme.
#[derive(Debug, Clone)]
pub struct StandingData {
    /// What it is.
    pub kind: StandingKind,
    /// The KPI.
    pub no: u32,
    /// The indicator, where it is about one alone.
    pub indicator: Option<String>,
    /// The org unit, and all below it.
    pub org_unit: String,
    /// First day.
    pub from: Day,
    /// First day no longer.
    pub until: Option<Day>,
    /// Who approved it.
    pub approved_by: Option<String>,
    /// Who answers, and who stands in.
    pub owner: Option<(String, Option<String>)>,
    /// The target.
    pub target: Option<Target>,
    /// Why.
    pub reason: Option<Text>,
    /// A parameter's name and value.
    pub parameter: Option<(String, String)>,
    /// How often evidence is asked for.
    pub frequency: Option<Frequency>,
}

/// What stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StandingKind {
    /// A target that the organisation has set.
    Target,
    /// A parameter that the organisation has set.
    Parameter,
    /// How often evidence is asked for.
    Cadence,
    /// Who answers.
    Owner,
    /// An approved miss.
    Waiver,
    /// Whom a KPI does not concern.
    Exempt,
}

impl Desk {
    /// Every figure of a period that may be seen, at or below an org unit, in the order of KPI, indicator and org unit.
    ///
    /// # Errors
    /// They may see none, or nothing of what is asked for.
    pub async fn measurements(&self, look: &Look) -> Result<Vec<Measurement>> {
        let board = self.board(look).await?;
        let within = self.who.scope.within(Right::See, board.tree());
        let unit = within.chosen(look.unit.as_deref())?;
        let ids = within.below(unit, board.tree());
        let seen = board.figures().filter(|one| ids.contains(&*one.org_unit));
        let mut figures: Vec<Measurement> = seen.cloned().collect();
        figures.sort_by(|a, b| place(a).cmp(&place(b)));
        Ok(figures)
    }

    /// The period and the org unit that a look means.
    ///
    /// # Errors
    /// They may see none, or nothing of what is asked for.
    pub async fn looked_at(&self, look: &Look) -> Result<(Period, String)> {
        let board = self.board(look).await?;
        let within = self.who.scope.within(Right::See, board.tree());
        let unit = within.chosen(look.unit.as_deref())?.to_owned();
        Ok((board.period(), unit))
    }

    /// The number of the last commit.
    #[must_use]
    pub fn journal_version(&self) -> i64 {
        self.books.stamp.seq()
    }

    /// The org units of today of which they may know.
    ///
    /// # Errors
    /// They may know of none.
    pub fn org_units(&self) -> Result<Vec<UnitData>> {
        let (tree, within) = self.within(Right::See)?;
        let nodes = tree.nodes().iter();
        let known = nodes.filter(|node| within.has(&node.id) && node.id != UNASSIGNED);
        Ok(known
            .map(|node| {
                let above = node.parent.map(|position| &tree.nodes()[position].id);
                let kinds = keiki_model::org::UnitKind::NAMES.into_iter();
                UnitData {
                    id: node.id.clone(),
                    parent_id: above.filter(|id| within.has(id)).cloned(),
                    name: node.name.clone(),
                    kind: kinds
                        .filter(|(_, kind)| *kind == node.kind)
                        .map(|(name, _)| name)
                        .next()
                        .unwrap_or_default(),
                }
            })
            .collect())
    }

    /// Every KPI with whether the programme has adopted it.
    ///
    /// # Errors
    /// They may see no figures.
    pub fn kpis(&self) -> Result<Vec<(&Kpi, Adoption)>> {
        self.who.scope.need(Right::See)?;
        let workspace = &self.books.workspace;
        let kpis = workspace.catalogue.kpis.iter();
        Ok(kpis
            .map(|kpi| {
                let adoption = if workspace.programme.adopts(kpi) {
                    Adoption::Adopted
                } else {
                    Adoption::Offered
                };
                (&**kpi, adoption)
            })
            .collect())
    }

    /// The readings that they may open, the latest last.
    ///
    /// # Errors
    /// They may see no evidence.
    pub fn batches(&self) -> Result<Vec<&Batch>> {
        self.who.scope.need(Right::SeeEvidence)?;
        let openable = self.openable();
        let batches = self.books.batches.iter();
        Ok(batches.filter(|one| openable.contains(&one.seq)).collect())
    }

    /// The closed revisions, in the order of their closes.
    ///
    /// # Errors
    /// They may see no figures, or the book cannot be read.
    pub async fn revisions(&self) -> Result<Vec<RevisionData>> {
        let (_, within) = self.within(Right::See)?;
        let book = self.books.workspace.statements().await?;
        let mut revisions = Vec::new();
        for recorded in book.events().await? {
            let Event::Closed(statement) = recorded.event else {
                continue;
            };
            revisions.push(RevisionData {
                period: statement.period.to_string(),
                revision: statement.revision,
                closed_at: statement.closed_at,
                closed_by: statement.closed_by,
                // It may name org units that not everybody may know of.
                reason: statement.reason.filter(|_| within.is_whole()),
                journal_version: statement.journal_version,
                sha256: recorded.sha256,
            });
        }
        Ok(revisions)
    }

    /// What the programme says, for the org units that they may know of.
    ///
    /// # Errors
    /// They may see no figures.
    pub fn standings(&self) -> Result<Vec<StandingData>> {
        let (_, within) = self.within(Right::See)?;
        let programme = &self.books.workspace.programme;
        let mut all = Vec::new();
        all.extend(programme.targets.iter().map(|one| StandingData {
            indicator: one.indicator.clone(),
            target: one.target,
            ..standing(StandingKind::Target, &one.standing)
        }));
        all.extend(programme.parameters.iter().map(|one| StandingData {
            parameter: Some((one.name.clone(), one.value.value.clone())),
            ..standing(StandingKind::Parameter, &one.standing)
        }));
        all.extend(programme.cadences.iter().map(|one| StandingData {
            frequency: Some(one.frequency),
            ..standing(StandingKind::Cadence, &one.standing)
        }));
        all.extend(programme.owners.iter().map(|one| StandingData {
            owner: Some((one.owner.clone(), one.deputy.clone())),
            ..standing(StandingKind::Owner, &one.standing)
        }));
        all.extend(programme.waivers.iter().map(|one| StandingData {
            indicator: one.indicator.clone(),
            reason: Some(one.reason.clone()),
            ..standing(StandingKind::Waiver, &one.standing)
        }));
        let exempt = programme.applicability.iter().filter(|one| !one.applies);
        all.extend(exempt.map(|one| StandingData {
            reason: Some(one.reason.clone()),
            ..standing(StandingKind::Exempt, &one.standing)
        }));
        all.retain(|one| within.has(&one.org_unit));
        Ok(all)
    }

    /// `programme.toml` as it is in force now.
    ///
    /// # Errors
    /// They may not see the whole tree, or there is no such file.
    pub fn programme_file(&self) -> Result<&str> {
        self.whole(Right::See)?;
        let text = self.books.workspace.content.get("programme.toml");
        text.ok_or(Error::Absent)
    }
}

/// Whether the programme has adopted a KPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adoption {
    /// It has.
    Adopted,
    /// The catalogue offers it.
    Offered,
}

/// The place of a figure in the order of data.
fn place(one: &Measurement) -> (u32, &str, &str) {
    (one.no, &one.indicator, &one.org_unit)
}

fn standing(kind: StandingKind, of: &Standing) -> StandingData {
    StandingData {
        kind,
        no: of.kpi,
        indicator: None,
        org_unit: of.org_unit.clone(),
        from: of.from,
        until: of.until,
        approved_by: of.approved_by.clone(),
        owner: None,
        target: None,
        reason: None,
        parameter: None,
        frequency: None,
    }
}
