//! What is being worked with in a folder that several programs share, so that none takes it from another or tidies it away.
//!
//! Beside what is used lies a file that is locked as long as it is used. The system ends the lock with the program that has it, however
//! that ends, so that nobody has to guess by the clock who is still there. *Source*: decision 0120.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Result, on_file};

/// With what the name of a file ends that is locked as long as what has its name is used.
const LOCK: &str = "lock";

/// Something that is used, until the value goes.
#[derive(Debug)]
pub struct InUse {
    lock: File,
    path: PathBuf,
    after: After,
}

/// What becomes of the file that was locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum After {
    /// It goes: what was used is gone too, and nobody else ever has its name.
    Goes,
    /// It stays, for the next who uses the same.
    Stays,
}

impl InUse {
    /// Uses something under a name that nobody else has.
    pub(crate) fn new(folder: &Path, name: &str) -> Result<Self> {
        let path = path(folder, name);
        loop {
            let lock = opened(&path)?;
            lock.lock().map_err(on_file(&path))?;
            // Whoever tidies may have taken it away before it was locked.
            if path.exists() {
                let after = After::Goes;
                return Ok(Self { lock, path, after });
            }
        }
    }

    /// Uses something that others use too, of two at the same time one; `None` where somebody does. The file that is locked has to stay
    /// as long as what is used.
    pub(crate) fn take(folder: &Path, name: &str) -> Result<Option<Self>> {
        let path = path(folder, name);
        let lock = opened(&path)?;
        let after = After::Stays;
        Ok(locked(&lock, &path)?.then_some(Self { lock, path, after }))
    }

    /// Whether nobody uses something, which then stays so.
    pub(crate) fn unused(folder: &Path, name: &str) -> Result<Unused> {
        let path = path(folder, name);
        let lock = match File::options().write(true).open(&path) {
            Ok(lock) => lock,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Unused::Yes(None));
            }
            Err(error) => return Err(on_file(&path)(error)),
        };
        let after = After::Stays;
        if locked(&lock, &path)? {
            Ok(Unused::Yes(Some(Self { lock, path, after })))
        } else {
            Ok(Unused::No)
        }
    }

    /// Keeps the file that is locked: others will use the same.
    pub(crate) fn for_others(mut self) -> Self {
        self.after = After::Stays;
        self
    }
}

/// Whether nobody uses something.
#[derive(Debug)]
pub(crate) enum Unused {
    /// Nobody does, and as long as the value is there nobody will.
    Yes(Option<InUse>),
    /// Somebody does.
    No,
}

impl Drop for InUse {
    fn drop(&mut self) {
        if self.after == After::Goes {
            // What cannot be taken away now is tidied away later.
            drop(std::fs::remove_file(&self.path));
        }
        drop(self.lock.unlock());
    }
}

/// Where the file lies that is locked.
pub(crate) fn path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.{LOCK}"))
}

fn opened(path: &Path) -> Result<File> {
    let mut options = File::options();
    let options = options.create(true).write(true).truncate(false);
    options.open(path).map_err(on_file(path))
}

fn locked(lock: &File, path: &Path) -> Result<bool> {
    match lock.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(on_file(path)(error)),
    }
}
