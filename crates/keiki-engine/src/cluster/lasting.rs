//! Whether what a worker could not do can be done another time.

use std::error::Error;
use std::io;

use datafusion::error::DataFusionError;
use datafusion::object_store;
use keiki_model::text::Text;
use keiki_store::StoreError;
use serde::{Deserialize, Serialize};

use super::persisting::{Failure, said};
use super::share::not_on_cluster;
use crate::error::{EngineError, Result};

/// Why a worker did not compute a part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusal {
    /// Whether it stays so, whoever is asked and whenever.
    is_lasting: bool,
    why: Text,
    /// How to mend it, where only the worker knows.
    hint: Option<Text>,
}

impl Refusal {
    pub(super) fn new(worker: &str, error: EngineError) -> Self {
        let obstacle = obstacle(&error);
        let why = match obstacle {
            Obstacle::NotThere => {
                let path = said(error);
                Text::new(
                    format!(
                        "証跡台帳のファイルが見つかりません。同じ証跡台帳を読めるようにしてください: {}",
                        path.ja
                    ),
                    format!(
                        "it does not find a file of the journal, and has to reach the same one: {}",
                        path.en
                    ),
                )
            }
            Obstacle::NoCredentials => {
                let path = said(error);
                Text::new(
                    format!("証跡台帳を読むための認証情報がありません: {}", path.ja),
                    format!("it has no credentials for the journal: {}", path.en),
                )
            }
            Obstacle::NotAllowed => {
                let path = said(error);
                Text::new(
                    format!("証跡台帳を読む権限がありません: {}", path.ja),
                    format!("it may not read the journal: {}", path.en),
                )
            }
            Obstacle::Work | Obstacle::Passing => said(error),
        };
        Self {
            is_lasting: obstacle != Obstacle::Passing,
            why: Text::new(
                format!("ワーカー {worker}: {}", why.ja),
                format!("worker {worker}: {}", why.en),
            ),
            hint: obstacle.hint(worker),
        }
    }

    pub(super) fn to_bytes(&self) -> Result<Vec<u8>> {
        postcard::to_allocvec(self)
            .map_err(|error| not_on_cluster(error.to_string(), error.to_string()))
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    pub(super) fn is_lasting(&self) -> bool {
        self.is_lasting
    }

    pub(super) fn into_failure(self) -> Failure {
        let error = EngineError::Cluster {
            why: Box::new(self.why),
            hint: self.hint.map(Box::new),
        };
        if self.is_lasting {
            Failure::Lasting(error)
        } else {
            Failure::Passing(error)
        }
    }
}

/// What stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Obstacle {
    /// The work itself: it cannot be done.
    Work,
    /// A file that is not there.
    NotThere,
    /// A store for which the worker was given no credentials.
    NoCredentials,
    /// A store that the worker may not read.
    NotAllowed,
    /// A store that does not answer, a disk that is full and the like.
    Passing,
}

impl Obstacle {
    /// How to mend it at the worker.
    fn hint(self, worker: &str) -> Option<Text> {
        let hint = match self {
            Self::NotThere => Text::new(
                format!(
                    "ワーカー {worker} から、keiki.toml の journal と同じ場所を読めるようにしてください。`keiki compact` と同時だった場合は、もう一度実行してください"
                ),
                format!(
                    "have worker {worker} reach the place that journal in keiki.toml names; if `keiki compact` ran meanwhile, run this again"
                ),
            ),
            Self::NoCredentials | Self::NotAllowed => Text::new(
                format!(
                    "ワーカー {worker} を動かす環境の環境変数 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY、AWS_REGION(フォルダの場合はその権限)を正しくしてから、ワーカーを起動し直してください"
                ),
                format!(
                    "put AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (for a folder, its permissions) right where worker {worker} runs, then start that worker again"
                ),
            ),
            Self::Work | Self::Passing => return None,
        };
        Some(hint)
    }
}

fn obstacle(error: &EngineError) -> Obstacle {
    match error {
        EngineError::MissingFile(_) => Obstacle::NotThere,
        EngineError::Store(StoreError::NoPlace { .. }) => Obstacle::Work,
        EngineError::Store(error) => outside(error).unwrap_or(Obstacle::Passing),
        EngineError::Arrow(error) => outside(error).unwrap_or(Obstacle::Work),
        EngineError::Sql(error) => outside(&**error).unwrap_or_else(|| of_sql(error)),
        _ => Obstacle::Work,
    }
}

fn of_sql(error: &DataFusionError) -> Obstacle {
    match error.find_root() {
        DataFusionError::ResourcesExhausted(_)
        | DataFusionError::ParquetError(_)
        | DataFusionError::External(_) => Obstacle::Passing,
        _ => Obstacle::Work,
    }
}

