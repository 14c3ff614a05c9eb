//! What passes need to know of the whole program.

pub(crate) mod bits;
pub(crate) mod edges;
pub(crate) mod flow;
pub(crate) mod frequency;
pub(crate) mod functions;
pub(crate) mod liveness;
pub(crate) mod loops;
pub(crate) mod savings;
pub(crate) mod size;
pub(crate) mod summaries;
pub(crate) mod uses;
pub(crate) mod values;
