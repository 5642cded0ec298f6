//! Connections to the control socket.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::SendFlags;

use super::protocol::{ATTACH_STDERR, ATTACH_STDOUT, MAX_MESSAGE, kind};
use super::watch::{Token, Watch};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has not said so yet.
    New,
    Attach {
        flags: u8,
    },
    Wait,
    /// The container is paused as long as it is there.
    Hold,
    /// It waits for the exec session with this number.
    Exec {
        session: u64,
    },
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    pub socket: OwnedFd,
    pub role: Role,
    /// Output that its socket could not take. The container's output is not read until it is gone, so nothing is lost
    /// and nothing grows.
    pending: Option<Vec<u8>>,
}

/// All connections; a slot keeps its number while the connection lives.
#[derive(Debug, Default)]
pub struct Clients {
    slots: Vec<Option<Client>>,
}

/// How many connections a monitor serves at once.
const MAX_CLIENTS: usize = 256;

/// How long the last word may wait for clients that do not read.
const PATIENCE: Duration = Duration::from_secs(10);

impl Clients {
    /// Takes a new connection, unless there are too many.
    pub fn add(&mut self, watch: &Watch, socket: OwnedFd, role: Role) {
        let slot = match self.slots.iter().position(Option::is_none) {
            Some(slot) => slot,
            None if self.slots.len() < MAX_CLIENTS => {
                self.slots.push(None);
                self.slots.len() - 1
            }
            None => return,
        };
        let _ = rustix::io::ioctl_fionbio(&socket, true);
        if watch.add(&socket, Token::Client(slot as u32)).is_ok()
            && let Some(place) = self.slots.get_mut(slot)
        {
            *place = Some(Client { socket, role, pending: None });
        }
    }

    pub fn get(&self, slot: u32) -> Option<&Client> {
        self.slots.get(slot as usize)?.as_ref()
    }

    pub fn set_role(&mut self, slot: u32, role: Role) {
        if let Some(Some(client)) = self.slots.get_mut(slot as usize) {
            client.role = role;
        }
    }

    /// Whatever keeps the container paused does so no longer.
    pub fn end_holds(&mut self) {
        for client in self.slots.iter_mut().flatten().filter(|client| client.role == Role::Hold) {
            client.role = Role::New;
        }
    }

    /// Closes a connection.
    pub fn close(&mut self, watch: &Watch, slot: u32) {
        if let Some(client) = self.slots.get_mut(slot as usize).and_then(Option::take) {
            watch.remove(&client.socket);
        }
    }

    /// Sends a small packet. A client that does not read even these is dropped.
    pub fn send(&mut self, watch: &Watch, slot: u32, packet: &[u8]) {
        let Some(client) = self.get(slot) else { return };
        if rustix::net::send(&client.socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).is_err() {
            self.close(watch, slot);
        }
    }

    /// Whether any client still has to take output.
    pub fn is_behind(&self) -> bool {
        self.slots.iter().flatten().any(|c| c.pending.is_some())
    }

    /// Does not read from a client for now. What it still has to take can be sent; otherwise not even its end is watched,
    /// which would be reported again and again before it is read.
    pub fn suspend_input(&self, watch: &Watch, slot: u32) {
        match self.get(slot) {
            Some(client) if client.pending.is_some() => {
                watch.change(&client.socket, Token::Client(slot), false, true);
            }
            Some(client) => watch.remove(&client.socket),
            None => {}
        }
    }

    /// Reads again from clients whose input had to wait.
    pub fn resume_input(&self, watch: &Watch) {
        for (slot, client) in (0..).zip(&self.slots) {
            if let Some(client) = client
                && matches!(client.role, Role::Attach { .. })
            {
                watch.change(&client.socket, Token::Client(slot), true, client.pending.is_some());
            }
        }
    }

    /// Gives output to every client that attached for it. `packet` begins with its kind.
    pub fn output(&mut self, watch: &Watch, packet: &[u8]) {
        let wanted = if packet.first() == Some(&kind::STDOUT) { ATTACH_STDOUT } else { ATTACH_STDERR };
        let mut gone = Vec::new();
        for (slot, client) in (0..).zip(&mut self.slots) {
            let Some(client) = client else { continue };
            if !matches!(client.role, Role::Attach { flags } if flags & wanted != 0) {
                continue;
            }
            match rustix::net::send(&client.socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(_) => {}
                Err(Errno::AGAIN | Errno::NOBUFS) => {
                    client.pending = Some(packet.to_vec());
                    watch.change(&client.socket, Token::Client(slot), true, true);
                }
                Err(_) => gone.push(slot),
            }
        }
        for slot in gone {
            self.close(watch, slot);
        }
    }

    /// Tries again to send what a client could not take.
    pub fn flush(&mut self, watch: &Watch, slot: u32) {
        let Some(Some(client)) = self.slots.get_mut(slot as usize) else { return };
        let Some(packet) = &client.pending else { return };
        match rustix::net::send(&client.socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
            Ok(_) => {
                client.pending = None;
                watch.change(&client.socket, Token::Client(slot), true, false);
            }
            Err(Errno::AGAIN | Errno::NOBUFS) => {}
            Err(_) => self.close(watch, slot),
        }
    }

    /// Forgets output that nobody takes any more (the container has ended, and so has our patience).
    pub fn give_up_pending(&mut self) {
        for client in self.slots.iter_mut().flatten() {
            client.pending = None;
        }
    }

    /// The exit code to those who wait for an end, of a container that will run again.
    pub fn say_exit_to_waiters(&mut self, watch: &Watch, code: i32) {
        let mut packet = vec![kind::EXIT];
        packet.extend(code.to_le_bytes());
        let waiting = |slot: &Option<Client>| slot.as_ref().is_some_and(|c| c.role == Role::Wait);
        let slots: Vec<u32> = (0..).zip(&self.slots).filter(|(_, slot)| waiting(slot)).map(|(n, _)| n).collect();
        for slot in slots {
            self.send(watch, slot, &packet);
            self.close(watch, slot);
        }
    }

    /// The last word to everybody who waits for the end: the exit code.
    pub fn say_exit(&mut self, code: i32) {
        let mut packet = vec![kind::EXIT];
        packet.extend(code.to_le_bytes());
        let deadline = Instant::now() + PATIENCE;
        for client in self.slots.iter().flatten() {
            if matches!(client.role, Role::Attach { .. } | Role::Wait) {
                // The queue may be full of output that a slow client still has to read. The patience is for all of them
                // together; zero would mean for ever.
                let _ = rustix::io::ioctl_fionbio(&client.socket, false);
                let limit = Some(deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
                let _ = rustix::net::sockopt::set_socket_timeout(
                    &client.socket,
                    rustix::net::sockopt::Timeout::Send,
                    limit,
                );
                let _ = rustix::net::send(&client.socket, &packet, SendFlags::NOSIGNAL);
            }
        }
    }

    /// Receives one packet into `buffer`. `None`: nothing there now.
    pub fn receive(&self, slot: u32, buffer: &mut [u8]) -> Option<(usize, Vec<OwnedFd>)> {
        debug_assert!(buffer.len() >= MAX_MESSAGE);
        let client = self.get(slot)?;
        match crate::runtime::channel::receive(&client.socket, buffer) {
            Ok(received) => Some(received),
            Err(Errno::AGAIN) => None,
            Err(_) => Some((0, Vec::new())),
        }
    }
}