/// What a store or a disk has to do with it; `None` where neither has.
fn outside(error: &(dyn Error + 'static)) -> Option<Obstacle> {
    let (mut found, mut next) = (None, Some(error));
    while let Some(error) = next {
        let by_store = error.downcast_ref().map(of_store);
        let by_disk = || error.downcast_ref().map(of_disk);
        match by_store.or_else(by_disk) {
            // What lies below may say more.
            Some(Obstacle::Passing) => found = Some(Obstacle::Passing),
            Some(obstacle) => return Some(obstacle),
            None => {}
        }
        next = error.source();
    }
    found
}

/// What a store of S3 answers, beside that somebody may not, where it does not take credentials or region. An answer to `HEAD` has the
/// status alone. *Source*: Amazon S3 API reference, error responses.
const NOT_TAKEN: [&str; 6] = [
    "status code: 400 Bad Request",
    "<Code>ExpiredToken</Code>",
    "<Code>InvalidToken</Code>",
    "<Code>InvalidAccessKeyId</Code>",
    "<Code>SignatureDoesNotMatch</Code>",
    "<Code>AuthorizationHeaderMalformed</Code>",
];

fn of_store(error: &object_store::Error) -> Obstacle {
    match error {
        object_store::Error::NotFound { .. } => Obstacle::NotThere,
        object_store::Error::PermissionDenied { .. } => Obstacle::NotAllowed,
        object_store::Error::Unauthenticated { .. } => Obstacle::NoCredentials,
        other => {
            let said = other.to_string();
            if NOT_TAKEN.iter().any(|code| said.contains(code)) {
                Obstacle::NotAllowed
            } else {
                Obstacle::Passing
            }
        }
    }
}

fn of_disk(error: &io::Error) -> Obstacle {
    match error.kind() {
        io::ErrorKind::NotFound => Obstacle::NotThere,
        io::ErrorKind::PermissionDenied => Obstacle::NotAllowed,
        _ => Obstacle::Passing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Dimension;

    fn of_store(error: object_store::Error) -> EngineError {
        DataFusionError::ObjectStore(Box::new(error)).into()
    }

    fn source() -> Box<dyn Error + Send + Sync> {
        "no more".into()
    }

    #[test]
    fn what_a_store_may_answer_another_time_passes_and_what_it_has_not_stays() {
        let path = || "entries/assets/one.parquet".to_owned();
        let lost = object_store::Error::NotFound {
            path: path(),
            source: source(),
        };
        let refusal = Refusal::new("one", of_store(lost));
        assert!(refusal.is_lasting());
        assert!(
            refusal
                .why
                .en
                .starts_with("worker one: it does not find a file of the journal"),
            "{refusal:?}"
        );
        let barred = object_store::Error::PermissionDenied {
            path: path(),
            source: source(),
        };
        let refusal = Refusal::new("one", of_store(barred));
        assert!(refusal.is_lasting());
        assert!(refusal.why.en.contains("it may not read the journal"));
        let hint = refusal.hint.expect("a hint");
        assert!(hint.en.contains("AWS_ACCESS_KEY_ID"), "{hint:?}");
        assert!(hint.en.contains("worker one") && hint.ja.contains("ワーカー one"));
        let nothing = object_store::Error::Unauthenticated {
            path: path(),
            source: source(),
        };
        let refusal = Refusal::new("one", of_store(nothing));
        assert!(refusal.is_lasting() && refusal.hint.is_some());
        assert!(refusal.why.en.contains("it has no credentials"));
        let slow = object_store::Error::Generic {
            store: "S3",
            source: source(),
        };
        // Another status than that for who may not, as with credentials that have run out.
        for text in [
            "<Error><Code>ExpiredToken</Code></Error>",
            "Server returned non-2xx status code: 400 Bad Request: ",
        ] {
            let expired = object_store::Error::Generic {
                store: "S3",
                source: text.into(),
            };
            assert!(Refusal::new("one", of_store(expired)).is_lasting());
        }
        // However deep it lies, and whatever lies around it.
        let barred = object_store::Error::Generic {
            store: "S3",
            source: Box::new(io::Error::from(io::ErrorKind::PermissionDenied)),
        };
        assert!(Refusal::new("one", of_store(barred)).is_lasting());
        let slow = DataFusionError::ObjectStore(Box::new(slow)).context("while reading");
        assert!(!Refusal::new("one", slow.into()).is_lasting());
    }

    #[test]
    fn what_lies_in_the_work_itself_stays() {
        let unknown = DataFusionError::Plan("Invalid function 'fortnight'".to_owned());
        let refusal = Refusal::new("two", unknown.into());
        assert!(refusal.is_lasting());
        assert!(refusal.why.en.contains("fortnight"), "{refusal:?}");
        assert!(Refusal::new("two", EngineError::TooMany(Dimension::Groups)).is_lasting());
        let full = DataFusionError::ResourcesExhausted("memory".to_owned());
        assert!(!Refusal::new("two", full.into()).is_lasting());
    }
}
