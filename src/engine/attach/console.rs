//! Our own end of an attached session: standard input, output and error, the terminal among them, and signals.
//!
//! The descriptors are the user's and shared with others (a shell, another job), so none of them is ever made
//! non-blocking; poll says when to read or write. While output waits for a slow reader, signals are still served.

use std::os::fd::{AsFd as _, BorrowedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;

use super::keys::{DetachKeys, Scanner};
use super::terminal::{RawMode, Window};
use crate::error::{Context as _, Error, Result};
use crate::sys::signal::{self, Held, SignalFd, SignalSet};
use crate::sys::stdio;

/// How much input is read at once: it fits into a packet together with keys that were held back.
const INPUT: usize = 16 * 1024;

/// A pipe with room has room for this much (PIPE_BUF), so that writing as much does not block.
const NOT_BLOCKING: usize = 4096;

/// The three descriptors of a session.
#[derive(Debug, Clone, Copy)]
pub struct Stdio<'a> {
    pub input: BorrowedFd<'a>,
    pub output: BorrowedFd<'a>,
    pub error: BorrowedFd<'a>,
}

impl Stdio<'static> {
    /// The process's own.
    pub fn own() -> Self {
        Stdio { input: stdio::input(), output: stdio::output(), error: stdio::error() }
    }
}

impl Stdio<'_> {
    /// The window of the first of the three that is a terminal.
    pub fn window(&self) -> Option<Window> {
        [self.input, self.output, self.error].into_iter().find_map(Window::of)
    }
}

/// How to attach.
pub struct Options<'a> {
    pub stdio: Stdio<'a>,
    /// Pass input on. Without it, standard input is not touched.
    pub stdin: bool,
    /// The container has a terminal: ours becomes raw (with `stdin`), and its window follows ours.
    pub tty: bool,
    pub detach_keys: DetachKeys,
    /// Called with each signal that is to be passed on. Without it, signals act on this process as ever, but for the
    /// terminal being restored first.
    pub proxy: Option<&'a mut dyn FnMut(i32)>,
}

/// How an attached session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The command ended with this code, and all its output has been written.
    Exited(i32),
    /// The user typed the detach keys.
    Detached,
    /// The monitor is gone without having told how the command ended.
    Lost,
    /// Nobody reads our output any more (`run ... | head -1`). The command goes on.
    OutputClosed,
    /// This process is to end by this signal (see [`signal::die_by`]). The terminal has been restored.
    Signalled(i32),
}

/// Where output goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Output,
    Error,
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Input {
    /// Bytes to pass on. May be none, when keys are held back.
    Data(Vec<u8>),
    /// Bytes to pass on, after which there are none.
    End(Vec<u8>),
    /// Bytes to pass on that were typed before the detach keys.
    Detach(Vec<u8>),
}

/// Signals that are not passed on. SIGCHLD and SIGPIPE are about ourselves, SIGTTIN and SIGTTOU stop us where they
/// should, SIGURG is what other engines leave out; the rest tells of a fault of our own, or cannot be caught.
const NOT_PROXIED: &[i32] = &[
    libc::SIGCHLD,
    libc::SIGPIPE,
    libc::SIGURG,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGKILL,
    libc::SIGSTOP,
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGTRAP,
    libc::SIGSYS,
    libc::SIGABRT,
];

/// Signals after which a terminal must not stay raw.
const FATAL: &[i32] =
    &[libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGTERM, libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM];

/// The signals that are passed on, unless they are ignored.
pub fn proxied_signals() -> SignalSet {
    SignalSet::all_but(NOT_PROXIED)
}

/// Our end of a session, until dropped.
pub struct Console<'a> {
    stdio: Stdio<'a>,
    // Dropped in this order: a signal that comes then must find the terminal as it was.
    raw: Option<RawMode<'a>>,
    _held: Held,
    signals: SignalFd,
    proxy: Option<&'a mut dyn FnMut(i32)>,
    tty: bool,
    window_changed: bool,
    scanner: Scanner,
    /// Regular files, which never block for long.
    direct: [bool; 2],
    error_closed: bool,
}

impl<'a> Console<'a> {
    /// Takes the signals, and makes the terminal raw where that is asked for.
    pub fn open(options: Options<'a>) -> Result<Self> {
        let Options { stdio, stdin, tty, detach_keys, proxy } = options;
        let terminal = stdin && rustix::termios::isatty(stdio.input);
        let raw = terminal && tty;
        let mut set = match (&proxy, raw) {
            (Some(_), _) => proxied_signals(),
            (None, true) => SignalSet::of(FATAL.iter().copied()),
            (None, false) => SignalSet::empty(),
        };
        if raw {
            set.add(libc::SIGTSTP);
            set.add(libc::SIGCONT);
        }
        if tty {
            set.add(libc::SIGWINCH);
        }
        let set = set.unless_ignored();
        let signals = SignalFd::new(&set).context("opening a descriptor for signals")?;
        let is_file = |fd| rustix::fs::fstat(fd).is_ok_and(|s| s.st_mode & libc::S_IFMT == libc::S_IFREG);
        // A stream of bytes that nobody typed may hold the sequence by chance.
        let keys = if terminal || tty { detach_keys } else { DetachKeys::default() };
        let mut console = Console {
            stdio,
            raw: None,
            _held: Held::new(&set),
            signals,
            proxy,
            tty,
            window_changed: tty,
            scanner: Scanner::new(&keys),
            direct: [is_file(stdio.output), is_file(stdio.error)],
            error_closed: false,
        };
        if raw {
            console.raw = Some(RawMode::enter(stdio.input)?);
        }
        Ok(console)
    }

