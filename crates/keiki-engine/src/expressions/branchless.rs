//! Evaluates choices by whole columns: where no part of an expression can fail, all parts are computed for all rows and picked
//! from bit by bit, which takes a fraction of the time of splitting the rows into those of each branch.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{and_kleene, or_kleene};
use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Case, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use super::by_text::{BY_TEXT, by_text, is_strict};
use super::functions;
use super::named::{IS_NAMED, named};

/// Replaces `case`, `and` and `or` in an expression whose types are fitted together, where nothing in them can fail.
pub(super) fn branchless(expression: Expr, frame: &DFSchema) -> Result<Expr> {
    let replaced = expression.transform_up(|expression| {
        Ok(match without_branches(&expression, frame) {
            Some(other) => Transformed::yes(other),
            None => Transformed::no(expression),
        })
    })?;
    Ok(replaced.data)
}

fn without_branches(expression: &Expr, frame: &DFSchema) -> Option<Expr> {
    let of_texts = named(expression, frame).or_else(|| by_text(expression, frame));
    if of_texts.is_some() {
        return of_texts;
    }
    match expression {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let function = match op {
                Operator::And => &BOTH,
                Operator::Or => &EITHER,
                _ => return None,
            };
            let parts = [left, right].map(|part| part.as_ref().clone());
            let is_safe = parts.iter().all(|part| cannot_fail(part, frame));
            is_safe.then(|| call(function, parts.to_vec()))
        }
        Expr::Case(case) if case.expr.is_none() => choices(case, frame),
        _ => None,
    }
}

/// A `case` as choices, one within the other.
fn choices(case: &Case, frame: &DFSchema) -> Option<Expr> {
    let otherwise = case.else_expr.as_deref()?;
    let kind = otherwise.get_type(frame).ok()?;
    let whens = case.when_then_expr.iter();
    let is_safe = cannot_fail(otherwise, frame)
        && whens.clone().all(|(when, then)| {
            cannot_fail(when, frame)
                && cannot_fail(then, frame)
                && then.get_type(frame).is_ok_and(|of_then| of_then == kind)
        });
    let choose = |otherwise: Expr, (when, then): &(Box<Expr>, Box<Expr>)| {
        let parts = vec![when.as_ref().clone(), then.as_ref().clone(), otherwise];
        call(&CHOOSE, parts)
    };
    is_safe.then(|| whens.rev().fold(otherwise.clone(), choose))
}

fn call(function: &LazyLock<Arc<ScalarUDF>>, parts: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(function), parts))
}

/// Tells whether an expression gives a value or null for any row, and never an error.
pub(super) fn cannot_fail(expression: &Expr, frame: &DFSchema) -> bool {
    let may_fail = expression.exists(|part| {
        Ok(match part {
            Expr::Column(_)
            | Expr::Literal(..)
            | Expr::Not(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsUnknown(_)
            | Expr::IsNotUnknown(_)
            | Expr::Between(_)
            | Expr::InList(_)
            | Expr::Case(_) => false,
            Expr::BinaryExpr(binary) => !compares(binary.op),
            Expr::ScalarFunction(function) => {
                let name = function.name();
                ![&*BOTH, &*EITHER, &*CHOOSE, &*IS_NAMED].contains(&&function.func)
                    && name != BY_TEXT
                    && !functions::NEVER_FAIL.contains(&name)
            }
            Expr::Cast(cast) => !widens(&cast.expr.get_type(frame)?, &part.get_type(frame)?),
            _ => true,
        })
    });
    may_fail.is_ok_and(|may_fail| !may_fail)
}

/// Tells whether a condition looks only at texts and flags, and compares them with what is written out.
pub(super) fn is_easy(condition: &Expr, frame: &DFSchema) -> bool {
    let is_hard = condition.exists(|part| {
        Ok(match part {
            Expr::Column(_) => !matches!(
                part.get_type(frame)?,
                DataType::Boolean | DataType::Utf8 | DataType::Dictionary(..)
            ),
            Expr::BinaryExpr(binary) => !matches!(
                binary.op,
                Operator::Eq | Operator::NotEq | Operator::And | Operator::Or
            ),
            Expr::InList(list) => list.negated,
            Expr::Literal(..) => false,
            _ => true,
        })
    });
    is_hard.is_ok_and(|is_hard| !is_hard)
}

fn compares(operator: Operator) -> bool {
    let others = [
        Operator::IsDistinctFrom,
        Operator::IsNotDistinctFrom,
        Operator::And,
        Operator::Or,
    ];
    is_strict(operator) || others.contains(&operator)
}

/// Tells whether every value of a type is one of another.
fn widens(from: &DataType, to: &DataType) -> bool {
    match (from, to) {
        (DataType::Decimal128(precision, scale), DataType::Decimal128(wider, finer)) => {
            let digits = i16::from(*wider) - i16::from(*precision);
            finer >= scale && digits >= i16::from(*finer) - i16::from(*scale)
        }
        (DataType::Dictionary(_, values), to) => values.as_ref() == to,
        (from, to) => from == to,
    }
}

/// A function that takes the place of branches.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Branchless {
    kind: Kind,
    signature: Signature,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Both,
    Either,
    /// Condition, then, otherwise.
    Choose,
}

static BOTH: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Branchless::function(Kind::Both, 2));
static EITHER: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Branchless::function(Kind::Either, 2));
static CHOOSE: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Branchless::function(Kind::Choose, 3));

