//! `[close]` of `keiki.toml`: how a period is closed, who stands by its figures, and from where on a difference matters.

use std::collections::BTreeMap;

use keiki_model::document::Node;
use keiki_model::fraction::Fraction;
use keiki_model::org::UnitKind;
use keiki_model::problem::Problem;
use keiki_model::restatement::Materiality;
use keiki_model::text::Text;

/// The most business days after a period's end on which something of the close may be due.
const MOST_BUSINESS_DAYS: i64 = 60;

/// How periods are closed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CloseSettings {
    /// The days of the close; absent = there is no calendar.
    pub days: Option<CloseDays>,
    /// The kinds of org units whose deviations must be explained before the close; empty = none must be.
    pub explain: Vec<UnitKind>,
    /// Who stands by the figures of companies.
    pub certifiers: Vec<Certifier>,
    /// From where on a difference matters; absent = every difference does.
    pub materiality: Option<Materiality>,
}

/// The business days of the close, counted from the day after the period's last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CloseDays {
    /// The last on which evidence is taken.
    pub cut_off: u32,
    /// That of the preliminary close.
    pub preliminary: u32,
    /// That of the final close.
    pub last: u32,
}

/// The person who stands by a company's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certifier {
    /// The company.
    pub org_unit: String,
    /// The person, by the name of the user account.
    pub person: String,
    /// Who stands in.
    pub deputy: Option<String>,
}

/// Reads `[close]`.
pub(super) fn close(node: &Node<'_>) -> CloseSettings {
    let Some(table) = node.table("close") else {
        return CloseSettings::default();
    };
    let settings = CloseSettings {
        days: days(&table),
        explain: kinds(&table),
        certifiers: table
            .list("certifiers")
            .iter()
            .filter_map(certifier)
            .collect(),
        materiality: table.table("materiality").map(|table| materiality(&table)),
    };
    table.finish();
    settings
}

fn days(table: &Node<'_>) -> Option<CloseDays> {
    let keys = ["cut_off", "preliminary", "final"];
    if !keys.iter().any(|key| table.has(key)) {
        return None;
    }
    let mut found = Vec::new();
    for key in keys {
        let day = table.required_integer(key)?;
        let sound = (1..=MOST_BUSINESS_DAYS).contains(&day);
        let number = u32::try_from(day).ok().filter(|_| sound);
        let Some(number) = number.filter(|number| found.last().is_none_or(|last| last <= number))
        else {
            let message = Text::new(
                format!("締めの営業日として使えません: {day}"),
                format!("not a business day of the close: {day}"),
            );
            table.report(Problem::new(table.place_of(key), message).hint(Text::new(
                format!(
                    "対象期間の翌日から数えた営業日を、cut_off ≦ preliminary ≦ final となる1〜{MOST_BUSINESS_DAYS}で書いてください"
                ),
                format!(
                    "count business days after the period's end, 1 to {MOST_BUSINESS_DAYS}, with cut_off ≤ preliminary ≤ final"
                ),
            )));
            return None;
        };
        found.push(number);
    }
    Some(CloseDays {
        cut_off: found[0],
        preliminary: found[1],
        last: found[2],
    })
}

fn kinds(table: &Node<'_>) -> Vec<UnitKind> {
    let mut kinds = Vec::new();
    for word in table.strings("explain") {
        let mut names = UnitKind::NAMES.iter();
        if let Some((_, kind)) = names.find(|(name, _)| *name == word) {
            kinds.push(*kind);
            continue;
        }
        let all: Vec<&str> = UnitKind::NAMES.iter().map(|(name, _)| *name).collect();
        let all = all.join(", ");
        let message = Text::new(
            format!("組織の種別ではありません: {word}"),
            format!("not a kind of org unit: {word}"),
        );
        let place = table.place_of("explain");
        table.report(Problem::new(place, message).hint(Text::new(
            format!("選べる値: {all}"),
            format!("one of: {all}"),
        )));
    }
    kinds
}

fn certifier(table: &Node<'_>) -> Option<Certifier> {
    let org_unit = table.required_string("org_unit");
    let person = table.required_string("person");
    let deputy = table.string("deputy");
    table.finish();
    Some(Certifier {
        org_unit: org_unit?,
        person: person?,
        deputy,
    })
}

fn materiality(table: &Node<'_>) -> Materiality {
    let nothing = Fraction::whole(0);
    let ratio = decimal(table, "ratio").unwrap_or(nothing);
    let relative = decimal(table, "relative").unwrap_or(nothing);
    let mut by_kpi = BTreeMap::new();
    for of_kpi in table.list("kpis") {
        let no = of_kpi.required_integer("kpi");
        let at_least = decimal(&of_kpi, "at_least");
        of_kpi.finish();
        let no = no.and_then(|no| u32::try_from(no).ok());
        by_kpi.extend(no.zip(at_least));
    }
    table.finish();
    Materiality {
        ratio,
        relative,
        by_kpi,
    }
}

/// A decimal in quotes, not below zero.
fn decimal(table: &Node<'_>, key: &str) -> Option<Fraction> {
    let text = table.string(key)?;
    let value = Fraction::parse_decimal(&text).filter(|value| value.numerator() >= 0);
    if value.is_none() {
        let message = Text::new(
            format!("正の十進数ではありません: {text}"),
            format!("not a decimal above zero: {text}"),
        );
        table.report(Problem::new(table.place_of(key), message).hint(Text::new(
            "\"0.005\" のように引用符で囲んで書いてください",
            "write it in quotes, such as \"0.005\"",
        )));
    }
    value
}
