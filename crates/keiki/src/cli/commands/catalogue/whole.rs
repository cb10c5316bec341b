//! One KPI whole: its texts, indicators, measures with their SQL, parameters, and what the published table says.

use keiki_model::kpi::{CLASSES, GROUPS, Indicator, Kpi, MATURITIES, Reference};
use keiki_model::text::Language;
use keiki_report::format;

use super::{frequency, title};
use crate::messages::{self, Phrase};
use crate::operations::catalogue::sql;

/// Writes the KPI.
pub(super) fn text(kpi: &Kpi, language: Language) -> String {
    let mut out = String::new();
    let mut line = |text: String| {
        out.push_str(&text);
        out.push('\n');
    };
    line(format!(
        "{} {}  {}",
        kpi.no,
        kpi.code,
        kpi.name.get(language)
    ));
    line(format!(
        "{} / {} / {} / {}",
        title(&GROUPS, &kpi.group, language),
        title(&CLASSES, &kpi.class, language),
        title(&MATURITIES, &kpi.maturity, language),
        frequency(&kpi.frequency).get(language),
    ));
    line(format!("{}  {}", kpi.version, kpi.file));
    for (heading, text) in [
        (messages::PURPOSE, &kpi.purpose),
        (messages::EVIDENCE, &kpi.evidence),
        (messages::READING, &kpi.reading),
    ] {
        line(section(heading, language));
        line(format!("  {}", text.get(language)));
    }
    line(section(messages::INDICATORS, language));
    kpi.indicators
        .iter()
        .for_each(|indicator| line(indicator_text(indicator, language)));
    line(section(messages::MEASURES, language));
    for measure in &kpi.measures {
        line(format!(
            "  {}  {}",
            measure.name,
            measure.title.get(language)
        ));
        sql(kpi, measure)
            .lines()
            .for_each(|sql| line(format!("    {sql}")));
    }
    if !kpi.parameters.is_empty() {
        line(section(messages::PARAMETERS, language));
        for parameter in &kpi.parameters {
            let default = messages::DEFAULT.get(language);
            line(format!(
                "  ${}  {}  {default} {}",
                parameter.name,
                parameter.title.get(language),
                parameter.default.value
            ));
        }
    }
    if !kpi.seed.is_empty() {
        line(section(messages::SEED, language));
        kpi.seed
            .iter()
            .for_each(|(column, value)| line(format!("  {column}: {value}")));
    }
    if !kpi.references.is_empty() {
        line(section(messages::REFERENCES, language));
        kpi.references
            .iter()
            .for_each(|reference| line(format!("  {}", reference_text(reference, language))));
    }
    out
}

fn section(heading: Phrase, language: Language) -> String {
    format!("\n{}", heading.get(language))
}

fn indicator_text(indicator: &Indicator, language: Language) -> String {
    let title = indicator.title.get(language);
    let mut made_of = vec![indicator.formula.kind()];
    made_of.extend(indicator.formula.measures());
    let mut parts = vec![made_of.join(" "), format!("[{}]", indicator.unit.name())];
    parts.extend(indicator.target.map(|target| {
        let target = format::target(target, indicator.unit, language);
        format!("{} {target}", messages::TARGET.get(language))
    }));
    if indicator.is_companion {
        parts.push(format!("({})", messages::COMPANION.get(language)));
    }
    format!("  {}  {title}\n    {}", indicator.code, parts.join("  "))
}

fn reference_text(reference: &Reference, language: Language) -> String {
    let mut parts = vec![reference.title.get(language).to_owned()];
    parts.extend(reference.year.map(|year| format!("({year})")));
    if reference.is_lapsed {
        parts.push(format!("[{}]", messages::LAPSED.get(language)));
    }
    parts.extend(
        reference
            .value
            .as_ref()
            .map(|value| value.get(language).to_owned()),
    );
    parts.extend(reference.url.clone());
    parts.join(" ")
}
