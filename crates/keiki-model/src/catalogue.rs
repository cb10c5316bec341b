//! The whole of datasets and KPIs, checked together.

mod context;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::{DataType, Schema, SchemaRef};

use crate::dataset::{Dataset, DatasetKind, ORG_UNIT, OrgUnits, read_dataset};
use crate::document::Located;
use crate::expression::{Expression, Expressions};
use crate::kpi::{Clock, Formula, Kpi, Measure, Parameter, read_kpi_in_part};
use crate::parallel::in_parallel;
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

/// All definitions of a workspace.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// Datasets by name.
    pub datasets: BTreeMap<String, Arc<Dataset>>,
    /// KPIs in order of their numbers.
    pub kpis: Vec<Arc<Kpi>>,
}

/// What could be read of definitions in which something is wrong: enough to look for what else is.
#[derive(Debug)]
pub struct Faulty {
    /// What is wrong so far.
    pub problems: Vec<Problem>,
    catalogue: Catalogue,
}

impl Faulty {
    /// What is wrong with the expressions beside, in the KPIs that could be read in part. A parameter that cannot be read is
    /// no further fault where it is used.
    #[must_use]
    pub fn check(&self, expressions: &dyn Expressions) -> Vec<Problem> {
        let mut problems = Vec::new();
        for kpi in &self.catalogue.kpis {
            for measure in &kpi.measures {
                let Some(dataset) = self.catalogue.datasets.get(&measure.dataset.value) else {
                    continue;
                };
                for sql in measure.expressions() {
                    let Ok(bound) = bind(sql, &kpi.parameters) else {
                        continue;
                    };
                    let compiled = expressions.compile(&bound.value, &dataset.schema());
                    problems.extend(compiled.err().map(|error| error.into_problem(&bound)));
                }
            }
        }
        problems
    }
}

impl Catalogue {
    /// Reads definitions from (file, text) pairs; each file is a dataset or a KPI by the folder that it came from.
    ///
    /// # Errors
    /// All problems of all files.
    pub fn read(
        datasets: &[(String, String)],
        kpis: &[(String, String)],
    ) -> Result<Self, Vec<Problem>> {
        Self::read_in_part(datasets, kpis).map_err(|faulty| faulty.problems)
    }

    /// Reads definitions, and keeps what could be read where something is wrong.
    ///
    /// # Errors
    /// All problems of all files, with what is left.
    pub fn read_in_part(
        datasets: &[(String, String)],
        kpis: &[(String, String)],
    ) -> Result<Self, Box<Faulty>> {
        let mut problems = Vec::new();
        let mut catalogue = Self::default();
        let read = |(file, text): &(String, String)| read_dataset(file, text);
        let all = in_parallel(datasets.iter().collect(), read);
        for ((file, _), read) in datasets.iter().zip(all) {
            match read {
                Ok(dataset) => {
                    let dataset = Arc::new(dataset);
                    if let Some(first) = catalogue
                        .datasets
                        .insert(dataset.name.clone(), Arc::clone(&dataset))
                    {
                        problems.push(
                            Problem::new(
                                Place::file(file),
                                Text::new(
                                    format!(
                                        "データ種別 {} が二つあります(一つ目: {})",
                                        dataset.name, first.file
                                    ),
                                    format!(
                                        "two datasets are named {}; the first is {}",
                                        dataset.name, first.file
                                    ),
                                ),
                            )
                            .hint(Text::new(
                                "一方の名前を変えてください",
                                "give one of them another name",
                            )),
                        );
                    }
                }
                Err(found) => problems.extend(found),
            }
        }
        let read = |(file, text): &(String, String)| read_kpi_in_part(file, text);
        for (kpi, found) in in_parallel(kpis.iter().collect(), read) {
            catalogue.kpis.extend(kpi.map(Arc::new));
            problems.extend(found);
        }
        catalogue.kpis.sort_by_key(|kpi| kpi.no);
        for pair in catalogue.kpis.windows(2) {
            if pair[0].no == pair[1].no {
                problems.push(
                    Problem::new(
                        Place::file(&pair[1].file),
                        Text::new(
                            format!(
                                "番号 {} のKPIが二つあります(一つ目: {})",
                                pair[1].no, pair[0].file
                            ),
                            format!(
                                "two KPIs have the number {}; the first is {}",
                                pair[1].no, pair[0].file
                            ),
                        ),
                    )
                    .hint(Text::new(
                        "自組織のKPIには1000以上の番号を付けてください",
                        "an organisation's own KPIs have numbers from 1000",
                    )),
                );
            }
        }
        let mut by_code: BTreeMap<&str, &Kpi> = BTreeMap::new();
        for kpi in &catalogue.kpis {
            if let Some(first) = by_code.insert(&kpi.code, kpi) {
                problems.push(
                    Problem::new(
                        Place::file(&kpi.file),
                        Text::new(
                            format!(
                                "コード {} のKPIが二つあります(一つ目: {})",
                                kpi.code, first.file
                            ),
                            format!(
                                "two KPIs have the code {}; the first is {}",
                                kpi.code, first.file
                            ),
                        ),
                    )
                    .hint(Text::new(
                        "コマンドはKPIをコードで指定するため、一方のコードを変えてください",
                        "commands take a KPI by its code; give one of them another",
                    )),
                );
            }
        }
        if problems.is_empty() {
            Ok(catalogue)
        } else {
            Err(Box::new(Faulty {
                problems,
                catalogue,
            }))
        }
    }

