//! cli

pub mod args;
pub mod create_options;
