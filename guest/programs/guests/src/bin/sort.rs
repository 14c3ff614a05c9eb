//! The workload `sort` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::sort::run);
