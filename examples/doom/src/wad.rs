//! Data files: is one whole? The engine would notice late, if at all.
//!
//! ```text
//! "IWAD" or "PWAD", number of lumps, offset of the directory    4 bytes each
//! directory: for each lump offset, size, name                   4, 4 and 8 bytes
//! ```

use crate::failure::Failure;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

const HEADER_SIZE: u64 = 12;
const ENTRY_SIZE: u64 = 16;

/// What is wrong with a data file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum WadError {
    #[error("not a WAD file")]
    Magic,
    #[error("cut off: its directory ends at {end}, the file at {size}")]
    Directory { end: u64, size: u64 },
    #[error("cut off: lump {number} (`{name}`) ends at {end}, the file at {size}")]
    Lump { number: u32, name: String, end: u64, size: u64 },
}

/// Looks whether the header, the directory and all lumps are there.
pub(crate) fn check_file(path: &Path) -> Result<(), Failure> {
    let checked = File::open(path).and_then(|file| check(BufReader::new(file)));
    checked.map_err(|error| Failure::input(path, error))?.map_err(|error| Failure::input(path, error))
}

fn check(mut file: impl Read + Seek) -> io::Result<Result<(), WadError>> {
    let size = file.seek(SeekFrom::End(0))?;
    file.rewind()?;
    let mut header = Vec::new();
    file.by_ref().take(HEADER_SIZE).read_to_end(&mut header)?;
    let [b'I' | b'P', b'W', b'A', b'D', numbers @ ..] = header.as_slice() else {
        return Ok(Err(WadError::Magic));
    };
    let (Some(count), Some(start)) = (word(numbers, 0), word(numbers, 4)) else {
        return Ok(Err(WadError::Magic));
    };
    let end = u64::from(start) + ENTRY_SIZE * u64::from(count);
    if end > size {
        return Ok(Err(WadError::Directory { end, size }));
    }
    file.seek(SeekFrom::Start(start.into()))?;
    for number in 0..count {
        let mut entry = Vec::new();
        file.by_ref().take(ENTRY_SIZE).read_to_end(&mut entry)?;
        let (Some(start), Some(length)) = (word(&entry, 0), word(&entry, 4)) else {
            return Ok(Err(WadError::Directory { end, size }));
        };
        let end = u64::from(start) + u64::from(length);
        if end > size {
            let name = entry[8..].iter().take_while(|byte| byte.is_ascii_graphic());
            let name = name.map(|byte| char::from(*byte)).collect();
            return Ok(Err(WadError::Lump { number, name, end, size }));
        }
    }
    Ok(Ok(()))
}

/// A number of 4 bytes, little-endian, if it is there.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().expect("a slice of four")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A lump of 5 bytes, then the directory.
    fn wad() -> Vec<u8> {
        let mut bytes = b"IWAD\x01\0\0\0\x11\0\0\0hello".to_vec();
        bytes.extend(b"\x0c\0\0\0\x05\0\0\0HELLO\0\0\0");
        bytes
    }

    fn checked(bytes: &[u8]) -> Result<(), WadError> {
        check(Cursor::new(bytes)).unwrap()
    }

    #[test]
    fn a_whole_file_is_whole() {
        assert_eq!(checked(&wad()), Ok(()));
        assert_eq!(checked(b"PWAD\0\0\0\0\x0c\0\0\0"), Ok(()));
    }

    #[test]
    fn every_cut_shows() {
        for cut in 0..wad().len() {
            let error = checked(&wad()[..cut]).unwrap_err();
            assert_eq!(error == WadError::Magic, cut < 12, "{cut}: {error}");
        }
    }

    #[test]
    fn lumps_must_be_in_the_file() {
        let mut bytes = wad();
        bytes[21] = 29;
        assert_eq!(checked(&bytes), Err(WadError::Lump { number: 0, name: "HELLO".into(), end: 41, size: 33 }));
        let mut bytes = wad();
        bytes[4..8].fill(0xff);
        assert_eq!(checked(&bytes), Err(WadError::Directory { end: 17 + 16 * 0xffff_ffff, size: 33 }));
        assert_eq!(checked(b"JUNK\0\0\0\0\x0c\0\0\0"), Err(WadError::Magic));
    }
}
