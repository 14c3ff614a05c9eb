//! Writing debug lines: regions of code with their frames become strings, line programs and ranges.

use crate::bytes::Bytes;
use crate::debug_lines::{FRAMES_MAX, FrameKind, RawFrame, VERSION, operation as op};
use crate::error::{Part, ProgramError, ProgramErrorKind};
use crate::varint;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;
use pvm_num::casts::{low_u32, to_u64, to_usize, try_u32};

/// A frame to write. Empty texts and zeros mean unknown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct DebugFrame<'a> {
    pub kind: FrameKind,
    pub namespace: &'a str,
    pub function: &'a str,
    pub path: &'a str,
    pub line: u32,
    pub column: u32,
}

/// Payloads of the three debug sections.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[allow(missing_docs)]
pub struct DebugSections {
    pub strings: Bytes,
    pub line_programs: Bytes,
    pub line_program_ranges: Bytes,
}

/// Collects regions in order of their offsets and writes them as few, small line programs.
///
/// Consecutive regions whose physical function (frame 0) has the same names and path share a program; those that know
/// neither function nor path are left out. Paths below `/home/<user>/` lose that part (blob.md 5).
///
/// ```
/// use pvm_program::{DebugFrame, DebugLineWriter};
///
/// let mut writer = DebugLineWriter::new();
/// writer.push(0..4, &[DebugFrame { function: "main", path: "/home/me/a.c", line: 3, ..DebugFrame::default() }]).unwrap();
/// let sections = writer.finish().unwrap();
/// assert_eq!(&sections.strings[..], b"\0\x04main\x05~/a.c");
/// assert_eq!(sections.line_program_ranges.len(), 12);
/// ```
#[derive(Clone, Debug)]
pub struct DebugLineWriter {
    strings: Vec<u8>,
    offsets: BTreeMap<String, u32>,
    programs: Vec<u8>,
    ranges: Vec<u8>,
    /// Regions of the line program in the making, without holes.
    group: Vec<Region>,
    start: u32,
    end: u32,
}

#[derive(Clone, Debug)]
struct Region {
    length: u32,
    frames: Vec<RawFrame>,
}

impl Default for DebugLineWriter {
    fn default() -> Self {
        DebugLineWriter::new()
    }
}

impl DebugLineWriter {
    /// No regions yet.
    pub fn new() -> Self {
        DebugLineWriter {
            strings: alloc::vec![0], // offset 0 is the empty string
            offsets: BTreeMap::new(),
            programs: alloc::vec![VERSION],
            ranges: Vec::new(),
            group: Vec::new(),
            start: 0,
            end: 0,
        }
    }

    /// Describes the code bytes of `range`, outermost frame first. Frames beyond the 16th, the innermost ones, are dropped.
    ///
    /// # Errors
    /// If the sections exceed 32-bit offsets.
    ///
    /// # Panics
    /// If the range starts before the end of the last one or is reversed.
    pub fn push(&mut self, range: Range<u32>, frames: &[DebugFrame<'_>]) -> Result<(), ProgramError> {
        assert!(self.end <= range.start && range.start <= range.end, "regions come in order of their offsets");
        let (Some(first), false) = (frames.first(), range.is_empty()) else {
            return Ok(());
        };
        if first.function.is_empty() && first.path.is_empty() {
            return Ok(());
        }
        let frames = frames.iter().take(FRAMES_MAX).map(|frame| self.intern_frame(frame));
        let frames = frames.collect::<Result<Vec<_>, _>>()?;
        let key = |frame: &RawFrame| (frame.namespace, frame.function, frame.path);
        let continues = self.end == range.start
            && self.group.last().is_some_and(|region| key(&region.frames[0]) == key(&frames[0]));
        if !continues {
            self.finish_group()?;
            self.start = range.start;
        }
        let length = range.end - range.start;
        match self.group.last_mut().filter(|region| region.frames == frames) {
            Some(region) => region.length += length,
            None => self.group.push(Region { length, frames }),
        }
        self.end = range.end;
        Ok(())
    }

    /// The payloads of the debug sections, all empty if no region was kept.
    ///
    /// # Errors
    /// If the sections exceed 32-bit offsets.
    pub fn finish(mut self) -> Result<DebugSections, ProgramError> {
        self.finish_group()?;
        if self.ranges.is_empty() {
            return Ok(DebugSections::default());
        }
        Ok(DebugSections {
            strings: self.strings.into(),
            line_programs: self.programs.into(),
            line_program_ranges: self.ranges.into(),
        })
    }

    fn intern_frame(&mut self, frame: &DebugFrame<'_>) -> Result<RawFrame, ProgramError> {
        Ok(RawFrame {
            kind: frame.kind,
            namespace: self.intern(frame.namespace)?,
            function: self.intern(frame.function)?,
            path: self.intern(&without_home(frame.path))?,
            line: frame.line,
            column: frame.column,
        })
    }

    fn intern(&mut self, text: &str) -> Result<u32, ProgramError> {
        if text.is_empty() {
            return Ok(0);
        }
        if let Some(offset) = self.offsets.get(text) {
            return Ok(*offset);
        }
        let too_big = || ProgramErrorKind::DebugInfoTooBig.at(Part::DebugStrings, to_u64(self.strings.len()));
        let offset = try_u32(self.strings.len()).ok_or_else(too_big)?;
        let length = try_u32(text.len()).ok_or_else(too_big)?;
        varint::write(&mut self.strings, length);
        self.strings.extend_from_slice(text.as_bytes());
        self.offsets.insert(text.into(), offset);
        Ok(offset)
    }

    fn finish_group(&mut self) -> Result<(), ProgramError> {
        if self.group.is_empty() {
            return Ok(());
        }
        let too_big = || ProgramErrorKind::DebugInfoTooBig.at(Part::DebugLinePrograms, to_u64(self.programs.len()));
        let offset = try_u32(self.programs.len()).ok_or_else(too_big)?;
        for field in [self.start, self.end, offset] {
            self.ranges.extend_from_slice(&field.to_le_bytes());
        }
        let mut state = State { out: &mut self.programs, frames: [None; FRAMES_MAX], mutation: 0, depth: 0 };
        for (index, region) in self.group.iter().enumerate() {
            let next = self.group.get(index + 1).map(|next| next.frames.len());
            state.region(region, next);
        }
        self.programs.push(op::FINISH_PROGRAM);
        self.group.clear();
        Ok(())
    }
}

/// What the reader of the program will know.
struct State<'w> {
    out: &'w mut Vec<u8>,
    /// None while a frame has not been mentioned.
    frames: [Option<RawFrame>; FRAMES_MAX],
    mutation: usize,
    depth: usize,
}

