//! Opens the bytes of evidence: a file as it is, one that is packed with gzip, or the members of a zip
//! archive, and never more of them than the limits allow.
//!
//! *Source*: RFC 1952 (gzip); PKWARE APPNOTE 6.3 (zip): members that are stored or deflated. What is
//! packed is known by its first bytes, not by its name. An archive within an archive is not opened.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Component, Path};

use flate2::Crc;
use flate2::read::{DeflateDecoder, MultiGzDecoder};
use keiki_model::text::Text;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::encoding::{self, Encoding};
use crate::error::IngestError;
use crate::limits::{FILE_COUNT, Quantity, UNPACKED_BYTES, UNPACKED_FREE_BYTES, UNPACKED_RATIO};
use crate::place::InputFile;

const BUFFER_BYTES: usize = 64 << 10;
const GZIP: [u8; 2] = [0x1F, 0x8B];
const ZIP: [u8; 4] = *b"PK\x03\x04";
const EMPTY_ZIP: [u8; 4] = *b"PK\x05\x06";

/// Whether files that are archives by their form are evidence themselves, as workbooks are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Archives {
    /// They hold files of evidence.
    Opened,
    /// They are evidence, unless they are called `.zip`.
    Kept,
}

/// The files of a reading with the members of archives in their places, each to be read in the stated
/// encoding.
///
/// # Errors
/// A file cannot be read, or an archive holds what may not be in it.
pub(crate) fn members(
    files: &[InputFile],
    archives: Archives,
    encoding: Option<Encoding>,
) -> Result<Vec<InputFile>, IngestError> {
    let mut found = Vec::new();
    for file in files {
        let mut file = file.clone();
        file.encoding = encoding;
        if is_archive(&file, archives)? {
            members_of(&file, &mut found)?;
        } else {
            found.push(file);
        }
        if found.len() > FILE_COUNT {
            return Err(IngestError::TooLarge {
                file: files.first().map(|f| f.name.clone()).unwrap_or_default(),
                what: Quantity::Files,
                limit: FILE_COUNT,
            });
        }
    }
    Ok(found)
}

fn is_archive(file: &InputFile, archives: Archives) -> Result<bool, IngestError> {
    if archives == Archives::Kept && !has_extension(&file.path, "zip") {
        return Ok(false);
    }
    let mut start = Vec::new();
    File::open(&file.path)
        .and_then(|opened| opened.take(ZIP.len() as u64).read_to_end(&mut start))
        .map_err(|e| IngestError::io(&file.name, e))?;
    Ok(start == ZIP || start == EMPTY_ZIP)
}

/// An archive that cannot be read as one; what is wrong its reader says in English only.
fn broken(file: &str, error: &ZipError) -> IngestError {
    IngestError::Broken {
        file: file.to_owned(),
        detail: Box::new(Text::quoted(error)),
    }
}

fn has_extension(path: &Path, expected: &str) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case(expected))
}

