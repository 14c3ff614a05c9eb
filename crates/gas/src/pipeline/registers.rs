//! Register files: something kept for every register, with a cell to read for "no register" and one to write to.

use pvm_isa::Reg;
use pvm_num::casts::{low_u8, to_usize, widen, widen_u8};
use pvm_num::limits::REGISTER_COUNT;

/// A power of two, so that every index is in bounds after taking the remainder.
const CELLS: usize = 64;

/// What to add to a register operand's number to get the cell it is read from or written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Base(u8);

impl Base {
    /// The operand counts.
    pub(super) const REGISTER: Base = Base(0);
    /// The operand is no source: cells that always hold the default.
    pub(super) const NOTHING: Base = Base(16);
    /// The operand is no destination: cells nobody reads.
    pub(super) const NOWHERE: Base = Base(32);

    /// The cell of an operand.
    #[inline(always)]
    pub(super) fn cell(self, reg: Reg) -> Cell {
        Cell(self.0 + reg.number())
    }
}

const _: () = assert!(REGISTER_COUNT <= 16 && CELLS == 64);

/// A cell of every register file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell(u8);

/// Three cells as one word, so that they are not written one by one and read together, for which processors wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells(u32);

impl Cells {
    #[inline(always)]
    pub(super) fn new([first, second, third]: [Cell; 3]) -> Cells {
        Cells(widen_u8(first.0) | widen_u8(second.0) << 8 | widen_u8(third.0) << 16)
    }

    #[inline(always)]
    pub(super) fn all(self) -> [Cell; 3] {
        [0, 8, 16].map(|shift| Cell(low_u8(widen(self.0 >> shift))))
    }
}

/// A file of registers.
#[derive(Clone, Debug)]
pub(super) struct Registers<T> {
    cells: [T; CELLS],
}

impl<T: Copy + Default> Registers<T> {
    pub(super) fn new() -> Self {
        Registers { cells: [T::default(); CELLS] }
    }

    /// Sets all registers to the default.
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.cells[..REGISTER_COUNT].fill(T::default());
    }

    #[inline(always)]
    pub(super) fn get(&self, cell: Cell) -> T {
        self.cells[to_usize(widen_u8(cell.0)) % CELLS]
    }

    #[inline(always)]
    pub(super) fn set(&mut self, cell: Cell, value: T) {
        self.cells[to_usize(widen_u8(cell.0)) % CELLS] = value;
    }

    /// Applies `change` to every register.
    pub(super) fn update(&mut self, change: impl Fn(T) -> T) {
        for cell in &mut self.cells[..REGISTER_COUNT] {
            *cell = change(*cell);
        }
    }

    /// Takes over the registers of another file.
    pub(super) fn convert<S: Copy + Default>(&mut self, from: &Registers<S>, convert: impl Fn(S) -> T) {
        for (to, from) in self.cells[..REGISTER_COUNT].iter_mut().zip(&from.cells) {
            *to = convert(*from);
        }
    }
}
