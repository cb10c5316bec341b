//! `PostgreSQL`: a query in a read-only transaction.
//!
//! The server itself writes each value as text, so that nothing is lost on the way: numerics as they
//! are, floats as the shortest text that says the same number, instants in UTC with `Z`. `bytea` is
//! refused.

#[cfg(feature = "databases")]
mod transaction;

use super::database_server::System;
#[cfg(feature = "databases")]
use super::{Fetched, Request, database_server::Asked, error::FetchError};

/// The system.
#[derive(Debug)]
pub(super) struct Postgresql;

#[async_trait::async_trait]
impl System for Postgresql {
    const SCHEME: &'static str = "postgresql";
    const PORT: u16 = 5432;

    #[cfg(feature = "databases")]
    async fn run(asked: &Asked<Self>, request: &Request<'_>) -> Result<Fetched, FetchError> {
        asked.run(request).await
    }
}
