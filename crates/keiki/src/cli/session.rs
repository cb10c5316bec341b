//! What all commands share: where the workspace is, the language, the terminal, and the way to standard output.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use keiki_model::text::Language;
use keiki_report::scorecard::Names;
use keiki_report::table::{Colour, Table, View};

use super::When;
use super::spinner::Spinner;
use crate::config::{Settings, Workspace, settings};
use crate::environment;
use crate::error::{Error, Result};
use crate::operations::accounts::Actor;
use crate::operations::init;
use crate::progress::{Progress, Step};

/// How much is gathered before it is handed to standard output.
const OUT_BYTES: usize = 64 * 1024;

/// The language of the workspace in or above the current folder, for what is said before one is loaded.
pub(super) fn language_here() -> Option<Language> {
    let here = environment::current_folder().ok()?;
    let root = Workspace::find(None, &here).ok()?;
    language_of(&root)
}

/// The language that a workspace's settings name, where they can be read.
fn language_of(root: &Path) -> Option<Language> {
    let text = std::fs::read_to_string(root.join(settings::FILE)).ok()?;
    let settings = Settings::read(settings::FILE, &text).ok()?;
    Some(settings.language)
}

/// One run of the program.
#[derive(Debug)]
pub(crate) struct Session {
    given: Option<PathBuf>,
    chosen: Option<Language>,
    of_workspace: OnceLock<Language>,
    view: View,
    is_quiet: bool,
    spinner: OnceLock<Spinner>,
    /// Why standard output takes no more.
    refused: OnceLock<std::io::Error>,
}

/// Who does something to accounts at the command line, now.
pub(crate) fn actor() -> Actor {
    Actor {
        name: environment::author(),
        address: String::new(),
        now: environment::now(),
    }
}

impl Session {
    /// Tells whether somebody reads standard output as it is written.
    pub(super) fn is_watched(&self) -> bool {
        self.view.width.is_some()
    }

    pub(super) fn new(
        given: Option<PathBuf>,
        language: Option<Language>,
        colour: When,
        is_quiet: bool,
    ) -> Self {
        let is_coloured = match colour {
            When::Always => true,
            When::Never => false,
            When::Auto => environment::suits_colour(),
        };
        let colour = if is_coloured {
            Colour::Always
        } else {
            Colour::Never
        };
        Self {
            given,
            chosen: language.or_else(environment::language),
            of_workspace: OnceLock::new(),
            view: View {
                width: environment::terminal_width(),
                colour,
            },
            is_quiet,
            spinner: OnceLock::new(),
            refused: OnceLock::new(),
        }
    }

    /// The language of messages: the one asked for, the locale's, the workspace's, else English.
    pub(crate) fn language(&self) -> Language {
        self.chosen
            .or_else(|| self.of_workspace.get().copied())
            .unwrap_or(Language::En)
    }

    /// The language of messages about a workspace that was made in this run.
    pub(crate) fn language_in(&self, workspace: &Workspace) -> Language {
        self.of_workspace
            .get_or_init(|| workspace.settings.language);
        self.language()
    }

    /// Loads the workspace that is meant.
    pub(crate) fn workspace(&self) -> Result<Workspace> {
        let here = environment::current_folder().map_err(Error::file(Path::new(".")))?;
        let root = Workspace::find(self.given.as_deref(), &here)?;
        self.load(&root)
    }

    /// Loads the workspace that is meant; where none is named and there is none, what a new one would have.
    pub(crate) fn workspace_or_example(&self) -> Result<Workspace> {
        let here = environment::current_folder().map_err(Error::file(Path::new(".")))?;
        match Workspace::find(self.given.as_deref(), &here) {
            Err(_) if self.given.is_none() => init::example(&here),
            found => self.load(&found?),
        }
    }

    /// Loads the workspace in a folder.
    pub(crate) fn load(&self, root: &Path) -> Result<Workspace> {
        // What is wrong with it is said in its language, if that can be read.
        if let Some(language) = language_of(root) {
            self.of_workspace.get_or_init(|| language);
        }
        let workspace = Workspace::load(root)?;
        self.of_workspace
            .get_or_init(|| workspace.settings.language);
        self.progress().begin(&Step::Loading);
        Ok(workspace)
    }

    /// The names of what figures speak of.
    pub(crate) fn names<'w>(&self, workspace: &'w Workspace) -> Names<'w> {
        Names {
            catalogue: &workspace.catalogue,
            organisation: &workspace.organisation,
            hierarchies: &workspace.hierarchies,
            language: self.language(),
        }
    }

    /// Watches long work.
    pub(crate) fn progress(&self) -> &dyn Progress {
        let is_shown = !self.is_quiet && environment::shows_progress();
        self.spinner
            .get_or_init(|| Spinner::new(self.language(), is_shown))
    }

    /// Prints to standard output. What goes wrong with that is told when all is done.
    pub(crate) fn print(&self, text: &str) {
        self.print_with(|out| out.write_all(text.as_bytes()));
    }

    /// Prints what is made while it is printed.
    pub(crate) fn print_with(&self, write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) {
        self.finish();
        let mut out = BufWriter::with_capacity(OUT_BYTES, std::io::stdout().lock());
        let written = write(&mut out).and_then(|()| out.flush());
        if let Err(error) = written {
            tracing::debug!(%error, "standard output is gone");
            self.refused.get_or_init(|| error);
        }
    }

    /// What went wrong with standard output. A reader that has gone away, having read enough, is nothing wrong.
    pub(super) fn refused_output(&mut self) -> Option<Error> {
        use std::io::ErrorKind::BrokenPipe;
        let error = self.refused.take()?;
        (error.kind() != BrokenPipe).then_some(Error::Output { source: error })
    }

    /// Prints one line to standard output.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        self.print(&format!("{}\n", text.as_ref()));
    }

    /// The columns of the terminal; `None` where there is none.
    pub(crate) fn width(&self) -> Option<usize> {
        self.view.width
    }

    /// Prints a table to standard output.
    pub(crate) fn table(&self, table: &Table) {
        self.print(&table.render(self.view));
    }

    /// Prints a table that takes no more than so many columns, however wide the terminal is.
    pub(crate) fn table_within(&self, table: &Table, columns: usize) {
        let width = self.view.width.map_or(columns, |width| width.min(columns));
        self.print(&table.render(View {
            width: Some(width),
            ..self.view
        }));
    }

    /// Prints a line that is not a result to standard error, unless quiet is asked for.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.is_quiet {
            self.complain(text);
        }
    }

    /// Prints a line to standard error.
    pub(crate) fn complain(&self, text: impl AsRef<str>) {
        self.finish();
        let mut err = std::io::stderr().lock();
        let written = writeln!(err, "{}", text.as_ref());
        // Without standard error there is nobody to tell.
        drop(written);
    }

    /// Takes progress off the screen.
    pub(crate) fn finish(&self) {
        if let Some(spinner) = self.spinner.get() {
            spinner.clear();
        }
    }
}
