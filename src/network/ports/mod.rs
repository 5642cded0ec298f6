//! Published ports: what `-p`, `-P` and `--expose` say, and the mappings that come of it.
//!
//! [`parse`] is pure and yields [`Request`]s, which may leave the host's port open; [`assign`] chooses those ports,
//! merges neighbours and refuses conflicts, and yields the [`PortMapping`]s that stand in a container's record.

mod assign;
mod change;
mod free;
mod parse;
mod show;

pub use assign::{assign, publish_all};
pub use change::{Unpublish, add, parse_unpublish, remove};
pub use free::check_free;
pub(super) use free::{cannot_listen, explain_failure, protocol_of};
pub use parse::{expose, parse};
pub use show::{Published, display, display_with_exposed, expand};

pub use crate::container::record::PortMapping;

/// A transport protocol whose ports can be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    /// `tcp` or `udp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        }
    }
}

/// The port of the host that a request wants for its first port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostPort {
    /// Any that is free.
    Any,
    /// Exactly this one.
    Exact(u16),
    /// Any free one of `count` ports from `first` on.
    OneOf { first: u16, count: u16 },
}

/// What one `-p` (or one port of `-P`) asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Address on the host; empty means all.
    pub host_ip: String,
    pub host: HostPort,
    pub container_port: u16,
    /// How many consecutive ports; at least 1.
    pub range: u16,
    pub protocol: Protocol,
}
