//! Connections of containers: accepted, served, closed.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use rustix::event::epoll::{self, EventData, EventFlags};

use super::{MAX_AT_ONCE, Server};
use crate::network::dns::connection::Connection;
use crate::network::dns::forward::Back;
use crate::network::dns::share::Room;

impl Server {
    /// Accepts connections of containers.
    pub(super) fn accept(&mut self, socket: &TcpListener, network: &Arc<str>) {
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
    pub(super) fn close_one_of(&mut self, id: &str) {
        let oldest = self.connections.iter().filter(|(_, c)| *c.id == *id).map(|(&token, _)| token).min();
        if let Some(connection) = oldest.and_then(|token| self.connections.remove(&token)) {
            self.connection_shares.give_back(&connection.id);
        }
    }

    /// Reads questions that came over a connection, and writes answers.
    pub(super) fn serve(&mut self, token: u64, mut connection: Connection, flags: EventFlags) {
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
    pub(super) fn ask_all(&mut self, token: u64, connection: &mut Connection) -> std::io::Result<()> {
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
    pub(super) fn keep(&mut self, token: u64, connection: Connection, result: std::io::Result<()>) {
        let data = EventData::new_u64(token);
        let usable = result.is_ok() && !connection.is_done();
        if usable && epoll::modify(&self.epoll, connection.stream(), data, connection.interest()).is_ok() {
            self.connections.insert(token, connection);
        } else {
            self.connection_shares.give_back(&connection.id);
        }
    }
}
