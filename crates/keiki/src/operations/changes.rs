//! Changes of the programme and the org tree, as somebody asks for them on a page, in a program or on the command line.
//!
//! A change is made in the text of the file that says it now, the workspace is checked as a whole with it, and what came of it is recorded
//! as an edition with who and why. *Source*: decision 0085.

pub(super) mod agreed;
mod organisation;
pub(super) mod rows;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use keiki_model::calendar::{Day, date_of, parse_day};
use keiki_model::programme::PROGRAMME_FILE;
use keiki_model::text::{Language, Text};
use keiki_store::{Agreed, Decision, NewEdition, RequestKind, Requests, StoredRequest, Texts};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::accounts::new_token;
use super::programme::{Difference, Run, compare, record};
use crate::config::{ORG_FILE, Workspace};
use crate::error::{Error, Result};

/// The longest value of a field. *Units*: characters.
const VALUE_LENGTH: usize = 400;
/// The longest reason. *Units*: characters.
pub(super) const REASON_LENGTH: usize = 1_000;

/// What is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Which KPIs are adopted.
    Adoption,
    /// A target.
    Target,
    /// A parameter.
    Parameter,
    /// How often evidence of a KPI is asked for.
    Cadence,
    /// Whether a KPI concerns an org unit.
    Applicability,
    /// A miss that is approved for a time.
    Waiver,
    /// Who answers for a KPI.
    Owner,
    /// Everything that somebody answers for goes to somebody else.
    HandOver,
    /// Something of the programme ends.
    End,
    /// A new org unit.
    UnitAdd,
    /// An org unit comes under another one.
    UnitMove,
    /// An org unit ends.
    UnitEnd,
}

/// A field of a change: its name, and whether there has to be one.
pub type Field = (&'static str, bool);

impl ChangeKind {
    /// Every kind with its word in data.
    pub const ALL: [(&'static str, Self); 12] = [
        ("adoption", Self::Adoption),
        ("target", Self::Target),
        ("parameter", Self::Parameter),
        ("cadence", Self::Cadence),
        ("applicability", Self::Applicability),
        ("waiver", Self::Waiver),
        ("owner", Self::Owner),
        ("hand_over", Self::HandOver),
        ("end", Self::End),
        ("unit_add", Self::UnitAdd),
        ("unit_move", Self::UnitMove),
        ("unit_end", Self::UnitEnd),
    ];

    /// The kind of a word in data.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|(known, _)| *known == code).map(|(_, kind)| kind)
    }

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, kind)| *kind == self)
            .map_or("", |(code, _)| code)
    }

    /// Its fields, in the order of a form.
    #[must_use]
    pub fn fields(self) -> &'static [Field] {
        const NEEDED: bool = true;
        const FREE: bool = false;
        match self {
            Self::Adoption => &[("maturity", FREE), ("kpis", FREE)],
            Self::Target => &[
                ("kpi", NEEDED),
                ("indicator", FREE),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", FREE),
                ("at_least", FREE),
                ("at_most", FREE),
                ("near_margin", FREE),
            ],
            Self::Parameter => &[
                ("kpi", NEEDED),
                ("name", NEEDED),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", FREE),
                ("value", NEEDED),
            ],
            Self::Cadence => &[
                ("kpi", NEEDED),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", FREE),
                ("frequency", NEEDED),
            ],
            Self::Applicability => &[
                ("kpi", NEEDED),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", FREE),
                ("applies", NEEDED),
                ("reason_ja", NEEDED),
                ("reason_en", NEEDED),
            ],
            Self::Waiver => &[
                ("kpi", NEEDED),
                ("indicator", FREE),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", NEEDED),
                ("reason_ja", NEEDED),
                ("reason_en", NEEDED),
            ],
            Self::Owner => &[
                ("kpi", NEEDED),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", FREE),
                ("owner", NEEDED),
                ("deputy", FREE),
            ],
            Self::HandOver => &[
                ("from_owner", NEEDED),
                ("to_owner", NEEDED),
                ("deputy", FREE),
                ("from", NEEDED),
            ],
            Self::End => &[
                ("of", NEEDED),
                ("kpi", NEEDED),
                ("org_unit", NEEDED),
                ("from", NEEDED),
                ("last_day", NEEDED),
            ],
            Self::UnitAdd => &[
                ("id", NEEDED),
                ("parent_id", NEEDED),
                ("name_ja", NEEDED),
                ("name_en", NEEDED),
                ("kind", NEEDED),
                ("country", NEEDED),
                ("from", NEEDED),
            ],
            Self::UnitMove => &[("id", NEEDED), ("parent_id", NEEDED), ("from", NEEDED)],
            Self::UnitEnd => &[("id", NEEDED), ("last_day", NEEDED), ("successor_id", FREE)],
        }
    }

    /// The file in which it is said.
    #[must_use]
    pub fn file(self) -> &'static str {
        match self {
            Self::UnitAdd | Self::UnitMove | Self::UnitEnd => ORG_FILE,
            _ => PROGRAMME_FILE,
        }
    }

    /// Whether somebody else has to agree: what decides which figure counts as met, or is to be there.
    #[must_use]
    pub fn takes_four_eyes(self) -> bool {
        matches!(
            self,
            Self::Adoption
                | Self::Target
                | Self::Parameter
                | Self::Cadence
                | Self::Applicability
                | Self::Waiver
                | Self::End
        )
    }
}

