//! `database` of `keiki.toml`: the file of the operational database, or the `PostgreSQL` that several servers share.

use std::path::{Path, PathBuf};

use keiki_ingest::live::{SecretReference, Surroundings, Vault, secret_reference};
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
use keiki_store::Database;
use url::Url;

use crate::error::{Error, Result};

/// Where the file is by default, from the workspace's root.
pub const DEFAULT_DATABASE: &str = ".keiki/keiki.db";
const SCHEMES: [&str; 2] = ["postgres", "postgresql"];
/// How a connection is kept from others.
const SECURITY: &str = "sslmode";
/// To servers elsewhere, where the address says nothing: with a certificate that is checked, and the server's name with it.
const STRICT: &str = "verify-full";

/// Where the operational database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseSettings {
    /// In a file, by its path from the workspace's root.
    File(String),
    /// In a `PostgreSQL`.
    Server {
        /// Its address with the user; without the password.
        address: Url,
        /// The password.
        password: Option<SecretReference>,
    },
}

impl Default for DatabaseSettings {
    fn default() -> Self {
        Self::File(DEFAULT_DATABASE.to_owned())
    }
}

impl DatabaseSettings {
    /// The database, which is opened when it is first used. `state` is the folder for temporary files.
    pub(crate) fn at(
        &self,
        root: &Path,
        state: &Path,
        surroundings: &dyn Surroundings,
    ) -> Result<Database> {
        let (address, password) = match self {
            Self::File(path) => return Ok(Database::file(&root.join(path))),
            Self::Server { address, password } => (address, password),
        };
        let mut address = address.clone();
        if let Some(reference) = password {
            let password = Vault::new(surroundings, root).open(reference)?;
            let wrong = || {
                let message = Text::new(
                    "データベースのURLにパスワードを加えられません",
                    "the database's address takes no password",
                );
                let hint = Text::new(
                    "postgres://利用者@サーバー名/データベース名 の形で書いてください",
                    "write it as postgres://user@server/database",
                );
                Error::user(message, hint)
            };
            address
                .set_password(Some(password.expose()))
                .map_err(|()| wrong())?;
        }
        Ok(Database::server(address, state))
    }

    /// The file, where it is one.
    #[must_use]
    pub fn path(&self, root: &Path) -> Option<PathBuf> {
        match self {
            Self::File(path) => Some(root.join(path)),
            Self::Server { .. } => None,
        }
    }
}

/// Reads `database` and `database_password`.
pub(super) fn database(node: &Node<'_>) -> DatabaseSettings {
    let password = secret_reference(node, "database_password");
    let Some(text) = node.string("database") else {
        return DatabaseSettings::default();
    };
    if !text.contains("://") {
        return DatabaseSettings::File(text);
    }
    let report = |ja: &str, en: &str, hint: Text| {
        let problem = Problem::new(node.place_of("database"), Text::new(ja, en));
        node.report(problem.hint(hint));
        DatabaseSettings::default()
    };
    let form = || {
        Text::new(
            "ファイルのパス、または postgres://利用者@サーバー名/データベース名 を書いてください",
            "write the path of a file, or postgres://user@server/database",
        )
    };
    let parsed = Url::parse(&text).ok();
    let Some(mut address) = parsed.filter(|url| SCHEMES.contains(&url.scheme())) else {
        let (ja, en) = (
            "データベースの場所として使えません",
            "no place for a database",
        );
        return report(ja, en, form());
    };
    if address.password().is_some() {
        let (ja, en) = (
            "パスワードがファイルに書かれています",
            "the password stands in the file",
        );
        let hint = Text::new(
            "URLから除き、database_password = { env = \"…\" } と書いてください",
            "take it out of the address, and write database_password = { env = \"…\" }",
        );
        return report(ja, en, hint);
    }
    if !is_here(&address) && !address.query_pairs().any(|(key, _)| key == SECURITY) {
        address.query_pairs_mut().append_pair(SECURITY, STRICT);
    }
    DatabaseSettings::Server { address, password }
}

/// Tells whether a server is on this computer.
fn is_here(address: &Url) -> bool {
    match address.host() {
        None => true,
        Some(url::Host::Domain(name)) => {
            name.is_empty() || name == "localhost" || is_loopback(name)
        }
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
    }
}

/// Hosts of addresses that are none of the web are texts.
fn is_loopback(name: &str) -> bool {
    let address: Option<std::net::IpAddr> = name.parse().ok();
    address.is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keiki_model::document::read_document;

    fn read(text: &str) -> std::result::Result<DatabaseSettings, Vec<Problem>> {
        read_document("keiki.toml", text, |node| Some(database(node)))
    }

    fn address(text: &str) -> String {
        match read(&format!("database = \"{text}\"\n")) {
            Ok(DatabaseSettings::Server { address, .. }) => address.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_server_elsewhere_has_to_show_its_certificate() {
        assert_eq!(
            address("postgres://keiki@db.example.jp/keiki"),
            "postgres://keiki@db.example.jp/keiki?sslmode=verify-full"
        );
        assert_eq!(
            address("postgres://keiki@db.example.jp/keiki?sslmode=require"),
            "postgres://keiki@db.example.jp/keiki?sslmode=require"
        );
        for here in ["127.0.0.1", "localhost", "[::1]"] {
            let text = format!("postgres://keiki@{here}:5432/keiki");
            assert_eq!(address(&text), text);
        }
    }

    #[test]
    fn a_password_in_the_file_and_another_kind_of_database_are_problems() {
        for (text, said) in [
            (
                "postgres://keiki:secret@db/keiki",
                "the password stands in the file",
            ),
            ("mysql://keiki@db/keiki", "no place for a database"),
        ] {
            let found = read(&format!("database = \"{text}\"\n")).expect_err("it is a problem");
            let found: Vec<String> = found.iter().map(ToString::to_string).collect();
            assert!(found.len() == 1 && found[0].contains(said), "{found:?}");
            assert!(!found[0].contains("secret"), "{found:?}");
        }
    }
}
