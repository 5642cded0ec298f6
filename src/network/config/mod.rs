//! What networks there are: netavark's files, one for each network, shared with the reference.
//!
//! [`Store`] reads and writes them, [`Network`] is what stands in one, [`check`] says whether it makes sense.

pub mod check;
mod conf;
pub mod create;
mod defaults;
mod definition;
mod net;
mod routes;
mod store;

pub use conf::{Conf, Places, Pool, RootlessCmd};
pub use defaults::{Defaults, is_pasta};
pub use definition::{DEFAULT_ID, DEFAULT_NAME, DEFAULT_SUBNET, Isolate, LeaseRange, Network, Route, Subnet};
pub use net::Net;
pub use routes::HostRoutes;
pub use store::{All, Location, Lock, Store, parse};
