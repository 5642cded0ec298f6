//! Sockets of the inner network namespace for resolvers that are containers themselves.
//!
//! A thread stays in the namespace that its starter was in, and makes sockets when it is asked. There is none until a
//! network or a container has servers of its own.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::lock;
use crate::error::{Context as _, Result};

/// Where to ask for sockets; nowhere at first.
#[derive(Default)]
pub(super) struct Maker(Mutex<Option<Ends>>);

struct Ends {
    wanted: Sender<(AddressFamily, SocketType)>,
    made: Receiver<Result<OwnedFd, Errno>>,
}

impl Maker {
    /// Starts the thread, in the namespace of the calling one, unless it is there.
    pub(super) fn start(&self) -> Result<()> {
        let mut ends = lock(&self.0);
        if ends.is_none() {
            let (wanted, wishes) = channel();
            let (results, made) = channel();
            let work = move || {
                // It ends with the sender.
                while let Ok((family, kind)) = wishes.recv() {
                    if results.send(socket(family, kind)).is_err() {
                        break;
                    }
                }
            };
            std::thread::Builder::new()
                .name("dns-inside".into())
                .stack_size(64 << 10)
                .spawn(work)
                .context("starting a thread for DNS servers on bridges")?;
            *ends = Some(Ends { wanted, made });
        }
        Ok(())
    }

    /// A socket of the inner namespace, non-blocking.
    pub(super) fn make(&self, to: SocketAddr, kind: SocketType) -> Result<OwnedFd, Errno> {
        let ends = lock(&self.0);
        let Some(ends) = ends.as_ref() else { return Err(Errno::NETUNREACH) };
        ends.wanted.send((family(to), kind)).map_err(|_| Errno::NETUNREACH)?;
        ends.made.recv().map_err(|_| Errno::NETUNREACH)?
    }
}

/// A socket of the calling thread's namespace, non-blocking.
pub(super) fn make_here(to: SocketAddr, kind: SocketType) -> Result<OwnedFd, Errno> {
    socket(family(to), kind)
}

fn socket(family: AddressFamily, kind: SocketType) -> Result<OwnedFd, Errno> {
    socket_with(family, kind, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)
}

fn family(to: SocketAddr) -> AddressFamily {
    if to.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}
