//! A query over the database of a server, in a read-only transaction: what the systems have in common.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use keiki_model::document::Node;

use super::database::Query;
use super::error::FetchError;
use super::server::Server;
use super::{Connector, Fetched, Request};

/// A system of databases.
#[async_trait]
pub(super) trait System: Debug + Send + Sync + Sized + 'static {
    /// How its addresses begin.
    const SCHEME: &'static str;
    /// The port on which its servers listen if nobody says otherwise.
    const PORT: u16;

    /// Runs the query in a transaction.
    #[cfg(feature = "databases")]
    async fn run(asked: &Asked<Self>, request: &Request<'_>) -> Result<Fetched, FetchError>;
}

/// What is asked of a server.
#[derive(Debug)]
pub(super) struct Asked<S> {
    #[cfg_attr(
        not(feature = "databases"),
        expect(dead_code, reason = "without the clients of databases nobody connects")
    )]
    pub(super) server: Server,
    pub(super) query: Query,
    system: PhantomData<S>,
}

/// Reads the `[fetch]` table.
pub(super) fn definition<S: System>(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let server = Server::read(node, S::PORT);
    let query = Query::read(node);
    Some(Arc::new(Asked::<S> {
        server: server?,
        query: query?,
        system: PhantomData,
    }))
}

#[async_trait]
impl<S: System> Connector for Asked<S> {
    fn place(&self) -> String {
        self.server.place(S::SCHEME)
    }

    fn is_incremental(&self) -> bool {
        self.query.incremental.is_some()
    }

    #[cfg(feature = "databases")]
    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        S::run(self, request).await
    }

    #[cfg(not(feature = "databases"))]
    async fn fetch(&self, _: &Request<'_>) -> Result<Fetched, FetchError> {
        Err(FetchError::Absent {
            system: self.place(),
            feature: "databases",
        })
    }
}
