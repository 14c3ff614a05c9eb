//! Debug lines: which function and source line a code offset belongs to, read by running small, bounded programs.
//!
//! ```text
//! ranges:   [begin, end) -> offset of a line program      12 bytes each, sorted
//! programs: version 1, then operations that set up to 16 frames and finish regions of code bytes
//! strings:  length and UTF-8 bytes, named by offset; offset 0 means "none"
//! ```
//!
//! Nothing here is checked when a blob is parsed: a bad line program is an error only for whoever asks.

use crate::blob::Program;
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::varint::{Reader, Varints, u32_at};
use core::fmt;
use core::ops::Range;
use pvm_num::casts::{low_u32, to_u64, to_usize, widen};

/// Most frames a region can have.
pub const FRAMES_MAX: usize = 16;
/// Most operations per region unless a caller says otherwise.
pub const OPERATIONS_PER_REGION_MAX: u32 = 512;
/// The version of line programs.
pub(crate) const VERSION: u8 = 1;
/// Bytes of a record of the ranges section.
pub(crate) const RANGE_SIZE: usize = 12;

/// Operation numbers (blob.md 5).
pub(crate) mod operation {
    pub(crate) const FINISH_PROGRAM: u8 = 0;
    pub(crate) const SET_MUTATION_DEPTH: u8 = 1;
    pub(crate) const SET_KIND_ENTER: u8 = 2;
    pub(crate) const SET_KIND_CALL: u8 = 3;
    pub(crate) const SET_KIND_LINE: u8 = 4;
    pub(crate) const SET_NAMESPACE: u8 = 5;
    pub(crate) const SET_FUNCTION_NAME: u8 = 6;
    pub(crate) const SET_PATH: u8 = 7;
    pub(crate) const SET_LINE: u8 = 8;
    pub(crate) const SET_COLUMN: u8 = 9;
    pub(crate) const SET_STACK_DEPTH: u8 = 10;
    pub(crate) const INCREMENT_LINE: u8 = 11;
    pub(crate) const ADD_LINE: u8 = 12;
    pub(crate) const SUB_LINE: u8 = 13;
    /// A region of one code byte; the next number finishes one of many.
    pub(crate) const FINISH_INSTRUCTION: u8 = 14;
    /// As [`FINISH_INSTRUCTION`], then one frame more.
    pub(crate) const FINISH_AND_PUSH: u8 = 16;
    /// As [`FINISH_INSTRUCTION`], then one frame less.
    pub(crate) const FINISH_AND_POP: u8 = 18;
}

/// What a frame says.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FrameKind {
    /// The function is entered here.
    Enter,
    /// Here an inlined function was called, which the next frame describes.
    Call,
    /// This is a line of the function.
    #[default]
    Line,
}

/// A frame as line programs keep it: strings by offset, 0 for unknown.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct RawFrame {
    pub(crate) kind: FrameKind,
    pub(crate) namespace: u32,
    pub(crate) function: u32,
    pub(crate) path: u32,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

/// The debug strings.
#[derive(Clone, Copy, Debug)]
struct Strings<'a> {
    bytes: &'a [u8],
    varints: Varints,
}

impl<'a> Strings<'a> {
    fn get(&self, offset: u32) -> Result<&'a str, ProgramError> {
        let mut reader = Reader::new(self.bytes, Part::DebugStrings, self.varints);
        reader.take(widen(offset))?;
        let length = reader.varint()?;
        let text_at = reader;
        let text = reader.take(widen(length))?;
        core::str::from_utf8(text).map_err(|_| text_at.error(ProgramErrorKind::NotUtf8))
    }

    fn get_named(&self, offset: u32) -> Result<Option<&'a str>, ProgramError> {
        if offset == 0 {
            return Ok(None);
        }
        Ok(Some(self.get(offset)?).filter(|text| !text.is_empty()))
    }
}

/// A line program at work: an iterator over regions that borrows its own state.
///
/// Forward only and bounded: every region costs at most a fixed number of operations, and every operation consumes bytes.
#[derive(Clone, Debug)]
pub struct LineProgram<'a> {
    index: usize,
    /// Regions so far.
    regions: usize,
    range: Range<u32>,
    strings: Strings<'a>,
    operations: Reader<'a>,
    frames: [RawFrame; FRAMES_MAX],
    depth: u32,
    mutation: usize,
    at: u32,
    finished: bool,
}

/// Code bytes that share their frames.
#[derive(Clone, Debug)]
pub struct RegionInfo<'a, 'p> {
    index: usize,
    range: Range<u32>,
    frames: &'p [RawFrame],
    strings: Strings<'a>,
}

/// Where a region comes from: a function, and a place in its source.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo<'a> {
    frame: RawFrame,
    strings: Strings<'a>,
}

