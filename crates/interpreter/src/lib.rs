//! The interpreter: runs programs on any host, without `std` and without `unsafe` code.
//!
//! ```text
//! Image      a program prepared once: code, jump table, initial memory, gas rule
//! Instance   one guest: run() --> dispatch::run over Cache.ops --> Exit
//!            |                     |  jumps to a stub: translate_block, then on
//!            |                     '- loads and stores: memory::{Flat, Paged}
//!            '- registers, gas, program counters, memory for the host
//! ```
//!
//! Code is translated a run of blocks at a time, when first reached, into 16-byte operations with operands decoded and
//! jumps resolved; `cache.rs` has the picture. The crate does not parse containers, validate programs or know imports.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod cache;
mod dispatch;
mod exit;
mod groups;
mod handlers;
mod image;
mod instance;
mod memory;
mod op;
mod translate;
mod trap_code;

pub use cache::CacheLimit;
pub use exit::{Exit, Trap};
pub use image::{FaultOrder, Image, MemoryImage, Paging};
pub use instance::Instance;
pub use memory::{AllocationLimits, MemoryError, Protection};
