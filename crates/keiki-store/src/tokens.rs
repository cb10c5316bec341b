//! Personal values and keys: random tokens stand for people in the journal; this table, outside it, knows whom they name.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringArray, UInt32Array};
use arrow::compute::take;
use keiki_model::dataset::Dataset;
use keiki_model::evidence::Evidence;
use rand::Rng;
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AnyPool, AssertSqlSafe, Row};
use unicode_normalization::UnicodeNormalization;

use crate::database::Database;
use crate::error::{Result, StoreError};

/// How many values one query looks up.
const VALUES_AT_ONCE: usize = 5_000;

/// The form of the values in the table; a table of an older form is brought to it when it is opened.
const FORM: i64 = 1;

/// How many people a search by a part of a value lists.
const FOUND_COUNT: i64 = 100;

/// What names a person, in the form in which it is compared: compatibility forms such as full-width letters become the
/// common ones (NFKC), blanks at the ends go and those within become one, and an address with `@` is in lower case.
#[must_use]
pub(crate) fn normalised(value: &str) -> String {
    let common: String = value.nfkc().collect();
    let words: Vec<&str> = common.split_whitespace().collect();
    let joined = words.join(" ");
    if joined.contains('@') {
        joined.to_lowercase()
    } else {
        joined
    }
}

/// A person as the table of tokens knows one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What names the person, normalised.
    pub value: String,
    /// What stands for it in the journal.
    pub token: String,
}
/// With what every token begins.
const TOKEN_PREFIX: &str = "p-";
/// How many hexadecimal digits follow.
const TOKEN_DIGITS: usize = 32;

/// The table of tokens and keys, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Tokens {
    database: Database,
    pool: AnyPool,
}

