//! Why bytes are not an instruction of this crate.

use pvm_num::casts;

/// Bytes that do not decode.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}: {kind}", Raw { word: *word, digits: self.digits() })]
pub struct DecodeError {
    /// The cause.
    pub kind: DecodeErrorKind,
    /// The instruction, little-endian: its 2 or 4 bytes, or as many as there are.
    pub word: u32,
}

/// Causes of a [`DecodeError`]. Those that name an extension are found by the encoding alone.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end within the instruction.
    #[error("instruction of {required} bytes, of which {available} are left")]
    TooShort {
        /// Length of the instruction in bytes, at least.
        required: u8,
        /// Bytes that are there.
        available: u8,
    },
    /// Longer than 32 bits (the manual reserves these lengths).
    #[error("instruction longer than 32 bits")]
    TooLong,
    /// Exists on RV64 only.
    #[error("instruction of RV64 in an RV32 program")]
    Rv64Only,
    /// Floating point: F, D, Q, Zfh, Zfa and their compressed forms.
    #[error("floating-point instruction (F, D, Q, Zfh, Zfa)")]
    FloatingPoint,
    /// Vector: V and vector cryptography.
    #[error("vector instruction (V)")]
    Vector,
    /// Single-bit instructions.
    #[error("single-bit instruction (Zbs)")]
    Zbs,
    /// Carry-less multiplication.
    #[error("carry-less multiplication (Zbc, Zbkc)")]
    Zbc,
    /// Bit manipulation for cryptography.
    #[error("bit manipulation for cryptography (Zbkb, Zbkx)")]
    Zbk,
    /// AES, SHA-2, SM3, SM4.
    #[error("scalar cryptography (Zkn, Zks)")]
    Zk,
    /// Conditional operations that give zero.
    #[error("integer conditional operation (Zicond)")]
    Zicond,
    /// Compare and swap.
    #[error("atomic compare-and-swap (Zacas)")]
    Zacas,
    /// Atomic operations on 1 and 2 bytes.
    #[error("atomic operation on 1 or 2 bytes (Zabha)")]
    Zabha,
    /// Waiting for a reservation.
    #[error("wait on reservation set (Zawrs)")]
    Zawrs,
    /// Cache block operations.
    #[error("cache block operation (Zicbom, Zicboz)")]
    Zicbo,
    /// May-be-operations and shadow stacks, also compressed.
    #[error("may-be-operation or shadow stack (Zimop, Zcmop, Zicfiss)")]
    Zimop,
    /// Additional compressed instructions.
    #[error("additional compressed instruction (Zcb)")]
    Zcb,
    /// Machine, supervisor and hypervisor instructions such as `mret` and `wfi`.
    #[error("privileged instruction")]
    Privileged,
    /// The space for vendors' instructions: custom-1 to custom-3.
    #[error("vendor-specific instruction")]
    Vendor,
    /// Reserved by the manual.
    #[error("reserved compressed encoding")]
    Reserved,
    /// None of the above.
    #[error("unknown instruction")]
    Unknown,
}

impl DecodeErrorKind {
    /// What to tell the compiler so that it does not make such instructions, if a flag can do it.
    ///
    /// `-march` is the flag of C compilers; Rust's are the features of the target, `-Ctarget-feature=-zbs` and so on.
    pub const fn advice(self) -> Option<&'static str> {
        Some(match self {
            DecodeErrorKind::Rv64Only => "assemble for the same width as the ELF file: -march=rv32emac",
            DecodeErrorKind::FloatingPoint => {
                "use soft float: -march=rv64emac -mabi=lp64e (or rv32emac, ilp32e), -Ctarget-feature=-f,-d"
            }
            DecodeErrorKind::Vector => "drop v and zv* from -march, or -Ctarget-feature=-v",
            DecodeErrorKind::Zbs => "drop b and zbs from -march, or -Ctarget-feature=-b,-zbs",
            DecodeErrorKind::Zbc => "drop zbc and zbkc from -march, or -Ctarget-feature=-zbc,-zbkc",
            DecodeErrorKind::Zbk => "drop zbkb and zbkx from -march, or -Ctarget-feature=-zbkb,-zbkx",
            DecodeErrorKind::Zk => "drop zk* from -march, or -Ctarget-feature=-zkn,-zks",
            DecodeErrorKind::Zicond => "drop zicond from -march, or -Ctarget-feature=-zicond",
            DecodeErrorKind::Zacas => "drop zacas from -march, or -Ctarget-feature=-zacas",
            DecodeErrorKind::Zabha => "drop zabha from -march, or -Ctarget-feature=-zabha",
            DecodeErrorKind::Zawrs => "drop zawrs from -march, or -Ctarget-feature=-zawrs",
            DecodeErrorKind::Zicbo => "drop zicbom and zicboz from -march, or -Ctarget-feature=-zicbom,-zicboz",
            DecodeErrorKind::Zimop => "drop -fcf-protection, and zimop, zcmop and zicfiss from -march",
            DecodeErrorKind::Zcb => "drop zcb from -march, or -Ctarget-feature=-zcb",
            DecodeErrorKind::TooShort { .. }
            | DecodeErrorKind::TooLong
            | DecodeErrorKind::Privileged
            | DecodeErrorKind::Vendor
            | DecodeErrorKind::Reserved
            | DecodeErrorKind::Unknown => return None,
        })
    }
}

impl DecodeError {
    pub(crate) const fn too_short(word: u32, required: u8, available: u8) -> DecodeError {
        DecodeError { kind: DecodeErrorKind::TooShort { required, available }, word }
    }

    /// Hexadecimal digits of the bytes in `word`.
    fn digits(&self) -> usize {
        let bytes = match self.kind {
            DecodeErrorKind::TooShort { available, .. } => available,
            _ if self.word & 3 == 3 => 4,
            _ => 2,
        };
        casts::to_usize(casts::widen_u8(bytes)) * 2
    }
}

/// The instruction in hexadecimal, as wide as it is.
struct Raw {
    word: u32,
    digits: usize,
}

impl core::fmt::Display for Raw {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.digits == 0 {
            return f.write_str("end of code");
        }
        write!(f, "0x{:0width$x}", self.word, width = self.digits)
    }
}
