//! The page of the KPIs.

use std::path::Path;

use keiki::operations::catalogue::{datasets, formula};
use keiki::words;
use keiki_model::kpi::{GROUPS, Indicator, Kpi, Reference, sql};
use keiki_model::text::Language;
use keiki_report::format;

use super::{Definitions, Result, both, code, heading, names, notice, plain, row};

const INTRODUCTION: &str = "
The KPIs that Keiki ships: those of a published Japanese table, each with the table's cells as printed, how they are read, and
the measures that stand behind every figure. `keiki catalogue NO` shows the same on screen.

In the SQL, `:day` is the cut day, `:first_day` and `:last_day` bound the period, `:begin` and `:end` the twelve months of a
survival median; parameters have their defaults. The tables are the journal's entries, one per dataset (`keiki sql`), without
the masking of org units that have not reported. Where no indicator takes the sum of a measure, the SQL lists its values and
how often each is in force. What a key or a kind of indicator means is in [definitions.md](definitions.md); the datasets are in
[datasets.md](datasets.md).
";

/// Makes the page.
pub(super) fn page(root: &Path, definitions: &Definitions) -> Result<String> {
    let mut out = format!(
        "# The catalogue of KPIs\n\n{}",
        notice("catalogue/**/kpi.toml")
    );
    out.push_str(INTRODUCTION);
    out.push_str(&overview(definitions));
    for (group, ja, en) in GROUPS {
        out.push_str(&format!("\n## {ja} · {en}\n"));
        let kpis = definitions.catalogue.kpis.iter();
        for kpi in kpis.filter(|kpi| kpi.group == group) {
            out.push_str(&whole(root, definitions, kpi)?);
        }
    }
    Ok(out)
}

fn overview(definitions: &Definitions) -> String {
    let mut out = heading(&[
        "no",
        "code",
        "name",
        "group",
        "maturity",
        "class",
        "first indicators",
        "target",
        "due",
        "dataset",
    ]);
    for kpi in &definitions.catalogue.kpis {
        let own: Vec<&Indicator> = kpi.indicators.iter().filter(|i| !i.is_companion).collect();
        let each = |cell: &dyn Fn(&Indicator) -> String| {
            own.iter().map(|i| cell(i)).collect::<Vec<_>>().join("<br>")
        };
        out.push_str(&row(&[
            format!("[{}](#kpi-{})", kpi.no, kpi.no),
            kpi.code.clone(),
            both(&kpi.name),
            words::group(&kpi.group).en,
            words::level(&kpi.maturity).en,
            words::class(&kpi.class).en,
            each(&|i| plain(&i.title.en)),
            each(&target),
            each(&|i| i.target.map_or_else(String::new, |_| words::due(i.due).en)),
            dataset_links(definitions, kpi),
        ]));
    }
    out
}

fn target(indicator: &Indicator) -> String {
    indicator.target.map_or_else(
        || "none".to_owned(),
        |target| format::target(target, indicator.unit, Language::En),
    )
}

fn dataset_links(definitions: &Definitions, kpi: &Kpi) -> String {
    let links: Vec<String> = datasets(&definitions.catalogue, kpi)
        .iter()
        .map(|dataset| format!("[{}](datasets.md#{})", dataset.name, dataset.name))
        .collect();
    links.join(", ")
}

fn whole(root: &Path, definitions: &Definitions, kpi: &Kpi) -> Result<String> {
    let mut out = format!(
        "\n<a id=\"kpi-{no}\"></a>\n\n### {no} · {ja} · {en}\n\n",
        no = kpi.no,
        ja = plain(&kpi.name.ja),
        en = plain(&kpi.name.en)
    );
    let kind = [
        kpi.code.clone(),
        words::class(&kpi.class).en,
        words::maturity(&kpi.maturity).en,
        kpi.frequency.title().en,
    ];
    let coverage = format::target(
        keiki_model::kpi::Target {
            at_least: Some(kpi.coverage_at_least),
            at_most: None,
        },
        keiki_model::kpi::Unit::Ratio,
        Language::En,
    );
    out.push_str(&format!(
        "{} · coverage {coverage} · datasets: {} · [kpi.toml](../../{})\n",
        kind.join(" · "),
        dataset_links(definitions, kpi),
        kpi.file
    ));
    for (title, text) in [
        ("Purpose", &kpi.purpose),
        ("Reading", &kpi.reading),
        ("Evidence", &kpi.evidence),
    ] {
        out.push_str(&format!(
            "\n**{title}.** {}\n\n{}\n",
            plain(&text.ja),
            plain(&text.en)
        ));
    }
    out.push_str(&seed(kpi));
    out.push_str(&indicators(kpi));
    out.push_str(&parameters(kpi));
    out.push_str(&measures(kpi));
    out.push_str(&references(kpi));
    out.push_str(&cases(root, kpi)?);
    Ok(out)
}

