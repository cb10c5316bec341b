//! What is done about figures, and what the board asked for: listed, and followed until it is done.

use keiki_model::access::Right;
use keiki_model::calendar::{Day, date_of, parse_day};
use keiki_model::remark::{Action, Origin, State, Step, Subject};
use keiki_model::text::Text;

use super::Desk;
use crate::error::{Error, Result};
use crate::operations::access::Within;
use crate::operations::notes::{self, Plan};

/// The longest text that somebody may write about a figure or an action. *Units*: characters.
pub(super) const SAID_LENGTH_MOST: usize = 4_000;

/// Something to do, before a reader.
#[derive(Debug, Clone)]
pub struct ActionLine {
    /// Its number.
    pub number: u32,
    /// The figure that it is about; `None` where the board asked for it.
    pub about: Option<AboutFigure>,
    /// The period in which it arose, as written.
    pub period: String,
    /// What is done.
    pub what: String,
    /// Who sees to it.
    pub owner: String,
    /// By when; empty where no day is set.
    pub due_on: String,
    /// How far it is.
    pub state: State,
    /// Whether it is open after the day on which it was due.
    pub is_overdue: bool,
    /// What happened since, the latest first.
    pub steps: Vec<StepLine>,
    /// Whether the reader may say what became of it.
    pub may_step: bool,
}

/// The figure that an action is about.
#[derive(Debug, Clone)]
pub struct AboutFigure {
    /// The KPI.
    pub no: u32,
    /// The indicator's title.
    pub indicator: String,
    /// The org unit.
    pub unit: String,
    /// The org unit's name.
    pub unit_name: String,
}

/// Something that happened to an action.
#[derive(Debug, Clone)]
pub struct StepLine {
    /// When.
    pub at: String,
    /// Who says so.
    pub by: String,
    /// What happened; empty where nothing is said.
    pub note: String,
    /// Who sees to it from then on; empty where that stays.
    pub owner: String,
    /// By when from then on; empty where that stays.
    pub due_on: String,
    /// How far it is from then on; `None` where that stays.
    pub state: Option<State>,
}

/// What somebody says of an action; what is empty stays as it is.
#[derive(Debug, Clone, Default)]
pub struct StepOf {
    /// What happened.
    pub note: String,
    /// Who sees to it now.
    pub owner: String,
    /// By when it is due now.
    pub due_on: String,
    /// How far it is now, as written in data.
    pub state: String,
}

/// What the board asked for.
#[derive(Debug, Clone, Default)]
pub struct InstructionOf {
    /// The period whose statement lay before it.
    pub period: String,
    /// What is to be done.
    pub what: String,
    /// Who sees to it.
    pub owner: String,
    /// By when; empty where no day is set.
    pub due_on: String,
}

impl Desk {
    /// What is done about figures of org units that the reader may see, and, to who sees the whole, what the board asked for; the
    /// latest first.
    ///
    /// # Errors
    /// They may see no figures, or the book cannot be read.
    pub async fn actions(&self) -> Result<Vec<Action>> {
        let (_, within) = self.within(Right::See)?;
        let mut actions = notes::told(&self.books.workspace).await?.remarks.actions;
        actions.retain(|one| is_within(one, &within));
        actions.reverse();
        Ok(actions)
    }

    /// The same in the reader's words.
    ///
    /// # Errors
    /// As of `actions`.
    pub async fn action_lines(&self) -> Result<Vec<ActionLine>> {
        let explains = self.within(Right::Explain).map(|(_, within)| within);
        let explains = explains.unwrap_or_default();
        let actions = self.actions().await?;
        Ok(actions
            .iter()
            .map(|one| self.action_line(one, &explains))
            .collect())
    }

    fn action_line(&self, one: &Action, explains: &Within) -> ActionLine {
        let language = self.who.language;
        let day = |day: Option<Day>| day.map_or_else(String::new, |day| date_of(day).to_string());
        let about = |of: &Subject| AboutFigure {
            no: of.kpi,
            indicator: self.names().indicator(of.kpi, &of.indicator),
            unit: of.org_unit.to_string(),
            unit_name: self.names().org_unit(&of.org_unit),
        };
        let steps = one.steps.iter().rev().map(|taken| StepLine {
            at: self.local(taken.at),
            by: taken.by.clone(),
            note: taken
                .step
                .note
                .as_ref()
                .map_or_else(String::new, |note| note.get(language).to_owned()),
            owner: taken.step.owner.clone().unwrap_or_default(),
            due_on: day(taken.step.due_on),
            state: taken.step.state,
        });
        ActionLine {
            number: one.number,
            about: match &one.origin {
                Origin::Deviation(subject) => Some(about(subject)),
                Origin::Board { .. } => None,
            },
            period: one.origin.period().to_string(),
            what: one.what.get(language).to_owned(),
            owner: one.owner.clone(),
            due_on: day(one.due_on),
            state: one.state,
            is_overdue: one.is_overdue(self.today()),
            steps: steps.collect(),
            may_step: is_within(one, explains),
        }
    }