/// Namespace and name of a function; displays as `namespace::name`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FullName<'a> {
    /// Without the trailing `::`; empty if there is none.
    pub namespace: &'a str,
    /// The bare name.
    pub name: &'a str,
}

impl Program {
    /// The string at `offset` of the debug strings.
    ///
    /// # Errors
    /// If there is none, or it is not UTF-8.
    pub fn debug_string(&self, offset: u32) -> Result<&str, ProgramError> {
        self.strings().get(offset)
    }

    /// The line program whose range of code contains `pc`.
    ///
    /// # Errors
    /// If there is a range, but no program of a known version where it points.
    pub fn get_debug_line_program_at(&self, pc: u32) -> Result<Option<LineProgram<'_>>, ProgramError> {
        let (records, _) = self.parts().debug_line_program_ranges.as_chunks::<RANGE_SIZE>();
        let field = |record: &[u8; RANGE_SIZE], index| u32_at(record, index).expect("a record has three fields");
        let after = records.partition_point(|record| field(record, 0) <= pc);
        let Some(index) = after.checked_sub(1) else { return Ok(None) };
        let record = &records[index];
        let range = field(record, 0)..field(record, 1);
        if !range.contains(&pc) {
            return Ok(None);
        }
        let mut operations = Reader::new(&self.parts().debug_line_programs, Part::DebugLinePrograms, self.varints());
        let mut version_at = operations;
        let version = version_at.u8()?;
        if version != VERSION {
            return Err(operations.error(ProgramErrorKind::UnsupportedLineProgramVersion { version }));
        }
        operations.take(widen(field(record, 2)))?;
        let at = range.start;
        Ok(Some(LineProgram {
            index,
            regions: 0,
            range,
            strings: self.strings(),
            operations,
            frames: [RawFrame::default(); FRAMES_MAX],
            depth: 0,
            mutation: 0,
            at,
            finished: false,
        }))
    }

    fn strings(&self) -> Strings<'_> {
        Strings { bytes: &self.parts().debug_strings, varints: self.varints() }
    }
}

impl<'a> LineProgram<'a> {
    /// The program's number among those of the blob, in order of code.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The code the program describes; regions cover it from its start on.
    pub fn range(&self) -> Range<u32> {
        self.range.clone()
    }

    /// The next region, or none at the end of the program.
    ///
    /// # Errors
    /// A malformed program, or one that takes more than [`OPERATIONS_PER_REGION_MAX`] operations for a region. After an
    /// error there are no more regions.
    pub fn run(&mut self) -> Result<Option<RegionInfo<'a, '_>>, ProgramError> {
        self.run_with_limit(OPERATIONS_PER_REGION_MAX)
    }

    /// As [`LineProgram::run`] with another limit of operations.
    ///
    /// # Errors
    /// As there.
    pub fn run_with_limit(&mut self, limit: u32) -> Result<Option<RegionInfo<'a, '_>>, ProgramError> {
        if self.finished {
            return Ok(None);
        }
        let stepped = self.step_to_region(limit);
        self.finished = !matches!(stepped, Ok(Some(_)));
        Ok(stepped?.map(|(range, depth)| self.region(range, depth)))
    }

    /// Runs on to the region that contains `pc`, which must not lie behind one already passed.
    ///
    /// # Errors
    /// As [`LineProgram::run`].
    pub fn find(&mut self, pc: u32) -> Result<Option<RegionInfo<'a, '_>>, ProgramError> {
        while !self.finished {
            let stepped = self.step_to_region(OPERATIONS_PER_REGION_MAX);
            self.finished = !matches!(stepped, Ok(Some(_)));
            if let Some((range, depth)) = stepped?
                && range.contains(&pc)
            {
                return Ok(Some(self.region(range, depth)));
            }
        }
        Ok(None)
    }

    /// The region that was stepped to last.
    fn region(&self, range: Range<u32>, depth: usize) -> RegionInfo<'a, '_> {
        RegionInfo { index: self.regions - 1, range, frames: &self.frames[..depth], strings: self.strings }
    }

