//! Serious incidents of a period: how many, what they cost, how long work stood still. What is not known is said, and is never zero.

use std::collections::HashMap;

use keiki_model::fraction::Fraction;
use keiki_model::kpi::Unit;
use keiki_model::measurement::Measurement;
use keiki_model::name::Name;
use keiki_model::text::Text;
use serde_json::{Value, json};

use super::Source;
use super::front::Fact;
use crate::format;

/// The KPI whose companions speak of incidents, and these, by the catalogue's codes.
const KPI: u32 = 23;
const COUNT: &str = "serious_count";
const LOSS: &str = "serious_loss_mean";
const OUTAGE: &str = "serious_outage_hours_mean";
const OPEN: &str = "open_count";
const OPEN_DAYS: &str = "open_days_longest";

/// The most companies that are named beside a number.
const NAMED_MOST: usize = 4;

/// What is known of an effect of incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    /// The sum over those of which it is known; `None` where it is known of none.
    pub sum: Option<Fraction>,
    /// Of how many it is known.
    pub known: i128,
    /// Of how many it is not.
    pub unknown: i128,
}

/// The serious incidents of an org unit: of severity critical or high, detected in the period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serious {
    /// The org unit.
    pub org_unit: Name,
    /// How many; `None` where that is not known or not shown.
    pub count: Option<i128>,
    /// How many more may be serious, since their severity is not settled.
    pub unsettled: i128,
    /// What they cost. *Units*: yen, at the plan rate of the year.
    pub loss: Effect,
    /// For how long work or a service stood still. *Units*: hours.
    pub outage_hours: Effect,
}

impl Serious {
    /// Finds them among an org unit's figures; `None` where the statement does not hold them.
    fn of(figures: &[&Measurement]) -> Option<Self> {
        let find = |indicator: &str| find(figures.iter().copied(), indicator);
        let counted = find(COUNT)?;
        let count = counted.value.map(Fraction::numerator);
        let effect = |indicator: &str, unit: Unit| {
            let found = find(indicator);
            let known = found.and_then(|one| one.n).unwrap_or(0);
            let sum = found.and_then(|one| one.numerator?.divided_by(unit.divisor()));
            Effect {
                sum: sum.filter(|_| known > 0),
                known,
                unknown: (count.unwrap_or(0) - known).max(0),
            }
        };
        Some(Self {
            org_unit: counted.org_unit.clone(),
            count,
            unsettled: counted.statistics.unknown,
            loss: effect(LOSS, Unit::Currency),
            outage_hours: effect(OUTAGE, Unit::Hours),
        })
    }

    /// As data; unknown is null.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let whole = |value: i128| i64::try_from(value).ok();
        let number = |value: Option<Fraction>| {
            let text = value?.to_short_decimal(keiki_model::measurement::DATA_DIGITS);
            serde_json::from_str::<Value>(&text).ok()
        };
        json!({
            "org_unit": self.org_unit,
            "count": self.count.map(whole),
            "severity_unknown": whole(self.unsettled),
            "loss": number(self.loss.sum),
            "loss_currency": "JPY",
            "loss_known": whole(self.loss.known),
            "loss_unknown": whole(self.loss.unknown),
            "outage_hours": number(self.outage_hours.sum),
            "outage_known": whole(self.outage_hours.known),
            "outage_unknown": whole(self.outage_hours.unknown),
        })
    }
}

/// The serious incidents of every org unit that measurements speak of, in their order.
#[must_use]
pub fn serious(measurements: &[Measurement]) -> Vec<Serious> {
    let mut by_unit: HashMap<&str, Vec<&Measurement>> = HashMap::new();
    let of_incidents = measurements.iter().filter(|one| one.no == KPI);
    for one in of_incidents.clone() {
        by_unit.entry(&*one.org_unit).or_default().push(one);
    }
    let counted = of_incidents.filter(|one| one.indicator == *COUNT);
    counted
        .filter_map(|one| Serious::of(by_unit.get(&*one.org_unit)?))
        .collect()
}

fn find<'m>(
    mut figures: impl Iterator<Item = &'m Measurement>,
    indicator: &str,
) -> Option<&'m Measurement> {
    figures.find(|one| one.no == KPI && one.indicator == *indicator)
}

fn of_root<'s>(source: &Source<'s>, indicator: &str) -> Option<&'s Measurement> {
    source.measurements.find(KPI, indicator, source.root)
}

/// Those of the root and of each company that has any, the root first.
pub(super) fn by_company(source: &Source<'_>) -> Vec<Serious> {
    let of_root = source.measurements.all().iter();
    let of_root = of_root.filter(|one| one.org_unit == *source.root);
    let companies = source.measurements.by_company(source.root).into_iter();
    let companies = companies.map(|(_, figures)| figures);
    let units = std::iter::once(of_root.collect()).chain(companies);
    let found = units.filter_map(|figures: Vec<&Measurement>| Serious::of(&figures));
    found
        .filter(|one| one.org_unit == *source.root || one.count.is_none_or(|count| count > 0))
        .collect()
}

