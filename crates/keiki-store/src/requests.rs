//! What somebody asks for that somebody else has to agree to.

use sqlx::any::{Any, AnyRow};
use sqlx::{AnyPool, Row, Transaction};

use crate::database::Database;
use crate::error::{Result, StoreError};

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestKind {
    /// To close a period although something stands in the way.
    Close,
    /// To change the programme.
    Change,
}

/// How a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Nobody has decided.
    Open,
    /// Somebody agreed, and it is not done yet: it is being done, or whoever did it was stopped.
    Undone,
    /// Somebody agreed, and it is done.
    Agreed,
    /// Somebody refused.
    Refused,
    /// Who asked took it back.
    Withdrawn,
}

impl Decision {
    /// The words in the database, each with its decision.
    const CODES: [(&'static str, Self); 5] = [
        ("open", Self::Open),
        ("undone", Self::Undone),
        ("agreed", Self::Agreed),
        ("refused", Self::Refused),
        ("withdrawn", Self::Withdrawn),
    ];

    /// The word in the database.
    #[must_use]
    pub fn code(self) -> &'static str {
        let mut all = Self::CODES.into_iter();
        all.find(|(_, one)| *one == self)
            .map_or("", |(code, _)| code)
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRequest {
    /// Its identity.
    pub id: String,
    /// What is asked for.
    pub kind: RequestKind,
    /// What it is about: of a close, the period as written; of a change, what it says in one line.
    pub subject: String,
    /// What is to be changed, in the words of who keeps it; empty of a close.
    pub change: String,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub asked_by: String,
    /// When, UTC microseconds.
    pub asked_at: i64,
    /// How it stands.
    pub decision: Decision,
    /// Who decided; empty while nobody has.
    pub decided_by: String,
}

/// A request to which somebody agreed, before it is done. Whoever does it writes down that it is done where and when they write
/// what they do, in one transaction, so that it is done once whoever is stopped, and whoever tries again meanwhile.
/// *Source*: decision 0120.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed {
    request_id: String,
}

impl Agreed {
    /// Writes down that it is done.
    pub(crate) async fn done(&self, transaction: &mut Transaction<'_, Any>) -> Result<()> {
        let done = sqlx::query(
            "UPDATE requests SET decision = 'agreed' WHERE id = $1 AND decision = 'undone'",
        )
        .bind(&self.request_id)
        .execute(&mut **transaction)
        .await?;
        if done.rows_affected() > 0 {
            Ok(())
        } else {
            Err(StoreError::NotUndone)
        }
    }
}

/// The text of a file that a request is about to put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutText {
    /// The file.
    pub file: String,
    /// The SHA-256 of its text, in hexadecimal.
    pub sha256: String,
    /// The edition before it.
    pub after_edition: i64,
}

/// The requests, in the workspace's database.
#[derive(Debug, Clone)]
pub struct Requests {
    pool: AnyPool,
}

impl Requests {
    /// Opens the requests in the workspace's database, making them where there are none.
    ///
    /// # Errors
    /// The database cannot be used.
    pub async fn open(database: &Database) -> Result<Self> {
        let pool = database
            .with_tables(&[
            "CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, kind TEXT NOT NULL, subject TEXT NOT NULL, \
             reason TEXT NOT NULL, asked_by TEXT NOT NULL, asked_at BIGINT NOT NULL, decision TEXT NOT NULL, \
             decided_by TEXT NOT NULL)",
                "CREATE TABLE IF NOT EXISTS request_changes (request_id TEXT PRIMARY KEY, change TEXT NOT NULL)",
                "CREATE UNIQUE INDEX IF NOT EXISTS requests_waiting ON requests (kind, subject) WHERE decision IN ('open', 'undone')",
                "CREATE TABLE IF NOT EXISTS request_texts (request_id TEXT PRIMARY KEY, file TEXT NOT NULL, sha256 TEXT NOT NULL, \
                 after_edition BIGINT NOT NULL)",
            ])
            .await?;
        Ok(Self { pool })
    }

