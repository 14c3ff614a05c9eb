//! The workload `fib` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::fib::run);
