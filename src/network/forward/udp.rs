//! UDP: one flow for each caller of each listener. It is a socket that speaks to the container from the caller's address.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, ipproto, recv, send, socket_with,
};

use super::source::Route;
use super::table::{Key, Table};
use super::tcp::speak_for;
use crate::sys::packet::{self, Local};

/// A question that had no answer, and a talk that has ended, are forgotten after this (nf_conntrack has 30 and 120).
const IDLE_ASKED: Duration = Duration::from_secs(30);
const IDLE_ANSWERED: Duration = Duration::from_secs(120);
/// Flows of one container. The one that was idle longest makes room for a new one.
const MOST: usize = 4096;
/// Packets of one socket before others have their turn.
const TURN: usize = 64;

/// Who talks to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Ends {
    pub(super) listener: Key,
    pub(super) caller: SocketAddr,
    pub(super) local: Option<Local>,
}

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) container: Key,
    pub(super) ends: Ends,
    pub(super) socket: OwnedFd,
    used: Instant,
    answered: bool,
}

/// All flows.
#[derive(Debug, Default)]
pub(super) struct Flows {
    table: Table<Flow>,
    by_ends: HashMap<Ends, Key>,
    /// Of each container, the ones made first at the front; who was used since goes to the back when room is wanted.
    queues: HashMap<Key, VecDeque<Key>>,
}

impl Flows {
    pub(super) fn is_empty(&self) -> bool {
        self.table.len() == 0
    }

    pub(super) fn find(&self, ends: &Ends) -> Option<Key> {
        self.by_ends.get(ends).copied()
    }

    /// Opens a flow; the caller watches its socket.
    pub(super) fn open(&mut self, container: Key, ends: Ends, route: &Route, now: Instant) -> Result<Key, Errno> {
        if self.queues.get(&container).is_some_and(|queue| queue.len() >= MOST) {
            self.make_room(container, now);
        }
        let socket = dial(route)?;
        let flow = Flow { container, ends, socket, used: now, answered: false };
        let key = self.table.insert(flow).ok_or(Errno::NOBUFS)?;
        self.by_ends.insert(ends, key);
        self.queues.entry(container).or_default().push_back(key);
        Ok(key)
    }

    pub(super) fn socket(&self, key: Key) -> Option<&OwnedFd> {
        self.table.get(key).map(|flow| &flow.socket)
    }

    pub(super) fn ends(&self, key: Key) -> Option<Ends> {
        self.table.get(key).map(|flow| flow.ends)
    }

    pub(super) fn close(&mut self, key: Key) {
        if let Some(flow) = self.table.remove(key) {
            self.by_ends.remove(&flow.ends);
            if let Some(queue) = self.queues.get_mut(&flow.container) {
                queue.retain(|other| *other != key);
                if queue.is_empty() {
                    self.queues.remove(&flow.container);
                }
            }
        }
    }

    /// Closes those that fit.
    pub(super) fn close_if(&mut self, fits: impl FnMut(&Flow) -> bool) {
        let gone = self.table.keys(fits);
        for key in &gone {
            if let Some(flow) = self.table.remove(*key) {
                self.by_ends.remove(&flow.ends);
            }
        }
        if !gone.is_empty() {
            let table = &self.table;
            self.queues.retain(|_, queue| {
                queue.retain(|key| table.get(*key).is_some());
                !queue.is_empty()
            });
        }
    }

    /// Closes those that nobody uses any more.
    pub(super) fn expire(&mut self, now: Instant) {
        self.close_if(|flow| {
            let limit = if flow.answered { IDLE_ANSWERED } else { IDLE_ASKED };
            now.duration_since(flow.used) >= limit
        });
    }

    /// Closes one flow of the container: of those at the front of the queue, the one that was idle longest.
    fn make_room(&mut self, container: Key, now: Instant) {
        let Some(queue) = self.queues.get_mut(&container) else { return };
        let idle = |key: &Key| self.table.get(*key).map_or(Duration::MAX, |flow| now.duration_since(flow.used));
        // Eight are looked at, so that a flood of new callers costs little.
        let front = (0..queue.len().min(8)).max_by_key(|n| queue.get(*n).map_or(Duration::ZERO, idle));
        let Some(gone) = front.and_then(|n| queue.remove(n)) else { return };
        let others = queue.len().min(7);
        queue.rotate_left(others);
        if let Some(flow) = self.table.remove(gone) {
            self.by_ends.remove(&flow.ends);
        }
    }

    /// To the container. What cannot be delivered is lost, as is the way of UDP.
    pub(super) fn deliver(&mut self, key: Key, bytes: &[u8], now: Instant) {
        let Some(flow) = self.table.get_mut(key) else { return };
        flow.used = now;
        for _ in 0..2 {
            match send(&flow.socket, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                // The answer to the packet before: nobody listens. It may have changed.
                Err(Errno::CONNREFUSED | Errno::INTR) => {}
                _ => return,
            }
        }
    }

    /// From the container to the caller, through the socket that the caller knows. Whether there may be more.
    pub(super) fn answer(&mut self, key: Key, listener: &OwnedFd, buffer: &mut [u8], now: Instant) -> bool {
        let Some(flow) = self.table.get_mut(key) else { return false };
        for _ in 0..TURN {
            let n = match recv(&flow.socket, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((n, _)) => n,
                Err(Errno::CONNREFUSED | Errno::INTR) => continue,
                Err(_) => return false,
            };
            flow.used = now;
            flow.answered = true;
            let bytes = buffer.get(..n).unwrap_or_default();
            if let Err(e) = packet::send(listener, bytes, flow.ends.caller, flow.ends.local)
                && e.raw_os_error() == Some(libc::EINVAL)
            {
                // It was sent to a broadcast address, which nothing can come from.
                let _ = packet::send(listener, bytes, flow.ends.caller, None);
            }
        }
        true
    }
}

/// Calls `each` with what has come to a listener; `buffer` has room for the largest packet.
pub(super) fn collect(listener: &OwnedFd, buffer: &mut [u8], mut each: impl FnMut(SocketAddr, Option<Local>, &[u8])) {
    for _ in 0..TURN {
        match packet::receive(listener, buffer) {
            Ok(arrived) => each(arrived.from, arrived.local, buffer.get(..arrived.length).unwrap_or_default()),
            Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => return,
            // Such as an ICMP answer to a packet of before.
            Err(_) => {}
        }
    }
}

fn dial(route: &Route) -> Result<OwnedFd, Errno> {
    let open = |from: Option<SocketAddr>| {
        let family = if route.to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::DGRAM, flags, Some(ipproto::UDP))?;
        if let Some(from) = from {
            speak_for(&socket, from)?;
        }
        connect(&socket, &route.to)?;
        Ok(socket)
    };
    match open(route.from) {
        Err(Errno::ADDRINUSE) => open(route.from.map(|from| SocketAddr::new(from.ip(), 0))),
        result => result,
    }
}
