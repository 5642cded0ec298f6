//! A relay for published UDP ports where a helper does not bring the answers back.
//!
//! slirp4netns shows a client on 127.0.0.1 to the container as the gateway (10.0.2.2). With `--disable-host-loopback` it
//! then drops what the container answers to the gateway, so that TCP works (it knows the connection) and UDP does not;
//! and without that flag answers fail as soon as another client is elsewhere. So packets to 127.0.0.1 go another way:
//!
//! ```text
//! client on the host -> 127.0.0.1:P   (this process; more specific than slirp4netns's 0.0.0.0:P, and so preferred)
//!                       a socket in the container's namespace, one per client -> container's address : port
//! ```
//!
//! All other clients are served by slirp4netns and keep their addresses (but see [`divide`]). A pasta older than August
//! 2024 loses answers from a port that has another number on the host; there the relay has all UDP ports.
//!
//! One process per container with such ports, forked from the monitor; it dies with it.

use std::collections::HashSet;
use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use caps::CapSet;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, socket_with, sockopt};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::SlirpOptions;
use super::child::{Child, Report};
use super::ports::{self, PortMapping, Protocol, Published};
use crate::error::{Context as _, Error, Result};
use crate::sys;

/// How long a client that is silent keeps its socket: what RFC 4787 (REQ-5) asks of address translators at least.
const IDLE: Duration = Duration::from_secs(120);
/// The most clients at a time; the one that was silent longest gives way.
const MAX_FLOWS: usize = 512;
/// How many packets of one socket are moved before the others have their turn.
const BATCH: usize = 64;

/// Which ports slirp4netns publishes, and which the relay.
#[derive(Debug, Default)]
pub(super) struct Division<'a> {
    pub slirp: Vec<Published<'a>>,
    pub relay: Vec<Route>,
}

/// One port of the host that the relay serves, and where it leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Route {
    from: SocketAddr,
    to: SocketAddr,
    /// slirp4netns does not have the same port on all addresses.
    alone: bool,
}

/// Divides the ports published with slirp4netns. The relay gets UDP on the host's loopback, and every further host port of
/// one UDP port of the container: slirp4netns sends all answers through the first.
pub(super) fn divide<'a>(options: &SlirpOptions, mappings: &'a [PortMapping]) -> Division<'a> {
    let mut division = Division::default();
    let mut answered = HashSet::new();
    for port in ports::expand(mappings) {
        if port.protocol != Protocol::Udp.as_str() {
            division.slirp.push(port);
            continue;
        }
        let ip = address(&port);
        let to = SocketAddr::new(options.cidr.container().into(), port.container_port);
        let route = |ip, alone| Route { from: SocketAddr::new(ip, port.host_port), to, alone };
        if answered.contains(&port.container_port) || ip.is_loopback() {
            division.relay.push(route(ip, true));
            continue;
        }
        if ip.is_unspecified() {
            division.relay.push(route(Ipv4Addr::LOCALHOST.into(), false));
        }
        answered.insert(port.container_port);
        division.slirp.push(port);
    }
    division
}

/// All UDP ports, for a pasta that cannot do them.
pub(super) fn all_udp(mappings: &[PortMapping]) -> Vec<Route> {
    let udp = ports::expand(mappings).filter(|port| port.protocol == Protocol::Udp.as_str());
    let route = |port: Published<'_>| {
        let ip = address(&port);
        // The container's own address is pasta's affair; what listens on all addresses listens on this one too.
        let inside: IpAddr = if ip.is_ipv4() { Ipv4Addr::LOCALHOST.into() } else { Ipv6Addr::LOCALHOST.into() };
        let from = SocketAddr::new(ip, port.host_port);
        Route { from, to: SocketAddr::new(inside, port.container_port), alone: true }
    };
    udp.map(route).collect()
}

