//! TCP: one accepted connection, and the one to the container that belongs to it.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt};

use super::source::Route;
use super::table::Key;
use super::way::{Flow, Tools, Way};
use crate::sys::packet;

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) container: Key,
    pub(super) listener: Key,
    /// On the host.
    pub(super) caller: OwnedFd,
    /// To the container.
    pub(super) inner: OwnedFd,
    /// From the caller to the container.
    up: Way,
    down: Way,
    connected: bool,
    broken: bool,
}

/// Which of the two sockets an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Caller,
    Inner,
}

/// What is to be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Keep,
    /// It is to be served again without an event.
    Again,
    Close,
}

/// What is watched, once and for all. Edge-triggered, so that nothing has to be changed later.
pub(super) const WATCHED: EventFlags =
    EventFlags::IN.union(EventFlags::OUT).union(EventFlags::RDHUP).union(EventFlags::PRI).union(EventFlags::ET);

impl Connection {
    pub(super) fn new(container: Key, listener: Key, caller: OwnedFd, inner: OwnedFd) -> Connection {
        let (up, down) = (Way::default(), Way::default());
        Connection { container, listener, caller, inner, up, down, connected: false, broken: false }
    }

    /// Takes note of an event.
    pub(super) fn note(&mut self, side: Side, flags: EventFlags) -> Verdict {
        let (reads, writes) = match side {
            Side::Caller => (&mut self.up, &mut self.down),
            Side::Inner => (&mut self.down, &mut self.up),
        };
        let over = EventFlags::HUP | EventFlags::ERR | EventFlags::RDHUP;
        if flags.intersects(over | EventFlags::PRI) {
            reads.thorough = true;
        }
        if side == Side::Inner && !self.connected {
            if !flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
                return Verdict::Keep;
            }
            let failed = flags.intersects(EventFlags::ERR | EventFlags::HUP);
            match if failed { sockopt::socket_error(&self.inner) } else { Ok(Ok(())) } {
                Ok(Ok(())) => {}
                // It was connected, and the container has ended it already; what it said before can still be read.
                Ok(Err(Errno::CONNRESET)) => self.broken = true,
                Ok(Err(_)) | Err(_) => {
                    self.broken = true;
                    return Verdict::Close;
                }
            }
            self.connected = true;
        }
        reads.readable |= flags.intersects(over | EventFlags::IN | EventFlags::PRI);
        writes.writable |= flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP);
        Verdict::Keep
    }

    /// Moves what can be moved.
    pub(super) fn serve(&mut self, tools: &mut Tools) -> Verdict {
        let up = self.up.pump(&self.caller, &self.inner, tools);
        let down = self.down.pump(&self.inner, &self.caller, tools);
        match (up, down) {
            // Nobody is left to talk to.
            (Flow::SenderLost, _) | (_, Flow::ReceiverLost) => {
                self.broken = true;
                return Verdict::Close;
            }
            (_, Flow::SenderLost) => {
                self.broken = true;
                return Verdict::Close;
            }
            // The container takes no more, but what it said before may still have to be read.
            (Flow::ReceiverLost, _) => self.broken = true,
            _ => {}
        }
        if self.up.is_finished() && self.down.is_finished() {
            return Verdict::Close;
        }
        if up == Flow::More || down == Flow::More { Verdict::Again } else { Verdict::Keep }
    }

    /// Ends it: after an error so that both ends hear of one.
    pub(super) fn close(self, tools: &mut Tools) {
        if self.broken || !(self.up.is_finished() && self.down.is_finished()) {
            reset(&self.caller);
            reset(&self.inner);
        }
        self.up.dismantle(tools);
        self.down.dismantle(tools);
    }
}

/// Makes the close that follows send RST.
pub(super) fn reset(socket: &OwnedFd) {
    let _ = sockopt::set_socket_linger(socket, Some(Duration::ZERO));
}

/// A socket on its way to the container.
pub(super) fn dial(route: &Route) -> Result<OwnedFd, Errno> {
    match begin(route) {
        // The caller's port is still in use there, for another connection of the same caller: any other port, then.
        Err(Errno::ADDRINUSE | Errno::ADDRNOTAVAIL) if route.from.is_some_and(|from| from.port() != 0) => {
            let from = route.from.map(|from| SocketAddr::new(from.ip(), 0));
            begin(&Route { from, ..*route })
        }
        result => result,
    }
}

fn begin(route: &Route) -> Result<OwnedFd, Errno> {
    let family = if route.to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    if let Some(from) = route.from {
        speak_for(&socket, from)?;
    }
    match connect(&socket, &route.to) {
        Ok(()) | Err(Errno::INPROGRESS) => Ok(socket),
        Err(errno) => Err(errno),
    }
}

/// Gives the socket the caller's address.
pub(super) fn speak_for(socket: &OwnedFd, from: SocketAddr) -> Result<(), Errno> {
    let plain = |e: std::io::Error| Errno::from_io_error(&e).unwrap_or(Errno::IO);
    packet::set_transparent(socket, from.is_ipv6()).map_err(plain)?;
    if from.port() == 0 {
        packet::choose_port_late(socket).map_err(plain)?;
    } else {
        // One caller may use the same port for several of our ports at once.
        sockopt::set_socket_reuseaddr(socket, true)?;
    }
    rustix::net::bind(socket, &from)
}
