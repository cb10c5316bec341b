//! Copies a journal as it is at one moment, wherever it lies, and puts such a copy where none lies yet.
//!
//! A moment is a version of each table's log, that of what is visible first, and the files that it names. Whoever writes meanwhile
//! adds to the logs and is not in the copy. *Source*: decision 0119.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use keiki_model::text::{Text, hexadecimal};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use sha2::{Digest, Sha256};

use crate::batches::{self, Batch};
use crate::error::{Result, StoreError, on_file};
use crate::journal::Journal;
use crate::parallel::together;
use crate::place::{Place, below};
use crate::raw::tombstone_of;
use crate::table::Table;

/// The file that says which format a journal has.
pub const FORMAT_FILE: &str = "journal.json";

/// Files on their way at a time.
const AT_ONCE: usize = 8;

/// Bytes of a file that are held before it goes part by part.
const HELD_BYTES: usize = 8 << 20;

/// Parts of a file on their way at a time.
const PARTS_AT_ONCE: usize = 4;

/// The files of a journal at one moment.
#[derive(Debug, Clone)]
pub struct Pinned {
    /// The journal version.
    pub seq: i64,
    /// The size of each file, by its place in the journal.
    files: BTreeMap<String, u64>,
}

/// What became of a copy.
#[derive(Debug)]
pub enum Copied {
    /// Everything is there: the SHA-256 of each file, by its place in the journal.
    Whole(BTreeMap<String, String>),
    /// This file was taken away meanwhile.
    Gone(String),
}

impl Journal {
    /// Finds what the journal consists of now.
    ///
    /// # Errors
    /// The store or a log cannot be read.
    pub async fn pinned(&self) -> Result<Pinned> {
        let (list, snapshot) = self.list().await?;
        let mut files = self.pin(batches::TABLE, list.table()).await?;
        let others = self.place.tables().await?.into_iter().skip(1);
        let pins = others.map(|folder| async move {
            let name = self.within(&folder);
            match Table::open(&self.place, &name).await? {
                Some(table) => self.pin(&name, &table).await,
                None => Ok(BTreeMap::new()),
            }
        });
        let pinned = together(self.place.at_once(), pins).await?;
        files.extend(pinned.into_iter().flatten());
        self.pin_raw(snapshot.batches(), &mut files).await?;
        let format = self.prefix.clone().join(FORMAT_FILE);
        let format = self.store.head(&format).await?;
        files.insert(FORMAT_FILE.to_owned(), format.size);
        Ok(Pinned {
            seq: snapshot.seq(),
            files,
        })
    }

    /// Takes the log of a table up to the version that was read, and the files that it names.
    async fn pin(&self, name: &str, table: &Table) -> Result<BTreeMap<String, u64>> {
        let version = table.version();
        let log = below(&self.prefix, name).join("_delta_log");
        let listed: Vec<ObjectMeta> = self.store.list(Some(&log)).try_collect().await?;
        let of_version =
            |file: &ObjectMeta| file.location.filename()?.get(..20)?.parse::<u64>().ok();
        let pinned = listed
            .iter()
            .filter(|file| of_version(file).is_some_and(|number| Some(number) <= version));
        let pinned = pinned.map(|file| (self.within(&file.location), file.size));
        let data = table.files()?.into_iter();
        let data = data.map(|file| (format!("{name}/{}", file.path), file.size_bytes));
        Ok(pinned.chain(data).collect())
    }

    /// Takes the raw evidence of batches, or the tombstones in its place.
    async fn pin_raw(&self, batches: &[Batch], files: &mut BTreeMap<String, u64>) -> Result<()> {
        let folder = self.prefix.clone().join("raw");
        let listed: Vec<ObjectMeta> = self.store.list(Some(&folder)).try_collect().await?;
        let listed = listed
            .iter()
            .map(|file| (self.within(&file.location), file.size));
        let listed: HashMap<String, u64> = listed.collect();
        let named: BTreeSet<&str> = batches
            .iter()
            .flat_map(|batch| batch.files.iter().map(|file| file.path.as_str()))
            .collect();
        for path in named {
            let there = [path.to_owned(), tombstone_of(path)];
            let there = there.into_iter().filter_map(|name| {
                let size = *listed.get(&name)?;
                Some((name, size))
            });
            let before = files.len();
            files.extend(there);
            if files.len() == before {
                // A copy is as whole as the journal is; `keiki verify` says the same of both.
                tracing::warn!(path, "raw evidence is missing");
            }
        }
        Ok(())
    }

    /// The place in the journal of what lies in the store.
    fn within(&self, location: &Path) -> String {
        let parts = location.prefix_match(&self.prefix);
        let parts: Vec<String> = parts
            .into_iter()
            .flatten()
            .map(|part| part.as_ref().to_owned())
            .collect();
        parts.join("/")
    }

