//! Evidence that somebody sends: what they owe, what would become of a file, and taking it in.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use keiki_ingest::{IngestError, Source};
use keiki_model::access::Right;
use keiki_model::calendar::{Day, date_of, local_day, parse_day};
use keiki_model::dataset::{OrgUnits, REPORTED_FIGURES};
use keiki_model::org::Tree;
use keiki_model::remark::is_deviation;
use keiki_model::text::{Language, Text};
use keiki_store::{StoreError, Tokens, WaitingFile};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::evidence::OwedLine;
use super::figures::Look;
use super::waiting::plain_name;
use super::{Desk, UnitChoice, choices};
use crate::config::Opening;
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::coverage::Timeliness;
use crate::operations::ingest::{self, Confirmation, Ingest, SentInto, What};
use crate::operations::trial::{self, Identifiers, Trial};
use crate::progress::Silent;

/// How many rejected rows of a file are listed.
const REJECTS_LISTED: usize = 200;
/// How many keys of others are named.
const KEYS_NAMED: usize = 10;

/// What there is to do for somebody.
#[derive(Debug, Clone)]
pub struct TodoView {
    /// Evidence that is not there in time.
    pub overdue: Vec<OwedLine>,
    /// Evidence that is there, with the day until which it is fresh enough.
    pub fresh: Vec<OwedLine>,
    /// Figures that missed their targets without a word why: KPI, indicator, org unit's id and name.
    pub unexplained: Vec<(u32, String, String, String)>,
    /// The period of those figures.
    pub period: String,
    /// How many rows are out.
    pub rejected: usize,
}

/// What can be chosen for a file.
#[derive(Debug, Clone)]
pub struct SubmitView {
    /// Sources whose files somebody may send.
    pub sources: Vec<(String, String)>,
    /// Datasets, by name and title.
    pub datasets: Vec<(String, String)>,
    /// Org units.
    pub units: Vec<UnitChoice>,
    /// Today.
    pub today: String,
    /// Indicators of which a total can be reported: value and words.
    pub indicators: Vec<(String, String)>,
}

/// What somebody says of a file.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// `source:NAME` or `dataset:NAME`.
    pub into: String,
    /// The org unit that it covers; empty = what the source says.
    pub unit: String,
    /// The day for which it speaks; empty = today.
    pub as_of: String,
}

/// A file that waits for a confirmation.
#[derive(Debug, Clone)]
pub struct WaitingLine {
    /// By what it is confirmed.
    pub token: String,
    /// The file's name.
    pub file: String,
    /// What it is read as, in words.
    pub into: String,
    /// Since when, in the workspace's zone.
    pub since: String,
}

/// What would become of a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Preview {
    /// By what it is confirmed.
    pub token: String,
    /// The file's name.
    pub file: String,
    /// What it is read as.
    pub into: String,
    /// The day for which it speaks.
    pub as_of: String,
    /// How many rows would be accepted, and rejected.
    pub accepted: usize,
    /// How many rows would be rejected.
    pub rejected: usize,
    /// The rejected rows with their reasons, the first of them.
    pub rejects: Vec<(u64, String)>,
    /// The first accepted rows: headings and values.
    pub columns: Vec<String>,
    /// Their values.
    pub rows: Vec<Vec<String>>,
    /// Org units that nobody knows.
    pub unassigned: Vec<String>,
}

/// What became of a file.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What it was read as.
    pub into: String,
    /// The commit; absent where nothing was new.
    pub seq: Option<i64>,
    /// Rows that were accepted, changed something, and were rejected.
    pub accepted: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that were rejected.
    pub rejected: u64,
}

/// A total that is reported in the place of rows.
#[derive(Debug, Clone, Default)]
pub struct Total {
    /// KPI and indicator, as `NO:CODE`.
    pub indicator: String,
    /// The org unit.
    pub unit: String,
    /// The period as written.
    pub period: String,
    /// Above the line.
    pub numerator: String,
    /// Below it.
    pub denominator: String,
    /// The document that backs it.
    pub attachment: String,
}

