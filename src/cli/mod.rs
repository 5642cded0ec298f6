//! cli

pub mod format;
pub mod views;
