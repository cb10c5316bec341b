//! Runs a command and hands on the lines of its standard output; what it writes to standard error is
//! shown where it fails.
//!
//! The command gets `PATH`, `HOME`, `LANG` and `TMPDIR`, and the variables that the definition
//! names; no other variable of Keiki's own environment, since secrets of other sources may be there.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use keiki_model::document::{Node, Value};
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use serde_json::{Map, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Child;

use super::error::FetchError;
use super::secret::{self, SecretReference, Setting};
use super::{Request, Vault};
use crate::limits::Quantity;

/// Lines of standard error that are shown.
const SHOWN_LINES: usize = 20;
/// Longest part of a line of standard error that is kept.
const SHOWN_BYTES: usize = 500;
/// How long is listened to standard error after the end of the command.
const LISTENING: Duration = Duration::from_secs(2);
/// Variables that a program needs to run at all.
const PASSED: [&str; 4] = ["PATH", "HOME", "LANG", "TMPDIR"];

/// A command and what it is given.
#[derive(Debug)]
pub(super) struct Command {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(String, Setting)>,
    config: Option<Config>,
}

/// A value of a configuration file that is made for the command.
#[derive(Debug)]
enum Config {
    Value(serde_json::Value),
    Secret(SecretReference),
    List(Vec<Config>),
    Table(Vec<(String, Config)>),
}

impl Command {
    /// Reads the keys `command`, `environment` and `config`.
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        let words = node.strings("command");
        let environment = secret::settings(node, "environment");
        let config = node.table("config").map(|table| config(&table));
        let Some((program, arguments)) = words.split_first() else {
            let problem = Problem::new(
                node.place_of("command"),
                Text::new("`command` がありません", "there is no `command`"),
            );
            node.report(problem.hint(Text::new(
                "command = [\"tap-x\"] のように、プログラムと引数を書いてください",
                "write command = [\"tap-x\"], the program and its arguments",
            )));
            return None;
        };
        for argument in arguments {
            if let Some((name, _)) = argument.split_once('=')
                && secret::names_a_secret(name)
            {
                let problem = Problem::new(
                    node.place_of("command"),
                    Text::new(
                        format!("コマンドに秘密情報を書くことはできません: {name}"),
                        format!("a secret must not stand in a command: {name}"),
                    ),
                );
                node.report(problem.hint(Text::new(
                    "[fetch.environment] または [fetch.config] で参照してください。書かれていた秘密情報は変更してください",
                    "put it into [fetch.environment] or [fetch.config] by reference; and change it",
                )));
            }
        }
        Some(Self {
            program: program.clone(),
            arguments: arguments.to_vec(),
            environment,
            config,
        })
    }

    /// The program's name.
    pub(super) fn place(&self) -> &str {
        &self.program
    }

    /// Writes the configuration that the definition states into a file of the request's folder.
    ///
    /// # Errors
    /// A secret is not there, or the file cannot be written.
    pub(super) fn write_config(
        &self,
        request: &Request<'_>,
    ) -> Result<Option<PathBuf>, FetchError> {
        let Some(config) = &self.config else {
            return Ok(None);
        };
        let value = config.resolve(request.vault)?;
        Ok(Some(write(request, "config.json", &value.to_string())?))
    }

    /// Runs the command with more arguments and hands on each line of its output. The visit ends it
    /// early by breaking.
    ///
    /// # Errors
    /// It cannot be started, fails, writes too much; or the visit fails.
    pub(super) async fn run(
        &self,
        more: &[String],
        request: &Request<'_>,
        visit: &mut (dyn FnMut(&str) -> Result<ControlFlow<()>, FetchError> + Send),
    ) -> Result<(), FetchError> {
        let mut child = self.start(more, request)?;
        let said = Arc::new(Mutex::new(VecDeque::new()));
        let stderr = child.stderr.take().expect("standard error is piped");
        let listening = tokio::spawn(listen(stderr, Arc::clone(&said)));
        let stdout = child.stdout.take().expect("standard output is piped");
        let mut lines = BufReader::new(stdout);
        let (mut line, mut bytes) = (Vec::new(), 0);
        loop {
            line.clear();
            let limit = request.limits.answer_bytes as u64;
            let read = (&mut lines).take(limit).read_until(b'\n', &mut line).await;
            let read = read.map_err(|e| self.failed(Text::quoted(e), &said))?;
            if read == 0 {
                break;
            }
            bytes += read;
            if bytes > request.limits.fetch_bytes {
                let limit = request.limits.fetch_bytes as u64;
                return Err(FetchError::limit(&self.program, Quantity::Bytes, limit));
            }
            if read as u64 == limit && line.last() != Some(&b'\n') {
                return Err(FetchError::limit(
                    &self.program,
                    Quantity::AnswerBytes,
                    limit,
                ));
            }
            let text = String::from_utf8_lossy(&line);
            if visit(text.trim_end())?.is_break() {
                // Dropping the child ends it.
                return Ok(());
            }
        }
        let status = child.wait().await;
        let status = status.map_err(|e| self.failed(Text::quoted(e), &said))?;
        // A grandchild may hold standard error open; what was said by then is enough.
        let heard = tokio::time::timeout(LISTENING, listening).await;
        drop(heard);
        if status.success() {
            Ok(())
        } else {
            Err(self.failed(
                Text::new(format!("異常終了しました: {status}"), status.to_string()),
                &said,
            ))
        }
    }

    fn start(&self, more: &[String], request: &Request<'_>) -> Result<Child, FetchError> {
        let mut command = tokio::process::Command::new(&self.program);
        command
            .args(&self.arguments)
            .args(more)
            .current_dir(request.workspace)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in PASSED {
            if let Some(value) = request.vault.surroundings().variable(name) {
                command.env(name, value);
            }
        }
        for (name, value) in &self.environment {
            command.env(name, request.vault.setting(value)?);
        }
        command
            .spawn()
            .map_err(|e| FetchError::unreachable(&self.program, e))
    }

    fn failed(&self, detail: Text, said: &Mutex<VecDeque<String>>) -> FetchError {
        let said = said.lock().unwrap_or_else(PoisonError::into_inner);
        FetchError::Command {
            program: self.program.clone(),
            detail: Box::new(detail),
            stderr: said.iter().cloned().collect::<Vec<_>>().join("\n"),
        }
    }
}

