//! How functions end: which blocks can get to the end of their function, and which can only trap.
//!
//! Both are least fixed points over the whole program. A call goes on behind itself only if the function it calls can
//! return; an indirect call always can.

use crate::ir::{BlockId, Program, Terminator};

/// What is known of every block.
pub(crate) struct Flow {
    can_return: Vec<bool>,
    can_trap: Vec<bool>,
}

impl Flow {
    /// Of the blocks in the layout.
    pub(crate) fn new(program: &Program<'_>) -> Flow {
        let users = Users::new(program);
        let can_return = users.fixed_point(program, |known, block| match *block {
            Terminator::JumpIndirect { .. } => true,
            Terminator::Trap => false,
            Terminator::Call { target, back, .. } => known[target.index()] && known[back.index()],
            Terminator::CallIndirect { back, .. } => known[back.index()],
            Terminator::Jump(_) | Terminator::Branch { .. } => block.successors().any(|next| known[next.index()]),
        });
        let can_trap = users.fixed_point(program, |known, block| match *block {
            Terminator::JumpIndirect { .. } => false,
            Terminator::Trap => true,
            Terminator::Call { target, back, .. } => {
                known[target.index()] || can_return[target.index()] && known[back.index()]
            }
            Terminator::CallIndirect { back, .. } => known[back.index()],
            Terminator::Jump(_) | Terminator::Branch { .. } => block.successors().any(|next| known[next.index()]),
        });
        Flow { can_return, can_trap }
    }

    /// Can control that enters a block leave its function again?
    pub(crate) fn can_return(&self, block: BlockId) -> bool {
        self.can_return[block.index()]
    }

    /// Does control that enters a block only ever trap?
    pub(crate) fn is_doomed(&self, block: BlockId) -> bool {
        self.can_trap[block.index()] && !self.can_return[block.index()]
    }
}

/// For each block those whose terminator names it, return blocks included.
struct Users {
    starts: Vec<usize>,
    all: Vec<BlockId>,
}

impl Users {
    fn new(program: &Program<'_>) -> Users {
        let mut starts = vec![0; program.blocks.len() + 1];
        for (_, block) in program.blocks_in_order() {
            named(&block.terminator).for_each(|next| starts[next.index()] += 1);
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut all = vec![BlockId::new(0); sum];
        for (id, block) in program.blocks_in_order() {
            for next in named(&block.terminator) {
                starts[next.index()] -= 1;
                all[starts[next.index()]] = id;
            }
        }
        Users { starts, all }
    }

    /// The least set of blocks that `holds` of, given what is already in it. Every block enters at most once.
    fn fixed_point(&self, program: &Program<'_>, holds: impl Fn(&[bool], &Terminator) -> bool) -> Vec<bool> {
        let mut known = vec![false; program.blocks.len()];
        let mut open = program.layout.clone();
        while let Some(id) = open.pop() {
            if !known[id.index()] && holds(&known, &program.block(id).terminator) {
                known[id.index()] = true;
                open.extend_from_slice(&self.all[self.starts[id.index()]..self.starts[id.index() + 1]]);
            }
        }
        known
    }
}

fn named(terminator: &Terminator) -> impl Iterator<Item = BlockId> {
    terminator.successors().chain(terminator.return_block())
}