impl State<'_> {
    /// Writes what changes for this region. `next` is the depth of the region behind it, reached with the same operation
    /// if it is one more or less.
    fn region(&mut self, region: &Region, next: Option<usize>) {
        for (index, frame) in region.frames.iter().enumerate() {
            self.frame(index, *frame);
        }
        let depth = region.frames.len();
        if self.depth != depth {
            self.operation(op::SET_STACK_DEPTH, low_u32(to_u64(depth)));
        }
        let (finish, depth) = match next {
            Some(next) if next == depth + 1 => (op::FINISH_AND_PUSH, next),
            Some(next) if next + 1 == depth => (op::FINISH_AND_POP, next),
            _ => (op::FINISH_INSTRUCTION, depth),
        };
        self.depth = depth;
        if region.length == 1 {
            self.out.push(finish);
        } else {
            self.operation(finish + 1, region.length);
        }
    }

    fn frame(&mut self, index: usize, new: RawFrame) {
        let known = self.frames[index];
        let old = known.unwrap_or_default();
        if known == Some(new) {
            return;
        }
        if self.mutation != index {
            self.mutation = index;
            self.operation(op::SET_MUTATION_DEPTH, low_u32(to_u64(index)));
        }
        if known.is_none() || old.kind != new.kind {
            self.out.push(match new.kind {
                FrameKind::Enter => op::SET_KIND_ENTER,
                FrameKind::Call => op::SET_KIND_CALL,
                FrameKind::Line => op::SET_KIND_LINE,
            });
        }
        let fields = [
            (op::SET_NAMESPACE, old.namespace, new.namespace),
            (op::SET_FUNCTION_NAME, old.function, new.function),
            (op::SET_PATH, old.path, new.path),
            (op::SET_COLUMN, old.column, new.column),
        ];
        for (set, _, new) in fields.into_iter().filter(|(_, old, new)| old != new) {
            self.operation(set, new);
        }
        if old.line != new.line {
            self.line(old.line, new.line);
        }
        self.frames[index] = Some(new);
    }

    /// The shortest way from one line to another.
    fn line(&mut self, old: u32, new: u32) {
        let (step, distance) = if new > old { (op::ADD_LINE, new - old) } else { (op::SUB_LINE, old - new) };
        if new == old.wrapping_add(1) {
            self.out.push(op::INCREMENT_LINE);
        } else if distance < new {
            self.operation(step, distance);
        } else {
            self.operation(op::SET_LINE, new);
        }
    }

    fn operation(&mut self, operation: u8, operand: u32) {
        self.out.push(operation);
        varint::write(self.out, operand);
    }
}

/// `/home/user/rest` as `~/rest`, so that blobs do not name who built them.
fn without_home(path: &str) -> Cow<'_, str> {
    match path.strip_prefix("/home/").and_then(|rest| rest.split_once('/')) {
        Some((user, rest)) if !user.is_empty() => Cow::Owned(format!("~/{rest}")),
        _ => Cow::Borrowed(path),
    }
}

const _: () = assert!(FRAMES_MAX * 8 + 2 <= to_usize(crate::debug_lines::OPERATIONS_PER_REGION_MAX));
