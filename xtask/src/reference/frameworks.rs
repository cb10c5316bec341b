//! The page of the frameworks to which KPIs are mapped.

use keiki_model::framework::Framework;
use keiki_model::kpi::Kpi;

use super::{Definitions, both, heading, notice, plain, row};

/// Writes the page.
pub(super) fn page(definitions: &Definitions) -> String {
    let mut page = format!(
        "# Frameworks\n\n{}\nWhich KPIs serve which items of published frameworks. Ids are the frameworks' own; the labels are \
         ours and stand in for no standard's text. `keiki catalogue --framework csf|iso27001|meti|cis` shows the same with the \
         figures of last month, of another `--period` or `--org`. The mapping is an opinion about what a figure tells of an item, and no claim of conformity.\n",
        notice("`catalogue/frameworks/*.toml` and `catalogue/**/kpi.toml`")
    );
    for framework in &definitions.frameworks {
        section(&mut page, framework, definitions);
    }
    page
}

fn section(page: &mut String, framework: &Framework, definitions: &Definitions) {
    let served = framework.items().filter(|item| {
        let mut kpis = definitions.catalogue.kpis.iter();
        kpis.any(|kpi| serves(kpi, framework, &item.id))
    });
    let (served, all) = (served.count(), framework.items().count());
    let title = &framework.title;
    page.push_str(&format!(
        "\n## {} / {}\n\n{}  \n{}\n\n{served} of {all} items have a KPI.\n",
        plain(&title.ja),
        plain(&title.en),
        plain(&framework.edition.ja),
        plain(&framework.edition.en),
    ));
    for part in &framework.parts {
        page.push_str(&format!(
            "\n### {} / {}\n",
            plain(&part.title.ja),
            plain(&part.title.en)
        ));
        page.push_str(&heading(&["id", "about", "KPIs"]));
        for item in &part.items {
            let kpis = definitions.catalogue.kpis.iter();
            let kpis = kpis.filter(|kpi| serves(kpi, framework, &item.id));
            let kpis: Vec<String> = kpis
                .map(|kpi| format!("{} {}", kpi.no, plain(&kpi.name.en)))
                .collect();
            page.push_str(&row(&[
                item.id.clone(),
                both(&item.label),
                if kpis.is_empty() {
                    "–".to_owned()
                } else {
                    kpis.join("<br>")
                },
            ]));
        }
    }
}

fn serves(kpi: &Kpi, framework: &Framework, id: &str) -> bool {
    let mut items = kpi.frameworks.iter();
    items.any(|item| item.framework == framework.code && item.id.value == id)
}
