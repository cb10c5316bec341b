//! Moves everything of one operational database into another that is empty: from a file into a server, whole or not at all.

use futures::TryStreamExt;
use sqlx::any::{Any, AnyRow};
use sqlx::{AssertSqlSafe, Row, Transaction};

use crate::database::{Database, in_postgresql};
use crate::error::{Result, StoreError};
use crate::readings::Readings;
use crate::tokens::Tokens;
use keiki_model::text::Text;

/// Rows that are written by one statement. *Units*: `PostgreSQL` takes 65,535 parameters, and no table has 60 columns.
const ROWS_AT_ONCE: usize = 100;

/// The tables of a file with what makes them, indexes last. Those that `SQLite` makes for itself are left out.
const OBJECTS: &str = "SELECT type, name, sql FROM sqlite_master \
                       WHERE sql IS NOT NULL AND type IN ('table', 'index') AND name NOT LIKE 'sqlite%' \
                       ORDER BY type DESC, name";
/// The tables of a server's database that somebody has made there.
const TABLES_THERE: &str = "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
                            WHERE n.nspname = current_schema() AND c.relkind = 'r' ORDER BY 1";

/// How many rows of a table were moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MovedTable {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
}

/// What came of a move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Everything is in the other database too.
    Done(Vec<MovedTable>),
    /// The other holds something already, in these tables: nothing was written.
    NotEmpty(Vec<String>),
}

/// A table of a file.
struct Table {
    name: String,
    /// What makes it, in `SQLite`'s words.
    made_by: String,
    columns: Vec<Column>,
}

struct Column {
    name: String,
    kind: Kind,
}

/// What a column holds. Nothing else is ever kept: see `database.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Bytes,
}

/// A value on its way.
enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Database {
    /// Moves everything that this file holds into a server whose database is empty. Nobody writes to either meanwhile; the file
    /// stays as it is.
    ///
    /// # Errors
    /// This is no file or the other no server, one of them cannot be used, or something did not arrive: then nothing is written.
    pub async fn move_into(&self, server: &Self) -> Result<Move> {
        if !self.is_file() || server.is_file() {
            return Err(StoreError::stopped(Text::new(
                "移行できるのは、SQLiteのファイルからPostgreSQLへだけです",
                "only a file of SQLite moves, and only into a PostgreSQL",
            )));
        }
        // Tables of older versions get today's form before they are read.
        Readings::open(self).await?;
        Tokens::open(self).await?;
        let mut from = self.writing("").await?;
        let (tables, indexes) = tables_of(&mut from).await?;
        let mut into = server.making().await?;
        let occupied = occupied(&mut into).await?;
        if !occupied.is_empty() {
            return Ok(Move::NotEmpty(occupied));
        }
        let mut moved = Vec::new();
        for table in &tables {
            make(&mut into, &table.made_by).await?;
            let rows = copy(&mut from, &mut into, table).await?;
            go_on_counting(&mut into, table, rows).await?;
            let name = table.name.clone();
            moved.push(MovedTable { name, rows });
        }
        for index in &indexes {
            make(&mut into, index).await?;
        }
        into.commit().await?;
        from.rollback().await?;
        Ok(Move::Done(moved))
    }
}

async fn tables_of(from: &mut Transaction<'static, Any>) -> Result<(Vec<Table>, Vec<String>)> {
    let objects = sqlx::query(OBJECTS).fetch_all(&mut **from).await?;
    let (mut tables, mut indexes) = (Vec::new(), Vec::new());
    for object in objects {
        let kind: String = object.try_get(0)?;
        let (name, made_by): (String, String) = (object.try_get(1)?, object.try_get(2)?);
        if kind == "index" {
            indexes.push(made_by);
            continue;
        }
        let columns = sqlx::query("SELECT name, type FROM pragma_table_info($1) ORDER BY cid")
            .bind(&name)
            .fetch_all(&mut **from)
            .await?;
        let columns = columns.iter().map(column).collect::<Result<_>>()?;
        tables.push(Table {
            name,
            made_by,
            columns,
        });
    }
    Ok((tables, indexes))
}

