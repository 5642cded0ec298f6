//! A thread that serves published ports: one epoll, and everything that it watches. Several share the listening sockets and
//! nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, acceptfrom_with};

use super::bind::Listener;
use super::source::Target;
use super::table::{Key, Table};
use super::tcp::{self, Connection, Side, Verdict};
use super::udp::{self, Ends, Flows};
use super::way::{BUFFER, Tools};
use super::{Command, pipes};
use crate::error::{Context as _, Error, Result};
use crate::network::ports::Protocol;

/// What an event is about.
mod kind {
    pub const WAKE: u8 = 0;
    pub const TCP: u8 = 1;
    pub const UDP: u8 = 2;
    pub const CALLER: u8 = 3;
    pub const INNER: u8 = 4;
    pub const FLOW: u8 = 5;
}

/// Descriptors that are left for everything else.
const SPARE: usize = 256;
/// Connections of one listener that are accepted before others have their turn.
const BATCH: usize = 16;
/// How long nothing is accepted when there is no room.
const PAUSE: Duration = Duration::from_millis(50);
/// Listening sockets are watched by several threads, of which one is woken for a caller.
const ACCEPTS: epoll::EventFlags = epoll::EventFlags::IN.union(epoll::EventFlags::EXCLUSIVE);
/// How often idle flows are looked for.
const SWEEP: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Container {
    target: Target,
    listeners: Vec<Key>,
    connections: usize,
}

#[derive(Debug)]
struct Entry {
    container: Key,
    socket: Arc<OwnedFd>,
    /// The kernel's number of the socket, which all its descriptors share.
    inode: u64,
    protocol: Protocol,
    container_port: u16,
}

pub(super) struct Worker {
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
    commands: Receiver<Command>,
    containers: Table<Container>,
    by_id: HashMap<String, Key>,
    listeners: Table<Entry>,
    connections: Table<Connection>,
    flows: Flows,
    tools: Tools,
    /// Connections that are to be served without an event.
    again: Vec<Key>,
    /// Listeners that nothing is accepted from, until there is room.
    paused: Vec<Key>,
    resume_at: Option<Instant>,
    sweep_at: Instant,
    /// How many connections there may be at once.
    most: usize,
}

