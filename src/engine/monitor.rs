//! Talking to the monitor of a container.

use std::io::IoSliceMut;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::net::RecvFlags;

use crate::error::{Context, Error, Result};
use crate::monitor::protocol::kind;
use crate::runtime::{channel, socket};
use crate::storage::Roots;

/// Connects to the monitor of the container; `None` when there is none.
pub fn connect(roots: &Roots, id: &str) -> Result<Option<OwnedFd>> {
    socket::connect(&roots.run_container(id), "ctl")
        .with_context(|| format!("connecting to the monitor of container `{id}`"))
}

/// How long a monitor may take to answer. It answers at once unless it hangs in the kernel with its container, on a file
/// system that does not answer.
const ANSWER_DEADLINE: Duration = Duration::from_secs(10);

/// Kills a monitor that does not answer, and with it what it started.
pub fn kill_monitor(roots: &Roots, id: &str) {
    let path = roots.run_container(id).join("lock");
    let Ok(lock) = std::fs::File::open(&path) else { return };
    let written = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
    let Some(pid) = written.and_then(rustix::process::Pid::from_raw) else { return };
    let Ok(pidfd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return };
    // Looked at afterwards, so that it is this one that holds it.
    if crate::sys::lock::is_held(&lock) {
        let _ = crate::sys::process::pidfd_kill(&pidfd, libc::SIGKILL);
    }
}

/// Sends a signal to the container's PID 1. `by_user`: the restart policy is not to bring it back.
///
/// # Errors
/// The inner one is the monitor's errno.
pub fn kill(roots: &Roots, id: &str, signal: i32, by_user: bool) -> Result<std::result::Result<(), i32>> {
    let mut packet = vec![kind::KILL];
    packet.extend(signal.to_le_bytes());
    packet.push(u8::from(by_user));
    request(roots, id, &packet)
}

/// Sends one request that is answered with an errno.
pub fn request(roots: &Roots, id: &str, packet: &[u8]) -> Result<std::result::Result<(), i32>> {
    match connect(roots, id)? {
        Some(socket) => ask(&socket, packet),
        None => Ok(Err(libc::ESRCH)),
    }
}

fn ask(socket: &OwnedFd, packet: &[u8]) -> Result<std::result::Result<(), i32>> {
    let mut buffer = [0; 6 * 1024];
    let mut answer = channel::send(socket, packet, &[]).map(|()| (0, Vec::new()));
    if answer.is_ok() {
        if !readable(socket.as_fd(), Some(ANSWER_DEADLINE))? {
            return Ok(Err(libc::ETIMEDOUT));
        }
        answer = channel::receive(socket, &mut buffer);
    }
    let length = match answer {
        Ok((length, _)) => length,
        // It ended before it came to this request.
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => 0,
        Err(errno) => return Err(Error::from(errno).wrap("sending a request to the monitor")),
    };
    match buffer.get(..length).and_then(<[u8]>::split_first) {
        Some((&kind::DONE, payload)) => {
            let errno = payload.get(..4).and_then(|b| b.try_into().ok()).map_or(libc::EIO, i32::from_le_bytes);
            Ok(if errno == 0 { Ok(()) } else { Err(errno) })
        }
        Some((&kind::FAILED, payload)) => Err(channel::decode_error(payload)),
        // It ended just now.
        _ => Ok(Err(libc::ESRCH)),
    }
}

/// A container that stands still: at the latest when this process ends, however it does, it goes on.
#[derive(Debug)]
pub struct Held(#[expect(dead_code, reason = "closing it is what it is for")] OwnedFd);

/// Pauses a container, which lasts no longer than what is returned.
///
/// # Errors
/// The inner one is the monitor's errno.
pub fn hold(roots: &Roots, id: &str) -> Result<std::result::Result<Held, i32>> {
    let Some(socket) = connect(roots, id)? else { return Ok(Err(libc::ESRCH)) };
    Ok(ask(&socket, &[kind::PAUSE, 1])?.map(|()| Held(socket)))
}

/// A connection on which the monitor tells the end of the container.
#[derive(Debug)]
pub struct Waiter(OwnedFd);

/// How waiting ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The container has ended and has been cleaned up.
    Ended(i32),
    /// The deadline has passed.
    TimedOut,
    /// The monitor is gone without a word.
    Lost,
}

/// Begins to wait; `None` when there is no monitor.
pub fn waiter(roots: &Roots, id: &str) -> Result<Option<Waiter>> {
    let Some(socket) = connect(roots, id)? else { return Ok(None) };
    match channel::send(&socket, &[kind::WAIT], &[]) {
        Ok(()) => Ok(Some(Waiter(socket))),
        Err(rustix::io::Errno::PIPE | rustix::io::Errno::CONNRESET) => Ok(None),
        Err(errno) => Err(Error::from(errno).wrap("sending a request to the monitor")),
    }
}

impl Waiter {
    /// Waits until the end, or until `timeout` is over.
    pub fn wait(&self, timeout: Option<Duration>) -> Result<Waited> {
        if !readable(self.0.as_fd(), timeout)? {
            return Ok(Waited::TimedOut);
        }
        let mut buffer = [0; 64];
        let mut space = [IoSliceMut::new(&mut buffer)];
        let received = rustix::net::recvmsg(&self.0, &mut space, &mut Default::default(), RecvFlags::empty());
        let length = received.map_or(0, |r| r.bytes);
        match buffer.get(..length).and_then(<[u8]>::split_first) {
            Some((&kind::EXIT, payload)) => {
                Ok(Waited::Ended(payload.get(..4).and_then(|b| b.try_into().ok()).map_or(0, i32::from_le_bytes)))
            }
            _ => Ok(Waited::Lost),
        }
    }
}

/// Waits until something can be read. `false`: the time is over.
pub fn readable(fd: BorrowedFd<'_>, timeout: Option<Duration>) -> Result<bool> {
    let deadline = timeout.map(|t| Instant::now() + t);
    loop {
        let left = deadline.map(|at| {
            let left = at.saturating_duration_since(Instant::now());
            rustix::event::Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        match rustix::event::poll(&mut [PollFd::new(&fd, PollFlags::IN)], left.as_ref()) {
            Ok(0) => return Ok(false),
            Ok(_) => return Ok(true),
            Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(Error::from(errno).wrap("waiting for the monitor")),
        }
    }
}

/// Lets the monitor of a running container read `network.json` again, and waits until the container is connected as it
/// says.
///
/// # Errors
/// What the network anchor refused (nothing has changed then); the container does not run.
pub fn network_changed(roots: &Roots, id: &str) -> Result<()> {
    request(roots, id, &[kind::NETWORK])?.map_err(|errno| {
        let error = Error::from(rustix::io::Errno::from_raw_os_error(errno));
        error.wrap(format!("changing the networks of container `{id}`"))
    })
}