/// A change that somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What is changed.
    pub kind: ChangeKind,
    /// To what: values by the names of fields, empty ones left out.
    pub fields: BTreeMap<String, String>,
}

impl Change {
    /// Makes a change of what somebody filled in.
    ///
    /// # Errors
    /// A field is unknown, missing, too long, or has characters that no line of text has.
    pub fn read(
        kind: ChangeKind,
        given: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self> {
        let mut fields = BTreeMap::new();
        for (name, value) in given {
            let value = value.trim();
            if !kind.fields().iter().any(|(known, _)| *known == name) {
                let names: Vec<&str> = kind.fields().iter().map(|(name, _)| *name).collect();
                let names = names.join(", ");
                return Err(Error::user(
                    Text::new(
                        format!("知らない項目です: {name}"),
                        format!("unknown field: {name}"),
                    ),
                    Text::new(
                        format!("使える項目: {names}"),
                        format!("there are: {names}"),
                    ),
                ));
            }
            if value.chars().any(char::is_control) || value.chars().count() > VALUE_LENGTH {
                return Err(Error::user(
                    Text::new(
                        format!("項目の値が長すぎるか、改行などを含みます: {name}"),
                        format!("a value is too long or no single line: {name}"),
                    ),
                    Text::new(
                        format!("{VALUE_LENGTH}文字以内の1行で記入してください"),
                        format!("write one line of {VALUE_LENGTH} characters at most"),
                    ),
                ));
            }
            if !value.is_empty() {
                fields.insert(name, value.to_owned());
            }
        }
        let needed = kind.fields().iter().filter(|(_, is_needed)| *is_needed);
        let missing: Vec<&str> = needed
            .map(|(name, _)| *name)
            .filter(|name| !fields.contains_key(*name))
            .collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Err(Error::user(
                Text::new(
                    format!("記入されていません: {missing}"),
                    format!("not filled in: {missing}"),
                ),
                Text::new("すべて記入してください", "fill them in"),
            ));
        }
        Ok(Self { kind, fields })
    }

    /// A field's value; empty where there is none.
    #[must_use]
    pub fn field(&self, name: &str) -> &str {
        self.fields.get(name).map_or("", String::as_str)
    }

    fn day(&self, name: &str) -> Result<Option<Day>> {
        let text = self.field(name);
        if text.is_empty() {
            return Ok(None);
        }
        parse_day(text).map(Some).ok_or_else(|| {
            Error::user(
                Text::new(
                    format!("日付ではありません: {text}"),
                    format!("not a date: {text}"),
                ),
                Text::new(
                    "2026-04-01 のように記入してください",
                    "write it as 2026-04-01",
                ),
            )
        })
    }

    /// The first day on which it no longer holds; fields name the last one on which it does.
    fn until(&self) -> Result<Option<String>> {
        let last = self.day("last_day")?;
        Ok(last.map(|last| date_of(last + 1).to_string()))
    }

    /// What it is about, in one line.
    #[must_use]
    pub fn said(&self) -> String {
        let values = self.kind.fields().iter();
        let values = values.filter_map(|(name, _)| {
            let value = self.field(name);
            (!value.is_empty()).then(|| format!("{name}={value}"))
        });
        let values: Vec<String> = values.collect();
        format!("{} {}", self.kind.code(), values.join(" "))
    }
}

/// What a change would make of the files. `approved_by` is who agrees.
///
/// # Errors
/// It cannot be, or the workspace would not be sound with it.
pub fn texts_with(workspace: &Workspace, change: &Change, approved_by: &str) -> Result<Texts> {
    let mut texts = workspace.content.texts().clone();
    let file = change.kind.file();
    let before = texts.get(file).cloned().unwrap_or_default();
    let after = match change.kind.file() {
        ORG_FILE => organisation::changed(workspace, &before, change)?,
        _ => rows::changed(workspace, &before, change, approved_by)?,
    };
    texts.insert(file.to_owned(), after);
    workspace
        .recorded(texts.clone())
        .map_err(|error| unsound(&error))?;
    Ok(texts)
}

/// What is wrong with the definitions is for who asked to mend.
fn unsound(error: &Error) -> Error {
    let told = |language: Language| match error {
        Error::Problems { problems } => {
            let told = problems.iter().map(|problem| problem.said(language));
            told.collect::<Vec<_>>().join(" / ")
        }
        other => other.message().get(language).to_owned(),
    };
    Error::user(
        Text::new(told(Language::Ja), told(Language::En)),
        Text::new(
            "この変更では定義が成り立ちません。値を直してください",
            "with this the definitions are not sound; mend the values",
        ),
    )
}

