//! Explanations and actions as a CSV file: written, filled in by somebody with a spreadsheet, and read again.

use std::path::Path;

use keiki_model::calendar::{Period, date_of, parse_day};
use keiki_model::problem::{Place, Problem};
use keiki_model::remark::{Action, Explanation, Origin, Remarks, Said, State, Step, Subject};
use keiki_model::text::Text;

use super::{Explain, Plan, Told, opened, say, subject, told};
use crate::config::Workspace;
use crate::error::{Error, Result};
use crate::operations::period;
use crate::operations::programme::Run;

const EXPLANATION: &str = "explanation";
const ACTION: &str = "action";
const INSTRUCTION: &str = "instruction";

/// One line of the file. *Shape*: a text of one language stands for both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// `explanation`, `action` or `instruction`.
    pub kind: &'static str,
    /// The number of an action that exists.
    pub number: Option<u32>,
    /// The KPI; absent in an instruction.
    pub kpi: Option<u32>,
    /// The indicator.
    pub indicator: String,
    /// The org unit.
    pub org_unit: String,
    /// The period.
    pub period: String,
    /// The cause, or what is to be done.
    pub text: Text,
    /// Who sees to it.
    pub owner: String,
    /// By when.
    pub due_on: String,
    /// How far it is.
    pub state: &'static str,
    /// What was said of it last.
    pub note: Text,
    /// Who said it last.
    pub by: String,
}

impl Line {
    /// The columns of the file.
    pub const COLUMNS: [&'static str; 14] = [
        "kind",
        "number",
        "kpi",
        "indicator",
        "org_unit",
        "period",
        "text_ja",
        "text_en",
        "owner",
        "due_on",
        "state",
        "note_ja",
        "note_en",
        "by",
    ];

    /// A figure that waits for its explanation.
    #[must_use]
    pub fn waiting(subject: &Subject) -> Self {
        Self {
            kind: EXPLANATION,
            ..Self::about(subject)
        }
    }

    /// What stands, explanations first.
    #[must_use]
    pub fn of(remarks: &Remarks) -> Vec<Self> {
        let explanations = remarks.explanations.iter().map(Self::of_explanation);
        let actions = remarks.actions.iter().map(Self::of_action);
        explanations.chain(actions).collect()
    }

    fn about(subject: &Subject) -> Self {
        Self {
            kpi: Some(subject.kpi),
            indicator: subject.indicator.to_string(),
            org_unit: subject.org_unit.to_string(),
            period: subject.period.to_string(),
            ..Self::default()
        }
    }

    fn of_explanation(one: &Explanation) -> Self {
        Self {
            text: one.cause.clone(),
            by: one.by.clone(),
            ..Self::waiting(&one.subject)
        }
    }

    fn of_action(one: &Action) -> Self {
        let (kind, about) = match &one.origin {
            Origin::Deviation(subject) => (ACTION, Self::about(subject)),
            Origin::Board { period } => {
                let about = Self {
                    period: period.to_string(),
                    ..Self::default()
                };
                (INSTRUCTION, about)
            }
        };
        let due_on = one.due_on.map(|due| date_of(due).to_string());
        let by = one.steps.last().map_or(&one.opened_by, |taken| &taken.by);
        Self {
            kind,
            number: Some(one.number),
            text: one.what.clone(),
            owner: one.owner.clone(),
            due_on: due_on.unwrap_or_default(),
            state: one.state.code(),
            note: one.latest_note().cloned().unwrap_or_default(),
            by: by.clone(),
            ..about
        }
    }
}

/// Takes a file in: what differs from what stands is said. Returns how many remarks that made.
///
/// # Errors
/// The file cannot be read, or something in it is wrong (all problems at once); nothing is said then.
pub async fn import(workspace: &Workspace, file: &Path, run: &Run) -> Result<usize> {
    let text = std::fs::read_to_string(file).map_err(Error::file(file))?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let so_far = told(workspace).await?;
    let said = read(workspace, &name, &text, &so_far)?;
    let count = said.len();
    say(workspace, said, &so_far, run).await?;
    Ok(count)
}

fn read(workspace: &Workspace, file: &str, text: &str, so_far: &Told) -> Result<Vec<Said>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let at = |line: u64, message: Text| {
        let place = Place {
            file: file.to_owned(),
            line: usize::try_from(line).unwrap_or(0),
            column: 0,
        };
        Problem::new(place, message)
    };
    let broken = |error: &csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        at(
            line,
            Text::new(format!("読めません: {error}"), error.to_string()),
        )
    };
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => {
            return Err(Error::Problems {
                problems: vec![broken(&error)],
            });
        }
    };
    let unknown = header.iter().filter(|name| !Line::COLUMNS.contains(name));
    let mut problems: Vec<Problem> = unknown
        .map(|name| {
            let message = Text::new(
                format!("列 {name} は使えません"),
                format!("unknown column {name}"),
            );
            let columns = Line::COLUMNS.join(", ");
            at(1, message).hint(Text::new(
                format!("列: {columns}"),
                format!("columns: {columns}"),
            ))
        })
        .collect();
    let mut said = Vec::new();
    let mut next = so_far.remarks.next_number();
    for record in reader.records() {
        let found = match &record {
            Ok(record) => {
                let row = Row {
                    header: &header,
                    record,
                };
                let line = record.position().map_or(0, csv::Position::line);
                row.said(workspace, &so_far.remarks, next).map_err(|error| {
                    let problem = at(line, error.message());
                    match error.hint() {
                        Some(hint) => problem.hint(hint),
                        None => problem,
                    }
                })
            }
            Err(error) => Err(broken(error)),
        };
        match found {
            Ok(found) => {
                next += u32::from(matches!(found, Some(Said::Opened { .. })));
                said.extend(found);
            }
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() {
        Ok(said)
    } else {
        Err(Error::Problems { problems })
    }
}

/// A row as it is read.
struct Row<'r> {
    header: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
}

