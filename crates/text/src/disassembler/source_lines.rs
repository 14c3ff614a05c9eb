//! Source lines: which function and which line of which file an instruction comes from.

use crate::symbol::Shortened;
use pvm_num::casts::to_u64;
use pvm_program::{LineProgram, Program, RegionInfo};
use std::fmt::Write;
use std::ops::Range;

/// Looks up instructions in the order of their offsets.
///
/// Nothing keeps ranges of a hostile program from sharing one line program. Each of its regions takes a byte, so a well-behaved
/// program has fewer regions than bytes; after that many the rest of the code is listed without lines.
pub(super) struct SourceLines<'a> {
    program: &'a Program,
    lines: Option<LineProgram<'a>>,
    /// The region last found.
    region: Range<u32>,
    /// Where the code of the current line program ends.
    end: u32,
    regions_left: u64,
    shown: String,
    found: String,
}

impl<'a> SourceLines<'a> {
    pub(super) fn new(program: &'a Program) -> Self {
        SourceLines {
            program,
            lines: None,
            region: 0..0,
            end: 0,
            regions_left: to_u64(program.parts().debug_line_programs.len()),
            shown: String::new(),
            found: String::new(),
        }
    }

    /// Where the instruction at `offset` comes from, if that is known and not where the one before came from.
    pub(super) fn at(&mut self, offset: u32) -> Option<&str> {
        if self.region.contains(&offset) {
            return None;
        }
        if offset >= self.end {
            // A program that cannot be read is as good as none.
            self.lines = self.program.get_debug_line_program_at(offset).ok().flatten();
            self.end = self.lines.as_ref().map_or(0, |lines| lines.range().end);
        }
        let lines = self.lines.as_mut()?;
        while self.regions_left > 0 {
            self.regions_left -= 1;
            match lines.run() {
                Ok(Some(region)) if region.range().contains(&offset) => {
                    self.region = region.range();
                    self.found.clear();
                    describe(&region, &mut self.found);
                    if self.found == self.shown {
                        return None;
                    }
                    std::mem::swap(&mut self.found, &mut self.shown);
                    return (!self.shown.is_empty()).then_some(&self.shown);
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => break,
            }
        }
        self.lines = None;
        None
    }
}

/// `path:line:column in function`, innermost frame first, then what it is inlined into.
fn describe(region: &RegionInfo<'_, '_>, out: &mut String) {
    for frame in region.frames().rev() {
        let separator = if out.is_empty() { "" } else { ", inlined into " };
        let path = frame.path().ok().flatten();
        let name = frame.full_name().ok().flatten();
        if path.is_none() && name.is_none() {
            continue;
        }
        let written = write!(out, "{separator}{}", Shortened(path.unwrap_or("?").as_bytes()))
            .and_then(|()| frame.line().map_or(Ok(()), |line| write!(out, ":{line}")))
            .and_then(|()| frame.column().map_or(Ok(()), |column| write!(out, ":{column}")))
            .and_then(|()| name.map_or(Ok(()), |name| write!(out, " in {}", Shortened(name.to_string().as_bytes()))));
        written.expect("strings take everything");
    }
}
