//! Sockets on the gateways' port, made by the thread that is in the inner network namespace.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

use crate::error::Result;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

/// Both ways in at one address. Non-blocking.
#[derive(Debug)]
pub(super) struct Sockets {
    pub udp: UdpSocket,
    pub tcp: TcpListener,
}

/// Listens. The address need not be there yet.
pub(super) fn open(address: IpAddr, port: u16) -> Result<Sockets> {
    let to = SocketAddr::new(address, port);
    let make = |kind| -> Result<_> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let socket = socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
        if address.is_ipv4() {
            sockopt::set_ip_freebind(&socket, true)?;
        } else {
            sockopt::set_ipv6_v6only(&socket, true)?;
            sockopt::set_ipv6_freebind(&socket, true)?;
        }
        if kind == SocketType::STREAM {
            // Connections of an anchor that was killed may still be in TIME_WAIT.
            sockopt::set_socket_reuseaddr(&socket, true)?;
        }
        bind(&socket, &to)?;
        Ok(socket)
    };
    let tcp = make(SocketType::STREAM)?;
    listen(&tcp, BACKLOG)?;
    Ok(Sockets { udp: make(SocketType::DGRAM)?.into(), tcp: tcp.into() })
}
