//! Checking: what a configuration did, against what the case says and against what another configuration did.

use crate::configuration::{Configuration, Gas, Paging};
use crate::drive::{Observation, Pages, Trace, as_register, overlay};
use pvm::{InterruptKind, Reg};
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_text::case::{Case, Status};
use std::fmt::{Debug, LowerHex};

/// A difference: what, expected, got. `what` is the name that a `post:` line has for it.
pub(crate) type Difference = (String, String, String);
type Checked = Result<(), Difference>;

fn same<T: PartialEq + Debug>(what: &str, expected: T, got: T) -> Checked {
    if expected == got {
        return Ok(());
    }
    Err((what.to_owned(), format!("{expected:?}"), format!("{got:?}")))
}

fn same_hex<T: PartialEq + LowerHex>(what: &str, expected: T, got: T) -> Checked {
    if expected == got {
        return Ok(());
    }
    Err((what.to_owned(), format!("{expected:#x}"), format!("{got:#x}")))
}

fn same_place(what: &str, expected: Option<u32>, got: Option<u32>) -> Checked {
    let text = |pc: Option<u32>| pc.map_or_else(|| "none".into(), |pc| format!("{pc:#x}"));
    if expected == got { Ok(()) } else { Err((what.to_owned(), text(expected), text(got))) }
}

/// Can this case be checked in this configuration? Amounts of gas hold for one rule only.
pub(crate) fn suits(case: &Case, gas: Gas) -> bool {
    gas == Gas::Full || (case.expected.gas.is_none() && case.expected.status != Some(Status::OutOfGas))
}

/// Checks the last observation against what the case says.
pub(crate) fn against_case(case: &Case, configuration: Configuration, trace: &Trace) -> Checked {
    let Some(last) = trace.runs.last() else {
        return Err(("step".into(), "a run".into(), "none".into()));
    };
    let expected = &case.expected;
    let status = expected.status.unwrap_or(Status::Panic);
    let is_fault = status == Status::PageFault;
    let under_static = configuration.paging == Paging::Static;
    let possible = if is_fault && under_static { Status::Panic } else { status };
    same("status", Some(possible), status_of(&last.interrupt))?;
    program_counter(status, expected.pc, last)?;
    if let InterruptKind::Segfault(fault) = &last.interrupt {
        if let Some(address) = expected.page_fault_address {
            same_hex("page-fault-address", address, fault.page_address)?;
        }
        let is_there = trace.untouched.1.contains_key(&fault.page_address);
        same("the fault's is_write_protected", is_there, fault.is_write_protected)?;
        same_hex("the fault's page_size", PAGE_SIZE_DEFAULT, fault.page_size)?;
    }
    if let (Some(number), InterruptKind::Ecalli(got)) = (expected.hostcall, &last.interrupt) {
        same("hostcall", number, *got)?;
    }
    match (configuration.gas, expected.gas) {
        (Gas::Unmetered, _) => same("gas", case.gas, last.gas)?,
        (_, Some(gas)) => same("gas", gas, last.gas)?,
        _ => {}
    }
    registers(case, trace, last)?;
    memory(case, trace, last)
}

/// An exit in the words of a case; none for a step, from which the driver runs on unless a guest never ends.
fn status_of(interrupt: &InterruptKind) -> Option<Status> {
    match interrupt {
        InterruptKind::Finished => Some(Status::Halt),
        InterruptKind::Trap => Some(Status::Panic),
        InterruptKind::Ecalli(_) => Some(Status::Ecalli),
        InterruptKind::Segfault(_) => Some(Status::PageFault),
        InterruptKind::NotEnoughGas => Some(Status::OutOfGas),
        InterruptKind::Step => None,
    }
}

/// A case names the instruction that ran last; the API does so unless the guest halted or was entered within a block
/// that it cannot pay (host-api.md 3).
fn program_counter(status: Status, pc: u32, last: &Observation) -> Checked {
    match status {
        Status::Halt => {
            same_place("pc", None, last.pc)?;
            same_place("next pc", None, last.next_pc)?;
            match last.last_step {
                Some(step) => same_hex("pc", pc, step),
                None => Ok(()),
            }
        }
        Status::OutOfGas => same_place("pc", Some(pc), last.next_pc),
        Status::PageFault | Status::Panic | Status::Ecalli => same_place("pc", Some(pc), last.pc),
    }
}

/// A register that no `post:` line names must hold what `pre:` or `step:` set it to.
fn registers(case: &Case, trace: &Trace, last: &Observation) -> Checked {
    let set = case.program.set();
    let mut expected = trace.untouched.0;
    for (reg, value) in &case.expected.regs {
        expected[reg.index()] = *value;
    }
    for ((reg, expected), got) in Reg::ALL.into_iter().zip(expected).zip(last.regs) {
        same_hex(reg.name(), as_register(set, expected), got)?;
    }
    Ok(())
}

/// Memory that no `post:` line names must hold what the program and `step:` lines put there.
fn memory(case: &Case, trace: &Trace, last: &Observation) -> Checked {
    let mut expected = trace.untouched.1.clone();
    for ((address, bytes), got) in case.expected.memory.iter().zip(&last.asked) {
        let what = || format!("memory {address:#x}");
        let got = got.as_ref().ok_or_else(|| (what(), hex(bytes), "memory that cannot be read".into()))?;
        if got != bytes {
            return Err((what(), hex(bytes), hex(got)));
        }
        overlay(&mut expected, *address, bytes);
    }
    pages(&expected, &last.memory)
}

fn pages(expected: &Pages, got: &Pages) -> Checked {
    same("readable pages", expected.keys().collect::<Vec<_>>(), got.keys().collect::<Vec<_>>())?;
    for ((page, expected), got) in expected.iter().zip(got.values()).filter(|((_, expected), got)| expected != got) {
        let differs = (*page..).zip(expected.iter().zip(got)).find(|(_, (expected, got))| expected != got);
        if let Some((address, (expected, got))) = differs {
            same_hex(&format!("memory {address:#x}"), *expected, *got)?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Checks what a configuration did against what another did.
pub(crate) fn against_other(one: (Configuration, &Trace), other: (Configuration, &Trace)) -> Checked {
    let same_paging = one.0.paging == other.0.paging;
    let ends_here = |seen: &Observation| matches!(seen.interrupt, InterruptKind::Trap | InterruptKind::Segfault(_));
    for (index, (a, b)) in one.1.runs.iter().zip(&other.1.runs).enumerate() {
        let what = |what: &str| format!("{what} after run {}", index + 1);
        // A page fault under dynamic paging is a trap under a static map, for good.
        let is_fault =
            !same_paging && ends_here(a) && ends_here(b) && status_of(&a.interrupt) != status_of(&b.interrupt);
        same_place(&what("pc"), a.pc, b.pc)?;
        if !is_fault {
            same(&what("exit"), &a.interrupt, &b.interrupt)?;
            same_place(&what("next pc"), a.next_pc, b.next_pc)?;
        }
        if same_paging {
            same(&what("reason"), a.trap, b.trap)?;
        }
        if one.0.gas == other.0.gas {
            same(&what("gas"), a.gas, b.gas)?;
        }
        for ((reg, a), b) in Reg::ALL.into_iter().zip(a.regs).zip(b.regs) {
            same_hex(&what(reg.name()), a, b)?;
        }
        pages(&a.memory, &b.memory).map_err(|(name, a, b)| (what(&name), a, b))?;
        if is_fault {
            return Ok(());
        }
    }
    same("runs", one.1.runs.len(), other.1.runs.len())
}
