//! A kept cube brought up to date: new entries are added, and where definitions changed, only their own base measures are read.

use std::sync::Arc;

use futures::stream::{self, StreamExt, TryStreamExt};
use keiki_model::calendar::Day;
use keiki_model::dataset::{Dataset, content_version};
use keiki_store::{Journal, Snapshot};

use crate::axis::Axis;
use crate::cube::Cube;
use crate::engine::{DATASETS_AT_ONCE, Engine, Knowledge, PlannedDataset, compiled};
use crate::error::Result;
use crate::keep::{FORM, Filled, History, Kept};
use crate::plan::{DatasetPlan, Plan};
use crate::read::Bounds;

impl Engine {
    /// What a kept cube rests on beside the definitions of its measures.
    fn basis(&self, plan: &DatasetPlan, snapshot: &Snapshot, axis: &Axis) -> String {
        let first_commit = snapshot
            .batches()
            .first()
            .map(|batch| batch.batch_id.as_str())
            .unwrap_or_default();
        let version = content_version(&format!(
            "{FORM} {:?} {first_commit} {:?} {:?}",
            axis.months(),
            self.setting.calendars,
            self.setting.zone
        ));
        format!("{}-{version}", plan.dataset.name)
    }

    /// The cube that is kept of a dataset, brought up to date.
    pub(crate) async fn kept_cube(
        &self,
        journal: &Journal,
        of: PlannedDataset<'_>,
        knowledge: &Knowledge,
        axis: Axis,
    ) -> Result<Filled> {
        let plan = of.plan;
        let basis = self.basis(plan, &knowledge.snapshot, &axis);
        let key = format!("{basis}-{}", plan.version);
        let holds = |kept: &Kept| kept.seq <= knowledge.seq && kept.cube.axis == axis;
        let filled = |kept: &Kept| Filled {
            cube: Arc::clone(&kept.cube),
            history: Some(Arc::clone(&kept.history)),
        };
        let kept = self.keeper.find(&key).filter(holds);
        let kept = match kept {
            Some(kept) => Some(kept),
            None => Box::pin(self.pieced_together(journal, of, knowledge, &axis, &basis)).await?,
        };
        if let Some(kept) = kept.as_ref().filter(|kept| kept.seq == knowledge.seq) {
            return Ok(filled(kept));
        }
        let after_seq = kept.map_or(0, |kept| kept.seq);
        let bounds = Bounds {
            after_seq,
            until_seq: knowledge.seq,
            known_at: None,
        };
        let scan = journal
            .scan(&plan.dataset, &knowledge.snapshot, after_seq, knowledge.seq)
            .await?;
        let fresh = self.read_in_turn(of, plan, &scan, (bounds, &axis)).await?;
        // It is added to where it lies, unless another request got there first.
        let kept = self.keeper.take(&key);
        let kept = match kept.filter(|kept| holds(kept) && kept.seq == after_seq) {
            Some(kept) if scan.files.is_empty() => Kept {
                seq: knowledge.seq,
                ..kept
            },
            Some(kept) => {
                let mut whole = Arc::unwrap_or_clone(kept.cube);
                let mut history = Arc::unwrap_or_clone(kept.history);
                history.note(knowledge.seq, &fresh);
                whole.merge(fresh)?;
                Kept {
                    measures: kept.measures,
                    seq: knowledge.seq,
                    cube: Arc::new(whole),
                    history: Arc::new(history),
                }
            }
            None if after_seq == 0 => Kept {
                measures: plan.versions(),
                seq: knowledge.seq,
                history: Arc::new(History::new(&key, knowledge.seq, &fresh)),
                cube: Arc::new(fresh),
            },
            None => {
                return Box::pin(self.kept_cube(journal, of, knowledge, axis)).await;
            }
        };
        self.keeper.keep(&key, &kept);
        Ok(filled(&kept))
    }

