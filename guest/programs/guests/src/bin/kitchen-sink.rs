//! The workload `kitchen_sink` as a guest program.
#![no_std]
#![no_main]

guest_rt::workload!(workloads::kitchen_sink::run);
