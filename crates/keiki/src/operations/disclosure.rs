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
use keiki_model::statement::{Place, Statement};

use super::closed::{Closed, Reported};
use super::measure::{Measure, Units, measure_in};
use super::programme::Run;
use crate::config::Workspace;
use crate::error::Result;
use crate::progress::Progress;

/// How many figures are measured at once at most to find what follows from them, where more than a period's are needed.
const FIGURES_AT_ONCE: usize = 200_000;

/// What a reader may not see, of some KPIs in some periods.
pub(super) struct Shield<'w> {
    workspace: &'w Workspace,
    fewest: i128,
    found: HashMap<(u32, Name), Cut>,
}

/// What is withheld of a KPI in a period, and what is held as it was reported, on the tree of its cut day.
struct Cut {
    tree: Tree,
    withheld: Withheld,
    held: Withheld,
    reported: Reported,
}

impl Cut {
    /// Whether what a node has, or what it has beside the nodes below it, is not shown as it is.
    fn guards_own_part(&self, node: usize) -> bool {
        self.withheld.own_parts[node] || self.held.own_parts[node]
    }
}

/// Withholds what the reader may not see of measurements of one question.
///
/// # Errors
/// The figures of the other org units, which it takes to know what follows by subtraction, cannot be measured.
pub(super) async fn withhold(
    workspace: &Workspace,
    asked: &Measure,
    measured: &mut [Measurement],
    closed: &mut Closed,
    progress: &dyn Progress,
) -> Result<()> {
    if let Some(shield) = shield(workspace, asked, measured, closed, progress).await? {
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
    closed: &mut Closed,
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
    let measured = &mut statement.measurements;
    withhold(workspace, &asked, measured, closed, progress).await
}

/// Finds out what a reader may not see; `None` where that is nothing. `measured` is what the reader asked for. What was closed of its
/// periods before is shown as the reader may see it from then on.
pub(super) async fn shield<'w>(
    workspace: &'w Workspace,
    asked: &Measure,
    measured: &[Measurement],
    closed: &mut Closed,
    progress: &dyn Progress,
) -> Result<Option<Shield<'w>>> {
    if sees_all(workspace, &asked.author) {
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
    let months = |period: Period| months_of(workspace, period, lag);
    let of_months: BTreeSet<Period> = periods.iter().flat_map(|period| months(*period)).collect();
    let longer: Vec<Period> = periods
        .iter()
        .copied()
        .filter(|period| !of_months.contains(period))
        .collect();
    let (adding, others): (Vec<_>, Vec<_>) = kpis
        .into_iter()
        .partition(|kpi| disclosure::adds_up_over_months(kpi));
    // A stock has no more than its last month in a longer period.
    let last_months: BTreeSet<Period> = periods
        .iter()
        .filter_map(|period| months(*period).pop())
        .collect();
    let mut shield = Shield {
        workspace,
        fewest: i128::from(workspace.settings.people.fewest),
        found: HashMap::new(),
    };
    let steps = [
        (&others, last_months.into_iter().collect(), 0),
        (&others, longer.clone(), 0),
        (&adding, of_months.into_iter().collect(), 0),
        (&adding, longer, lag),
    ];
    for (kpis, periods, lag) in steps {
        let periods: Vec<Period> = periods;
        let of = (kpis.as_slice(), periods.as_slice(), lag);
        shield.add((asked, measured), of, closed, progress).await?;
    }
    Ok(Some(shield))
}

