//! Four eyes: what somebody asks for that somebody else agrees to. Nobody agrees to what they asked for themselves.

use keiki_model::access::Right;
use keiki_model::calendar::Period;
use keiki_report::report::period_name;
use keiki_store::{Decision, RequestKind, Requests};

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

    /// Agrees to a request, which is then carried out, refuses it, or takes it back.
    ///
    /// # Errors
    /// They may not, or it is not open any more.
    pub async fn decide(&self, id: &str, verdict: Verdict) -> Result<()> {
        let lines = self.requests().await?;
        let line = lines.into_iter().find(|one| one.id == id);
        let line = line.ok_or(Error::Absent)?;
        let (is_allowed, decision, action) = match verdict {
            Verdict::Agree => (line.may_decide, Decision::Agreed, "request_agree"),
            Verdict::Refuse => (line.may_decide, Decision::Refused, "request_refuse"),
            Verdict::Withdraw => (line.is_own, Decision::Withdrawn, "request_withdraw"),
        };
        if !is_allowed {
            return Err(Error::Forbidden);
        }
        let book = self.book_of_requests().await?;
        let me = &self.who.actor.name;
        if !book.decide(id, decision, me).await? {
            return Err(Error::Absent);
        }
        if verdict == Verdict::Agree
            && let Err(error) = self.as_agreed(&line).await
        {
            book.reopen(id).await?;
            return Err(error);
        }
        self.note(action, &line.about.object(), &line.asked_by)
            .await
    }

    async fn as_agreed(&self, line: &RequestLine) -> Result<()> {
        let run = Run {
            author: line.asked_by.clone(),
            now: self.who.actor.now,
        };
        let me = self.who.actor.name.as_str();
        match &line.about {
            About::Close(period, _) => self.close_as_agreed(period, line, run).await,
            About::Change(change) => {
                self.make_change(change, (me, &run), &line.reason).await?;
                Ok(())
            }
        }
    }

    async fn close_as_agreed(&self, period: &str, line: &RequestLine, run: Run) -> Result<()> {
        let asked = Close {
            period: Period::parse(period).map_err(|_| Error::Absent)?,
            reason: Some(line.reason.clone()),
            agreed_by: Some(self.who.actor.name.clone()),
            kind: Kind::Final,
            run,
        };
        let closing = statement::close(&self.books.workspace, &asked, &Silent).await?;
        self.office.kept.look_again().await;
        match closing {
            Closing::Closed(_) => self.note("close", period, &line.reason).await,
            Closing::Preliminary(_) | Closing::Hindered(_) => Err(Error::Absent),
        }
    }
}
