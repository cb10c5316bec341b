//! Keys that sign statements: made in the workspace's state where only their owner can read them, or named by their file.

use std::io::Write;
use std::path::{Path, PathBuf};

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{SigningKey, VerifyingKey};
use keiki_model::text::Text;
use rand::RngCore;

use crate::config::{STATE_FOLDER, Workspace};
use crate::error::{Error, Result};

/// The folder of keys in the workspace's state.
const FOLDER: &str = "keys";

/// A key of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its public part, as PEM.
    pub public: String,
}

/// Makes a key. Only its owner can read the file. Returns its public part.
///
/// # Errors
/// There is one of that name, the name cannot be a file's, or the file cannot be written.
pub fn make(workspace: &Workspace, name: &str) -> Result<Key> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_plain) {
        return Err(Error::user(
            Text::new(
                format!("鍵の名前に使えません: {name}"),
                format!("not a name for a key: {name}"),
            ),
            Text::new(
                "英数字とハイフン、下線を使ってください",
                "use letters, digits, hyphens and underscores",
            ),
        ));
    }
    let path = file(workspace, name);
    let mut seed = [0_u8; 32];
    rand::rng().fill_bytes(&mut seed);
    let key = SigningKey::from_bytes(&seed);
    let pem = key.to_pkcs8_pem(LineEnding::LF);
    let pem = pem.map_err(|error| {
        Error::stopped(Text::new(
            format!("鍵を書き込めません: {error}"),
            format!("a key cannot be written: {error}"),
        ))
    })?;
    write_owned(&path, pem.as_bytes()).map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            return Error::user(
                Text::new(
                    format!("同じ名前の鍵があります: {name}"),
                    format!("there is a key of that name: {name}"),
                ),
                Text::new("別の名前を付けてください", "give it another name"),
            );
        }
        Error::file(&path)(error)
    })?;
    Ok(Key {
        name: name.to_owned(),
        public: written(&key.verifying_key())?,
    })
}

/// The keys of the workspace, by name.
///
/// # Errors
/// One of them cannot be read.
pub fn list(workspace: &Workspace) -> Result<Vec<Key>> {
    let folder = workspace.root.join(STATE_FOLDER).join(FOLDER);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        return Ok(Vec::new());
    };
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            name.strip_suffix(".pem").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let key = secret_key(workspace, &name)?;
            Ok(Key {
                public: written(&key.verifying_key())?,
                name,
            })
        })
        .collect()
}

/// Reads a public key from a file.
///
/// # Errors
/// It is none.
pub fn public_key(path: &Path) -> Result<VerifyingKey> {
    let text = std::fs::read_to_string(path).map_err(Error::file(path))?;
    read_public(&text).ok_or_else(|| unreadable(path))
}

/// Reads a public key.
pub(super) fn read_public(pem: &str) -> Option<VerifyingKey> {
    VerifyingKey::from_public_key_pem(pem).ok()
}

/// The key of a name, or of a file where a path is given.
pub(super) fn secret_key(workspace: &Workspace, name: &str) -> Result<SigningKey> {
    let is_path = name.contains(['/', '\\', '.']);
    let path = if is_path {
        PathBuf::from(name)
    } else {
        file(workspace, name)
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Error::user(
                Text::new(
                    format!("鍵がありません: {name}"),
                    format!("no such key: {name}"),
                ),
                Text::new(
                    format!("`keiki key new {name}` で作成するか、鍵のファイルを指定してください"),
                    format!("make it with `keiki key new {name}`, or name the key's file"),
                ),
            );
        }
        Error::file(&path)(error)
    })?;
    SigningKey::from_pkcs8_pem(&text).map_err(|_| unreadable(&path))
}

/// A public key as PEM.
pub(super) fn written(key: &VerifyingKey) -> Result<String> {
    let pem = key.to_public_key_pem(LineEnding::LF);
    pem.map_err(|error| {
        Error::stopped(Text::new(
            format!("鍵を書き込めません: {error}"),
            format!("a key cannot be written: {error}"),
        ))
    })
}

fn file(workspace: &Workspace, name: &str) -> PathBuf {
    let folder = workspace.root.join(STATE_FOLDER).join(FOLDER);
    folder.join(format!("{name}.pem"))
}

fn unreadable(path: &Path) -> Error {
    let path = path.display();
    Error::user(
        Text::new(
            format!("Ed25519の鍵として読めません: {path}"),
            format!("not an Ed25519 key: {path}"),
        ),
        Text::new(
            "PEM形式の鍵を指定してください(`keiki key show` で公開鍵を表示できます)",
            "give a key as PEM; `keiki key show` prints public keys",
        ),
    )
}

/// Writes a file that was not there, which only its owner can read.
#[cfg(unix)]
fn write_owned(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = path.parent() {
        let mut made = std::fs::DirBuilder::new();
        made.recursive(true).mode(0o700).create(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)
}

/// Writes a file that was not there.
#[cfg(not(unix))]
fn write_owned(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).open(path)?;
    file.write_all(bytes)
}
