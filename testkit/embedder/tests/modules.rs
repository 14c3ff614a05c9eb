//! Blobs, modules and their cache: what is accepted, what is found again, what can be asked.

use polkavm::program::{
    EstimateInterpreterMemoryUsageArgs, ISA_ReviveV1, Instruction, InstructionSetKind, ProgramSymbol,
};
use polkavm::{
    BackendKind, CacheModel, CompileError, Config, CostModel, CostModelKind, Engine, Module, ModuleConfig, ProgramBlob,
    ProgramCounter, ProgramParts, Reg,
};
use pvm_embedder_test::{Guest, add_add_ecalli_trap, engine, module, ret};
use pvm_isa::{Instruction as I, InstructionSet, Reg as R};
use std::sync::Arc;

fn blob(bytes: Vec<u8>) -> ProgramBlob {
    ProgramBlob::parse(bytes.into()).unwrap()
}

fn engine_with(configure: impl FnOnce(&mut Config)) -> Engine {
    let mut config = Config::new();
    config.set_backend(Some(BackendKind::Interpreter));
    configure(&mut config);
    Engine::new(&config).unwrap()
}

/// The way pallet-revive looks over a contract before it accepts it.
#[test]
fn a_contract_is_looked_over() {
    let bytes = add_add_ecalli_trap(InstructionSet::ReviveV1);
    assert_eq!(ProgramBlob::blob_length(&bytes), Some(u64::try_from(bytes.len()).unwrap()));
    let blob = blob(bytes);
    assert!(blob.is_64_bit());
    assert_eq!(blob.isa(), InstructionSetKind::ReviveV1);
    for import in blob.imports().iter() {
        assert!(import.is_some());
    }
    let (mut instructions, mut blocks, mut block_size, mut block_size_max) = (0_u32, 0_u32, 0_u32, 0_u32);
    for instruction in blob.instructions_with_isa(ISA_ReviveV1) {
        instructions += 1;
        block_size += 1;
        match instruction.kind {
            Instruction::invalid | Instruction::sbrk(..) | Instruction::memset => panic!("{}", instruction.kind),
            Instruction::ecalli(number) => assert_eq!(number, 1),
            Instruction::add_64(d, a, b) => assert_eq!((d.get(), a.get(), b.get()), (Reg::A0, Reg::A0, Reg::A1)),
            _ => {}
        }
        if instruction.starts_new_basic_block() {
            blocks += 1;
            block_size_max = block_size_max.max(block_size);
            block_size = 0;
        }
    }
    assert_eq!((instructions, blocks, block_size_max), (4, 1, 4));
    let usage = blob
        .estimate_interpreter_memory_usage(EstimateInterpreterMemoryUsageArgs::BoundedCache {
            max_block_size: block_size_max,
            instruction_count: instructions,
            max_cache_size_bytes: 1024 * 1024,
            page_size: 4096,
            basic_block_count: blocks,
        })
        .unwrap();
    assert!(usage.baseline_ram_consumption < 64 * 1024 && usage.purgeable_ram_consumption < 2 * 1024 * 1024);
}

#[test]
fn instructions_know_their_places() {
    let blob = blob(add_add_ecalli_trap(InstructionSet::ReviveV1));
    let offsets: Vec<_> = blob.instructions().map(|i| (i.offset.0, i.next_offset.0)).collect();
    assert_eq!(offsets, [(0, 3), (3, 6), (6, 8), (8, 9)]);
    let listed: Vec<_> = blob.instructions_bounded_at(ProgramCounter(6)).map(|i| i.kind).collect();
    assert_eq!(listed, [Instruction::ecalli(1), Instruction::trap]);
    let listed: Vec<_> = blob.instructions_bounded_at(ProgramCounter(1)).map(|i| (i.kind, i.next_offset.0)).collect();
    assert_eq!(listed, [(Instruction::invalid, 2)]);
    assert_eq!(Instruction::add_64(Reg::A0.raw(), Reg::A1.raw(), Reg::A2.raw()).to_string(), "a0 = a1 + a2");
}

#[test]
fn symbols_are_listed() {
    let guest = Guest {
        imports: vec!["one", "two"],
        exports: vec![("f", 0), ("g", 1)],
        ..Guest::new(InstructionSet::JamV1, &[ret(), ret()])
    };
    let module = module(&ModuleConfig::new(), guest.blob());
    let exports: Vec<_> = module.exports().map(|e| (e.program_counter(), e.symbol().as_bytes().to_vec())).collect();
    assert_eq!(exports, [(ProgramCounter(0), b"f".to_vec()), (ProgramCounter(2), b"g".to_vec())]);
    assert!(module.exports().find(|export| export == "g").is_some());
    assert_eq!(module.imports().len(), 2);
    assert_eq!(module.imports().get(1).unwrap().as_bytes(), b"two");
    assert_eq!(module.imports().get(2), None);
    assert_eq!(module.imports().get(0).unwrap().to_string(), "'one'");
    assert_eq!(ProgramSymbol::new(vec![0xff, 0x00]).to_string(), "0xff00");
}

