//! Raw evidence: the bytes of each file read, compressed, by content hash; encrypted where they hold personal data.

mod encrypted;

use std::collections::HashSet;
use std::io::{Read, Seek, Write};
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use keiki_model::text::hexadecimal;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};
use parquet::arrow::async_writer::AsyncFileWriter;
use rand::RngCore;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;
use tokio::sync::mpsc::channel;
use zstd::bulk::Compressor;

use crate::batches::RawReference;
use crate::error::{Result, StoreError, on_file};
use crate::journal::Journal;
use crate::place::below;
use encrypted::{Encryption, decrypt, read_block};
pub(crate) use encrypted::{decrypt_file, encrypt_file};

/// Begins the name of a file that is on its way in: its own is known at its end.
pub(crate) const INCOMING: &str = "incoming-";

/// Bytes that are read, hashed and compressed at a time: they stay near the processor meanwhile. Each such part is a frame of
/// its own, which costs no more than a window would.
const FRAME_BYTES: usize = 1 << 20;

/// How hard it is tried to make files smaller: below what the format calls ordinary, since every reading waits for it.
/// Decision 0090.
const COMPRESSION_LEVEL: i32 = -3;

/// Compressed bytes that are held in memory; more lie in a temporary file until their name is known.
const MEMORY_BYTES: usize = 4 << 20;

/// Compressed frames that wait to be taken.
const FRAMES_WAITING: usize = 2;

/// Parts that are on their way to the store at a time.
const PARTS_AT_ONCE: usize = 4;

/// A stored file together with what it looked like when it was read, so that a change while reading shows.
#[derive(Debug, Clone)]
pub struct RawFile {
    /// Where it is kept.
    pub reference: RawReference,
    /// Whether its bytes were not kept before.
    is_new: bool,
    path: std::path::PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

impl RawFile {
    /// Checks that the file is still what was stored.
    ///
    /// # Errors
    /// It changed, or is gone.
    pub fn check_unchanged(&self) -> Result<()> {
        let metadata = std::fs::metadata(&self.path).map_err(on_file(&self.path))?;
        if metadata.len() != self.length || metadata.modified().ok() != self.modified {
            return Err(StoreError::ChangedWhileRead(
                self.path.display().to_string(),
            ));
        }
        Ok(())
    }
}

/// Whether raw bytes are kept readable or encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RawWriter {
    /// Readable: no personal data.
    Plain,
    /// Encrypted with a key of their own.
    Encrypted,
}

/// What was read of a file.
struct Packed {
    sha256: String,
    /// How many bytes it has.
    length: u64,
}

