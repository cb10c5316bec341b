//! What people say of figures: why one misses its target, what is done about it, what the board asked for, and who answers for it.
//!
//! Remarks are events. None is changed: what stands is what they add up to, so that every statement can carry what was said when
//! it was closed, and the next one shows what became of it.

use serde::{Deserialize, Serialize};

use crate::calendar::Day;
use crate::measurement::{Measurement, Scope};
use crate::name::Name;
use crate::status::Status;
use crate::text::Text;

/// The figure that a remark is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The KPI.
    pub kpi: u32,
    /// The indicator.
    pub indicator: Name,
    /// The org unit.
    pub org_unit: Name,
    /// The period as written.
    pub period: Name,
}

impl Subject {
    /// The figure that a measurement is.
    #[must_use]
    pub fn of(one: &Measurement) -> Self {
        Self {
            kpi: one.no,
            indicator: one.indicator.clone(),
            org_unit: one.org_unit.clone(),
            period: one.period.clone(),
        }
    }
}

/// Why there is something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A figure missed its target.
    Deviation(Subject),
    /// The board asked for it.
    Board {
        /// The period whose statement lay before it.
        period: Name,
    },
}

impl Origin {
    /// The period in which it arose, as written.
    #[must_use]
    pub fn period(&self) -> &Name {
        match self {
            Self::Deviation(subject) => &subject.period,
            Self::Board { period } => period,
        }
    }
}

/// How far an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being worked on.
    Open,
    /// It is done.
    Done,
    /// It was given up; its last step says why.
    Dropped,
}

impl State {
    /// The words in data, each with its state.
    pub const CODES: [(&'static str, Self); 3] = [
        ("open", Self::Open),
        ("done", Self::Done),
        ("dropped", Self::Dropped),
    ];

    /// The word in data.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Done => "done",
            Self::Dropped => "dropped",
        }
    }

    /// The word on screen.
    #[must_use]
    pub fn title(self) -> Text {
        match self {
            Self::Open => Text::new("対応中", "open"),
            Self::Done => Text::new("完了", "done"),
            Self::Dropped => Text::new("取り下げ", "dropped"),
        }
    }
}

/// One thing that somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    /// When, UTC microseconds.
    #[serde(with = "crate::written::instant")]
    pub at: i64,
    /// Who.
    pub by: String,
    /// What.
    pub said: Said,
}

/// What was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Why a figure is what it is; the last explanation of a figure stands.
    Explained {
        /// The figure.
        subject: Subject,
        /// The cause.
        cause: Text,
    },
    /// There is something to do.
    Opened {
        /// Its number in the workspace, from 1.
        number: u32,
        /// Why.
        origin: Origin,
        /// What.
        what: Text,
        /// Who sees to it.
        owner: String,
        /// By when.
        #[serde(default, with = "crate::written::optional_day")]
        due_on: Option<Day>,
    },
    /// Something about an action is different now.
    Stepped {
        /// The action.
        number: u32,
        /// What.
        step: Step,
    },
    /// The person who answers for a company stands by its figures.
    Certified {
        /// The company.
        org_unit: Name,
        /// The period as written.
        period: Name,
        /// The journal version that was looked at.
        journal_version: i64,
        /// The hash of the company's figures, by which a later change of them is seen.
        figures_sha256: String,
    },
}

/// What is different about an action; what is absent stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Step {
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<Text>,
    /// Who sees to it now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when it is due now.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "crate::written::optional_day"
    )]
    pub due_on: Option<Day>,
    /// How far it is now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

impl Step {
    /// Tells whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Why a figure is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The figure.
    pub subject: Subject,
    /// The cause.
    pub cause: Text,
    /// When it was said, UTC microseconds.
    #[serde(with = "crate::written::instant")]
    pub at: i64,
    /// Who said it.
    pub by: String,
}

/// Something to do, as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its number in the workspace, from 1.
    pub number: u32,
    /// Why.
    pub origin: Origin,
    /// What.
    pub what: Text,
    /// Who sees to it.
    pub owner: String,
    /// By when.
    #[serde(default, with = "crate::written::optional_day")]
    pub due_on: Option<Day>,
    /// How far it is.
    pub state: State,
    /// When it was opened, UTC microseconds.
    #[serde(with = "crate::written::instant")]
    pub opened_at: i64,
    /// Who opened it.
    pub opened_by: String,
    /// What happened since, in order.
    pub steps: Vec<Taken>,
}