    /// Finds a KPI by its number or code.
    #[must_use]
    pub fn kpi(&self, no_or_code: &str) -> Option<&Arc<Kpi>> {
        self.kpis
            .iter()
            .find(|kpi| kpi.no.to_string() == no_or_code || kpi.code == no_or_code)
    }

    /// Checks every expression against the columns that it reads, and every name against what it names. Files of which
    /// `is_sound` says that this was done before are left out; what they say of one another must be the same as then.
    #[must_use]
    pub fn check(
        &self,
        expressions: &dyn Expressions,
        is_sound: &dyn Fn(&str) -> bool,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for dataset in self.datasets.values().filter(|of| !is_sound(&of.file)) {
            self.check_dataset(dataset, expressions, &mut problems);
        }
        for kpi in self.kpis.iter().filter(|kpi| !is_sound(&kpi.file)) {
            for measure in &kpi.measures {
                self.check_measure(kpi, measure, expressions, &mut problems);
            }
        }
        problems.sort_by(|a, b| a.place.cmp(&b.place));
        problems
    }

    fn check_dataset(
        &self,
        dataset: &Dataset,
        expressions: &dyn Expressions,
        problems: &mut Vec<Problem>,
    ) {
        let schema = full_schema(dataset);
        for rule in &dataset.rules {
            expect_type(
                expressions,
                &rule.require,
                &schema,
                Expected::Condition,
                problems,
            );
        }
        for column in &dataset.columns {
            let Some(lookup) = &column.lookup else {
                continue;
            };
            let other = self.datasets.get(&lookup.dataset);
            let fits = other.is_some_and(|other| {
                other
                    .column(&lookup.column)
                    .is_some_and(|c| c.kind == column.kind)
                    && other.key.len() == lookup.key.len()
            });
            let has_key = lookup.key.iter().all(|key| dataset.column(key).is_some());
            if !fits || !has_key || dataset.kind != DatasetKind::Fact {
                problems.push(
                    Problem::new(lookup.place.clone(), Text::new(format!("列 `{}` は {} を参照できません", column.name, lookup.dataset), format!("column `{}` cannot be looked up in {}", column.name, lookup.dataset)))
                        .hint(Text::new("参照元は事象データ種別とし、参照先には同じ型の列を持つ既存のデータ種別と、そのキーに対応する列をすべて指定してください", "a lookup needs a fact, an existing dataset and column of the same type, and one column per part of its key")),
                );
            }
        }
        if let Some(distinct) = &dataset.distinct {
            let Some(input) = self.datasets.get(&distinct.dataset.value) else {
                problems.push(self.unknown_dataset(&distinct.dataset));
                return;
            };
            let schema = full_schema(input);
            if input.column(&distinct.by.value).is_none() || input.org_units == OrgUnits::None {
                problems.push(Problem::new(
                    distinct.by.place.clone(),
                    Text::new(
                        format!(
                            "{} にその列、または組織の列がありません: {}",
                            input.name, distinct.by.value
                        ),
                        format!(
                            "{} has no such column, or no org units: {}",
                            input.name, distinct.by.value
                        ),
                    ),
                ));
            }
            for (sql, expected) in [
                (&distinct.filter, Expected::Condition),
                (&distinct.from, Expected::Date),
                (&distinct.until, Expected::Date),
            ] {
                if let Some(sql) = sql {
                    expect_type(expressions, sql, &schema, expected, problems);
                }
            }
        }
    }

    fn unknown_dataset(&self, name: &Located) -> Problem {
        let names = self.datasets.keys().map(String::as_str);
        let hint = nearest(&name.value, names.clone()).map_or_else(
            || {
                Text::new(
                    format!(
                        "データ種別: {}",
                        names.clone().collect::<Vec<_>>().join(", ")
                    ),
                    format!("datasets: {}", names.collect::<Vec<_>>().join(", ")),
                )
            },
            |near| {
                Text::new(
                    format!("`{near}` ではありませんか"),
                    format!("did you mean `{near}`?"),
                )
            },
        );
        Problem::new(
            name.place.clone(),
            Text::new(
                format!("データ種別 `{}` はありません", name.value),
                format!("unknown dataset `{}`", name.value),
            ),
        )
        .hint(hint)
    }

