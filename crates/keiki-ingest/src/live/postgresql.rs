//! `PostgreSQL`: a query in a read-only transaction.
//!
//! The server itself writes each value as text, so that nothing is lost on the way: numerics as they
//! are, floats as the shortest text that says the same number, instants in UTC with `Z`. `bytea` is
//! refused.

#[cfg(feature = "databases")]
mod transaction;

use std::sync::Arc;

use async_trait::async_trait;
use keiki_model::document::Node;

use super::database::Query;
use super::error::FetchError;
use super::server::Server;
use super::{Connector, Fetched, Request};

const PORT: u16 = 5432;

/// A query over a database.
#[derive(Debug)]
struct Postgresql {
    server: Server,
    query: Query,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let server = Server::read(node, PORT);
    let query = Query::read(node);
    Some(Arc::new(Postgresql {
        server: server?,
        query: query?,
    }))
}

#[async_trait]
impl Connector for Postgresql {
    fn place(&self) -> String {
        self.server.place("postgresql")
    }

    fn is_incremental(&self) -> bool {
        self.query.incremental.is_some()
    }

    #[cfg(feature = "databases")]
    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        self.run(request).await
    }

    #[cfg(not(feature = "databases"))]
    async fn fetch(&self, _: &Request<'_>) -> Result<Fetched, FetchError> {
        Err(FetchError::Absent {
            system: self.place(),
            feature: "databases",
        })
    }
}
