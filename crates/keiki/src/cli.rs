//! The command line: parses arguments, runs one use case, prints what it gives, and tells by exit code how it went.

mod commands;
mod failure;
mod grid;
mod help;
mod logging;
mod prose;
mod session;
mod spinner;
mod structure;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand, ValueEnum};
use keiki_model::text::Language;

use crate::environment;
use crate::error::Result;
use session::Session;

/// How the command went. *Units*: the value is the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    /// All is well.
    Fine = 0,
    /// Evidence was rejected; accepted rows are in.
    Rejected = 3,
    /// The user's input is wrong.
    Wrong = 1,
    /// The program or the books are at fault.
    Internal = 4,
}

/// Keeps an organisation's cybersecurity KPIs as accounts are kept.
#[derive(Debug, Parser)]
#[command(
    name = "keiki",
    version,
    propagate_version = true,
    max_term_width = 100
)]
struct Cli {
    /// The workspace [default: the nearest folder upwards with a keiki.toml]
    #[arg(long, global = true, value_name = "DIR")]
    workspace: Option<PathBuf>,
    /// The language of messages [default: the locale's, else the workspace's]
    #[arg(long, global = true, value_name = "LANGUAGE")]
    language: Option<Tongue>,
    /// Whether colour is added
    #[arg(long, global = true, default_value = "auto", value_name = "WHEN")]
    color: When,
    /// Print results only: no progress, no notes
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Tongue {
    Ja,
    En,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(commands::init::Args),
    Check(commands::check::Args),
    Ingest(commands::ingest::Args),
    Collect(commands::collect::Args),
    Measure(commands::measure::Args),
    Explain(commands::explain::Args),
    Close(commands::close::Args),
    Reopen(commands::reopen::Args),
    Statement(commands::statement::Args),
    Bridge(commands::bridge::Args),
    Notes(commands::notes::Args),
    Certify(commands::certify::Args),
    Audit(commands::audit::Args),
    Key(commands::key::Args),
    Seal(commands::seal::Args),
    Catalogue(commands::catalogue::Args),
    Programme(commands::programme::Args),
    #[command(alias = "source")]
    Sources(commands::sources::Args),
    Rejects(commands::rejects::Args),
    Identity(commands::identity::Args),
    Sql(commands::sql::Args),
    Person(commands::person::Args),
    Serve(commands::serve::Args),
    User(commands::user::Args),
    Token(commands::token::Args),
    UploadLink(commands::upload_link::Args),
    Remind(commands::remind::Args),
    Verify(commands::verify::Args),
    Compact(commands::compact::Args),
    Backup(commands::backup::Args),
    Restore(commands::restore::Args),
    Database(commands::database::Args),
    Demo(commands::demo::Args),
    Scheduler(commands::scheduler::Args),
    Worker(commands::worker::Args),
    Completions(commands::completions::Args),
}

/// Runs the program with the arguments that it was started with.
#[must_use]
pub fn main() -> ExitCode {
    let arguments = environment::arguments();
    let spoken = help::language_of(&arguments)
        .or_else(environment::language)
        .or_else(session::language_here)
        .unwrap_or(Language::En);
    let arguments = help::arguments(arguments, spoken);
    let parsed = help::command(spoken)
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches))
        .map_err(usage::with_nearest);
    let cli = match parsed {
        Ok(cli) => cli,
        // Clap prints to the right stream and knows that asking for help is no fault; usage errors are 2.
        Err(error) if spoken == Language::Ja => usage::in_japanese(error).exit(),
        Err(error) => usage::in_english(&error).map_or_else(|| error.exit(), |said| said.exit()),
    };
    logging::start();
    let language = cli.language.map(|tongue| match tongue {
        Tongue::Ja => Language::Ja,
        Tongue::En => Language::En,
    });
    let mut session = Session::new(cli.workspace, language, cli.color, cli.quiet);
    let mut exit = match runtime().and_then(|runtime| runtime.block_on(run(cli.command, &session)))
    {
        Ok(exit) => exit,
        Err(error) => failure::report(&error, &session),
    };
    if let Some(error) = session.refused_output() {
        exit = commands::ingest::worse(exit, failure::report(&error, &session));
    }
    session.finish();
    ExitCode::from(exit as u8)
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    built.map_err(crate::error::Error::stopped)
}

async fn run(command: Command, session: &Session) -> Result<Exit> {
    match command {
        Command::Init(args) => args.run(session).await,
        Command::Check(args) => args.run(session).await,
        Command::Ingest(args) => Box::pin(args.run(session)).await,
        Command::Collect(args) => Box::pin(args.run(session)).await,
        Command::Measure(args) => args.run(session).await,
        Command::Explain(args) => args.run(session).await,
        Command::Close(args) => Box::pin(args.run(session)).await,
        Command::Reopen(args) => Box::pin(args.run(session)).await,
        Command::Statement(args) => Box::pin(args.run(session)).await,
        Command::Bridge(args) => Box::pin(args.run(session)).await,
        Command::Audit(args) => Box::pin(args.run(session)).await,
        Command::Key(args) => args.run(session),
        Command::Seal(args) => Box::pin(args.run(session)).await,
        Command::Certify(args) => Box::pin(args.run(session)).await,
        Command::Notes(args) => Box::pin(args.run(session)).await,
        Command::Catalogue(args) => args.run(session).await,
        Command::Programme(args) => args.run(session).await,
        Command::Sources(args) => args.run(session).await,
        Command::Rejects(args) => args.run(session).await,
        Command::Identity(args) => Box::pin(args.run(session)).await,
        Command::Sql(args) => args.run(session).await,
        Command::Person(args) => Box::pin(args.run(session)).await,
        Command::Serve(args) => Box::pin(args.run(session)).await,
        Command::User(args) => Box::pin(args.run(session)).await,
        Command::Token(args) => Box::pin(args.run(session)).await,
        Command::UploadLink(args) => Box::pin(args.run(session)).await,
        Command::Remind(args) => Box::pin(args.run(session)).await,
        Command::Verify(args) => Box::pin(args.run(session)).await,
        Command::Backup(args) => Box::pin(args.run(session)).await,
        Command::Restore(args) => Box::pin(args.run(session)).await,
        Command::Compact(args) => args.run(session).await,
        Command::Database(args) => args.run(session).await,
        Command::Demo(args) => Box::pin(args.run(session)).await,
        Command::Scheduler(args) => Box::pin(args.run(session)).await,
        Command::Worker(args) => Box::pin(args.run(session)).await,
        Command::Completions(args) => Ok(args.run(session)),
    }
}

/// The form in which results are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_defined() {
        Cli::command().debug_assert();
    }
}
