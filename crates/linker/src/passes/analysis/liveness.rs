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

use super::edges::{Entry, Worklist};
use super::functions::{Frame, Functions, LINKS, is_function, known_return, link_number, next_of};
use super::summaries::Summary;
use crate::config::Trust;
use crate::ir::{BlockId, Inst, Program, Symbolic, Terminator};
use crate::passes::Options;
use pvm_isa::{Opcode, Reg, RegSet};
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
    leave: Lists,
    /// By kind of destination: those that include it.
    included_in: Lists,
    /// By block: the kinds of destinations it is one of.
    is: Lists,
}

/// Many lists of numbers, most of them short: linked, all in one place. The order within a list means nothing.
struct Lists {
    /// By list: its first link.
    heads: Vec<u32>,
    /// A number, and the next link.
    links: Vec<(u32, u32)>,
}

/// No link.
const END: u32 = u32::MAX;

impl Lists {
    fn new(count: usize) -> Lists {
        Lists { heads: vec![END; count], links: Vec::new() }
    }

    fn push(&mut self, list: usize, number: u32) {
        let head = &mut self.heads[list];
        self.links.push((number, *head));
        *head = to_u32(self.links.len() - 1);
    }

    fn of(&self, list: usize) -> impl Iterator<Item = u32> {
        let mut at = self.heads[list];
        std::iter::from_fn(move || {
            // No list is as long as the mark of its end is big.
            let (number, next) = *self.links.get(to_usize(at))?;
            at = next;
            Some(number)
        })
    }
}

impl Liveness {
    /// Of a whole program.
    pub(crate) fn new(program: &Program<'_>, options: &Options) -> Liveness {
        let trust = options.trust;
        let entries = options.entries(program);
        let functions = match trust {
            Trust::CallingConvention => Some(options.functions(program)),
            Trust::Nothing => None,
        };
        let functions = functions.as_deref();
        let kinds = Kinds { clusters: functions.map_or(0, |functions| functions.count) };
        let mut live = Liveness {
            live_in: vec![RegSet::EMPTY; program.blocks.len()],
            exits: vec![None; program.blocks.len()],
            live_at: vec![RegSet::EMPTY; to_usize(kinds.count())],
            trust,
        };
        let mut flow = Flow {
            leave: Lists::new(to_usize(kinds.count())),
            included_in: Lists::new(to_usize(kinds.count())),
            is: Lists::new(program.blocks.len()),
        };
        for (id, block) in program.blocks_in_order() {
            let frame = functions.and_then(|functions| {
                let leaves = match block.terminator {
                    Terminator::JumpIndirect { base, .. } => LINKS.contains(&base),
                    Terminator::Jump(_) | Terminator::Branch { .. } => {
                        block.terminator.successors().any(|next| is_function(entries[next.index()]))
                    }
                    _ => false,
                };
                if leaves { functions.frame_at_end(id) } else { None }
            });
            let exit = exit(kinds, functions, frame, id, &block.terminator, trust);
            live.exits[id.index()] = exit;
            if let Some(exit) = exit {
                flow.leave.push(to_usize(exit), id.0);
            }
            if let Some(functions) = functions {
                flow.tail_calls(kinds, functions, &entries, frame, id, &block.terminator);
            }
        }
        flow.arrivals(program, kinds, functions, &entries);
        let mut open = Worklist::new(program, options.postorder(program).iter().copied());
        let host = match trust {
            Trust::CallingConvention => HOST_READS,
            Trust::Nothing => RegSet::ALL,
        };
        live.arrive(&flow, &mut open, kinds.any_return(0), host);
        live.arrive(&flow, &mut open, kinds.anywhere(), host);
        if let Some(functions) = functions {
            for export in &program.exports {
                live.arrive(&flow, &mut open, kinds.returns(functions.cluster(export.block), 0), host);
            }
        }
        let predecessors = options.predecessors(program);
        let summaries = options.summaries(program);
        while let Some(id) = open.pop() {
            let Summary { reads, writes, .. } = summaries.of(id);
            let set = live.before_terminator(program, id).difference(writes).union(reads);
            if set == live.live_in[id.index()] {
                continue;
            }
            live.live_in[id.index()] = set;
            predecessors.of(id).iter().for_each(|previous| open.push(*previous));
            for exit in flow.is.of(id.index()) {
                live.arrive(&flow, &mut open, exit, set);
            }
        }
        live
    }

    /// Registers are live at a kind of destination.
    fn arrive(&mut self, flow: &Flow, open: &mut Worklist, exit: Exit, set: RegSet) {
        if set.difference(self.live_at[to_usize(exit)]).is_empty() {
            return;
        }
        let mut grown = vec![exit];
        while let Some(exit) = grown.pop() {
            let live = &mut self.live_at[to_usize(exit)];
            let new = live.union(set);
            if new != *live {
                *live = new;
                flow.leave.of(to_usize(exit)).for_each(|block| open.push(BlockId(block)));
                grown.extend(flow.included_in.of(to_usize(exit)));
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
        before(program, self.trust, inst, after)
    }
}

/// Live before an instruction, given what is live after it.
#[inline]
pub(super) fn before(program: &Program<'_>, trust: Trust, inst: &Inst, after: RegSet) -> RegSet {
    if inst.op.opcode() == Opcode::ecalli {
        return before_host_call(program, trust, inst, after);
    }
    after.difference(inst.op.writes()).union(inst.op.reads())
}

fn before_host_call(program: &Program<'_>, trust: Trust, inst: &Inst, after: RegSet) -> RegSet {
    match (trust, inst.symbol) {
        (Trust::CallingConvention, Some(Symbolic::Import(import))) => {
            let import = &program.imports[import.index()];
            let first = |count: u8| RegSet::of(&Reg::ARGUMENTS[..to_usize(widen_u8(count)).min(Reg::ARGUMENTS.len())]);
            after.difference(first(import.outputs)).union(first(import.inputs)).with(Reg::sp)
        }
        _ => RegSet::ALL,
    }
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
                self.included_in.push(to_usize(returns), kinds.returns(to, link));
            }
        }
    }

    /// Which blocks are destinations of which kinds.
    fn arrivals(&mut self, program: &Program<'_>, kinds: Kinds, functions: Option<&Functions>, entries: &[Entry]) {
        for id in &program.layout {
            let entry = entries[id.index()];
            if entry.has_address() {
                self.is.push(id.index(), kinds.anywhere());
            }
            if entry.taken {
                self.is.push(id.index(), kinds.taken());
                if let Some(functions) = functions {
                    for link in 0..to_u32(LINKS.len()) {
                        let returns = kinds.returns(functions.cluster(*id), link);
                        self.included_in.push(to_usize(kinds.any_return(link)), returns);
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
                    self.is.push(back.index(), kinds.any_return(link));
                    self.is.push(back.index(), kinds.returns(functions.cluster(target), link));
                }
                (Some(link), _) => self.is.push(back.index(), kinds.any_return(link)),
                // A call through another register: its return cannot be told from other jumps.
                (None, _) => {
                    self.is.push(back.index(), kinds.taken());
                }
            }
        }
    }
}
