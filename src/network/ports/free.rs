//! Asking the kernel whether a port of the host can be had.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, ipproto, socket_with, sockopt};

use super::{PortMapping, Protocol, Published};
use crate::error::{Error, Kind, Result};

/// Fails when one of the mappings cannot be bound now, with the port and the way out.
///
/// It says "no" early and well; that a port is still free when the helper binds it is never certain.
pub fn check_free(mappings: &[PortMapping]) -> Result<()> {
    let first_unprivileged = first_unprivileged_port();
    for mapping in mappings {
        let protocol = protocol_of(mapping)?;
        let last = mapping.host_port.saturating_add(mapping.range.saturating_sub(1));
        for port in mapping.host_port..=last {
            check_one(&mapping.host_ip, port, protocol, first_unprivileged)?;
        }
    }
    Ok(())
}

/// Fails with the reason why a helper could not publish this port, if one is to be found.
pub(in crate::network) fn explain_failure(port: &Published<'_>) -> Result<()> {
    let protocol = if port.protocol == "udp" { Protocol::Udp } else { Protocol::Tcp };
    check_one(port.host_ip, port.host_port, protocol, first_unprivileged_port())
}

fn check_one(host_ip: &str, port: u16, protocol: Protocol, first_unprivileged: u16) -> Result<()> {
    // Capabilities do not help: the helper runs in a user namespace, which does not own the host's network.
    if port < first_unprivileged {
        return Err(privileged(port, first_unprivileged));
    }
    try_bind(host_ip, port, protocol).map(drop).map_err(|errno| not_free(host_ip, port, protocol, errno))
}

/// The protocol of a mapping from a record.
pub(in crate::network) fn protocol_of(mapping: &PortMapping) -> Result<Protocol> {
    match mapping.protocol.as_str() {
        "tcp" | "" => Ok(Protocol::Tcp),
        "udp" => Ok(Protocol::Udp),
        other => Err(Error::new(format!("cannot publish port {}/{other}: unknown protocol", mapping.container_port))),
    }
}

/// `net.ipv4.ip_unprivileged_port_start`.
fn first_unprivileged_port() -> u16 {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(1024)
}

fn privileged(port: u16, first: u16) -> Error {
    Error::new(format!("cannot publish port {port}: ports below {first} are privileged on this host")).hint(format!(
        "publish a port from {first} on, or lower the limit: sysctl net.ipv4.ip_unprivileged_port_start={port}"
    ))
}

fn not_free(host_ip: &str, port: u16, protocol: Protocol, errno: Errno) -> Error {
    let address = show_address(host_ip, port);
    let error = Error::from(errno).wrap(format!("publishing port `{address}/{}`", protocol.as_str()));
    match errno {
        Errno::ADDRINUSE => error
            .with_kind(Kind::InUse)
            .hint("another program or container listens there: choose another port, or leave it out for a random one"),
        Errno::ADDRNOTAVAIL => error.hint(format!("no interface of this host has the address {host_ip}")),
        _ => error,
    }
}

/// Why a listening socket could not be had, of a container that is about to be started: exit code 126, as in the reference.
pub(in crate::network) fn cannot_listen(host_ip: &str, port: u16, protocol: Protocol, errno: Errno) -> Error {
    let error = match errno {
        Errno::ACCESS | Errno::PERM if port < first_unprivileged_port() => privileged(port, first_unprivileged_port()),
        _ => not_free(host_ip, port, protocol, errno),
    };
    error.with_kind(Kind::CannotInvoke)
}

/// `0.0.0.0:80`, `[::1]:80`.
pub(super) fn show_address(host_ip: &str, port: u16) -> String {
    match host_ip.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, port).to_string(),
        Err(_) => format!("0.0.0.0:{port}"),
    }
}

/// Binds for a moment. Port 0 lets the kernel choose; the port bound is returned.
pub(super) fn try_bind(host_ip: &str, port: u16, protocol: Protocol) -> Result<u16, Errno> {
    let ip: IpAddr = host_ip.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let family = if ip.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let (kind, number) = match protocol {
        Protocol::Tcp => (SocketType::STREAM, ipproto::TCP),
        Protocol::Udp => (SocketType::DGRAM, ipproto::UDP),
    };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, Some(number))?;
    if protocol == Protocol::Tcp {
        // As the helpers do: connections in TIME_WAIT do not count, listening sockets do.
        sockopt::set_socket_reuseaddr(&socket, true)?;
    }
    if ip.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    bind(&socket, &SocketAddr::new(ip, port))?;
    let bound: SocketAddr = getsockname(&socket)?.try_into()?;
    Ok(bound.port())
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, UdpSocket};

    use super::*;

    fn mapping(host_port: u16, range: u16, protocol: &str) -> PortMapping {
        PortMapping { host_ip: "127.0.0.1".into(), container_port: 80, host_port, range, protocol: protocol.into() }
    }

    #[test]
    fn a_port_in_use_is_named() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let error = check_free(&[mapping(port, 1, "tcp")]).unwrap_err();
        assert_eq!(error.to_string(), format!("publishing port `127.0.0.1:{port}/tcp`: Address already in use"));
        assert_eq!(error.kind(), Kind::InUse);
        drop(tcp);
        check_free(&[mapping(port, 1, "tcp")]).unwrap();

        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        let error = check_free(&[mapping(port, 1, "udp")]).unwrap_err().to_string();
        assert!(error.contains(&format!("127.0.0.1:{port}/udp")), "{error}");
    }

    #[test]
    fn every_port_of_a_range_is_tried() {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let error = check_free(&[mapping(port.saturating_sub(2), 3, "tcp")]).unwrap_err().to_string();
        assert!(error.contains("Address already in use"), "{error}");
    }

    #[test]
    fn privileged_ports_and_foreign_addresses_are_explained() {
        if first_unprivileged_port() > 1 {
            let error = check_free(&[mapping(1, 1, "tcp")]).unwrap_err();
            assert!(error.to_string().starts_with("cannot publish port 1: ports below"), "{error}");
            assert!(error.hint_text().unwrap().contains("net.ipv4.ip_unprivileged_port_start=1"));
        }
        let foreign = PortMapping { host_ip: "192.0.2.77".into(), ..mapping(40000, 1, "tcp") };
        let error = check_free(&[foreign]).unwrap_err();
        assert_eq!(error.hint_text(), Some("no interface of this host has the address 192.0.2.77"));
    }
}