/// A step with who took it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// When, UTC microseconds.
    #[serde(with = "crate::written::instant")]
    pub at: i64,
    /// Who.
    pub by: String,
    /// What.
    pub step: Step,
}

impl Action {
    /// Tells whether the board asked for it.
    #[must_use]
    pub fn is_instruction(&self) -> bool {
        matches!(self.origin, Origin::Board { .. })
    }

    /// Tells whether it is open on a day after it was due.
    #[must_use]
    pub fn is_overdue(&self, on: Day) -> bool {
        self.state == State::Open && self.due_on.is_some_and(|due| due < on)
    }

    /// When it was done or given up, UTC microseconds; `None` while it is open.
    #[must_use]
    pub fn ended_at(&self) -> Option<i64> {
        if self.state == State::Open {
            return None;
        }
        let mut steps = self.steps.iter().rev();
        steps
            .find(|taken| taken.step.state.is_some())
            .map(|taken| taken.at)
    }

    /// What was said of it last.
    #[must_use]
    pub fn latest_note(&self) -> Option<&Text> {
        let mut steps = self.steps.iter().rev();
        steps.find_map(|taken| taken.step.note.as_ref())
    }

    fn take(&mut self, taken: Taken) {
        if let Some(owner) = &taken.step.owner {
            self.owner.clone_from(owner);
        }
        self.due_on = taken.step.due_on.or(self.due_on);
        self.state = taken.step.state.unwrap_or(self.state);
        self.steps.push(taken);
    }
}

/// A company's figures, and who stands by them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certification {
    /// The company.
    pub org_unit: Name,
    /// The period as written.
    pub period: Name,
    /// The journal version that was looked at.
    pub journal_version: i64,
    /// The hash of the company's figures.
    pub figures_sha256: String,
    /// When, UTC microseconds.
    #[serde(with = "crate::written::instant")]
    pub at: i64,
    /// Who.
    pub by: String,
}

/// What remarks add up to.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remarks {
    /// The last explanation of each figure, in the order of figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explanation>,
    /// What there is to do, in the order of numbers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// The last certification of each company and period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub certifications: Vec<Certification>,
}

impl Remarks {
    /// Adds remarks up, in the order in which they were made.
    #[must_use]
    pub fn told(remarks: &[Remark]) -> Self {
        let mut all = Self::default();
        for remark in remarks {
            all.hear(remark);
        }
        all.explanations.sort_by(|a, b| a.subject.cmp(&b.subject));
        all.actions.sort_by_key(|action| action.number);
        all
    }

    fn hear(&mut self, remark: &Remark) {
        let (at, by) = (remark.at, remark.by.clone());
        match &remark.said {
            Said::Explained { subject, cause } => {
                self.explanations.retain(|one| one.subject != *subject);
                self.explanations.push(Explanation {
                    subject: subject.clone(),
                    cause: cause.clone(),
                    at,
                    by,
                });
            }
            Said::Opened {
                number,
                origin,
                what,
                owner,
                due_on,
            } => self.actions.push(Action {
                number: *number,
                origin: origin.clone(),
                what: what.clone(),
                owner: owner.clone(),
                due_on: *due_on,
                state: State::Open,
                opened_at: at,
                opened_by: by,
                steps: Vec::new(),
            }),
            Said::Stepped { number, step } => {
                let step = step.clone();
                if let Some(action) = self.actions.iter_mut().find(|one| one.number == *number) {
                    action.take(Taken { at, by, step });
                }
            }
            Said::Certified {
                org_unit,
                period,
                journal_version,
                figures_sha256,
            } => {
                let same = |one: &Certification| (&one.org_unit, &one.period) == (org_unit, period);
                self.certifications.retain(|one| !same(one));
                self.certifications.push(Certification {
                    org_unit: org_unit.clone(),
                    period: period.clone(),
                    journal_version: *journal_version,
                    figures_sha256: figures_sha256.clone(),
                    at,
                    by,
                });
            }
        }
    }

    /// What a period's statement carries: explanations and certifications of its own figures, and of the actions that arose by
    /// then those that are open or ended after `since`, the close of the statement before it.
    #[must_use]
    pub fn of_period(
        &self,
        period: &str,
        arose_by_then: impl Fn(&str) -> bool,
        since: Option<i64>,
    ) -> Self {
        let is_news = |action: &Action| match (action.ended_at(), since) {
            (Some(ended), Some(since)) => ended > since,
            _ => true,
        };
        let explanations = self.explanations.iter();
        let actions = self.actions.iter();
        let certifications = self.certifications.iter();
        Self {
            explanations: explanations
                .filter(|one| one.subject.period == *period)
                .cloned()
                .collect(),
            actions: actions
                .filter(|one| arose_by_then(one.origin.period()) && is_news(one))
                .cloned()
                .collect(),
            certifications: certifications
                .filter(|one| one.period == *period)
                .cloned()
                .collect(),
        }
    }

