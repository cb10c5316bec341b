//! Personal values and keys: random tokens stand for people in the journal; this table, outside it, knows whom they name.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray};
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Evidence;
use rand::Rng;
use sqlx::Row;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};

use crate::error::{Result, StoreError};

/// The table of tokens and keys, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Tokens {
    pool: SqlitePool,
}

/// Opens the workspace's database, making it where there is none.
pub(crate) async fn database(path: &Path) -> Result<SqlitePool> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(crate::error::on_file(folder))?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(sqlx::sqlite::SqliteJournalMode::Wal)
        .busy_timeout(std::time::Duration::from_mins(1));
    Ok(SqlitePoolOptions::new()
        .max_connections(2)
        .connect_with(options)
        .await?)
}

impl Tokens {
    /// Opens the database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(path: &Path) -> Result<Self> {
        let pool = database(path).await?;
        for statement in [
            "CREATE TABLE IF NOT EXISTS tokens (value TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE)",
            "CREATE TABLE IF NOT EXISTS raw_keys (path TEXT PRIMARY KEY, key BLOB NOT NULL)",
        ] {
            sqlx::query(statement).execute(&pool).await?;
        }
        Ok(Self { pool })
    }

    /// Replaces the personal values of accepted rows by their tokens.
    pub(crate) async fn replace_personal_values(
        &self,
        dataset: &Dataset,
        evidence: &mut Evidence,
    ) -> Result<()> {
        let schema = dataset.schema();
        for column in dataset.journalled().filter(|column| column.personal) {
            let index = schema.index_of(&column.name)?;
            let values = evidence.rows.column(index).as_string::<i32>().clone();
            let tokens = self.tokens_for(&values).await?;
            let replaced: StringArray = values
                .iter()
                .map(|v| v.and_then(|v| tokens.get(v)))
                .collect();
            let mut columns: Vec<ArrayRef> = evidence.rows.columns().to_vec();
            columns[index] = Arc::new(replaced);
            evidence.rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        }
        // A rejected row's key may name a person; what cannot be tokenised is not kept.
        if dataset
            .key
            .iter()
            .any(|key| dataset.column(key).is_some_and(|column| column.personal))
        {
            for row in evidence
                .rejected
                .iter_mut()
                .chain(&mut evidence.left_unknown)
            {
                row.record_key = row.record_key.as_ref().map(|_| "•••".to_owned());
            }
        }
        Ok(())
    }

    async fn tokens_for(&self, values: &StringArray) -> Result<HashMap<String, String>> {
        let mut distinct: Vec<&str> = values.iter().flatten().collect();
        distinct.sort_unstable();
        distinct.dedup();
        let mut tokens = HashMap::with_capacity(distinct.len());
        let mut transaction = self.pool.begin().await?;
        for value in distinct {
            let fresh = format!("p-{:032x}", rand::rng().random::<u128>());
            sqlx::query("INSERT OR IGNORE INTO tokens (value, token) VALUES (?, ?)")
                .bind(value)
                .bind(&fresh)
                .execute(&mut *transaction)
                .await?;
            let row = sqlx::query("SELECT token FROM tokens WHERE value = ?")
                .bind(value)
                .fetch_one(&mut *transaction)
                .await?;
            tokens.insert(value.to_owned(), row.try_get(0)?);
        }
        transaction.commit().await?;
        Ok(tokens)
    }

    /// Forgets whom a token names: erasure. Returns whether the value was known.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn erase(&self, value: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM tokens WHERE value = ?")
            .bind(value)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Keeps the key of an encrypted file.
    pub(crate) async fn keep_key(&self, path: &str, key: &[u8]) -> Result<()> {
        sqlx::query("INSERT INTO raw_keys (path, key) VALUES (?, ?)")
            .bind(path)
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets the key of an encrypted file.
    pub(crate) async fn forget_key(&self, path: &str) -> Result<()> {
        sqlx::query("DELETE FROM raw_keys WHERE path = ?")
            .bind(path)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The key of an encrypted file; `None` where it was erased.
    pub(crate) async fn key(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT key FROM raw_keys WHERE path = ?")
            .bind(path)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| row.try_get(0))
            .transpose()
            .map_err(StoreError::from)
    }
}
