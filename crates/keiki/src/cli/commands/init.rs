//! `keiki init`

use std::path::PathBuf;

use keiki_model::text::Text;

use crate::cli::Exit;
use crate::cli::session::Session;
use crate::error::Result;
use crate::messages;
use crate::operations::init;

/// Start a workspace
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder; it is made where there is none
    dir: PathBuf,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> Result<Exit> {
        let made = init::init(&self.dir).await?;
        let language = session.language();
        let shown = made.root.display();
        let heading = Text::new(
            format!("ワークスペースを作成しました: {shown}"),
            format!("made a workspace: {shown}"),
        );
        session.line(heading.get(language));
        for file in &made.files {
            session.line(format!("  {file}"));
        }
        let next = Text::new(
            format!(
                "keiki.toml と org.csv を自組織に合わせて書き換え、keiki check --workspace {shown} で確かめてください"
            ),
            format!(
                "change keiki.toml and org.csv to fit your organisation, then: keiki check --workspace {shown}"
            ),
        );
        session.note(format!(
            "{}: {}",
            messages::NEXT.get(language),
            next.get(language)
        ));
        Ok(Exit::Fine)
    }
}
