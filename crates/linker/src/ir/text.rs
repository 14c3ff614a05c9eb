//! The text form of a program, for people and snapshots: `pvm link --emit ir`.
//!
//! ```text
//! export "main" = @2
//! ro .rodata size 16 align 8
//!   +0x8: u64 &@3
//!
//! @2 main: // .text+0x10
//!   load_imm a0, &.data+0x4
//!   call ra, @5 -> @3
//! ```

use super::{BlockId, Data, DataKind, DataValue, Import, ImportId, Inst, Program, Symbolic, Target, Terminator};
use pvm_isa::{Format, Width};
use pvm_num::casts::widen_u8;
use std::fmt::{self, Display, Formatter};

impl Display for BlockId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.0)
    }
}

impl Display for Program<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let bits = match self.width {
            Width::Narrow => 32,
            Width::Wide => 64,
        };
        writeln!(f, "// {bits}-bit registers, stack of at least {} bytes", self.stack_size_min)?;
        for import in &self.imports {
            writeln!(f, "import {import}")?;
        }
        for export in &self.exports {
            let name = export.symbol.escape_ascii();
            writeln!(f, "export \"{name}\"({}) -> {} = {}", export.inputs, export.outputs, export.block)?;
        }
        for (_, data) in self.data_kept() {
            self.data(f, data)?;
        }
        for (id, block) in self.blocks_in_order() {
            let source = block.source;
            let section = self.section_name(source.section);
            write!(f, "\n{id}")?;
            if let Some(label) = block.label {
                write!(f, " {label}")?;
            }
            writeln!(f, ": // {section}+{:#x}", source.offset)?;
            for inst in &block.instructions {
                self.inst(f, inst)?;
            }
            terminator(f, &block.terminator)?;
        }
        Ok(())
    }
}

impl Display for Import<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"({}) -> {}", self.symbol.escape_ascii(), self.inputs, self.outputs)?;
        match self.index {
            Some(index) => write!(f, " at {index}"),
            None => Ok(()),
        }
    }
}

fn terminator(f: &mut Formatter<'_>, terminator: &Terminator) -> fmt::Result {
    match terminator {
        Terminator::Trap => writeln!(f, "  trap"),
        Terminator::Jump(target) => writeln!(f, "  jump {target}"),
        Terminator::Call { link, target, back } => writeln!(f, "  call {link}, {target} -> {back}"),
        Terminator::JumpIndirect { base, offset } => writeln!(f, "  jump_indirect {base}, {offset}"),
        Terminator::CallIndirect { link, base, offset, back } => {
            writeln!(f, "  call_indirect {link}, {base}, {offset} -> {back}")
        }
        Terminator::Branch { branch, taken, otherwise } => {
            write!(f, "  {} {}, ", branch.opcode(), branch.r1())?;
            match branch.opcode().format() {
                Format::RegRegOffset => write!(f, "{}", branch.r2())?,
                _ => write!(f, "{}", branch.imm1())?,
            }
            writeln!(f, ", {taken} else {otherwise}")
        }
    }
}

impl Program<'_> {
    fn section_name(&self, section: u32) -> &str {
        self.sections.get(pvm_num::casts::to_usize(section)).copied().unwrap_or("?")
    }

    fn data(&self, f: &mut Formatter<'_>, data: &Data<'_>) -> fmt::Result {
        let kind = match data.kind {
            DataKind::Ro => "ro",
            DataKind::Rw => "rw",
            DataKind::Bss => "bss",
        };
        writeln!(f, "{kind} {} size {} align {}", data.name, data.size, data.align)?;
        for relocation in &data.relocations {
            write!(f, "  +{:#x}: u{} ", relocation.offset, widen_u8(relocation.size) * 8)?;
            match relocation.value {
                DataValue::Address(target) => writeln!(f, "{}", self.address(target))?,
                DataValue::Difference { plus, minus } => {
                    writeln!(f, "{} - {}", self.address(plus), self.address(minus))?;
                }
            }
        }
        Ok(())
    }

    fn address(&self, target: Target) -> impl Display {
        std::fmt::from_fn(move |f| match target {
            Target::Code(block) => write!(f, "&{block}"),
            Target::Absolute(value) => write!(f, "{value:#x}"),
            Target::Data { section, offset } => {
                let name = self.data.get(section.index()).map_or("?", |data| data.name);
                match offset {
                    0 => write!(f, "&{name}"),
                    1.. => write!(f, "&{name}+{offset:#x}"),
                    _ => write!(f, "&{name}-{:#x}", offset.unsigned_abs()),
                }
            }
        })
    }

    fn symbolic(&self, symbol: Symbolic) -> impl Display {
        std::fmt::from_fn(move |f| match symbol {
            Symbolic::Address(target) => write!(f, "{}", self.address(target)),
            Symbolic::High(target) => write!(f, "high({})", self.address(target)),
            Symbolic::Low(target) => write!(f, "low({})", self.address(target)),
            Symbolic::HeapBase => f.write_str("heap_base"),
            Symbolic::Import(ImportId(number)) => match self.imports.get(pvm_num::casts::to_usize(number)) {
                Some(import) => write!(f, "\"{}\"", import.symbol.escape_ascii()),
                None => f.write_str("?"),
            },
        })
    }

    fn inst(&self, f: &mut Formatter<'_>, inst: &Inst) -> fmt::Result {
        let op = &inst.op;
        let format = op.opcode().format();
        write!(f, "  {}", op.opcode())?;
        let regs = [op.r1(), op.r2(), op.r3()];
        let mut separator = " ";
        for reg in &regs[..format.register_count()] {
            write!(f, "{separator}{reg}")?;
            separator = ", ";
        }
        let immediates = match format {
            Format::None | Format::RegReg | Format::RegRegReg => 0,
            Format::RegImm64 => {
                write!(f, "{separator}{:#x}", op.imm64())?;
                0
            }
            Format::ImmImm | Format::RegImmImm | Format::RegRegImmImm => 2,
            Format::Imm | Format::RegImm | Format::RegRegImm => 1,
            Format::Offset | Format::RegImmOffset | Format::RegRegOffset => 0,
        };
        if immediates > 0 {
            match inst.symbol {
                Some(symbol) => write!(f, "{separator}{}", self.symbolic(symbol))?,
                None => write!(f, "{separator}{}", op.imm1())?,
            }
        }
        if immediates > 1 {
            write!(f, ", {}", op.imm2())?;
        }
        writeln!(f)
    }
}