impl Branchless {
    fn function(kind: Kind, arguments: usize) -> Arc<ScalarUDF> {
        Arc::new(ScalarUDF::new_from_impl(Self {
            kind,
            signature: Signature::any(arguments, Volatility::Immutable),
        }))
    }
}

impl ScalarUDFImpl for Branchless {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Both => "both",
            Kind::Either => "either",
            Kind::Choose => "choose",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[types.len() - 1].clone())
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = call.number_rows;
        let parts: Vec<ArrayRef> = call
            .args
            .into_iter()
            .map(|part| part.into_array(rows))
            .collect::<Result<_>>()?;
        let found: ArrayRef = match self.kind {
            Kind::Both => Arc::new(and_kleene(parts[0].as_boolean(), parts[1].as_boolean())?),
            Kind::Either => Arc::new(or_kleene(parts[0].as_boolean(), parts[1].as_boolean())?),
            Kind::Choose => choose(parts[0].as_boolean(), &parts[1], &parts[2])?,
        };
        Ok(ColumnarValue::Array(found))
    }
}

/// Takes `then` where the condition is true, and `otherwise` where it is false or null.
fn choose(condition: &BooleanArray, then: &ArrayRef, otherwise: &ArrayRef) -> Result<ArrayRef> {
    let holds = match condition.nulls() {
        None => condition.values().clone(),
        Some(known) => condition.values() & known.inner(),
    };
    match holds.count_set_bits() {
        0 => return Ok(Arc::clone(otherwise)),
        all if all == holds.len() => return Ok(Arc::clone(then)),
        _ => {}
    }
    let (Some(then), Some(otherwise)) = (then.as_boolean_opt(), otherwise.as_boolean_opt()) else {
        return Ok(zip(&BooleanArray::from(holds), then, otherwise)?);
    };
    let pick = |then: &BooleanBuffer, otherwise: &BooleanBuffer| {
        &(&holds & then) | &(&!&holds & otherwise)
    };
    let values = pick(then.values(), otherwise.values());
    let known = |array: &BooleanArray| match array.nulls() {
        Some(known) => known.inner().clone(),
        None => BooleanBuffer::new_set(array.len()),
    };
    let has_nulls = then.nulls().is_some() || otherwise.nulls().is_some();
    let nulls = has_nulls.then(|| NullBuffer::new(pick(&known(then), &known(otherwise))));
    Ok(Arc::new(BooleanArray::new(values, nulls)))
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use arrow::datatypes::{Field, Schema};
    use jiff::tz::TimeZone;
    use keiki_model::calendar::Calendar;
    use keiki_model::expression::Expressions;

    use super::super::SqlExpressions;
    use super::*;

    /// Every combination of true, false and null in three columns.
    fn combinations() -> RecordBatch {
        let values = [Some(true), Some(false), None];
        let column = |place: u32| -> ArrayRef {
            let of_row = |row: usize| values[row / 3_usize.pow(place) % 3];
            Arc::new((0..27).map(of_row).collect::<BooleanArray>())
        };
        let schema = Schema::new(vec![
            Field::new("a", DataType::Boolean, true),
            Field::new("b", DataType::Boolean, true),
            Field::new("c", DataType::Boolean, true),
            Field::new("n", DataType::Int64, true),
        ]);
        let numbers: Int64Array = (0..27).map(|row| (row % 4 > 0).then_some(row)).collect();
        let columns = vec![column(0), column(1), column(2), Arc::new(numbers)];
        RecordBatch::try_new(Arc::new(schema), columns).expect("it fits")
    }

    fn evaluate(sql: &str) -> ArrayRef {
        let zone = TimeZone::get("Asia/Tokyo").expect("the zone is known");
        let compiler = SqlExpressions::new(Calendar::default(), zone);
        let rows = combinations();
        let compiled = compiler.compile(sql, &rows.schema()).expect("it compiles");
        compiled.evaluate(&rows).expect("it computes")
    }

    #[test]
    fn choices_follow_the_logic_of_three_values() {
        let rows = combinations();
        let of = |name: &str, row: usize| {
            let column = rows.column_by_name(name).expect("a column").as_boolean();
            column.is_valid(row).then(|| column.value(row))
        };
        let found = evaluate("case when a then b else coalesce(b, c) end");
        let expected: BooleanArray = (0..27)
            .map(|row| match of("a", row) {
                Some(true) => of("b", row),
                _ => of("b", row).or(of("c", row)),
            })
            .collect();
        assert_eq!(found.as_boolean(), &expected);
        let found = evaluate("case when a then n when b then 7 else null end");
        let numbers = rows.column(3).as_primitive::<arrow::datatypes::Int64Type>();
        let expected: Int64Array = (0..27)
            .map(|row| match (of("a", row), of("b", row)) {
                (Some(true), _) => numbers.is_valid(row).then(|| numbers.value(row)),
                (_, Some(true)) => Some(7),
                _ => None,
            })
            .collect();
        assert_eq!(
            found.as_primitive::<arrow::datatypes::Int64Type>(),
            &expected
        );
    }

    #[test]
    fn what_may_fail_is_computed_only_where_it_is_asked_for() {
        let found = evaluate("coalesce(n, 1 / (n - n))");
        assert_eq!(found.len(), 27);
    }
}
