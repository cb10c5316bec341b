//! What would become of a file: it is read as it would be for the books, and nothing is written.

use std::collections::BTreeSet;
use std::path::Path;

use arrow::array::Array;
use arrow::util::display::array_value_to_string;
use keiki_ingest::IngestError;
use keiki_model::access::Right;
use keiki_model::calendar::{Day, date_of};
use keiki_model::dataset::{Dataset, OrgUnits};
use keiki_model::evidence::{BY_SQL, Reason};
use keiki_model::text::{Language, Text};
use keiki_report::report::period_name;
use keiki_store::{StoreError, Tokens, WaitingFile};
use sha2::{Digest, Sha256};

use super::{Preview, PreviewPart, Said, speaks_within};
use crate::config::Opening;
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::collect;
use crate::operations::ingest::{self, SentInto};
use crate::operations::office::Desk;
use crate::operations::trial::{self, Identifiers, Trial, TriedRow};

/// How many rejected rows of a file are listed.
const REJECTS_LISTED: usize = 200;
/// How many keys of others are named.
const KEYS_NAMED: usize = 10;
/// What a file is read as that is a collection workbook.
pub const WORKBOOK: &str = "workbook";

/// What a file is read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// Rows of a source or a dataset.
    Rows(SentInto),
    /// A collection workbook, of any period or of one.
    Workbook(Option<String>),
}

impl Shape {
    /// As it is written down.
    fn written(&self) -> String {
        match self {
            Self::Rows(SentInto::Source(name)) => format!("source:{name}"),
            Self::Rows(SentInto::Dataset(name)) => format!("dataset:{name}"),
            Self::Workbook(None) => WORKBOOK.to_owned(),
            Self::Workbook(Some(period)) => format!("{WORKBOOK}:{period}"),
        }
    }
}

/// What somebody says of a file, as it is meant.
#[derive(Debug, Clone)]
pub(super) struct Meant {
    pub(super) shape: Shape,
    /// The org unit that it covers; none = what the file or the source says.
    pub(super) covers: Vec<String>,
    pub(super) as_of: Day,
}

/// What was found in a file.
pub(super) struct Tried {
    /// The day for which it speaks.
    as_of: Day,
    parts: Vec<TriedPart>,
}

/// What was found in a part of it: in all of it or, of a workbook, in a sheet.
struct TriedPart {
    dataset: String,
    trial: Option<Trial>,
    said: Vec<Text>,
}

impl Tried {
    /// The day for which it speaks.
    pub(super) fn as_of(&self) -> Day {
        self.as_of
    }

    /// The datasets of which rows would be accepted.
    pub(super) fn datasets(&self) -> impl Iterator<Item = &str> {
        let parts = self.parts.iter().filter(|part| part.trial.is_some());
        parts.map(|part| part.dataset.as_str())
    }

    /// What tells whether the same was found: the hash of all values that would be accepted, of all that is said against others, and
    /// of what they are read as.
    fn version(&self) -> String {
        let mut hash = Sha256::new();
        let mut say = |text: &str| {
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        };
        say(&self.as_of.to_string());
        for part in &self.parts {
            say(&part.dataset);
            part.said.iter().for_each(|text| say(&text.en));
            let Some(trial) = &part.trial else { continue };
            say(&trial.accepted.to_string());
            say(&trial.content_sha256);
            for one in trial.rejected.iter().chain(&trial.left_unknown) {
                say(&one.row.to_string());
                say(&one.reason.message().en);
            }
            trial.unassigned.iter().for_each(|unit| say(unit));
        }
        format!("{:x}", hash.finalize())
    }
}

impl Desk {
    /// What somebody says of a file, as it is meant.
    pub(super) fn meant(&self, said: &Said) -> Result<Meant> {
        let (_, within) = self.within(Right::Submit)?;
        Ok(Meant {
            shape: self.shape(&said.into, &within)?,
            covers: match said.unit.as_str() {
                "" => Vec::new(),
                unit => vec![within.chosen(Some(unit))?.to_owned()],
            },
            as_of: self.as_of(&said.as_of)?,
        })
    }