/// Lists the files in an archive in the order of their names.
fn members_of(file: &InputFile, found: &mut Vec<InputFile>) -> Result<(), IngestError> {
    let fault = |ja: String, en: String| IngestError::Archive {
        file: file.name.clone(),
        detail: Box::new(Text::new(ja, en)),
    };
    let mut archive = open_archive(file)?;
    let mut members = Vec::new();
    for number in 0..archive.len().min(FILE_COUNT + 1) {
        let member = archive
            .by_index_raw(number)
            .map_err(|e| broken(&file.name, &e))?;
        let name = encoding::name(member.name_raw());
        if member.is_dir() || is_left_out(&name) {
            continue;
        }
        if leads_out(&name) || member.is_symlink() {
            return Err(fault(
                format!("書庫の外を指すファイルがあります: {name}"),
                format!("a member leads out of it: {name}"),
            ));
        }
        if has_extension(Path::new(&name), "zip") {
            return Err(fault(
                format!("書庫の中の書庫は開きません: {name}"),
                format!("an archive within it is not opened: {name}"),
            ));
        }
        if member.encrypted() {
            return Err(fault(
                format!("暗号化されたファイルがあります: {name}"),
                format!("a member is encrypted: {name}"),
            ));
        }
        if !matches!(
            member.compression(),
            CompressionMethod::Stored | CompressionMethod::Deflated
        ) {
            return Err(fault(
                format!("対応していない圧縮方式のファイルがあります: {name}"),
                format!("a member is neither stored nor deflated: {name}"),
            ));
        }
        members.push(InputFile {
            name: format!("{}/{name}", file.name),
            member: Some(number),
            ..file.clone()
        });
    }
    if members.is_empty() {
        return Err(fault(
            "ファイルが入っていません".to_owned(),
            "it holds no file".to_owned(),
        ));
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    found.append(&mut members);
    Ok(())
}

/// What programs leave in archives beside what people put in.
fn is_left_out(name: &str) -> bool {
    let base = name.rsplit('/').next().unwrap_or(name);
    name.starts_with("__MACOSX/") || base.starts_with('.')
}

fn leads_out(name: &str) -> bool {
    let inside = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
    let has_drive = name.as_bytes().get(1) == Some(&b':');
    name.contains(['\\', '\0']) || has_drive || !Path::new(name).components().all(inside)
}

fn open_archive(file: &InputFile) -> Result<ZipArchive<BufReader<File>>, IngestError> {
    let opened = File::open(&file.path).map_err(|e| IngestError::io(&file.name, e))?;
    ZipArchive::new(BufReader::new(opened)).map_err(|e| broken(&file.name, &e))
}

/// Opens the bytes of a file.
///
/// # Errors
/// It cannot be read.
pub(crate) fn open(input: &InputFile) -> Result<Box<dyn BufRead>, IngestError> {
    let fault = |e| IngestError::io(&input.name, e);
    if let Some(number) = input.member {
        return open_member(input, number);
    }
    let file = File::open(&input.path).map_err(fault)?;
    let packed = file.metadata().map_err(fault)?.len();
    let mut reader = BufReader::with_capacity(BUFFER_BYTES, file);
    if !reader.fill_buf().map_err(fault)?.starts_with(&GZIP) {
        return Ok(Box::new(reader));
    }
    let bounded = Bounded::new(MultiGzDecoder::new(reader), packed, None);
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, bounded)))
}

fn open_member(input: &InputFile, number: usize) -> Result<Box<dyn BufRead>, IngestError> {
    let fault = |e| IngestError::io(&input.name, e);
    let mut archive = open_archive(input)?;
    let (start, packed, crc, compression) = {
        let member = archive
            .by_index_raw(number)
            .map_err(|e| IngestError::internal(&e))?;
        let start = member
            .data_start()
            .ok_or_else(|| IngestError::internal(&"a member of an archive has no place"))?;
        (
            start,
            member.compressed_size(),
            member.crc32(),
            member.compression(),
        )
    };
    let mut file = File::open(&input.path).map_err(fault)?;
    file.seek(SeekFrom::Start(start)).map_err(fault)?;
    let bytes = BufReader::with_capacity(BUFFER_BYTES, file).take(packed);
    let reader: Box<dyn Read> = if compression == CompressionMethod::Stored {
        Box::new(bytes)
    } else {
        Box::new(DeflateDecoder::new(bytes))
    };
    let bounded = Bounded::new(reader, packed, Some(crc));
    Ok(Box::new(BufReader::with_capacity(BUFFER_BYTES, bounded)))
}

/// Takes all bytes of a file, for forms that are not read from their beginning to their end.
///
/// # Errors
/// It cannot be read, or is larger than `limit`.
pub(crate) fn whole(input: &InputFile, limit: usize) -> Result<Cursor<Vec<u8>>, IngestError> {
    let mut bytes = Vec::new();
    open(input)?
        .take(limit as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| IngestError::io(&input.name, e))?;
    if bytes.len() > limit {
        return Err(IngestError::TooLarge {
            file: input.name.clone(),
            what: Quantity::FileBytes,
            limit,
        });
    }
    Ok(Cursor::new(bytes))
}

/// Opens the bytes of a file for forms that are not read from their beginning to their end, and may be large: what is packed is
/// unpacked to a temporary file, which is gone when it is closed.
///
/// # Errors
/// It cannot be read, or more comes out of it than the limits allow.
pub(crate) fn seekable(input: &InputFile) -> Result<File, IngestError> {
    let fault = |e| IngestError::io(&input.name, e);
    let mut file = File::open(&input.path).map_err(fault)?;
    if input.member.is_none() {
        let mut start = Vec::new();
        (&file)
            .take(GZIP.len() as u64)
            .read_to_end(&mut start)
            .map_err(fault)?;
        if start != GZIP {
            file.rewind().map_err(fault)?;
            return Ok(file);
        }
    }
    let mut unpacked = tempfile::tempfile().map_err(fault)?;
    io::copy(&mut open(input)?, &mut unpacked).map_err(fault)?;
    unpacked.rewind().map_err(fault)?;
    Ok(unpacked)
}

