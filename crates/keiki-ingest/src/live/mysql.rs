//! `MariaDB` and `MySQL`: a query in a read-only transaction.
//!
//! The server writes each value as text, timestamps in UTC with `Z`; floats are taken as they are and
//! written as the shortest text that says the same number, which these servers do not do. Binary
//! values are refused.

#[cfg(feature = "databases")]
mod transaction;

use super::database_server::System;
#[cfg(feature = "databases")]
use super::{Fetched, Request, database_server::Asked, error::FetchError};

/// The system.
#[derive(Debug)]
pub(super) struct Mysql;

#[async_trait::async_trait]
impl System for Mysql {
    const SCHEME: &'static str = "mysql";
    const PORT: u16 = 3306;

    #[cfg(feature = "databases")]
    async fn run(asked: &Asked<Self>, request: &Request<'_>) -> Result<Fetched, FetchError> {
        asked.run(request).await
    }
}
