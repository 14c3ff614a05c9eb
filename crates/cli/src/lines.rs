//! Source lines: where in its sources an instruction comes from, for reports of traps.

use pvm_program::{Program, ProgramError, RegionInfo};
use std::fmt::Write;

/// The place of the instruction at `pc`; none if it is not known.
pub(crate) fn place_of(program: &Program, pc: u32) -> Option<String> {
    let mut lines = program.get_debug_line_program_at(pc).ok()??;
    place(&lines.find(pc).ok()??).ok()?
}

/// `function (path:line:column)`, the innermost inlined function first.
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
            write(format_args!(" ({path}"));
            if let Some(line) = frame.line() {
                write(format_args!(":{line}"));
                if let Some(column) = frame.column() {
                    write(format_args!(":{column}"));
                }
            }
            write(format_args!(")"));
        }
    }
    // Names come from the file and go to a terminal.
    let shown = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    Ok(Some(shown).filter(|text: &String| !text.is_empty()))
}
