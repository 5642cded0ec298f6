//! The monitor's side of bridge networks: one connection to the network anchor, whose end is the end of the container's
//! network.
//!
//! ```text
//! start     begin   "attach", while the container's process does its mounts
//!           finish  "connected": addresses for the state and for /etc/hosts
//! later     'N' on the control socket: network.json has changed; what it wants now goes over the same connection
//!           the connection ends (the anchor was killed): another anchor is found or started, and asked for the same
//! stop      the connection is closed
//! ```

use std::fs::File;
use std::net::IpAddr;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use super::config::Config;
use super::life::Life;
use super::watch::{Token, Watch};
use crate::container::network::{Interface, Wanted};
use crate::error::{Context as _, Error, Result};
use crate::network::anchor::Place;
use crate::network::anchor::client::{self, Client};
use crate::network::anchor::protocol::{self, Attach, Connected};
use crate::network::files;
use crate::network::forward::{self, Listener};
use crate::storage::Roots;
use crate::storage::atomic::Durability;

/// How often a start begins anew because the anchor went away meanwhile.
const ATTEMPTS: usize = 5;
/// The first pause before a lost connection is made again, and the longest. Many monitors lose theirs at once: each adds
/// up to as much again.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// A container's networks.
#[derive(Debug)]
pub struct Bridges {
    place: Place,
    /// The container's directory.
    dir: PathBuf,
    /// The container's first process.
    pid: i32,
    /// Names in /etc/hosts.
    names: [String; 2],
    client: Option<Client>,
    /// Published ports. The anchor has copies: these keep callers waiting while there is none.
    listeners: Vec<Listener>,
    /// What the container has, or had before the connection was lost.
    interfaces: Vec<Interface>,
    /// This connection has connected the container.
    attached: bool,
    /// An answer is awaited; `again`: and what is wanted has changed since it was asked for.
    asked: bool,
    again: bool,
    /// Connections to the control socket that wait for the answer.
    waiting: Vec<u32>,
    retry_at: Option<Instant>,
    pause: Duration,
}

impl Bridges {
    /// Asks for what the container wants. `had`: how it was connected when it ran before.
    pub fn begin(config: &Config, roots: &Roots, pid: i32, had: Vec<Interface>) -> Result<Bridges> {
        let place = config.anchor.clone();
        let place = place.ok_or_else(|| Error::new("the monitor was not told where networks are"))?;
        let mut bridges = Bridges {
            place,
            dir: roots.container(&config.id),
            pid,
            names: [String::new(), String::new()],
            client: None,
            listeners: Vec::new(),
            interfaces: had,
            attached: false,
            asked: false,
            again: false,
            waiting: Vec::new(),
            retry_at: None,
            pause: FIRST_PAUSE,
        };
        bridges.client = Some(client::connect_or_start(&bridges.place)?);
        bridges.ask()?;
        Ok(bridges)
    }

    /// Waits for the answer. How the container is connected.
    pub fn finish(&mut self, deadline: Instant) -> Result<&[Interface]> {
        for _ in 0..ATTEMPTS {
            let Some(client) = &self.client else { break };
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: left.subsec_nanos().into(),
            };
            match rustix::event::poll(&mut [PollFd::new(client, PollFlags::IN)], Some(&timeout)) {
                Ok(0) => return Err(Error::new("the network anchor does not answer")),
                Ok(_) => {}
                Err(rustix::io::Errno::INTR) => continue,
                Err(errno) => return Err(Error::from(errno).wrap("waiting for the network anchor")),
            }
            match client.connected()? {
                Some(answer) => {
                    self.connected(answer?)?;
                    return Ok(&self.interfaces);
                }
                // It was about to end.
                None => {
                    self.client = Some(client::connect_or_start(&self.place)?);
                    self.ask()?;
                }
            }
        }
        Err(Error::new("the network anchor ends again and again"))
    }

    /// Sends what network.json says over the connection.
    fn ask(&mut self) -> Result<()> {
        let Some(client) = &self.client else { return Ok(()) };
        let wanted = Wanted::read(&self.dir)?;
        let wanted = wanted.ok_or_else(|| Error::new("nothing says which networks the container is to have"))?;
        self.names = [wanted.hostname.clone(), wanted.name.clone()];
        let path = format!("/proc/{}/ns/net", self.pid);
        let namespace = File::open(&path).with_context(|| format!("opening `{path}`"))?;
        forward::change(&mut self.listeners, &wanted.ports)?;
        let listeners = protocol::runs(&self.listeners);
        let sockets: Vec<BorrowedFd<'_>> = self.listeners.iter().map(|l| l.socket.as_fd()).collect();
        let location = self.place.location.clone();
        let attach = Attach { wanted, location, dir: self.dir.clone(), had: self.interfaces.clone(), listeners };
        client.attach(attach, namespace.as_fd(), &sockets)?;
        self.asked = true;
        self.again = false;
        Ok(())
    }

    /// Whether the container's first process still has its namespaces.
    fn has_namespace(&self) -> bool {
        Path::new(&format!("/proc/{}/ns/net", self.pid)).exists()
    }

    /// Takes an answer: /etc/hosts says what has changed.
    fn connected(&mut self, connected: Connected) -> Result<()> {
        (self.attached, self.asked) = (true, false);
        self.pause = FIRST_PAUSE;
        let addresses = |interfaces: &[Interface]| -> Vec<IpAddr> {
            interfaces.iter().flat_map(|interface| interface.addresses.iter().map(|(ip, _)| *ip)).collect()
        };
        let before = addresses(&self.interfaces);
        self.interfaces = connected.interfaces;
        let now = addresses(&self.interfaces);
        let [hostname, name] = &self.names;
        files::set_addresses(&self.dir, &before, &now, &[hostname, name])
    }

    /// What the connection is watched for.
    pub fn watch(&self, watch: &Watch) -> Result<()> {
        self.client.as_ref().map_or(Ok(()), |client| watch.add(client, Token::Network))
    }

    /// Ends the container's network, and lets those go who wait; how it was connected.
    pub fn end(mut self, watch: &Watch) -> Vec<Interface> {
        if let Some(client) = self.client.as_ref().filter(|_| !self.listeners.is_empty()) {
            client.detach();
        }
        self.forget(watch);
        self.interfaces
    }

    fn forget(&mut self, watch: &Watch) {
        if let Some(client) = self.client.take() {
            watch.remove(&client);
        }
        (self.attached, self.asked) = (false, false);
    }

    /// The connection is lost: when to look for another anchor.
    fn lost(&mut self, watch: &Watch) {
        self.forget(watch);
        // The PID spreads the monitors as well as chance does.
        let spread = self.pause * (self.pid.unsigned_abs() % 64) / 64;
        self.retry_at = Some(Instant::now() + self.pause + spread);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }
}

