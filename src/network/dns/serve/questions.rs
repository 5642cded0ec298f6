//! One message: decided on, asked of others, answered.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;

use super::{MAX_LATE, Server, Socket};
use crate::network::dns::forward::{Back, Forward, LOST, Outcome, Server as Resolver, World};
use crate::network::dns::local::{self, Decision};
use crate::network::dns::question::{Bad, HEADER, Question};
use crate::network::dns::share::Room;
use crate::network::dns::table::{Asker, Way};
use crate::network::dns::{Gate, answer, follow, reply};

impl Server {
    /// Takes one message. The answer, if there is one at once (empty for none at all); `None` if it comes later, or by UDP never.
    pub(super) fn take(&mut self, message: &[u8], from: IpAddr, over: &Arc<str>, back: Back) -> Option<Vec<u8>> {
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
                let gate = (asker.container.restricted && !found.itself).then_some(&self.gate);
                let may =
                    |gate: &Arc<dyn Gate>| gate.may_meet(&asker.id, &found.addresses) || gate.may_ask(&asker.id, &name);
                if gate.is_some_and(|gate| !may(gate)) {
                    return Some(answer::prohibited(&question));
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
            Decision::Pointer { name, id, address } => {
                // Who may not reach a neighbour need not know who it is.
                let may = || {
                    let gate = &self.gate;
                    let own = asker.container.networks.iter().any(|network| network.addresses.contains(&address));
                    own || gate.may_meet(&asker.id, &[address]) || gate.may_ask(&asker.id, &name.to_ascii_lowercase())
                };
                if asker.container.restricted && !may() {
                    return Some(answer::prohibited(&question));
                }
                Some(answer::records(&question, answer::pointers(&name, &id), limit))
            }
            Decision::Ask(way) => {
                if asker.container.restricted && !self.gate.may_ask(&asker.id, &question.name) {
                    return Some(answer::prohibited(&question));
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
    pub(super) fn forward(
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
    pub(super) fn go_on(&mut self, id: u64, step: impl FnOnce(&mut Forward, &mut World<'_>) -> Outcome) {
        if let Some((back, answer)) = self.step(id, step) {
            self.deliver(back, &answer);
        }
    }

    /// Goes on with a question. Its end is where the answer goes, and the answer.
    pub(super) fn step(
        &mut self,
        id: u64,
        step: impl FnOnce(&mut Forward, &mut World<'_>) -> Outcome,
    ) -> Option<(Back, Vec<u8>)> {
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
    pub(super) fn finish(&mut self, id: u64, mut forward: Forward, reply: Option<Vec<u8>>) -> (Back, Vec<u8>) {
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
    pub(super) fn deliver(&mut self, back: Back, answer: &[u8]) {
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
    pub(super) fn checked(&self, forward: &mut Forward, reply: Option<Vec<u8>>) -> Vec<u8> {
        let question = &forward.question;
        let failure = || answer::empty(question, ResponseCode::ServFail);
        let Some(mut reply) = reply else { return failure() };
        reply::restore(&mut reply, &forward.original, question.end);
        if forward.asker.container.restricted {
            let Some(addresses) = follow::addresses(question, &reply) else { return failure() };
            if !addresses.is_empty() && self.gate.open(&forward.asker.id, &question.name, &addresses, false).is_err() {
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
