//! SQL expressions of definitions and mappings, compiled and evaluated by `DataFusion`.

mod branchless;
mod by_text;
mod codes;
mod fitted;
mod functions;
mod named;
mod outermost;
mod program;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionConfig;
use jiff::tz::TimeZone;
use keiki_model::calendars::Calendars;
use keiki_model::dataset::ORG_UNIT;
use keiki_model::expression::{Expression, ExpressionError, Expressions};
use keiki_model::problem::nearest;
use keiki_model::text::Text;

use branchless::branchless;
pub use codes::Codes;
use codes::NameFault;
pub(crate) use fitted::{Condition, Fitted, Whole};
use outermost::{Outermost, Pick};
pub(crate) use program::Program;

/// Compiles SQL expressions with the functions that definitions may use.
pub struct SqlExpressions {
    context: SessionContext,
    /// Whether the calendar that counts depends on the org unit.
    asks_for_unit: bool,
}

impl std::fmt::Debug for SqlExpressions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqlExpressions").finish_non_exhaustive()
    }
}

impl SqlExpressions {
    /// Makes a compiler whose functions know the fiscal calendars and the workspace's zone.
    #[must_use]
    pub fn new(calendars: impl Into<Calendars>, zone: TimeZone) -> Self {
        let calendars = calendars.into();
        Self {
            asks_for_unit: !calendars.are_one(),
            context: session(calendars, zone),
        }
    }

    /// Makes a compiler for mappings, which may look up codes and the names of org units too.
    #[must_use]
    pub fn with_codes(calendars: impl Into<Calendars>, zone: TimeZone, codes: Codes) -> Self {
        let expressions = Self::new(calendars, zone);
        for function in codes::all(&Arc::new(codes)) {
            expressions.context.register_udf(function);
        }
        expressions
    }

    /// An expression as it was written; where entities have fiscal years of their own, its functions of the calendar are told
    /// whose row it is.
    fn parsed(&self, sql: &str, frame: &DFSchema) -> Result<Expr, DataFusionError> {
        let expr = self.context.parse_sql_expr(sql, frame)?;
        if !self.asks_for_unit || !frame.has_column_with_unqualified_name(ORG_UNIT) {
            return Ok(expr);
        }
        let told = expr.transform_up(|expr| {
            Ok(match expr {
                Expr::ScalarFunction(mut call) if lacks_unit(&call) => {
                    call.args.push(datafusion::prelude::col(ORG_UNIT));
                    Transformed::yes(Expr::ScalarFunction(call))
                }
                other => Transformed::no(other),
            })
        })?;
        Ok(told.data)
    }
}

/// An expression with its types fitted together, simplified.
fn fitted(expr: Expr, frame: &DFSchema) -> Result<Expr, DataFusionError> {
    // Some functions exist only until they are simplified to others.
    let simplifier = ExprSimplifier::new(
        SimplifyContext::builder()
            .with_schema(Arc::new(frame.clone()))
            .build(),
    );
    simplifier.simplify(simplifier.coerce(expr, frame)?)
}

/// Tells whether a call is one of a function of the calendar without the org unit that it may be given.
fn lacks_unit(call: &ScalarFunction) -> bool {
    let others = functions::OF_CALENDAR
        .iter()
        .find(|(name, _)| *name == call.name());
    others.is_some_and(|(_, others)| call.args.len() == *others)
}

/// Rows that are read and computed at a time: what is done once per batch is spread over many, and they stay near.
const BATCH_ROWS: usize = 1 << 14;

/// Opens a session with the functions of definitions; decimal literals are decimals, never floats.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that opens a session"
)]
pub(crate) fn session(calendars: Calendars, zone: TimeZone) -> SessionContext {
    let mut config = SessionConfig::new()
        .with_target_partitions(2)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(true);
    config.options_mut().sql_parser.parse_float_as_decimal = true;
    // A column that holds the same in all rows of a file, most often nothing, is then not read.
    config.options_mut().execution.collect_statistics = true;
    let context = SessionContext::new_with_config(config);
    for function in functions::all(calendars, zone) {
        context.register_udf(function);
    }
    for (name, pick) in [("least", Pick::Least), ("greatest", Pick::Greatest)] {
        let general = context.state().scalar_functions().get(name).cloned();
        if let Some(general) = general {
            context.register_udf(Outermost::replacing(general, pick));
        }
    }
    context
}

