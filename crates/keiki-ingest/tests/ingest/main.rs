//! Reads every fixture and compares what was accepted, what was rejected and why with its snapshot.

mod chunks;
mod conversion;
mod errors;
mod fixture;
mod limits;
mod places;
mod sources;

use std::path::Path;

use fixture::Fixture;
use keiki_ingest::Limits;

/// Reads the fixtures of a kind; each folder `<kind>/{valid,invalid}/<reason>` holds a source,
/// evidence and the outcome.
fn check_fixtures(kind: &str) {
    let mut checked = 0;
    for validity in ["valid", "invalid"] {
        let folder = Path::new("fixtures").join(kind).join(validity);
        let folder = std::path::absolute(folder).expect("the tests run in a folder");
        let mut reasons: Vec<_> = folder
            .read_dir()
            .expect("the kind has fixtures")
            .map(|entry| entry.expect("the folder can be read").path())
            .collect();
        reasons.sort();
        for reason in reasons {
            let outcome = Fixture::open(&reason).outcome(Limits::default());
            let mut settings = insta::Settings::clone_current();
            settings.set_snapshot_path(&reason);
            settings.set_prepend_module_to_snapshot(false);
            settings.set_omit_expression(true);
            settings.bind(|| insta::assert_snapshot!("outcome", outcome));
            checked += 1;
        }
    }
    assert!(checked > 0, "{kind} has no fixtures");
}

#[test]
fn csv_evidence_is_read_as_its_fixtures_say() {
    check_fixtures("csv");
}

#[test]
fn json_evidence_is_read_as_its_fixtures_say() {
    check_fixtures("json");
}

#[test]
fn veris_evidence_is_read_as_its_fixtures_say() {
    check_fixtures("veris");
}

#[test]
fn kev_evidence_is_read_as_its_fixtures_say() {
    check_fixtures("kev");
}
