//! The workload `blake2b` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::blake2b::run);
