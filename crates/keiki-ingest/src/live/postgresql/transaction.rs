//! The transaction in which a query runs.

use futures::StreamExt;
use keiki_model::text::Text;
use serde_json::{Map, Value};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement,
    TypeInfo,
};

use super::super::database::{not_ordered, quoted, taken, two_columns};
use super::super::database_server::Asked;
use super::super::error::FetchError;
use super::super::server::Encryption;
use super::super::{Connector, Fetched, Request};
use super::Postgresql;

/// Types by which rows can be told to be new.
const ORDERED: [&str; 9] = [
    "INT2",
    "INT4",
    "INT8",
    "NUMERIC",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "TEXT",
    "VARCHAR",
];

impl Asked<Postgresql> {
    /// Runs the query in a transaction.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or a value cannot be text.
    pub(super) async fn run(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let place = self.place();
        let refused = |e: sqlx::Error| FetchError::refused(&place, e);
        let mut connection = self.connect(request).await?;
        let mut transaction = connection.begin().await.map_err(refused)?;
        sqlx::query("set transaction isolation level repeatable read, read only")
            .execute(&mut *transaction)
            .await
            .map_err(refused)?;
        let columns = self.columns(&mut transaction).await?;
        let sql = self.statement(&columns, request)?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        if let Some(bound) = self.query.lower_bound(request.cursor) {
            query = query.bind(bound.to_owned());
        }
        let rows = query.fetch(&mut *transaction);
        let rows = rows.map(|row| row.and_then(|row| values(&row, &columns)));
        let fetched = taken(&self.query, request, &place, rows).await?;
        transaction.rollback().await.map_err(refused)?;
        Ok(fetched)
    }

    async fn connect(&self, request: &Request<'_>) -> Result<PgConnection, FetchError> {
        let server = &self.server;
        let timeout = format!("{}s", request.limits.answer_seconds);
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&server.host)
            .port(server.port)
            .database(&server.database)
            .username(&server.user)
            .application_name("keiki")
            .ssl_mode(match server.encryption {
                Encryption::Verify => PgSslMode::VerifyFull,
                Encryption::Require => PgSslMode::Require,
                Encryption::Off => PgSslMode::Disable,
            })
            .options([
                ("statement_timeout", timeout.as_str()),
                ("default_transaction_read_only", "on"),
                ("timezone", "UTC"),
                ("datestyle", "ISO"),
                ("intervalstyle", "iso_8601"),
                ("extra_float_digits", "1"),
            ]);
        if let Some(password) = &server.password {
            options = options.password(request.vault.open(password)?.expose());
        }
        if let Some(ca) = &server.ca {
            options = options.ssl_root_cert(request.workspace.join(ca));
        }
        options.connect().await.map_err(|e| match e {
            sqlx::Error::Database(said) => FetchError::refused(&self.place(), Text::quoted(said)),
            other => FetchError::unreachable(&self.place(), other),
        })
    }

    /// The query's columns with their types.
    async fn columns(
        &self,
        connection: &mut PgConnection,
    ) -> Result<Vec<(String, String)>, FetchError> {
        let sql = AssertSqlSafe(self.query.sql.clone()).into_sql_str();
        let statement = connection
            .prepare(sql)
            .await
            .map_err(|e| FetchError::refused(&self.place(), e))?;
        let mut columns: Vec<(String, String)> = Vec::new();
        for column in statement.columns() {
            let (name, kind) = (
                column.name().to_owned(),
                column.type_info().name().to_owned(),
            );
            if kind.starts_with("BYTEA") {
                return Err(FetchError::Type {
                    system: self.place(),
                    column: name,
                    found: kind,
                });
            }
            if columns.iter().any(|(known, _)| *known == name) {
                let detail = two_columns(&name);
                return Err(FetchError::unusable(&self.place(), detail));
            }
            columns.push((name, kind));
        }
        Ok(columns)
    }

    fn statement(
        &self,
        columns: &[(String, String)],
        request: &Request<'_>,
    ) -> Result<String, FetchError> {
        let texts = columns.iter().map(|(name, kind)| {
            let text = format!("q.{}::text", quoted(name));
            if kind == "TIMESTAMPTZ" {
                format!("regexp_replace({text}, '\\+00$', 'Z')")
            } else {
                text
            }
        });
        let texts: Vec<String> = texts.collect();
        let mut sql = format!(
            "select {} from ({}\n) as q",
            texts.join(", "),
            self.query.sql
        );
        let Some(incremental) = &self.query.incremental else {
            return Ok(sql);
        };
        let kind = columns.iter().find(|(name, _)| *name == incremental.column);
        let Some((name, kind)) = kind.filter(|(_, kind)| ORDERED.contains(&kind.as_str())) else {
            let detail = not_ordered(&incremental.column);
            return Err(FetchError::unusable(&self.place(), detail));
        };
        let column = quoted(name);
        // What is as new as the last row is read again: rows may have come in the same instant.
        if self.query.lower_bound(request.cursor).is_some() {
            sql.push_str(&format!(" where q.{column} >= $1::text::{kind}"));
        }
        sql.push_str(&format!(" order by q.{column}"));
        Ok(sql)
    }
}

fn values(row: &PgRow, columns: &[(String, String)]) -> Result<Map<String, Value>, sqlx::Error> {
    let mut values = Map::new();
    for (at, (name, _)) in columns.iter().enumerate() {
        let value: Option<String> = row.try_get(at)?;
        values.insert(name.clone(), value.into());
    }
    Ok(values)
}
