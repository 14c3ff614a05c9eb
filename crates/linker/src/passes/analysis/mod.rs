//! What passes need to know of the whole program.

pub(crate) mod edges;
pub(crate) mod liveness;
