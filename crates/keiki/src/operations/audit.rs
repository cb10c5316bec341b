//! The audit pack of a figure: a sample of its records that anybody can draw again, with their raw rows, who prepared and who
//! approved them, and the definition with its history.

mod cover;
mod raw;

use keiki_model::text::Text;
use std::collections::BTreeMap;
use std::path::Path;

use keiki_engine::{Detail, Explanation, Structure};
use keiki_model::calendar::{Period, date_of};
use keiki_model::statement::Statement;
use keiki_model::text::Language;
use keiki_report::csv::inert;
use keiki_store::Batch;
use sha2::{Digest, Sha256};

use super::explain::{self, explain};
use super::packing::{self, Files};
use super::programme::{self, Run};
use super::statement::{self, Revision};
use super::{catalogue, rejects::Originals};
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// Which figure, and how much of it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The KPI's number or code.
    pub kpi: String,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The org unit.
    pub org_unit: String,
    /// The period.
    pub period: Period,
    /// The statement whose figure is meant, or today's.
    pub revision: Revision,
    /// How many records.
    pub count: usize,
    /// What the drawing depends on; absent = the names of the figure.
    pub seed: Option<String>,
    /// Whose raw rows come along.
    pub originals: Originals,
    /// The language of the cover.
    pub language: Language,
    /// Who asks, and when.
    pub run: Run,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The records of the figure.
    pub population: usize,
    /// Those that were drawn.
    pub sampled: usize,
    /// Of these, those whose raw row was found.
    pub with_raw_row: usize,
}

/// A record of the figure.
#[derive(Debug, Clone)]
struct Record {
    dataset: String,
    key: String,
    /// What it adds to each base measure.
    adds: Vec<(String, String)>,
    source: String,
    seq: i64,
    effective_on: i32,
    columns: Vec<(String, String)>,
    /// By which it is drawn.
    sha256: String,
}

/// Writes the pack into a folder or zip file.
///
/// # Errors
/// There is no such figure, or nothing can be written.
pub async fn pack(
    workspace: &Workspace,
    asked: &Asked,
    to: &Path,
    progress: &dyn Progress,
) -> Result<Written> {
    let of = match asked.revision {
        Revision::Open => None,
        revision => {
            let run = &asked.run;
            Some(statement::get(workspace, asked.period, revision, run, progress).await?)
        }
    };
    let figure = opened(workspace, asked, of.as_ref(), progress).await?;
    let seed = asked.seed.clone().unwrap_or_else(|| {
        let revision = of.as_ref().map_or(0, |of| of.revision);
        let one = &figure.measurement;
        format!(
            "{} {} {} {} {revision}",
            one.no, one.indicator, one.org_unit, one.period
        )
    });
    let mut sample = drawn(&figure, &seed);
    let population = sample.len();
    sample.truncate(asked.count);
    let journal = workspace.journal(Opening::Existing).await?;
    let snapshot = journal.snapshot().await?;
    let batches: BTreeMap<i64, &Batch> = snapshot.batches().iter().map(|b| (b.seq, b)).collect();
    let raw = raw::rows(workspace, &journal, &batches, &sample, asked.originals).await?;
    let mut files = Files::new();
    files.insert("sample.csv".to_owned(), sampled(&sample, &batches, &raw)?);
    files.insert("records.csv".to_owned(), columns(&sample)?);
    files.insert("raw_rows.csv".to_owned(), raw::csv(&sample, &raw)?);
    let definition = definition(workspace, asked, of.as_ref(), &mut files).await?;
    let written = Written {
        population,
        sampled: sample.len(),
        with_raw_row: raw.len(),
    };
    let cover = cover::Cover {
        workspace,
        asked,
        of: of.as_ref(),
        figure: &figure,
        seed: &seed,
        written,
        definition: &definition,
    };
    files.insert("cover.md".to_owned(), cover.text().into_bytes());
    packing::write(&files, to)?;
    Ok(written)
}

/// The figure as it was closed, or as it is known now.
async fn opened(
    workspace: &Workspace,
    asked: &Asked,
    of: Option<&Statement>,
    progress: &dyn Progress,
) -> Result<Explanation> {
    let question = explain::Explain {
        kpi: asked.kpi.clone(),
        indicator: asked.indicator.clone(),
        org_unit: asked.org_unit.clone(),
        period: asked.period,
        structure: Structure::default(),
        known_at: of.map(|of| of.closed_at),
        journal_version: of.map(|of| of.journal_version),
        against: None,
        detail: Detail::Columns,
        author: asked.run.author.clone(),
        now: asked.run.now,
    };
    Ok(explain(workspace, &question, progress).await?.explanation)
}

/// The records of a figure in the order in which they are drawn: by SHA-256 over seed, dataset and key. The first so many are a
/// simple random sample without replacement, and whoever has the seed draws the same.
fn drawn(figure: &Explanation, seed: &str) -> Vec<Record> {
    let mut found: BTreeMap<(String, String), Record> = BTreeMap::new();
    for part in &figure.parts {
        for row in &part.rows {
            let place = (part.dataset.clone(), row.record_key.clone());
            let record = found.entry(place).or_insert_with(|| Record {
                dataset: part.dataset.clone(),
                key: row.record_key.clone(),
                adds: Vec::new(),
                source: row.source.clone(),
                seq: row.seq,
                effective_on: row.effective_on,
                columns: row.columns.clone(),
                sha256: order(seed, &part.dataset, &row.record_key),
            });
            let amount = row
                .amount
                .to_short_decimal(keiki_model::measurement::DATA_DIGITS);
            record.adds.push((part.measure.clone(), amount));
        }
    }
    let mut records: Vec<Record> = found.into_values().collect();
    records.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    records
}

