//! What is wrong with a command line: in Japanese in words of its own, in English as clap words it, with hints like all errors.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error with the nearest alone of the commands that a misspelt one could be: clap names all that are somewhat like it,
/// the nearest last.
pub(super) fn with_nearest(mut error: Error) -> Error {
    let nearest = match error.get(ContextKind::SuggestedSubcommand) {
        Some(ContextValue::Strings(found)) => found.last().cloned(),
        _ => None,
    };
    if let Some(nearest) = nearest {
        let kind = ContextKind::SuggestedSubcommand;
        error.insert(kind, ContextValue::Strings(vec![nearest]));
    }
    error
}

/// The error with its message in Japanese; what is no fault, such as a question for help, stays as it is.
pub(super) fn in_japanese(error: Error) -> Error {
    let Some(said) = said(&error) else {
        return error;
    };
    let context = |kind| text(&error, kind);
    let mut lines = vec![said];
    for kind in [ContextKind::ValidValue, ContextKind::ValidSubcommand] {
        lines.extend(context(kind).map(|values| format!("  hint: 使えるもの: {values}")));
    }
    let suggestions = [
        ContextKind::SuggestedArg,
        ContextKind::SuggestedSubcommand,
        ContextKind::SuggestedValue,
    ];
    for kind in suggestions {
        if let Some(near) = context(kind) {
            let near: Vec<String> = near.split(", ").map(|one| format!("`{one}`")).collect();
            lines.push(format!("  hint: {} ではありませんか", near.join(" か ")));
        }
    }
    if let Some(usage) = context(ContextKind::Usage) {
        let usage = usage.trim_start().trim_start_matches("Usage:").trim_start();
        lines.push(format!("\n使い方: {usage}"));
    }
    lines.push("\n詳しくは --help を付けて実行してください。\n".to_owned());
    Error::raw(error.kind(), lines.join("\n"))
}

/// The error with what clap says of mending it as a hint; `None` for what is no fault.
pub(super) fn in_english(error: &Error) -> Option<Error> {
    said(error)?;
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let line = |line: &str| {
        let said = line.trim_start();
        let values = said.strip_prefix("[possible values: ");
        let values = values.and_then(|values| values.strip_suffix(']'));
        match (said.strip_prefix("tip: "), values) {
            (Some(tip), _) => format!("  hint: {tip}"),
            (_, Some(values)) => format!("  hint: one of {values}"),
            _ => line.to_owned(),
        }
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    Some(Error::raw(error.kind(), lines.join("\n") + "\n"))
}

fn said(error: &Error) -> Option<String> {
    let of = |kind| text(error, kind).unwrap_or_default();
    let (argument, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("この引数は使えません: {argument}"),
        ErrorKind::InvalidSubcommand => {
            format!(
                "コマンドがありません: {}",
                of(ContextKind::InvalidSubcommand)
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("値が指定されていません: {argument}")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            format!("{argument} の値として使えません: {value}")
        }
        ErrorKind::NoEquals => format!("値は = に続けて書いてください: {argument}"),
        ErrorKind::TooManyValues => format!("{argument} の値が多すぎます: {value}"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            format!("値の数が合いません: {argument}")
        }
        ErrorKind::ArgumentConflict => match of(ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => {
                format!("2回以上は指定できません: {argument}")
            }
            prior => format!("同時には指定できません: {argument} と {prior}"),
        },
        ErrorKind::MissingRequiredArgument => format!("必須の引数がありません: {argument}"),
        ErrorKind::MissingSubcommand => "コマンドを指定してください".to_owned(),
        ErrorKind::InvalidUtf8 => "引数をUTF-8として読めません".to_owned(),
        _ => return None,
    })
}

/// What the error knows of a kind; `None` where it knows nothing.
fn text(error: &Error, kind: ContextKind) -> Option<String> {
    let found = error.get(kind).map(ToString::to_string);
    found.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(arguments: &[&str]) -> String {
        let command = super::super::help::command(keiki_model::text::Language::Ja);
        let line = ["keiki"].iter().chain(arguments);
        let error = command.try_get_matches_from(line).expect_err("it is wrong");
        in_japanese(with_nearest(error)).to_string()
    }

    #[test]
    fn a_wrong_command_line_is_told_in_english_with_a_hint() {
        for (arguments, expected) in [
            (
                vec!["--language", "xx", "check"],
                "error: invalid value 'xx' for '--language <LANGUAGE>'\n  hint: one of ja, en\n",
            ),
            (
                vec!["mesure"],
                "\n  hint: a similar subcommand exists: 'measure'\n",
            ),
        ] {
            let command = super::super::help::command(keiki_model::text::Language::En);
            let line = ["keiki"].iter().chain(&arguments);
            let error = command.try_get_matches_from(line).expect_err("it is wrong");
            let said = in_english(&with_nearest(error))
                .expect("it is a fault")
                .to_string();
            assert!(said.contains(expected), "{arguments:?}: {said}");
        }
        let command = super::super::help::command(keiki_model::text::Language::En);
        let help = command.try_get_matches_from(["keiki", "--help"]);
        assert!(in_english(&help.expect_err("help is printed")).is_none());
    }

    #[test]
    fn a_wrong_command_line_is_told_in_japanese() {
        for (arguments, expected) in [
            (
                vec!["measure", "--perod", "2026-09"],
                "この引数は使えません: --perod",
            ),
            (
                vec!["measure", "--perod", "2026-09"],
                "`--period` ではありませんか",
            ),
            (vec!["mesure"], "コマンドがありません: mesure"),
            (vec!["mesure"], "hint: `measure` ではありませんか"),
            (
                vec!["measure", "--period"],
                "値が指定されていません: --period",
            ),
            (
                vec!["--color", "green", "check"],
                "の値として使えません: green",
            ),
            (
                vec!["--color", "green", "check"],
                "使えるもの: auto, always, never",
            ),
            (vec!["close"], "必須の引数がありません: <PERIOD>"),
            (vec!["close"], "使い方: keiki close"),
        ] {
            let said = message(&arguments);
            assert!(said.contains(expected), "{arguments:?}: {said}");
        }
    }

    #[test]
    fn a_question_for_help_is_no_fault() {
        let said = message(&["measure", "--help"]);
        assert!(said.contains("使い方: keiki measure"), "{said}");
        assert!(!said.contains("error:"), "{said}");
    }
}
