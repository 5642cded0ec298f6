//! One epoll, with tokens for what the monitor waits for.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::epoll::{self, EventData, EventFlags};

use crate::error::{Context, Result};

/// What became ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Signal,
    Listener,
    Stdout,
    Stderr,
    Stdin,
    Client(u32),
    Exec(u32),
    /// The network anchor.
    Network,
}

impl Token {
    fn to_data(self) -> EventData {
        let (kind, index) = match self {
            Token::Signal => (0, 0),
            Token::Listener => (1, 0),
            Token::Stdout => (2, 0),
            Token::Stderr => (3, 0),
            Token::Stdin => (4, 0),
            Token::Client(index) => (5, index),
            Token::Exec(index) => (6, index),
            Token::Network => (7, 0),
        };
        EventData::new_u64(kind << 32 | u64::from(index))
    }

    fn from_data(data: EventData) -> Option<Self> {
        let value = data.u64();
        let index = (value & u64::from(u32::MAX)) as u32;
        Some(match value >> 32 {
            0 => Token::Signal,
            1 => Token::Listener,
            2 => Token::Stdout,
            3 => Token::Stderr,
            4 => Token::Stdin,
            5 => Token::Client(index),
            6 => Token::Exec(index),
            7 => Token::Network,
            _ => return None,
        })
    }
}

/// The set of what is watched.
#[derive(Debug)]
pub struct Watch {
    epoll: OwnedFd,
}

impl Watch {
    pub fn new() -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).context("creating an epoll")?;
        Ok(Watch { epoll })
    }

    /// Watches for input.
    pub fn add(&self, fd: impl AsFd, token: Token) -> Result<()> {
        epoll::add(&self.epoll, fd, token.to_data(), EventFlags::IN).context("watching a descriptor")
    }

    /// Watches for input, for output, for both, or only for the end.
    pub fn change(&self, fd: impl AsFd, token: Token, input: bool, output: bool) {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, input);
        flags.set(EventFlags::OUT, output);
        if epoll::modify(&self.epoll, &fd, token.to_data(), flags).is_err() {
            let _ = epoll::add(&self.epoll, &fd, token.to_data(), flags);
        }
    }

    /// No longer watches a descriptor. Needed before it is closed, as copies of it may live in children.
    pub fn remove(&self, fd: impl AsFd) {
        let _ = epoll::delete(&self.epoll, fd);
    }

    /// Sleeps until something is ready or the deadline has passed, with the least memory ([`crate::sys::memory`]).
    pub fn sleep(&self, deadline: Option<Instant>) {
        let timeout = deadline.map_or(-1, |at| {
            let left = at.saturating_duration_since(Instant::now()).as_millis();
            i32::try_from(left).unwrap_or(i32::MAX).saturating_add(1)
        });
        crate::sys::memory::sleep_small(self.epoll.as_fd(), timeout);
    }

    /// Waits until something is ready or the deadline has passed; calls `each` for what is ready.
    pub fn wait(&self, deadline: Option<Instant>) -> Result<Vec<Token>> {
        let timeout = deadline.map(|at| {
            // Rounded up, so that a deadline is over when the wait for it is.
            let left = at.saturating_duration_since(Instant::now()) + Duration::from_micros(1);
            rustix::event::Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        let mut events = Vec::with_capacity(16);
        match epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(errno) => return Err(errno).context("waiting for events"),
        }
        Ok(events.iter().filter_map(|event| Token::from_data(event.data)).collect())
    }
}
