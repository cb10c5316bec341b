//! Decides from what each column of the dataset is made: an expression, the source's column of the
//! same name, or nothing.

mod names;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use keiki_model::dataset::{ColumnType, Dataset, DatasetKind};
use keiki_model::document::Located;
use keiki_model::expression::{Expression, Expressions};
use keiki_model::problem::{Place, Problem, nearest};
use keiki_model::text::Text;

use crate::convert::misfit;
use crate::error::IngestError;
use crate::extract::AbsentColumn;
use crate::source::{EFFECTIVE_ON, Source};
use names::reference;
pub(crate) use names::{identifiers, named, wanted};

/// The column name under which a load of history reports its knowledge time.
pub(crate) const KNOWN_AT: &str = "known_at";

/// The column name under which a load of history reports the order of versions.
pub(crate) const ORDER: &str = "order";

/// Says from what a column is made.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// From nothing: it is null.
    Absent,
    /// From the source's column of that number.
    Column(usize),
    /// From an expression over the source's columns.
    Expression(Arc<dyn Expression>),
}

/// A column to be made.
#[derive(Debug, Clone)]
pub(crate) struct Mapped {
    pub(crate) name: String,
    pub(crate) kind: ColumnType,
    pub(crate) origin: Origin,
    /// Whether its values name a person, or come from values that do, and must not be repeated in a
    /// reason.
    pub(crate) is_hidden: bool,
}

/// Whether a required column may be made from nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Required {
    /// No: all columns of the evidence are known.
    Held,
    /// Yes: a later chunk may have it, and what lacks it is rejected row by row.
    Open,
}

/// The mapping of the chunks that have the same columns.
#[derive(Debug)]
pub(crate) struct Mapping {
    /// The dataset's columns in their order.
    pub(crate) columns: Vec<Mapped>,
    /// The day from which a row holds.
    pub(crate) effective_on: Option<Mapped>,
    /// The knowledge time of a load of history.
    pub(crate) known_at: Option<Mapped>,
    /// The order among versions of a load of history.
    pub(crate) order: Option<Mapped>,
    /// The source's columns, with those that the mapping names and the evidence leaves out.
    schema: SchemaRef,
    /// Nulls by type, for the columns that are made from nothing: chunks share them.
    nulls: Mutex<HashMap<DataType, ArrayRef>>,
}

impl Mapping {
    /// Compiles the mapping for evidence with the columns of `schema`, all of them text, and some that were not kept.
    ///
    /// # Errors
    /// All expressions that do not compile, and all required columns that are made from nothing.
    pub(crate) fn new(
        source: &Source,
        dataset: &Dataset,
        (schema, unread): (&SchemaRef, &[String]),
        (absent, required): (AbsentColumn, Required),
        expressions: &dyn Expressions,
    ) -> Result<Self, IngestError> {
        let mut compiler = Compiler {
            source,
            expressions,
            schema: Arc::clone(schema),
            unread,
            problems: Vec::new(),
        };
        if absent == AbsentColumn::Null {
            compiler.add_absent_columns(dataset);
        }
        let columns = dataset
            .columns
            .iter()
            .map(|column| {
                let origin = compiler.column(&column.name, column.kind);
                if required == Required::Held
                    && column.required
                    && column.lookup.is_none()
                    && dataset.minted_column() != Some(&column.name)
                    && matches!(origin, Some(Origin::Absent))
                {
                    compiler.report_missing(&column.name);
                }
                Mapped {
                    name: column.name.clone(),
                    kind: column.kind,
                    origin: origin.unwrap_or(Origin::Absent),
                    is_hidden: column.personal,
                }
            })
            .collect();
        let effective_on = (dataset.kind == DatasetKind::Register
            && dataset.column(EFFECTIVE_ON).is_none())
        .then(|| compiler.extra(EFFECTIVE_ON, ColumnType::Date, None))
        .filter(|mapped| !matches!(mapped.origin, Origin::Absent));
        let history = source.history.as_ref();
        let known_at =
            history.map(|h| compiler.extra(KNOWN_AT, ColumnType::Instant, Some(&h.known_at)));
        let order = history
            .and_then(|h| h.order.as_ref())
            .map(|order| compiler.extra(ORDER, ColumnType::Integer, Some(order)));
        let Compiler {
            schema, problems, ..
        } = compiler;
        if !problems.is_empty() {
            return Err(IngestError::Definition { problems });
        }
        let mut mapping = Self {
            columns,
            effective_on,
            known_at,
            order,
            schema,
            nulls: Mutex::default(),
        };
        mapping.hide_what_personal_columns_read();
        Ok(mapping)
    }

    /// The rows of a chunk with the columns that the mapping expects.
    ///
    /// # Errors
    /// The chunk has other columns than those for which the mapping was made, which is a fault of Keiki.
    pub(crate) fn rows(&self, chunk: &RecordBatch) -> Result<RecordBatch, IngestError> {
        let mut arrays = chunk.columns().to_vec();
        arrays.resize_with(self.schema.fields().len(), || {
            new_null_array(&DataType::Utf8, chunk.num_rows())
        });
        let options = RecordBatchOptions::new().with_row_count(Some(chunk.num_rows()));
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options)
            .map_err(|e| IngestError::internal(&e))
    }

    /// So many nulls of a type.
    pub(crate) fn nulls(&self, kind: &DataType, count: usize) -> ArrayRef {
        let mut kept = self.nulls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(nulls) = kept.get(kind).filter(|nulls| nulls.len() >= count) {
            return nulls.slice(0, count);
        }
        let nulls = new_null_array(kind, count);
        kept.insert(kind.clone(), Arc::clone(&nulls));
        nulls
    }

    /// A column made from what a personal column is made from may show a person too.
    fn hide_what_personal_columns_read(&mut self) {
        let schema = Arc::clone(&self.schema);
        let reads = |origin: &Origin| -> Vec<String> {
            match origin {
                Origin::Absent => Vec::new(),
                Origin::Column(number) => vec![schema.field(*number).name().clone()],
                Origin::Expression(expression) => expression.columns().to_vec(),
            }
        };
        let personal: BTreeSet<String> = self
            .columns
            .iter()
            .filter(|c| c.is_hidden)
            .flat_map(|c| reads(&c.origin))
            .collect();
        let others = [&mut self.effective_on, &mut self.known_at, &mut self.order];
        for mapped in self.columns.iter_mut().chain(others.into_iter().flatten()) {
            mapped.is_hidden |= reads(&mapped.origin)
                .iter()
                .any(|name| personal.contains(name));
        }
    }
}

