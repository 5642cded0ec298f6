//! The thread: one epoll, everything that is open, and what happens when something comes.

mod questions;
mod streams;

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Instant;

use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use crate::error::{Context as _, Error, Result};
use crate::network::dns::connection::Connection;
use crate::network::dns::forward::{Back, Forward, LOST, Late};
use crate::network::dns::host::Host;
use crate::network::dns::share::Shares;
use crate::network::dns::upstream::Upstreams;
use crate::network::dns::{Gate, Order, Settings, Shared, lock};

/// The token of the eventfd.
const WAKE: u64 = 0;
/// Questions on their way to others: for all containers, and for one.
const MAX_QUESTIONS: usize = 1024;
const MAX_QUESTIONS_EACH: usize = 256;
/// Connections, for all containers and for one.
const MAX_CONNECTIONS: usize = 256;
const MAX_CONNECTIONS_EACH: usize = 32;
/// Resolvers that are waited for only to know whether they work.
const MAX_LATE: usize = 64;
/// How much of one listener is read before the others have their turn.
const MAX_AT_ONCE: usize = 64;

/// The server, on its thread.
pub(super) struct Server {
    shared: Arc<Shared>,
    gate: Arc<dyn Gate>,
    port: u16,
    host: Host,
    upstreams: Upstreams,
    epoll: OwnedFd,
    /// The last token that was given away.
    last: u64,
    listeners: HashMap<u64, Arc<Listener>>,
    connections: HashMap<u64, Connection>,
    questions: HashMap<u64, Forward>,
    /// Which question a socket belongs to.
    sockets: HashMap<u64, u64>,
    late: HashMap<u64, Late>,
    /// Questions by UDP that are on their way: one that comes again is not asked again.
    known: HashMap<(SocketAddr, u16), u64>,
    /// When questions, connections and late resolvers are to be looked at.
    timers: BTreeSet<(Instant, u64)>,
    question_shares: Shares,
    connection_shares: Shares,
    /// How many names of containers have been asked for.
    turn: usize,
    buffer: Vec<u8>,
}

struct Listener {
    network: Arc<str>,
    address: IpAddr,
    socket: Socket,
}

/// Nothing is allowed.
struct Closed;

impl Gate for Closed {
    fn may_ask(&self, _: &str, _: &str) -> bool {
        false
    }

    fn open(&self, _: &str, _: &str, _: &[(IpAddr, u32)], _: bool) -> Result<()> {
        Err(Error::new("nothing is allowed"))
    }
}

enum Socket {
    Udp(UdpSocket),
    Tcp(TcpListener),
}

