//! One direction of a connection: bytes from one socket to the other.
//!
//! Few bytes are copied through a buffer, which costs less than setting up a pipe; a stream that keeps filling the buffer
//! is spliced and not copied. What the receiver does not take now is held here, and nothing more is read until it is gone,
//! so that the sender feels the receiver's pace.
//!
//! Events are edge-triggered: `readable` and `writable` say what is known, and are cleared only by the kernel's "not now".

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown, sockopt};
use rustix::pipe::{SpliceFlags, splice};

use super::pipes::{Pipe, Pipes, SIZE};

/// How much is copied at once.
pub(super) const BUFFER: usize = 64 << 10;
/// How much one direction may move before others have their turn.
const TURN: usize = 4 << 20;
/// A turn of so little is better copied.
const LITTLE: usize = BUFFER / 2;
/// So many such turns end the splicing.
const PATIENCE: u8 = 8;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) buffer: Vec<u8>,
    pub(super) pipes: Pipes,
}

#[derive(Debug, Default)]
pub(super) struct Way {
    /// There may be something to read.
    pub(super) readable: bool,
    /// The receiver may take something.
    pub(super) writable: bool,
    /// A read of less than was asked for does not mean that nothing is left: the end is near, or there is urgent data.
    pub(super) thorough: bool,
    /// Nothing more will be read.
    ended: bool,
    /// Nothing more will be written; the receiver knows.
    closed: bool,
    held: Held,
    /// The receiver's kernel was told that more follows, and may keep the end of what it has until then.
    corked: bool,
    /// How often the buffer was filled (then it is spliced), or how much patience is left with a thin stream.
    spliced: u8,
}

/// Read and not yet written.
#[derive(Debug, Default)]
enum Held {
    #[default]
    Nothing,
    /// The bytes from the position on.
    Bytes(Vec<u8>, usize),
    /// So many bytes in the pipe.
    Piped(Pipe, usize),
}

/// How it stands after [`Way::pump`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// The next event has to come first.
    Waiting,
    /// There is more to be done at once.
    More,
    /// The end was passed on.
    Finished,
    /// The sender cannot be read any more: it sent RST, or is not reachable.
    SenderLost,
    /// The receiver takes no more.
    ReceiverLost,
}

impl Way {
    pub(super) fn is_finished(&self) -> bool {
        self.closed
    }

    /// Moves what can be moved now.
    pub(super) fn pump(&mut self, from: &OwnedFd, to: &OwnedFd, tools: &mut Tools) -> Flow {
        if self.closed {
            return Flow::Finished;
        }
        let mut moved = 0;
        loop {
            match self.flush(to, tools) {
                Ok(true) => {}
                Ok(false) => return Flow::Waiting,
                Err(_) => {
                    self.closed = true;
                    return Flow::ReceiverLost;
                }
            }
            if self.ended {
                self.closed = true;
                // It fails if the receiver has gone, and then it knows.
                let _ = shutdown(to, Shutdown::Write);
                return Flow::Finished;
            }
            if !self.readable || !self.writable {
                self.uncork(to);
                return Flow::Waiting;
            }
            if moved >= TURN {
                return Flow::More;
            }
            let pipe = if self.spliced > 0 { tools.pipes.take() } else { None };
            let got = match pipe {
                Some(pipe) => self.read_pipe(from, pipe, tools, moved),
                None => self.read_buffer(from, to, tools),
            };
            match got {
                Ok(n) => moved += n,
                Err(flow) => return flow,
            }
        }
    }

