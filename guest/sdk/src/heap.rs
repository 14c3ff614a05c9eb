//! The heap: dlmalloc over memory that grows by the machine's `sbrk`, or over a fixed piece of the program's own.

use core::alloc::{GlobalAlloc, Layout};
use core::cell::{Cell, UnsafeCell};
use core::ptr::null_mut;
use dlmalloc::{Allocator, Dlmalloc};

const PAGE: usize = 4096;

#[cfg(feature = "system")]
#[global_allocator]
static HEAP: Heap<Growing> = Heap::new(Growing);

/// An allocator over memory of this source.
pub struct Heap<S>(UnsafeCell<Dlmalloc<Source<S>>>);

// SAFETY: a guest has one thread, and no allocation happens within another.
unsafe impl<S> Sync for Heap<S> {}

impl<S: Grow> Heap<S> {
    /// An empty heap.
    pub const fn new(source: S) -> Heap<S> {
        let mut heap = Dlmalloc::new_with_allocator(Source(source));
        assert!(heap.set_granularity(S::GRANULARITY), "not a power of two, or too small");
        Heap(UnsafeCell::new(heap))
    }
}

// SAFETY: dlmalloc keeps the contract; it is entered by one call at a time, which has the only reference to it.
unsafe impl<S: Grow> GlobalAlloc for Heap<S> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).malloc(layout.size(), layout.align()) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above.
        unsafe { (*self.0.get()).calloc(layout.size(), layout.align()) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above, and the caller gives what `alloc` gave for this layout.
        unsafe { (*self.0.get()).free(pointer, layout.size(), layout.align()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as in `dealloc`.
        unsafe { (*self.0.get()).realloc(pointer, layout.size(), layout.align(), size) }
    }
}

/// Where more memory comes from.
pub trait Grow {
    /// Sizes that are asked for are multiples of this.
    const GRANULARITY: usize;

    /// At least so many new bytes, zero, and how many; null if there are not so many left.
    fn grow(&self, size: usize) -> (*mut u8, usize);
}

/// Memory behind the program's data, which the machine's `sbrk` extends. The instruction sets of JAM have no `sbrk`.
pub struct Growing;

impl Grow for Growing {
    const GRANULARITY: usize = 16 * PAGE;

    fn grow(&self, size: usize) -> (*mut u8, usize) {
        // The machine takes 2^32 and more for a question where the end is.
        if u32::try_from(size).is_err() {
            return (null_mut(), 0);
        }
        let end: *mut u8;
        // SAFETY: the instruction reads one register and writes another; what it adds belongs to nobody.
        unsafe { core::arch::asm!(".insn r 0xb, 1, 0, {}, {}, zero", lateout(reg) end, in(reg) size, options(nostack)) }
        if end.is_null() { (null_mut(), 0) } else { (end.wrapping_sub(size), size) }
    }
}

/// So many bytes within the program, of which its file has none.
#[repr(align(16))]
pub struct Memory<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: a guest has one thread, and only the heap over it uses the bytes.
unsafe impl<const SIZE: usize> Sync for Memory<SIZE> {}

impl<const SIZE: usize> Memory<SIZE> {
    /// All zero.
    #[expect(clippy::new_without_default, reason = "it is for constants")]
    pub const fn new() -> Memory<SIZE> {
        Memory(UnsafeCell::new([0; SIZE]))
    }
}

/// Memory within the program, given out at once.
pub struct Fixed<const SIZE: usize> {
    memory: &'static Memory<SIZE>,
    is_taken: Cell<bool>,
}

impl<const SIZE: usize> Fixed<SIZE> {
    /// All of `memory`.
    ///
    /// # Safety
    ///
    /// 1. There is one of them for this memory.
    pub const unsafe fn new(memory: &'static Memory<SIZE>) -> Fixed<SIZE> {
        Fixed { memory, is_taken: Cell::new(false) }
    }
}

impl<const SIZE: usize> Grow for Fixed<SIZE> {
    const GRANULARITY: usize = 16;

    fn grow(&self, size: usize) -> (*mut u8, usize) {
        if size > SIZE || self.is_taken.replace(true) { (null_mut(), 0) } else { (self.memory.0.get().cast(), SIZE) }
    }
}

/// What dlmalloc asks for memory.
struct Source<S>(S);

// SAFETY: a guest has one thread.
unsafe impl<S> Send for Source<S> {}

// SAFETY: `grow` gives zeros that nobody else has, and none is taken back.
unsafe impl<S: Grow> Allocator for Source<S> {
    fn alloc(&self, size: usize) -> (*mut u8, usize, u32) {
        let (pointer, size) = self.0.grow(size);
        (pointer, size, 0)
    }

    fn remap(&self, _pointer: *mut u8, _old: usize, _new: usize, _can_move: bool) -> *mut u8 {
        null_mut()
    }

    fn free_part(&self, _pointer: *mut u8, _old: usize, _new: usize) -> bool {
        false
    }

    fn free(&self, _pointer: *mut u8, _size: usize) -> bool {
        false
    }

    fn can_release_part(&self, _flags: u32) -> bool {
        false
    }

    fn allocates_zeros(&self) -> bool {
        true
    }

    fn page_size(&self) -> usize {
        PAGE
    }
}
