//! Every limit and fixed address of the system, each in this one place.

/// Longest code of a program in bytes (32 MiB).
pub const CODE_SIZE_MAX: u32 = 32 << 20;
/// Most entries of a jump table.
pub const JUMP_TABLE_LENGTH_MAX: u32 = 16 << 20;
/// Widest jump table entry in bytes.
pub const JUMP_TABLE_ENTRY_SIZE_MAX: u8 = 4;
/// Most imports of a program.
pub const IMPORT_COUNT_MAX: u32 = 1024;
/// Longest distance between two instruction starts of the bitmask encoding: opcode byte and 24 operand bytes.
pub const INSTRUCTION_SPAN_MAX: u32 = 25;
/// Size of a macro block in bytes; instructions never cross one.
pub const MACRO_BLOCK_SIZE: u32 = 1024;
/// Dynamic code addresses are multiples of this; entry `i` of the jump table has address `2 * (i + 1)`.
pub const CODE_ADDRESS_ALIGNMENT: u32 = 2;
/// A jump here hands control back to the host.
pub const RETURN_TO_HOST: u32 = 0xffff_0000;
/// Registers of the machine.
pub const REGISTER_COUNT: usize = 13;
/// Guard and alignment unit of the memory map (64 KiB).
pub const ADDRESS_ZONE: u32 = 0x1_0000;
/// Smallest page size.
pub const PAGE_SIZE_MIN: u32 = 0x1000;
/// Largest page size.
pub const PAGE_SIZE_MAX: u32 = 0x1_0000;
/// Page size of JAM and of dynamic paging unless configured otherwise.
pub const PAGE_SIZE_DEFAULT: u32 = 0x1000;
/// End of usable guest addresses; everything from here on is never mapped.
pub const ADDRESS_SPACE_TOP: u32 = 0xffff_0000;
/// Stack size the linker asks for when nobody asks for more.
pub const STACK_SIZE_DEFAULT: u32 = 8192;
/// Most argument registers of an import or export.
pub const ARGUMENT_COUNT_MAX: usize = 9;
/// Most result registers of an import or export.
pub const RESULT_COUNT_MAX: usize = 2;
/// Longest argument data of a JAM invocation (16 MiB).
pub const JAM_ARGUMENTS_SIZE_MAX: u32 = 1 << 24;

const _: () = assert!(CODE_SIZE_MAX.is_multiple_of(MACRO_BLOCK_SIZE));
const _: () = assert!(RETURN_TO_HOST == ADDRESS_SPACE_TOP);
const _: () = assert!(PAGE_SIZE_MAX == ADDRESS_ZONE);
