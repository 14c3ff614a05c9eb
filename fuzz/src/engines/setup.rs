//! Setups: how a batch is configured, drawn from the head of an input.

use super::script::Script;
use pvm::{CodeValidation, GasMeteringKind, GasRule, MemoryMap, MemoryMapBuilder, ModuleConfig};
use pvm_isa::{Format, InstructionSet, Opcode};
use std::sync::LazyLock;

/// Bytes of an input that its setup is drawn from.
pub(super) const SIZE: usize = 13;

const RULES: [&str; 17] = [
    "simple",
    "full",
    "full-l1-hit",
    "full-l2-hit",
    "full-l3-hit",
    "full-accelerated",
    "full-l1-hit-accelerated",
    "full-l2-hit-accelerated",
    "full-l3-hit-accelerated",
    "full-2025-11",
    "full-2025-11-l1-hit",
    "full-2025-11-l2-hit",
    "full-2025-11-l3-hit",
    "full-2025-11-accelerated",
    "full-2025-11-l1-hit-accelerated",
    "full-2025-11-l2-hit-accelerated",
    "full-2025-11-l3-hit-accelerated",
];

/// How a batch is configured.
pub(super) struct Setup {
    pub(super) set: InstructionSet,
    pub(super) paged: bool,
    /// None: nothing is metered, and programs have no loops.
    pub(super) rule: Option<GasRule>,
    kind: GasMeteringKind,
    /// Is compiled code that of any machine?
    pub(super) is_baseline: bool,
    /// Is the jump table one of its own, which leads anywhere?
    pub(super) has_wild_table: bool,
    /// Can the code be run off its end?
    pub(super) is_open: bool,
    pub(super) map: MemoryMap,
    pub(super) rw_data_size: u32,
    aux_size: u32,
    /// Addresses near which programs like to go.
    pub(super) places: Vec<u32>,
    /// Bytes of the script of each program.
    pub(super) chunk: usize,
}

impl Setup {
    pub(super) fn new(bytes: &[u8]) -> Setup {
        let mut script = Script(&bytes[..SIZE.min(bytes.len())]);
        let chunk = script.pick(&[192, 96, 128, 256]);
        let set = script.pick(&InstructionSet::ALL);
        let page_size = script.pick(&[4096, 4096, 4096, 8192, 16384, 65536]);
        let paged = script.below(3) == 2;
        let rule = (script.below(5) != 4).then(|| script.pick(&RULES).parse().expect("rules by their names"));
        let kind = script.pick(&[GasMeteringKind::Sync, GasMeteringKind::Async]);
        let is_baseline = script.rarely(4);
        let has_wild_table = script.rarely(16) && rule.is_some();
        let is_open = script.rarely(4);
        let rw_data_size = 4096 + u32::from(script.byte());
        let stack_size = script.pick(&[4096, 4096, 8192, 0]);
        let aux_size = script.pick(&[4096, 4096, 0]);
        let map = MemoryMapBuilder::new(page_size)
            .ro_data_size(4096)
            .rw_data_size(rw_data_size)
            .stack_size(stack_size)
            .aux_data_size(aux_size)
            .build()
            .expect("small regions fit");
        let places = places(&map);
        Setup {
            set,
            paged,
            rule,
            kind,
            is_baseline,
            has_wild_table,
            is_open,
            map,
            rw_data_size,
            aux_size,
            places,
            chunk,
        }
    }

    pub(super) fn config(&self) -> ModuleConfig {
        let mut config = ModuleConfig::new();
        config.set_code_validation(CodeValidation::Off);
        config.set_aux_data_size(self.aux_size).set_page_size(self.map.page_size()).set_dynamic_paging(self.paged);
        if let Some(rule) = &self.rule {
            config.set_gas_metering(Some(self.kind)).set_gas_rule(Some(rule.clone()));
        }
        config
    }

    pub(super) fn opcodes(&self) -> &'static Opcodes {
        let all = InstructionSet::ALL.iter().zip(OPCODES.iter());
        all.clone().find(|(set, _)| **set == self.set).map(|(_, opcodes)| opcodes).expect("every set has opcodes")
    }
}

/// Bounds of the regions, places within, and those that have a meaning of their own; the first is in the middle of what can
/// be written.
fn places(map: &MemoryMap) -> Vec<u32> {
    let rw = map.rw_data_address();
    let stack = map.stack_address_high();
    let rw_end = rw + map.rw_data_size();
    let fixed = [
        rw + 1024,
        rw + 2048,
        rw,
        rw_end,
        rw + 512,
        map.ro_data_address(),
        map.ro_data_address() + map.ro_data_size(),
        stack,
        stack - 1024,
        map.stack_address_low(),
        map.aux_data_address(),
        map.aux_data_address() + map.aux_data_size(),
        map.ro_data_address() + 256,
        0xffff_0000,
        0xffff_fffc,
        0,
    ];
    fixed.to_vec()
}

/// Opcodes of a set by what they are good for.
pub(super) struct Opcodes {
    /// Those that end blocks.
    pub(super) ends: Vec<Opcode>,
    /// All others.
    pub(super) others: Vec<Opcode>,
    /// `d = f(a, b)`.
    pub(super) binary: Vec<Opcode>,
    /// `d = f(a, I)`.
    pub(super) binary_imm: Vec<Opcode>,
    /// `d = f(a)`.
    pub(super) unary: Vec<Opcode>,
}

static OPCODES: LazyLock<[Opcodes; InstructionSet::ALL.len()]> = LazyLock::new(|| {
    InstructionSet::ALL.map(|set| {
        let of = |wanted: &dyn Fn(Opcode) -> bool| -> Vec<Opcode> {
            Opcode::ALL.iter().copied().filter(|opcode| set.supports(*opcode) && wanted(*opcode)).collect()
        };
        let computes = |opcode: Opcode, format: Format| {
            use pvm_isa::Family as F;
            opcode.format() == format && matches!(opcode.family(), F::alu | F::shift | F::muldiv)
        };
        Opcodes {
            ends: of(&|opcode| opcode.ends_block()),
            others: of(&|opcode| !opcode.ends_block()),
            binary: of(&|opcode| computes(opcode, Format::RegRegReg)),
            binary_imm: of(&|opcode| computes(opcode, Format::RegRegImm)),
            unary: of(&|opcode| computes(opcode, Format::RegReg)),
        }
    })
});
