//! Packages of the npm registry that tests use, installed by their lock files: once for all tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

/// The folder in which a package is installed with all that it needs.
pub(crate) fn installed(name: &str, package: &str, lock: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join(format!("{name}-{:x}", Sha256::digest(lock)));
    if folder.join("node_modules").exists() {
        return folder;
    }
    let fresh = tempfile::tempdir_in(target).expect("a temporary folder can be made");
    for (name, text) in [("package.json", package), ("package-lock.json", lock)] {
        std::fs::write(fresh.path().join(name), text).expect("the file can be written");
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent"]).current_dir(fresh.path());
    let status = npm.status().expect("npm is installed");
    assert!(status.success(), "{status}");
    let fresh = fresh.keep();
    if std::fs::rename(&fresh, &folder).is_err() {
        // Another test was faster.
        std::fs::remove_dir_all(fresh).expect("the folder can be taken away");
    }
    folder
}
