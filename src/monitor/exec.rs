//! Further processes in the container, on behalf of clients.

use std::os::fd::{AsFd as _, OwnedFd};

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags};

use super::client::{Clients, Role};
use super::protocol::kind;
use super::watch::{Token, Watch};
use crate::error::{Context, Error, Result};
use crate::runtime::child::join::Container;
use crate::runtime::spawn::Report;
use crate::runtime::{channel, child, spawn};
use crate::sys::process::{self, Forked};

/// A process that a client asked for.
#[derive(Debug)]
struct Session {
    pid: i32,
    /// Never used again, unlike the slot of a client that has gone.
    number: u64,
    client: u32,
    /// Open until the exec has succeeded or failed.
    channel: Option<OwnedFd>,
    failed: bool,
}

/// All processes that clients asked for.
#[derive(Debug, Default)]
pub struct Sessions {
    list: Vec<Option<Session>>,
    last: u64,
}

impl Session {
    /// The client that asked for it, unless it is gone and the slot is perhaps another's.
    fn client(&self, clients: &Clients) -> Option<u32> {
        let own = Role::Exec { session: self.number };
        clients.get(self.client).filter(|c| c.role == own).map(|_| self.client)
    }
}

impl Sessions {
    /// Begins a process; its client hears how it goes.
    pub fn begin(
        &mut self,
        watch: &Watch,
        clients: &mut Clients,
        client: u32,
        request: &[u8],
        container: Container<'_>,
        streams: Vec<OwnedFd>,
    ) {
        self.last += 1;
        let number = self.last;
        clients.set_role(client, Role::Exec { session: number });
        match start(request, container, streams) {
            Ok((pid, channel)) => {
                let slot = self.list.iter().position(Option::is_none).unwrap_or_else(|| {
                    self.list.push(None);
                    self.list.len() - 1
                });
                let _ = watch.add(&channel, Token::Exec(slot as u32));
                if let Some(place) = self.list.get_mut(slot) {
                    *place = Some(Session { pid, number, client, channel: Some(channel), failed: false });
                }
            }
            Err(error) => say_failed(watch, clients, client, &error),
        }
    }

    /// The child of session `slot` said something, or that of its predecessor did: then nothing is waited for.
    pub fn hear(&mut self, watch: &Watch, clients: &mut Clients, slot: u32) {
        let Some(Some(Session { channel: Some(channel), .. })) = self.list.get(slot as usize) else { return };
        let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        if matches!(rustix::event::poll(&mut [PollFd::new(channel, PollFlags::IN)], Some(&now)), Ok(1..)) {
            self.read(watch, clients, slot);
        }
    }

    /// Waits for the next packet of a session's child.
    fn read(&mut self, watch: &Watch, clients: &mut Clients, slot: u32) {
        let Some(Some(session)) = self.list.get_mut(slot as usize) else { return };
        let Some(channel) = &session.channel else { return };
        match spawn::read_report(channel) {
            Report::Ready { .. } => {}
            Report::Failed(error) => {
                session.failed = true;
                if let Some(client) = session.client(clients) {
                    say_failed(watch, clients, client, &error);
                }
            }
            Report::Closed => {
                if let Some(channel) = session.channel.take() {
                    watch.remove(&channel);
                }
                if !session.failed
                    && let Some(client) = session.client(clients)
                {
                    let mut packet = vec![kind::PID];
                    packet.extend(session.pid.to_le_bytes());
                    clients.send(watch, client, &packet);
                }
            }
        }
    }

    /// A child of the monitor has ended. Whether it was one of these.
    pub fn ended(&mut self, watch: &Watch, clients: &mut Clients, pid: i32, code: i32) -> bool {
        let Some(slot) = self.list.iter().position(|s| s.as_ref().is_some_and(|s| s.pid == pid)) else { return false };
        // What it said before it ended comes first.
        while self.list.get(slot).is_some_and(|s| s.as_ref().is_some_and(|s| s.channel.is_some())) {
            self.read(watch, clients, slot as u32);
        }
        if let Some(session) = self.list.get_mut(slot).and_then(Option::take)
            && !session.failed
            && let Some(client) = session.client(clients)
        {
            let mut packet = vec![kind::EXIT];
            packet.extend(code.to_le_bytes());
            clients.send(watch, client, &packet);
            clients.close(watch, client);
        }
        true
    }
}

fn say_failed(watch: &Watch, clients: &mut Clients, client: u32, error: &Error) {
    let mut packet = vec![kind::FAILED];
    packet.extend(channel::encode_error(error));
    clients.send(watch, client, &packet);
    clients.close(watch, client);
}

/// The PID of the new process, and the channel on which it tells how its exec goes.
///
/// A process cannot leave a PID namespace that it has joined, so a child joins it, and makes the process as its sibling.
fn start(request: &[u8], container: Container<'_>, streams: Vec<OwnedFd>) -> Result<(i32, OwnedFd)> {
    let (ours, theirs) = channel::pair()?;
    match process::fork().context("forking")? {
        Forked::Child => {
            let own_pids = container.namespaces & libc::CLONE_NEWPID as u64 != 0;
            let entered = if own_pids { nix::sched::setns(container.init, CloneFlags::CLONE_NEWPID) } else { Ok(()) };
            let joined = entered
                .context("joining the container's PID namespace")
                .and_then(|()| process::clone_sibling(0).context("forking"));
            match joined {
                Ok(Forked::Child) => child::join::start(request, container, streams, theirs.as_fd()),
                Ok(Forked::Parent(sibling)) => {
                    let mut packet = vec![b'C'];
                    packet.extend(sibling.pid.to_le_bytes());
                    let _ = channel::send(&theirs, &packet, &[]);
                    process::exit_now(0)
                }
                Err(error) => {
                    let mut packet = vec![b'E'];
                    packet.extend(channel::encode_error(&error));
                    let _ = channel::send(&theirs, &packet, &[]);
                    process::exit_now(1)
                }
            }
        }
        Forked::Parent(_) => {
            drop(theirs);
            let pid = spawn::read_pid(&ours)?;
            Ok((pid, ours))
        }
    }
}