impl Server {
    pub(super) fn new(shared: Arc<Shared>, settings: Settings, gate: Option<Arc<dyn Gate>>) -> Result<Server> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
        epoll::add(&epoll, &shared.wake, EventData::new_u64(WAKE), EventFlags::IN).context("watching an eventfd")?;
        Ok(Server {
            shared,
            // Whoever is restricted while nobody can say what is allowed is allowed nothing.
            gate: gate.unwrap_or_else(|| Arc::new(Closed)),
            port: settings.upstream_port,
            host: Host::new(settings.resolv_conf, settings.upstream_port),
            upstreams: Upstreams::default(),
            epoll,
            last: WAKE,
            listeners: HashMap::new(),
            connections: HashMap::new(),
            questions: HashMap::new(),
            sockets: HashMap::new(),
            late: HashMap::new(),
            known: HashMap::new(),
            timers: BTreeSet::new(),
            question_shares: Shares::new(MAX_QUESTIONS_EACH, MAX_QUESTIONS),
            connection_shares: Shares::new(MAX_CONNECTIONS_EACH, MAX_CONNECTIONS),
            turn: 0,
            buffer: vec![0; 1 << 16],
        })
    }

    /// Works until it is told to end.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(64);
        loop {
            events.clear();
            let timeout = self.timers.first().map(|(at, _)| {
                let left = at.saturating_duration_since(Instant::now());
                Timespec { tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() }
            });
            // The only error that can come is an interruption; there are no events then.
            let _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref());
            for event in &events {
                let token = event.data.u64();
                if token != WAKE {
                    self.ready(token, event.flags);
                } else if !self.take_orders() {
                    return;
                }
            }
            self.pass_time();
        }
    }

    /// Takes up what the other threads want. `false`: the end.
    fn take_orders(&mut self) -> bool {
        let mut count = [0u8; 8];
        let _ = rustix::io::read(&self.shared.wake, &mut count);
        let orders = std::mem::take(&mut *lock(&self.shared.orders));
        for order in orders {
            match order {
                Order::End => return false,
                Order::Close { address } => self.listeners.retain(|_, listener| listener.address != address),
                Order::Listen { network, address, sockets } => {
                    self.listen(Listener { network: Arc::clone(&network), address, socket: Socket::Udp(sockets.udp) });
                    self.listen(Listener { network, address, socket: Socket::Tcp(sockets.tcp) });
                }
            }
        }
        true
    }

    fn listen(&mut self, listener: Listener) {
        let token = self.token();
        let data = EventData::new_u64(token);
        // It fails when the kernel has no memory; then this address is without service as it would be without a socket.
        let _ = match &listener.socket {
            Socket::Udp(socket) => epoll::add(&self.epoll, socket, data, EventFlags::IN),
            Socket::Tcp(socket) => epoll::add(&self.epoll, socket, data, EventFlags::IN),
        };
        self.listeners.insert(token, Arc::new(listener));
    }

    fn token(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn ready(&mut self, token: u64, flags: EventFlags) {
        if let Some(listener) = self.listeners.get(&token).cloned() {
            match &listener.socket {
                Socket::Udp(socket) => self.receive(token, socket, &listener.network),
                Socket::Tcp(socket) => self.accept(socket, &listener.network),
            }
        } else if let Some(connection) = self.connections.remove(&token) {
            self.serve(token, connection, flags);
        } else if let Some(&question) = self.sockets.get(&token) {
            self.go_on(question, |forward, world| forward.ready(token, world));
        } else if let Some(late) = self.late.remove(&token) {
            self.timers.remove(&(late.at + LOST, token));
            match late.socket.recv(&mut self.buffer) {
                Ok(_) => self.upstreams.answered(late.server, late.at.elapsed()),
                Err(_) => self.upstreams.failed(late.server, Instant::now()),
            }
        }
    }

    /// Does what is due.
    fn pass_time(&mut self) {
        let now = Instant::now();
        while let Some(&(at, token)) = self.timers.first()
            && at <= now
        {
            self.timers.pop_first();
            if let Some(late) = self.late.remove(&token) {
                self.upstreams.failed(late.server, now);
            } else if let Some(connection) = self.connections.remove(&token) {
                // While a question of it is being asked, there is a time for that already.
                let until = connection.until.max(if connection.pending > 0 { now + LOST } else { now });
                if until > now {
                    self.timers.insert((until, token));
                    self.connections.insert(token, connection);
                } else {
                    self.connection_shares.give_back(&connection.id);
                }
            } else {
                self.go_on(token, Forward::time_passed);
            }
        }
    }

    /// Reads questions that came by UDP.
    fn receive(&mut self, listener: u64, socket: &UdpSocket, network: &Arc<str>) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..MAX_AT_ONCE {
            match socket.recv_from(&mut buffer) {
                Ok((length, to)) => {
                    let message = buffer.get(..length).unwrap_or_default();
                    let back = Back::Udp { listener, to };
                    if let Some(answer) = self.take(message, to.ip(), network, back) {
                        // An answer that cannot be sent is one that was lost on the way.
                        let _ = socket.send_to(&answer, to);
                    }
                }
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        self.buffer = buffer;
    }
}
