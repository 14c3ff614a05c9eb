//! Records that tell the linker of exports and imports, and the assembly around them (`crates/guest-abi` has their layout).
//!
//! Pointers in code and in `.polkavm_exports` are an `auipc zero`, which the linker takes for one: an absolute word would
//! need a relocation at run time in memory that cannot be written.

/// A type that exports and imports take and give: integers, `bool`, pointers, [`Bytes`](crate::Bytes), and `()` for no result.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot cross between guest and host",
    note = "what can: integers of up to 64 bits, `bool`, pointers, and `pvm::Bytes` for a slice"
)]
pub trait Value {
    /// How many registers it takes.
    const REGISTERS: u8;
}

macro_rules! values {
    ($($type:ty: $registers:expr),*) => { $(impl Value for $type { const REGISTERS: u8 = $registers; })* };
}

/// Registers of 64 bits.
const WIDE: u8 = if size_of::<usize>() < 8 { 2 } else { 1 };

values! {
    (): 0, bool: 1, u8: 1, i8: 1, u16: 1, i16: 1, u32: 1, i32: 1, usize: 1, isize: 1, u64: WIDE, i64: WIDE
}

impl<T> Value for *const T {
    const REGISTERS: u8 = 1;
}

impl<T> Value for *mut T {
    const REGISTERS: u8 = 1;
}

/// The registers of all arguments.
///
/// # Panics
/// While compiling, if there are more than nine.
pub const fn sum(arguments: &[u8]) -> u8 {
    let (mut total, mut index) = (0, 0);
    while index < arguments.len() {
        total += arguments[index];
        index += 1;
    }
    assert!(total <= 9, "the arguments need more than nine registers");
    total
}

/// A metadata record, version 2.
#[repr(C, packed)]
pub struct Metadata {
    version: u8,
    flags: u32,
    symbol_length: u32,
    symbol: *const u8,
    inputs: u8,
    outputs: u8,
    has_index: bool,
    index: u32,
}

// SAFETY: it is constant.
unsafe impl Sync for Metadata {}

const _: () = assert!(size_of::<Metadata>() == 16 + size_of::<usize>());

impl Metadata {
    /// The record of a symbol with this many registers for arguments and result.
    ///
    /// # Panics
    /// While compiling, if the symbol is longer than 4 GiB.
    pub const fn new(symbol: &'static str, inputs: u8, outputs: u8, index: Option<u32>) -> Metadata {
        let [a, b, c, d, rest @ ..] = symbol.len().to_le_bytes();
        let mut at = 0;
        while at < rest.len() {
            assert!(rest[at] == 0, "a symbol longer than 4 GiB");
            at += 1;
        }
        let (has_index, index) = match index {
            Some(index) => (true, index),
            None => (false, 0),
        };
        Metadata {
            version: 2,
            flags: 0,
            symbol_length: u32::from_le_bytes([a, b, c, d]),
            symbol: symbol.as_ptr(),
            inputs,
            outputs,
            has_index,
            index,
        }
    }
}

/// The assembly of an import, as the body of a naked function: arguments 7 to 9, which the calling convention has on the
/// stack, go to t0..t2, where the host takes them from.
#[cfg(target_pointer_width = "64")]
#[doc(hidden)]
#[macro_export]
macro_rules! import_site {
    ($metadata:path, $inputs:expr) => {
        ::core::arch::naked_asm!(
            ".if {inputs} > 6", "ld t0, 0(sp)", ".endif",
            ".if {inputs} > 7", "ld t1, 8(sp)", ".endif",
            ".if {inputs} > 8", "ld t2, 16(sp)", ".endif",
            ".4byte 0x0000000b",
            "auipc zero, %pcrel_hi({metadata})",
            ".4byte 0",
            "ret",
            metadata = sym $metadata,
            inputs = const $inputs,
        )
    };
}

/// As above, for registers of 32 bits.
#[cfg(target_pointer_width = "32")]
#[doc(hidden)]
#[macro_export]
macro_rules! import_site {
    ($metadata:path, $inputs:expr) => {
        ::core::arch::naked_asm!(
            ".if {inputs} > 6", "lw t0, 0(sp)", ".endif",
            ".if {inputs} > 7", "lw t1, 4(sp)", ".endif",
            ".if {inputs} > 8", "lw t2, 8(sp)", ".endif",
            ".4byte 0x0000000b",
            "auipc zero, %pcrel_hi({metadata})",
            "ret",
            metadata = sym $metadata,
            inputs = const $inputs,
        )
    };
}

/// The record of an export, within the body of a naked function. It names the function itself or, if that has more than six
/// arguments, the naked one, which puts t0..t2 where the calling convention has arguments 7 to 9.
#[cfg(target_pointer_width = "64")]
#[doc(hidden)]
#[macro_export]
macro_rules! export_record {
    ($metadata:path, $function:path, $inputs:expr) => {
        ::core::arch::naked_asm!(
            ".pushsection .polkavm_exports,\"aR\",@note",
            ".byte 1",
            "auipc zero, %pcrel_hi({metadata})",
            ".4byte 0",
            ".if {inputs} > 6",
            "auipc zero, %pcrel_hi(77f)",
            ".else",
            "auipc zero, %pcrel_hi({function})",
            ".endif",
            ".4byte 0",
            ".popsection",
            "77:",
            "addi sp, sp, -32",
            "sd t0, 0(sp)",
            "sd t1, 8(sp)",
            "sd t2, 16(sp)",
            "sd ra, 24(sp)",
            "call {function}",
            "ld ra, 24(sp)",
            "addi sp, sp, 32",
            "ret",
            metadata = sym $metadata,
            function = sym $function,
            inputs = const $inputs,
        )
    };
}

/// As above, for registers of 32 bits.
#[cfg(target_pointer_width = "32")]
#[doc(hidden)]
#[macro_export]
macro_rules! export_record {
    ($metadata:path, $function:path, $inputs:expr) => {
        ::core::arch::naked_asm!(
            ".pushsection .polkavm_exports,\"aR\",@note",
            ".byte 1",
            "auipc zero, %pcrel_hi({metadata})",
            ".if {inputs} > 6",
            "auipc zero, %pcrel_hi(77f)",
            ".else",
            "auipc zero, %pcrel_hi({function})",
            ".endif",
            ".popsection",
            "77:",
            "addi sp, sp, -16",
            "sw t0, 0(sp)",
            "sw t1, 4(sp)",
            "sw t2, 8(sp)",
            "sw ra, 12(sp)",
            "call {function}",
            "lw ra, 12(sp)",
            "addi sp, sp, 16",
            "ret",
            metadata = sym $metadata,
            function = sym $function,
            inputs = const $inputs,
        )
    };
}
