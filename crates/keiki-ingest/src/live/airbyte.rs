//! Airbyte: a source connector's standard output; the records of one stream, and the state kept
//! between runs.
//!
//! *Source*: <https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol>. The command
//! is the connector itself. It is asked to `discover` first, and then to `read` the one stream,
//! incrementally where it can; a file named by `catalog` takes the place of the first step.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use keiki_model::document::Node;
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::command::{self, Command};
use super::error::FetchError;
use super::rows::RowsFile;
use super::singer::Streams;
use super::{Connector, Fetched, Request};

/// A connector.
#[derive(Debug)]
struct Airbyte {
    command: Command,
    stream: String,
    catalog: Option<String>,
}

#[derive(Deserialize)]
struct Message<'m> {
    #[serde(rename = "type")]
    kind: &'m str,
    #[serde(borrow)]
    record: Option<Record<'m>>,
    state: Option<Value>,
    catalog: Option<Value>,
    trace: Option<Value>,
}

#[derive(Deserialize)]
struct Record<'m> {
    stream: String,
    #[serde(borrow)]
    data: &'m RawValue,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let command = Command::read(node);
    let stream = node.required_string("stream");
    let catalog = node.string("catalog");
    Some(Arc::new(Airbyte {
        command: command?,
        stream: stream?,
        catalog,
    }))
}

#[async_trait]
impl Connector for Airbyte {
    fn place(&self) -> String {
        self.command.place().to_owned()
    }

    fn is_incremental(&self) -> bool {
        true
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut config = Vec::new();
        if let Some(path) = self.command.write_config(request)? {
            config.extend(["--config".to_owned(), path.display().to_string()]);
        }
        let catalog = if let Some(path) = &self.catalog {
            request.workspace.join(path)
        } else {
            let catalog = self.discover(&config, request).await?;
            command::write(request, "catalog.json", &catalog.to_string())?
        };
        let mut more = vec!["read".to_owned()];
        more.extend(config);
        more.extend(["--catalog".to_owned(), catalog.display().to_string()]);
        let mut states = States::read(request.cursor);
        if let Some(state) = request.cursor {
            let path = command::write(request, "state.json", state)?;
            more.extend(["--state".to_owned(), path.display().to_string()]);
        }
        let mut rows = RowsFile::create(request, self.command.place(), "records.json")?;
        let mut streams = Streams::new(self.command.place(), Some(&self.stream));
        streams.announce(self.stream.clone());
        let mut fault = None;
        let ran = self
            .command
            .run(&more, request, &mut |line| {
                let Ok(message) = serde_json::from_str::<Message<'_>>(line) else {
                    return Ok(ControlFlow::Continue(()));
                };
                if let ("RECORD", Some(record)) = (message.kind, &message.record)
                    && streams.takes(&record.stream)?
                {
                    return rows.push_text(record.data.get());
                }
                if let ("STATE", Some(state)) = (message.kind, message.state) {
                    states.take(state);
                }
                fault = fault.take().or(message.trace.as_ref().and_then(error_of));
                Ok(ControlFlow::Continue(()))
            })
            .await;
        // What the connector says itself is more than its exit code.
        if let Some(detail) = fault {
            return Err(FetchError::refused(self.command.place(), detail));
        }
        ran?;
        Ok(Fetched {
            files: vec![rows.finish()?],
            cursor: states.written(),
        })
    }
}

impl Airbyte {
    /// Asks for the streams, and makes the catalog that reads the one.
    async fn discover(
        &self,
        config: &[String],
        request: &Request<'_>,
    ) -> Result<Value, FetchError> {
        let mut more = vec!["discover".to_owned()];
        more.extend(config.iter().cloned());
        let (mut found, mut fault) = (None, None);
        let ran = self
            .command
            .run(&more, request, &mut |line| {
                if let Ok(message) = serde_json::from_str::<Message<'_>>(line) {
                    found = found.take().or(message.catalog);
                    fault = fault.take().or(message.trace.as_ref().and_then(error_of));
                }
                Ok(ControlFlow::Continue(()))
            })
            .await;
        if let Some(detail) = fault {
            return Err(FetchError::refused(self.command.place(), detail));
        }
        ran?;
        let streams = found
            .as_mut()
            .and_then(|catalog| catalog["streams"].as_array_mut());
        let streams = streams.map(std::mem::take).unwrap_or_default();
        let mut names = Streams::new(self.command.place(), Some(&self.stream));
        for stream in &streams {
            names.announce(stream["name"].as_str().unwrap_or_default().to_owned());
        }
        names.check()?;
        let mut streams = streams.into_iter();
        let stream = streams.find(|stream| stream["name"] == self.stream.as_str());
        Ok(configured(&stream.unwrap_or_default()))
    }
}

/// The catalog that reads a stream, incrementally where it can without being told how.
fn configured(stream: &Value) -> Value {
    let modes = stream["supported_sync_modes"].as_array();
    let can = modes.is_some_and(|modes| modes.iter().any(|mode| mode == "incremental"));
    let has_cursor = stream["source_defined_cursor"] == true
        || stream["default_cursor_field"]
            .as_array()
            .is_some_and(|path| !path.is_empty());
    let mode = if can && has_cursor {
        "incremental"
    } else {
        "full_refresh"
    };
    let cursor = stream["default_cursor_field"].clone();
    let mut configured = json!({
        "stream": stream,
        "sync_mode": mode,
        "destination_sync_mode": "append",
    });
    if cursor.is_array() {
        configured["cursor_field"] = cursor;
    }
    json!({ "streams": [configured] })
}

/// What a trace says went wrong.
fn error_of(trace: &Value) -> Option<Text> {
    if trace["type"] != "ERROR" {
        return None;
    }
    let said = |key: &str| trace["error"][key].as_str().filter(|text| !text.is_empty());
    let (message, internal) = (said("message"), said("internal_message"));
    let detail = match (message, internal) {
        (Some(message), Some(internal)) => Text::quoted(format!("{message} ({internal})")),
        (one, other) => one.or(other).map_or_else(
            || Text::new("メッセージのないエラー", "an error without a message"),
            Text::quoted,
        ),
    };
    Some(detail)
}

/// The states of a run: the last of each stream, or the last that stands for all.
struct States {
    of_stream: BTreeMap<String, Value>,
    whole: Option<Value>,
}

impl States {
    fn read(cursor: Option<&str>) -> Self {
        let mut states = Self {
            of_stream: BTreeMap::new(),
            whole: None,
        };
        match cursor.and_then(|text| serde_json::from_str(text).ok()) {
            Some(Value::Array(kept)) => kept.into_iter().for_each(|state| states.take(state)),
            Some(legacy) => states.whole = Some(legacy),
            None => {}
        }
        states
    }

    fn take(&mut self, state: Value) {
        match state["type"].as_str() {
            Some("STREAM") => {
                let name = state["stream"]["stream_descriptor"].to_string();
                self.of_stream.insert(name, state);
            }
            Some("GLOBAL") => self.whole = Some(json!([state])),
            // Before there were types of state, the data was all of it.
            _ => self.whole = Some(state["data"].clone()),
        }
    }

    fn written(self) -> Option<String> {
        if self.of_stream.is_empty() {
            return self.whole.map(|state| state.to_string());
        }
        let all: Vec<Value> = self.of_stream.into_values().collect();
        Some(Value::Array(all).to_string())
    }
}
