//! Panics: a line on the standard error output that says where and why, then a trap.

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "system")]
    crate::eprintln!("{info}");
    #[cfg(not(feature = "system"))]
    let _ = info;
    crate::trap()
}
