//! `keiki key`

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::operations::seals;

/// Keys that sign statements (Ed25519)
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make a key in the workspace's state, which only you can read, and print its public part
    New {
        /// Its name
        name: String,
    },
    /// Print the public parts of the workspace's keys
    Show {
        /// Only this key
        name: Option<String>,
    },
}

impl Args {
    pub(crate) fn run(self, session: &Session) -> Result<Exit> {
        let workspace = session.workspace()?;
        match self.action {
            Action::New { name } => {
                let key = seals::make(&workspace, &name)?;
                session.print(&key.public);
                let said = Text::new(
                    "鍵は .keiki/keys にあります。控えを安全な場所に保管し、公開鍵を検証する人に渡してください",
                    "the key is in .keiki/keys: keep a copy in a safe place, and give the public part to those who verify",
                );
                session.note(said.get(session.language()));
            }
            Action::Show { name } => {
                for key in seals::list(&workspace)? {
                    if name.as_ref().is_none_or(|name| *name == key.name) {
                        session.note(&key.name);
                        session.print(&key.public);
                    }
                }
            }
        }
        Ok(Exit::Fine)
    }
}