impl Worker {
    pub(super) fn new(wake: Arc<OwnedFd>, commands: Receiver<Command>, threads: usize) -> Result<Worker> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll instance")?;
        watch(&epoll, &wake, Key::of(0).0, kind::WAKE, epoll::EventFlags::IN).context("watching for commands")?;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(Worker {
            epoll,
            wake,
            commands,
            containers: Table::default(),
            by_id: HashMap::new(),
            listeners: Table::default(),
            connections: Table::default(),
            flows: Flows::default(),
            tools: Tools { buffer: vec![0; BUFFER], pipes: pipes::Pipes::new() },
            again: Vec::new(),
            paused: Vec::new(),
            resume_at: None,
            sweep_at: Instant::now(),
            most: limit.saturating_sub(SPARE) / 2 / threads.max(1),
        })
    }

    /// Serves until it is told to end.
    pub(super) fn run(mut self) {
        let mut events: Vec<epoll::Event> = Vec::with_capacity(256);
        loop {
            let timeout = self.timeout();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), timeout.as_ref()) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return,
            }
            let again = std::mem::take(&mut self.again);
            for event in events.drain(..) {
                let (key, kind) = Key::of(event.data.u64());
                match kind {
                    kind::CALLER => self.moved(key, Side::Caller, event.flags),
                    kind::INNER => self.moved(key, Side::Inner, event.flags),
                    kind::TCP => self.accept(key),
                    kind::UDP => self.packets(key),
                    kind::FLOW => self.answers(key),
                    _ if self.obey() => {}
                    _ => return,
                }
            }
            for key in again {
                self.serve(key);
            }
            self.keep_time();
        }
    }

    fn timeout(&self) -> Option<Timespec> {
        if !self.again.is_empty() {
            return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        let sweep = (!self.flows.is_empty()).then_some(self.sweep_at);
        let next = self.resume_at.into_iter().chain(sweep).min()?;
        // Rounded up, or the last fraction of a millisecond would be spent turning round.
        let left = next.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
        Some(Timespec { tv_sec: left.as_secs().try_into().unwrap_or(1), tv_nsec: left.subsec_nanos().into() })
    }

    fn keep_time(&mut self) {
        if self.resume_at.is_none() && self.flows.is_empty() {
            return;
        }
        let now = Instant::now();
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume_at = None;
            for key in std::mem::take(&mut self.paused) {
                if let Some(entry) = self.listeners.get(key) {
                    let _ = watch(&self.epoll, &entry.socket, key, entry.kind(), ACCEPTS);
                }
            }
        }
        if self.sweep_at <= now {
            self.sweep_at = now + SWEEP;
            self.flows.expire(now);
        }
    }

    /// Does what it was told; false: to end.
    fn obey(&mut self) -> bool {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        loop {
            match self.commands.try_recv() {
                Ok(Command::Set { id, target, listeners, reply }) => {
                    let _ = reply.send(self.set(id, target, listeners));
                }
                Ok(Command::Remove { id, reply }) => {
                    self.remove(&id);
                    let _ = reply.send(());
                }
                Ok(Command::End) | Err(std::sync::mpsc::TryRecvError::Disconnected) => return false,
                Err(std::sync::mpsc::TryRecvError::Empty) => return true,
            }
        }
    }

    fn set(&mut self, id: String, target: Target, listeners: Vec<Listener>) -> Result<()> {
        let key = match self.by_id.get(&id) {
            Some(key) => *key,
            None => {
                let fresh = Container { target: target.clone(), listeners: Vec::new(), connections: 0 };
                let key = self.containers.insert(fresh).ok_or_else(|| Error::new("too many containers"))?;
                self.by_id.insert(id, key);
                key
            }
        };
        let Some(container) = self.containers.get_mut(key) else { return Ok(()) };
        let moved = (container.target.v4, container.target.v6) != (target.v4, target.v6);
        container.target = target;
        let mut before = std::mem::take(&mut container.listeners);
        if moved {
            // The addresses that they lead to may soon be another container's.
            self.close_connections(|connection| connection.container == key);
            self.flows.close_if(|flow| flow.container == key);
        }
        let mut now = Vec::with_capacity(listeners.len());
        let mut result = Ok(());
        for listener in listeners {
            let inode = rustix::fs::fstat(&listener.socket).map_or(0, |stat| stat.st_ino);
            let same = |known: &&Key| {
                self.listeners.get(**known).is_some_and(|entry| {
                    entry.inode == inode
                        && (entry.protocol, entry.container_port) == (listener.protocol, listener.container_port)
                })
            };
            if let Some(known) = before.iter().find(same).copied() {
                before.retain(|other| *other != known);
                now.push(known);
                continue;
            }
            match self.listen(key, listener, inode) {
                Ok(key) => now.push(key),
                Err(error) => result = Err(error),
            }
        }
        for gone in before {
            self.forget_listener(gone);
        }
        if let Some(container) = self.containers.get_mut(key) {
            container.listeners = now;
        }
        result
    }

    fn listen(&mut self, container: Key, listener: Listener, inode: u64) -> Result<Key> {
        let Listener { socket, protocol, container_port } = listener;
        let entry = Entry { container, socket, inode, protocol, container_port };
        let kind = entry.kind();
        let many = || Error::new("too many published ports");
        let key = self.listeners.insert(entry).ok_or_else(many)?;
        let watched = match self.listeners.get(key) {
            Some(entry) => watch(&self.epoll, &entry.socket, key, kind, ACCEPTS),
            None => Ok(()),
        };
        if let Err(errno) = watched {
            self.listeners.remove(key);
            return Err(Error::from(errno).wrap("watching a published port"));
        }
        Ok(key)
    }

    fn remove(&mut self, id: &str) {
        let Some(key) = self.by_id.remove(id) else { return };
        let Some(container) = self.containers.remove(key) else { return };
        for listener in container.listeners {
            self.forget_listener(listener);
        }
        self.close_connections(|connection| connection.container == key);
        self.flows.close_if(|flow| flow.container == key);
    }

    /// Nothing comes in there any more, and what came in there ends. Those who have the socket go on listening.
    fn forget_listener(&mut self, key: Key) {
        if let Some(entry) = self.listeners.remove(key) {
            // Other processes have the same description, so that closing it does not end the watch.
            let _ = epoll::delete(&self.epoll, &entry.socket);
        }
        self.close_connections(|connection| connection.listener == key);
        self.flows.close_if(|flow| flow.ends.listener == key);
    }

    fn close_connections(&mut self, fits: impl FnMut(&Connection) -> bool) {
        for key in self.connections.keys(fits) {
            self.close(key);
        }
    }

    fn close(&mut self, key: Key) {
        if let Some(connection) = self.connections.remove(key) {
            if let Some(container) = self.containers.get_mut(connection.container) {
                container.connections = container.connections.saturating_sub(1);
            }
            connection.close(&mut self.tools);
        }
    }

    fn moved(&mut self, key: Key, side: Side, flags: epoll::EventFlags) {
        match self.connections.get_mut(key).map(|connection| connection.note(side, flags)) {
            Some(Verdict::Close) => self.close(key),
            Some(_) => self.serve(key),
            None => {}
        }
    }

    fn serve(&mut self, key: Key) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        match connection.serve(&mut self.tools) {
            Verdict::Keep => {}
            Verdict::Again => self.again.push(key),
            Verdict::Close => self.close(key),
        }
    }

    fn accept(&mut self, key: Key) {
        for _ in 0..BATCH {
            let Some(entry) = self.listeners.get(key) else { return };
            let Some(container) = self.containers.get(entry.container) else { return };
            // One container may not take more than half of what is left by the others.
            let room = self.most.saturating_sub(self.connections.len()) + container.connections;
            if container.connections >= room / 2 {
                return self.pause(key);
            }
            let (caller, from) = match acceptfrom_with(&entry.socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(accepted) => accepted,
                Err(Errno::AGAIN) => return,
                Err(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM) => return self.pause(key),
                // An error of that one connection, accept(2).
                Err(_) => continue,
            };
            let from: Option<SocketAddr> = from.and_then(|from| from.try_into().ok());
            let route = from.and_then(|from| container.target.route(from, entry.container_port));
            let inner = route.ok_or(Errno::HOSTUNREACH).and_then(|route| tcp::dial(&route));
            match inner {
                Ok(inner) => self.join(entry.container, key, caller, inner),
                Err(Errno::MFILE | Errno::NFILE) => {
                    tcp::reset(&caller);
                    return self.pause(key);
                }
                Err(_) => tcp::reset(&caller),
            }
        }
    }

    fn join(&mut self, container: Key, listener: Key, caller: OwnedFd, inner: OwnedFd) {
        let connection = Connection::new(container, listener, caller, inner);
        let Some(key) = self.connections.insert(connection) else { return };
        let Some(connection) = self.connections.get(key) else { return };
        let watched = watch(&self.epoll, &connection.caller, key, kind::CALLER, tcp::WATCHED)
            .and_then(|()| watch(&self.epoll, &connection.inner, key, kind::INNER, tcp::WATCHED));
        if let Some(container) = self.containers.get_mut(container) {
            container.connections += 1;
        }
        if watched.is_err() {
            self.close(key);
        }
    }

    /// Accepts nothing there for a moment; callers wait in the kernel's queue.
    fn pause(&mut self, key: Key) {
        if let Some(entry) = self.listeners.get(key) {
            let _ = epoll::delete(&self.epoll, &entry.socket);
            self.paused.push(key);
            self.resume_at.get_or_insert_with(|| Instant::now() + PAUSE);
        }
    }

    fn packets(&mut self, key: Key) {
        let Some(entry) = self.listeners.get(key) else { return };
        let Some(container) = self.containers.get(entry.container) else { return };
        let now = Instant::now();
        let (flows, epoll) = (&mut self.flows, &self.epoll);
        udp::collect(&entry.socket, &mut self.tools.buffer, |caller, local, bytes| {
            let ends = Ends { listener: key, caller, local };
            let flow = flows.find(&ends).or_else(|| {
                let route = container.target.route(caller, entry.container_port)?;
                let flow = flows.open(entry.container, ends, &route, now).ok()?;
                let watched = flows
                    .socket(flow)
                    .is_some_and(|socket| watch(epoll, socket, flow, kind::FLOW, epoll::EventFlags::IN).is_ok());
                if watched {
                    return Some(flow);
                }
                flows.close(flow);
                None
            });
            if let Some(flow) = flow {
                flows.deliver(flow, bytes, now);
            }
        });
    }

    fn answers(&mut self, key: Key) {
        let Some(ends) = self.flows.ends(key) else { return };
        let Some(entry) = self.listeners.get(ends.listener) else { return };
        self.flows.answer(key, &entry.socket, &mut self.tools.buffer, Instant::now());
    }
}

impl Entry {
    fn kind(&self) -> u8 {
        match self.protocol {
            Protocol::Tcp => kind::TCP,
            Protocol::Udp => kind::UDP,
        }
    }
}

fn watch(epoll: &OwnedFd, fd: &OwnedFd, key: Key, kind: u8, flags: epoll::EventFlags) -> Result<(), Errno> {
    epoll::add(epoll, fd, epoll::EventData::new_u64(key.token(kind)), flags)
}
