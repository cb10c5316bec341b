//! Which measures are computed together: those that count the same rows, and those whose predicates begin alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::SchemaRef;
use keiki_model::dataset::{Dataset, ORG_UNIT};
use keiki_model::expression::ExpressionError;
use keiki_model::text::Text;
use keiki_store::{EFFECTIVE_ON, WEIGHT};

use super::{MeasurePlan, Reading};
use crate::error::{EngineError, Result};
use crate::expressions::{Condition, Fitted, Program, SqlExpressions, Whole};

/// Measures that count the same rows: what else they read is computed of those rows alone.
#[derive(Debug, Clone)]
pub(crate) struct Kin {
    pub(crate) measures: Vec<usize>,
    pub(crate) program: Program,
    /// The columns that the program reads.
    pub(crate) columns: Vec<String>,
    /// The numbers of the program's expressions.
    numbers: Vec<usize>,
}

impl Kin {
    /// The values of an expression by its number.
    ///
    /// # Panics
    /// None of the measures reads it.
    pub(crate) fn value<'v>(&self, values: &'v [ArrayRef], number: usize) -> &'v ArrayRef {
        let place = self.numbers.iter().position(|known| *known == number);
        &values[place.expect("a kin's program has all expressions of its measures")]
    }
}

/// What decides which rows may count for measures that are kin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deciders {
    /// The predicate, by its place among the deciding expressions; `None` = true of every row.
    pub(crate) filter: Option<usize>,
    /// The day from which a row counts, likewise; `None` = always.
    pub(crate) from: Option<usize>,
}

/// What decides which rows may count for the measures of a family.
#[derive(Debug, Clone)]
pub(crate) struct Deciding {
    pub(crate) program: Program,
    /// *Shape*: as the family's kin.
    pub(crate) of_kin: Vec<Deciders>,
    /// The columns that are read of the rows, by this program and by those of the kin.
    pub(crate) columns: Vec<String>,
}

/// Measures whose predicates begin alike: what tells their rows from all others is looked at first, and costs next to nothing.
#[derive(Debug, Clone)]
pub(crate) struct Family {
    /// What is false of all rows that count for none of the measures; `None` = any row may count.
    pub(crate) gate: Option<Program>,
    /// What decides of any row.
    pub(crate) whole: Deciding,
    /// What is left to decide of rows of which the gate is true.
    pub(crate) rest: Option<Deciding>,
    pub(crate) kin: Vec<Kin>,
}

impl Family {
    /// The columns that it reads.
    fn columns(&self) -> impl Iterator<Item = &String> {
        self.whole.columns.iter()
    }
}

/// The expressions of all measures over a dataset, by number.
#[derive(Debug, Clone)]
pub(super) struct Expressed {
    pub(super) dataset: Arc<Dataset>,
    pub(super) schema: SchemaRef,
    pub(super) compiler: Arc<SqlExpressions>,
    pub(super) expressions: Vec<Fitted>,
}

/// The expressions that decide for measures that are kin: the predicate, and the day from which a row counts.
type Decisive = (Option<usize>, Option<usize>);

impl Expressed {
    /// Plans how rows are read for measures.
    ///
    /// # Errors
    /// Expressions do not go together.
    pub(super) fn reading(&self, measures: &[MeasurePlan]) -> Result<Reading> {
        let families = self.families(measures)?;
        let read: BTreeSet<&String> = families.iter().flat_map(Family::columns).collect();
        Ok(Reading {
            columns: read.into_iter().cloned().collect(),
            families,
        })
    }

    /// Puts measures together.
    fn families(&self, measures: &[MeasurePlan]) -> Result<Vec<Family>> {
        let parts = self.by_beginning(measures).into_iter();
        let families =
            parts.map(|(conditions, members)| self.family(measures, &conditions, &members));
        families.collect()
    }

