//! Where a journal lies: a local folder, or a bucket of an object store that speaks S3.

#[cfg(feature = "s3")]
mod blocks;
#[cfg(all(test, feature = "s3"))]
pub(crate) mod counted;
#[cfg(feature = "s3")]
mod credentials;
#[cfg(feature = "s3")]
mod over;
#[cfg(feature = "s3")]
mod remembering;
#[cfg(feature = "s3")]
mod s3;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deltalake_core::DeltaTableBuilder;
use futures::TryStreamExt;
use keiki_model::text::Text;
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use crate::error::{Result, StoreError};
use crate::listing::LEFT_OUT;
use crate::parallel::together;

/// The schemes of addresses of object stores.
pub const OBJECT_STORE_SCHEMES: [&str; 2] = ["s3", "s3a"];

/// How an object store is read. A local folder takes no notice of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The folder in which parts of files are kept that were read once; `None` = nothing is kept.
    pub folder: Option<PathBuf>,
    /// Bytes that are kept at most; 0 = nothing is kept, and nothing read ahead.
    pub cache_bytes: u64,
    /// Bytes that are read beyond those that are asked for, since what lies behind them is mostly asked for next.
    pub ahead_bytes: u64,
    /// Requests that are under way at a time.
    pub requests: usize,
    /// For how long a store that answers with an error, or not at all, is asked again.
    pub patience: Duration,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            folder: None,
            cache_bytes: 1 << 30,
            ahead_bytes: 4 << 20,
            requests: 16,
            patience: Duration::from_mins(1),
        }
    }
}

/// The place of a journal.
#[derive(Debug, Clone)]
pub struct Place {
    url: Url,
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    at_once: usize,
}

/// A place below a folder. The folder's own name is not written anew: in one of Japanese letters it would be another folder.
pub(crate) fn below(folder: &Path, place: &str) -> Path {
    let parts = place.split('/').filter(|part| !part.is_empty());
    parts.fold(folder.clone(), Path::join)
}

impl Place {
    /// Opens an address. Credentials, endpoint and region of an object store come from the environment (`AWS_*`).
    ///
    /// # Errors
    /// There can be no journal at such an address.
    pub fn open(url: &Url, reading: &Reading) -> Result<Self> {
        let says_more =
            !url.username().is_empty() || url.password().is_some() || url.query().is_some();
        if url.scheme() != "file" && says_more {
            let why = Text::new(
                "証跡台帳のURLにバケットとフォルダ以外のものが書かれています",
                "the journal's address says more than bucket and folder",
            );
            return Err(no_place(url, why, bucket_and_folder()));
        }
        let (store, prefix) = if OBJECT_STORE_SCHEMES.contains(&url.scheme()) {
            object_store(url, reading)?
        } else {
            if url.scheme() == "file"
                && let Ok(path) = url.to_file_path()
            {
                std::fs::create_dir_all(&path).map_err(crate::error::on_file(&path))?;
            }
            let (store, prefix) = object_store::parse_url(url)?;
            (Arc::from(store), prefix)
        };
        Ok(Self {
            url: url.clone(),
            store,
            prefix,
            at_once: reading.requests.max(1),
        })
    }

    /// Requests that are under way at a time.
    pub(crate) fn at_once(&self) -> usize {
        self.at_once
    }

    /// The address.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The store as a whole.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// Tells whether each request costs time.
    pub(crate) fn is_far(&self) -> bool {
        self.url.scheme() != "file"
    }

    /// The path of the journal in the store.
    pub(crate) fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// The same place on an object store, over which everything that is written goes into a folder: nothing changes where it lies.
    ///
    /// # Errors
    /// The store cannot be read, or this program was built without object stores.
    #[cfg(feature = "s3")]
    pub async fn over(&self, folder: &std::path::Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(crate::error::on_file(folder))?;
        let above = object_store::local::LocalFileSystem::new_with_prefix(folder)?;
        let tables = self.tables().await?;
        let over = over::Over::new(
            Arc::new(above),
            Arc::clone(&self.store),
            &tables,
            self.at_once,
        );
        let over = over.await?;
        Ok(Self {
            store: Arc::new(over),
            ..self.clone()
        })
    }

    /// As with object stores, which this program was built without.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "s3"))]
    pub async fn over(&self, _folder: &std::path::Path) -> Result<Self> {
        std::future::ready(Err(not_built(&self.url))).await
    }

    /// The folders of all tables, that of what is visible first: what the others hold for it was written before.
    pub(crate) async fn tables(&self) -> Result<Vec<Path>> {
        let first = self.prefix.clone().join(crate::batches::TABLE);
        let mut outer = self.folders(&self.prefix).await?;
        outer.retain(|folder| {
            !LEFT_OUT.contains(&folder.filename().unwrap_or_default()) && *folder != first
        });
        let (mut tables, others) = self.parted(outer).await?;
        let inner = others.iter().map(|folder| self.folders(folder));
        let inner = together(self.at_once, inner).await?.concat();
        tables.extend(self.parted(inner).await?.0);
        tables.insert(0, first);
        Ok(tables)
    }

