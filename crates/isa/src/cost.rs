//! Costs: what the pipeline gas model knows of an instruction (gas-model.md 4).

/// When a result is ready.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Latency {
    /// After this many cycles.
    Cycles(u8),
    /// After the model's load latency.
    Memory,
    /// After 1 or 20 cycles, depending on what stands at both successors (gas-model.md 5).
    Branch,
}

/// When an instruction needs one more decode slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExtraSlot {
    /// Never.
    Never,
    /// Unless the destination is the first source.
    UnlessFirst,
    /// Unless the destination is one of the sources.
    UnlessAny,
}

/// Execution units an instruction holds while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[allow(missing_docs)]
pub struct Units {
    pub alu: u8,
    pub load: u8,
    pub store: u8,
    pub mul: u8,
    pub div: u8,
}

/// A row of the cost table, without the registers, which follow from the operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cost {
    /// Only renames a register: needs a decode slot but never enters the reorder window.
    pub is_rename: bool,
    /// When the result is ready.
    pub latency: Latency,
    /// Decode slots.
    pub slots: u8,
    /// Whether one more slot may be needed.
    pub extra_slot: ExtraSlot,
    /// Latency in cycles and decode slots in the 32-bit set, where they differ.
    pub narrow: Option<(u8, u8)>,
    /// Units held from start to completion.
    pub units: Units,
}

macro_rules! cost {
    (rename) => {
        $crate::cost::Cost {
            is_rename: true,
            latency: $crate::cost::Latency::Cycles(0),
            slots: 1,
            extra_slot: $crate::cost::ExtraSlot::Never,
            narrow: None,
            units: $crate::cost::units("free"),
        }
    };
    ($unit:ident $latency:tt $extra:ident $slots:literal $(narrow $narrow_latency:literal $narrow_slots:literal)?) => {
        $crate::cost::Cost {
            is_rename: false,
            latency: $crate::cost::latency!($latency),
            slots: $slots,
            extra_slot: $crate::cost::extra_slot!($extra),
            narrow: $crate::cost::narrow!($($narrow_latency $narrow_slots)?),
            units: $crate::cost::units(stringify!($unit)),
        }
    };
}
macro_rules! latency {
    (memory) => {
        $crate::cost::Latency::Memory
    };
    (branch) => {
        $crate::cost::Latency::Branch
    };
    ($cycles:literal) => {
        $crate::cost::Latency::Cycles($cycles)
    };
}
macro_rules! extra_slot {
    (fixed) => {
        $crate::cost::ExtraSlot::Never
    };
    (unless_first) => {
        $crate::cost::ExtraSlot::UnlessFirst
    };
    (unless_any) => {
        $crate::cost::ExtraSlot::UnlessAny
    };
}
macro_rules! narrow {
    () => {
        None
    };
    ($latency:literal $slots:literal) => {
        Some(($latency, $slots))
    };
}
pub(crate) use {cost, extra_slot, latency, narrow};

pub(crate) const fn units(class: &str) -> Units {
    let none = Units { alu: 0, load: 0, store: 0, mul: 0, div: 0 };
    match class.as_bytes() {
        b"free" => none,
        b"alu" => Units { alu: 1, ..none },
        b"alu2" => Units { alu: 2, ..none },
        b"load" => Units { alu: 1, load: 1, ..none },
        b"store" => Units { alu: 1, store: 1, ..none },
        b"mul" => Units { alu: 1, mul: 1, ..none },
        b"div" => Units { alu: 1, div: 1, ..none },
        _ => panic!("unknown unit class in the instruction table"),
    }
}
