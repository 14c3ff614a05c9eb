//! Debug information: which source line an instruction comes from.

use crate::ProgramCounter;
use crate::program::{ProgramBlob, ProgramParseError};
use pvm_program::debug_lines::OPERATIONS_PER_REGION_MAX;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

pub use pvm_program::FrameKind;

/// Bounds of how a [`LineProgram`] is run.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LineProgramConfig {
    /// Most operations for one region.
    pub instruction_limit_per_region: usize,
}

impl Default for LineProgramConfig {
    fn default() -> Self {
        let limit = usize::try_from(OPERATIONS_PER_REGION_MAX).unwrap_or(usize::MAX);
        LineProgramConfig { instruction_limit_per_region: limit }
    }
}

/// A line program: gives the regions of its code one after the other.
pub struct LineProgram<'a>(pvm_program::LineProgram<'a>);

impl LineProgram<'_> {
    /// The program's number among those of the blob, in order of code.
    pub fn entry_index(&self) -> usize {
        self.0.index()
    }

    /// The next region; none at the end.
    ///
    /// # Errors
    /// If the program is malformed.
    pub fn run(&mut self) -> Result<Option<RegionInfo<'_>>, ProgramParseError> {
        self.run_with_config(LineProgramConfig::default())
    }

    /// The next region, found within other bounds; none at the end.
    ///
    /// # Errors
    /// If the program is malformed, or takes more operations than allowed.
    pub fn run_with_config(&mut self, config: LineProgramConfig) -> Result<Option<RegionInfo<'_>>, ProgramParseError> {
        let limit = u32::try_from(config.instruction_limit_per_region).unwrap_or(u32::MAX);
        Ok(self.0.run_with_limit(limit)?.map(RegionInfo))
    }
}

/// Code that comes from one place in the source.
pub struct RegionInfo<'a>(pvm_program::RegionInfo<'a, 'a>);

impl<'a> RegionInfo<'a> {
    /// The region's number in its line program.
    pub fn entry_index(&self) -> usize {
        self.0.index()
    }

    /// The code.
    pub fn instruction_range(&self) -> Range<ProgramCounter> {
        let Range { start, end } = self.0.range();
        ProgramCounter(start)..ProgramCounter(end)
    }

    /// The functions it belongs to, outermost first; the others are inlined.
    pub fn frames(&self) -> impl ExactSizeIterator<Item = FrameInfo<'a>> {
        self.0.frames().map(FrameInfo)
    }
}

/// A function, and a place in its source.
#[derive(Clone)]
pub struct FrameInfo<'a>(pvm_program::FrameInfo<'a>);

impl FrameInfo<'_> {
    /// The function's namespace, if it has one.
    ///
    /// # Errors
    /// If the string is not there or not UTF-8; so for the other texts.
    pub fn namespace(&self) -> Result<Option<&str>, ProgramParseError> {
        Ok(self.0.namespace()?)
    }

    /// The function's name without its namespace.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn function_name_without_namespace(&self) -> Result<Option<&str>, ProgramParseError> {
        Ok(self.0.function_name_without_namespace()?)
    }

    /// The function's name with its namespace; empty if it is not known.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn full_name(&self) -> Result<impl fmt::Display, ProgramParseError> {
        Ok(self.0.full_name()?.map(|name| name.to_string()).unwrap_or_default())
    }

    /// The source file.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn path(&self) -> Result<Option<&str>, ProgramParseError> {
        Ok(self.0.path()?)
    }

    /// Where the source file's name is in the debug strings, if it is known: frames of one file have the same.
    pub fn path_debug_string_offset(&self) -> Option<u32> {
        self.0.path_offset()
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        self.0.line()
    }

    /// The column, from 1.
    pub fn column(&self) -> Option<u32> {
        self.0.column()
    }

    /// What the frame says.
    pub fn kind(&self) -> FrameKind {
        self.0.kind()
    }

    /// The place in the source; none without a path.
    ///
    /// # Errors
    /// As [`FrameInfo::namespace`].
    pub fn location(&self) -> Result<Option<SourceLocation<'_>>, ProgramParseError> {
        Ok(self.path()?.map(|path| match (self.line(), self.column()) {
            (Some(line), Some(column)) => SourceLocation::Full { path, line, column },
            (Some(line), None) => SourceLocation::PathAndLine { path, line },
            (None, _) => SourceLocation::Path { path },
        }))
    }
}

