//! The heap: a fixed piece of zeroed memory handed out from its beginning.
//!
//! It asks nothing of the machine (JAM's instruction set has no `sbrk`), and its behaviour is the same everywhere. Memory
//! comes back only when freed in reverse order, which is enough for programs of known length.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::{Cell, UnsafeCell},
    ptr::null_mut,
};

const SIZE: usize = 2 << 20;
const ALIGN: usize = 64;

#[repr(align(64))]
struct Memory(UnsafeCell<[u8; SIZE]>);

struct Heap {
    memory: Memory,
    /// Offset of the first free byte.
    next: Cell<usize>,
}

// SAFETY: a guest has one thread.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap { memory: Memory(UnsafeCell::new([0; SIZE])), next: Cell::new(0) };

/// Makes the heap empty again.
///
/// # Safety
///
/// 1. Nothing allocated before is used afterwards.
pub unsafe fn reset_heap() {
    HEAP.next.set(0);
}

impl Heap {
    fn base(&self) -> *mut u8 {
        self.memory.0.get().cast()
    }

    /// Whether the allocation is the last one, which can shrink, grow and go in place.
    fn is_last(&self, pointer: *mut u8, size: usize) -> bool {
        pointer.addr() - self.base().addr() + size == self.next.get()
    }
}

// SAFETY: allocations are disjoint, because `next` only moves down over the last of them, and aligned, because the memory
// is aligned to the greatest alignment that is granted.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let begin = self.next.get().next_multiple_of(layout.align());
        let Some(end) = begin.checked_add(layout.size()) else { return null_mut() };
        if layout.align() > ALIGN || end > SIZE {
            return null_mut();
        }
        self.next.set(end);
        // SAFETY: `begin` is at most `SIZE`.
        unsafe { self.base().add(begin) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if self.is_last(pointer, layout.size()) {
            self.next.set(self.next.get() - layout.size());
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if self.is_last(pointer, layout.size()) {
            let end = (self.next.get() - layout.size()).saturating_add(size);
            if end > SIZE {
                return null_mut();
            }
            self.next.set(end);
            return pointer;
        }
        if size <= layout.size() {
            return pointer;
        }
        // SAFETY: the caller gives a valid layout and a size that is valid with its alignment.
        let target = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !target.is_null() {
            // SAFETY: both are allocations of at least the old size, and disjoint.
            unsafe { target.copy_from_nonoverlapping(pointer, layout.size()) };
        }
        target
    }
}
