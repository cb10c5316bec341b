//! Where the credentials of an object store come from, and what is said where there are none.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential, AwsCredentialProvider};
use object_store::{CredentialProvider, RetryConfig};

/// For how long a machine is asked for the credentials that its cloud gives it: one that has any answers within moments.
const ASKING: Duration = Duration::from_secs(3);

/// How often it is asked again.
const RETRIES: usize = 2;

/// What names credentials, or who gives them. Where none of these is said, the machine itself is asked.
const NAMED: [AmazonS3ConfigKey; 5] = [
    AmazonS3ConfigKey::AccessKeyId,
    AmazonS3ConfigKey::SecretAccessKey,
    AmazonS3ConfigKey::WebIdentityTokenFile,
    AmazonS3ConfigKey::ContainerCredentialsRelativeUri,
    AmazonS3ConfigKey::ContainerCredentialsFullUri,
];

/// The credentials of the machine, where the environment names none; `None` = what it names is taken as it is.
pub(super) fn of_machine(
    builder: &AmazonS3Builder,
) -> object_store::Result<Option<AwsCredentialProvider>> {
    let is_named = |key: &AmazonS3ConfigKey| builder.get_config_value(key).is_some();
    let goes_without = builder.get_config_value(&AmazonS3ConfigKey::SkipSignature);
    if NAMED.iter().any(is_named) || goes_without.is_some_and(|said| said != "false") {
        return Ok(None);
    }
    let asking = builder.clone().with_retry(RetryConfig {
        max_retries: RETRIES,
        retry_timeout: ASKING,
        ..RetryConfig::default()
    });
    Ok(Some(Arc::new(OfMachine {
        given: Arc::clone(asking.build()?.credentials()),
        has_given: AtomicBool::new(false),
    })))
}

/// Credentials that the machine's cloud gives it, if there is one.
struct OfMachine {
    given: AwsCredentialProvider,
    /// Whether there were any: then there are some, and what fails later passes.
    has_given: AtomicBool,
}

impl fmt::Debug for OfMachine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfMachine")
    }
}

#[async_trait]
impl CredentialProvider for OfMachine {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let given = self.given.get_credential().await;
        if given.is_ok() {
            self.has_given.store(true, Ordering::Relaxed);
        }
        given.map_err(|source| {
            if self.has_given.load(Ordering::Relaxed) {
                return source;
            }
            object_store::Error::Unauthenticated {
                path: "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY".to_owned(),
                source: Box::new(source),
            }
        })
    }
}
