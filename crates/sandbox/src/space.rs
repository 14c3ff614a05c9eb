//! Address spaces: a guest's memory and context, and how it runs in them.

use crate::code::Code;
use crate::pool::Pool;
use crate::ranges::{Mapping, Ranges};
use crate::region::{ADDRESSES, GUARD, PAGE, Region};
use crate::segment;
use crate::signals::{self, Run};
use crate::template::Template;
use crate::{Access, Action, SandboxError, Stop};
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use pvm_num::casts::{to_u32, to_u64, to_usize};
use pvm_vmctx::{NO_SITE, VmCtx};
use std::sync::Arc;

/// An address space with the context of the guest that runs in it.
#[derive(Debug)]
pub struct Space {
    slot: Slot,
    /// Where it goes when the guest is gone.
    pool: Option<Arc<Pool>>,
}

/// What of an address space can be used again.
#[derive(Debug)]
pub(crate) struct Slot {
    region: Region,
    mapped: Ranges,
    /// Whose data is in place.
    template: Arc<Template>,
    /// Were pages with data mapped anew, so that discarding changes does not bring it back?
    is_spoilt: bool,
    /// Were pages changed that the guest can only read?
    has_read_only_changes: bool,
}

/// Up to so many ranges that a guest has added are taken away one by one; more are taken away with everything else.
const ADDED_MAX: usize = 8;

impl Slot {
    fn new(template: &Arc<Template>) -> Result<Slot, SandboxError> {
        if !crate::is_supported() {
            return Err(Action::Reserve.failed(rustix::io::Errno::OPNOTSUPP));
        }
        signals::install()?;
        let region = Region::new()?;
        let mut slot = Slot {
            region,
            mapped: Ranges::new(),
            template: Arc::clone(template),
            is_spoilt: false,
            has_read_only_changes: false,
        };
        slot.map_template()?;
        Ok(slot)
    }

    pub(crate) fn is_of(&self, template: &Arc<Template>) -> bool {
        Arc::ptr_eq(&self.template, template)
    }

    /// Maps what the template says where nothing is mapped.
    fn map_template(&mut self) -> Result<(), SandboxError> {
        self.is_spoilt = true; // until all is in place
        self.template.map(&mut self.region)?;
        self.mapped = self.template.mapped().clone();
        (self.is_spoilt, self.has_read_only_changes) = (self.template.copies(), false);
        Ok(())
    }

    /// Takes everything away and begins anew.
    fn rebuild(&mut self) -> Result<(), SandboxError> {
        self.is_spoilt = true;
        self.region.map(&(0..to_u64(ADDRESSES)), None)?;
        self.mapped.clear();
        self.map_template()
    }

    /// Makes memory what the template says: what was added goes, what went comes back, changes are discarded.
    fn reset(&mut self) -> Result<(), SandboxError> {
        if self.is_spoilt {
            return self.rebuild();
        }
        if self.mapped != *self.template.mapped() {
            let added = self.mapped.without(self.template.mapped());
            if added.len() > ADDED_MAX {
                return self.rebuild();
            }
            for Mapping { range, .. } in added.iter() {
                self.replace(range, None)?;
            }
            let missing = self.template.mapped().without(&self.mapped);
            for Mapping { range, access } in missing.iter() {
                self.replace(range, Some(*access))?;
            }
            if self.is_spoilt {
                return self.rebuild();
            }
        }
        for Mapping { range, access } in self.mapped.iter() {
            if *access == Access::ReadWrite || self.has_read_only_changes {
                self.region.discard(range)?;
            }
        }
        self.has_read_only_changes = false;
        Ok(())
    }

    /// Maps new pages at a range, or none, and forgets what was there.
    fn replace(&mut self, range: &Range<u64>, access: Option<Access>) -> Result<(), SandboxError> {
        self.is_spoilt |= self.template.has_data(range);
        self.region.map(range, access)?;
        match access {
            Some(access) => self.mapped.insert(range.clone(), access),
            None => self.mapped.remove(range),
        }
        Ok(())
    }
}

