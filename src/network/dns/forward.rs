//! One question that others are asked, until there is an answer or no more time.
//!
//! ```text
//! 0        first resolver                         each with a socket, a port, an ID and a mixture of upper and lower case
//! 0.1-0.4  the next one, and so on                of its own; the first answer that says something wins
//! 1.0      all of them again, and at 2.5
//! 4.5      SERVFAIL, before the asker gives up at 5
//! ```
//!
//! A resolver that cannot be reached or fails has the next one asked at once. "No such name" from a later one in the list
//! waits a second for an earlier one that works, which may know the name (an intranet's). A truncated answer
//! is asked for again by TCP.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::SocketType;

use super::question::Question;
use super::reply::{self, Verdict};
use super::table::Asker;
use super::upstream::Upstreams;
use super::{answer, inside};

/// When a packet is taken for lost.
pub(super) const LOST: Duration = Duration::from_secs(1);
/// When all are asked again, after the beginning.
const AGAIN: [Duration; 2] = [LOST, Duration::from_millis(2500)];
/// What resolvers in containers wait for is 5 seconds (resolv.conf(5), and musl's).
const GIVE_UP: Duration = Duration::from_millis(4500);
/// How many messages are looked at in one go of a socket: forged ones may come as fast as they are read.
const MAX_AT_ONCE: usize = 32;

/// Where an answer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Back {
    /// Through this listener, to this address.
    Udp { listener: u64, to: SocketAddr },
    /// Over this connection.
    Tcp { connection: u64 },
}

/// What a question needs of the world.
pub(super) struct World<'a> {
    pub epoll: &'a OwnedFd,
    pub upstreams: &'a mut Upstreams,
    pub inside: &'a inside::Maker,
    /// The last token that was given to a socket.
    pub last: &'a mut u64,
    /// Sockets that this question has got, for which no one else knows.
    pub opened: &'a mut Vec<u64>,
    pub buffer: &'a mut [u8],
    pub now: Instant,
}

/// A resolver, and whether it is reached from the inner namespace only.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub address: SocketAddr,
    pub inside: bool,
}

/// A question on its way.
pub(super) struct Forward {
    pub asker: Asker,
    pub back: Back,
    pub question: Question,
    /// The message as it came.
    pub original: Vec<u8>,
    /// In the order of asking.
    servers: Vec<Server>,
    attempts: Vec<Attempt>,
    /// How many servers have been asked.
    asked: usize,
    started: Instant,
    give_up: Instant,
    /// When the next server is asked.
    next: Option<Instant>,
    /// How many times all were asked again.
    again: usize,
    /// "No such name", while somebody else may know better.
    nothing: Option<Vec<u8>>,
    failure: Option<Vec<u8>>,
    /// What came by UDP of an answer that is too long for it.
    pub truncated: Option<Vec<u8>>,
}

/// One server asked in one way.
struct Attempt {
    token: u64,
    server: Server,
    /// Its place in the order.
    place: usize,
    line: Line,
    message: Vec<u8>,
    at: Instant,
}

enum Line {
    Udp(UdpSocket),
    Tcp { stream: TcpStream, output: Vec<u8>, input: Vec<u8> },
}

/// A server that another one was faster than: whether it answers at all is still good to know.
pub(super) struct Late {
    pub token: u64,
    pub server: SocketAddr,
    pub socket: UdpSocket,
    pub at: Instant,
}

/// Whether there is an answer.
#[derive(Debug)]
pub(super) enum Outcome {
    Waiting,
    /// The answer's bytes as they came. `None`: there is none.
    Done(Option<Vec<u8>>),
}

impl Forward {
    pub(super) fn new(
        asker: Asker,
        back: Back,
        question: Question,
        original: Vec<u8>,
        servers: Vec<Server>,
        patience: Duration,
        now: Instant,
    ) -> Forward {
        Forward {
            asker,
            back,
            question,
            original,
            servers,
            attempts: Vec::new(),
            asked: 0,
            started: now,
            give_up: now + patience.clamp(LOST, GIVE_UP),
            next: None,
            again: 0,
            nothing: None,
            failure: None,
            truncated: None,
        }
    }

    /// When [`Forward::time_passed`] is to be called.
    pub(super) fn deadline(&self) -> Instant {
        let waits = self.nothing.is_some().then(|| self.started + LOST);
        let again = AGAIN.get(self.again).map(|after| self.started + *after);
        [self.next, waits, again].into_iter().flatten().fold(self.give_up, Instant::min)
    }

    /// Asks the first server.
    pub(super) fn start(&mut self, world: &mut World<'_>) -> Outcome {
        self.ask_next(world)
    }

    /// Does what is due.
    pub(super) fn time_passed(&mut self, world: &mut World<'_>) -> Outcome {
        let now = world.now;
        if now >= self.give_up || self.nothing.is_some() && now >= self.started + LOST {
            return Outcome::Done(self.best());
        }
        if self.next.is_some_and(|next| now >= next) {
            return self.ask_next(world);
        }
        if AGAIN.get(self.again).is_some_and(|after| now >= self.started + *after) {
            for attempt in &self.attempts {
                if let Line::Udp(socket) = &attempt.line {
                    if self.again == 0 {
                        world.upstreams.failed(attempt.server.address, now);
                    }
                    // What is wrong shows when it is read.
                    let _ = socket.send(&attempt.message);
                }
            }
            self.again += 1;
        }
        Outcome::Waiting
    }