    /// What was said of a file that waits, where they may still say it.
    pub(super) fn meant_of(&self, file: &WaitingFile) -> Result<Meant> {
        let (_, within) = self.within(Right::Submit)?;
        if !file.covers.iter().all(|unit| within.has(unit)) {
            return Err(Error::Absent);
        }
        Ok(Meant {
            shape: self.shape(&file.into, &within)?,
            covers: file.covers.clone(),
            as_of: file.as_of,
        })
    }

    fn shape(&self, text: &str, within: &Within) -> Result<Shape> {
        match text.split_once(':') {
            None if text == WORKBOOK => Ok(Shape::Workbook(None)),
            Some((WORKBOOK, period)) => Ok(Shape::Workbook(Some(period.to_owned()))),
            _ => Ok(Shape::Rows(self.into(text, within)?)),
        }
    }

    pub(super) fn into(&self, text: &str, within: &Within) -> Result<SentInto> {
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

    /// What a file is read as, in words.
    pub(in crate::operations::office) fn title_of(&self, into: &str) -> String {
        match into.split_once(':') {
            Some(("dataset", name)) => self.dataset_title(name),
            Some(("source", name)) => name.to_owned(),
            _ => Text::new("収集票", "collection workbook")
                .get(self.who.language)
                .to_owned(),
        }
    }

    /// What would become of a file.
    pub(super) async fn tried(&self, meant: &Meant, path: &Path) -> Result<Tried> {
        let (_, within) = self.within(Right::Submit)?;
        match &meant.shape {
            Shape::Rows(into) => {
                let trial = self.trial(into, &within, path, meant.as_of).await?;
                Ok(Tried {
                    as_of: meant.as_of,
                    parts: vec![TriedPart {
                        dataset: trial.dataset.clone(),
                        trial: Some(trial),
                        said: Vec::new(),
                    }],
                })
            }
            Shape::Workbook(period) => {
                let of = (period.as_deref(), meant.covers.as_slice());
                self.try_workbook(of, &within, path).await
            }
        }
    }

    /// What would become of a workbook: it has to be a form of an org unit for which they speak and, where it was asked for by a link,
    /// of that org unit and period.
    async fn try_workbook(
        &self,
        (period, covers): (Option<&str>, &[String]),
        within: &Within,
        path: &Path,
    ) -> Result<Tried> {
        let workspace = &self.books.workspace;
        let of = collect::signature(workspace, path).await?;
        let is_asked = covers.iter().all(|unit| *unit == of.org_unit);
        // What does not exist is told from what is others' by nothing.
        if !within.has(&of.org_unit) || !is_asked {
            return Err(not_theirs());
        }
        if period.is_some_and(|period| period != of.period) {
            return Err(of_another_period(period.unwrap_or_default(), &of.period));
        }
        let now = self.who.actor.now;
        let looked = Box::pin(collect::look(workspace, path, now)).await?;
        let mut parts = Vec::new();
        for sheet in looked.sheets {
            if let Some(trial) = &sheet.trial {
                self.is_of_nobody_else(trial, within).await?;
            }
            parts.push(TriedPart {
                dataset: sheet.dataset,
                trial: sheet.trial,
                said: sheet.said,
            });
        }
        Ok(Tried {
            as_of: looked.as_of,
            parts,
        })
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
                "これらの行を除いて提出してください。所属組織の変更であれば、プログラム室に依頼してください",
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

    /// What was found, in words.
    pub(super) fn shown(&self, tried: &Tried, waiting: &WaitingFile) -> Preview {
        let parts: Vec<PreviewPart> = tried
            .parts
            .iter()
            .map(|part| self.part_shown(part))
            .collect();
        let trials = tried.parts.iter().filter_map(|part| part.trial.as_ref());
        let unassigned: BTreeSet<&String> = trials.flat_map(|trial| &trial.unassigned).collect();
        Preview {
            token: waiting.id.clone(),
            version: tried.version(),
            file: waiting.name.clone(),
            into: match parts.as_slice() {
                [one] if !waiting.into.starts_with(WORKBOOK) => one.dataset.clone(),
                _ => self.title_of(&waiting.into),
            },
            as_of: date_of(tried.as_of).to_string(),
            accepted: parts.iter().map(|part| part.accepted).sum(),
            rejected: parts.iter().map(|part| part.rejected).sum(),
            parts,
            unassigned: unassigned.into_iter().cloned().collect(),
            effects: None,
        }
    }

    fn part_shown(&self, part: &TriedPart) -> PreviewPart {
        let language = self.who.language;
        let dataset = self.books.workspace.catalogue.datasets.get(&part.dataset);
        let dataset = dataset.map(AsRef::as_ref);
        let title = |name: &String| {
            let column = dataset.and_then(|dataset| dataset.column(name));
            column.map_or_else(|| name.clone(), |one| one.title.get(language).to_owned())
        };
        let said = part.said.iter();
        let shown = PreviewPart {
            dataset: self.dataset_title(&part.dataset),
            said: said.map(|text| text.get(language).to_owned()).collect(),
            is_left_out: part.trial.is_none(),
            ..PreviewPart::default()
        };
        let Some(trial) = &part.trial else {
            return shown;
        };
        let columns = trial.rows.first().map(|row| {
            let names = row.values.iter().map(|(name, _)| title(name));
            names.collect()
        });
        let values = |row: &TriedRow| {
            let values = row.values.iter();
            let values = values.map(|(_, value)| value.clone().unwrap_or_default());
            values.collect()
        };
        let rejects = trial.rejected.iter().take(REJECTS_LISTED);
        // Of a row of a workbook every fault is told; it is one row all the same.
        let rows: BTreeSet<(&str, u64)> = trial
            .rejected
            .iter()
            .map(|one| (one.file.as_str(), one.row))
            .collect();
        PreviewPart {
            accepted: trial.accepted,
            rejected: rows.len(),
            rejects: rejects
                .map(|one| {
                    (
                        one.row,
                        why_not(&one.reason, dataset).get(language).to_owned(),
                    )
                })
                .collect(),
            columns: columns.unwrap_or_default(),
            rows: trial.rows.iter().map(values).collect(),
            ..shown
        }
    }
}

/// Why a row is not accepted, to who sends it: what a source holds is SQL, which tells them nothing.
fn why_not(reason: &Reason, dataset: Option<&Dataset>) -> Text {
    match reason {
        Reason::OutsideScope { found } if found.starts_with(BY_SQL) => Text::new(
            "提出する組織の範囲にない行です",
            "the row is not of the org units for which the file is sent",
        ),
        reason => reason.message_in(dataset),
    }
}

/// What a file is read as, as it is written down.
pub(super) fn written(meant: &Meant) -> String {
    meant.shape.written()
}

fn not_theirs() -> Error {
    Error::user(
        Text::new(
            "この収集票は、あなたが提出する組織のものではありません",
            "the workbook is not of an org unit for which you send",
        ),
        Text::new(
            "受け取った収集票か確かめてください。組織が違う場合は、プログラム室に依頼してください",
            "check that it is the workbook that you were given; if the org unit is wrong, ask the programme office",
        ),
    )
}

fn of_another_period(asked: &str, found: &str) -> Error {
    Error::user(
        Text::new(
            format!(
                "収集票の対象期間が違います: {}",
                period_name(found, Language::Ja)
            ),
            format!(
                "the workbook is of another period: {}",
                period_name(found, Language::En)
            ),
        ),
        Text::new(
            format!(
                "{}の収集票を送ってください",
                period_name(asked, Language::Ja)
            ),
            format!("send the workbook of {}", period_name(asked, Language::En)),
        ),
    )
}

/// What does not fit between a file and what it is read as is for its sender to mend, not for who keeps the workspace.
pub(super) fn of_sender(error: Error) -> Error {
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

/// The org units whose rows are taken from somebody: those of their scope, or all.
pub(super) fn units_of(within: &Within) -> Vec<String> {
    if within.is_whole() {
        Vec::new()
    } else {
        within.all()
    }
}
