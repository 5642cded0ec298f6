//! The relay between our standard streams and a command whose ends we hold ourselves (`exec`).

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use rustix::event::PollFlags;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::console::{Console, Input, Options, Outcome, Target, wait};
use super::wire::{self, Received};
use crate::error::{Context as _, Result};
use crate::monitor::protocol::{MAX_MESSAGE, kind};
use crate::runtime::channel;

/// How much output is read at once.
const OUTPUT: usize = 32 * 1024;

/// How much is still read from each end after the command has ended: more than any pipe or terminal holds, so that
/// nothing of the command's is lost; and a limit, because a process left behind may go on writing for ever.
const DRAIN: usize = 1024 * 1024;

/// Our ends of a command's standard streams. They are made non-blocking; the command's are other file descriptions.
#[derive(Debug)]
pub enum Ends {
    /// The master of its terminal.
    Terminal(OwnedFd),
    /// Its pipes; `None` where it has none.
    Pipes { stdin: Option<OwnedFd>, stdout: Option<OwnedFd>, stderr: Option<OwnedFd> },
}

/// Copies until `done`, a connection to the monitor, tells the command's exit code; what the command wrote before that
/// is copied first. Processes that it left behind are not waited for.
///
/// On [`Outcome::Detached`] the ends stay open, but for those that have come to their end.
///
/// # Errors
/// Our own terminal or output fails, or the monitor sends one.
pub fn copy(ends: &mut Ends, done: BorrowedFd<'_>, options: Options<'_>) -> Result<Outcome> {
    let reading = options.stdin;
    for fd in ends.all() {
        let flags = rustix::fs::fcntl_getfl(fd).context("reading the flags of a stream")?;
        rustix::fs::fcntl_setfl(fd, flags | OFlags::NONBLOCK).context("setting the flags of a stream")?;
    }
    let console = Console::open(options)?;
    let open = [ends.output(Target::Output).is_some(), ends.output(Target::Error).is_some()];
    Copy { ends, done, console, reading, ended: false, open, pending: Vec::new(), buffer: vec![0; OUTPUT] }.run()
}

impl Ends {
    fn all(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let all = match self {
            Ends::Terminal(master) => [Some(master), None, None],
            Ends::Pipes { stdin, stdout, stderr } => [stdin.as_ref(), stdout.as_ref(), stderr.as_ref()],
        };
        all.into_iter().flatten().map(|fd| fd.as_fd())
    }

    fn input(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Ends::Terminal(master) => Some(master.as_fd()),
            Ends::Pipes { stdin, .. } => stdin.as_ref().map(|fd| fd.as_fd()),
        }
    }

    fn output(&self, target: Target) -> Option<BorrowedFd<'_>> {
        match (self, target) {
            (Ends::Terminal(master), Target::Output) => Some(master.as_fd()),
            (Ends::Terminal(_), Target::Error) => None,
            (Ends::Pipes { stdout, .. }, Target::Output) => stdout.as_ref().map(|fd| fd.as_fd()),
            (Ends::Pipes { stderr, .. }, Target::Error) => stderr.as_ref().map(|fd| fd.as_fd()),
        }
    }

    /// Closes a pipe's end, so that the command reads an end of input. A terminal has no such thing.
    fn close_input(&mut self) {
        if let Ends::Pipes { stdin, .. } = self {
            *stdin = None;
        }
    }
}

struct Copy<'c, 'a> {
    ends: &'c mut Ends,
    done: BorrowedFd<'c>,
    console: Console<'a>,
    /// Our input is passed on; false from the moment the command does not take any more.
    reading: bool,
    /// Our input has ended; the command's is closed once nothing is pending.
    ended: bool,
    /// Which outputs have not come to their end: output, error.
    open: [bool; 2],
    /// Input that the command has not taken yet.
    pending: Vec<u8>,
    buffer: Vec<u8>,
}

const TARGETS: [Target; 2] = [Target::Output, Target::Error];

