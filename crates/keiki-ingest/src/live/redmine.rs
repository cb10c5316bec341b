//! Redmine: issues with their journals, over its REST API; the reader `redmine` makes the versions of
//! each issue from them.
//!
//! *Source*: <https://www.redmine.org/projects/redmine/wiki/Rest_api>. A list of issues has no
//! journals, so each issue is asked for by itself. What is fetched ends a second before the fetching
//! began, by the server's own clock where it tells it: what changes while pages are read comes with the next reading.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use keiki_model::document::Node;
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::Url;

use crate::limits::Quantity;
use crate::place::InputFile;

use super::error::FetchError;
use super::http::{Client, Endpoint};
use super::rows::RowsFile;
use super::secret::{self, SecretReference};
use super::{Connector, Fetched, Request};

/// Issues asked for at once: the most that Redmine gives.
const PAGE_SIZE: usize = 100;

/// The file that says what was fetched, with the names of statuses, trackers and priorities.
const ABOUT: &str = "about.json";

/// The lists that name what journals have as numbers.
const LISTS: [(&str, &str, &str); 3] = [
    ("statuses", "issue_statuses.json", "issue_statuses"),
    ("trackers", "trackers.json", "trackers"),
    (
        "priorities",
        "enumerations/issue_priorities.json",
        "issue_priorities",
    ),
];

/// A Redmine.
#[derive(Debug)]
struct Redmine {
    endpoint: Endpoint,
    key: SecretReference,
    start: Option<String>,
}

#[derive(Deserialize)]
struct Page {
    issues: Vec<Listed>,
}

#[derive(Deserialize)]
struct Listed {
    id: u64,
    updated_on: Option<String>,
}

#[derive(Deserialize)]
struct One {
    issue: Box<RawValue>,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let endpoint = Endpoint::read(node);
    let key = secret::reference(node, "key");
    if key.is_none() && !node.has("key") {
        let problem = keiki_model::problem::Problem::new(
            node.place(),
            Text::new("キー `key` がありません", "missing key `key`"),
        );
        node.report(
            problem.hint(Text::new(
                "key = { env = \"REDMINE_KEY\" } のように、アカウントのAPIアクセスキーを参照してください",
                "add key = { env = \"REDMINE_KEY\" }, the API access key of an account",
            )),
        );
    }
    let start = node.string("start");
    Some(Arc::new(Redmine {
        endpoint: endpoint?,
        key: key?,
        start,
    }))
}

#[async_trait]
impl Connector for Redmine {
    fn place(&self) -> String {
        self.endpoint.place()
    }

    fn is_incremental(&self) -> bool {
        true
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut client = Client::new(&self.endpoint, request)?;
        client.add_secret("x-redmine-api-key", &self.key)?;
        // With a key that it does not know Redmine answers as it would to anybody, which is less than all.
        client.get(address(&client, "users/current.json")?).await?;
        let mut about = serde_json::Map::new();
        let mut until = None;
        for (name, path, key) in LISTS {
            let answer = client.get(address(&client, path)?).await?;
            until = until.or(answer.at);
            let mut value: Value = self.parse(&answer.body)?;
            about.insert(name.to_owned(), value[key].take());
        }
        let until = until.unwrap_or(request.now);
        let until = until
            .saturating_sub(SignedDuration::from_secs(1))
            .unwrap_or(until);
        let since = request.cursor.or(self.start.as_deref());
        about.insert("since".to_owned(), json!(request.cursor));
        about.insert("until".to_owned(), json!(until.to_string()));
        let (ids, latest) = self.list(&client, request, since).await?;
        let mut issues = RowsFile::create(request, &self.place(), "issues.json")?;
        for id in ids {
            let mut url = address(&client, &format!("issues/{id}.json"))?;
            url.query_pairs_mut().append_pair("include", "journals");
            let answer = client.get(url).await?;
            let one: One = self.parse(&answer.body)?;
            if issues.push_text(one.issue.get())?.is_break() {
                break;
            }
        }
        let reached = latest.map(|latest| latest.min(until).to_string());
        Ok(Fetched {
            files: vec![self.about(request, &about)?, issues.finish()?],
            cursor: reached.or_else(|| request.cursor.map(str::to_owned)),
        })
    }
}

impl Redmine {
    /// The ids of the issues that changed, and the latest change.
    async fn list(
        &self,
        client: &Client<'_>,
        request: &Request<'_>,
        since: Option<&str>,
    ) -> Result<(BTreeSet<u64>, Option<Timestamp>), FetchError> {
        let mut ids = BTreeSet::new();
        let mut latest: Option<Timestamp> = None;
        for page in 0..request.limits.page_count {
            let mut url = address(client, "issues.json")?;
            {
                let mut pairs = url.query_pairs_mut();
                // By id: an issue that changes meanwhile does not move.
                pairs.append_pair("sort", "id");
                pairs.append_pair("limit", &PAGE_SIZE.to_string());
                pairs.append_pair("offset", &(page * PAGE_SIZE).to_string());
                if !client
                    .url()
                    .query_pairs()
                    .any(|(key, _)| key == "status_id")
                {
                    pairs.append_pair("status_id", "*");
                }
                if let Some(since) = since {
                    pairs.append_pair("updated_on", &format!(">={since}"));
                }
            }
            let page: Page = self.parse(&client.get(url).await?.body)?;
            let is_last = page.issues.is_empty();
            for issue in page.issues {
                ids.insert(issue.id);
                let updated = issue.updated_on.and_then(|text| text.parse().ok());
                latest = latest.max(updated);
            }
            let has_enough =
                matches!(request.amount, super::Amount::Sample(wanted) if ids.len() >= wanted);
            if is_last || has_enough {
                return Ok((ids, latest));
            }
        }
        let limit = request.limits.page_count as u64;
        Err(FetchError::limit(&self.place(), Quantity::Pages, limit))
    }

    fn parse<'b, T: Deserialize<'b>>(&self, body: &'b [u8]) -> Result<T, FetchError> {
        serde_json::from_slice(body).map_err(|e| FetchError::unusable(&self.place(), e))
    }

    fn about(
        &self,
        request: &Request<'_>,
        about: &serde_json::Map<String, Value>,
    ) -> Result<InputFile, FetchError> {
        let path = request.folder.join(ABOUT);
        let text =
            serde_json::to_vec_pretty(about).map_err(|e| FetchError::unusable(&self.place(), e))?;
        std::fs::write(&path, text).map_err(FetchError::file(&path))?;
        Ok(InputFile::new(format!("{}:{ABOUT}", request.source), path))
    }
}

/// An address below the endpoint's, with its parameters.
fn address(client: &Client<'_>, path: &str) -> Result<Url, FetchError> {
    let mut url = client.url();
    let base = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{path}"));
    client.check_origin(&url)?;
    Ok(url)
}
