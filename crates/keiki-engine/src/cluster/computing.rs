//! What a worker computes a part with: the journals that it reads, and the definitions that it has compiled.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use keiki_store::{Place, Reading, Scan};
use url::Url;

use super::share::Share;
use super::stopping::{Stopped, Task};
use super::{answer, cpu, parts};
use crate::error::Result;
use crate::expressions::session;
use crate::plan::DatasetPlan;
use crate::read::{PartRead, read_part};

/// Plans that a worker keeps: definitions seldom change.
const PLANS_KEPT: usize = 64;

/// What a worker reads files with.
#[derive(Debug)]
pub(super) struct Reader {
    worker: String,
    reading: Reading,
    stopped: Stopped,
    places: Mutex<HashMap<Url, Place>>,
    plans: Mutex<HashMap<String, Arc<DatasetPlan>>>,
}

impl Reader {
    pub(super) fn new(worker: String, reading: Reading, stopped: Stopped) -> Self {
        Self {
            worker,
            reading,
            stopped,
            places: Mutex::default(),
            plans: Mutex::default(),
        }
    }

    /// Computes a part, and answers with its cube or with why there is none; `None` = its task was stopped meanwhile.
    pub(super) async fn answer(
        &self,
        task: Option<&Task>,
        share: &[u8],
        (part, files): (u32, &[u8]),
    ) -> Result<Option<Vec<RecordBatch>>> {
        let work = cpu::measured(self.compute(share, files));
        let done = match task {
            Some(task) => self.stopped.unless(task, work).await,
            None => Some(work.await),
        };
        let Some((computed, cpu)) = done else {
            tracing::info!(part, "a partial cube is not computed to its end");
            return Ok(None);
        };
        match &computed {
            Ok(read) => {
                let (rows, bytes) = (read.rows, read.bytes);
                tracing::info!(part, rows, bytes, "computed a partial cube");
            }
            Err(error) => tracing::warn!(part, %error, "could not compute a partial cube"),
        }
        answer::rows(&self.worker, part, computed, cpu).map(Some)
    }

    async fn compute(&self, share: &[u8], files: &[u8]) -> Result<PartRead> {
        let (share, files) = (Share::from_bytes(share)?, parts::from_bytes(files)?);
        let plan = self.plan(&share)?;
        let place = self.place(&share.journal)?;
        let context = session(share.calendars.clone(), share.zone()?);
        let scan = Scan {
            store: Arc::clone(place.store()),
            files: parts::whole_files(&files),
        };
        let ranges = parts::ranges(&files);
        read_part(&context, &plan, (&scan, &ranges), share.bounds, &share.axis).await
    }

    fn place(&self, url: &Url) -> Result<Place> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.get(url) {
            return Ok(place.clone());
        }
        let place = Place::open(url, &self.reading)?;
        places.insert(url.clone(), place.clone());
        Ok(place)
    }

    fn plan(&self, share: &Share) -> Result<Arc<DatasetPlan>> {
        let key = format!("{} {:?} {}", share.version, share.calendars, share.zone);
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&key) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(share.plan()?);
        if plans.len() >= PLANS_KEPT {
            plans.clear();
        }
        plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }
}