    fn step_to_region(&mut self, limit: u32) -> Result<Option<(Range<u32>, usize)>, ProgramError> {
        use operation as op;
        for _ in 0..limit {
            let start = self.operations;
            let too_deep = |depth| {
                let limit = low_u32(to_u64(FRAMES_MAX));
                start.error(ProgramErrorKind::TooManyFrames { depth, limit })
            };
            let overflow = || start.error(ProgramErrorKind::LineProgramOverflow);
            let frame = &mut self.frames[self.mutation];
            match self.operations.u8()? {
                op::FINISH_PROGRAM => return Ok(None),
                op::SET_MUTATION_DEPTH => {
                    let depth = self.operations.varint()?;
                    if to_usize(depth) >= FRAMES_MAX {
                        return Err(too_deep(depth));
                    }
                    self.mutation = to_usize(depth);
                }
                op::SET_KIND_ENTER => frame.kind = FrameKind::Enter,
                op::SET_KIND_CALL => frame.kind = FrameKind::Call,
                op::SET_KIND_LINE => frame.kind = FrameKind::Line,
                op::SET_NAMESPACE => frame.namespace = self.operations.varint()?,
                op::SET_FUNCTION_NAME => frame.function = self.operations.varint()?,
                op::SET_PATH => frame.path = self.operations.varint()?,
                op::SET_LINE => frame.line = self.operations.varint()?,
                op::SET_COLUMN => frame.column = self.operations.varint()?,
                op::SET_STACK_DEPTH => {
                    let depth = self.operations.varint()?;
                    if to_usize(depth) > FRAMES_MAX {
                        return Err(too_deep(depth));
                    }
                    self.depth = depth;
                }
                op::INCREMENT_LINE => frame.line = frame.line.checked_add(1).ok_or_else(overflow)?,
                op::ADD_LINE => {
                    frame.line = frame.line.checked_add(self.operations.varint()?).ok_or_else(overflow)?;
                }
                op::SUB_LINE => {
                    frame.line = frame.line.checked_sub(self.operations.varint()?).ok_or_else(overflow)?;
                }
                finish @ op::FINISH_INSTRUCTION..=19 => {
                    let many = (finish - op::FINISH_INSTRUCTION) % 2 == 1;
                    let count = if many { self.operations.varint()? } else { 1 };
                    let end = self.at.checked_add(count).ok_or_else(overflow)?;
                    let region = (self.at..end, to_usize(self.depth));
                    self.at = end;
                    self.regions += 1;
                    self.depth = match finish - u8::from(many) {
                        op::FINISH_AND_PUSH => self.depth + 1,
                        op::FINISH_AND_POP => self.depth.checked_sub(1).ok_or_else(overflow)?,
                        _ => self.depth,
                    };
                    if to_usize(self.depth) > FRAMES_MAX {
                        return Err(too_deep(self.depth));
                    }
                    return Ok(Some(region));
                }
                operation => return Err(start.error(ProgramErrorKind::UnknownLineProgramOperation { operation })),
            }
        }
        Err(self.operations.error(ProgramErrorKind::TooManyOperations { limit }))
    }
}

impl<'a> RegionInfo<'a, '_> {
    /// The region's number in its line program.
    pub fn index(&self) -> usize {
        self.index
    }

    /// The code bytes.
    pub fn range(&self) -> Range<u32> {
        self.range.clone()
    }

    /// The frames, outermost (the physical function) first; inlined functions follow.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = FrameInfo<'a>> + ExactSizeIterator {
        let strings = self.strings;
        self.frames.iter().map(move |frame| FrameInfo { frame: *frame, strings })
    }
}

impl<'a> FrameInfo<'a> {
    /// What the frame says.
    pub fn kind(&self) -> FrameKind {
        self.frame.kind
    }

    /// The namespace of the function, if it has one.
    ///
    /// # Errors
    /// If the string is not there or not UTF-8; so for the other texts.
    pub fn namespace(&self) -> Result<Option<&'a str>, ProgramError> {
        self.strings.get_named(self.frame.namespace)
    }

    /// The name of the function without its namespace.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn function_name_without_namespace(&self) -> Result<Option<&'a str>, ProgramError> {
        self.strings.get_named(self.frame.function)
    }

    /// The name of the function with its namespace.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn full_name(&self) -> Result<Option<FullName<'a>>, ProgramError> {
        let namespace = self.namespace()?.unwrap_or("");
        Ok(self.function_name_without_namespace()?.map(|name| FullName { namespace, name }))
    }

    /// The source file.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn path(&self) -> Result<Option<&'a str>, ProgramError> {
        self.strings.get_named(self.frame.path)
    }

    /// Where the source file's name is in the debug strings, if it is known.
    pub fn path_offset(&self) -> Option<u32> {
        Some(self.frame.path).filter(|offset| *offset != 0)
    }

    /// The line, from 1, if known.
    pub fn line(&self) -> Option<u32> {
        Some(self.frame.line).filter(|line| *line != 0)
    }

    /// The column, from 1, if known.
    pub fn column(&self) -> Option<u32> {
        Some(self.frame.column).filter(|column| *column != 0)
    }
}

impl fmt::Display for FullName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.namespace.is_empty() {
            write!(f, "{}::", self.namespace)?;
        }
        f.write_str(self.name)
    }
}
