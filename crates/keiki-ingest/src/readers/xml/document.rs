//! Reads an XML document piece by piece, each of bounded length, and knows its line.

use std::borrow::Cow;
use std::io::{self, BufRead, Read};

use keiki_model::problem::Place;
use keiki_model::text::Text;
use memchr::memchr_iter;
use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError, SyntaxError};
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesCData, BytesRef, BytesStart, BytesText, Event};

use crate::error::IngestError;
use crate::limits::Quantity;
use crate::lines;
use crate::place::InputFile;

/// A piece of a document.
pub(super) enum Piece<'p> {
    /// An element begins.
    Start(BytesStart<'p>),
    /// Text of the innermost element, or a part of it.
    Text(PieceText<'p>),
    /// The innermost element ends.
    End,
    /// What says nothing: a comment and the like.
    Other,
    /// The document ends.
    Eof,
}

/// Text of an element.
pub(super) enum PieceText<'p> {
    Plain(BytesText<'p>),
    Data(BytesCData<'p>),
    Resolved(String),
}

impl PieceText<'_> {
    pub(super) fn content(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => text.xml10_content(),
            Self::Data(text) => text.xml10_content(),
            Self::Resolved(text) => Cow::Borrowed(text),
        }
    }
}

/// The attributes of an element by name.
pub(super) type Attributes = Vec<(String, String)>;

/// A document that is being read.
pub(super) struct Document {
    reader: Reader<Bounded<Box<dyn BufRead>>>,
    file: String,
    limit: usize,
    /// The names of the elements that are open, one behind the other, and where each begins.
    names: String,
    open: Vec<usize>,
}

impl Document {
    pub(super) fn open(input: &InputFile, piece_bytes: usize) -> Result<Self, IngestError> {
        let mut reader = Reader::from_reader(Bounded::new(lines::open_xml(input)?));
        reader.config_mut().expand_empty_elements = true;
        Ok(Self {
            reader,
            file: input.name.clone(),
            limit: piece_bytes,
            names: String::new(),
            open: Vec::new(),
        })
    }

    /// The next piece, which stands in `buffer`.
    pub(super) fn next<'p>(&mut self, buffer: &'p mut Vec<u8>) -> Result<Piece<'p>, IngestError> {
        buffer.clear();
        self.reader.get_mut().left = self.limit;
        let event = match self.reader.read_event_into(buffer) {
            Ok(event) => event,
            Err(error) => return Err(self.fault(&error)),
        };
        match event {
            Event::Start(start) => {
                self.open.push(self.names.len());
                self.names.push_str(start.local_name().as_ref());
                Ok(Piece::Start(start))
            }
            Event::End(_) => {
                self.names.truncate(self.open.pop().unwrap_or_default());
                Ok(Piece::End)
            }
            Event::Text(text) => Ok(Piece::Text(PieceText::Plain(text))),
            Event::CData(text) => Ok(Piece::Text(PieceText::Data(text))),
            Event::GeneralRef(reference) => {
                let text = self.reference(&reference)?;
                Ok(Piece::Text(PieceText::Resolved(text)))
            }
            Event::DocType(text) if text.contains("<!ENTITY") => {
                let place = self.place();
                Err(IngestError::Entities { place })
            }
            Event::Eof => self.end(),
            // The encoding that is declared was heeded when the document was opened.
            Event::Decl(_)
            | Event::Empty(_)
            | Event::Comment(_)
            | Event::PI(_)
            | Event::DocType(_) => Ok(Piece::Other),
        }
    }

    pub(super) fn place(&self) -> Place {
        Place {
            file: self.file.clone(),
            line: usize::try_from(self.reader.get_ref().line).unwrap_or(usize::MAX),
            column: 1,
        }
    }

    /// The attributes of an element.
    pub(super) fn attributes(&self, start: &BytesStart<'_>) -> Result<Attributes, IngestError> {
        let mut attributes = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|e| {
                self.syntax(
                    Text::new("要素の属性", "attributes of an element"),
                    Text::quoted(e),
                )
            })?;
            let name = attribute.key;
            if name.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|e| {
                    self.syntax(
                        Text::new("属性の値", "the value of an attribute"),
                        Text::quoted(e),
                    )
                })?;
            let name = name.local_name().as_ref().to_owned();
            attributes.push((name, value.into_owned()));
        }
        Ok(attributes)
    }

    /// A character reference or one of the five entities that every document has.
    fn reference(&self, reference: &BytesRef<'_>) -> Result<String, IngestError> {
        let resolved = match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(character.to_string()),
            Ok(None) => resolve_xml_entity(reference).map(str::to_owned),
            Err(_) => None,
        };
        resolved.ok_or_else(|| {
            let name: String = reference.chars().take(SHOWN).collect();
            self.syntax(
                Text::new("定義済みの実体", "a known entity"),
                Text::quoted(format!("&{name};")),
            )
        })
    }

    fn end(&self) -> Result<Piece<'static>, IngestError> {
        match self.open.last() {
            None => Ok(Piece::Eof),
            Some(start) => {
                let name = &self.names[*start..];
                Err(self.truncated(Text::new(
                    format!("要素 {name}"),
                    format!("the element {name}"),
                )))
            }
        }
    }

    fn fault(&self, error: &Error) -> IngestError {
        match error {
            Error::Io(_) if self.reader.get_ref().left == 0 => IngestError::TooLarge {
                file: self.file.clone(),
                what: Quantity::XmlPieceBytes,
                limit: self.limit,
            },
            Error::Io(error) => {
                IngestError::io(&self.file, io::Error::new(error.kind(), error.to_string()))
            }
            Error::Syntax(SyntaxError::InvalidBangMarkup) => self.syntax(
                Text::new("マークアップ", "markup"),
                Text::new("不明な `<!`", "an unknown `<!`"),
            ),
            Error::Syntax(_) => self.truncated(Text::new("マークアップ", "markup")),
            Error::IllFormed(IllFormedError::MismatchedEndTag { expected, found }) => self.syntax(
                Text::quoted(format!("</{expected}>")),
                Text::quoted(format!("</{found}>")),
            ),
            Error::Encoding(error) => IngestError::Encoding {
                place: self.place(),
                found: Box::new(Text::quoted(error)),
            },
            other => self.syntax(
                Text::new("整形式のXML", "well-formed XML"),
                Text::quoted(other),
            ),
        }
    }

    fn truncated(&self, within: Text) -> IngestError {
        IngestError::Truncated {
            place: self.place(),
            within: Box::new(within),
        }
    }

    fn syntax(&self, expected: Text, found: Text) -> IngestError {
        IngestError::Syntax {
            place: self.place(),
            expected: Box::new(expected),
            found: Box::new(found),
        }
    }
}

/// How much of a name is shown.
const SHOWN: usize = 40;

/// Passes on so many bytes and no more, and counts lines.
struct Bounded<R> {
    input: R,
    left: usize,
    line: u64,
}

impl<R> Bounded<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            left: 0,
            line: 1,
        }
    }
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut chunk = self.fill_buf()?;
        let length = chunk.read(buffer)?;
        self.consume(length);
        Ok(length)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let chunk = self.input.fill_buf()?;
        if self.left == 0 && !chunk.is_empty() {
            return Err(io::Error::other("a piece is longer than the limit"));
        }
        Ok(&chunk[..chunk.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        if let Ok(chunk) = self.input.fill_buf() {
            let taken = &chunk[..amount.min(chunk.len())];
            self.line += memchr_iter(b'\n', taken).count() as u64;
        }
        self.left = self.left.saturating_sub(amount);
        self.input.consume(amount);
    }
}
