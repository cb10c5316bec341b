//! Puts files that were made into a folder, or into a zip file that has the same bytes whenever it is made.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::path::Path;

use keiki_model::text::Text;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::error::{Error, Result};

/// Bytes by path.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// Writes a zip file where the path ends so, else a folder that was not there.
///
/// # Errors
/// The folder is there, or nothing can be written.
pub(super) fn write(files: &Files, to: &Path) -> Result<()> {
    if to.extension().is_some_and(|extension| extension == "zip") {
        return zip(files, to);
    }
    if to.exists() {
        let shown = to.display();
        return Err(Error::user(
            Text::new(
                format!("すでに存在します: {shown}"),
                format!("exists already: {shown}"),
            ),
            Text::new(
                "新しいフォルダか、.zip で終わるファイルを指定してください",
                "name a folder that is not there, or a file that ends with .zip",
            ),
        ));
    }
    for (name, bytes) in files {
        let path = to.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(Error::file(folder))?;
        }
        std::fs::write(&path, bytes).map_err(Error::file(&path))?;
    }
    Ok(())
}

/// Writes a zip file.
///
/// # Errors
/// It cannot be written.
pub(super) fn zip(files: &Files, to: &Path) -> Result<()> {
    let bytes = zipped(files).map_err(|error| Error::stopped(Text::quoted(error)))?;
    std::fs::write(to, bytes).map_err(Error::file(to))
}

fn zipped(files: &Files) -> zip::result::ZipResult<Vec<u8>> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(zip::CompressionMethod::Deflated)
        .last_modified_time(zip::DateTime::default());
    for (name, bytes) in files {
        writer.start_file(name, options)?;
        writer.write_all(bytes)?;
    }
    Ok(writer.finish()?.into_inner())
}
