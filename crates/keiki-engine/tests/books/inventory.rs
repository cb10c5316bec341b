//! Evidence of assets and the figure of KPI 1, for tests of the journal.

use std::path::{Path, PathBuf};

use keiki_model::measurement::Measurement;

use crate::world::World;

pub(crate) const ASSETS: &str = "asset_id,org_unit,kind,name,is_in_scope,owner_id,owner_assigned_on,declared_on,inventoried_on,inventoried_by\n";

pub(crate) fn asset(id: &str, unit: &str, inventoried: &str) -> String {
    let by = if inventoried.is_empty() {
        ""
    } else {
        "declaration"
    };
    format!("{id},{unit},hardware,{id},true,E1,2025-06-01,{inventoried},{inventoried},{by}\n")
}

pub(crate) fn assets(rows: &[String]) -> String {
    format!("{ASSETS}{}", rows.concat())
}

pub(crate) fn many(count: usize, inventoried: &str) -> Vec<String> {
    (0..count)
        .map(|i| asset(&format!("A{i}"), "JP1", inventoried))
        .collect()
}

pub(crate) async fn inventory(
    world: &World,
    unit: &str,
    period: &str,
    known_at: i64,
) -> Measurement {
    let found = world.measure(1, unit, period, known_at).await;
    found
        .into_iter()
        .find(|m| m.indicator == "inventory_ratio")
        .expect("KPI 1 is measured")
}

pub(crate) fn counts(m: &Measurement) -> (String, String) {
    let text =
        |v: Option<keiki_model::fraction::Fraction>| v.map_or(String::new(), |v| v.to_string());
    (text(m.numerator), text(m.denominator))
}

pub(crate) async fn verify(world: &World) -> Vec<keiki_store::Finding> {
    let datasets: Vec<_> = world.catalogue.datasets.values().cloned().collect();
    world
        .journal
        .verify(&datasets)
        .await
        .expect("it can be verified")
        .findings
}

pub(crate) fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found
}
