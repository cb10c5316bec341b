//! One KPI whole: its texts, indicators, measures with their SQL, parameters, datasets, and what the published table says.

use std::sync::Arc;

use keiki_model::dataset::Dataset;
use keiki_model::kpi::{Indicator, Kpi, Parameter, Reference};
use keiki_model::text::{Language, Text};
use keiki_report::format;

use crate::cli::prose;
use crate::messages::{self, Phrase};
use crate::operations::catalogue::{formula, sql};
use crate::words;

/// Writes the KPI, broken to the width of the terminal where there is one.
pub(super) fn text(
    kpi: &Kpi,
    datasets: &[Arc<Dataset>],
    language: Language,
    width: Option<usize>,
) -> String {
    let mut page = Page {
        language,
        width: width.unwrap_or(usize::MAX),
        out: String::new(),
    };
    page.head(kpi);
    for (heading, text) in [
        (messages::PURPOSE, &kpi.purpose),
        (messages::EVIDENCE, &kpi.evidence),
        (messages::READING, &kpi.reading),
    ] {
        page.section(heading);
        page.line(2, text.get(language));
    }
    page.section(messages::INDICATORS);
    kpi.indicators
        .iter()
        .for_each(|indicator| page.indicator(indicator));
    page.measures(kpi);
    if !kpi.parameters.is_empty() {
        page.section(messages::PARAMETERS);
        kpi.parameters
            .iter()
            .for_each(|parameter| page.parameter(parameter));
    }
    page.section(messages::DATASETS);
    datasets.iter().for_each(|dataset| page.dataset(dataset));
    if !kpi.seed.is_empty() {
        page.section(messages::SEED);
        for (column, value) in &kpi.seed {
            let title = words::seed_column(column);
            page.line(2, &format!("{}: {value}", title.get(language)));
        }
    }
    if !kpi.references.is_empty() {
        page.section(messages::REFERENCES);
        kpi.references
            .iter()
            .for_each(|reference| page.reference(reference));
    }
    page.out
}

struct Page {
    language: Language,
    width: usize,
    out: String,
}

impl Page {
    /// Adds a text, every line of it so many columns from the edge.
    fn line(&mut self, indent: usize, text: &str) {
        for line in prose::lines(text, self.width.saturating_sub(indent).max(1)) {
            self.out.push_str(&" ".repeat(indent));
            self.out.push_str(&line);
            self.out.push('\n');
        }
    }

    fn section(&mut self, heading: Phrase) {
        self.out.push('\n');
        self.line(0, heading.get(self.language));
    }

    fn head(&mut self, kpi: &Kpi) {
        let language = self.language;
        let name = kpi.name.get(language);
        self.line(0, &format!("{} {}  {name}", kpi.no, kpi.code));
        let kind = [
            words::group(&kpi.group),
            words::class(&kpi.class),
            words::maturity(&kpi.maturity),
            words::frequency(&kpi.frequency),
        ];
        self.line(
            0,
            &kind.each_ref().map(|text| text.get(language)).join(" / "),
        );
        self.line(0, &format!("{}  {}", kpi.version, kpi.file));
    }

    fn indicator(&mut self, indicator: &Indicator) {
        let language = self.language;
        let mut title = indicator.title.get(language).to_owned();
        if indicator.is_companion {
            let mark = messages::COMPANION.get(language);
            title = Text::new(format!("{title}({mark})"), format!("{title} ({mark})"))
                .get(language)
                .to_owned();
        }
        self.line(2, &format!("{}  {title}", indicator.code));
        let mut parts = vec![
            format!("= {}", formula(&indicator.formula)),
            words::unit(indicator.unit).get(language).to_owned(),
            words::direction(indicator.direction)
                .get(language)
                .to_owned(),
            words::tag(indicator.tag).get(language).to_owned(),
        ];
        if let Some(target) = indicator.target {
            let target = format::target(target, indicator.unit, language);
            let due = words::due(indicator.due);
            parts.push(format!("{} {target}", messages::TARGET.get(language)));
            parts.push(format!(
                "{} {}",
                messages::DUE.get(language),
                due.get(language)
            ));
        }
        parts.extend(words::sample(indicator).map(|text| text.get(language).to_owned()));
        self.line(4, &parts.join("  "));
    }

    fn measures(&mut self, kpi: &Kpi) {
        self.section(messages::MEASURES);
        for measure in &kpi.measures {
            let title = measure.title.get(self.language);
            self.line(2, &format!("{}  {title}", measure.name));
            sql(kpi, measure).iter().for_each(|line| self.line(4, line));
        }
    }

    fn parameter(&mut self, parameter: &Parameter) {
        let title = parameter.title.get(self.language);
        let kind = parameter.kind.name();
        let default = messages::DEFAULT.get(self.language);
        let value = &parameter.default.value;
        self.line(2, &format!("${}  {title}", parameter.name));
        self.line(4, &format!("{kind}  {default} {value}"));
    }

    fn dataset(&mut self, dataset: &Dataset) {
        let language = self.language;
        let title = dataset.title.get(language);
        let kind = words::dataset_kind(dataset.kind);
        let fresh = messages::fresh_for(dataset.freshness_days);
        self.line(2, &format!("{}  {title}", dataset.name));
        self.line(4, dataset.description.get(language));
        let key = format!("{} {}", messages::KEY.get(language), dataset.key.join(", "));
        self.line(
            4,
            &[kind.get(language), &key, fresh.get(language)].join("  "),
        );
    }

    fn reference(&mut self, reference: &Reference) {
        let mut parts = vec![reference.title.get(self.language).to_owned()];
        parts.extend(reference.year.map(|year| format!("({year})")));
        if reference.is_lapsed {
            parts.push(format!("[{}]", messages::LAPSED.get(self.language)));
        }
        self.line(2, &parts.join(" "));
        if let Some(value) = &reference.value {
            self.line(4, value.get(self.language));
        }
        if let Some(url) = &reference.url {
            self.line(4, url);
        }
    }
}
