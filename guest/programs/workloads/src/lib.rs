//! CPU-bound programs that check their own answer: for guests, for Wasm, and natively.
//!
//! Each module is one workload with one entry point, `run() -> u64`. It panics (in a guest: traps) when its answer is not
//! the known one, and returns a checksum, so that two engines can be compared. Nothing here knows the machine it runs on;
//! the wrappers in `programs/guests` do.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod blake2b;
mod checksum;
pub mod ecrecover;
pub mod ed25519;
pub mod fib;
pub mod keccak;
pub mod kitchen_sink;
pub mod nes;
pub mod sieve;
pub mod sort;

/// A workload under its name, with the checksum it returns on every machine.
pub struct Workload {
    /// As in the names of the fixtures.
    pub name: &'static str,
    /// Runs it.
    pub run: fn() -> u64,
    /// What `run` returns.
    pub checksum: u64,
}

/// All workloads; all but `kitchen-sink` are long enough to be timed.
pub const WORKLOADS: [Workload; 9] = [
    Workload { name: "blake2b", run: blake2b::run, checksum: 0x1b37_6845_0257_0632 },
    Workload { name: "ecrecover", run: ecrecover::run, checksum: 0x77d0_7e3e_197a_3a35 },
    Workload { name: "ed25519-verify", run: ed25519::run, checksum: 0xb382_d8f4_c8ea_e3be },
    Workload { name: "fib", run: fib::run, checksum: 0x0000_0000_000c_b228 },
    Workload { name: "keccak", run: keccak::run, checksum: 0xbcbe_861a_d9ae_c5fc },
    Workload { name: "kitchen-sink", run: kitchen_sink::run, checksum: 0xeb0d_625e_37cd_a0f0 },
    Workload { name: "nes", run: nes::run, checksum: 0x0f32_8a0c_a20c_2c75 },
    Workload { name: "sieve", run: sieve::run, checksum: 0x156a_4d24_ce04_f07f },
    Workload { name: "sort", run: sort::run, checksum: 0x6445_e00c_725d_c5d0 },
];

#[cfg(test)]
mod tests {
    #[test]
    fn checksums() {
        for workload in super::WORKLOADS {
            let checksum = (workload.run)();
            assert!(checksum == workload.checksum, "{} returns {checksum:#018x}", workload.name);
        }
    }
}