    /// What to wait for: readable when [`Console::take_signals`] has something to do.
    pub fn signals(&self) -> BorrowedFd<'_> {
        self.signals.as_fd()
    }

    /// What to wait for: readable when [`Console::read`] does not block.
    pub fn input(&self) -> BorrowedFd<'a> {
        self.stdio.input
    }

    /// The window, if it has changed since the last time, or was never asked for.
    pub fn take_window(&mut self) -> Option<Window> {
        std::mem::take(&mut self.window_changed).then(|| self.stdio.window()).flatten()
    }

    /// Serves the signals that have come. Returns the one by which this process is to end, if one is.
    pub fn take_signals(&mut self) -> Option<Outcome> {
        while let Some(signal) = self.signals.next() {
            if signal == libc::SIGWINCH && self.tty {
                self.window_changed = true;
                continue;
            }
            match (&self.raw, &mut self.proxy) {
                (Some(raw), _) if signal == libc::SIGCONT => {
                    raw.resume();
                    self.window_changed = true;
                }
                (_, Some(proxy)) => proxy(signal),
                (Some(raw), None) if signal == libc::SIGTSTP => {
                    raw.suspend();
                    let _ = signal::send(rustix::process::getpid().as_raw_nonzero().get(), libc::SIGSTOP);
                }
                _ => return Some(Outcome::Signalled(signal)),
            }
        }
        None
    }

    /// Reads input, when poll has said that there is some.
    pub fn read(&mut self) -> Input {
        let mut out = Vec::new();
        let mut buffer = [0; INPUT];
        match rustix::io::read(self.stdio.input, &mut buffer) {
            Ok(0) => {}
            Ok(n) => {
                let read = buffer.get(..n).unwrap_or(&[]);
                return match self.scanner.feed(read, &mut out) {
                    true => Input::Detach(out),
                    false => Input::Data(out),
                };
            }
            // Another process made the terminal non-blocking, and a third took what there was.
            Err(Errno::INTR | Errno::AGAIN) => return Input::Data(out),
            // Closed, a directory, a terminal that hung up or is not ours (any more): there is no input.
            Err(_) => {}
        }
        self.scanner.finish(&mut out);
        Input::End(out)
    }

    /// Writes all of `bytes`. Returns how the session ends, if it does.
    ///
    /// # Errors
    /// What is written to cannot take it (a full disk).
    pub fn write(&mut self, target: Target, bytes: &[u8]) -> Result<Option<Outcome>> {
        let (fd, direct, name) = match target {
            Target::Output => (self.stdio.output, self.direct[0], "standard output"),
            Target::Error if self.error_closed => return Ok(None),
            Target::Error => (self.stdio.error, self.direct[1], "standard error"),
        };
        let mut rest = bytes;
        while !rest.is_empty() {
            let mut length = rest.len();
            if !direct {
                let [ready, signals] = wait([Some((fd, PollFlags::OUT)), Some((self.signals(), PollFlags::IN))])?;
                if !signals.is_empty()
                    && let Some(outcome) = self.take_signals()
                {
                    return Ok(Some(outcome));
                }
                if ready.is_empty() {
                    continue;
                }
                length = length.min(NOT_BLOCKING);
            }
            match rustix::io::write(fd, rest.get(..length).unwrap_or(rest)) {
                Ok(n) => rest = rest.get(n..).unwrap_or(&[]),
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(Errno::PIPE) if target == Target::Output => return Ok(Some(Outcome::OutputClosed)),
                Err(Errno::PIPE) => {
                    self.error_closed = true;
                    return Ok(None);
                }
                Err(e) => return Err(Error::from(e).wrap(format!("writing to {name}"))),
            }
        }
        Ok(None)
    }
}

/// Waits until one of these is ready; `None` is never ready. An empty answer means: not this one.
pub fn wait<const N: usize>(wanted: [Option<(BorrowedFd<'_>, PollFlags)>; N]) -> Result<[PollFlags; N]> {
    let mut fds: Vec<PollFd<'_>> =
        wanted.iter().flatten().map(|(fd, events)| PollFd::from_borrowed_fd(*fd, *events)).collect();
    while let Err(error) = rustix::event::poll(&mut fds, None) {
        if error != Errno::INTR {
            return Err(error).context("waiting for input");
        }
    }
    let mut answers = fds.iter().map(PollFd::revents);
    Ok(wanted.map(|w| w.and_then(|_| answers.next()).unwrap_or(PollFlags::empty())))
}