fn seed(kpi: &Kpi) -> String {
    if kpi.seed.is_empty() {
        return String::new();
    }
    let mut out = heading(&["column of the table", "as printed"]);
    for (column, cell) in &kpi.seed {
        let title = words::seed_column(column);
        let title = if title.ja == title.en {
            title.en
        } else {
            format!("{} ({})", title.ja, title.en)
        };
        out.push_str(&row(&[title, plain(cell)]));
    }
    out
}

fn indicators(kpi: &Kpi) -> String {
    let mut out = heading(&[
        "indicator",
        "title",
        "formula",
        "unit",
        "better",
        "target, due",
        "tag",
    ]);
    for indicator in &kpi.indicators {
        let mut title = both(&indicator.title);
        if indicator.is_companion {
            title.push_str("<br>*companion*");
        }
        if let Some(sample) = words::sample(indicator) {
            title.push_str(&format!("<br>*{}*", sample.en));
        }
        let due = indicator.target.map_or_else(
            || "none".to_owned(),
            |_| format!("{}, {}", target(indicator), words::due(indicator.due).en),
        );
        out.push_str(&row(&[
            code(&indicator.code),
            title,
            code(&formula(&indicator.formula)),
            words::unit(indicator.unit).en,
            words::direction(indicator.direction).en,
            due,
            words::tag(indicator.tag).en,
        ]));
    }
    out
}

fn parameters(kpi: &Kpi) -> String {
    if kpi.parameters.is_empty() {
        return String::new();
    }
    let mut out = heading(&["parameter", "type", "default", "title"]);
    for parameter in &kpi.parameters {
        out.push_str(&row(&[
            code(&format!("${}", parameter.name)),
            parameter.kind.name(),
            code(&parameter.default.value),
            both(&parameter.title),
        ]));
    }
    out
}

fn measures(kpi: &Kpi) -> String {
    let mut out = String::new();
    for measure in &kpi.measures {
        out.push_str(&format!(
            "\n{}: {} · {}\n\n```sql\n{}\n```\n",
            code(&measure.name),
            plain(&measure.title.ja),
            plain(&measure.title.en),
            sql(kpi, measure).join("\n")
        ));
    }
    out
}

fn references(kpi: &Kpi) -> String {
    if kpi.references.is_empty() {
        return String::new();
    }
    let lines: String = kpi.references.iter().map(reference).collect();
    format!("\nReferences:\n\n{lines}")
}

fn reference(reference: &Reference) -> String {
    let year = reference
        .year
        .map_or_else(String::new, |year| format!(" ({year})"));
    let lapsed = if reference.is_lapsed { ", lapsed" } else { "" };
    let value = reference.value.as_ref().map_or_else(String::new, |value| {
        format!(": {} · {}", plain(&value.ja), plain(&value.en))
    });
    let url = reference
        .url
        .as_ref()
        .map_or_else(String::new, |url| format!(" <{url}>"));
    format!(
        "- {} · {}{year}{lapsed}{value}{url}\n",
        plain(&reference.title.ja),
        plain(&reference.title.en)
    )
}

fn cases(root: &Path, kpi: &Kpi) -> Result<String> {
    let folder = kpi.file.replace("kpi.toml", "cases");
    let links: Vec<String> = names(&root.join(&folder))?
        .iter()
        .map(|name| format!("[{name}](../../{folder}/{name})"))
        .collect();
    Ok(format!("\nWorked cases: {}\n", links.join(", ")))
}