impl Expressions for SqlExpressions {
    fn compile(
        &self,
        sql: &str,
        schema: &SchemaRef,
    ) -> Result<Arc<dyn Expression>, ExpressionError> {
        let frame =
            DFSchema::try_from(schema.as_ref().clone()).map_err(|e| fault(&e, sql, schema))?;
        // Simplifying may drop columns that can have no effect; what the text names has to exist all the same.
        let parsed = self
            .parsed(sql, &frame)
            .map_err(|e| fault(&e, sql, schema))?;
        let mut columns: Vec<String> = parsed
            .column_refs()
            .iter()
            .map(|column| column.name.clone())
            .collect();
        columns.sort();
        columns.dedup();
        // The expression is bound to a schema of just the columns that it reads, so that any batch that has them will do.
        let narrow: Vec<_> = schema
            .fields()
            .iter()
            .filter(|f| columns.contains(f.name()))
            .cloned()
            .collect();
        let narrow = Arc::new(Schema::new(narrow));
        let whole = || {
            let frame = DFSchema::try_from(narrow.as_ref().clone())?;
            let typed = branchless(fitted(parsed, &frame)?, &frame)?;
            let physical = self.context.create_physical_expr(typed, &frame)?;
            let data_type = physical.data_type(&narrow)?;
            Ok::<_, DataFusionError>((physical, data_type))
        };
        let (physical, data_type) = whole().map_err(|e| fault(&e, sql, schema))?;
        Ok(Arc::new(Compiled {
            physical,
            schema: narrow,
            columns,
            data_type,
        }))
    }
}

#[derive(Debug)]
struct Compiled {
    physical: Arc<dyn PhysicalExpr>,
    schema: SchemaRef,
    columns: Vec<String>,
    data_type: DataType,
}

impl Expression for Compiled {
    fn data_type(&self) -> &DataType {
        &self.data_type
    }

    fn columns(&self) -> &[String] {
        &self.columns
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef, String> {
        let rows = batch.num_rows();
        let columns: Vec<ArrayRef> = self
            .schema
            .fields()
            .iter()
            .map(|field| {
                let column = batch
                    .column_by_name(field.name())
                    .ok_or_else(|| format!("the batch has no column `{}`", field.name()))?;
                if column.data_type() == field.data_type() {
                    Ok(Arc::clone(column))
                } else {
                    arrow::compute::cast(column, field.data_type()).map_err(|e| e.to_string())
                }
            })
            .collect::<Result<_, String>>()?;
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows));
        let narrow = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
            .map_err(|e| e.to_string())?;
        let value = self.physical.evaluate(&narrow).map_err(|e| plain(&e))?;
        value.into_array(rows).map_err(|e| plain(&e))
    }
}

/// Strips the engine's own wrapping from an error.
fn plain(error: &DataFusionError) -> String {
    let text = error.strip_backtrace();
    let text = text.split("\n\n").next().unwrap_or(&text);
    let mut rest = text;
    for prefix in [
        "Arrow error: ",
        "Execution error: ",
        "Error during planning: ",
        "Schema error: ",
        "SQL error: ",
        "This feature is not implemented: ",
        "Cast error: ",
        "Parser error: ",
        "Invalid argument error: ",
    ] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    rest.trim().to_owned()
}

/// Turns the engine's error into one that names the column or place at fault.
fn fault(error: &DataFusionError, sql: &str, schema: &SchemaRef) -> ExpressionError {
    if let Some(fault) = name_fault(error) {
        return ExpressionError {
            message: fault.message.clone(),
            hint: Some(fault.hint.clone()),
            offset: find_word(sql, &fault.word),
        };
    }
    let text = plain(error);
    if let Some(name) = unknown_column(&text) {
        let names: Vec<&str> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        let all = names.join(", ");
        let hint = match nearest(&name, names.iter().copied()) {
            Some(near) => Text::new(
                format!("`{near}` ではありませんか。列: {all}"),
                format!("did you mean `{near}`? columns: {all}"),
            ),
            None => Text::new(format!("列: {all}"), format!("columns: {all}")),
        };
        return ExpressionError {
            message: Text::new(
                format!("列 `{name}` はありません"),
                format!("unknown column `{name}`"),
            ),
            hint: Some(hint),
            offset: find_word(sql, &name),
        };
    }
    if let Some(name) = between(&text, "Invalid function '", "'") {
        return ExpressionError {
            message: Text::new(
                format!("関数 `{name}` はありません"),
                format!("unknown function `{name}`"),
            ),
            hint: Some(Text::new(
                "使える関数は定義のリファレンスを参照してください",
                "see the functions in the reference of definitions",
            )),
            offset: find_word(sql, &name),
        };
    }
    let offset = line_and_column(&text).and_then(|(line, column)| {
        let start: usize = sql
            .split_inclusive('\n')
            .take(line.checked_sub(1)?)
            .map(str::len)
            .sum();
        Some((start + column.saturating_sub(1)).min(sql.len()))
    });
    let cut = text
        .find(" at Line:")
        .map_or(text.as_str(), |at| &text[..at]);
    ExpressionError {
        message: Text::new(
            format!("SQLの式として読めません: {cut}"),
            format!("not a valid SQL expression: {cut}"),
        ),
        hint: None,
        offset,
    }
}

