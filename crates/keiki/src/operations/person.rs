//! One person: where the books have the person, the rows for a request of the data subject, and erasure.

use std::collections::BTreeSet;

use arrow::array::{AsArray, RecordBatch};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use keiki_model::dataset::Dataset;
use keiki_model::text::Text;
use keiki_store::{Journal, Person, PersonEvent, PersonLog};

use super::programme::Run;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whom {
    /// The person of this value, or of whose value it is a part.
    Named(String),
    /// The person for whom this token stands.
    Token(String),
}

/// A person with the records that carry the person.
#[derive(Debug, Clone)]
pub struct Found {
    /// The person.
    pub person: Person,
    /// Datasets with how many records of each.
    pub records: Vec<(String, i64)>,
}

/// A row that carries a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The dataset.
    pub dataset: String,
    /// The columns with their values, in order; null is absent.
    pub columns: Vec<(String, String)>,
}

/// What erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// The token that now stands for nobody.
    pub token: String,
    /// Raw files that were taken away.
    pub files: usize,
    /// Records that still carry the token; no figure changes.
    pub records: i64,
}

/// Why and by whom something is done about a person.
#[derive(Debug, Clone)]
pub struct Grounds {
    /// Why.
    pub reason: String,
    /// Who, and when.
    pub run: Run,
}

/// Finds people and where the books have them.
///
/// # Errors
/// Nobody is found, or the journal cannot be read.
pub async fn find(workspace: &Workspace, whom: &Whom, grounds: &Grounds) -> Result<Vec<Found>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let mut found = Vec::new();
    for person in people(&journal, whom).await? {
        let records = records(workspace, &journal, &person.token).await?;
        let count = records.iter().map(|(_, count)| count).sum();
        note(workspace, "find", Some(&person.token), count, grounds).await?;
        found.push(Found { person, records });
    }
    Ok(found)
}

/// Every row that ever carried one person, with what is personal of others still as tokens.
///
/// # Errors
/// Nobody or several are found, or the journal cannot be read.
pub async fn export(
    workspace: &Workspace,
    whom: &Whom,
    grounds: &Grounds,
) -> Result<Vec<PersonRow>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let person = one(&journal, whom).await?;
    let engine = workspace.engine();
    let mut rows = Vec::new();
    for dataset in workspace.datasets() {
        let Some(condition) = carries(&dataset, &person.token) else {
            continue;
        };
        let query = format!(
            "select * from \"{}\" where ({condition}) and weight > 0 order by record_key, effective_on, seq",
            dataset.name
        );
        for batch in engine.sql(&journal, &query).await? {
            let options = FormatOptions::default();
            let fault = Error::stopped;
            for row in 0..batch.num_rows() {
                let mut columns = Vec::new();
                for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                    let is_of_journal = ["weight", "batch_id"].contains(&field.name().as_str());
                    if is_of_journal || column.is_null(row) {
                        continue;
                    }
                    let shown = ArrayFormatter::try_new(column.as_ref(), &options);
                    let shown = shown.map_err(fault)?.value(row).to_string();
                    let shown = shown.replace(&person.token, &person.value);
                    columns.push((field.name().clone(), shown));
                }
                let dataset = dataset.name.clone();
                rows.push(PersonRow { dataset, columns });
            }
        }
    }
    let count = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    note(workspace, "export", Some(&person.token), count, grounds).await?;
    Ok(rows)
}

/// Forgets one person: raw files that hold the person give way to tombstones, and the token stands for nobody. No figure
/// changes, since the token stays where it is.
///
/// # Errors
/// Nobody or several are found, or the journal cannot be written.
pub async fn erase(workspace: &Workspace, whom: &Whom, grounds: &Grounds) -> Result<Erased> {
    let journal = workspace.journal(Opening::Existing).await?;
    let person = one(&journal, whom).await?;
    let records = records(workspace, &journal, &person.token).await?;
    let mut sources = BTreeSet::new();
    for (dataset, _) in &records {
        sources.extend(sources_of(workspace, &journal, dataset, &person.token).await?);
    }
    let files = journal.raw_with(&person.value, &sources).await?;
    for file in &files {
        journal
            .redact_raw(file, "a person was erased; see `keiki person log`")
            .await?;
    }
    journal.tokens().erase(&person.value).await?;
    let erased = Erased {
        token: person.token,
        files: files.len(),
        records: records.iter().map(|(_, count)| count).sum(),
    };
    let count = i64::try_from(erased.files).unwrap_or(i64::MAX);
    note(workspace, "erase", Some(&erased.token), count, grounds).await?;
    Ok(erased)
}