fn address(port: &Published<'_>) -> IpAddr {
    port.host_ip.parse().unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

/// Starts the relay if there is anything for it. The ports are bound when it returns.
pub(super) fn start(routes: &[Route], target: i32, deadline: Instant) -> Result<Option<Child>> {
    if routes.is_empty() {
        return Ok(None);
    }
    let path = format!("/proc/{target}/ns/net");
    let namespace = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
        .with_context(|| format!("opening `{path}`"))?;
    let (ready, ready_end) = pipe_with(PipeFlags::CLOEXEC).context("making a pipe for the relay")?;
    let keep = [namespace.as_fd(), ready_end.as_fd()];
    let pid = sys::net::fork_helper(c"coracle-udp", &keep, || {
        let byte = match Relay::open(routes, namespace.as_fd()) {
            Ok(relay) => {
                let _ = rustix::io::write(&ready_end, &[0]);
                relay.run()
            }
            Err(errno) => errno.raw_os_error() as u8,
        };
        let _ = rustix::io::write(&ready_end, &[byte]);
    })
    .context("forking the relay for udp ports")?;
    drop(ready_end);
    let child = Child::adopt(pid)?;
    match child.wait_for(&ready, deadline)? {
        Report::Wrote(0) => Ok(Some(child)),
        // Errnos are below 256 but for those inside the kernel.
        Report::Wrote(errno) => {
            let cause = Error::from(Errno::from_raw_os_error(i32::from(errno)));
            Err(cause.wrap("publishing udp ports on the loopback of the host"))
        }
        Report::Died | Report::Late => Err(Error::new("publishing udp ports: the relay did not become ready")),
    }
}

struct Relay {
    listeners: Vec<Listener>,
    flows: Vec<Flow>,
    epoll: OwnedFd,
    buffer: Vec<u8>,
}

struct Listener {
    socket: UdpSocket,
    to: SocketAddr,
}

/// One client of one listener.
struct Flow {
    listener: usize,
    client: SocketAddr,
    /// In the container's namespace, connected to the container's port.
    socket: UdpSocket,
    used: Instant,
}

impl Relay {
    /// Binds the host's side, then goes over to the container's namespace for good, and gives all rights up.
    fn open(routes: &[Route], namespace: BorrowedFd<'_>) -> Result<Relay, Errno> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut listeners = Vec::with_capacity(routes.len());
        for route in routes {
            let socket = listen(route)?;
            watch(&epoll, &socket)?;
            listeners.push(Listener { socket, to: route.to });
        }
        move_into_link_name_space(namespace, Some(LinkNameSpaceType::Network))?;
        for set in [CapSet::Inheritable, CapSet::Effective, CapSet::Permitted] {
            caps::clear(None, set).map_err(|_| Errno::PERM)?;
        }
        rustix::thread::set_no_new_privs(true)?;
        Ok(Relay { listeners, flows: Vec::new(), epoll, buffer: vec![0; 65536] })
    }

    /// Moves packets until it is killed. Returns only when the kernel refuses to wait, with the error.
    fn run(mut self) -> u8 {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(64);
        loop {
            let sweep = Timespec { tv_sec: 10, tv_nsec: 0 };
            let timeout = if self.flows.is_empty() { None } else { Some(&sweep) };
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(errno) => return errno.raw_os_error() as u8,
            }
            let now = Instant::now();
            for event in events.drain(..) {
                let fd = event.data.u64();
                if let Some(index) = self.listeners.iter().position(|l| number(&l.socket) == fd) {
                    self.inward(index, now);
                } else if let Some(index) = self.flows.iter().position(|f| number(&f.socket) == fd) {
                    self.outward(index, now);
                }
            }
            self.flows.retain(|flow| now.duration_since(flow.used) < IDLE);
        }
    }

    /// From clients to the container. Packets that cannot be delivered are lost, as is the way of UDP.
    fn inward(&mut self, index: usize, now: Instant) {
        for _ in 0..BATCH {
            let Some(listener) = self.listeners.get(index) else { return };
            let (length, client) = match listener.socket.recv_from(&mut self.buffer) {
                Ok(received) => received,
                Err(e) if e.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return,
            };
            let known = self.flows.iter().position(|flow| flow.listener == index && flow.client == client);
            let Some(flow) = known.or_else(|| self.open_flow(index, client, now)) else { continue };
            if let (Some(flow), Some(packet)) = (self.flows.get_mut(flow), self.buffer.get(..length)) {
                flow.used = now;
                let _ = flow.socket.send(packet);
            }
        }
    }

    /// From the container to one client.
    fn outward(&mut self, index: usize, now: Instant) {
        let Some(flow) = self.flows.get_mut(index) else { return };
        let Some(listener) = self.listeners.get(flow.listener) else { return };
        for _ in 0..BATCH {
            match flow.socket.recv(&mut self.buffer) {
                Ok(length) => {
                    flow.used = now;
                    let _ = listener.socket.send_to(self.buffer.get(..length).unwrap_or_default(), flow.client);
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Nothing more; or nobody listens in the container (connection refused), which may change.
                Err(_) => return,
            }
        }
    }

    fn open_flow(&mut self, listener: usize, client: SocketAddr, now: Instant) -> Option<usize> {
        if self.flows.len() >= MAX_FLOWS {
            let oldest = self.flows.iter().enumerate().min_by_key(|(_, flow)| flow.used)?.0;
            self.flows.swap_remove(oldest);
        }
        let to = self.listeners.get(listener)?.to;
        let any: IpAddr = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(to).ok()?;
        watch(&self.epoll, &socket).ok()?;
        self.flows.push(Flow { listener, client, socket, used: now });
        Some(self.flows.len() - 1)
    }
}

/// The socket for clients. slirp4netns, where it has one on all addresses, allows another beside it (SO_REUSEADDR).
fn listen(route: &Route) -> Result<UdpSocket, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let family = if route.from.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP))?;
    if route.from.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    sockopt::set_socket_reuseaddr(&socket, !route.alone)?;
    rustix::net::bind(&socket, &route.from)?;
    Ok(UdpSocket::from(socket))
}

