//! Conditional branches.

use super::Emitter;
use pvm_program::Located;
use pvm_x64::{Cond, Label, Reg};

impl Emitter<'_> {
    pub(super) fn branch(&mut self, cond: Cond, a: Reg, b: Reg, located: &Located) {
        if let Some(target) = self.successor(located) {
            self.compare(a, b);
            self.asm.jcc(cond, target);
        }
    }

    pub(super) fn branch_imm(&mut self, cond: Cond, a: Reg, imm: i32, located: &Located) {
        if let Some(target) = self.successor(located) {
            self.compare_imm(a, imm);
            self.asm.jcc(cond, target);
        }
    }

    /// Where a jump or branch goes. If one of its successors is bad it stops here, whether or not it would be taken (isa.md 6.2),
    /// and there is none.
    pub(super) fn successor(&mut self, located: &Located) -> Option<Label> {
        let target = located.instruction.target().unwrap_or(self.code.len());
        let falls_off = located.instruction.opcode().can_fall_through() && located.next >= self.code.len();
        if falls_off || !self.starts.contains(target) {
            self.stop(crate::SiteKind::JumpTarget);
            return None;
        }
        Some(Label::from_number(target))
    }
}