/// Reads a file, and hands it on compressed, frame by frame.
fn pack(path: &FilePath, take: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Packed> {
    let mut source = std::fs::File::open(path).map_err(on_file(path))?;
    let mut compressor = Compressor::new(COMPRESSION_LEVEL).map_err(on_file(path))?;
    let mut hasher = Sha256::new();
    let mut length = 0;
    let (mut frame, mut packed) = (Vec::new(), Vec::new());
    loop {
        frame.clear();
        let mut part = (&mut source).take(FRAME_BYTES as u64);
        let count = part.read_to_end(&mut frame).map_err(on_file(path))?;
        if count == 0 && length > 0 {
            break;
        }
        hasher.update(&frame);
        length += count as u64;
        packed.clear();
        packed.reserve(zstd::zstd_safe::compress_bound(count));
        let compressed = compressor.compress_to_buffer(&frame, &mut packed);
        compressed.map_err(on_file(path))?;
        take(&packed)?;
        if count < FRAME_BYTES {
            break;
        }
    }
    Ok(Packed {
        sha256: hexadecimal(&hasher.finalize()),
        length,
    })
}

/// Compressed frames on their way into the store: what is small is held, and the rest goes to a place of its own until its
/// name is known.
struct Incoming {
    place: Path,
    held: Vec<Bytes>,
    held_bytes: usize,
    upload: Option<WriteMultipart>,
}

impl Incoming {
    async fn add(&mut self, store: &dyn ObjectStore, frame: Bytes) -> Result<()> {
        if let Some(upload) = &mut self.upload {
            upload.wait_for_capacity(PARTS_AT_ONCE).await?;
            upload.put(frame);
            return Ok(());
        }
        self.held_bytes += frame.len();
        self.held.push(frame);
        if self.held_bytes > MEMORY_BYTES {
            let mut upload = WriteMultipart::new(store.put_multipart(&self.place).await?);
            for frame in self.held.drain(..) {
                upload.put(frame);
            }
            self.upload = Some(upload);
        }
        Ok(())
    }

    /// Gives it its name, unless there is a file of that name already. Returns whether it is new.
    async fn settle(mut self, store: &dyn ObjectStore, target: &Path) -> Result<bool> {
        let is_new = store.head(target).await.is_err();
        match self.upload.take() {
            None if is_new => {
                let payload: PutPayload = self.held.into_iter().collect();
                store.put(target, payload).await?;
            }
            None => {}
            Some(upload) if is_new => {
                upload.finish().await?;
                store.rename(&self.place, target).await?;
            }
            Some(upload) => upload.abort().await?,
        }
        Ok(is_new)
    }

    async fn discard(self) {
        if let Some(upload) = self.upload {
            // What went wrong matters more than what could not be cleared away after it.
            let _cleared = upload.abort().await;
        }
    }
}

impl Journal {
    /// Stores the bytes of a file. Storing the same content twice keeps one copy, unless it is encrypted.
    ///
    /// # Errors
    /// The file cannot be read or the store not written.
    pub async fn store_raw(
        &self,
        path: &FilePath,
        name: &str,
        writer: RawWriter,
    ) -> Result<RawFile> {
        let metadata = std::fs::metadata(path).map_err(on_file(path))?;
        let unchanged = |length: u64| {
            let is_whole = length == metadata.len();
            let changed = || StoreError::ChangedWhileRead(path.display().to_string());
            is_whole.then_some(()).ok_or_else(changed)
        };
        let (packed, place, is_new) = match writer {
            RawWriter::Plain => {
                let (incoming, packed) = self.receive(path).await?;
                if let Err(changed) = unchanged(packed.length) {
                    incoming.discard().await;
                    return Err(changed);
                }
                let place = format!("raw/{}.zst", packed.sha256);
                let target = self.raw_path(&place);
                let is_new = incoming.settle(self.store.as_ref(), &target).await?;
                (packed, place, is_new)
            }
            RawWriter::Encrypted => {
                let place = format!("raw/{}.zst.enc", uuid::Uuid::new_v4());
                let packed = self.encrypt(path, &place).await?;
                unchanged(packed.length)?;
                (packed, place, true)
            }
        };
        let raw = RawFile {
            reference: RawReference {
                name: name.to_owned(),
                sha256: packed.sha256,
                bytes: packed.length,
                path: place,
                is_encrypted: writer == RawWriter::Encrypted,
            },
            is_new,
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        };
        raw.check_unchanged()?;
        Ok(raw)
    }

    /// Reads a file and compresses it on its way into the store.
    async fn receive(&self, path: &FilePath) -> Result<(Incoming, Packed)> {
        let mut incoming = Incoming {
            place: self.raw_path(&format!("raw/{INCOMING}{}", uuid::Uuid::new_v4())),
            held: Vec::new(),
            held_bytes: 0,
            upload: None,
        };
        let (sender, mut frames) = channel(FRAMES_WAITING);
        let source = path.to_owned();
        let packing = tokio::task::spawn_blocking(move || {
            pack(&source, &mut |frame| {
                let sent = sender.blocking_send(Bytes::copy_from_slice(frame));
                sent.map_err(StoreError::stopped)
            })
        });
        while let Some(frame) = frames.recv().await {
            if let Err(error) = incoming.add(self.store.as_ref(), frame).await {
                incoming.discard().await;
                return Err(error);
            }
        }
        match packing.await.map_err(StoreError::stopped)? {
            Ok(packed) => Ok((incoming, packed)),
            Err(error) => {
                incoming.discard().await;
                Err(error)
            }
        }
    }

    /// Reads a file, and puts it into the store compressed and encrypted.
    async fn encrypt(&self, path: &FilePath, place: &str) -> Result<Packed> {
        let (source, folder) = (path.to_owned(), self.tokens.spill_folder());
        let packing = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder).map_err(on_file(&folder))?;
            let mut file = SpooledTempFile::new_in(MEMORY_BYTES, &folder);
            let packed = pack(&source, &mut |frame| {
                file.write_all(frame).map_err(on_file(&folder))
            })?;
            file.rewind().map_err(on_file(&folder))?;
            Ok::<_, StoreError>((file, packed))
        });
        let (compressed, packed) = packing.await.map_err(StoreError::stopped)??;
        let mut key = [0; 32];
        rand::rng().fill_bytes(&mut key);
        self.tokens.keep_key(place, &key).await?;
        self.put_encrypted(&self.raw_path(place), compressed, &key)
            .await?;
        Ok(packed)
    }

    /// Takes back files that were stored for a reading that came to nothing: a replay, or one that failed.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn discard_raw(&self, files: &[RawFile]) -> Result<()> {
        let snapshot = self.snapshot().await?;
        let kept: HashSet<&str> = snapshot
            .batches()
            .iter()
            .flat_map(|batch| batch.files.iter().map(|file| file.path.as_str()))
            .collect();
        for file in files.iter().filter(|file| file.is_new) {
            let place = file.reference.path.as_str();
            if kept.contains(place) {
                continue;
            }
            match self.store.delete(&self.raw_path(place)).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.tokens.forget_key(place).await?;
        }
        Ok(())
    }

    /// Puts compressed bytes into the store part by part, encrypted.
    async fn put_encrypted(
        &self,
        target: &Path,
        mut bytes: SpooledTempFile,
        key: &[u8; 32],
    ) -> Result<()> {
        let fault = |e| StoreError::File {
            path: target.to_string(),
            source: e,
        };
        let upload = BufWriter::new(Arc::clone(&self.store), target.clone());
        let mut upload = upload.with_max_concurrency(PARTS_AT_ONCE);
        let mut encryption = Encryption::new(key);
        upload.put(encryption.nonce.to_vec().into()).await?;
        let mut block = read_block(&mut bytes).map_err(fault)?;
        loop {
            // An encrypted stream says which block is its last.
            let next = read_block(&mut bytes).map_err(fault)?;
            if next.is_empty() {
                upload.put(encryption.last(&block)?.into()).await?;
                break;
            }
            upload.put(encryption.next(&block)?.into()).await?;
            block = next;
        }
        Ok(upload.complete().await?)
    }

    fn raw_path(&self, place: &str) -> Path {
        below(&self.prefix, place)
    }

    /// Reads the bytes of a stored file; `None` where it was redacted or its key erased.
    ///
    /// # Errors
    /// It is missing, or damaged.
    pub async fn read_raw(&self, reference: &RawReference) -> Result<Option<Vec<u8>>> {
        let stored = match self.store.get(&self.raw_path(&reference.path)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => {
                let tombstone = self.raw_path(&tombstone_of(&reference.path));
                return match self.store.head(&tombstone).await {
                    Ok(_) => Ok(None),
                    Err(_) => Err(StoreError::damaged(
                        format!("原本がありません: {}", reference.path),
                        format!("raw evidence is missing: {}", reference.path),
                    )),
                };
            }
            Err(error) => return Err(error.into()),
        };
        let compressed = if reference.is_encrypted {
            let Some(key) = self.tokens.key(&reference.path).await? else {
                return Ok(None);
            };
            decrypt(&key, &stored).ok_or_else(|| damaged(reference))?
        } else {
            stored.to_vec()
        };
        let bytes = zstd::decode_all(compressed.as_slice()).map_err(|_| damaged(reference))?;
        let sha256 = hexadecimal(&Sha256::digest(&bytes));
        if sha256 == reference.sha256 {
            Ok(Some(bytes))
        } else {
            Err(damaged(reference))
        }
    }

    /// Takes a raw file away and leaves a tombstone with the reason, which verification accepts.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn redact_raw(&self, reference: &RawReference, reason: &str) -> Result<()> {
        let tombstone =
            serde_json::json!({ "sha256": reference.sha256, "reason": reason }).to_string();
        self.store
            .put(
                &self.raw_path(&tombstone_of(&reference.path)),
                tombstone.into_bytes().into(),
            )
            .await?;
        self.store.delete(&self.raw_path(&reference.path)).await?;
        self.tokens.forget_key(&reference.path).await
    }

    /// Tells whether a raw file was taken away.
    pub(crate) async fn is_redacted(&self, reference: &RawReference) -> Result<bool> {
        match self
            .store
            .head(&self.raw_path(&tombstone_of(&reference.path)))
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// What stands in the place of a file that was taken away.
pub(crate) fn tombstone_of(path: &str) -> String {
    format!("{path}.redacted")
}

fn damaged(reference: &RawReference) -> StoreError {
    let (path, name) = (&reference.path, &reference.name);
    StoreError::damaged(
        format!("原本が取込時のものと一致しません: {path}({name})"),
        format!("raw evidence is not what was read: {path} ({name})"),
    )
}