impl Desk {
    /// What there is to do.
    ///
    /// # Errors
    /// They may not submit, or the journal cannot be read.
    pub async fn todo(&self) -> Result<TodoView> {
        let (_, within) = self.within(Right::Submit)?;
        let owed = self.owed(&within).await?;
        let (fresh, mut overdue): (Vec<OwedLine>, Vec<OwedLine>) = owed
            .into_iter()
            .partition(|one| one.timeliness == Timeliness::Fresh);
        // What leaves most figures without data comes first.
        overdue.sort_by_key(|one| std::cmp::Reverse(one.without_data.len()));
        let rejected = self.rejects_count().await?;
        let board = self.board(&Look::default()).await?;
        let explains = self.who.scope.within(Right::Explain, board.tree());
        let names = self.names();
        let unexplained = board.figures().filter(|one| {
            !one.is_companion
                && is_deviation(one)
                && explains.has(&one.org_unit)
                && is_entity(board.tree(), &one.org_unit)
                && board.remarks().explanation(one).is_none()
        });
        Ok(TodoView {
            overdue,
            fresh,
            unexplained: unexplained
                .map(|one| {
                    let unit = names.org_unit(&one.org_unit);
                    let title = names.indicator(one.no, &one.indicator);
                    (one.no, title, one.org_unit.to_string(), unit)
                })
                .collect(),
            period: board.period().to_string(),
            rejected,
        })
    }

    /// What can be chosen for a file.
    ///
    /// # Errors
    /// They may not submit.
    pub fn submit_choices(&self) -> Result<SubmitView> {
        let (tree, within) = self.within(Right::Submit)?;
        let workspace = &self.books.workspace;
        let language = self.who.language;
        let sources = workspace.sources.iter();
        let sources = sources.filter(|source| speaks_within(source, &within));
        let datasets = workspace.catalogue.datasets.values();
        let datasets = datasets
            .filter(|dataset| dataset.distinct.is_none() && dataset.org_units != OrgUnits::None);
        let kpis = workspace.catalogue.kpis.iter();
        let kpis = kpis.filter(|kpi| workspace.programme.adopts(kpi));
        let indicators = kpis.flat_map(|kpi| {
            let own = kpi.indicators.iter().filter(|one| !one.is_companion);
            own.map(move |one| {
                let title = one.title.get(language);
                (
                    format!("{}:{}", kpi.no, one.code),
                    format!("{} {title}", kpi.no),
                )
            })
        });
        Ok(SubmitView {
            sources: sources
                .map(|source| (source.name.clone(), self.dataset_title(&source.dataset)))
                .collect(),
            datasets: datasets
                .map(|dataset| {
                    let title = dataset.title.get(language).to_owned();
                    (dataset.name.clone(), title)
                })
                .collect(),
            units: choices(&tree, &within, language),
            today: date_of(self.today()).to_string(),
            indicators: indicators.collect(),
        })
    }

    pub(super) fn today(&self) -> Day {
        local_day(self.who.actor.now, &self.books.workspace.settings.zone)
    }

    /// Begins a file that somebody sends: the folder in which it is put, and its name there.
    ///
    /// # Errors
    /// They may not submit, or no folder can be made.
    pub fn begin_file(&self, name: &str) -> Result<(TempDir, PathBuf)> {
        self.who.scope.need(Right::Submit)?;
        let folder = self.office.waiting.folder()?;
        let path = folder.path().join(plain_name(name));
        Ok((folder, path))
    }

    /// Tells what would become of a file. It waits for a confirmation for a day, also where the server stops meanwhile.
    ///
    /// # Errors
    /// They may not send it, or it cannot be used at all.
    pub async fn preview(&self, folder: TempDir, path: PathBuf, said: &Said) -> Result<Preview> {
        let (into, covers, as_of) = self.meant(said)?;
        let (_, within) = self.within(Right::Submit)?;
        let trial = self.trial(&into, &within, &path, as_of).await?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let bytes = std::fs::metadata(&path).map_err(Error::file(&path))?.len();
        let file = WaitingFile {
            id: String::new(),
            owner: self.who.actor.name.clone(),
            name: name.into_owned(),
            into: written(&into),
            covers,
            as_of,
            since: self.who.actor.now,
            bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        };
        let preview = self.shown(&trial, &file);
        let waiting = &self.office.waiting;
        let token = waiting
            .add(file, &path, &preview, self.who.language)
            .await?;
        drop(folder);
        Ok(Preview { token, ..preview })
    }

