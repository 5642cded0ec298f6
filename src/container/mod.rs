//! A container as an object: its record, its state, its name, and the OCI runtime spec made from options and image.

pub mod capabilities;
pub mod cdi;
pub mod defaults;
pub mod devices;
pub mod environment;
pub mod idmap;
pub mod limits;
pub mod logging;
pub mod mounts;
pub mod namespaces;
pub mod network;
pub mod options;
pub mod personality;
pub mod ports;
pub mod process;
pub mod record;
pub mod restart;
pub mod resting;
pub mod secrets;
pub mod security;
pub mod signal;
pub mod size;
pub mod snapshot;
pub mod spec;
pub mod state;
pub mod store;
pub mod sysctl;
pub mod timezone;
pub mod usage;
pub mod userns;
pub mod volumes;

pub use options::CreateOptions;
pub use record::Record;
pub use state::{State, Status};
