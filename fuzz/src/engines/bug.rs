//! Bugs planted to see that they are found: the product stays as it is, what it gets or tells is falsified.
//!
//! Most give the compiler a program with one meaning altered, or another price list, while the interpreter gets the original;
//! offsets stay the same. What no program can express is changed in what was observed of the compiled guest.

use super::batch::Batch;
use super::drive::Seen;
use super::setup::Setup;
use pvm::{GasRule, InterruptKind, Module, ModuleConfig, ProgramBlob, Trap};
use pvm_gas::CostTable;
use pvm_isa::{Instruction, Meaning, Opcode as O, Reg, encode};
use pvm_num::casts::{to_usize, unsigned_32};
use pvm_program::{CodeLayout, Located};
use std::sync::Arc;

/// A bug of the compiler, as it would be seen from outside.
pub(crate) struct Bug {
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    /// What the compiler takes an instruction for, given with the one before it in its block.
    Instruction(fn(Option<&Instruction>, &Instruction) -> Option<Instruction>),
    /// An instruction that costs too much.
    Price(O),
    /// The gas that the compiled guest has too much, unseen.
    Gas(i64),
    /// What is reported instead of what happened.
    Report(fn(&mut Seen, &Module)),
}

pub(crate) const BUGS: &[Bug] = &[
    Bug { name: "loads of bytes and half-words drop the sign", kind: Kind::Instruction(unsigned_load) },
    Bug { name: "loads of unsigned words keep the sign", kind: Kind::Instruction(signed_load) },
    Bug { name: "unsigned branches look at signs", kind: Kind::Instruction(signed_branch) },
    Bug { name: "branches include equality", kind: Kind::Instruction(inclusive_branch) },
    Bug { name: "64-bit shifts take 5 bits of the amount", kind: Kind::Instruction(narrow_shift) },
    Bug { name: "32-bit sums and products are not truncated", kind: Kind::Instruction(wide_arithmetic) },
    Bug { name: "addresses do not wrap at 2^32", kind: Kind::Instruction(no_wrap) },
    Bug { name: "stores without offset are dropped", kind: Kind::Instruction(dropped_store) },
    Bug { name: "conditional moves take the other condition", kind: Kind::Instruction(other_cmov) },
    Bug { name: "division by zero gives zero", kind: Kind::Instruction(division_by_zero) },
    Bug { name: "the lowest bit of jump addresses is ignored", kind: Kind::Instruction(unaligned_jump) },
    Bug { name: "a carry is found though the sum overwrote the term", kind: Kind::Instruction(aliased_carry) },
    Bug { name: "upper halves of products are unsigned", kind: Kind::Instruction(unsigned_upper) },
    Bug { name: "rotations go the other way", kind: Kind::Instruction(other_rotation) },
    Bug { name: "half-words are sign-extended", kind: Kind::Instruction(signed_extension) },
    Bug { name: "minimum and maximum ignore signs", kind: Kind::Instruction(unsigned_choice) },
    Bug { name: "comparisons with immediates ignore signs", kind: Kind::Instruction(unsigned_set) },
    Bug { name: "xnor costs too much", kind: Kind::Price(O::xnor) },
    Bug { name: "gas may fall to -1", kind: Kind::Gas(1) },
    Bug { name: "the check of gas is missing", kind: Kind::Gas(1 << 16) },
    Bug { name: "a store that faults reports the load before it", kind: Kind::Report(fault_of_group) },
    Bug { name: "an update that may not store reports its load", kind: Kind::Report(fault_of_update) },
    Bug { name: "read-only pages are reported as missing", kind: Kind::Report(missing_page) },
    Bug { name: "t0 is lost at faults", kind: Kind::Report(lost_register) },
    Bug { name: "host calls are repeated", kind: Kind::Report(repeated_call) },
    Bug { name: "faulting addresses are those of 8 bytes", kind: Kind::Report(aligned_fault) },
];

impl Bug {
    /// Makes gas depend on nothing that the bug alters, or the bug show.
    pub(super) fn set_up(&self, setup: &mut Setup) {
        match self.kind {
            Kind::Instruction(_) | Kind::Report(_) => setup.rule = setup.rule.take().map(|_| GasRule::Simple),
            Kind::Price(_) => setup.rule = Some(GasRule::Table(Arc::new(CostTable::uniform(1)))),
            Kind::Gas(_) => setup.rule = Some(GasRule::Simple),
        }
    }

