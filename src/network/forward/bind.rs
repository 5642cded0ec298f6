//! Listening sockets of published ports, in the namespace of the thread that calls.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, listen, socket_with, sockopt};

use crate::container::record::PortMapping;
use crate::error::{Context as _, Result};
use crate::network::ports::{self, Protocol};
use crate::sys;

/// A published port: where callers come in, and which port of the container they mean.
#[derive(Debug, Clone)]
pub struct Listener {
    /// All threads have the same descriptor: a container may publish thousands of ports.
    pub socket: Arc<OwnedFd>,
    pub protocol: Protocol,
    pub container_port: u16,
}

/// How many callers may wait to be accepted (the kernel allows net.core.somaxconn at most).
const BACKLOG: i32 = 4096;
/// A caller that is gone without a word is found after this, and some more tries.
const KEEPALIVE: Duration = Duration::from_secs(120);
/// So many sockets do not need a higher limit of descriptors.
const FEW: usize = 256;

/// Sockets for all of these ports, in their order. A mapping without an address gets one for IPv4 and IPv6 at once.
///
/// # Errors
/// The first port that cannot be had, with exit code 126 as in the reference.
pub fn bind(mappings: &[PortMapping]) -> Result<Vec<Listener>> {
    let mut listeners = Vec::new();
    change(&mut listeners, mappings)?;
    Ok(listeners)
}

/// Makes `listeners` those of `mappings`: what stands is kept, what is missing is made, the rest is closed.
///
/// # Errors
/// As [`bind`]; then `listeners` is as before.
pub fn change(listeners: &mut Vec<Listener>, mappings: &[PortMapping]) -> Result<()> {
    let ports: usize = mappings.iter().map(|mapping| usize::from(mapping.range.max(1))).sum();
    if ports > FEW {
        sys::net::raise_descriptor_limit();
    }
    let mut known: std::collections::HashMap<Place, usize> =
        listeners.iter().enumerate().filter_map(|(n, l)| Some((Place::of(l)?, n))).collect();
    let mut made: Vec<Result<usize, Listener>> = Vec::with_capacity(ports);
    for mapping in mappings {
        let protocol = ports::protocol_of(mapping)?;
        let host = Host::parse(&mapping.host_ip)?;
        for n in 0..mapping.range.max(1) {
            let (port, container_port) =
                (mapping.host_port.saturating_add(n), mapping.container_port.saturating_add(n));
            let place = |address| Place { address, host_port: port, protocol, container_port };
            let kept = host.places().iter().find_map(|address| known.remove(&place(*address)));
            made.push(match kept {
                Some(index) => Ok(index),
                None => {
                    let socket = open(host, port, protocol)
                        .map_err(|errno| ports::cannot_listen(&mapping.host_ip, port, protocol, errno))?;
                    Err(Listener { socket: socket.into(), protocol, container_port })
                }
            });
        }
    }
    let mut before: Vec<Option<Listener>> = std::mem::take(listeners).into_iter().map(Some).collect();
    let take = |before: &mut Vec<Option<Listener>>, index: usize| before.get_mut(index).and_then(Option::take);
    *listeners = made
        .into_iter()
        .filter_map(|made| match made {
            Ok(index) => take(&mut before, index),
            Err(new) => Some(new),
        })
        .collect();
    Ok(())
}

/// Where the host listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Host {
    /// IPv4 and IPv6 where the host has it.
    All,
    One(IpAddr),
}

impl Host {
    fn parse(text: &str) -> Result<Host> {
        if text.is_empty() {
            return Ok(Host::All);
        }
        let ip = text.parse().map_err(|_| crate::error::Error::new("it is no IP address"));
        ip.map(Host::One).with_context(|| format!("publishing on host address `{text}`"))
    }

    /// What a socket for it may be bound to.
    fn places(self) -> Vec<Host> {
        match self {
            Host::All => vec![Host::All, Host::One(Ipv4Addr::UNSPECIFIED.into())],
            one @ Host::One(_) => vec![one],
        }
    }
}

/// What a listener is known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Place {
    address: Host,
    host_port: u16,
    protocol: Protocol,
    container_port: u16,
}

impl Place {
    fn of(listener: &Listener) -> Option<Place> {
        let bound: SocketAddr = rustix::net::getsockname(&listener.socket).ok()?.try_into().ok()?;
        let both = bound.is_ipv6() && !sockopt::ipv6_v6only(&listener.socket).ok()?;
        let address = if both { Host::All } else { Host::One(bound.ip()) };
        let (protocol, container_port) = (listener.protocol, listener.container_port);
        Some(Place { address, host_port: bound.port(), protocol, container_port })
    }
}

fn open(host: Host, port: u16, protocol: Protocol) -> Result<OwnedFd, Errno> {
    match host {
        Host::One(ip) => open_one(SocketAddr::new(ip, port), ip.is_ipv6(), protocol),
        Host::All => match open_one(SocketAddr::new(Ipv6Addr::UNSPECIFIED.into(), port), false, protocol) {
            // No IPv6 on this host.
            Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => {
                open_one(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), false, protocol)
            }
            opened => opened,
        },
    }
}

fn open_one(address: SocketAddr, only_v6: bool, protocol: Protocol) -> Result<OwnedFd, Errno> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let (kind, number) = match protocol {
        Protocol::Tcp => (SocketType::STREAM, ipproto::TCP),
        Protocol::Udp => (SocketType::DGRAM, ipproto::UDP),
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, Some(number))?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, only_v6)?;
    }
    match protocol {
        Protocol::Tcp => {
            // What is set here holds for all connections that are accepted.
            sockopt::set_tcp_nodelay(&socket, true)?;
            sockopt::set_socket_keepalive(&socket, true)?;
            sockopt::set_tcp_keepidle(&socket, KEEPALIVE)?;
            sockopt::set_socket_oobinline(&socket, true)?;
            // Connections in TIME_WAIT do not hinder a restart; other listeners do.
            sockopt::set_socket_reuseaddr(&socket, true)?;
            rustix::net::bind(&socket, &address)?;
            listen(&socket, BACKLOG)?;
        }
        Protocol::Udp => {
            sys::packet::ask_for_local_address(&socket, address.is_ipv6())
                .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
            rustix::net::bind(&socket, &address)?;
        }
    }
    Ok(socket)
}