/// The fault of a name that a function of mappings found, however deep it lies.
fn name_fault(error: &DataFusionError) -> Option<&NameFault> {
    let mut error: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = error {
        if let Some(fault) = found.downcast_ref::<NameFault>() {
            return Some(fault);
        }
        if let Some(DataFusionError::External(inner)) = found.downcast_ref::<DataFusionError>()
            && let Some(fault) = inner.downcast_ref::<NameFault>()
        {
            return Some(fault);
        }
        error = found.source();
    }
    None
}

fn unknown_column(text: &str) -> Option<String> {
    let rest = text.strip_prefix("No field named ")?;
    let name = rest.trim_start_matches('"');
    let end = name.find(['"', '.', ' ']).unwrap_or(name.len());
    let end = if rest.starts_with('"') {
        name.find('"').unwrap_or(end)
    } else {
        end
    };
    Some(name[..end].trim_end_matches('.').to_owned())
}

fn between(text: &str, start: &str, end: &str) -> Option<String> {
    let rest = &text[text.find(start)? + start.len()..];
    Some(rest[..rest.find(end)?].to_owned())
}

fn line_and_column(text: &str) -> Option<(usize, usize)> {
    let line = between(text, "Line: ", ",")?.trim().parse().ok()?;
    let rest = &text[text.find("Column: ")? + 8..];
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((line, digits.parse().ok()?))
}