    /// Writes what is held; whether all of it is gone.
    fn flush(&mut self, to: &OwnedFd, tools: &mut Tools) -> Result<bool, Errno> {
        loop {
            if matches!(self.held, Held::Nothing) {
                return Ok(true);
            }
            if !self.writable {
                return Ok(false);
            }
            let written = match &self.held {
                Held::Nothing => return Ok(true),
                Held::Bytes(bytes, start) => write(to, bytes.get(*start..).unwrap_or_default()),
                Held::Piped(pipe, left) => {
                    // A full pipe is no multiple of a packet: without this each ends with a packet of some bytes.
                    self.corked = *left == SIZE;
                    let more = if self.corked { SpliceFlags::MORE } else { SpliceFlags::empty() };
                    splice(&pipe.read, None, to, None, *left, SpliceFlags::MOVE | SpliceFlags::NONBLOCK | more)
                }
            };
            match written {
                Ok(n) => self.held = std::mem::take(&mut self.held).without(n, &mut tools.pipes),
                Err(Errno::AGAIN) => self.writable = false,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno),
            }
        }
    }

    /// Nothing more follows for now: what the kernel has kept is sent, tcp(7) TCP_NODELAY.
    fn uncork(&mut self, to: &OwnedFd) {
        if std::mem::take(&mut self.corked) {
            let _ = sockopt::set_tcp_nodelay(to, true);
        }
    }

    fn read_pipe(&mut self, from: &OwnedFd, pipe: Pipe, tools: &mut Tools, moved: usize) -> Result<usize, Flow> {
        let flags = SpliceFlags::MOVE | SpliceFlags::NONBLOCK;
        let result = splice(from, None, &pipe.write, None, SIZE, flags);
        if let Ok(n @ 1..) = result {
            self.held = Held::Piped(pipe, n);
            return Ok(n);
        }
        tools.pipes.give_back(pipe, true);
        match result {
            Ok(_) => self.ended = true,
            Err(Errno::AGAIN) => {
                self.readable = false;
                self.spliced = if moved < LITTLE { self.spliced.saturating_sub(1) } else { PATIENCE };
            }
            Err(Errno::INTR) => {}
            // Urgent data stands in the way, which splice does not pass.
            Err(Errno::INVAL) => self.spliced = 0,
            Err(_) => return Err(Flow::SenderLost),
        }
        Ok(0)
    }

    fn read_buffer(&mut self, from: &OwnedFd, to: &OwnedFd, tools: &mut Tools) -> Result<usize, Flow> {
        let n = match recv(from, &mut tools.buffer[..], RecvFlags::DONTWAIT) {
            Ok((0, _)) => {
                self.ended = true;
                return Ok(0);
            }
            Ok((n, _)) => n,
            Err(Errno::AGAIN) => {
                self.readable = false;
                return Ok(0);
            }
            Err(Errno::INTR) => return Ok(0),
            Err(_) => return Err(Flow::SenderLost),
        };
        if n == BUFFER {
            self.spliced = PATIENCE;
        } else if !self.thorough {
            // The next byte brings the next event.
            self.readable = false;
        }
        let bytes = tools.buffer.get(..n).unwrap_or_default();
        let written = match write(to, bytes) {
            Ok(written) => written,
            Err(Errno::AGAIN) => {
                self.writable = false;
                0
            }
            Err(Errno::INTR) => 0,
            Err(_) => {
                self.closed = true;
                return Err(Flow::ReceiverLost);
            }
        };
        if let Some(rest @ [_, ..]) = bytes.get(written..) {
            self.held = Held::Bytes(rest.to_vec(), 0);
        }
        Ok(n)
    }

    /// Gives back what it has of the tools.
    pub(super) fn dismantle(self, tools: &mut Tools) {
        if let Held::Piped(pipe, _) = self.held {
            tools.pipes.give_back(pipe, false);
        }
    }
}

impl Held {
    /// What is left after `n` bytes were written.
    fn without(self, n: usize, pipes: &mut Pipes) -> Held {
        match self {
            Held::Bytes(bytes, start) if start + n < bytes.len() => Held::Bytes(bytes, start + n),
            Held::Piped(pipe, left) if n < left => Held::Piped(pipe, left - n),
            Held::Piped(pipe, _) => {
                pipes.give_back(pipe, true);
                Held::Nothing
            }
            Held::Bytes(..) | Held::Nothing => Held::Nothing,
        }
    }
}

fn write(to: &OwnedFd, bytes: &[u8]) -> Result<usize, Errno> {
    send(to, bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
}
