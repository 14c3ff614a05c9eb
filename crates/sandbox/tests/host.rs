//! The host around its guests: handlers of its own, signals that others send, processes it forks.
//!
//! Each test does its work in a process of its own, for handlers belong to the process and faults end it.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use core::ffi::{c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};
use pvm_compiler::{Features, Map, Scratch, compile};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{Code, CodeBuilder, JumpTable};
use pvm_sandbox::{Access, Part, Space, Stop, Template, is_supported};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

const PAGE: std::ops::Range<u64> = 0x10000..0x11000;
/// Where the host faults.
const BAD: usize = 0x123;

/// The test of this name is run in a process of its own, unless this is it already; how that ended.
fn in_child(name: &str) -> Option<ExitStatus> {
    if std::env::var_os("PVM_TEST_CHILD").is_some() {
        return None;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("PVM_TEST_CHILD", "1")
        .output()
        .unwrap();
    if output.status.signal().is_none() && !output.stderr.is_empty() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr));
    }
    Some(output.status)
}

/// Stores `a1` at `a0`.
fn load() -> (pvm_sandbox::Code, Map) {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    builder.push(Instruction::store_indirect_u64(Reg::a1, Reg::a0, 0));
    builder.push(Instruction::trap());
    let layout = builder.build().unwrap();
    let code = Code::new(layout.set, &layout.code, &layout.bitmask);
    let mut scratch = Scratch::default();
    let output = compile(code, JumpTable::new(&[], 0), None, Features::BASELINE, &mut scratch).unwrap();
    (pvm_sandbox::Code::load(&output, None).unwrap(), output.into_map())
}

/// A guest that may write a page.
struct Guest {
    map: Map,
    code: pvm_sandbox::Code,
    space: Space,
}

impl Guest {
    fn new() -> Guest {
        let (code, map) = load();
        let template = Template::new(&[Part { range: PAGE, access: Access::ReadWrite, data: &[9; 64] }]).unwrap();
        let space = Space::of(&Arc::new(template), None).unwrap();
        Guest { map, code, space }
    }

    /// Does a store fault?
    fn faults(&mut self, address: u64, value: u64) -> bool {
        self.space.regs_mut()[Reg::a0.index()] = address;
        self.space.regs_mut()[Reg::a1.index()] = value;
        let stop = self.space.run(&self.code, self.map.at(0).unwrap());
        matches!(stop, Stop::Fault { .. })
    }

    fn word(&self) -> u64 {
        u64::from_le_bytes(self.space.bytes(PAGE.start..PAGE.start + 8).unwrap().try_into().unwrap())
    }

    #[track_caller]
    fn works(&mut self) {
        assert!(self.faults(0x5000_0000, 1) && !self.faults(PAGE.start, 77));
        assert_eq!(self.word(), 77);
    }
}

/// Installs a handler for SIGSEGV.
fn install(address: usize, flags: c_int) {
    // SAFETY: all-zero bytes are a valid `sigaction`; the handlers of these tests only do what handlers may.
    unsafe {
        let mut action: libc::sigaction = core::mem::zeroed();
        action.sa_sigaction = address;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGSEGV, &raw const action, core::ptr::null_mut()), 0);
    }
}

/// Reads where nothing is.
fn fault() {
    // SAFETY: the fault is meant; the handlers of these tests do not return from it.
    unsafe { core::ptr::without_provenance::<u8>(BAD).read_volatile() };
}

extern "C" fn with_info(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel's `info` is passed on.
    let address = unsafe { (*info).si_addr() }.addr();
    let code = if signal == libc::SIGSEGV && address == BAD && !context.is_null() { 42 } else { 1 };
    // SAFETY: a handler may end the process so.
    unsafe { libc::_exit(code) };
}

extern "C" fn without_info(signal: c_int) {
    // SAFETY: as above.
    unsafe { libc::_exit(if signal == libc::SIGSEGV { 43 } else { 1 }) };
}

#[test]
fn a_handler_installed_before_gets_the_hosts_faults() {
    if !is_supported() {
        return;
    }
    if let Some(status) = in_child("a_handler_installed_before_gets_the_hosts_faults") {
        return assert_eq!(status.code(), Some(42));
    }
    install(with_info as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize, libc::SA_SIGINFO);
    Guest::new().works();
    fault();
    panic!("the handler does not return");
}

#[test]
fn a_handler_without_information_gets_them_too() {
    if !is_supported() {
        return;
    }
    if let Some(status) = in_child("a_handler_without_information_gets_them_too") {
        return assert_eq!(status.code(), Some(43));
    }
    install(without_info as extern "C" fn(c_int) as usize, 0);
    Guest::new().works();
    fault();
    panic!("the handler does not return");
}

