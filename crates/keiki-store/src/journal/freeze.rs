//! Approved plans: the baseline of their items stays as the journal has it, and a day that moves is a revision.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, RecordBatch, StringArray};
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use keiki_model::calendar::{Day, date_of};
use keiki_model::dataset::{ORG_UNIT, ORG_UNIT_SEPARATOR, PlanColumns};
use keiki_model::evidence::{Reason, RejectedRow};
use keiki_model::timeline::{Word, resolve};

use super::attempt::Attempt;
use crate::error::Result;
use crate::heads::{Heads, bucket_of, primitive, strings};
use crate::plan::{Incoming, Reading, word_of};
use crate::schema::{EFFECTIVE_ON, KNOWN_AT, RECORD_KEY, SOURCE, WORD};

/// An approved plan: nothing that becomes known later enters, leaves or moves within its baseline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenPlan {
    /// The org units whose plan it is.
    pub org_units: Vec<String>,
    /// Its fiscal year, as `FY2026`.
    pub fiscal_year: String,
    /// First day of the year.
    pub from: Day,
    /// Last day of the year.
    pub until: Day,
    /// What becomes known from here on is no part of it. *Units*: UTC microseconds.
    pub frozen_from: i64,
}

/// What a row, or the journal, has of an item of a plan.
#[derive(Debug, Clone, Default)]
struct Planned {
    baseline: Option<Day>,
    org_units: String,
}

impl FrozenPlan {
    fn holds(&self, item: &Planned) -> bool {
        item.baseline
            .is_some_and(|day| self.from <= day && day <= self.until)
            && item
                .org_units
                .split(ORG_UNIT_SEPARATOR)
                .any(|unit| self.org_units.iter().any(|bound| bound == unit))
    }
}

/// What one source said last of an item.
#[derive(Debug)]
struct Said {
    source: String,
    rank: (i32, String),
    word: Word<Planned>,
    day: Day,
}

/// An item as the journal has it.
#[derive(Debug, Default)]
struct Item {
    said: Vec<Said>,
    /// The latest time at which anything became known of it.
    latest: Option<i64>,
    /// What was said of it before it ended.
    remembered: Option<Planned>,
}

impl Item {
    fn standing(&self) -> Option<Planned> {
        resolve(self.said.iter().map(|said| said.word.clone())).or_else(|| self.remembered.clone())
    }

    fn say(&mut self, reading: &Reading, planned: Planned, day: Day, known_at: i64) {
        self.latest = self.latest.max(Some(known_at));
        let own = self
            .said
            .iter_mut()
            .find(|said| said.source == reading.source);
        match own {
            Some(own) if own.day <= day => {
                own.word = Word::Says(planned);
                own.day = day;
            }
            // What it says of later days stands.
            Some(_) => {}
            None => {
                let rank = reading.rank(&reading.source);
                let at = self.said.partition_point(|said| said.rank < rank);
                let said = Said {
                    source: reading.source.clone(),
                    rank,
                    word: Word::Says(planned),
                    day,
                };
                self.said.insert(at, said);
            }
        }
    }
}

impl Attempt {
    /// Puts the baseline back where a row gives another than the approved plan, and says of each such row what was kept.
    pub(super) async fn keep_plans(
        &self,
        reading: &Reading,
        incoming: &mut Incoming,
        heads: &Heads,
    ) -> Result<Vec<RejectedRow>> {
        let plans = &self.submission().frozen_plans;
        let Some(columns) = &reading.dataset.plan else {
            return Ok(Vec::new());
        };
        let is_late = |row: &u32| {
            plans
                .iter()
                .any(|plan| plan.frozen_from <= incoming.known[*row as usize])
        };
        if !incoming.order.iter().any(is_late) {
            return Ok(Vec::new());
        }
        let mut items = self.items(reading, incoming, columns, heads).await?;
        let mut baselines = days(&incoming.rows, &columns.baseline)?;
        let mut revisions = days(&incoming.rows, &columns.revision)?;
        let units = strings(&incoming.rows, ORG_UNIT)?;
        let mut kept = Vec::new();
        for row in &incoming.order {
            let at = *row as usize;
            let (day, known_at) = (incoming.days[at], incoming.known[at]);
            let key = incoming.keys.value(at);
            let item = items.entry(key.to_owned()).or_default();
            if item.latest.is_some_and(|latest| known_at < latest) {
                // The row comes before what is known already and will be rejected.
                continue;
            }
            let given = Planned {
                baseline: baselines[at],
                org_units: units.value(at).to_owned(),
            };
            let standing = item.standing().unwrap_or_default();
            let plan = plans.iter().find(|plan| {
                plan.frozen_from <= known_at && (plan.holds(&standing) || plan.holds(&given))
            });
            if let Some(plan) = plan.filter(|_| standing.baseline != given.baseline) {
                baselines[at] = standing.baseline;
                revisions[at] = revisions[at].or(given.baseline);
                let reason = reason(plan, columns, given.baseline, standing.baseline);
                kept.push(self.reject(incoming, *row, reason));
            }
            let planned = Planned {
                baseline: baselines[at],
                ..given
            };
            item.say(reading, planned, day, known_at);
        }
        if !kept.is_empty() {
            let with_days = |column: &str, days: Vec<Option<Day>>, rows: &RecordBatch| {
                let days: ArrayRef = Arc::new(Date32Array::from(days));
                replaced(rows, column, &days)
            };
            let rows = with_days(&columns.baseline, baselines, &incoming.rows)?;
            incoming.rows = with_days(&columns.revision, revisions, &rows)?;
        }
        Ok(kept)
    }

