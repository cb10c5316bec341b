//! `/metrics`: the current figures and how Keiki itself is, for Prometheus.
//!
//! What is told is what the token's account may see; a figure that is unknown or withheld has no value here either.
//! *Source*: decision 0063; Prometheus text exposition format 0.0.4.

use std::fmt::Write;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use keiki_model::access::Right;
use keiki_model::fraction::Fraction;
use keiki_model::measurement::{DATA_DIGITS, Measurement};

use super::failure::Answer;
use crate::operations::coverage::Timeliness;
use crate::operations::office::Desk;
use crate::operations::office::figures::Look;

/// The lines, family by family.
#[derive(Default)]
struct Lines(String);

impl Lines {
    /// Begins a family of gauges.
    fn family(&mut self, name: &str, about: &str) {
        self.0
            .push_str(&format!("# HELP {name} {about}\n# TYPE {name} gauge\n"));
    }

    /// A sample with its labels.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        self.0.push_str(name);
        for (position, (label, value)) in labels.iter().enumerate() {
            let before = if position == 0 { '{' } else { ',' };
            // Writing to a string does not fail.
            write!(self.0, "{before}{label}=\"{}\"", escaped(value)).unwrap_or_default();
        }
        self.0.push_str(if labels.is_empty() { " " } else { "} " });
        self.0.push_str(value);
        self.0.push('\n');
    }
}

/// A label's value: nothing in it ends it.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace('"', "\\\"");
    value.replace('\n', "\\n")
}

fn number(value: Fraction) -> String {
    value.to_short_decimal(DATA_DIGITS)
}

pub(super) async fn show(desk: Desk) -> Answer<Response> {
    let mut lines = Lines::default();
    lines.family("keiki_build_info", "The program that answers.");
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    lines.sample("keiki_build_info", &version, "1");
    lines.family(
        "keiki_journal_version",
        "The number of the last commit of the journal.",
    );
    lines.sample(
        "keiki_journal_version",
        &[],
        &desk.journal_version().to_string(),
    );
    let figures = desk.measurements(&Look::default()).await?;
    figures_in(&mut lines, &figures);
    if desk.rights().contains(&Right::SeeEvidence) {
        evidence_in(&mut lines, &desk).await?;
    }
    let kind = [(
        header::CONTENT_TYPE,
        "text/plain; version=0.0.4; charset=utf-8",
    )];
    Ok((kind, lines.0).into_response())
}

/// What tells a figure from the others; `no` is its KPI as text.
fn labels<'l>(one: &'l Measurement, no: &'l str) -> [(&'static str, &'l str); 5] {
    [
        ("no", no),
        ("indicator", &one.indicator),
        ("org_unit", &one.org_unit),
        ("period", &one.period),
        ("unit", one.unit.name()),
    ]
}

fn figures_in(lines: &mut Lines, figures: &[Measurement]) {
    let named = |one: &Measurement| one.no.to_string();
    lines.family(
        "keiki_kpi_value",
        "The value of an indicator; ratios are from 0 to 1.",
    );
    for one in figures {
        if let Some(value) = one.value {
            lines.sample("keiki_kpi_value", &labels(one, &named(one)), &number(value));
        }
    }
    for (name, about, bound) in [
        (
            "keiki_kpi_target_at_least",
            "The least value that meets the target.",
            AT_LEAST,
        ),
        (
            "keiki_kpi_target_at_most",
            "The greatest value that meets the target.",
            AT_MOST,
        ),
    ] {
        lines.family(name, about);
        for one in figures {
            if let Some(bound) = bound(one) {
                lines.sample(name, &labels(one, &named(one)), &number(bound));
            }
        }
    }
    lines.family(
        "keiki_kpi_status",
        "How an indicator stands: 1 with the status that it has.",
    );
    for one in figures {
        let no = named(one);
        let [a, b, c, d, _] = labels(one, &no);
        let labels = [a, b, c, d, ("status", one.status.code())];
        lines.sample("keiki_kpi_status", &labels, "1");
    }
    lines.family(
        "keiki_kpi_coverage_ratio",
        "The share of org units whose evidence is there.",
    );
    for one in figures {
        let covered = i128::from(one.coverage.covered);
        if let Some(share) = Fraction::new(covered, i128::from(one.coverage.expected)) {
            lines.sample(
                "keiki_kpi_coverage_ratio",
                &labels(one, &named(one)),
                &number(share),
            );
        }
    }
}

const AT_LEAST: fn(&Measurement) -> Option<Fraction> = |one| one.target?.at_least;
const AT_MOST: fn(&Measurement) -> Option<Fraction> = |one| one.target?.at_most;

async fn evidence_in(lines: &mut Lines, desk: &Desk) -> Answer<()> {
    let owed = desk.owed_evidence().await?;
    lines.family(
        "keiki_evidence_owed_count",
        "Evidence that org units owe, by whether it is there in time.",
    );
    for (word, timeliness) in [
        ("fresh", Timeliness::Fresh),
        ("overdue", Timeliness::Overdue),
        ("never", Timeliness::Never),
    ] {
        let count = owed
            .iter()
            .filter(|one| one.timeliness == timeliness)
            .count();
        lines.sample(
            "keiki_evidence_owed_count",
            &[("timeliness", word)],
            &count.to_string(),
        );
    }
    let sources = desk.sources().await?;
    lines.family(
        "keiki_source_failing",
        "1 where a source could not be read last.",
    );
    for one in &sources {
        let labels = [("source", one.name.as_str()), ("dataset", &one.dataset.0)];
        let failing = if one.trouble.is_empty() { "0" } else { "1" };
        lines.sample("keiki_source_failing", &labels, failing);
    }
    lines.family(
        "keiki_source_known_at_seconds",
        "When the last reading of a source became known, in seconds since 1970.",
    );
    for one in &sources {
        if let Some((_, at)) = &one.known_at {
            let labels = [("source", one.name.as_str()), ("dataset", &one.dataset.0)];
            lines.sample(
                "keiki_source_known_at_seconds",
                &labels,
                &(at / 1_000_000).to_string(),
            );
        }
    }
    lines.family(
        "keiki_rejected_rows_count",
        "Rows that are out and were not mended yet.",
    );
    let rejects = desk.rejects_count().await?;
    lines.sample("keiki_rejected_rows_count", &[], &rejects.to_string());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_makes_a_sample_up() {
        let mut lines = Lines::default();
        lines.sample("keiki", &[("a", "x\"} 1\nkeiki{\\"), ("b", "y")], "2");
        assert_eq!(lines.0, "keiki{a=\"x\\\"} 1\\nkeiki{\\\\\",b=\"y\"} 2\n");
        let mut lines = Lines::default();
        lines.sample("keiki", &[], "2");
        assert_eq!(lines.0, "keiki 2\n");
    }
}
