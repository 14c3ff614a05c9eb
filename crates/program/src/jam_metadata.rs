//! The metadata in front of a JAM standard program, as the released tools write it (blob.md 8.1).
//!
//! ```text
//! 00 | name | version | license | count of authors | author ...        texts have their length in front
//! ```
//!
//! The protocol itself gives these bytes no meaning, so whatever else stands there is no error of the program.

use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::varint::{self, Reader, Varints};
use alloc::vec::Vec;
use pvm_num::casts::{to_u32, widen};

/// The tag of the only known form.
const TAG: u8 = 0;

/// What the released JAM tools write as metadata.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct JamMetadata<'a> {
    pub name: &'a str,
    pub version: &'a str,
    pub license: &'a str,
    pub authors: Vec<&'a str>,
}

impl<'a> JamMetadata<'a> {
    /// Reads the metadata of a released tool: tag 0, name, version, licence, authors.
    ///
    /// # Errors
    /// If it is something else, which the protocol allows. Locations count from the start of `bytes`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ProgramError> {
        let mut reader = Reader::new(bytes, Part::JamMetadata, Varints::Strict);
        let tag_at = reader;
        let tag = reader.u8()?;
        if tag != TAG {
            return Err(tag_at.error(ProgramErrorKind::UnknownMetadataTag { tag }));
        }
        let (name, version, license) = (text(&mut reader)?, text(&mut reader)?, text(&mut reader)?);
        let count = reader.varint()?;
        let mut authors = Vec::new(); // not reserved: the count is a claim, each author costs a byte
        for _ in 0..count {
            authors.push(text(&mut reader)?);
        }
        reader.finish()?;
        Ok(JamMetadata { name, version, license, authors })
    }

    /// The metadata as the released tools write it, with its length in front: a standard program follows.
    ///
    /// # Panics
    /// If a text is longer than 4 GiB.
    pub fn to_prefix(&self) -> Vec<u8> {
        let mut content = alloc::vec![TAG];
        let mut text = |text: &str| {
            varint::write(&mut content, to_u32(text.len()));
            content.extend_from_slice(text.as_bytes());
        };
        [self.name, self.version, self.license].into_iter().for_each(&mut text);
        varint::write(&mut content, to_u32(self.authors.len()));
        for author in &self.authors {
            varint::write(&mut content, to_u32(author.len()));
            content.extend_from_slice(author.as_bytes());
        }
        let mut out = Vec::with_capacity(5 + content.len());
        varint::write(&mut out, to_u32(content.len()));
        out.extend_from_slice(&content);
        out
    }
}

fn text<'a>(reader: &mut Reader<'a>) -> Result<&'a str, ProgramError> {
    let length = reader.varint()?;
    let text_at = *reader;
    core::str::from_utf8(reader.take(widen(length))?).map_err(|_| text_at.error(ProgramErrorKind::NotUtf8))
}
