//! `[object_store]` of `keiki.toml`: how a journal is read that lies on an object store.

use std::path::Path;
use std::time::Duration;

use keiki_model::document::Node;
use keiki_store::Reading;

use super::number;

/// The folder of kept parts of files, in that of the workspace's state.
const FOLDER: &str = "objects";
const MIB: u64 = 1 << 20;

/// How a journal on an object store is read; credentials, endpoint and region are in the environment alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectStoreSettings(Box<Reading>);

impl ObjectStoreSettings {
    /// How it is read by a workspace with this folder for its state.
    #[must_use]
    pub fn reading(&self, state: &Path) -> Reading {
        Reading {
            folder: Some(state.join(FOLDER)),
            ..*self.0.clone()
        }
    }

    /// How it is read where nothing counts but what the store itself has.
    #[must_use]
    pub fn reading_itself(&self) -> Reading {
        *self.0.clone()
    }
}

/// Reads `[object_store]`.
pub(super) fn object_store(node: &Node<'_>) -> ObjectStoreSettings {
    let mut reading = Reading::default();
    if let Some(table) = node.table("object_store") {
        let mib = |key| number(&table, key, 0).map(|count| count.saturating_mul(MIB));
        reading.cache_bytes = mib("cache_mib").unwrap_or(reading.cache_bytes);
        reading.ahead_bytes = mib("read_ahead_mib").unwrap_or(reading.ahead_bytes);
        let requests = number(&table, "requests", 1);
        let requests = requests.and_then(|count| usize::try_from(count).ok());
        reading.requests = requests.unwrap_or(reading.requests);
        let patience = number(&table, "retry_seconds", 0).map(Duration::from_secs);
        reading.patience = patience.unwrap_or(reading.patience);
        table.finish();
    }
    ObjectStoreSettings(Box::new(reading))
}

#[cfg(test)]
mod tests {
    use super::super::{FILE, Settings};
    use std::path::Path;
    use std::time::Duration;

    fn read(table: &str) -> Result<Settings, Vec<String>> {
        let text = format!(
            "zone = \"UTC\"\njournal = \"s3://bucket/books\"\n\
             organisation = {{ name = {{ ja = \"架空\", en = \"Fictional\" }} }}\n{table}"
        );
        let said = |problems: Vec<_>| problems.iter().map(ToString::to_string).collect();
        Settings::read(FILE, &text).map_err(said)
    }

    #[test]
    fn what_is_kept_and_how_long_a_store_is_asked_again_is_configured() {
        let table =
            "[object_store]\ncache_mib = 0\nread_ahead_mib = 8\nrequests = 4\nretry_seconds = 5\n";
        let read = read(table).expect("it is sound");
        let reading = read.object_store.reading(Path::new("state"));
        assert_eq!(reading.cache_bytes, 0);
        assert_eq!(reading.ahead_bytes, 8 << 20);
        assert_eq!(
            (reading.requests, reading.patience),
            (4, Duration::from_secs(5))
        );
        let url = read.journal_url(Path::new("/books")).expect("an address");
        assert_eq!(url.as_str(), "s3://bucket/books/");
    }

    #[test]
    fn a_value_that_cannot_be_and_a_key_that_nobody_knows_are_named() {
        let table = "[object_store]\nrequests = 0\nsecret_access_key = \"hush\"\n";
        let found = read(table).expect_err("it is not sound");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].contains("keiki.toml:5:12: not a value for `requests`: 0"),
            "{found:?}"
        );
        assert!(found.iter().all(|problem| !problem.contains("hush")));
    }
}