/// Tells whether nothing is kept from a reader.
pub(super) fn sees_all(workspace: &Workspace, author: &str) -> bool {
    let settings = &workspace.settings.people;
    settings.fewest < 2 || settings.shown_to.iter().any(|user| user == author)
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

/// Whether what was asked for has the figures of all org units of these KPIs in these periods, as a statement has.
fn is_whole(
    asked: &Measure,
    measured: &[Measurement],
    (kpis, periods): (&[Arc<Kpi>], &[Period]),
) -> bool {
    let found: BTreeSet<(u32, &str)> = measured.iter().map(|one| (one.no, &*one.period)).collect();
    let has = |period: &str| kpis.iter().all(|kpi| found.contains(&(kpi.no, period)));
    asked.units == Units::All
        && asked.structure == Structure::default()
        && periods.iter().all(|period| has(&period.to_string()))
}

impl Shield<'_> {
    /// Finds what is withheld of some KPIs in some periods, what is withheld in the months within them included.
    async fn add(
        &mut self,
        (asked, given): (&Measure, &[Measurement]),
        (kpis, periods, lag): (&[Arc<Kpi>], &[Period], i32),
        closed: &mut Closed,
        progress: &dyn Progress,
    ) -> Result<()> {
        if kpis.is_empty() || periods.is_empty() {
            return Ok(());
        }
        if is_whole(asked, given, (kpis, periods)) {
            return self
                .find((asked, given), (kpis, periods, lag), closed)
                .await;
        }
        for periods in periods.chunks(self.periods_at_once(kpis)) {
            let whole = Measure {
                kpis: kpis.iter().map(|kpi| kpi.no.to_string()).collect(),
                units: Units::All,
                periods: periods.to_vec(),
                structure: Structure::default(),
                ..asked.clone()
            };
            let measured = measure_in(self.workspace, &whole, progress).await?;
            self.find((asked, &measured), (kpis, periods, lag), closed)
                .await?;
        }
        Ok(())
    }

    /// How many periods are measured together, so that the figures of all org units are held of few at a time.
    fn periods_at_once(&self, kpis: &[Arc<Kpi>]) -> usize {
        let indicators: usize = kpis.iter().map(|kpi| kpi.indicators.len()).sum();
        let of_period = indicators * self.workspace.organisation.rows().len();
        (FIGURES_AT_ONCE / of_period.max(1)).max(1)
    }

    /// The same from the figures of all org units.
    async fn find(
        &mut self,
        (asked, measured): (&Measure, &[Measurement]),
        (kpis, periods, lag): (&[Arc<Kpi>], &[Period], i32),
        closed: &mut Closed,
    ) -> Result<()> {
        let known_at = asked.known_at.unwrap_or(asked.now);
        for period in periods {
            let before = closed.of(self.workspace, *period).await?;
            let name: Name = period.to_string().into();
            let mut months = months_of(self.workspace, *period, lag);
            if !kpis.iter().any(|kpi| disclosure::adds_up_over_months(kpi)) {
                months = months.pop().into_iter().collect();
            }
            for kin in disclosure::kin(kpis, &self.workspace.catalogue) {
                let mut reported = vec![Reported::default(); kin.len()];
                let of_books = before.iter_mut().filter(|one| one.revision > 0);
                for statement in of_books.filter(|one| one.closed_at < known_at) {
                    self.step(&kin, statement, &mut reported);
                }
                let of = measured.iter().filter(|one| one.period == name);
                let cuts = self.cut(&kin, &of.collect::<Vec<_>>(), &months, &reported);
                for (kpi, cut) in kin.iter().zip(cuts) {
                    self.found.insert((kpi.no, name.clone()), cut);
                }
            }
        }
        Ok(())
    }

    /// Goes on from what was shown of a period until a revision to what is shown of it by that revision, of KPIs about the same
    /// people; what is not shown is taken out of the statement.
    fn step(&self, kin: &[Arc<Kpi>], statement: &mut Statement, reported: &mut [Reported]) {
        let measured: Vec<&Measurement> = statement.measurements.iter().collect();
        let cuts = self.cut(kin, &measured, &[], reported);
        for one in &mut statement.measurements {
            let at = kin.iter().position(|kpi| kpi.no == one.no);
            if let Some((at, cut)) = at.and_then(|at| Some((at, cuts.get(at)?))) {
                let exact = one.clone();
                self.guard(one, cut);
                reported[at].go_on(exact, one);
            }
        }
    }

    /// Finds what is withheld in a period of KPIs about the same people, and what is held as it was reported. *Shape*: as the KPIs are
    /// given; empty where nothing was measured of them.
    fn cut(
        &self,
        kin: &[Arc<Kpi>],
        measured: &[&Measurement],
        months: &[Period],
        reported: &[Reported],
    ) -> Vec<Cut> {
        let is_of = |one: &&&Measurement| kin.iter().any(|kpi| kpi.no == one.no);
        let of: Vec<&Measurement> = measured.iter().filter(is_of).copied().collect();
        let Some(day) = cut_day(&of) else {
            return Vec::new();
        };
        let tree = self.workspace.organisation.tree(day);
        let pairs = kin.iter().zip(reported);
        let cells: Vec<Cells> = pairs
            .map(|(kpi, reported)| self.cells(kpi, &tree, &of, (months, reported)))
            .collect();
        let withheld = disclosure::withheld_together(&tree, &cells, self.fewest);
        let found = kin.iter().zip(withheld).zip(reported);
        found
            .map(|((kpi, withheld), reported)| Cut {
                held: self.held(kpi, &tree, &of, reported),
                tree: tree.clone(),
                withheld,
                reported: reported.clone(),
            })
            .collect()
    }

    /// Whose figures of a KPI few people have moved since they were reported, or would be told by those that are shown.
    fn held(
        &self,
        kpi: &Kpi,
        tree: &Tree,
        measured: &[&Measurement],
        reported: &Reported,
    ) -> Withheld {
        let catalogue = &self.workspace.catalogue;
        let mut by_indicator: BTreeMap<&str, Vec<Vec<i128>>> = BTreeMap::new();
        let now = measured.iter().filter(|one| one.no == kpi.no);
        let sides = now.map(|one| (*one, 1));
        // Where nothing was reported nothing has moved.
        let before = reported.figures.values().map(|one| (one, -1));
        let sides = sides.chain(before).filter(|_| !reported.figures.is_empty());
        for (one, sign) in sides {
            let Some(node) = tree.position(&one.org_unit) else {
                continue;
            };
            let counts = disclosure::counts(kpi, one, catalogue);
            let moved = by_indicator.entry(&one.indicator);
            let moved = moved.or_insert_with(|| vec![vec![0; tree.nodes().len()]; counts.len()]);
            for (moved, count) in moved.iter_mut().zip(counts) {
                moved[node] += sign * count;
            }
        }
        let moved: Vec<Vec<Vec<i128>>> = by_indicator.into_values().collect();
        disclosure::held(tree, &moved, self.fewest)
    }

    /// The sizes of the groups of a KPI, and the nodes that are withheld since one of the months is, or was when it was reported.
    fn cells(
        &self,
        kpi: &Kpi,
        tree: &Tree,
        measured: &[&Measurement],
        (months, reported): (&[Period], &Reported),
    ) -> Cells {
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
            let adds_up = disclosure::adds_up_over_months(kpi);
            for (at, node) in of_month.tree.nodes().iter().enumerate() {
                if of_month.held.nodes[at] || (adds_up && of_month.withheld.nodes[at]) {
                    // A unit that has ended since counts at the one that came after it.
                    also[tree.position_of_evidence(&node.id)] = true;
                }
            }
        }
        for org_unit in &reported.withheld {
            also[tree.position_of_evidence(org_unit)] = true;
        }
        Cells {
            sizes: by_indicator.into_values().collect(),
            also,
        }
    }

    /// Withholds a measurement if the reader may not see it.
    pub(super) fn withhold(&self, measurement: &mut Measurement) {
        let of = (measurement.no, measurement.period.clone());
        if let Some(cut) = self.found.get(&of) {
            self.guard(measurement, cut);
        }
    }

    fn guard(&self, measurement: &mut Measurement, cut: &Cut) {
        let is_plain = measurement.hierarchy.is_none()
            && measurement.scope == Scope::Consolidated
            && measurement.tree_on.is_none();
        let node = cut.tree.position(&measurement.org_unit);
        let is_withheld = if is_plain {
            node.is_some_and(|node| cut.withheld.nodes[node])
        } else {
            self.is_small(measurement) || self.holds_guarded(measurement, cut)
        };
        let is_held = is_plain && node.is_some_and(|node| cut.held.nodes[node]);
        if is_withheld {
            measurement.withhold();
        } else if is_held {
            match cut.reported.figures.get(&place(measurement)) {
                Some(reported) => measurement.hold(reported),
                None => measurement.withhold(),
            }
        }
    }

    /// Whether a measurement speaks of few people by itself.
    pub(super) fn is_small(&self, measurement: &Measurement) -> bool {
        let catalogue = &self.workspace.catalogue;
        let kpi = catalogue.kpis.iter().find(|kpi| kpi.no == measurement.no);
        let size = kpi.and_then(|kpi| disclosure::group(kpi, measurement, catalogue));
        size.is_some_and(|size| (1..self.fewest).contains(&size))
    }

    /// Whether a figure along another tree, or of a unit without the entities below it, holds a part that is withheld or held. The
    /// root with all below it is the same in every tree.
    fn holds_guarded(&self, measurement: &Measurement, cut: &Cut) -> bool {
        let Some(arrangement) = self.arrangement(measurement, cut) else {
            return true;
        };
        let tree = arrangement.tree();
        let Some(node) = tree.position(&measurement.org_unit) else {
            return false;
        };
        if node == 0 && measurement.scope == Scope::Consolidated {
            return cut.held.nodes[0];
        }
        let parts = cut.tree.nodes().iter().enumerate();
        let mut places = parts
            .filter(|(at, _)| cut.guards_own_part(*at))
            .map(|(_, part)| arrangement.taker(arrangement.main().position_of_evidence(&part.id)));
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

    fn is_about_people(&self, no: u32) -> bool {
        let catalogue = &self.workspace.catalogue;
        let mut kpis = catalogue.kpis.iter().filter(|kpi| kpi.no == no);
        kpis.any(|kpi| disclosure::counts_people(kpi, catalogue))
    }

    /// Takes what the reader may not see from an explanation; `then` guards the figure that it is compared with, where that is of
    /// another instant of knowledge. Returns how many records are not listed.
    pub(super) fn open(&self, explanation: &mut Explanation, then: Option<&Self>) -> usize {
        let period = explanation.measurement.period.clone();
        self.withhold(&mut explanation.measurement);
        let mut count = 0;
        if explanation.measurement.is_guarded() {
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
                        !cut.guards_own_part(cut.tree.position_of_evidence(unit))
                    })
                });
                count += before - part.rows.len();
            }
            explanation.totals.retain(|total| {
                !cut.guards_own_part(cut.tree.position_of_evidence(&total.org_unit))
            });
        }
        if let Some(comparison) = &mut explanation.against {
            then.unwrap_or(self).withhold(&mut comparison.measurement);
            let is_few = (1..self.fewest).contains(&records(comparison.changes.len()));
            let is_guarded =
                comparison.measurement.is_guarded() || explanation.measurement.is_guarded();
            if is_guarded || (is_few && self.is_about_people(explanation.measurement.no)) {
                count += comparison.changes.len();
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
    let is_few = || u32::try_from(records).is_ok_and(|of| of < workspace.settings.people.fewest);
    let has_guarded = || figures.iter().any(|one| one.no == no && one.is_guarded());
    keeps_from(workspace, author, no) && (is_few() || has_guarded())
}

/// Tells whether a KPI is about people, and the reader is not one who sees all of them.
pub(super) fn keeps_from(workspace: &Workspace, author: &str, no: u32) -> bool {
    let catalogue = &workspace.catalogue;
    let mut kpis = catalogue.kpis.iter().filter(|kpi| kpi.no == no);
    !sees_all(workspace, author) && kpis.any(|kpi| disclosure::counts_people(kpi, catalogue))
}

fn place(one: &Measurement) -> Place {
    (one.no, one.indicator.clone(), one.org_unit.clone())
}

fn records(count: usize) -> i128 {
    i128::try_from(count).unwrap_or(i128::MAX)
}

/// The day of the org tree: that of the group's own cut.
fn cut_day(measured: &[&Measurement]) -> Option<Day> {
    let days = measured.iter().filter_map(|one| parse_day(&one.cut_on));
    days.max()
}
