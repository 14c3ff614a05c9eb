//! Program containers: `.polkavm` blobs, generic programs of the Gray Paper and JAM standard programs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod code;

pub use code::{Code, Instructions, JumpTargets, Located};
