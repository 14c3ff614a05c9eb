//! The workload `ed25519` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::ed25519::run);