struct Compiler<'c> {
    source: &'c Source,
    expressions: &'c dyn Expressions,
    schema: SchemaRef,
    unread: &'c [String],
    problems: Vec<Problem>,
}

impl Compiler<'_> {
    /// Finds the origin of a dataset's column; `None` where its expression is at fault, which is
    /// reported.
    fn column(&mut self, name: &str, kind: ColumnType) -> Option<Origin> {
        match self.source.mapping(name) {
            Some(sql) => self.expression(name, kind, sql),
            None => Some(
                self.schema
                    .index_of(name)
                    .map_or(Origin::Absent, Origin::Column),
            ),
        }
    }

    /// Makes a column that is not the dataset's.
    fn extra(&mut self, name: &str, kind: ColumnType, sql: Option<&Located>) -> Mapped {
        let origin = match sql {
            Some(sql) => self.expression(name, kind, sql),
            None => self.column(name, kind),
        };
        Mapped {
            name: name.to_owned(),
            kind,
            origin: origin.unwrap_or(Origin::Absent),
            is_hidden: false,
        }
    }

    fn expression(&mut self, name: &str, kind: ColumnType, sql: &Located) -> Option<Origin> {
        let schema = Arc::clone(&self.schema);
        // A bare reference needs no engine.
        if let Some(number) = reference(&sql.value).and_then(|name| schema.index_of(&name).ok()) {
            return Some(Origin::Column(number));
        }
        let compiled = match self.expressions.compile(&sql.value, &schema) {
            Ok(compiled) => compiled,
            Err(error) => {
                let mut problem = error.into_problem(sql);
                if problem.place.file.is_empty() {
                    problem.place = Place::file(&self.source.file);
                }
                self.problems.push(problem);
                return None;
            }
        };
        if let Some(hint) = misfit(compiled.data_type(), kind) {
            let message = Text::new(
                format!(
                    "`{name}` は {} 型ですが、式の結果は {} です",
                    kind.name(),
                    compiled.data_type()
                ),
                format!(
                    "`{name}` is {}, but its expression yields {}",
                    kind.name(),
                    compiled.data_type()
                ),
            );
            self.problems
                .push(Problem::new(sql.place.clone(), message).hint(hint));
            return None;
        }
        Some(Origin::Expression(compiled))
    }

    fn report_missing(&mut self, name: &str) {
        let schema = Arc::clone(&self.schema);
        let names = || {
            let kept = schema.fields().iter().map(|field| field.name().as_str());
            kept.chain(self.unread.iter().map(String::as_str))
        };
        let near = nearest(name, names());
        let example = near.map_or_else(|| "…".to_owned(), |near| format!("\\\"{near}\\\""));
        let hint = match near {
            Some(_) => Text::new(
                format!("[columns] の {name} = \"{example}\" ではありませんか"),
                format!("did you mean {name} = \"{example}\" in [columns]?"),
            ),
            None => Text::new(
                format!("[columns] で対応付けてください(例: {name} = \"'…'\")"),
                format!("map it in [columns], for example {name} = \"'…'\""),
            ),
        };
        let message = Text::new(
            format!(
                "必須の列 `{name}` が対応付けにも証跡の列にもありません(証跡の列: {})",
                shown(names())
            ),
            format!(
                "required column `{name}` is neither mapped nor a column of the evidence, which has: {}",
                shown(names())
            ),
        );
        self.problems
            .push(Problem::new(Place::file(&self.source.file), message).hint(hint));
    }

    /// Adds the columns that expressions name and no record has, as null: such formats leave out
    /// what is null.
    fn add_absent_columns(&mut self, dataset: &Dataset) {
        let schema = &self.schema;
        let history = self.source.history.iter();
        let sqls = dataset
            .columns
            .iter()
            .filter_map(|column| self.source.mapping(&column.name))
            .chain(self.source.columns.iter().map(|(_, sql)| sql))
            .chain(history.flat_map(|h| std::iter::once(&h.known_at).chain(h.order.as_ref())));
        let absent: BTreeSet<String> = sqls
            .flat_map(|sql| identifiers(&sql.value))
            .filter(|name| schema.index_of(name).is_err())
            .collect();
        let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
        let absent = absent.into_iter();
        fields.extend(absent.map(|name| Arc::new(Field::new(name, DataType::Utf8, true))));
        self.schema = Arc::new(Schema::new(fields));
    }
}

/// Lists names for a message, not more than can be read.
fn shown<'n>(names: impl Iterator<Item = &'n str>) -> String {
    const SHOWN: usize = 40;
    let names: Vec<&str> = names.collect();
    match names.len() {
        0 => "none".to_owned(),
        1..=SHOWN => names.join(", "),
        more => format!("{} and {} more", names[..SHOWN].join(", "), more - SHOWN),
    }
}
