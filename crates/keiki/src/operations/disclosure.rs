//! Withholds figures about few people, and those from which they would follow: the one place below everything that shows figures.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use keiki_engine::{Explanation, Structure};
use keiki_model::calendar::{Day, Month, Period, parse_day};
use keiki_model::disclosure::{self, Cells, Withheld};
use keiki_model::kpi::Kpi;
use keiki_model::measurement::{Measurement, Scope};
use keiki_model::name::Name;
use keiki_model::org::{Arrangement, Tree};
use keiki_model::statement::Statement;

use super::measure::{Measure, Units, measure_in};
use super::programme::Run;
use crate::config::Workspace;
use crate::error::Result;
use crate::progress::Progress;

/// What a reader may not see, of some KPIs in some periods.
pub(super) struct Shield<'w> {
    workspace: &'w Workspace,
    fewest: i128,
    found: HashMap<(u32, Name), Cut>,
}

/// What is withheld of a KPI in a period, on the tree of its cut day.
struct Cut {
    tree: Tree,
    withheld: Withheld,
}

/// Withholds what the reader may not see of measurements of one question.
///
/// # Errors
/// The figures of the other org units, which it takes to know what follows by subtraction, cannot be measured.
pub(super) async fn withhold(
    workspace: &Workspace,
    asked: &Measure,
    measured: &mut [Measurement],
    progress: &dyn Progress,
) -> Result<()> {
    if let Some(shield) = shield(workspace, asked, measured, progress).await? {
        for measurement in measured {
            shield.withhold(measurement);
        }
    }
    Ok(())
}

/// Withholds what the reader may not see of a statement.
///
/// # Errors
/// As `withhold`.
pub(super) async fn withhold_statement(
    workspace: &Workspace,
    statement: &mut Statement,
    run: &Run,
    progress: &dyn Progress,
) -> Result<()> {
    let asked = Measure {
        kpis: Vec::new(),
        units: Units::All,
        periods: Vec::new(),
        structure: Structure::default(),
        // Figures of before the books were kept stand on no commit.
        known_at: statement.edition.map(|_| statement.closed_at),
        journal_version: statement.edition.map(|_| statement.journal_version),
        author: run.author.clone(),
        now: run.now,
    };
    withhold(workspace, &asked, &mut statement.measurements, progress).await
}

/// Finds out what a reader may not see; `None` where that is nothing. `measured` is what the reader asked for.
pub(super) async fn shield<'w>(
    workspace: &'w Workspace,
    asked: &Measure,
    measured: &[Measurement],
    progress: &dyn Progress,
) -> Result<Option<Shield<'w>>> {
    let settings = &workspace.settings.people;
    if settings.fewest < 2 || settings.shown_to.contains(&asked.author) {
        return Ok(None);
    }
    let numbers: BTreeSet<u32> = measured.iter().map(|one| one.no).collect();
    let kpis = kin_of(workspace, &numbers);
    if kpis.is_empty() {
        return Ok(None);
    }
    let names: BTreeSet<&str> = measured.iter().map(|one| &*one.period).collect();
    let periods: Vec<Period> = names
        .iter()
        .filter_map(|name| Period::parse(name).ok())
        .collect();
    let lag = measured.iter().flat_map(|one| &one.own_periods);
    let lag = lag.map(|own| own.lag_months).max().unwrap_or(0).max(0);
    let mut shield = Shield {
        workspace,
        fewest: i128::from(settings.fewest),
        found: HashMap::new(),
    };
    let (adding, others): (Vec<_>, Vec<_>) = kpis
        .into_iter()
        .partition(|kpi| disclosure::adds_up_over_months(kpi));
    let months = |period: Period| months_of(workspace, period, lag);
    let of_months: BTreeSet<Period> = periods.iter().flat_map(|period| months(*period)).collect();
    shield.add(asked, &others, &periods, 0, progress).await?;
    let of_months: Vec<Period> = of_months.into_iter().collect();
    shield.add(asked, &adding, &of_months, 0, progress).await?;
    let longer: Vec<Period> = periods
        .iter()
        .copied()
        .filter(|period| !of_months.contains(period))
        .collect();
    shield.add(asked, &adding, &longer, lag, progress).await?;
    Ok(Some(shield))
}

/// The KPIs about people among some, with all others about the same people: what is withheld of one follows from all of them, and is
/// the same whatever was asked for.
fn kin_of(workspace: &Workspace, numbers: &BTreeSet<u32>) -> Vec<Arc<Kpi>> {
    let catalogue = &workspace.catalogue;
    let about_people = catalogue
        .kpis
        .iter()
        .filter(|kpi| disclosure::counts_people(kpi, catalogue));
    let about_people: Vec<Arc<Kpi>> = about_people.cloned().collect();
    disclosure::kin(&about_people, catalogue)
        .into_iter()
        .filter(|kin| kin.iter().any(|kpi| numbers.contains(&kpi.no)))
        .flatten()
        .collect()
}

