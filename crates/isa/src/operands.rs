//! Operand formats: which fields an instruction has, in the order of isa.md 4.

/// Layout of the operands. Registers are listed in the order of the instruction's operands, destination first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(missing_docs)]
pub enum Format {
    None,
    Imm,
    Offset,
    ImmImm,
    RegImm,
    RegImm64,
    RegImmImm,
    RegImmOffset,
    RegReg,
    RegRegImm,
    RegRegOffset,
    RegRegImmImm,
    RegRegReg,
}

impl Format {
    /// The name in the specification's tables.
    pub const fn name(self) -> &'static str {
        match self {
            Format::None => "none",
            Format::Imm => "imm",
            Format::Offset => "offset",
            Format::ImmImm => "imm_imm",
            Format::RegImm => "reg_imm",
            Format::RegImm64 => "reg_imm64",
            Format::RegImmImm => "reg_imm_imm",
            Format::RegImmOffset => "reg_imm_offset",
            Format::RegReg => "reg_reg",
            Format::RegRegImm => "reg_reg_imm",
            Format::RegRegOffset => "reg_reg_offset",
            Format::RegRegImmImm => "reg_reg_imm_imm",
            Format::RegRegReg => "reg_reg_reg",
        }
    }

    /// How many register operands there are.
    pub const fn register_count(self) -> usize {
        match self {
            Format::None | Format::Imm | Format::Offset | Format::ImmImm => 0,
            Format::RegImm | Format::RegImm64 | Format::RegImmImm | Format::RegImmOffset => 1,
            Format::RegReg | Format::RegRegImm | Format::RegRegOffset | Format::RegRegImmImm => 2,
            Format::RegRegReg => 3,
        }
    }

    /// Is the last operand a code offset?
    pub const fn has_target(self) -> bool {
        matches!(self, Format::Offset | Format::RegImmOffset | Format::RegRegOffset)
    }
}
