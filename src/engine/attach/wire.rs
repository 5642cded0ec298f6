//! Packets of the monitor's protocol, as a client reads and writes them.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags};

use super::terminal::Window;
use crate::error::{Context as _, Error, Result};
use crate::monitor::protocol::{MAX_MESSAGE, kind};

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub enum Received<'b> {
    /// Kind and payload.
    Packet(u8, &'b [u8]),
    /// Nothing yet.
    Nothing,
    /// The connection has ended.
    End,
}

/// Receives one packet without waiting.
pub fn receive<'b>(connection: BorrowedFd<'_>, buffer: &'b mut [u8; MAX_MESSAGE]) -> Result<Received<'b>> {
    // A peer that closes with packets of ours unread makes the next call fail, once; what it had sent comes after that.
    let mut failed = 0;
    let length = loop {
        match rustix::net::recv(connection, &mut buffer[..], RecvFlags::DONTWAIT) {
            Ok((_, length)) => break length,
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Ok(Received::Nothing),
            Err(Errno::CONNRESET | Errno::PIPE) if failed < 2 => failed += 1,
            Err(Errno::CONNRESET | Errno::PIPE) => return Ok(Received::End),
            Err(error) => return Err(error).context("reading from the monitor"),
        }
    };
    match buffer.get(..length).and_then(<[u8]>::split_first) {
        Some((kind, payload)) => Ok(Received::Packet(*kind, payload)),
        None => Ok(Received::End),
    }
}

/// The exit code of a `q` packet.
pub fn exit_code(payload: &[u8]) -> Result<i32> {
    let code = payload.first_chunk().ok_or_else(|| Error::new("the monitor sent an exit code that is none"))?;
    Ok(i32::from_le_bytes(*code))
}

/// A packet of this kind.
pub fn packet(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(payload.len() + 1);
    packet.push(kind);
    packet.extend_from_slice(payload);
    packet
}

/// A `w` packet.
pub fn window(window: Window) -> Vec<u8> {
    let ([a, b], [c, d]) = (window.rows.to_le_bytes(), window.columns.to_le_bytes());
    vec![kind::WINDOW, a, b, c, d]
}

/// Packets on their way to the monitor.
///
/// They are never sent with a blocking call: while the container does not read its input, its output must still be read,
/// or both would wait for ever.
#[derive(Debug, Default)]
pub struct Outgoing {
    packets: VecDeque<Vec<u8>>,
    closed: bool,
}

impl Outgoing {
    pub fn push(&mut self, packet: Vec<u8>) {
        if !self.closed {
            self.packets.push_back(packet);
        }
    }

    /// Whether there is something to send.
    pub fn is_waiting(&self) -> bool {
        !self.packets.is_empty()
    }

    /// Whether the monitor does not listen any more. What it said before is still to be read.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Sends as much as can be sent without waiting.
    pub fn send(&mut self, connection: BorrowedFd<'_>) -> Result<()> {
        while let Some(packet) = self.packets.front() {
            match rustix::net::send(connection, packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(_) => drop(self.packets.pop_front()),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => {
                    self.packets.clear();
                    self.closed = true;
                }
                Err(error) => return Err(error).context("writing to the monitor"),
            }
        }
        Ok(())
    }
}
