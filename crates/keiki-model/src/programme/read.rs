//! Reads `programme.toml` and holds it against the catalogue and the org tree.

mod plans;

use super::{
    Applicability, Cadence, Owner, Programme, Reach, SetParameter, SetTarget, Standing, Waiver,
};
use crate::calendar::{Day, parse_day};
use crate::calendars::Calendars;
use crate::catalogue::Catalogue;
use crate::document::{Node, read_document};
use crate::frequency::Frequency;
use crate::kpi::{Due, Kpi, MATURITIES, read_due, read_margin, read_target};
use crate::org::Organisation;
use crate::problem::{Place, Problem, nearest};
use crate::text::Text;

/// Reads a programme.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_programme(file: &str, text: &str) -> Result<Programme, Vec<Problem>> {
    read_document(file, text, |node| Some(programme(node)))
}

fn programme(node: &Node<'_>) -> Programme {
    let mut programme = Programme::default();
    if let Some(adopted) = node.table("adopted") {
        programme.maturities = adopted.strings("maturity");
        let numbers = adopted.integers("kpis");
        programme.kpis = numbers
            .into_iter()
            .filter_map(|no| u32::try_from(no).ok())
            .collect();
        for maturity in &programme.maturities {
            if !MATURITIES.iter().any(|(name, ..)| name == maturity) {
                adopted.report(
                    Problem::new(
                        adopted.place_of("maturity"),
                        Text::new(
                            format!("成熟度がありません: {maturity}"),
                            format!("unknown maturity: {maturity}"),
                        ),
                    )
                    .hint(Text::new(
                        "成熟度は low、middle、high です",
                        "maturities are low, middle, high",
                    )),
                );
            }
        }
        adopted.finish();
    }
    programme.applicability = rows(node, "applicability", applicability);
    programme.targets = rows(node, "targets", set_target);
    programme.parameters = rows(node, "parameters", set_parameter);
    programme.owners = rows(node, "owners", owner);
    programme.cadences = rows(node, "cadences", cadence);
    programme.waivers = rows(node, "waivers", waiver);
    programme.plans = plans::read(node);
    programme
}

fn rows<R>(node: &Node<'_>, key: &str, read: fn(&Node<'_>, Standing) -> Option<R>) -> Vec<R> {
    node.list(key)
        .iter()
        .filter_map(|row| {
            let standing = standing(row);
            let read = standing.and_then(|standing| read(row, standing));
            row.finish();
            read
        })
        .collect()
}

fn standing(row: &Node<'_>) -> Option<Standing> {
    let kpi = row.required_integer("kpi");
    let org_unit = row.required_string("org_unit");
    let from = day(row, "from");
    let until = day(row, "until");
    let approved_by = row.string("approved_by");
    if !row.has("from") {
        row.report(
            Problem::new(
                row.place(),
                Text::new("項目 `from` がありません", "missing key `from`"),
            )
            .hint(Text::new(
                "初日を加えてください(例: from = \"2026-04-01\")",
                "add the first day, for example from = \"2026-04-01\"",
            )),
        );
    }
    if let (Some(from), Some(until)) = (from, until)
        && until <= from
    {
        row.report(
            Problem::new(
                row.place_of("until"),
                Text::new(
                    "`until` が `from` より後ではありません",
                    "`until` is not after `from`",
                ),
            )
            .hint(Text::new(
                "`until` には、効力がなくなる最初の日を書きます",
                "`until` is the first day on which it no longer holds",
            )),
        );
    }
    Some(Standing {
        kpi: kpi.and_then(|no| u32::try_from(no).ok())?,
        org_unit: org_unit?,
        from: from?,
        until,
        approved_by,
        place: row.place(),
    })
}

fn day(row: &Node<'_>, key: &str) -> Option<Day> {
    let found = row.located(key)?;
    let day = parse_day(&found.value);
    if day.is_none() {
        row.report(
            Problem::new(
                found.place,
                Text::new(
                    format!("`{key}` が日付ではありません: {}", found.value),
                    format!("`{key}` is no date: {}", found.value),
                ),
            )
            .hint(Text::new(
                "暦にある日を書いてください(例: \"2026-04-01\")",
                "write a day of the calendar, for example \"2026-04-01\"",
            )),
        );
    }
    day
}

fn applicability(row: &Node<'_>, standing: Standing) -> Option<Applicability> {
    if !row.has("applies") {
        row.report(
            Problem::new(row.place(), Text::new("項目 `applies` がありません", "missing key `applies`"))
                .hint(Text::new("applies = false と書いてください(広い範囲の適用除外を取り消すときは applies = true)", "write applies = false, or applies = true to take a wider exception back")),
        );
    }
    let applies = row.flag("applies");
    Some(Applicability {
        standing,
        applies,
        reason: row.required_text("reason")?,
    })
}

