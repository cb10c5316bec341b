//! The book of forms: which org unit was sent which collection workbook, for which period, and when.

use sqlx::{AnyPool, Row};

use crate::database::Database;
use crate::error::Result;

/// A form that was made to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentForm {
    /// The form's number.
    pub id: String,
    /// The org unit.
    pub org_unit: String,
    /// The period as written.
    pub period: String,
    /// The datasets that it asks for.
    pub datasets: Vec<String>,
    /// The file that was written.
    pub file: String,
    /// When, UTC microseconds.
    pub issued_at: i64,
    /// The day by which it is to be back, as text; absent = nobody said.
    pub due: Option<String>,
    /// Who made it.
    pub author: String,
}

/// The book.
#[derive(Debug, Clone)]
pub struct Forms {
    pool: AnyPool,
}

impl Forms {
    /// Opens the book in the workspace's database, making it where there is none.
    ///
    /// # Errors
    /// The file cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
                "CREATE TABLE IF NOT EXISTS forms (id TEXT PRIMARY KEY, org_unit TEXT NOT NULL, \
             period TEXT NOT NULL, datasets TEXT NOT NULL, file TEXT NOT NULL, \
             issued_at INTEGER NOT NULL, due TEXT, author TEXT NOT NULL)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Notes that a form was made.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, form: &SentForm) -> Result<()> {
        sqlx::query(
            "INSERT INTO forms (id, org_unit, period, datasets, file, issued_at, due, author) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
             ON CONFLICT (id) DO UPDATE SET org_unit = excluded.org_unit, period = excluded.period, datasets = excluded.datasets, \
             file = excluded.file, issued_at = excluded.issued_at, due = excluded.due, author = excluded.author",
        )
        .bind(&form.id)
        .bind(&form.org_unit)
        .bind(&form.period)
        .bind(form.datasets.join(" "))
        .bind(&form.file)
        .bind(form.issued_at)
        .bind(&form.due)
        .bind(&form.author)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The forms of a period in the order in which they were made.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn of_period(&self, period: &str) -> Result<Vec<SentForm>> {
        let rows = sqlx::query(
            "SELECT id, org_unit, period, datasets, file, issued_at, due, author FROM forms \
             WHERE period = $1 ORDER BY issued_at, id",
        )
        .bind(period)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let datasets: String = row.try_get(3)?;
                Ok(SentForm {
                    id: row.try_get(0)?,
                    org_unit: row.try_get(1)?,
                    period: row.try_get(2)?,
                    datasets: datasets.split_whitespace().map(str::to_owned).collect(),
                    file: row.try_get(4)?,
                    issued_at: row.try_get(5)?,
                    due: row.try_get(6)?,
                    author: row.try_get(7)?,
                })
            })
            .collect()
    }
}
