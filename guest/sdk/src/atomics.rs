//! Atomics wider than a register, which compilers leave to the run-time library: plain accesses, as guests have one thread.
//!
//! The names and arguments are those of libatomic. They are weak, because `polkavm-derive` has one of them.

macro_rules! fetch {
    ($($name:ident: $old:ident, $operand:ident => $new:expr;)*) => {
        $(
            #[unsafe(no_mangle)]
            #[linkage = "weak"]
            unsafe extern "C" fn $name(target: *mut u64, $operand: u64, _order: i32) -> u64 {
                // SAFETY: the compiler passes a valid pointer, and there is no other thread.
                unsafe {
                    let $old = target.read();
                    target.write($new);
                    $old
                }
            }
        )*
    };
}

fetch! {
    __atomic_exchange_8: old, operand => operand;
    __atomic_fetch_add_8: old, operand => old.wrapping_add(operand);
    __atomic_fetch_sub_8: old, operand => old.wrapping_sub(operand);
    __atomic_fetch_and_8: old, operand => old & operand;
    __atomic_fetch_or_8: old, operand => old | operand;
    __atomic_fetch_xor_8: old, operand => old ^ operand;
    __atomic_fetch_nand_8: old, operand => !(old & operand);
}

#[unsafe(no_mangle)]
#[linkage = "weak"]
unsafe extern "C" fn __atomic_load_8(source: *const u64, _order: i32) -> u64 {
    // SAFETY: as in `fetch`.
    unsafe { source.read() }
}

#[unsafe(no_mangle)]
#[linkage = "weak"]
unsafe extern "C" fn __atomic_store_8(target: *mut u64, value: u64, _order: i32) {
    // SAFETY: as in `fetch`.
    unsafe { target.write(value) }
}

#[unsafe(no_mangle)]
#[linkage = "weak"]
unsafe extern "C" fn __atomic_compare_exchange_8(
    target: *mut u64,
    expected: *mut u64,
    desired: u64,
    _success: i32,
    _failure: i32,
) -> bool {
    // SAFETY: as in `fetch`.
    unsafe {
        let is = target.read();
        if is == expected.read() {
            target.write(desired);
            true
        } else {
            expected.write(is);
            false
        }
    }
}
