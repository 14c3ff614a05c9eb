//! Host functions by name and typed calls.

use polkavm::{CallError, Caller, GasMeteringKind, Linker, Module, ModuleConfig, ProgramCounter, Reg};
use pvm_embedder_test::{Guest, module, ret};
use pvm_isa::{Instruction, InstructionSet, Reg as R};

/// Calls each import in order, then returns.
fn calls(set: InstructionSet, imports: &[&'static str]) -> Vec<u8> {
    let numbers = 0..i32::try_from(imports.len()).unwrap();
    let code: Vec<_> = numbers.map(Instruction::ecalli).chain([ret()]).collect();
    Guest { imports: imports.to_vec(), ..Guest::new(set, &code) }.blob()
}

fn calls_module(imports: &[&'static str]) -> Module {
    module(&ModuleConfig::new(), calls(InstructionSet::ReviveV1, imports))
}

#[derive(Default)]
struct State {
    log: Vec<u64>,
}

#[derive(Debug, PartialEq)]
struct Refused(u32);

#[test]
fn functions_of_every_shape() {
    let module = calls_module(&["nothing", "plain", "with_caller", "fallible", "six", "untyped"]);
    let mut linker = Linker::<State, Refused>::new();
    linker.define_typed("nothing", || {}).unwrap();
    linker.define_typed("plain", |a: u32, b: i32| -> i64 { i64::from(a) * i64::from(b) }).unwrap();
    linker
        .define_typed("with_caller", |caller: Caller<State>, value: i64| -> u64 {
            caller.user_data.log.push(value.unsigned_abs());
            let sp = caller.instance.reg(Reg::SP);
            assert_eq!(sp, caller.instance.module().default_sp());
            value.unsigned_abs()
        })
        .unwrap();
    linker
        .define_typed("fallible", |value: u32| -> Result<u32, Refused> {
            if value > 1000 { Err(Refused(value)) } else { Ok(value + 1) }
        })
        .unwrap();
    linker
        .define_typed(
            "six",
            |caller: Caller<State>, a: u64, b: i32, c: u64, d: u64, e: u64, f: u64| -> Result<(), Refused> {
                caller.user_data.log.extend([a, u64::from(b.unsigned_abs()), c, d, e, f]);
                Ok(())
            },
        )
        .unwrap();
    linker
        .define_untyped("untyped", |caller: Caller<State>| {
            let value = caller.instance.reg(Reg::A0);
            caller.instance.set_reg(Reg::A0, value * 10);
            Ok(())
        })
        .unwrap();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();

    let mut state = State::default();
    let result = instance.call_typed_and_get_result::<u64, _>(&mut state, "main", (10_u32, -7_i32, 3_u64));
    assert_eq!(result.unwrap(), 710);
    assert_eq!(state.log, [70, 71, 7, 3, 0, 0, 0]);

    let result = instance.call_typed(&mut state, ProgramCounter(0), (1001_u32, -1_i32));
    assert!(matches!(result, Err(CallError::User(Refused(1001)))));
    instance.continue_execution(&mut state).unwrap();
    assert_eq!(instance.reg(Reg::A0), 10010);
}

#[test]
fn sixty_four_bits_take_two_registers_of_32() {
    let module = module(&ModuleConfig::new(), calls(InstructionSet::Latest32, &["sum"]));
    let mut linker = Linker::<(), core::convert::Infallible>::new();
    linker
        .define_typed("sum", |a: u64, b: u32, c: i64| -> i64 { i64::try_from(a).unwrap() + i64::from(b) + c })
        .unwrap();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    let args = (0x1_0000_0000_u64, 5_u32, -6_i64);
    assert_eq!(instance.call_typed_and_get_result::<i64, _>(&mut (), "main", args).unwrap(), 0xffff_ffff);
    assert_eq!((instance.reg(Reg::A0), instance.reg(Reg::A1)), (0xffff_ffff, 0));
}

#[test]
fn imports_without_function() {
    let module = calls_module(&["known", "unknown"]);
    let mut linker = Linker::<State, Refused>::new();
    linker.define_typed("known", || -> u32 { 1 }).unwrap();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    assert!(matches!(instance.call_typed(&mut State::default(), "main", ()), Err(CallError::Trap)));

    linker.define_fallback(|caller: Caller<State>, number: u32| {
        caller.user_data.log.push(u64::from(number));
        if number == 7 { Err(Refused(number)) } else { Ok(()) }
    });
    let mut state = State::default();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    instance.call_typed(&mut state, "main", ()).unwrap();
    assert_eq!(state.log, [1]);
}

#[test]
fn what_the_linker_refuses() {
    let mut linker = Linker::<State, Refused>::new();
    linker.define_typed("twice", || {}).unwrap();
    let error = linker.define_typed("twice", || {}).err().unwrap().to_string();
    assert!(error.starts_with("cannot register host function: host function was already registered:"), "{error}");
    assert!(error.contains("twice"), "{error}");

    let mut config = ModuleConfig::new();
    config.set_strict(true);
    let strict = module(&config, calls(InstructionSet::ReviveV1, &["absent"]));
    let error = linker.instantiate_pre(&strict).err().unwrap().to_string();
    assert!(error.contains("missing host function") && error.contains("absent"), "{error}");

    let mut instance = linker.instantiate_pre(&calls_module(&[])).unwrap().instantiate().unwrap();
    match instance.call_typed(&mut State::default(), "nowhere", ()) {
        Err(CallError::Error(error)) => assert_eq!(error.to_string(), "export not found: 'nowhere'"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn of_equal_exports_the_first_counts() {
    let code = [Instruction::load_imm(R::a0, 1), ret(), Instruction::load_imm(R::a0, 2), ret()];
    let guest = Guest { exports: vec![("f", 0), ("f", 2)], ..Guest::new(InstructionSet::ReviveV1, &code) };
    let lax = module(&ModuleConfig::new(), guest.blob());
    let linker = Linker::<State, Refused>::new();
    let mut instance = linker.instantiate_pre(&lax).unwrap().instantiate().unwrap();
    assert_eq!(instance.call_typed_and_get_result::<u32, _>(&mut State::default(), "f", ()).unwrap(), 1);
}

#[test]
fn a_call_goes_on_with_more_gas() {
    let mut config = ModuleConfig::new();
    config.set_gas_metering(Some(GasMeteringKind::Sync));
    let module = module(&config, calls(InstructionSet::ReviveV1, &["count", "count"]));
    let mut linker = Linker::<State, Refused>::new();
    linker.define_typed("count", |caller: Caller<State>| caller.user_data.log.push(0)).unwrap();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    let mut state = State::default();
    instance.set_gas(2);
    assert!(matches!(instance.call_typed(&mut state, "main", ()), Err(CallError::NotEnoughGas)));
    assert_eq!(state.log.len(), 0);
    instance.set_gas(3);
    instance.continue_execution(&mut state).unwrap();
    assert_eq!((state.log.len(), instance.gas()), (2, 0));
}

#[test]
fn step_tracing_stops_calls() {
    let mut config = ModuleConfig::new();
    config.set_step_tracing(true);
    let module = module(&config, calls(InstructionSet::ReviveV1, &["f"]));
    let mut linker = Linker::<State, Refused>::new();
    linker.define_typed("f", || {}).unwrap();
    let mut instance = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    let mut state = State::default();
    assert!(matches!(instance.call_typed(&mut state, "main", ()), Err(CallError::Step)));
    assert!(matches!(instance.continue_execution(&mut state), Err(CallError::Step)));
    instance.continue_execution(&mut state).unwrap();
}