fn set_target(row: &Node<'_>, standing: Standing) -> Option<SetTarget> {
    let is_none = row.flag("none");
    let indicator = row.string("indicator");
    let near_margin = read_margin(row);
    let due = read_due(row);
    let reach = if row.flag("each") {
        Reach::Each
    } else {
        Reach::Natural
    };
    let target = if is_none {
        None
    } else {
        Some(read_target(row)?)
    };
    Some(SetTarget {
        standing,
        indicator,
        target,
        near_margin,
        due,
        reach,
    })
}

fn set_parameter(row: &Node<'_>, standing: Standing) -> Option<SetParameter> {
    let name = row.required_string("name");
    let value = row.located("value");
    if value.is_none() && !row.has("value") {
        row.report(
            Problem::new(
                row.place(),
                Text::new("項目 `value` がありません", "missing key `value`"),
            )
            .hint(Text::new(
                "値を引用符で囲んで書いてください(例: value = \"15\")",
                "write the value in quotes, for example value = \"15\"",
            )),
        );
    }
    Some(SetParameter {
        standing,
        name: name?,
        value: value?,
    })
}

fn owner(row: &Node<'_>, standing: Standing) -> Option<Owner> {
    let deputy = row.string("deputy");
    Some(Owner {
        standing,
        owner: row.required_string("owner")?,
        deputy,
    })
}

fn cadence(row: &Node<'_>, standing: Standing) -> Option<Cadence> {
    Some(Cadence {
        standing,
        frequency: row.required_choice("frequency", &Frequency::NAMES)?,
    })
}

fn waiver(row: &Node<'_>, standing: Standing) -> Option<Waiver> {
    let indicator = row.string("indicator");
    let reason = row.required_text("reason");
    if standing.until.is_none() {
        row.report(
            Problem::new(
                row.place(),
                Text::new("例外承認には `until` が必要です", "a waiver needs `until`"),
            )
            .hint(Text::new(
                "例外承認には期限があります。効力がなくなる最初の日を書いてください",
                "a waiver expires; write the first day on which it no longer holds",
            )),
        );
    }
    if standing.approved_by.is_none() {
        row.report(
            Problem::new(
                row.place(),
                Text::new(
                    "例外承認には `approved_by` が必要です",
                    "a waiver needs `approved_by`",
                ),
            )
            .hint(Text::new("承認者を書いてください", "say who approved it")),
        );
    }
    Some(Waiver {
        standing,
        indicator,
        reason: reason?,
    })
}

impl Programme {
    /// Holds every name against the catalogue and the org tree.
    #[must_use]
    pub fn check(
        &self,
        catalogue: &Catalogue,
        organisation: &Organisation,
        calendars: &Calendars,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        plans::check(
            &self.plans,
            catalogue,
            organisation,
            calendars,
            &mut problems,
        );
        for row in &self.applicability {
            kpi_of(&row.standing, catalogue, organisation, &mut problems);
        }
        for row in &self.targets {
            let kpi = kpi_of(&row.standing, catalogue, organisation, &mut problems);
            check_indicator(kpi, row.indicator.as_deref(), &row.standing, &mut problems);
            check_due(kpi, row, &mut problems);
        }
        for row in &self.waivers {
            let kpi = kpi_of(&row.standing, catalogue, organisation, &mut problems);
            check_indicator(kpi, row.indicator.as_deref(), &row.standing, &mut problems);
        }
        for row in &self.owners {
            kpi_of(&row.standing, catalogue, organisation, &mut problems);
        }
        for row in &self.cadences {
            kpi_of(&row.standing, catalogue, organisation, &mut problems);
        }
        for row in &self.parameters {
            let kpi = kpi_of(&row.standing, catalogue, organisation, &mut problems);
            check_parameter(kpi, row, &mut problems);
        }
        for no in &self.kpis {
            if !catalogue.kpis.iter().any(|kpi| kpi.no == *no) {
                let place = Place::file(super::PROGRAMME_FILE);
                problems.push(
                    Problem::new(
                        place,
                        Text::new(
                            format!("`adopted` に存在しないKPIがあります: {no}"),
                            format!("`adopted` names a KPI that does not exist: {no}"),
                        ),
                    )
                    .hint(Text::new(
                        "`keiki catalogue` で確かめてください",
                        "see `keiki catalogue`",
                    )),
                );
            }
        }
        problems
    }
}

