//! Numbers: the only integer casts of the project, alignment, and every named limit.
//!
//! This crate knows nothing of PVM's instructions or containers; it holds what all others must agree on.
#![no_std]
#![forbid(unsafe_code)]

pub mod align;
pub mod casts;
pub mod limits;
