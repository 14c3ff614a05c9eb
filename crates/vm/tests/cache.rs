//! The module cache, with each backend; and which backend there is.

use pvm::{
    BackendKind, Config, Engine, GasMeteringKind, Isolation, Module, ModuleConfig, ProgramBlob, ProgramCounter,
    SandboxKind,
};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{CodeBuilder, ProgramBuilder};

fn blob(number: i32) -> ProgramBlob {
    let mut code = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    code.push(Instruction::load_imm(Reg::a0, number));
    code.push(Instruction::jump_indirect(Reg::ra, 0));
    ProgramBlob::from_program(ProgramBuilder::new(&code.build().unwrap()).build().unwrap())
}

fn engines(change: impl Fn(&mut Config)) -> Vec<Engine> {
    [BackendKind::Interpreter, BackendKind::Compiler]
        .into_iter()
        .filter(|backend| backend.is_supported())
        .map(|backend| {
            let mut config = Config::new();
            config.set_backend(Some(backend));
            change(&mut config);
            Engine::new(&config).unwrap()
        })
        .collect()
}

/// What tells modules apart: clones of one share it.
fn identity(module: &Module) -> *const u8 {
    std::ptr::from_ref(module.gas_rule()).cast()
}

fn result(module: &Module) -> u64 {
    let mut instance = module.instantiate().unwrap();
    instance.prepare_call_untyped(ProgramCounter(0), &[]);
    assert_eq!(instance.run().unwrap(), pvm::InterruptKind::Finished);
    instance.get_result_typed()
}

#[test]
fn modules_are_found_by_id_and_by_content() {
    for engine in engines(|_| {}) {
        let [mut by_id, mut by_content] = [ModuleConfig::new(), ModuleConfig::new()];
        by_content.set_cache_by_hash(true);
        let (first, same, other) = (blob(1), blob(1), blob(2));
        let module = Module::from_blob(&engine, &by_id, first.clone()).unwrap();
        let again = Module::from_blob(&engine, &by_id, first.clone()).unwrap();
        assert_eq!(identity(&module), identity(&again));
        assert!(Module::from_cache(&engine, &by_id, &same).is_none());
        assert!(Module::from_cache(&engine, &by_content, &first).is_none());
        let hashed = Module::from_blob(&engine, &by_content, first).unwrap();
        let found = Module::from_cache(&engine, &by_content, &same).unwrap();
        assert_eq!((identity(&hashed), hashed.machine_code_origin()), (identity(&found), found.machine_code_origin()));
        assert!(Module::from_cache(&engine, &by_content, &other).is_none());
        by_id.set_gas_metering(Some(GasMeteringKind::Sync));
        assert!(Module::from_cache(&engine, &by_id, module.blob()).is_none(), "metered modules are others");
        assert_eq!([result(&module), result(&again), result(&found)], [1; 3]);
        drop((module, again));
        let module = Module::from_blob(&engine, &ModuleConfig::new(), other).unwrap();
        assert_eq!(result(&module), 2);
    }
}

#[test]
fn the_cache_keeps_the_last_ones_and_no_more() {
    for engine in engines(|config| {
        config.set_lru_cache_size(3);
    }) {
        let config = ModuleConfig::new();
        let blobs: Vec<ProgramBlob> = (0..200).map(blob).collect();
        for (number, blob) in (0..).zip(&blobs) {
            let module = Module::from_blob(&engine, &config, blob.clone()).unwrap();
            assert_eq!(result(&module), number);
        }
        let kept: Vec<usize> =
            (0..200).filter(|index| Module::from_cache(&engine, &config, &blobs[*index]).is_some()).collect();
        assert_eq!(kept, [197, 198, 199]);
        // Looking for one has made it the last.
        drop(Module::from_cache(&engine, &config, &blobs[197]));
        drop(Module::from_blob(&engine, &config, blobs[0].clone()).unwrap());
        assert!(Module::from_cache(&engine, &config, &blobs[198]).is_none());
        assert_eq!(result(&Module::from_cache(&engine, &config, &blobs[197]).unwrap()), 197);
    }
}

#[test]
fn the_best_backend_is_chosen_and_reported() {
    let best = match BackendKind::Compiler.is_supported() {
        true => (BackendKind::Compiler, Isolation::InProcess),
        false => (BackendKind::Interpreter, Isolation::Interpreted),
    };
    let engine = Engine::new(&Config::new()).unwrap();
    let module = Module::from_blob(&engine, &ModuleConfig::new(), blob(1)).unwrap();
    assert_eq!((engine.backend(), module.backend(), module.isolation()), (best.0, best.0, best.1));
    assert_eq!(module.interpreted_because(), None);

    // What the compiler does not do, the interpreter does, and the module says why.
    let mut stepping = ModuleConfig::new();
    stepping.set_step_tracing(true);
    let module = Module::from_blob(&engine, &stepping, blob(1)).unwrap();
    assert_eq!((module.backend(), module.isolation()), (BackendKind::Interpreter, Isolation::Interpreted));
    assert_eq!(module.interpreted_because().is_some(), best.0 == BackendKind::Compiler);

    // A sandbox that there is not yet: never less than was asked for.
    let mut config = Config::new();
    config.set_sandbox(Some(SandboxKind::Linux));
    if !SandboxKind::Linux.is_supported() {
        assert_eq!(Engine::new(&config).unwrap().backend(), BackendKind::Interpreter);
        config.set_backend(Some(BackendKind::Compiler));
        assert!(Engine::new(&config).is_err());
    }
}

/// Sets the variable when the test runs itself again under a limit.
const LIMITED: &str = "PVM_TEST_LIMITED";

#[test]
#[cfg(target_os = "linux")]
fn without_addresses_guests_are_interpreted() {
    if std::env::var_os(LIMITED).is_none() {
        // 2 GiB, of which a guest's addresses alone would take twice as much.
        let status = std::process::Command::new("sh")
            .args(["-c", "ulimit -v 2097152 && exec \"$0\" --exact without_addresses_guests_are_interpreted"])
            .arg(std::env::current_exe().unwrap())
            .env(LIMITED, "1")
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let engine = Engine::new(&Config::new()).unwrap();
    assert_eq!(engine.backend(), BackendKind::Interpreter);
    let module = Module::from_blob(&engine, &ModuleConfig::new(), blob(5)).unwrap();
    assert_eq!(result(&module), 5);
    // Who insists on the compiler learns why there are no guests.
    if BackendKind::Compiler.is_supported() {
        let engine = Engine::new(Config::new().set_backend(Some(BackendKind::Compiler))).unwrap();
        let module = Module::from_blob(&engine, &ModuleConfig::new(), blob(5)).unwrap();
        assert!(module.instantiate().is_err_and(|error| error.to_string().contains("address space")));
    }
}