impl Life {
    /// When a lost connection to the network anchor is to be made again.
    pub(super) fn network_retry(&self) -> Option<Instant> {
        self.bridges()?.retry_at
    }

    fn bridges(&self) -> Option<&Bridges> {
        self.container.as_ref()?.bridges.as_ref()
    }

    /// That time has come.
    pub(super) fn reconnect(&mut self) {
        let Some(bridges) = self.container.as_mut().and_then(|container| container.bridges.as_mut()) else { return };
        bridges.retry_at = None;
        let mut attempt = || -> Result<bool> {
            let Some(client) = client::try_connect_or_start(&bridges.place)? else { return Ok(false) };
            bridges.client = Some(client);
            bridges.ask()?;
            bridges.watch(&self.watch)?;
            Ok(true)
        };
        if !matches!(attempt(), Ok(true)) {
            bridges.lost(&self.watch);
        }
    }

    /// network.json has changed. The answer goes to this client.
    pub(super) fn network_changed(&mut self, slot: u32) {
        let Some(container) = self.container.as_mut().filter(|container| container.ended.is_none()) else {
            // It is about to be started again, and reads the file then.
            return self.answer(slot, Ok(()));
        };
        let Some(bridges) = container.bridges.as_mut() else {
            return self.refuse(slot, &Error::new("the container has no bridge network: container state improper"));
        };
        bridges.waiting.push(slot);
        if bridges.asked {
            bridges.again = true;
        } else if bridges.client.is_some() {
            if let Err(error) = bridges.ask() {
                // It has ended just now, and reads the file if it is started again.
                let ended = !bridges.has_namespace();
                self.tell_waiting(&if ended { Ok(()) } else { Err(error) });
            }
        } else {
            self.reconnect();
        }
    }

    /// The network anchor has said something, or has ended.
    pub(super) fn network_spoke(&mut self) {
        let Some(bridges) = self.container.as_mut().and_then(|container| container.bridges.as_mut()) else { return };
        let Some(client) = &bridges.client else { return };
        match client.connected() {
            Ok(Some(Ok(connected))) => {
                let mut result = bridges.connected(connected);
                self.state.network.clone_from(&bridges.interfaces);
                if bridges.again {
                    match bridges.ask() {
                        Ok(()) => return,
                        Err(error) => result = Err(error),
                    }
                }
                let changed = !bridges.waiting.is_empty() && result.is_ok();
                self.save(Durability::Process);
                if changed {
                    self.copy_networks();
                }
                self.tell_waiting(&result);
            }
            Ok(Some(Err(error))) => {
                bridges.asked = false;
                // What is wanted now can perhaps be had.
                if bridges.again && bridges.ask().is_ok() {
                    return;
                }
                if !bridges.attached {
                    // Another has an address now, a network is gone, or nothing leads out: that may change.
                    bridges.lost(&self.watch);
                }
                self.tell_waiting(&Err(error));
            }
            Ok(None) | Err(_) => bridges.lost(&self.watch),
        }
    }

    /// Lets the record say what `network.json` says: whoever changed that may have been killed before.
    pub(super) fn copy_networks(&self) {
        if self.config.anchor.is_some() {
            let _ = self.store.copy_networks(&self.config.id);
        }
    }

    fn tell_waiting(&mut self, result: &Result<()>) {
        let Some(bridges) = self.container.as_mut().and_then(|container| container.bridges.as_mut()) else { return };
        for slot in std::mem::take(&mut bridges.waiting) {
            match result {
                Ok(()) => self.answer(slot, Ok(())),
                Err(error) => self.refuse(slot, error),
            }
        }
    }
}
