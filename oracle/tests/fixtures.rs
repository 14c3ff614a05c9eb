//! Every guest, linked by either linker at every level for every target, on both interpreters.

use pvm_oracle::{
    Call, Exit, Guest, LEVELS, Outcome, Run, Setup, Target, guests, link_ours, link_theirs, ours, theirs,
};
use std::fmt::Write;

const PLAIN: Setup = Setup { is_pipeline_gas: false, is_stepping: false, is_paged: false };
const GAS: i64 = 1 << 40;
const ENDLESS: usize = usize::MAX;
const TARGETS: [Target; 3] = [Target::Latest, Target::ReviveV1, Target::JamV1];
/// For exports that take arguments: ordinary ones; a stack overflow and a division by zero; extremes.
const ARGS: [[u64; 9]; 3] = [
    [48, 7, 3, 4, 5, 6, 7, 8, 9],
    [100, 0, 0, 0, 0, 0, 0, 0, 0],
    [u64::MAX, u64::MAX, 1 << 31, 1 << 63, 0, 1, 2, 3, 4],
];

type LinkFn = fn(&[u8], Target, u8) -> Result<Vec<u8>, String>;

/// What went wrong, collected so that one run tells all.
#[derive(Default)]
struct Report {
    runs: u64,
    /// Page faults of both kinds: missing, write-protected.
    faults: [u64; 2],
    problems: String,
    problem_count: u64,
}

impl Report {
    fn problem(&mut self, place: &str, text: &str) {
        self.problem_count += 1;
        if self.problem_count <= 20 {
            let _ = writeln!(self.problems, "{place}: {text}");
        }
    }

    #[track_caller]
    fn finish(self, runs_min: u64) {
        assert!(self.problem_count == 0, "{} problems in {} runs:\n{}", self.problem_count, self.runs, self.problems);
        assert!(self.runs >= runs_min, "only {} runs", self.runs);
    }
}

fn targets(guest: &Guest) -> &'static [Target] {
    if guest.is_64_bit() { &TARGETS } else { &TARGETS[..1] }
}

/// Exports of instructions that a target does not have: JAM's and revive's sets know no sbrk and memset.
fn is_linkable(guest: &Guest, target: Target) -> bool {
    target == Target::Latest || !guest.name.starts_with("abi-c")
}

fn argument_sets(guest: &Guest) -> &'static [[u64; 9]] {
    if guest.name.starts_with("abi-c") { &ARGS } else { &ARGS[..1] }
}

/// Runs all exports of a blob on both engines, with everything that can be seen compared.
fn compare(
    report: &mut Report,
    place: &str,
    blob: &[u8],
    args: &[[u64; 9]],
    setup: Setup,
    gas: [i64; 2],
    stops_max: usize,
) {
    let (our_module, their_module) = match (ours::module(blob, setup), theirs::module(blob, setup)) {
        (Ok(ours), Ok(theirs)) => (ours, theirs),
        (ours, theirs) => {
            return report.problem(place, &format!("ours {:?}, theirs {:?}", ours.err(), theirs.err()));
        }
    };
    let (our_shape, their_shape) = (ours::shape(blob, &our_module), theirs::shape(blob, &their_module));
    if our_shape != their_shape {
        report.problem(place, &format!("shapes differ\n  ours   {our_shape:?}\n  theirs {their_shape:?}"));
    }
    let [ro_data, rw_data] = theirs::data(blob);
    for (_, export) in &their_shape.exports {
        // Their interpreter gives up at an sbrk if memory is paged.
        if setup.is_paged && export == b"heap" {
            continue;
        }
        for args in args {
            let run =
                Run { setup, export, args: *args, gas: gas[0], refill: gas[1], data: [&ro_data, &rw_data], stops_max };
            let ours = ours::run(&our_module, &run);
            let theirs = theirs::run(&their_module, &run);
            report.runs += 1;
            for stop in theirs.iter().flat_map(|outcome| &outcome.stops) {
                if let Exit::Segfault { is_write_protected, .. } = stop.exit {
                    report.faults[usize::from(is_write_protected)] += 1;
                }
            }
            if ours != theirs || ours.is_none() {
                let symbol = String::from_utf8_lossy(export);
                report.problem(place, &format!("{symbol}{args:x?}\n  ours\n{ours:#?}\n  theirs\n{theirs:#?}"));
            }
        }
    }
}

