//! Progress on standard error, for somebody who watches; silent in pipes and where quiet is asked for.

use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use keiki_model::text::{Language, Text};

use crate::progress::{Progress, Step};

/// How often the spinner moves. *Units*: milliseconds.
const TICK_MILLISECONDS: u64 = 120;

/// A line that says what is being done.
#[derive(Debug)]
pub(super) struct Spinner {
    bar: Mutex<Option<ProgressBar>>,
    is_shown: bool,
    language: Language,
}

impl Spinner {
    pub(super) fn new(language: Language, is_shown: bool) -> Self {
        Self {
            bar: Mutex::new(None),
            is_shown,
            language,
        }
    }

    /// Takes the line away, so that results can be printed.
    pub(super) fn clear(&self) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(bar) = bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Spinner {
    fn begin(&self, step: &Step) {
        tracing::debug!(?step, "begins");
        if !self.is_shown {
            return;
        }
        if let Ok(mut bar) = self.bar.lock() {
            let bar = bar.get_or_insert_with(|| {
                let bar = ProgressBar::new_spinner();
                if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                    bar.set_style(style);
                }
                bar.enable_steady_tick(Duration::from_millis(TICK_MILLISECONDS));
                bar
            });
            bar.set_message(words(step).get(self.language).to_owned());
        }
    }
}

fn words(step: &Step) -> Text {
    match step {
        Step::Loading => Text::new("定義を読み込んでいます", "loading definitions"),
        Step::Fetching { source } => Text::new(
            format!("{source}: 取得しています"),
            format!("{source}: fetching"),
        ),
        Step::Reading { source, files } => Text::new(
            format!("{source}: {files}ファイルを読み取っています"),
            format!(
                "{source}: reading {files} {}",
                if *files == 1 { "file" } else { "files" }
            ),
        ),
        Step::Committing { source, rows } => Text::new(
            format!("{source}: {rows}行を記帳しています"),
            format!("{source}: journalling {rows} rows"),
        ),
        Step::Measuring => Text::new("測定しています", "measuring"),
        Step::Verifying => Text::new("証跡台帳を検査しています", "verifying the journal"),
        Step::Compacting => Text::new("証跡台帳を整理しています", "compacting the journal"),
        Step::Closing { month } => Text::new(
            format!("{month} を締めています"),
            format!("closing {month}"),
        ),
        Step::Playing { month } => Text::new(
            format!("{month} を再現しています"),
            format!("playing {month}"),
        ),
    }
}
