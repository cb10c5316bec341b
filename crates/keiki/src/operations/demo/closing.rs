//! What the sample group closes, restates and signs, and when.

use jiff::tz::TimeZone;
use keiki_model::calendar::{Month, Period};
use keiki_model::restatement::Cause;
use keiki_model::text::Text;

use super::sheet::day;
use super::story::{LAST_MONTH, instant};
use crate::config::Workspace;
use crate::error::Result;
use crate::operations::notes::{self, Plan};
use crate::operations::programme::Run;
use crate::operations::statement::{self, Close, Kind, Reopen, Revision, Weight};
use crate::operations::{certify, seals};
use crate::progress::{Progress, Step};

/// What `keiki.toml` says of closing, where the story is closed.
pub(super) const SETTINGS: &str = include_str!("close.toml.part");

/// The name of the key.
const KEY: &str = "demo";
/// Who closes, and who agrees where something stands in the way.
const OFFICE: &str = "demo-office";
const SECOND: &str = "demo-ciso";
/// Why it is closed although something stands in the way.
const LATE: &str =
    "架空物流が未提出で、架空ヨーロッパは四半期ごとの合計値だけのため、そろうのを待たずに締める";
/// Why two months are restated.
const CORRECTED: &str = "インシデントの封じ込め日時と受講記録の訂正を反映";

/// What happens on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A month is closed and signed.
    Close(Month),
    /// A month is opened again, closed again and signed.
    Restate(Month),
    /// The board asks for something.
    Instruct,
    /// Somebody says why a figure is what it is.
    Explain,
    /// A company's figures of the last month are certified.
    Certify(&'static str, &'static str),
}

/// All of it in order: eleven months are closed, and the two that August's corrections reach are restated.
pub(super) fn acts(zone: &TimeZone) -> Vec<(i64, Act)> {
    let at = |month, on| instant(day(2026, month, on), zone) + 3_600_000_000;
    let mut acts: Vec<(i64, Act)> = (0..8)
        .map(|back| (at(7, 16), Act::Close(LAST_MONTH.plus(-10 + back))))
        .collect();
    acts.push((at(7, 28), Act::Instruct));
    acts.push((at(8, 10), Act::Close(LAST_MONTH.plus(-2))));
    acts.push((at(8, 20), Act::Restate(LAST_MONTH.plus(-5))));
    acts.push((at(8, 20), Act::Restate(LAST_MONTH.plus(-3))));
    acts.push((at(9, 8), Act::Explain));
    acts.push((at(9, 10), Act::Close(LAST_MONTH.plus(-1))));
    acts.push((at(10, 15), Act::Certify("JP1", "demo-jp1")));
    acts.push((at(10, 15), Act::Close(LAST_MONTH)));
    acts
}

/// Makes the key that signs.
///
/// # Errors
/// It cannot be written.
pub(super) fn make_key(workspace: &Workspace) -> Result<()> {
    seals::make(workspace, KEY).map(|_| ())
}

/// Does what happens on a day.
///
/// # Errors
/// It cannot be done.
pub(super) async fn carry_out(
    workspace: &Workspace,
    (at, act): (i64, Act),
    progress: &dyn Progress,
) -> Result<()> {
    let by = |author: &str| Run {
        author: author.to_owned(),
        now: at,
    };
    match act {
        Act::Close(month) => close(workspace, month, LATE, &by(OFFICE), progress).await,
        Act::Restate(month) => {
            let asked = Reopen {
                period: Period::Month(month),
                reason: CORRECTED.to_owned(),
                cause: Some(Cause::Error),
                weight: Weight::Any,
                run: by(OFFICE),
            };
            statement::reopen(workspace, &asked, progress).await?;
            close(workspace, month, CORRECTED, &by(OFFICE), progress).await
        }
        Act::Certify(org_unit, person) => {
            let (period, run) = (Period::Month(LAST_MONTH), by(person));
            certify::certify(workspace, period, org_unit, &run, progress).await?;
            Ok(())
        }
        Act::Instruct => instruct(workspace, &by(OFFICE)).await,
        Act::Explain => explain(workspace, &by(OFFICE)).await,
    }
}

async fn close(
    workspace: &Workspace,
    month: Month,
    reason: &str,
    run: &Run,
    progress: &dyn Progress,
) -> Result<()> {
    progress.begin(&Step::Closing {
        month: month.to_string(),
    });
    let period = Period::Month(month);
    let asked = Close {
        period,
        reason: Some(reason.to_owned()),
        agreed_by: Some(SECOND.to_owned()),
        kind: Kind::Final,
        run: run.clone(),
        fulfils: None,
    };
    statement::close(workspace, &asked, progress).await?;
    seals::sign(workspace, period, Revision::Last, KEY, run).await?;
    Ok(())
}

async fn instruct(workspace: &Workspace, run: &Run) -> Result<()> {
    let june = Period::Month(LAST_MONTH.plus(-3));
    let plan = Plan {
        what: Text::new(
            "架空物流の締めの遅れを解消する計画を示すこと",
            "show how Fictional Logistics will report in time",
        ),
        owner: "demo-jp3".to_owned(),
        due_on: Some(day(2026, 9, 30)),
    };
    notes::instruct(workspace, june, plan, run).await?;
    Ok(())
}

/// Of August nothing has come from Fictional Logistics, and what it sent of June is stale.
async fn explain(workspace: &Workspace, run: &Run) -> Result<()> {
    let asked = notes::Explain {
        kpi: "1".to_owned(),
        indicator: None,
        org_unit: "HD".to_owned(),
        period: Period::Month(LAST_MONTH.plus(-1)),
        cause: Some("架空物流の棚卸が届いていない".to_owned()),
        action: Some(Plan {
            what: Text::new(
                "架空物流の資産を本社の担当が棚卸する",
                "headquarters takes stock of Fictional Logistics",
            ),
            owner: OFFICE.to_owned(),
            due_on: Some(day(2026, 10, 31)),
        }),
    };
    notes::explain(workspace, &asked, run).await?;
    Ok(())
}
