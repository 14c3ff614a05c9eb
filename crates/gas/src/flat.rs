//! Flat costs: a number per opcode, summed over the block (gas.md 2).

use crate::error::{GasError, GasErrorKind};
use alloc::vec::Vec;
use pvm_isa::Opcode;

/// A cost per opcode, `invalid` included.
///
/// The serialised form is a sequence of little-endian u32 words: the version, one word per opcode in alphabetical order of
/// the mnemonics, and one for `invalid`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct CostTable {
    /// By [`Opcode::index`].
    costs: [u32; Opcode::COUNT],
}

impl CostTable {
    /// The version word of a serialised table.
    pub const VERSION: u32 = 2;
    /// Size of a serialised table in bytes.
    pub const SERIALIZED_SIZE: usize = 4 * (1 + Opcode::COUNT);

    /// The table with the same cost for every opcode; 1 is what [`crate::Rule::Simple`] charges.
    pub const fn uniform(cost: u32) -> Self {
        CostTable { costs: [cost; Opcode::COUNT] }
    }

    /// The cost of an opcode.
    #[inline]
    pub const fn get(&self, opcode: Opcode) -> u32 {
        self.costs[opcode.index()]
    }

    /// Changes the cost of an opcode.
    pub const fn set(&mut self, opcode: Opcode, cost: u32) {
        self.costs[opcode.index()] = cost;
    }

    /// Reads a serialised table.
    ///
    /// # Errors
    /// If the version is unknown or the size is not exactly [`CostTable::SERIALIZED_SIZE`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, GasError> {
        let expected = Self::SERIALIZED_SIZE;
        let wrong_size = GasError { kind: GasErrorKind::TableSize { size: bytes.len(), expected }, at: bytes.len() };
        let (words, []) = bytes.as_chunks::<4>() else { return Err(wrong_size) };
        let [version, costs @ ..] = words else { return Err(wrong_size) };
        let version = u32::from_le_bytes(*version);
        if version != Self::VERSION {
            return Err(GasError { kind: GasErrorKind::TableVersion { version, expected: Self::VERSION }, at: 0 });
        }
        if costs.len() != Opcode::COUNT {
            return Err(wrong_size);
        }
        let mut table = CostTable::uniform(0);
        for (opcode, word) in serialized_order().into_iter().zip(costs) {
            table.set(opcode, u32::from_le_bytes(*word));
        }
        Ok(table)
    }

    /// The serialised table, [`CostTable::SERIALIZED_SIZE`] bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let costs = serialized_order().into_iter().map(|opcode| self.get(opcode));
        core::iter::once(Self::VERSION).chain(costs).flat_map(u32::to_le_bytes).collect()
    }
}

/// All opcodes by name, `invalid` last.
fn serialized_order() -> [Opcode; Opcode::COUNT] {
    let mut order = [Opcode::invalid; Opcode::COUNT];
    order.copy_from_slice(Opcode::ALL);
    order.sort_unstable_by_key(|opcode| (*opcode == Opcode::invalid, opcode.name()));
    order
}
