//! What people say of figures: explains deviations, opens actions and the board's instructions, and follows them until done.

mod file;

use keiki_model::calendar::{Day, Period};
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::remark::{Origin, Remark, Remarks, Said, State, Step, Subject, is_deviation};
use keiki_model::text::Text;

use super::catalogue;
use super::programme::Run;
use crate::config::{Workspace, suggestion};
use crate::error::{Error, Result};

pub use file::{Line, import};

/// Why a figure is what it is, and what is done about it.
#[derive(Debug, Clone)]
pub struct Explain {
    /// The KPI's number or code.
    pub kpi: String,
    /// The indicator; absent = the KPI's first.
    pub indicator: Option<String>,
    /// The org unit.
    pub org_unit: String,
    /// The period.
    pub period: Period,
    /// The cause; absent where only an action is opened.
    pub cause: Option<String>,
    /// What is done about it.
    pub action: Option<Plan>,
}

/// What somebody is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What.
    pub what: Text,
    /// Who sees to it.
    pub owner: String,
    /// By when.
    pub due_on: Option<Day>,
}

/// What stands, with the number of the last remark.
#[derive(Debug, Clone)]
pub struct Told {
    /// What the remarks add up to.
    pub remarks: Remarks,
    last: Option<i64>,
}

/// All that was said.
///
/// # Errors
/// The book cannot be read.
pub async fn told(workspace: &Workspace) -> Result<Told> {
    let all = workspace.remarks().await?.all().await?;
    let last = all.last().map(|one| one.number);
    let remarks: Vec<Remark> = all.into_iter().map(|one| one.remark).collect();
    Ok(Told {
        remarks: Remarks::told(&remarks),
        last,
    })
}

/// Explains a figure, opens an action about it, or both. Returns the number of the action.
///
/// # Errors
/// There is no such figure, or the book cannot be written.
pub async fn explain(workspace: &Workspace, asked: &Explain, run: &Run) -> Result<Option<u32>> {
    let subject = subject(workspace, asked)?;
    let so_far = told(workspace).await?;
    let mut said = Vec::new();
    if let Some(cause) = &asked.cause {
        said.push(Said::Explained {
            subject: subject.clone(),
            cause: Text::new(cause, cause),
        });
    }
    let number = asked.action.as_ref().map(|plan| {
        let number = so_far.remarks.next_number();
        said.push(opened(number, Origin::Deviation(subject), plan.clone()));
        number
    });
    say(workspace, said, &so_far, run).await?;
    Ok(number)
}

/// Notes what the board asked for. Returns the number of the action.
///
/// # Errors
/// The book cannot be written.
pub async fn instruct(workspace: &Workspace, period: Period, plan: Plan, run: &Run) -> Result<u32> {
    let so_far = told(workspace).await?;
    let number = so_far.remarks.next_number();
    let period = period.to_string().into();
    let said = vec![opened(number, Origin::Board { period }, plan)];
    say(workspace, said, &so_far, run).await?;
    Ok(number)
}

/// Notes what is different about an action.
///
/// # Errors
/// There is no such action, or it has ended and stays so.
pub async fn step(workspace: &Workspace, number: u32, step: Step, run: &Run) -> Result<()> {
    let so_far = told(workspace).await?;
    let mut actions = so_far.remarks.actions.iter();
    let Some(action) = actions.find(|one| one.number == number) else {
        return Err(Error::user(
            Text::new(
                format!("対応 {number} はありません"),
                format!("there is no action {number}"),
            ),
            Text::new(
                "`keiki notes list --all` で一覧できます",
                "`keiki notes list --all` lists them",
            ),
        ));
    };
    if action.state != State::Open && step.state != Some(State::Open) {
        let state = action.state.title();
        return Err(Error::user(
            Text::new(
                format!("対応 {number} は終わっています({})", state.ja),
                format!("action {number} is {} already", state.en),
            ),
            Text::new(
                format!("再開するには `keiki notes step {number} --reopen` を使います"),
                format!("to open it again: `keiki notes step {number} --reopen`"),
            ),
        ));
    }
    say(
        workspace,
        vec![Said::Stepped { number, step }],
        &so_far,
        run,
    )
    .await
}

/// What a statement of a period carries, if it is closed now: explanations of its figures, and what is open or ended since the
/// close of the period before.
///
/// # Errors
/// The book cannot be read.
pub(super) async fn of_period(
    workspace: &Workspace,
    period: Period,
    since: Option<i64>,
) -> Result<Remarks> {
    let calendar = &workspace.settings.calendar;
    let end = |period: Period| period.months(calendar).map(|(_, last)| last);
    let last = end(period);
    let by_then = |name: &str| Period::parse(name).is_ok_and(|one| end(one) <= last);
    let told = told(workspace).await?;
    Ok(told.remarks.of_period(&period.to_string(), by_then, since))
}

/// The figures of a set that need an explanation, at these org units.
pub fn deviations<'m>(
    measured: &'m [Measurement],
    org_units: &'m [String],
) -> impl Iterator<Item = &'m Measurement> {
    measured
        .iter()
        .filter(|one| is_deviation(one) && org_units.iter().any(|id| one.org_unit == *id))
}

fn opened(number: u32, origin: Origin, plan: Plan) -> Said {
    Said::Opened {
        number,
        origin,
        what: plan.what,
        owner: plan.owner,
        due_on: plan.due_on,
    }
}

/// Adds to the book.
pub(super) async fn say(
    workspace: &Workspace,
    said: Vec<Said>,
    so_far: &Told,
    run: &Run,
) -> Result<()> {
    let remark = |said| Remark {
        at: run.now,
        by: run.author.clone(),
        said,
    };
    let remarks: Vec<Remark> = said.into_iter().map(remark).collect();
    let book = workspace.remarks().await?;
    Ok(book.add(&remarks, so_far.last).await?)
}

/// The figure that is asked about.
fn subject(workspace: &Workspace, asked: &Explain) -> Result<Subject> {
    let kpi = catalogue::find(&workspace.catalogue, &asked.kpi)?;
    let code = asked.indicator.as_deref();
    let found = match code {
        None => kpi.indicators.first(),
        Some(code) => kpi.indicators.iter().find(|one| one.code == code),
    };
    let Some(indicator) = found else {
        let codes = kpi.indicators.iter().map(|one| one.code.as_str());
        let code = code.unwrap_or_default();
        return Err(Error::user(
            Text::new(
                format!("KPI {} に指標 {code} はありません", kpi.no),
                format!("KPI {} has no indicator {code}", kpi.no),
            ),
            suggestion(code, codes),
        ));
    };
    Ok(Subject {
        kpi: kpi.no,
        indicator: indicator.code.as_str().into(),
        org_unit: org_unit(workspace, &asked.org_unit)?,
        period: asked.period.to_string().into(),
    })
}

/// An org unit that exists, on whatever day.
pub(super) fn org_unit(workspace: &Workspace, id: &str) -> Result<Name> {
    let rows = workspace.organisation.rows();
    let ids = rows.iter().map(|row| row.id.as_str());
    if ids.clone().any(|known| known == id) {
        return Ok(id.into());
    }
    Err(Error::user(
        Text::new(
            format!("組織 {id} がありません"),
            format!("unknown org unit {id}"),
        ),
        suggestion(id, ids),
    ))
}