    /// The items that the rows speak of, as the journal has them.
    async fn items(
        &self,
        reading: &Reading,
        incoming: &Incoming,
        columns: &PlanColumns,
        heads: &Heads,
    ) -> Result<HashMap<String, Item>> {
        let keys: HashSet<&str> = incoming
            .order
            .iter()
            .map(|row| incoming.keys.value(*row as usize))
            .collect();
        let buckets: BTreeSet<usize> = keys.iter().map(|key| bucket_of(key)).collect();
        let mut items: HashMap<String, Item> = HashMap::new();
        for bucket in buckets {
            let rows = heads.bucket(bucket).await?;
            for line in lines(&rows, columns, &keys)? {
                let item = items.entry(line.key).or_default();
                item.latest = item.latest.max(Some(line.known_at));
                item.said.push(Said {
                    rank: reading.rank(&line.source),
                    source: line.source,
                    word: line.word,
                    day: line.day,
                });
            }
        }
        for item in items.values_mut() {
            item.said.sort_by(|a, b| a.rank.cmp(&b.rank));
        }
        self.remember(&mut items, columns).await?;
        Ok(items)
    }

    /// An item that has ended and comes back is the item of the plan that it was.
    async fn remember(
        &self,
        items: &mut HashMap<String, Item>,
        columns: &PlanColumns,
    ) -> Result<()> {
        let ended: HashSet<String> = items
            .iter()
            .filter(|(_, item)| item.standing().is_none())
            .map(|(key, _)| key.clone())
            .collect();
        if ended.is_empty() {
            return Ok(());
        }
        let keys: HashSet<&str> = ended.iter().map(String::as_str).collect();
        for rows in self.assertions_of(&keys).await? {
            for line in lines(&rows, columns, &keys)? {
                if let (Some(item), Word::Says(planned)) = (items.get_mut(&line.key), line.word) {
                    item.remembered = Some(planned);
                }
            }
        }
        Ok(())
    }
}

/// A row of heads or assertions.
struct Line {
    key: String,
    source: String,
    word: Word<Planned>,
    day: Day,
    known_at: i64,
}

fn lines(rows: &RecordBatch, columns: &PlanColumns, wanted: &HashSet<&str>) -> Result<Vec<Line>> {
    let (keys, sources, words): (StringArray, StringArray, StringArray) = (
        strings(rows, RECORD_KEY)?,
        strings(rows, SOURCE)?,
        strings(rows, WORD)?,
    );
    let units = strings(rows, ORG_UNIT)?;
    // A table that was written before the dataset held a plan may lack the column.
    let baselines = match rows.column_by_name(&columns.baseline) {
        Some(_) => days(rows, &columns.baseline)?,
        None => vec![None; rows.num_rows()],
    };
    let effective = primitive::<Date32Type>(rows, EFFECTIVE_ON)?;
    let known = primitive::<TimestampMicrosecondType>(rows, KNOWN_AT)?;
    let line = |row: usize| Line {
        key: keys.value(row).to_owned(),
        source: sources.value(row).to_owned(),
        word: match word_of(words.value(row), (0, 0)) {
            Word::Says(_) => Word::Says(Planned {
                baseline: baselines[row],
                org_units: units.value(row).to_owned(),
            }),
            Word::Ended => Word::Ended,
            Word::Silent => Word::Silent,
        },
        day: effective.value(row),
        known_at: known.value(row),
    };
    Ok((0..rows.num_rows())
        .filter(|row| words.value(*row) != "absent" && wanted.contains(keys.value(*row)))
        .map(line)
        .collect())
}

fn days(rows: &RecordBatch, column: &str) -> Result<Vec<Option<Day>>> {
    Ok(primitive::<Date32Type>(rows, column)?.iter().collect())
}

/// Puts other values in the place of a column's.
pub(crate) fn replaced(rows: &RecordBatch, column: &str, values: &ArrayRef) -> Result<RecordBatch> {
    let schema = rows.schema();
    let columns = schema
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, old)| Arc::clone(if field.name() == column { values } else { old }))
        .collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

fn reason(
    plan: &FrozenPlan,
    columns: &PlanColumns,
    found: Option<Day>,
    kept: Option<Day>,
) -> Reason {
    let show = |day: Option<Day>| day.map(|day| date_of(day).to_string());
    Reason::PlanFrozen {
        column: columns.baseline.clone(),
        fiscal_year: plan.fiscal_year.clone(),
        found: show(found),
        kept: show(kept),
        revision: columns.revision.clone(),
    }
}
