//! Networks of containers: which mode, which ports are published, the helper process that connects a network namespace
//! to the host, and the files in a container that speak of names and addresses.
//!
//! A `run` uses it in this order:
//!
//! ```text
//! engine           Request::parse        what was asked for
//!                  ports::parse, assign  -p and -P as mappings with every host port chosen
//!                  files::write          hosts, resolv.conf, hostname, .containerenv
//!                  ports::check_free     a port in use is an error before anything is started
//! monitor          Helper::spawn         at once after the container's init was cloned with its network namespace
//!   init           runtime::netns        inside of it: loopback up
//! monitor          Helper::wait_ready    the uplink stands and the ports are published
//!                  Helper::stop          at the end
//! ```
//!
//! Bridge networks are connected by the anchor instead of a helper; [`config`] says which there are.

pub mod anchor;
mod child;
pub mod config;
pub mod dns;
pub mod egress;
pub mod files;
pub mod firewall;
pub mod forward;
mod helper;
#[cfg(test)]
mod live;
pub mod lookup;
mod mode;
pub mod netlink;
pub mod nft;
mod pasta;
pub mod ports;
mod relay;
mod request;
mod slirp;

pub use helper::{Helper, Plan};
pub use mode::{Cidr, Mode, PastaOptions, SlirpOptions, parse_bool};
pub use request::{Asked, DEFAULT, Request, mac};
