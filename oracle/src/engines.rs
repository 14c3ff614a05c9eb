//! Both engines behind the same two functions, written once: the API has the same names in both crates.

macro_rules! engine {
    ($(#[$doc:meta])* $module:ident, $krate:ident) => {
        $(#[$doc])*
        pub mod $module {
            use crate::outcome::{Call, Exit, Outcome, Run, Setup, Shape, host_result};
            use $krate::{
                BackendKind, CacheModel, Config, CostModel, CostModelKind, Engine, GasMeteringKind, InterruptKind, Module,
                MemoryProtection, ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
            };

            const PAGE_SIZE: u32 = 0x1000;
            const PAGE_STEP: usize = 0x1000;
            const REGS: [Reg; 13] = [
                Reg::RA, Reg::SP, Reg::T0, Reg::T1, Reg::T2, Reg::S0, Reg::S1, Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::A4,
                Reg::A5,
            ];

            /// Prepares a blob for the interpreter.
            ///
            /// # Errors
            /// What the engine says to the blob, as text.
            pub fn module(blob: &[u8], setup: Setup) -> Result<Module, String> {
                let mut config = Config::new();
                config.set_backend(Some(BackendKind::Interpreter));
                config.set_allow_dynamic_paging(setup.is_paged);
                let engine = Engine::new(&config).map_err(|error| error.to_string())?;
                let mut config = ModuleConfig::new();
                config.set_gas_metering(Some(GasMeteringKind::Sync));
                config.set_step_tracing(setup.is_stepping);
                config.set_dynamic_paging(setup.is_paged);
                config.set_page_size(PAGE_SIZE);
                config.set_cost_model(Some(if setup.is_pipeline_gas {
                    CostModelKind::Full(CacheModel::L2Hit)
                } else {
                    CostModelKind::Simple(CostModel::naive_ref())
                }));
                let blob = ProgramBlob::parse(blob.into()).map_err(|error| error.to_string())?;
                Module::from_blob(&engine, &config, blob).map_err(|error| error.to_string())
            }

            /// What is known of a blob and its module without running it.
            pub fn shape(blob: &[u8], module: &Module) -> Shape {
                let blob = ProgramBlob::parse(blob.into()).expect("a module was made of it");
                let exports: Vec<(u32, Vec<u8>)> = module
                    .exports()
                    .map(|export| (export.program_counter().0, export.symbol().as_bytes().to_vec()))
                    .collect();
                let map = module.memory_map();
                let mut blocks: Vec<u32> = exports.iter().map(|export| export.0).collect();
                blocks.extend(blob.jump_table().iter().map(|pc| pc.0));
                blocks.sort_unstable();
                blocks.dedup();
                Shape {
                    is_64_bit: module.is_64_bit(),
                    imports: (0..module.imports().len())
                        .map(|index| module.imports().get(index).map(|symbol| symbol.as_bytes().to_vec()))
                        .collect(),
                    code_len: blob.code().len(),
                    default_sp: module.default_sp(),
                    memory: [
                        map.ro_data_address(),
                        map.ro_data_size(),
                        map.rw_data_address(),
                        map.rw_data_size(),
                        map.stack_address_low(),
                        map.stack_size(),
                        map.heap_base(),
                        map.max_heap_size(),
                    ],
                    block_costs: blocks
                        .into_iter()
                        .map(|pc| (pc, module.calculate_gas_cost_for(ProgramCounter(pc))))
                        .collect(),
                    exports,
                }
            }

            /// The contents of a blob's read-only and read-write data.
            pub fn data(blob: &[u8]) -> [Vec<u8>; 2] {
                let blob = ProgramBlob::parse(blob.into()).expect("a module was made of it");
                [blob.ro_data().to_vec(), blob.rw_data().to_vec()]
            }

            /// Calls an export and answers its imports until it ends; none if there is no such export.
            pub fn run(module: &Module, run: &Run<'_>) -> Option<Outcome> {
                let pc = module.exports().find(|export| export.symbol().as_bytes() == run.export)?.program_counter();
                let mut instance = match module.instantiate() {
                    Ok(instance) => instance,
                    Err(error) => panic!("an instance of a module: {error}"),
                };
                instance.set_gas(run.gas);
                instance.prepare_call_untyped(pc, &run.args);
                let mut outcome = Outcome { stops: Vec::new(), steps_hash: 0, heap_size: 0, memory_hash: 0 };
                let mut refill = Some(run.refill);
                let mut stops = 0;
                loop {
                    let stop = next_stop(module, &mut instance);
                    stops += 1;
                    let exit = stop.exit;
                    if exit == Exit::Step {
                        let words = [stop.pc.unwrap_or(u32::MAX).into(), stop.next_pc.unwrap_or(u32::MAX).into()];
                        outcome.steps_hash = hash(outcome.steps_hash, words.into_iter().chain(stop.regs));
                        outcome.steps_hash = hash(outcome.steps_hash, [stop.gas.cast_unsigned()]);
                    } else {
                        outcome.stops.push(stop);
                    }
                    match exit {
                        Exit::Step => {}
                        Exit::Segfault { page, is_write_protected } => {
                            provide_page(module, &mut instance, run.data, page, is_write_protected);
                        }
                        Exit::Ecalli(number) => {
                            let symbol = module.imports().get(number);
                            let symbol = symbol.as_ref().map_or(&b""[..], |symbol| symbol.as_bytes());
                            if symbol == b"pvm_v1_exit" {
                                break;
                            }
                            let value = host_result(symbol, &REGS.map(|reg| instance.reg(reg)));
                            instance.set_reg(Reg::A0, value);
                            if !module.is_64_bit() {
                                instance.set_reg(Reg::A1, value >> 32);
                            }
                        }
                        Exit::NotEnoughGas => match refill.take() {
                            Some(gas) => instance.set_gas(instance.gas() + gas),
                            None => break,
                        },
                        _ => break,
                    }
                    if stops >= run.stops_max {
                        let mut last = state(&instance, Exit::Unfinished);
                        last.pc = None;
                        outcome.stops.push(last);
                        break;
                    }
                }
                if !run.setup.is_paged {
                    outcome.heap_size = instance.heap_size();
                }
                outcome.memory_hash = memory_hash(module, &mut instance, outcome.heap_size);
                Some(outcome)
            }

            fn next_stop(module: &Module, instance: &mut RawInstance) -> Call {
                let exit = match instance.run() {
                    Ok(InterruptKind::Finished) => Exit::Finished,
                    Ok(InterruptKind::Trap) => Exit::Trap,
                    Ok(InterruptKind::Ecalli(number)) => Exit::Ecalli(number),
                    Ok(InterruptKind::Segfault(fault)) => {
                        assert!(fault.page_size == PAGE_SIZE, "pages have the configured size");
                        Exit::Segfault { page: fault.page_address, is_write_protected: fault.is_write_protected }
                    }
                    Ok(InterruptKind::NotEnoughGas) => Exit::NotEnoughGas,
                    Ok(InterruptKind::Step) => Exit::Step,
                    Err(_) => Exit::Failed,
                };
                let mut stop = state(instance, exit);
                if let Exit::Ecalli(number) = exit
                    && module.imports().get(number).is_some_and(|symbol| symbol.as_bytes() == b"pvm_v1_write")
                    && let (Ok(address), Ok(length)) = (u32::try_from(stop.regs[8]), u32::try_from(stop.regs[9]))
                {
                    stop.written = instance.read_memory(address, length).unwrap_or_default();
                }
                stop
            }

            fn state(instance: &RawInstance, exit: Exit) -> Call {
                Call {
                    exit,
                    pc: instance.program_counter().map(|pc| pc.0),
                    next_pc: instance.next_program_counter().map(|pc| pc.0),
                    regs: REGS.map(|reg| instance.reg(reg)),
                    gas: instance.gas(),
                    written: Vec::new(),
                }
            }

            /// Pages of data with their initial contents, pages of stack and data to be written later, and no others.
            fn provide_page(
                module: &Module,
                instance: &mut RawInstance,
                data: [&[u8]; 2],
                page: u32,
                is_write_protected: bool,
            ) {
                let map = module.memory_map();
                let is_in = |address: u32, size: u32| address <= page && page - address < size.next_multiple_of(PAGE_SIZE);
                let is_writable = is_in(map.rw_data_address(), map.rw_data_size())
                    || is_in(map.stack_address_low(), map.stack_size());
                let result = if is_write_protected && is_writable {
                    instance.unprotect_memory(page, PAGE_SIZE)
                } else if is_write_protected {
                    // A store into read-only data: made to succeed, so that the run goes on.
                    instance.zero_memory_with_memory_protection(page, PAGE_SIZE, MemoryProtection::ReadWrite)
                } else {
                    let base = if page < map.rw_data_address() { map.ro_data_address() } else { map.rw_data_address() };
                    let data = if page < map.rw_data_address() { data[0] } else { data[1] };
                    let offset = usize::try_from(page.wrapping_sub(base)).expect("64 bits");
                    let contents = data.get(offset..).unwrap_or_default();
                    let length = contents.len().min(PAGE_SIZE.try_into().expect("64 bits"));
                    instance
                        .zero_memory_with_memory_protection(page, PAGE_SIZE, MemoryProtection::ReadWrite)
                        .and_then(|()| instance.write_memory(page, &contents[..length]))
                        .and_then(|()| instance.protect_memory(page, PAGE_SIZE))
                };
                if let Err(error) = result {
                    panic!("page {page:#x} cannot be provided: {error}");
                }
            }

            fn memory_hash(module: &Module, instance: &mut RawInstance, heap_size: u32) -> u64 {
                let map = module.memory_map();
                let areas = [
                    (map.rw_data_address(), map.rw_data_size()),
                    (map.stack_address_low(), map.stack_size()),
                    (map.heap_base(), heap_size),
                ];
                // Page by page: of a paged instance only some can be read.
                let pages = areas.into_iter().flat_map(|(address, size)| {
                    (0..size).step_by(PAGE_STEP).map(move |offset| (address + offset, (size - offset).min(PAGE_SIZE)))
                });
                pages.fold(0, |result, (address, size)| {
                    let bytes = instance.read_memory(address, size).unwrap_or_default();
                    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                    let (words, rest) = bytes.as_chunks::<8>();
                    let result = hash(result, words.iter().map(|word| u64::from_le_bytes(*word)));
                    hash(result, rest.iter().copied().map(u64::from).chain([length]))
                })
            }

            fn hash(start: u64, words: impl IntoIterator<Item = u64>) -> u64 {
                words.into_iter().fold(start, |hash, word| (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23))
            }
        }
    };
}

engine! {
    /// This repository's interpreter.
    ours, pvm
}
engine! {
    /// The interpreter of `polkavm` 0.37.
    theirs, polkavm
}
