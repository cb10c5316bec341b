//! Definitions of sources: what is read, and every fault at once.

use std::path::Path;

use keiki_ingest::{Kinds, Source, read_source};
use keiki_model::evidence::{Extent, Missing};

use crate::fixture::dataset;

#[test]
fn a_definition_is_read_with_its_defaults() {
    let text = "name = \"kev\"\nkind = \"kev\"\nplace = \"evidence/kev.json\"\n";
    let source = read_source("sources/kev.toml", text, Kinds::shipped())
        .expect("the definition is well-formed");
    assert_eq!(source.dataset, "exploited_vulnerabilities");
    assert_eq!(
        (source.extent, source.missing, source.precedence),
        (Extent::Part, Missing::Keep, 100)
    );
    assert_eq!(source.window_from, keiki_model::calendar::BEGINNING);
    assert_eq!(source.version.len(), 16);
}

#[test]
fn every_fault_of_a_definition_is_told_at_once_with_its_place() {
    let text = r#"
name = "other"
kind = "punch cards"
missing = "retire"
presedence = 1
[window]
from = "2026-02-30"
[format]
separator = "~"
date = ["%d/%Q"]
instant = ["%d/%m/%Y"]
zone = "Asia/Tokio"
[history]
order = "n"
"#;
    let problems =
        read_source("sources/cmdb.toml", text, Kinds::shipped()).expect_err("nearly all is wrong");
    let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_definition_is_held_against_its_dataset() {
    let text = "name = \"x\"\nkind = \"csv\"\ndataset = \"drills\"\nplace = \"x.csv\"\nextent = \"full\"\nmissing = \"retire\"\n\
                [columns]\ndril_id = \"id\"\neffective_on = \"day\"\n";
    let source =
        read_source("x.toml", text, Kinds::shipped()).expect("the definition is well-formed");
    let told: Vec<String> = source
        .check(&dataset("drills"))
        .iter()
        .map(ToString::to_string)
        .collect();
    insta::assert_snapshot!(told.join("\n"));
    assert_eq!(
        source.check(&dataset("things")).len(),
        2,
        "another dataset, and a column that it does not have"
    );
}

#[test]
fn a_source_without_a_definition_maps_by_name_and_is_a_part() {
    let source = Source::by_name(
        "file",
        Kinds::shipped().of_file(Path::new("x.csv")),
        "things",
    );
    assert_eq!(source.extent, Extent::Part);
    assert!(source.columns.is_empty() && source.check(&dataset("things")).is_empty());
}