    /// The compiler's configuration.
    pub(super) fn config(&self, setup: &Setup) -> ModuleConfig {
        let mut config = setup.config();
        if let Kind::Price(opcode) = self.kind {
            let mut table = CostTable::uniform(1);
            table.set(opcode, 2);
            config.set_gas_rule(Some(GasRule::Table(Arc::new(table))));
        }
        config
    }

    /// The compiler's program; none if it is the interpreter's.
    pub(super) fn alter(&self, batch: &Batch<'_>, layout: &CodeLayout) -> Option<ProgramBlob> {
        let Kind::Instruction(alter) = self.kind else { return None };
        let mut code = batch.code.clone();
        let mut before: Option<Instruction> = None;
        for index in 0..code.items.len() {
            let item = &mut code.items[index];
            let instruction = item.instruction;
            let target = item.target.map_or(0, |target| layout.offsets[to_usize(target)]);
            let size = |instruction: &Instruction| {
                encode(layout.set, layout.offsets[index], &instruction.with_target(target)).map(|bytes| bytes.len())
            };
            if let Some(other) = alter(before.as_ref(), &instruction)
                && size(&other) == size(&instruction)
            {
                item.instruction = other;
            }
            before = (!instruction.opcode().ends_block()).then_some(instruction);
        }
        let mut altered = code.build().ok().filter(|altered| altered.offsets == layout.offsets)?;
        altered.jump_table.clone_from(&layout.jump_table);
        altered.jump_table_entry_size = layout.jump_table_entry_size;
        batch.container(&altered).map(ProgramBlob::from_program)
    }

    pub(super) fn gas_lead(&self) -> i64 {
        if let Kind::Gas(lead) = self.kind { lead } else { 0 }
    }

    /// What is seen of the compiled guest.
    pub(super) fn observe(&self, mut seen: Seen, module: &Module) -> Seen {
        seen.gas -= self.gas_lead();
        if let Kind::Report(falsify) = self.kind {
            falsify(&mut seen, module);
        }
        seen
    }
}

/// The same operands of another instruction of the same format.
fn with_opcode(instruction: &Instruction, opcode: O) -> Instruction {
    let regs = [instruction.r1(), instruction.r2(), instruction.r3()];
    Instruction::with_registers(opcode, regs).with_imm1(instruction.imm1()).with_imm2(instruction.imm2())
}

/// Takes instructions of the first opcodes for those of the second.
macro_rules! swap {
    ($name:ident: $($from:ident => $to:ident),* $(,)?) => {
        fn $name(_: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
            match instruction.opcode() {
                $(O::$from => Some(with_opcode(instruction, O::$to)),)*
                _ => None,
            }
        }
    };
}
swap!(unsigned_load: load_i8 => load_u8, load_indirect_i8 => load_indirect_u8, load_indirect_i16 => load_indirect_u16);
swap!(signed_load: load_u32 => load_i32, load_indirect_u32 => load_indirect_i32);
swap!(signed_branch: branch_less_unsigned => branch_less_signed, branch_less_unsigned_imm => branch_less_signed_imm);
swap!(inclusive_branch: branch_less_signed_imm => branch_less_or_equal_signed_imm,
    branch_greater_unsigned_imm => branch_greater_or_equal_unsigned_imm);
swap!(wide_arithmetic: add_32 => add_64, sub_32 => sub_64, mul_32 => mul_64, add_imm_32 => add_imm_64);
swap!(other_cmov: cmov_if_zero => cmov_if_not_zero, cmov_if_zero_imm => cmov_if_not_zero_imm);
swap!(unsigned_upper: mul_upper_signed_signed => mul_upper_unsigned_unsigned,
    mul_upper_signed_unsigned => mul_upper_unsigned_unsigned);
swap!(other_rotation: rotate_left_64 => rotate_right_64, rotate_left_32 => rotate_right_32);
swap!(signed_extension: zero_extend_16 => sign_extend_16);
swap!(unsigned_choice: minimum => minimum_unsigned, maximum => maximum_unsigned);
swap!(unsigned_set: set_less_than_signed_imm => set_less_than_unsigned_imm,
    set_greater_than_signed_imm => set_greater_than_unsigned_imm);

fn narrow_shift(_: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    let is_shift = matches!(
        instruction.opcode(),
        O::shift_logical_left_imm_64 | O::shift_logical_right_imm_64 | O::shift_arithmetic_right_imm_64
    );
    is_shift.then(|| instruction.with_imm1(instruction.imm1() & 31))
}

