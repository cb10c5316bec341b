//! Moves the operational database of a workspace from its file into the `PostgreSQL` that `keiki.toml` names.

use std::path::Path;

use keiki_model::text::Text;
use keiki_store::{Database, Move, MovedTable};

use crate::config::{DEFAULT_DATABASE, Workspace};
use crate::error::{Error, Result};

/// Moves everything from a file, by its path from the workspace's root; absent = where it is by default. The file stays.
///
/// # Errors
/// `keiki.toml` names no server, there is no such file, the server's database is not empty, or one of them cannot be used: then
/// nothing was written.
pub async fn move_into_server(
    workspace: &Workspace,
    file: Option<&Path>,
) -> Result<Vec<MovedTable>> {
    if workspace.settings.database.path(&workspace.root).is_some() {
        let message = Text::new(
            "keiki.toml の database がPostgreSQLを指していません",
            "database in keiki.toml names no PostgreSQL",
        );
        let hint = Text::new(
            "移行先を database = \"postgres://利用者@サーバー名/データベース名\" と書いてから実行してください。ファイルは --from で指定できます",
            "write where it shall go, database = \"postgres://user@server/database\", and run this again; --from names another file",
        );
        return Err(Error::user(message, hint));
    }
    let file = file.unwrap_or(Path::new(DEFAULT_DATABASE));
    let path = workspace.root.join(file);
    if !path.is_file() {
        let shown = file.display();
        let message = Text::new(
            format!("{shown}: 移行元のデータベースがありません"),
            format!("{shown}: there is no database to move"),
        );
        let hint = Text::new(
            "別の場所にある場合は --from で指定してください",
            "name it with --from where it lies elsewhere",
        );
        return Err(Error::user(message, hint));
    }
    let server = workspace.database()?;
    match Database::file(&path).move_into(&server).await? {
        Move::Done(tables) => Ok(tables),
        Move::NotEmpty(tables) => {
            let tables = tables.join(", ");
            let message = Text::new(
                format!("移行先のデータベースにすでに行があります: {tables}"),
                format!("the database to move into holds rows already: {tables}"),
            );
            let hint = Text::new(
                "何も書き込んでいません。空のデータベースを指定してください",
                "nothing was written; name an empty database",
            );
            Err(Error::user(message, hint))
        }
    }
}