    fn check_measure(
        &self,
        kpi: &Kpi,
        measure: &Measure,
        expressions: &dyn Expressions,
        problems: &mut Vec<Problem>,
    ) {
        let Some(dataset) = self.datasets.get(&measure.dataset.value) else {
            problems.push(self.unknown_dataset(&measure.dataset));
            return;
        };
        if dataset.org_units == OrgUnits::None {
            problems.push(
                Problem::new(
                    measure.dataset.place.clone(),
                    Text::new(
                        format!(
                            "データ種別 {} には組織の列がないため測定できません",
                            dataset.name
                        ),
                        format!("dataset {} has no org units to measure", dataset.name),
                    ),
                )
                .hint(Text::new(
                    format!("基本測定量には、列 `{ORG_UNIT}` を持つデータ種別を使ってください"),
                    format!("measures need a dataset with the column `{ORG_UNIT}`"),
                )),
            );
        }
        let is_fact = dataset.kind == DatasetKind::Fact;
        let schema = dataset.schema();
        let mut check = |sql: &Located, expected: Expected| match bind(sql, &kpi.parameters) {
            Err(problem) => problems.push(problem),
            Ok(bound) => expect_type(expressions, &bound, &schema, expected, problems),
        };
        if let Some(sql) = &measure.filter {
            check(sql, Expected::Condition);
        }
        if let Some(sql) = &measure.group {
            check(sql, Expected::Text);
        }
        let reads_dates = kpi.indicators.iter().any(|i| {
            matches!(&i.formula, Formula::DaysLate(m) | Formula::Lowest(m) | Formula::Highest(m) | Formula::Latest(m) if *m == measure.name)
        });
        if let Some(sql) = &measure.value {
            check(
                sql,
                if reads_dates {
                    Expected::NumberOrDate
                } else {
                    Expected::Number
                },
            );
        }
        let clock_place = match &measure.clock {
            Clock::Stock { from, until } => {
                for sql in from.iter().chain(until) {
                    check(sql, Expected::Date);
                }
                None
            }
            Clock::Flow { on } => {
                check(on, Expected::Date);
                Some(&on.place)
            }
            Clock::Spell { begins, ends } => {
                check(begins, Expected::DateOrInstant);
                check(ends, Expected::DateOrInstant);
                Some(&begins.place)
            }
        };
        if let Some(place) = clock_place.filter(|_| !is_fact) {
            problems.push(
                Problem::new(
                    place.clone(),
                    Text::new(format!(
                        "データ種別 {} は台帳です。flow と spell は事象だけを数えます",
                        dataset.name
                    ), format!(
                        "dataset {} is a register; flows and spells count facts only",
                        dataset.name
                    )),
                )
                .hint(Text::new("clock を `stock` にして from と until を指定するか、データ種別を事象にしてください", "use the clock `stock` with from and until, or make the dataset a fact")),
            );
        }
        let no_from = matches!(&measure.clock, Clock::Stock { from: None, .. });
        if is_fact && no_from {
            problems.push(
                Problem::new(
                    measure.dataset.place.clone(),
                    Text::new(format!(
                        "基本測定量 `{}` は、事象を `from` なしの stock で数えています",
                        measure.name
                    ), format!(
                        "measure `{}` counts facts as a stock without `from`",
                        measure.name
                    )),
                )
                .hint(Text::new("事象は初めから成り立つとみなされるため、数え始める日を from に指定してください", "a fact holds from its beginning; say from which date it counts")),
            );
        }
    }
}

/// The schema of all columns, journalled or not, for rules over rows.
#[must_use]
pub fn full_schema(dataset: &Dataset) -> SchemaRef {
    let fields: Vec<_> = dataset
        .columns
        .iter()
        .map(|c| arrow::datatypes::Field::new(&c.name, c.kind.arrow(), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// The type that an expression must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Condition,
    Number,
    NumberOrDate,
    Date,
    DateOrInstant,
    Text,
}

impl Expected {
    fn holds(self, found: &DataType) -> bool {
        let is_number = matches!(found, DataType::Decimal128(..)) || found.is_integer();
        match self {
            Self::Condition => *found == DataType::Boolean,
            Self::Number => is_number,
            Self::NumberOrDate => is_number || *found == DataType::Date32,
            Self::Date => *found == DataType::Date32,
            Self::DateOrInstant => matches!(found, DataType::Date32 | DataType::Timestamp(..)),
            Self::Text => matches!(
                found,
                DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::Dictionary(..)
            ),
        }
    }

    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Condition => ("条件式(真偽値)", "a condition (true or false)"),
            Self::Number => ("整数または十進数", "an integer or a decimal"),
            Self::NumberOrDate => ("整数、十進数または日付", "an integer, a decimal or a date"),
            Self::Date => ("日付", "a date"),
            Self::DateOrInstant => ("日付または日時", "a date or an instant"),
            Self::Text => ("文字列", "a text"),
        }
    }
}

