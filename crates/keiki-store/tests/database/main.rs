//! Every book of the operational database, in a file of `SQLite` and in a `PostgreSQL`: both are to do the same.

#![expect(clippy::unwrap_used, reason = "tests")]

mod books;
mod moving;
mod people;
mod port;
mod postgresql;

use std::path::Path;

use keiki_store::Database;
use postgresql::Postgresql;
use tempfile::TempDir;

/// A database that ends with the value.
pub(crate) struct Place {
    pub(crate) database: Database,
    folder: TempDir,
    server: Option<Postgresql>,
}

impl Place {
    fn file() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        Self {
            database: Database::file(&folder.path().join("keiki.db")),
            folder,
            server: None,
        }
    }

    fn server() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let server = Postgresql::start();
        Self {
            database: at(&server, folder.path()),
            folder,
            server: Some(server),
        }
    }

    /// The same database as another program has it.
    pub(crate) fn again(&self) -> Database {
        let folder = self.folder.path();
        match &self.server {
            Some(server) => at(server, folder),
            None => Database::file(&folder.join("keiki.db")),
        }
    }
}

fn at(server: &Postgresql, folder: &Path) -> Database {
    let mut address: url::Url = server.address().parse().expect("it is an address");
    address
        .set_password(Some(postgresql::PASSWORD))
        .expect("it takes one");
    Database::server(address, folder)
}

/// A test as two: in a file and in a server.
macro_rules! in_both {
    ($(async fn $name:ident($place:ident) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn test($place: crate::Place) $body

            #[tokio::test]
            async fn in_sqlite() {
                test(crate::Place::file()).await;
            }

            #[tokio::test]
            async fn in_postgresql() {
                test(crate::Place::server()).await;
            }
        }
    )*};
}
pub(crate) use in_both;