    /// Reads from the socket with this token.
    pub(super) fn ready(&mut self, token: u64, world: &mut World<'_>) -> Outcome {
        let Some(index) = self.attempts.iter().position(|attempt| attempt.token == token) else {
            return Outcome::Waiting;
        };
        let mut attempt = self.attempts.swap_remove(index);
        let mut room = std::mem::take(&mut world.buffer);
        let outcome = match attempt.line {
            Line::Udp(_) => self.ready_udp(attempt, room, world),
            Line::Tcp { .. } => match attempt.exchange(world.epoll, room) {
                Ok(None) => {
                    self.attempts.push(attempt);
                    Outcome::Waiting
                }
                Ok(Some(reply)) => self.take_tcp(&attempt, reply, world),
                Err(_) => self.ask_next_or_end(world),
            },
        };
        world.buffer = std::mem::take(&mut room);
        outcome
    }

    fn ready_udp(&mut self, attempt: Attempt, room: &mut [u8], world: &mut World<'_>) -> Outcome {
        let Line::Udp(socket) = &attempt.line else { return Outcome::Waiting };
        for _ in 0..MAX_AT_ONCE {
            match socket.recv(room) {
                Ok(length) => {
                    let mut reply = room.get(..length).unwrap_or_default().to_vec();
                    match self.judge(&attempt, &mut reply, world) {
                        Verdict::NotIt => {}
                        verdict => return self.take_udp(attempt, verdict, reply, world),
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                // Nobody is there (ICMP), or no way to it.
                Err(_) => {
                    world.upstreams.failed(attempt.server.address, world.now);
                    return self.ask_next_or_end(world);
                }
            }
        }
        self.attempts.push(attempt);
        Outcome::Waiting
    }

    /// Judges a reply, with patience for a server that is known to change the case of names.
    fn judge(&self, attempt: &Attempt, reply: &mut [u8], world: &World<'_>) -> Verdict {
        let end = self.question.end;
        match reply::judge(&attempt.message, end, reply) {
            Verdict::OtherCase
                if matches!(attempt.line, Line::Tcp { .. }) || world.upstreams.changes_case(attempt.server.address) =>
            {
                reply::restore(reply, &attempt.message, end);
                reply::judge(&attempt.message, end, reply)
            }
            verdict => verdict,
        }
    }

    fn take_udp(&mut self, attempt: Attempt, verdict: Verdict, reply: Vec<u8>, world: &mut World<'_>) -> Outcome {
        let server = attempt.server;
        world.upstreams.answered(server.address, world.now.duration_since(attempt.at));
        match verdict {
            Verdict::Truncated => {
                self.truncated = Some(reply);
                match self.ask(server, attempt.place, SocketType::STREAM, world) {
                    Ok(()) => {
                        // The others would say the same.
                        self.next = (self.asked < self.servers.len()).then(|| world.now + LOST);
                        Outcome::Waiting
                    }
                    Err(_) => self.ask_next_or_end(world),
                }
            }
            Verdict::OtherCase => {
                // It may be a forger, who would have to guess port and ID once more.
                world.upstreams.changed_case(server.address);
                match self.ask(server, attempt.place, SocketType::DGRAM, world) {
                    Ok(()) => Outcome::Waiting,
                    Err(_) => self.ask_next_or_end(world),
                }
            }
            verdict => self.take(&attempt, verdict, reply, world),
        }
    }

    fn take_tcp(&mut self, attempt: &Attempt, mut reply: Vec<u8>, world: &mut World<'_>) -> Outcome {
        match self.judge(attempt, &mut reply, world) {
            // Nothing is forged here, and nothing too long.
            Verdict::NotIt | Verdict::OtherCase | Verdict::Truncated => self.ask_next_or_end(world),
            verdict => self.take(attempt, verdict, reply, world),
        }
    }

    fn take(&mut self, attempt: &Attempt, verdict: Verdict, reply: Vec<u8>, world: &mut World<'_>) -> Outcome {
        match verdict {
            Verdict::Found => Outcome::Done(Some(reply)),
            Verdict::Nothing => {
                let is_better = |other: &Attempt| {
                    other.place < attempt.place && world.upstreams.works(other.server.address, world.now)
                };
                if self.attempts.iter().any(is_better) && world.now < self.started + LOST {
                    self.nothing = Some(reply);
                    Outcome::Waiting
                } else {
                    Outcome::Done(Some(reply))
                }
            }
            _ => {
                // A failure that does not repeat the question is not understood everywhere.
                let repeats = reply.get(5) == Some(&1);
                let code = ResponseCode::from_low(reply.get(3).map_or(2, |byte| byte & 0x0f));
                self.failure = Some(if repeats { reply } else { answer::empty(&self.question, code) });
                self.ask_next_or_end(world)
            }
        }
    }

    /// After one has failed.
    fn ask_next_or_end(&mut self, world: &mut World<'_>) -> Outcome {
        if self.asked < self.servers.len() {
            return self.ask_next(world);
        }
        let works = |attempt: &Attempt| world.upstreams.works(attempt.server.address, world.now);
        let nobody_else = self.attempts.is_empty() || self.nothing.is_some() && !self.attempts.iter().any(works);
        if nobody_else { Outcome::Done(self.best()) } else { Outcome::Waiting }
    }

    /// Asks the next server that can be asked.
    fn ask_next(&mut self, world: &mut World<'_>) -> Outcome {
        while let Some(&server) = self.servers.get(self.asked) {
            let place = self.asked;
            self.asked += 1;
            match self.ask(server, place, SocketType::DGRAM, world) {
                Ok(()) => {
                    let patience = world.upstreams.patience(server.address);
                    self.next = (self.asked < self.servers.len()).then(|| world.now + patience);
                    return Outcome::Waiting;
                }
                Err(_) => world.upstreams.failed(server.address, world.now),
            }
        }
        self.next = None;
        if self.attempts.is_empty() { Outcome::Done(self.best()) } else { Outcome::Waiting }
    }

    /// The best of what is no good answer.
    fn best(&mut self) -> Option<Vec<u8>> {
        let truncated = match self.back {
            Back::Udp { .. } => self.truncated.take(),
            Back::Tcp { .. } => None,
        };
        truncated.or_else(|| self.nothing.take()).or_else(|| self.failure.take())
    }

    fn ask(&mut self, server: Server, place: usize, kind: SocketType, world: &mut World<'_>) -> Result<(), Errno> {
        let mut random = [0u8; 34];
        rustix::rand::getrandom(&mut random, rustix::rand::GetRandomFlags::empty())?;
        let [id0, id1, case @ ..] = random;
        let mut message = self.original.clone();
        if let Some(id) = message.get_mut(..2) {
            id.copy_from_slice(&[id0, id1]);
        }
        if !world.upstreams.changes_case(server.address) {
            reply::mix_case(&mut message, self.question.end, &case);
        }
        let socket = if server.inside {
            world.inside.make(server.address, kind)?
        } else {
            inside::make_here(server.address, kind)?
        };
        // The kernel chooses a random port.
        match rustix::net::connect(&socket, &server.address) {
            Ok(()) => {}
            Err(Errno::INPROGRESS) if kind == SocketType::STREAM => {}
            Err(errno) => return Err(errno),
        }
        *world.last += 1;
        let token = *world.last;
        let (line, interest) = if kind == SocketType::STREAM {
            let mut output = u16::try_from(message.len()).unwrap_or(u16::MAX).to_be_bytes().to_vec();
            output.extend_from_slice(&message);
            (Line::Tcp { stream: socket.into(), output, input: Vec::new() }, EventFlags::OUT)
        } else {
            let socket = UdpSocket::from(socket);
            rustix::net::send(&socket, &message, rustix::net::SendFlags::empty())?;
            (Line::Udp(socket), EventFlags::IN)
        };
        let attempt = Attempt { token, server, place, line, message, at: world.now };
        epoll::add(world.epoll, attempt.fd(), EventData::new_u64(token), interest)?;
        world.opened.push(token);
        self.attempts.push(attempt);
        Ok(())
    }

    /// The tokens of its sockets, and those of them that somebody may still answer on.
    pub(super) fn close(self) -> (Vec<u64>, Vec<Late>) {
        let tokens = self.attempts.iter().map(|attempt| attempt.token).collect();
        let late = self.attempts.into_iter().filter_map(|attempt| match attempt.line {
            Line::Udp(socket) => {
                Some(Late { token: attempt.token, server: attempt.server.address, socket, at: attempt.at })
            }
            Line::Tcp { .. } => None,
        });
        (tokens, late.collect())
    }
}

impl Attempt {
    fn fd(&self) -> BorrowedFd<'_> {
        match &self.line {
            Line::Udp(socket) => socket.as_fd(),
            Line::Tcp { stream, .. } => stream.as_fd(),
        }
    }

    /// Writes what is left of the question, and reads what is there of the answer.
    fn exchange(&mut self, epoll: &OwnedFd, room: &mut [u8]) -> std::io::Result<Option<Vec<u8>>> {
        let Line::Tcp { stream, output, input } = &mut self.line else { return Ok(None) };
        while !output.is_empty() {
            match stream.write(output) {
                Ok(length) => {
                    output.drain(..length);
                    if output.is_empty() {
                        epoll::modify(epoll, &*stream, EventData::new_u64(self.token), EventFlags::IN)?;
                    }
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        loop {
            if let Some((prefix, rest)) = input.split_first_chunk::<2>()
                && let Some(reply) = rest.get(..u16::from_be_bytes(*prefix).into())
            {
                return Ok(Some(reply.to_vec()));
            }
            match stream.read(room) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(length) => input.extend_from_slice(room.get(..length).unwrap_or_default()),
                Err(e) if e.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}