fn watch(epoll: &OwnedFd, socket: &UdpSocket) -> Result<(), Errno> {
    epoll::add(epoll, socket, epoll::EventData::new_u64(number(socket)), epoll::EventFlags::IN)
}

fn number(socket: &UdpSocket) -> u64 {
    socket.as_raw_fd().unsigned_abs().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn divided(mode: &str, specs: &[&str]) -> (Vec<String>, Vec<String>) {
        let super::super::Mode::Slirp4netns(options) = super::super::Mode::parse(mode).unwrap() else {
            panic!("{mode}")
        };
        let requests = specs.iter().flat_map(|spec| ports::parse(spec).unwrap()).collect();
        let mappings = ports::assign(requests).unwrap();
        let division = divide(&options, &mappings);
        let slirp = division.slirp.iter().map(|p| format!("{}->{}/{}", p.host(), p.container_port, p.protocol));
        let relay =
            division.relay.iter().map(|r| format!("{}->{}{}", r.from, r.to, if r.alone { "" } else { " beside" }));
        (slirp.collect(), relay.collect())
    }

    #[test]
    fn who_publishes_what() {
        for (mode, specs, slirp, relay) in [
            ("slirp4netns", &["8000:80"][..], &["0.0.0.0:8000->80/tcp"][..], &[][..]),
            ("slirp4netns", &["5000:53/udp"], &["0.0.0.0:5000->53/udp"], &["127.0.0.1:5000->10.0.2.100:53 beside"]),
            ("slirp4netns", &["127.0.0.5:5000:53/udp"], &[], &["127.0.0.5:5000->10.0.2.100:53"]),
            ("slirp4netns", &["192.0.2.2:5000:53/udp"], &["192.0.2.2:5000->53/udp"], &[]),
            (
                "slirp4netns:cidr=10.5.0.0/24,allow_host_loopback=true",
                &["192.0.2.2:5000:53/udp", "192.0.2.3:6000:53/udp"],
                &["192.0.2.2:5000->53/udp"],
                &["192.0.2.3:6000->10.5.0.100:53"],
            ),
        ] {
            let (is_slirp, is_relay) = divided(mode, specs);
            assert_eq!(is_slirp, slirp, "{mode} {specs:?}");
            assert_eq!(is_relay, relay, "{mode} {specs:?}");
        }
        let requests =
            ["80:80", "[::1]:5000:53/udp", "6000:53/udp"].iter().flat_map(|spec| ports::parse(spec).unwrap());
        let routes: Vec<String> = all_udp(&ports::assign(requests.collect()).unwrap())
            .iter()
            .map(|r| format!("{}->{}", r.from, r.to))
            .collect();
        assert_eq!(routes, ["0.0.0.0:6000->127.0.0.1:53", "[::1]:5000->[::1]:53"]);
    }
}
