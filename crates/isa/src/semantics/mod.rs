//! Semantics: pure functions from source values to results, shared by every consumer.
//!
//! All of them compute on 64-bit values. A 32-bit set keeps its registers sign-extended to 64 bits, a representation
//! which every function here but the `_32` variants of [`alu::reverse_byte`] and the upper multiplications preserves, and
//! under which signed and unsigned comparisons come out the same; so one meaning serves both widths.

pub mod alu;
pub mod branch;
pub mod muldiv;
pub mod shift;
