//! Reads the approved plans of `programme.toml` and holds them against the catalogue, the org tree and the calendar.

use super::{check_unit, day};
use crate::calendar::Period;
use crate::calendars::Calendars;
use crate::catalogue::Catalogue;
use crate::document::{Located, Node};
use crate::org::Organisation;
use crate::problem::{Problem, nearest};
use crate::programme::BaselinePlan;
use crate::text::Text;

pub(super) fn read(node: &Node<'_>) -> Vec<BaselinePlan> {
    node.list("plans")
        .iter()
        .filter_map(|row| {
            let plan = plan(row);
            row.finish();
            plan
        })
        .collect()
}

fn plan(row: &Node<'_>) -> Option<BaselinePlan> {
    let dataset = required(
        row,
        "dataset",
        Text::new(
            "計画を持つデータ種別を指定してください",
            "name a dataset that holds a plan",
        ),
    );
    let org_unit = required(
        row,
        "org_unit",
        Text::new(
            "計画の対象とする組織(配下を含む)を指定してください",
            "the unit whose plan it is, and of all below",
        ),
    );
    let fiscal_year = required(
        row,
        "fiscal_year",
        Text::new(
            "例: fiscal_year = \"FY2026\"",
            "for example fiscal_year = \"FY2026\"",
        ),
    )
    .and_then(|found| year(row, &found));
    let approved_on = day(row, "approved_on");
    if !row.has("approved_on") {
        row.report(
            Problem::new(
                row.place(),
                Text::new(
                    "項目 `approved_on` がありません",
                    "missing key `approved_on`",
                ),
            )
            .hint(Text::new(
                "承認日を加えてください(例: approved_on = \"2026-04-01\")",
                "add the day of the approval, for example approved_on = \"2026-04-01\"",
            )),
        );
    }
    let approved_by = row.string("approved_by");
    if approved_by.is_none() {
        row.report(
            Problem::new(
                row.place(),
                Text::new(
                    "承認済みの計画には `approved_by` が必要です",
                    "an approved plan needs `approved_by`",
                ),
            )
            .hint(Text::new("承認者を書いてください", "say who approved it")),
        );
    }
    let entered_until = day(row, "entered_until");
    if let (Some(approved), Some(entered)) = (approved_on, entered_until)
        && entered < approved
    {
        row.report(
            Problem::new(
                row.place_of("entered_until"),
                Text::new(
                    "`entered_until` が `approved_on` より前です",
                    "`entered_until` is before `approved_on`",
                ),
            )
            .hint(Text::new(
                "承認された計画を入力できる最後の日を書いてください",
                "it is the last day on which the approved plan may still be entered",
            )),
        );
    }
    let reason = row.text("reason");
    Some(BaselinePlan {
        dataset: dataset?,
        org_unit: org_unit?,
        fiscal_year: fiscal_year?,
        approved_on: approved_on?,
        approved_by: approved_by?,
        entered_until: entered_until.or(approved_on)?,
        reason,
        place: row.place(),
    })
}

fn required(row: &Node<'_>, key: &str, hint: Text) -> Option<Located> {
    if !row.has(key) {
        row.report(
            Problem::new(
                row.place(),
                Text::new(
                    format!("項目 `{key}` がありません"),
                    format!("missing key `{key}`"),
                ),
            )
            .hint(hint),
        );
    }
    row.located(key)
}

fn year(row: &Node<'_>, found: &Located) -> Option<i32> {
    if let Ok(Period::Year(year)) = Period::parse(&found.value) {
        return Some(year);
    }
    let message = Text::new(
        format!("`fiscal_year` が会計年度ではありません: {}", found.value),
        format!("`fiscal_year` is no fiscal year: {}", found.value),
    );
    row.report(Problem::new(found.place.clone(), message).hint(Text::new(
        "計画は年度単位で承認します(例: \"FY2026\")",
        "a plan is approved for a whole year, for example \"FY2026\"",
    )));
    None
}

/// Holds every name against what it names.
pub(super) fn check(
    plans: &[BaselinePlan],
    catalogue: &Catalogue,
    organisation: &Organisation,
    calendars: &Calendars,
    problems: &mut Vec<Problem>,
) {
    for (number, plan) in plans.iter().enumerate() {
        check_dataset(&plan.dataset, catalogue, problems);
        let unit = &plan.org_unit;
        check_unit(&unit.value, &unit.place, organisation, problems);
        let follows = calendars.of_evidence(&unit.value, plan.approved_on);
        let calendar = calendars.numbered(follows);
        if calendar.year_named(plan.fiscal_year).is_none() {
            let message = Text::new(
                format!("会計暦に年度 FY{} がありません", plan.fiscal_year),
                format!("the calendar has no fiscal year FY{}", plan.fiscal_year),
            );
            let problem = Problem::new(plan.place.clone(), message);
            problems.push(problem.hint(Text::new(
                "keiki.toml の会計年度を確かめてください",
                "see the fiscal years of keiki.toml",
            )));
        }
        let is_again = plans[..number].iter().any(|other| {
            other.dataset.value == plan.dataset.value
                && other.org_unit.value == plan.org_unit.value
                && other.fiscal_year == plan.fiscal_year
        });
        if is_again {
            let message = Text::new(
                format!(
                    "{}の計画({}、FY{})が二重に承認されています",
                    plan.dataset.value, plan.org_unit.value, plan.fiscal_year
                ),
                format!(
                    "the plan of {} for {} in FY{} is approved twice",
                    plan.dataset.value, plan.org_unit.value, plan.fiscal_year
                ),
            );
            let problem = Problem::new(plan.place.clone(), message);
            problems.push(problem.hint(Text::new(
                "基準計画は年度に一つです。その後の変更は改訂とします",
                "a year has one baseline; what changes later is a revision",
            )));
        }
    }
}

fn check_dataset(name: &Located, catalogue: &Catalogue, problems: &mut Vec<Problem>) {
    let with_plan = || {
        let all = catalogue.datasets.values();
        all.filter(|dataset| dataset.plan.is_some())
            .map(|dataset| dataset.name.as_str())
    };
    let message = match catalogue.datasets.get(&name.value) {
        Some(dataset) if dataset.plan.is_some() => return,
        Some(_) => Text::new(
            format!("データ種別 {} は計画を持ちません", name.value),
            format!("dataset {} holds no plan", name.value),
        ),
        None => Text::new(
            format!("データ種別 `{}` はありません", name.value),
            format!("unknown dataset `{}`", name.value),
        ),
    };
    let hint = nearest(&name.value, with_plan()).map_or_else(
        || {
            let names: Vec<&str> = with_plan().collect();
            Text::new(
                format!("[plan] を持つデータ種別: {}", names.join(", ")),
                format!("datasets with [plan]: {}", names.join(", ")),
            )
        },
        |near| {
            Text::new(
                format!("`{near}` ではありませんか"),
                format!("did you mean `{near}`?"),
            )
        },
    );
    problems.push(Problem::new(name.place.clone(), message).hint(hint));
}
