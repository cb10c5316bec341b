//! Reads every fixture and compares what was accepted, what was rejected and why with its snapshot.

mod chunks;
mod conversion;
mod corners;
mod errors;
mod fixture;
mod hostile;
mod limits;
mod live;
mod places;
mod sources;

use std::path::Path;

use keiki_ingest::Kinds;

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
            .unwrap_or_else(|e| unreachable!("{kind} has no fixtures that are {validity}: {e}"))
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
fn evidence_of_every_kind_is_read_as_its_fixtures_say() {
    for kind in Kinds::shipped().iter() {
        // What a live system answers is tried against the system, in `live`.
        if kind.connector.is_none() {
            check_fixtures(&kind.name);
        }
    }
}

#[test]
fn fixtures_are_of_kinds_that_exist() {
    let folders = Path::new("fixtures")
        .read_dir()
        .expect("there are fixtures");
    for folder in folders {
        let name = folder.expect("the folder can be read").file_name();
        let name = name.to_string_lossy();
        assert!(
            name == "datasets" || Kinds::shipped().get(&name).is_some(),
            "there is no kind {name}"
        );
    }
}
