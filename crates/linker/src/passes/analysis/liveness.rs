//! Which registers' values can still be read: backward over the whole program, calls and returns included.
//!
//! Where control leaves by an address, what is live comes from everywhere it can arrive:
//!
//! ```text
//! a return              behind the calls of its function (see `functions`); at the host, if that calls it
//! another jump through  behind every call, at every function and place whose address is taken
//! ra or t0
//! any other             at every function and place whose address is taken
//! ```
//!
//! If nothing is to be trusted, every indirect jump can go to every block that has an address, and the host may look at
//! every register. Else it reads the declared inputs of an import, and what the convention says of a function that returns.
//! A trap reads nothing: what registers hold when a program traps is not kept.

use super::edges::{Entry, Predecessors, Worklist, entries, postorder};
use super::functions::{Frame, Functions, LINKS, is_function, known_return, link_number, next_of};
use crate::config::Trust;
use crate::ir::{BlockId, Inst, Program, Symbolic, Terminator};
use pvm_isa::{Meaning, Reg, RegSet};
use pvm_num::casts::{to_u32, to_usize, widen_u8};

/// What the host may look at when an export has returned.
const HOST_READS: RegSet = RegSet::of(&[Reg::a0, Reg::a1, Reg::sp, Reg::s0, Reg::s1]);

/// What a function preserves, so that its callers may count on it.
const PRESERVED: RegSet = RegSet::of(&[Reg::sp, Reg::s0, Reg::s1]);

/// Live registers at the start of every block.
pub(crate) struct Liveness {
    live_in: Vec<RegSet>,
    /// Where the indirect jump or call of each block goes; none for other blocks.
    exits: Vec<Option<Exit>>,
    /// Live at each kind of destination.
    live_at: Vec<RegSet>,
    trust: Trust,
}

/// Number of a kind of destination: the returns of a cluster through a link register, or one of those below.
type Exit = u32;

/// Kinds of destinations behind those of the clusters.
#[derive(Clone, Copy)]
struct Kinds {
    clusters: u32,
}

impl Kinds {
    const fn returns(self, cluster: u32, link: u32) -> Exit {
        2 * cluster + link
    }

    /// Behind any call through a link register.
    const fn any_return(self, link: u32) -> Exit {
        2 * self.clusters + link
    }

    /// Where the address is taken.
    const fn taken(self) -> Exit {
        2 * self.clusters + 2
    }

    /// Wherever there is an address.
    const fn anywhere(self) -> Exit {
        2 * self.clusters + 3
    }

    const fn count(self) -> u32 {
        2 * self.clusters + 4
    }
}

/// What grows when something is live, while the solution is found.
struct Flow {
    /// By kind of destination: the blocks that leave for it.
    leave: Vec<Vec<BlockId>>,
    /// By kind of destination: those that include it.
    included_in: Vec<Vec<Exit>>,
    /// By block: the kinds of destinations it is one of.
    is: Vec<Vec<Exit>>,
}

impl Liveness {
    /// Of a whole program.
    pub(crate) fn new(program: &Program<'_>, trust: Trust) -> Liveness {
        let entries = entries(program);
        let functions = match trust {
            Trust::CallingConvention => Some(Functions::new(program, &entries)),
            Trust::Nothing => None,
        };
        let kinds = Kinds { clusters: functions.as_ref().map_or(0, |functions| functions.count) };
        let mut live = Liveness {
            live_in: vec![RegSet::EMPTY; program.blocks.len()],
            exits: vec![None; program.blocks.len()],
            live_at: vec![RegSet::EMPTY; to_usize(kinds.count())],
            trust,
        };
        let mut flow = Flow {
            leave: vec![Vec::new(); to_usize(kinds.count())],
            included_in: vec![Vec::new(); to_usize(kinds.count())],
            is: vec![Vec::new(); program.blocks.len()],
        };
        for (id, block) in program.blocks_in_order() {
            let frame = functions.as_ref().and_then(|functions| {
                let leaves = match block.terminator {
                    Terminator::JumpIndirect { base, .. } => LINKS.contains(&base),
                    Terminator::Jump(_) | Terminator::Branch { .. } => {
                        block.terminator.successors().any(|next| is_function(entries[next.index()]))
                    }
                    _ => false,
                };
                if leaves { functions.frame_at_end(program, id) } else { None }
            });
            let exit = exit(kinds, functions.as_ref(), frame.as_ref(), id, &block.terminator, trust);
            live.exits[id.index()] = exit;
            if let Some(exit) = exit {
                flow.leave[to_usize(exit)].push(id);
            }
            if let Some(functions) = &functions {
                flow.tail_calls(kinds, functions, &entries, frame.as_ref(), id, &block.terminator);
            }
        }
        flow.arrivals(program, kinds, functions.as_ref(), &entries);
        let order = postorder(program, &entries);
        let mut open = Worklist::new(program, order);
        let host = match trust {
            Trust::CallingConvention => HOST_READS,
            Trust::Nothing => RegSet::ALL,
        };
        live.arrive(&flow, &mut open, kinds.any_return(0), host);
        live.arrive(&flow, &mut open, kinds.anywhere(), host);
        if let Some(functions) = &functions {
            for export in &program.exports {
                live.arrive(&flow, &mut open, kinds.returns(functions.cluster(export.block), 0), host);
            }
        }
        let predecessors = Predecessors::new(program);
        let effects = live.effects(program);
        while let Some(id) = open.pop() {
            let Effect { reads, writes } = effects[id.index()];
            let set = live.before_terminator(program, id).difference(writes).union(reads);
            if set == live.live_in[id.index()] {
                continue;
            }
            live.live_in[id.index()] = set;
            predecessors.of(id).iter().for_each(|previous| open.push(*previous));
            for exit in &flow.is[id.index()] {
                live.arrive(&flow, &mut open, *exit, set);
            }
        }
        live
    }