#[test]
fn blobs_come_apart_and_together() {
    let bytes = Guest {
        ro_data: vec![1, 2],
        rw_data: vec![3],
        rw_data_size: 5,
        ..Guest::new(InstructionSet::ReviveV1, &[ret()])
    }
    .blob();
    let mut parts = ProgramParts::from_bytes(bytes.clone().into()).unwrap();
    assert_eq!((parts.isa, parts.ro_data_size, parts.rw_data_size), (InstructionSetKind::ReviveV1, 2, 5));
    assert_eq!((&*parts.ro_data, &*parts.rw_data), ([1, 2].as_slice(), [3].as_slice()));
    let whole = blob(bytes);
    let again = ProgramBlob::from_parts(parts.clone()).unwrap();
    assert_eq!(again.unique_hash(true).0, whole.unique_hash(true).0);
    assert_ne!(again.unique_id(), whole.unique_id());
    parts.rw_data_size = 6;
    let other = ProgramBlob::from_parts(parts.clone()).unwrap();
    assert_ne!(other.unique_hash(false).0, whole.unique_hash(false).0);
    parts.rw_data_size = 0;
    assert!(ProgramBlob::from_parts(parts).is_err());
    assert!(ProgramBlob::parse(vec![1, 2, 3].into()).is_err());
}

#[test]
fn code_for_jam_is_validated() {
    let falls_through = Guest::new(InstructionSet::JamV1, &[I::load_imm(R::a0, 1)]).blob();
    match Module::from_blob(&engine(), &ModuleConfig::new(), blob(falls_through)) {
        Err(error) => {
            assert_eq!(error.to_string(), "module validation failed: validation failed at offset 3");
            assert!(matches!(error, CompileError::ValidationFailed(text) if text == "validation failed at offset 3"));
        }
        Ok(_) => panic!("the code is not well-formed"),
    }
    let falls_through = Guest::new(InstructionSet::ReviveV1, &[I::load_imm(R::a0, 1)]).blob();
    assert!(Module::from_blob(&engine(), &ModuleConfig::new(), blob(falls_through)).is_ok());
}

#[test]
fn memory_must_fit() {
    let mut config = ModuleConfig::new();
    config.set_aux_data_size(0xff00_0000);
    let guest = Guest { rw_data_size: 0x100_0000, ..Guest::new(InstructionSet::ReviveV1, &[ret()]) };
    let error = Module::from_blob(&engine(), &config, blob(guest.blob())).err().unwrap();
    assert_eq!(error.to_string(), "module validation failed: maximum memory size exceeded");
    assert!(matches!(error, CompileError::ValidationFailed(text) if text == "maximum memory size exceeded"));
    config.set_page_size(1234);
    let error = Module::from_blob(&engine(), &config, blob(guest.blob())).err().unwrap().to_string();
    assert!(error.contains("page size"), "{error}");
}

#[test]
fn strict_mode_refuses_jump_targets_beyond_the_code() {
    let mut guest = Guest::new(InstructionSet::ReviveV1, &[ret()]);
    guest.code.jump_table = vec![1];
    guest.code.push(ret());
    let mut config = ModuleConfig::new();
    config.set_strict(true);
    assert!(Module::from_blob(&engine(), &config, blob(guest.blob())).is_ok());
    guest.code.jump_table = vec![2];
    assert!(Module::from_blob(&engine(), &config, blob(guest.blob())).is_err());
    guest.code.jump_table.clear();
    guest.exports = vec![("end", 2)];
    assert!(Module::from_blob(&engine(), &config, blob(guest.blob())).is_err());
    config.set_strict(false);
    assert!(Module::from_blob(&engine(), &config, blob(guest.blob())).is_ok());
}

#[test]
fn modules_are_cached_while_they_live() {
    let engine = engine_with(|config| {
        config.set_cache_enabled(true);
    });
    let config = ModuleConfig::new();
    let first = blob(add_add_ecalli_trap(InstructionSet::ReviveV1));
    assert!(Module::from_cache(&engine, &config, &first).is_none());
    let module = Module::from_blob(&engine, &config, first.clone()).unwrap();
    assert!(Module::from_cache(&engine, &config, &first).is_some());
    let mut other = ModuleConfig::new();
    other.set_step_tracing(true);
    assert!(Module::from_cache(&engine, &other, &first).is_none());
    let same_bytes = blob(add_add_ecalli_trap(InstructionSet::ReviveV1));
    assert!(Module::from_cache(&engine, &config, &same_bytes).is_none());
    drop(module);
    assert!(Module::from_cache(&engine, &config, &first).is_none());
}

