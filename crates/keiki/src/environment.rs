//! What the program takes from where it runs: the clock, the user, the terminal. Nothing else reads these.

#![expect(
    clippy::disallowed_methods,
    reason = "the one module that reads the clock and the environment"
)]

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use keiki_ingest::live::Surroundings;
use keiki_model::text::Language;

/// Where logging is asked for, such as `KEIKI_LOG=debug`.
const LOG: &str = "KEIKI_LOG";

/// The variables that name the user's language, in order of weight.
const LANGUAGES: [&str; 4] = ["KEIKI_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"];

/// The instant now, UTC microseconds.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

/// The name of the user who runs the program.
#[must_use]
pub fn author() -> String {
    let named = ["USER", "LOGNAME", "USERNAME"]
        .into_iter()
        .find_map(variable);
    named.unwrap_or_else(|| "unknown".to_owned())
}

/// The language that the user's locale names; `None` where it names none, or only the computer's own (`C`).
#[must_use]
pub fn language() -> Option<Language> {
    let tag = LANGUAGES.into_iter().find_map(variable)?;
    let primary = tag.split(['_', '-', '.']).next().unwrap_or_default();
    if matches!(primary, "C" | "POSIX") {
        None
    } else {
        Language::from_tag(&tag)
    }
}

/// The arguments with which the program was started, its own name first.
#[must_use]
pub fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

/// The filter of log lines; `None` where no log is wanted.
#[must_use]
pub fn log_filter() -> Option<String> {
    variable(LOG)
}

/// The folder in which the program was started.
///
/// # Errors
/// It is gone or may not be read.
pub fn current_folder() -> std::io::Result<PathBuf> {
    std::env::current_dir()
}

/// The columns of the terminal on standard output; `None` where it is a file or pipe.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Tells whether colour suits the terminal on standard output. *Source*: <https://no-color.org>.
#[must_use]
pub fn suits_colour() -> bool {
    let is_dumb = variable("TERM").is_some_and(|terminal| terminal == "dumb");
    std::io::stdout().is_terminal() && variable("NO_COLOR").is_none() && !is_dumb
}

/// Tells whether somebody sees standard error as it is written.
#[must_use]
pub fn shows_progress() -> bool {
    std::io::stderr().is_terminal()
}

/// Comes when somebody asks the program to stop: Ctrl-C, or `SIGTERM` of a service manager.
pub async fn stopped() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    // Where signals cannot be heard the program is ended from outside.
    if interrupted.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// This process, for connectors to live systems.
#[derive(Debug, Clone, Copy)]
pub struct Here;

#[async_trait]
impl Surroundings for Here {
    fn variable(&self, name: &str) -> Option<String> {
        variable(name)
    }

    async fn wait(&self, how_long: Duration) {
        tokio::time::sleep(how_long).await;
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
