//! The operations within each shape of instruction. "Word" is the low 32 bits, sign-extended when written to a register.

macro_rules! operations {
    ($($(#[$outer:meta])* $name:ident { $($variant:ident $doc:literal,)* })*) => { $(
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $(#[doc = $doc] $variant),*
        }

        impl $name {
            /// All of them, in order of declaration.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];
        }
    )* };
}

operations! {
    /// When a branch is taken.
    Condition {
        Equal "`beq`: rs1 = rs2.",
        NotEqual "`bne`: rs1 ≠ rs2.",
        LessSigned "`blt`: rs1 < rs2, signed.",
        GreaterOrEqualSigned "`bge`: rs1 ≥ rs2, signed.",
        LessUnsigned "`bltu`: rs1 < rs2, unsigned.",
        GreaterOrEqualUnsigned "`bgeu`: rs1 ≥ rs2, unsigned.",
    }

    /// Width and extension of a load.
    LoadKind {
        I8 "`lb`: sign-extended byte.",
        I16 "`lh`: sign-extended 2 bytes.",
        I32 "`lw`: sign-extended 4 bytes.",
        U64 "`ld`: 8 bytes; RV64 only.",
        U8 "`lbu`: zero-extended byte.",
        U16 "`lhu`: zero-extended 2 bytes.",
        U32 "`lwu`: zero-extended 4 bytes; RV64 only.",
    }

    /// Width of a store.
    StoreKind {
        U8 "`sb`: low byte.",
        U16 "`sh`: low 2 bytes.",
        U32 "`sw`: low 4 bytes.",
        U64 "`sd`: 8 bytes; RV64 only.",
    }

    /// A register and an immediate.
    RegImmOp {
        Addi "rd = rs1 + imm.",
        Slti "rd = rs1 < imm, signed.",
        Sltiu "rd = rs1 < imm, unsigned; the immediate is sign-extended first.",
        Xori "rd = rs1 ^ imm.",
        Ori "rd = rs1 | imm.",
        Andi "rd = rs1 & imm.",
        Slli "rd = rs1 << imm.",
        Srli "rd = rs1 >> imm, zeros come in.",
        Srai "rd = rs1 >> imm, the sign comes in.",
        Rori "rd = rs1 rotated right by imm.",
        AddiW "rd = word(rs1 + imm).",
        SlliW "rd = word(rs1 << imm).",
        SrliW "rd = word(low 32 bits of rs1 >> imm), zeros come in.",
        SraiW "rd = word(rs1) >> imm, the sign comes in.",
        RoriW "rd = word(low 32 bits of rs1 rotated right by imm).",
        SlliUw "rd = zero-extended low 32 bits of rs1, << imm.",
    }

    /// Two registers.
    RegRegOp {
        Add "rd = rs1 + rs2.",
        Sub "rd = rs1 - rs2.",
        Sll "rd = rs1 << rs2.",
        Slt "rd = rs1 < rs2, signed.",
        Sltu "rd = rs1 < rs2, unsigned.",
        Xor "rd = rs1 ^ rs2.",
        Srl "rd = rs1 >> rs2, zeros come in.",
        Sra "rd = rs1 >> rs2, the sign comes in.",
        Or "rd = rs1 | rs2.",
        And "rd = rs1 & rs2.",
        AddW "rd = word(rs1 + rs2).",
        SubW "rd = word(rs1 - rs2).",
        SllW "rd = word(rs1 << rs2); the low 5 bits of rs2 count.",
        SrlW "rd = word(low 32 bits of rs1 >> rs2), zeros come in.",
        SraW "rd = word(rs1) >> rs2, the sign comes in.",
        Mul "rd = low half of rs1 * rs2.",
        Mulh "rd = high half of rs1 * rs2, both signed.",
        Mulhsu "rd = high half of rs1 * rs2, rs1 signed, rs2 unsigned.",
        Mulhu "rd = high half of rs1 * rs2, both unsigned.",
        Div "rd = rs1 / rs2, signed, rounded to zero; -1 for rs2 = 0.",
        Divu "rd = rs1 / rs2, unsigned; all ones for rs2 = 0.",
        Rem "rd = rs1 mod rs2, sign of rs1; rs1 for rs2 = 0.",
        Remu "rd = rs1 mod rs2, unsigned; rs1 for rs2 = 0.",
        MulW "rd = word(rs1 * rs2).",
        DivW "rd = word(rs1) / word(rs2), signed.",
        DivuW "rd = word of the unsigned quotient of the low 32 bits.",
        RemW "rd = word(rs1) mod word(rs2), signed.",
        RemuW "rd = word of the unsigned remainder of the low 32 bits.",
        Sh1add "rd = (rs1 << 1) + rs2.",
        Sh2add "rd = (rs1 << 2) + rs2.",
        Sh3add "rd = (rs1 << 3) + rs2.",
        AddUw "rd = zero-extended low 32 bits of rs1, + rs2.",
        Sh1addUw "rd = (zero-extended low 32 bits of rs1 << 1) + rs2.",
        Sh2addUw "rd = (zero-extended low 32 bits of rs1 << 2) + rs2.",
        Sh3addUw "rd = (zero-extended low 32 bits of rs1 << 3) + rs2.",
        Andn "rd = rs1 & !rs2.",
        Orn "rd = rs1 | !rs2.",
        Xnor "rd = !(rs1 ^ rs2).",
        Max "rd = larger of rs1 and rs2, signed.",
        Maxu "rd = larger of rs1 and rs2, unsigned.",
        Min "rd = smaller of rs1 and rs2, signed.",
        Minu "rd = smaller of rs1 and rs2, unsigned.",
        Rol "rd = rs1 rotated left by rs2.",
        Ror "rd = rs1 rotated right by rs2.",
        RolW "rd = word(low 32 bits of rs1 rotated left by rs2).",
        RorW "rd = word(low 32 bits of rs1 rotated right by rs2).",
    }

    /// One register.
    UnaryOp {
        Clz "rd = number of leading zero bits of rs1.",
        Ctz "rd = number of trailing zero bits of rs1.",
        Cpop "rd = number of set bits of rs1.",
        SextB "rd = sign-extended low byte of rs1.",
        SextH "rd = sign-extended low 2 bytes of rs1.",
        ZextH "rd = zero-extended low 2 bytes of rs1.",
        Rev8 "rd = rs1 with its bytes in reverse order.",
        OrcB "rd = rs1 with each byte that is not zero replaced by 0xff.",
        ClzW "rd = number of leading zero bits of the low 32 bits of rs1.",
        CtzW "rd = number of trailing zero bits of the low 32 bits of rs1.",
        CpopW "rd = number of set bits of the low 32 bits of rs1.",
    }

    /// What an atomic operation writes to memory; rd receives the old value.
    AmoOp {
        Swap "src.",
        Add "old + src.",
        Xor "old ^ src.",
        And "old & src.",
        Or "old | src.",
        Min "Smaller of both, signed.",
        Max "Larger of both, signed.",
        Minu "Smaller of both, unsigned.",
        Maxu "Larger of both, unsigned.",
    }

    /// Width of an atomic access.
    AmoWidth {
        Word "4 bytes; the old value is sign-extended.",
        Double "8 bytes; RV64 only.",
    }

    /// When XTheadCondMov moves.
    MoveCondition {
        IfZero "`th.mveqz`: the test register is zero.",
        IfNotZero "`th.mvnez`: the test register is not zero.",
    }

    /// How a control and status register changes; rd receives the old value.
    CsrOp {
        ReadWrite "It becomes the source.",
        ReadSet "The source's bits are set.",
        ReadClear "The source's bits are cleared.",
    }
}

/// Source of a control and status register access.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum CsrSource {
    /// A register.
    Reg(crate::Reg),
    /// A number below 32.
    Imm(u8),
}

