//! The relay between our standard streams and a container whose ends its monitor holds.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;

use super::console::{Console, Input, Options, Outcome, Target, wait};
use super::terminal::Window;
use super::wire::{self, Outgoing, Received};
use crate::error::{Error, Result};
use crate::monitor::protocol::{ATTACH_STDERR, ATTACH_STDIN, ATTACH_STDOUT, MAX_MESSAGE, kind};
use crate::runtime::channel;

/// Which streams to attach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Streams {
    pub stdin: bool,
    pub stdout: bool,
    pub stderr: bool,
}

/// A connection over which the monitor already sends output.
#[derive(Debug)]
pub struct Attached(OwnedFd);

impl Attached {
    /// A connection whose other end a monitor was given as its first client.
    pub fn already(connection: OwnedFd) -> Self {
        Attached(connection)
    }
}

/// Attaches over a new connection, and waits until the monitor has agreed: what the container writes from then on comes.
///
/// With `window`, the container's terminal has it before the monitor reads anything else of this connection.
///
/// # Errors
/// The monitor's own (`E`), and that of a connection that ends.
pub fn attach(connection: OwnedFd, streams: Streams, window: Option<Window>) -> Result<Attached> {
    let flag = |wanted, flag| if wanted { flag } else { 0 };
    let flags =
        flag(streams.stdin, ATTACH_STDIN) | flag(streams.stdout, ATTACH_STDOUT) | flag(streams.stderr, ATTACH_STDERR);
    let mut outgoing = Outgoing::default();
    outgoing.push(wire::packet(kind::ATTACH, &[flags]));
    if let Some(window) = window {
        outgoing.push(wire::window(window));
    }
    let mut buffer = Box::new([0; MAX_MESSAGE]);
    loop {
        outgoing.send(connection.as_fd())?;
        let more = if outgoing.is_waiting() { PollFlags::OUT } else { PollFlags::empty() };
        wait([Some((connection.as_fd(), PollFlags::IN | more))])?;
        match wire::receive(connection.as_fd(), &mut buffer)? {
            Received::Packet(kind::ATTACHED, _) => return Ok(Attached(connection)),
            Received::Packet(kind::FAILED, payload) => return Err(channel::decode_error(payload)),
            Received::Packet(other, _) => {
                return Err(Error::new(format!("the monitor answered `{}` to attach", other.escape_ascii())));
            }
            Received::Nothing => {}
            Received::End => return Err(Error::new("the monitor ended while it was being attached to")),
        }
    }
}

/// Relays until the container ends, the user detaches, or there is nobody left to relay for.
///
/// # Errors
/// Our own terminal or output fails; the container goes on.
pub fn relay(attached: &Attached, options: Options<'_>) -> Result<Outcome> {
    let stdin = options.stdin;
    let console = Console::open(options)?;
    let relay = Relay { connection: attached.0.as_fd(), console, outgoing: Outgoing::default(), reading: stdin };
    relay.run()
}

struct Relay<'c, 'a> {
    connection: BorrowedFd<'c>,
    console: Console<'a>,
    outgoing: Outgoing,
    /// Input has not ended yet.
    reading: bool,
}

impl Relay<'_, '_> {
    fn run(mut self) -> Result<Outcome> {
        let mut buffer = Box::new([0; MAX_MESSAGE]);
        loop {
            if let Some(window) = self.console.take_window() {
                self.outgoing.push(wire::window(window));
            }
            self.outgoing.send(self.connection)?;
            let waiting = self.outgoing.is_waiting();
            let reading = self.reading && !waiting && !self.outgoing.is_closed();
            let [signals, connection, input] = wait([
                Some((self.console.signals(), PollFlags::IN)),
                Some((self.connection, if waiting { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN })),
                reading.then(|| (self.console.input(), PollFlags::IN)),
            ])?;
            if !signals.is_empty()
                && let Some(outcome) = self.console.take_signals()
            {
                return Ok(outcome);
            }
            if connection.intersects(PollFlags::IN | PollFlags::HUP | PollFlags::ERR)
                && let Some(outcome) = self.receive(&mut buffer)?
            {
                return Ok(outcome);
            }
            if !input.is_empty() && self.read()? {
                return Ok(Outcome::Detached);
            }
        }
    }

    /// Takes one packet from the monitor.
    fn receive(&mut self, buffer: &mut [u8; MAX_MESSAGE]) -> Result<Option<Outcome>> {
        match wire::receive(self.connection, buffer)? {
            Received::Packet(kind::STDOUT, bytes) => self.console.write(Target::Output, bytes),
            Received::Packet(kind::STDERR, bytes) => self.console.write(Target::Error, bytes),
            Received::Packet(kind::EXIT, payload) => Ok(Some(Outcome::Exited(wire::exit_code(payload)?))),
            // A later monitor may have more to tell.
            Received::Packet(..) | Received::Nothing => Ok(None),
            Received::End => Ok(Some(Outcome::Lost)),
        }
    }

    /// Reads input once; true when the user detaches.
    fn read(&mut self) -> Result<bool> {
        let (bytes, end, detach) = match self.console.read() {
            Input::Data(bytes) => (bytes, false, false),
            Input::End(bytes) => (bytes, true, false),
            Input::Detach(bytes) => (bytes, false, true),
        };
        if !bytes.is_empty() {
            self.outgoing.push(wire::packet(kind::INPUT, &bytes));
        }
        if end {
            self.reading = false;
            self.outgoing.push(wire::packet(kind::END_OF_INPUT, &[]));
        }
        if detach {
            // What was typed before the keys is the container's. There is room for it: nothing else was waiting.
            self.outgoing.send(self.connection)?;
        }
        Ok(detach)
    }
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
