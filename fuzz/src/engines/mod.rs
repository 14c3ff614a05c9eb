//! Engines: whatever a program does, compiled and interpreted guests do the same, to the last byte and unit of gas.
//!
//! ```text
//! bytes -> Setup            set, memory, gas rule, processor
//!     '--> Batch            64 programs in one module: blocks of any instructions and of idioms that may be fused
//!            '--> Drive     interpreted and compiled guest in lockstep, one host for both; exits, then memory compared
//! ```
//!
//! `fuzz canary` makes the compiled side wrong on purpose ([`bug`]) and sees that it is noticed.

mod batch;
mod bug;
mod coverage;
mod drive;
mod idioms;
mod script;
mod setup;

pub(crate) use batch::{generate, parts};
pub(crate) use bug::{BUGS, Bug};
pub(crate) use coverage::report;

use crate::probe::Probe;
use crate::targets::Input;
use batch::Batch;
use coverage::Coverage;
use drive::{Drive, Subject};
use pvm::{BackendKind, Config, CpuFeatures, Engine, Module, ModuleConfig, ProgramBlob};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::LazyLock;

/// The interpreter, the compiler, and the compiler for any machine.
static ENGINES: LazyLock<[Engine; 3]> = LazyLock::new(|| {
    let kinds = [
        (BackendKind::Interpreter, CpuFeatures::Host),
        (BackendKind::Compiler, CpuFeatures::Host),
        (BackendKind::Compiler, CpuFeatures::Baseline),
    ];
    kinds.map(|(backend, features)| {
        let mut config = Config::new();
        config.set_backend(Some(backend)).set_allow_dynamic_paging(true).set_cache_enabled(false);
        config.set_cpu_features(features);
        Engine::new(&config).expect("an engine without conditions")
    })
});

pub(crate) fn check(input: &Input, _: &mut Probe) -> bool {
    if !BackendKind::Compiler.is_supported() {
        return false;
    }
    let mut coverage = Coverage::new();
    let compared = compare(&input.bytes, None, &mut coverage);
    coverage.add_to_all();
    match compared {
        Ok(accepted) => accepted,
        Err(difference) => panic!("engines differ\n{difference}"),
    }
}

/// Programs of a generated input.
pub(crate) const PROGRAMS_PER_INPUT: u64 = pvm_num::casts::to_u64(batch::PROGRAMS);

/// Compares the engines on an input as if the compiler had this bug.
///
/// # Errors
/// How they differ.
pub(crate) fn compare_with(input: &Input, bug: &Bug) -> Result<(), String> {
    compare(&input.bytes, Some((bug, true)), &mut Coverage::new()).map(|_| ())
}

/// The same, with all that the bug wants of the setup, without the bug.
///
/// # Errors
/// How they differ.
pub(crate) fn compare_without(input: &Input, bug: &Bug) -> Result<(), String> {
    compare(&input.bytes, Some((bug, false)), &mut Coverage::new()).map(|_| ())
}

/// Runs all programs of an input; are there any? With a setup for a bug, which is planted or not.
fn compare(bytes: &[u8], bug: Option<(&Bug, bool)>, coverage: &mut Coverage) -> Result<bool, String> {
    let mut batch = Batch::new(bytes);
    if let Some((bug, _)) = bug {
        bug.set_up(&mut batch.setup);
    }
    let is_canary = bug.is_some();
    let bug = bug.and_then(|(bug, is_planted)| is_planted.then_some(bug));
    let Some(layout) = batch.layout() else { return Ok(false) };
    let Some(program) = batch.container(&layout) else { return Ok(false) };
    if batch.parts.is_empty() {
        return Ok(false);
    }
    let config = batch.setup.config();
    let blob = ProgramBlob::from_program(program);
    let compiler = if batch.setup.is_baseline { 2 } else { 1 };
    let module = |engine: usize, config: &ModuleConfig, blob: &ProgramBlob| {
        Module::from_blob(&ENGINES[engine], config, blob.clone()).ok()
    };
    let (altered, altered_config) = match bug {
        Some(bug) => (bug.alter(&batch, &layout).unwrap_or_else(|| blob.clone()), bug.config(&batch.setup)),
        None => (blob.clone(), config.clone()),
    };
    let modules = [module(0, &config, &blob), module(compiler, &altered_config, &altered)];
    let [Some(interpreted), Some(compiled)] = modules else {
        assert_eq!(modules[0].is_some(), modules[1].is_some(), "both engines accept the same modules");
        return Ok(false);
    };
    assert_eq!(compiled.interpreted_because(), None, "every program can be compiled");
    let mut subjects = vec![("interpreter:", interpreted, None), ("compiler:", compiled, bug)];
    if !is_canary && bytes.last().is_some_and(|byte| byte % coverage::SAMPLE == 0) {
        let mut stepped = config;
        stepped.set_step_tracing(true);
        subjects.extend(module(0, &stepped, &blob).map(|module| ("stepped:", module, None)));
    }
    let mut subjects: Vec<Subject<'_>> = subjects
        .into_iter()
        .map(|(name, module, bug)| {
            let guest = module.instantiate().expect("memory for a small guest");
            Subject { name, guest, bug }
        })
        .collect();
    coverage.batch(&batch);
    let mut pages = BTreeSet::new();
    let mut drive = Drive::new(&batch.setup, &mut subjects, coverage, &mut pages);
    for part in &batch.parts {
        let items = pvm_num::casts::to_usize(part.items.start)..pvm_num::casts::to_usize(part.items.end);
        let starts = &layout.offsets[items.clone()];
        drive.run(part, starts).map_err(|text| text + &listing(&batch, &blob, starts[0]..layout.offsets[items.end]))?;
    }
    drive.compare_memory().map_err(|text| text + &listing(&batch, &blob, 0..u32::MAX))?;
    Ok(true)
}

/// Part of the code, an instruction a line.
fn listing(batch: &Batch<'_>, blob: &ProgramBlob, part: std::ops::Range<u32>) -> String {
    let code = blob.program().code();
    let setup = &batch.setup;
    let rule = setup.rule.as_ref().map_or("no gas".into(), pvm::GasRule::to_string);
    let kind = if setup.paged { "dynamic paging" } else { "static map" };
    let baseline = if setup.is_baseline { ", baseline" } else { "" };
    let table: Vec<u32> = blob.jump_table().into_iter().map(|pc| pc.0).collect();
    let mut text = format!("{}, {kind}, {rule}{baseline}, jump table {table:?}\n", code.set());
    for located in code.iter().skip_while(|located| located.offset < part.start).take(200) {
        if located.offset >= part.end {
            break;
        }
        let _ = writeln!(text, "{:5}: {:?}", located.offset, located.instruction);
    }
    text
}