impl Copy<'_, '_> {
    fn run(mut self) -> Result<Outcome> {
        let mut packet = Box::new([0; MAX_MESSAGE]);
        loop {
            if let (Ends::Terminal(master), Some(window)) = (&*self.ends, self.console.take_window()) {
                window.apply(master.as_fd());
            }
            self.send();
            let read = |target| self.ends.output(target).map(|fd| (fd, PollFlags::IN));
            let [output, error, signals, done, _, input] = wait([
                read(Target::Output).filter(|_| self.open[0]),
                read(Target::Error).filter(|_| self.open[1]),
                Some((self.console.signals(), PollFlags::IN)),
                Some((self.done, PollFlags::IN)),
                self.ends.input().filter(|_| !self.pending.is_empty()).map(|fd| (fd, PollFlags::OUT)),
                (self.reading && self.pending.is_empty()).then(|| (self.console.input(), PollFlags::IN)),
            ])?;
            if !signals.is_empty()
                && let Some(outcome) = self.console.take_signals()
            {
                return Ok(outcome);
            }
            for (target, ready) in TARGETS.into_iter().zip([output, error]) {
                if !ready.is_empty()
                    && let Some(outcome) = self.receive(target)?.1
                {
                    return Ok(outcome);
                }
            }
            if !done.is_empty()
                && let Some(outcome) = self.ask(&mut packet)?
            {
                return self.drain(outcome);
            }
            if !input.is_empty() && self.read() {
                self.send();
                return Ok(Outcome::Detached);
            }
        }
    }

    /// What the monitor tells of the command's end.
    fn ask(&self, packet: &mut [u8; MAX_MESSAGE]) -> Result<Option<Outcome>> {
        match wire::receive(self.done, packet)? {
            Received::Packet(kind::EXIT, payload) => Ok(Some(Outcome::Exited(wire::exit_code(payload)?))),
            Received::Packet(kind::FAILED, payload) => Err(channel::decode_error(payload)),
            Received::Packet(..) | Received::Nothing => Ok(None),
            Received::End => Ok(Some(Outcome::Lost)),
        }
    }

    /// Copies what is there at once, and no more.
    fn drain(mut self, outcome: Outcome) -> Result<Outcome> {
        for (index, target) in TARGETS.into_iter().enumerate() {
            let mut drained = 0;
            while self.open[index] && drained < DRAIN {
                let (length, ended) = self.receive(target)?;
                if let Some(ended) = ended {
                    // Nobody reads any more: the exit code is what is left to tell.
                    return Ok(if ended == Outcome::OutputClosed { outcome } else { ended });
                }
                if length == 0 {
                    break;
                }
                drained += length;
            }
        }
        Ok(outcome)
    }

    /// Copies output once. Returns how much, and how the session ends, if it does.
    fn receive(&mut self, target: Target) -> Result<(usize, Option<Outcome>)> {
        let Some(fd) = self.ends.output(target) else { return Ok((0, None)) };
        match rustix::io::read(fd, &mut self.buffer[..]) {
            Err(Errno::INTR | Errno::AGAIN) => Ok((0, None)),
            // A terminal says so (EIO) when the last process has closed it.
            Ok(0) | Err(_) => {
                self.open[usize::from(target == Target::Error)] = false;
                Ok((0, None))
            }
            Ok(length) => {
                let outcome = self.console.write(target, self.buffer.get(..length).unwrap_or(&[]))?;
                Ok((length, outcome))
            }
        }
    }

    /// Reads our input once; true when the user detaches.
    fn read(&mut self) -> bool {
        let (bytes, ended, detach) = match self.console.read() {
            Input::Data(bytes) => (bytes, false, false),
            Input::End(bytes) => (bytes, true, false),
            Input::Detach(bytes) => (bytes, false, true),
        };
        self.pending = bytes;
        self.ended = ended;
        self.reading = !ended;
        detach
    }

    /// Passes on what is pending, as much as the command takes without waiting.
    fn send(&mut self) {
        while !self.pending.is_empty() {
            let Some(fd) = self.ends.input() else { break };
            match rustix::io::write(fd, &self.pending) {
                Ok(n) => drop(self.pending.drain(..n)),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // The command does not read any more; that is no concern of its output.
                Err(_) => {
                    self.pending.clear();
                    self.reading = false;
                    self.ended = true;
                }
            }
        }
        if self.ended {
            self.pending.clear();
            self.ends.close_input();
        }
    }
}

#[cfg(test)]
#[path = "copy_tests.rs"]
mod tests;
