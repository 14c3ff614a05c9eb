//! What passes know beside the program: what they aim for, what has changed since they ran last, and analyses of the
//! program, each made when a pass first asks for it and kept until something changes.

use super::PassInfo;
use super::analysis::edges::{self, Entry, Predecessors};
use super::analysis::flow::Flow;
use super::analysis::frequency::Frequency;
use super::analysis::functions::Functions;
use super::analysis::liveness::Liveness;
use super::analysis::loops::loops;
use super::analysis::summaries::Summaries;
use super::analysis::values::Visits;
use super::{constants, copies, dce};
use crate::config::{Config, Optimize, Trust};
use crate::ir::{BlockId, Program};
use pvm_isa::InstructionSet;
use std::cell::{Cell, RefCell, RefMut};
use std::rc::Rc;

/// Passes that never make a register live where it was not.
const KEEP_LIVENESS: [&str; 3] = ["nops", "constants", "dce"];

/// What passes know beside the program.
pub(crate) struct Options {
    /// The instruction set that the program is for.
    pub(crate) set: InstructionSet,
    pub(crate) optimize: Optimize,
    pub(crate) trust: Trust,
    /// When the pass that runs ran last; 0 if it never did.
    last_run: Cell<u32>,
    /// How many applications of passes have changed something.
    changes: Cell<u32>,
    /// Live registers, and whether nothing has changed since.
    liveness: RefCell<Option<(Rc<Liveness>, bool)>>,
    summaries: RefCell<Summaries>,
    entries: Cached<Vec<Entry>>,
    order: Cached<Vec<BlockId>>,
    predecessors: Cached<Predecessors>,
    functions: Cached<Functions>,
    flow: Cached<Flow>,
    frequency: Cached<Frequency>,
    loops: Cached<Vec<Option<BlockId>>>,
    /// What [`super::analysis::values`] remembers.
    pub(super) visits: RefCell<Visits>,
    /// What passes saw when they ran last.
    pub(super) constants: RefCell<constants::Memory>,
    pub(super) copies: RefCell<copies::Memory>,
    pub(super) dce: RefCell<dce::Memory>,
}

/// Tells one state of the program from another: the edits of blocks, and the changes that passes report. A pass that
/// changes the layout or the exports and then asks for an analysis says so, see [`Options::outdated`].
type Version = (u64, u32);

/// An analysis, and what it is of.
struct Cached<T> {
    known: RefCell<Option<(Version, Rc<T>)>>,
}

impl<T> Cached<T> {
    const fn new() -> Self {
        Cached { known: RefCell::new(None) }
    }

    fn get(&self, version: Version, make: impl FnOnce() -> T) -> Rc<T> {
        if let Some((known, result)) = &*self.known.borrow()
            && *known == version
        {
            return Rc::clone(result);
        }
        let result = Rc::new(make());
        *self.known.borrow_mut() = Some((version, Rc::clone(&result)));
        result
    }
}

impl Options {
    pub(super) fn new(config: &Config, set: InstructionSet) -> Options {
        Options {
            set,
            optimize: config.optimize,
            trust: config.trust,
            last_run: Cell::new(0),
            changes: Cell::new(0),
            liveness: RefCell::new(None),
            summaries: RefCell::default(),
            entries: Cached::new(),
            order: Cached::new(),
            predecessors: Cached::new(),
            functions: Cached::new(),
            flow: Cached::new(),
            frequency: Cached::new(),
            loops: Cached::new(),
            visits: RefCell::default(),
            constants: RefCell::default(),
            copies: RefCell::default(),
            dce: RefCell::default(),
        }
    }

    fn version(&self, program: &Program<'_>) -> Version {
        (program.blocks.edits(), self.changes.get())
    }

    /// The layout or the exports have changed while a pass runs: analyses are made anew.
    pub(crate) fn outdated(&self) {
        self.changes.set(self.changes.get() + 1);
    }

    /// A pass starts that ran last at some time.
    pub(super) fn start(&self, last_run: u32) {
        self.last_run.set(last_run);
    }

    /// A pass has changed the program.
    pub(super) fn changed(&self, pass: &PassInfo) {
        self.outdated();
        let mut known = self.liveness.borrow_mut();
        if KEEP_LIVENESS.contains(&pass.name) {
            if let Some((_, exact)) = known.as_mut() {
                *exact = false;
            }
        } else {
            *known = None;
        }
    }

    /// Is a block as the pass that runs saw it when it ran last, and found nothing to change?
    pub(crate) fn is_settled(&self, program: &Program<'_>, id: BlockId) -> bool {
        program.blocks.changed_at(id) < self.last_run.get()
    }

    /// Live registers, or a few more.
    pub(crate) fn liveness(&self, program: &Program<'_>) -> Rc<Liveness> {
        let mut known = self.liveness.borrow_mut();
        let (liveness, _) = known.get_or_insert_with(|| (Rc::new(Liveness::new(program, self)), true));
        Rc::clone(liveness)
    }

    /// Live registers of the program as it is.
    pub(crate) fn exact_liveness(&self, program: &Program<'_>) -> Rc<Liveness> {
        self.liveness.borrow_mut().take_if(|(_, exact)| !*exact);
        self.liveness(program)
    }

    /// What blocks of the layout do, each by itself.
    pub(crate) fn summaries(&self, program: &Program<'_>) -> RefMut<'_, Summaries> {
        let mut summaries = self.summaries.borrow_mut();
        summaries.refresh(program, self.trust);
        summaries
    }

    /// How blocks can be reached, by block.
    pub(crate) fn entries(&self, program: &Program<'_>) -> Rc<Vec<Entry>> {
        self.entries.get(self.version(program), || edges::entries(program, &self.summaries(program)))
    }

    /// The blocks in postorder, see [`edges::postorder`].
    pub(crate) fn postorder(&self, program: &Program<'_>) -> Rc<Vec<BlockId>> {
        self.order.get(self.version(program), || edges::postorder(program, &self.entries(program)))
    }

    /// Who leads where.
    pub(crate) fn predecessors(&self, program: &Program<'_>) -> Rc<Predecessors> {
        self.predecessors.get(self.version(program), || Predecessors::new(program))
    }

    /// Functions and their stack frames.
    pub(crate) fn functions(&self, program: &Program<'_>) -> Rc<Functions> {
        let make = || Functions::new(program, &self.entries(program), &self.summaries(program));
        self.functions.get(self.version(program), make)
    }

    /// How functions end.
    pub(crate) fn flow(&self, program: &Program<'_>) -> Rc<Flow> {
        self.flow.get(self.version(program), || Flow::new(program))
    }

    /// By block, what stands for the loop that it is in.
    pub(crate) fn loops(&self, program: &Program<'_>) -> Rc<Vec<Option<BlockId>>> {
        self.loops.get(self.version(program), || loops(program, &self.entries(program)))
    }

    /// How often blocks run, as a guess.
    pub(crate) fn frequency(&self, program: &Program<'_>) -> Rc<Frequency> {
        let make = || Frequency::new(program, &self.flow(program), &self.entries(program));
        self.frequency.get(self.version(program), make)
    }
}