fn link_all(report: &mut Report, link: LinkFn, mut each: impl FnMut(&mut Report, &Guest, &str, Vec<u8>)) {
    for guest in guests() {
        for &target in targets(&guest) {
            for level in LEVELS {
                let place = format!("{} {target:?} level {level}", guest.name);
                match link(&guest.elf, target, level) {
                    Ok(blob) => each(report, &guest, &place, blob),
                    Err(_) if !is_linkable(&guest, target) => {}
                    Err(error) => report.problem(&place, &error),
                }
            }
        }
    }
}

#[test]
fn our_blobs_run_the_same_on_both() {
    let mut report = Report::default();
    link_all(&mut report, link_ours, |report, guest, place, blob| {
        compare(report, place, &blob, argument_sets(guest), PLAIN, [GAS, 0], ENDLESS);
    });
    report.finish(200);
}

#[test]
fn their_blobs_run_the_same_on_both() {
    let mut report = Report::default();
    link_all(&mut report, link_theirs, |report, guest, place, blob| {
        compare(report, place, &blob, argument_sets(guest), PLAIN, [GAS, 0], ENDLESS);
    });
    report.finish(200);
}

#[test]
fn pipeline_gas_is_the_same() {
    let setup = Setup { is_pipeline_gas: true, ..PLAIN };
    for link in [link_ours, link_theirs] {
        let mut report = Report::default();
        link_all(&mut report, link, |report, guest, place, blob| {
            compare(report, place, &blob, argument_sets(guest), setup, [GAS, 0], ENDLESS);
        });
        report.finish(200);
    }
}

/// Gas ends in the middle, is refilled once, and ends again or not: the stops are at the same instruction.
#[test]
fn gas_runs_out_at_the_same_place() {
    for link in [link_ours, link_theirs] {
        let mut report = Report::default();
        link_all(&mut report, link, |report, guest, place, blob| {
            for gas in [[0, 1], [1, 5], [7, 1_000], [1_234, 100_000], [54_321, GAS]] {
                compare(report, place, &blob, &argument_sets(guest)[..1], PLAIN, gas, ENDLESS);
            }
        });
        report.finish(1000);
    }
}

/// The first instructions one by one: registers, pc and gas before each.
#[test]
fn steps_are_the_same() {
    let setup = Setup { is_stepping: true, ..PLAIN };
    for link in [link_ours, link_theirs] {
        let mut report = Report::default();
        link_all(&mut report, link, |report, guest, place, blob| {
            compare(report, place, &blob, argument_sets(guest), setup, [GAS, 0], 20_000);
        });
        report.finish(200);
    }
}

/// The host provides every page when it is touched: faults are at the same instructions and addresses.
#[test]
fn page_faults_are_the_same() {
    let setup = Setup { is_paged: true, ..PLAIN };
    for link in [link_ours, link_theirs] {
        let mut report = Report::default();
        link_all(&mut report, link, |report, guest, place, blob| {
            compare(report, place, &blob, argument_sets(guest), setup, [GAS, 0], 5_000);
        });
        assert!(report.faults.iter().all(|&faults| faults > 1000), "faults of both kinds: {:?}", report.faults);
        report.finish(200);
    }
}