    /// Copies the files of a moment into a folder.
    ///
    /// # Errors
    /// The store cannot be read or the folder not written, or a file has another size than the journal's log says.
    pub async fn copy_to(&self, pinned: &Pinned, folder: &FilePath) -> Result<Copied> {
        let target = local(folder)?;
        let copies = pinned.files.iter().map(|(name, size)| {
            let (from, to) = (below(&self.prefix, name), name.as_str());
            let target = Arc::clone(&target);
            async move {
                let copied = transfer((&*self.store, &from), (&*target, &Path::from(to))).await;
                match copied {
                    Ok((sha256, bytes)) if bytes == *size => Ok(Ok((name.clone(), sha256))),
                    Ok((_, bytes)) => Err(StoreError::damaged(
                        format!(
                            "{name} の大きさが記録と違います: {bytes}バイト(記録は{size}バイト)"
                        ),
                        format!(
                            "{name} has another size than is recorded: {bytes} bytes, not {size}"
                        ),
                    )),
                    Err(StoreError::Object(object_store::Error::NotFound { .. })) => {
                        Ok(Err(name.clone()))
                    }
                    Err(error) => Err(error),
                }
            }
        });
        let copies: Vec<_> = copies.collect();
        let mut copies = stream::iter(copies).buffer_unordered(AT_ONCE);
        let mut hashes = BTreeMap::new();
        while let Some(copied) = copies.try_next().await? {
            match copied {
                Ok((name, sha256)) => hashes.insert(name, sha256),
                Err(name) => return Ok(Copied::Gone(name)),
            };
        }
        Ok(Copied::Whole(hashes))
    }
}

impl Place {
    /// Makes sure that nothing lies here.
    ///
    /// # Errors
    /// Something does, or the store cannot be read.
    pub async fn must_be_empty(&self) -> Result<()> {
        let found = self.store().list(Some(self.prefix())).try_next().await?;
        let Some(found) = found else { return Ok(()) };
        Err(StoreError::NoPlace {
            url: self.url().to_string(),
            why: Box::new(Text::new(
                format!("すでにファイルがあります: {}", found.location),
                format!("something lies there already: {}", found.location),
            )),
            hint: Box::new(Text::new(
                "空のフォルダまたはバケットを指定してください",
                "name an empty folder or bucket",
            )),
        })
    }

    /// Puts the files of a copy here, where nothing lies yet; nothing is visible before all of it is there.
    ///
    /// # Errors
    /// Something lies here, a file cannot be read, or the store not written.
    pub async fn fill(&self, folder: &FilePath, names: &[String]) -> Result<()> {
        self.must_be_empty().await?;
        let source = local(folder)?;
        let log = format!("{}/_delta_log/", batches::TABLE);
        let is_last = |name: &&String| name.starts_with(&log) || *name == FORMAT_FILE;
        let (last, first): (Vec<_>, Vec<_>) = names.iter().partition(is_last);
        for (names, at_once) in [(first, AT_ONCE), (last, 1)] {
            let puts = names.into_iter().map(|name| {
                let to = below(self.prefix(), name);
                let source = Arc::clone(&source);
                async move {
                    let from = Path::from(name.as_str());
                    transfer((&*source, &from), (&**self.store(), &to)).await
                }
            });
            let puts: Vec<_> = puts.collect();
            let mut puts = stream::iter(puts).buffered(at_once);
            while puts.try_next().await?.is_some() {}
        }
        Ok(())
    }
}

fn local(folder: &FilePath) -> Result<Arc<dyn ObjectStore>> {
    std::fs::create_dir_all(folder).map_err(on_file(folder))?;
    Ok(Arc::new(LocalFileSystem::new_with_prefix(folder)?))
}

/// Brings a file from one store into another, part by part. Returns its SHA-256 and how many bytes it has.
async fn transfer(
    (source, from): (&dyn ObjectStore, &Path),
    (target, to): (&dyn ObjectStore, &Path),
) -> Result<(String, u64)> {
    let mut parts = source.get(from).await?.into_stream();
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut held: Vec<Bytes> = Vec::new();
    let mut upload: Option<WriteMultipart> = None;
    while let Some(part) = parts.try_next().await? {
        hash.update(&part);
        bytes += part.len() as u64;
        held.push(part);
        if upload.is_none() && held.iter().map(Bytes::len).sum::<usize>() > HELD_BYTES {
            upload = Some(WriteMultipart::new(target.put_multipart(to).await?));
        }
        if let Some(upload) = &mut upload {
            upload.wait_for_capacity(PARTS_AT_ONCE).await?;
            held.drain(..).for_each(|part| upload.put(part));
        }
    }
    match upload {
        Some(upload) => upload.finish().await?,
        None => target.put(to, PutPayload::from_iter(held)).await?,
    };
    Ok((hexadecimal(&hash.finalize()), bytes))
}
