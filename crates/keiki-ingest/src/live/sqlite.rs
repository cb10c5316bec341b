//! `SQLite`: a query over a database file of the workspace.
//!
//! The file is opened read-only. Integers and texts are taken as they are, reals as the shortest
//! text that says the same number; blobs are refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::TryStreamExt;
use keiki_model::document::Node;
use keiki_model::text::Text;
use serde_json::{Map, Value};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

use crate::place;

use super::database::{Query, quoted, two_columns};
use super::error::FetchError;
use super::rows::RowsFile;
use super::{Connector, Fetched, Request};

/// Steps of the database's machine between two looks at the clock.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;

/// A query over a database file.
#[derive(Debug)]
struct Sqlite {
    place: String,
    query: Query,
}

/// Reads the `[fetch]` table.
pub(super) fn definition(node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let place = node.required_string("place");
    let query = Query::read(node);
    Some(Arc::new(Sqlite {
        place: place?,
        query: query?,
    }))
}

#[async_trait]
impl Connector for Sqlite {
    fn place(&self) -> String {
        self.place.clone()
    }

    fn is_incremental(&self) -> bool {
        self.query.incremental.is_some()
    }

    async fn fetch(&self, request: &Request<'_>) -> Result<Fetched, FetchError> {
        let refused = |e: sqlx::Error| FetchError::refused(&self.place, e);
        let files = place::expand(&self.place, request.workspace)
            .map_err(|e| FetchError::unreachable(&self.place, e.message()))?;
        let [file] = files.as_slice() else {
            let detail = Text::new(
                format!("データベースは1つですが、{}ファイルあります", files.len()),
                format!("{} files are there, one database is wanted", files.len()),
            );
            return Err(FetchError::unreachable(&self.place, detail));
        };
        let options = SqliteConnectOptions::new()
            .filename(&file.path)
            .read_only(true)
            .busy_timeout(Duration::from_secs(request.limits.answer_seconds));
        let mut connection = options
            .connect()
            .await
            .map_err(|e| FetchError::unreachable(&self.place, e))?;
        limit_time(&mut connection, request.limits.answer_seconds)
            .await
            .map_err(refused)?;
        let sql = self.statement(request);
        let mut query = sqlx::query(AssertSqlSafe(sql));
        if let Some(bound) = self.query.lower_bound(request.cursor) {
            query = match (bound.parse::<i64>(), bound.parse::<f64>()) {
                (Ok(number), _) => query.bind(number),
                (_, Ok(number)) => query.bind(number),
                _ => query.bind(bound.to_owned()),
            };
        }
        let mut rows = RowsFile::create(request, &self.place, "rows.json")?;
        let mut cursor = request.cursor.map(str::to_owned);
        {
            let mut stream = query.fetch(&mut connection);
            while let Some(row) = stream.try_next().await.map_err(refused)? {
                let row = self.row(&row)?;
                if let Some(incremental) = &self.query.incremental {
                    cursor = reached(row.get(&incremental.column), cursor, || {
                        self.no_column(&incremental.column)
                    })?;
                }
                if rows.push(&row)?.is_break() {
                    break;
                }
            }
        }
        connection.close().await.map_err(refused)?;
        Ok(Fetched {
            files: vec![rows.finish()?],
            cursor,
        })
    }
}

/// The cursor after a row: rows come in the order of the column.
fn reached(
    value: Option<&Value>,
    before: Option<String>,
    missing: impl FnOnce() -> FetchError,
) -> Result<Option<String>, FetchError> {
    match value {
        None => Err(missing()),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Ok(before),
    }
}

impl Sqlite {
    fn statement(&self, request: &Request<'_>) -> String {
        let Some(incremental) = &self.query.incremental else {
            return self.query.sql.clone();
        };
        let (sql, column) = (&self.query.sql, quoted(&incremental.column));
        // What is as new as the last row is read again: rows may have come in the same instant.
        let bound = match self.query.lower_bound(request.cursor) {
            Some(_) => format!(" where {column} >= ?1"),
            None => String::new(),
        };
        format!("select * from ({sql}\n){bound} order by {column}")
    }

    fn row(&self, row: &SqliteRow) -> Result<Map<String, Value>, FetchError> {
        let mut values = Map::new();
        for column in row.columns() {
            let raw = row
                .try_get_raw(column.ordinal())
                .map_err(|e| FetchError::unusable(&self.place, e))?;
            let found = if raw.is_null() {
                "NULL".to_owned()
            } else {
                raw.type_info().name().to_owned()
            };
            let broken = |e: sqlx::Error| FetchError::unusable(&self.place, e);
            let at = column.ordinal();
            let value = match found.as_str() {
                "NULL" => Value::Null,
                "INTEGER" | "BOOLEAN" => {
                    let number: i64 = row.try_get_unchecked(at).map_err(broken)?;
                    number.to_string().into()
                }
                "REAL" => {
                    let number: f64 = row.try_get_unchecked(at).map_err(broken)?;
                    number.to_string().into()
                }
                "BLOB" => {
                    return Err(FetchError::Type {
                        system: self.place.clone(),
                        column: column.name().to_owned(),
                        found,
                    });
                }
                _ => Value::String(row.try_get_unchecked(at).map_err(broken)?),
            };
            if values.insert(column.name().to_owned(), value).is_some() {
                let detail = two_columns(column.name());
                return Err(FetchError::unusable(&self.place, detail));
            }
        }
        Ok(values)
    }

    fn no_column(&self, column: &str) -> FetchError {
        let detail = Text::new(
            format!("`incremental` に指定した列 {column} がクエリーにありません"),
            format!("the query has no column {column}, which `incremental` names"),
        );
        FetchError::unusable(&self.place, detail)
    }
}

/// Ends every statement of the connection after so many seconds.
async fn limit_time(connection: &mut SqliteConnection, seconds: u64) -> Result<(), sqlx::Error> {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut handle = connection.lock_handle().await?;
    handle.set_progress_handler(STEPS_BETWEEN_LOOKS, move || Instant::now() < end);
    Ok(())
}
