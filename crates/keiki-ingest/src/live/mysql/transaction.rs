//! The transaction in which a query runs.

use std::time::Duration;

use futures::StreamExt;
use keiki_model::text::Text;
use serde_json::{Map, Value};
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Connection, Executor, Row, SqlSafeStr, Statement,
    TypeInfo,
};

use super::super::database::{not_ordered, taken, two_columns};
use super::super::database_server::Asked;
use super::super::error::FetchError;
use super::super::server::Encryption;
use super::super::{Connector, Fetched, Request};
use super::Mysql;
use crate::limits::Quantity;

/// A column of the query and how it comes.
#[derive(Debug)]
struct Taken {
    name: String,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Integer,
    Decimal,
    Bits,
    Float,
    Double,
    Timestamp,
    Datetime,
}

impl Form {
    fn of(kind: &str) -> Option<Self> {
        Some(match kind {
            "FLOAT" => Self::Float,
            "DOUBLE" => Self::Double,
            "TIMESTAMP" => Self::Timestamp,
            "DATETIME" | "DATE" => Self::Datetime,
            "DECIMAL" => Self::Decimal,
            "BIT" => Self::Bits,
            kind if kind.contains("BLOB") || kind.contains("BINARY") || kind == "GEOMETRY" => {
                return None;
            }
            kind if kind.contains("INT") || kind == "BOOLEAN" => Self::Integer,
            _ => Self::Text,
        })
    }
}

impl Asked<Mysql> {
    /// Runs the query in a transaction.
    ///
    /// # Errors
    /// The server cannot be reached or refuses, or a value cannot be text.
    pub(super) async fn run(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let place = self.place();
        let refused = |e: sqlx::Error| FetchError::refused(&place, e);
        let mut connection = self.connect(request).await?;
        let seconds = request.limits.answer_seconds;
        let watch = watch(&mut connection, seconds).await;
        let begin = "start transaction with consistent snapshot, read only";
        let mut transaction = connection.begin_with(begin).await.map_err(refused)?;
        let columns = self.columns(&mut transaction).await?;
        let sql = self.statement(&columns, request)?;
        let mut query = sqlx::query(AssertSqlSafe(sql));
        if let Some(bound) = self.query.lower_bound(request.cursor) {
            query = query.bind(bound.trim_end_matches('Z').to_owned());
        }
        let rows = query.fetch(&mut *transaction);
        let rows = rows.map(|row| row.and_then(|row| values(&row, &columns)));
        let reading = taken(&self.query, request, &place, rows);
        let fetched = match watch {
            Watch::Server => reading.await?,
            Watch::Own => tokio::time::timeout(Duration::from_secs(seconds), reading)
                .await
                .map_err(|_| FetchError::limit(&place, Quantity::Seconds, seconds))??,
        };
        transaction.rollback().await.map_err(refused)?;
        Ok(fetched)
    }

    async fn connect(&self, request: &Request<'_>) -> Result<MySqlConnection, FetchError> {
        let server = &self.server;
        let mut options = MySqlConnectOptions::new()
            .host(&server.host)
            .port(server.port)
            .database(&server.database)
            .username(&server.user)
            .charset("utf8mb4")
            .ssl_mode(match server.encryption {
                Encryption::Verify => MySqlSslMode::VerifyIdentity,
                Encryption::Require => MySqlSslMode::Required,
                Encryption::Off => MySqlSslMode::Disabled,
            });
        if let Some(password) = &server.password {
            options = options.password(request.vault.open(password)?.expose());
        }
        if let Some(ca) = &server.ca {
            options = options.ssl_ca(request.workspace.join(ca));
        }
        options.connect().await.map_err(|e| match e {
            sqlx::Error::Database(said) => FetchError::refused(&self.place(), Text::quoted(said)),
            other => FetchError::unreachable(&self.place(), other),
        })
    }

    async fn columns(&self, connection: &mut MySqlConnection) -> Result<Vec<Taken>, FetchError> {
        let sql = AssertSqlSafe(self.query.sql.clone()).into_sql_str();
        let statement = connection
            .prepare(sql)
            .await
            .map_err(|e| FetchError::refused(&self.place(), e))?;
        let mut columns: Vec<Taken> = Vec::new();
        for column in statement.columns() {
            let (name, kind) = (column.name().to_owned(), column.type_info().name());
            let Some(form) = Form::of(kind) else {
                return Err(FetchError::Type {
                    system: self.place(),
                    column: name,
                    found: kind.to_owned(),
                });
            };
            if columns.iter().any(|known| known.name == name) {
                let detail = two_columns(&name);
                return Err(FetchError::unusable(&self.place(), detail));
            }
            columns.push(Taken { name, form });
        }
        Ok(columns)
    }

    fn statement(&self, columns: &[Taken], request: &Request<'_>) -> Result<String, FetchError> {
        let texts = columns.iter().map(|taken| {
            let column = format!("q.{}", quoted(&taken.name));
            match taken.form {
                Form::Float | Form::Double => column,
                Form::Timestamp => format!("concat(cast({column} as char), 'Z')"),
                Form::Bits => format!("cast({column} + 0 as char)"),
                _ => format!("cast({column} as char)"),
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
        let taken = columns
            .iter()
            .find(|taken| taken.name == incremental.column);
        let bound = match taken.map(|taken| taken.form) {
            Some(Form::Integer) => "cast(? as decimal(65, 0))",
            Some(Form::Decimal) => "cast(? as decimal(65, 30))",
            Some(Form::Timestamp | Form::Datetime) => "cast(? as datetime(6))",
            Some(Form::Text) => "?",
            _ => {
                let detail = not_ordered(&incremental.column);
                return Err(FetchError::unusable(&self.place(), detail));
            }
        };
        let column = quoted(&incremental.column);
        // What is as new as the last row is read again: rows may have come in the same instant.
        if self.query.lower_bound(request.cursor).is_some() {
            sql.push_str(&format!(" where q.{column} >= {bound}"));
        }
        sql.push_str(&format!(" order by q.{column}"));
        Ok(sql)
    }
}

/// Who ends a statement that takes too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Watch {
    Server,
    Own,
}

/// Tells the server how long a statement may take, where it knows such a thing.
async fn watch(connection: &mut MySqlConnection, seconds: u64) -> Watch {
    // MariaDB has the first of these variables, MySQL from 5.7 on the second.
    for (variable, time) in [
        ("max_statement_time", seconds),
        ("max_execution_time", seconds * 1_000),
    ] {
        let set = format!("set session {variable} = {time}");
        if connection.execute(AssertSqlSafe(set)).await.is_ok() {
            return Watch::Server;
        }
    }
    Watch::Own
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn values(row: &MySqlRow, columns: &[Taken]) -> Result<Map<String, Value>, sqlx::Error> {
    let mut values = Map::new();
    for (at, taken) in columns.iter().enumerate() {
        let text = match taken.form {
            Form::Float => row
                .try_get::<Option<f32>, _>(at)?
                .map(|number| number.to_string()),
            Form::Double => row
                .try_get::<Option<f64>, _>(at)?
                .map(|number| number.to_string()),
            _ => row.try_get::<Option<String>, _>(at)?,
        };
        values.insert(taken.name.clone(), text.into());
    }
    Ok(values)
}
