//! What the connectors to SQL databases share: the query that is the source, and where it goes on.

use keiki_model::document::Node;
use keiki_model::problem::Problem;

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
                Problem::new(node.place_of("query"), "the query should be a select")
                    .hint("write query = \"select … from …\"; it runs in a read-only transaction"),
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