/// Unpacks every member of an archive and throws it away, so that what is too large shows before
/// something else holds it in memory.
///
/// # Errors
/// Together they are larger than `limit`, or grow more than the limits allow.
pub(crate) fn weigh(bytes: &[u8], file: &str, limit: usize) -> Result<(), IngestError> {
    let fault = |e: ZipError| broken(file, &e);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(fault)?;
    let mut left = limit as u64;
    for number in 0..archive.len() {
        let member = archive.by_index(number).map_err(fault)?;
        let packed = member.compressed_size();
        let bounded = Bounded::new(member, packed, None);
        let unpacked = io::copy(&mut bounded.take(left + 1), &mut io::sink());
        let unpacked = unpacked.map_err(|e| IngestError::io(file, e))?;
        left = left
            .checked_sub(unpacked)
            .ok_or_else(|| IngestError::TooLarge {
                file: file.to_owned(),
                what: Quantity::UnpackedBytes,
                limit,
            })?;
    }
    Ok(())
}

/// More came out of a packed file than the limits allow.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("more than {}", what.amount(*limit).en)]
pub(crate) struct Overflow {
    pub(crate) what: Quantity,
    pub(crate) limit: u64,
}

/// What came out of a packed file is not what went in.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("its checksum is another")]
pub(crate) struct Altered;

/// What is packed cannot be unpacked.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(crate) enum Damaged {
    /// It ends before it is whole.
    #[error("what is packed ends too early")]
    CutOff,
    /// It is not what a packer writes.
    #[error("what is packed is damaged")]
    Corrupt,
}

/// Tells what is wrong with packed bytes from what is wrong with reading them.
fn damaged(error: io::Error) -> io::Error {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => Damaged::CutOff,
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Damaged::Corrupt,
        _ => return error,
    };
    io::Error::new(error.kind(), what)
}

/// Unpacks, and stops where more comes out than may, or at the end where something else does than was
/// put in.
struct Bounded<R> {
    input: R,
    packed: u64,
    unpacked: u64,
    crc: Option<(Crc, u32)>,
}

impl<R: Read> Bounded<R> {
    fn new(input: R, packed: u64, crc: Option<u32>) -> Self {
        Self {
            input,
            packed,
            unpacked: 0,
            crc: crc.map(|expected| (Crc::new(), expected)),
        }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.input.read(buffer).map_err(damaged)?;
        self.unpacked += length as u64;
        let overflow = |what, limit| Err(io::Error::other(Overflow { what, limit }));
        if self.unpacked > UNPACKED_BYTES {
            return overflow(Quantity::UnpackedBytes, UNPACKED_BYTES);
        }
        let most = self.packed.saturating_mul(UNPACKED_RATIO);
        if self.unpacked > most.max(UNPACKED_FREE_BYTES) {
            return overflow(Quantity::UnpackedTimes, UNPACKED_RATIO);
        }
        if let Some((crc, expected)) = &mut self.crc {
            crc.update(&buffer[..length]);
            if length == 0 && !buffer.is_empty() && crc.sum() != *expected {
                let kind = io::ErrorKind::InvalidData;
                return Err(io::Error::new(kind, Altered));
            }
        }
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_of_an_archive_are_known() {
        for name in [
            "../x.csv",
            "a/../../x.csv",
            "/etc/x.csv",
            "a\\..\\x.csv",
            "C:/x.csv",
            "x\0.csv",
        ] {
            assert!(leads_out(name), "{name}");
        }
        for name in ["x.csv", "a/b/x.csv", "./x.csv", "資産.csv"] {
            assert!(!leads_out(name), "{name}");
        }
    }

    #[test]
    fn what_unpacks_to_too_much_is_stopped() {
        let mut bounded = Bounded::new(io::repeat(0), 1, None);
        let error = io::copy(&mut bounded, &mut io::sink()).expect_err("it never ends");
        let overflow = error.get_ref().and_then(|e| e.downcast_ref::<Overflow>());
        assert_eq!(overflow.map(|o| o.limit), Some(UNPACKED_RATIO));
        assert!(bounded.unpacked <= UNPACKED_FREE_BYTES + (1 << 20));
    }

    #[test]
    fn another_checksum_is_an_error() {
        let mut bounded = Bounded::new(&b"abc"[..], 3, Some(0));
        assert!(io::copy(&mut bounded, &mut io::sink()).is_err());
    }
}
