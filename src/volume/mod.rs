//! Volumes: directories that outlive containers. Their records, the options of the driver `local`, what is mounted over
//! them, filling them, copying them.
//!
//! Which containers use a volume is not known here: whoever removes one hands in who does.

pub mod archive;
pub mod attach;
pub mod fill;
pub mod options;
pub mod record;
pub mod store;

pub use options::Options;
pub use record::Record;
pub use store::{New, Store, Users, Volume};