/// A target is due at each item's deadline only where the KPI tells which items have theirs before them.
fn check_due(kpi: Option<&Kpi>, row: &SetTarget, problems: &mut Vec<Problem>) {
    let indicator = kpi.and_then(|kpi| match &row.indicator {
        Some(code) => kpi.indicators.iter().find(|one| one.code == *code),
        None => kpi.indicators.first(),
    });
    let knows_deadlines = indicator.is_none_or(|one| one.pending.is_some());
    if row.due == Some(Due::Deadline) && !knows_deadlines {
        problems.push(
            Problem::new(
                row.standing.place.clone(),
                Text::new(
                    "この指標の項目には期限がないため、`due = \"deadline\"` は使えません",
                    "items of this indicator have no deadline, so that `due = \"deadline\"` does not fit",
                ),
            )
            .hint(Text::new(
                "period、cycle_end、fiscal_year_end のいずれかを書いてください",
                "write period, cycle_end or fiscal_year_end",
            )),
        );
    }
}

fn check_unit(id: &str, place: &Place, organisation: &Organisation, problems: &mut Vec<Problem>) {
    let ids = organisation.rows().iter().map(|unit| unit.id.as_str());
    if !ids.clone().any(|known| known == id) {
        let hint = nearest(id, ids).map_or_else(
            || Text::new("org.csv を確かめてください", "see org.csv"),
            |near| {
                Text::new(
                    format!("{near} ではありませんか"),
                    format!("did you mean {near}?"),
                )
            },
        );
        let message = Text::new(
            format!("組織がありません: {id}"),
            format!("unknown org unit: {id}"),
        );
        problems.push(Problem::new(place.clone(), message).hint(hint));
    }
}

fn kpi_of<'c>(
    standing: &Standing,
    catalogue: &'c Catalogue,
    organisation: &Organisation,
    problems: &mut Vec<Problem>,
) -> Option<&'c Kpi> {
    check_unit(&standing.org_unit, &standing.place, organisation, problems);
    let kpi = catalogue.kpis.iter().find(|kpi| kpi.no == standing.kpi);
    if kpi.is_none() {
        let message = Text::new(
            format!("KPIがありません: {}", standing.kpi),
            format!("unknown KPI: {}", standing.kpi),
        );
        let problem = Problem::new(standing.place.clone(), message);
        problems.push(problem.hint(Text::new(
            "`keiki catalogue` で確かめてください",
            "see `keiki catalogue`",
        )));
    }
    kpi.map(AsRef::as_ref)
}

fn check_indicator(
    kpi: Option<&Kpi>,
    code: Option<&str>,
    standing: &Standing,
    problems: &mut Vec<Problem>,
) {
    let (Some(kpi), Some(code)) = (kpi, code) else {
        return;
    };
    let codes: Vec<&str> = kpi.indicators.iter().map(|i| i.code.as_str()).collect();
    if !codes.contains(&code) {
        let message = Text::new(
            format!("KPI {} に指標 `{code}` はありません", kpi.no),
            format!("KPI {} has no indicator `{code}`", kpi.no),
        );
        let problem = Problem::new(standing.place.clone(), message);
        problems.push(problem.hint(Text::new(
            format!("指標: {}", codes.join(", ")),
            format!("its indicators are {}", codes.join(", ")),
        )));
    }
}

fn check_parameter(kpi: Option<&Kpi>, row: &SetParameter, problems: &mut Vec<Problem>) {
    let Some(kpi) = kpi else { return };
    let Some(parameter) = kpi.parameters.iter().find(|p| p.name == row.name) else {
        let names: Vec<&str> = kpi.parameters.iter().map(|p| p.name.as_str()).collect();
        let message = Text::new(
            format!("KPI {} にパラメータ `{}` はありません", kpi.no, row.name),
            format!("KPI {} has no parameter `{}`", kpi.no, row.name),
        );
        let hint = if names.is_empty() {
            Text::new("このKPIにパラメータはありません", "it has no parameters")
        } else {
            Text::new(
                format!("パラメータ: {}", names.join(", ")),
                format!("its parameters are {}", names.join(", ")),
            )
        };
        problems.push(Problem::new(row.standing.place.clone(), message).hint(hint));
        return;
    };
    if !parameter.kind.takes(&row.value.value) {
        let message = Text::new(
            format!(
                "パラメータ `{0}`(KPI {1})にこの値は指定できません: `{2}`",
                row.name, kpi.no, row.value.value
            ),
            format!(
                "parameter `{}` of KPI {} takes no such value: `{}`",
                row.name, kpi.no, row.value.value
            ),
        );
        let problem = Problem::new(row.value.place.clone(), message);
        problems.push(problem.hint(Text::new(
            format!("型は {} です", parameter.kind.name()),
            format!("its type is {}", parameter.kind.name()),
        )));
    }
}
