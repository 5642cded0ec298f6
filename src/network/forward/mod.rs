//! Published ports of containers on bridge networks: listening sockets of the host's, served in the anchor's inner namespace.
//!
//! ```text
//! monitor, in the host's namespace      bind     a socket for each port, before the container starts; kept as long as it lives
//!     the anchor gets copies            change   after `port add` and `port rm`: what stands is kept
//! anchor, in the inner namespace        Forwarder::start, set, remove
//!     a thread or more (worker), each with connections of its own; whoever is idle takes the next caller
//!         tcp, way, pipes               a connection to the container for each that is accepted; bytes both ways
//!         udp                           a socket for each caller
//!     source                            whom the container sees as the caller
//! ```
//!
//! The container sees the caller's own address where that means something to it: the thread's sockets are transparent
//! (IP_TRANSPARENT), bound to addresses of others. Answers to these come back to the inner namespace because it is the
//! container's gateway, and into those sockets because of the rule and route that the anchor makes:
//!
//! ```text
//! nft  prerouting: socket transparent 1 meta mark set 0x80000000
//! ip   rule fwmark 0x80000000/0x80000000 lookup 100; local default dev lo table 100
//! ```
//!
//! The sockets themselves carry no mark: the rule would lead what they send into this namespace instead of out of it.
//!
//! Nothing here ever connects to anything but the addresses of [`Target`].

mod bind;
mod pipes;
mod source;
mod table;
mod tcp;
#[cfg(test)]
mod tests;
mod udp;
mod way;
mod worker;

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, eventfd};

pub use bind::{Listener, bind, change};
pub use source::Target;

use crate::error::{Context as _, Error, Result};
use crate::network::ports::Protocol;
use crate::sys;

/// The kernel's own work is done in the callers' and the containers' processes too.
const MOST_THREADS: usize = 4;

/// The threads that serve the published ports of all containers. They end when this is dropped.
#[derive(Debug)]
pub struct Forwarder {
    workers: Vec<Handle>,
}

/// One thread.
#[derive(Debug)]
struct Handle {
    commands: Sender<Command>,
    wake: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
enum Command {
    Set { id: String, target: Target, listeners: Vec<Listener>, reply: SyncSender<Result<()>> },
    Remove { id: String, reply: SyncSender<()> },
    End,
}

impl Forwarder {
    /// Starts the threads, one for each processor but few, in the network namespace of the thread that calls, which should own it. Raises the limit of open
    /// descriptors.
    pub fn start() -> Result<Forwarder> {
        sys::net::raise_descriptor_limit();
        allow_many_connections();
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().min(MOST_THREADS));
        Forwarder::spawn(threads)
    }

    fn spawn(threads: usize) -> Result<Forwarder> {
        Ok(Forwarder { workers: (0..threads).map(|_| Handle::start(threads)).collect::<Result<_>>()? })
    }
    /// Serves these ports of a container, and no others of it. A socket that it has already (the same one of the kernel's,
    /// whatever its descriptor) is kept with its connections; those of ports that are gone, and all of them when the
    /// container's addresses have changed, are closed.
    pub fn set(&self, id: &str, target: Target, listeners: Vec<Listener>) -> Result<()> {
        let mut result = Ok(());
        for (n, worker) in self.workers.iter().enumerate() {
            // Each caller of UDP belongs to one thread, so that is the first one for all.
            let mine = listeners.iter().filter(|listener| n == 0 || listener.protocol == Protocol::Tcp);
            let (reply, answer) = sync_channel(1);
            let listeners = mine.cloned().collect();
            let set = Command::Set { id: id.to_owned(), target: target.clone(), listeners, reply };
            result = result.and(worker.ask(set, &answer)?);
        }
        result
    }

    /// Serves no ports of it any more, and closes all of its connections.
    pub fn remove(&self, id: &str) {
        for worker in &self.workers {
            let (reply, answer) = sync_channel(1);
            // If the thread has ended, nothing is left to be removed.
            let _ = worker.ask(Command::Remove { id: id.to_owned(), reply }, &answer);
        }
    }
}

impl Handle {
    fn start(threads: usize) -> Result<Handle> {
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let wake = Arc::new(eventfd(0, flags).context("creating an eventfd")?);
        let (commands, received) = channel();
        let worker = worker::Worker::new(wake.clone(), received, threads)?;
        let thread = std::thread::Builder::new().name("ports".to_owned()).stack_size(256 << 10);
        let thread = thread.spawn(move || worker.run()).context("starting a thread for published ports")?;
        Ok(Handle { commands, wake, thread: Some(thread) })
    }

    fn ask<T>(&self, command: Command, answer: &Receiver<T>) -> Result<T> {
        let ended = || Error::new("the thread for published ports has ended");
        self.commands.send(command).map_err(|_| ended())?;
        self.ring();
        answer.recv().map_err(|_| ended())
    }

    fn ring(&self) {
        let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::End);
        self.ring();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Connections to one port of one container differ by the gateway's port only. Allows all of these, and to use them again
/// a second after they were closed.
fn allow_many_connections() {
    // If it cannot be, there are 28,000 in a minute.
    let _ = std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
    let _ = std::fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
}