fn expect_type(
    expressions: &dyn Expressions,
    sql: &Located,
    schema: &SchemaRef,
    expected: Expected,
    problems: &mut Vec<Problem>,
) {
    let compiled: Arc<dyn Expression> = match expressions.compile(&sql.value, schema) {
        Ok(compiled) => compiled,
        Err(error) => {
            problems.push(error.into_problem(sql));
            return;
        }
    };
    let found = compiled.data_type();
    if !expected.holds(found) {
        let hint = if found.is_floating() {
            Text::new(
                "数値は正確に扱うため、除算や浮動小数点の関数を避け、必要なら decimal(p,s) に変換してください",
                "figures are exact: avoid division and floating-point functions; cast to decimal(p,s) where needed",
            )
        } else {
            Text::new(
                "データ種別の列の型を確かめてください",
                "see the types of the dataset's columns",
            )
        };
        problems.push(
            Problem::new(
                sql.place.clone(),
                Text::new(
                    format!(
                        "式は{}でなければなりません(現在は{found})",
                        expected.words().0
                    ),
                    format!(
                        "the expression should be {}, found {found}",
                        expected.words().1
                    ),
                ),
            )
            .hint(hint),
        );
    }
}

/// Puts the defaults of parameters in the place of `$name`, outside quoted texts.
///
/// # Errors
/// A `$name` that is no parameter.
pub fn bind(sql: &Located, parameters: &[Parameter]) -> Result<Located, Problem> {
    let values: HashMap<&str, String> = parameters
        .iter()
        .map(|p| (p.name.as_str(), literal(p)))
        .collect();
    let mut bound = String::with_capacity(sql.value.len());
    let mut is_quoted = false;
    let mut rest = sql.value.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        if c == '\'' {
            is_quoted = !is_quoted;
        }
        if c != '$' || is_quoted {
            bound.push(c);
            continue;
        }
        let mut name = String::new();
        while let Some((_, c)) = rest.next_if(|(_, c)| c.is_alphanumeric() || *c == '_') {
            name.push(c);
        }
        if let Some(value) = values.get(name.as_str()) {
            bound.push_str(value);
        } else {
            let mut place = sql.place.clone();
            place.column += sql.value[..at].chars().count();
            let hint = nearest(&name, values.keys().copied()).map_or_else(
                || Text::new("[parameters] に加えてください", "add it to [parameters]"),
                |near| {
                    Text::new(
                        format!("`${near}` ではありませんか"),
                        format!("did you mean `${near}`?"),
                    )
                },
            );
            return Err(Problem::new(
                place,
                Text::new(
                    format!("パラメータ `${name}` はありません"),
                    format!("unknown parameter `${name}`"),
                ),
            )
            .hint(hint));
        }
    }
    Ok(Located {
        value: bound,
        place: sql.place.clone(),
    })
}

/// The SQL of a parameter: its value, by org unit where some have another.
fn literal(parameter: &Parameter) -> String {
    let default = literal_of(parameter, &parameter.default.value);
    if parameter.by_unit.is_empty() {
        return default;
    }
    let mut sql = String::from("(case");
    for (value, units) in &parameter.by_unit {
        let ids: Vec<String> = units
            .iter()
            .map(|id| format!("'{}'", id.replace('\'', "''")))
            .collect();
        let value = literal_of(parameter, value);
        sql.push_str(&format!(
            " when {ORG_UNIT} in ({}) then {value}",
            ids.join(", ")
        ));
    }
    format!("{sql} else {default} end)")
}

fn literal_of(parameter: &Parameter, value: &str) -> String {
    use crate::dataset::ColumnType;
    match parameter.kind {
        ColumnType::Text => format!("'{}'", value.replace('\'', "''")),
        ColumnType::Date => format!("DATE '{value}'"),
        ColumnType::Instant => format!("TIMESTAMP '{value}'"),
        ColumnType::Decimal { precision, scale } => {
            format!("CAST({value} AS DECIMAL({precision},{scale}))")
        }
        ColumnType::Integer | ColumnType::Boolean => value.to_owned(),
    }
}