fn order(seed: &str, dataset: &str, key: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{seed}\n{dataset}\n{key}")))
}

/// The sample with where each record came from and who prepared it.
fn sampled(
    sample: &[Record],
    batches: &BTreeMap<i64, &Batch>,
    raw: &BTreeMap<usize, raw::RawRow>,
) -> Result<Vec<u8>> {
    let header = [
        "number",
        "dataset",
        "record_key",
        "adds",
        "source",
        "commit",
        "batch_id",
        "known_at",
        "effective_on",
        "file",
        "file_row",
        "file_sha256",
        "prepared_by",
        "order_sha256",
    ];
    let rows = sample.iter().enumerate().map(|(at, record)| {
        let batch = batches.get(&record.seq);
        let adds = record.adds.iter();
        let adds: Vec<String> = adds
            .map(|(measure, amount)| format!("{measure}={amount}"))
            .collect();
        let prepared_by = record
            .columns
            .iter()
            .find(|(column, _)| column == "prepared_by");
        let author = batch.map(|batch| batch.author.clone());
        let raw = raw.get(&at);
        let file = raw.map(|raw| raw.file.clone());
        let sha256 = file.as_ref().and_then(|file| {
            let files = batch.into_iter().flat_map(|batch| &batch.files);
            files
                .clone()
                .find(|of| of.name == *file)
                .map(|of| of.sha256.clone())
        });
        vec![
            (at + 1).to_string(),
            record.dataset.clone(),
            record.key.clone(),
            adds.join(" "),
            record.source.clone(),
            record.seq.to_string(),
            batch
                .map(|batch| batch.batch_id.clone())
                .unwrap_or_default(),
            batch
                .map(|batch| instant(batch.known_at))
                .unwrap_or_default(),
            date_of(record.effective_on).to_string(),
            file.unwrap_or_default(),
            raw.map(|raw| raw.row.to_string()).unwrap_or_default(),
            sha256.unwrap_or_default(),
            prepared_by
                .map(|(_, by)| by.clone())
                .or(author)
                .unwrap_or_default(),
            record.sha256.clone(),
        ]
    });
    table(&header, rows)
}

/// The columns of the records as the journal has them.
fn columns(sample: &[Record]) -> Result<Vec<u8>> {
    let rows = sample.iter().enumerate().flat_map(|(at, record)| {
        let columns = record.columns.iter();
        columns
            .map(move |(column, value)| vec![(at + 1).to_string(), column.clone(), value.clone()])
    });
    table(&["number", "column", "value"], rows)
}

/// An edition that changed the definition.
#[derive(Debug)]
struct Edited {
    edition: i64,
    at: i64,
    author: String,
    reason: Option<String>,
}

/// Puts the definition and what was changed of it into the pack. Returns the editions that changed it.
async fn definition(
    workspace: &Workspace,
    asked: &Asked,
    of: Option<&Statement>,
    files: &mut Files,
) -> Result<Vec<Edited>> {
    let no = catalogue::find(&workspace.catalogue, &asked.kpi)?.no;
    let kpi = workspace.catalogue.kpis.iter().find(|kpi| kpi.no == no);
    let Some(file) = kpi.map(|kpi| keiki_model::kpi::place_of(kpi).file) else {
        return Ok(Vec::new());
    };
    let last = of.and_then(|of| of.edition);
    let ledger = workspace.ledger().await?;
    let mut edited = Vec::new();
    let mut changes = String::new();
    for edition in programme::editions(workspace).await? {
        if last.is_some_and(|last| edition.number > last) {
            break;
        }
        let found = programme::differences(workspace, Some(edition.number)).await?;
        let Some(difference) = found.into_iter().find(|one| one.file == file) else {
            continue;
        };
        changes.push_str(&format!(
            "# {} {} {} {}\n",
            edition.number,
            instant(edition.known_at),
            edition.author,
            edition.reason.as_deref().unwrap_or_default()
        ));
        for (sign, line) in &difference.lines {
            changes.push_str(&format!("{sign} {line}\n"));
        }
        edited.push(Edited {
            edition: edition.number,
            at: edition.known_at,
            author: edition.author,
            reason: edition.reason,
        });
    }
    let text = match last {
        Some(number) => ledger.texts(number).await?.remove(&file),
        None => workspace.content.get(&file).map(str::to_owned),
    };
    files.insert(
        "definition.toml".to_owned(),
        text.unwrap_or_default().into_bytes(),
    );
    files.insert("definition_changes.txt".to_owned(), changes.into_bytes());
    Ok(edited)
}

fn instant(micros: i64) -> String {
    let instant = jiff::Timestamp::from_microsecond(micros);
    instant.map_or_else(|_| micros.to_string(), |at| at.to_string())
}

/// A table as CSV, of which a spreadsheet takes nothing for a formula.
fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let fault = |error: csv::Error| Error::stopped(Text::quoted(error));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(header).map_err(fault)?;
    for row in rows {
        let cells = row.iter().map(|cell| inert(cell).into_owned());
        writer.write_record(cells).map_err(fault)?;
    }
    let bytes = writer.into_inner();
    bytes.map_err(|error| Error::stopped(Text::quoted(error)))
}
