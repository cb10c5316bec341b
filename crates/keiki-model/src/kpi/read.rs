//! Reads a KPI's definition from its file.

use super::context::{counters, frameworks, reference_figures};
use super::{
    CLASSES, Clock, CoveredBy, Direction, Due, Formula, GROUPS, Indicator, Kpi, MATURITIES,
    Measure, Nothing, Parameter, Reference, Resolution, Tag, Target, Unit,
};
use crate::dataset::{ColumnType, content_version};
use crate::document::{Located, Node, read_document, read_document_in_part};
use crate::fraction::Fraction;
use crate::frequency::Frequency;
use crate::org::UnitKind;
use crate::problem::{Problem, nearest};
use crate::text::Text;

/// The words of a definition's closed lists: key, value and what it is called.
type Words<T> = [(&'static str, T)];

const DIRECTIONS: &Words<Direction> = &[
    ("higher", Direction::Higher),
    ("lower", Direction::Lower),
    ("none", Direction::None),
];
const DUES: &Words<Due> = &[
    ("period", Due::Period),
    ("cycle_end", Due::CycleEnd),
    ("fiscal_year_end", Due::FiscalYearEnd),
    ("deadline", Due::Deadline),
];
const TAGS: &Words<Tag> = &[
    ("implementation", Tag::Implementation),
    ("effectiveness", Tag::Effectiveness),
    ("impact", Tag::Impact),
];
const RESOLUTIONS: &Words<Resolution> = &[
    ("minute", Resolution::Minute),
    ("hour", Resolution::Hour),
    ("day", Resolution::Day),
];
const COVERED_BY: &Words<CoveredBy> = &[
    ("units", CoveredBy::Units),
    ("headcount", CoveredBy::Headcount),
];
const NOTHING: &Words<Nothing> = &[
    ("none_occurred", Nothing::NoneOccurred),
    ("not_due", Nothing::NotDue),
];

/// Reads a KPI definition.
///
/// # Errors
/// Every fault of the file, each with its place.
pub fn read_kpi(file: &str, text: &str) -> Result<Kpi, Vec<Problem>> {
    read_document(file, text, |node| kpi(node, file, text))
}

/// Reads a KPI definition as far as it can be read, with every fault of the file.
pub(crate) fn read_kpi_in_part(file: &str, text: &str) -> (Option<Kpi>, Vec<Problem>) {
    read_document_in_part(file, text, |node| kpi(node, file, text))
}

fn kpi(node: &Node<'_>, file: &str, text: &str) -> Option<Kpi> {
    let no = node
        .required_integer("no")
        .and_then(|no| u32::try_from(no).ok());
    let code = node.required_string("code");
    let seed_code = node.string("seed_code");
    let group = one_of(node, "group", &GROUPS.map(|g| g.0));
    let class = one_of(node, "class", &CLASSES.map(|c| c.0));
    let maturity = one_of(node, "maturity", &MATURITIES.map(|m| m.0));
    let frequency = node.required_choice("frequency", &Frequency::NAMES);
    let name = node.required_text("name");
    let middle_item = node.required_text("middle_item");
    let purpose = node.required_text("purpose");
    let evidence = node.required_text("evidence");
    let reading = node.required_text("reading");
    let coverage = decimal(node, "coverage_at_least").unwrap_or_else(|| Fraction::whole(1));
    let covered_by = node
        .choice("coverage_by", COVERED_BY)
        .unwrap_or(CoveredBy::Units);
    let seed = node
        .table("seed")
        .map(|seed| seed.all_strings())
        .unwrap_or_default();
    let references = node
        .list("references")
        .iter()
        .filter_map(reference)
        .collect();
    let counters = counters(node);
    let frameworks = frameworks(node);
    let is_about_people = node.flag("people");
    let parameters = node
        .tables("parameters")
        .iter()
        .filter_map(|(n, t)| parameter(n, t))
        .collect();
    let measures: Vec<Measure> = node
        .tables("measures")
        .iter()
        .filter_map(|(n, t)| measure(n, t))
        .collect();
    let indicators: Vec<Indicator> = node
        .list("indicators")
        .iter()
        .filter_map(|table| indicator(table, &measures))
        .collect();
    check_indicators(node, &indicators);
    Some(Kpi {
        no: no?,
        code: code?,
        seed_code,
        group: group?,
        class: class?,
        maturity: maturity?,
        frequency: frequency?,
        name: name?,
        middle_item: middle_item?,
        purpose: purpose?,
        evidence: evidence?,
        reading: reading?,
        coverage_at_least: coverage,
        covered_by,
        seed: seed
            .into_iter()
            .map(|(key, cell)| (key, cell.value))
            .collect(),
        references,
        counters,
        frameworks,
        is_about_people,
        parameters,
        measures,
        indicators,
        version: content_version(text),
        file: file.to_owned(),
    })
}

/// Reports indicators that share a code, and that there are none but companions.
fn check_indicators(node: &Node<'_>, indicators: &[Indicator]) {
    for (at, indicator) in indicators.iter().enumerate() {
        if indicators[..at].iter().any(|i| i.code == indicator.code) {
            node.report(
                Problem::new(
                    node.place(),
                    Text::new(
                        format!("コード `{}` の指標が二つあります", indicator.code),
                        format!("two indicators have the code `{}`", indicator.code),
                    ),
                )
                .hint(Text::new(
                    "コードはKPIの中で一意です。一方のコードを変えてください",
                    "codes are unique within a KPI; give one of them another",
                )),
            );
        }
    }
    if indicators.iter().all(|indicator| indicator.is_companion) {
        node.report(
            Problem::new(
                node.place(),
                Text::new(
                    "KPIには補助指標でない指標が必要です",
                    "a KPI needs an indicator that is no companion",
                ),
            )
            .hint(Text::new(
                "code、title、kind、unit、direction、tag を持つ [[indicators]] を加えてください",
                "add [[indicators]] with code, title, kind, unit, direction, tag",
            )),
        );
    }
}

fn one_of(node: &Node<'_>, key: &str, names: &[&'static str]) -> Option<String> {
    let choices: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
    node.required_choice(key, &choices).map(str::to_owned)
}

pub(super) fn decimal(node: &Node<'_>, key: &str) -> Option<Fraction> {
    let found = node.located(key)?;
    let value = Fraction::parse_decimal(&found.value);
    if value.is_none() {
        node.report(
            Problem::new(
                found.place,
                Text::new(
                    format!("`{key}` が十進数ではありません: {}", found.value),
                    format!("`{key}` is not a decimal: {}", found.value),
                ),
            )
            .hint(Text::new(
                "引用符で囲んだ十進数を書いてください(例: \"0.95\")",
                "write a plain decimal in quotes, for example \"0.95\"",
            )),
        );
    }
    value
}

fn reference(node: &Node<'_>) -> Option<Reference> {
    let title = node.required_text("title");
    let (year, is_lapsed) = (node.integer("year"), node.flag("lapsed"));
    let (value, url) = (node.text("value"), node.string("url"));
    let figures = reference_figures(node);
    node.finish();
    Some(Reference {
        title: title?,
        year,
        is_lapsed,
        value,
        url,
        figures,
    })
}

fn parameter(name: &str, node: &Node<'_>) -> Option<Parameter> {
    let kind = node.located("type");
    let default = node.located("default");
    let title = node.required_text("title");
    node.finish();
    let parsed = kind
        .as_ref()
        .and_then(|kind| ColumnType::parse(&kind.value));
    if parsed.is_none() {
        node.report(
            Problem::new(
                node.place_of("type"),
                Text::new(
                    format!("パラメータ `{name}` の型が分かりません"),
                    format!("parameter `{name}` has no known type"),
                ),
            )
            .hint(Text::new(
                "型は text、integer、decimal(精度,小数桁)、date、instant、boolean です",
                "types are text, integer, decimal(precision,scale), date, instant, boolean",
            )),
        );
    }
    if let (Some(kind), Some(default)) = (parsed, &default)
        && !kind.takes(&default.value)
    {
        node.report(
            Problem::new(
                default.place.clone(),
                Text::new(
                    format!(
                        "パラメータ `{name}` の既定値が{}型ではありません: `{}`",
                        kind.name(),
                        default.value
                    ),
                    format!(
                        "the default of parameter `{name}` is no {}: `{}`",
                        kind.name(),
                        default.value
                    ),
                ),
            )
            .hint(Text::new(
                "パラメータの型に合う値を引用符で囲んで書いてください",
                "write a value of the parameter's type, in quotes",
            )),
        );
    }
    if default.is_none() && !node.has("default") {
        node.report(Problem::new(
            node.place(),
            Text::new(
                format!("パラメータ `{name}` に既定値がありません"),
                format!("parameter `{name}` has no default"),
            ),
        ));
    }
    Some(Parameter {
        name: name.to_owned(),
        kind: parsed?,
        default: default?,
        by_unit: Vec::new(),
        title: title?,
    })
}

fn measure(name: &str, node: &Node<'_>) -> Option<Measure> {
    let title = node.required_text("title");
    let dataset = located(node, "dataset");
    let filter = node.located("where");
    let value = node.located("value");
    let group = node.located("group");
    let is_headcount = node.flag("headcount");
    let resolution = node
        .choice("resolution", RESOLUTIONS)
        .unwrap_or(Resolution::One);
    let clock = match node.required_choice("clock", &[("stock", 0), ("flow", 1), ("spell", 2)]) {
        Some(0) => Some(Clock::Stock {
            from: node.located("from"),
            until: node.located("until"),
        }),
        Some(1) => located(node, "on").map(|on| Clock::Flow { on }),
        Some(_) => {
            let (begins, ends) = (located(node, "begins"), located(node, "ends"));
            begins
                .zip(ends)
                .map(|(begins, ends)| Clock::Spell { begins, ends })
        }
        None => None,
    };
    node.finish();
    Some(Measure {
        name: name.to_owned(),
        title: title?,
        dataset: dataset?,
        filter,
        value,
        clock: clock?,
        group,
        resolution,
        is_headcount,
    })
}

fn located(node: &Node<'_>, key: &str) -> Option<Located> {
    let value = node.located(key);
    if value.is_none() && !node.has(key) {
        node.report(
            Problem::new(
                node.place(),
                Text::new(
                    format!("項目 `{key}` がありません"),
                    format!("missing key `{key}`"),
                ),
            )
            .hint(Text::new(
                format!("`{key} = \"…\"` を加えてください"),
                format!("add `{key} = \"…\"`"),
            )),
        );
    }
    value
}

fn indicator(node: &Node<'_>, measures: &[Measure]) -> Option<Indicator> {
    let code = node.required_string("code");
    let title = node.required_text("title");
    let formula = formula(node, measures);
    let unit = node.required_choice("unit", &Unit::NAMES);
    let direction = node.required_choice("direction", DIRECTIONS);
    let tag = node.required_choice("tag", TAGS);
    let is_companion = node.flag("companion");
    let target = node.table("target").and_then(|table| target(&table));
    let near_margin = read_margin(node).unwrap_or_else(|| Fraction::whole(0));
    let due = read_due(node).unwrap_or(Due::Period);
    let is_sample = node.flag("sample");
    let minimum_n = node.integer("minimum_n").unwrap_or(0);
    let pace = node
        .has("pace")
        .then(|| measure_name(node, "pace", measures))
        .flatten();
    let is_ratio = matches!(formula, Some(Formula::Ratio { .. }));
    let is_on_the_way = matches!(due, Due::CycleEnd | Due::FiscalYearEnd);
    if pace.is_some() && !(is_on_the_way && is_ratio) {
        node.report(
            Problem::new(
                node.place_of("pace"),
                Text::new(
                    "`pace` は、目標の期限が年度末または周期末である比率の指標に使います",
                    "`pace` is for a ratio whose target is due at the end of the year or cycle",
                ),
            )
            .hint(Text::new(
                "`due` を設定するか、`pace` を外してください",
                "set `due`, or remove `pace`",
            )),
        );
    }
    let unmet = node
        .has("unmet")
        .then(|| measure_name(node, "unmet", measures))
        .flatten();
    let pending = pending(node, due, is_ratio, measures);
    let none_is = node
        .choice("none_is", NOTHING)
        .unwrap_or(Nothing::NoneOccurred);
    let kinds = node.strings("applies_to");
    let mut applies_to = Vec::new();
    for kind in kinds {
        match UnitKind::NAMES.iter().find(|(name, _)| *name == kind) {
            Some((_, kind)) => applies_to.push(*kind),
            None => node.report(Problem::new(
                node.place_of("applies_to"),
                Text::new(
                    format!("組織の種別がありません: {kind}"),
                    format!("unknown kind of org unit: {kind}"),
                ),
            )),
        }
    }
    if is_companion && target.is_some() {
        node.report(
            Problem::new(
                node.place_of("target"),
                Text::new(
                    "補助指標に目標は設定できません",
                    "a companion carries no target",
                ),
            )
            .hint(Text::new(
                "目標を外すか、`companion = true` の行を外してください",
                "remove the target, or the line `companion = true`",
            )),
        );
    }
    node.finish();
    Some(Indicator {
        code: code?,
        title: title?,
        formula: formula?,
        unit: unit?,
        direction: direction?,
        tag: tag?,
        is_companion,
        target,
        near_margin,
        due,
        is_sample,
        minimum_n: i128::from(minimum_n),
        pace,
        unmet,
        pending,
        applies_to,
        none_is,
    })
}

/// Reads which items are not done and have their own deadline before them: asked for where the target is due at each item's
/// deadline, and of no use elsewhere.
fn pending(node: &Node<'_>, due: Due, is_ratio: bool, measures: &[Measure]) -> Option<String> {
    let has_pending = node.has("pending");
    if has_pending != (due == Due::Deadline) || (has_pending && !is_ratio) {
        let key = if has_pending { "pending" } else { "due" };
        node.report(
            Problem::new(
                node.place_of(key),
                Text::new(
                    "`due = \"deadline\"` と `pending` は、比率の指標に両方を設定します",
                    "`due = \"deadline\"` and `pending` belong together, and to a ratio",
                ),
            )
            .hint(Text::new(
                "`pending` に、未完了で期限前の項目を数える基本測定量を指定してください",
                "let `pending` name the measure that counts items not done whose deadline is still to come",
            )),
        );
    }
    has_pending
        .then(|| measure_name(node, "pending", measures))
        .flatten()
}

/// Reads when a target is due, where the table says so.
pub(crate) fn read_due(node: &Node<'_>) -> Option<Due> {
    node.choice("due", DUES)
}

/// Reads how far a value may miss its target and be near, where the table says so.
pub(crate) fn read_margin(node: &Node<'_>) -> Option<Fraction> {
    decimal(node, "near_margin")
}

fn target(node: &Node<'_>) -> Option<Target> {
    let target = read_target(node);
    node.finish();
    target
}

/// Reads the bounds of a target from a table that may hold other keys too.
pub(crate) fn read_target(node: &Node<'_>) -> Option<Target> {
    let (at_least, at_most) = (decimal(node, "at_least"), decimal(node, "at_most"));
    let between: Vec<Option<Fraction>> = node
        .strings("between")
        .iter()
        .map(|text| Fraction::parse_decimal(text))
        .collect();
    let target = match between.as_slice() {
        [] => Target { at_least, at_most },
        [Some(low), Some(high)] if low <= high => Target {
            at_least: Some(*low),
            at_most: Some(*high),
        },
        _ => {
            node.report(Problem::new(
                node.place_of("between"),
                Text::new(
                    "`between` には十進数を小さい順に二つ書きます",
                    "`between` needs two decimals in order",
                ),
            ));
            return None;
        }
    };
    if target.at_least.is_none() && target.at_most.is_none() {
        node.report(
            Problem::new(
                node.place(),
                Text::new(
                    "目標には at_least、at_most、between のいずれかが必要です",
                    "a target needs at_least, at_most or between",
                ),
            )
            .hint(Text::new(
                "例: target = { at_least = \"0.95\" }",
                "for example target = { at_least = \"0.95\" }",
            )),
        );
        return None;
    }
    Some(target)
}

fn measure_name(node: &Node<'_>, key: &str, measures: &[Measure]) -> Option<String> {
    let found = located(node, key)?;
    if !measures.iter().any(|measure| measure.name == found.value) {
        let names = measures.iter().map(|measure| measure.name.as_str());
        let hint = nearest(&found.value, names.clone()).map_or_else(
            || {
                Text::new(
                    format!(
                        "このKPIの基本測定量: {}",
                        names.clone().collect::<Vec<_>>().join(", ")
                    ),
                    format!(
                        "measures of this KPI: {}",
                        names.collect::<Vec<_>>().join(", ")
                    ),
                )
            },
            |near| {
                Text::new(
                    format!("`{near}` ではありませんか"),
                    format!("did you mean `{near}`?"),
                )
            },
        );
        node.report(
            Problem::new(
                found.place,
                Text::new(
                    format!(
                        "`{key}` がこのKPIの基本測定量を指していません: `{}`",
                        found.value
                    ),
                    format!("`{key}` names no measure of this KPI: `{}`", found.value),
                ),
            )
            .hint(hint),
        );
        return None;
    }
    Some(found.value)
}

fn formula(node: &Node<'_>, measures: &[Measure]) -> Option<Formula> {
    type Make = fn(String) -> Formula;
    let simple: [(&str, Make); 8] = [
        ("sum", Formula::Sum),
        ("mean", Formula::Mean),
        ("survival_median", Formula::SurvivalMedian),
        ("lowest", Formula::Lowest),
        ("highest", Formula::Highest),
        ("latest", Formula::Latest),
        ("days_late", Formula::DaysLate),
        ("entities", Formula::Entities),
    ];
    let mut kinds: Vec<(&str, usize)> = simple
        .iter()
        .enumerate()
        .map(|(i, (name, _))| (*name, i))
        .collect();
    kinds.extend([
        ("ratio", 10),
        ("median", 11),
        ("quantile", 12),
        ("share_within", 13),
    ]);
    let kind = node.required_choice("kind", &kinds)?;
    if kind == 10 {
        let numerator = measure_name(node, "numerator", measures);
        let denominator = measure_name(node, "denominator", measures);
        let formula = Formula::Ratio {
            numerator: numerator?,
            denominator: denominator?,
        };
        check_clocks(node, &formula, measures);
        return Some(formula);
    }
    let name = measure_name(node, "measure", measures);
    let formula = match kind {
        11 => Formula::Quantile {
            measure: name?,
            at: Fraction::new(1, 2)?,
        },
        12 => {
            let at = decimal(node, "quantile");
            if at.is_none_or(|at| at <= Fraction::whole(0) || at >= Fraction::whole(1)) {
                node.report(
                    Problem::new(
                        node.place_of("quantile"),
                        Text::new("分位は0と1の間です", "a quantile lies between 0 and 1"),
                    )
                    .hint(Text::new(
                        "例: quantile = \"0.9\"",
                        "for example quantile = \"0.9\"",
                    )),
                );
                return None;
            }
            Formula::Quantile {
                measure: name?,
                at: at?,
            }
        }
        13 => {
            let limit = node
                .required_string("limit")
                .and_then(|limit| limit.parse().ok());
            if limit.is_none() {
                node.report(Problem::new(
                    node.place_of("limit"),
                    Text::new(
                        "`limit` が引用符で囲んだ整数ではありません",
                        "`limit` is not a whole number in quotes",
                    ),
                ));
            }
            Formula::ShareWithin {
                measure: name?,
                limit: limit?,
            }
        }
        index => simple[index].1(name?),
    };
    check_clocks(node, &formula, measures);
    Some(formula)
}

/// Checks that the clocks of the measures fit the formula.
fn check_clocks(node: &Node<'_>, formula: &Formula, measures: &[Measure]) {
    let keys: &[&str] = match formula {
        Formula::Ratio { .. } => &["numerator", "denominator"],
        _ => &["measure"],
    };
    for (key, name) in keys.iter().zip(formula.measures()) {
        if let Some(measure) = measures.iter().find(|measure| measure.name == name) {
            check_clock(node, key, formula, measure);
        }
    }
}

fn check_clock(node: &Node<'_>, key: &str, formula: &Formula, measure: &Measure) {
    let is_spell = matches!(measure.clock, Clock::Spell { .. });
    let is_stock = matches!(measure.clock, Clock::Stock { .. });
    let fault = match formula {
        Formula::SurvivalMedian(_) if !is_spell => Some(Text::new(
            "生存時間の指標には clock が `spell` の基本測定量が必要です",
            "survival needs a measure with the clock `spell`",
        )),
        Formula::SurvivalMedian(_) => None,
        _ if is_spell => Some(Text::new(
            "clock が `spell` の基本測定量は、生存時間の指標にだけ使えます",
            "a measure with the clock `spell` serves survival only",
        )),
        Formula::DaysLate(_) | Formula::Lowest(_) | Formula::Highest(_) | Formula::Latest(_)
            if !is_stock =>
        {
            Some(Text::new(
                "lowest、highest、latest、days_late には clock が `stock` の基本測定量が必要です",
                "lowest, highest, latest and days_late need a measure with the clock `stock`",
            ))
        }
        Formula::Latest(_) if !matches!(measure.clock, Clock::Stock { from: Some(_), .. }) => {
            Some(Text::new(
                "latest には、値の日を示す `from` を持つ基本測定量が必要です",
                "latest needs a measure with `from`, the day of the value",
            ))
        }
        _ => None,
    };
    if let Some(fault) = fault {
        node.report(Problem::new(node.place_of(key), fault).hint(Text::new(
            format!("基本測定量 `{}` を確かめてください", measure.name),
            format!("see measure `{}`", measure.name),
        )));
    }
}
