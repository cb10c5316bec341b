//! The page of the datasets.

use keiki::operations::catalogue::datasets;
use keiki::words;
use keiki_model::dataset::{Column, Dataset, Distinct, OrgUnits, RowRule};

use super::{Definitions, both, code, heading, notice, plain, row};

const INTRODUCTION: &str = "
The datasets that Keiki ships. A *register* has columns that change through time; a *fact* is one happening that becomes better
known; a *derived* dataset is computed from another. Every column may be left out of an export but those that are required.
What the keys of a definition mean is in [definitions.md](definitions.md#datasets); an organisation's own dataset is a file like
these ([own-kpi.md](../guides/own-kpi.md)).
";

/// Makes the page.
pub(super) fn page(definitions: &Definitions) -> String {
    let mut out = format!("# The datasets\n\n{}", notice("datasets/*.toml"));
    out.push_str(INTRODUCTION);
    out.push_str(&heading(&["dataset", "title", "kind", "KPIs"]));
    for dataset in definitions.catalogue.datasets.values() {
        out.push_str(&row(&[
            format!("[{}](#{})", dataset.name, dataset.name),
            both(&dataset.title),
            words::dataset_kind(dataset.kind).en,
            used_by(definitions, dataset),
        ]));
    }
    for dataset in definitions.catalogue.datasets.values() {
        out.push_str(&whole(definitions, dataset));
    }
    out
}

fn used_by(definitions: &Definitions, dataset: &Dataset) -> String {
    let kpis = definitions.catalogue.kpis.iter().filter(|kpi| {
        datasets(&definitions.catalogue, kpi)
            .iter()
            .any(|used| used.name == dataset.name)
    });
    kpis.map(|kpi| format!("[{}](catalogue.md#kpi-{})", kpi.no, kpi.no))
        .collect::<Vec<_>>()
        .join(", ")
}

fn whole(definitions: &Definitions, dataset: &Dataset) -> String {
    let used_by = used_by(definitions, dataset);
    let kpis = if used_by.is_empty() {
        "none of itself".to_owned()
    } else {
        used_by
    };
    let units = match dataset.org_units {
        OrgUnits::None => " · reference data, no org units",
        OrgUnits::One => "",
        OrgUnits::Several => " · a record may name several org units",
    };
    let mut out = format!(
        "\n## {}\n\n**{} · {}**\n\n{}\n\n{}\n\n{} · key: {} · a reading speaks for {} days{units} · KPIs: {kpis} · [{}.toml](../../{})\n",
        dataset.name,
        plain(&dataset.title.ja),
        plain(&dataset.title.en),
        plain(&dataset.description.ja),
        plain(&dataset.description.en),
        words::dataset_kind(dataset.kind).en,
        dataset
            .key
            .iter()
            .map(|key| code(key))
            .collect::<Vec<_>>()
            .join(", "),
        dataset.freshness_days,
        dataset.name,
        dataset.file,
    );
    out.push_str(&heading(&[
        "column",
        "type",
        "required",
        "personal",
        "title",
        "description",
    ]));
    for column in &dataset.columns {
        out.push_str(&row(&[
            code(&column.name),
            type_of(dataset, column),
            yes(column.required),
            yes(column.personal),
            both(&column.title),
            both(&column.description),
        ]));
    }
    if let Some(distinct) = &dataset.distinct {
        out.push_str(&derivation(distinct));
    }
    out.push_str(&rules(&dataset.rules));
    out
}

fn yes(is_so: bool) -> String {
    String::from(if is_so { "yes" } else { "" })
}

/// The type of a column, and what else narrows what it holds.
fn type_of(dataset: &Dataset, column: &Column) -> String {
    let mut parts = vec![column.kind.name()];
    if !column.values.is_empty() {
        let values: Vec<String> = column.values.iter().map(|value| code(value)).collect();
        parts.push(values.join(", "));
    }
    if let Some(lookup) = &column.lookup {
        parts.push(format!(
            "looked up: `{}` of [{}](#{}) by {}",
            lookup.column,
            lookup.dataset,
            lookup.dataset,
            lookup
                .key
                .iter()
                .map(|key| code(key))
                .collect::<Vec<_>>()
                .join(", ")
        ));
    }
    if let Some(plan) = &dataset.plan {
        if plan.baseline == column.name {
            parts.push("frozen with an [approved plan](definitions.md#approved-plans)".to_owned());
        } else if plan.revision == column.name {
            parts.push("takes revisions of an approved plan".to_owned());
        }
    }
    if !column.journalled {
        parts.push("not journalled".to_owned());
    }
    parts.join("<br>")
}

fn derivation(distinct: &Distinct) -> String {
    let mut out = format!(
        "\nThe distinct values of `{}` in [{}](#{})",
        distinct.by.value, distinct.dataset.value, distinct.dataset.value
    );
    for (word, sql) in [
        ("where", &distinct.filter),
        ("from", &distinct.from),
        ("until before", &distinct.until),
    ] {
        if let Some(sql) = sql {
            out.push_str(&format!(", {word} {}", code(&sql.value)));
        }
    }
    out.push_str(".\n");
    out
}

fn rules(rules: &[RowRule]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut out = heading(&["a row is rejected unless", "message"]);
    for rule in rules {
        let mut require = code(&rule.require.value);
        if let Some(unknown) = &rule.unknown {
            require.push_str(&format!(" (else {} is unknown)", code(&unknown.value)));
        }
        out.push_str(&row(&[require, both(&rule.message)]));
    }
    out
}