/// What was done about people, in order.
///
/// # Errors
/// The database cannot be read.
pub async fn log(workspace: &Workspace) -> Result<Vec<PersonEvent>> {
    Ok(book(workspace).await?.events().await?)
}

async fn book(workspace: &Workspace) -> Result<PersonLog> {
    Ok(PersonLog::open(&workspace.database()?).await?)
}

/// Notes what was done.
pub(super) async fn note(
    workspace: &Workspace,
    action: &str,
    token: Option<&str>,
    count: i64,
    grounds: &Grounds,
) -> Result<()> {
    let event = PersonEvent {
        at: grounds.run.now,
        author: grounds.run.author.clone(),
        action: action.to_owned(),
        token: token.map(str::to_owned),
        reason: grounds.reason.clone(),
        count,
    };
    Ok(book(workspace).await?.add(&event).await?)
}

async fn people(journal: &Journal, whom: &Whom) -> Result<Vec<Person>> {
    let found = match whom {
        Whom::Named(text) => journal.tokens().find(text).await?,
        Whom::Token(token) => journal
            .tokens()
            .of_token(token)
            .await?
            .into_iter()
            .collect(),
    };
    if found.is_empty() {
        return Err(Error::user(
            Text::new("該当する人がいません", "nobody is found"),
            Text::new(
                "氏名、社員番号、メールアドレスなど、証跡に書かれているとおりに指定してください。消去済みの人は見つかりません",
                "write the name, staff number or address as the evidence has it; who was erased is not found",
            ),
        ));
    }
    Ok(found)
}

/// The one person who is meant.
async fn one(journal: &Journal, whom: &Whom) -> Result<Person> {
    let mut found = people(journal, whom).await?;
    match (found.pop(), found.len()) {
        (Some(person), 0) => Ok(person),
        (_, others) => Err(Error::user(
            Text::new(
                format!("{}人が該当します", others + 1),
                format!("{} people fit", others + 1),
            ),
            Text::new(
                "`keiki person find` で確かめ、--token で一人を指定してください",
                "see them with `keiki person find`, then name one with --token",
            ),
        )),
    }
}

/// The condition under which a row of a dataset carries a token; `None` where the dataset names nobody.
fn carries(dataset: &Dataset, token: &str) -> Option<String> {
    let columns: Vec<String> = dataset
        .journalled()
        .filter(|column| column.personal)
        .map(|column| format!("\"{}\" = '{token}'", column.name))
        .collect();
    (!columns.is_empty()).then(|| columns.join(" or "))
}

/// How many records of each dataset carry a token.
async fn records(
    workspace: &Workspace,
    journal: &Journal,
    token: &str,
) -> Result<Vec<(String, i64)>> {
    let engine = workspace.engine();
    let mut found = Vec::new();
    for dataset in workspace.datasets() {
        let Some(condition) = carries(&dataset, token) else {
            continue;
        };
        let query = format!(
            "select distinct record_key from \"{}\" where {condition}",
            dataset.name
        );
        let batches = engine.sql(journal, &query).await?;
        let count: usize = batches.iter().map(RecordBatch::num_rows).sum();
        if count > 0 {
            found.push((
                dataset.name.clone(),
                i64::try_from(count).unwrap_or(i64::MAX),
            ));
        }
    }
    Ok(found)
}

/// The sources that ever brought a token into a dataset.
async fn sources_of(
    workspace: &Workspace,
    journal: &Journal,
    dataset: &str,
    token: &str,
) -> Result<Vec<String>> {
    let dataset = workspace.dataset(dataset)?;
    let condition = carries(&dataset, token).unwrap_or_else(|| "false".to_owned());
    let query = format!(
        "select distinct cast(source as varchar) from \"{}\" where {condition}",
        dataset.name
    );
    let mut found = Vec::new();
    for batch in workspace.engine().sql(journal, &query).await? {
        let texts = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
        let texts = texts.map_err(Error::stopped)?;
        found.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}
