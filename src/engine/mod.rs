//! engine

pub mod logs;
pub mod top;