    /// What somebody says of a file, as it is meant.
    fn meant(&self, said: &Said) -> Result<(SentInto, Vec<String>, Day)> {
        let (_, within) = self.within(Right::Submit)?;
        let into = self.into(&said.into, &within)?;
        let covers = match said.unit.as_str() {
            "" => Vec::new(),
            unit => vec![within.chosen(Some(unit))?.to_owned()],
        };
        Ok((into, covers, self.as_of(&said.as_of)?))
    }

    /// Their files that wait for a confirmation, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn waiting(&self) -> Result<Vec<WaitingLine>> {
        let owner = &self.who.actor.name;
        let all = self.office.waiting.of(owner, self.who.actor.now).await?;
        let line = |one: WaitingFile| WaitingLine {
            into: self.title_of(&one.into),
            token: one.id,
            file: one.name,
            since: self.local(one.since),
        };
        Ok(all.into_iter().map(line).collect())
    }

    /// What a file is read as, in words.
    pub(super) fn title_of(&self, into: &str) -> String {
        match into.split_once(':') {
            Some(("dataset", name)) => self.dataset_title(name),
            Some((_, name)) => name.to_owned(),
            None => String::new(),
        }
    }

    /// What would become of a file that waits.
    ///
    /// # Errors
    /// It waits no longer, or it is another's.
    pub async fn waiting_preview(&self, token: &str) -> Result<Preview> {
        self.who.scope.need(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let waiting = &self.office.waiting;
        if let Some(found) = waiting.found(own, self.who.language).await? {
            return Ok(found);
        }
        // It was told in another language, and is read again.
        let taken = waiting.take(own, self.who.actor.now).await?;
        let shown = async {
            let (_, within) = self.within(Right::Submit)?;
            let into = self.into(&taken.file.into, &within)?;
            let trial = self
                .trial(&into, &within, &taken.path, taken.file.as_of)
                .await?;
            Ok(self.shown(&trial, &taken.file))
        };
        let shown = shown.await;
        waiting.give_back(token).await?;
        shown
    }

    /// Takes away a file that waits.
    ///
    /// # Errors
    /// It waits no longer, or it is another's.
    pub async fn discard(&self, token: &str) -> Result<()> {
        self.who.scope.need(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let taken = self.office.waiting.take(own, self.who.actor.now).await?;
        self.office.waiting.remove(&taken.file.id).await
    }

    async fn trial(
        &self,
        into: &SentInto,
        within: &Within,
        path: &std::path::Path,
        as_of: Day,
    ) -> Result<Trial> {
        let workspace = &self.books.workspace;
        let files = [path.to_owned()];
        let (source, files) = ingest::sent(workspace, into, &units_of(within), &files)?;
        let trial = trial::try_files(workspace, &source, files, as_of).await;
        let trial = trial.map_err(of_sender)?;
        self.is_of_nobody_else(&trial, within).await?;
        Ok(trial)
    }

    /// Refuses rows about records that the books have of org units for which the reader does not speak: whoever names such a key
    /// would take the record over.
    async fn is_of_nobody_else(&self, trial: &Trial, within: &Within) -> Result<()> {
        let workspace = &self.books.workspace;
        let known = units_of(within);
        let is_about_nothing = trial.keys.is_empty()
            && trial.keys_of_people.is_empty()
            && trial.identifiers.is_empty();
        if known.is_empty() || is_about_nothing {
            return Ok(());
        }
        let dataset = workspace.dataset(&trial.dataset)?;
        let journal = match workspace.journal(Opening::Existing).await {
            Err(Error::Store(StoreError::NoJournal(_))) => return Ok(()),
            found => found?,
        };
        let quoted = known
            .iter()
            .map(|id| format!("'{}'", id.replace('\'', "''")));
        // A record is known by its key, and by identifiers, by which others are found to be the same one.
        let columns = trial::identity_columns(&dataset);
        let columns = columns.iter().map(|name| format!(", \"{name}\""));
        let columns = columns.collect::<Vec<_>>().concat();
        let query = format!(
            "select record_key{columns} from \"{}\" where org_unit is null or org_unit not in ({}) \
             group by record_key{columns} having sum(weight) > 0",
            trial.dataset,
            quoted.collect::<Vec<_>>().join(", ")
        );
        let mut others: BTreeSet<String> = BTreeSet::new();
        let mut known = Identifiers::default();
        for batch in workspace.engine().sql(&journal, &query).await? {
            let keys = batch.column(0);
            let texts = (0..keys.len()).map(|row| array_value_to_string(keys, row));
            others.extend(texts.filter_map(std::result::Result::ok));
            let of = trial::identifiers(&dataset, &batch, "record_key")?;
            known.declared.extend(of.declared);
            known.made.extend(of.made);
        }
        let people = self.keys_of_people(trial).await?;
        let of_people = people.iter().filter(|(key, _)| others.contains(key));
        let taken = trial.keys.iter().filter(|key| others.contains(*key));
        let taken = taken.chain(of_people.map(|(_, sent)| sent));
        let taken = taken.chain(trial.identifiers.shared(&known));
        let taken: Vec<&str> = taken.take(KEYS_NAMED).map(String::as_str).collect();
        if taken.is_empty() {
            return Ok(());
        }
        let keys = taken.join(", ");
        Err(Error::user(
            Text::new(
                format!("担当外の組織のレコードを含みます: {keys}"),
                format!("there are records of other org units in it: {keys}"),
            ),
            Text::new(
                "これらの行を除いて提出してください。組織の異動であれば、プログラム室に依頼してください",
                "leave these rows out; if a record moved to you, ask the programme office",
            ),
        ))
    }

    /// The keys that name people, as the books write them and as they were sent.
    async fn keys_of_people(&self, trial: &Trial) -> Result<Vec<(String, String)>> {
        let parts = trial.keys_of_people.iter().flatten();
        let values: BTreeSet<&str> = parts
            .filter(|(_, is_personal)| *is_personal)
            .map(|(value, _)| value.as_str())
            .collect();
        if values.is_empty() {
            return Ok(Vec::new());
        }
        let workspace = &self.books.workspace;
        let values: Vec<&str> = values.into_iter().collect();
        let tokens = Tokens::open(&workspace.database()?)
            .await?
            .known(&values)
            .await?;
        Ok(trial::keys_with_tokens(&trial.keys_of_people, &tokens))
    }

    fn shown(&self, trial: &Trial, waiting: &WaitingFile) -> Preview {
        let language = self.who.language;
        let dataset = self.books.workspace.catalogue.datasets.get(&trial.dataset);
        let title = |name: &String| {
            let column = dataset.and_then(|dataset| dataset.column(name));
            column.map_or_else(|| name.clone(), |one| one.title.get(language).to_owned())
        };
        let columns = trial.rows.first().map(|row| {
            let names = row.values.iter().map(|(name, _)| title(name));
            names.collect()
        });
        let values = |row: &trial::TriedRow| {
            let values = row.values.iter();
            let values = values.map(|(_, value)| value.clone().unwrap_or_default());
            values.collect()
        };
        let rejects = trial.rejected.iter().take(REJECTS_LISTED);
        Preview {
            token: waiting.id.clone(),
            file: waiting.name.clone(),
            into: self.dataset_title(&trial.dataset),
            as_of: date_of(waiting.as_of).to_string(),
            accepted: trial.accepted,
            rejected: trial.rejected.len(),
            rejects: rejects
                .map(|one| (one.row, one.reason.message().get(language).to_owned()))
                .collect(),
            columns: columns.unwrap_or_default(),
            rows: trial.rows.iter().map(values).collect(),
            unassigned: trial.unassigned.clone(),
        }
    }

    /// Takes in a file that waits.
    ///
    /// # Errors
    /// It waits no longer, it is another's, or it cannot be used.
    pub async fn confirm(&self, token: &str) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let own = (token, self.who.actor.name.as_str());
        let taken = self.office.waiting.take(own, self.who.actor.now).await?;
        let file = &taken.file;
        let work = async {
            // Roles and records may have changed since it was tried.
            let into = self.into(&file.into, &within)?;
            if !file.covers.iter().all(|unit| within.has(unit)) {
                return Err(Error::Absent);
            }
            self.commit(into, file.covers.clone(), file.as_of, taken.path.clone())
                .await
        };
        let came = work.await;
        match &came {
            Ok(_) => self.office.waiting.remove(token).await?,
            Err(_) => self.office.waiting.give_back(token).await?,
        }
        came
    }

    /// Takes in a file at once.
    ///
    /// # Errors
    /// They may not send it, or it cannot be used.
    pub async fn submit(&self, folder: TempDir, path: PathBuf, said: &Said) -> Result<Taken> {
        let (into, covers, as_of) = self.meant(said)?;
        let taken = self.commit(into, covers, as_of, path).await;
        drop(folder);
        taken
    }

    /// Looks at a file and takes it in: it is read once for what it is about, and once for the books.
    async fn commit(
        &self,
        into: SentInto,
        covers: Vec<String>,
        as_of: Day,
        path: PathBuf,
    ) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        // Who speaks for everybody takes over nothing, and the file need not be looked at beforehand.
        if !within.is_whole() {
            self.trial(&into, &within, &path, as_of).await?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.into_owned();
        let what = What::Sent {
            into,
            org_units: units_of(&within),
            files: vec![path],
        };
        let taken = self.take(what, covers, as_of, &name).await;
        taken.map_err(of_sender)
    }

    async fn take(&self, what: What, covers: Vec<String>, as_of: Day, name: &str) -> Result<Taken> {
        let asked = Ingest {
            what,
            as_of: Some(as_of),
            covers,
            extent: None,
            missing: None,
            confirmation: Confirmation::Ask,
            surroundings: &crate::environment::Here,
            author: self.who.actor.name.clone(),
            now: self.who.actor.now,
        };
        let outcomes = ingest::ingest(&self.books.workspace, &asked, &Silent).await?;
        self.office.kept.look_again().await;
        let outcome = outcomes.into_iter().next().ok_or(Error::Absent)?;
        let report = outcome.result?;
        self.note("submit", &outcome.dataset, name).await?;
        let counts = &report.receipt.counts;
        Ok(Taken {
            into: self.dataset_title(&outcome.dataset),
            seq: report.receipt.seq,
            accepted: counts.accepted,
            changed: counts.changed,
            rejected: counts.rejected,
        })
    }

    /// Says that an org unit has nothing of a dataset to send for a day: a file with headings alone.
    ///
    /// # Errors
    /// They may not, or there is no such dataset.
    pub async fn nil_return(&self, said: &Said) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let unit = within.chosen(Some(&said.unit))?.to_owned();
        let SentInto::Dataset(name) = self.into(&said.into, &within)? else {
            return Err(Error::Absent);
        };
        let dataset = self.books.workspace.dataset(&name)?;
        let columns = dataset.columns.iter().map(|column| column.name.clone());
        let rows = [columns.collect::<Vec<_>>()];
        self.take_rows(&name, &rows, unit, self.as_of(&said.as_of)?)
            .await
    }

    /// Reports a total in the place of rows.
    ///
    /// # Errors
    /// They may not, or something does not fit.
    pub async fn report_total(&self, total: &Total) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let unit = within.chosen(Some(&total.unit))?.to_owned();
        let period = self.period(Some(&total.period))?;
        let calendar = &self.books.workspace.settings.calendar;
        let (_, last) = period.months(calendar).ok_or(Error::Absent)?;
        let (no, indicator) = total.indicator.split_once(':').ok_or(Error::Absent)?;
        let names = [
            "kpi_no",
            "indicator",
            "org_unit",
            "period",
            "numerator",
            "denominator",
            "prepared_by",
            "attachment",
        ];
        let period = period.to_string();
        let values = [
            no,
            indicator,
            &unit,
            &period,
            total.numerator.trim(),
            total.denominator.trim(),
            &self.who.actor.name,
            total.attachment.trim(),
        ];
        let rows = [names, values].map(|row| row.map(str::to_owned).to_vec());
        let as_of = last.last_day().min(self.today());
        self.take_rows(REPORTED_FIGURES, &rows, unit.clone(), as_of)
            .await
    }

    /// Takes in rows that were typed: a file like any other.
    async fn take_rows(
        &self,
        dataset: &str,
        rows: &[Vec<String>],
        unit: String,
        as_of: Day,
    ) -> Result<Taken> {
        let (_, within) = self.within(Right::Submit)?;
        let (folder, path) = self.begin_file(&format!("{dataset}.csv"))?;
        let mut written = csv::Writer::from_writer(Vec::new());
        for row in rows {
            written.write_record(row).map_err(Error::stopped)?;
        }
        let bytes = written.into_inner().map_err(Error::stopped)?;
        let mut file = std::fs::File::create(&path).map_err(Error::file(&path))?;
        file.write_all(&bytes).map_err(Error::file(&path))?;
        let what = What::Sent {
            into: SentInto::Dataset(dataset.to_owned()),
            org_units: units_of(&within),
            files: vec![path],
        };
        let taken = self.take(what, vec![unit], as_of, dataset).await;
        drop(folder);
        taken
    }

    fn into(&self, text: &str, within: &Within) -> Result<SentInto> {
        let workspace = &self.books.workspace;
        match text.split_once(':') {
            Some(("source", name)) => {
                let source = workspace.sources.iter().find(|one| one.name == name);
                let source = source.filter(|source| speaks_within(source, within));
                let source = source.ok_or(Error::Absent)?;
                Ok(SentInto::Source(source.name.clone()))
            }
            Some(("dataset", name)) => {
                let dataset = workspace.catalogue.datasets.get(name);
                // What names no org units belongs to nobody in particular.
                let dataset = dataset.filter(|dataset| {
                    dataset.distinct.is_none()
                        && (dataset.org_units != OrgUnits::None || within.is_whole())
                });
                let dataset = dataset.ok_or(Error::Absent)?;
                Ok(SentInto::Dataset(dataset.name.clone()))
            }
            _ => Err(Error::Absent),
        }
    }

    fn as_of(&self, text: &str) -> Result<Day> {
        let today = self.today();
        if text.is_empty() {
            return Ok(today);
        }
        parse_day(text).filter(|day| *day <= today).ok_or_else(|| {
            Error::user(
                Text::new(
                    format!("今日以前の日付ではありません: {text}"),
                    format!("not a date of today or before: {text}"),
                ),
                Text::new(
                    "証跡が示す日を 2026-09-30 のように指定してください",
                    "give the day that the evidence speaks for, such as 2026-09-30",
                ),
            )
        })
    }
}

