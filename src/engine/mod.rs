//! engine

pub mod logs;