fn column(row: &AnyRow) -> Result<Column> {
    let (name, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let kind = match kind.as_str() {
        "INTEGER" | "BIGINT" => Kind::Number,
        "TEXT" => Kind::Text,
        "BLOB" => Kind::Bytes,
        _ => {
            return Err(StoreError::stopped(Text::new(
                format!("列 {name} の型を移行できません: {kind}"),
                format!("column {name} has a type that does not move: {kind}"),
            )));
        }
    };
    Ok(Column { name, kind })
}

/// The tables of the server's database in which there is a row.
async fn occupied(into: &mut Transaction<'static, Any>) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for row in sqlx::query(TABLES_THERE).fetch_all(&mut **into).await? {
        let name: String = row.try_get(0)?;
        let table = quoted(&name);
        // Nobody writes to it until this is done.
        let lock = format!("LOCK TABLE {table} IN EXCLUSIVE MODE");
        sqlx::query(AssertSqlSafe(lock))
            .execute(&mut **into)
            .await?;
        let count = format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) AS one");
        let rows: i64 = sqlx::query_scalar(AssertSqlSafe(count))
            .fetch_one(&mut **into)
            .await?;
        if rows > 0 {
            found.push(name);
        }
    }
    Ok(found)
}

/// Makes a table or an index, where a look has not made it already.
async fn make(into: &mut Transaction<'static, Any>, made_by: &str) -> Result<()> {
    let mut statement = in_postgresql(made_by);
    for words in ["CREATE TABLE ", "CREATE UNIQUE INDEX ", "CREATE INDEX "] {
        if let Some(rest) = statement.strip_prefix(words) {
            statement = format!("{words}IF NOT EXISTS {rest}");
            break;
        }
    }
    sqlx::query(AssertSqlSafe(statement))
        .execute(&mut **into)
        .await?;
    Ok(())
}

/// Copies the rows of a table, and counts what arrived.
async fn copy(
    from: &mut Transaction<'static, Any>,
    into: &mut Transaction<'static, Any>,
    table: &Table,
) -> Result<u64> {
    let names: Vec<String> = table
        .columns
        .iter()
        .map(|column| quoted(&column.name))
        .collect();
    let (name, names) = (quoted(&table.name), names.join(", "));
    let select = format!("SELECT {names} FROM {name}");
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut **from);
    let (mut waiting, mut sent) = (Vec::new(), 0);
    let begin = format!("INSERT INTO {name} ({names}) VALUES ");
    while let Some(row) = rows.try_next().await? {
        for (at, column) in table.columns.iter().enumerate() {
            waiting.push(match column.kind {
                Kind::Number => Value::Number(row.try_get(at)?),
                Kind::Text => Value::Text(row.try_get(at)?),
                Kind::Bytes => Value::Bytes(row.try_get(at)?),
            });
        }
        sent += 1;
        if waiting.len() == ROWS_AT_ONCE * table.columns.len() {
            insert(into, &begin, table, std::mem::take(&mut waiting)).await?;
        }
    }
    insert(into, &begin, table, waiting).await?;
    let count = format!("SELECT count(*) FROM {name}");
    let arrived: i64 = sqlx::query_scalar(AssertSqlSafe(count))
        .fetch_one(&mut **into)
        .await?;
    if u64::try_from(arrived) != Ok(sent) {
        let name = &table.name;
        return Err(StoreError::stopped(Text::new(
            format!("表 {name} の{sent}行のうち{arrived}行しか届きませんでした"),
            format!("of {sent} rows of table {name} {arrived} arrived"),
        )));
    }
    Ok(sent)
}

async fn insert(
    into: &mut Transaction<'static, Any>,
    begin: &str,
    table: &Table,
    values: Vec<Value>,
) -> Result<()> {
    if values.is_empty() {
        return Ok(());
    }
    let wide = table.columns.len();
    let rows = (0..values.len() / wide).map(|row| {
        let places: Vec<String> = (1..=wide)
            .map(|at| format!("${}", row * wide + at))
            .collect();
        format!("({})", places.join(", "))
    });
    let rows: Vec<String> = rows.collect();
    let statement = format!("{begin}{}", rows.join(", "));
    let mut query = sqlx::query(AssertSqlSafe(statement));
    for value in values {
        query = match value {
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        };
    }
    query.execute(&mut **into).await?;
    Ok(())
}

/// Lets a column that numbers its rows go on after the last of those that were moved.
async fn go_on_counting(
    into: &mut Transaction<'static, Any>,
    table: &Table,
    rows: u64,
) -> Result<()> {
    let counts = |column: &&Column| {
        let words = format!("{} INTEGER PRIMARY KEY", column.name);
        table.made_by.contains(&words)
    };
    let Some(column) = table.columns.iter().find(counts).filter(|_| rows > 0) else {
        return Ok(());
    };
    let (table, column) = (&table.name, &column.name);
    let statement = format!(
        "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), (SELECT max({column}) FROM {table}))"
    );
    let last: i64 = sqlx::query_scalar(AssertSqlSafe(statement))
        .fetch_one(&mut **into)
        .await?;
    tracing::debug!(table, last, "counted on");
    Ok(())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