    /// Makes a cube of one that is kept for other definitions: the base measures that both have are taken over, and only the
    /// others are read. `None` where none has any of them.
    async fn pieced_together(
        &self,
        journal: &Journal,
        of: PlannedDataset<'_>,
        knowledge: &Knowledge,
        axis: &Axis,
        basis: &str,
    ) -> Result<Option<Kept>> {
        let plan = of.plan;
        let versions = plan.versions();
        let shared = |kept: &Kept| pairs(&versions, &kept.measures);
        let kept = self.keeper.relatives(basis).into_iter();
        let kept = kept.filter(|kept| kept.seq <= knowledge.seq && kept.cube.axis == *axis);
        let best = kept.max_by_key(|kept| (shared(kept).len(), kept.seq));
        let Some(best) = best.filter(|kept| !shared(kept).is_empty()) else {
            return Ok(None);
        };
        let old = shared(&best);
        let is_there = |measure: &usize| old.iter().any(|(ours, _)| ours == measure);
        let missing: Vec<usize> = (0..plan.measures.len())
            .filter(|at| !is_there(at))
            .collect();
        let mut cube = Cube::new(axis.clone(), &plan.has_value());
        cube.take_measures(&best.cube, &old)?;
        if !missing.is_empty() {
            let part = of.plans.part(of.position, &missing)?;
            let bounds = Bounds {
                after_seq: 0,
                until_seq: best.seq,
                known_at: None,
            };
            let scan = journal
                .scan(&plan.dataset, &knowledge.snapshot, 0, best.seq)
                .await?;
            let fresh = self.read_in_turn(of, &part, &scan, (bounds, axis));
            let fresh = Box::pin(fresh).await?;
            let places: Vec<(usize, usize)> = missing.into_iter().zip(0..).collect();
            cube.take_measures(&fresh, &places)?;
        }
        let key = format!("{basis}-{}", plan.version);
        let kept = Kept {
            measures: versions,
            seq: best.seq,
            history: Arc::new(History::new(&key, best.seq, &cube)),
            cube: Arc::new(cube),
        };
        self.keeper.keep(&key, &kept);
        Ok(Some(kept))
    }

    /// The datasets whose kept cubes, of the definitions of a day, are not what the entries come to when all are read again.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub async fn cubes_that_differ(&self, journal: &Journal, today: Day) -> Result<Vec<String>> {
        let plans = self.plan_on(today);
        let snapshot = journal.snapshot().await?;
        let positions = 0..plans.dataset_count();
        let datasets: Vec<&Dataset> = positions.clone().map(|at| plans.dataset_at(at)).collect();
        journal.open_entries(&datasets).await?;
        let looks = positions.map(|at| self.differs(journal, &plans, at, &snapshot));
        let looks: Vec<_> = looks.collect();
        let looked = stream::iter(looks).buffered(DATASETS_AT_ONCE);
        let differing: Vec<Option<String>> = looked.try_collect().await?;
        Ok(differing.into_iter().flatten().collect())
    }

    /// The name of a dataset where a kept cube of it is not what the entries come to.
    async fn differs(
        &self,
        journal: &Journal,
        plans: &Arc<Plan>,
        position: usize,
        snapshot: &Snapshot,
    ) -> Result<Option<String>> {
        let plan = compiled(Arc::clone(plans), position).await?;
        for kept in self.keeper.relatives(&format!("{}-", plan.dataset.name)) {
            let basis = self.basis(&plan, snapshot, &kept.cube.axis);
            let is_current = kept.measures == plan.versions() && kept.seq <= snapshot.seq();
            if !is_current || kept.basis() != basis {
                continue;
            }
            let bounds = Bounds {
                after_seq: 0,
                until_seq: kept.seq,
                known_at: None,
            };
            let scan = journal.scan(&plan.dataset, snapshot, 0, kept.seq).await?;
            let fresh = self.read(&plan, &scan, bounds, &kept.cube.axis).await?;
            if !fresh.is_same(&kept.cube) {
                return Ok(Some(plan.dataset.name.clone()));
            }
        }
        Ok(None)
    }
}

/// The places of measures that two lists of versions share.
fn pairs(ours: &[String], theirs: &[String]) -> Vec<(usize, usize)> {
    let place = |version: &String| theirs.iter().position(|other| other == version);
    let shared = ours.iter().enumerate();
    shared
        .filter_map(|(at, version)| Some((at, place(version)?)))
        .collect()
}
