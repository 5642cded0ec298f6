//! The thread: one epoll, everything that is open, and what happens when something comes.

use std::collections::{BTreeSet, HashMap};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use rustix::event::Timespec;
use rustix::event::epoll::{self, EventData, EventFlags};

use super::connection::Connection;
use super::forward::{Back, Forward, LOST, Late, Outcome, Server as Resolver, World};
use super::host::Host;
use super::local::{self, Decision};
use super::question::{Bad, HEADER, Question};
use super::share::{Room, Shares};
use super::table::{Asker, Way};
use super::upstream::Upstreams;
use super::{Gate, Order, Settings, Shared, answer, follow, lock, reply};
use crate::error::{Context as _, Result};

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
    gate: Option<Arc<dyn Gate>>,
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
            gate,
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

    /// Accepts connections of containers.
    fn accept(&mut self, socket: &TcpListener, network: &Arc<str>) {
        for _ in 0..MAX_AT_ONCE {
            let (stream, from) = match socket.accept() {
                Ok(accepted) => accepted,
                Err(e) if matches!(e.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionAborted) => continue,
                // Nothing more, or no descriptors: then those that wait are taken when the next one comes.
                Err(_) => break,
            };
            let Some(asker) = self.shared.table().asker(from.ip()) else { continue };
            match self.connection_shares.room_for(&asker.id) {
                Room::Yes => {}
                Room::No => continue,
                Room::From(id) => self.close_one_of(&id),
            }
            if stream.set_nonblocking(true).is_err() || stream.set_nodelay(true).is_err() {
                continue;
            }
            let token = self.token();
            let now = Instant::now();
            let connection = Connection::new(stream, Arc::clone(network), from.ip(), Arc::clone(&asker.id), now);
            if epoll::add(&self.epoll, connection.stream(), EventData::new_u64(token), EventFlags::IN).is_ok() {
                self.connection_shares.take(&asker.id);
                self.timers.insert((connection.until, token));
                self.connections.insert(token, connection);
            }
        }
    }

    /// Closes the oldest connection of a container that has too many.
    fn close_one_of(&mut self, id: &str) {
        let oldest = self.connections.iter().filter(|(_, c)| *c.id == *id).map(|(&token, _)| token).min();
        if let Some(connection) = oldest.and_then(|token| self.connections.remove(&token)) {
            self.connection_shares.give_back(&connection.id);
        }
    }

    /// Reads questions that came over a connection, and writes answers.
    fn serve(&mut self, token: u64, mut connection: Connection, flags: EventFlags) {
        // Nobody is there any more.
        if flags.intersects(EventFlags::HUP | EventFlags::ERR) {
            self.connection_shares.give_back(&connection.id);
            return;
        }
        let result = if flags.contains(EventFlags::OUT) { connection.flush() } else { Ok(()) };
        let result = result.and_then(|()| connection.read()).and_then(|()| self.ask_all(token, &mut connection));
        self.keep(token, connection, result);
    }

    /// Takes all questions that have come over a connection, as far as it may ask them now.
    fn ask_all(&mut self, token: u64, connection: &mut Connection) -> std::io::Result<()> {
        while let Some(message) = connection.next_message(Instant::now())? {
            let over = Arc::clone(&connection.over);
            connection.pending += 1;
            if let Some(answer) = self.take(&message, connection.address, &over, Back::Tcp { connection: token }) {
                connection.pending -= 1;
                // Nothing: what came is no question, and nothing else can be expected of who sent it.
                if answer.is_empty() {
                    return Err(ErrorKind::InvalidData.into());
                }
                connection.send(&answer, Instant::now())?;
            }
        }
        Ok(())
    }

    /// Keeps a connection for what it waits for, or closes it.
    fn keep(&mut self, token: u64, connection: Connection, result: std::io::Result<()>) {
        let data = EventData::new_u64(token);
        let usable = result.is_ok() && !connection.is_done();
        if usable && epoll::modify(&self.epoll, connection.stream(), data, connection.interest()).is_ok() {
            self.connections.insert(token, connection);
        } else {
            self.connection_shares.give_back(&connection.id);
        }
    }

    /// Takes one message. The answer, if there is one at once (empty for none at all); `None` if it comes later, or by UDP never.
    fn take(&mut self, message: &[u8], from: IpAddr, over: &Arc<str>, back: Back) -> Option<Vec<u8>> {
        let is_tcp = matches!(back, Back::Tcp { .. });
        let nothing = is_tcp.then(Vec::new);
        let question = match Question::parse(message) {
            Ok(question) => question,
            Err(Bad::Ignore) => return nothing,
            Err(Bad::Answer { id, op_code, code }) => {
                // Strangers are not answered at all.
                let is_known = self.shared.table().asker(from).is_some();
                return if is_known { Some(answer::refuse(id, op_code, code)) } else { nothing };
            }
        };
        let (asker, decision) = {
            let table = self.shared.table();
            let Some(asker) = table.asker(from) else { return nothing };
            let decision = local::decide(&table, &asker, over, &question, self.turn);
            (asker, decision)
        };
        let limit = if is_tcp { usize::from(u16::MAX) } else { question.udp_limit() };
        let code = |code| Some(answer::empty(&question, code));
        match decision {
            Decision::Code(code) => Some(answer::empty(&question, code)),
            Decision::Records(records) => Some(answer::records(&question, records, limit)),
            Decision::Containers { name, found } => {
                self.turn = self.turn.wrapping_add(1);
                let gate = self.gate.as_ref().filter(|_| asker.container.restricted && !found.itself);
                let may = |gate: &Arc<dyn Gate>| {
                    gate.may_meet(&asker.id, &found.addresses) || gate.may_ask(&asker.id, &name)
                };
                if gate.is_some_and(|gate| !may(gate)) {
                    return code(ResponseCode::Refused);
                }
                let Decision::Records(records) = local::addresses(&question, &found.addresses) else { return None };
                if let Some(gate) = gate
                    && !records.is_empty()
                {
                    let opened: Vec<_> = found.addresses.iter().map(|address| (*address, answer::TTL)).collect();
                    if gate.open(&asker.id, &name, &opened, true).is_err() {
                        return code(ResponseCode::ServFail);
                    }
                }
                Some(answer::records(&question, records, limit))
            }
            Decision::Ask(way) => {
                if let Some(gate) = self.gate.as_ref().filter(|_| asker.container.restricted)
                    && !gate.may_ask(&asker.id, &question.name)
                {
                    return code(ResponseCode::Refused);
                }
                match way {
                    Way::None => code(ResponseCode::NXDomain),
                    Way::Host => {
                        let resolvers = self.host.resolvers();
                        let count = u32::try_from(resolvers.servers.len()).unwrap_or(u32::MAX);
                        let patience = resolvers.timeout.saturating_mul(resolvers.attempts.saturating_mul(count));
                        let servers = resolvers.servers.clone();
                        self.forward(asker, question, message, back, servers, patience)
                    }
                    Way::Servers(servers) => {
                        let servers = servers.iter().map(|server| SocketAddr::new(*server, self.port)).collect();
                        self.forward(asker, question, message, back, servers, Duration::MAX)
                    }
                }
            }
        }
    }

    /// Begins to ask others. The answer, if it is known at once.
    fn forward(
        &mut self,
        asker: Asker,
        question: Question,
        message: &[u8],
        back: Back,
        mut servers: Vec<SocketAddr>,
        patience: Duration,
    ) -> Option<Vec<u8>> {
        if let Back::Udp { to, .. } = back
            && let Some(known) = self.known.get(&(to, question.id)).and_then(|id| self.questions.get(id))
            && known.original.get(HEADER..) == message.get(HEADER..)
        {
            return None;
        }
        match self.question_shares.room_for(&asker.id) {
            Room::Yes => {}
            Room::No => return Some(answer::empty(&question, ResponseCode::ServFail)),
            Room::From(id) => {
                let oldest = self.questions.iter().filter(|(_, f)| *f.asker.id == *id).map(|(&id, _)| id).min();
                oldest.into_iter().for_each(|id| self.go_on(id, |_, _| Outcome::Done(None)));
            }
        }
        let now = Instant::now();
        self.upstreams.sort(&mut servers, now);
        let servers = {
            let table = self.shared.table();
            let inside = |address: &SocketAddr| table.is_ours(address.ip());
            servers.into_iter().map(|address| Resolver { address, inside: inside(&address) }).collect()
        };
        let id = self.token();
        self.question_shares.take(&asker.id);
        if let Back::Udp { to, .. } = back {
            self.known.insert((to, question.id), id);
        }
        let forward = Forward::new(asker, back, question, message.to_vec(), servers, patience, now);
        self.timers.insert((forward.deadline(), id));
        self.questions.insert(id, forward);
        let (_, answer) = self.step(id, Forward::start)?;
        Some(answer)
    }

    /// Goes on with a question, and answers it if that is its end.
    fn go_on(&mut self, id: u64, step: impl FnOnce(&mut Forward, &mut World<'_>) -> Outcome) {
        if let Some((back, answer)) = self.step(id, step) {
            self.deliver(back, &answer);
        }
    }

    /// Goes on with a question. Its end is where the answer goes, and the answer.
    fn step(&mut self, id: u64, step: impl FnOnce(&mut Forward, &mut World<'_>) -> Outcome) -> Option<(Back, Vec<u8>)> {
        let mut forward = self.questions.remove(&id)?;
        self.timers.remove(&(forward.deadline(), id));
        let mut opened = Vec::new();
        let mut world = World {
            epoll: &self.epoll,
            upstreams: &mut self.upstreams,
            inside: &self.shared.inside,
            last: &mut self.last,
            opened: &mut opened,
            // Empty while questions are read, and nothing else is received then.
            buffer: &mut self.buffer,
            now: Instant::now(),
        };
        let outcome = step(&mut forward, &mut world);
        self.sockets.extend(opened.into_iter().map(|token| (token, id)));
        match outcome {
            Outcome::Waiting => {
                self.timers.insert((forward.deadline(), id));
                self.questions.insert(id, forward);
                None
            }
            Outcome::Done(reply) => Some(self.finish(id, forward, reply)),
        }
    }

    /// Makes the answer to a question, and forgets it.
    fn finish(&mut self, id: u64, mut forward: Forward, reply: Option<Vec<u8>>) -> (Back, Vec<u8>) {
        let answer = self.checked(&mut forward, reply);
        self.question_shares.give_back(&forward.asker.id);
        let back = forward.back;
        if let Back::Udp { to, .. } = back {
            let key = (to, forward.question.id);
            if self.known.get(&key) == Some(&id) {
                self.known.remove(&key);
            }
        }
        let (tokens, late) = forward.close();
        for token in tokens {
            self.sockets.remove(&token);
        }
        for late in late {
            if self.late.len() < MAX_LATE {
                self.timers.insert((late.at + LOST, late.token));
                self.late.insert(late.token, late);
            }
        }
        (back, answer)
    }

    /// Sends an answer to where the question came from, if that is still there.
    fn deliver(&mut self, back: Back, answer: &[u8]) {
        match back {
            Back::Udp { listener, to } => {
                let listener = self.listeners.get(&listener).map(|listener| &listener.socket);
                if let Some(Socket::Udp(socket)) = listener {
                    let _ = socket.send_to(answer, to);
                }
            }
            Back::Tcp { connection: token } => {
                if let Some(mut connection) = self.connections.remove(&token) {
                    connection.pending -= 1;
                    let result = connection.send(answer, Instant::now());
                    // There may be questions that had to wait.
                    let result = result.and_then(|()| self.ask_all(token, &mut connection));
                    self.keep(token, connection, result);
                }
            }
        }
    }

    /// What the asker gets: the reply as it came, but for what was changed in the question, when it may have it and it fits.
    fn checked(&self, forward: &mut Forward, reply: Option<Vec<u8>>) -> Vec<u8> {
        let question = &forward.question;
        let failure = || answer::empty(question, ResponseCode::ServFail);
        let Some(mut reply) = reply else { return failure() };
        reply::restore(&mut reply, &forward.original, question.end);
        if let Some(gate) = self.gate.as_ref().filter(|_| forward.asker.container.restricted) {
            let Some(addresses) = follow::addresses(question, &reply) else { return failure() };
            if !addresses.is_empty() && gate.open(&forward.asker.id, &question.name, &addresses, false).is_err() {
                return failure();
            }
        }
        let limit = match forward.back {
            Back::Udp { .. } => question.udp_limit(),
            Back::Tcp { .. } => return reply,
        };
        if reply.len() <= limit {
            return reply;
        }
        // What the resolver itself has cut off, so that who does not ask again by TCP has some of it.
        match forward.truncated.take() {
            Some(mut part) if part.len() <= limit => {
                reply::restore(&mut part, &forward.original, question.end);
                part
            }
            _ => answer::too_long(question),
        }
    }
}
