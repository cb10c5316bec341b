//! What the connectors to SQL databases share: the query that is the source, and where it goes on.

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;
#[cfg(feature = "databases")]
use {
    super::error::FetchError,
    super::rows::RowsFile,
    super::{Fetched, Request},
    futures::{Stream, TryStreamExt},
    serde_json::{Map, Value},
};

/// A query whose rows are evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    /// The statement, without a semicolon at its end.
    pub(crate) sql: String,
    /// How only what is new is read.
    pub(crate) incremental: Option<Incremental>,
}

/// Says by which column rows are told to be new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Incremental {
    /// The column of the query.
    pub(crate) column: String,
    /// Where the first reading begins; absent = with every row.
    pub(crate) start: Option<String>,
}

impl Query {
    /// Reads the keys `query` and `incremental`.
    pub(crate) fn read(node: &Node<'_>) -> Option<Self> {
        let sql = node.required_string("query")?;
        let sql = sql.trim().trim_end_matches(';').trim_end().to_owned();
        let lower = sql.to_ascii_lowercase();
        if !["select", "with", "values", "table"]
            .iter()
            .any(|word| lower.starts_with(word))
        {
            node.report(
                Problem::new(
                    node.place_of("query"),
                    Text::new(
                        "クエリーはselect文でなければなりません",
                        "the query should be a select",
                    ),
                )
                .hint(Text::new(
                    "query = \"select … from …\" と書いてください。読み取り専用のトランザクションで実行します",
                    "write query = \"select … from …\"; it runs in a read-only transaction",
                )),
            );
        }
        Some(Self {
            sql,
            incremental: incremental(node),
        })
    }

    /// Where a reading begins: where the last one ended, else where the definition says.
    pub(crate) fn lower_bound<'c>(&'c self, cursor: Option<&'c str>) -> Option<&'c str> {
        let incremental = self.incremental.as_ref()?;
        cursor.or(incremental.start.as_deref())
    }
}

/// Takes a query's rows down to a file, and notes how far they reach.
///
/// # Errors
/// The server ends its answer with an error, more comes than the limits allow, or the file cannot be written.
#[cfg(feature = "databases")]
pub(crate) async fn taken(
    query: &Query,
    request: &Request<'_>,
    place: &str,
    answer: impl Stream<Item = Result<Map<String, Value>, sqlx::Error>>,
) -> Result<Fetched, FetchError> {
    let mut rows = RowsFile::create(request, place, "rows.json")?;
    let mut cursor = request.cursor.map(str::to_owned);
    let mut answer = std::pin::pin!(answer);
    let refused = |e: sqlx::Error| FetchError::refused(place, e);
    while let Some(row) = answer.try_next().await.map_err(refused)? {
        if let Some(incremental) = &query.incremental
            && let Some(Value::String(reached)) = row.get(&incremental.column)
        {
            cursor = Some(reached.clone());
        }
        if rows.push(&row)?.is_break() {
            break;
        }
    }
    Ok(Fetched {
        files: vec![rows.finish()?],
        cursor,
    })
}

/// Reads `incremental = { column = "…", start = "…" }`.
pub(crate) fn incremental(node: &Node<'_>) -> Option<Incremental> {
    let table = node.table("incremental")?;
    let column = table.required_string("column");
    let start = table.string("start");
    table.finish();
    Some(Incremental {
        column: column?,
        start,
    })
}

/// Quotes a name as standard SQL does.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Says that two columns of a query have one name.
pub(crate) fn two_columns(name: &str) -> Text {
    Text::new(
        format!("クエリーに同じ名前の列が2つあります: {name}"),
        format!("the query has two columns named {name}"),
    )
}

/// Says that a column cannot order what is new.
pub(crate) fn not_ordered(column: &str) -> Text {
    Text::new(
        format!("`incremental` には、数値・日付・日時・文字列のいずれかの列が必要です: {column}"),
        format!(
            "`incremental` needs a column {column} of the query that is a number, a date, an instant or a text"
        ),
    )
}
