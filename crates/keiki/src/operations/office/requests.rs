//! Four eyes: what somebody asks for that somebody else agrees to. Nobody agrees to what they asked for themselves.

use keiki_model::access::Right;
use keiki_model::calendar::Period;
use keiki_report::report::period_name;
use keiki_store::{Agreed, Decision, RequestKind, Requests};

use super::Desk;
use crate::error::{Error, Result};
use crate::operations::changes::Change;
use crate::operations::programme::Run;
use crate::operations::requests;
use crate::operations::statement::{self, Close, Closing, Kind};
use crate::progress::Silent;

/// A request.
#[derive(Debug, Clone)]
pub struct RequestLine {
    /// Its identity.
    pub id: String,
    /// What is asked for.
    pub about: About,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub asked_by: String,
    /// When, in the workspace's zone, and as UTC microseconds.
    pub asked_at: (String, i64),
    /// How it stands.
    pub decision: Decision,
    /// Who decided.
    pub decided_by: String,
    /// Whether the reader may agree or refuse.
    pub may_decide: bool,
    /// Whether the reader may do what somebody agreed to and what is not done.
    pub may_do: bool,
    /// Whether the reader may take it back.
    pub is_own: bool,
}

/// What a request is about.
#[derive(Debug, Clone)]
pub enum About {
    /// The close of a period, as written and in words.
    Close(String, String),
    /// A change of the programme.
    Change(Change),
}

impl About {
    /// What it is about, as the log names it.
    fn object(&self) -> String {
        match self {
            Self::Close(period, _) => period.clone(),
            Self::Change(change) => change.said(),
        }
    }
}

/// What a reader does about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They agree.
    Agree,
    /// They refuse.
    Refuse,
    /// They take back what they asked for.
    Withdraw,
    /// They do what somebody agreed to and what is not done, since whoever did it was stopped.
    Do,
}

impl Desk {
    async fn book_of_requests(&self) -> Result<Requests> {
        let database = self.books.workspace.database()?;
        Ok(Requests::open(&database).await?)
    }

    /// Asks for a period to be closed although something stands in the way.
    ///
    /// # Errors
    /// They may not close, there is no reason, or that was asked for already.
    pub async fn ask_to_close(&self, period: Period, reason: &str) -> Result<()> {
        self.may_close()?;
        let workspace = &self.books.workspace;
        let reason = requests::ask_to_close(workspace, period, reason, &self.run()).await?;
        self.note("request_close", &period.to_string(), &reason)
            .await
    }

    /// What was asked for, the latest first.
    ///
    /// # Errors
    /// They may see no evidence.
    pub async fn requests(&self) -> Result<Vec<RequestLine>> {
        let (tree, within) = self.within(Right::SeeEvidence)?;
        // What is asked for is about the whole group.
        if !within.is_whole() {
            return Ok(Vec::new());
        }
        let approves = self.who.scope.within(Right::Approve, &tree).is_whole();
        let me = &self.who.actor.name;
        let all = self.book_of_requests().await?.all().await?.into_iter();
        let lines = all.map(|one| {
            let is_open = one.decision == Decision::Open;
            let about = match one.kind {
                RequestKind::Close => About::Close(
                    one.subject.clone(),
                    period_name(&one.subject, self.who.language),
                ),
                RequestKind::Change => {
                    About::Change(serde_json::from_str(&one.change).map_err(Error::stopped)?)
                }
            };
            Ok(RequestLine {
                about,
                asked_at: (self.local(one.asked_at), one.asked_at),
                may_decide: is_open && approves && one.asked_by != *me,
                may_do: one.decision == Decision::Undone && (approves || one.asked_by == *me),
                is_own: is_open && one.asked_by == *me,
                id: one.id,
                reason: one.reason,
                asked_by: one.asked_by,
                decision: one.decision,
                decided_by: one.decided_by,
            })
        });
        lines.collect()
    }

    /// Agrees to a request, which is then done, refuses it, takes it back, or does what somebody agreed to and what is not done.
    ///
    /// # Errors
    /// They may not, or it does not stand so any more.
    pub async fn decide(&self, id: &str, verdict: Verdict) -> Result<()> {
        let lines = self.requests().await?;
        let line = lines.into_iter().find(|one| one.id == id);
        let line = line.ok_or(Error::Absent)?;
        let is_allowed = match verdict {
            Verdict::Agree | Verdict::Refuse => line.may_decide,
            Verdict::Withdraw => line.is_own,
            Verdict::Do => line.may_do,
        };
        if !is_allowed {
            return Err(Error::Forbidden);
        }
        let book = self.book_of_requests().await?;
        let me = &self.who.actor.name;
        match verdict {
            Verdict::Agree => {
                let agreed = book.agree(id, me).await?.ok_or(Error::Absent)?;
                self.note_decision("request_agree", &line).await?;
                self.carry_out(&line, (me, &agreed), &book).await
            }
            Verdict::Do => {
                let agreed = book.undone(id).await?.ok_or(Error::Absent)?;
                self.note_decision("request_do", &line).await?;
                let by = (line.decided_by.as_str(), &agreed);
                self.carry_out(&line, by, &book).await
            }
            Verdict::Refuse => {
                let refused = book.decide(id, Decision::Refused, me).await?;
                self.decided(refused, "request_refuse", &line).await
            }
            Verdict::Withdraw => {
                let withdrawn = book.decide(id, Decision::Withdrawn, me).await?;
                self.decided(withdrawn, "request_withdraw", &line).await
            }
        }
    }

    async fn decided(&self, was_open: bool, action: &str, line: &RequestLine) -> Result<()> {
        if !was_open {
            return Err(Error::Absent);
        }
        self.note_decision(action, line).await
    }

    async fn note_decision(&self, action: &str, line: &RequestLine) -> Result<()> {
        let object = line.about.object();
        self.note(action, &object, &line.asked_by).await
    }

    /// Does what somebody agreed to; where that cannot be, it waits again for somebody to agree, unless the files say it already.
    async fn carry_out(
        &self,
        line: &RequestLine,
        by: (&str, &Agreed),
        book: &Requests,
    ) -> Result<()> {
        let done = self.as_agreed(line, by).await;
        if done.is_err() && !self.is_put(by.1).await? {
            book.reopen(by.1).await?;
        }
        done
    }

    async fn as_agreed(
        &self,
        line: &RequestLine,
        (agreed_by, agreed): (&str, &Agreed),
    ) -> Result<()> {
        let run = Run {
            author: line.asked_by.clone(),
            now: self.who.actor.now,
        };
        match &line.about {
            About::Close(period, _) => {
                let asked = Close {
                    period: Period::parse(period).map_err(|_| Error::Absent)?,
                    reason: Some(line.reason.clone()),
                    agreed_by: Some(agreed_by.to_owned()),
                    kind: Kind::Final,
                    run,
                    fulfils: Some(agreed.clone()),
                };
                self.close_as_agreed(&asked, line).await
            }
            About::Change(change) => {
                let by = (agreed_by, &run);
                self.make_change(change, by, &line.reason, agreed).await
            }
        }
    }

    async fn close_as_agreed(&self, asked: &Close, line: &RequestLine) -> Result<()> {
        let closing = statement::close(&self.books.workspace, asked, &Silent).await?;
        self.office.kept.look_again().await;
        match closing {
            Closing::Closed(_) => {
                let period = asked.period.to_string();
                self.note("close", &period, &line.reason).await
            }
            Closing::Preliminary(_) | Closing::Hindered(_) => Err(Error::Absent),
        }
    }
}
