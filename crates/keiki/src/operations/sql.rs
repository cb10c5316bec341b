//! Runs a user's own query over the journal.

use arrow::array::RecordBatch;
use keiki_model::catalogue::Catalogue;
use keiki_model::dataset::Dataset;
use keiki_model::disclosure::{Legible, legible};
use keiki_model::text::Text;

use super::programme::Run;
use crate::config::{Opening, Workspace};
use crate::error::{Error, Result};

/// Runs the query as somebody. Who may not see figures about few people finds no dataset whose records are of people, and no column
/// that names any. *Shape*: at least one batch, which carries the columns also where there are no rows.
///
/// # Errors
/// The query is wrong, would change something, or names what its author may not see.
pub async fn query(workspace: &Workspace, query: &str, run: &Run) -> Result<Vec<RecordBatch>> {
    let journal = workspace.journal(Opening::Existing).await?;
    let (engine, catalogue) = (workspace.engine(), &workspace.catalogue);
    let settings = &workspace.settings.people;
    if settings.fewest < 2 || settings.shown_to.contains(&run.author) {
        return Ok(engine.sql(&journal, query).await?);
    }
    let found = engine.sql_of(&journal, query, |dataset| legible(dataset, catalogue));
    match found.await {
        Ok(found) => Ok(found),
        Err(error) => {
            let mut named = catalogue
                .datasets
                .values()
                .filter(|dataset| names(query, &dataset.name));
            let refused = named.find_map(|dataset| closed(dataset, query, catalogue, run));
            Err(refused.unwrap_or_else(|| error.into()))
        }
    }
}

/// Why a query that names the dataset fails, if what it asks for is not open to its author.
fn closed(dataset: &Dataset, query: &str, catalogue: &Catalogue, run: &Run) -> Option<Error> {
    let by = &run.author;
    let what = match legible(dataset, catalogue) {
        Legible::Whole => return None,
        Legible::Nothing => Text::new(
            format!(
                "データ種別 `{}` は1行が1人に関する記録のため、{by} には開示していません",
                dataset.name
            ),
            format!(
                "each row of `{}` is about a person, and it is not open to {by}",
                dataset.name
            ),
        ),
        Legible::WithoutNames => {
            let mut personal = dataset.columns.iter().filter(|column| column.personal);
            let column = personal.find(|column| names(query, &column.name))?;
            Text::new(
                format!(
                    "データ種別 `{}` の項目 `{}` は人を示すため、{by} には開示していません",
                    dataset.name, column.name
                ),
                format!(
                    "`{}` of `{}` names people, and it is not open to {by}",
                    column.name, dataset.name
                ),
            )
        }
    };
    let hint = Text::new(
        "keiki.toml の [people] shown_to に挙げた利用者だけが照会できます。集計値は `keiki measure` で見られます",
        "only users named in [people] shown_to of keiki.toml may query it; `keiki measure` shows the figures",
    );
    Some(Error::user(what, hint))
}

/// Whether a query has a name as a word.
fn names(query: &str, name: &str) -> bool {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    query
        .split(|character| !is_word(character))
        .any(|word| word.eq_ignore_ascii_case(name))
}
