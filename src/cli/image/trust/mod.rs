//! Commands about trust in images.

pub mod set;
pub mod show;