impl Space {
    /// An address space with nothing in it.
    ///
    /// # Errors
    /// If the system has no addresses left, faults cannot be handled, or guests cannot run here at all.
    pub fn new() -> Result<Space, SandboxError> {
        Ok(Space { slot: Slot::new(&Arc::new(Template::new(&[])?))?, pool: None })
    }

    /// An address space with what a program's guests start with, of a pool if there is one. Nothing of a guest that had it
    /// before is left in it.
    ///
    /// # Errors
    /// As for [`Space::new`].
    pub fn of(template: &Arc<Template>, pool: Option<&Arc<Pool>>) -> Result<Space, SandboxError> {
        let mut slot = match pool.and_then(|pool| pool.take(template)) {
            Some(slot) => slot,
            None => Slot::new(template)?,
        };
        if !slot.is_of(template) {
            slot.template = Arc::clone(template);
            slot.rebuild()?;
        }
        Ok(Space { slot, pool: pool.cloned() })
    }

    /// The guest's registers; 32-bit ones are zero-extended.
    #[inline]
    pub fn regs(&self) -> &[u64; 13] {
        &self.slot.region.context().regs
    }

    /// The guest's registers; 32-bit ones must be zero-extended.
    #[inline]
    pub fn regs_mut(&mut self) -> &mut [u64; 13] {
        &mut self.slot.region.context_mut().regs
    }

    /// Remaining gas.
    #[inline]
    pub fn gas(&self) -> i64 {
        self.slot.region.context().gas
    }

    /// Sets the remaining gas.
    #[inline]
    pub fn set_gas(&mut self, gas: i64) {
        self.slot.region.context_mut().gas = gas;
    }

    /// The dynamic address to which the indirect jump wanted to go that stopped the guest.
    #[inline]
    pub fn jump_address(&self) -> u32 {
        self.slot.region.context().jump_index.wrapping_add(1).rotate_left(1)
    }

    /// Runs the guest from an offset in the code until it stops. Unless code was compiled to charge gas, gas does not change.
    ///
    /// # Panics
    /// If the offset lies outside the code.
    #[inline]
    pub fn run(&mut self, code: &Code, offset: u32) -> Stop {
        let start = to_u64(code.text()[to_usize(offset)..].as_ptr().addr());
        let zero = self.slot.region.zero();
        let run = Run { code, guest: zero..zero + ADDRESSES + GUARD, fault: AtomicUsize::new(0) };
        // SAFETY: the address is that of a function of this type, which preserves what its convention says.
        let enter: extern "sysv64" fn(u64) -> u32 = unsafe { core::mem::transmute(code.entry()) };
        // SAFETY: there are spaces only where the base can be set.
        let host = unsafe { segment::enter(to_u64(zero)) };
        let site = signals::with_run(&run, || enter(start));
        host.stop(to_u64(zero));
        match site {
            NO_SITE => Stop::Fault { offset: to_u32(run.fault.load(Ordering::Relaxed) - code.address()) },
            site => Stop::Site(site),
        }
    }

    /// Memory as it was at first.
    ///
    /// # Errors
    /// If the system has no memory.
    pub fn reset_memory(&mut self) -> Result<(), SandboxError> {
        self.slot.reset()
    }

