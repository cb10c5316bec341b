//! Raw evidence: the bytes of each file read, compressed, by content hash; encrypted where they hold personal data.

use std::collections::{HashSet, VecDeque};
use std::io::{Read, Seek, Write};
use std::path::Path as FilePath;
use std::time::SystemTime;

use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use keiki_model::text::hexadecimal;
use object_store::path::Path;
use object_store::{ObjectStoreExt, WriteMultipart};
use rand::RngCore;
use sha2::{Digest, Sha256};
use tempfile::SpooledTempFile;
use tokio::task::JoinHandle;

use crate::batches::RawReference;
use crate::error::{Result, StoreError, on_file};
use crate::journal::Journal;

/// Bytes of compressed data per encrypted block.
const BLOCK_BYTES: usize = 64 * 1024;

/// Bytes that are read and compressed at once; each such part is a frame of its own, which costs no more than a window would.
const FRAME_BYTES: usize = 4 << 20;

/// How hard it is tried to make files smaller: the least of what the format calls ordinary.
const COMPRESSION_LEVEL: i32 = 1;

/// Compressed bytes that are held in memory; more lie in a temporary file until their name is known.
const MEMORY_BYTES: usize = 4 << 20;

/// Frames that are compressed at a time.
const FRAMES_AT_ONCE: usize = 2;

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

/// Frames on their way to a temporary file: some are compressed at a time, each on a thread of its own.
struct Packed {
    file: SpooledTempFile,
    underway: VecDeque<JoinHandle<std::io::Result<Vec<u8>>>>,
}

impl Packed {
    async fn add(&mut self, frame: Vec<u8>) -> Result<()> {
        if self.underway.len() == FRAMES_AT_ONCE {
            self.write_first().await?;
        }
        let compress = move || zstd::bulk::compress(&frame, COMPRESSION_LEVEL);
        self.underway
            .push_back(tokio::task::spawn_blocking(compress));
        Ok(())
    }

    async fn write_first(&mut self) -> Result<()> {
        let fault = |source| StoreError::File {
            path: "*.zst".to_owned(),
            source,
        };
        if let Some(frame) = self.underway.pop_front() {
            let frame = frame.await.map_err(StoreError::stopped)?.map_err(fault)?;
            self.file.write_all(&frame).map_err(fault)?;
        }
        Ok(())
    }

