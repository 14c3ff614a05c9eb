//! Which registers' values can still be read: backward over the whole program, calls and returns included.
//!
//! Control leaves a block by its terminator's successors or by an address. An indirect jump can go to every block whose
//! address is taken, function pointers, entries of jump tables and return blocks alike, or back to the host; nothing else
//! is assumed, so that the result holds for any code. A call goes to its function, whose indirect jump returns.
//!
//! The host reads the declared inputs of an import, and after an export returns what the convention makes it responsible for.
//! A trap reads nothing: what registers hold when a program traps is not kept.

use super::edges::{Entry, Predecessors, Worklist, entries, postorder};
use crate::config::Trust;
use crate::ir::{BlockId, Inst, Program, Symbolic, Terminator};
use pvm_isa::{Meaning, Reg, RegSet};
use pvm_num::casts::{to_usize, widen_u8};

/// What the host may look at when an export has returned.
const HOST_READS: RegSet = RegSet::of(&[Reg::a0, Reg::a1, Reg::sp, Reg::s0, Reg::s1]);

/// Live registers at the start of every block.
pub(crate) struct Liveness {
    live_in: Vec<RegSet>,
    /// At the target of an indirect jump, whichever it is.
    indirect: RegSet,
    trust: Trust,
}

impl Liveness {
    /// Of a whole program.
    pub(crate) fn new(program: &Program<'_>, trust: Trust) -> Liveness {
        let entries = entries(program);
        let predecessors = Predecessors::new(program);
        let order = postorder(program, &entries);
        let jumps: Vec<BlockId> =
            order.iter().copied().filter(|id| is_indirect(&program.block(*id).terminator)).collect();
        let host = match trust {
            Trust::CallingConvention => HOST_READS,
            Trust::Nothing => RegSet::ALL,
        };
        let mut live = Liveness { live_in: vec![RegSet::EMPTY; program.blocks.len()], indirect: host, trust };
        let mut open = Worklist::new(program, order);
        while let Some(id) = open.pop() {
            let set = live.at_start(program, id);
            if set == live.live_in[id.index()] {
                continue;
            }
            live.live_in[id.index()] = set;
            predecessors.of(id).iter().for_each(|previous| open.push(*previous));
            let indirect = live.indirect.union(set);
            if Entry::has_address(entries[id.index()]) && indirect != live.indirect {
                live.indirect = indirect;
                jumps.iter().for_each(|jump| open.push(*jump));
            }
        }
        live
    }

    /// Live where a block starts.
    pub(crate) fn live_in(&self, block: BlockId) -> RegSet {
        self.live_in[block.index()]
    }

    /// Live between the last instruction of a block and its terminator.
    pub(crate) fn before_terminator(&self, terminator: &Terminator) -> RegSet {
        let after = match *terminator {
            Terminator::Trap => RegSet::EMPTY,
            Terminator::Jump(target) | Terminator::Call { target, .. } => self.live_in(target),
            Terminator::JumpIndirect { .. } | Terminator::CallIndirect { .. } => self.indirect,
            Terminator::Branch { taken, otherwise, .. } => self.live_in(taken).union(self.live_in(otherwise)),
        };
        after.difference(terminator.writes()).union(terminator.reads())
    }

    /// Live before an instruction, given what is live after it.
    pub(crate) fn before(&self, program: &Program<'_>, inst: &Inst, after: RegSet) -> RegSet {
        if matches!(inst.op.opcode().meaning(), Meaning::Ecalli) {
            return self.before_host_call(program, inst, after);
        }
        after.difference(inst.op.writes()).union(inst.op.reads())
    }

    fn before_host_call(&self, program: &Program<'_>, inst: &Inst, after: RegSet) -> RegSet {
        match (self.trust, inst.symbol) {
            (Trust::CallingConvention, Some(Symbolic::Import(import))) => {
                let import = &program.imports[import.index()];
                let first =
                    |count: u8| RegSet::of(&Reg::ARGUMENTS[..to_usize(widen_u8(count)).min(Reg::ARGUMENTS.len())]);
                after.difference(first(import.outputs)).union(first(import.inputs)).with(Reg::sp)
            }
            _ => RegSet::ALL,
        }
    }

    fn at_start(&self, program: &Program<'_>, id: BlockId) -> RegSet {
        let block = program.block(id);
        let mut live = self.before_terminator(&block.terminator);
        for inst in block.instructions.iter().rev() {
            live = self.before(program, inst, live);
        }
        live
    }
}

const fn is_indirect(terminator: &Terminator) -> bool {
    matches!(terminator, Terminator::JumpIndirect { .. } | Terminator::CallIndirect { .. })
}