/// Writes a file for the command into the request's folder, which nobody else may enter.
pub(super) fn write(request: &Request<'_>, name: &str, text: &str) -> Result<PathBuf, FetchError> {
    let path = request.folder.join(name);
    std::fs::write(&path, text).map_err(FetchError::file(&path))?;
    Ok(path)
}

/// Keeps the last lines of standard error.
async fn listen(stderr: impl AsyncRead + Unpin, said: Arc<Mutex<VecDeque<String>>>) {
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = (&mut lines)
            .take(SHOWN_BYTES as u64)
            .read_until(b'\n', &mut line)
            .await;
        if !matches!(read, Ok(1..)) {
            return;
        }
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == SHOWN_LINES {
            said.pop_front();
        }
        said.push_back(text);
    }
}

/// Reads a configuration. A secret that stands in it is a problem.
fn config(table: &Node<'_>) -> Config {
    let keys = table.keys();
    if let [only] = keys.as_slice()
        && matches!(only.as_str(), "env" | "file")
        && let Some(reference) = secret::of_table(table)
    {
        return Config::Secret(reference);
    }
    let mut values = Vec::new();
    for key in keys {
        match table.value(&key) {
            Some(Value::Table(inner)) => values.push((key, config(&inner))),
            Some(Value::Text(_)) if secret::names_a_secret(&key) => secret::literal(table, &key),
            Some(value) => values.push((key, plain(value))),
            None => table.report(
                Problem::new(
                    table.place_of(&key),
                    Text::new(format!("`{key}` が日付です"), format!("`{key}` is a date")),
                )
                .hint(Text::new(
                    "プログラムが求める形で、引用符で囲んで書いてください",
                    "write it in quotes, as the program wants it",
                )),
            ),
        }
    }
    table.finish();
    Config::Table(values)
}

fn plain(value: Value<'_>) -> Config {
    match value {
        Value::Text(text) => Config::Value(json!(text)),
        Value::Flag(flag) => Config::Value(json!(flag)),
        Value::Number(text) => {
            Config::Value(serde_json::from_str(&text).unwrap_or_else(|_| json!(text)))
        }
        Value::List(items) => Config::List(items.into_iter().map(plain).collect()),
        Value::Table(inner) => config(&inner),
    }
}

impl Config {
    fn resolve(&self, vault: &Vault<'_>) -> Result<serde_json::Value, FetchError> {
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::Secret(reference) => json!(vault.open(reference)?.expose()),
            Self::List(items) => items
                .iter()
                .map(|item| item.resolve(vault))
                .collect::<Result<Vec<_>, _>>()?
                .into(),
            Self::Table(values) => {
                let mut map = Map::new();
                for (key, value) in values {
                    map.insert(key.clone(), value.resolve(vault)?);
                }
                map.into()
            }
        })
    }
}
