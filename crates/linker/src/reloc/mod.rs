//! Relocations: what the records of an ELF file ask for (RISC-V psABI, "Relocations").

pub(crate) mod code;
pub(crate) mod data;
mod kind;

pub use kind::RelocKind;