    /// Maps zeroed pages, also over others.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn map(&mut self, range: Range<u64>, access: Access) -> Result<(), SandboxError> {
        self.slot.replace(&range, Some(access))
    }

    /// Takes pages away, if there are any.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn unmap(&mut self, range: Range<u64>) -> Result<(), SandboxError> {
        self.slot.replace(&range, None)
    }

    /// Changes what the guest may do with pages. False, with no effect, if one is not mapped.
    ///
    /// # Errors
    /// If the system has no memory.
    ///
    /// # Panics
    /// If the range is not one of whole pages below 2^32.
    pub fn protect(&mut self, range: Range<u64>, access: Access) -> Result<bool, SandboxError> {
        if !self.is_mapped(&range) {
            return Ok(false);
        }
        self.slot.is_spoilt |= self.slot.template.mapped().meet(&range);
        self.slot.region.protect(&range, access)?;
        self.slot.mapped.insert(range, access);
        Ok(true)
    }

    /// The mapping that holds an address, and what the guest may do there.
    pub fn mapping(&self, address: u64) -> Option<(Range<u64>, Access)> {
        let Mapping { range, access } = self.slot.mapped.at(address)?.clone();
        Some((range, access))
    }

    /// Is every page of the range mapped?
    pub fn is_mapped(&self, range: &Range<u64>) -> bool {
        self.slot.mapped.hold(range)
    }

    /// Memory that is mapped; none if part of the range is not, or not with the same rights.
    #[inline]
    pub fn bytes(&self, range: Range<u64>) -> Option<&[u8]> {
        self.slot.mapped.holding(&range)?;
        // SAFETY: the range is mapped.
        Some(unsafe { self.slot.region.bytes(&range) })
    }

    /// Memory that is mapped for writing; none if part of the range is not.
    #[inline]
    pub fn bytes_mut(&mut self, range: Range<u64>) -> Option<&mut [u8]> {
        self.slot.mapped.holding(&range).filter(|mapping| mapping.access == Access::ReadWrite)?;
        // SAFETY: the range is mapped for writing.
        Some(unsafe { self.slot.region.bytes_mut(&range) })
    }

    /// Lets `change` at memory that is mapped, whatever the guest may do there. False, with no effect, as with [`Space::bytes`].
    ///
    /// # Errors
    /// If the system refuses to change rights.
    #[inline]
    pub fn change(&mut self, range: Range<u64>, change: impl FnOnce(&mut [u8])) -> Result<bool, SandboxError> {
        let Some(mapping) = self.slot.mapped.holding(&range) else { return Ok(false) };
        if mapping.access == Access::ReadWrite {
            // SAFETY: the range is mapped for writing.
            change(unsafe { self.slot.region.bytes_mut(&range) });
            return Ok(true);
        }
        let pages = range.start & !(PAGE - 1)..range.end.next_multiple_of(PAGE);
        self.slot.has_read_only_changes = true;
        let writable = Writable { slot: &mut self.slot, pages };
        writable.slot.region.protect(&writable.pages, Access::ReadWrite)?;
        // SAFETY: the range is mapped, and has just been made writable.
        change(unsafe { writable.slot.region.bytes_mut(&range) });
        Ok(true)
    }
}

/// Pages of a guest that can only read them, while the host writes.
struct Writable<'a> {
    slot: &'a mut Slot,
    pages: Range<u64>,
}

impl Drop for Writable<'_> {
    fn drop(&mut self) {
        if self.slot.region.protect(&self.pages, Access::Read).is_err() {
            // The guest must not be able to write there: rather nothing is there for it. Should that fail as well, nothing that
            // can be relied on is left.
            self.slot.replace(&self.pages, None).unwrap_or_else(|_| std::process::abort());
        }
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        segment::leave(to_u64(self.slot.region.zero()));
        let Some(pool) = &self.pool else { return };
        *self.slot.region.context_mut() = VmCtx::default();
        if self.slot.reset().is_ok() {
            pool.give(self.slot.take());
        }
    }
}

impl Slot {
    /// The slot, out of an object that is about to end.
    fn take(&mut self) -> Slot {
        Slot {
            region: self.region.take(),
            mapped: core::mem::take(&mut self.mapped),
            template: Arc::clone(&self.template),
            is_spoilt: self.is_spoilt,
            has_read_only_changes: self.has_read_only_changes,
        }
    }
}
