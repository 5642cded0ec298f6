//! The monitor: one small process per container, forked by the command line, that owns the container until it ends.

pub mod log;
pub mod protocol;
