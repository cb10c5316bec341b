//! Encrypts bytes in blocks, so that none is handed out that was cut or changed.

use std::io::{Read, Write};
use std::path::Path as FilePath;

use chacha20poly1305::aead::stream::{DecryptorBE32, EncryptorBE32};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit};
use rand::RngCore;

use crate::error::{Result, StoreError, on_file};

/// Bytes of compressed data per encrypted block.
const BLOCK_BYTES: usize = 64 * 1024;

/// Reads up to the bytes of a block; none at the end.
pub(super) fn read_block(bytes: &mut impl Read) -> std::io::Result<Vec<u8>> {
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
pub(super) struct Encryption {
    pub(super) nonce: [u8; 7],
    encryptor: EncryptorBE32<ChaCha20Poly1305>,
}

impl Encryption {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        let mut nonce = [0; 7];
        rand::rng().fill_bytes(&mut nonce);
        let cipher = ChaCha20Poly1305::new(key.into());
        Self {
            nonce,
            encryptor: EncryptorBE32::from_aead(cipher, (&nonce).into()),
        }
    }

    pub(super) fn next(&mut self, block: &[u8]) -> Result<Vec<u8>> {
        self.encryptor
            .encrypt_next(block)
            .map_err(|_| cannot_encrypt())
    }

    pub(super) fn last(self, block: &[u8]) -> Result<Vec<u8>> {
        self.encryptor
            .encrypt_last(block)
            .map_err(|_| cannot_encrypt())
    }
}

fn cannot_encrypt() -> StoreError {
    StoreError::damaged("原本を暗号化できません", "raw evidence cannot be encrypted")
}

/// The bytes that were encrypted whole; `None` where the key is another, or they were cut or changed.
pub(super) fn decrypt(key: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
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
