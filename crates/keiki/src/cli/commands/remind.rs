//! `keiki remind`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::environment;
use crate::error::Result;
use crate::operations::programme::Run;
use crate::operations::remind::{self, Attempt, Sending};

/// Tell people and other systems what is new for them, by mail and webhooks, nothing twice
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// List what would be sent, and send nothing
    #[arg(long)]
    list: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        let run = Run {
            author: environment::author(),
            now: environment::now(),
        };
        let sending = if self.list {
            Sending::List
        } else {
            Sending::Send
        };
        let told = remind::remind(&workspace, &run, &environment::Here, sending).await?;
        let language = session.language();
        if told.is_empty() {
            let nothing = Text::new("新しいお知らせはありません", "nothing is new for anybody");
            session.line(nothing.get(language));
        }
        let mut exit = Exit::Fine;
        for one in &told {
            let again = Text::new(
                " (送信済みか不明のため再送)",
                " (again: it is not known whether it was sent)",
            );
            let again = match one.attempt {
                Attempt::First => "",
                Attempt::Again => again.get(language),
            };
            session.line(format!("{} <{}>{again}", one.recipient, one.place));
            for notice in &one.notices {
                session.line(format!("  {}", notice.text.get(language)));
            }
            if let Err(error) = &one.result {
                session.complain(format!("error: {}", error.message().get(language)));
                if let Some(hint) = error.hint() {
                    session.complain(format!("  hint: {}", hint.get(language)));
                }
                exit = Exit::Wrong;
            }
        }
        Ok(exit)
    }
}