#[test]
fn modules_can_be_cached_by_content() {
    let engine = engine_with(|config| {
        config.set_cache_enabled(true);
    });
    let mut config = ModuleConfig::new();
    config.set_cache_by_hash(true);
    let module = Module::from_blob(&engine, &config, blob(add_add_ecalli_trap(InstructionSet::ReviveV1))).unwrap();
    let same_bytes = blob(add_add_ecalli_trap(InstructionSet::ReviveV1));
    assert!(Module::from_cache(&engine, &config, &same_bytes).is_some());
    assert!(Module::from_cache(&engine, &config, &blob(add_add_ecalli_trap(InstructionSet::JamV1))).is_none());
    drop(module);
}

#[test]
fn dropped_modules_are_kept_for_a_while() {
    let engine = engine_with(|config| {
        config.set_cache_enabled(true);
        config.set_lru_cache_size(2);
    });
    let config = ModuleConfig::new();
    let blobs: Vec<_> = (0..3).map(|_| blob(add_add_ecalli_trap(InstructionSet::ReviveV1))).collect();
    let is_cached = |blob: &ProgramBlob| Module::from_cache(&engine, &config, blob).is_some();
    for blob in &blobs {
        drop(Module::from_blob(&engine, &config, blob.clone()).unwrap());
    }
    assert!(!is_cached(&blobs[0]));
    assert!(is_cached(&blobs[2]) && is_cached(&blobs[1]));
    drop(Module::from_blob(&engine, &config, blobs[0].clone()).unwrap());
    assert!(!is_cached(&blobs[2]) && is_cached(&blobs[1]) && is_cached(&blobs[0]));
}

#[test]
fn nothing_is_cached_without_a_cache() {
    let engine = engine_with(|config| {
        config.set_cache_enabled(false);
    });
    let blob = blob(add_add_ecalli_trap(InstructionSet::ReviveV1));
    let module = Module::from_blob(&engine, &ModuleConfig::new(), blob.clone()).unwrap();
    assert!(Module::from_cache(&engine, &ModuleConfig::new(), &blob).is_none());
    drop(module);
}

#[test]
fn nested_instances_are_of_one_engine() {
    let (one, other) = (engine(), engine());
    let make = |engine: &Engine| {
        Module::from_blob(engine, &ModuleConfig::new(), blob(add_add_ecalli_trap(InstructionSet::ReviveV1))).unwrap()
    };
    let outer = make(&one).instantiate().unwrap();
    assert!(make(&one).instantiate_nested(&outer).is_ok());
    let error = make(&other).instantiate_nested(&outer).err().unwrap().to_string();
    assert_eq!(error, "failed to instantiate module: received incompatible outer instance");
}

#[test]
fn blocks_have_prices() {
    let bytes = add_add_ecalli_trap(InstructionSet::ReviveV1);
    let cost = |model: Option<CostModelKind>, at: u32| {
        let mut config = ModuleConfig::new();
        config.set_cost_model(model);
        module(&config, bytes.clone()).calculate_gas_cost_for(ProgramCounter(at))
    };
    assert_eq!((cost(None, 0), cost(None, 3), cost(None, 1000)), (Some(4), None, Some(1)));
    let mut table = CostModel::naive();
    table.add_64 = 10;
    table.trap = 3;
    assert!(CostModel::deserialize(&table.serialize()[1..]).is_none());
    assert_eq!(cost(Some(Arc::new(table).into()), 0), Some(24));
    assert!(cost(Some(CostModelKind::Full(CacheModel::L2Hit)), 0) > Some(1));
}

#[test]
fn experiments_need_permission() {
    let refused = |configure: &dyn Fn(&mut Config)| {
        let mut config = Config::new();
        config.set_backend(Some(BackendKind::Interpreter));
        configure(&mut config);
        Engine::new(&config).is_err()
    };
    let naive = |config: &mut Config| {
        config.set_default_cost_model(Some(CostModelKind::Simple(CostModel::naive_ref())));
    };
    assert!(refused(&naive));
    assert!(!refused(&|config| {
        naive(config);
        config.set_allow_experimental(true);
    }));
    assert!(!refused(&|config| {
        config.set_default_cost_model(Some(CostModelKind::Full(CacheModel::L1Hit)));
    }));
    assert!(BackendKind::Interpreter.is_supported());
    assert_eq!(engine().backend(), BackendKind::Interpreter);
}