impl Tokens {
    /// Opens the database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
                "CREATE TABLE IF NOT EXISTS tokens (value TEXT PRIMARY KEY, token TEXT NOT NULL UNIQUE)",
                "CREATE TABLE IF NOT EXISTS raw_keys (path TEXT PRIMARY KEY, key BLOB NOT NULL)",
                "CREATE TABLE IF NOT EXISTS token_form (form INTEGER NOT NULL)",
            ])
            .await?;
        let database = database.clone();
        let tokens = Self { database, pool };
        tokens.bring_to_form().await?;
        Ok(tokens)
    }

    /// The folder for temporary files of readings, beside the database.
    pub(crate) fn spill_folder(&self) -> PathBuf {
        self.database.spill_folder()
    }

    /// Normalises the values of a table that was made before they were. Of two that become the same, the one that is so
    /// already stays the person's; the other can still be found by its token.
    async fn bring_to_form(&self) -> Result<()> {
        let form: Option<i64> = sqlx::query_scalar("SELECT max(form) FROM token_form")
            .fetch_one(&self.pool)
            .await?;
        if form == Some(FORM) {
            return Ok(());
        }
        let mut transaction = self.database.writing("tokens").await?;
        let rows = sqlx::query("SELECT value FROM tokens")
            .fetch_all(&mut *transaction)
            .await?;
        for row in rows {
            let value: String = row.try_get(0)?;
            let common = normalised(&value);
            if common != value {
                sqlx::query("UPDATE tokens SET value = $1 WHERE value = $2 AND NOT EXISTS (SELECT 1 FROM tokens WHERE value = $1)")
                    .bind(&common)
                    .bind(&value)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        sqlx::query("INSERT INTO token_form (form) VALUES ($1)")
            .bind(FORM)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Replaces the personal values of accepted rows by their tokens; `known` holds those found before, by value in its
    /// common form, and those found now.
    pub(crate) async fn replace_personal_values(
        &self,
        dataset: &Dataset,
        evidence: &mut Evidence,
        known: &mut HashMap<String, String>,
    ) -> Result<()> {
        let schema = dataset.schema();
        for column in dataset.journalled().filter(|column| column.personal) {
            let index = schema.index_of(&column.name)?;
            let values = evidence.rows.column(index).as_string::<i32>();
            let mut numbers: HashMap<&str, u32> = HashMap::new();
            let mut distinct = Vec::new();
            let of_row: UInt32Array = values
                .iter()
                .map(|value| {
                    let value = value?;
                    Some(*numbers.entry(value).or_insert_with(|| {
                        distinct.push(value);
                        u32::try_from(distinct.len() - 1).unwrap_or(u32::MAX)
                    }))
                })
                .collect();
            let tokens = self.tokens_for(&distinct, known).await?;
            let replaced = take(&tokens, &of_row, None)?;
            let mut columns: Vec<ArrayRef> = evidence.rows.columns().to_vec();
            columns[index] = replaced;
            evidence.rows = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        }
        Ok(())
    }

    /// The tokens of distinct values, in their order; a value that has none is given one.
    async fn tokens_for(
        &self,
        distinct: &[&str],
        tokens: &mut HashMap<String, String>,
    ) -> Result<StringArray> {
        let common: Vec<String> = distinct.iter().map(|value| normalised(value)).collect();
        let distinct: Vec<&str> = common.iter().map(String::as_str).collect();
        // A form that comes back without having been told a person's name stands for whom the books know.
        let named = distinct.iter().filter(|value| is_token(value));
        tokens.extend(named.map(|token| ((*token).to_owned(), (*token).to_owned())));
        let unseen = distinct.iter().copied();
        let unseen: Vec<&str> = unseen
            .filter(|value| !tokens.contains_key(*value))
            .collect();
        if !unseen.is_empty() {
            find_tokens(
                &self.database,
                &mut *self.pool.acquire().await?,
                &unseen,
                tokens,
            )
            .await?;
        }
        // In order, so that of two who write the same values neither waits for the other for ever.
        let new: BTreeSet<&str> = unseen
            .into_iter()
            .filter(|value| !tokens.contains_key(*value))
            .collect();
        let new: Vec<&str> = new.into_iter().collect();
        if !new.is_empty() {
            // It begins with a write, so that it waits for others that write and needs not give way to them.
            let mut transaction = self.pool.begin().await?;
            for value in &new {
                let fresh = format!("{TOKEN_PREFIX}{:032x}", rand::rng().random::<u128>());
                sqlx::query(
                    "INSERT INTO tokens (value, token) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                )
                .bind(*value)
                .bind(&fresh)
                .execute(&mut *transaction)
                .await?;
            }
            find_tokens(&self.database, &mut transaction, &new, tokens).await?;
            transaction.commit().await?;
        }
        Ok(distinct.iter().map(|value| tokens.get(*value)).collect())
    }

    /// Writes every token into another table, whose books are a copy of those to which this one belongs.
    ///
    /// # Errors
    /// A database cannot be used.
    pub async fn copy_to(&self, other: &Self) -> Result<()> {
        let rows = sqlx::query("SELECT value, token FROM tokens")
            .fetch_all(&self.pool)
            .await?;
        let mut transaction = other.pool.begin().await?;
        for row in &rows {
            sqlx::query("INSERT INTO tokens (value, token) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(row.try_get::<String, _>(0)?)
                .bind(row.try_get::<String, _>(1)?)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The tokens of values that have one, by value as it was given; none is made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn known(&self, values: &[&str]) -> Result<HashMap<String, String>> {
        let common: Vec<String> = values.iter().map(|value| normalised(value)).collect();
        let distinct: Vec<&str> = common.iter().map(String::as_str).collect();
        let mut tokens = HashMap::new();
        find_tokens(
            &self.database,
            &mut *self.pool.acquire().await?,
            &distinct,
            &mut tokens,
        )
        .await?;
        let pairs = values.iter().zip(&common);
        let pairs = pairs.filter_map(|(value, common)| {
            let token = tokens
                .get(common)
                .or_else(|| is_token(common).then_some(common));
            Some(((*value).to_owned(), token?.clone()))
        });
        Ok(pairs.collect())
    }

    /// Forgets whom a token names: erasure. Returns whether the value was known.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn erase(&self, value: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM tokens WHERE value = $1")
            .bind(normalised(value))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Finds people: the one of this very value, else those of whose values it is a part, the first hundred.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn find(&self, text: &str) -> Result<Vec<Person>> {
        let text = normalised(text);
        let exact = self.people("value = $1", &text).await?;
        if !exact.is_empty() || text.is_empty() {
            return Ok(exact);
        }
        self.people(
            "replace(lower(value), lower($1), '') <> lower(value)",
            &text,
        )
        .await
    }

    /// The person for whom a token stands; `None` where that is forgotten, or never was.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_token(&self, token: &str) -> Result<Option<Person>> {
        Ok(self.people("token = $1", token).await?.pop())
    }

    async fn people(&self, condition: &str, bound: &str) -> Result<Vec<Person>> {
        let query =
            format!("SELECT value, token FROM tokens WHERE {condition} ORDER BY value LIMIT $2");
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(bound)
            .bind(FOUND_COUNT)
            .fetch_all(&self.pool)
            .await?;
        let person = |row: &AnyRow| -> Result<Person> {
            Ok(Person {
                value: row.try_get(0)?,
                token: row.try_get(1)?,
            })
        };
        rows.iter().map(person).collect()
    }

    /// Keeps the key of an encrypted file.
    pub(crate) async fn keep_key(&self, path: &str, key: &[u8]) -> Result<()> {
        sqlx::query("INSERT INTO raw_keys (path, key) VALUES ($1, $2)")
            .bind(path)
            .bind(key)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Forgets the key of an encrypted file.
    pub(crate) async fn forget_key(&self, path: &str) -> Result<()> {
        sqlx::query("DELETE FROM raw_keys WHERE path = $1")
            .bind(path)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The key of an encrypted file; `None` where it was erased.
    pub(crate) async fn key(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let row = sqlx::query("SELECT key FROM raw_keys WHERE path = $1")
            .bind(path)
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| row.try_get(0))
            .transpose()
            .map_err(StoreError::from)
    }
}

/// Tells whether a value has the form of a token: it names nobody, and stays as it is.
fn is_token(value: &str) -> bool {
    value.strip_prefix(TOKEN_PREFIX).is_some_and(|digits| {
        digits.len() == TOKEN_DIGITS
            && digits
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

/// Looks up the tokens of values. They go as one list, so that the statement is the same however many they are.
async fn find_tokens(
    database: &Database,
    connection: &mut AnyConnection,
    values: &[&str],
    tokens: &mut HashMap<String, String>,
) -> Result<()> {
    let listed = database.texts_of_a_list();
    let text = format!("SELECT value, token FROM tokens WHERE value IN ({listed})");
    for values in values.chunks(VALUES_AT_ONCE) {
        let list = serde_json::to_string(values).expect("texts are JSON");
        let query = sqlx::query(AssertSqlSafe(text.clone())).bind(list);
        for row in query.fetch_all(&mut *connection).await? {
            tokens.insert(row.try_get(0)?, row.try_get(1)?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_one_however_it_is_written() {
        for written in [
            "taro@example.jp",
            " Taro@Example.JP ",
            "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｊｐ",
        ] {
            assert_eq!(normalised(written), "taro@example.jp");
        }
        for written in ["山田 太郎", "山田　太郎", " 山田  太郎\u{3000}"] {
            assert_eq!(normalised(written), "山田 太郎");
        }
        assert_eq!(normalised("ﾔﾏﾀﾞ"), "ヤマダ");
        // A staff number keeps its case.
        assert_eq!(
            (normalised("Ｕ77"), normalised("u77")),
            ("U77".into(), "u77".into())
        );
    }
}
