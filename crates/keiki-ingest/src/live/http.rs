//! HTTP: a system that answers with JSON, page by page; each answer is a file of evidence as it came.

mod address;
mod client;
mod endpoint;
mod paging;

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use keiki_model::document::Node;
use keiki_model::text::Text;
use serde_json::Value;
use url::Url;

use crate::limits::Quantity;
use crate::place::InputFile;

use super::error::FetchError;
use super::{Amount, Connector, Fetched, Request};
use paging::{Came, Paging, Step};

pub(crate) use address::Network;
pub(crate) use client::Client;
pub(crate) use endpoint::Endpoint;

/// A list behind an address.
#[derive(Debug)]
struct Http {
    endpoint: Endpoint,
    paging: Paging,
    incremental: Option<Incremental>,
}

/// Says how only what is new is asked for.
#[derive(Debug)]
struct Incremental {
    /// Dotted path within a record.
    column: String,
    /// The parameter that takes the value.
    parameter: String,
    /// The parameter's value, with `{}` for the cursor.
    form: String,
    /// Where the first reading begins; absent = with every record.
    start: Option<String>,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let endpoint = Endpoint::read(node);
    let paging = Paging::read(node);
    let incremental = node.table("incremental").and_then(|table| {
        let column = table.required_string("column");
        let parameter = table.required_string("parameter");
        let form = table.string("form").unwrap_or_else(|| "{}".to_owned());
        let start = table.string("start");
        table.finish();
        Some(Incremental {
            column: column?,
            parameter: parameter?,
            form,
            start,
        })
    });
    Some(Arc::new(Http {
        endpoint: endpoint?,
        paging,
        incremental,
    }))
}

#[async_trait]
impl Connector for Http {
    fn place(&self) -> String {
        self.endpoint.place()
    }

    fn is_incremental(&self) -> bool {
        self.incremental.is_some()
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let client = Client::new(&self.endpoint, request)?;
        let mut base = client.url();
        if let Some((incremental, bound)) = self.bound(request) {
            let value = incremental.form.replace("{}", bound);
            base.query_pairs_mut()
                .append_pair(&incremental.parameter, &value);
        }
        let mut step = self.paging.first();
        let mut seen = HashSet::new();
        let mut files = Vec::new();
        let mut cursor = request.cursor.map(str::to_owned);
        let (mut count, mut began) = (0, None);
        loop {
            let url = self.address(&base, &step, &client)?;
            if !seen.insert(url.clone()) {
                let detail = Text::new(
                    "次のページが、すでに読んだページを指しています",
                    "the next page is one that was read already",
                );
                return Err(FetchError::unusable(&self.place(), detail));
            }
            let answer = client.get(url).await?;
            let value: Value = serde_json::from_slice(&answer.body).map_err(|e| {
                FetchError::unusable(
                    &self.place(),
                    Text::new(
                        format!("JSONとして読めません: {e}"),
                        format!("not JSON: {e}"),
                    ),
                )
            })?;
            let records = self.records(&value, request.records)?;
            files.push(save(request, files.len() + 1, &answer.body)?);
            began = began.or(answer.at);
            if let Some(incremental) = &self.incremental {
                let values = records
                    .iter()
                    .filter_map(|r| at(r, &incremental.column).and_then(text));
                cursor = values.chain(cursor).reduce(later);
            }
            count += records.len();
            if count > request.limits.row_count {
                let limit = request.limits.row_count as u64;
                return Err(FetchError::limit(&self.place(), Quantity::Rows, limit));
            }
            let came = Came {
                now: records.len(),
                all: count,
            };
            let next = self.paging.next(&step, &value, came, &answer);
            let has_enough = matches!(request.amount, Amount::Sample(wanted) if count >= wanted);
            match next {
                Some(next) if !has_enough => step = next,
                _ => break,
            }
            if files.len() >= request.limits.page_count {
                let limit = request.limits.page_count as u64;
                return Err(FetchError::limit(&self.place(), Quantity::Pages, limit));
            }
        }
        Ok(Fetched {
            files,
            cursor: cursor.map(|cursor| not_after(cursor, began.unwrap_or(request.now))),
        })
    }
}

/// A cursor that does not lie after the instant at which fetching began: what changed meanwhile on
/// pages that were read before is read next time.
fn not_after(cursor: String, began: Timestamp) -> String {
    match cursor.parse::<Timestamp>() {
        Ok(reached) if reached > began => began.to_string(),
        _ => cursor,
    }
}

impl Http {
    fn bound<'b>(&'b self, request: &'b Request<'_>) -> Option<(&'b Incremental, &'b str)> {
        let incremental = self.incremental.as_ref()?;
        let bound = request.cursor.or(incremental.start.as_deref())?;
        Some((incremental, bound))
    }

    /// The address of a page; never one of another server.
    fn address(&self, base: &Url, step: &Step, client: &Client<'_>) -> Result<Url, FetchError> {
        match step {
            Step::Parameters(pairs) => {
                let mut url = base.clone();
                if !pairs.is_empty() {
                    url.query_pairs_mut().extend_pairs(pairs);
                }
                Ok(url)
            }
            Step::Url(text) => {
                let url = base.join(text).map_err(|e| {
                    FetchError::unusable(&self.place(), Text::quoted(format!("{e}: {text}")))
                })?;
                client.check_origin(&url)?;
                Ok(url)
            }
        }
    }

    fn records<'v>(&self, value: &'v Value, path: Option<&str>) -> Result<&'v [Value], FetchError> {
        let found = path.map_or(Some(value), |path| at(value, path));
        match found {
            Some(Value::Array(records)) => Ok(records),
            Some(record @ Value::Object(_)) if path.is_none() => Ok(std::slice::from_ref(record)),
            _ => {
                let keys = value.as_object().map_or_else(String::new, |object| {
                    object
                        .keys()
                        .take(20)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(", ")
                });
                let detail = Text::new(
                    format!(
                        "応答の次の位置に一覧がありません: {}(そこにある項目: {keys})",
                        path.unwrap_or("最上位")
                    ),
                    format!(
                        "the answer has no list at {}; its keys are: {keys}",
                        path.unwrap_or("its root")
                    ),
                );
                Err(FetchError::unusable(&self.place(), detail))
            }
        }
    }
}

/// Puts an answer into a file as it came.
pub(crate) fn save(
    request: &Request<'_>,
    number: usize,
    body: &[u8],
) -> Result<InputFile, FetchError> {
    let name = format!("page-{number:05}.json");
    let path = request.folder.join(&name);
    std::fs::write(&path, body).map_err(FetchError::file(&path))?;
    Ok(InputFile::new(format!("{}:{name}", request.source), path))
}

/// The value at a dotted path.
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// A value as text, if it says something.
pub(crate) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The later of two cursors: numbers by value, all else as text, as RFC 3339 instants of one zone sort.
fn later(a: String, b: String) -> String {
    let is_later = match (a.parse::<i128>(), b.parse::<i128>()) {
        (Ok(a), Ok(b)) => a > b,
        _ => a > b,
    };
    if is_later { a } else { b }
}