fn no_wrap(before: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    let base = match instruction.opcode().meaning() {
        Meaning::LoadIndirect(_) | Meaning::StoreIndirect(_) => instruction.r2(),
        _ => return None,
    };
    let before = before.filter(|before| before.opcode() == O::load_imm && before.r1() == base)?;
    let offset = unsigned_32(instruction.imm1());
    let wraps = unsigned_32(before.imm1()).checked_add(offset).is_none();
    // Far from everything.
    wraps.then(|| instruction.with_imm1(instruction.imm1() ^ 0x0400_0000))
}

fn dropped_store(_: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    let is_store = matches!(instruction.opcode().meaning(), Meaning::StoreIndirect(_)) && instruction.imm1() == 0;
    is_store.then(|| Instruction::or_imm(instruction.r1(), instruction.r1(), 0))
}

fn division_by_zero(before: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    let is_division =
        matches!(instruction.opcode(), O::div_unsigned_32 | O::div_unsigned_64 | O::div_signed_32 | O::div_signed_64);
    let zero = *before? == Instruction::load_imm(instruction.r3(), 0);
    (is_division && zero).then(|| Instruction::and(instruction.r1(), instruction.r3(), instruction.r3()))
}

fn unaligned_jump(_: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    match instruction.opcode() {
        O::jump_indirect => Some(instruction.with_imm1(instruction.imm1() & !1)),
        O::load_imm_and_jump_indirect => Some(instruction.with_imm2(instruction.imm2() & !1)),
        _ => None,
    }
}

fn aliased_carry(before: Option<&Instruction>, instruction: &Instruction) -> Option<Instruction> {
    let sum = before.filter(|before| before.opcode() == O::add_64 && before.r1() == before.r2())?;
    let is_carry = *instruction == Instruction::set_less_than_unsigned(instruction.r1(), sum.r1(), sum.r2());
    is_carry.then(|| Instruction::set_less_than_unsigned(instruction.r1(), sum.r1(), sum.r3()))
}

fn is_fault(seen: &Seen) -> bool {
    matches!(seen.exit, Ok(InterruptKind::Segfault(_))) || matches!(seen.trap, Some(Trap::Memory { .. }))
}

fn fault_of_group(seen: &mut Seen, module: &Module) {
    let code = module.blob().program().code();
    let Some(pc) = seen.pc.filter(|_| is_fault(seen)) else { return };
    let Some(start) = code.block_start(pc) else { return };
    let before: Option<Located> = code.iter_from(start).take_while(|located| located.offset < pc).last();
    if let Some(before) = before
        && matches!(before.instruction.opcode().meaning(), Meaning::Load(_) | Meaning::LoadIndirect(_))
    {
        for field in [&mut seen.pc, &mut seen.next, &mut seen.last] {
            *field = field.map(|_| before.offset);
        }
    }
}

fn fault_of_update(seen: &mut Seen, module: &Module) {
    let code = module.blob().program().code();
    let Some(pc) = seen.pc.filter(|_| is_fault(seen)) else { return };
    let Some(start) = code.block_start(pc) else { return };
    let before: Vec<Located> = code.iter_from(start).take_while(|located| located.offset <= pc).collect();
    let [.., load, operation, store] = before.as_slice() else { return };
    let result = store.instruction.r1();
    let is_update = matches!(load.instruction.opcode().meaning(), Meaning::Load(_) | Meaning::LoadIndirect(_))
        && matches!(store.instruction.opcode().meaning(), Meaning::Store(_) | Meaning::StoreIndirect(_))
        && load.instruction.place() == store.instruction.place()
        && operation.instruction.destination() == Some(result);
    if is_update {
        for field in [&mut seen.pc, &mut seen.next, &mut seen.last] {
            *field = field.map(|_| load.offset);
        }
    }
}

fn missing_page(seen: &mut Seen, _: &Module) {
    if let Ok(InterruptKind::Segfault(fault)) = &mut seen.exit {
        fault.is_write_protected = false;
    }
}

fn lost_register(seen: &mut Seen, _: &Module) {
    if is_fault(seen) {
        seen.regs[Reg::t0.index()] = 0;
    }
}

fn repeated_call(seen: &mut Seen, _: &Module) {
    if matches!(seen.exit, Ok(InterruptKind::Ecalli(_))) {
        seen.next = seen.pc;
    }
}

fn aligned_fault(seen: &mut Seen, _: &Module) {
    if let Some(Trap::Memory { address, .. }) = &mut seen.trap {
        *address &= !7;
    }
}
