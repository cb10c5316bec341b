//! Singer: any tap's standard output; the records of one stream, and the state kept between runs.
//!
//! *Source*: <https://github.com/singer-io/getting-started/blob/master/docs/SPEC.md>. The tap is run
//! with `--config` where the definition has a configuration, and with `--state` where a run before
//! left one. Lines that are not messages count as the tap's log.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use keiki_model::document::Node;
use keiki_model::text::Text;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::command::{self, Command};
use super::error::FetchError;
use super::rows::RowsFile;
use super::{Connector, Fetched, Request};

/// A tap.
#[derive(Debug)]
struct Singer {
    command: Command,
    stream: Option<String>,
}

#[derive(Deserialize)]
struct Message<'m> {
    #[serde(rename = "type")]
    kind: &'m str,
    stream: Option<String>,
    #[serde(borrow)]
    record: Option<&'m RawValue>,
    #[serde(borrow)]
    value: Option<&'m RawValue>,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let command = Command::read(node);
    let stream = node.string("stream");
    Some(Arc::new(Singer {
        command: command?,
        stream,
    }))
}

#[async_trait]
impl Connector for Singer {
    fn place(&self) -> String {
        self.command.place().to_owned()
    }

    fn is_incremental(&self) -> bool {
        true
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let mut more = Vec::new();
        if let Some(path) = self.command.write_config(request)? {
            more.extend(["--config".to_owned(), path.display().to_string()]);
        }
        if let Some(state) = request.cursor {
            let path = command::write(request, "state.json", state)?;
            more.extend(["--state".to_owned(), path.display().to_string()]);
        }
        let mut rows = RowsFile::create(request, self.command.place(), "records.json")?;
        let mut state = request.cursor.map(str::to_owned);
        let mut streams = Streams::new(self.command.place(), self.stream.as_deref());
        self.command
            .run(&more, request, &mut |line| {
                let Ok(message) = serde_json::from_str::<Message<'_>>(line) else {
                    return Ok(ControlFlow::Continue(()));
                };
                match (message.kind, message.stream, message.record, message.value) {
                    ("SCHEMA", Some(stream), ..) => streams.announce(stream),
                    ("RECORD", Some(stream), Some(record), _) if streams.takes(&stream)? => {
                        return rows.push_text(record.get());
                    }
                    ("STATE", _, _, Some(value)) => state = Some(value.get().to_owned()),
                    _ => {}
                }
                Ok(ControlFlow::Continue(()))
            })
            .await?;
        streams.check()?;
        Ok(Fetched {
            files: vec![rows.finish()?],
            cursor: state,
        })
    }
}

/// The streams of a run, of which one is taken.
pub(super) struct Streams<'s> {
    program: &'s str,
    wanted: Option<&'s str>,
    seen: BTreeSet<String>,
}

impl<'s> Streams<'s> {
    pub(super) fn new(program: &'s str, wanted: Option<&'s str>) -> Self {
        Self {
            program,
            wanted,
            seen: BTreeSet::new(),
        }
    }

    pub(super) fn announce(&mut self, stream: String) {
        self.seen.insert(stream);
    }

    /// Tells whether records of the stream are taken.
    ///
    /// # Errors
    /// There are several, and the definition names none.
    pub(super) fn takes(&mut self, stream: &str) -> Result<bool, FetchError> {
        if !self.seen.contains(stream) {
            self.seen.insert(stream.to_owned());
        }
        match self.wanted {
            Some(wanted) => Ok(wanted == stream),
            None if self.seen.len() > 1 => Err(self.wrong(&Text::new(
                "複数のストリームが届きました。`stream` で1つ指定してください",
                "several streams came, name one with `stream`",
            ))),
            None => Ok(true),
        }
    }

    /// Checks that the stream that is wanted was there at all.
    ///
    /// # Errors
    /// It was not.
    pub(super) fn check(&self) -> Result<(), FetchError> {
        match self.wanted {
            Some(wanted) if !self.seen.contains(wanted) => Err(self.wrong(&Text::new(
                format!("ストリーム {wanted} がありません"),
                format!("there is no stream {wanted}"),
            ))),
            None if self.seen.is_empty() => Err(self.wrong(&Text::new(
                "ストリームが1つも届きませんでした",
                "no stream came",
            ))),
            None if self.seen.len() > 1 => Err(self.wrong(&Text::new(
                "複数のストリームが届きました。`stream` で1つ指定してください",
                "several streams came, name one with `stream`",
            ))),
            _ => Ok(()),
        }
    }

    fn wrong(&self, what: &Text) -> FetchError {
        let seen = self
            .seen
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        FetchError::unusable(
            self.program,
            Text::new(
                format!("{}(届いたストリーム: {seen})", what.ja),
                format!("{}; streams: {seen}", what.en),
            ),
        )
    }
}