/// A place in source code, as far as it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SourceLocation<'a> {
    /// A file.
    Path {
        /// Its path.
        path: &'a str,
    },
    /// A line in it.
    PathAndLine {
        /// The file.
        path: &'a str,
        /// The line, from 1.
        line: u32,
    },
    /// A column in that.
    Full {
        /// The file.
        path: &'a str,
        /// The line, from 1.
        line: u32,
        /// The column, from 1.
        column: u32,
    },
}

impl<'a> SourceLocation<'a> {
    /// The file.
    pub fn path(&self) -> &'a str {
        match self {
            SourceLocation::Path { path }
            | SourceLocation::PathAndLine { path, .. }
            | SourceLocation::Full { path, .. } => path,
        }
    }

    /// The line, from 1.
    pub fn line(&self) -> Option<u32> {
        match self {
            SourceLocation::Path { .. } => None,
            SourceLocation::PathAndLine { line, .. } | SourceLocation::Full { line, .. } => Some(*line),
        }
    }

    /// The column, from 1.
    pub fn column(&self) -> Option<u32> {
        match self {
            SourceLocation::Full { column, .. } => Some(*column),
            _ => None,
        }
    }
}

impl fmt::Display for SourceLocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.path())?;
        for number in [self.line(), self.column()].into_iter().flatten() {
            write!(f, ":{number}")?;
        }
        Ok(())
    }
}

impl ProgramBlob {
    /// The string at this offset of the debug strings.
    ///
    /// # Errors
    /// If there is none, or it is not UTF-8.
    pub fn get_debug_string(&self, offset: u32) -> Result<&str, ProgramParseError> {
        Ok(self.program().debug_string(offset)?)
    }

    /// The line program that describes the code at `program_counter`, if there is one.
    ///
    /// # Errors
    /// If the debug sections are malformed.
    pub fn get_debug_line_program_at(
        &self,
        program_counter: ProgramCounter,
    ) -> Result<Option<LineProgram<'_>>, ProgramParseError> {
        Ok(self.program().get_debug_line_program_at(program_counter.0)?.map(LineProgram))
    }

    /// The functions that the code at `program_counter` belongs to, outermost first; empty if they are not known.
    ///
    /// # Errors
    /// If the debug sections are malformed.
    pub fn get_debug_location(&self, program_counter: ProgramCounter) -> Result<Vec<FrameInfo<'_>>, ProgramParseError> {
        let Some(mut lines) = self.program().get_debug_line_program_at(program_counter.0)? else {
            return Ok(Vec::new());
        };
        let region = lines.find(program_counter.0)?;
        Ok(region.map(|region| region.frames().map(FrameInfo).collect()).unwrap_or_default())
    }

    /// As [`ProgramBlob::get_debug_location`], looking at no more than `iteration_limit` regions; malformed sections
    /// count as none.
    pub fn get_frame_info_for(
        &self,
        program_counter: ProgramCounter,
        iteration_limit: Option<usize>,
    ) -> impl Iterator<Item = FrameInfo<'_>> {
        self.frames_within(program_counter.0, iteration_limit.unwrap_or(usize::MAX)).into_iter()
    }

    fn frames_within(&self, pc: u32, regions_max: usize) -> Vec<FrameInfo<'_>> {
        let Ok(Some(mut lines)) = self.program().get_debug_line_program_at(pc) else { return Vec::new() };
        for _ in 0..regions_max {
            let Ok(Some(region)) = lines.run() else { break };
            if region.range().contains(&pc) {
                return region.frames().map(FrameInfo).collect();
            }
        }
        Vec::new()
    }
}

/// Source files that have been looked at.
#[derive(Default)]
pub struct SourceCache {
    files: HashMap<String, Option<String>>,
}

impl SourceCache {
    /// No files yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A line of a source file, from 1, if the file can be read and has it. `~/` stands for the home directory.
    pub fn lookup_source_line(&mut self, path: &str, line: u32) -> Option<&str> {
        if !self.files.contains_key(path) {
            let resolved = match (path.strip_prefix("~/"), std::env::var_os("HOME")) {
                (Some(rest), Some(home)) => std::path::Path::new(&home).join(rest),
                _ => path.into(),
            };
            self.files.insert(path.to_owned(), std::fs::read_to_string(resolved).ok());
        }
        let index = usize::try_from(line.checked_sub(1)?).ok()?;
        self.files.get(path)?.as_ref()?.lines().nth(index)
    }
}
