//! The workload `keccak` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::keccak::run);