/// How the files would differ: what `keiki programme diff` shows of files that somebody changed.
///
/// # Errors
/// It cannot be, or the workspace would not be sound with it.
pub fn preview(workspace: &Workspace, change: &Change) -> Result<Vec<Difference>> {
    let after = texts_with(workspace, change, "…")?;
    Ok(compare(workspace.content.texts(), &after))
}

/// Makes a change: writes the file and records the edition, by which the request is done where there is one. Returns its number.
///
/// # Errors
/// It cannot be, the files were changed meanwhile, they cannot be written, or the request is done already.
pub async fn make(
    workspace: &Workspace,
    change: &Change,
    (approved_by, run): (&str, &Run),
    reason: &str,
    fulfils: Option<&Agreed>,
) -> Result<Option<i64>> {
    if let Some(agreed) = fulfils
        && let Some(number) = agreed::finish(workspace, agreed, run, reason).await?
    {
        return Ok(Some(number));
    }
    // What somebody wrote into the files by hand is an edition of its own.
    let before = record(workspace, run, None).await?;
    let texts = texts_with(workspace, change, approved_by)?;
    let file = change.kind.file();
    let path = workspace.root.join(file);
    let text = texts.get(file).map_or("", String::as_str);
    if let Some(agreed) = fulfils {
        agreed::announce(workspace, agreed, (file, text), before.number).await?;
    }
    let beside = beside(&path, text)?;
    let put = || {
        if !workspace.is_as_on_disk() {
            return Err(changed_meanwhile());
        }
        let persisted = beside.persist(&path);
        persisted.map_err(|error| Error::file(&path)(error.error))?;
        Ok(())
    };
    let new = NewEdition {
        texts: &texts,
        now: run.now,
        author: &run.author,
        reason: Some(reason),
        fulfils,
    };
    let recorded = workspace.ledger().await?.record_as_put(new, put).await?;
    Ok(recorded.new_number())
}

/// A text on disk beside the file whose place it is to take.
fn beside(path: &Path, text: &str) -> Result<NamedTempFile> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut beside = NamedTempFile::new_in(folder).map_err(Error::file(path))?;
    beside
        .write_all(text.as_bytes())
        .map_err(Error::file(path))?;
    if let Ok(before) = std::fs::metadata(path) {
        let kept = before.permissions();
        std::fs::set_permissions(beside.path(), kept).map_err(Error::file(path))?;
    }
    beside.as_file().sync_all().map_err(Error::file(path))?;
    Ok(beside)
}

fn changed_meanwhile() -> Error {
    Error::user(
        Text::new(
            "その間に定義のファイルが変更されました",
            "the files of definitions were changed meanwhile",
        ),
        Text::new("もう一度試してください", "try again"),
    )
}

/// A reason as it is kept.
///
/// # Errors
/// There is none, or it is too long.
pub fn reason(given: &str) -> Result<String> {
    let given = given.trim();
    if given.is_empty() || given.chars().count() > REASON_LENGTH || given.contains('\0') {
        return Err(Error::user(
            Text::new(
                "理由がないか、長すぎます",
                "there is no reason, or too much of it",
            ),
            Text::new(
                format!("{REASON_LENGTH}文字以内で記入してください"),
                format!("give one of {REASON_LENGTH} characters at most"),
            ),
        ));
    }
    Ok(given.to_owned())
}

/// What became of a change that somebody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// It is made, as this edition; `None` where it said what was said already.
    Made(Option<i64>),
    /// Somebody else has to agree.
    Asked,
}

/// Makes a change, or asks for it where somebody else has to agree.
///
/// # Errors
/// As of `make`; or the same was asked for already.
pub async fn ask(workspace: &Workspace, change: &Change, why: &str, run: &Run) -> Result<Came> {
    let why = reason(why)?;
    if !change.kind.takes_four_eyes() {
        let made = make(workspace, change, ("", run), &why, None).await?;
        return Ok(Came::Made(made));
    }
    // What cannot be made is not asked for.
    texts_with(workspace, change, "…")?;
    let request = StoredRequest {
        id: new_token(),
        kind: RequestKind::Change,
        subject: change.said(),
        change: serde_json::to_string(change).map_err(Error::stopped)?,
        reason: why,
        asked_by: run.author.clone(),
        asked_at: run.now,
        decision: Decision::Open,
        decided_by: String::new(),
    };
    let book = Requests::open(&workspace.database()?).await?;
    if book.add(&request).await? {
        return Ok(Came::Asked);
    }
    Err(asked_already())
}

/// Who asks for what waits already.
pub(super) fn asked_already() -> Error {
    Error::user(
        Text::new(
            "同じ申請がすでに出されています",
            "the same was asked for already",
        ),
        Text::new(
            "承認を待つか、取り下げてください",
            "wait for an answer, or take it back",
        ),
    )
}
