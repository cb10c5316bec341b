//! Which rows lie in the scope of a reading.

use std::collections::{HashMap, HashSet};

use arrow::array::{AsArray, RecordBatch};
use keiki_model::dataset::{Dataset, ORG_UNIT, ORG_UNIT_SEPARATOR};
use keiki_model::document::Located;
use keiki_model::evidence::Extent;
use keiki_model::expression::Expressions;
use keiki_model::problem::{Place, Problem};
use keiki_model::text::Text;

use super::evaluate;
use crate::batches::Batch;
use crate::error::{Result, StoreError};
use crate::heads::strings;
use crate::plan::Pick;

/// Tells for each row whether it lies in the scope of a batch.
pub(super) fn scope_flags(
    expressions: &dyn Expressions,
    dataset: &Dataset,
    batch: &Batch,
    rows: &RecordBatch,
) -> Result<Vec<bool>> {
    let mut inside = vec![true; rows.num_rows()];
    if !batch.scope_units.is_empty() {
        let units: HashSet<&str> = batch.scope_units.iter().map(String::as_str).collect();
        let of = strings(rows, ORG_UNIT)?;
        for (flag, unit) in inside.iter_mut().zip(&of) {
            *flag = unit
                .is_some_and(|unit| unit.split(ORG_UNIT_SEPARATOR).any(|id| units.contains(id)));
        }
    }
    if let Some(sql) = &batch.scope.predicate {
        let found = evaluate(expressions, &located(sql, &batch.source), dataset, rows)?;
        let found = found.as_boolean_opt().ok_or_else(|| {
            StoreError::Definition(Problem::new(
                Place::file(format!("sources/{}.toml", batch.source)),
                Text::new(
                    "scope の `where` が条件式ではありません",
                    "the scope's `where` is not a condition",
                ),
            ))
        })?;
        for (flag, holds) in inside.iter_mut().zip(found) {
            *flag = *flag && holds.unwrap_or(false);
        }
    }
    Ok(inside)
}

fn located(sql: &str, source: &str) -> Located {
    Located {
        value: sql.to_owned(),
        place: Place::file(format!("sources/{source}.toml")),
    }
}

/// The scopes of all full readings, evaluated once over the history.
pub(super) struct Scopes {
    flags: HashMap<(i64, u32), Vec<bool>>,
}

impl Scopes {
    pub(super) fn new<'b>(
        expressions: &dyn Expressions,
        dataset: &Dataset,
        batches: impl Iterator<Item = &'b Batch>,
        rows: &HashMap<u32, RecordBatch>,
    ) -> Result<Self> {
        let mut flags = HashMap::new();
        let mut by_scope: HashMap<(String, Vec<String>, u32), Vec<bool>> = HashMap::new();
        for batch in batches.filter(|b| b.dataset == dataset.name && b.extent == Extent::Full) {
            for (number, rows) in rows {
                let key = (
                    batch.scope.predicate.clone().unwrap_or_default(),
                    batch.scope_units.clone(),
                    *number,
                );
                let found = if let Some(found) = by_scope.get(&key) {
                    found.clone()
                } else {
                    let found = scope_flags(expressions, dataset, batch, rows)?;
                    by_scope.insert(key, found.clone());
                    found
                };
                flags.insert((batch.seq, *number), found);
            }
        }
        Ok(Self { flags })
    }

    pub(super) fn contains(&self, batch: &Batch, pick: Pick) -> bool {
        self.flags
            .get(&(batch.seq, pick.0))
            .and_then(|flags| flags.get(pick.1 as usize))
            .copied()
            .unwrap_or(false)
    }
}
