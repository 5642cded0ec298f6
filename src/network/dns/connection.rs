//! A TCP connection of a container: messages with their length before them, many on one connection (RFC 7766).

use std::io::{ErrorKind, Read as _, Result, Write as _};
use std::net::{IpAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;

use super::question::MAX_LENGTH;

/// How long it may be silent, or take for one message.
pub(super) const IDLE: Duration = Duration::from_secs(10);
/// How many of its questions may be unanswered before no more is read.
const MAX_PENDING: usize = 16;
/// How many bytes of answers may be waiting for it before no more is read.
const MAX_OUTPUT: usize = 128 << 10;
/// What is read at once.
const CHUNK: usize = 4096;

/// One connection.
pub(super) struct Connection {
    stream: TcpStream,
    /// The network that it came over.
    pub over: Arc<str>,
    /// Who asks.
    pub address: IpAddr,
    /// Whose share it counts against.
    pub id: Arc<str>,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Questions that have not been answered.
    pub pending: usize,
    /// The other side will say nothing more.
    ended: bool,
    /// When it is closed if nothing happens.
    pub until: Instant,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, over: Arc<str>, address: IpAddr, id: Arc<str>, now: Instant) -> Connection {
        Connection {
            stream,
            over,
            address,
            id,
            input: Vec::new(),
            output: Vec::new(),
            pending: 0,
            ended: false,
            until: now + IDLE,
        }
    }

    pub(super) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Reads what is there, some of it.
    pub(super) fn read(&mut self) -> Result<()> {
        let mut chunk = [0u8; CHUNK];
        while self.reads() && self.input.len() < 2 * CHUNK {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.ended = true,
                Ok(length) => self.input.extend_from_slice(chunk.get(..length).unwrap_or_default()),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The next message that is here as a whole, if it may be asked now.
    ///
    /// # Errors
    /// One that is longer than any question.
    pub(super) fn next_message(&mut self, now: Instant) -> Result<Option<Vec<u8>>> {
        let Some((prefix, rest)) = self.input.split_first_chunk::<2>() else { return Ok(None) };
        let length = usize::from(u16::from_be_bytes(*prefix));
        if length > MAX_LENGTH {
            return Err(ErrorKind::InvalidData.into());
        }
        if !self.has_room() {
            return Ok(None);
        }
        let Some(message) = rest.get(..length).map(<[u8]>::to_vec) else { return Ok(None) };
        self.input.drain(..length + 2);
        self.until = now + IDLE;
        Ok(Some(message))
    }

    /// Sends a message, now or as soon as it can be.
    pub(super) fn send(&mut self, message: &[u8], now: Instant) -> Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| ErrorKind::InvalidData)?;
        self.output.extend_from_slice(&length.to_be_bytes());
        self.output.extend_from_slice(message);
        self.until = now + IDLE;
        self.flush()
    }

    /// Sends what waits, as far as it goes.
    pub(super) fn flush(&mut self) -> Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(length) => drop(self.output.drain(..length)),
                Err(e) if e.kind() == ErrorKind::WouldBlock => break,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// What it waits for.
    pub(super) fn interest(&self) -> EventFlags {
        let mut interest = EventFlags::empty();
        interest.set(EventFlags::IN, self.reads());
        interest.set(EventFlags::OUT, !self.output.is_empty());
        interest
    }

    /// Whether nothing more can come of it.
    pub(super) fn is_done(&self) -> bool {
        self.ended && self.pending == 0 && self.output.is_empty()
    }

    fn reads(&self) -> bool {
        !self.ended && self.has_room()
    }

    fn has_room(&self) -> bool {
        self.pending < MAX_PENDING && self.output.len() < MAX_OUTPUT
    }
}
