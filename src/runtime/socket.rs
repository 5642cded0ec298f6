//! Sockets that a process is found at: SOCK_SEQPACKET, by name in a directory. They are reached through a descriptor of
//! that directory, as its path may be longer than a socket's address can be.

use std::os::fd::{AsRawFd as _, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use crate::error::{Context as _, Result};
use crate::storage::fs;

/// Listens on a new socket, which does not block; what was there before is removed.
pub fn listen(dir: &Path, name: &str, backlog: i32) -> Result<OwnedFd> {
    let failed = || format!("listening on `{}`", dir.join(name).display());
    let parent = open(dir).with_context(failed)?;
    fs::remove_file_if_exists(&dir.join(name))?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).with_context(failed)?;
    rustix::net::bind(&socket, &address(&parent, name).with_context(failed)?).with_context(failed)?;
    rustix::net::listen(&socket, backlog).with_context(failed)?;
    Ok(socket)
}

/// Connects to it; `None` when nobody listens there.
pub fn connect(dir: &Path, name: &str) -> rustix::io::Result<Option<OwnedFd>> {
    let parent = match open(dir) {
        Err(Errno::NOENT) => return Ok(None),
        parent => parent?,
    };
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    match rustix::net::connect(&socket, &address(&parent, name)?) {
        Ok(()) => Ok(Some(socket)),
        Err(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
        Err(errno) => Err(errno),
    }
}

fn open(dir: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn address(dir: &OwnedFd, name: &str) -> rustix::io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(format!("/proc/self/fd/{}/{name}", dir.as_raw_fd()))
}
