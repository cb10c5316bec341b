//! `engine` of `keiki.toml`: whether this computer reads the journal to measure, or a cluster does.

use std::time::Duration;

use keiki_ingest::live::{SecretReference, secret_reference};
use keiki_model::document::Node;
use keiki_model::problem::Problem;
use keiki_model::text::Text;

use super::number;

/// What the address of a scheduler begins with.
const SCHEME: &str = "ballista://";
/// The environment variable that holds a cluster's token where nothing else is said.
pub const TOKEN_VARIABLE: &str = "KEIKI_CLUSTER_TOKEN";
const MIB: u64 = 1 << 20;
const PART_MIB: u64 = 32;
const TIMEOUT_SECONDS: u64 = 600;

/// What reads the journal to measure.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum EngineSettings {
    /// This computer.
    #[default]
    Local,
    /// A cluster.
    Cluster(Box<ClusterSettings>),
}

/// Where a cluster is and how it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterSettings {
    /// Host and port of the scheduler.
    pub address: String,
    /// The secret that all processes of the cluster share.
    pub token: SecretReference,
    /// How many bytes of files a worker reads for one part, about.
    pub part_bytes: u64,
    /// For how long an answer is waited for.
    pub patience: Duration,
}

/// Reads `engine` and `[cluster]`.
pub(super) fn engine(node: &Node<'_>) -> EngineSettings {
    let address = address(node);
    let table = node.table("cluster");
    let token = table
        .as_ref()
        .and_then(|table| secret_reference(table, "token"))
        .unwrap_or_else(|| SecretReference::Environment(TOKEN_VARIABLE.to_owned()));
    let count = |key| table.as_ref().and_then(|of| number(of, key, 1));
    let part_mib = count("part_mib").unwrap_or(PART_MIB);
    let seconds = count("timeout_seconds").unwrap_or(TIMEOUT_SECONDS);
    if let Some(table) = &table {
        table.finish();
    }
    address.map_or(EngineSettings::Local, |address| {
        EngineSettings::Cluster(Box::new(ClusterSettings {
            address,
            token,
            part_bytes: part_mib.saturating_mul(MIB),
            patience: Duration::from_secs(seconds),
        }))
    })
}

fn address(node: &Node<'_>) -> Option<String> {
    let engine = node.string("engine").filter(|engine| engine != "local")?;
    let report = |message: Text, hint: Text| {
        node.report(Problem::new(node.place_of("engine"), message).hint(hint));
        None
    };
    let address = engine.strip_prefix(SCHEME).filter(|address| {
        let parts = address.rsplit_once(':');
        parts.is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
            && !address.contains(['/', '@', '?'])
    });
    let Some(address) = address else {
        return report(
            Text::new(
                "集計を行う場所として読めません",
                "nothing that could measure is named",
            ),
            Text::new(
                "\"local\"、または \"ballista://ホスト:ポート\" と書いてください",
                "write \"local\", or \"ballista://host:port\"",
            ),
        );
    };
    if !cfg!(feature = "cluster") {
        return report(
            Text::new(
                "このプログラムはクラスターを使えるようにビルドされていません",
                "this program was built without clusters",
            ),
            Text::new(
                "`cargo build --features cluster` でビルドしたものを使うか、engine = \"local\" としてください",
                "use one that was built with `cargo build --features cluster`, or write engine = \"local\"",
            ),
        );
    }
    Some(address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{FILE, Settings};
    use super::*;

    fn read(lines: &str) -> Result<Settings, Vec<String>> {
        let text = format!(
            "zone = \"UTC\"\n{lines}\n[organisation]\nname = {{ ja = \"架空\", en = \"Fictional\" }}\n"
        );
        let said = |problems: Vec<Problem>| problems.iter().map(ToString::to_string).collect();
        Settings::read(FILE, &text).map_err(said)
    }

    #[test]
    fn this_computer_measures_where_nothing_else_is_said() {
        for lines in ["", "engine = \"local\"", "cluster = { part_mib = 8 }"] {
            assert_eq!(
                read(lines).expect("it is sound").engine,
                EngineSettings::Local
            );
        }
    }

    #[test]
    fn what_is_no_address_of_a_scheduler_is_named() {
        for engine in [
            "spark",
            "ballista://host",
            "ballista://:1",
            "ballista://u:p@host:1/x",
        ] {
            let found = read(&format!("engine = \"{engine}\"")).expect_err("it is not sound");
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(
                found[0].starts_with("keiki.toml:2:10: nothing that could measure"),
                "{found:?}"
            );
        }
    }

    #[cfg(feature = "cluster")]
    #[test]
    fn a_cluster_is_read_with_its_token_by_reference() {
        let lines = "engine = \"ballista://scheduler.example:50050\"\n\
                     cluster = { token = { file = \"token\" }, part_mib = 8, timeout_seconds = 60 }";
        let read = read(lines).expect("it is sound");
        let expected = ClusterSettings {
            address: "scheduler.example:50050".to_owned(),
            token: SecretReference::File("token".to_owned()),
            part_bytes: 8 << 20,
            patience: Duration::from_mins(1),
        };
        assert_eq!(read.engine, EngineSettings::Cluster(Box::new(expected)));
    }

    #[cfg(not(feature = "cluster"))]
    #[test]
    fn a_program_without_clusters_says_so() {
        let found = read("engine = \"ballista://host:50050\"").expect_err("it cannot");
        assert!(found[0].contains("was built without clusters"), "{found:?}");
    }
}
