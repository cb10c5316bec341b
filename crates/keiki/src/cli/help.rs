//! The command line's own help in Japanese: the texts of clap's commands are looked up and put in their place.

use std::ffi::OsString;

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, CommandFactory};
use keiki_model::text::Language;

use super::Cli;

mod japanese;

/// As clap's own, with the heading in Japanese.
const TEMPLATE: &str =
    "{before-help}{about-with-newline}\n使い方: {usage}\n\n{all-args}{after-help}";

const OPTIONS: &str = "オプション";

/// Where the options that all commands share stand: after a command's own.
const SHARED: usize = 900;

/// The commands with their help in a language.
pub(super) fn command(language: Language) -> Command {
    match language {
        Language::En => Cli::command(),
        Language::Ja => in_japanese(Cli::command()),
    }
}

/// The arguments as clap is to read them: in Japanese, `keiki help X` is `keiki X --help`.
pub(super) fn arguments(given: Vec<OsString>, language: Language) -> Vec<OsString> {
    if language == Language::En || given.get(1).is_none_or(|first| first != "help") {
        return given;
    }
    let mut read = given;
    read.remove(1);
    read.push("--help".into());
    read
}

/// The language that the arguments ask for, read before anything else is.
pub(super) fn language_of(arguments: &[OsString]) -> Option<Language> {
    let mut rest = arguments.iter().skip(1).filter_map(|one| one.to_str());
    while let Some(argument) = rest.next() {
        let tag = match argument.strip_prefix("--language") {
            Some("") => rest.next(),
            Some(tag) => tag.strip_prefix('='),
            None => None,
        };
        if let Some(tag) = tag {
            return Language::from_tag(tag);
        }
    }
    None
}

fn in_japanese(command: Command) -> Command {
    let about = command.get_about().map(ToString::to_string);
    let long = command.get_long_about().map(ToString::to_string);
    let more = long.as_deref().and_then(|long| long.split_once("\n\n"));
    let more = more.and_then(|(_, more)| japanese::of(more));
    let names: Vec<String> = command
        .get_subcommands()
        .map(|one| one.get_name().to_owned())
        .collect();
    let mut command = command
        .mut_args(argument)
        .help_template(TEMPLATE)
        .subcommand_help_heading("コマンド")
        .disable_help_subcommand(true)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(flag("help", 'h', ArgAction::Help, "この説明を表示する"))
        .arg(flag("version", 'V', ArgAction::Version, "版を表示する"));
    if let Some(text) = about.as_deref().and_then(japanese::of) {
        command = command.about(text).long_about(more);
    }
    for name in names {
        command = command.mut_subcommand(name, in_japanese);
    }
    command
}

fn flag(name: &'static str, short: char, action: ArgAction, help: &'static str) -> Arg {
    let flag = Arg::new(name).short(short).long(name).action(action);
    flag.help(help)
        .help_heading(OPTIONS)
        .display_order(SHARED + 1)
}

fn argument(argument: Arg) -> Arg {
    let heading = if argument.is_positional() {
        "引数"
    } else {
        OPTIONS
    };
    let english = argument
        .get_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut help = japanese::of(&english).unwrap_or(&english).to_owned();
    if argument.get_action().takes_values() {
        let defaults: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|one| one.to_string_lossy())
            .collect();
        if !defaults.is_empty() {
            help.push_str(&format!(" [既定: {}]", defaults.join(", ")));
        }
        let values: Vec<String> = argument.get_possible_values().iter().map(value).collect();
        if !values.is_empty() {
            help.push_str(&format!(" [選択肢: {}]", values.join("、")));
        }
    }
    let takes_values = argument.get_action().takes_values();
    let argument = if argument.is_global_set() {
        argument.display_order(SHARED)
    } else {
        argument
    };
    let argument = argument
        .help(help)
        .long_help(None::<&'static str>)
        .help_heading(heading);
    if takes_values {
        argument.hide_default_value(true).hide_possible_values(true)
    } else {
        argument
    }
}

/// A word of a closed list, with what it means where that is said.
fn value(value: &PossibleValue) -> String {
    let meaning = value.get_help().map(ToString::to_string);
    match meaning.as_deref().and_then(japanese::of) {
        Some(meaning) => format!("{}({meaning})", value.get_name()),
        None => value.get_name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All texts of a command and those below it.
    fn texts(command: &Command, found: &mut Vec<String>) {
        found.extend(command.get_about().map(ToString::to_string));
        for argument in command.get_arguments() {
            found.extend(argument.get_help().map(ToString::to_string));
            if argument.get_action().takes_values() {
                let values = argument.get_possible_values();
                found.extend(
                    values
                        .iter()
                        .filter_map(|one| one.get_help().map(ToString::to_string)),
                );
            }
        }
        for below in command.get_subcommands() {
            texts(below, found);
        }
    }

    #[test]
    fn every_text_of_the_help_is_in_both_languages() {
        let mut found = Vec::new();
        texts(&Cli::command(), &mut found);
        found.retain(|text| japanese::of(text).is_none());
        assert!(found.is_empty(), "say in cli/help/japanese.rs: {found:#?}");
    }

    #[test]
    fn the_japanese_commands_are_well_defined() {
        command(Language::Ja).debug_assert();
    }

    #[test]
    fn the_language_is_known_before_the_arguments_are_read() {
        let of = |line: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            language_of(&arguments)
        };
        assert_eq!(of("keiki --language ja measure"), Some(Language::Ja));
        assert_eq!(of("keiki measure --help --language=en"), Some(Language::En));
        assert_eq!(of("keiki measure --language"), None);
    }
}