/// The fields of a `fence`: mode (bits 8 to 11), predecessor set (4 to 7) and successor set (0 to 3), each set having
/// bits for device input, device output, reads and writes, from the highest down.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct FenceSets(pub(crate) u16);

impl FenceSets {
    /// Everything before it happens before everything after it: `fence iorw, iorw`.
    pub const FULL: FenceSets = FenceSets(0x0ff);
    /// `fence.tso`.
    pub const TSO: FenceSets = FenceSets(0x833);

    /// The 12 bits as they stand in the instruction.
    pub const fn bits(self) -> u16 {
        self.0
    }
}

impl LoadKind {
    /// Bytes read.
    pub const fn size(self) -> u32 {
        match self {
            LoadKind::I8 | LoadKind::U8 => 1,
            LoadKind::I16 | LoadKind::U16 => 2,
            LoadKind::I32 | LoadKind::U32 => 4,
            LoadKind::U64 => 8,
        }
    }
}

impl StoreKind {
    /// Bytes written.
    pub const fn size(self) -> u32 {
        match self {
            StoreKind::U8 => 1,
            StoreKind::U16 => 2,
            StoreKind::U32 => 4,
            StoreKind::U64 => 8,
        }
    }
}

impl AmoWidth {
    /// Bytes read and written.
    pub const fn size(self) -> u32 {
        match self {
            AmoWidth::Word => 4,
            AmoWidth::Double => 8,
        }
    }
}
