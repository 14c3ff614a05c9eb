//! Fibonacci numbers the slow way: calls, returns and stack traffic, hardly anything else.

use crate::checksum::check;
use core::hint::black_box;

const N: u32 = 30;
const FIB_N: u64 = 832_040;

/// Returns the 30th Fibonacci number.
pub fn run() -> u64 {
    let value = fib(black_box(N));
    check(value == FIB_N);
    value
}

#[inline(never)]
fn fib(n: u32) -> u64 {
    if n < 2 { n.into() } else { fib(n - 1) + fib(n - 2) }
}