    /// Whether the reader may note what the board asked for.
    #[must_use]
    pub fn may_instruct(&self) -> bool {
        self.whole(Right::Explain).is_ok()
    }

    /// Says what became of an action.
    ///
    /// # Errors
    /// They may not, there is no such action, nothing is said, or it is given up without a reason.
    pub async fn step(&self, number: u32, said: &StepOf) -> Result<()> {
        let (_, within) = self.within(Right::Explain)?;
        let all = notes::told(&self.books.workspace).await?.remarks.actions;
        let found = all.iter().find(|one| one.number == number);
        if !found.is_some_and(|one| is_within(one, &within)) {
            return Err(Error::Absent);
        }
        let step = read(said)?;
        notes::step(&self.books.workspace, number, step, &self.run()).await?;
        self.office.kept.look_again().await;
        self.note("action_step", &number.to_string(), said.state.trim())
            .await
    }

    /// Notes what the board asked for. Returns the number of the action.
    ///
    /// # Errors
    /// They may not, or something of it is missing.
    pub async fn instruct(&self, said: &InstructionOf) -> Result<u32> {
        self.whole(Right::Explain)?;
        let period = self.period(Some(said.period.trim()).filter(|text| !text.is_empty()))?;
        let (what, owner) = (said.what.trim(), said.owner.trim());
        if what.is_empty() || owner.is_empty() || is_long(what) || is_long(owner) {
            return Err(nothing_said());
        }
        let plan = Plan {
            what: Text::new(what, what),
            owner: owner.to_owned(),
            due_on: due_on(&said.due_on)?,
        };
        let number = notes::instruct(&self.books.workspace, period, plan, &self.run()).await?;
        self.office.kept.look_again().await;
        self.note("instruct", &number.to_string(), &period.to_string())
            .await?;
        Ok(number)
    }
}

/// Whether an action is about an org unit of a scope. What the board asked for is the whole group's.
fn is_within(one: &Action, within: &Within) -> bool {
    match &one.origin {
        Origin::Deviation(subject) => within.has(&subject.org_unit),
        Origin::Board { .. } => within.is_whole(),
    }
}

fn read(said: &StepOf) -> Result<Step> {
    let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
    let state = match filled(&said.state) {
        None => None,
        Some(code) => {
            let mut codes = State::CODES.into_iter();
            let found = codes.find(|(known, _)| *known == code);
            Some(found.ok_or_else(|| unknown_state(&code))?.1)
        }
    };
    let note = filled(&said.note);
    let step = Step {
        note: note.as_ref().map(|note| Text::new(note, note)),
        owner: filled(&said.owner),
        due_on: due_on(&said.due_on)?,
        state,
    };
    let has_no_reason = state == Some(State::Dropped) && note.is_none();
    if step.is_empty() || has_no_reason || is_long(&said.note) || is_long(&said.owner) {
        return Err(nothing_said());
    }
    Ok(step)
}

/// A day on which something is due; nothing where none is said.
pub(super) fn due_on(text: &str) -> Result<Option<Day>> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let day = parse_day(text).ok_or_else(|| {
        Error::user(
            Text::new(
                format!("日付ではありません: {text}"),
                format!("not a date: {text}"),
            ),
            Text::new(
                "2026-09-30 のように指定してください",
                "write it as 2026-09-30",
            ),
        )
    })?;
    Ok(Some(day))
}

/// Whether a text is longer than somebody may write.
pub(super) fn is_long(text: &str) -> bool {
    text.chars().count() > SAID_LENGTH_MOST
}

fn nothing_said() -> Error {
    Error::user(
        Text::new(
            "必要な項目が記入されていないか、長すぎます",
            "something is missing, or too long",
        ),
        Text::new(
            format!(
                "変わったことを{SAID_LENGTH_MOST}文字以内で記入してください。取り下げには理由が、指示には内容と担当が必要です"
            ),
            format!(
                "say what is different, in {SAID_LENGTH_MOST} characters at most; giving up takes a reason, an instruction says what and who"
            ),
        ),
    )
}

fn unknown_state(code: &str) -> Error {
    Error::user(
        Text::new(
            format!("状態ではありません: {code}"),
            format!("not a state: {code}"),
        ),
        Text::quoted(State::CODES.map(|(code, _)| code).join(", ")),
    )
}