    /// Tells whether there is nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The explanation of a figure.
    #[must_use]
    pub fn explanation(&self, one: &Measurement) -> Option<&Explanation> {
        let subject = Subject::of(one);
        let mut all = self.explanations.iter();
        all.find(|explanation| explanation.subject == subject)
    }

    /// What is done about a figure, whichever period it arose in, in the order of numbers.
    pub fn actions_on<'r>(&'r self, one: &'r Measurement) -> impl Iterator<Item = &'r Action> {
        self.actions
            .iter()
            .filter(move |action| match &action.origin {
                Origin::Deviation(subject) => {
                    (subject.kpi, &subject.indicator, &subject.org_unit)
                        == (one.no, &one.indicator, &one.org_unit)
                }
                Origin::Board { .. } => false,
            })
    }

    /// What the board asked for, in the order of numbers.
    pub fn instructions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter().filter(|one| one.is_instruction())
    }

    /// The number of the next action.
    #[must_use]
    pub fn next_number(&self) -> u32 {
        self.actions.iter().map(|one| one.number).max().unwrap_or(0) + 1
    }
}

/// Tells whether a figure needs to be explained: an indicator of the org tree that missed its target, or is behind its plan.
#[must_use]
pub fn is_deviation(one: &Measurement) -> bool {
    !one.is_companion
        && one.hierarchy.is_none()
        && one.scope == Scope::Consolidated
        && matches!(one.status, Status::Missed | Status::Behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remark(at: i64, said: Said) -> Remark {
        Remark {
            at,
            by: "sato".to_owned(),
            said,
        }
    }

    fn opened(number: u32, period: &str) -> Said {
        Said::Opened {
            number,
            origin: Origin::Board {
                period: period.into(),
            },
            what: Text::new("訓練", "drill"),
            owner: "ito".to_owned(),
            due_on: Some(100),
        }
    }

    fn stepped(number: u32, step: Step) -> Said {
        Said::Stepped { number, step }
    }

    #[test]
    fn an_action_is_shown_until_the_statement_after_the_one_in_which_it_ended() {
        let done = Step {
            note: Some(Text::new("実施", "held")),
            state: Some(State::Done),
            ..Step::default()
        };
        let told = Remarks::told(&[
            remark(1, opened(1, "2026-04")),
            remark(2, opened(2, "2026-05")),
            remark(5, stepped(1, done)),
        ]);
        let shown = |since: Option<i64>, until: &'static str| -> Vec<u32> {
            let of = told.of_period("2026-05", move |period| period <= until, since);
            of.actions.iter().map(|one| one.number).collect()
        };
        assert_eq!(shown(Some(4), "2026-05"), [1, 2], "it ended since");
        assert_eq!(shown(Some(5), "2026-05"), [2], "its end was shown");
        assert_eq!(shown(Some(4), "2026-04"), [1], "the other arose later");
        assert_eq!(told.actions[0].ended_at(), Some(5));
        assert_eq!(
            told.actions[0].latest_note().map(|note| &*note.en),
            Some("held")
        );
    }

    #[test]
    fn a_step_changes_what_it_names_and_nothing_else() {
        let later = Step {
            due_on: Some(120),
            ..Step::default()
        };
        let told = Remarks::told(&[
            remark(1, opened(1, "2026-04")),
            remark(2, stepped(1, later)),
        ]);
        let action = &told.actions[0];
        assert_eq!(
            (&*action.owner, action.due_on, action.state),
            ("ito", Some(120), State::Open)
        );
        assert!(action.is_overdue(121) && !action.is_overdue(120));
    }

    #[test]
    fn the_last_explanation_of_a_figure_stands() {
        let said = |cause: &str| Said::Explained {
            subject: Subject {
                kpi: 1,
                indicator: "ratio".into(),
                org_unit: "HD".into(),
                period: "2026-05".into(),
            },
            cause: Text::new(cause, cause),
        };
        let told = Remarks::told(&[remark(1, said("late")), remark(2, said("lost"))]);
        assert_eq!(told.explanations.len(), 1);
        assert_eq!(told.explanations[0].cause.en, "lost");
    }
}
