//! The translation cache: dense operations for the blocks met so far, and how to find them.
//!
//! ```text
//! ops   | trap | head charge .. jump | head .. branch | head .. goto | head translate | ...
//!         0      ^                     ^ contiguous: falls through     ^ stub: a target not translated yet
//! ```
//!
//! A jump holds the index of its target's head. While the target is not translated that is a stub's, and the jumps to it
//! form a chain through `links`; translating the block re-aims them. Index 0 means "none" everywhere.

use crate::groups::Plan;
use crate::image::Image;
use crate::op::{Handler, Op};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use pvm_gas::BlockMeter;
use pvm_num::casts::{to_u32, to_u64, to_usize};
use pvm_program::JumpTargets;

/// A bound on translated code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CacheLimit {
    /// Bytes of translated code at which the cache is emptied and refilled.
    pub bytes_max: u64,
}

/// How execution enters code at a place that is not a translated block's start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Entry {
    pub(crate) pc: u32,
    /// Is the block that contains `pc` still to be charged?
    pub(crate) charge: bool,
    /// Has the host already been told that `pc` comes next (step tracing)?
    pub(crate) stepped: bool,
    /// Is the instruction at `pc` itself already paid (per-instruction metering)?
    pub(crate) paid: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Cache {
    pub(crate) ops: Vec<Op>,
    /// The code offset each operation reports.
    pub(crate) pcs: Vec<u32>,
    /// Next jump that waits for the same stub.
    pub(crate) links: Vec<u32>,
    /// Head index by code offset of a block.
    pub(crate) heads: Vec<u32>,
    /// Head index by jump table entry.
    pub(crate) jumps: Vec<u32>,
    pub(crate) entries: BTreeMap<Entry, u32>,
    pub(crate) targets: JumpTargets,
    pub(crate) meter: Option<BlockMeter>,
    /// Scratch space for grouping.
    pub(crate) plans: Vec<Plan>,
    limit: Option<CacheLimit>,
}

impl Cache {
    /// Bytes an operation takes with what is kept beside it.
    pub(crate) const BYTES_PER_OP: u64 = 24;
    /// Most operations one translation appends.
    pub(crate) const OPS_PER_TRANSLATION_MAX: u64 = 4096;

    pub(crate) fn new(image: &Image) -> Cache {
        let mut cache = Cache {
            ops: Vec::new(),
            pcs: Vec::new(),
            links: Vec::new(),
            heads: Vec::new(),
            jumps: Vec::new(),
            entries: BTreeMap::new(),
            targets: JumpTargets::new(image.code()),
            meter: image.gas.as_deref().map(|rule| BlockMeter::new(rule, image.set)),
            plans: Vec::new(),
            limit: None,
        };
        cache.reset(image);
        cache
    }

    /// Forgets all translations. Indexes handed out before are void.
    pub(crate) fn reset(&mut self, image: &Image) {
        self.ops.clear();
        self.pcs.clear();
        self.links.clear();
        self.entries.clear();
        self.heads = alloc::vec![0; to_usize(image.code().len())];
        self.jumps = alloc::vec![0; to_usize(image.jump_table_length())];
        self.push(Op::new(Handler::trap, 0, 0), 0);
    }

    /// The least limit under which every translation fits.
    pub(crate) fn limit_min() -> CacheLimit {
        CacheLimit { bytes_max: 2 * Self::OPS_PER_TRANSLATION_MAX * Self::BYTES_PER_OP }
    }

    pub(crate) fn set_limit(&mut self, limit: Option<CacheLimit>) {
        self.limit = limit;
    }

    /// Is there no room for another translation?
    pub(crate) fn is_full(&self) -> bool {
        let used = to_u64(self.ops.len()) * Self::BYTES_PER_OP;
        let reserve = Self::OPS_PER_TRANSLATION_MAX * Self::BYTES_PER_OP;
        let index_bound = to_u64(self.ops.len()) + Self::OPS_PER_TRANSLATION_MAX > u64::from(u32::MAX);
        index_bound || self.limit.is_some_and(|limit| used + reserve > limit.bytes_max)
    }

    pub(crate) fn next_index(&self) -> u32 {
        to_u32(self.ops.len())
    }

    pub(crate) fn push(&mut self, op: Op, pc: u32) -> u32 {
        let index = self.next_index();
        self.ops.push(op);
        self.pcs.push(pc);
        self.links.push(0);
        index
    }

    /// Does this head belong to a stub?
    pub(crate) fn is_stub(&self, head: u32) -> bool {
        self.ops[to_usize(head) + 1].handler == Handler::translate
    }

    /// Makes `head` the translation of the block at `pc`: jumps that wait for it, and its stub, now go there.
    pub(crate) fn define(&mut self, pc: u32, head: u32) {
        let stub = core::mem::replace(&mut self.heads[to_usize(pc)], head);
        if stub == 0 {
            return;
        }
        let body = &mut self.ops[to_usize(stub) + 1];
        let mut waiting = body.x;
        *body = Op::new(Handler::goto, head, 0);
        while waiting != 0 {
            self.aim(waiting, head);
            waiting = core::mem::take(&mut self.links[to_usize(waiting)]);
        }
    }

    /// Points the jump at index `jump` to the block at `pc`, by way of a stub if there is no translation yet.
    pub(crate) fn link(&mut self, jump: u32, pc: u32) {
        let mut head = self.heads[to_usize(pc)];
        if head == 0 {
            head = self.push_stub(pc);
        }
        self.aim(jump, head);
        if self.is_stub(head) {
            let body = &mut self.ops[to_usize(head) + 1];
            self.links[to_usize(jump)] = core::mem::replace(&mut body.x, jump);
        }
    }

    /// Appends a stub for the block at `pc`, and makes it that block's head if it has none.
    pub(crate) fn push_stub(&mut self, pc: u32) -> u32 {
        let head = self.push(Op::new(Handler::head, 0, pc), pc);
        self.push(Op::new(Handler::translate, 0, pc), pc);
        let known = &mut self.heads[to_usize(pc)];
        if *known == 0 {
            *known = head;
        }
        head
    }

    fn aim(&mut self, jump: u32, head: u32) {
        let op = &mut self.ops[to_usize(jump)];
        *op.target_mut() = head;
    }
}
