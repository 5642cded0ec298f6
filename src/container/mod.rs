//! A container as an object: its record, its state, its name, and the OCI runtime spec made from options and image.

pub mod record;
pub mod signal;
pub mod state;
pub mod store;

pub use record::Record;
pub use state::{State, Status};
