//! Live sources: what is fetched from real servers on this computer, and what comes of it.

mod active_directory;
mod airbyte;
#[cfg(feature = "databases")]
mod database_servers;
mod databases;
mod http;
mod ldap;
mod redmine;
mod servers;
mod singer;
mod sqlite;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use keiki_ingest::live::{self, Amount, FetchError, FetchLimits, Request, Surroundings, Vault};
use keiki_ingest::{Limits, Source};
use keiki_model::evidence::Evidence;
use tempfile::TempDir;

use crate::fixture;

/// The secret of all these tests; it must be in no text.
pub(crate) const SECRET: &str = "opensesame+42/x";

/// Surroundings with one secret, in which nobody waits.
#[derive(Debug, Default)]
pub(crate) struct Still {
    pub(crate) waits: Mutex<Vec<u64>>,
    pub(crate) variables: HashMap<String, String>,
}

#[async_trait]
impl Surroundings for Still {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "SECRET" => Some(SECRET.to_owned()),
            "PATH" => Some("/usr/local/bin:/usr/bin:/bin".to_owned()),
            other => self.variables.get(other).cloned(),
        }
    }

    async fn wait(&self, how_long: Duration) {
        let mut waits = self.waits.lock().expect("nobody panicked");
        waits.push(how_long.as_secs());
    }
}

/// A workspace with one live source.
pub(crate) struct Live {
    pub(crate) folder: TempDir,
    pub(crate) still: Still,
    pub(crate) limits: FetchLimits,
    pub(crate) amount: Amount,
}

/// What one fetching brought.
pub(crate) struct Brought {
    pub(crate) cursor: Option<String>,
    pub(crate) texts: Vec<String>,
    pub(crate) evidence: Evidence,
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
            still: Still::default(),
            limits: FetchLimits::default(),
            amount: Amount::All,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Fetches and reads, from where a cursor says.
    pub(crate) async fn read(
        &self,
        definition: &str,
        cursor: Option<&str>,
    ) -> Result<Brought, FetchError> {
        let source = source(definition);
        let folder = tempfile::tempdir_in(self.path()).expect("a folder can be made");
        let vault = Vault::new(&self.still, self.path());
        let request = Request {
            source: &source.name,
            now: "2026-06-01T00:00:00Z".parse().expect("an instant"),
            cursor,
            amount: self.amount,
            records: source.format.records.as_deref(),
            folder: folder.path(),
            workspace: self.path(),
            limits: &self.limits,
            vault: &vault,
        };
        let connector = source.fetch.as_ref().expect("the source is live");
        let fetched = live::fetch(connector.as_ref(), &request).await?;
        let texts = fetched
            .files
            .iter()
            .map(|file| std::fs::read_to_string(&file.path).expect("what was fetched is text"));
        let texts = texts.collect();
        let dataset = fixture::dataset(&source.dataset);
        let evidence = fixture::read(&source, &dataset, &fetched.files, Limits::default());
        Ok(Brought {
            cursor: fetched.cursor,
            texts,
            evidence: evidence.unwrap_or_else(|e| unreachable!("{e}")),
        })
    }

    /// The message of a fetching that fails; no secret is in it.
    pub(crate) async fn fault(&self, definition: &str) -> String {
        let error = self.read(definition, None).await.err();
        let error = error.expect("nothing can be fetched");
        let text = format!(
            "{error} | {error:?} | {:?} | {:?}",
            error.message(),
            error.hint()
        );
        assert!(!text.contains(SECRET), "{text}");
        error.to_string()
    }
}

/// A source as its definition says.
pub(crate) fn source(definition: &str) -> Source {
    let kinds = keiki_ingest::Kinds::shipped();
    keiki_ingest::read_source("live.toml", definition, kinds)
        .unwrap_or_else(|problems| unreachable!("{problems:#?}"))
}

/// The problems of a definition; no secret is in them.
pub(crate) fn problems(definition: &str) -> String {
    let kinds = keiki_ingest::Kinds::shipped();
    let found = keiki_ingest::read_source("live.toml", definition, kinds);
    let found = found.expect_err("the definition is wrong");
    let text = found
        .iter()
        .map(|p| {
            format!(
                "{p} hint: {}",
                p.hint.as_ref().map_or("none", |hint| hint.en.as_str())
            )
        })
        .collect::<Vec<_>>()
        .join("\n");
    assert!(!text.contains(SECRET), "{text}");
    text
}