/// What does not fit between a file and what it is read as is for its sender to mend, not for who keeps the workspace.
fn of_sender(error: Error) -> Error {
    let Error::Ingest(IngestError::Definition { problems }) = &error else {
        return error;
    };
    let said = |language: Language| {
        let all = problems
            .iter()
            .map(|one| one.message.get(language).to_owned());
        all.collect::<Vec<_>>().join("; ")
    };
    Error::user(
        Text::new(said(Language::Ja), said(Language::En)),
        Text::new(
            "列の見出しを確かめるか、別の読み取り方を選んでください",
            "check the headings of the columns, or choose what else the file is read as",
        ),
    )
}

fn is_entity(tree: &Tree, id: &str) -> bool {
    let position = tree.position(id);
    position.is_some_and(|position| tree.nodes()[position].kind.is_entity())
}

/// The org units whose rows are taken from somebody: those of their scope, or all.
fn units_of(within: &Within) -> Vec<String> {
    if within.is_whole() {
        Vec::new()
    } else {
        within.all()
    }
}

/// What a file is read as, as it is written down.
fn written(into: &SentInto) -> String {
    match into {
        SentInto::Source(name) => format!("source:{name}"),
        SentInto::Dataset(name) => format!("dataset:{name}"),
    }
}

/// Whether a source speaks for org units of a scope alone.
pub(crate) fn speaks_within(source: &Source, within: &Within) -> bool {
    let said = source.covers.iter().chain(&source.scope.org_units);
    source.query.is_none() && within.has_all(said.map(String::as_str))
}
