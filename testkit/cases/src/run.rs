//! Running: a file of cases, on every set that has its instructions, in every configuration that suits it.

use crate::check;
use crate::configuration::{Configuration, Engine};
use crate::drive::{self, Trace};
use crate::failure::{Failure, Problem};
use crate::file::{self, Entry};
use pvm_isa::{InstructionSet, Opcode};
use pvm_text::case::{Case, CaseErrorKind};
use pvm_text::{AssembleErrorKind, AssembleOptions};
use std::collections::BTreeSet;

/// What became of a file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    /// Cases that fail, each once per set and configuration.
    pub failures: Vec<Failure>,
    /// Number of cases.
    pub cases: u32,
    /// Number of runs: a case on a set in a configuration.
    pub runs: u32,
    /// The instructions that were executed, by set.
    pub executed: BTreeSet<(InstructionSet, Opcode)>,
}

/// Runs all cases of a file.
///
/// # Panics
/// If an engine does not start.
pub fn run_file(file: &str, text: &str) -> Report {
    let mut report = Report::default();
    let entries = match file::entries(text) {
        Ok(entries) => entries,
        Err((line, problem)) => {
            report.failures.push(Failure { file: file.to_owned(), line, case: String::new(), problem });
            return report;
        }
    };
    let start = |kind: Engine| (kind, kind.start().expect("an engine that is listed starts"));
    let engines: Vec<_> = Engine::all().map(start).collect();
    for entry in &entries {
        report.cases += 1;
        let mut failures = Vec::new();
        EntryRun { entry, engines: &engines, report: &mut report, failures: &mut failures }.run();
        let locate = |(line, problem): (Option<u32>, Problem)| Failure {
            file: file.to_owned(),
            line: line.unwrap_or(entry.line),
            case: entry.title.clone(),
            problem,
        };
        report.failures.extend(failures.into_iter().map(locate));
    }
    report
}

struct EntryRun<'a> {
    entry: &'a Entry,
    engines: &'a [(Engine, pvm::Engine)],
    report: &'a mut Report,
    /// With the line, if it is not the case's.
    failures: &'a mut Vec<(Option<u32>, Problem)>,
}

impl EntryRun<'_> {
    fn run(&mut self) {
        // Which exclusions have been seen to be true.
        let mut confirmed = BTreeSet::new();
        let mut sets = 0;
        for set in self.sets() {
            let options = AssembleOptions { default_set: Some(set), latest64_layout: set.encoding() };
            match Case::parse_with(&self.entry.text, &options) {
                // A text that names its set is of no other, whatever it is offered.
                Ok(case) if case.program.set() != set => {}
                Ok(case) => {
                    sets += 1;
                    self.run_on(set, &case, &mut confirmed);
                }
                Err(error) => match error.kind {
                    CaseErrorKind::Program(program) if is_unavailable(&program.kind) => {}
                    _ => {
                        self.failures.push((Some(error.line), Problem::Syntax(error)));
                        return;
                    }
                },
            }
        }
        if sets == 0 {
            self.failures.push((None, Problem::NoSet));
        }
        for exclusion in &self.entry.exclusions {
            if !confirmed.contains(&exclusion.line) {
                self.failures.push((Some(exclusion.line), Problem::HoldsAnyway));
            }
        }
    }

    /// The sets to offer: those with 64-bit registers, unless the text names another.
    fn sets(&self) -> impl Iterator<Item = InstructionSet> + use<> {
        let names_set = self.entry.text.lines().any(|line| line.trim_start().starts_with("%isa"));
        InstructionSet::ALL.into_iter().filter(move |set| names_set || set.is_64_bit())
    }

    fn run_on(&mut self, set: InstructionSet, case: &Case, confirmed: &mut BTreeSet<u32>) {
        let mut traces: Vec<(Configuration, Trace)> = Vec::new();
        for configuration in Configuration::all() {
            let Configuration { engine, paging, gas, .. } = configuration;
            if !drive::suits(case, paging) || !check::suits(case, gas) {
                continue;
            }
            self.report.runs += 1;
            let machine = self.engines.iter().find(|(kind, _)| *kind == engine).map(|(_, machine)| machine);
            let trace = drive::drive(machine.expect("every engine was started"), case, configuration);
            let problem = self.problem(set, case, configuration, &trace);
            let excluded = self.entry.exclusions.iter().filter(|exclusion| exclusion.covers(set, paging));
            let excluded: Vec<u32> = excluded.map(|exclusion| exclusion.line).collect();
            if !excluded.is_empty() {
                if problem.is_some() {
                    confirmed.extend(excluded);
                }
                continue;
            }
            self.failures.extend(problem);
            if let Ok(trace) = trace {
                self.report.executed.extend(trace.executed.iter().map(|opcode| (set, *opcode)));
                self.compare(set, configuration, &trace, &traces);
                traces.push((configuration, trace));
            }
        }
        if !traces.is_empty() && traces.iter().all(|(_, trace)| !trace.is_complete) {
            self.failures.push((None, Problem::EndsEarly { set }));
        }
    }

    fn problem(
        &self,
        set: InstructionSet,
        case: &Case,
        configuration: Configuration,
        trace: &Result<Trace, drive::Refusal>,
    ) -> Option<(Option<u32>, Problem)> {
        let trace = match trace {
            Ok(trace) => trace,
            Err((action, error)) => {
                let error = error.clone();
                return Some((None, Problem::Host { action, error, set, configuration }));
            }
        };
        if !trace.is_complete {
            return None; // compared with complete ones below
        }
        let (what, expected, got) = check::against_case(case, configuration, trace).err()?;
        let line = file::line_of(&self.entry.text, &what);
        Some((line, Problem::Differs { what, expected, got, set, configuration }))
    }

    /// Compares with the plainest configuration before that differs least.
    fn compare(
        &mut self,
        set: InstructionSet,
        configuration: Configuration,
        trace: &Trace,
        others: &[(Configuration, Trace)],
    ) {
        let likeness = |other: &Configuration| {
            (
                other.paging == configuration.paging && other.gas == configuration.gas,
                other.paging == configuration.paging,
            )
        };
        let Some((other, other_trace)) = others.iter().rev().max_by_key(|(other, _)| likeness(other)) else { return };
        if let Err((what, one, two)) = check::against_other((*other, other_trace), (configuration, trace)) {
            let problem = Problem::Disagree { what, one: (*other, one), other: (configuration, two), set };
            self.failures.push((None, problem));
        }
    }
}

fn is_unavailable(kind: &AssembleErrorKind) -> bool {
    matches!(kind, AssembleErrorKind::Unavailable { .. })
}