#[test]
fn a_handler_installed_later_can_call_ours() {
    static OURS: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn later(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel's `info` is passed on.
        if unsafe { (*info).si_addr() }.addr() == BAD {
            with_info(signal, info, context);
        }
        // SAFETY: what was installed before, with SA_SIGINFO, is a function of this type.
        let ours: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
            unsafe { core::mem::transmute(OURS.load(Ordering::Relaxed)) };
        ours(signal, info, context);
    }
    if !is_supported() {
        return;
    }
    if let Some(status) = in_child("a_handler_installed_later_can_call_ours") {
        return assert_eq!(status.code(), Some(42));
    }
    let mut guest = Guest::new();
    // SAFETY: all-zero bytes are a valid `sigaction`, which the system fills.
    let ours = unsafe {
        let mut ours: libc::sigaction = core::mem::zeroed();
        assert_eq!(libc::sigaction(libc::SIGSEGV, core::ptr::null(), &raw mut ours), 0);
        ours
    };
    assert_ne!(ours.sa_flags & libc::SA_SIGINFO, 0);
    OURS.store(ours.sa_sigaction, Ordering::Relaxed);
    let flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    install(later as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize, flags);
    guest.works();
    fault();
    panic!("the handler does not return");
}

#[test]
fn signals_that_were_sent_are_no_faults() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    extern "C" fn count(_: c_int, info: *mut libc::siginfo_t, _: *mut c_void) {
        // SAFETY: the kernel's `info` is passed on.
        if unsafe { (*info).si_code } <= 0 {
            SENT.fetch_add(1, Ordering::Relaxed);
        }
    }
    if !is_supported() {
        return;
    }
    if let Some(status) = in_child("signals_that_were_sent_are_no_faults") {
        return assert_eq!(status.code(), Some(0));
    }
    install(count as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize, libc::SA_SIGINFO);
    let mut guest = Guest::new();
    for sent in 1..=3 {
        // SAFETY: the handler returns.
        assert_eq!(unsafe { libc::raise(libc::SIGSEGV) }, 0);
        assert_eq!(SENT.load(Ordering::Relaxed), sent);
        guest.works();
    }
}

#[test]
fn a_forked_process_has_guests_of_its_own() {
    if !is_supported() {
        return;
    }
    if let Some(status) = in_child("a_forked_process_has_guests_of_its_own") {
        return assert_eq!(status.code(), Some(0));
    }
    let mut guest = Guest::new();
    assert!(!guest.faults(PAGE.start, 5));
    // SAFETY: the new process only uses what it has a copy of, and ends without running destructors of others.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0);
    if pid == 0 {
        let ended = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
            assert_eq!(guest.word(), 5);
            guest.works();
            Guest::new().works();
        }));
        // SAFETY: ends this process only.
        unsafe { libc::_exit(if ended.is_ok() { 44 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: the pointer is valid.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 44, "{status:#x}");
    assert_eq!(guest.word(), 5, "what the forked process wrote is its own");
    guest.works();
}

/// This thread's `gs` base.
fn base() -> u64 {
    let base: u64;
    // SAFETY: reading it changes nothing; where guests are supported it can be read.
    unsafe { core::arch::asm!("rdgsbase {}", out(reg) base, options(nostack, preserves_flags)) };
    base
}

/// Makes it another one.
fn set_base(base: u64) {
    // SAFETY: nothing of these tests relies on it, guests set it themselves.
    unsafe { core::arch::asm!("wrgsbase {}", in(reg) base, options(nostack, preserves_flags)) };
}

#[test]
fn a_base_of_the_hosts_own_is_put_back_at_every_stop() {
    if !is_supported() {
        return;
    }
    let (mut one, mut other) = (Guest::new(), Guest::new());
    for own in [0x1234_5678, 0x7fff_0000_0000] {
        set_base(own);
        one.works();
        assert_eq!(base(), own);
        other.works();
        one.works();
        assert_eq!(base(), own);
    }
    // Set while another's is left.
    set_base(0);
    one.works();
    set_base(77);
    other.works();
    assert_eq!(base(), 77);
    drop((one, other));
    assert_eq!(base(), 77);
}

#[test]
fn of_a_guest_that_is_dropped_no_base_stays() {
    if !is_supported() {
        return;
    }
    assert_eq!(base(), 0);
    let (mut one, mut other) = (Guest::new(), Guest::new());
    one.works();
    assert_ne!(base(), 0, "it costs much to put it back");
    other.works();
    drop(one);
    other.works();
    drop(other);
    assert_eq!(base(), 0);
    // On a thread that is not the one where it ran, it is not known; guests run there all the same.
    let mut guest = Guest::new();
    guest.works();
    std::thread::spawn(move || {
        guest.works();
        drop(guest);
        assert_eq!(base(), 0);
    })
    .join()
    .unwrap();
    let mut next = Guest::new();
    next.works();
    drop(next);
    assert_eq!(base(), 0);
}
