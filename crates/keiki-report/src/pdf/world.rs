//! All that a document may see while it is set: the template, the report as data, three fonts. No files, no clock, no network.

use std::sync::LazyLock;

use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// The template's files by name.
const TEMPLATE: [(&str, &str); 5] = [
    ("main.typ", include_str!("template/main.typ")),
    ("style.typ", include_str!("template/style.typ")),
    ("front.typ", include_str!("template/front.typ")),
    ("groups.typ", include_str!("template/groups.typ")),
    ("closing.typ", include_str!("template/closing.typ")),
];
/// The report as data.
const DATA: &str = "report.json";

/// Noto Sans JP. *Source*: `fonts/README.md`.
static FONTS: LazyLock<Vec<Font>> = LazyLock::new(|| {
    let files: [&'static [u8]; 3] = [
        include_bytes!("../../fonts/NotoSansJP_400Regular.ttf"),
        include_bytes!("../../fonts/NotoSansJP_500Medium.ttf"),
        include_bytes!("../../fonts/NotoSansJP_700Bold.ttf"),
    ];
    let read = |file: &'static [u8]| Font::new(Bytes::new(file), 0);
    files.into_iter().filter_map(read).collect()
});
static BOOK: LazyLock<LazyHash<FontBook>> =
    LazyLock::new(|| LazyHash::new(FontBook::from_fonts(FONTS.iter())));
static LIBRARY: LazyLock<LazyHash<Library>> =
    LazyLock::new(|| LazyHash::new(<Library as LibraryExt>::default()));
static SOURCES: LazyLock<Vec<(FileId, Source)>> = LazyLock::new(|| {
    let read = |(name, text): (&str, &str)| {
        let id = id(name)?;
        Some((id, Source::new(id, text.to_owned())))
    };
    TEMPLATE.into_iter().filter_map(read).collect()
});

/// Whether the fonts have a character, or it is one that breaks a line or stands apart without being drawn.
pub(super) fn has(c: char) -> bool {
    let has = |font: &Font| font.info().coverage.contains(u32::from(c));
    matches!(c, '\n' | '\t') || FONTS.iter().all(has)
}

fn id(name: &str) -> Option<FileId> {
    let path = VirtualPath::new(name).ok()?;
    Some(RootedPath::new(VirtualRoot::Project, path).intern())
}

/// The desk on which one document is set.
#[derive(Debug)]
pub(super) struct Desk {
    data: Bytes,
}

impl Desk {
    pub(super) fn new(data: &[u8]) -> Self {
        Self {
            data: Bytes::new(data.to_vec()),
        }
    }
}

impl World for Desk {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &BOOK
    }

    fn main(&self) -> FileId {
        SOURCES[0].0
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let found = SOURCES.iter().find(|(one, _)| *one == id);
        found.map(|(_, source)| source.clone()).ok_or_else(absent)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id.vpath().file_name() == Some(DATA) {
            return Ok(self.data.clone());
        }
        Ok(Bytes::from_string(self.source(id)?.text().to_owned()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        FONTS.get(index).cloned()
    }

    /// A document knows no day but the statement's.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}

fn absent() -> FileError {
    FileError::Other(Some(
        "the document asks for a file that it does not have".into(),
    ))
}