/// What the first page says of them.
pub(super) fn facts(source: &Source<'_>, serious: &[Serious]) -> Vec<Fact> {
    let [root, companies @ ..] = serious else {
        return Vec::new();
    };
    let mut facts = vec![Fact {
        value: counted(source, root.count),
        label: source
            .say(
                "当期検知の重大インシデント(致命的・高)",
                "serious incidents (critical, high) detected in the period",
            )
            .to_owned(),
        note: match root.count {
            None => of_root(source, COUNT).map_or_else(String::new, |one| source.names.status(one)),
            Some(_) => named(source, companies),
        },
        indicator: COUNT,
    }];
    if root.count.is_some_and(|count| count > 0) {
        facts.push(effect(source, &root.loss, Unit::Currency));
        facts.push(effect(source, &root.outage_hours, Unit::Hours));
    }
    facts
}

fn counted(source: &Source<'_>, count: Option<i128>) -> String {
    count.map_or_else(
        || format::NOTHING.to_owned(),
        |count| format!("{}{}", format::count(count), source.say("件", "")),
    )
}

/// The companies where they happened, by number.
fn named(source: &Source<'_>, companies: &[Serious]) -> String {
    let mut companies: Vec<&Serious> = companies.iter().collect();
    companies.sort_by_key(|one| std::cmp::Reverse(one.count));
    let rest = companies.len().saturating_sub(NAMED_MOST);
    let mut named: Vec<String> = companies
        .iter()
        .take(NAMED_MOST)
        .map(|one| {
            let name = source.names.org_unit(&one.org_unit);
            format!("{name} {}", counted(source, one.count))
        })
        .collect();
    if rest > 0 {
        let more = Text::new(format!("ほか{rest}社"), format!("{rest} more"));
        named.push(more.get(source.names.language).to_owned());
    }
    named.join(source.say("、", ", "))
}

fn effect(source: &Source<'_>, effect: &Effect, unit: Unit) -> Fact {
    let language = source.names.language;
    let is_loss = unit == Unit::Currency;
    let value = effect.sum.map(|sum| {
        let figure = format::figure(sum, unit, language);
        if is_loss {
            // In millions from ten million on, as everywhere.
            let figure = format::compact(rounded(sum), unit, language);
            let money = Text::new(format!("{figure}円"), format!("¥{figure}"));
            money.get(language).to_owned()
        } else {
            figure
        }
    });
    let (known, unknown) = (effect.known, effect.unknown);
    let note = match (known, unknown) {
        (_, 0) => Text::new("全件で判明", "known of all of them"),
        (0, _) => Text::new(
            format!("{unknown}件とも判明していません(ゼロではありません)"),
            format!("known of none of the {unknown}; that is not zero"),
        ),
        _ => Text::new(
            format!("判明した{known}件の合計。ほか{unknown}件は不明"),
            format!("over the {known} of which it is known; of {unknown} it is not"),
        ),
    };
    let label = if is_loss {
        source.say("その損失額", "loss by them")
    } else {
        source.say("その業務停止時間", "outage by them")
    };
    Fact {
        value: value.unwrap_or_else(|| source.say("不明", "unknown").to_owned()),
        label: label.to_owned(),
        note: note.get(language).to_owned(),
        indicator: if is_loss { LOSS } else { OUTAGE },
    }
}

/// To the whole yen.
fn rounded(sum: Fraction) -> Fraction {
    let doubled = 2 * sum.numerator() + sum.denominator();
    Fraction::whole(doubled.div_euclid(2 * sum.denominator()))
}

/// What belongs to them: those that may be serious too, those of any severity that are still open, and how money is converted.
pub(super) fn note(source: &Source<'_>, serious: &[Serious]) -> String {
    let language = source.names.language;
    let Some(root) = serious.first() else {
        return source
            .say(
                "重大インシデントの件数、損失額、業務停止時間を測る指標を、この報告書は含みません。",
                "This statement holds no indicator of serious incidents, their loss and their outage.",
            )
            .to_owned();
    };
    let mut said: Vec<Text> = Vec::new();
    if root.unsettled > 0 {
        let unsettled = root.unsettled;
        said.push(Text::new(
            format!("深刻度が確定していない{unsettled}件は含みません。"),
            format!("{unsettled} whose severity is not settled are not among them."),
        ));
    }
    let of_root = |indicator: &str| of_root(source, indicator)?.value;
    if let Some(open) = of_root(OPEN) {
        let open = format::figure(open, Unit::Count, language);
        let longest = of_root(OPEN_DAYS).map(|days| format::figure(days, Unit::Days, language));
        said.push(match longest {
            Some(days) => Text::new(
                format!("期末に封じ込めていないものは全深刻度で{open}件あり、最も長いものは検知から{days}です。"),
                format!("Not contained at the end, of any severity: {open}; the oldest was detected {days} before."),
            ),
            None => Text::new(
                format!("期末に封じ込めていないものは全深刻度で{open}件です。"),
                format!("Not contained at the end, of any severity: {open}."),
            ),
        });
    }
    if root.loss.known > 0 {
        said.push(Text::new(
            "損失額は年度の計画レートで円に換算しています。",
            "Losses are in yen at the plan rate of the year.",
        ));
    }
    let said: Vec<&str> = said.iter().map(|text| text.get(language)).collect();
    said.join(source.say("", " "))
}