    /// Registers are live at a kind of destination.
    fn arrive(&mut self, flow: &Flow, open: &mut Worklist, exit: Exit, set: RegSet) {
        let mut grown = vec![exit];
        while let Some(exit) = grown.pop() {
            let live = &mut self.live_at[to_usize(exit)];
            let new = live.union(set);
            if new != *live {
                *live = new;
                flow.leave[to_usize(exit)].iter().for_each(|block| open.push(*block));
                grown.extend(&flow.included_in[to_usize(exit)]);
            }
        }
    }

    /// Live where a block starts.
    pub(crate) fn live_in(&self, block: BlockId) -> RegSet {
        self.live_in[block.index()]
    }

    /// Live between the last instruction of a block and its terminator, which must be the one that was looked at.
    pub(crate) fn before_terminator(&self, program: &Program<'_>, block: BlockId) -> RegSet {
        let terminator = &program.block(block).terminator;
        let after = match *terminator {
            Terminator::Trap => RegSet::EMPTY,
            Terminator::Jump(target) | Terminator::Call { target, .. } => self.live_in(target),
            Terminator::JumpIndirect { .. } | Terminator::CallIndirect { .. } => {
                let live = self.exits[block.index()].map_or(RegSet::ALL, |exit| self.live_at[to_usize(exit)]);
                // Whether anybody reads them or not: that calls preserve them is what other passes build on.
                live.union(PRESERVED)
            }
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

    /// What the instructions of each block do to liveness.
    fn effects(&self, program: &Program<'_>) -> Vec<Effect> {
        let mut effects = vec![Effect::default(); program.blocks.len()];
        for (id, block) in program.blocks_in_order() {
            let mut effect = Effect::default();
            for inst in block.instructions.iter().rev() {
                // What is live before if nothing or everything is live behind tells what is read and what is not passed on.
                let (none, all) = (self.before(program, inst, RegSet::EMPTY), self.before(program, inst, RegSet::ALL));
                effect.writes = effect.writes.union(RegSet::ALL.difference(all)).difference(none);
                effect.reads = effect.reads.intersection(all).union(none);
            }
            effects[id.index()] = effect;
        }
        effects
    }
}

/// What a block does to liveness.
#[derive(Clone, Copy, Default)]
struct Effect {
    /// Live before the block, whatever is behind it.
    reads: RegSet,
    /// Not live before the block because of what is live behind it.
    writes: RegSet,
}

/// Where an indirect jump or call goes.
fn exit(
    kinds: Kinds,
    functions: Option<&Functions>,
    frame: Option<&Frame>,
    id: BlockId,
    terminator: &Terminator,
    trust: Trust,
) -> Option<Exit> {
    let base = match *terminator {
        Terminator::JumpIndirect { base, .. } => base,
        Terminator::CallIndirect { .. } if trust == Trust::CallingConvention => return Some(kinds.taken()),
        Terminator::CallIndirect { .. } => return Some(kinds.anywhere()),
        _ => return None,
    };
    let Some(functions) = functions else { return Some(kinds.anywhere()) };
    Some(match known_return(frame, terminator) {
        Some(link) => kinds.returns(functions.cluster(id), link),
        None if LINKS.contains(&base) => kinds.anywhere(),
        None => kinds.taken(),
    })
}

impl Flow {
    /// What a cluster that is jumped to from another returns to is what the other returns to. So it is where a call comes
    /// back to the start of a function; a link register does not hold the caller's address there.
    fn tail_calls(
        &mut self,
        kinds: Kinds,
        functions: &Functions,
        entries: &[Entry],
        frame: Option<&Frame>,
        id: BlockId,
        terminator: &Terminator,
    ) {
        let from = functions.cluster(id);
        for next in next_of(terminator).filter(|next| is_function(entries[next.index()])) {
            let to = functions.cluster(next);
            for (link, reg) in (0..).zip(LINKS) {
                let kept = frame.is_some_and(|frame| frame.intact.contains(reg));
                let returns = if kept { kinds.returns(from, link) } else { kinds.anywhere() };
                self.included_in[to_usize(returns)].push(kinds.returns(to, link));
            }
        }
    }

    /// Which blocks are destinations of which kinds.
    fn arrivals(&mut self, program: &Program<'_>, kinds: Kinds, functions: Option<&Functions>, entries: &[Entry]) {
        for id in &program.layout {
            let entry = entries[id.index()];
            if entry.has_address() {
                self.is[id.index()].push(kinds.anywhere());
            }
            if entry.taken {
                self.is[id.index()].push(kinds.taken());
                if let Some(functions) = functions {
                    for link in 0..to_u32(LINKS.len()) {
                        let returns = kinds.returns(functions.cluster(*id), link);
                        self.included_in[to_usize(kinds.any_return(link))].push(returns);
                    }
                }
            }
        }
        let Some(functions) = functions else { return };
        for (_, block) in program.blocks_in_order() {
            let (Some(back), Some(link)) = (block.terminator.return_block(), block.terminator.writes().iter().next())
            else {
                continue;
            };
            match (link_number(link), block.terminator) {
                (Some(link), Terminator::Call { target, .. }) => {
                    self.is[back.index()].push(kinds.any_return(link));
                    self.is[back.index()].push(kinds.returns(functions.cluster(target), link));
                }
                (Some(link), _) => self.is[back.index()].push(kinds.any_return(link)),
                // A call through another register: its return cannot be told from other jumps.
                (None, _) => {
                    self.is[back.index()].push(kinds.taken());
                }
            }
        }
    }
}
