//! Conditions on the texts of one column, computed once for each distinct text.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::ExecutionProps;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr};

use super::named::by_key;

/// The name of the function that takes the place of such a condition.
pub(super) const BY_TEXT: &str = "by_text";

/// Functions that give a value for any texts, and null where one of these is.
const OF_TEXTS: [&str; 11] = [
    "strpos",
    "lower",
    "upper",
    "btrim",
    "ltrim",
    "rtrim",
    "starts_with",
    "ends_with",
    "contains",
    "character_length",
    "octet_length",
];

/// Replaces a condition that looks at the texts of one column, where these are kept once each.
pub(super) fn by_text(expression: &Expr, frame: &DFSchema) -> Option<Expr> {
    let is_condition = match expression {
        Expr::BinaryExpr(binary) => is_strict(binary.op),
        Expr::Like(_) => true,
        Expr::ScalarFunction(function) => OF_TEXTS.contains(&function.name()),
        _ => false,
    };
    if !is_condition || expression.get_type(frame).ok()? != DataType::Boolean {
        return None;
    }
    let has_other = expression.exists(|part| {
        Ok(match part {
            Expr::Column(_) | Expr::Literal(..) | Expr::Like(_) => false,
            Expr::Cast(cast) => {
                !matches!(cast.expr.as_ref(), Expr::Column(_))
                    || !matches!(part.get_type(frame)?, DataType::Utf8 | DataType::Utf8View)
            }
            Expr::BinaryExpr(binary) => !is_strict(binary.op),
            Expr::ScalarFunction(function) => !OF_TEXTS.contains(&function.name()),
            _ => true,
        })
    });
    let columns = expression.column_refs();
    let (Some(column), 1, false) = (columns.iter().next(), columns.len(), has_other.ok()?) else {
        return None;
    };
    let column = Expr::Column((*column).clone());
    let kept_once = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    if column.get_type(frame).ok()? != kept_once {
        return None;
    }
    let function = ByText::new(expression, &column, frame).ok()?;
    let function = Arc::new(ScalarUDF::new_from_impl(function));
    Some(Expr::ScalarFunction(ScalarFunction::new_udf(
        function,
        vec![column],
    )))
}

/// Tells whether a comparison with null is null: what is true of a row without a text is not looked up by texts.
pub(super) fn is_strict(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
    )
}

/// The condition as a function of the column.
#[derive(Debug)]
struct ByText {
    condition: Expr,
    compiled: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    signature: Signature,
}

impl PartialEq for ByText {
    fn eq(&self, other: &Self) -> bool {
        self.condition == other.condition
    }
}

impl Eq for ByText {}

impl Hash for ByText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.condition.hash(state);
    }
}

impl ByText {
    fn new(condition: &Expr, column: &Expr, frame: &DFSchema) -> Result<Self> {
        let name = column.schema_name().to_string();
        let schema = Schema::new(vec![Field::new(name, column.get_type(frame)?, true)]);
        let schema = DFSchema::try_from(schema)?;
        Ok(Self {
            compiled: create_physical_expr(
                condition,
                &schema,
                &ExecutionProps::new(),
                &PhysicalPlanningContext::default(),
            )?,
            schema: Arc::clone(schema.inner()),
            condition: condition.clone(),
            signature: Signature::any(1, Volatility::Immutable),
        })
    }

    /// What it is of each row of a column.
    fn of(&self, column: &DictionaryArray<Int32Type>) -> Result<BooleanArray> {
        let rows = column.len();
        let column = Arc::new(column.clone());
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), vec![column])?;
        let found = self.compiled.evaluate(&batch)?.into_array(rows)?;
        Ok(found.as_boolean().clone())
    }
}

impl ScalarUDFImpl for ByText {
    fn name(&self) -> &'static str {
        BY_TEXT
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = call.number_rows;
        let [column] = call.args.as_slice() else {
            return Err(DataFusionError::Internal("there is one column".to_owned()));
        };
        let column = cast(&column.to_array(rows)?, self.schema.field(0).data_type())?;
        let column = column.as_dictionary::<Int32Type>();
        let texts = column.values();
        let Ok(count) = i32::try_from(texts.len()) else {
            return Ok(ColumnarValue::Array(Arc::new(self.of(column)?)));
        };
        if texts.len() > column.len() || texts.null_count() > 0 {
            return Ok(ColumnarValue::Array(Arc::new(self.of(column)?)));
        }
        let each = DictionaryArray::new(Int32Array::from_iter_values(0..count), Arc::clone(texts));
        let of_text = self.of(&each)?;
        let is = |place: usize| of_text.value(place) && of_text.is_valid(place);
        let values = by_key(column, &(0..of_text.len()).map(is).collect::<Vec<bool>>());
        let mut known = column.keys().nulls().cloned();
        if of_text.null_count() > 0 {
            let is_known: Vec<bool> = (0..of_text.len()).map(|at| of_text.is_valid(at)).collect();
            let of_row = NullBuffer::new(by_key(column, &is_known));
            known = NullBuffer::union(known.as_ref(), Some(&of_row));
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(
            values, known,
        ))))
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use jiff::tz::TimeZone;
    use keiki_model::calendar::Calendar;

    use super::super::SqlExpressions;
    use super::*;

    #[test]
    fn conditions_on_texts_hold_as_they_would_row_by_row() {
        let zone = TimeZone::get("Asia/Tokyo").expect("the zone is known");
        let compiler = SqlExpressions::new(Calendar::default(), zone);
        let texts: ArrayRef = Arc::new(
            (0..300)
                .map(|row| (row % 11 > 0).then(|| format!("kind {}", row * 7 % 90)))
                .collect::<StringArray>(),
        );
        let kept_once = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        for sql in [
            "strpos('kind 1;kind 20;kind 3', kind) > 0",
            "kind like 'kind 1%'",
            "kind not like '%2%'",
            "kind <> 'kind 7'",
            "kind > 'kind 4'",
            "kind is distinct from 'kind 7'",
            "kind is not distinct from 'kind 7'",
            "kind <> 'kind 7' or kind like 'kind 1%'",
            "starts_with(upper(kind), 'KIND 3')",
            "strpos(null, kind) > 0",
        ] {
            let of = |kind: &DataType| {
                let column = cast(&texts, kind).expect("it can be cast");
                let schema = Schema::new(vec![Field::new("kind", kind.clone(), true)]);
                let rows = RecordBatch::try_new(Arc::new(schema), vec![column]).expect("it fits");
                let schema = rows.schema();
                let fitted = compiler.fit(sql, &schema).expect("it compiles");
                let program = compiler.program(&[fitted.whole()], &schema);
                let found = program.expect("it compiles").evaluate(&rows);
                found.expect("it computes")[0].as_boolean().clone()
            };
            let one_by_one = of(&DataType::Utf8);
            assert_eq!(of(&kept_once), one_by_one, "{sql}");
        }
    }
}
