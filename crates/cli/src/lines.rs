//! Source lines: where in its sources an instruction comes from, for listings and trap reports.

use pvm_program::{LineProgram, Program, ProgramError, RegionInfo};
use std::fmt::Write;
use std::ops::Range;

/// Most regions one listing reads, so that ranges that share long line programs cannot make it take forever.
const REGIONS_MAX: u32 = 1 << 22;

/// Finds places for code offsets that come in rising order.
pub(crate) struct SourceLines<'a> {
    program: &'a Program,
    lines: Option<LineProgram<'a>>,
    region: Range<u32>,
    place: Option<String>,
    regions_left: u32,
}

impl<'a> SourceLines<'a> {
    /// No place is known yet.
    pub(crate) fn new(program: &'a Program) -> Self {
        SourceLines { program, lines: None, region: 0..0, place: None, regions_left: REGIONS_MAX }
    }

    /// The place of the instruction at `pc`; none if it is not known.
    ///
    /// # Errors
    /// If the debug sections are malformed there.
    pub(crate) fn at(&mut self, pc: u32) -> Result<Option<&str>, ProgramError> {
        if !self.region.contains(&pc) {
            self.place = None;
            if !self.lines.as_ref().is_some_and(|lines| lines.range().contains(&pc)) {
                self.lines = self.program.get_debug_line_program_at(pc)?;
            }
            while let (Some(lines), Some(left)) = (&mut self.lines, self.regions_left.checked_sub(1)) {
                self.regions_left = left;
                let Some(region) = lines.run()? else {
                    self.lines = None;
                    break;
                };
                if region.range().end > pc {
                    self.region = region.range();
                    self.place = place(&region)?;
                    break;
                }
            }
        }
        Ok(self.place.as_deref().filter(|_| self.region.contains(&pc)))
    }
}

/// The place of the instruction at `pc`; none if it is not known.
pub(crate) fn place_of(program: &Program, pc: u32) -> Option<String> {
    let mut lines = program.get_debug_line_program_at(pc).ok()??;
    place(&lines.find(pc).ok()??).ok()?
}

/// `function at path:line:column`, the innermost inlined function first.
fn place(region: &RegionInfo<'_, '_>) -> Result<Option<String>, ProgramError> {
    let mut text = String::new();
    for frame in region.frames().rev() {
        let name = frame.full_name()?;
        let path = frame.path()?;
        if name.is_none() && path.is_none() {
            continue;
        }
        if !text.is_empty() {
            text.push_str(", inlined into ");
        }
        let mut write = |part: std::fmt::Arguments<'_>| text.write_fmt(part).expect("writing to a string never fails");
        match name {
            Some(name) => write(format_args!("{name}")),
            None => write(format_args!("?")),
        }
        if let Some(path) = path {
            write(format_args!(" at {path}"));
            if let Some(line) = frame.line() {
                write(format_args!(":{line}"));
                if let Some(column) = frame.column() {
                    write(format_args!(":{column}"));
                }
            }
        }
    }
    // Names come from the file and go to a terminal.
    let shown = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Ok(Some(shown).filter(|text: &String| !text.is_empty()))
}