/// Finds a word that is not part of a longer one.
fn find_word(sql: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    sql.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = sql[..*at].chars().next_back();
        let after = sql[at + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, BooleanArray, Date32Array, StringArray};
    use arrow::datatypes::Field;
    use keiki_model::calendar::{Calendar, parse_day};

    use super::*;

    fn compiler() -> SqlExpressions {
        SqlExpressions::new(
            Calendar::default(),
            TimeZone::get("Asia/Tokyo").expect("the zone is known"),
        )
    }

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("kind", DataType::Utf8, true),
            Field::new("closed_on", DataType::Date32, true),
        ]))
    }

    #[test]
    fn an_unknown_column_is_named_with_its_place_and_the_nearest() {
        let error = compiler()
            .compile("kind = 'x' and closed_om is null", &schema())
            .expect_err("no such column");
        assert_eq!(
            (error.message.en.as_str(), error.offset),
            ("unknown column `closed_om`", Some(15))
        );
        assert!(error.hint.expect("a hint").en.contains("`closed_on`"));
    }

    #[test]
    fn easy_conditions_look_at_texts_and_flags_alone() {
        let count = |sql: &str| {
            let fitted = compiler().fit(sql, &schema()).expect("it compiles");
            fitted.easy_conditions(&schema()).len()
        };
        assert_eq!(count("kind = 'x' and closed_on is null"), 1);
        assert_eq!(
            count("closed_on > date '2026-04-01' and kind in ('x', 'y')"),
            1
        );
        assert_eq!(count("kind = 'x' or closed_on is null"), 0);
        assert_eq!(count("lower(kind) = 'x'"), 0);
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = compiler()
            .compile("kind = = 'x'", &schema())
            .expect_err("not SQL");
        assert!(error.offset.is_some(), "{error:?}");
    }

    #[test]
    fn fiscal_year_end_knows_the_calendar() {
        let expression = compiler()
            .compile("fiscal_year_end(closed_on)", &schema())
            .expect("it compiles");
        assert_eq!(
            (expression.data_type(), expression.columns()),
            (&DataType::Date32, ["closed_on".to_owned()].as_slice())
        );
        let days = Date32Array::from(vec![parse_day("2026-05-01"), None]);
        let kinds = StringArray::from(vec![Some("a"), None]);
        let batch =
            RecordBatch::try_new(schema(), vec![Arc::new(kinds), Arc::new(days)]).expect("it fits");
        let found = expression.evaluate(&batch).expect("it computes");
        let found = found.as_any().downcast_ref::<Date32Array>().expect("dates");
        assert_eq!(
            (found.value(0), found.is_null(1)),
            (parse_day("2027-03-31").expect("a date"), true)
        );
    }

    #[test]
    fn null_in_a_predicate_stays_null() {
        let expression = compiler()
            .compile("kind = 'a'", &schema())
            .expect("it compiles");
        let batch = RecordBatch::try_new(
            schema(),
            vec![
                Arc::new(StringArray::from(vec![Some("a"), None])),
                Arc::new(Date32Array::from(vec![None, None])),
            ],
        )
        .expect("it fits");
        let found = expression.evaluate(&batch).expect("it computes");
        let found = found
            .as_any()
            .downcast_ref::<BooleanArray>()
            .expect("booleans");
        assert!(found.value(0) && found.is_null(1));
    }

    fn mapping() -> SqlExpressions {
        use keiki_model::codes::CodeList;
        use keiki_model::org::{OrgUnitNames, Organisation};
        let org = "id,parent_id,name_ja,name_en,kind,country,valid_from,valid_until,successor_id\n\
                   HD,,架空,Fictional,group,JP,,,\nJP1,HD,甲,A,subsidiary,JP,,,\n";
        let organisation = Organisation::read("org.csv", org).expect("the tree is sound");
        let aliases = "form,text,org_unit,valid_from,valid_until\naddress,10.0.0.0/8,JP1,,\n";
        let org_units = OrgUnitNames::of(&organisation)
            .with_aliases("aliases.csv", aliases)
            .expect("the aliases are sound");
        let list = CodeList::read("sites", "lists/sites.csv", "code,unit\nT,JP1\n")
            .expect("the list is sound");
        let codes = Codes {
            lists: [("sites".to_owned(), list)].into(),
            org_units,
        };
        let zone = TimeZone::get("Asia/Tokyo").expect("the zone is known");
        SqlExpressions::with_codes(Calendar::default(), zone, codes)
    }

    fn text_schema() -> SchemaRef {
        let text = |name: &str| Field::new(name, DataType::Utf8, true);
        Arc::new(Schema::new(vec![text("Site"), text("ip")]))
    }

    #[test]
    fn mappings_look_up_codes_and_org_units() {
        let sites = StringArray::from(vec![Some("T"), Some("X"), None]);
        let addresses = StringArray::from(vec![None, Some("10.1.2.3"), Some("192.0.2.1")]);
        let batch = RecordBatch::try_new(text_schema(), vec![Arc::new(sites), Arc::new(addresses)])
            .expect("the batch is well-formed");
        for (sql, expected) in [
            (
                "lookup('sites', \"Site\", 'unit')",
                [Some("JP1"), None, None],
            ),
            (
                "org_unit(\"Site\", ip)",
                [Some("T"), Some("JP1"), Some("192.0.2.1")],
            ),
            (
                "coalesce(lookup('sites', \"Site\", 'unit'), org_unit(ip))",
                [Some("JP1"), Some("JP1"), Some("192.0.2.1")],
            ),
            ("lookup('sites', 'T', 'unit')", [Some("JP1"); 3]),
        ] {
            let compiled = mapping().compile(sql, &text_schema()).expect("it compiles");
            let found = compiled.evaluate(&batch).expect("it can be computed");
            let found: Vec<Option<&str>> = arrow::array::AsArray::as_string::<i32>(&found)
                .iter()
                .collect();
            assert_eq!(found, expected, "{sql}");
        }
    }

    #[test]
    fn an_unknown_list_or_column_is_named_at_its_place() {
        for (sql, message, offset) in [
            (
                "lookup('site', \"Site\", 'unit')",
                "unknown code list `site`",
                8,
            ),
            (
                "upper(lookup('sites', \"Site\", 'units'))",
                "code list `sites` has no column `units`",
                31,
            ),
        ] {
            let error = mapping()
                .compile(sql, &text_schema())
                .expect_err("the name is wrong");
            assert_eq!(
                (error.message.en.as_str(), error.offset),
                (message, Some(offset))
            );
            assert!(
                error
                    .hint
                    .is_some_and(|hint| hint.en.contains("did you mean"))
            );
        }
        let error = compiler()
            .compile("lookup('sites', \"Site\", 'unit')", &text_schema())
            .expect_err("definitions of figures look up nothing");
        assert_eq!(error.message.en, "unknown function `lookup`");
    }
}
