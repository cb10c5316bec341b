//! A statement as OSCAL assessment results: each figure an observation that carries facts alone.
//!
//! Nothing is found or judged for a control: Keiki measures a programme, and a figure is not an assessment. *Source*: NIST OSCAL
//! 1.1.3, Assessment Results Model (JSON).

use keiki_model::fraction::Fraction;
use keiki_model::measurement::{DATA_DIGITS, Measurement};
use keiki_model::text::hexadecimal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::report::Report;

/// The version of OSCAL.
pub const OSCAL_VERSION: &str = "1.1.3";
/// The namespace of the properties.
pub const NAMESPACE: &str = "urn:keiki:measurement:1";

/// Gives the figures of the report's measurements, companions included, as assessment results.
#[must_use]
pub fn assessment_results(report: &Report<'_>) -> Value {
    let source = report.source;
    let statement = source.statement;
    let seed = format!(
        "{}/{}/{}/{}",
        source.organisation, statement.period, statement.revision, statement.journal_version
    );
    let closed_at = keiki_model::calendar::instant_text(statement.closed_at);
    let programme = identifier(&seed, "programme");
    let starts = source.measurements.first();
    let until = starts.map_or_else(String::new, |one| one.cut_on.to_string());
    let observations: Vec<Value> = source
        .measurements
        .iter()
        .map(|one| observation(report, &seed, one))
        .collect();
    json!({ "assessment-results": {
        "uuid": identifier(&seed, "results"),
        "metadata": {
            "title": format!("{} — {}", report.head.title, source.organisation),
            "last-modified": closed_at,
            "version": format!("{}.{}", statement.period, statement.revision),
            "oscal-version": OSCAL_VERSION,
        },
        "import-ap": { "href": format!("#{programme}") },
        "results": [{
            "uuid": identifier(&seed, "result"),
            "title": report.head.title,
            "description": format!("{}, {}", report.head.kind, report.head.scope),
            "start": closed_at,
            "end": closed_at,
            "props": [
                property("period", &statement.period),
                property("cut-on", &until),
                property("revision", &statement.revision.to_string()),
                property("journal-version", &statement.journal_version.to_string()),
            ],
            "reviewed-controls": { "control-selections": [{
                "description": "The observations are measurements of the programme as a whole; no control is assessed.",
                "include-all": {},
            }] },
            "observations": observations,
        }],
        "back-matter": { "resources": [{
            "uuid": programme,
            "title": source.organisation,
            "description": "The measurement programme of the organisation: adopted KPIs, targets and applicability, as of the edition that the statement pins.",
        }] },
    } })
}

fn observation(report: &Report<'_>, seed: &str, one: &Measurement) -> Value {
    let names = &report.source.names;
    let place = format!("{}/{}/{}", one.no, one.indicator, one.org_unit);
    let title = format!(
        "KPI {} {} — {}",
        one.no,
        names.indicator(one.no, &one.indicator),
        names.unit_of(one)
    );
    let mut facts = vec![
        ("kpi", one.no.to_string()),
        ("indicator", one.indicator.to_string()),
        ("org-unit", one.org_unit.to_string()),
        ("unit", one.unit.name().to_owned()),
        ("status", one.status.code().to_owned()),
        ("covered", one.coverage.covered.to_string()),
        ("expected", one.coverage.expected.to_string()),
        ("definition-version", one.definition_version.to_string()),
    ];
    // What is unknown has no property: it is not zero.
    let decimal = |value: Fraction| value.to_short_decimal(DATA_DIGITS);
    let optional = [
        ("value", one.value.map(decimal)),
        ("numerator", one.numerator.map(decimal)),
        ("denominator", one.denominator.map(decimal)),
        ("n", one.n.map(|n| n.to_string())),
        (
            "target-at-least",
            one.target.and_then(|target| target.at_least).map(decimal),
        ),
        (
            "target-at-most",
            one.target.and_then(|target| target.at_most).map(decimal),
        ),
    ];
    facts.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let properties = facts.iter().filter(|(_, value)| !value.is_empty());
    json!({
        "uuid": identifier(seed, &place),
        "title": title.replace('\n', " "),
        "description": names.status(one),
        "props": properties.map(|(name, value)| property(name, value)).collect::<Vec<_>>(),
        "methods": ["EXAMINE"],
        "collected": one.known_at,
    })
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "ns": NAMESPACE, "value": value })
}

/// An identifier in the form of a version 4 UUID, whose bits come from a hash: the same for the same figure of the same statement.
fn identifier(seed: &str, place: &str) -> String {
    let mut hash = Sha256::digest(format!("{seed}\n{place}"));
    hash[6] = hash[6] & 0x0f | 0x40;
    hash[8] = hash[8] & 0x3f | 0x80;
    let hex = hexadecimal(&hash[..16]);
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_figure_keeps_its_identifier() {
        let one = identifier("a/2026-09/1/66", "1/inventory_ratio/HD");
        assert_eq!(one, identifier("a/2026-09/1/66", "1/inventory_ratio/HD"));
        assert_ne!(one, identifier("a/2026-09/2/66", "1/inventory_ratio/HD"));
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
    }
}