    /// The measures by what their predicates begin with, where that is easy to tell, each part with the conditions that all of
    /// its members share.
    fn by_beginning(&self, measures: &[MeasurePlan]) -> Vec<(Vec<Condition>, Vec<usize>)> {
        let mut parts: Vec<(Vec<Condition>, Vec<usize>)> = Vec::new();
        for (index, measure) in measures.iter().enumerate() {
            let conditions = measure.filter.map_or_else(Vec::new, |filter| {
                self.expressions[filter].easy_conditions(&self.schema)
            });
            let mut known = parts.iter_mut();
            match known.find(|(of, _)| of.first() == conditions.first()) {
                Some((shared, members)) => {
                    shared.retain(|one| conditions.contains(one));
                    members.push(index);
                }
                None => parts.push((conditions, vec![index])),
            }
        }
        parts
    }

    /// Plans what is read for measures whose predicates share some conditions.
    fn family(
        &self,
        measures: &[MeasurePlan],
        conditions: &[Condition],
        members: &[usize],
    ) -> Result<Family> {
        let mut by_deciding: BTreeMap<Decisive, Vec<usize>> = BTreeMap::new();
        for index in members {
            let deciding = measures[*index].deciding();
            by_deciding.entry(deciding).or_default().push(*index);
        }
        let decisive: Vec<Decisive> = by_deciding.keys().copied().collect();
        let kin = by_deciding.into_values().map(|members| {
            let others = members.iter().flat_map(|index| measures[*index].others());
            let mut numbers: Vec<usize> = others.collect();
            numbers.sort_unstable();
            numbers.dedup();
            let read = numbers
                .iter()
                .map(|number| self.expressions[*number].whole());
            let program = self.program(&read.collect::<Vec<_>>())?;
            Ok(Kin {
                measures: members,
                columns: program.columns().map(str::to_owned).collect(),
                program,
                numbers,
            })
        });
        let kin = kin.collect::<Result<Vec<Kin>>>()?;
        let gate = (!conditions.is_empty()).then(|| self.program(&[Whole::all_of(conditions)]));
        let rest = gate
            .as_ref()
            .map(|_| self.deciding(&decisive, conditions, &kin));
        let mut whole = self.deciding(&decisive, &[], &kin)?;
        let gate = gate.transpose()?;
        if let Some(gate) = &gate {
            let read = whole
                .columns
                .into_iter()
                .chain(gate.columns().map(str::to_owned));
            whole.columns = read.collect::<BTreeSet<String>>().into_iter().collect();
        }
        Ok(Family {
            rest: rest.transpose()?,
            gate,
            whole,
            kin,
        })
    }

    /// Plans what decides of rows of which some conditions are known to be true.
    fn deciding(
        &self,
        decisive: &[Decisive],
        known: &[Condition],
        kin: &[Kin],
    ) -> Result<Deciding> {
        let mut deciding: Vec<Whole> = Vec::new();
        let mut place = |one: Whole| {
            if one.is_always_true() {
                return None;
            }
            let found = deciding.iter().position(|other| *other == one);
            found.or_else(|| {
                deciding.push(one);
                Some(deciding.len() - 1)
            })
        };
        let of_kin = decisive.iter().map(|(filter, from)| Deciders {
            filter: filter.and_then(|filter| place(self.expressions[filter].given(known))),
            from: from.and_then(|from| place(self.expressions[from].whole())),
        });
        let of_kin = of_kin.collect();
        let program = self.program(&deciding)?;
        let of_kins = kin.iter().flat_map(|kin| &kin.columns).cloned();
        let columns: BTreeSet<String> = of_kins
            .chain(program.columns().map(str::to_owned))
            .chain([ORG_UNIT, WEIGHT, EFFECTIVE_ON].map(str::to_owned))
            .collect();
        Ok(Deciding {
            program,
            of_kin,
            columns: columns.into_iter().collect(),
        })
    }

    fn program(&self, expressions: &[Whole]) -> Result<Program> {
        let program = self.compiler.program(expressions, &self.schema);
        program.map_err(|error| self.apart(&error))
    }

    fn apart(&self, error: &ExpressionError) -> EngineError {
        let name = &self.dataset.name;
        EngineError::query(Text::new(
            format!("{name} の式を組み合わせられません: {error}"),
            format!("the expressions over {name} do not go together: {error}"),
        ))
    }
}
