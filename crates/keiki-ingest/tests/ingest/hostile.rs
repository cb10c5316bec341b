//! Broken copies of every fixture: whatever the bytes are, a reading ends with rows that have their
//! places, or with an error that says what to do.
//!
//! The changes are those that fuzzers make, drawn from a fixed seed, so that a run is the same every
//! time. `fuzz/` looks for longer.

use std::path::{Path, PathBuf};

use keiki_ingest::{IngestError, InputFile, Kinds, Limits, Source};

use crate::fixture::{self, Fixture};

/// Broken copies of each fixture.
const COPIES: u64 = 12;

/// Bytes that mean something to one format or another.
const TOKENS: [&[u8]; 22] = [
    b"\"",
    b"\n",
    b"\r\n",
    b"\0",
    b"\xFF",
    b"\xEF\xBB\xBF",
    b",",
    b";",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"1e999",
    b"-0",
    b"9999-12-31",
    b"=1+1",
    b"PK\x03\x04",
    b"\x1F\x8B",
    b"\x83\x5C",
    b"<!ENTITY",
    b"\xED\xA0\x80",
];

#[test]
fn broken_evidence_never_stops_the_program() {
    let mut random = Random(0x6B65_696B_6900_0001);
    let mut read = 0;
    let of_files = Kinds::shipped()
        .iter()
        .filter(|kind| kind.connector.is_none());
    for kind in of_files {
        for fixture in fixtures(&kind.name) {
            for _ in 0..COPIES {
                let folder = broken_copy(&fixture, &mut random);
                check(&fixture, folder.path());
                read += 1;
            }
        }
    }
    assert!(read > 300, "only {read} copies were read");
}

/// Reads a broken copy. That it comes back at all is the greater part of the check.
fn check(fixture: &Path, folder: &Path) {
    match Fixture::open(folder).read(Limits::default()) {
        Ok(evidence) => {
            let accepted = evidence.rows.num_rows();
            assert_eq!(evidence.places.len(), accepted, "{}", fixture.display());
            for row in &evidence.rejected {
                assert!(!row.reason.message().en.is_empty() && !row.file.is_empty());
            }
        }
        Err(IngestError::Internal { detail }) => {
            unreachable!("{}: {detail}", fixture.display())
        }
        Err(error) => assert!(
            !error.hint().en.is_empty(),
            "{}: {error}",
            fixture.display()
        ),
    }
}

fn fixtures(kind: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for validity in ["valid", "invalid"] {
        let folder = Path::new("fixtures").join(kind).join(validity);
        let entries = folder.read_dir().expect("every kind has fixtures");
        found.extend(entries.map(|entry| entry.expect("the folder can be read").path()));
    }
    found.sort();
    found
}

/// Copies a fixture and changes one of its files of evidence.
fn broken_copy(fixture: &Path, random: &mut Random) -> tempfile::TempDir {
    let copy = tempfile::tempdir().expect("a temporary folder can be made");
    let mut evidence = Vec::new();
    for entry in fixture.read_dir().expect("the fixture is there") {
        let path = entry.expect("the folder can be read").path();
        let name = path.file_name().expect("files have names");
        std::fs::copy(&path, copy.path().join(name)).expect("the file can be copied");
        if !matches!(name.to_str(), Some("source.toml" | "outcome.snap")) {
            evidence.push(copy.path().join(name));
        }
    }
    evidence.sort();
    let path = &evidence[random.below(evidence.len())];
    let mut bytes = std::fs::read(path).expect("the copy can be read");
    for _ in 0..=random.below(4) {
        change(&mut bytes, random);
    }
    std::fs::write(path, bytes).expect("the copy can be written");
    copy
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let length = random.below(bytes.len() - at + 1).min(64);
    match random.below(6) {
        0 => bytes.truncate(at),
        1 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
        2 => {
            bytes.drain(at..at + length);
        }
        3 => {
            let again = bytes[at..at + length].to_vec();
            bytes.splice(at..at, again);
        }
        4 => {
            let token = TOKENS[random.below(TOKENS.len())];
            bytes.splice(at..at, token.iter().copied());
        }
        _ => {
            for byte in &mut bytes[at..at + length] {
                *byte = u8::try_from(random.below(256)).unwrap_or(0);
            }
        }
    }
}

/// Numbers that are the same in every run.
///
/// *Source*: Marsaglia, Xorshift RNGs, Journal of Statistical Software 8 (2003).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`; 0 where nothing is below it.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }
}

/// What fuzzing found, each file named after its kind and what is wrong in it.
#[test]
fn what_once_stopped_a_reader_is_evidence_that_cannot_be_used() {
    let mut read = 0;
    for entry in Path::new("tests/ingest/found")
        .read_dir()
        .expect("the folder is there")
    {
        let path = entry.expect("the folder can be read").path();
        let name = path
            .file_name()
            .expect("files have names")
            .to_string_lossy();
        let (kind, _) = name.split_once('-').expect("the kind comes first");
        let kind = Kinds::shipped().get(kind).expect("the kind ships");
        let preset = kind.dataset().unwrap_or("things");
        let source = Source::by_name("file", kind, preset);
        let files = [InputFile::new(name.as_ref(), &path)];
        let outcome = fixture::read(
            &source,
            &fixture::dataset(preset),
            &files,
            Limits::default(),
        );
        match outcome {
            Ok(evidence) => assert_eq!(evidence.places.len(), evidence.rows.num_rows(), "{name}"),
            Err(IngestError::Internal { detail }) => unreachable!("{name}: {detail}"),
            Err(error) => assert!(!error.hint().en.is_empty(), "{name}: {error}"),
        }
        read += 1;
    }
    assert!(read > 1, "only {read} files were read");
}
