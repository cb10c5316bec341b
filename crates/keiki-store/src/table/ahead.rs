//! What commits have added to a table since its log was read: files, and nothing else. The library would read all of the
//! state anew after each of them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::DataFile;

/// What commits have added since the state was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Ahead {
    commits: u64,
    files: Vec<DataFile>,
}

/// A file as the log names it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Added {
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) stats: Option<String>,
    pub(super) deletion_vector: Option<Value>,
}

/// What the log says of a file's rows.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statistics {
    num_records: u64,
}

impl Ahead {
    /// How many commits there are.
    pub(super) fn commits(&self) -> u64 {
        self.commits
    }

    /// The files that they added.
    pub(super) fn files(&self) -> &[DataFile] {
        &self.files
    }

    /// Takes the next commit in. Returns whether all that it does is to add files; one that does more is not taken.
    pub(super) fn take(&mut self, commit: &[u8]) -> bool {
        let Some(files) = added(commit) else {
            return false;
        };
        self.files.extend(files);
        self.commits += 1;
        true
    }
}

/// The files that a commit adds, if that is all that it does.
fn added(commit: &[u8]) -> Option<Vec<DataFile>> {
    let mut files = Vec::new();
    for (action, what) in actions(commit)? {
        match action.as_str() {
            "commitInfo" => {}
            "add" => files.push(file(serde_json::from_value(what).ok()?)?),
            _ => return None,
        }
    }
    Some(files)
}

/// What a commit does, in its order; `None` if it cannot be read.
pub(super) fn actions(commit: &[u8]) -> Option<Vec<(String, Value)>> {
    let lines = std::str::from_utf8(commit).ok()?.lines();
    let mut actions = Vec::new();
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let of_line: Map<String, Value> = serde_json::from_str(line).ok()?;
        actions.extend(of_line);
    }
    Some(actions)
}

/// A file that is as plain as those that this program adds: the log writes other names in a form of its own.
pub(super) fn file(added: Added) -> Option<DataFile> {
    if added.deletion_vector.is_some() || added.path.contains('%') {
        return None;
    }
    let statistics: Option<Statistics> = match added.stats {
        Some(text) => serde_json::from_str(&text).ok()?,
        None => None,
    };
    Some(DataFile {
        path: added.path,
        size_bytes: added.size,
        rows: statistics.map_or(0, |statistics| statistics.num_records),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(commit: &str) -> Option<(u64, Vec<(String, u64)>)> {
        let mut ahead = Ahead::default();
        let is_taken = ahead.take(commit.as_bytes());
        let files = ahead.files().iter().map(|f| (f.path.clone(), f.rows));
        is_taken.then(|| (ahead.commits(), files.collect()))
    }

    #[test]
    fn a_commit_that_only_adds_files_is_taken() {
        let commit = concat!(
            r#"{"commitInfo":{"operation":"WRITE","timestamp":1}}"#,
            "\n",
            r#"{"add":{"path":"a.parquet","partitionValues":{},"size":7,"modificationTime":0,"dataChange":true,"#,
            r#""stats":"{\"numRecords\":3}"}}"#,
            "\n"
        );
        assert_eq!(taken(commit), Some((1, vec![("a.parquet".to_owned(), 3)])));
    }

    #[test]
    fn a_commit_that_does_more_is_left_to_the_library() {
        let removes = r#"{"remove":{"path":"a.parquet","dataChange":true}}"#;
        let widens = r#"{"metaData":{"id":"x"}}"#;
        let escaped = r#"{"add":{"path":"a%20b.parquet","size":7}}"#;
        let vector = r#"{"add":{"path":"a.parquet","size":7,"deletionVector":{"cardinality":1}}}"#;
        for commit in [removes, widens, escaped, vector, "{", "\u{feff}"] {
            assert_eq!(taken(commit), None, "{commit}");
        }
    }
}
