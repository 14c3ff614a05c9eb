//! Cost models under the names embedders use, and the rules of the `gas` crate they stand for.

use crate::error::{Error, ErrorKind};
use pvm_gas::{Acceleration, CostTable, MemoryLatency, Pipeline, Rule};
use pvm_isa::{Opcode, instruction_table};
use std::ops::Deref;
use std::sync::Arc;

/// An amount of gas. Negative amounts are possible: the host may set one.
pub type Gas = i64;

/// What an instruction costs.
pub type Cost = u32;

/// When an instance notices that its gas is spent.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum GasMeteringKind {
    /// Before the block that cannot be paid is entered.
    Sync,
    /// Some time later. A hint: this engine treats it as [`GasMeteringKind::Sync`].
    Async,
}

macro_rules! cost_model {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        /// A cost for every instruction; a block costs the sum of its instructions.
        #[derive(Clone, PartialEq, Eq, Hash, Debug)]
        pub struct CostModel {
            $(#[allow(missing_docs)] pub $name: Cost),*
        }

        impl CostModel {
            /// Every instruction costs 1.
            pub const fn naive() -> Self {
                CostModel { $($name: 1),* }
            }

            /// What an instruction costs.
            pub fn cost_for_opcode(&self, opcode: Opcode) -> u32 {
                match opcode {
                    $(Opcode::$name => self.$name),*
                }
            }

            fn from_table(table: &CostTable) -> Self {
                CostModel { $($name: table.get(Opcode::$name)),* }
            }
        }
    };
}
instruction_table!(cost_model);

static NAIVE: CostModel = CostModel::naive();

impl CostModel {
    /// [`CostModel::naive`] by reference.
    pub fn naive_ref() -> CostModelRef {
        CostModelRef::from_static(&NAIVE)
    }

    /// The model as bytes: little-endian words, first the version 2, then the costs by name, that of `invalid` last.
    pub fn serialize(&self) -> Vec<u8> {
        self.to_table().to_bytes()
    }

    /// Reads what [`CostModel::serialize`] wrote; none if it is something else.
    pub fn deserialize(blob: &[u8]) -> Option<CostModel> {
        CostTable::from_bytes(blob).ok().map(|table| CostModel::from_table(&table))
    }

    fn to_table(&self) -> CostTable {
        let mut table = CostTable::uniform(0);
        for opcode in Opcode::ALL.iter().copied().chain([Opcode::invalid]) {
            table.set(opcode, self.cost_for_opcode(opcode));
        }
        table
    }
}

/// A shared [`CostModel`].
#[derive(Clone, Debug)]
pub struct CostModelRef(CostModelOwner);

#[derive(Clone, Debug)]
enum CostModelOwner {
    Static(&'static CostModel),
    Shared(Arc<CostModel>),
}

impl CostModelRef {
    /// Refers to a model that lives as long as the process.
    pub const fn from_static(cost_model: &'static CostModel) -> Self {
        CostModelRef(CostModelOwner::Static(cost_model))
    }
}

impl Deref for CostModelRef {
    type Target = CostModel;

    fn deref(&self) -> &CostModel {
        match &self.0 {
            CostModelOwner::Static(model) => model,
            CostModelOwner::Shared(model) => model,
        }
    }
}

impl From<&'static CostModel> for CostModelRef {
    fn from(value: &'static CostModel) -> Self {
        CostModelRef::from_static(value)
    }
}

impl From<Arc<CostModel>> for CostModelRef {
    fn from(value: Arc<CostModel>) -> Self {
        CostModelRef(CostModelOwner::Shared(value))
    }
}

/// The cache every load is taken to hit in the pipeline model.
#[allow(non_upper_case_globals)]
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CacheModel {
    /// Latency of a load in cycles: that of one of the constants.
    pub memory_access_cost: i8,
}

#[allow(non_upper_case_globals)]
impl CacheModel {
    /// 4 cycles.
    pub const L1Hit: CacheModel = CacheModel { memory_access_cost: 4 };
    /// 25 cycles.
    pub const L2Hit: CacheModel = CacheModel { memory_access_cost: 25 };
    /// 37 cycles.
    pub const L3Hit: CacheModel = CacheModel { memory_access_cost: 37 };
}

/// How blocks are priced.
#[derive(Clone, Debug)]
pub enum CostModelKind {
    /// A sum of costs per instruction.
    Simple(CostModelRef),
    /// The pipeline model, in polkavm's variant (accelerated).
    Full(CacheModel),
}

impl From<CostModelRef> for CostModelKind {
    fn from(cost_model: CostModelRef) -> CostModelKind {
        CostModelKind::Simple(cost_model)
    }
}

impl From<Arc<CostModel>> for CostModelKind {
    fn from(cost_model: Arc<CostModel>) -> CostModelKind {
        CostModelKind::Simple(cost_model.into())
    }
}

impl CostModelKind {
    /// The rule of the `gas` crate that this model stands for.
    pub(crate) fn rule(&self) -> Result<Rule, Error> {
        Ok(match self {
            CostModelKind::Simple(model) if **model == NAIVE => Rule::Simple,
            CostModelKind::Simple(model) => Rule::Table(Arc::new(model.to_table())),
            CostModelKind::Full(model) => {
                let memory = match *model {
                    CacheModel::L1Hit => MemoryLatency::L1Hit,
                    CacheModel::L2Hit => MemoryLatency::L2Hit,
                    CacheModel::L3Hit => MemoryLatency::L3Hit,
                    CacheModel { memory_access_cost: cost } => return Err(ErrorKind::MemoryAccessCost { cost }.into()),
                };
                Rule::Full(Pipeline { memory, acceleration: Acceleration::Upstream, ..Pipeline::GP08 })
            }
        })
    }

    /// Reads the value of the environment variable: a name, or a path to a serialized table.
    pub(crate) fn from_name(name: &str) -> Result<Self, Error> {
        Ok(match name {
            "naive" => CostModelKind::Simple(CostModel::naive_ref()),
            "full-l1-hit" => CostModelKind::Full(CacheModel::L1Hit),
            "full-l2-hit" => CostModelKind::Full(CacheModel::L2Hit),
            "full-l3-hit" => CostModelKind::Full(CacheModel::L3Hit),
            path => {
                let bytes =
                    std::fs::read(path).map_err(|source| ErrorKind::CostTableFile { path: path.to_owned(), source })?;
                let table = CostTable::from_bytes(&bytes).map_err(ErrorKind::CostTable)?;
                CostModelKind::Simple(Arc::new(CostModel::from_table(&table)).into())
            }
        })
    }
}
