//! One KPI whole: its texts, indicators, measures with their SQL, parameters, datasets, and what the published table says.

use std::sync::Arc;

use keiki_model::dataset::Dataset;
use keiki_model::framework::Framework;
use keiki_model::kpi::{Counter, Indicator, Kpi, Parameter, Reference, sql};
use keiki_model::text::Language;
use keiki_report::format;

use crate::cli::prose;
use crate::config::Workspace;
use crate::messages::{self, Phrase};
use crate::operations::catalogue::formula;
use crate::words;

/// Writes the KPI, broken to the width of the terminal where there is one.
pub(super) fn text(
    kpi: &Kpi,
    datasets: &[Arc<Dataset>],
    workspace: &Workspace,
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
    for indicator in &kpi.indicators {
        page.indicator(indicator);
    }
    page.measures(kpi);
    if !kpi.parameters.is_empty() {
        page.section(messages::PARAMETERS);
        for parameter in &kpi.parameters {
            page.parameter(parameter);
        }
    }
    page.section(messages::DATASETS);
    for dataset in datasets {
        page.dataset(dataset);
    }
    if !kpi.counters.is_empty() {
        page.section(messages::COUNTERS);
        for (counter, of, indicator) in workspace.catalogue.counters_of(kpi) {
            page.counter(counter, (of, indicator));
        }
    }
    if !kpi.frameworks.is_empty() {
        page.section(messages::FRAMEWORKS);
        for framework in &workspace.frameworks {
            page.framework(kpi, framework);
        }
    }
    if !kpi.seed.is_empty() {
        page.section(messages::SEED);
        for (column, value) in &kpi.seed {
            let title = words::seed_column(column);
            page.hanging(2, 4, &format!("{}: {value}", title.get(language)));
        }
    }
    if !kpi.references.is_empty() {
        page.section(messages::REFERENCES);
        for reference in &kpi.references {
            page.reference(kpi, reference);
        }
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
        self.hanging(indent, indent, text);
    }

    /// Adds a text whose first line stands at one column and all others at another.
    fn hanging(&mut self, first: usize, others: usize, text: &str) {
        let room = self.width.saturating_sub(first.max(others)).max(1);
        for (at, line) in prose::lines(text, room).iter().enumerate() {
            let indent = if at == 0 { first } else { others };
            self.out.push_str(&" ".repeat(indent));
            self.out.push_str(line);
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
            kpi.frequency.title(),
        ];
        self.line(
            0,
            &kind.each_ref().map(|text| text.get(language)).join(" / "),
        );
        self.line(0, &format!("{}  {}", kpi.version, kpi.file));
    }

    fn indicator(&mut self, indicator: &Indicator) {
        let language = self.language;
        let title = indicator.title.get(language);
        let mark = messages::COMPANION.get(language);
        let title = match (indicator.is_companion, language) {
            (false, _) => title.to_owned(),
            (true, Language::Ja) => format!("{title}({mark})"),
            (true, Language::En) => format!("{title} ({mark})"),
        };
        self.hanging(2, 4, &format!("{}  {title}", indicator.code));
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
        let beside = words::beside(indicator).into_iter();
        parts.extend(beside.map(|text| text.get(language).to_owned()));
        parts.extend(words::sample(indicator).map(|text| text.get(language).to_owned()));
        self.line(4, &parts.join("  "));
    }

    fn measures(&mut self, kpi: &Kpi) {
        self.section(messages::MEASURES);
        for measure in &kpi.measures {
            let title = measure.title.get(self.language);
            self.line(2, &format!("{}  {title}", measure.name));
            for line in sql(kpi, measure) {
                self.hanging(4, 8, &line);
            }
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

    /// A counter-indicator, which way it gets worse, and why it is looked at.
    fn counter(&mut self, counter: &Counter, (of, indicator): (&Kpi, &Indicator)) {
        let language = self.language;
        let (name, title) = (of.name.get(language), indicator.title.get(language));
        let way = words::worse(counter.worse, indicator.direction);
        let line = format!("{} {name}: {title}  {}", of.no, way.get(language));
        self.hanging(2, 4, &line);
        self.line(4, counter.why.get(language));
    }

    /// The items of a framework that the KPI serves.
    fn framework(&mut self, kpi: &Kpi, framework: &Framework) {
        let language = self.language;
        let serves = |id: &str| {
            let mut items = kpi.frameworks.iter();
            items.any(|item| item.framework == framework.code && item.id.value == id)
        };
        let items = framework.items().filter(|item| serves(&item.id));
        let items = items.map(|item| format!("{} {}", item.id, item.label.get(language)));
        let items: Vec<String> = items.collect();
        if !items.is_empty() {
            let title = framework.title.get(language);
            self.hanging(2, 4, &format!("{title}: {}", items.join(", ")));
        }
    }

    fn reference(&mut self, kpi: &Kpi, reference: &Reference) {
        let mut parts = vec![reference.title.get(self.language).to_owned()];
        parts.extend(reference.year.map(|year| format!("({year})")));
        if reference.is_lapsed {
            parts.push(format!("[{}]", messages::LAPSED.get(self.language)));
        }
        self.hanging(2, 4, &parts.join(" "));
        if let Some(value) = &reference.value {
            self.line(4, value.get(self.language));
        }
        for figure in &reference.figures {
            let code = figure.indicator.as_ref();
            let mut indicators = kpi.indicators.iter();
            let found = code.map_or(kpi.indicators.first(), |code| {
                indicators.find(|one| one.code == code.value)
            });
            if let Some(indicator) = found {
                let value = format::figure(figure.value, indicator.unit, self.language);
                let title = indicator.title.get(self.language);
                self.line(4, &format!("{title}: {value}"));
            }
        }
        if let Some(url) = &reference.url {
            self.line(4, url);
        }
    }
}
