//! Opens a bucket of an object store that speaks S3. Credentials, endpoint and region come from the environment (`AWS_*`) and go
//! nowhere else.

use std::sync::Arc;

use deltalake_core::DeltaResult;
use deltalake_core::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use keiki_model::text::Text;
use object_store::aws::{AmazonS3, AmazonS3Builder, S3ConditionalPut};
use object_store::limit::LimitStore;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use url::Url;

use super::remembering::Remembering;
use super::{OBJECT_STORE_SCHEMES, Reading, bucket_and_folder, credentials, no_place};
use crate::error::Result;

/// How often a request is sent again within the time that there is.
const RETRIES: usize = 20;

/// Opens the bucket of an address.
///
/// # Errors
/// The environment does not say all that is needed, or says it wrongly: half of the credentials, for one.
pub(super) fn open(url: &Url, reading: &Reading) -> Result<Arc<dyn ObjectStore>> {
    make_known();
    let opened = bucket(url, reading);
    let store = opened.map_err(|error| no_place(url, Text::quoted(error), bucket_and_folder()))?;
    let limited = LimitStore::new(store, reading.requests.max(1));
    Ok(match (&reading.folder, reading.cache_bytes) {
        (Some(folder), bytes) if bytes > 0 => {
            let limits = (bytes, reading.ahead_bytes);
            Arc::new(Remembering::new(Arc::new(limited), folder, url, limits))
        }
        _ => Arc::new(limited),
    })
}

fn bucket(url: &Url, reading: &Reading) -> object_store::Result<AmazonS3> {
    let bucket = url.host_str().unwrap_or_default();
    let retry = RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: RETRIES,
        retry_timeout: reading.patience,
    };
    let builder = AmazonS3Builder::from_env()
        .with_bucket_name(bucket)
        // A commit is put where nothing lies yet, or it fails: two writers never take the same number.
        .with_conditional_put(S3ConditionalPut::ETagMatch)
        .with_retry(retry);
    match credentials::of_machine(&builder)? {
        Some(of_machine) => builder.with_credentials(of_machine),
        None => builder,
    }
    .build()
}

/// The log of a table as the library keeps it by default: a commit is one file, put where nothing lies yet.
struct Logs;

impl LogStoreFactory for Logs {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(
            prefixed_store,
            root_store,
            location,
            options,
        ))
    }
}

/// Tells the library that addresses of object stores may hold tables.
fn make_known() {
    for scheme in OBJECT_STORE_SCHEMES {
        if let Ok(scheme) = Url::parse(&format!("{scheme}://")) {
            logstore_factories()
                .entry(scheme)
                .or_insert_with(|| Arc::new(Logs));
        }
    }
}
