//! rtnetlink: interfaces, addresses, routes and rules of the network namespace of the thread that opens the socket.
//!
//! The rooms below build messages; [`super::Socket::request`] sends as many of them at once as belong together.

pub mod address;
pub mod link;
pub mod routes;
pub mod rule;
pub mod watch;

use std::net::IpAddr;

/// AF_INET or AF_INET6.
fn family(address: IpAddr) -> u8 {
    (if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }) as u8
}

#[cfg(test)]
mod tests;
