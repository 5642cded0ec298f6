//! What the user means.

pub mod attach;