    async fn finish(mut self) -> Result<SpooledTempFile> {
        while !self.underway.is_empty() {
            self.write_first().await?;
        }
        Ok(self.file)
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
        let mut file = std::fs::File::open(path).map_err(on_file(path))?;
        let mut hasher = Sha256::new();
        let folder = self.tokens.spill_folder();
        std::fs::create_dir_all(&folder).map_err(on_file(&folder))?;
        let mut packed = Packed {
            file: SpooledTempFile::new_in(MEMORY_BYTES, &folder),
            underway: VecDeque::new(),
        };
        let expected = usize::try_from(metadata.len()).unwrap_or(FRAME_BYTES);
        let mut length = 0;
        loop {
            let mut frame = Vec::with_capacity(expected.clamp(1, FRAME_BYTES));
            let mut part = (&mut file).take(FRAME_BYTES as u64);
            let count = part.read_to_end(&mut frame).map_err(on_file(path))?;
            if count == 0 && length > 0 {
                break;
            }
            hasher.update(&frame);
            length += count as u64;
            packed.add(frame).await?;
            if count < FRAME_BYTES {
                break;
            }
        }
        let mut compressed = packed.finish().await?;
        compressed.rewind().map_err(on_file(&folder))?;
        let sha256 = hexadecimal(&hasher.finalize());
        let (place, key) = match writer {
            RawWriter::Plain => (format!("raw/{sha256}.zst"), None),
            RawWriter::Encrypted => {
                let place = format!("raw/{}.zst.enc", uuid::Uuid::new_v4());
                let mut key = [0; 32];
                rand::rng().fill_bytes(&mut key);
                self.tokens.keep_key(&place, &key).await?;
                (place, Some(key))
            }
        };
        let target = self.raw_path(&place);
        let is_new = writer == RawWriter::Encrypted || self.store.head(&target).await.is_err();
        if is_new {
            self.put_raw(&target, compressed, key).await?;
        }
        let raw = RawFile {
            reference: RawReference {
                name: name.to_owned(),
                sha256,
                bytes: length,
                path: place,
                is_encrypted: writer == RawWriter::Encrypted,
            },
            is_new,
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        };
        if length != metadata.len() {
            return Err(StoreError::ChangedWhileRead(path.display().to_string()));
        }
        raw.check_unchanged()?;
        Ok(raw)
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

    /// Puts compressed bytes into the store part by part.
    async fn put_raw(
        &self,
        target: &Path,
        mut bytes: SpooledTempFile,
        key: Option<[u8; 32]>,
    ) -> Result<()> {
        let fault = |e| StoreError::File {
            path: target.to_string(),
            source: e,
        };
        let mut upload = WriteMultipart::new(self.store.put_multipart(target).await?);
        let mut encryptor = key.map(|key| Encryption::new(&key));
        if let Some(encryptor) = &encryptor {
            upload.write(&encryptor.nonce);
        }
        let mut block = read_block(&mut bytes).map_err(fault)?;
        loop {
            // An encrypted stream says which block is its last.
            let next = read_block(&mut bytes).map_err(fault)?;
            let is_last = next.is_empty();
            let part = match encryptor.take() {
                None => block,
                Some(encryption) if is_last => encryption.last(&block)?,
                Some(mut encryption) => {
                    let part = encryption.next(&block)?;
                    encryptor = Some(encryption);
                    part
                }
            };
            upload.wait_for_capacity(PARTS_AT_ONCE).await?;
            upload.write(&part);
            if is_last {
                break;
            }
            block = next;
        }
        upload.finish().await?;
        Ok(())
    }

    fn raw_path(&self, place: &str) -> Path {
        Path::from(format!("{}/{place}", self.prefix))
    }

    /// Reads the bytes of a stored file; `None` where it was redacted or its key erased.
    ///
    /// # Errors
    /// It is missing, or damaged.
    pub async fn read_raw(&self, reference: &RawReference) -> Result<Option<Vec<u8>>> {
        let stored = match self.store.get(&self.raw_path(&reference.path)).await {
            Ok(found) => found.bytes().await?,
            Err(object_store::Error::NotFound { .. }) => {
                let tombstone = self.raw_path(&tombstone_of(reference));
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
                &self.raw_path(&tombstone_of(reference)),
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
            .head(&self.raw_path(&tombstone_of(reference)))
            .await
        {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn tombstone_of(reference: &RawReference) -> String {
    format!("{}.redacted", reference.path)
}

fn damaged(reference: &RawReference) -> StoreError {
    let (path, name) = (&reference.path, &reference.name);
    StoreError::damaged(
        format!("原本が取込時のものと一致しません: {path}({name})"),
        format!("raw evidence is not what was read: {path} ({name})"),
    )
}

/// Reads up to the bytes of a block; none at the end.
fn read_block(bytes: &mut impl Read) -> std::io::Result<Vec<u8>> {
    read_up_to(bytes, BLOCK_BYTES)
}

fn read_up_to(bytes: &mut impl Read, count: usize) -> std::io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(count);
    bytes.take(count as u64).read_to_end(&mut block)?;
    Ok(block)
}

/// Writes what is read, encrypted block by block; `place` is where it goes, for messages.
pub(crate) fn encrypt_file(
    mut source: &mut dyn Read,
    out: &mut dyn Write,
    key: &[u8; 32],
    place: &FilePath,
) -> Result<()> {
    let mut encryption = Encryption::new(key);
    out.write_all(&encryption.nonce).map_err(on_file(place))?;
    let mut block = read_block(&mut source).map_err(on_file(place))?;
    loop {
        // An encrypted stream says which block is its last.
        let next = read_block(&mut source).map_err(on_file(place))?;
        if next.is_empty() {
            let last = encryption.last(&block)?;
            return out.write_all(&last).map_err(on_file(place));
        }
        let part = encryption.next(&block)?;
        out.write_all(&part).map_err(on_file(place))?;
        block = next;
    }
}

/// Writes what `encrypt_file` wrote as it was.
///
/// # Errors
/// It was cut or changed, or the key is another.
pub(crate) fn decrypt_file(
    mut source: &mut dyn Read,
    out: &mut dyn Write,
    key: &[u8],
    place: &FilePath,
) -> Result<()> {
    let broken = || {
        let place = place.display();
        StoreError::damaged(
            format!("保管したファイルを読めません: {place}"),
            format!("a file that was kept cannot be read: {place}"),
        )
    };
    let cipher = ChaCha20Poly1305::new_from_slice(key).map_err(|_| broken())?;
    let nonce = read_up_to(&mut source, 7).map_err(on_file(place))?;
    let nonce: [u8; 7] = nonce.try_into().map_err(|_| broken())?;
    let mut decryptor = DecryptorBE32::from_aead(cipher, (&nonce).into());
    let mut block = read_up_to(&mut source, BLOCK_BYTES + 16).map_err(on_file(place))?;
    loop {
        let next = read_up_to(&mut source, BLOCK_BYTES + 16).map_err(on_file(place))?;
        if next.is_empty() {
            let last = decryptor
                .decrypt_last(block.as_slice())
                .map_err(|_| broken())?;
            return out.write_all(&last).map_err(on_file(place));
        }
        let part = decryptor
            .decrypt_next(block.as_slice())
            .map_err(|_| broken())?;
        out.write_all(&part).map_err(on_file(place))?;
        block = next;
    }
}

/// Encrypts in blocks with a random nonce prefix before them. *Source*: the STREAM construction (Hoang et al., CRYPTO 2015)
/// over ChaCha20-Poly1305 (RFC 8439).
struct Encryption {
    nonce: [u8; 7],
    encryptor: EncryptorBE32<ChaCha20Poly1305>,
}

impl Encryption {
    fn new(key: &[u8; 32]) -> Self {
        let mut nonce = [0; 7];
        rand::rng().fill_bytes(&mut nonce);
        let cipher = ChaCha20Poly1305::new(key.into());
        Self {
            nonce,
            encryptor: EncryptorBE32::from_aead(cipher, (&nonce).into()),
        }
    }

    fn next(&mut self, block: &[u8]) -> Result<Vec<u8>> {
        self.encryptor
            .encrypt_next(block)
            .map_err(|_| cannot_encrypt())
    }

    fn last(self, block: &[u8]) -> Result<Vec<u8>> {
        self.encryptor
            .encrypt_last(block)
            .map_err(|_| cannot_encrypt())
    }
}

fn cannot_encrypt() -> StoreError {
    StoreError::damaged("原本を暗号化できません", "raw evidence cannot be encrypted")
}

fn decrypt(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    let (nonce, rest) = bytes.split_at_checked(7)?;
    let cipher = ChaCha20Poly1305::new_from_slice(key).ok()?;
    let mut decryptor = DecryptorBE32::from_aead(cipher, nonce.into());
    let mut out = Vec::with_capacity(rest.len());
    let mut blocks = rest.chunks(BLOCK_BYTES + 16).peekable();
    while let Some(block) = blocks.next() {
        if blocks.peek().is_none() {
            out.extend(decryptor.decrypt_last(block).ok()?);
            return Some(out);
        }
        out.extend(decryptor.decrypt_next(block).ok()?);
    }
    None
}