    /// The folders that are tables, and the others.
    async fn parted(&self, folders: Vec<Path>) -> Result<(Vec<Path>, Vec<Path>)> {
        let looks = folders.into_iter().map(|folder| async move {
            let is_table = self.has_log(&folder).await?;
            Ok((folder, is_table))
        });
        let looked = together(self.at_once, looks).await?.into_iter();
        let (tables, others): (Vec<_>, Vec<_>) = looked.partition(|(_, is_table)| *is_table);
        let folder = |(folder, _): (Path, bool)| folder;
        Ok((
            tables.into_iter().map(folder).collect(),
            others.into_iter().map(folder).collect(),
        ))
    }

    async fn folders(&self, path: &Path) -> Result<Vec<Path>> {
        let found = self.store.list_with_delimiter(Some(path)).await?;
        Ok(found.common_prefixes)
    }

    /// The names of the tables in a folder of the journal, where each request costs time; `None` where
    /// it costs no more to look for each.
    pub(crate) async fn tables_in(&self, folder: &str) -> Result<Option<HashSet<String>>> {
        if !self.is_far() {
            return Ok(None);
        }
        let path = below(&self.prefix, folder);
        let folders = self.folders(&path).await?;
        let names = folders.iter().filter_map(Path::filename);
        Ok(Some(names.map(str::to_owned).collect()))
    }

    async fn has_log(&self, table: &Path) -> Result<bool> {
        let mut log = self.store.list(Some(&table.clone().join("_delta_log")));
        Ok(log.try_next().await?.is_some())
    }

    /// A table of the journal, which need not exist.
    pub(crate) fn table(&self, name: &str) -> Result<(Url, DeltaTableBuilder)> {
        let url = self.url.join(&format!("{name}/")).map_err(|e| {
            StoreError::damaged(
                format!("表の場所として読めません: {name}: {e}"),
                format!("not a table address: {name}: {e}"),
            )
        })?;
        let builder =
            DeltaTableBuilder::from_url(url.clone()).map_err(|source| StoreError::Delta {
                table: name.to_owned(),
                source: Box::new(source),
            })?;
        if url.scheme() == "file" {
            return Ok((url, builder));
        }
        let store = Arc::clone(&self.store);
        let builder = builder.with_storage_backend(store, url.clone());
        Ok((url, builder))
    }
}

fn bucket_and_folder() -> Text {
    Text::new(
        "s3://バケット/フォルダ の形で書き、認証情報は環境変数 AWS_ACCESS_KEY_ID、AWS_SECRET_ACCESS_KEY で渡してください",
        "write s3://bucket/folder, and pass credentials in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY",
    )
}

fn no_place(url: &Url, why: Text, hint: Text) -> StoreError {
    // An address may carry what nobody should read in a log.
    let mut shown = url.clone();
    let _no_user = shown.set_username("");
    let _no_password = shown.set_password(None);
    shown.set_query(None);
    StoreError::NoPlace {
        url: shown.to_string(),
        why: Box::new(why),
        hint: Box::new(hint),
    }
}

#[cfg(not(feature = "s3"))]
fn object_store(url: &Url, _reading: &Reading) -> Result<(Arc<dyn ObjectStore>, Path)> {
    Err(not_built(url))
}

#[cfg(not(feature = "s3"))]
fn not_built(url: &Url) -> StoreError {
    let why = Text::new(
        "このプログラムはオブジェクトストレージを使えるようにビルドされていません",
        "this program was built without object stores",
    );
    let hint = Text::new(
        "`cargo build --features cluster` でビルドしたものを使ってください",
        "use one that was built with `cargo build --features cluster`",
    );
    no_place(url, why, hint)
}

#[cfg(feature = "s3")]
fn object_store(url: &Url, reading: &Reading) -> Result<(Arc<dyn ObjectStore>, Path)> {
    let folder = url.path().trim_matches('/');
    let prefix = Path::parse(folder).ok().filter(|_| url.host().is_some());
    let Some(prefix) = prefix else {
        let why = Text::new(
            "証跡台帳のURLからバケットとフォルダを読み取れません",
            "the journal's address names no bucket and folder",
        );
        return Err(no_place(url, why, bucket_and_folder()));
    };
    Ok((s3::open(url, reading)?, prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(url: &str) -> String {
        let url = Url::parse(url).expect("an address");
        let found = Place::open(&url, &Reading::default());
        found.expect_err("there is no such place").to_string()
    }

    #[test]
    fn an_address_with_credentials_is_refused_and_they_are_not_repeated() {
        let found = refused("s3://key:secret@bucket/journal/?token=hush");
        assert!(found.starts_with("s3://bucket/journal/: "), "{found}");
        assert!(!found.contains("secret") && !found.contains("hush"));
        let found = refused("gs://key:secret@bucket/journal/");
        assert!(!found.contains("secret"), "{found}");
    }
}
