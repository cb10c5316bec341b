//! A base measure with the parameters put into its expressions: what it takes to plan it, here or on another machine.

use keiki_model::catalogue::bind;
use keiki_model::document::Located;
use keiki_model::kpi::{Clock, Formula, Kpi, Measure};
use serde::{Deserialize, Serialize};

use crate::error::{EngineError, Result};

/// An expression, bound.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BoundExpression {
    pub(super) sql: String,
    /// As it was written, to say where a fault is; another machine is only told expressions that compile.
    #[serde(skip)]
    pub(super) written: Located,
}

/// When a measure counts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum BoundClock {
    Stock {
        from: Option<BoundExpression>,
        until: Option<BoundExpression>,
    },
    Flow {
        on: BoundExpression,
    },
    Spell {
        begins: BoundExpression,
        ends: BoundExpression,
    },
}

/// A base measure, bound.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct BoundMeasure {
    pub(super) kpi: u32,
    pub(super) name: String,
    pub(super) filter: Option<BoundExpression>,
    pub(super) value: Option<BoundExpression>,
    pub(super) group: Option<BoundExpression>,
    pub(super) clock: BoundClock,
    pub(super) has_histogram: bool,
    pub(super) keeps_day: bool,
    pub(super) step: i64,
}

impl BoundMeasure {
    /// Binds a measure.
    ///
    /// # Errors
    /// An expression names a parameter that there is not.
    pub(super) fn new(kpi: &Kpi, measure: &Measure) -> Result<Self> {
        let expression = |written: &Located| {
            let bound = bind(written, &kpi.parameters).map_err(EngineError::Definition)?;
            Ok::<_, EngineError>(BoundExpression {
                sql: bound.value,
                written: written.clone(),
            })
        };
        let optional = |written: Option<&Located>| written.map(expression).transpose();
        let clock = match &measure.clock {
            Clock::Stock { from, until } => BoundClock::Stock {
                from: optional(from.as_ref())?,
                until: optional(until.as_ref())?,
            },
            Clock::Flow { on } => BoundClock::Flow {
                on: expression(on)?,
            },
            Clock::Spell { begins, ends } => BoundClock::Spell {
                begins: expression(begins)?,
                ends: expression(ends)?,
            },
        };
        let formulas = || {
            let all = kpi.indicators.iter().map(|indicator| &indicator.formula);
            all.filter(|formula| formula.measures().contains(&measure.name.as_str()))
        };
        Ok(Self {
            kpi: kpi.no,
            name: measure.name.clone(),
            filter: optional(measure.filter.as_ref())?,
            value: optional(measure.value.as_ref())?,
            group: optional(measure.group.as_ref())?,
            has_histogram: formulas().any(Formula::needs_histogram)
                || matches!(clock, BoundClock::Spell { .. }),
            keeps_day: formulas().any(|formula| matches!(formula, Formula::Latest(_))),
            clock,
            step: measure.resolution.step(),
        })
    }
}