impl Row<'_> {
    fn get(&self, column: &str) -> &str {
        let at = self.header.iter().position(|name| name == column);
        let text = at.and_then(|at| self.record.get(at)).unwrap_or_default();
        // What would begin a formula was written with an apostrophe before it.
        match text.strip_prefix('\'') {
            Some(rest) if keiki_report::csv::inert(rest) != rest => rest,
            _ => text,
        }
    }

    /// A text in both languages: one that is not there is as the other.
    fn text(&self, ja: &str, en: &str) -> Option<Text> {
        match (self.get(ja), self.get(en)) {
            ("", "") => None,
            (ja, "") => Some(Text::new(ja, ja)),
            ("", en) => Some(Text::new(en, en)),
            (ja, en) => Some(Text::new(ja, en)),
        }
    }

    /// What the row says that does not stand yet.
    fn said(&self, workspace: &Workspace, so_far: &Remarks, next: u32) -> Result<Option<Said>> {
        let text = self.text("text_ja", "text_en");
        match (self.get("kind"), self.get("number")) {
            (EXPLANATION, _) => {
                let Some(cause) = text else { return Ok(None) };
                let subject = self.subject(workspace)?;
                let mut standing = so_far.explanations.iter();
                let is_known = standing.any(|one| one.subject == subject && one.cause == cause);
                Ok((!is_known).then_some(Said::Explained { subject, cause }))
            }
            (ACTION | INSTRUCTION, "") => {
                let Some(what) = text else { return Ok(None) };
                let owner = match self.get("owner") {
                    "" => return Err(missing("owner")),
                    owner => owner.to_owned(),
                };
                let plan = Plan {
                    what,
                    owner,
                    due_on: self.due_on()?,
                };
                let origin = if self.get("kind") == ACTION {
                    Origin::Deviation(self.subject(workspace)?)
                } else {
                    let period = self.period()?.to_string().into();
                    Origin::Board { period }
                };
                Ok(Some(opened(next, origin, plan)))
            }
            (ACTION | INSTRUCTION, number) => {
                let number: Option<u32> = number.parse().ok();
                let mut actions = so_far.actions.iter();
                let action = actions.find(|one| Some(one.number) == number);
                let action = action.ok_or_else(|| wrong("number", self.get("number")))?;
                let step = self.step(action)?;
                let number = action.number;
                Ok((!step.is_empty()).then_some(Said::Stepped { number, step }))
            }
            (kind, _) => Err(wrong("kind", kind)),
        }
    }

    /// What differs in an action.
    fn step(&self, action: &Action) -> Result<Step> {
        let owner = Some(self.get("owner")).filter(|owner| !owner.is_empty());
        let state = match self.get("state") {
            "" => None,
            code => {
                let mut states = State::CODES.iter();
                let found = states.find(|(word, _)| *word == code);
                Some(
                    found
                        .map(|(_, state)| *state)
                        .ok_or_else(|| wrong("state", code))?,
                )
            }
        };
        let note = self.text("note_ja", "note_en");
        Ok(Step {
            note: note.filter(|note| action.latest_note() != Some(note)),
            owner: owner
                .filter(|owner| action.owner != *owner)
                .map(str::to_owned),
            due_on: self.due_on()?.filter(|due| action.due_on != Some(*due)),
            state: state.filter(|state| action.state != *state),
        })
    }

    fn due_on(&self) -> Result<Option<i32>> {
        match self.get("due_on") {
            "" => Ok(None),
            text => match parse_day(text) {
                Some(day) => Ok(Some(day)),
                None => Err(wrong("due_on", text)),
            },
        }
    }

    fn period(&self) -> Result<Period> {
        match self.get("period") {
            "" => Err(missing("period")),
            text => period::period(text),
        }
    }

    fn subject(&self, workspace: &Workspace) -> Result<Subject> {
        let indicator = Some(self.get("indicator").to_owned()).filter(|code| !code.is_empty());
        subject(
            workspace,
            &Explain {
                kpi: self.get("kpi").to_owned(),
                indicator,
                org_unit: self.get("org_unit").to_owned(),
                period: self.period()?,
                cause: None,
                action: None,
            },
        )
    }
}

fn missing(column: &str) -> Error {
    Error::user(
        Text::new(
            format!("{column} に値がありません"),
            format!("no value in {column}"),
        ),
        Text::new("値を入れてください", "fill it in"),
    )
}

fn wrong(column: &str, text: &str) -> Error {
    let forms = match column {
        "kind" => "explanation, action, instruction",
        "state" => "open, done, dropped",
        "due_on" => "2026-12-31",
        _ => "keiki notes list --all",
    };
    Error::user(
        Text::new(
            format!("{column} に {text} は指定できません"),
            format!("{column} cannot be {text}"),
        ),
        Text::new(
            format!("指定できる値: {forms}"),
            format!("it can be: {forms}"),
        ),
    )
}