/// The months whose figures a period adds up; those before it too, where an entity lags behind.
fn months_of(workspace: &Workspace, period: Period, lag: i32) -> Vec<Period> {
    let Some((first, last)) = period.months(&workspace.settings.calendar) else {
        return Vec::new();
    };
    let first = match period {
        Period::Month(month) => month.0,
        _ => first.0 - lag,
    };
    (first..=last.0)
        .map(|month| Period::Month(Month(month)))
        .collect()
}

impl Shield<'_> {
    /// Finds what is withheld of some KPIs in some periods, what is withheld in the months within them included.
    async fn add(
        &mut self,
        asked: &Measure,
        kpis: &[Arc<Kpi>],
        periods: &[Period],
        lag: i32,
        progress: &dyn Progress,
    ) -> Result<()> {
        if kpis.is_empty() || periods.is_empty() {
            return Ok(());
        }
        let whole = Measure {
            kpis: kpis.iter().map(|kpi| kpi.no.to_string()).collect(),
            units: Units::All,
            periods: periods.to_vec(),
            structure: Structure::default(),
            ..asked.clone()
        };
        let measured = measure_in(self.workspace, &whole, progress).await?;
        for kin in disclosure::kin(kpis, &self.workspace.catalogue) {
            for period in periods {
                let months = months_of(self.workspace, *period, lag);
                self.cut(&kin, &period.to_string(), &measured, &months);
            }
        }
        Ok(())
    }

    /// Finds what is withheld in a period of KPIs about the same people.
    fn cut(&mut self, kin: &[Arc<Kpi>], period: &str, measured: &[Measurement], months: &[Period]) {
        let of = measured.iter().filter(|one| *one.period == *period);
        let of: Vec<&Measurement> = of
            .filter(|one| kin.iter().any(|kpi| kpi.no == one.no))
            .collect();
        let Some(day) = cut_day(&of) else {
            return;
        };
        let tree = self.workspace.organisation.tree(day);
        let cells: Vec<Cells> = kin
            .iter()
            .map(|kpi| self.cells(kpi, &tree, &of, months))
            .collect();
        let withheld = disclosure::withheld_together(&tree, &cells, self.fewest);
        for (kpi, withheld) in kin.iter().zip(withheld) {
            let tree = tree.clone();
            let cut = Cut { tree, withheld };
            self.found.insert((kpi.no, period.into()), cut);
        }
    }

    /// The sizes of the groups of a KPI, and the nodes that are withheld since one of the months is.
    fn cells(&self, kpi: &Kpi, tree: &Tree, measured: &[&Measurement], months: &[Period]) -> Cells {
        let catalogue = &self.workspace.catalogue;
        let mut by_indicator: BTreeMap<&str, Vec<i128>> = BTreeMap::new();
        for one in measured.iter().filter(|one| one.no == kpi.no) {
            let group = disclosure::group(kpi, one, catalogue);
            if let Some((size, node)) = group.zip(tree.position(&one.org_unit)) {
                let sizes = by_indicator.entry(&one.indicator);
                sizes.or_insert_with(|| vec![0; tree.nodes().len()])[node] = size;
            }
        }
        let mut also = vec![false; tree.nodes().len()];
        for month in months {
            let Some(of_month) = self.found.get(&(kpi.no, month.to_string().into())) else {
                continue;
            };
            let nodes = of_month.tree.nodes().iter().zip(&of_month.withheld.nodes);
            for (node, _) in nodes.filter(|(_, is)| **is) {
                // A unit that has ended since counts at the one that came after it.
                also[tree.position_of_evidence(&node.id)] = true;
            }
        }
        Cells {
            sizes: by_indicator.into_values().collect(),
            also,
        }
    }

    /// Withholds a measurement if the reader may not see it.
    pub(super) fn withhold(&self, measurement: &mut Measurement) {
        let Some(cut) = self
            .found
            .get(&(measurement.no, measurement.period.clone()))
        else {
            return;
        };
        let is_plain = measurement.hierarchy.is_none()
            && measurement.scope == Scope::Consolidated
            && measurement.tree_on.is_none();
        let is_withheld = if is_plain {
            let node = cut.tree.position(&measurement.org_unit);
            node.is_some_and(|node| cut.withheld.nodes[node])
        } else {
            self.is_small(measurement) || self.holds_withheld(measurement, cut)
        };
        if is_withheld {
            measurement.withhold();
        }
    }

    /// Whether a measurement speaks of few people by itself.
    pub(super) fn is_small(&self, measurement: &Measurement) -> bool {
        let catalogue = &self.workspace.catalogue;
        let kpi = catalogue.kpis.iter().find(|kpi| kpi.no == measurement.no);
        let size = kpi.and_then(|kpi| disclosure::group(kpi, measurement, catalogue));
        size.is_some_and(|size| (1..self.fewest).contains(&size))
    }

    /// Whether a figure along another tree, or of a unit without the entities below it, holds a part that is withheld. The root
    /// with all below it is the same in every tree.
    fn holds_withheld(&self, measurement: &Measurement, cut: &Cut) -> bool {
        let Some(arrangement) = self.arrangement(measurement, cut) else {
            return true;
        };
        let tree = arrangement.tree();
        let Some(node) = tree.position(&measurement.org_unit) else {
            return false;
        };
        if node == 0 && measurement.scope == Scope::Consolidated {
            return false;
        }
        let parts = cut.tree.nodes().iter().zip(&cut.withheld.own_parts);
        let mut places = parts
            .filter(|(_, is)| **is)
            .map(|(part, _)| arrangement.taker(arrangement.main().position_of_evidence(&part.id)));
        places.any(|place| tree.is_within(place, node))
    }

    fn arrangement(&self, measurement: &Measurement, cut: &Cut) -> Option<Arrangement> {
        let day = match &measurement.tree_on {
            None => cut.tree.day,
            Some(day) => parse_day(day)?,
        };
        let main = Arc::new(self.workspace.organisation.tree(day));
        let Some(name) = measurement.hierarchy.as_deref() else {
            return Some(Arrangement::of_main(main));
        };
        let mut hierarchies = self.workspace.hierarchies.iter();
        let hierarchy = hierarchies.find(|of| of.name == name)?;
        Some(hierarchy.arrange(main, day))
    }

    /// Takes what the reader may not see from an explanation. Returns how many records are not listed.
    pub(super) fn open(&self, explanation: &mut Explanation) -> usize {
        let period = explanation.measurement.period.clone();
        self.withhold(&mut explanation.measurement);
        let mut count = 0;
        if explanation.measurement.is_withheld() {
            count += explanation
                .parts
                .iter()
                .map(|part| part.rows.len())
                .sum::<usize>();
            explanation.parts.clear();
            explanation.totals.clear();
        }
        if let Some(cut) = self.found.get(&(explanation.measurement.no, period)) {
            for part in &mut explanation.parts {
                let before = part.rows.len();
                part.rows.retain(|row| {
                    let unit = row.columns.iter().find(|(name, _)| name == "org_unit");
                    unit.is_none_or(|(_, unit)| {
                        !cut.withheld.own_parts[cut.tree.position_of_evidence(unit)]
                    })
                });
                count += before - part.rows.len();
            }
            explanation.totals.retain(|total| {
                !cut.withheld.own_parts[cut.tree.position_of_evidence(&total.org_unit)]
            });
        }
        if let Some(comparison) = &mut explanation.against {
            self.withhold(&mut comparison.measurement);
            if comparison.measurement.is_withheld() || explanation.measurement.is_withheld() {
                comparison.changes.clear();
                comparison.totals.clear();
            }
        }
        count
    }
}

/// Tells whether the records that moved a figure are kept from a reader: those of a KPI about people, where they are of few people, or
/// where a figure of the KPI is withheld, so that they may be of the people it speaks of.
pub(super) fn hides_records(
    workspace: &Workspace,
    author: &str,
    no: u32,
    (figures, records): (&[Measurement], usize),
) -> bool {
    let settings = &workspace.settings.people;
    if settings.fewest < 2 || settings.shown_to.iter().any(|user| user == author) {
        return false;
    }
    let catalogue = &workspace.catalogue;
    let kpi = catalogue.kpis.iter().find(|kpi| kpi.no == no);
    let is_about_people = kpi.is_some_and(|kpi| disclosure::counts_people(kpi, catalogue));
    let is_few = u32::try_from(records).is_ok_and(|records| records < settings.fewest);
    let has_withheld = || figures.iter().any(|one| one.no == no && one.is_withheld());
    is_about_people && (is_few || has_withheld())
}

/// The day of the org tree: that of the group's own cut.
fn cut_day(measured: &[&Measurement]) -> Option<Day> {
    let days = measured.iter().filter_map(|one| parse_day(&one.cut_on));
    days.max()
}