    /// Adds a request. Returns whether it was added: of one kind and subject there is one at a time that is not decided and done.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn add(&self, request: &StoredRequest) -> Result<bool> {
        let mut transaction = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO requests (id, kind, subject, reason, asked_by, asked_at, decision, decided_by) \
             VALUES ($1, $2, $3, $4, $5, $6, 'open', '') ON CONFLICT DO NOTHING",
        )
        .bind(&request.id)
        .bind(code(request.kind))
        .bind(&request.subject)
        .bind(&request.reason)
        .bind(&request.asked_by)
        .bind(request.asked_at)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("INSERT INTO request_changes (request_id, change) VALUES ($1, $2)")
            .bind(&request.id)
            .bind(&request.change)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// All requests, the latest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn all(&self) -> Result<Vec<StoredRequest>> {
        let query = "SELECT id, kind, subject, reason, asked_by, asked_at, decision, decided_by, change FROM requests \
                     LEFT JOIN request_changes ON request_id = id ORDER BY asked_at DESC, id";
        let rows = sqlx::query(query).fetch_all(&self.pool).await?;
        rows.iter().map(request).collect()
    }

    /// Refuses an open request or takes it back. Returns whether it was open: of two who decide at the same time, one does.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn decide(&self, id: &str, decision: Decision, by: &str) -> Result<bool> {
        let decided = sqlx::query(
            "UPDATE requests SET decision = $1, decided_by = $2 WHERE id = $3 AND decision = 'open'",
        )
        .bind(decision.code())
        .bind(by)
        .bind(id)
        .execute(&self.pool)
        .await?;
        Ok(decided.rows_affected() > 0)
    }

    /// Agrees to an open request, which is to be done then; `None` where it is not open any more.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn agree(&self, id: &str, by: &str) -> Result<Option<Agreed>> {
        let is_agreed = self.decide(id, Decision::Undone, by).await?;
        Ok(is_agreed.then(|| agreed(id)))
    }

    /// A request to which somebody agreed and which is not done; `None` where there is none of that id.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn undone(&self, id: &str) -> Result<Option<Agreed>> {
        let row = sqlx::query("SELECT 1 FROM requests WHERE id = $1 AND decision = 'undone'")
            .bind(id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(|_| agreed(id)))
    }

    /// Writes down that what was agreed to is done, since it turned out to be.
    ///
    /// # Errors
    /// It was done or opened again meanwhile, or the database cannot be written.
    pub async fn done(&self, agreed: &Agreed) -> Result<()> {
        let mut transaction = self.pool.begin().await?;
        agreed.done(&mut transaction).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Opens a request again that cannot be done as it was agreed to; one that somebody else has done meanwhile stays done.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn reopen(&self, agreed: &Agreed) -> Result<()> {
        sqlx::query(
            "UPDATE requests SET decision = 'open', decided_by = '' WHERE id = $1 AND decision = 'undone'",
        )
        .bind(&agreed.request_id)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Writes down which text is about to be put in the place of a file, so that whoever is stopped before it is recorded leaves
    /// word of it.
    ///
    /// # Errors
    /// The database cannot be written.
    pub async fn will_put(&self, agreed: &Agreed, text: &PutText) -> Result<()> {
        sqlx::query(
            "INSERT INTO request_texts (request_id, file, sha256, after_edition) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (request_id) DO UPDATE SET file = excluded.file, sha256 = excluded.sha256, \
             after_edition = excluded.after_edition",
        )
        .bind(&agreed.request_id)
        .bind(&text.file)
        .bind(&text.sha256)
        .bind(text.after_edition)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The text that was about to be put in the place of a file when somebody last tried to do a request.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn text_of(&self, agreed: &Agreed) -> Result<Option<PutText>> {
        let query = "SELECT file, sha256, after_edition FROM request_texts WHERE request_id = $1";
        let row = sqlx::query(query)
            .bind(&agreed.request_id)
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(PutText {
            file: row.try_get(0)?,
            sha256: row.try_get(1)?,
            after_edition: row.try_get(2)?,
        }))
    }
}

fn agreed(id: &str) -> Agreed {
    Agreed {
        request_id: id.to_owned(),
    }
}

const KINDS: [(&str, RequestKind); 2] = [
    ("close", RequestKind::Close),
    ("change", RequestKind::Change),
];

fn code(kind: RequestKind) -> &'static str {
    let mut all = KINDS.into_iter();
    all.find(|(_, one)| *one == kind)
        .map_or("", |(code, _)| code)
}

fn request(row: &AnyRow) -> Result<StoredRequest> {
    let word: String = row.try_get(1)?;
    let decision: String = row.try_get(6)?;
    let mut decisions = Decision::CODES.into_iter();
    let decision = decisions.find(|(code, _)| *code == decision);
    let kind = KINDS.into_iter().find(|(code, _)| *code == word);
    let (Some((_, decision)), Some((_, kind))) = (decision, kind) else {
        return Err(StoreError::damaged(
            format!("不明な申請です: {word}"),
            format!("an unknown request: {word}"),
        ));
    };
    let change: Option<String> = row.try_get(8)?;
    Ok(StoredRequest {
        id: row.try_get(0)?,
        kind,
        subject: row.try_get(2)?,
        change: change.unwrap_or_default(),
        reason: row.try_get(3)?,
        asked_by: row.try_get(4)?,
        asked_at: row.try_get(5)?,
        decision,
        decided_by: row.try_get(7)?,
    })
}
