//! How errors are told: one line of what and where each, then hints; and which exit code they have.

use super::Exit;
use super::session::Session;
use crate::error::{Error, Kind};
use crate::messages;

/// Tells an error and gives its exit code.
pub(super) fn report(error: &Error, session: &Session) -> Exit {
    tracing::debug!(?error, "failed");
    session.complain(words(error, session));
    exit(error)
}

/// The lines that tell an error.
pub(super) fn words(error: &Error, session: &Session) -> String {
    let language = session.language();
    let problems = error.problems();
    if problems.is_empty() {
        let message = error.message();
        let mut lines = vec![format!("error: {}", message.get(language))];
        lines.extend(
            error
                .hint()
                .map(|hint| format!("  hint: {}", hint.get(language))),
        );
        return lines.join("\n");
    }
    let mut lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("error: {}", problem.said(language)))
        .collect();
    if problems.len() > 1 {
        lines.push(messages::problems(problems.len()).get(language).to_owned());
    }
    lines.join("\n")
}

/// The exit code of an error.
pub(super) fn exit(error: &Error) -> Exit {
    match error.kind() {
        Kind::User | Kind::Config | Kind::Evidence | Kind::Forbidden | Kind::Absent => Exit::Wrong,
        Kind::Internal => Exit::Internal,
    }
}
