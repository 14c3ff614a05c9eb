//! Kinds of relocations by number and name.

use std::fmt;

macro_rules! kinds {
    ($($number:literal $name:ident,)*) => {
        /// A kind of relocation that the linker knows, or the number of one that it does not.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types, missing_docs, reason = "the names are the psABI's")]
        pub enum RelocKind {
            $($name,)*
            /// Any other.
            Unknown(u32),
        }

        impl RelocKind {
            /// The kind with this number.
            pub(crate) const fn from_number(number: u32) -> RelocKind {
                match number {
                    $($number => RelocKind::$name,)*
                    other => RelocKind::Unknown(other),
                }
            }
        }

        impl fmt::Display for RelocKind {
            #[allow(unreachable_patterns, reason = "the names that are not the psABI's stand in front")]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    // Names do not start with digits here.
                    RelocKind::R32 => f.pad("R_RISCV_32"),
                    RelocKind::R64 => f.pad("R_RISCV_64"),
                    RelocKind::R32_PCREL => f.pad("R_RISCV_32_PCREL"),
                    $(RelocKind::$name => f.pad(concat!("R_RISCV_", stringify!($name))),)*
                    RelocKind::Unknown(number) => write!(f, "relocation type {number}"),
                }
            }
        }
    };
}

kinds! {
    0 NONE,
    1 R32,
    2 R64,
    3 RELATIVE,
    4 COPY,
    5 JUMP_SLOT,
    6 TLS_DTPMOD32,
    7 TLS_DTPMOD64,
    8 TLS_DTPREL32,
    9 TLS_DTPREL64,
    10 TLS_TPREL32,
    11 TLS_TPREL64,
    16 BRANCH,
    17 JAL,
    18 CALL,
    19 CALL_PLT,
    20 GOT_HI20,
    21 TLS_GOT_HI20,
    22 TLS_GD_HI20,
    23 PCREL_HI20,
    24 PCREL_LO12_I,
    25 PCREL_LO12_S,
    26 HI20,
    27 LO12_I,
    28 LO12_S,
    29 TPREL_HI20,
    30 TPREL_LO12_I,
    31 TPREL_LO12_S,
    32 TPREL_ADD,
    33 ADD8,
    34 ADD16,
    35 ADD32,
    36 ADD64,
    37 SUB8,
    38 SUB16,
    39 SUB32,
    40 SUB64,
    41 GOT32_PCREL,
    43 ALIGN,
    44 RVC_BRANCH,
    45 RVC_JUMP,
    46 RVC_LUI,
    47 GPREL_I,
    48 GPREL_S,
    51 RELAX,
    52 SUB6,
    53 SET6,
    54 SET8,
    55 SET16,
    56 SET32,
    57 R32_PCREL,
    58 IRELATIVE,
    59 PLT32,
    60 SET_ULEB128,
    61 SUB_ULEB128,
    62 TLSDESC_HI20,
    63 TLSDESC_LOAD_LO12,
    64 TLSDESC_ADD_LO12,
    65 TLSDESC_CALL,
    // Not the psABI's: what lld uses among its own parts for instructions it has made relative to gp or to zero, and does
    // not change back before it writes them.
    256 LLD_GPREL_I,
    257 LLD_GPREL_S,
    258 LLD_X0REL_I,
    259 LLD_X0REL_S,
}

impl RelocKind {
    /// Hints to a linker that rewrites code; this one has nothing to do for them.
    pub(crate) const fn is_hint(self) -> bool {
        matches!(self, RelocKind::NONE | RelocKind::RELAX | RelocKind::ALIGN)
    }

    /// Is it for the low bits of a store?
    pub(crate) const fn is_store(self) -> bool {
        matches!(
            self,
            RelocKind::LO12_S
                | RelocKind::PCREL_LO12_S
                | RelocKind::GPREL_S
                | RelocKind::LLD_GPREL_S
                | RelocKind::LLD_X0REL_S
        )
    }

    /// Does it address thread-local storage?
    pub(crate) const fn is_thread_local(self) -> bool {
        matches!(
            self,
            RelocKind::TLS_DTPMOD32
                | RelocKind::TLS_DTPMOD64
                | RelocKind::TLS_DTPREL32
                | RelocKind::TLS_DTPREL64
                | RelocKind::TLS_TPREL32
                | RelocKind::TLS_TPREL64
                | RelocKind::TLS_GOT_HI20
                | RelocKind::TLS_GD_HI20
                | RelocKind::TPREL_HI20
                | RelocKind::TPREL_LO12_I
                | RelocKind::TPREL_LO12_S
                | RelocKind::TPREL_ADD
                | RelocKind::TLSDESC_HI20
                | RelocKind::TLSDESC_LOAD_LO12
                | RelocKind::TLSDESC_ADD_LO12
                | RelocKind::TLSDESC_CALL
        )
    }
}