/// However a guest is linked, it does the same; workloads return the checksum they have natively.
#[test]
fn linkers_agree_on_what_a_guest_does() {
    let mut report = Report::default();
    for guest in guests() {
        for &target in targets(&guest) {
            if !is_linkable(&guest, target) {
                for link in [link_ours, link_theirs] {
                    if LEVELS.iter().any(|&level| link(&guest.elf, target, level).is_ok()) {
                        report.problem(&guest.name, &format!("links for {target:?}, which lacks its instructions"));
                    }
                }
                continue;
            }
            let place = |level| format!("{} {target:?} level {level}", guest.name);
            let mut first: Option<Vec<(String, [u64; 9], Outcome)>> = None;
            let linkers: [(LinkFn, &str); 2] = [(link_theirs, "theirs"), (link_ours, "ours")];
            for (link, name) in linkers {
                for level in LEVELS {
                    let Ok(blob) = link(&guest.elf, target, level) else {
                        report.problem(&place(level), &format!("{name}: does not link"));
                        continue;
                    };
                    let outcomes = outcomes(&guest, &blob);
                    report.runs += 1;
                    for (export, _, outcome) in &outcomes {
                        if export == "run"
                            && let Some(checksum) = guest.checksum()
                            && outcome.result(guest.is_64_bit()) != checksum
                        {
                            report.problem(&place(level), &format!("{name}: wrong checksum\n{outcome:?}"));
                        }
                    }
                    let Some(first) = &first else {
                        first = Some(outcomes);
                        continue;
                    };
                    if !agree(&guest, first, &outcomes) {
                        report.problem(&place(level), &format!("{name}\n{outcomes:#?}\n  first\n{first:#?}"));
                    }
                }
            }
        }
    }
    report.finish(100);
}

fn agree(guest: &Guest, left: &[(String, [u64; 9], Outcome)], right: &[(String, [u64; 9], Outcome)]) -> bool {
    left.len() == right.len()
        && left.iter().zip(right).all(|(left, right)| {
            (&left.0, left.1) == (&right.0, right.1)
                && left.2.visible(guest.is_64_bit()) == right.2.visible(guest.is_64_bit())
        })
}

/// All exports in the order of their names, on our interpreter.
fn outcomes(guest: &Guest, blob: &[u8]) -> Vec<(String, [u64; 9], Outcome)> {
    let module = ours::module(blob, PLAIN).expect("what is linked can be loaded");
    let mut exports = ours::shape(blob, &module).exports;
    exports.sort_by(|left, right| left.1.cmp(&right.1));
    let mut outcomes = Vec::new();
    for (_, export) in exports {
        for args in argument_sets(guest) {
            let run = Run {
                setup: PLAIN,
                export: &export,
                args: *args,
                gas: GAS,
                refill: 0,
                data: [&[]; 2],
                stops_max: ENDLESS,
            };
            let outcome = ours::run(&module, &run).expect("the export is there");
            outcomes.push((String::from_utf8_lossy(&export).into_owned(), *args, outcome));
        }
    }
    outcomes
}

/// The comparison itself sees a difference: one register, one unit of gas, one byte of output.
#[test]
fn comparison_is_not_blind() {
    let guest = guests().into_iter().find(|guest| guest.name == "hello").expect("there is a hello");
    let blob = link_theirs(&guest.elf, Target::Latest, 2).expect("it links");
    let module = theirs::module(&blob, PLAIN).expect("it loads");
    let run =
        |gas| Run { setup: PLAIN, export: b"main", args: [0; 9], gas, refill: 0, data: [&[]; 2], stops_max: ENDLESS };
    let outcome = theirs::run(&module, &run(GAS)).expect("main is there");
    assert_eq!(outcome.last().exit, Exit::Finished);
    assert!(outcome.stops.iter().any(|stop| stop.written.starts_with(b"Hello")));
    assert_ne!(theirs::run(&module, &run(GAS + 1)), Some(outcome.clone()));
    for change in
        [|call: &mut Call| call.regs[12] ^= 1, |call: &mut Call| call.gas -= 1, |call: &mut Call| call.written.push(0)]
    {
        let mut changed = outcome.clone();
        changed.stops.last_mut().map(change);
        assert_ne!(changed, outcome);
    }
}
