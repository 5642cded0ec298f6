//! The user's terminal: raw mode that is undone on every way out, and its window.

use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd, RawFd};
use std::sync::{Mutex, Once, PoisonError};

use rustix::termios::{self, OptionalActions, Termios};

use crate::error::{Context as _, Result};
use crate::sys::signal::SignalSet;

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub rows: u16,
    pub columns: u16,
}

impl Window {
    /// The window of a terminal; `None` where `fd` is none, or one without a size (a serial line).
    pub fn of(fd: BorrowedFd<'_>) -> Option<Window> {
        let size = termios::tcgetwinsize(fd).ok()?;
        (size.ws_row > 0 || size.ws_col > 0).then_some(Window { rows: size.ws_row, columns: size.ws_col })
    }

    /// Gives a terminal, from its master's side, this window.
    pub fn apply(self, master: BorrowedFd<'_>) {
        let size = termios::Winsize { ws_row: self.rows, ws_col: self.columns, ws_xpixel: 0, ws_ypixel: 0 };
        // A terminal that is gone has no window to change; its end is noticed where it is read.
        let _ = termios::tcsetwinsize(master, size);
    }
}

/// A terminal in raw mode: what is typed goes to the container byte by byte, signals included.
///
/// Dropping it brings the mode before back. Because a release build does not unwind, a panic hook does so as well; and
/// signals that would end the process are read from a descriptor while this exists (see `console`).
#[derive(Debug)]
pub struct RawMode<'a> {
    fd: BorrowedFd<'a>,
    before: Termios,
    raw: Termios,
}

/// What the panic hook brings back: descriptors of our own, so that a terminal is not confused with a later file.
static SAVED: Mutex<Vec<(RawFd, OwnedFd, Termios)>> = Mutex::new(Vec::new());
static HOOK: Once = Once::new();

impl<'a> RawMode<'a> {
    /// Enters raw mode.
    pub fn enter(fd: BorrowedFd<'a>) -> Result<Self> {
        let before = termios::tcgetattr(fd).context("reading the mode of the terminal")?;
        let mut raw = before.clone();
        raw.make_raw();
        let copy = fd.try_clone_to_owned().context("setting the terminal to raw mode")?;
        install_hook();
        SAVED.lock().unwrap_or_else(PoisonError::into_inner).push((fd.as_raw_fd(), copy, before.clone()));
        // From here on, the guard takes it back.
        let guard = RawMode { fd, before, raw };
        termios::tcsetattr(fd, OptionalActions::Now, &guard.raw).context("setting the terminal to raw mode")?;
        Ok(guard)
    }

    /// Brings the mode before back for a while: this process is about to be stopped.
    pub fn suspend(&self) {
        restore(self.fd, &self.before);
    }

    /// Enters raw mode again, after this process was stopped and somebody else used the terminal.
    pub fn resume(&self) {
        if in_foreground(self.fd) {
            let _ = termios::tcsetattr(self.fd, OptionalActions::Now, &self.raw);
        }
    }
}

impl Drop for RawMode<'_> {
    fn drop(&mut self) {
        restore(self.fd, &self.before);
        let mut saved = SAVED.lock().unwrap_or_else(PoisonError::into_inner);
        saved.retain(|(fd, _, _)| *fd != self.fd.as_raw_fd());
    }
}

/// Sets the mode `before`, unless the terminal is another job's by now.
fn restore(fd: BorrowedFd<'_>, before: &Termios) {
    if in_foreground(fd) {
        // Should the terminal be taken away just now, this must not stop us.
        let mask = SignalSet::of([libc::SIGTTOU]).block();
        let _ = termios::tcsetattr(fd, OptionalActions::Now, before);
        mask.set_as_mask();
    }
}

/// Whether the terminal is ours to change. One that does not control us has no foreground that we could be outside of.
fn in_foreground(fd: BorrowedFd<'_>) -> bool {
    termios::tcgetpgrp(fd).is_err() || termios::tcgetpgrp(fd) == Ok(rustix::process::getpgrp())
}

fn install_hook() {
    HOOK.call_once(|| {
        let next = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            // Held only for moments, and never across code that can panic.
            if let Ok(saved) = SAVED.try_lock() {
                saved.iter().for_each(|(_, fd, before)| restore(fd.as_fd(), before));
            }
            next(info);
        }));
    });
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// Both ends of a new terminal, master first.
    pub fn pty() -> (OwnedFd, OwnedFd) {
        let flags =
            rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY | rustix::pty::OpenptFlags::CLOEXEC;
        let master = rustix::pty::openpt(flags).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let slave = rustix::pty::ioctl_tiocgptpeer(&master, flags).unwrap();
        (master, slave)
    }

    /// Whether a terminal echoes, breaks signals out, or waits for lines.
    pub fn is_raw(fd: &OwnedFd) -> bool {
        let modes = termios::tcgetattr(fd).unwrap().local_modes;
        !modes.intersects(termios::LocalModes::ECHO | termios::LocalModes::ICANON | termios::LocalModes::ISIG)
    }

    /// Waits for something that nothing tells of.
    pub fn until(what: &str, done: impl Fn() -> bool) {
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
        while !done() {
            assert!(std::time::Instant::now() < deadline, "waiting in vain until {what}");
            std::thread::yield_now();
        }
    }

    /// Types, once the terminal is raw: the kernel shows what it got before only with the next key.
    pub fn type_raw(master: &OwnedFd, slave: &OwnedFd, keys: &[u8]) {
        until("the terminal is raw", || is_raw(slave));
        rustix::io::write(master, keys).unwrap();
    }

    #[test]
    fn raw_mode_ends_with_its_guard() {
        let (_master, slave) = pty();
        let before = format!("{:?}", termios::tcgetattr(&slave).unwrap());
        let guard = RawMode::enter(slave.as_fd()).unwrap();
        assert!(is_raw(&slave));
        guard.suspend();
        assert!(!is_raw(&slave));
        guard.resume();
        assert!(is_raw(&slave));
        drop(guard);
        assert_eq!(format!("{:?}", termios::tcgetattr(&slave).unwrap()), before);
    }

    /// In a process of its own, because the hook restores every terminal, those of other tests too.
    #[test]
    fn the_panic_hook_leaves_raw_mode_even_without_unwinding() {
        let name = "engine::attach::terminal::tests::a_panic_with_a_raw_terminal";
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let output = alone.args(["--exact", name, "--ignored"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    #[test]
    #[ignore = "run by the_panic_hook_leaves_raw_mode_even_without_unwinding"]
    fn a_panic_with_a_raw_terminal() {
        let (_master, slave) = pty();
        let _guard = std::mem::ManuallyDrop::new(RawMode::enter(slave.as_fd()).unwrap());
        let panicked = std::thread::spawn(|| std::panic::panic_any("wanted by the test")).join();
        assert!(panicked.is_err() && !is_raw(&slave));
    }

    #[test]
    fn raw_mode_of_something_else_is_an_error() {
        let null = std::fs::File::open("/dev/null").unwrap();
        let error = RawMode::enter(null.as_fd()).unwrap_err();
        assert!(error.to_string().starts_with("reading the mode of the terminal: "), "{error}");
    }

    #[test]
    fn windows_are_read_and_set() {
        let (master, slave) = pty();
        assert_eq!(Window::of(slave.as_fd()), None);
        let window = Window { rows: 40, columns: 132 };
        window.apply(master.as_fd());
        assert_eq!(Window::of(slave.as_fd()), Some(window));
        assert_eq!(Window::of(std::fs::File::open("/dev/null").unwrap().as_fd()), None);
    }
}
