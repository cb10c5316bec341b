//! Stands in for `live` where the crate is built without connectors: sources that need one are known, and cannot be used.

#[path = "live/limits.rs"]
mod limits;

use std::fmt;
use std::sync::Arc;

use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

pub use limits::FetchLimits;

/// Every connector by the name that a kind gives it.
const CONNECTORS: [&str; 8] = [
    "postgresql",
    "mysql",
    "sqlite",
    "http",
    "redmine",
    "ldap",
    "singer",
    "airbyte",
];

/// Reaches one system, where the crate is built to.
pub trait Connector: fmt::Debug + Send + Sync {
    /// Where the system is, as users know it; without secrets.
    fn place(&self) -> String;

    /// Whether a reading goes on where the one before it ended.
    fn is_incremental(&self) -> bool {
        false
    }
}

/// Tells whether there is a connector of that name.
#[must_use]
pub fn is_connector(name: &str) -> bool {
    CONNECTORS.contains(&name)
}

/// Reports that nothing can be fetched.
pub(crate) fn definition(connector: &str, node: &Node<'_>) -> Option<Arc<dyn Connector>> {
    let message = Text::new(
        format!("このプログラムには接続機能がありません: {connector}"),
        format!("this program is built without connectors: {connector}"),
    );
    let hint = Text::new(
        "機能 `live` を付けてビルドしてください",
        "build it with the feature `live`",
    );
    node.report(Problem::new(node.place(), message).hint(hint));
    None
}
