//! Every form of export and import that the SDK offers, without the system interface: results in two registers, more arguments than
//! argument registers, other names, numbers, and a heap within the program. Needs a host of its own.
#![cfg_attr(target_os = "none", no_std, no_main)]

use pvm::Bytes;
use pvm::prelude::*;

pvm::min_stack_size!(64 << 10);
pvm::heap!(64 << 10);

#[pvm::import]
unsafe extern "C" {
    #[pvm::import(index = 1, native = wide)]
    safe fn host_wide(value: u64, shift: u8) -> u64;
    #[pvm::import(index = 3, symbol = "host_nine", native = nine)]
    #[expect(clippy::too_many_arguments, reason = "as many as there can be")]
    safe fn other_name(
        a: usize,
        b: usize,
        c: usize,
        d: usize,
        e: usize,
        f: usize,
        g: usize,
        h: usize,
        i: usize,
    ) -> usize;
    #[pvm::import(index = 4, native = core::mem::drop)]
    fn host_nothing(nothing: bool);
}

/// 1*a + 2*b + ... + 9*i: tells arguments that changed places.
#[pvm::export]
#[expect(clippy::too_many_arguments, reason = "as many as there can be")]
fn nine(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize, g: usize, h: usize, i: usize) -> usize {
    a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i
}

/// A result of 64 bits, under another name.
#[pvm::export(symbol = "wide")]
fn shifted(value: u64, shift: u32) -> u64 {
    value << (shift & 63)
}

/// What takes the place of the host's function natively.
#[cfg(not(target_os = "none"))]
fn wide(value: u64, shift: u8) -> u64 {
    shifted(value, shift.into())
}

/// The host's functions: 285 + (0x123456789 << 5).
#[pvm::export]
extern "C" fn call_host() -> u64 {
    // SAFETY: the host does nothing.
    unsafe { host_nothing(true) };
    u64::try_from(other_name(1, 2, 3, 4, 5, 6, 7, 8, 9)).unwrap_or(0) + host_wide(0x1_2345_6789, 5)
}

/// Strings in a heap that is full in between, up to seven times: the bytes of the last, and which that was.
#[pvm::export]
fn heap(rounds: u32) -> u32 {
    let mut length = 0;
    for round in 0..rounds % 8 {
        let mut texts = Vec::new();
        while texts.try_reserve(1).is_ok() {
            let mut text = String::new();
            if text.try_reserve_exact(1000).is_err() {
                break;
            }
            text.push_str("piece");
            texts.push(text);
        }
        length = texts.iter().map(|text| u32::try_from(text.len()).unwrap_or(0)).sum::<u32>() + round;
    }
    length
}

/// The bytes from the last to the first.
#[pvm::export]
fn reverse(bytes: Bytes) -> Bytes {
    bytes.iter().rev().copied().collect::<Vec<u8>>().into()
}

#[pvm::export]
fn fail(index: usize) -> u32 {
    [1, 2, 3][index]
}

#[cfg(not(target_os = "none"))]
fn main() {
    println!("{:#x}", call_host());
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_same_on_the_host() {
        assert_eq!(super::call_host(), 285 + (0x1_2345_6789 << 5));
        assert_eq!(*super::reverse(b"abc".into()), *b"cba");
    }
}
