//! The memory map: the specification's example, its boundary and every refusal.

use pvm_program::{MemoryMap, MemoryMapBuilder, ProgramErrorKind, Region};

fn map(page: u32, ro: u32, rw: u32, stack: u32, aux: u32) -> Result<MemoryMap, ProgramErrorKind> {
    let mut builder = MemoryMapBuilder::new(page);
    builder.ro_data_size(ro).rw_data_size(rw).stack_size(stack).aux_data_size(aux);
    builder.build().map_err(|error| error.kind)
}

#[test]
fn example_of_the_specification() {
    let map = map(0x1000, 5, 0x10001, 1, 7).unwrap();
    assert_eq!(map.page_size(), 0x1000);
    assert_eq!((map.ro_data_address(), map.ro_data_size(), map.ro_data_range()), (0x10000, 0x1000, 0x10000..0x11000));
    assert_eq!((map.rw_data_address(), map.rw_data_size(), map.rw_data_range()), (0x30000, 0x11000, 0x30000..0x41000));
    assert_eq!(map.heap_base(), 0x40001);
    assert_eq!((map.aux_data_address(), map.aux_data_size()), (0xfffe_0000, 0x1000));
    assert_eq!(map.aux_data_range(), 0xfffe_0000..0xfffe_1000);
    assert_eq!(map.stack_range(), 0xfffc_f000..0xfffd_0000);
    assert_eq!(map.stack_address_low(), map.stack_address_high() - map.stack_size());
    assert_eq!(map.max_heap_size(), 0xfff6_ffff);
}

#[test]
fn addresses_do_not_depend_on_the_page_size() {
    let (small, large) = (map(0x1000, 5, 9, 1, 7).unwrap(), map(0x1_0000, 5, 9, 1, 7).unwrap());
    let addresses = |map: &MemoryMap| {
        (map.ro_data_address(), map.rw_data_address(), map.stack_address_high(), map.aux_data_address())
    };
    assert_eq!(addresses(&small), addresses(&large));
    assert_eq!((small.heap_base(), small.max_heap_size()), (large.heap_base(), large.max_heap_size()));
    assert_eq!(large.stack_size(), 0x1_0000);
}

#[test]
fn nothing_at_all() {
    let map = map(0x1000, 0, 0, 0, 0).unwrap();
    assert_eq!((map.aux_data_address(), map.stack_address_high()), (0xffff_0000, 0xfffe_0000));
    assert_eq!((map.rw_data_address(), map.heap_base(), map.max_heap_size()), (0x2_0000, 0x2_0000, 0xfffb_0000));
    assert!(map.ro_data_range().is_empty() && map.stack_range().is_empty() && map.aux_data_range().is_empty());
}

/// The map of a JAM standard program (blob.md 8.2).
#[test]
fn standard_programs() {
    let map = map(4096, 5, 8192, 100, 1 << 24).unwrap();
    assert_eq!((map.aux_data_address(), map.stack_address_high()), (0xfeff_0000, 0xfefe_0000));
}

#[test]
fn memory_is_full_to_the_last_zone() {
    // rw address + rw + zone <= stack low, that is 0x20000 + rw + 0x10000 <= 0xfffe0000.
    let most = 0xfffe_0000 - 0x3_0000;
    assert_eq!(map(0x1000, 0, most, 0, 0).unwrap().max_heap_size(), 0);
    assert_eq!(map(0x1000, 0, most + 1, 0, 0), Err(ProgramErrorKind::MemoryTooBig));
    assert!(map(0x1000, 0, most - 0x1_0000, 1, 0).is_ok());
    assert_eq!(map(0x1000, 0, most - 0xffff, 1, 0), Err(ProgramErrorKind::MemoryTooBig));
    assert!(map(0x1000, 0, most - 0x1_0000, 0, 1).is_ok());
    assert!(map(0x1000, 1, most - 0x1_0000, 0, 0).is_ok());
    assert_eq!(map(0x1000, 0x1_0001, most - 0x1_0000, 0, 0), Err(ProgramErrorKind::MemoryTooBig));
    for (ro, stack, aux) in [(0xffff_0000, 0, 0), (0, 0xffff_0000, 0), (0, 0, 0xffff_0000)] {
        assert_eq!(map(0x1000, ro, 0, stack, aux), Err(ProgramErrorKind::MemoryTooBig));
    }
}

#[test]
fn sizes_that_do_not_round_are_named() {
    let size = 0xffff_0001;
    let texts = [
        (map(0x1000, size, 0, 0, 0), Region::RoData, "the size of read-only data is too big"),
        (map(0x1000, 0, size, 0, 0), Region::RwData, "the size of read-write data is too big"),
        (map(0x1000, 0, 0, size, 0), Region::Stack, "the size of the stack is too big"),
        (map(0x1000, 0, 0, 0, size), Region::AuxData, "the size of the aux data is too big"),
    ];
    for (result, region, text) in texts {
        assert_eq!(result, Err(ProgramErrorKind::RegionTooBig { region, size }));
        let mut builder = MemoryMapBuilder::new(0x1000);
        match region {
            Region::RoData => builder.ro_data_size(size),
            Region::RwData => builder.rw_data_size(size),
            Region::Stack => builder.stack_size(size),
            Region::AuxData => builder.aux_data_size(size),
        };
        assert_eq!(builder.build().unwrap_err().to_string(), text);
    }
}

#[test]
fn page_sizes() {
    for shift in 12..=16 {
        assert!(map(1 << shift, 1, 1, 1, 1).is_ok());
    }
    assert_eq!(map(0, 0, 0, 0, 0), Err(ProgramErrorKind::PageSizeTooSmall { size: 0 }));
    assert_eq!(map(0x800, 0, 0, 0, 0), Err(ProgramErrorKind::PageSizeTooSmall { size: 0x800 }));
    assert_eq!(map(0x2_0000, 0, 0, 0, 0), Err(ProgramErrorKind::PageSizeTooBig { size: 0x2_0000 }));
    assert_eq!(map(0x3000, 0, 0, 0, 0), Err(ProgramErrorKind::PageSizeNotPowerOfTwo { size: 0x3000 }));
}
